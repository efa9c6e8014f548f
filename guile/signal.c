/* signal.c: signals that lead to an exit.
 *
 * The library's descriptor becomes readable when a signal has come.  A thread
 * that Guile does not know waits for that, so that a program which forks has
 * none more than before, and has the thread that asked call exit as soon as it
 * runs Scheme code: what it is in the middle of is unwound.  A thread that does
 * not come to that, as one that reads, is not waited for longer than a second:
 * then the exit begins here.  Who claims it first does it.
 *
 * In a forked child the thread is not there, and nothing was asked for.
 */
#include "gcweak-guile.h"

#include <errno.h>
#include <gc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATIENCE = 1000 };        /* milliseconds */

static struct {
    pid_t process;               /* to which all this belongs; 0: none */
    bool has_thread;
    int fd;
    SCM thread, exits;           /* who asked, and the procedure to call there */
    atomic_bool claimed;         /* somebody exits */
    atomic_bool has_port;        /* the program waits for signals itself */
} waiting;

static bool
claim(void)
{
    return !atomic_exchange(&waiting.claimed, true);
}

static SCM
claim_exit(void)
{
    return scm_from_bool(claim());
}

static void
exit_has_begun(void)
{
    atomic_store(&waiting.claimed, true);
}

static SCM
have_it_exit(void *unused)
{
    (void)unused;
    scm_system_async_mark_for_thread(waiting.exits, waiting.thread);
    return SCM_BOOL_T;
}

/* It may have exited. */
static SCM
not_there(void *unused, SCM key, SCM details)
{
    (void)unused;
    (void)key;
    (void)details;
    return SCM_BOOL_F;
}

/* Not NULL: it was told. */
static void *
tell_thread(void *unused)
{
    SCM told = scm_c_catch(SCM_BOOL_T, have_it_exit, NULL, not_there, NULL,
                           NULL, NULL);

    return scm_is_true(told) ? &waiting : unused;
}

static void *
wait_for_signal(void *unused)
{
    struct pollfd signal = { .fd = waiting.fd, .events = POLLIN };

    while (poll(&signal, 1, -1) <= 0)
        continue;
    if (atomic_load(&waiting.has_port))
        return unused;
    if (scm_with_guile(tell_thread, NULL) != NULL)
        poll(NULL, 0, PATIENCE);
    if (claim())
        gcw_exit_by_signal(0);
    return unused;
}

/* All but what the collector needs. */
static void
signals_to_block(sigset_t *set)
{
    sigfillset(set);
    sigdelset(set, GC_get_suspend_signal());
    sigdelset(set, GC_get_thr_restart_signal());
    sigdelset(set, SIGSEGV);
    sigdelset(set, SIGBUS);
    sigdelset(set, SIGFPE);
    sigdelset(set, SIGILL);
}

static int
make_thread(void)
{
    sigset_t block, before;
    pthread_t thread;
    int error;

    signals_to_block(&block);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    error = pthread_create(&thread, NULL, wait_for_signal, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_detach(thread);
    return error;
}

/* Begins in this process. */
static void
begin_waiting(void)
{
    if (waiting.process == getpid())
        return;
    if (waiting.process == 0)
        atexit(exit_has_begun);
    waiting.process = getpid();
    waiting.has_thread = false;
    atomic_store(&waiting.claimed, false);
    atomic_store(&waiting.has_port, false);
}

/* The thread that asks first is the one that exits.  Returns 0 or an errno. */
static int
wait_for_signals(SCM exits)
{
    int error;

    begin_waiting();
    if (waiting.has_thread)
        return 0;
    waiting.fd = gcw_exit_signal_fd();
    if (waiting.fd < 0)
        return errno;
    if (atomic_load(&waiting.has_port))
        return 0;
    waiting.thread = scm_gc_protect_object(scm_current_thread());
    waiting.exits = scm_gc_protect_object(exits);
    error = make_thread();
    waiting.has_thread = error == 0;
    return error;
}

static SCM
exit_on_signal(SCM sig, SCM chain, SCM force, SCM exits)
{
    static const char who[] = "exit-on-signal";
    int number = gcwg_int_or_0(sig, 1, who), ignored;
    unsigned flags = (scm_is_true(chain) ? GCW_SIGNAL_CHAIN : 0u)
                     | (scm_is_true(force) ? GCW_SIGNAL_FORCE : 0u);

    errno = wait_for_signals(exits);
    if (errno != 0)
        gcwg_failed(who);
    ignored = gcw_exit_on_signal(number, flags);
    if (ignored < 0)
        gcwg_failed(who);
    return scm_from_bool(ignored == 0);
}

static SCM
exit_off_signal(SCM sig)
{
    if (gcw_exit_off_signal(gcwg_int_or_0(sig, 1, "exit-off-signal")) == 0)
        return SCM_BOOL_T;
    if (errno != ENOENT)
        gcwg_failed("exit-off-signal");
    return SCM_BOOL_F;
}

static SCM
exit_signal(void)
{
    int came = gcw_exit_signal();

    return came == 0 ? SCM_BOOL_F : scm_from_int(came);
}

static SCM
exit_signal_port(void)
{
    static const char who[] = "exit-signal-port";
    int fd;

    begin_waiting();
    fd = gcw_exit_signal_fd();
    if (fd < 0)
        gcwg_failed(who);
    atomic_store(&waiting.has_port, true);
    return gcwg_port(fd, who);
}

static SCM
exit_by_signal(SCM sig)
{
    gcw_exit_by_signal(gcwg_int_or_0(sig, 1, "exit-by-signal"));
}

/* Where exit is the end of the process. */
static SCM
is_main_thread(void)
{
    return scm_from_bool(syscall(SYS_gettid) == getpid());
}

static const struct gcwg_definition definitions[] = {
    { "%exit-on-signal", 4, 0, 0, exit_on_signal },
    { "%claim-exit", 0, 0, 0, claim_exit },
    { "%main-thread?", 0, 0, 0, is_main_thread },
    { "exit-off-signal", 1, 0, 0, exit_off_signal },
    { "exit-signal", 0, 0, 0, exit_signal },
    { "exit-signal-port", 0, 0, 0, exit_signal_port },
    { "exit-by-signal", 0, 1, 0, exit_by_signal },
};

void
gcwg_signal_init(void)
{
    GCWG_DEFINE(definitions);
}
