/* owners.h: what the owners of tables hear of their entries.  All is under the
 * collector's lock. */
#ifndef GCW__OWNERS_H
#define GCW__OWNERS_H

#include "marks/engine.h"

/* The entry of a table, which may be of one, was taken away.  If the owner may be
 * dead, it does not hear of that. */
void gcw__bury(struct gcw__weak_table *t, bool owner_lives);

/* How often that was. */
uint64_t gcw__owners_died(void);

/* The key of a guarded entry has died.  `is_stopped`: the world is. */
void gcw__let_fall(struct gcw__weak_table *t, struct gcw__weak_entry *entry,
                   bool is_stopped);

/* Whether some of its entries also live by what their values say. */
static inline bool
gcw__asks(const struct gcw__weak_table *t)
{
    return gcw__weak_capacity(atomic_load(&t->shape)) > 1
           && atomic_load(&((const struct gcw__map_table *)t)->asks);
}

/* What that is: see gcw__engine_listener. */
bool gcw__lives_also(uintptr_t value, uintptr_t *also);

#endif
