/* signal.c: tests of signals that lead to an exit.
 *
 * Most play in a child of the test's own process, whose parent says how it has
 * ended: killed by a signal is not the same as its number and 128.  Who says
 * "killed by" is the parent.
 */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <gcweak/signal.h>
#include "await.h"
#include "chance.h"
#include "log.h"
#include "readable.h"
#include "thread.h"

/* --- How a process ends --- */

static int
status_of(pid_t child)
{
    int status;
    MUST(waitpid(child, &status, 0) == child);
    return status;
}

static void
say_end(int status)
{
    if (WIFSIGNALED(status))
        dprintf(STDOUT_FILENO, "killed by %d\n", WTERMSIG(status));
    else
        dprintf(STDOUT_FILENO, "status %d\n", WEXITSTATUS(status));
}

static bool
is_killed_by(int status, int sig)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

/* What it does in a child. */
static pid_t
start_child(void (*body)(void))
{
    pid_t child = fork();
    MUST(child >= 0);
    if (child != 0)
        return child;
    alarm(60);
    body();
    _exit(98);
}

/* A process of its own does what follows, and its parent says how it ended. */
#define ENDS(name, its_out, ...)                                            \
    static void name##_inside(void);                                        \
    END(name, 0, its_out, __VA_ARGS__)                                      \
    {                                                                       \
        say_end(status_of(start_child(name##_inside)));                     \
        _exit(0);                                                           \
    }                                                                       \
    static void name##_inside(void)

static void
stay(void)
{
    for (;;)
        pause();
}

static void
signal_myself(int sig)
{
    MUST(kill(getpid(), sig) == 0);
}

static void
ask_for(int sig)
{
    MUST(gcw_exit_on_signal(sig, 0) == 0);
}

static void
end_by(int sig)
{
    ask_for(sig);
    signal_myself(sig);
    stay();
}

static void
say_bye(void)
{
    say("bye");
}

static void
say_first(void)
{
    say("first");
}

/* --- An orderly exit --- */

ENDS(handlers_run_and_the_process_dies_by_the_signal,
     "handler\nkilled by 15\n")
{
    at_exit(say_it, (char *)"handler");
    end_by(SIGTERM);
}

ENDS(so_do_those_of_the_c_library, "bye\nfirst\nkilled by 15\n")
{
    MUST(atexit(say_first) == 0);
    ask_for(SIGTERM);
    MUST(atexit(say_bye) == 0);
    signal_myself(SIGTERM);
    stay();
}

static void
say_whether_the_collector_runs(void)
{
    say(GC_is_init_called() ? "the collector runs" : "no collector");
}

ENDS(it_needs_no_collector, "no collector\nkilled by 15\n",
     .only_if = test_is_fresh)
{
    MUST(gcw_exit_off_signal(SIGTERM) == -1 && errno == ENOENT);
    MUST(gcw_exit_signal() == 0);
    MUST(atexit(say_whether_the_collector_runs) == 0);
    end_by(SIGTERM);
}

static void *
ask_on_a_thread(void *unused)
{
    ask_for(SIGTERM);
    return unused;
}

ENDS(any_thread_may_ask_for_it_first, "bye\nkilled by 15\n")
{
    in_unknown_thread(ask_on_a_thread, NULL);
    MUST(atexit(say_bye) == 0);
    signal_myself(SIGTERM);
    stay();
}

static void
die_by_each(const int *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        pid_t child = fork();
        MUST(child >= 0);
        if (child == 0) {
            alarm(60);
            end_by(all[i]);
        }
        say_end(status_of(child));
    }
}

END(each_signal_that_ends_a_process_does_it, 0,
    "killed by 1\nkilled by 2\nkilled by 3\nkilled by 13\nkilled by 14\n"
    "killed by 10\nkilled by 12\nkilled by 27\nkilled by 26\nkilled by 50\n")
{
    static const int all[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM,
                               SIGUSR1, SIGUSR2, SIGPROF, SIGVTALRM, 50 };
    die_by_each(all, sizeof all / sizeof all[0]);
    _exit(0);
}

#if HAVE_ON_EXIT

static void
say_status(int status, void *unused)
{
    (void)unused;
    dprintf(STDOUT_FILENO, "with %d, by %d\n", status, gcw_exit_signal());
}

ENDS(handlers_hear_the_status_of_a_shell, "with 143, by 15\nkilled by 15\n")
{
    MUST(on_exit(say_status, NULL) == 0);
    end_by(SIGTERM);
}

#else
SKIPPED(what_on_exit_is_told, "on_exit in the C library")
#endif

/* --- On an ordinary thread --- */

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static sem_t handler_runs;

static void
take_what_is_held(void)
{
    sem_post(&handler_runs);
    MUST(pthread_mutex_lock(&held) == 0);
    say("got it");
}

ENDS(a_handler_gets_the_lock_of_the_interrupted_thread,
     "got it\nkilled by 15\n")
{
    sem_init(&handler_runs, 0, 0);
    MUST(atexit(take_what_is_held) == 0);
    ask_for(SIGTERM);
    MUST(pthread_mutex_lock(&held) == 0);
    signal_myself(SIGTERM);
    await(&handler_runs);
    MUST(pthread_mutex_unlock(&held) == 0);
    stay();
}

static int ready[2];                 /* a pipe; the child writes when it is */

static void
get_ready(void)
{
    MUST(write(ready[1], "", 1) == 1);
}

static void
await_ready(void)
{
    char byte;
    MUST(read(ready[0], &byte, 1) == 1);
}

static void
print_and_allocate(void)
{
    void *memory = malloc(100000);
    MUST(memory != NULL && fprintf(stderr, "%d\n", gcw_exit_signal()) > 0);
    free(memory);
}

static void
allocate_for_ever(void)
{
    ask_for(SIGTERM);
    MUST(atexit(print_and_allocate) == 0);
    get_ready();
    for (size_t n = 1;; n = n * 7 % 5001) {
        void *volatile memory = malloc(n);
        free(memory);
    }
}

END(a_handler_may_allocate_when_malloc_is_interrupted, 0, "all ended\n")
{
    MUST(pipe(ready) == 0);
    for (int i = 0; i < 30; i++) {
        pid_t child = start_child(allocate_for_ever);
        await_ready();
        MUST(kill(child, SIGTERM) == 0);
        MUST(is_killed_by(status_of(child), SIGTERM));
    }
    say("all ended");
    _exit(0);
}

static void
say_mask(void)
{
    sigset_t mask;
    MUST(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    say(sigismember(&mask, SIGTERM) || sigismember(&mask, SIGCHLD)
        ? "blocked" : "open");
    say(sigismember(&mask, SIGUSR1) ? "USR1 blocked" : "USR1 open");
}

/* What it starts would inherit them. */
ENDS(the_handlers_thread_has_the_mask_of_who_asked,
     "open\nUSR1 blocked\nkilled by 15\n")
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    MUST(pthread_sigmask(SIG_BLOCK, &mask, NULL) == 0);
    MUST(atexit(say_mask) == 0);
    end_by(SIGTERM);
}

ENDS(masks_are_not_changed, "open\nUSR1 open\nkilled by 15\n")
{
    ask_for(SIGTERM);
    say_mask();
    signal_myself(SIGTERM);
    stay();
}

ENDS(a_blocked_signal_waits, "it waits\nbye\nkilled by 15\n")
{
    sigset_t mask, pending;
    MUST(atexit(say_bye) == 0);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    MUST(pthread_sigmask(SIG_BLOCK, &mask, NULL) == 0);
    ask_for(SIGTERM);
    signal_myself(SIGTERM);
    MUST(sigpending(&pending) == 0 && sigismember(&pending, SIGTERM));
    MUST(gcw_exit_signal() == 0);
    say("it waits");
    MUST(pthread_sigmask(SIG_UNBLOCK, &mask, NULL) == 0);
    stay();
}

/* --- A call that the signal interrupts --- */

static int slow[2];

static void *
feed_slowly(void *unused)
{
    while (gcw_exit_signal() == 0)
        sched_yield();
    MUST(write(slow[1], "x", 1) == 1);
    return unused;
}

static void
end_when_told(void)
{
    await(&handler_runs);
}

ENDS(a_read_goes_on, "read\nkilled by 15\n")
{
    pthread_t thread;
    sigset_t mask;
    char byte = 0;
    sem_init(&handler_runs, 0, 0);
    MUST(pipe(slow) == 0 && atexit(end_when_told) == 0);
    ask_for(SIGTERM);
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    MUST(pthread_create(&thread, NULL, feed_slowly, NULL) == 0);
    signal_myself(SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
    MUST(read(slow[0], &byte, 1) == 1 && byte == 'x');
    say("read");
    sem_post(&handler_runs);
    stay();
}

/* --- A second signal --- */

static void
hang(void)
{
    say("hangs");
    get_ready();
    stay();
}

static void
begin_to_hang(void)
{
    MUST(atexit(say_bye) == 0);
    ask_for(SIGTERM);
    ask_for(SIGINT);
    MUST(atexit(hang) == 0);
    signal_myself(SIGTERM);
    stay();
}

static void
second_ends(int sig)
{
    pid_t child;
    MUST(pipe(ready) == 0);
    child = start_child(begin_to_hang);
    await_ready();
    MUST(kill(child, sig) == 0);
    say_end(status_of(child));
    _exit(0);
}

END(a_second_signal_ends_it_at_once, 0, "hangs\nkilled by 15\n")
{
    second_ends(SIGTERM);
}

END(it_may_be_another, 0, "hangs\nkilled by 2\n")
{
    second_ends(SIGINT);
}

/* --- During an exit --- */

static void
signal_in_handler(void)
{
    say("signal");
    signal_myself(SIGTERM);
}

ENDS(one_that_comes_during_an_exit_is_died_by_when_that_is_over,
     "signal\nbye\nkilled by 15\n")
{
    MUST(gcw_atexit(say_bye) == 0 && gcw_atexit(signal_in_handler) == 0);
    ask_for(SIGTERM);
    exit(3);
}

static void
signal_twice(void)
{
    say("signals");
    signal_myself(SIGTERM);
    signal_myself(SIGTERM);
    stay();
}

ENDS(two_end_an_exit_at_once, "signals\nkilled by 15\n")
{
    MUST(gcw_atexit(say_bye) == 0 && gcw_atexit(signal_twice) == 0);
    ask_for(SIGTERM);
    exit(3);
}

static void
exit_in_handler(void)
{
    say("exits");
    exit(3);
}

ENDS(an_exit_in_a_handler_changes_nothing, "exits\nbye\nkilled by 15\n")
{
    MUST(gcw_atexit(say_bye) == 0 && gcw_atexit(exit_in_handler) == 0);
    end_by(SIGTERM);
}

static void
leave_thread(void)
{
    say("leaves");
    pthread_exit(NULL);
}

/* The library's thread waits for main, which is not there any more. */
ENDS(a_thread_that_leaves_its_exit_leaves_it_to_the_signals,
     "signal\nleaves\nbye\nkilled by 15\n", .only_if = test_is_fresh)
{
    MUST(gcw_atexit(say_bye) == 0 && gcw_atexit(leave_thread) == 0
         && gcw_atexit(signal_in_handler) == 0);
    ask_for(SIGTERM);
    MUST(freopen("/dev/null", "r", stdin) != NULL);
    exit(3);
}

/* --- What comes last --- */

/* Some C libraries write the first line at once, wherever it goes. */
static void
leave_to_be_flushed(const char *line)
{
    static char buffer[BUFSIZ];
    MUST(setvbuf(stdout, buffer, _IOFBF, sizeof buffer) == 0);
    MUST(puts(line) >= 0);
}

static bool destructor_speaks;

__attribute__((__destructor__)) static void
destructor(void)
{
    if (destructor_speaks)
        say("destructor");
}

ENDS(it_comes_after_destructors_and_the_flush,
     "destructor\nflushed\nkilled by 15\n")
{
    destructor_speaks = true;
    leave_to_be_flushed("flushed");
    end_by(SIGTERM);
}

static bool destructor_signals;

/* Who exits then would end the process meanwhile. */
__attribute__((__destructor__)) static void
signal_in_destructor(void)
{
    struct timespec moment = { .tv_nsec = 50000000 };
    if (!destructor_signals)
        return;
    signal_myself(SIGTERM);
    nanosleep(&moment, NULL);
    say("goes on");
}

ENDS(one_that_comes_in_a_destructor_does_not_cut_it_short,
     "goes on\nkilled by 15\n")
{
    destructor_signals = true;
    ask_for(SIGTERM);
    exit(3);
}

/* Elsewhere exit itself waits for the lock of each stream. */
static const char *
a_flush_without_locks(void)
{
#if HAVE_FCLOSEALL
    return NULL;
#else
    return "fcloseall in the C library, which takes no locks of streams";
#endif
}

/* The thread has the lock of the stream for ever. */
ENDS(a_thread_that_reads_does_not_hinder_the_flush, "flushed\nkilled by 15\n",
     .lacks = a_flush_without_locks)
{
    FILE *never;
    MUST(pipe(ready) == 0);
    never = fdopen(ready[0], "r");
    MUST(never != NULL);
    leave_to_be_flushed("flushed");
    ask_for(SIGTERM);
    signal_myself(SIGTERM);
    getc(never);
    fclose(never);
}

ENDS(quick_exit_and_its_like_are_as_ever, "status 5\n")
{
    MUST(gcw_exit_signal_fd() >= 0);
    ask_for(SIGTERM);
    signal_myself(SIGTERM);
    _exit(5);
}

static void
allow_cores(void)
{
    struct rlimit limit;
    MUST(getrlimit(RLIMIT_CORE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
}

static void
quit_by_default(void)
{
    allow_cores();
    signal_myself(SIGQUIT);
}

static void
quit_orderly(void)
{
    allow_cores();
    end_by(SIGQUIT);
}

static bool
leaves_core(void (*body)(void))
{
    return WCOREDUMP(status_of(start_child(body)));
}

static void
remove_all_in(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    MUST(folder != NULL);
    /* cppcheck-suppress readdirCalled ; only this thread reads the stream */
    while ((entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.')
            unlink(entry->d_name);
    closedir(folder);
}

END(a_core_is_left_where_the_default_action_leaves_one, 0, "so it is\n",
    .not_in = NOT_NATIVE)
{
    char path[] = "/tmp/gcweak-signal-XXXXXX";
    bool by_default, orderly;
    MUST(mkdtemp(path) != NULL && chdir(path) == 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, RLIM_INFINITY });
    by_default = leaves_core(quit_by_default);
    orderly = leaves_core(quit_orderly);
    remove_all_in(".");
    MUST(chdir("/") == 0 && rmdir(path) == 0);
    say(by_default == orderly ? "so it is" : "not so");
    _exit(0);
}

/* --- What was there before --- */

ENDS(an_ignored_signal_stays_ignored, "ignored\nstatus 0\n")
{
    signal(SIGHUP, SIG_IGN);
    MUST(gcw_exit_on_signal(SIGHUP, 0) == 1);
    MUST(gcw_exit_on_signal(SIGHUP, GCW_SIGNAL_CHAIN) == 1);
    signal_myself(SIGHUP);
    MUST(gcw_exit_signal() == 0);
    MUST(gcw_exit_off_signal(SIGHUP) == -1 && errno == ENOENT);
    say("ignored");
    _exit(0);
}

ENDS(unless_that_is_asked_for, "killed by 1\n")
{
    signal(SIGHUP, SIG_IGN);
    MUST(gcw_exit_on_signal(SIGHUP, GCW_SIGNAL_FORCE) == 0);
    signal_myself(SIGHUP);
    stay();
}

SCENARIO(ask_for_two)
{
    dprintf(STDOUT_FILENO, "%d %d\n", gcw_exit_on_signal(SIGHUP, 0),
            gcw_exit_on_signal(SIGTERM, 0));
    signal_myself(SIGHUP);
    signal_myself(SIGTERM);
    stay();
}

static void
run_with_nohup(void)
{
    execlp("nohup", "nohup", "sh", "-c", "exec $EMULATOR \"$0\" ask_for_two",
           program_path(), (char *)NULL);
}

END(nohup_is_respected, 0, "1 0\nkilled by 15\n")
{
    say_end(status_of(start_child(run_with_nohup)));
    _exit(0);
}

static void
note_call(int sig)
{
    dprintf(STDOUT_FILENO, "own %d, %d so far\n", sig, gcw_exit_signal());
}

static void
note_call_with_info(int sig, siginfo_t *info, void *context)
{
    MUST(info->si_pid == getpid() && context != NULL);
    note_call(sig);
}

static void
set_own(int sig, void (*handler)(int sig), int flags)
{
    struct sigaction own = { .sa_handler = handler, .sa_flags = flags };
    MUST(sigaction(sig, &own, NULL) == 0);
}

ENDS(a_handler_of_the_programs_is_not_put_aside, "own 15, 0 so far\nstatus 0\n")
{
    set_own(SIGTERM, note_call, 0);
    MUST(gcw_exit_on_signal(SIGTERM, 0) == -1 && errno == EBUSY);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_FORCE) == -1
         && errno == EBUSY);
    signal_myself(SIGTERM);
    _exit(0);
}

ENDS(it_may_be_called_first, "own 15, 0 so far\nbye\nkilled by 15\n")
{
    MUST(atexit(say_bye) == 0);
    set_own(SIGTERM, note_call, 0);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_CHAIN) == 0);
    signal_myself(SIGTERM);
    stay();
}

ENDS(one_with_three_arguments_gets_them, "own 15, 0 so far\nkilled by 15\n")
{
    struct sigaction own = { .sa_sigaction = note_call_with_info,
                             .sa_flags = SA_SIGINFO };
    MUST(sigaction(SIGTERM, &own, NULL) == 0);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_CHAIN) == 0);
    signal_myself(SIGTERM);
    stay();
}

