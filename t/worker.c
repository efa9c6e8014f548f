/* worker.c: tests of the thread that drains: where callbacks run then, how it
 * stops, and what it does around fork and exit.
 *
 * What counts exactly comes first: the few targets that the collector missed
 * in the later ones may die at any time.
 */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- waiting --- */

static bool
arrives_within(sem_t *sem, long milliseconds)
{
    struct timespec end;
    int result;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += milliseconds % 1000 * 1000000;
    end.tv_sec += milliseconds / 1000 + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    do
        result = sem_timedwait(sem, &end);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

static bool
arrives(sem_t *sem)
{
    return arrives_within(sem, 30000);
}

/* Posted by the callbacks of the tests, one at a time. */
static sem_t called;

static void
expect_calls(void)
{
    assert_int_equal(sem_init(&called, 0, 0), 0);
}

static void
stop_worker(void)
{
    gcw_drain(0);
    assert_int_equal(gcw_drain_thread(false), 0);
}

#define WORKER_TEST(name)                                                   \
    TEST(name, .set_up = expect_calls, .tear_down = stop_worker)

/* --- where callbacks run --- */

struct place {
    pthread_t thread;
    bool known;
    sigset_t blocked;
};

static void
look_around(void *data)
{
    struct place *p = data;
    p->thread = pthread_self();
    p->known = GC_thread_is_registered();
    pthread_sigmask(SIG_BLOCK, NULL, &p->blocked);
    sem_post(&called);
}

static struct place *
where_the_worker_runs(void)
{
    static struct place p;
    assert_int_equal(gcw_drain_thread(true), 0);
    p = (struct place){ .thread = pthread_self(), .known = false };
    pend(look_around, &p);
    assert_true(arrives(&called));
    return &p;
}

WORKER_TEST(callbacks_run_on_another_thread)
{
    assert_false(pthread_equal(where_the_worker_runs()->thread,
                               pthread_self()));
}

WORKER_TEST(the_collector_knows_the_worker)
{
    assert_true(where_the_worker_runs()->known);
}

WORKER_TEST(the_workers_signals_are_blocked)
{
    static const int signals[] = {
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD,
        SIGPIPE, SIGTSTP, SIGWINCH, SIGIO
    };
    const struct place *p = where_the_worker_runs();
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigismember(&p->blocked, signals[i]) != 1)
            fail_msg("%s is not blocked", strsignal(signals[i]));
}

WORKER_TEST(the_collectors_signals_are_not)
{
    const struct place *p = where_the_worker_runs();
    assert_int_equal(sigismember(&p->blocked, GC_get_suspend_signal()), 0);
    assert_int_equal(sigismember(&p->blocked, GC_get_thr_restart_signal()),
                     0);
}

static void
tell(void *data)
{
    atomic_fetch_add((atomic_int *)data, 1);
    sem_post(&called);
}

static void
drop_many(void *data)
{
    for (size_t i = 0; i < MANY; i++)
        gcw_cleanup_new(target_new(i), tell, data);
}

WORKER_TEST(it_runs_what_was_pending_before_it_started)
{
    static atomic_int n;
    pend(tell, &n);
    assert_int_equal(atomic_load(&n), 0);
    assert_int_equal(gcw_drain_thread(true), 0);
    assert_true(arrives(&called));
    assert_int_equal(atomic_load(&n), 1);
}

static void
hear(void *handle, const char *name, const char *why, void *data)
{
    (void)name;
    if (handle != NULL && strcmp(why, "broken") == 0)
        tell(data);
}

static void
give_up(void *data)
{
    (void)data;
    gcw_fail("broken");
}

WORKER_TEST(a_failing_callback_does_not_end_it)
{
    static atomic_int failures, n;
    assert_int_equal(gcw_drain_on_error(hear, &failures), 0);
    assert_int_equal(gcw_drain_thread(true), 0);
    pend(give_up, NULL);
    assert_true(arrives(&called));
    pend(tell, &n);
    assert_true(arrives(&called));
    assert_int_equal(atomic_load(&failures), 1);
    assert_int_equal(atomic_load(&n), 1);
    assert_int_equal(gcw_drain_on_error(NULL, NULL), 0);
}

