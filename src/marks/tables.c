/* tables.c: the tables that there are.
 *
 * An array in memory that no collection looks at.  A table knows its number.
 * While marking goes on the array has three parts:
 *
 *     0      given      reached      count
 *     | given  | reached  | not yet    |
 *
 * Reaching a table exchanges it with the first that is not.
 *
 * The addresses are hidden: copies of some may be left on a stack, and a
 * collector that is built to stand for malloc looks into its memory.
 *
 * A collection that nobody has told of leaves dead tables in the array, whose
 * memory may serve anything by now.
 *
 * All is under the collector's lock.  Memory for more is got without it, and
 * then it is tried again, as for our own locks (spare.h).
 */
#include <config.h>
#include "marks/tables.h"

#include "ground/hidden.h"
#include "ground/memory.h"
#include "marks/pending.h"

#include <gc.h>
#include <gc/gc_mark.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64 };

static struct {
    uintptr_t *hidden;               /* the tables' addresses */
    size_t capacity, count;
    size_t reached, given;
    size_t slots;                    /* in all tables */
    size_t singles;                  /* tables of one slot */
    size_t slots_reached, singles_reached;
} registry;

size_t
gcw__tables_count(void)
{
    return registry.count;
}

struct gcw__weak_table *
gcw__tables_at(size_t number)
{
    return gcw__reveal(registry.hidden[number]);
}

size_t
gcw__tables_singles(void)
{
    return registry.singles;
}

static size_t
number_of(const struct gcw__weak_table *t)
{
    return gcw__weak_load(&t->number) >> 1;
}

static void
put_table(size_t number, struct gcw__weak_table *t)
{
    registry.hidden[number] = gcw__hide(t);
    atomic_store_explicit(&t->number, (uintptr_t)number << 1 | 1,
                          memory_order_relaxed);
}

static void
append_table(struct gcw__weak_table *t)
{
    size_t capacity = gcw__weak_capacity(gcw__weak_load(&t->shape));

    put_table(registry.count++, t);
    registry.slots += capacity;
    registry.singles += capacity == 1;
}

/* Adding. */

struct adding {
    struct gcw__weak_table *table;
    uintptr_t shape;
    uintptr_t *larger;               /* an array, of that capacity; or NULL */
    size_t capacity;
    bool lacks_array;
    size_t lacks_slots;              /* pending.h is to have room for so many;
                                      * or 0 */
};

static void
use_larger(struct adding *a)
{
    uintptr_t *old = registry.hidden;

    if (registry.count != 0)
        memcpy(a->larger, old, registry.count * sizeof *old);
    registry.hidden = a->larger;
    registry.capacity = a->capacity;
    a->larger = old;
}

static void *
try_to_add_table(void *adding)
{
    struct adding *a = adding;
    size_t slots = registry.slots + gcw__weak_capacity(a->shape);

    if (a->larger != NULL && a->capacity > registry.capacity)
        use_larger(a);
    a->lacks_array = registry.count == registry.capacity;
    a->lacks_slots = gcw__pending_has_room(slots) ? 0 : slots;
    a->capacity = registry.capacity == 0 ? SMALLEST : registry.capacity * 2;
    if (a->lacks_array || a->lacks_slots != 0)
        return NULL;
    atomic_store_explicit(&a->table->shape, a->shape, memory_order_release);
    append_table(a->table);
    return a->table;
}

static bool
get_what_lacks(struct adding *a)
{
    if (a->lacks_array) {
        free(a->larger);
        a->larger = gcw__malloc(a->capacity * sizeof *a->larger);
        if (a->larger == NULL)
            return false;
    }
    return a->lacks_slots == 0 || gcw__pending_reserve(a->lacks_slots);
}

bool
gcw__tables_add(struct gcw__weak_table *t, uintptr_t shape)
{
    struct adding a = { .table = t, .shape = shape };
    bool added;

    do
        added = GC_call_with_alloc_lock(try_to_add_table, &a) != NULL;
    while (!added && get_what_lacks(&a));
    free(a.larger);
    return added;
}

/* Marking. */

void
gcw__tables_begin(void)
{
    registry.reached = registry.given = 0;
    registry.slots_reached = registry.singles_reached = 0;
}

/* Whether the table is in under the number that it has: a dead one may have
 * kept any. */
static bool
is_in(const struct gcw__weak_table *t)
{
    return gcw__is_registered(t) && number_of(t) < registry.count
           && gcw__tables_at(number_of(t)) == t;
}

void
gcw__tables_reach(struct gcw__weak_table *t)
{
    size_t number = number_of(t), capacity = gcw__weak_capacity(gcw__weak_load(&t->shape));

    if (!is_in(t) || number < registry.reached)
        return;
    put_table(number, gcw__tables_at(registry.reached));
    put_table(registry.reached++, t);
    registry.slots_reached += capacity;
    registry.singles_reached += capacity == 1;
}

size_t
gcw__tables_reached(void)
{
    return registry.reached;
}

struct gcw__weak_table *
gcw__tables_next(void)
{
    return registry.given == registry.reached
        ? NULL : gcw__tables_at(registry.given++);
}

/* Memory of a dead one may be gone already. */
static void
keep_if_marked(struct gcw__weak_table *t)
{
    if (GC_base(t) != t)
        return;
    if (GC_is_marked(t))
        append_table(t);
    else
        atomic_store_explicit(&t->number, 0, memory_order_relaxed);
}

void
gcw__tables_end(void)
{
    size_t count = registry.count;

    registry.count = registry.reached;
    registry.slots = registry.slots_reached;
    registry.singles = registry.singles_reached;
    for (size_t i = registry.reached; i < count; i++)
        keep_if_marked(gcw__tables_at(i));
}

void
gcw__tables_check(bool (*is_table)(const void *address))
{
    size_t count = registry.count;

    registry.count = registry.slots = registry.singles = 0;
    for (size_t i = 0; i < count; i++) {
        struct gcw__weak_table *t = gcw__tables_at(i);

        if (is_table(t) && gcw__is_registered(t) && number_of(t) == i)
            append_table(t);
    }
}
