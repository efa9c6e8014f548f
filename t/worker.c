/* worker.c: tests of the thread that drains: where callbacks run then, how it
 * stops, and what it does around fork and exit.
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

static int
set_up(void **state)
{
    (void)state;
    return sem_init(&called, 0, 0);
}

static int
stop_worker(void **state)
{
    (void)state;
    gcw_drain(0);
    return gcw_drain_thread(false);
}

/* Makes a callback pending, without a collection. */
static void
pend(void (*fn)(void *), void *data)
{
    struct target *t = target_new(1);
    gcw_cleanup_new(t, fn, data);
    gcw_dispose(t);
}

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

static void
callbacks_run_on_another_thread(void **state)
{
    (void)state;
    assert_false(pthread_equal(where_the_worker_runs()->thread,
                               pthread_self()));
}

static void
the_collector_knows_the_worker(void **state)
{
    (void)state;
    assert_true(where_the_worker_runs()->known);
}

static void
the_workers_signals_are_blocked(void **state)
{
    (void)state;
    static const int signals[] = {
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD,
        SIGPIPE, SIGTSTP, SIGWINCH, SIGIO
    };
    const struct place *p = where_the_worker_runs();
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigismember(&p->blocked, signals[i]) != 1)
            fail_msg("%s is not blocked", strsignal(signals[i]));
}

