/* inner.h: what kill.c needs of engine.c.  All is under the collector's lock. */
#ifndef GCW__INNER_H
#define GCW__INNER_H

#include "marks/engine.h"

/* The entry of a table, which may be of one, was taken away. */
void gcw__bury(struct gcw__weak_table *t);

/* The key of a guarded entry has died.  `is_stopped`: the world is. */
void gcw__let_fall(struct gcw__weak_table *t, struct gcw__weak_entry *entry,
                   bool is_stopped);

/* A guarded entry lives on after it has fallen; it has such a key then. */
static inline bool
gcw__has_fallen(uintptr_t key)
{
    return key & 1;
}

/* Whether some of its entries also live by what their values say. */
static inline bool
gcw__asks(const struct gcw__weak_table *t)
{
    return gcw__weak_capacity(atomic_load(&t->shape)) > 1
           && atomic_load(&((const struct gcw__map_table *)t)->asks);
}

/* What that is: see gcw__engine_listener. */
bool gcw__lives_also(uintptr_t value, uintptr_t *also);

/* gcw__engine_catch_up.  Returns NULL. */
void *gcw__catch_up_locked(void *unused);

/* Whether there may be dead tables among those that there are, and dead owners
 * of tables: collections have passed without the engine. */
bool gcw__may_be_dead(void);

/* Forgets what is no table any more, after such collections.  What is pending is
 * cleared. */
void gcw__check_tables(void);

/* After so many passes through all tables: whether an entry may have been moved
 * in each from where the pass had not been to where it had.  `ended`: of moves,
 * before the first pass. */
static inline bool
gcw__may_have_escaped(uint64_t ended, unsigned passes)
{
    return atomic_load(&gcw__moves_begun) - ended >= passes;
}

#endif
