/* shutdown.c: tests of the end of the process: what runs, in which order,
 * with which status, from which thread.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include "ends.h"

static void
at_exit(void (*fn)(void *), void *data)
{
    MUST(gcw_exit_register_fn(gcw_exit_default(), fn, data, NULL) != NULL);
}

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

/* A target that lives until the process ends. */
static void *
lasting_target(void)
{
    void **keep = keep_array(1);
    return keep[0] = target_new(0);
}

/* The plain end. */

static void
three_handlers(void)
{
    at_exit_say("a");
    at_exit_say("b");
    at_exit_say("c");
}

static void
exit_with_7(void)
{
    three_handlers();
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
    gcw_method *m = gcw_method_new(lasting_target(), say_status, NULL);
    MUST(gcw_exit_register(gcw_exit_default(), m, NULL) != NULL);
}

static void
status_is_told(void)
{
    say_status_at_exit();
    exit(23);
}

static void
weak_handlers(void)
{
    void *alive = lasting_target(), *dead = lasting_target();
    gcw_exit_registry *r = gcw_exit_default();
    say_status_at_exit();
    MUST(gcw_exit_register(r, gcw_method_new(alive, say_status, NULL), NULL));
    MUST(gcw_exit_register(r, gcw_method_new(dead, say_status, NULL), NULL));
    MUST(gcw_dispose(dead) == 0);
}

static void
own_registry_is_left_alone(void)
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    MUST(gcw_exit_register_fn(r, say_it, "never", NULL) != NULL);
    at_exit_say("default");
}

static void
taken_off(void)
{
    at_exit_say("a");
    gcw_exit_handler *b = gcw_exit_register_fn(gcw_exit_default(), say_it, "b",
                                               NULL);
    at_exit_say("c");
    MUST(gcw_exit_unregister(b) == GCW_REMOVED);
}

static void
run_early(void)
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

static void
registered_during_exit(void)
{
    at_exit_say("last");
    at_exit(register_another, "next");
}

/* The order of the parts. */

static void
parts_in_order(void)
{
    at_exit_say("handler 1");
    at_death_say(lasting_target(), "cleanup 1");
    void *gone = lasting_target();
    at_death_say(gone, "death 1");
    at_death_say(gone, "death 2");
    at_death_say(lasting_target(), "cleanup 2");
    at_exit_say("handler 2");
    MUST(gcw_dispose(gone) == 0);
}

static void
cleanup_not_at_exit(void)
{
    at_death_say(lasting_target(), "cleanup 1");
    gcw_cleanup *c = at_death_say(lasting_target(), "never");
    MUST(gcw_cleanup_set_atexit(c, false) == 0);
    at_death_say(lasting_target(), "cleanup 2");
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

static void
collected_before(void)
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

static void
failing_handler(void)
{
    gcw_exit_options o = { .name = "the torn rope" };
    at_exit_say("a");
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_and_give_up, "b", &o));
    at_exit_say("c");
    exit(3);
}