static void
chain_twice(int flags)
{
    set_own(SIGTERM, note_call, flags);
    MUST(gcw_exit_signal_fd() >= 0);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_CHAIN) == 0);
    signal_myself(SIGTERM);
    signal_myself(SIGTERM);
}

ENDS(it_is_called_for_the_second_too,
     "own 15, 0 so far\nown 15, 15 so far\nkilled by 15\n")
{
    chain_twice(0);
}

ENDS(one_that_resets_itself_is_not, "own 15, 0 so far\nkilled by 15\n")
{
    chain_twice((int)SA_RESETHAND);
}

/* The action that there is now, and its mask. */
static int
flags_of(int sig, bool *masks_alarm)
{
    struct sigaction now;
    MUST(sigaction(sig, NULL, &now) == 0);
    *masks_alarm = sigismember(&now.sa_mask, SIGALRM) == 1;
    return now.sa_flags & (SA_RESTART | SA_ONSTACK | SA_NODEFER);
}

ENDS(its_flags_and_its_mask_are_kept, "status 0\n")
{
    struct sigaction own = { .sa_handler = note_call, .sa_flags = SA_NODEFER };
    bool masks_alarm;
    sigaddset(&own.sa_mask, SIGALRM);
    MUST(sigaction(SIGTERM, &own, NULL) == 0);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_CHAIN) == 0);
    MUST(flags_of(SIGTERM, &masks_alarm) == SA_NODEFER && masks_alarm);
    ask_for(SIGINT);
    MUST(flags_of(SIGINT, &masks_alarm) == (SA_RESTART | SA_ONSTACK)
         && !masks_alarm);
    _exit(0);
}

