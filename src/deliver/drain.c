/* drain.c: the queue of pending callbacks, and running them.
 *
 * The queue is drained by threads that call gcw_drain or gcw_collect, by the
 * worker (worker.c), and by the exiting thread (exit-run.c); by any number at
 * a time.  What it holds are cleanups (cleanup.c).
 *
 *     queued --- taken by a drain, run, detached, ... ---> over --- tidied
 *                       no lock                                under the lock
 *
 * A drain looks at the first callbacks of the queue under the lock, and notes
 * which they are: its batch.  They stay in the queue.  Then it takes one after
 * the other, by a single exchange in the cleanup and without the lock, and
 * calls those that nobody else has taken, run or detached meanwhile.
 *
 * So all that has still to run is in the queue at any time, and a batch is but
 * a guess: whether a callback blocks, fails, throws, forks, drains, ends its
 * thread or the process, others find the rest.
 *
 * What is over stays in the queue, and in the order of the cleanups, until it
 * is the first there and somebody tidies.  Whoever wants to know what is
 * pending, or goes through the order, tidies first, under the same lock; so
 * does each look, and the end of each drain.  Since a drain takes its batch in
 * the order of the queue, nothing that it has taken stays behind one that has
 * still to run.
 *
 * The queue is linked through `next`, which a watch that is off its reference
 * does not need any more, and hung on the roots.  Under the lock: both its
 * ends, its links, and the error hook.  Callbacks that a sweep makes pending
 * gather in a list of its own, under the sweep lock, which moves to the queue
 * as a whole after each shard.
 */
#include <config.h>
#include "deliver/drain.h"

#include "deliver/cleanup-order.h"
#include "deliver/cleanup.h"
#include "ground/code.h"
#include "ground/delay.h"
#include "ground/guard.h"
#include "ground/hook.h"
#include "ground/limit.h"
#include "ground/lock.h"
#include "ground/process.h"
#include "ground/report.h"
#include "ground/roots.h"
#include "ground/wakeup.h"
#include "weak/call.h"
#include "weak/enter.h"
#include "weak/label.h"
#include "weak/container.h"

pthread_mutex_t gcw__queue_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gcw__wakeup wakeup = GCW__WAKEUP_INIT;

/* The length of the queue, with what is over and was not tidied; written under
 * the lock. */
static _Atomic size_t in_queue;

/* How many of those that drains have taken were tidied; under the lock. */
static uint64_t taken_and_tidied;

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

size_t gcw__drain_new;

/* Puts the list at the end of the queue.  Lock held. */
static void
append_new(struct gcw__roots *roots)
{
    if (roots->queue_last != NULL)
        roots->queue_last->next = roots->new_first;
    else
        roots->queue_first = roots->new_first;
    roots->queue_last = roots->new_last;
    add_to_length(gcw__drain_new);
}

