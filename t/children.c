/* children.c: tests of children that are made in unusual ways or at unusual
 * moments: around fork's handlers, in a pid namespace, with handlers of the
 * application, while the library starts, without descriptors, by several
 * threads at once.
 */
#include <config.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "log.h"
#include <gcweak/debug.h>
#include "readable.h"

/* Who speaks: the scenario's own process, or a child. */
static const char *who = "parent";

static void
say_with_name(void *data)
{
    dprintf(STDOUT_FILENO, "%s: %s\n", who, (char *)data);
}

static void
at_exit_say(const char *line, bool inherit)
{
    gcw_exit_options o = { .inherit = inherit };
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_with_name,
                              (char *)line, &o) != NULL);
}

static void
cleanup_says(const char *line)
{
    MUST(gcw_cleanup_new(lasting_target(1), say_with_name, (char *)line)
         != NULL);
}

/* A child that hangs is ended by its alarm. */
enum { TIME_LIMIT = 30 };    /* seconds */

static bool
is_child(pid_t pid)
{
    MUST(pid >= 0);
    if (pid != 0)
        return false;
    who = "child";
    alarm(TIME_LIMIT);
    return true;
}

/* --- the same pid --- */

/* Only root may. */
static const char *
namespaces(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(CLONE_NEWPID) == 0 ? 0 : 1);
    MUST(child > 0 && waitpid(child, &status, 0) == child);
    return status == 0 ? NULL : "to be allowed to make a namespace";
}

/* In a new namespace the next child is process 1. */
static pid_t
fork_into_namespace(void)
{
    MUST(unshare(CLONE_NEWPID) == 0);
    return fork();
}

static void
be_the_first(void)
{
    pid_t child;
    MUST(getpid() == 1);
    who = "first";
    at_exit_say("usual", false);
    at_exit_say("inherited", true);
    cleanup_says("cleanup");
    child = fork_into_namespace();
    if (is_child(child)) {
        MUST(getpid() == 1);
        at_exit_say("own", false);
        exit(0);
    }
    ends_well(child);
    exit(0);
}

SCENARIO(same_pid)
{
    pid_t first = fork_into_namespace();
    int status;
    if (is_child(first))
        be_the_first();
    MUST(waitpid(first, &status, 0) == first && WIFEXITED(status));
    _exit(WEXITSTATUS(status));
}

TEST(a_child_with_its_parents_pid_is_another_process, .lacks = namespaces,
     .not_emulated = "no page is emptied in a child with the same pid")
{
    struct outcome o = run_scenario("same_pid");
    assert_string_equal(o.out, "child: own\nchild: inherited\n"
                        "first: inherited\nfirst: usual\nfirst: cleanup\n");
    assert_int_equal(o.status, 0);
    outcome_free(&o);
}

/* --- around the handlers --- */

/* Only if nobody else is at work, as the thread for finalizers is. */
#define ALONE "guile"

/* Nor without a page that the kernel empties in the child (MADV_WIPEONFORK), which
 * qemu's says that it does. */
#define NO_PAGE "no page is emptied in a child that no fork handler knows"

/* As _Fork.  The child has this thread only, and nobody tells the collector:
 * so it must not collect. */
