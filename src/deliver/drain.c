/* drain.c: the queue of pending callbacks, and running them.
 *
 * The queue is drained by threads that call gcw_drain or gcw_collect, by the
 * worker (worker.c), and by the exiting thread (exit-run.c); by any number at
 * a time.  Each takes one watch off the queue under the lock, and calls it
 * without.  That a callback runs once is up to its kind (cleanup.c): `take` of
 * the watch, called under the same lock, returns whether it is still to run.
 *
 * The queue is linked through `next`, which a watch that is off its reference
 * does not need any more, and hung on the roots.  Under the lock: both its
 * ends, and the error hook.  Callbacks that a sweep makes pending gather in a
 * list of its own, under the sweep lock, which moves to the queue as a whole
 * after each shard.
 */
#include <config.h>
#include "deliver/drain.h"

#include "deliver/cleanup-order.h"
#include "ground/code.h"
#include "ground/delay.h"
#include "ground/guard.h"
#include "ground/hook.h"
#include "ground/lock.h"
#include "ground/report.h"
#include "ground/roots.h"
#include "ground/wakeup.h"
#include "weak/enter.h"
#include "weak/container.h"

pthread_mutex_t gcw__queue_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gcw__wakeup wakeup = GCW__WAKEUP_INIT;

/* The length of the queue; written under the lock. */
static _Atomic size_t in_queue;

static void
add_to_length(size_t n)
{
    size_t length = atomic_load_explicit(&in_queue, memory_order_relaxed);

    atomic_store_explicit(&in_queue, length + n, memory_order_relaxed);
}

static void
wake_nobody(void)
{
}

static void (*_Atomic wake_also)(void) = wake_nobody;
static void (*_Atomic noticed_also)(void) = wake_nobody;

static void
wake(void)
{
    gcw__wakeup_set(&wakeup);
    atomic_load(&wake_also)();
}

void
gcw__drain_listen(void (*woken)(void), void (*noticed)(void))
{
    atomic_store(&wake_also, woken);
    atomic_store(&noticed_also, noticed);
}

static void
wake_if_pending(void)
{
    if (atomic_load(&in_queue) != 0)
        wake();
}

/* Puts a watch at the end of a list. */
static void
append_pending(struct gcw__watch **first, struct gcw__watch **last,
               struct gcw__watch *pending)
{
    if (*last != NULL)
        (*last)->next = pending;
    else
        *first = pending;
    *last = pending;
}

/* How many callbacks are on their way to the queue; under the sweep lock. */
static size_t on_their_way;

void
gcw__drain_push(struct gcw__watch *pending)
{
    pending->next = NULL;
    append_pending(&gcw__roots->new_first, &gcw__roots->new_last, pending);
    on_their_way++;
}

/* Moves the callbacks that are new to the queue.  Sweep lock held. */
static bool
queue_new(bool may_wait)
{
    struct gcw__roots *roots = gcw__roots;

    if (on_their_way == 0)
        return true;
    if (!gcw__lock(&gcw__queue_lock, may_wait))
        return false;
    append_pending(&roots->queue_first, &roots->queue_last, roots->new_first);
    roots->queue_last = roots->new_last;
    add_to_length(on_their_way);
    gcw__unlock(&gcw__queue_lock);
    GCW__DELAY(1);
    roots->new_first = roots->new_last = NULL;
    on_their_way = 0;
    return true;
}

/* After a sweep, whether anything has died or not. */
static void
after_sweep(void)
{
    gcw__containers_tidy();
    GCW__DELAY(2);
    wake_if_pending();
    atomic_load(&noticed_also)();
}

void
gcw__drain_install(void)
{
    static const struct gcw__death_listener listener = {
        wake, queue_new, after_sweep
    };

    gcw__deaths_install(&listener);
}

size_t
gcw__drain_pending(void)
{
    return atomic_load_explicit(&in_queue, memory_order_relaxed);
}

struct drain {
    struct gcw__progress *progress;
    struct gcw__watch *current;
    uint64_t began;
    size_t max, ran;
    bool at_exit;
    size_t left;                     /* at exit: how many callbacks are still
                                      * to be taken off the queue */
};

static void
set_code(const struct drain *drain, uintptr_t code)
{
    if (drain->progress != NULL)
        atomic_store(&drain->progress->code, code);
}

/* Takes the first callback off the queue; *taken: whether it is to be run.
 * NULL: the queue is empty. */
static struct gcw__watch *
pop(const struct drain *drain, bool *taken)
{
    struct gcw__roots *roots = gcw__roots;
    struct gcw__watch *pending;

    gcw__lock(&gcw__queue_lock, true);
    pending = roots->queue_first;
    if (pending != NULL) {
        roots->queue_first = pending->next;
        if (pending->next == NULL)
            roots->queue_last = NULL;
        pending->next = NULL;
        add_to_length((size_t)-1);
        *taken = pending->ops->take(pending, drain->at_exit);
        if (*taken)
            set_code(drain, pending->ops->code(pending));
    }
    gcw__unlock(&gcw__queue_lock);
    GCW__DELAY(3);
    return pending;
}

void
gcw__drain_failed(void *handle, uintptr_t code, const char *why)
{
    struct gcw__callback callback = { "cleanup", NULL, NULL, code };

    gcw__report_failure(&callback, handle,
                        gcw__hook_get(&gcw__roots->drain_hook,
                                      &gcw__queue_lock), why);
}

