/* shutdown.c: tests of the end of the process: what runs, in which order,
 * with which status, from which thread.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include "log.h"
#include "thread.h"

static void
at_exit_say(char *line)
{
    at_exit(say_it, line);
}

static void
at_quick_exit_say(char *line)
{
    gcw_exit_options o = { .quick = true };
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_it, line, &o) != NULL);
}

static gcw_cleanup *
at_death_say(void *target, char *line)
{
    gcw_cleanup *c = gcw_cleanup_new(target, say_it, line);
    MUST(c != NULL);
    return c;
}

/* The plain end. */

END(handlers_run_when_main_returns, 0, "c\nb\na\n")
{
    at_exit_say("a");
    at_exit_say("b");
    at_exit_say("c");
}

END(handlers_run_at_exit_and_the_status_stays, 7, "c\nb\na\n")
{
    handlers_run_when_main_returns();
    exit(7);
}

static void *
say_status(void *self, void *arg, void *data)
{
    const gcw_exit_info *info = arg;
    (void)self;
    (void)data;
    dprintf(STDOUT_FILENO, "status %d\n", info->status);
    return NULL;
}

static void
say_status_at_exit(void)
{
    gcw_method *m = gcw_method_new(lasting_target(0), say_status, NULL);
    MUST(gcw_exit_register(gcw_exit_default(), m, NULL) != NULL);
}

#if HAVE_ON_EXIT
END(methods_are_told_the_status, 23, "status 23\n")
#else
END(the_c_library_does_not_tell_the_status, 23, "status 0\n")
#endif
{
    say_status_at_exit();
    exit(23);
}

END(handlers_of_the_dead_are_skipped, 0, "status 0\nstatus 0\n")
{
    void *alive = lasting_target(0), *dead = lasting_target(0);
    gcw_exit_registry *r = gcw_exit_default();
    say_status_at_exit();
    MUST(gcw_exit_register(r, gcw_method_new(alive, say_status, NULL), NULL));
    MUST(gcw_exit_register(r, gcw_method_new(dead, say_status, NULL), NULL));
    MUST(gcw_dispose(dead) == 0);
}

END(a_registry_of_ones_own_does_not_run_at_exit, 0, "default\n")
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    MUST(gcw_exit_register_fn(r, say_it, "never", NULL) != NULL);
    at_exit_say("default");
}

END(a_handler_taken_off_does_not_run, 0, "c\na\n")
{
    at_exit_say("a");
    gcw_exit_handler *b = gcw_exit_register_fn(gcw_exit_default(), say_it, "b",
                                               NULL);
    at_exit_say("c");
    MUST(gcw_exit_unregister(b) == GCW_REMOVED);
}

END(the_default_registry_can_run_early_and_goes_on, 0, "status 5\nlater\n")
{
    say_status_at_exit();
    MUST(gcw_exit_run(gcw_exit_default(), 5) == 0);
    at_exit_say("later");
}

static void
register_another(void *data)
{
    say("first");
    at_exit_say(data);
}

END(a_handler_registered_during_exit_is_next, 0, "first\nnext\nlast\n")
{
    at_exit_say("last");
    at_exit(register_another, "next");
}

/* The order of the parts. */

END(pending_deaths_then_handlers_then_cleanups, 0,
    "death 2\ndeath 1\nhandler 2\nhandler 1\ncleanup 2\ncleanup 1\n")
{
    at_exit_say("handler 1");
    at_death_say(lasting_target(0), "cleanup 1");
    void *gone = lasting_target(0);
    at_death_say(gone, "death 1");
    at_death_say(gone, "death 2");
    at_death_say(lasting_target(0), "cleanup 2");
    at_exit_say("handler 2");
    MUST(gcw_dispose(gone) == 0);
}

static size_t deaths;

static void
count_death(void *data)
{
    (void)data;
    deaths++;
}

static void
watch_many(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < MANY; i++) {
        gcw_cleanup *c = gcw_cleanup_new(target_new(i), count_death, NULL);
        MUST(c != NULL);
        MUST(gcw_cleanup_set_atexit(c, false) == 0);
    }
}

static void
say_deaths(void *data)
{
    (void)data;
    say(deaths >= NEARLY_ALL ? "nearly all are dead" : "most are alive");
}

END(what_a_collection_found_dead_is_told_before_handlers_run, 0,
    "nearly all are dead\n")
{
    at_exit(say_deaths, NULL);
    in_dead_frame(watch_many, NULL);
    collect();
    MUST(deaths == 0);
}

/* Failures. */

