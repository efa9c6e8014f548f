/* signal.h: an orderly exit when a signal comes.
 *
 * A program that is told to end, by SIGTERM, SIGINT or SIGHUP, dies where it
 * stands, and no exit handler runs.  After
 *
 *     gcw_exit_on_signal(SIGTERM, 0);
 *
 * the signal leads to exit(128 + SIGTERM) instead, on an ordinary thread; and
 * when all that exit does is done, the process dies by the signal.  So
 * everything runs that runs at an exit, and the parent sees the truth.
 *
 * Who exits
 *   The signal handler takes note of the first signal, and wakes a thread of the
 *   library, which calls exit: so exit handlers run outside of signal handlers,
 *   and may do what they like.  That thread is made by the first
 *   gcw_exit_on_signal.  It has all signals blocked while it waits; then it gets
 *   the mask of the thread that asked first.  Other threads go on
 *   meanwhile, as at any exit (exit.h, "Threads that exit").
 *   A handler that ends that thread ends the exit.
 *   A program with a loop takes the descriptor (gcw_exit_signal_fd) into it, and
 *   exits on its own thread.
 *
 * What comes first, what second
 *   A second signal, of any of those that were asked for, ends the process at
 *   once, by that signal: who has no patience sends it twice.  An exit that is
 *   under way for another reason goes on when the first one comes; the process
 *   dies by the signal when the exit is over.
 *
 * How the process dies
 *   By the default action of the signal, so SIGQUIT leaves a core where the
 *   limits allow it.  It comes after all handlers of the C library, C++ statics,
 *   and destructors of shared objects, and after stdio was flushed.
 *   _exit, quick_exit and abort end the process as they always do.
 *   Where the signal does not end the process, as in the first process of a
 *   container, the status is 128 and the signal's number.
 *
 * What a signal interrupts
 *   The thread that the system chooses runs the signal handler.  Calls of the
 *   system that can go on do so (SA_RESTART); poll, sleep and some others return
 *   with EINTR, as always.  The handler runs on the thread's alternate stack if
 *   there is one (SA_ONSTACK).  It takes no lock, and leaves errno alone.
 *   A thread that has the signal blocked does not run it.  If all threads have,
 *   the signal waits, and nothing happens.
 *
 * Children
 *   None inherits any of this (daemon(3) is a fork, too): in a child of fork,
 *   what was there before gcw_exit_on_signal is there again, nothing has come,
 *   and a signal to the child does nothing to the parent.  So it is in children
 *   of vfork and _Fork, as soon as a signal comes.  exec and posix_spawn make
 *   the default action of it; what was ignored stays ignored.  Masks of the
 *   program's threads are not changed.  A child that wants it too asks anew.
 *
 * It needs no collector, and does not start it.
 */
#ifndef GCWEAK_SIGNAL_H
#define GCWEAK_SIGNAL_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of gcw_exit_on_signal. */
enum {
    GCW_SIGNAL_CHAIN = 1,    /* if the program has a handler, it is called first,
                              * in the signal handler, with its arguments */
    GCW_SIGNAL_FORCE = 2     /* also if the signal is ignored */
};

/* Has the signal lead to an exit.
 *
 *   sig    one whose default action is to end the process: SIGTERM, SIGINT,
 *          SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, a
 *          real-time signal, and so on
 *   flags  0, or some of those above
 *
 * A signal that is ignored stays so: nohup has decided that.  A handler of the
 * program's own is not put aside without CHAIN.  With CHAIN it is called each
 * time, before anything else, with its own mask and its SA_RESTART, SA_ONSTACK
 * and SA_NODEFER; with SA_RESETHAND, once.  If it does not return, but jumps,
 * nobody has heard of the signal.  A program that sets another handler later
 * takes the signal away; it may then call off and ask anew.
 * Asked for again, all stays as it is.
 *
 * Any thread at any time (see base.h), also as the first call of gcweak.  Not in
 * a signal handler.
 * Returns 0; 1 if the signal is ignored; or -1 with errno: EINVAL (not such a
 * signal: no signal at all, SIGKILL, SIGSTOP, one whose default action does not
 * end the process, one that a fault raises, one by which the collector, which
 * runs, stops threads; or unknown flags), EBUSY (the program has a handler for
 * it; or it has set one since it asked), EAGAIN (no thread to be had), ENOMEM.
 * Cost: the first call makes a thread, unless there is a descriptor; later two
 * system calls.
 * After Java's shutdown hooks, which SIGTERM runs too, and Ruby, which dies by
 * the signal in the end. */
int gcw_exit_on_signal(int sig, unsigned flags);

/* Takes that back: what was there before is there again, unless the program has
 * set something else meanwhile.
 *
 * An exit that has begun goes on.  Any thread at any time; not in a signal
 * handler.
 * Returns 0, or -1 with errno: EINVAL (no signal), ENOENT (it was not asked
 * for, or in another process). */
int gcw_exit_off_signal(int sig);

/* A descriptor for the program's own loop: readable once such a signal has come,
 * and from then on.
 *
 * From the first call on, the library's thread does not exit any more: the
 * program does, by gcw_exit_by_signal(0) on whatever thread it likes.  The
 * descriptor is the library's: do not read it, do not close it.  It is closed on
 * exec.  In a child of fork it has the same number, and is not readable.
 * Call it before gcw_exit_on_signal, and no thread is made.
 *
 * Any thread at any time; not in a signal handler.
 * Returns the descriptor, the same each time, or -1 with errno: EMFILE, ENFILE,
 * ENOMEM.
 * After signalfd, and the pipes that programs write to themselves. */
int gcw_exit_signal_fd(void);

/* The signal that has come, the first one, or 0.  Any thread at any time, also in
 * a signal handler. */
int gcw_exit_signal(void);

/* Exits on the calling thread, with the status 128 + sig; the process then dies
 * by that signal.
 *
 *   sig  one that gcw_exit_on_signal could take, whether it was asked for or
 *        not; 0, or any other number: the one that has come, and SIGTERM if none
 *        has
 *
 * As exit: any thread at any time, also in an exit handler, where the rest run
 * inside this call.  Does not return. */
GCW_NORETURN void gcw_exit_by_signal(int sig);

#ifdef __cplusplus
}
#endif

#endif
