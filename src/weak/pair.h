/* pair.h: what a callback watches: its object, or its object and its weak data.
 *
 * Whatever calls a method waits for the death of one object, or of either of
 * two; a function waits for none.
 */
#ifndef GCW__PAIR_H
#define GCW__PAIR_H

#include "weak/shard.h"

struct gcw__pair {
    struct gcw__watch *first, *second;       /* NULL: there is none */
};

/* Puts them on their references.  False if one of those is dead: somebody has
 * disposed of its target.  An entry is put in its container after that, so
 * that a fork in between leaves nothing half done; a watch whose target dies
 * before finds its entry in no container. */
bool gcw__pair_watch(struct gcw__pair pair);

/* Takes them off again, if they are on.  False if a lock could not be had. */
bool gcw__pair_unwatch(struct gcw__pair pair, bool may_wait);

/* Whether all is alive that they are on, as far as can be told without
 * waiting.  Any lock may be held. */
bool gcw__pair_alive(struct gcw__pair pair);

#endif
