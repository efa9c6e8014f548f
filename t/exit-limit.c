/* exit-limit.c: tests of limits: what hangs at exit ends the process, and is
 * named.
 *
 * A handler that hangs waits for a byte that nobody sends.  One that takes its
 * time waits so for longer than a limit that must not count.
 */
#include <config.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include "registry.h"

enum { SHORT = 300, LONGER = 900, LONG = 60000 };  /* milliseconds */

static int hangs[2];

static void
hang(void *line)
{
    char byte;
    say(line);
    MUST(pipe(hangs) == 0);
    MUST(read(hangs[0], &byte, 1) == 1);
}

static void
hang_plainly(void)
{
    hang("hangs");
}

static void
take_time(void *line)
{
    poll(NULL, 0, LONGER);
    say(line);
}

static gcw_exit_handler *
limited(gcw_exit_registry *r, void (*fn)(void *), char *line,
        unsigned long limit)
{
    gcw_exit_options o = { .name = line, .limit = limit };
    gcw_exit_handler *h = gcw_exit_register_fn(r, fn, line, &o);
    MUST(h != NULL);
    return h;
}

static void
limit_exit(unsigned long ms)
{
    MUST(gcw_exit_limit(gcw_exit_default(), ms) == 0);
}

/* The status that exit was called with, which the library is told by on_exit
 * alone. */
static const char *
statuses(void)
{
#if HAVE_ON_EXIT
    return NULL;
#else
    return "on_exit in the C library, to be told the status by";
#endif
}

#define STATUS_END(...) END(__VA_ARGS__, .lacks = statuses)

STATUS_END(a_handler_that_hangs_ends_the_process, 7, "after\nhangs\n",
    .err = "gcweak: exit: handler \"hangs\" ", .err_lines = 1)
{
    at_exit(say_it, "never");
    limited(gcw_exit_default(), hang, "hangs", SHORT);
    at_exit(say_it, "after");
    exit(7);
}

END(the_function_and_the_object_are_named, 0, "hangs\n",
    .err = "+0x", .lacks = names_of_functions)
{
    limited(gcw_exit_default(), hang, "hangs", SHORT);
}

STATUS_END(so_are_the_times, 3, "hangs\n",
    .err = "its limit is 300 ms; the process ends with status 3\n")
{
    limited(gcw_exit_default(), hang, "hangs", SHORT);
    exit(3);
}

STATUS_END(an_exit_has_a_limit, 4, "hangs\n",
    .err = "the limit of the exit, 300 ms, is over; the process ends with"
           " status 4\n", .err_lines = 1)
{
    limit_exit(SHORT);
    at_exit(hang, "hangs");
    exit(4);
}

STATUS_END(a_plain_function_is_held_to_it, 5, "hangs\n",
    .err = "gcweak: exit: handler ", .err_lines = 1)
{
    limit_exit(SHORT);
    MUST(gcw_atexit(hang_plainly) == 0);
    exit(5);
}

#if HAVE_ON_EXIT
static void
hang_at_exit(int status, void *line)
{
    (void)status;
    hang(line);
}

END(so_is_what_the_c_library_calls, 6, "ours\nhangs\n",
    .err = "gcweak: exit: what gcweak does not call hangs")
{
    on_exit(hang_at_exit, "hangs");
    limit_exit(LONGER);
    at_exit(say_it, "ours");
    exit(6);
}
#endif

STATUS_END(a_cleanup_is_held_to_it, 6, "hangs\n", .err = "gcweak: exit: cleanup ",
    .err_lines = 1)
{
    struct target *t = target_new(1);
    limit_exit(SHORT);
    MUST(gcw_cleanup_new(t, hang, "hangs") != NULL);
    GC_reachable_here(t);
    exit(6);
}

STATUS_END(so_is_a_callback_that_is_pending, 6, "hangs\n",
    .err = "gcweak: exit: callback ", .err_lines = 1)
{
    struct target *t = target_new(1);
    limit_exit(SHORT);
    MUST(gcw_cleanup_new(t, hang, "hangs") != NULL);
    MUST(gcw_dispose(t) == 0);
    exit(6);
}

static void
exit_with_9(void *line)
{
    say(line);
    exit(9);
}

STATUS_END(the_last_status_counts, 9, "exits\nhangs\n", .err = "status 9\n")
{
    limit_exit(LONGER);
    at_exit(hang, "hangs");
    at_exit(exit_with_9, "exits");
    exit(8);
}