static void
say_and_give_up(void *data)
{
    say(data);
    gcw_fail("gave up");
}

END(a_failing_handler_is_named_and_the_rest_run, 3, "c\nb\na\n",
    .err = "the torn rope")
{
    gcw_exit_options o = { .name = "the torn rope" };
    at_exit_say("a");
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_and_give_up, "b", &o));
    at_exit_say("c");
    exit(3);
}

END(a_failing_cleanup_is_reported_and_the_rest_run, 0,
    "cleanup 3\ncleanup 2\ncleanup 1\n", .err = "gave up")
{
    at_death_say(lasting_target(0), "cleanup 1");
    MUST(gcw_cleanup_new(lasting_target(0), say_and_give_up, "cleanup 2"));
    at_death_say(lasting_target(0), "cleanup 3");
}

/* exit inside what exit runs. */

static void
say_and_exit_9(void *data)
{
    say(data);
    exit(9);
}

static void
say_and_exit_3(void *data)
{
    say(data);
    exit(3);
}

END(exit_in_a_handler_runs_the_rest_with_the_new_status, 9, "c\nb\na\n")
{
    at_exit_say("a");
    at_exit(say_and_exit_9, "b");
    at_exit_say("c");
    exit(1);
}

END(of_several_exits_the_last_status_wins, 3, "d\nc\nb\na\ncleanup\n")
{
    at_exit_say("a");
    at_exit(say_and_exit_3, "b");
    at_exit_say("c");
    at_exit(say_and_exit_9, "d");
    at_death_say(lasting_target(0), "cleanup");
    exit(1);
}

END(exit_in_a_cleanup_runs_the_rest, 9, "handler\ncleanup 2\ncleanup 1\n")
{
    at_death_say(lasting_target(0), "cleanup 1");
    MUST(gcw_cleanup_new(lasting_target(0), say_and_exit_9, "cleanup 2"));
    at_exit_say("handler");
    exit(1);
}

END(exit_in_the_drain_runs_the_rest, 9, "death 2\ndeath 1\nhandler\n")
{
    void *gone = lasting_target(0);
    at_exit_say("handler");
    at_death_say(gone, "death 1");
    MUST(gcw_cleanup_new(gone, say_and_exit_9, "death 2"));
    MUST(gcw_dispose(gone) == 0);
    gcw_drain(0);
    say("not reached");
}

END(exit_in_a_run_of_ones_own_runs_the_default_registry, 9,
    "own 2\nown 1\ndefault\n")
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    at_exit_say("default");
    MUST(gcw_exit_register_fn(r, say_and_exit_9, "own 1", NULL) != NULL);
    MUST(gcw_exit_register_fn(r, say_it, "own 2", NULL) != NULL);
    gcw_exit_run(r, 0);
    say("not reached");
}

/* Several threads. */

static int go[2];        /* a pipe: the handler tells the other to end, too */

static void
hold_the_end(void *data)
{
    struct pollfd never = { .fd = -1 };
    (void)data;
    say("begin");
    MUST(write(go[1], "", 1) == 1);
    poll(&never, 1, 200);    /* time in which the other could cut this off */
    say("end");
}

static void
await_go(void)
{
    char byte;
    MUST(read(go[0], &byte, 1) == 1);
}

static void *
exit_too(void *data)
{
    (void)data;
    await_go();
    exit(4);
}

static void
hold_at_exit(void)
{
    MUST(pipe(go) == 0);
    at_exit_say("last");
    at_exit(hold_the_end, NULL);
}

END(a_second_exit_waits_for_the_first, 4, "begin\nend\nlast\n")
{
    pthread_t thread;
    hold_at_exit();
    MUST(GC_pthread_create(&thread, NULL, exit_too, NULL) == 0);
    exit(4);
}

END(so_does_that_of_an_unknown_thread, 4, "begin\nend\nlast\n")
{
    pthread_t thread;
    hold_at_exit();
    MUST(pthread_create(&thread, NULL, exit_too, NULL) == 0);
    exit(4);
}

static void *
exit_0(void *data)
{
    (void)data;
    exit(0);
}

END(so_does_the_return_of_main, 0, "begin\nend\nlast\n")
{
    pthread_t thread;
    hold_at_exit();
    MUST(GC_pthread_create(&thread, NULL, exit_0, NULL) == 0);
    await_go();
}

/* Handlers that need the collector, on threads it does not know. */

static void
allocate_and_collect(void *data)
{
    for (size_t i = 0; i < MANY; i++) {
        gcw_ref *ref = gcw_ref_new(target_new(i));
        MUST(ref != NULL);
    }
    GC_gcollect();
    say(data);
}

