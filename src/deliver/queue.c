/* queue.c: queues of pending callbacks: what is in them, and who is woken.
 *
 * What a queue holds is said on top of drain.c; what becomes of it when the
 * program has made it, in queue-own.c; its descriptor, but for that of the
 * default queue, is in queue-fd.c.
 *
 * A sweep puts callbacks on a list of each queue's, and queues with such a list
 * in a chain; all move when the queue lock is taken, once a shard.  The queues
 * with something in them are in a list on the roots, the default one not; it
 * holds them, and is all that tidying and the exit look at.
 */
#include <config.h>
#include "deliver/queue.h"

#include "deliver/cleanup-order.h"
#include "deliver/cleanup.h"
#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/memory.h"

gcw_queue *
gcw__queue_make(void)
{
    return gcw__new(sizeof(gcw_queue));
}

/* That of the default queue, which the collector's hook sets. */
static struct gcw__wakeup wakeup = GCW__WAKEUP_INIT;

/* How many of those that drains have taken were tidied; under the lock. */
static uint64_t taken_and_tidied;

/* How many queues but the default one have something in them; written under the
 * lock. */
static _Atomic size_t queues_with_some;

static void
list_queue(gcw_queue *q)
{
    struct gcw__roots *roots = gcw__roots;

    q->prev = roots->queues_last;
    q->next = NULL;
    if (q->prev != NULL)
        q->prev->next = q;
    else
        roots->queues_first = q;
    roots->queues_last = q;
}

static void
delist_queue(gcw_queue *q)
{
    struct gcw__roots *roots = gcw__roots;

    if (q->prev != NULL)
        q->prev->next = q->next;
    else
        roots->queues_first = q->next;
    if (q->next != NULL)
        q->next->prev = q->prev;
    else
        roots->queues_last = q->prev;
    q->prev = q->next = NULL;
}

/* Lock held. */
static void
add_to_length(gcw_queue *q, size_t n)
{
    size_t before = gcw__queue_length(q);

    atomic_store_explicit(&q->length, before + n, memory_order_relaxed);
    if (gcw__queue_is_default(q) || (before == 0) == (before + n == 0))
        return;
    if (before == 0)
        list_queue(q);
    else
        delist_queue(q);
    atomic_fetch_add(&queues_with_some, before == 0 ? 1 : (size_t)-1);
}

static void
wake_nobody(void)
{
}

static void (*_Atomic wake_also)(void) = wake_nobody;
static void (*_Atomic noticed_also)(void) = wake_nobody;

static void
wake_default(void)
{
    gcw__wakeup_set(&wakeup);
    atomic_load(&wake_also)();
}

void
gcw__queue_wake(gcw_queue *q)
{
    if (gcw__queue_is_default(q))
        wake_default();
    else
        gcw__queue_show(q);
}

void
gcw__queue_clear(gcw_queue *q)
{
    if (gcw__queue_is_default(q))
        gcw__wakeup_clear(&wakeup);
    else
        gcw__queue_hide(q);
}

void
gcw__queue_listen(void (*woken)(void), void (*noticed)(void))
{
    atomic_store(&wake_also, woken);
    atomic_store(&noticed_also, noticed);
}

/* Puts the list at the end of the queue, or a part of it that is the whole of
 * another.  Lock held. */
static void
append(gcw_queue *q, struct gcw__watch *first, struct gcw__watch *last,
       size_t n)
{
    if (q->last != NULL)
        q->last->next = first;
    else
        q->first = first;
    q->last = last;
    add_to_length(q, n);
}

/* Moves what is new to the queue; to the default one, if somebody has disposed
 * of the queue.  Lock held. */
static void
append_new(gcw_queue *q)
{
    gcw_queue *to = gcw__queue_is_closed(q) ? gcw__roots->queue : q;

    append(to, q->new_first, q->new_last, q->new_length);
    q->new_first = q->new_last = NULL;
    q->new_length = 0;
    if (!gcw__queue_is_default(to))
        gcw__queue_show_locked(to);
}

/* The same for all queues but the default one that have any. */
static void
append_to_queues(void)
{
    struct gcw__roots *roots = gcw__roots;
    gcw_queue *q;

    while ((q = roots->queues_new) != NULL) {
        append_new(q);
        roots->queues_new = q->next_new;
        q->next_new = NULL;
    }
}

bool
gcw__queues_take_new(bool may_wait)
{
    struct gcw__roots *roots = gcw__roots;

    if (roots->queue->new_length == 0 && roots->queues_new == NULL)
        return true;
    if (!gcw__lock(&gcw__queue_lock, may_wait))
        return false;
    if (roots->queue->new_length != 0)
        append_new(roots->queue);
    append_to_queues();
    gcw__unlock(&gcw__queue_lock);
    GCW__DELAY(1);
    return true;
}