static void
the_collectors_signals_are_not(void **state)
{
    (void)state;
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

static void
it_runs_what_a_collection_found(void **state)
{
    (void)state;
    static atomic_int n;
    assert_int_equal(gcw_drain_thread(true), 0);
    in_dead_frame(drop_many, &n);
    collect();
    assert_int_equal(gcw_drain_thread(true), 0);
    for (int i = 0; i < NEARLY_ALL; i++)
        assert_true(arrives(&called));
    assert_in_range(atomic_load(&n), NEARLY_ALL, MANY);
}

static void
it_runs_what_was_pending_before_it_started(void **state)
{
    (void)state;
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

static void
a_failing_callback_does_not_end_it(void **state)
{
    (void)state;
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

static void
starting_and_stopping_twice_changes_nothing(void **state)
{
    (void)state;
    static atomic_int n;
    errno = EXDEV;
    assert_int_equal(gcw_drain_thread(true), 0);
    assert_int_equal(gcw_drain_thread(true), 0);
    pend(tell, &n);
    assert_true(arrives(&called));
    assert_int_equal(gcw_drain_thread(false), 0);
    assert_int_equal(gcw_drain_thread(false), 0);
    assert_int_equal(errno, EXDEV);
}

static void
after_the_stop_callbacks_wait_for_a_drain(void **state)
{
    (void)state;
    struct place p = { .thread = pthread_self() };
    assert_int_equal(gcw_drain_thread(true), 0);
    assert_int_equal(gcw_drain_thread(false), 0);
    pend(look_around, &p);
    assert_int_not_equal(sem_trywait(&called), 0);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(sem_trywait(&called), 0);
    assert_true(pthread_equal(p.thread, pthread_self()));
}

static void
it_starts_and_stops_many_times(void **state)
{
    (void)state;
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

static void
stopping_waits_for_a_running_callback(void **state)
{
    (void)state;
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

static void
a_callback_may_stop_it(void **state)
{
    (void)state;
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

static void
fork_while_it_is_on(void)
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

static void
a_forked_child_gets_a_worker_of_its_own(void **state)
{
    (void)state;
    struct outcome o = run_scenario("fork");
    assert_string_equal(o.out, "parent: delivered\nchild: delivered\n"
                               "parent again: delivered\n");
    outcome_free(&o);
}

static void
fork_while_a_callback_runs(void)
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
fork_does_not_wait_for_ever_for_a_callback(void **state)
{
    (void)state;
    struct outcome o = run_scenario("fork, slow");
    assert_string_equal(o.out, "child: delivered\ncallback: finished\n"
                               "parent: delivered\n");
    outcome_free(&o);
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

static void
fork_in_a_callback(void)
{
    start();
    pend(fork_inside, NULL);
    if (arrives(&called))
        say_delivered("parent");
}

static void
a_callback_may_fork(void **state)
{
    (void)state;
    struct outcome o = run_scenario("fork inside");
    assert_string_equal(o.out, "child: ended\nparent: delivered\n");
    outcome_free(&o);
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

static void
exit_while_a_callback_hangs(void)
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

static void
exit_leaves_a_hanging_callback_behind_and_says_so(void **state)
{
    (void)state;
    long began = seconds_now();
    struct outcome o = run_scenario("exit, hanging");
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

static void
exit_while_a_callback_runs(void)
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
exit_waits_for_a_callback_that_is_nearly_done(void **state)
{
    (void)state;
    struct outcome o = run_scenario("exit, slow");
    assert_string_equal(o.out, "callback: finished\nhandler: ran\n");
    assert_string_equal(o.err, "");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
}

static void
say_data(void *data)
{
    say("callback", data);
}

static void
exit_with_pending_ones(void)
{
    start();
    pend(say_data, (char *)"once");
    exit(0);
}

static void
what_is_pending_at_exit_runs_once(void **state)
{
    (void)state;
    struct outcome o = run_scenario("exit, pending");
    assert_string_equal(o.out, "callback: once\n");
    outcome_free(&o);
}

static void
exit_inside(void *data)
{
    (void)data;
    exit(6);
}

static void
exit_in_a_callback(void)
{
    start();
    gcw_atexit(say_goodbye);
    pend(exit_inside, NULL);
    arrives(&called);
}

static void
a_callback_may_exit(void **state)
{
    (void)state;
    struct outcome o = run_scenario("exit inside");
    assert_int_equal(o.status, 6);
    assert_string_equal(o.out, "handler: ran\n");
    outcome_free(&o);
}

static void
start_late(void)
{
    errno = 0;
    int result = gcw_drain_thread(true);
    say("start", result == -1 && errno == ESHUTDOWN ? "ESHUTDOWN" : "other");
}

static void
start_at_exit(void)
{
    gcw_atexit(start_late);
    exit(0);
}

static void
at_exit_it_cannot_be_started(void **state)
{
    (void)state;
    struct outcome o = run_scenario("exit, start");
    assert_string_equal(o.out, "start: ESHUTDOWN\n");
    outcome_free(&o);
}

static const struct scenario scenarios[] = {
    { "fork", fork_while_it_is_on },
    { "fork, slow", fork_while_a_callback_runs },
    { "fork inside", fork_in_a_callback },
    { "exit, hanging", exit_while_a_callback_hangs },
    { "exit, slow", exit_while_a_callback_runs },
    { "exit, pending", exit_with_pending_ones },
    { "exit inside", exit_in_a_callback },
    { "exit, start", start_at_exit },
};

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, stop_worker)

/* What counts exactly comes first: the few targets that the collector missed
 * in the later ones may die at any time. */
static int
run_all(void)
{
    const struct CMUnitTest tests[] = {
        test(callbacks_run_on_another_thread),
        test(the_collector_knows_the_worker),
        test(the_workers_signals_are_blocked),
        test(the_collectors_signals_are_not),
        test(it_runs_what_was_pending_before_it_started),
        test(a_failing_callback_does_not_end_it),
        test(starting_and_stopping_twice_changes_nothing),
        test(after_the_stop_callbacks_wait_for_a_drain),
        test(it_starts_and_stops_many_times),
        test(stopping_waits_for_a_running_callback),
        test(a_callback_may_stop_it),
        test(it_runs_what_a_collection_found),
        test(a_forked_child_gets_a_worker_of_its_own),
        test(fork_does_not_wait_for_ever_for_a_callback),
        test(a_callback_may_fork),
        test(exit_leaves_a_hanging_callback_behind_and_says_so),
        test(exit_waits_for_a_callback_that_is_nearly_done),
        test(what_is_pending_at_exit_runs_once),
        test(a_callback_may_exit),
        test(at_exit_it_cannot_be_started),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, scenarios,
                     sizeof scenarios / sizeof *scenarios, run_all);
}