static void
failing_cleanup(void)
{
    at_death_say(lasting_target(), "cleanup 1");
    MUST(gcw_cleanup_new(lasting_target(), say_and_give_up, "cleanup 2"));
    at_death_say(lasting_target(), "cleanup 3");
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

static void
exit_in_a_handler(void)
{
    at_exit_say("a");
    at_exit(say_and_exit_9, "b");
    at_exit_say("c");
    exit(1);
}

static void
exit_in_two_handlers(void)
{
    at_exit_say("a");
    at_exit(say_and_exit_3, "b");
    at_exit_say("c");
    at_exit(say_and_exit_9, "d");
    at_death_say(lasting_target(), "cleanup");
    exit(1);
}

static void
exit_in_a_cleanup(void)
{
    at_death_say(lasting_target(), "cleanup 1");
    MUST(gcw_cleanup_new(lasting_target(), say_and_exit_9, "cleanup 2"));
    at_exit_say("handler");
    exit(1);
}

static void
exit_in_the_drain(void)
{
    void *gone = lasting_target();
    at_exit_say("handler");
    at_death_say(gone, "death 1");
    MUST(gcw_cleanup_new(gone, say_and_exit_9, "death 2"));
    MUST(gcw_dispose(gone) == 0);
    gcw_drain(0);
    say("not reached");
}

static void
exit_in_a_run_of_ones_own(void)
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

static void
two_threads_exit(void)
{
    pthread_t thread;
    hold_at_exit();
    MUST(GC_pthread_create(&thread, NULL, exit_too, NULL) == 0);
    exit(4);
}

static void
unknown_thread_exits_too(void)
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

static void
main_returns_during_exit(void)
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

static void
unknown_thread_exits(void)
{
    pthread_t thread;
    at_exit_say("last");
    at_exit(allocate_and_collect, "collected");
    at_death_say(lasting_target(), "cleanup");
    MUST(pthread_create(&thread, NULL, exit_8, NULL) == 0);
    pthread_join(thread, NULL);
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
    pthread_t thread;
    if (getenv("GC_MARKERS") == NULL) {
        setenv("GC_MARKERS", "1", 1);
        execl(program_path(), "shutdown.t", scenario, (char *)NULL);
        _exit(98);
    }
    at_exit_say("last");
    at_exit(allocate_and_collect, "collected");
    main_thread = pthread_self();
    MUST(GC_pthread_create(&thread, NULL, fn, NULL) == 0);
    GC_pthread_exit(NULL);
}

static void
last_thread_returns(void)
{
    leave_it_to("the_last_thread_returns", return_last);
}

static void
last_thread_exits(void)
{
    leave_it_to("the_last_thread_exits", exit_last);
}

/* Other ends. */

static void
usual_and_quick(void)
{
    at_exit_say("a");
    at_quick_exit_say("quick 1");
    at_exit_say("b");
    at_quick_exit_say("quick 2");
    at_death_say(lasting_target(), "cleanup");
}

static void
quickly(void)
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

static void
unknown_thread_ends_quickly(void)
{
    pthread_t thread;
    usual_and_quick();
    MUST(pthread_create(&thread, NULL, quick_exit_5, NULL) == 0);
    pthread_join(thread, NULL);
}

static void
at_once(void)
{
    usual_and_quick();
    _exit(2);
}

static void
by_abort(void)
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

static void
too_late(void)
{
    MUST(atexit(come_too_late) == 0);
    at_exit_say("handler");
}

static void
own_run_late(void)
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

static void
registered_by_a_cleanup(void)
{
    MUST(gcw_cleanup_new(lasting_target(), register_or_be_refused, NULL));
}

#define LAST_THREAD_OUT "collected\nlast\n"

static const struct end ends[] = {
    { "handlers_run_when_main_returns", three_handlers, 0,
      "c\nb\na\n", NULL, NULL },
    { "handlers_run_at_exit_and_the_status_stays", exit_with_7, 7,
      "c\nb\na\n", NULL, NULL },
#if HAVE_ON_EXIT
    { "methods_are_told_the_status", status_is_told, 23,
      "status 23\n", NULL, NULL },
#else
    { "the_c_library_does_not_tell_the_status", status_is_told, 23,
      "status 0\n", NULL, NULL },
#endif
    { "handlers_of_the_dead_are_skipped", weak_handlers, 0,
      "status 0\nstatus 0\n", NULL, NULL },
    { "a_registry_of_ones_own_does_not_run_at_exit",
      own_registry_is_left_alone, 0, "default\n", NULL, NULL },
    { "a_handler_taken_off_does_not_run", taken_off, 0,
      "c\na\n", NULL, NULL },
    { "the_default_registry_can_run_early_and_goes_on", run_early, 0,
      "status 5\nlater\n", NULL, NULL },
    { "a_handler_registered_during_exit_is_next", registered_during_exit, 0,
      "first\nnext\nlast\n", NULL, NULL },

    { "pending_deaths_then_handlers_then_cleanups", parts_in_order, 0,
      "death 2\ndeath 1\nhandler 2\nhandler 1\ncleanup 2\ncleanup 1\n",
      NULL, NULL },
    { "a_cleanup_can_be_kept_from_running_at_exit", cleanup_not_at_exit, 0,
      "cleanup 2\ncleanup 1\n", NULL, NULL },
    { "what_a_collection_found_dead_is_told_before_handlers_run",
      collected_before, 0, "nearly all are dead\n", NULL, NULL },

    { "a_failing_handler_is_named_and_the_rest_run", failing_handler, 3,
      "c\nb\na\n", "the torn rope", NULL },
    { "a_failing_cleanup_is_reported_and_the_rest_run", failing_cleanup, 0,
      "cleanup 3\ncleanup 2\ncleanup 1\n", "gave up", NULL },

    { "exit_in_a_handler_runs_the_rest_with_the_new_status",
      exit_in_a_handler, 9, "c\nb\na\n", NULL, NULL },
    { "of_several_exits_the_last_status_wins", exit_in_two_handlers, 3,
      "d\nc\nb\na\ncleanup\n", NULL, NULL },
    { "exit_in_a_cleanup_runs_the_rest", exit_in_a_cleanup, 9,
      "handler\ncleanup 2\ncleanup 1\n", NULL, NULL },
    { "exit_in_the_drain_runs_the_rest", exit_in_the_drain, 9,
      "death 2\ndeath 1\nhandler\n", NULL, NULL },
    { "exit_in_a_run_of_ones_own_runs_the_default_registry",
      exit_in_a_run_of_ones_own, 9, "own 2\nown 1\ndefault\n", NULL, NULL },

    { "a_second_exit_waits_for_the_first", two_threads_exit, 4,
      "begin\nend\nlast\n", NULL, NULL },
    { "so_does_that_of_an_unknown_thread", unknown_thread_exits_too, 4,
      "begin\nend\nlast\n", NULL, NULL },
    { "so_does_the_return_of_main", main_returns_during_exit, 0,
      "begin\nend\nlast\n", NULL, NULL },
    { "an_unknown_thread_may_exit", unknown_thread_exits, 8,
      "collected\nlast\ncleanup\n", NULL, NULL },
    { "the_last_thread_exits", last_thread_exits, 6,
      LAST_THREAD_OUT, NULL, NULL },
    /* In the other mode the thread that runs finalizers never ends. */
    { "the_last_thread_returns", last_thread_returns, 0,
      LAST_THREAD_OUT, NULL, "guile" },

    { "quick_handlers_run_at_exit_too", usual_and_quick, 0,
      "quick 2\nb\nquick 1\na\ncleanup\n", NULL, NULL },
    { "quick_exit_runs_only_quick_handlers", quickly, 2,
      "quick 2\nquick 1\n", NULL, NULL },
    { "an_unknown_thread_may_quick_exit", unknown_thread_ends_quickly, 5,
      "quick 2\nquick 1\n", NULL, NULL },
    { "_exit_runs_nothing", at_once, 2, "", NULL, NULL },
    { "abort_runs_nothing", by_abort, 128 + 6, "", NULL, NULL },

    { "after_the_run_registering_is_refused", too_late, 0,
      "handler\nfunction: ESHUTDOWN\nmethod: ESHUTDOWN\natexit: ESHUTDOWN\n",
      NULL, NULL },
    { "after_the_run_a_registry_of_ones_own_works", own_run_late, 0,
      "handler\nown\n", NULL, NULL },
    { "what_a_cleanup_registers_runs_or_is_refused",
      registered_by_a_cleanup, 0, "settled\n", NULL, NULL },
};

ENDS_MAIN(ends)
