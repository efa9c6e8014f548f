/* drain.c: queues of pending callbacks, and running them.
 *
 * There is a default queue, and those of the program's own (queue.c); all that
 * follows holds for each.  A queue is drained by threads that call gcw_drain or
 * gcw_queue_drain, and so on; by the worker (worker.c), if it is the default
 * one; and by the exiting thread (exit-run.c); by any number at a time.  What it
 * holds are cleanups (cleanup.c).
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
 * A queue is linked through `next`, which a watch that is off its reference
 * does not need any more.  Under the lock, which is one for all: both its ends,
 * its links, and the error hook.  Callbacks that a sweep makes pending gather in
 * a list of the queue's, under the sweep lock, which moves to the queue as a
 * whole after each shard.
 *
 * The default queue hangs on the roots, and so do those of the others with
 * something in them, and those for which the sweep has something: so nothing
 * looks at queues that have nothing to do, however many there are.
 */
#include <config.h>
#include "deliver/drain.h"

#include "deliver/cleanup-order.h"
#include "deliver/cleanup.h"
#include "deliver/queue.h"
#include "ground/code.h"
#include "ground/delay.h"
#include "ground/guard.h"
#include "ground/hook.h"
#include "ground/limit.h"
#include "ground/lock.h"
#include "ground/report.h"
#include "ground/roots.h"
#include "weak/call.h"
#include "weak/enter.h"
#include "weak/label.h"
#include "weak/container.h"

#include <stdio.h>

/* After a sweep, whether anything has died or not. */
static void
after_sweep(void)
{
    gcw__containers_tidy();
    GCW__DELAY(2);
    gcw__queues_swept();
}

void
gcw__drain_install(void)
{
    static const struct gcw__death_listener listener = {
        gcw__queues_collected, gcw__queues_take_new, after_sweep
    };

    gcw__deaths_install(&listener);
}

