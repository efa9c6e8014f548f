/* drain.h: the queue of pending callbacks.  See drain.c. */
#ifndef GCW__DRAIN_H
#define GCW__DRAIN_H

#include "shard.h"

#include <gcweak/drain.h>

/* Makes a watch's callback pending, and wakes who waits.  No allocation.
 * Without may_wait it may fail, for the lock. */
bool gcw__drain_push(struct gcw__watch *watch, bool may_wait);

/* What a drain is at, for who watches it from another thread. */
struct gcw__progress {
    atomic_bool stop;              /* asks it to stop after this callback */
    _Atomic uintptr_t code;        /* of the callback that runs, or 0 */
};

/* gcw_drain, stoppable if `progress` is not NULL. */
size_t gcw__drain(size_t max, struct gcw__progress *progress);

/* Tells the error hook of a callback that failed. */
void gcw__drain_failed(void *handle, uintptr_t code, const char *why);

/* Takes the hook out if its code lies in the range. */
struct gcw__range;
void gcw__drain_object_unloading(const struct gcw__range *range);

/* Has `wake` called whenever there may be something to drain; also by the
 * collector's hook, so it only posts. */
void gcw__drain_wake_also(void (*wake)(void));
/* Wakes who waits, if there is anything pending. */
void gcw__drain_wake_if_pending(void);

void gcw__drain_fork_prepare(void);
void gcw__drain_fork_parent(void);
void gcw__drain_fork_child(void);

#endif