/* --- Taking it back --- */

static void (*
handler_of(int sig))(int sig)
{
    struct sigaction now;
    MUST(sigaction(sig, NULL, &now) == 0);
    return now.sa_handler;
}

ENDS(taken_back_it_is_as_before, "killed by 15\n")
{
    MUST(atexit(say_bye) == 0);
    ask_for(SIGTERM);
    MUST(handler_of(SIGTERM) != SIG_DFL);
    MUST(gcw_exit_off_signal(SIGTERM) == 0);
    MUST(handler_of(SIGTERM) == SIG_DFL);
    MUST(gcw_exit_off_signal(SIGTERM) == -1 && errno == ENOENT);
    signal_myself(SIGTERM);
}

ENDS(a_handler_of_the_programs_comes_back, "own 15, 0 so far\nstatus 0\n")
{
    set_own(SIGTERM, note_call, 0);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_CHAIN) == 0);
    MUST(gcw_exit_off_signal(SIGTERM) == 0);
    MUST(handler_of(SIGTERM) == note_call);
    signal_myself(SIGTERM);
    _exit(0);
}

ENDS(what_the_program_has_set_later_stays, "status 0\n")
{
    ask_for(SIGTERM);
    set_own(SIGTERM, note_call, 0);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_CHAIN) == -1
         && errno == EBUSY);
    MUST(gcw_exit_off_signal(SIGTERM) == 0);
    MUST(handler_of(SIGTERM) == note_call);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_CHAIN) == 0);
    _exit(0);
}