struct drain {
    gcw_queue *queue;
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

/* That of the queue, or of the default one. */
static struct gcw__hook
hook_of(const gcw_queue *q)
{
    struct gcw__hook hook;

    gcw__lock(&gcw__queue_lock, true);
    hook = q->hook.fn != NULL ? q->hook : gcw__roots->queue->hook;
    gcw__unlock(&gcw__queue_lock);
    return hook;
}

/* A callback in words, with its queue. */
struct sort {
    char words[80];
};

static const char *
sort_in(const gcw_queue *q, const char *callback, struct sort *sort)
{
    if (q->name == NULL)
        return callback;
    snprintf(sort->words, sizeof sort->words, "%s of queue \"%.48s\"", callback,
             q->name);
    return sort->words;
}

void
gcw__drain_failed(const gcw_queue *q, gcw_cleanup *c, uintptr_t code,
                  const char *why)
{
    struct sort sort;
    struct gcw__callback callback = { sort_in(q, "cleanup", &sort), NULL,
                                      gcw__label_of(c), code };

    gcw__report_failure(&callback, c, hook_of(q), why);
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
    size_t most = drain->max == 0 ? GCW__QUEUE_BATCH : drain->max - drain->ran;

    if (drain->at_exit)
        return drain->left != 0;
    return most < GCW__QUEUE_BATCH ? most : GCW__QUEUE_BATCH;
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
           && (c = (gcw_cleanup *)drain->queue->first) != NULL
           && !gcw__cleanup_is_own(c)) {
        gcw__queue_pop(drain->queue);
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
    tidied = gcw__queue_tidy(drain->queue);
    if (drain->at_exit)
        pass_over(drain, tidied);
    size = batch_size(drain);
    for (pending = drain->queue->first; pending != NULL && n < size;
         pending = pending->next)
        drain->batch[n++] = pending;
    more = gcw__queue_length(drain->queue) > 1;
    gcw__unlock(&gcw__queue_lock);
    GCW__DELAY(3);
    drain->at = 0;
    drain->n = n;
    if (n != 0 && more)
        gcw__queue_show_more(drain->queue);
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
    struct sort sort;
    struct gcw__callback callback = {
        sort_in(drain->queue, "callback", &sort), NULL, gcw__label_of(pending),
        pending->ops->code(pending)
    };

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
    gcw__drain_failed(drain->queue, (gcw_cleanup *)pending,
                      pending->ops->code(pending), why);
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
    gcw_queue *q = drain->queue;

    set_code(drain, 0);
    gcw__queue_clear(q);
    if (gcw__gc_no() != atomic_load(&gcw__noticed)
        && gcw__shards_watches() != 0)
        gcw__queue_wake(q);
    if (atomic_load(&q->length) != 0 && gcw__queue_pending(q) != 0)
        gcw__queue_wake(q);
}

static size_t
run_queue(struct drain drain)
{
    static const struct gcw__guarded how = {
        drain_step, callback_failed, callback_told
    };
    struct gcw__watch *batch[GCW__QUEUE_BATCH];
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
may_be_pending(gcw_queue *q)
{
    gcw__queue_clear(q);
    GCW__DELAY(4);
    if (gcw__gc_no() != atomic_load(&gcw__noticed))
        gcw__notice_deaths(true);
    return atomic_load(&q->length) != 0;
}

static size_t
drain_queue(gcw_queue *q, size_t max, struct gcw__progress *progress)
{
    struct drain drain = { .queue = q, .progress = progress, .max = max };

    return may_be_pending(q) ? run_queue(drain) : 0;
}

size_t
gcw__drain(size_t max, struct gcw__progress *progress)
{
    return drain_queue(gcw__roots->queue, max, progress);
}

static size_t
drain_queue_at_exit(gcw_queue *q)
{
    struct drain drain = { .queue = q, .at_exit = true };

    drain.left = gcw__queue_pending(q);
    return drain.left == 0 ? 0 : run_queue(drain);
}

size_t
gcw__drain_at_exit(void)
{
    static _Atomic uint64_t rounds;
    uint64_t round = atomic_fetch_add(&rounds, 1) + 1;
    size_t ran;
    gcw_queue *q;

    if (gcw__shards_watches() == 0 && gcw__queues_are_empty())
        return 0;
    gcw__notice_deaths(true);
    ran = drain_queue_at_exit(gcw__roots->queue);
    while ((q = gcw__queues_next(round)) != NULL)
        ran += drain_queue_at_exit(q);
    return ran;
}

/* Whether the program may use the queue; false with errno. */
static bool
can_use(const char *function, const gcw_queue *q)
{
    int error = q == NULL ? EINVAL : gcw__queue_has_closed(q) ? ESTALE : 0;

    if (error != 0)
        gcw__refused(function, error, "open q", q);
    return error == 0;
}

size_t
gcw_drain(size_t max)
{
    return gcw__enter() != 0 ? 0 : gcw__drain(max, NULL);
}

size_t
gcw_queue_drain(gcw_queue *q, size_t max)
{
    return gcw__enter() != 0 || !can_use(__func__, q) ? 0 : drain_queue(q, max, NULL);
}

/* Stepping through the queue: a batch of one.  The wake-up is taken back only
 * when nothing is left, so a step costs no system call. */

static void
pending_call_failed(const gcw_call *call, const char *why)
{
    gcw__drain_failed(call->owner, call->handle, (uintptr_t)call->fn, why);
}

static const struct gcw__place drain_place = { pending_call_failed };

static bool
take_pending_call(gcw_queue *q, gcw_call *out)
{
    struct gcw__watch *pending;
    struct drain drain = { .queue = q, .max = 1, .batch = &pending };

    while (find_batch(&drain)) {
        GCW__DELAY(5);
        if (gcw__cleanup_take((gcw_cleanup *)pending)
            && pending->ops->take(pending, out)) {
            out->place = &drain_place;
            out->owner = q;
            return true;
        }
    }
    end_drain(&drain);
    return false;
}

static bool
next_call(const char *function, gcw_queue *q, gcw_call *call)
{
    if (call == NULL) {
        gcw__refused(function, EINVAL, "given call", call);
        return false;
    }
    gcw__code_look();
    if (take_pending_call(q, call))
        return true;
    *call = (gcw_call){ .kind = GCW_CALL_NONE };
    return false;
}

static void
clear_call(gcw_call *call)
{
    if (call != NULL)
        *call = (gcw_call){ .kind = GCW_CALL_NONE };
}

bool
gcw_drain_next(gcw_call *call)
{
    clear_call(call);
    return gcw__enter() == 0 && next_call(__func__, gcw__roots->queue, call);
}

bool
gcw_queue_next(gcw_queue *q, gcw_call *call)
{
    clear_call(call);
    return gcw__enter() == 0 && can_use(__func__, q)
           && next_call(__func__, q, call);
}

bool
gcw__drain_look(gcw_queue *q)
{
    bool pending = may_be_pending(q) && gcw__queue_pending(q) != 0;

    if (pending)
        gcw__queue_wake(q);
    return pending;
}

void
gcw__drain_close(void)
{
    gcw__queues_end();
    gcw__queue_show_more(gcw__roots->queue);
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
    fd = gcw__queue_default_fd();
    return fd >= 0 ? fd : gcw__refuse_int(errno, "");
}

int
gcw_queue_fd(gcw_queue *q)
{
    int fd;

    if (gcw__enter() != 0)
        return -1;
    if (q == NULL)
        return gcw__refuse_int(EINVAL, "given q", q);
    fd = gcw__queue_is_default(q) ? gcw__queue_default_fd() : gcw__queue_fd(q);
    return fd >= 0 ? fd : gcw__refuse_int(errno, "open q", q);
}

static void
drain_unloading(const struct gcw__range *range)
{
    gcw__hook_unload(&gcw__roots->queue->hook, &gcw__queue_lock, range);
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
