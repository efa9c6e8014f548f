/* hostile.c: tests of the library in the hands of those who wish it ill:
 * storms of exits and of signals, threads that end where they should not, a
 * full table of descriptors, a million callbacks at exit.
 *
 * GCWEAK_TEST_ROUNDS in the environment is how often the process is ended by
 * eight threads at once, in peace and under signals.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include "await.h"
#include "idle.h"
#include "log.h"

enum { ROUNDS = 40, MILLION = 1000000, TARGETS = 10000 };

/* --- Storms of signals --- */

static atomic_size_t signals_caught;

static void
caught(int number)
{
    (void)number;
    atomic_fetch_add(&signals_caught, 1);
}

/* So that every system call that waits is interrupted. */
static void
catch(int number)
{
    struct sigaction action = { .sa_handler = caught };
    MUST(sigaction(number, &action, NULL) == 0);
}

static void
signal_thread(const char *id)
{
    pid_t thread = (pid_t)strtol(id, NULL, 10);
    if (thread > 0)
        syscall(SYS_tgkill, getpid(), thread, SIGUSR1);
}

static void
signal_all(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    if (tasks == NULL)
        return;
    /* cppcheck-suppress readdirCalled ; only this thread reads the stream */
    while ((task = readdir(tasks)) != NULL)
        signal_thread(task->d_name);
    closedir(tasks);
}

/* The collector does not know this thread, and does not stop it. */
static void *
storm(void *unused)
{
    for (;;)
        signal_all();
    return unused;
}