/* --- starting and stopping --- */

WORKER_TEST(starting_and_stopping_twice_changes_nothing)
{
    static atomic_int n;
    errno = EXDEV;
    assert_int_equal(gcw_drain_thread(true), 0);
    assert_int_equal(gcw_drain_thread(true), 0);
    assert_int_equal(errno, EXDEV);
    pend(tell, &n);
    assert_true(arrives(&called));
    errno = EXDEV;           /* waiting may have changed it */
    assert_int_equal(gcw_drain_thread(false), 0);
    assert_int_equal(gcw_drain_thread(false), 0);
    assert_int_equal(errno, EXDEV);
}

WORKER_TEST(after_the_stop_callbacks_wait_for_a_drain)
{
    struct place p = { .thread = pthread_self() };
    assert_int_equal(gcw_drain_thread(true), 0);
    assert_int_equal(gcw_drain_thread(false), 0);
    pend(look_around, &p);
    assert_int_not_equal(sem_trywait(&called), 0);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(sem_trywait(&called), 0);
    assert_true(pthread_equal(p.thread, pthread_self()));
}

WORKER_TEST(it_starts_and_stops_many_times)
{
    static atomic_int n;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(gcw_drain_thread(true), 0);
        pend(tell, &n);
        assert_true(arrives(&called));
        assert_int_equal(gcw_drain_thread(false), 0);
        assert_int_equal(atomic_load(&n), i + 1);
    }
}

/* A callback that ends when it is told, or with `patience` when the stop has
 * not come back after that many milliseconds. */
struct slow {
    sem_t started, stopped;
    long patience;
    atomic_bool stopped_early;
};

static void
be_slow(void *data)
{
    struct slow *s = data;
    sem_post(&s->started);
    atomic_store(&s->stopped_early,
                 arrives_within(&s->stopped, s->patience));
    sem_post(&called);
}

static struct slow *
slow_new(long patience)
{
    struct slow *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    sem_init(&s->started, 0, 0);
    sem_init(&s->stopped, 0, 0);
    s->patience = patience;
    return s;
}

WORKER_TEST(stopping_waits_for_a_running_callback)
{
    struct slow *s = slow_new(200);
    assert_int_equal(gcw_drain_thread(true), 0);
    pend(be_slow, s);
    assert_true(arrives(&s->started));
    assert_int_equal(gcw_drain_thread(false), 0);
    sem_post(&s->stopped);
    assert_int_equal(sem_trywait(&called), 0);
    assert_false(atomic_load(&s->stopped_early));
}

static void
stop_inside(void *data)
{
    *(int *)data = gcw_drain_thread(false);
    sem_post(&called);
}

WORKER_TEST(a_callback_may_stop_it)
{
    static int result;
    static atomic_int n;
    result = -1;
    assert_int_equal(gcw_drain_thread(true), 0);
    pend(stop_inside, &result);
    assert_true(arrives(&called));
    assert_int_equal(result, 0);
    assert_int_equal(gcw_drain_thread(false), 0);
    pend(tell, &n);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(gcw_drain_thread(true), 0);
    pend(tell, &n);
    assert_true(arrives(&called) && arrives(&called));
    assert_int_equal(atomic_load(&n), 2);
}

WORKER_TEST(it_runs_what_a_collection_found)
{
    static atomic_int n;
    assert_int_equal(gcw_drain_thread(true), 0);
    in_dead_frame(drop_many, &n);
    collect();
    assert_int_equal(gcw_drain_thread(true), 0);
    for (int i = 0; i < NEARLY_ALL; i++)
        assert_true(arrives(&called));
    assert_in_range(atomic_load(&n), NEARLY_ALL, MANY);
}

/* --- fork and exit, in processes of their own --- */

static atomic_int scenario_calls;

static void
start(void)
{
    sem_init(&called, 0, 0);
    if (gcw_drain_thread(true) != 0)
        abort();
}

