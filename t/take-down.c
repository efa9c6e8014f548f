/* take-down.c: tests of gcw_shutdown: that it does what an exit does, once, and
 * leaves nothing for the exit.
 */
#include <gcweak/debug.h>
#include <pthread.h>
#include <semaphore.h>
#include "await.h"
#include "thread.h"

static void
cleanup_says(struct target *t, char *line)
{
    MUST(gcw_cleanup_new(t, say_it, line) != NULL);
}

/* One of everything that an exit runs. */
static void
register_all(void)
{
    pend(say_it, "pending");
    at_exit(say_it, "older");
    at_exit(say_it, "newer");
    cleanup_says(lasting_target(0), "cleanup");
}

END(a_shutdown_runs_what_an_exit_runs_and_leaves_nothing, 3,
    "pending\nnewer\nolder\ncleanup\ndown\n")
{
    register_all();
    MUST(gcw_shutdown(0) == 0);
    say("down");
    exit(3);
}

END(nothing_is_left_at_quick_exit_either, 4, "handler\ndown\n")
{
    gcw_exit_options o = { .quick = true };
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_it, "handler", &o)
         != NULL);
    MUST(gcw_shutdown(0) == 0);
    say("down");
    quick_exit(4);
}

static void *
say_status(void *self, void *info, void *data)
{
    (void)self, (void)data;
    dprintf(STDOUT_FILENO, "status %d\n", ((gcw_exit_info *)info)->status);
    return NULL;
}

END(methods_hear_the_status, 0, "status 7\n")
{
    gcw_method *m = gcw_method_new(lasting_target(0), say_status, NULL);
    MUST(gcw_exit_register(gcw_exit_default(), m, NULL) != NULL);
    MUST(gcw_shutdown(7) == 0);
}

END(a_second_shutdown_has_nothing_to_do, 0, "pending\nnewer\nolder\ncleanup\n")
{
    register_all();
    MUST(gcw_shutdown(0) == 0);
    MUST(gcw_shutdown(0) == 0);
}

static void
plain_handler(void)
{
    say("plain");
}

END(handlers_of_gcw_atexit_run_too, 0, "plain\ndown\n")
{
    MUST(gcw_atexit(plain_handler) == 0);
    MUST(gcw_shutdown(0) == 0);
    say("down");
}

END(afterwards_nothing_is_registered_any_more, 0, "down\n")
{
    MUST(gcw_shutdown(0) == 0);
    errno = 0;
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_it, "late", NULL)
             == NULL && errno == ESHUTDOWN);
    errno = 0;
    MUST(gcw_atexit(plain_handler) == -1 && errno == ESHUTDOWN);
    errno = 0;
    MUST(gcw_cleanup_new(lasting_target(0), say_it, "late") == NULL
         && errno == ESHUTDOWN);
    errno = 0;
    MUST(gcw_drain_thread(true) == -1 && errno == ESHUTDOWN);
    say("down");
}

static void
say_the_argument(void *arg, void *data)
{
    (void)data;
    say(arg);
}

END(all_else_goes_on, 0, "own\nheard\nalive\n")
{
    struct target *t = lasting_target(0);
    gcw_exit_registry *r;
    gcw_event *e;
    MUST(gcw_shutdown(0) == 0);
    r = gcw_exit_registry_new(NULL);
    MUST(gcw_exit_register_fn(r, say_it, "own", NULL) != NULL);
    MUST(gcw_exit_run(r, 0) == 0);
    e = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(e, say_the_argument, NULL, 0) != NULL);
    MUST(gcw_event_emit(e, "heard") == 1);
    MUST(gcw_ref_get(gcw_ref_new(t)) == t);
    gcw_collect();
    say("alive");
}

/* --- in callbacks, and failures --- */

static void
shut_down_inside(void *line)
{
    say(line);
    MUST(gcw_shutdown(0) == 0);
    say("back");
}

END(in_a_handler_it_runs_the_rest_and_returns, 5,
    "inside\nolder\ncleanup\nback\n")
{
    cleanup_says(lasting_target(0), "cleanup");
    at_exit(say_it, "older");
    at_exit(shut_down_inside, "inside");
    exit(5);
}

END(in_a_shutdown_as_well, 0, "inside\nolder\nback\ndown\n")
{
    at_exit(say_it, "older");
    at_exit(shut_down_inside, "inside");
    MUST(gcw_shutdown(0) == 0);
    say("down");
}

