/* strangers.c: tests of what threads may do that the collector does not know,
 * that it does not stop, or that it has let go of.
 *
 * A deed is done in each way of being a stranger.  Meanwhile a storm is on:
 * another thread collects and fills free memory, so that what the collector
 * does not see in use is damaged.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include "idle.h"
#include "log.h"
#include "storm.h"
#include "thread.h"

/* --- Deeds --- */

struct deed {
    void (*prepare)(void);           /* main: the library is started */
    void (*do_it)(void);             /* the stranger */
    void (*check)(void);             /* main: when it is done */
};

/* Of exit handlers there are so many that the collector has work with them. */
enum { LOTS = 20000 };

static atomic_size_t calls;

static void
count_call(void)
{
    atomic_fetch_add(&calls, 1);
}

static void
say_calls(void)
{
    dprintf(STDOUT_FILENO, "%zu calls\n", atomic_load(&calls));
}

static void
register_lots(void)
{
    for (int i = 0; i < LOTS; i++)
        MUST(gcw_atexit(count_call) == 0);
}

static void
take_back_lots(void)
{
    for (int i = 0; i < LOTS; i++)
        MUST(gcw_atexit_cancel(count_call) == 0);
    errno = 0;
    MUST(gcw_atexit_cancel(count_call) == -1 && errno == ENOENT);
}

/* It comes last of those of the registry: it is the oldest. */
static void
say_calls_at_exit(void)
{
    MUST(gcw_atexit(say_calls) == 0);
}

static void
say_calls_after_lots(void)
{
    say_calls_at_exit();
    register_lots();
}

static const struct deed atexit_deed = {
    say_calls_at_exit, register_lots, idle_at_exit
};

static const struct deed cancel_deed = {
    say_calls_after_lots, take_back_lots, idle_at_exit
};

static void
intact_at_exit(bool quick)
{
    gcw_exit_options o = { .quick = quick };
    MUST(gcw_exit_register_fn(gcw_exit_default(),
                              say_whether_lists_stay_intact, NULL, &o)
         != NULL);
}

static void
intact_at_usual_exit(void)
{
    intact_at_exit(false);
}

static void
intact_at_quick_exit(void)
{
    intact_at_exit(true);
}

static void
exit_7(void)
{
    exit(7);
}

static void
quick_exit_8(void)
{
    quick_exit(8);
}

static void
must_not_be_reached(void)
{
    MUST(!"the process goes on");
}

static const struct deed exit_deed = {
    intact_at_usual_exit, exit_7, must_not_be_reached
};

static const struct deed quick_deed = {
    intact_at_quick_exit, quick_exit_8, must_not_be_reached
};

/* What is posted is held by nothing else. */
enum { NEWS = 5000 };

static struct {
    gcw_hub *hub;
    struct target *news[NEWS];
    bool heard[NEWS];
    size_t times;
} *desk;                             /* uncollectable */

static void
hear_news(const gcw_emission *emission, void *unused)
{
    struct target *t = emission->arg;
    (void)unused;
    if (t == NULL)
        abort();
    MUST(t->magic == MAGIC && t->number < NEWS);
    MUST(strcmp(emission->type, "news") == 0);
    MUST(!desk->heard[t->number]);
    desk->heard[t->number] = true;
    desk->times++;
}

static void
open_desk(void)
{
    desk = GC_MALLOC_UNCOLLECTABLE(sizeof *desk);
    MUST(desk != NULL);
    desk->hub = gcw_hub_new();
    for (size_t i = 0; i < NEWS; i++)
        desk->news[i] = target_new(i);
    MUST(gcw_hub_connect_fn(desk->hub, "news", NULL, hear_news, NULL, 0)
         != NULL);
}

static void
post_some(size_t from, size_t step)
{
    for (size_t i = from; i < NEWS; i += step) {
        MUST(gcw_hub_post(desk->hub, "news", NULL, desk->news[i]) == 0);
        desk->news[i] = NULL;
    }
}

static void
post_all(void)
{
    post_some(0, 1);
}