static bool
may_go_on(const struct drain *drain)
{
    return (drain->max == 0 || drain->ran < drain->max)
           && (!drain->at_exit || drain->left != 0)
           && !(drain->progress != NULL
                && atomic_load(&drain->progress->stop));
}

/* The next pending callback.  If the queue is empty, but there was a
 * collection, deaths are noticed once more. */
static struct gcw__watch *
next_pending(const struct drain *drain, bool *taken)
{
    struct gcw__watch *pending = pop(drain, taken);

    if (pending == NULL && gcw__gc_no() != atomic_load(&gcw__noticed)) {
        gcw__notice_deaths(true);
        pending = pop(drain, taken);
    }
    return pending;
}

static void
report_drained(const struct drain *drain, const struct gcw__watch *pending,
               bool failed)
{
    struct gcw__callback callback = { "callback", NULL, NULL,
                                      pending->ops->code(pending) };

    gcw__report_end(&callback, "drain", drain->began, failed);
}

/* Has the descriptor readable while callbacks wait: the callback that is
 * called next may look. */
static void
show_rest(void)
{
    if (atomic_load(&in_queue) != 0)
        gcw__wakeup_set(&wakeup);
}

/* The callback may do anything that the header allows: push and pop the
 * queue, drain itself, collect, fail.  Only `drain` is relied on afterwards,
 * which is this thread's own. */
static bool
drain_step(void *run)
{
    struct drain *drain = run;
    bool taken = false;
    struct gcw__watch *pending = may_go_on(drain)
        ? next_pending(drain, &taken) : NULL;

    if (pending == NULL)
        return false;
    drain->left--;
    if (!taken)
        return true;
    drain->current = pending;
    show_rest();
    drain->began = gcw__report_begin(GCW__REPORT_DRAIN);
    pending->ops->run(pending);
    if (!GCW__LIKELY(drain->began == 0))
        report_drained(drain, pending, false);
    drain->ran++;
    drain->current = NULL;
    set_code(drain, 0);
    return true;
}

static void
drain_failed(void *run, const char *why)
{
    struct drain *drain = run;
    struct gcw__watch *pending = drain->current;

    drain->current = NULL;
    set_code(drain, 0);
    if (pending == NULL)
        return;
    if (drain->began != 0)
        report_drained(drain, pending, true);
    drain->ran++;
    gcw__drain_failed(pending, pending->ops->code(pending), why);
}

/* Runs also when a callback has thrown, or has ended its thread.  A wake-up
 * that the clear may have taken away is made up for by looking once more. */
static void
end_drain(struct drain *drain)
{
    set_code(drain, 0);
    gcw__wakeup_clear(&wakeup);
    if (gcw__gc_no() != atomic_load(&gcw__noticed)
        && gcw__shards_watches() != 0)
        wake();
    wake_if_pending();
}

static size_t
run_queue(struct drain drain)
{
    __attribute__((__cleanup__(end_drain))) struct drain run = drain;

    gcw__code_look();
    gcw__guard_run(&run, drain_step, drain_failed);
    return run.ran;
}

size_t
gcw__drain(size_t max, struct gcw__progress *progress)
{
    struct drain drain = { .progress = progress, .max = max };

    gcw__wakeup_clear(&wakeup);
    GCW__DELAY(4);
    if (gcw__gc_no() != atomic_load(&gcw__noticed))
        gcw__notice_deaths(true);
    return atomic_load(&in_queue) == 0 ? 0 : run_queue(drain);
}

size_t
gcw__drain_at_exit(void)
{
    struct drain drain = { .at_exit = true };

    if (gcw__shards_watches() == 0 && gcw__drain_pending() == 0)
        return 0;
    gcw__notice_deaths(true);
    drain.left = gcw__drain_pending();
    return drain.left == 0 ? 0 : run_queue(drain);
}

size_t
gcw_drain(size_t max)
{
    return gcw__enter() != 0 ? 0 : gcw__drain(max, NULL);
}

size_t
gcw_collect(void)
{
    if (gcw__enter() != 0)
        return 0;
    GC_gcollect();
    return gcw__drain(0, NULL);
}

int
gcw_drain_fd(void)
{
    int fd;

    if (gcw__enter() != 0)
        return -1;
    fd = gcw__wakeup_open(&wakeup);
    if (fd >= 0)
        wake_if_pending();
    return fd;
}

int
gcw_drain_on_error(gcw_error_fn *hook, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    if (!gcw__holdable(data))
        return gcw__fail_int(EINVAL);
    gcw__hook_set(&gcw__roots->drain_hook, &gcw__queue_lock,
                  (void (*)(void))hook, data);
    return 0;
}

static void
drain_unloading(const struct gcw__range *range)
{
    gcw__hook_unload(&gcw__roots->drain_hook, &gcw__queue_lock, range);
}

static void
drain_prepare(void)
{
    gcw__lock(&gcw__queue_lock, true);
}

static void
drain_parent(void)
{
    gcw__unlock(&gcw__queue_lock);
}

static void
drain_child(void)
{
    gcw__cleanup_order_forked();
    gcw__unlock(&gcw__queue_lock);
}

const struct gcw__part gcw__drain_part = {
    "drain", drain_prepare, drain_parent, drain_child, drain_unloading
};
