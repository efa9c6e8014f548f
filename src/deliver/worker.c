/* worker.c: the thread that drains.
 *
 *     absent --- on ---> idle <--- woken, drained ---> busy
 *                         |                              |
 *                         +---- off, exit, fork ---------+---> leaves, paused
 *
 * The worker sleeps on a semaphore, because that is what the collector's hook
 * may post, inside the collector.  Posts coalesce through `posted`.
 *
 * Under the lock: everything in `worker` that is not atomic.  The worker
 * changes `busy` and `alive`; others change `wanted` and `paused`, post, and
 * wait on `changed`.  A drain in progress is asked to stop through
 * `progress.stop`, and ends after the callback that runs.
 *
 * The thread is made without the lock, for that allocates.  `alive` is set
 * before, so no second one is made.
 *
 * A callback may end the thread that it runs on (pthread_exit).  The worker
 * then ends as if it had been turned off, and another takes its place if one
 * is still wanted.
 *
 * The program may have functions called first and last on each worker's thread.
 * A worker reads both when it begins, so that it calls both or none.  It is
 * alive until the last has returned, and whoever turns it off waits for that; if
 * it has been turned on again meanwhile, it begins anew.
 *
 * Waiting for a callback to return is bounded at exit, at fork and at dlclose,
 * where the callback may be waiting for something that the waiting thread
 * holds.  Waiting in gcw_drain_thread(false) is not bounded, but a
 * cancellation point.
 *
 * Fork: see fork.c for the order.  Before, the worker is paused, so that the
 * child does not inherit a callback cut in two; the lock is held across the
 * fork.  Threads that fork at the same time pause it together.  The child has
 * no worker, and `wanted` makes the next sweep start one.  In a child that was
 * made around fork's handlers, what is here still describes the parent, until
 * `process` shows it.
 */
#include <config.h>
#include "deliver/worker.h"

#include "deliver/drain.h"
#include "ground/code.h"
#include "ground/delay.h"
#include "ground/names.h"
#include "ground/lock.h"
#include "ground/process.h"
#include "ground/roots.h"
#include "ground/tell.h"
#include "ground/thread.h"
#include "weak/enter.h"

#include <gcweak/drain.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum { PATIENCE_SECONDS = 1 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_changed;        /* `changed` is initialised */
    bool wanted;             /* there should be a worker */
    bool alive;              /* there is one, or it is being made; and */
    bool runs;               /* its thread has begun, and not ended */
    unsigned paused;         /* how many threads fork: it may not drain then */
    bool busy;               /* it drains */
    bool ended;              /* the process exits: no worker any more */
    unsigned process;        /* the one that all this describes */
    struct gcw__progress progress;
    atomic_bool posted;
    sem_t wake;              /* initialised with `changed` */
} worker = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local bool is_worker;

static void
ignore_start(void)
{
}

/* Called when there is a new worker. */
static void (*_Atomic started_also)(void) = ignore_start;

void
gcw__worker_install(void (*started)(void))
{
    atomic_store(&started_also, started);
}

/* Called inside the collector, too. */
static void
post_to_worker(void)
{
    if (!atomic_exchange(&worker.posted, true))
        sem_post(&worker.wake);
}

/* Initialises `changed` and `wake`, once.  False: no memory.  Lock held. */
static bool
init_signals(void)
{
    pthread_condattr_t attributes;

    if (worker.has_changed)
        return true;
    if (pthread_condattr_init(&attributes) != 0)
        return false;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    worker.has_changed = sem_init(&worker.wake, 0, 0) == 0
                         && pthread_cond_init(&worker.changed, &attributes)
                            == 0;
    pthread_condattr_destroy(&attributes);
    return worker.has_changed;
}

static void
begin_in_child(void)
{
    if (worker.has_changed) {
        worker.has_changed = false;
        init_signals();
        atomic_store(&worker.posted, false);
    }
    if (!is_worker)
        worker.alive = worker.busy = worker.runs = false;
    worker.paused = 0;
}

/* Begins anew if this process is another one.  Lock held. */
static void
look_at_process(void)
{
    unsigned process = gcw__process();

    if (worker.process == process)
        return;
    if (worker.process != 0)
        begin_in_child();
    worker.process = process;
}

static void
wait_for_post(void)
{
    while (sem_wait(&worker.wake) != 0)
        continue;
    GCW__DELAY(1);
    atomic_store(&worker.posted, false);
}

/* Whether the worker is to go on; waits while it is paused. */
static bool
begin_drain(void)
{
    bool go_on;

    gcw__lock(&worker.lock, true);
    while (worker.paused != 0)
        gcw__wait(&worker.changed, &worker.lock, NULL);
    go_on = worker.wanted;
    worker.busy = go_on;
    worker.runs = worker.alive = true;
    atomic_store(&worker.progress.stop, false);
    pthread_cond_broadcast(&worker.changed);
    gcw__unlock(&worker.lock);
    return go_on;
}