static pid_t
fork_around_handlers(void)
{
    GC_disable();
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

END(what_a_child_made_around_the_handlers_registers_runs_at_its_exit, 0,
    "child: own handler\nchild: inherited\nchild: own cleanup\n"
    "parent: inherited\nparent: usual\nparent: cleanup\n", .not_in = ALONE,
    .not_emulated = NO_PAGE)
{
    pid_t child;
    at_exit_say("usual", false);
    at_exit_say("inherited", true);
    cleanup_says("cleanup");
    child = fork_around_handlers();
    if (is_child(child)) {
        at_exit_say("own handler", false);
        cleanup_says("own cleanup");
        exit(0);
    }
    ends_well(child);
}

END(what_its_parent_registered_does_not_run_in_it, 0,
    "child: own\nparent: usual\n", .not_in = ALONE, .not_emulated = NO_PAGE)
{
    gcw_exit_registry *r = gcw_exit_registry_new("run");
    pid_t child;
    gcw_exit_register_fn(r, say_with_name, (char *)"usual", NULL);
    child = fork_around_handlers();
    if (is_child(child)) {
        MUST(gcw_exit_run(r, 0) == 0);
        gcw_exit_register_fn(r, say_with_name, (char *)"own", NULL);
        MUST(gcw_exit_run(r, 0) == 0);
        _exit(0);
    }
    ends_well(child);
    MUST(gcw_exit_run(r, 0) == 0);
}

/* A hub with something to wake for, and what wakes. */
struct awake {
    gcw_hub *hub;
    int hub_fd, drain_fd;
};

static struct awake *
awake_new(void)
{
    struct awake *a = GC_MALLOC_UNCOLLECTABLE(sizeof *a);
    MUST(a != NULL);
    a->hub = gcw_hub_new();
    a->hub_fd = gcw_hub_fd(a->hub);
    a->drain_fd = gcw_drain_fd();
    MUST(a->hub_fd >= 0 && a->drain_fd >= 0);
    return a;
}

static bool
both_are(const struct awake *a, bool expected)
{
    return readable(a->hub_fd, 0) == expected
           && readable(a->drain_fd, 0) == expected;
}

static void
wake_both(const struct awake *a)
{
    static size_t n;
    pend(count, &n);
    MUST(gcw_hub_post(a->hub, "type", NULL, NULL) == 0);
}

static void
quiet_both(const struct awake *a)
{
    MUST(gcw_drain(0) == 1);
    MUST(gcw_hub_dispatch(a->hub, 0) == 1);
}

/* Under the same numbers, and apart from those of the parent. */
static void
has_its_own(const struct awake *a)
{
    MUST(gcw_drain_fd() == a->drain_fd && gcw_hub_fd(a->hub) == a->hub_fd);
    MUST(both_are(a, false));
    wake_both(a);
    MUST(both_are(a, true));
    quiet_both(a);
    MUST(both_are(a, false));
    wake_both(a);
}

END(its_descriptors_are_its_own, 0, "apart\n", .not_in = ALONE,
    .not_emulated = NO_PAGE)
{
    struct awake *a = awake_new();
    pid_t child = fork_around_handlers();
    if (is_child(child)) {
        has_its_own(a);
        _exit(0);
    }
    ends_well(child);
    MUST(both_are(a, false));
    wake_both(a);
    MUST(both_are(a, true));
    say("apart");
    _exit(0);
}

/* What the parent was woken for is in the child too. */
END(what_its_parent_was_woken_for_wakes_it_too, 0, "in both\n",
    .not_in = ALONE, .not_emulated = NO_PAGE)
{
    struct awake *a = awake_new();
    pid_t child;
    wake_both(a);
    child = fork_around_handlers();
    if (is_child(child)) {
        MUST(gcw_drain_fd() == a->drain_fd && gcw_hub_fd(a->hub) >= 0);
        MUST(both_are(a, true));
        quiet_both(a);
        MUST(both_are(a, false));
        _exit(0);
    }
    ends_well(child);
    MUST(both_are(a, true));
    say("in both");
    _exit(0);
}

/* The worker. */

static sem_t told;
static _Atomic pid_t worker;

static void
tell(void *data)
{
    (void)data;
    atomic_store(&worker, (pid_t)syscall(SYS_gettid));
    sem_post(&told);
}

static bool
is_told(void)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += TIME_LIMIT - 5;
    while (sem_timedwait(&told, &end) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

/* Whether the thread sleeps: so it holds nothing. */
static bool
sleeps(pid_t thread)
{
    char path[64], line[256] = "", *state;
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    file = fopen(path, "r");
    MUST(file != NULL);
    MUST(fgets(line, sizeof line, file) != NULL);
    fclose(file);
    state = strrchr(line, ')');
    return state != NULL && state[2] == 'S';
}

END(it_has_a_worker_of_its_own, 0, "child: delivered\nparent: delivered\n",
    .not_in = ALONE, .not_emulated = NO_PAGE)
{
    pid_t child;
    sem_init(&told, 0, 0);
    MUST(gcw_drain_thread(true) == 0);
    pend(tell, NULL);
    MUST(is_told());
    while (!sleeps(worker))
        sched_yield();
    child = fork_around_handlers();
    if (is_child(child)) {
        pend(tell, NULL);
        MUST(is_told());
        say_with_name((char *)"delivered");
        _exit(0);
    }
    ends_well(child);
    pend(tell, NULL);
    MUST(is_told());
    say_with_name((char *)"delivered");
}

/* --- handlers of the application --- */

/* When they act, and what with; in uncollectable memory. */
struct act {
    const char *when;
    gcw_event *event;
    gcw_hub *hub;
    gcw_exit_registry *registry;
    size_t runs;
};
static struct act *act;

static void
hear(void *arg, void *data)
{
    (void)arg;
    count(data);
}

static void
use_all(const char *when)
{
    struct target *t = target_new(1);
    if (strcmp(when, act->when) != 0)
        return;
    MUST(gcw_ref_get(gcw_ref_new(t)) == t);
    MUST(gcw_cleanup_new(t, count, &act->runs) != NULL);
    MUST(gcw_exit_register_fn(act->registry, count, &act->runs, NULL)
         != NULL);
    MUST(gcw_event_connect_fn(act->event, hear, &act->runs, 0) != NULL);
    MUST(gcw_hub_fd(act->hub) >= 0);
    MUST(gcw_hub_post(act->hub, "type", NULL, NULL) == 0);
    MUST(gcw_dispose(t) == 0);
    MUST(gcw_exit_run(act->registry, 0) == 0);
    MUST(gcw_drain(0) == 1);
    MUST(gcw_event_emit(act->event, NULL) == 1);
    MUST(act->runs == 3);
}

static void
in_prepare(void)
{
    use_all("prepare");
}

static void
in_parent(void)
{
    use_all("parent");
}

static void
in_child(void)
{
    alarm(TIME_LIMIT);
    use_all("child");
}

/* What the handlers have done is there, and nothing is locked. */
static void
all_goes_on(bool acted)
{
    struct target *t = target_new(1);
    size_t *n = counter_new();
    MUST(act->runs == (acted ? 3 : 0));
    MUST(gcw_event_emit(act->event, NULL) == acted);
    MUST(gcw_hub_dispatch(act->hub, 0) == acted);
    MUST(gcw_cleanup_new(t, count, n) != NULL);
    MUST(gcw_exit_register_fn(act->registry, count, n, NULL) != NULL);
    MUST(gcw_dispose(t) == 0 && gcw_drain(0) == 1);
    MUST(gcw_exit_run(act->registry, 0) == 0 && *n == 2);
    say_with_name((char *)(acted ? "acted" : "goes on"));
}

static void
handlers_act(const char *when, bool in_the_parent, bool in_the_child)
{
    pid_t child;
    GC_INIT();
    MUST(pthread_atfork(in_prepare, in_parent, in_child) == 0);
    MUST(gcw_init() == 0);
    act = GC_MALLOC_UNCOLLECTABLE(sizeof *act);
    *act = (struct act){ when, gcw_event_new("e"), gcw_hub_new(),
                         gcw_exit_registry_new("r"), 0 };
    child = fork();
    if (is_child(child)) {
        all_goes_on(in_the_child);
        _exit(0);
    }
    ends_well(child);
    all_goes_on(in_the_parent);
    _exit(0);
}

END(a_prepare_handler_of_the_application_may_use_all, 0,
    "child: acted\nparent: acted\n")
{
    handlers_act("prepare", true, true);
}

END(a_parent_handler_of_the_application_may_use_all, 0,
    "child: goes on\nparent: acted\n")
{
    handlers_act("parent", true, false);
}

END(a_child_handler_of_the_application_may_use_all, 0,
    "child: acted\nparent: goes on\n")
{
    handlers_act("child", false, true);
}

/* --- while the library starts --- */

#if HAVE_ON_EXIT

/* What the call of on_exit with the number does, counted from 1. */
static atomic_int on_exit_calls;
static int failing_from, held_up_at;
static sem_t inside, go_on;

static void
await(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        continue;
}

static void
let_it_go_on(void)
{
    sem_post(&go_on);
}

int __real_on_exit(void (*fn)(int, void *), void *arg);
int __wrap_on_exit(void (*fn)(int, void *), void *arg);

/* The library calls this.  Fork handlers that are registered while it
 * is held up run before those of the library. */
int
__wrap_on_exit(void (*fn)(int, void *), void *arg)
{
    int n = atomic_fetch_add(&on_exit_calls, 1) + 1;
    if (failing_from != 0 && n >= failing_from)
        return -1;
    if (n == held_up_at) {
        pthread_atfork(let_it_go_on, NULL, NULL);
        sem_post(&inside);
        await(&go_on);
    }
    return __real_on_exit(fn, arg);
}

static void
begins(void)
{
    MUST(gcw_init() == 0);
    at_exit_say("began", false);
    exit(0);
}

static void
fail_half_way(int at)
{
    pid_t child;
    failing_from = at;
    errno = 0;
    MUST(gcw_init() == -1 && errno == ENOMEM);
    child = fork();
    if (is_child(child)) {
        failing_from = 0;
        begins();
    }
    ends_well(child);
    child = fork();
    if (is_child(child))
        _exit(0);
    ends_well(child);
    failing_from = 0;
    begins();
}

END(a_child_begins_what_failed_at_first_in_its_parent, 0,
    "child: began\nparent: began\n")
{
    fail_half_way(1);
}

END(a_child_begins_what_failed_half_way_in_its_parent, 0,
    "child: began\nparent: began\n")
{
    fail_half_way(10);
}

/* The program has a function of its own called before that of the library. */
static GC_on_collection_event_proc hooked;
static size_t events;

static void GC_CALLBACK
hear_and_pass_on(GC_EventType event)
{
    events++;
    hooked(event);
}

END(a_hook_may_be_chained_before_the_library_begins_once_more, 0, "heard\n")
{
    GC_INIT();
    failing_from = 1;
    MUST(gcw_init() == -1 && errno == ENOMEM);
    hooked = GC_get_on_collection_event();
    MUST(hooked != NULL);
    GC_set_on_collection_event(hear_and_pass_on);
    failing_from = 0;
    MUST(gcw_init() == 0);
    GC_gcollect();
    MUST(events > 0);
    say("heard");
}

static void *
begin(void *unused)
{
    MUST(gcw_init() == 0);
    return unused;
}

/* Another thread is in the midst of it. */
static pthread_t
begin_elsewhere(void)
{
    pthread_t thread;
    sem_init(&inside, 0, 0);
    sem_init(&go_on, 0, 0);
    held_up_at = 5;
    GC_INIT();
    GC_allow_register_threads();
    MUST(GC_pthread_create(&thread, NULL, begin, NULL) == 0);
    await(&inside);
    return thread;
}

END(a_process_may_fork_while_another_thread_begins, 0,
    "child: began\nparent: began\n")
{
    pthread_t thread = begin_elsewhere();
    pid_t child = fork();
    if (is_child(child))
        begins();
    ends_well(child);
    GC_pthread_join(thread, NULL);
    begins();
}

END(also_around_the_handlers, 0, "child: began\nparent: began\n",
    .not_in = ALONE, .not_emulated = NO_PAGE)
{
    pthread_t thread = begin_elsewhere();
    pid_t child = fork_around_handlers();
    if (is_child(child))
        begins();
    ends_well(child);
    sem_post(&go_on);
    GC_pthread_join(thread, NULL);
    begins();
}

#else
SKIPPED(a_start_that_is_held_up, "on_exit in the C library")
#endif

/* --- what is pending --- */

END(what_is_pending_at_a_fork_does_not_run_at_the_childs_exit, 0,
    "drain\nparent: callback\n")
{
    pid_t child;
    pend(say_with_name, (char *)"callback");
    child = fork();
    if (is_child(child))
        exit(0);
    ends_well(child);
    say("drain");
    MUST(gcw_drain(0) == 1);
}

END(it_runs_in_both_if_the_child_drains, 0,
    "child: callback\nparent: callback\n")
{
    pid_t child;
    pend(say_with_name, (char *)"callback");
    child = fork();
    if (is_child(child)) {
        MUST(gcw_drain(0) == 1);
        exit(0);
    }
    ends_well(child);
    MUST(gcw_drain(0) == 1);
}

/* --- descriptors --- */

static void
use_all_descriptors(void)
{
    struct rlimit few;
    MUST(getrlimit(RLIMIT_NOFILE, &few) == 0);
    few.rlim_cur = 64;
    MUST(setrlimit(RLIMIT_NOFILE, &few) == 0);
    while (dup(STDERR_FILENO) >= 0)
        continue;
    MUST(errno == EMFILE);
}

END(a_child_has_its_descriptors_though_all_are_in_use, 0, "apart\n")
{
    struct awake *a = awake_new();
    pid_t child;
    use_all_descriptors();
    child = fork();
    if (is_child(child)) {
        has_its_own(a);
        _exit(0);
    }
    ends_well(child);
    MUST(both_are(a, false));
    has_its_own(a);
    say("apart");
    _exit(0);
}

/* --- two that fork at once --- */

enum { FORKS = 400, FORKERS = 2 };

static atomic_bool in_callback;
static atomic_int cut, forkers;
static _Atomic double slowest;

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
take_a_millisecond(void *data)
{
    double end = now() + 0.001;
    (void)data;
    atomic_store(&in_callback, true);
    while (now() < end)
        continue;
    atomic_store(&in_callback, false);
}

/* The child has a copy of the flag, as it was. */
static void *
fork_often(void *unused)
{
    for (int i = 0; i < FORKS; i++) {
        double began = now(), took;
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            _exit(atomic_load(&in_callback));
        took = now() - began;
        if (took > atomic_load(&slowest))
            atomic_store(&slowest, took);
        MUST(child > 0 && waitpid(child, &status, 0) == child);
        atomic_fetch_add(&cut, status != 0);
    }
    atomic_fetch_sub(&forkers, 1);
    return unused;
}

/* It never comes to the end of what there is. */
static void
feed_the_worker(void)
{
    gcw_statistics s = { .size = sizeof s };
    gcw_stats(&s);
    for (int i = 0; s.pending < 2500 && i < 500; i++)
        pend(take_a_millisecond, NULL);
    sched_yield();
}

END(two_threads_that_fork_at_once_cut_no_callback, 0, "0 cut, none slow\n",
    .not_in = NOT_NATIVE)
{
    pthread_t threads[FORKERS];
    MUST(gcw_drain_thread(true) == 0);
    for (int i = 0; i < 5; i++)
        feed_the_worker();
    atomic_store(&forkers, FORKERS);
    for (int i = 0; i < FORKERS; i++)
        MUST(GC_pthread_create(&threads[i], NULL, fork_often, NULL) == 0);
    while (atomic_load(&forkers) != 0)
        feed_the_worker();
    for (int i = 0; i < FORKERS; i++)
        GC_pthread_join(threads[i], NULL);
    dprintf(STDOUT_FILENO, "%d cut, %s\n", atomic_load(&cut),
            atomic_load(&slowest) < 1 ? "none slow" : "some slow");
    _exit(0);
}

/* --- fork handlers of the collector, called by the application --- */

enum { USERS = 4 };

static atomic_bool over;
static atomic_uint loops;

static void *
use_refs(void *unused)
{
    while (!atomic_load(&over)) {
        struct target *t = target_new(1);
        MUST(gcw_ref_get(gcw_ref_new(t)) == t);
        MUST(gcw_dispose(t) == 0);
        atomic_fetch_add(&loops, 1);
    }
    return unused;
}

/* Lets the others run until they need the collector's lock. */
static void
let_it_run_into_the_lock(void)
{
    unsigned before;
    do {
        before = atomic_load(&loops);
        for (int i = 0; i < 5; i++)
            sched_yield();
    } while (before != atomic_load(&loops));
}

static void
fork_by_hand(void)
{
    pid_t child;
    GC_atfork_prepare();
    let_it_run_into_the_lock();
    child = fork();
    if (child == 0) {
        GC_atfork_child();
        alarm(TIME_LIMIT);
        MUST(gcw_ref_new(target_new(1)) != NULL);
        _exit(0);
    }
    GC_atfork_parent();
    MUST(child > 0);
    ends_well(child);
}

FRESH_END(a_program_may_call_the_collectors_handlers_itself, 0, "no hang\n")
{
    pthread_t users[USERS];
    GC_set_handle_fork(0);
    GC_INIT();
    MUST(gcw_init() == 0);
    for (int i = 0; i < USERS; i++)
        MUST(GC_pthread_create(&users[i], NULL, use_refs, NULL) == 0);
    for (int i = 0; i < 200; i++)
        fork_by_hand();
    atomic_store(&over, true);
    for (int i = 0; i < USERS; i++)
        GC_pthread_join(users[i], NULL);
    say("no hang");
    _exit(0);
}