static void
say(const char *who, const char *what)
{
    dprintf(STDOUT_FILENO, "%s: %s\n", who, what);
}

static void
say_delivered(const char *who)
{
    pend(tell, &scenario_calls);
    say(who, arrives(&called) ? "delivered" : "lost");
}

END(a_forked_child_gets_a_worker_of_its_own, 0,
    "parent: delivered\nchild: delivered\n"
    "parent again: delivered\n")
{
    start();
    say_delivered("parent");
    pid_t child = fork();
    if (child == 0) {
        say_delivered("child");
        _exit(0);
    }
    waitpid(child, NULL, 0);
    say_delivered("parent again");
}

END(fork_does_not_wait_for_ever_for_a_callback, 0,
    "child: delivered\ncallback: finished\n"
    "parent: delivered\n")
{
    struct slow *s = slow_new(30000);
    start();
    pend(be_slow, s);
    if (!arrives(&s->started))
        return;
    pid_t child = fork();
    if (child == 0) {
        sem_init(&called, 0, 0);
        say_delivered("child");
        _exit(0);
    }
    sem_post(&s->stopped);
    waitpid(child, NULL, 0);
    say("callback", arrives(&called) ? "finished" : "lost");
    say_delivered("parent");
}

static void
fork_inside(void *data)
{
    pid_t child = fork();
    (void)data;
    if (child == 0)
        _exit(3);
    int status = 0;
    waitpid(child, &status, 0);
    say("child", WEXITSTATUS(status) == 3 ? "ended" : "failed");
    sem_post(&called);
}

END(a_callback_may_fork, 0, "child: ended\nparent: delivered\n")
{
    start();
    pend(fork_inside, NULL);
    if (arrives(&called))
        say_delivered("parent");
}

static void
never_return(void *data)
{
    sem_post(data);
    for (;;)
        pause();
}

static void
say_goodbye(void)
{
    say("handler", "ran");
}

SCENARIO(exit_while_a_callback_hangs)
{
    start();
    gcw_atexit(say_goodbye);
    pend(never_return, &called);
    if (arrives(&called))
        exit(5);
}

static long
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

WORKER_TEST(exit_leaves_a_hanging_callback_behind_and_says_so)
{
    long began = seconds_now();
    struct outcome o = run_scenario("exit_while_a_callback_hangs");
    assert_in_range(seconds_now() - began, 0, 20);
    assert_int_equal(o.status, 5);
    assert_string_equal(o.out, "handler: ran\n");
    assert_true(strlen(o.err) > 0);
    outcome_free(&o);
}

static void
finish_late(void *data)
{
    bool early = arrives_within(data, 100);
    say("callback", early ? "cut off" : "finished");
}

static void
announce_and_finish_late(void *data)
{
    sem_post(&called);
    finish_late(data);
}

END(exit_waits_for_a_callback_that_is_nearly_done, 0,
    "callback: finished\nhandler: ran\n", .err = "")
{
    static sem_t never;
    sem_init(&never, 0, 0);
    start();
    gcw_atexit(say_goodbye);
    pend(announce_and_finish_late, &never);
    if (arrives(&called))
        exit(0);
}

static void
say_data(void *data)
{
    say("callback", data);
}

END(what_is_pending_at_exit_runs_once, 0, "callback: once\n")
{
    start();
    pend(say_data, (char *)"once");
    exit(0);
}

static void
exit_inside(void *data)
{
    (void)data;
    exit(6);
}

END(a_callback_may_exit, 6, "handler: ran\n")
{
    start();
    gcw_atexit(say_goodbye);
    pend(exit_inside, NULL);
    arrives(&called);
}

static void
start_late(void)
{
    errno = 0;
    int result = gcw_drain_thread(true);
    say("start", result == -1 && errno == ESHUTDOWN ? "ESHUTDOWN" : "other");
}

END(at_exit_it_cannot_be_started, 0, "start: ESHUTDOWN\n")
{
    gcw_atexit(start_late);
    exit(0);
}