static void
exit_inside(void *line)
{
    say(line);
    exit(6);
}

END(a_handler_may_exit_in_a_shutdown, 6, "inside\nolder\n")
{
    at_exit(say_it, "older");
    at_exit(exit_inside, "inside");
    gcw_shutdown(0);
    say("not reached");
}

static void
register_more(void *line)
{
    say(line);
    at_exit(say_it, "more");
    cleanup_says(lasting_target(0), "cleanup");
}

END(what_handlers_register_runs_in_the_same_shutdown, 0,
    "first\nmore\ncleanup\ndown\n")
{
    at_exit(register_more, "first");
    MUST(gcw_shutdown(0) == 0);
    say("down");
}

static void
fails(void *why)
{
    gcw_fail(why);
}

END(what_fails_does_not_stop_it, 0, "older\ndown\n", .err = "as it should")
{
    at_exit(say_it, "older");
    at_exit(fails, "as it should");
    MUST(gcw_shutdown(0) == 0);
    say("down");
}

/* --- the worker, and other threads --- */

END(the_worker_has_ended_by_then, 0, "callback\ndown\n")
{
    begin_worker();
    pend(tell, "callback");
    await_call();
    MUST(gcw_shutdown(0) == 0);
    say("down");
}

static void *
shut_down_here(void *unused)
{
    MUST(gcw_shutdown(0) == 0);
    return unused;
}

END(another_thread_may_shut_down_and_main_exit, 0,
    "pending\nnewer\nolder\ncleanup\n")
{
    register_all();
    in_thread(shut_down_here, NULL);
}

END(a_thread_that_the_collector_does_not_know_may_shut_down, 0,
    "pending\nnewer\nolder\ncleanup\n")
{
    register_all();
    in_unknown_thread(shut_down_here, NULL);
}

static sem_t reached, go_on;

static void
hold_up(void *line)
{
    sem_post(&reached);
    await(&go_on);
    say(line);
}

static void *
exit_here(void *unused)
{
    exit(8);
    return unused;
}

/* While one thread is in a shutdown, the exit of another waits for its end. */
END(an_exit_waits_for_a_shutdown, 8, "held up\nolder\n")
{
    sem_init(&reached, 0, 0);
    sem_init(&go_on, 0, 0);
    at_exit(say_it, "older");
    at_exit(hold_up, "held up");
    pthread_t thread = run_thread(shut_down_here, NULL);
    await(&reached);
    run_thread(exit_here, NULL);
    sem_post(&go_on);
    join_thread(thread);
    for (;;)
        pause();
}

static void *
wait_and_shut_down(void *unused)
{
    MUST(gcw_shutdown(0) == 0);
    say("second");
    return unused;
}

END(two_shutdowns_take_turns, 0, "held up\nolder\nsecond\n")
{
    sem_init(&reached, 0, 0);
    sem_init(&go_on, 0, 0);
    at_exit(say_it, "older");
    at_exit(hold_up, "held up");
    pthread_t first = run_thread(shut_down_here, NULL);
    await(&reached);
    pthread_t second = run_thread(wait_and_shut_down, NULL);
    sem_post(&go_on);
    join_thread(first);
    join_thread(second);
}

#if CAN_UNWIND
static void
leave_by_ending_the_thread(void *line)
{
    say(line);
    pthread_exit(NULL);
}

END(a_thread_that_ends_in_a_shutdown_leaves_the_rest, 0, "ends\nolder\n")
{
    at_exit(say_it, "older");
    at_exit(leave_by_ending_the_thread, "ends");
    in_thread(shut_down_here, NULL);
}
#endif

/* --- children --- */

END(a_child_may_shut_down_as_well, 0, "inherited\ndown\ninherited\n")
{
    gcw_exit_options o = { .inherit = true };
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_it, "inherited", &o)
         != NULL);
    pid_t child = fork();
    MUST(child != -1);
    if (child == 0) {
        MUST(gcw_shutdown(0) == 0);
        say("down");
        exit(0);
    }
    ends_well(child);
}

END(the_first_call_of_all_may_be_a_shutdown, 0, "down\n")
{
    MUST(gcw_shutdown(0) == 0);
    say("down");
}