ENDS(asked_for_again_after_that_it_works, "bye\nkilled by 15\n")
{
    MUST(atexit(say_bye) == 0);
    ask_for(SIGTERM);
    MUST(gcw_exit_off_signal(SIGTERM) == 0);
    ask_for(SIGTERM);
    end_by(SIGTERM);
}

/* --- Refusals --- */

static bool
is_refused(int sig, unsigned flags)
{
    errno = 0;
    return gcw_exit_on_signal(sig, flags) == -1 && errno == EINVAL;
}

END(signals_that_end_no_process_are_refused, 0, "")
{
    static const int none[] = {
        0, -1, NSIG, 1000000, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
        SIGCONT, SIGCHLD, SIGURG, SIGWINCH, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
        SIGABRT, SIGTRAP, SIGSYS, 32
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        MUST(is_refused(none[i], 0));
    MUST(is_refused(SIGTERM, 4) && is_refused(SIGTERM, ~0u));
    MUST(gcw_exit_off_signal(0) == -1 && errno == EINVAL);
    MUST(gcw_exit_off_signal(NSIG) == -1 && errno == EINVAL);
    MUST(handler_of(SIGTERM) == SIG_DFL);
    _exit(0);
}

END(so_are_the_collectors, 0, "")
{
    GC_INIT();
    MUST(is_refused(GC_get_suspend_signal(), GCW_SIGNAL_CHAIN));
    MUST(is_refused(GC_get_thr_restart_signal(), GCW_SIGNAL_CHAIN));
    _exit(0);
}

/* The address sanitizer needs memory of its own; and the stacks of threads that
 * have ended are used again. */
static bool
threads_can_be_refused(void)
{
    return !ADDRESSES_ARE_CHECKED && test_is_fresh();
}

/* What comes of it that no thread can be made, for want of memory. */
ENDS(without_a_thread_to_be_had_nothing_is_taken,
     "bye\nkilled by 15\n", .not_in = NOT_NATIVE,
     .not_emulated = "memory has no limit there",
     .only_if = threads_can_be_refused)
{
    struct rlimit before, none;
    MUST(atexit(say_bye) == 0);
    signal(SIGHUP, SIG_IGN);
    MUST(gcw_exit_on_signal(SIGHUP, 0) == 1);
    MUST(getrlimit(RLIMIT_AS, &before) == 0);
    none = before;
    none.rlim_cur = 1;
    MUST(setrlimit(RLIMIT_AS, &none) == 0);
    MUST(gcw_exit_on_signal(SIGTERM, 0) == -1 && errno == EAGAIN);
    MUST(setrlimit(RLIMIT_AS, &before) == 0);
    MUST(handler_of(SIGTERM) == SIG_DFL);
    end_by(SIGTERM);
}

END(errno_is_left_alone, 0, "")
{
    errno = 4711;
    ask_for(SIGTERM);
    ask_for(SIGTERM);
    MUST(gcw_exit_off_signal(SIGTERM) == 0);
    MUST(gcw_exit_signal_fd() >= 0);
    MUST(gcw_exit_signal() == 0);
    ask_for(SIGTERM);
    signal_myself(SIGTERM);
    MUST(gcw_exit_signal() == SIGTERM);
    MUST(errno == 4711);
    _exit(0);
}

/* --- The descriptor --- */

static long
tasks(void)
{
    DIR *folder = opendir("/proc/self/task");
    long n = 0;
    struct dirent *entry;
    MUST(folder != NULL);
    /* cppcheck-suppress readdirCalled ; only this thread reads the stream */
    while ((entry = readdir(folder)) != NULL)
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n;
}

static pthread_t main_thread;

static void
say_thread(void)
{
    say(pthread_equal(pthread_self(), main_thread) ? "main" : "another");
}

static void
await_readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    int n;
    do
        n = poll(&p, 1, -1);
    while (n < 0 && errno == EINTR);
    MUST(n == 1 && p.revents == POLLIN);
}

