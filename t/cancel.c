/* cancel.c: tests of cancellation: where a thread can be cancelled in a call
 * of the library, and where not; and that it leaves nothing locked.
 *
 * pthread_cancel is the C library's own: that of the collector keeps it from
 * collecting.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include "all-calls.h"
#include "await.h"
#include "log.h"
#include "thread.h"

/* --- threads --- */

/* What the threads of a scenario wait for. */
static sem_t there, go;

static void
start(void)
{
    MUST(sem_init(&there, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    GC_INIT();
    GC_allow_register_threads();
}

/* Whether it was cancelled. */
static bool
join(pthread_t thread)
{
    void *result;
    MUST(GC_pthread_join(thread, &result) == 0);
    return result == PTHREAD_CANCELED;
}

/* The calling thread is cancelled as soon as it can be. */
static void
cancel_oneself(void)
{
    MUST(pthread_cancel(pthread_self()) == 0);
}

static void
cancellation(int state)
{
    int ignored;
    pthread_setcancelstate(state, &ignored);
}

/* The thread that waits says who it is. */
static _Atomic pid_t waiting;

static void
about_to_wait(void)
{
    atomic_store(&waiting, (pid_t)syscall(SYS_gettid));
    sem_post(&there);
}

static char
state_of(pid_t thread)
{
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 'S';
    char *end = fgets(line, sizeof line, file);
    fclose(file);
    end = end == NULL ? NULL : strrchr(line, ')');
    return end == NULL ? 'S' : end[2];
}

/* Until the thread sleeps, by what the system says.  It may sleep somewhere
 * on its way: then it is cancelled when it waits. */
static void
await_sleep(void)
{
    struct timespec moment = { .tv_nsec = 1000000 };
    await(&there);
    for (int asleep = 0; asleep < 20; nanosleep(&moment, NULL))
        asleep = state_of(atomic_load(&waiting)) == 'S' ? asleep + 1 : 0;
}

/* --- waiting for a turn --- */

static gcw_exit_registry *
registry_new(void)
{
    void **keep = keep_array(1);
    gcw_exit_registry *r = keep[0] = gcw_exit_registry_new("test");
    MUST(r != NULL);
    return r;
}

static gcw_exit_handler *
add(gcw_exit_registry *r, void (*fn)(void *), const char *data)
{
    gcw_exit_handler *h = gcw_exit_register_fn(r, fn, (void *)(uintptr_t)data,
                                               NULL);
    MUST(h != NULL);
    return h;
}

static void
stay(void *data)
{
    (void)data;
    sem_post(&there);
    await(&go);
}

static void *
run(void *registry)
{
    MUST(gcw_exit_run(registry, 0) == 0);
    return NULL;
}

static void *
wait_and_run(void *registry)
{
    about_to_wait();
    gcw_exit_run(registry, 0);
    return NULL;
}

static void *
run_cancelled(void *registry)
{
    cancel_oneself();
    gcw_exit_run(registry, 0);
    return NULL;
}

/* Another thread has its turn and goes on with it. */
static void
use_meanwhile(gcw_exit_registry *r)
{
    gcw_exit_registry *other = registry_new();
    add(r, say_it, "the newest");
    MUST(gcw_exit_unregister(add(r, say_it, "taken off")) == GCW_REMOVED);
    add(other, say_it, "the other registry");
    MUST(gcw_exit_run(other, 0) == 0);
}

static void
use_afterwards(gcw_exit_registry *r, pthread_t owner)
{
    use_meanwhile(r);
    sem_post(&go);
    MUST(!join(owner));
    add(r, say_it, "after that");
    MUST(!join(run_thread(run, r)));
}

/* A registry that another thread runs, and stays in. */
static gcw_exit_registry *
start_run(pthread_t *owner)
{
    start();
    gcw_exit_registry *r = registry_new();
    add(r, say_it, "the oldest");
    add(r, stay, NULL);
    *owner = run_thread(run, r);
    await(&there);
    return r;
}

END(who_waits_for_a_turn_can_be_cancelled, 0,
    "the other registry\nthe newest\nthe oldest\nafter that\n")
{
    pthread_t owner;
    gcw_exit_registry *r = start_run(&owner);
    pthread_t waits = run_thread(wait_and_run, r);
    await_sleep();
    MUST(pthread_cancel(waits) == 0);
    MUST(join(waits));
    use_afterwards(r, owner);
}

END(who_was_cancelled_before_does_not_wait_for_a_turn, 0,
    "the other registry\nthe newest\nthe oldest\nafter that\n")
{
    pthread_t owner;
    gcw_exit_registry *r = start_run(&owner);
    MUST(join(run_thread(run_cancelled, r)));
    use_afterwards(r, owner);
}

/* --- in exit --- */

static void *
exit_when_told(void *unused)
{
    await(&go);
    about_to_wait();
    exit(2);
    return unused;
}

static void
stop_it(void *thread)
{
    sem_post(&go);
    await_sleep();
    MUST(pthread_cancel(*(pthread_t *)thread) == 0);
    MUST(join(*(pthread_t *)thread));
    say("stopped");
}

END(who_waits_in_exit_can_be_cancelled_by_a_handler, 1,
    "stopped\nthe other handler\n")
{
    static pthread_t thread;
    start();
    add(gcw_exit_default(), say_it, "the other handler");
    MUST(gcw_exit_register_fn(gcw_exit_default(), stop_it, &thread, NULL)
         != NULL);
    thread = run_thread(exit_when_told, NULL);
    exit(1);
}

/* --- waiting for the worker --- */

static void
keep_the_worker_busy(void)
{
    MUST(gcw_drain_thread(true) == 0);
    pend(stay, NULL);
    await(&there);
}

static void
say_whose(void *starter)
{
    say(pthread_equal(*(pthread_t *)starter, pthread_self())
        ? "not the worker" : "the worker works");
    sem_post(&there);
}

static void
see_that_the_worker_works(void)
{
    static pthread_t starter;
    starter = pthread_self();
    MUST(gcw_drain_thread(true) == 0);
    pend(say_whose, &starter);
    await(&there);
    MUST(gcw_drain_thread(false) == 0);
}

static void
fork_and_wait(void)
{
    int status;
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0)
        _exit(7);
    MUST(waitpid(child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void *
turn_off(void *unused)
{
    about_to_wait();
    gcw_drain_thread(false);
    return unused;
}

END(who_stops_the_worker_can_be_cancelled, 0,
    "drained here\nthe worker works\n")
{
    start();
    keep_the_worker_busy();
    pthread_t stops = run_thread(turn_off, NULL);
    await_sleep();
    MUST(pthread_cancel(stops) == 0);
    MUST(join(stops));
    pend(say_it, (void *)(uintptr_t)"drained here");
    MUST(gcw_drain(0) == 1);
    sem_post(&go);
    see_that_the_worker_works();
    fork_and_wait();
}

static pid_t child;

static void *
fork_cancelled(void *unused)
{
    cancel_oneself();
    child = fork();
    if (child == 0)
        _exit(7);
    cancellation(PTHREAD_CANCEL_DISABLE);
    say("forked");
    return unused;
}

END(a_fork_that_waits_for_the_worker_is_not_cut_off, 0,
    "forked\nthe worker works\n")
{
    int status;
    start();
    keep_the_worker_busy();
    MUST(!join(run_thread(fork_cancelled, NULL)));
    MUST(waitpid(child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    sem_post(&go);
    see_that_the_worker_works();
    fork_and_wait();
}

/* --- within an allocation --- */

enum { HUBS = 50 };
static int fds[HUBS];

static void
drop_hubs_with_fds(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < HUBS; i++)
        MUST((fds[i] = gcw_hub_fd(gcw_hub_new())) >= 0);
}

static bool
most_are_closed(void)
{
    size_t closed = 0;
    for (size_t i = 0; i < HUBS; i++)
        closed += fcntl(fds[i], F_GETFD) < 0 && errno == EBADF;
    return closed > HUBS / 2;
}

static void *
allocate_cancelled(void *unused)
{
    enum { TIMES = 20000000, CHUNK = 10000 };
    in_dead_frame(drop_hubs_with_fds, NULL);
    cancel_oneself();
    for (size_t i = 0; i < TIMES && !most_are_closed(); i += CHUNK)
        for (size_t j = 0; j < CHUNK; j++)
            MUST(GC_MALLOC(64) != NULL);
    MUST(most_are_closed());
    cancellation(PTHREAD_CANCEL_DISABLE);
    return unused;
}

END(an_allocation_that_closes_descriptors_is_not_cut_off, 0, "end\n")
{
    start();
    MUST(gcw_init() == 0);
    MUST(!join(run_thread(allocate_cancelled, NULL)));
    make_all_calls();
    say("end");
}

/* --- while the library tells --- */

static void
cancel_it(void *unused)
{
    (void)unused;
    cancel_oneself();
}

static void *
drain_and_be_cancelled(void *unused)
{
    pend(cancel_it, NULL);
    MUST(gcw_drain(0) == 1);
    cancellation(PTHREAD_CANCEL_DISABLE);
    return unused;
}

static void *
run_and_be_cancelled(void *registry)
{
    add(registry, cancel_it, NULL);
    add(registry, idle, NULL);
    MUST(gcw_exit_run(registry, 0) == 0);
    cancellation(PTHREAD_CANCEL_DISABLE);
    return NULL;
}

static void
tell_cancelled(void *(*body)(void *), void *arg)
{
    MUST(!join(run_thread(body, arg)));
    MUST(ftrylockfile(stderr) == 0);
    funlockfile(stderr);
    say("stderr is free");
}

END(what_is_told_is_not_cut_off, 0, "stderr is free\nstderr is free\n",
    .err = "exit: handler")
{
    MUST(setenv("GCWEAK_DEBUG", "drain,exit", 1) == 0);
    start();
    tell_cancelled(drain_and_be_cancelled, NULL);
    tell_cancelled(run_and_be_cancelled, registry_new());
}

/* --- in a handler --- */

/* A thread has come to where it is to be cancelled. */
static atomic_bool got_through;

static void *
run_till_cancelled(void *registry)
{
    MUST(gcw_exit_run(registry, 0) == 0);
    atomic_store(&got_through, true);
    pthread_testcancel();
    return NULL;
}

END(a_handler_is_not_cut_off_and_its_run_ends, 0,
    "the rest\nat the next point\nanother thread\n")
{
    start();
    gcw_exit_registry *r = registry_new();
    add(r, say_it, "the rest");
    add(r, stay, NULL);
    pthread_t thread = run_thread(run_till_cancelled, r);
    await(&there);
    MUST(pthread_cancel(thread) == 0);
    sem_post(&go);
    MUST(join(thread));
    say(atomic_load(&got_through) ? "at the next point" : "in the run");
    add(r, say_it, "another thread");
    MUST(gcw_exit_run(r, 0) == 0);
}

static void
say_state(void *unused)
{
    int state, ignored;
    (void)unused;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcancelstate(state, &ignored);
    say(state == PTHREAD_CANCEL_DISABLE ? "off" : "on");
}

static void
run_inner(void *registry)
{
    add(registry, say_state, NULL);
    MUST(gcw_exit_run(registry, 0) == 0);
    say_state(NULL);
}

static void
run_both(gcw_exit_registry *outer, gcw_exit_registry *inner)
{
    MUST(gcw_exit_register_fn(outer, run_inner, inner, NULL) != NULL);
    MUST(gcw_exit_run(outer, 0) == 0);
    say_state(NULL);
}

END(a_run_leaves_cancellation_as_it_was, 0, "off\noff\non\noff\noff\noff\n")
{
    start();
    gcw_exit_registry *outer = registry_new(), *inner = registry_new();
    run_both(outer, inner);
    cancellation(PTHREAD_CANCEL_DISABLE);
    run_both(outer, inner);
}

/* --- in other callbacks --- */

#if CAN_UNWIND

static void
be_cut_off(void *unused)
{
    (void)unused;
    cancel_oneself();
    pthread_testcancel();
}

static void
listener_is_cut_off(void *arg, void *data)
{
    (void)arg;
    be_cut_off(data);
}

static void
hub_listener_is_cut_off(const gcw_emission *emission, void *data)
{
    (void)emission;
    be_cut_off(data);
}

static void *
drain_cut_off(void *unused)
{
    pend(be_cut_off, NULL);
    gcw_drain(0);
    return unused;
}

static void *
emission_cut_off(void *unused)
{
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(e, listener_is_cut_off, NULL, 0) != NULL);
    gcw_event_emit(e, NULL);
    return unused;
}

static void *
dispatch_cut_off(void *unused)
{
    gcw_hub *h = gcw_hub_new();
    MUST(gcw_hub_connect_fn(h, NULL, NULL, hub_listener_is_cut_off, NULL, 0)
         != NULL);
    MUST(gcw_hub_post(h, NULL, NULL, NULL) == 0);
    gcw_hub_dispatch(h, 0);
    return unused;
}

END(other_callbacks_can_be_cut_off, 0, "end\n")
{
    start();
    MUST(join(run_thread(drain_cut_off, NULL)));
    MUST(join(run_thread(emission_cut_off, NULL)));
    MUST(join(run_thread(dispatch_cut_off, NULL)));
    make_all_calls();
    fork_and_wait();
    say("end");
}

#endif

/* --- everywhere else --- */

/* No buffer keeps what is printed from the system. */
static FILE *nowhere;

static void *
call_all_cancelled(void *unused)
{
    cancel_oneself();
    make_all_calls();
    CALL(gcw_drain_thread(true) == 0);
    atomic_store(&got_through, true);
    pthread_testcancel();
    return unused;
}

static void *
print_cancelled(void *unused)
{
    cancel_oneself();
    call_tables(nowhere);
    atomic_store(&got_through, true);
    pthread_testcancel();
    return unused;
}

static void *
call_all(void *unused)
{
    make_all_calls();
    call_tables(nowhere);
    return unused;
}

static void
survives(void *(*body)(void *))
{
    atomic_store(&got_through, false);
    MUST(join(run_thread(body, NULL)));
    if (!atomic_load(&got_through))
        say(atomic_load(&now_called));
    MUST(gcw_drain_thread(false) == 0);
    MUST(!join(run_thread(call_all, NULL)));
    fork_and_wait();
    say("end");
}

static void
call_cancelled(const char *tells, void *(*body)(void *))
{
    if (tells != NULL)
        MUST(setenv("GCWEAK_DEBUG", tells, 1) == 0);
    start();
    nowhere = fopen("/dev/null", "we");
    MUST(nowhere != NULL && setvbuf(nowhere, NULL, _IONBF, 0) == 0);
    unload_something();
    survives(body);
}

/* With the first call, which starts the library. */
END(no_other_call_is_cut_off, 0, "end\n")
{
    call_cancelled(NULL, call_all_cancelled);
}

END(no_other_call_is_cut_off_while_the_library_tells, 0, "end\n",
    .err = "unknown word")
{
    call_cancelled("exit,drain,nonsense", call_all_cancelled);
}

END(what_prints_is_not_cut_off, 0, "end\n")
{
    call_cancelled(NULL, print_cancelled);
}
