/* queue.h: queues of pending callbacks.  See queue.c, and drain.c for what is
 * done with them. */
#ifndef GCW__QUEUE_H
#define GCW__QUEUE_H

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

/* Makes the descriptor readable or unreadable, if there is one.  Not of the
 * default queue.  No lock of ours from the queue lock on is held. */
void gcw__queue_show(gcw_queue *q);
void gcw__queue_hide(gcw_queue *q);

/* The same as gcw__queue_show, with the queue lock held. */
void gcw__queue_show_locked(gcw_queue *q);

/* Makes the descriptors readable of all queues that were looked at since the
 * last call.  For the collector's hook alone. */
void gcw__queues_rouse(void);

/* Makes the descriptors of all queues readable, for those who wait: the process
 * exits.  No lock held. */
void gcw__queues_end(void);

/* This thread begins to wait for the queue, whose descriptor stays open until
 * it has ended.  False with errno: ESTALE.  Not for the default queue. */
bool gcw__queue_begin_wait(gcw_queue *q);
void gcw__queue_end_wait(gcw_queue *q);

/* The descriptor.  -1 with errno.  Not of the default queue. */
int gcw__queue_fd(gcw_queue *q);

#endif