END(a_handler_that_exits_has_ended, 9, "exits\nin time\n", .err = "")
{
    at_exit(take_time, "in time");
    limited(gcw_exit_default(), exit_with_9, "exits", SHORT);
    exit(1);
}

END(what_ends_in_time_goes_on, 0, "b\na\n", .err = "")
{
    limit_exit(LONG);
    limited(gcw_exit_default(), say_it, "a", LONG);
    limited(gcw_exit_default(), say_it, "b", LONG);
}

/* Its own limit is over when it has ended: the next one takes longer. */
END(a_limit_is_over_with_its_handler, 0, "first\nsecond\n", .err = "")
{
    at_exit(take_time, "second");
    limited(gcw_exit_default(), say_it, "first", SHORT);
}

END(it_can_be_taken_away, 0, "in time\n", .err = "")
{
    limit_exit(SHORT);
    limit_exit(0);
    at_exit(take_time, "in time");
}

END(it_aborts_if_asked, 128 + SIGABRT, "hangs\n", .err = "the process aborts\n")
{
    MUST(gcw_exit_limit_abort(gcw_exit_default(), true) == 0);
    limited(gcw_exit_default(), hang, "hangs", SHORT);
}

END(a_run_of_ones_own_has_a_limit, 2, "hangs\n",
    .err = "the limit of the run, 300 ms, is over; the process ends with"
           " status 2\n")
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    at_exit(say_it, "never");
    MUST(gcw_exit_limit(r, SHORT) == 0);
    MUST(gcw_exit_register_fn(r, hang, "hangs", NULL) != NULL);
    gcw_exit_run(r, 2);
    say("never");
}

static void
run_inner(void *inner)
{
    gcw_exit_run(inner, 0);
}

STATUS_END(the_innermost_handler_is_named, 1, "inner\n", .err = "handler \"inner\"",
    .err_lines = 1)
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    gcw_exit_options o = { .name = "outer", .limit = SHORT };
    limited(r, hang, "inner", 0);
    MUST(gcw_exit_register_fn(gcw_exit_default(), run_inner, r, &o) != NULL);
    exit(1);
}

TEST(runs_in_time_leave_nothing_behind)
{
    gcw_exit_registry *r = fresh_registry();
    assert_int_equal(gcw_exit_limit(r, LONG), 0);
    for (int i = 0; i < 100; i++) {
        limited(r, note_it, "x", LONG);
        run_leaves(r, "x");
    }
}

static int from_child[2];

static void
fork_one_that_takes_longer(void *unused)
{
    pid_t child = fork();
    (void)unused;
    MUST(child != -1);
    if (child != 0)
        return;
    poll(NULL, 0, LONGER);
    MUST(write(from_child[1], "x", 1) == 1);
    _exit(0);
}

static void
wait_for_child(void *line)
{
    char byte;
    int status;
    close(from_child[1]);
    MUST(read(from_child[0], &byte, 1) == 1);
    MUST(wait(&status) > 0 && WIFEXITED(status));
    say(line);
}

END(a_child_has_no_limit, 0, "the child went on\n", .err = "")
{
    MUST(pipe(from_child) == 0);
    at_exit(wait_for_child, "the child went on");
    limited(gcw_exit_default(), fork_one_that_takes_longer, "x", SHORT);
}

static void *
fails(void *self, void *info, void *data)
{
    (void)info;
    (void)data;
    return self;
}

static void
gives_up(void *data)
{
    (void)data;
    gcw_fail("on purpose");
}

END(one_that_fails_has_ended, 0, "in time\n")
{
    gcw_exit_options o = { .limit = SHORT };
    struct target *t = target_new(1);
    at_exit(take_time, "in time");
    MUST(gcw_exit_register(gcw_exit_default(), gcw_method_new(t, fails, NULL),
                           &o) != NULL);
    limited(gcw_exit_default(), gives_up, "x", SHORT);
    exit(0);
}

END(a_shutdown_has_the_limit_of_an_exit, 0, "hangs\n",
    .err = "the limit of the exit")
{
    limit_exit(SHORT);
    at_exit(hang, "hangs");
    gcw_shutdown(0);
    say("never");
}

END(and_is_over_with_it, 0, "in time\n", .err = "")
{
    limit_exit(SHORT);
    MUST(gcw_shutdown(0) == 0);
    take_time("in time");
}

TEST(a_limit_needs_a_registry)
{
    expect_errno(gcw_exit_limit(NULL, 1) == -1, EINVAL);
    expect_errno(gcw_exit_limit_abort(NULL, true) == -1, EINVAL);
}
