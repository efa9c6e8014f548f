/* drain.h: the queue of pending callbacks.  See drain.c. */
#ifndef GCW__DRAIN_H
#define GCW__DRAIN_H

#include "ground/part.h"
#include "weak/shard.h"

#include <gcweak/drain.h>

/* Makes the callback of a watch that is off its reference pending; who waits
 * is woken when the sweep is over.  Only for `died`, and so under the sweep
 * lock.  Cannot fail. */
void gcw__drain_push(struct gcw__watch *pending);

/* The queue lock: of the queue, and of the order of the cleanups, since each
 * callback that the drain runs leaves both. */
extern pthread_mutex_t gcw__queue_lock;

/* What a drain is at, for who watches it from another thread. */
struct gcw__progress {
    atomic_bool stop;              /* asks it to stop after this callback */
    _Atomic uintptr_t code;        /* of the callback that was taken and has
                                    * not returned, or 0; set under the queue
                                    * lock */
};

/* gcw_drain, stoppable if `progress` is not NULL. */
size_t gcw__drain(size_t max, struct gcw__progress *progress);

/* Runs what is pending now and is this process's own; not what other threads
 * have made since the exit began.  Takes no lock if nobody waits for a
 * death. */
size_t gcw__drain_at_exit(void);

/* How many callbacks wait, those included that will be passed over. */
size_t gcw__drain_pending(void);

/* Reports a callback that has failed. */
void gcw__drain_failed(void *handle, uintptr_t code, const char *why);

/* Has woken() called whenever there may be something to drain, by the
 * collector's hook too, so it may only post; and noticed() after deaths were
 * looked for, on any thread, perhaps within an allocation, no lock held. */
void gcw__drain_listen(void (*woken)(void), void (*noticed)(void));

/* Has deaths noticed, and hears of them; once, when the library starts. */
void gcw__drain_install(void);

extern const struct gcw__part gcw__drain_part;

#endif