static void *
exit_8(void *data)
{
    (void)data;
    exit(8);
}

END(an_unknown_thread_may_exit, 8, "collected\nlast\ncleanup\n")
{
    at_exit_say("last");
    at_exit(allocate_and_collect, "collected");
    at_death_say(lasting_target(0), "cleanup");
    in_unknown_thread(exit_8, NULL);
}

static pthread_t main_thread;

static void *
return_last(void *data)
{
    pthread_join(main_thread, NULL);
    return data;
}

static void *
exit_last(void *data)
{
    (void)data;
    pthread_join(main_thread, NULL);
    exit(6);
}

/* Leaves the rest to a thread that runs `fn` once main is gone.  With helper
 * threads of the collector no thread would be the last; so without. */
static void
leave_it_to(const char *scenario, void *(*fn)(void *))
{
    with_markers(scenario, "1");
    at_exit_say("last");
    at_exit(allocate_and_collect, "collected");
    main_thread = pthread_self();
    run_thread(fn, NULL);
    GC_pthread_exit(NULL);
}

END(the_last_thread_exits, 6, "collected\nlast\n")
{
    leave_it_to("the_last_thread_exits", exit_last);
}

/* In the other mode the thread that runs finalizers never ends. */
END(the_last_thread_returns, 0, "collected\nlast\n", .not_in = "guile")
{
    leave_it_to("the_last_thread_returns", return_last);
}

/* Other ends. */

static void
usual_and_quick(void)
{
    at_exit_say("a");
    at_quick_exit_say("quick 1");
    at_exit_say("b");
    at_quick_exit_say("quick 2");
    at_death_say(lasting_target(0), "cleanup");
}

END(quick_handlers_run_at_exit_too, 0, "quick 2\nb\nquick 1\na\ncleanup\n")
{
    usual_and_quick();
}

END(quick_exit_runs_only_quick_handlers, 2, "quick 2\nquick 1\n")
{
    usual_and_quick();
    quick_exit(2);
}

static void *
quick_exit_5(void *data)
{
    (void)data;
    quick_exit(5);
}

END(an_unknown_thread_may_quick_exit, 5, "quick 2\nquick 1\n")
{
    usual_and_quick();
    in_unknown_thread(quick_exit_5, NULL);
}

END(_exit_runs_nothing, 2, "")
{
    usual_and_quick();
    _exit(2);
}

END(abort_runs_nothing, 128 + 6, "")
{
    usual_and_quick();
    abort();
}

/* After the default run: the handlers of the C library that were registered
 * before gcweak started run last. */

static void
say_refusal(const char *what, bool refused)
{
    dprintf(STDOUT_FILENO, "%s: %s\n", what,
            refused && errno == ESHUTDOWN ? "ESHUTDOWN" : "not refused");
    errno = 0;
}

static void
never(void)
{
    say("never");
}

static void
come_too_late(void)
{
    gcw_exit_registry *r = gcw_exit_default();
    struct target *t = target_new(0);
    gcw_method *m = gcw_method_new(t, say_status, NULL);
    errno = 0;
    say_refusal("function",
                gcw_exit_register_fn(r, say_it, "never", NULL) == NULL);
    say_refusal("method", gcw_exit_register(r, m, NULL) == NULL);
    say_refusal("atexit", gcw_atexit(never) == -1);
}

static void
run_ones_own(void)
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    MUST(gcw_exit_register_fn(r, say_it, "own", NULL) != NULL);
    MUST(gcw_exit_run(r, 0) == 0);
}

END(after_the_run_registering_is_refused, 0,
    "handler\nfunction: ESHUTDOWN\nmethod: ESHUTDOWN\natexit: ESHUTDOWN\n")
{
    MUST(atexit(come_too_late) == 0);
    at_exit_say("handler");
}

END(after_the_run_a_registry_of_ones_own_works, 0, "handler\nown\n")
{
    MUST(atexit(run_ones_own) == 0);
    at_exit_say("handler");
}

static void
register_or_be_refused(void *data)
{
    (void)data;
    bool accepted = gcw_exit_register_fn(gcw_exit_default(), say_it,
                                         "settled", NULL) != NULL;
    if (!accepted)
        say(errno == ESHUTDOWN ? "settled" : "wrong errno");
}

END(what_a_cleanup_registers_runs_or_is_refused, 0, "settled\n")
{
    MUST(gcw_cleanup_new(lasting_target(0), register_or_be_refused, NULL));
}
