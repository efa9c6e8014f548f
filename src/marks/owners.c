/* owners.c: what the owners of tables hear of their entries. */
#include <config.h>
#include "marks/owners.h"

#include <gc.h>

static const struct gcw__engine_listener *owners;
static uint64_t died;

void
gcw__engine_listen(const struct gcw__engine_listener *listener)
{
    owners = listener;
}

uint64_t
gcw__owners_died(void)
{
    return died;
}

/* After so many deaths in a table, as a part of its capacity, its owner looks
 * whether it has become sparse. */
enum { SOME = 16 };

void
gcw__bury(struct gcw__weak_table *t, bool owner_lives)
{
    struct gcw__map_table *table = (struct gcw__map_table *)t;
    size_t capacity = gcw__weak_capacity(gcw__weak_load(&t->shape)), dead;

    died++;
    if (capacity == 1)
        return;
    dead = atomic_load_explicit(&table->dead, memory_order_relaxed) + 1;
    atomic_store_explicit(&table->dead, dead, memory_order_relaxed);
    if (dead % (capacity / SOME) == 0 && owner_lives)
        owners->died(table->owner);
}

void
gcw__let_fall(struct gcw__weak_table *t, struct gcw__weak_entry *entry,
              bool is_stopped)
{
    owners->fell(((struct gcw__map_table *)t)->owner, entry, is_stopped);
}

bool
gcw__lives_also(uintptr_t value, uintptr_t *also)
{
    return GC_base((void *)value) == (void *)value
           && owners->also(value, also);
}
