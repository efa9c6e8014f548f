/* atexit.c: tests of the registry in atexit's place.  Every atexit below is
 * gcw_atexit, because <gcweak/atexit.h> says so.
 */
#include <gcweak/atexit.h>
#include <errno.h>
#include "log.h"
#include "thread.h"

static void
a(void)
{
    say("a");
}

static void
b(void)
{
    say("b");
}

static void
c(void)
{
    say("c");
}

END(last_registered_runs_first, 5, "c\nb\na\n")
{
    MUST(atexit(a) == 0);
    MUST(atexit(b) == 0);
    MUST(atexit(c) == 0);
    exit(5);
}

END(registered_three_times_runs_three_times, 0, "a\na\na\n")
{
    for (int i = 0; i < 3; i++)
        MUST(atexit(a) == 0);
}

END(handlers_and_atexit_share_one_order, 0, "b\nhandler\na\n")
{
    gcw_exit_registry *r = gcw_exit_default();
    MUST(atexit(a) == 0);
    MUST(gcw_exit_register_fn(r, say_it, "handler", NULL) != NULL);
    MUST(atexit(b) == 0);
}

static void
register_b(void)
{
    say("registers");
    MUST(atexit(b) == 0);
}

END(registered_during_exit_is_next, 0, "registers\nb\na\n")
{
    MUST(atexit(a) == 0);
    MUST(atexit(register_b) == 0);
}

END(atexit_goes_to_the_default_registry, 0, "a\nearly\n")
{
    MUST(atexit(a) == 0);
    MUST(gcw_exit_run(gcw_exit_default(), 0) == 0);
    say("early");
}

static void
gives_up(void)
{
    say("gives up");
    gcw_fail("no more rope");
}

END(a_failing_function_is_reported_and_the_rest_run, 0, "c\ngives up\na\n",
    .err = "no more rope")
{
    MUST(atexit(a) == 0);
    MUST(atexit(gives_up) == 0);
    MUST(atexit(c) == 0);
}

/* Taking back. */

END(cancel_takes_back_the_last, 0, "b\na\n")
{
    MUST(atexit(a) == 0);
    MUST(atexit(b) == 0);
    MUST(atexit(a) == 0);
    MUST(gcw_atexit_cancel(a) == 0);
}

static void
must_be_refused(int found, int expected)
{
    int error = errno;
    MUST(found == -1);
    MUST(error == expected);
}

END(cancel_says_when_there_is_none_left, 0, "b\n")
{
    MUST(atexit(a) == 0);
    MUST(atexit(b) == 0);
    MUST(atexit(a) == 0);
    MUST(gcw_atexit_cancel(a) == 0);
    MUST(gcw_atexit_cancel(a) == 0);
    must_be_refused(gcw_atexit_cancel(a), ENOENT);
    must_be_refused(gcw_atexit_cancel(c), ENOENT);
}

static void
cancels_itself(void)
{
    say("itself");
    must_be_refused(gcw_atexit_cancel(cancels_itself), ENOENT);
    MUST(gcw_atexit_cancel(b) == 0);
}

END(cancel_in_a_handler, 0, "itself\na\n")
{
    MUST(atexit(a) == 0);
    MUST(atexit(b) == 0);
    MUST(atexit(cancels_itself) == 0);
}

END(what_has_run_cannot_be_cancelled, 0, "a\n")
{
    MUST(atexit(a) == 0);
    MUST(gcw_exit_run(gcw_exit_default(), 0) == 0);
    must_be_refused(gcw_atexit_cancel(a), ENOENT);
}

/* The same code, registered as another sort of handler; it is not called. */
END(cancel_leaves_handlers_of_another_sort_alone, 0, "a\n")
{
    void (*same)(void *) = (void (*)(void *))a;
    gcw_exit_handler *h = gcw_exit_register_fn(gcw_exit_default(), same, NULL,
                                               NULL);
    must_be_refused(gcw_atexit_cancel(a), ENOENT);
    MUST(gcw_exit_unregister(h) == GCW_REMOVED);
    MUST(atexit(a) == 0);
    MUST(gcw_exit_unregister_fn(gcw_exit_default(), same) == 0);
}

enum { LOTS = 100000 };

END(lots_are_registered_and_cancelled, 0, "c\nb\n")
{
    MUST(atexit(b) == 0);
    for (size_t i = 0; i < LOTS; i++)
        MUST(atexit(a) == 0);
    MUST(atexit(c) == 0);
    for (size_t i = 0; i < LOTS; i++)
        MUST(gcw_atexit_cancel(a) == 0);
    must_be_refused(gcw_atexit_cancel(a), ENOENT);
}

END(null_is_invalid, 0, "")
{
    must_be_refused(gcw_atexit(NULL), EINVAL);
    must_be_refused(gcw_atexit_cancel(NULL), EINVAL);
}

/* A thread that the collector does not know. */

static void *
register_a_and_b(void *data)
{
    MUST(atexit(a) == 0);
    MUST(atexit(b) == 0);
    return data;
}

static void *
cancel_a(void *data)
{
    MUST(gcw_atexit_cancel(a) == 0);
    must_be_refused(gcw_atexit_cancel(a), ENOENT);
    return data;
}

END(an_unknown_thread_registers, 0, "c\nb\na\n")
{
    MUST(gcw_init() == 0);
    in_unknown_thread(register_a_and_b, NULL);
    MUST(atexit(c) == 0);
}

END(an_unknown_thread_cancels, 0, "b\n")
{
    MUST(gcw_init() == 0);
    in_unknown_thread(register_a_and_b, NULL);
    in_unknown_thread(cancel_a, NULL);
}

END(an_unknown_thread_registers_before_anybody_else, 0, "b\na\n")
{
    GC_INIT();
    in_unknown_thread(register_a_and_b, NULL);
    GC_gcollect();
}
