/* on-signal.c: signals that lead to an exit.
 *
 * The handler notes the first signal that comes, by which the process is to die
 * (ground/end.c), makes the descriptor readable, and posts to the thread; these
 * are atomic operations and two calls that are async-signal-safe.  The thread
 * exits.  It first becomes the one that ends the process (exit-turn.c), so it
 * does not go through the C library's list while another does.
 *
 * Either the thread exits or the program, which has the descriptor: who claims
 * that first (`who`).
 *
 * Whose.  All of this belongs to a process.  A child of fork gives the signals
 * back at once, in the fork handler.  One that was made around those has our
 * handler until a signal comes; so does a child of vfork, which shares our memory,
 * so the number of the process does not tell it from its parent, but its pid does.
 * There the handler puts back what was there before, and sends the signal again:
 * it comes when the handler returns.  It writes nothing, for the memory may be the
 * parent's.
 *
 * The lock is not taken by the handler.  Under it lie all of `taken` but for the
 * flags, and `before` does not change while `taken` is set.
 */
#include <config.h>
#include "process/on-signal.h"

#include "exit/exit.h"
#include "ground/end.h"
#include "ground/lock.h"
#include "ground/process.h"
#include "ground/thread.h"
#include "ground/wakeup.h"
#include "process/last.h"

#include <gcweak/signal.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Signals are numbers below. */
enum { SIGNALS = NSIG };

enum who { NOBODY, THREAD, PROGRAM };

static struct {
    pthread_mutex_t lock;
    atomic_uint process;             /* to which all this belongs; 0: none */
    _Atomic pid_t pid;               /* its pid */
    atomic_int came;                 /* the first signal that has come, or 0 */
    atomic_int who;                  /* exits then */
    bool has_thread;
    sigset_t mask;                   /* of the thread when it exits */
    sem_t wake;                      /* initialised with the thread */
    struct gcw__wakeup wakeup;
} signals = { .lock = PTHREAD_MUTEX_INITIALIZER,
              .wakeup = GCW__WAKEUP_INIT };

static struct {
    atomic_bool taken;
    bool chained;                    /* `before` is called */
    struct sigaction before;
} taken[SIGNALS];

/* Which signals. */

bool
gcw__signal_is_for_exit(int sig)
{
    static const int others[] = {
        SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG,
#ifdef SIGWINCH
        SIGWINCH,
#endif
        SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS
    };

    if (sig <= 0 || sig >= SIGNALS)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (sig == others[i])
            return false;
    return true;
}

/* The handler. */

/* False also in a child that shares our memory. */
static bool
signals_are_mine(void)
{
    return atomic_load(&signals.process) == gcw__process()
           && atomic_load(&signals.pid) == getpid();
}

/* To be done anew by whoever has it now. */
static void
send_again(int sig)
{
    kill(getpid(), sig);
}

/* In a child. */
static void
hand_back(int sig)
{
    sigaction(sig, &taken[sig].before, NULL);
    send_again(sig);
}

/* It was given back while the handler began.  A handler of the program's that
 * has taken its place may have called us, and needs nothing. */
static void
comes_too_late(int sig)
{
    struct sigaction now;

    if (sigaction(sig, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0
        && now.sa_handler == SIG_DFL)
        send_again(sig);
}

/* By which signal the process dies is known before it is known that one has come:
 * else the process might end in between, with a status. */
static void
note_signal(int sig)
{
    int none = 0;

    if (!gcw__end_by(sig)
        || !atomic_compare_exchange_strong(&signals.came, &none, sig))
        gcw__die_by(sig);
    gcw__wakeup_set(&signals.wakeup);
    if (atomic_load(&signals.who) != PROGRAM)
        sem_post(&signals.wake);
}

static void
call_chained(int sig, siginfo_t *info, void *context)
{
    const struct sigaction *before = &taken[sig].before;

    if ((before->sa_flags & SA_RESETHAND) != 0
        && atomic_load(&signals.came) != 0)
        return;
    if ((before->sa_flags & SA_SIGINFO) != 0)
        before->sa_sigaction(sig, info, context);
    else
        before->sa_handler(sig);
}

static void
on_signal(int sig, siginfo_t *info, void *context)
{
    int error = errno;

    if (!signals_are_mine()) {
        hand_back(sig);
    } else if (!atomic_load(&taken[sig].taken)) {
        comes_too_late(sig);
    } else {
        if (taken[sig].chained)
            call_chained(sig, info, context);
        note_signal(sig);
    }
    errno = error;
}

static bool
is_our_handler(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0
           && action->sa_sigaction == on_signal;
}

/* The thread. */

static bool
claim(enum who who)
{
    int nobody = NOBODY;

    return atomic_compare_exchange_strong(&signals.who, &nobody, who)
           || nobody == (int)who;
}

static void *
exit_when_told(void *unused)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    gcw__last_signal_thread(true);
    while (sem_wait(&signals.wake) != 0)
        continue;
    gcw__last_signal_thread(false);
    if (claim(THREAD)) {
        gcw__exit_lead();
        pthread_sigmask(SIG_SETMASK, &signals.mask, NULL);
        exit(128 + atomic_load(&signals.came));
    }
    return unused;
}

/* Lock held.  Returns 0 or an errno. */
static int
make_exit_thread(void)
{
    pthread_sigmask(SIG_BLOCK, NULL, &signals.mask);
    return gcw__thread_make(pthread_create, exit_when_told);
}