void
gcw__queue_leave(gcw_queue *q)
{
    struct gcw__watch *first = q->first, *last = q->last;
    size_t n = gcw__queue_length(q);

    if (n == 0)
        return;
    q->first = q->last = NULL;
    add_to_length(q, -n);
    append(gcw__roots->queue, first, last, n);
    wake_default();
}

/* Takes the watch, which is the first, off its queue; returns the next. */
static struct gcw__watch *
unlink_first(struct gcw__watch *first)
{
    struct gcw__watch *next = first->next;

    first->next = NULL;
    return next;
}

/* These were taken off the queue, and `first` comes first now: has them leave
 * the order, too.  Lock held. */
static void
leave(gcw_queue *q, gcw_cleanup *const *popped, size_t n,
      struct gcw__watch *first)
{
    q->first = first;
    if (first == NULL)
        q->last = NULL;
    add_to_length(q, -n);
    gcw__cleanup_order_remove_all(popped, n);
}

/* The same as gcw__queue_tidy, but no more than GCW__QUEUE_BATCH. */
static size_t
tidy_some(gcw_queue *q)
{
    struct gcw__watch *first = q->first;
    gcw_cleanup *popped[GCW__QUEUE_BATCH];
    size_t n = 0, taken = 0;

    while (first != NULL && n < GCW__QUEUE_BATCH) {
        gcw_cleanup *c = (gcw_cleanup *)first;
        unsigned char state = gcw__cleanup_state(c);

        if (state == GCW__CLEANUP_ARMED)
            break;
        taken += state == GCW__CLEANUP_TAKEN;
        first = unlink_first(first);
        popped[n++] = c;
    }
    taken_and_tidied += taken;
    if (n != 0)
        leave(q, popped, n, first);
    return n;
}

size_t
gcw__queue_tidy(gcw_queue *q)
{
    size_t all = 0, n;

    do {
        n = tidy_some(q);
        all += n;
    } while (n == GCW__QUEUE_BATCH);
    return all;
}

size_t
gcw__queues_tidy(void)
{
    gcw_queue *q, *next;
    size_t left;

    gcw__queue_tidy(gcw__roots->queue);
    left = gcw__queue_length(gcw__roots->queue);
    for (q = gcw__roots->queues_first; q != NULL; q = next) {
        next = q->next;
        gcw__queue_tidy(q);
        left += gcw__queue_length(q);
    }
    return left;
}

size_t
gcw__queues_pending(void)
{
    size_t n;

    gcw__lock(&gcw__queue_lock, true);
    n = gcw__queues_tidy();
    gcw__unlock(&gcw__queue_lock);
    return n;
}

size_t
gcw__queue_pending(gcw_queue *q)
{
    size_t n;

    gcw__lock(&gcw__queue_lock, true);
    gcw__queue_tidy(q);
    n = gcw__queue_length(q);
    gcw__unlock(&gcw__queue_lock);
    return n;
}

uint64_t
gcw__queues_taken(void)
{
    return taken_and_tidied;
}

void
gcw__queue_pop(gcw_queue *q)
{
    gcw_cleanup *c = (gcw_cleanup *)q->first;

    leave(q, &c, 1, unlink_first(q->first));
}

/* Those that were drained come last in the list. */
gcw_queue *
gcw__queues_next(uint64_t round)
{
    gcw_queue *q;

    gcw__lock(&gcw__queue_lock, true);
    q = gcw__roots->queues_first;
    if (q != NULL && q->round == round)
        q = NULL;
    if (q != NULL) {
        q->round = round;
        delist_queue(q);
        list_queue(q);
    }
    gcw__unlock(&gcw__queue_lock);
    return q;
}

bool
gcw__queues_are_empty(void)
{
    return atomic_load(&gcw__roots->queue->length) == 0
           && atomic_load(&queues_with_some) == 0;
}

/* What the default queue alone has. */

int
gcw__queue_default_fd(void)
{
    int fd = gcw__wakeup_open(&wakeup);

    if (fd >= 0 && gcw__queue_pending(gcw__roots->queue) != 0)
        wake_default();
    return fd;
}

void
gcw__queue_show_more(gcw_queue *q)
{
    if (gcw__queue_is_default(q))
        gcw__wakeup_set(&wakeup);
    else
        gcw__queue_show(q);
}

void
gcw__queues_collected(void)
{
    wake_default();
    gcw__queues_rouse();
}

void
gcw__queues_swept(void)
{
    if (atomic_load(&gcw__roots->queue->length) != 0)
        wake_default();
    atomic_load(&noticed_also)();
}