ENDS(with_the_descriptor_the_program_exits_on_its_own_thread,
     "main\nkilled by 15\n")
{
    long before = tasks();
    int fd = gcw_exit_signal_fd();
    MUST(fd >= 0 && gcw_exit_signal_fd() == fd);
    main_thread = pthread_self();
    MUST(atexit(say_thread) == 0);
    ask_for(SIGTERM);
    MUST(tasks() == before);
    MUST(!readable(fd, 0));
    signal_myself(SIGTERM);
    await_readable(fd);
    MUST(readable(fd, 0) && gcw_exit_signal() == SIGTERM);
    gcw_exit_by_signal(0);
}

ENDS(it_may_be_asked_for_later, "main\nkilled by 15\n")
{
    long before = tasks();
    int fd;
    main_thread = pthread_self();
    MUST(atexit(say_thread) == 0);
    ask_for(SIGTERM);
    fd = gcw_exit_signal_fd();
    MUST(fd >= 0 && !readable(fd, 0));
    while (tasks() != before)
        sched_yield();
    signal_myself(SIGTERM);
    await_readable(fd);
    gcw_exit_by_signal(0);
}

ENDS(it_is_closed_on_exec, "status 0\n")
{
    int fd = gcw_exit_signal_fd();
    MUST(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    _exit(0);
}

ENDS(when_a_signal_has_come_it_is_readable, "status 0\n")
{
    ask_for(SIGTERM);
    MUST(pipe(ready) == 0 && atexit(stay) == 0);
    signal_myself(SIGTERM);
    MUST(readable(gcw_exit_signal_fd(), 0));
    _exit(0);
}

/* --- By hand --- */

ENDS(a_program_may_die_by_any_signal, "bye\nkilled by 2\n")
{
    MUST(atexit(say_bye) == 0);
    gcw_exit_by_signal(SIGINT);
}

ENDS(without_any_it_is_sigterm, "killed by 15\n")
{
    gcw_exit_by_signal(0);
}

ENDS(so_it_is_for_what_ends_no_process, "killed by 15\n")
{
    gcw_exit_by_signal(SIGCHLD);
}

static void *
die_on_a_thread(void *unused)
{
    gcw_exit_by_signal(SIGHUP);
    return unused;
}

ENDS(any_thread_may_do_it, "bye\nkilled by 1\n")
{
    pthread_t thread;
    MUST(atexit(say_bye) == 0);
    MUST(pthread_create(&thread, NULL, die_on_a_thread, NULL) == 0);
    stay();
}

static void
die_in_handler(void)
{
    say("dies");
    gcw_exit_by_signal(SIGUSR1);
}

ENDS(a_handler_may_too, "dies\nbye\nkilled by 10\n")
{
    MUST(gcw_atexit(say_bye) == 0 && gcw_atexit(die_in_handler) == 0);
    exit(3);
}

/* --- Children --- */

/* The parent's handler would say "bye", and stay. */
static void
ask_as_a_parent(void)
{
    MUST(atexit(say_bye) == 0);
    ask_for(SIGTERM);
}

static void
parent_is_well(void)
{
    MUST(gcw_exit_signal() == 0);
    signal_myself(SIGTERM);
    stay();
}

static void
in_its_child(pid_t child)
{
    if (child != 0)
        return;
    MUST(gcw_exit_signal() == 0);
    signal_myself(SIGTERM);
    _exit(1);
}

ENDS(in_a_child_the_signal_is_as_before,
     "killed by 15\nbye\nkilled by 15\n")
{
    pid_t child;
    ask_as_a_parent();
    child = fork();
    if (child == 0) {
        MUST(handler_of(SIGTERM) == SIG_DFL);
        MUST(gcw_exit_off_signal(SIGTERM) == -1 && errno == ENOENT);
    }
    in_its_child(child);
    say_end(status_of(child));
    parent_is_well();
}

#if HAVE__FORK

ENDS(so_it_is_without_fork_handlers, "killed by 15\nbye\nkilled by 15\n",
     .only_if = test_is_fresh)
{
    pid_t child;
    ask_as_a_parent();
    child = _Fork();
    in_its_child(child);
    say_end(status_of(child));
    parent_is_well();
}

ENDS(and_it_may_ask_anew, "bye\nkilled by 15\nbye\nkilled by 15\n",
     .only_if = test_is_fresh,
     .not_emulated = "no page is emptied in a child that no fork handler knows")
{
    pid_t child;
    ask_as_a_parent();
    child = _Fork();
    if (child == 0) {
        MUST(gcw_exit_off_signal(SIGTERM) == -1 && errno == ENOENT);
        MUST(handler_of(SIGTERM) == SIG_DFL);
        ask_for(SIGTERM);
        end_by(SIGTERM);
    }
    say_end(status_of(child));
    parent_is_well();
}

#else
SKIPPED(a_child_without_fork_handlers, "_Fork in the C library")
#endif

/* Not everybody likes it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* It shares the memory of its parent, which waits for it. */
ENDS(a_child_of_vfork_dies_alone, "killed by 15\nbye\nkilled by 15\n")
{
    pid_t child;
    ask_as_a_parent();
    child = vfork();
    if (child == 0) {
        kill(getpid(), SIGTERM);
        _exit(1);
    }
    say_end(status_of(child));
    parent_is_well();
}

ENDS(a_child_that_asks_anew_has_it_too,
     "bye\nkilled by 15\nbye\nkilled by 15\n")
{
    pid_t child;
    ask_as_a_parent();
    child = fork();
    if (child == 0)
        end_by(SIGTERM);
    say_end(status_of(child));
    parent_is_well();
}

ENDS(in_a_child_the_descriptor_tells_nothing, "killed by 15\nstatus 98\n")
{
    int fd = gcw_exit_signal_fd();
    pid_t child;
    ask_for(SIGTERM);
    signal_myself(SIGTERM);
    await_readable(fd);
    child = fork();
    if (child == 0) {
        MUST(!readable(fd, 0) && gcw_exit_signal() == 0);
        ask_for(SIGTERM);
        MUST(gcw_exit_signal_fd() == fd && !readable(fd, 0));
        signal_myself(SIGTERM);
        await_readable(fd);
        gcw_exit_by_signal(0);
    }
    say_end(status_of(child));
    MUST(readable(fd, 0));
}

ENDS(a_handler_of_the_programs_is_the_childs,
     "own 15, 0 so far\nstatus 7\nstatus 0\n")
{
    pid_t child;
    set_own(SIGTERM, note_call, 0);
    MUST(gcw_exit_on_signal(SIGTERM, GCW_SIGNAL_CHAIN) == 0);
    child = fork();
    if (child == 0) {
        signal_myself(SIGTERM);
        _exit(7);
    }
    say_end(status_of(child));
    _exit(0);
}

/* Says what is blocked or caught in it, if anything is.  A shell would open all.
 * Valgrind catches some itself. */
static char *const tell_signals[] = {
    (char *)"sed", (char *)"-n",
    (char *)"s/^Sig\\(Blk\\|Cgt\\):.*[1-9a-f].*/not clean: &/p",
    (char *)"/proc/self/status", NULL
};

static void
spawn_program(void)
{
    pid_t child;
    MUST(posix_spawnp(&child, "sed", NULL, NULL, tell_signals, environ) == 0);
    say_end(status_of(child));
}

static void
vfork_program(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execvp("sed", tell_signals);
        _exit(1);
    }
    say_end(status_of(child));
}