static void
end_work(void)
{
    GCW__DELAY(2);
    gcw__lock(&worker.lock, true);
    worker.busy = false;
    pthread_cond_broadcast(&worker.changed);
    gcw__unlock(&worker.lock);
}

static int start_worker(void);

/* What the thread calls first and last. */
struct thread_hooks {
    struct gcw__hook enter, leave;
};

static struct thread_hooks
thread_hooks(void)
{
    struct thread_hooks hooks;

    gcw__lock(&worker.lock, true);
    hooks = (struct thread_hooks){ gcw__roots->enter_hook,
                                   gcw__roots->leave_hook };
    gcw__unlock(&worker.lock);
    return hooks;
}

/* The code may have been unloaded since the hooks were read. */
static void
call_thread_hook(const struct gcw__hook *hook)
{
    gcw__code_look();
    if (hook->fn != NULL && !gcw__code_gone((uintptr_t)hook->fn))
        ((void (*)(void *))hook->fn)(hook->data);
}

static bool
process_exits(void)
{
    bool ended;

    gcw__lock(&worker.lock, true);
    ended = worker.ended;
    gcw__unlock(&worker.lock);
    return ended;
}

/* When the process exits, who is called may not work any more. */
static void
call_leave(const struct thread_hooks *hooks)
{
    if (!process_exits())
        call_thread_hook(&hooks->leave);
}

/* A callback has ended the thread, which the collector still knows. */
static void
lost(void *hooks)
{
    bool replace;

    call_leave(hooks);
    is_worker = false;
    gcw__lock(&worker.lock, true);
    replace = worker.wanted;
    worker.alive = replace;
    worker.busy = worker.runs = false;
    pthread_cond_broadcast(&worker.changed);
    gcw__unlock(&worker.lock);
    if (replace)
        start_worker();
}

/* Works as long as a worker is wanted. */
static void
attend(void)
{
    struct thread_hooks hooks = thread_hooks();

    call_thread_hook(&hooks.enter);
    pthread_cleanup_push(lost, &hooks);
    while (begin_drain()) {
        gcw__drain(0, &worker.progress);
        end_work();
        wait_for_post();
    }
    pthread_cleanup_pop(0);
    call_leave(&hooks);
}

/* Whether a worker is wanted again by now; if not, there is none any more. */
static bool
is_wanted_again(void)
{
    bool again;

    GCW__DELAY(5);
    gcw__lock(&worker.lock, true);
    again = worker.wanted;
    worker.alive = worker.runs = again;
    pthread_cond_broadcast(&worker.changed);
    gcw__unlock(&worker.lock);
    return again;
}

/* A cancellation could strike while the worker holds a lock: it is off. */
static void *
work(void *arg)
{
    is_worker = true;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    do
        attend();
    while (is_wanted_again());
    return arg;
}

static int
start_worker(void)
{
    int error = gcw__thread_make(GC_pthread_create, work);

    if (error == 0) {
        atomic_load(&started_also)();
        return 0;
    }
    gcw__lock(&worker.lock, true);
    worker.alive = false;
    pthread_cond_broadcast(&worker.changed);
    gcw__unlock(&worker.lock);
    return error;
}

/* Called after each sweep: a forked child gets its worker here. */
static void
restart(void)
{
    bool missing;

    if (!gcw__lock(&worker.lock, false))
        return;
    look_at_process();
    missing = worker.wanted && !worker.alive;
    worker.alive |= missing;
    gcw__unlock(&worker.lock);
    GCW__DELAY(3);
    if (missing)
        start_worker();
}

/* Makes a worker wanted.  Returns 0, an errno, or -1 if the caller has to make
 * the thread.  Lock held. */
static int
want(void)
{
    look_at_process();
    if (worker.ended)
        return ESHUTDOWN;
    if (!init_signals())
        return ENOMEM;
    worker.wanted = true;
    if (worker.alive)
        return 0;
    worker.alive = true;
    return -1;
}

static int
turn_on(void)
{
    int error;

    gcw__lock(&worker.lock, true);
    error = want();
    gcw__unlock(&worker.lock);
    if (error > 0)
        return error;
    GCW__DELAY(4);
    gcw__queue_listen(post_to_worker, restart);
    if (error == 0) {
        post_to_worker();
        return 0;
    }
    error = start_worker();
    if (error != 0) {
        gcw__lock(&worker.lock, true);
        worker.wanted = false;
        gcw__unlock(&worker.lock);
    }
    return error;
}

/* Asks the worker to end.  Lock held. */
static void
dismiss(void)
{
    worker.wanted = false;
    atomic_store(&worker.progress.stop, true);
    if (worker.has_changed)
        post_to_worker();
}