/* SIGUSR1 to each thread all the time, and SIGPROF to whoever works. */
static void
begin_signals(void)
{
    struct itimerval often = { { 0, 100 }, { 0, 100 } };
    sigset_t all, before;
    pthread_t thread;
    catch(SIGUSR1);
    catch(SIGPROF);
    MUST(setitimer(ITIMER_PROF, &often, NULL) == 0);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    MUST(pthread_create(&thread, NULL, storm, NULL) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
await_signals(void)
{
    while (atomic_load(&signals_caught) < 100)
        sched_yield();
}

/* --- Eight threads end the process at once --- */

enum { ENDERS = 8, FIRST_STATUS = 10, HANDLERS = 6 };

static pthread_barrier_t line;

#define STORM_OUT "death\nf\ne\nd\nc\nb\na\ncleanup\n"

static char *const words[HANDLERS] = { "a", "b", "c", "d", "e", "f" };

static void *
end_process(void *status)
{
    pthread_barrier_wait(&line);
    exit((int)(intptr_t)status);
}

/* Every other one is unknown to the collector. */
static void
start_ender(int i)
{
    void *status = (void *)(intptr_t)(FIRST_STATUS + i);
    pthread_t thread;
    int error = i % 2 ? pthread_create(&thread, NULL, end_process, status)
                      : GC_pthread_create(&thread, NULL, end_process, status);
    MUST(error == 0);
}

static void
watch(void *target, void (*fn)(void *), void *data)
{
    MUST(gcw_cleanup_new(target, fn, data) != NULL);
}

/* A moment in which another thread could cut it off. */
static void
say_slowly(void *line)
{
    sched_yield();
    GC_gcollect();
    say(line);
}

static void
prepare_the_end(void)
{
    watch(lasting_target(0), say_slowly, "cleanup");
    pend(say_slowly, "death");
    for (int i = 0; i < HANDLERS; i++)
        at_exit(say_slowly, words[i]);
}

SCENARIO(all_exit)
{
    prepare_the_end();
    pthread_barrier_init(&line, NULL, ENDERS);
    for (int i = 0; i < ENDERS - 1; i++)
        start_ender(i);
    end_process((void *)(intptr_t)(FIRST_STATUS + ENDERS - 1));
}

/* So many that the C library keeps them in several pieces of memory, which it
 * frees on the way; before the library's own, so that they run after it. */
SCENARIO(all_exit_with_many_handlers)
{
    for (int i = 0; i < 100; i++)
        MUST(atexit(idle_at_exit) == 0);
    all_exit();
}

SCENARIO(all_exit_under_signals)
{
    begin_signals();
    all_exit();
}

SCENARIO(all_exit_with_the_worker)
{
    MUST(gcw_drain_thread(true) == 0);
    all_exit();
}

#if HAVE_ON_EXIT

/* on_exit, as the library calls it: first of all at exit, to be called again
 * when another thread exits.  In the scenario that crowds, a call waits there
 * until all are there, each of which came upon the C library's list without
 * what the others were about to put there. */
int __real_on_exit(void (*fn)(int, void *), void *data);
int __wrap_on_exit(void (*fn)(int, void *), void *data);

static bool crowding;
static atomic_int crowd;

static void *
exit_10(void *unused)
{
    (void)unused;
    exit(10);
}

int
__wrap_on_exit(void (*fn)(int, void *), void *data)
{
    pthread_t thread;
    if (crowding && atomic_fetch_add(&crowd, 1) + 1 < ENDERS)
        MUST(pthread_create(&thread, NULL, exit_10, NULL) == 0);
    while (crowding && atomic_load(&crowd) < ENDERS)
        sched_yield();
    return __real_on_exit(fn, data);
}

END(eight_threads_may_begin_to_exit_at_once, 10, STORM_OUT)
{
    prepare_the_end();
    crowding = true;
    exit_10(NULL);
}

#else
SKIPPED(eight_threads_that_meet_in_on_exit, "on_exit in the C library")
#endif

/* --- exit in the middle of things --- */

static void
exit_7(void *line)
{
    say(line);
    exit(7);
}

static void
hear_and_exit(const gcw_emission *emission, void *line)
{
    (void)emission;
    exit_7(line);
}

END(exit_in_a_posted_emission_runs_the_handlers, 7, "exits\nhandler\n")
{
    gcw_hub *h = gcw_hub_new();
    at_exit(say_it, "handler");
    MUST(gcw_hub_connect_fn(h, "end", NULL, hear_and_exit, "exits", 0)
         != NULL);
    MUST(gcw_hub_post(h, "end", NULL, NULL) == 0);
    gcw_hub_dispatch(h, 0);
    say("not reached");
}

#define ALL_OUT "by hand\ndeath 1\ndeath 2\ndeath 3\n"                      \
                "handler 3\nhandler 2\nhandler 1\n"                         \
                "cleanup 3\ncleanup 2\ncleanup 1\n"

/* Pending ones before and after it, and a cleanup that is run by hand. */
END(exit_in_each_kind_of_callback_runs_the_rest_once, 7, ALL_OUT)
{
    gcw_cleanup *c = gcw_cleanup_new(lasting_target(0), exit_7, "by hand");
    pend(say_it, "death 1");
    pend(exit_7, "death 2");
    pend(say_it, "death 3");
    watch(lasting_target(0), say_it, "cleanup 1");
    watch(lasting_target(0), exit_7, "cleanup 2");
    watch(lasting_target(0), say_it, "cleanup 3");
    at_exit(say_it, "handler 1");
    at_exit(exit_7, "handler 2");
    at_exit(say_it, "handler 3");
    gcw_cleanup_run(c);
    say("not reached");
}

END(so_it_does_under_signals, 7, ALL_OUT)
{
    begin_signals();
    await_signals();
    exit_in_each_kind_of_callback_runs_the_rest_once();
}

/* --- The worker --- */

#if CAN_UNWIND

static void
end_this_thread(void *line)
{
    say(line);
    pthread_exit(NULL);
}

static void
cancel_this_thread(void *line)
{
    say(line);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

/* Everything that waits for the worker comes to its end. */
static void
worker_loses_its_thread(void (*lose)(void *))
{
    begin_worker();
    pend(lose, "ends");
    pend(tell, "next");
    await_call();
    MUST(gcw_drain_thread(false) == 0);
    MUST(gcw_drain_thread(true) == 0);
    pend(tell, "another");
    await_call();
    at_exit(say_it, "handler");
    exit(3);
}

END(a_callback_that_ends_its_thread_costs_the_worker_nothing_else, 3,
    "ends\nnext\nanother\nhandler\n")
{
    worker_loses_its_thread(end_this_thread);
}

END(nor_does_one_that_is_cancelled, 3, "ends\nnext\nanother\nhandler\n")
{
    worker_loses_its_thread(cancel_this_thread);
}

static void
stop_and_end_this_thread(void *line)
{
    say(line);
    MUST(gcw_drain_thread(false) == 0);
    sem_post(called());
    pthread_exit(NULL);
}

/* It was not wanted any more, so nobody takes its place. */
END(a_worker_that_was_stopped_and_ends_is_not_replaced, 0, "ends\nby hand\n")
{
    begin_worker();
    pend(stop_and_end_this_thread, "ends");
    await_call();
    MUST(gcw_drain_thread(false) == 0);
    pend(say_it, "by hand");
    MUST(gcw_drain(0) == 1);
}

#endif

/* Exported, so that it has a name. */
void hang_for_ever(void *line);

void
hang_for_ever(void *line)
{
    tell(line);
    for (;;)
        pause();
}

END(who_hangs_in_the_worker_at_exit_is_named, 4, "hangs\nhandler\n",
    .err = "hang_for_ever")
{
    if (!names_are_known())
        gcw_name_function((void (*)(void))hang_for_ever, "hang_for_ever");
    begin_worker();
    pend(hang_for_ever, "hangs");
    await_call();
    at_exit(say_it, "handler");
    exit(4);
}

END(under_signals_too, 4, "hangs\nhandler\n", .err = "hang_for_ever")
{
    begin_signals();
    who_hangs_in_the_worker_at_exit_is_named();
}

static void
post(void *unused)
{
    (void)unused;
    sem_post(called());
}

END(the_worker_comes_and_goes_under_signals, 0, "all came\n")
{
    begin_signals();
    begin_worker();
    await_signals();
    for (int i = 0; i < 1000; i++) {
        gcw_drain_thread(i % 2);
        pend(post, NULL);
        gcw_drain_thread(true);
        await_call();
    }
    say("all came");
}

/* --- No descriptor left --- */

static void
limit_descriptors(rlim_t limit)
{
    struct rlimit now;
    MUST(getrlimit(RLIMIT_NOFILE, &now) == 0);
    now.rlim_cur = limit;
    MUST(setrlimit(RLIMIT_NOFILE, &now) == 0);
}

/* The worker needs none. */
END(without_descriptors_what_needs_none_works, 0, "worker\ndrain\n")
{
    gcw_hub *h = gcw_hub_new();
    limit_descriptors(3);
    MUST(gcw_drain_fd() == -1 && errno == EMFILE);
    MUST(gcw_hub_fd(h) == -1 && errno == EMFILE);
    begin_worker();
    pend(tell, "worker");
    await_call();
    MUST(gcw_drain_thread(false) == 0);
    pend(say_it, "drain");
    MUST(gcw_drain(0) == 1);
    limit_descriptors(64);
    MUST(gcw_drain_fd() >= 3 && gcw_hub_fd(h) >= 3);
}

/* The child's own descriptor takes the place of its parent's, for which one
 * more is needed; without, it has none, and can ask again. */
END(a_child_without_descriptors_goes_on, 0, "child\nparent\n")
{
    int fd = gcw_drain_fd();
    pid_t child;
    MUST(fd >= 0);
    limit_descriptors((rlim_t)fd + 1);
    child = fork();
    if (child == 0) {
        limit_descriptors(64);
        MUST(gcw_drain_fd() >= 3);
        pend(say_it, "child");
        MUST(gcw_drain(0) == 1);
        _exit(0);
    }
    int status;
    MUST(waitpid(child, &status, 0) == child && status == 0);
    pend(say_it, "parent");
    MUST(gcw_drain(0) == 1);
}

/* --- A million --- */

static size_t ran;

static void
count_run(void *unused)
{
    (void)unused;
    ran++;
}

/* The C library calls it after the library's own. */
static void
say_how_many(void)
{
    dprintf(STDOUT_FILENO, "%zu\n", ran);
}

END(a_million_handlers_run_at_exit, 0, "1000000\n")
{
    MUST(atexit(say_how_many) == 0);
    for (int i = 0; i < MILLION; i++)
        at_exit(count_run, NULL);
}

/* On many targets; returns them. */
static void **
watch_a_million_times(void)
{
    void **keep = keep_array(TARGETS);
    MUST(atexit(say_how_many) == 0);
    for (size_t i = 0; i < TARGETS; i++)
        keep[i] = target_new(i);
    for (size_t i = 0; i < MILLION; i++)
        watch(keep[i % TARGETS], count_run, NULL);
    return keep;
}

END(a_million_cleanups_run_at_exit, 0, "1000000\n")
{
    watch_a_million_times();
}

END(a_million_deaths_are_told_at_exit, 0, "1000000\n")
{
    void **keep = watch_a_million_times();
    for (size_t i = 0; i < TARGETS; i++)
        MUST(gcw_dispose(keep[i]) == 0);
}

END(a_million_handlers_run_under_signals, 0, "1000000\n")
{
    begin_signals();
    await_signals();
    a_million_handlers_run_at_exit();
}

/* --- Signals everywhere --- */

static void
count_emission(void *arg, void *data)
{
    (void)arg;
    ++*(size_t *)data;
}

END(nothing_is_lost_under_signals, 0, "100 100\n")
{
    gcw_event *e = gcw_event_new(NULL);
    size_t heard = 0;
    begin_signals();
    await_signals();
    MUST(gcw_event_connect_fn(e, count_emission, &heard, 0) != NULL);
    for (int i = 0; i < 100; i++) {
        pend(count_run, NULL);
        gcw_collect();
        gcw_event_emit(e, NULL);
    }
    dprintf(STDOUT_FILENO, "%zu %zu\n", ran, heard);
}

/* --- What takes many processes --- */

static long
rounds(void)
{
    const char *given = getenv("GCWEAK_TEST_ROUNDS");
    return given == NULL ? ROUNDS : atol(given);
}

static void
check_storm(const char *scenario)
{
    for (long i = 0; i < rounds(); i++) {
        struct outcome o = run_scenario(scenario);
        if (o.status < FIRST_STATUS || o.status >= FIRST_STATUS + ENDERS)
            fail_msg("round %ld: status %d, stdout: %s, stderr: %s", i,
                     o.status, o.out, o.err);
        assert_string_equal(o.err, "");
        assert_string_equal(o.out, STORM_OUT);
        outcome_free(&o);
    }
}

TEST(of_eight_threads_that_exit_one_runs_each_handler)
{
    check_storm("all_exit");
}

TEST(so_it_is_under_signals)
{
    check_storm("all_exit_under_signals");
}

TEST(so_it_is_with_many_handlers_of_the_c_library)
{
    check_storm("all_exit_with_many_handlers");
}

/* The worker may have run what was pending, before or meanwhile. */
TEST(so_it_is_with_the_worker_at_work)
{
    check_storm("all_exit_with_the_worker");
}