/* Moves the callbacks that are new to the queue.  Sweep lock held. */
static bool
queue_new(bool may_wait)
{
    struct gcw__roots *roots = gcw__roots;

    if (gcw__drain_new == 0)
        return true;
    if (!gcw__lock(&gcw__queue_lock, may_wait))
        return false;
    append_new(roots);
    gcw__unlock(&gcw__queue_lock);
    GCW__DELAY(1);
    roots->new_first = roots->new_last = NULL;
    gcw__drain_new = 0;
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

/* How many are looked at, or tidied, together: few enough for the processor's
 * nearest cache, and for those who wait for the lock. */
enum { BATCH = 32 };

/* Takes the watch, which is the first, off the queue; returns the next. */
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
leave(gcw_cleanup *const *popped, size_t n, struct gcw__watch *first)
{
    gcw__roots->queue_first = first;
    if (first == NULL)
        gcw__roots->queue_last = NULL;
    add_to_length(-n);
    gcw__cleanup_order_remove_all(popped, n);
}

/* The same as gcw__drain_tidy, but no more than BATCH. */
static size_t
tidy_some(void)
{
    struct gcw__watch *first = gcw__roots->queue_first;
    gcw_cleanup *popped[BATCH];
    size_t n = 0, taken = 0;

    while (first != NULL && n < BATCH) {
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
        leave(popped, n, first);
    return n;
}

size_t
gcw__drain_tidy(void)
{
    size_t all = 0, n;

    do {
        n = tidy_some();
        all += n;
    } while (n == BATCH);
    return all;
}

size_t
gcw__drain_pending(void)
{
    size_t n;

    gcw__lock(&gcw__queue_lock, true);
    gcw__drain_tidy();
    n = atomic_load_explicit(&in_queue, memory_order_relaxed);
    gcw__unlock(&gcw__queue_lock);
    return n;
}

uint64_t
gcw__drain_taken(void)
{
    return taken_and_tidied;
}

struct drain {
    struct gcw__progress *progress;
    struct gcw__watch *current;
    bool told;                       /* it has said that it failed */
    uint64_t began;
    struct gcw__deadline *deadline;  /* of an exit, for which it counts */
    size_t max, ran;
    bool at_exit;
    size_t left;                     /* at exit: how many callbacks are still
                                      * to be taken off the queue */
    struct gcw__watch **batch;
    size_t at, n;                    /* in the batch: the next, and the end */
};

static void
set_code(const struct drain *drain, uintptr_t code)
{
    if (drain->progress != NULL)
        atomic_store_explicit(&drain->progress->code, code,
                              memory_order_release);
}

void
gcw__drain_failed(void *handle, uintptr_t code, const char *why)
{
    struct gcw__callback callback = { "cleanup", NULL, gcw__label_of(handle),
                                      code };

    gcw__report_failure(&callback, handle,
                        gcw__hook_get(&gcw__roots->drain_hook,
                                      &gcw__queue_lock), why);
}

static bool
is_stopped(const struct drain *drain)
{
    return drain->progress != NULL && atomic_load(&drain->progress->stop);
}

/* How many callbacks the drain may look at together, and run then.  At exit it
 * is one, for what became pending since may not be run yet. */
static size_t
batch_size(const struct drain *drain)
{
    size_t most = drain->max == 0 ? BATCH : drain->max - drain->ran;

    if (drain->at_exit)
        return drain->left != 0;
    return most < BATCH ? most : BATCH;
}

/* At exit: takes off what comes first and is not run then.  A cleanup that is
 * passed over is in no queue any more, so nothing holds it: it leaves the order
 * as well.  Lock held. */
static void
pass_over(struct drain *drain, size_t tidied)
{
    gcw_cleanup *c;

    drain->left -= tidied < drain->left ? tidied : drain->left;
    while (drain->left != 0
           && (c = (gcw_cleanup *)gcw__roots->queue_first) != NULL
           && !gcw__cleanup_is_own(c)) {
        leave(&c, 1, unlink_first(&c->watch));
        drain->left--;
    }
}

/* Notes the first callbacks of the queue; false if there are none, or none that
 * this drain may run.  Has the descriptor readable while callbacks wait: those
 * that are called next may look. */
static bool
look_at_queue(struct drain *drain)
{
    struct gcw__watch *pending;
    size_t tidied, size, n = 0;
    bool more;

    gcw__lock(&gcw__queue_lock, true);
    tidied = gcw__drain_tidy();
    if (drain->at_exit)
        pass_over(drain, tidied);
    size = batch_size(drain);
    for (pending = gcw__roots->queue_first; pending != NULL && n < size;
         pending = pending->next)
        drain->batch[n++] = pending;
    more = atomic_load_explicit(&in_queue, memory_order_relaxed) > 1;
    gcw__unlock(&gcw__queue_lock);
    GCW__DELAY(3);
    drain->at = 0;
    drain->n = n;
    if (n != 0 && more)
        gcw__wakeup_set(&wakeup);
    return n != 0;
}

/* The same; if the queue is empty, but there was a collection, deaths are
 * noticed once more. */
static bool
find_batch(struct drain *drain)
{
    if (drain->max != 0 && drain->ran == drain->max)
        return false;
    if (look_at_queue(drain))
        return true;
    if (gcw__gc_no() == atomic_load(&gcw__noticed))
        return false;
    gcw__notice_deaths(true);
    return look_at_queue(drain);
}

/* Takes the callback, unless it is over; whether it is to be run now.  Where
 * its code lies is shown before, for whoever finds it taken and looks. */
static inline bool
take_pending(const struct drain *drain, struct gcw__watch *pending)
{
    bool taken;

    if (drain->progress == NULL)
        return gcw__cleanup_take((gcw_cleanup *)pending);
    set_code(drain, pending->ops->code(pending));
    taken = gcw__cleanup_take((gcw_cleanup *)pending);
    if (!taken)
        set_code(drain, 0);
    return taken;
}

static void
note_deadline(struct drain *drain, const struct gcw__watch *pending)
{
    struct gcw__callback callback = { "callback", NULL, gcw__label_of(pending),
                                      pending->ops->code(pending) };

    gcw__deadline_note(drain->deadline, &callback);
}

static void
report_drained(const struct drain *drain, const struct gcw__watch *pending,
               bool failed)
{
    struct gcw__callback callback = { "callback", NULL, gcw__label_of(pending),
                                      pending->ops->code(pending) };

    gcw__report_end(&callback, GCW_TOLD_DRAIN, drain->began, failed);
}

/* The callback may do anything that the header allows: drain itself, collect,
 * fail.  Only `drain` is relied on afterwards, which is this thread's own. */
static inline void
run_next(struct drain *drain)
{
    struct gcw__watch *pending = drain->batch[drain->at++];
    gcw_call call;

    GCW__DELAY(5);
    if (!take_pending(drain, pending))
        return;
    drain->current = pending;
    drain->told = false;
    drain->began = gcw__report_begin(GCW_TOLD_DRAIN);
    if (!GCW__LIKELY(gcw__deadlines_here == 0))
        note_deadline(drain, pending);
    if (pending->ops->take(pending, &call))
        gcw__call_make(&call);
    gcw__deadline_end(drain->deadline);
    if (!GCW__LIKELY(drain->began == 0))
        report_drained(drain, pending, false);
    drain->ran++;
    drain->current = NULL;
    set_code(drain, 0);
}

/* Runs the batch, after a look for one.  A callback that fails leaves the step,
 * and the next one goes on with the batch. */
static bool
drain_step(void *run)
{
    struct drain *drain = run;

    if (drain->at == drain->n && (is_stopped(drain) || !find_batch(drain)))
        return false;
    while (drain->at < drain->n && !is_stopped(drain))
        run_next(drain);
    return !is_stopped(drain);
}

static void
callback_told(void *run, const char *why)
{
    struct drain *drain = run;
    struct gcw__watch *pending = drain->current;

    if (drain->told)
        return;
    drain->told = true;
    gcw__drain_failed(pending, pending->ops->code(pending), why);
}

static void
callback_failed(void *run, const char *why)
{
    struct drain *drain = run;

    set_code(drain, 0);
    gcw__deadline_end(drain->deadline);
    if (drain->began != 0)
        report_drained(drain, drain->current, true);
    drain->ran++;
    callback_told(drain, why);
    drain->current = NULL;
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
    if (atomic_load(&in_queue) != 0 && gcw__drain_pending() != 0)
        wake();
}

static size_t
run_queue(struct drain drain)
{
    static const struct gcw__guarded how = {
        drain_step, callback_failed, callback_told
    };
    struct gcw__watch *batch[BATCH];
    __attribute__((__cleanup__(gcw__deadline_end)))
        struct gcw__deadline deadline;
    __attribute__((__cleanup__(end_drain))) struct drain run = drain;

    deadline.begun = false;
    run.deadline = &deadline;
    run.batch = batch;
    gcw__code_look();
    gcw__guard_run(&run, &how);
    return run.ran;
}

/* Takes the wake-up back, and then looks: whether the queue has anything in it,
 * be it over. */
static bool
may_be_pending(void)
{
    gcw__wakeup_clear(&wakeup);
    GCW__DELAY(4);
    if (gcw__gc_no() != atomic_load(&gcw__noticed))
        gcw__notice_deaths(true);
    return atomic_load(&in_queue) != 0;
}

size_t
gcw__drain(size_t max, struct gcw__progress *progress)
{
    struct drain drain = { .progress = progress, .max = max };

    return may_be_pending() ? run_queue(drain) : 0;
}

size_t
gcw__drain_at_exit(void)
{
    struct drain drain = { .at_exit = true };

    if (gcw__shards_watches() == 0 && atomic_load(&in_queue) == 0)
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

/* Stepping through the queue: a batch of one.  The wake-up is taken back only
 * when nothing is left, so a step costs no system call. */

static void
pending_call_failed(const gcw_call *call, const char *why)
{
    gcw__drain_failed(call->handle, (uintptr_t)call->fn, why);
}

static const struct gcw__place drain_place = { pending_call_failed };

static bool
take_pending_call(gcw_call *out)
{
    struct gcw__watch *pending;
    struct drain drain = { .max = 1, .batch = &pending };

    while (find_batch(&drain)) {
        GCW__DELAY(5);
        if (gcw__cleanup_take((gcw_cleanup *)pending)
            && pending->ops->take(pending, out)) {
            out->place = &drain_place;
            out->owner = NULL;
            return true;
        }
    }
    end_drain(&drain);
    return false;
}

bool
gcw_drain_next(gcw_call *call)
{
    if (call != NULL)
        *call = (gcw_call){ .kind = GCW_CALL_NONE };
    if (gcw__enter() != 0)
        return false;
    if (call == NULL)
        return gcw__refuse_false(EINVAL, "given call", call);
    gcw__code_look();
    if (take_pending_call(call))
        return true;
    *call = (gcw_call){ .kind = GCW_CALL_NONE };
    return false;
}

bool
gcw__drain_look(void)
{
    bool pending = may_be_pending() && gcw__drain_pending() != 0;

    if (pending)
        wake();
    return pending;
}

/* The process in which no callbacks come any more. */
static atomic_uint none_come_in;

void
gcw__drain_close(void)
{
    atomic_store(&none_come_in, gcw__process());
    gcw__wakeup_set(&wakeup);
}

bool
gcw__drain_is_closed(void)
{
    return atomic_load(&none_come_in) == gcw__process();
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
    if (fd >= 0 && gcw__drain_pending() != 0)
        wake();
    return fd;
}

int
gcw_drain_on_error(gcw_error_fn *hook, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    if (!gcw__holdable(data))
        return gcw__refuse_int(EINVAL, "held data", data);
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