static void
all_is_heard(void)
{
    await_round();
    MUST(gcw_hub_dispatch(desk->hub, 0) == NEWS);
    MUST(desk->times == NEWS);
    say("all heard");
}

static const struct deed post_deed = { open_desk, post_all, all_is_heard };

#if HAVE_LIBFFI

typedef int proxied(int n);

static proxied *call_proxy;

static int
lists_stay_intact_behind_proxy(void *self, int n)
{
    say_whether_lists_stay_intact(NULL);
    return self != NULL ? n + 1 : 0;
}

static void
make_proxy(void)
{
    void **keep = keep_array(2);
    keep[0] = target_new(0);
    keep[1] = gcw_proxy_new(
        keep[0], (gcw_proxy_fn *)lists_stay_intact_behind_proxy, "i)i");
    MUST(keep[1] != NULL);
    call_proxy = (proxied *)gcw_proxy_code(keep[1]);
}

static void
call_it(void)
{
    MUST(call_proxy(4) == 5);
}

static const struct deed proxy_deed = { make_proxy, call_it, idle_at_exit };

#endif

/* What needs a thread that is known. */

static struct {
    gcw_exit_registry *registry;
    gcw_exit_handler *handler;
    gcw_cleanup *cleanup;
    gcw_event *event;
    gcw_method *method;
    gcw_hub *hub;
    void *target;
} *kept;                             /* uncollectable */

static void
prepare_refusals(void)
{
    kept = GC_MALLOC_UNCOLLECTABLE(sizeof *kept);
    MUST(kept != NULL);
    kept->target = target_new(0);
    kept->registry = gcw_exit_registry_new("own");
    kept->handler = gcw_exit_register_fn(kept->registry, say_it, "never",
                                         NULL);
    kept->cleanup = gcw_cleanup_new(kept->target, say_it, "at exit");
    kept->event = gcw_event_new(NULL);
    kept->method = gcw_method_new(kept->target, idle_method, NULL);
    kept->hub = gcw_hub_new();
}

#define REFUSED(failure) (errno = 0, MUST(failure), MUST(errno == EPERM))

static void
constructors_are_refused(void)
{
    REFUSED(gcw_ref_new(kept->target) == NULL);
    REFUSED(gcw_method_new(kept->target, idle_method, NULL) == NULL);
    REFUSED(gcw_cleanup_new(kept->target, say_it, "never") == NULL);
    REFUSED(gcw_event_new(NULL) == NULL);
    REFUSED(gcw_event_connect(kept->event, kept->method, 0) == NULL);
    REFUSED(gcw_hub_new() == NULL);
    REFUSED(gcw_hub_connect(kept->hub, NULL, NULL, kept->method, 0) == NULL);
    REFUSED(gcw_exit_default() == NULL);
    REFUSED(gcw_exit_registry_new(NULL) == NULL);
    REFUSED(gcw_exit_register_fn(kept->registry, say_it, "never", NULL)
            == NULL);
    REFUSED(gcw_exit_register(kept->registry, kept->method, NULL) == NULL);
}

static void
others_are_refused(void)
{
    REFUSED(gcw_exit_unregister(kept->handler) == -1);
    REFUSED(gcw_exit_run(kept->registry, 0) == -1);
    REFUSED(gcw_cleanup_run(kept->cleanup) == false);
    REFUSED(gcw_cleanup_detach(kept->cleanup) == false);
    REFUSED(gcw_dispose(kept->target) == -1);
    REFUSED(gcw_drain(0) == 0);
    REFUSED(gcw_collect() == 0);
    REFUSED(gcw_drain_fd() == -1);
    REFUSED(gcw_drain_thread(true) == -1);
    REFUSED(gcw_hub_dispatch(kept->hub, 0) == 0);
}

/* Each thousand times: it must not be refused only once. */
static void
all_are_refused(void)
{
    for (int i = 0; i < 1000; i++) {
        constructors_are_refused();
        others_are_refused();
    }
}

static const struct deed refused_deed = {
    prepare_refusals, all_are_refused, idle_at_exit
};

/* --- Ways of being a stranger --- */