#pragma GCC diagnostic pop

ENDS(programs_that_are_started_have_clean_signals,
     "status 0\nstatus 0\nkilled by 15\nbye\nkilled by 15\n",
     .not_in = NOT_NATIVE)
{
    ask_as_a_parent();
    spawn_program();
    vfork_program();
    say_end(system("kill -TERM $$"));
    parent_is_well();
}

static void
start_programs(void)
{
    spawn_program();
    vfork_program();
}

ENDS(so_have_those_that_a_handler_starts, "status 0\nstatus 0\nkilled by 15\n",
     .not_in = NOT_NATIVE)
{
    MUST(atexit(start_programs) == 0);
    end_by(SIGTERM);
}

/* --- A main thread that leaves --- */

ENDS(the_thread_does_not_keep_the_process_alive, "status 0\n",
     .not_emulated = "/proc/self/stat has no number of threads there")
{
    ask_for(SIGTERM);
    pthread_exit(NULL);
}

static void *
outlive_main(void *unused)
{
    MUST(pthread_join(main_thread, NULL) == 0);
    ask_for(SIGTERM);
    signal_myself(SIGTERM);
    stay();
    return unused;
}

/* Not in a child: in musl no main thread of a forked process can be joined. */
END(it_works_without_a_main_thread, 128 + SIGTERM, "bye\n")
{
    pthread_t thread;
    main_thread = pthread_self();
    MUST(atexit(say_bye) == 0);
    MUST(pthread_create(&thread, NULL, outlive_main, NULL) == 0);
    pthread_exit(NULL);
}

