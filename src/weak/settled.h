/* settled.h: waiting until the dead of all collections read NULL.  See read.h. */
#ifndef GCW__SETTLED_H
#define GCW__SETTLED_H

#include "collector/collector.h"
#include "weak/shard.h"

/* Waits until the last collection has cleared its links, and catches up with what
 * the pass has missed; returns the collection's number.  Takes the collector's
 * lock. */
GC_word gcw__settle(void);

/* The target, or NULL if it has died in any collection until now.  Takes the
 * collector's lock. */
void *gcw__read_settled(const gcw_ref *ref);

#endif
