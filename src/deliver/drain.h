/* drain.h: queues of pending callbacks, and running them.  See drain.c. */
#ifndef GCW__DRAIN_H
#define GCW__DRAIN_H

#include "deliver/queue.h"
#include "ground/compiler.h"
#include "ground/part.h"
#include "ground/roots.h"
#include "weak/shard.h"

#include <gcweak/drain.h>

/* Makes the callback of a watch that is off its reference pending in the queue;
 * who drains it is woken when the sweep is over.  Only for `died`, and so under
 * the sweep lock.  Cannot fail. */
static inline void
gcw__drain_push(gcw_queue *q, struct gcw__watch *pending)
{
    struct gcw__watch *last = q->new_last;

    pending->next = NULL;
    if (GCW__LIKELY(last != NULL))
        last->next = pending;
    else
        q->new_first = pending;
    q->new_last = pending;
    q->new_length++;
}

/* The same for a queue that is not the default one. */
static inline void
gcw__drain_push_to(gcw_queue *q, struct gcw__watch *pending)
{
    if (q->new_length == 0) {
        q->next_new = gcw__roots->queues_new;
        gcw__roots->queues_new = q;
    }
    gcw__drain_push(q, pending);
}

/* The lock of the queues and of the order of the cleanups, since each callback
 * that a drain runs leaves both. */
extern pthread_mutex_t gcw__queue_lock;

/* Takes off all queues and out of the order what comes first in its queue and is
 * over; returns how many callbacks are left in the queues.  Afterwards nearly all
 * that is in the order has still to run, until the next is taken.  Takes time for
 * each queue with something in it.  Queue lock held. */
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

/* Moves what is in the queue to the default one.  Queue lock held. */
void gcw__drain_leave_to_default(gcw_queue *q);

/* As gcw_drain; `progress`, if not NULL, shows how far it is, and stops it. */
size_t gcw__drain(size_t max, struct gcw__progress *progress);

/* Runs the callbacks that are pending now, in any queue, and are this process's own; not
 * those that other threads have made since the exit began.  Takes no lock if
 * there are neither watches nor pending callbacks. */
size_t gcw__drain_at_exit(void);

/* How many callbacks are in all queues, or in one, with those that will be
 * passed over. */
size_t gcw__drain_pending(void);
size_t gcw__drain_pending_in(gcw_queue *q);

/* Whether a callback is pending in the queue; notices deaths first.  The
 * descriptor is readable afterwards if one is. */
bool gcw__drain_look(gcw_queue *q);

/* Has those who wait for callbacks return: the process exits. */
void gcw__drain_close(void);
bool gcw__drain_is_closed(void);

/* Reports a callback that has failed, to the hook of its queue. */
void gcw__drain_failed(gcw_cleanup *c, uintptr_t code, const char *why);

/* Has woken() called whenever there may be something to drain, by the
 * collector's hook too, so it may only post; and noticed() after deaths were
 * looked for, on any thread, perhaps within an allocation, no lock held. */
void gcw__drain_listen(void (*woken)(void), void (*noticed)(void));

/* Has the drain called at each sweep (gcw__deaths_install); once, when the
 * library starts. */
void gcw__drain_install(void);

extern const struct gcw__part gcw__drain_part;

#endif
