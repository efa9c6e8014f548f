/* inner.h: what kill.c needs of engine.c.  All is under the collector's lock. */
#ifndef GCW__INNER_H
#define GCW__INNER_H

#include "marks/engine.h"

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
gcw__may_have_escaped(size_t ended, unsigned passes)
{
    return atomic_load(&gcw__moves_begun) - ended >= passes;
}

#endif