static int
turn_off(void)
{
    gcw__lock(&worker.lock, true);
    look_at_process();
    dismiss();
    while (worker.alive && !is_worker && !worker.wanted)
        gcw__wait_cancellable(&worker.changed, &worker.lock, NULL);
    gcw__unlock(&worker.lock);
    return 0;
}

int
gcw_drain_thread(bool on)
{
    int error, before = errno;

    if (gcw__enter() != 0)
        return -1;
    error = on ? turn_on() : turn_off();
    if (error != 0)
        return gcw__refuse_int(error, "");
    errno = before;
    return 0;
}

int
gcw_drain_thread_hooks(void (*enter)(void *data), void (*leave)(void *data),
                       void *data)
{
    struct gcw__hook on_enter = { (void (*)(void))enter, data };
    struct gcw__hook on_leave = { (void (*)(void))leave, data };

    if (gcw__enter() != 0)
        return -1;
    if (!gcw__holdable(data))
        return gcw__refuse_int(EINVAL, "held data", data);
    gcw__lock(&worker.lock, true);
    gcw__roots->enter_hook = on_enter;
    gcw__roots->leave_hook = on_leave;
    gcw__unlock(&worker.lock);
    return 0;
}

static bool
is_at_work(const struct gcw__range *range)
{
    return worker.busy
           && (range == NULL
               || gcw__in_range(atomic_load(&worker.progress.code), range));
}

static struct timespec
end_of_patience(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_SECONDS;
    return until;
}

/* Waits until the worker is not busy, or runs no code in the range, but not
 * for ever.  False if it still does.  Lock held. */
static bool
wait_patiently(const struct gcw__range *range)
{
    struct timespec until = end_of_patience();

    while (is_at_work(range)
           && gcw__wait(&worker.changed, &worker.lock, &until) == 0)
        continue;
    return !is_at_work(range);
}

static void
accuse(const char *when)
{
    uintptr_t code = atomic_load(&worker.progress.code);
    char place[GCW__CODE_TEXT];

    gcw__code_text(place, sizeof place, code);
    gcw__tell(GCW_TOLD_WARNING, "%s: the worker's callback %s has not returned;"
              " it is left behind", when, place);
}

void
gcw__worker_stop(void)
{
    struct timespec until = end_of_patience();

    gcw__lock(&worker.lock, true);
    look_at_process();
    dismiss();
    while (worker.alive && !is_worker && !worker.wanted
           && gcw__wait(&worker.changed, &worker.lock, &until) == 0)
        continue;
    gcw__unlock(&worker.lock);
}

void
gcw__worker_end(void)
{
    bool idle;

    gcw__lock(&worker.lock, true);
    look_at_process();
    worker.ended = true;
    dismiss();
    idle = is_worker || wait_patiently(NULL);
    gcw__unlock(&worker.lock);
    if (!idle)
        accuse("exit");
}

void
gcw__worker_exits(void)
{
    if (!is_worker)
        return;
    gcw__lock(&worker.lock, true);
    worker.busy = false;
    pthread_cond_broadcast(&worker.changed);
    gcw__unlock(&worker.lock);
}

/* The end of a single callback is not signalled, so the drain is stopped, and
 * the worker woken to go on afterwards. */
static void
worker_unloading(const struct gcw__range *range)
{
    bool idle = true;

    gcw__lock(&worker.lock, true);
    gcw__hook_drop(&gcw__roots->enter_hook, range);
    gcw__hook_drop(&gcw__roots->leave_hook, range);
    if (!is_worker && is_at_work(range)) {
        atomic_store(&worker.progress.stop, true);
        idle = wait_patiently(range);
        if (worker.wanted)
            post_to_worker();
    }
    gcw__unlock(&worker.lock);
    if (!idle)
        accuse("dlclose");
}

bool
gcw__worker_runs(void)
{
    bool runs;

    gcw__lock(&worker.lock, true);
    look_at_process();
    runs = worker.runs;
    gcw__unlock(&worker.lock);
    return runs;
}

static void
worker_prepare(void)
{
    gcw__lock(&worker.lock, true);
    look_at_process();
    worker.paused++;
    if (is_worker || !worker.busy)
        return;
    atomic_store(&worker.progress.stop, true);
    wait_patiently(NULL);
}

static void
worker_parent(void)
{
    worker.paused--;
    if (worker.has_changed) {
        pthread_cond_broadcast(&worker.changed);
        post_to_worker();
    }
    gcw__unlock(&worker.lock);
}

/* The child has no worker, unless the worker was the thread that forked: then
 * it is the child's only thread, and goes on. */
static void
worker_child(void)
{
    look_at_process();
    if (worker.has_changed)
        post_to_worker();
    gcw__unlock(&worker.lock);
}

const struct gcw__part gcw__worker_part = {
    "worker", worker_prepare, worker_parent, worker_child, worker_unloading
};
