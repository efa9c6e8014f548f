/* pair.h: what a callback watches: its object, or its object and weak data.
 *
 * A callback that is a method waits for the death of one object, or of either
 * of two; a function waits for none.
 */
#ifndef GCW__PAIR_H
#define GCW__PAIR_H

#include "weak/shard.h"

struct gcw__pair {
    struct gcw__watch *first, *second;       /* NULL: there is none */
};

/* Puts the watches on their references.  False if a reference is dead, because
 * its target was disposed of.  An entry is put in its container after that, so
 * that a fork in between leaves nothing half done; if the target dies in
 * between, `died` finds the entry in no container. */
bool gcw__pair_watch(struct gcw__pair pair);

/* Takes the watches off again, if they are on.  False if a lock could not be
 * had. */
bool gcw__pair_unwatch(struct gcw__pair pair, bool may_wait);

/* Whether the targets of the watches are alive, as far as can be told without
 * waiting.  Any lock may be held. */
bool gcw__pair_alive(struct gcw__pair pair);

#endif
