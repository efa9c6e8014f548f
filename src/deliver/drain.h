/* drain.h: the queue of pending callbacks.  See drain.c. */
#ifndef GCW__DRAIN_H
#define GCW__DRAIN_H

#include "ground/compiler.h"
#include "ground/part.h"
#include "ground/roots.h"
#include "weak/shard.h"

#include <gcweak/drain.h>

/* How many callbacks are on their way to the queue; under the sweep lock. */
extern size_t gcw__drain_new;

/* Makes the callback of a watch that is off its reference pending; the worker
 * and the descriptor are woken when the sweep is over.  Only for `died`, and
 * so under the sweep lock.  Cannot fail. */
static inline void
gcw__drain_push(struct gcw__watch *pending)
{
    struct gcw__roots *roots = gcw__roots;
    struct gcw__watch *last = roots->new_last;

    pending->next = NULL;
    if (GCW__LIKELY(last != NULL))
        last->next = pending;
    else
        roots->new_first = pending;
    roots->new_last = pending;
    gcw__drain_new++;
}

/* The lock of the queue and of the order of the cleanups, since each callback
 * that the drain runs leaves both. */
extern pthread_mutex_t gcw__queue_lock;

/* Takes off the queue and out of the order what comes first in the queue and is
 * over; returns how many.  Afterwards all that is in the order has still to
 * run, until the next is taken.  Queue lock held. */
size_t gcw__drain_tidy(void);

/* How many callbacks drains have taken to run; after gcw__drain_tidy.  Queue
 * lock held. */
uint64_t gcw__drain_taken(void);

/* What a drain is doing, for other threads that wait for it. */
struct gcw__progress {
    atomic_bool stop;              /* asks it to end after this callback */
    _Atomic uintptr_t code;        /* of the callback that was taken and has
                                    * not returned, or 0; or of one that is
                                    * about to be taken */
};

/* As gcw_drain; `progress`, if not NULL, shows how far it is, and stops it. */
size_t gcw__drain(size_t max, struct gcw__progress *progress);

/* Runs the callbacks that are pending now and are this process's own; not
 * those that other threads have made since the exit began.  Takes no lock if
 * there are neither watches nor pending callbacks. */
size_t gcw__drain_at_exit(void);

/* How many callbacks are in the queue, with those that will be passed over. */
size_t gcw__drain_pending(void);

/* Whether a callback is pending; notices deaths first.  The descriptor is
 * readable afterwards if one is. */
bool gcw__drain_look(void);

/* Has those who wait for callbacks return: the process exits. */
void gcw__drain_close(void);
bool gcw__drain_is_closed(void);

/* Reports a callback that has failed. */
void gcw__drain_failed(void *handle, uintptr_t code, const char *why);

/* Has woken() called whenever there may be something to drain, by the
 * collector's hook too, so it may only post; and noticed() after deaths were
 * looked for, on any thread, perhaps within an allocation, no lock held. */
void gcw__drain_listen(void (*woken)(void), void (*noticed)(void));

/* Has the drain called at each sweep (gcw__deaths_install); once, when the
 * library starts. */
void gcw__drain_install(void);

extern const struct gcw__part gcw__drain_part;

#endif