static const struct deed *deed;

static pthread_key_t early_key, late_key;
static bool has_called;              /* gcweak, before the thread ends */

static void
do_deed(void *unused)
{
    (void)unused;
    deed->do_it();
}

static void
begin(const struct deed *which)
{
    deed = which;
    MUST(pthread_key_create(&early_key, do_deed) == 0);
    MUST(gcw_init() == 0);
    MUST(pthread_key_create(&late_key, do_deed) == 0);
    deed->prepare();
    begin_storm();
}

static void *
do_on_thread(void *unused)
{
    do_deed(unused);
    return unused;
}

static void
on_an_unknown_thread(const struct deed *which)
{
    begin(which);
    in_unknown_thread(do_on_thread, NULL);
    deed->check();
}

static void
within_do_blocking(const struct deed *which)
{
    begin(which);
    GC_do_blocking(do_on_thread, NULL);
    deed->check();
}

/* Lists of free memory that the collector keeps for the thread are not
 * empty. */
static void *
have_data(void *key)
{
    for (size_t size = 8; size < 200; size += 8)
        MUST(GC_MALLOC(size) != NULL);
    if (has_called)
        MUST(gcw_ref_new(target_new(0)) != NULL);
    MUST(pthread_setspecific(*(pthread_key_t *)key, key) == 0);
    return NULL;
}

static void
in_a_destructor(const struct deed *which, pthread_key_t *key)
{
    begin(which);
    in_thread(have_data, key);
    deed->check();
}

static void
as_a_thread_ends(const struct deed *which)
{
    in_a_destructor(which, &late_key);
}

static void
as_a_thread_ends_with_older_data(const struct deed *which)
{
    in_a_destructor(which, &early_key);
}

static void
as_a_thread_that_has_called_gcweak_ends(const struct deed *which)
{
    has_called = true;
    in_a_destructor(which, &late_key);
}

static void
as_a_thread_that_has_called_gcweak_ends_with_older_data(
    const struct deed *which)
{
    has_called = true;
    in_a_destructor(which, &early_key);
}

/* Each deed in each way. */