/* Sees to it that somebody exits.  Lock held. */
static int
have_thread(void)
{
    int error = 0;

    if (atomic_load(&signals.who) == PROGRAM || signals.has_thread)
        return 0;
    if (sem_init(&signals.wake, 0, 0) != 0)
        return errno;
    error = make_exit_thread();
    signals.has_thread = error == 0;
    return error;
}

/* Taking and giving back.  Lock held. */

static void
give_signal_back(int sig)
{
    struct sigaction now;

    if (sigaction(sig, NULL, &now) == 0 && is_our_handler(&now))
        sigaction(sig, &taken[sig].before, NULL);
    atomic_store(&taken[sig].taken, false);
}

/* Begins anew in a child. */
static void
begin_signals_in_child(void)
{
    for (int sig = 1; sig < SIGNALS; sig++)
        if (atomic_load(&taken[sig].taken))
            give_signal_back(sig);
    atomic_store(&signals.came, 0);
    atomic_store(&signals.who, NOBODY);
    signals.has_thread = false;
    gcw__wakeup_clear(&signals.wakeup);
}

/* Makes all this the calling process's. */
static void
own_signals(void)
{
    if (signals_are_mine())
        return;
    if (atomic_load(&signals.process) != 0)
        begin_signals_in_child();
    atomic_store(&signals.pid, getpid());
    atomic_store(&signals.process, gcw__process());
}

static bool
has_program_handler(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0
           || (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

/* Our action in the place of that. */
static struct sigaction
action_for(const struct sigaction *before, bool chained)
{
    enum { KEPT = SA_ONSTACK | SA_RESTART | SA_NODEFER };
    struct sigaction ours = { .sa_flags = SA_ONSTACK | SA_RESTART };

    if (chained) {
        ours.sa_mask = before->sa_mask;
        ours.sa_flags = before->sa_flags & KEPT;
    }
    ours.sa_flags |= SA_SIGINFO;
    ours.sa_sigaction = on_signal;
    return ours;
}

static int
put_in_place(int sig, const struct sigaction *before)
{
    bool chained = has_program_handler(before);
    struct sigaction ours = action_for(before, chained);

    taken[sig].before = *before;
    taken[sig].chained = chained;
    atomic_store(&taken[sig].taken, true);
    if (sigaction(sig, &ours, NULL) == 0)
        return 0;
    atomic_store(&taken[sig].taken, false);
    return errno;
}

/* What a handler of the program's means that is there: 0 or an errno. */
static int
may_chain(int sig, unsigned flags)
{
    return (flags & GCW_SIGNAL_CHAIN) != 0 && !atomic_load(&taken[sig].taken)
           ? 0 : EBUSY;
}

static int
take_signal(int sig, unsigned flags, bool *ignored)
{
    struct sigaction now;
    int error = 0;

    own_signals();
    if (sigaction(sig, NULL, &now) != 0)
        return errno;
    if (is_our_handler(&now)) {
        atomic_store(&taken[sig].taken, true);
        return 0;
    }
    *ignored = !has_program_handler(&now) && now.sa_handler == SIG_IGN
               && (flags & GCW_SIGNAL_FORCE) == 0;
    if (*ignored)
        return 0;
    if (has_program_handler(&now))
        error = may_chain(sig, flags);
    if (error == 0)
        error = have_thread();
    return error == 0 ? put_in_place(sig, &now) : error;
}

int
gcw__signal_take(int sig, unsigned flags, bool *ignored)
{
    int error;

    gcw__lock(&signals.lock, true);
    error = take_signal(sig, flags, ignored);
    gcw__unlock(&signals.lock);
    return error;
}

int
gcw__signal_give_back(int sig)
{
    int error = ENOENT;

    gcw__lock(&signals.lock, true);
    own_signals();
    if (atomic_load(&taken[sig].taken)) {
        give_signal_back(sig);
        error = 0;
    }
    gcw__unlock(&signals.lock);
    return error;
}

/* The descriptor. */

/* The program exits from now on, unless the thread does already: then that
 * ends. */
static void
exit_is_programs(void)
{
    if (atomic_load(&signals.who) == NOBODY && claim(PROGRAM)
        && signals.has_thread) {
        signals.has_thread = false;
        sem_post(&signals.wake);
    }
}

int
gcw__signal_descriptor(void)
{
    int fd;

    gcw__lock(&signals.lock, true);
    own_signals();
    fd = gcw__wakeup_open(&signals.wakeup);
    if (fd >= 0) {
        exit_is_programs();
        if (gcw__signal_came() != 0)
            gcw__wakeup_set(&signals.wakeup);
    }
    gcw__unlock(&signals.lock);
    return fd;
}

int
gcw__signal_came(void)
{
    return signals_are_mine() ? atomic_load(&signals.came) : 0;
}

/* Forks. */

static void
signals_prepare(void)
{
    gcw__lock(&signals.lock, true);
}

static void
signals_parent(void)
{
    gcw__unlock(&signals.lock);
}

static void
signals_child(void)
{
    if (atomic_load(&signals.process) != 0)
        begin_signals_in_child();
    atomic_store(&signals.process, 0);
    gcw__unlock(&signals.lock);
}

const struct gcw__part gcw__signal_part = {
    "signal", signals_prepare, signals_parent, signals_child, NULL
};
