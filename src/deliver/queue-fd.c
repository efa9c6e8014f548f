/* queue-fd.c: the descriptors of queues of the program's own, and who waits.
 *
 * That a collection has ended is told to the default queue's descriptor by the
 * collector's hook, whatever has died: for nobody knows what before the deaths
 * are noticed.  A queue's descriptor is readable when something was queued,
 * which is soon enough while deaths are noticed promptly.  For a program that
 * sleeps in poll there are the sleepers: a stack of the queues whose descriptor
 * is open and was made unreadable since the hook came by.  The hook takes the
 * whole stack, and makes their descriptors readable.  So a collection costs
 * nothing for queues without a descriptor, nor for those which nobody has
 * looked at since the last.
 *
 *     asleep <--- looked at, under the queue lock --- awake
 *        |                                              ^
 *        +--- the hook, under the collector's lock -----+
 *
 * The hook takes no lock, and the descriptor may be closed meanwhile, whose
 * number may be another file's then.  So who closes one takes its wake-up from
 * the sleeper first, and does not close it while the hook is running, but later.
 * A sleeper without a wake-up is an orphan.  If it is in the stack, the hook
 * puts it with the other orphans, which go when the next descriptor is opened.
 */
#include <config.h>
#include "deliver/queue.h"

#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/process.h"
#include "weak/enter.h"
#include "weak/settled.h"

#include <stdlib.h>

/* In memory from malloc, since the hook's stack is none of the collector's. */
struct gcw__sleeper {
    struct gcw__sleeper *next;
    struct gcw__wakeup *_Atomic wakeup;      /* NULL: an orphan */
    atomic_bool asleep;              /* in the stack */
};

pthread_mutex_t gcw__queue_lock = PTHREAD_MUTEX_INITIALIZER;

static struct gcw__sleeper *_Atomic sleepers, *_Atomic orphans;

static atomic_bool rousing;

static void
push_sleeper(struct gcw__sleeper *_Atomic *stack, struct gcw__sleeper *s)
{
    struct gcw__sleeper *first = atomic_load(stack);

    do
        s->next = first;
    while (!atomic_compare_exchange_weak(stack, &first, s));
}

/* An orphan stays asleep: who has made it one leaves it to us then. */
static void
rouse(struct gcw__sleeper *s)
{
    struct gcw__wakeup *wakeup = atomic_load(&s->wakeup);

    if (wakeup == NULL) {
        push_sleeper(&orphans, s);
        return;
    }
    atomic_store(&s->asleep, false);
    gcw__wakeup_set(wakeup);
}

void
gcw__queues_rouse(void)
{
    struct gcw__sleeper *s, *next;

    if (atomic_load_explicit(&sleepers, memory_order_relaxed) == NULL)
        return;
    atomic_store(&rousing, true);
    for (s = atomic_exchange(&sleepers, NULL); s != NULL; s = next) {
        next = s->next;
        rouse(s);
    }
    atomic_store(&rousing, false);
}

/* Lock held. */
static void
fall_asleep(struct gcw__queue_container *c)
{
    if (c->sleeper != NULL && !atomic_exchange(&c->sleeper->asleep, true))
        push_sleeper(&sleepers, c->sleeper);
}

static void
free_orphans(void)
{
    struct gcw__sleeper *s, *next;

    for (s = atomic_exchange(&orphans, NULL); s != NULL; s = next) {
        next = s->next;
        free(s);
    }
}

/* Takes the descriptor from the hook.  False: the hook runs just now.  Lock
 * held. */
static bool
drop_sleeper(struct gcw__queue_container *c)
{
    struct gcw__sleeper *s = c->sleeper;

    if (s == NULL)
        return true;
    atomic_store(&s->wakeup, NULL);
    GCW__DELAY(1);
    if (atomic_load(&rousing))
        return false;
    c->sleeper = NULL;
    if (!atomic_load(&s->asleep))
        free(s);
    return true;
}

/* The descriptor. */

void
gcw__queue_show_locked(gcw_queue *q)
{
    gcw__polled_show(&q->container->polled, q);
}

void
gcw__queue_show(gcw_queue *q)
{
    gcw__lock(&gcw__queue_lock, true);
    gcw__queue_show_locked(q);
    gcw__unlock(&gcw__queue_lock);
}

void
gcw__queue_hide(gcw_queue *q)
{
    gcw__lock(&gcw__queue_lock, true);
    if (!gcw__queue_is_closed(q)) {
        gcw__polled_hide(&q->container->polled);
        fall_asleep(q->container);
    }
    gcw__unlock(&gcw__queue_lock);
}

static bool
has_pending(const void *queue)
{
    return atomic_load(&((const gcw_queue *)queue)->length) != 0;
}