/* --- A storm --- */

enum { STORM = 200 };

SCENARIO(take_two_signals)
{
    void *memory;
    MUST(gcw_atexit(print_and_allocate) == 0);
    at_exit(free, malloc(100));
    ask_for(SIGTERM);
    ask_for(SIGINT);
    for (size_t n = 1;; n = n * 7 % 5001) {
        memory = malloc(n);
        MUST(gcw_ref_new(target_new(n)) != NULL);
        free(memory);
    }
}

static pid_t
start_scenario(const char *name)
{
    char **argv = command_of(program_path(), (const char *[]){ name, NULL });
    pid_t child;
    MUST(posix_spawnp(&child, argv[0], NULL, NULL, argv, environ) == 0);
    free(argv);
    return child;
}

/* Up to so many microseconds. */
static void
let_time_pass(unsigned most)
{
    struct timespec t = { 0, (long)below(most) * 1000 };
    nanosleep(&t, NULL);
}

/* The first signal may come when it has hardly begun. */
static bool
one_is_killed(void)
{
    pid_t child = start_scenario("take_two_signals");
    int status;
    let_time_pass(20000);
    kill(child, SIGTERM);
    let_time_pass(500);
    kill(child, SIGINT);
    status = status_of(child);
    return is_killed_by(status, SIGTERM) || is_killed_by(status, SIGINT);
}

END(however_two_signals_come_it_dies_by_one_of_them, 0, "200\n",
    .not_in = NOT_NATIVE)
{
    int good = 0;
    chance_begin(seed());
    for (int i = 0; i < STORM; i++)
        good += one_is_killed();
    dprintf(STDOUT_FILENO, "%d\n", good);
    _exit(0);
}