#define IN_WAY(deed, name, way, status, out)                                \
    END(name##_##way, status, out) { way(&deed##_deed); }
#define AS_THREADS_END(deed, name, status, out)                             \
    IN_WAY(deed, name, as_a_thread_ends, status, out)                       \
    IN_WAY(deed, name, as_a_thread_ends_with_older_data, status, out)       \
    IN_WAY(deed, name, as_a_thread_that_has_called_gcweak_ends, status, out)\
    IN_WAY(deed, name,                                                      \
           as_a_thread_that_has_called_gcweak_ends_with_older_data, status, \
           out)
#define IN_ALL_WAYS(deed, name, status, out)                                \
    IN_WAY(deed, name, on_an_unknown_thread, status, out)                   \
    IN_WAY(deed, name, within_do_blocking, status, out)                     \
    AS_THREADS_END(deed, name, status, out)

IN_ALL_WAYS(atexit, gcw_atexit_works, 0, "20000 calls\n")
IN_ALL_WAYS(cancel, gcw_atexit_cancel_works, 0, "0 calls\n")
IN_ALL_WAYS(exit, exit_works, 7, INTACT)
IN_ALL_WAYS(quick, quick_exit_works, 8, INTACT)
IN_ALL_WAYS(post, gcw_hub_post_works, 0, "all heard\n")
#if HAVE_LIBFFI
IN_ALL_WAYS(proxy, a_proxy_works, 0, INTACT)
#endif
IN_WAY(refused, all_else_is_refused, on_an_unknown_thread, 0, "at exit\n")
AS_THREADS_END(refused, all_else_is_refused, 0, "at exit\n")

/* --- Several unknown threads post, and main dispatches --- */

enum { POSTERS = 4 };

static atomic_int at_work;

static void *
post_my_share(void *number)
{
    post_some((size_t)(uintptr_t)number, POSTERS);
    atomic_fetch_sub(&at_work, 1);
    return NULL;
}

END(main_hears_all_that_unknown_threads_post, 0, "all heard\n")
{
    pthread_t threads[POSTERS];
    bool last;
    MUST(gcw_init() == 0);
    open_desk();
    begin_storm();
    atomic_store(&at_work, POSTERS);
    for (uintptr_t i = 0; i < POSTERS; i++)
        MUST(pthread_create(&threads[i], NULL, post_my_share, (void *)i)
             == 0);
    do {
        last = atomic_load(&at_work) == 0;
        gcw_hub_dispatch(desk->hub, 0);
        sched_yield();
    } while (!last);
    for (int i = 0; i < POSTERS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    MUST(desk->times == NEWS);
    say("all heard");
}

/* --- A callback ends the unknown thread that it runs on --- */

static void
end_this_thread(void *line)
{
    say(line);
    pthread_exit(NULL);
}

static void *
exit_3(void *unused)
{
    (void)unused;
    exit(3);
}

/* Those that are known are stopped, of which the one that has ended must not
 * be one. */
static void
collections_work(void)
{
    begin_storm();
    MUST(list_stays_intact());
    say("collected");
}

static void
a_handler_ends_the_thread(void)
{
    gcw_exit_registry *r = gcw_exit_default();
    MUST(gcw_exit_register_fn(r, say_it, "the rest", NULL) != NULL);
    MUST(gcw_exit_register_fn(r, end_this_thread, "ends", NULL) != NULL);
    MUST(gcw_exit_register_fn(r, say_it, "first", NULL) != NULL);
    in_unknown_thread(exit_3, NULL);
    say("joined");
}

END(after_a_handler_has_ended_an_unknown_thread_collections_work, 0,
    "first\nends\njoined\ncollected\nthe rest\n")
{
    a_handler_ends_the_thread();
    collections_work();
}

/* In the other mode the thread that runs finalizers never ends. */
END(and_the_rest_run_when_the_last_thread_ends, 0,
    "first\nends\njoined\ncollected\nthe rest\n", .not_in = "guile",
    .not_emulated = "/proc/self/stat has no number of threads there")
{
    a_handler_ends_the_thread();
    for (int i = 0; i < 10; i++)
        GC_gcollect();
    say("collected");
    GC_pthread_exit(NULL);
}

/* main has left before: the one that calls exit is the last but for one. */
static pthread_t main_thread, exiting;

static void *
exit_when_main_has_left(void *unused)
{
    (void)unused;
    pthread_join(main_thread, NULL);
    say("main has left");
    exit(3);
}

static void *
outlive_it(void *unused)
{
    pthread_join(exiting, NULL);
    collections_work();
    exit(4);
    return unused;
}

END(or_when_another_thread_exits, 4,
    "main has left\nends\ncollected\nthe rest\n")
{
    pthread_t thread;
    gcw_exit_registry *r = gcw_exit_default();
    main_thread = pthread_self();
    MUST(gcw_exit_register_fn(r, say_it, "the rest", NULL) != NULL);
    MUST(gcw_exit_register_fn(r, end_this_thread, "ends", NULL) != NULL);
    MUST(pthread_create(&exiting, NULL, exit_when_main_has_left, NULL) == 0);
    MUST(GC_pthread_create(&thread, NULL, outlive_it, NULL) == 0);
    GC_pthread_exit(NULL);
}

#if HAVE_LIBFFI

static int
end_thread_behind_proxy(void *self, int n)
{
    (void)self;
    (void)n;
    MUST(GC_MALLOC(64) != NULL);
    end_this_thread("ends");
    return 0;
}

static void *
call_and_end(void *unused)
{
    call_proxy(1);
    must_not_be_reached();
    return unused;
}

#define TEN(text) text text text text text text text text text text

END(after_a_proxy_has_ended_unknown_threads_collections_work, 0,
    TEN(TEN("ends\n")) "collected\n")
{
    pthread_t thread;
    void **keep = keep_array(2);
    keep[0] = target_new(0);
    keep[1] = gcw_proxy_new(keep[0], (gcw_proxy_fn *)end_thread_behind_proxy,
                            "i)i");
    call_proxy = (proxied *)gcw_proxy_code(keep[1]);
    for (int i = 0; i < 100; i++) {
        MUST(pthread_create(&thread, NULL, call_and_end, NULL) == 0);
        MUST(pthread_join(thread, NULL) == 0);
    }
    collections_work();
}

#endif

/* --- The first call of all is made by a second thread --- */

static void
say_first(void)
{
    say("first");
}

static void
say_second(void)
{
    say("second");
}

static void
say_later(void)
{
    say("later");
}

static void *
register_two(void *unused)
{
    MUST(gcw_atexit(say_first) == 0);
    MUST(gcw_atexit(say_second) == 0);
    return unused;
}

static void
drop_a_target(void *counter)
{
    for (size_t i = 0; i < MANY; i++)
        MUST(gcw_cleanup_new(target_new(i), count, counter) != NULL);
}

static void
all_of_gcweak_works(void)
{
    size_t *deaths = counter_new();
    errno = 0;
    MUST(gcw_exit_default() != NULL && errno == 0);
    MUST(gcw_event_emit(gcw_event_new(NULL), NULL) == 0 && errno == 0);
    in_dead_frame(drop_a_target, deaths);
    collect();
    gcw_drain(0);
    MUST(nearly_all(*deaths, MANY));
}

static void
main_registers_100000(void)
{
    MUST(gcw_atexit(say_calls) == 0);
    for (int i = 0; i < 100000; i++) {
        MUST(gcw_atexit(count_call) == 0);
        if (i % 10000 == 0)
            GC_gcollect();
    }
    MUST(gcw_atexit(say_later) == 0);
}

#define MAIN_GOES_ON "later\n100000 calls\nsecond\nfirst\n"

static void
main_goes_on(void)
{
    in_unknown_thread(register_two, NULL);
    all_of_gcweak_works();
    main_registers_100000();
}

END(a_second_thread_may_register_before_main_has_called_anything, 0,
    MAIN_GOES_ON)
{
    GC_INIT();
    main_goes_on();
}

FRESH_END(a_second_thread_may_register_before_the_collector_runs, 0,
          MAIN_GOES_ON)
{
    main_goes_on();
}

FRESH_END(main_may_start_the_collector_after_that, 0, MAIN_GOES_ON)
{
    in_unknown_thread(register_two, NULL);
    GC_INIT();
    GC_gcollect();
    all_of_gcweak_works();
    main_registers_100000();
}

FRESH_END(what_was_registered_so_early_runs_if_the_library_is_never_started, 0,
          "second\nfirst\n")
{
    in_unknown_thread(register_two, NULL);
}

FRESH_END(or_only_the_collector, 0, "second\nfirst\n")
{
    in_unknown_thread(register_two, NULL);
    GC_INIT();
    GC_gcollect();
}

FRESH_END(or_if_a_second_thread_exits, 3, "second\nfirst\n")
{
    in_unknown_thread(register_two, NULL);
    in_unknown_thread(exit_3, NULL);
}

static void *
take_back_second(void *unused)
{
    MUST(gcw_atexit_cancel(say_second) == 0);
    errno = 0;
    MUST(gcw_atexit_cancel(say_second) == -1 && errno == ENOENT);
    return unused;
}

FRESH_END(an_early_one_is_taken_back_by_a_thread, 0, "first\n")
{
    in_unknown_thread(register_two, NULL);
    in_unknown_thread(take_back_second, NULL);
}

FRESH_END(or_by_main, 0, "first\n")
{
    in_unknown_thread(register_two, NULL);
    take_back_second(NULL);
}

/* The newest of those that main has registered as well comes first. */
FRESH_END(or_by_main_after_the_start, 0, "later\nfirst\n")
{
    in_unknown_thread(register_two, NULL);
    MUST(gcw_init() == 0);
    MUST(gcw_atexit(say_second) == 0);
    MUST(gcw_atexit(say_later) == 0);
    MUST(gcw_atexit_cancel(say_second) == 0);
    take_back_second(NULL);
}

static void *
take_back_nothing(void *unused)
{
    errno = 0;
    MUST(gcw_atexit_cancel(say_first) == -1 && errno == ENOENT);
    MUST(gcw_atexit(NULL) == -1 && errno == EINVAL);
    MUST(gcw_atexit_cancel(NULL) == -1 && errno == EINVAL);
    return unused;
}

FRESH_END(a_second_thread_may_ask_first_to_take_one_back, 0, "works\n")
{
    in_unknown_thread(take_back_nothing, NULL);
    all_of_gcweak_works();
    say("works");
}

static void
register_later(void)
{
    say("next");
    MUST(gcw_atexit(say_later) == 0);
}

static void *
register_one_that_registers(void *unused)
{
    register_two(NULL);
    MUST(gcw_atexit(register_later) == 0);
    return unused;
}

FRESH_END(an_early_one_may_register_the_next, 0,
          "next\nlater\nsecond\nfirst\n")
{
    in_unknown_thread(register_one_that_registers, NULL);
    MUST(gcw_init() == 0);
}

FRESH_END(so_it_may_where_the_library_is_never_started, 3,
          "next\nlater\nsecond\nfirst\n")
{
    in_unknown_thread(register_one_that_registers, NULL);
    in_unknown_thread(exit_3, NULL);
}

static void
gives_up(void)
{
    say("gives up");
    gcw_fail("on purpose");
}

static void *
register_one_that_fails(void *unused)
{
    register_two(NULL);
    MUST(gcw_atexit(gives_up) == 0);
    return unused;
}

FRESH_END(an_early_one_that_fails_is_reported_and_the_rest_run, 0,
          "gives up\nsecond\nfirst\n", .err = "on purpose")
{
    in_unknown_thread(register_one_that_fails, NULL);
}

static void
exit_again(void)
{
    say("exits");
    exit(9);
}

static void *
register_one_that_exits(void *unused)
{
    register_two(NULL);
    MUST(gcw_atexit(exit_again) == 0);
    return unused;
}

FRESH_END(an_early_one_may_exit, 9, "exits\nsecond\nfirst\n")
{
    in_unknown_thread(register_one_that_exits, NULL);
    exit(1);
}

static void
in_a_child_as_well(void)
{
    int status;
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0)
        exit(5);
    MUST(waitpid(child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    say("parent");
}

FRESH_END(a_child_runs_early_ones_too, 0,
          "second\nfirst\nparent\nsecond\nfirst\n")
{
    in_unknown_thread(register_two, NULL);
    in_a_child_as_well();
}

FRESH_END(so_does_the_child_of_one_that_has_started, 0,
          "later\nsecond\nfirst\nparent\nlater\nsecond\nfirst\n")
{
    in_unknown_thread(register_two, NULL);
    MUST(gcw_init() == 0);
    MUST(gcw_atexit(say_later) == 0);
    in_a_child_as_well();
}

/* Everything but that. */
static void *
be_refused_before_the_start(void *target)
{
    REFUSED(gcw_init() == -1);
    REFUSED(gcw_ref_new(target) == NULL);
    REFUSED(gcw_cleanup_new(target, say_it, NULL) == NULL);
    REFUSED(gcw_method_new(target, idle_method, NULL) == NULL);
    REFUSED(gcw_event_new(NULL) == NULL);
    REFUSED(gcw_hub_new() == NULL);
    REFUSED(gcw_exit_default() == NULL);
    REFUSED(gcw_exit_registry_new(NULL) == NULL);
    REFUSED(gcw_drain(0) == 0);
    REFUSED(gcw_drain_fd() == -1);
    REFUSED(gcw_drain_thread(true) == -1);
    REFUSED(gcw_collect() == 0);
    MUST(!GC_is_init_called());
    return NULL;
}

FRESH_END(all_else_is_refused_until_main_starts_the_collector, 0,
          "later\n100000 calls\n")
{
    static char word[64];
    in_unknown_thread(be_refused_before_the_start, word);
    all_of_gcweak_works();
    main_registers_100000();
}