static bool
has_sleeper(const struct gcw__queue_container *c)
{
    bool has;

    gcw__lock(&gcw__queue_lock, true);
    has = c->sleeper != NULL;
    gcw__unlock(&gcw__queue_lock);
    return has;
}

/* Gives the queue the sleeper, if it has none yet; else frees it. */
static void
set_sleeper(gcw_queue *q, struct gcw__sleeper *s)
{
    struct gcw__queue_container *c = q->container;

    gcw__lock(&gcw__queue_lock, true);
    if (s != NULL && c->sleeper == NULL && c->polled.wakeup != NULL
        && !gcw__queue_is_closed(q)) {
        atomic_init(&s->wakeup, c->polled.wakeup);
        c->sleeper = s;
        s = NULL;
        fall_asleep(c);
    }
    gcw__unlock(&gcw__queue_lock);
    free(s);
}

int
gcw__queue_fd(gcw_queue *q)
{
    struct gcw__sleeper *s = NULL;
    int fd;

    if (!has_sleeper(q->container)) {
        s = gcw__calloc(1, sizeof *s);
        if (s == NULL)
            return gcw__fail_int(ENOMEM);
    }
    free_orphans();
    fd = gcw__polled_fd(&q->container->polled, q, has_pending);
    set_sleeper(q, s);
    if (fd >= 0 && gcw__gc_no() != atomic_load(&gcw__noticed))
        gcw__notice_deaths(true);
    return fd;
}

/* The end of all queues.  Who waits polls a descriptor of its own for that, since
 * who drains makes those of the queues unreadable. */

static struct gcw__wakeup end_wakeup = GCW__WAKEUP_INIT;

/* The process in which no callbacks come any more. */
static atomic_uint ended_in;

void
gcw__queues_end(void)
{
    atomic_store(&ended_in, gcw__process());
    atomic_thread_fence(memory_order_seq_cst);
    gcw__wakeup_set(&end_wakeup);
}

bool
gcw__queues_have_ended(void)
{
    return atomic_load(&ended_in) == gcw__process();
}

/* A child is woken for the end of its parent. */
int
gcw__queues_end_fd(void)
{
    int fd = gcw__wakeup_open(&end_wakeup);

    if (fd >= 0 && atomic_load(&ended_in) != 0 && !gcw__queues_have_ended()) {
        gcw__wakeup_clear(&end_wakeup);
        if (gcw__queues_have_ended())
            gcw__wakeup_set(&end_wakeup);
    }
    return fd;
}

/* Waiting.  The descriptor of a queue that was disposed of is closed by the last
 * who waits for it, for else others might wait for another file. */

static bool
is_waited_for(const struct gcw__queue_container *c)
{
    return c->waiters != 0 && c->process == gcw__process();
}

/* False: not now, or only if `may_wait`. */
static bool
close_descriptor(struct gcw__queue_container *c, bool may_wait)
{
    bool dropped;

    if (!gcw__lock(&gcw__queue_lock, may_wait))
        return false;
    dropped = drop_sleeper(c);
    gcw__unlock(&gcw__queue_lock);
    return dropped && gcw__polled_closed(&c->polled.container, may_wait);
}

static bool
is_left_to_waiters(struct gcw__queue_container *c)
{
    bool left = c->polled.container.closed && is_waited_for(c);

    if (left && c->polled.wakeup != NULL)
        gcw__wakeup_set(c->polled.wakeup);
    return left;
}

bool
gcw__queue_close(struct gcw__container *container, bool may_wait)
{
    struct gcw__queue_container *c = (struct gcw__queue_container *)container;
    bool left;

    if (!gcw__lock(&gcw__queue_lock, may_wait))
        return false;
    left = is_left_to_waiters(c);
    gcw__unlock(&gcw__queue_lock);
    return left || close_descriptor(c, may_wait);
}

bool
gcw__queue_begin_wait(gcw_queue *q)
{
    struct gcw__queue_container *c = q->container;
    bool closed;

    gcw__lock(&gcw__queue_lock, true);
    closed = gcw__queue_is_closed(q);
    if (!closed) {
        c->waiters = is_waited_for(c) ? c->waiters + 1 : 1;
        c->process = gcw__process();
    }
    gcw__unlock(&gcw__queue_lock);
    return !closed;
}

/* The hook, if it is running, has the collector's lock, for which this waits. */
void
gcw__queue_end_wait(gcw_queue *q)
{
    int error = errno;
    bool last;

    gcw__lock(&gcw__queue_lock, true);
    if (is_waited_for(q->container))
        q->container->waiters--;
    last = q->container->waiters == 0 && gcw__queue_is_closed(q);
    gcw__unlock(&gcw__queue_lock);
    while (last && !close_descriptor(q->container, true))
        gcw__settle();
    errno = error;
}
