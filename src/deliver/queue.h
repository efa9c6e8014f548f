/* queue.h: queues of pending callbacks.  See queue.c, and drain.c for what is
 * done with them. */
#ifndef GCW__QUEUE_H
#define GCW__QUEUE_H

#include "ground/compiler.h"
#include "ground/hook.h"
#include "ground/roots.h"
#include "weak/polled.h"
#include "weak/shard.h"

#include <gcweak/queue.h>

struct gcw__sleeper;

/* The container of a queue that the program has made. */
struct gcw__queue_container {
    struct gcw__polled polled;       /* first member */
    /* Under the queue lock. */
    struct gcw__sleeper *sleeper;    /* NULL until there is a descriptor */
    unsigned waiters;                /* threads in gcw_queue_wait, of the
                                      * process: */
    unsigned process;
};

struct gcw_queue {
    struct gcw__queue_container *container;  /* constant; NULL: the default
                                              * queue */
    const char *name;                /* constant; or NULL */
    /* Under the queue lock, but that everybody may read the length. */
    struct gcw__hook hook;
    struct gcw__watch *first, *last;
    _Atomic size_t length;           /* with what is over and was not tidied */
    gcw_queue *prev, *next;          /* in the list of those with something in
                                      * them; not the default one */
    uint64_t round;                  /* of the exit that has come by last */
    /* Under the sweep lock: callbacks that this sweep has made pending. */
    struct gcw__watch *new_first, *new_last;
    size_t new_length;
    gcw_queue *next_new;             /* the next queue with any; not the default
                                      * one */
};

/* A queue without a container, as the default one is.  NULL: no memory. */
gcw_queue *gcw__queue_make(void);

static inline bool
gcw__queue_is_default(const gcw_queue *q)
{
    return q->container == NULL;
}

/* Whether somebody has disposed of the queue.  Queue lock held. */
static inline bool
gcw__queue_is_closed(const gcw_queue *q)
{
    return q->container != NULL && q->container->polled.container.closed;
}

/* The same, and takes the lock itself. */
bool gcw__queue_has_closed(const gcw_queue *q);

/* How many are looked at, or tidied, together: few enough for the processor's
 * nearest cache, and for those who wait for the lock. */
enum { GCW__QUEUE_BATCH = 32 };

/* The lock of the queues and of the order of the cleanups, since each callback
 * that a drain runs leaves both. */
extern pthread_mutex_t gcw__queue_lock;

/* Makes the callback of a watch that is off its reference pending in the queue;
 * who drains it is woken when the sweep is over.  Only for `died`, and so under
 * the sweep lock.  Cannot fail. */
static inline void
gcw__queue_push(gcw_queue *q, struct gcw__watch *pending)
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
gcw__queue_push_to(gcw_queue *q, struct gcw__watch *pending)
{
    if (q->new_length == 0) {
        q->next_new = gcw__roots->queues_new;
        gcw__roots->queues_new = q;
    }
    gcw__queue_push(q, pending);
}

/* Takes off all queues and out of the order what comes first in its queue and is
 * over; returns how many callbacks are left in the queues.  Afterwards nearly all
 * that is in the order has still to run, until the next is taken.  Takes time for
 * each queue with something in it.  Queue lock held. */
size_t gcw__queues_tidy(void);

/* How many callbacks drains have taken to run; after gcw__queues_tidy.  Queue
 * lock held. */
uint64_t gcw__queues_taken(void);

/* The same for one queue; returns how many it has taken off. */
size_t gcw__queue_tidy(gcw_queue *q);

/* Takes the first off the queue, which is not empty, and out of the order.
 * Queue lock held. */
void gcw__queue_pop(gcw_queue *q);

/* Moves what is in the queue to the default one.  Queue lock held. */
void gcw__queue_leave(gcw_queue *q);

/* How many callbacks are in all queues, or in one, with those that will be
 * passed over. */
size_t gcw__queues_pending(void);
size_t gcw__queue_pending(gcw_queue *q);

static inline size_t
gcw__queue_length(gcw_queue *q)
{
    return atomic_load_explicit(&q->length, memory_order_relaxed);
}

/* Whether nothing is in any queue: takes no lock. */
bool gcw__queues_are_empty(void);

/* The next queue but the default one that has something in it and by which this
 * round of the exit, a number from 1 on, has not come yet; or NULL.  Takes the
 * lock. */
gcw_queue *gcw__queues_next(uint64_t round);

/* Has woken() called whenever there may be something to drain, by the
 * collector's hook too, so it may only post; and noticed() after deaths were
 * looked for, on any thread, perhaps within an allocation, no lock held. */
void gcw__queue_listen(void (*woken)(void), void (*noticed)(void));

/* What happens when a collection has ended, with watches; when `died` of watches
 * was called; and after a sweep: see gcw__death_listener. */
void gcw__queues_collected(void);
bool gcw__queues_take_new(bool may_wait);
void gcw__queues_swept(void);

/* Makes the descriptor readable, and wakes who drains; or makes it unreadable.
 * No lock from the queue lock on is held. */
void gcw__queue_wake(gcw_queue *q);
void gcw__queue_clear(gcw_queue *q);

/* Makes it readable, but does not wake the worker. */
void gcw__queue_show_more(gcw_queue *q);

/* That of the default queue.  -1 with errno. */
int gcw__queue_default_fd(void);

/* Those of the program's own. */

/* Makes the descriptor readable or unreadable, if there is one.  Not of the
 * default queue.  No lock of ours from the queue lock on is held. */
void gcw__queue_show(gcw_queue *q);
void gcw__queue_hide(gcw_queue *q);

/* The same as gcw__queue_show, with the queue lock held. */
void gcw__queue_show_locked(gcw_queue *q);

/* Makes the descriptors readable of all queues that were looked at since the
 * last call.  For the collector's hook alone. */
void gcw__queues_rouse(void);

/* No callbacks come any more in this process, whatever the queue: wakes all who
 * wait.  No lock held. */
void gcw__queues_end(void);

/* Whether that was said. */
bool gcw__queues_have_ended(void);

/* A descriptor that is readable when it was said, whoever looks and drains
 * meanwhile; opened at the first call, after which it is to be asked whether it
 * was said before.  -1 with errno. */
int gcw__queues_end_fd(void);

/* This thread begins to wait for the queue, whose descriptor stays open until
 * it has ended.  False with errno: ESTALE.  Not for the default queue. */
bool gcw__queue_begin_wait(gcw_queue *q);
void gcw__queue_end_wait(gcw_queue *q);

/* Closes the descriptor: `closed` of the container's ops. */
bool gcw__queue_close(struct gcw__container *container, bool may_wait);

/* The descriptor.  -1 with errno.  Not of the default queue. */
int gcw__queue_fd(gcw_queue *q);

#endif
