/* drain.h: where death callbacks run.
 *
 * A collection only makes callbacks pending.  The collector works inside
 * whatever allocation comes next, on whatever thread, with whatever locks its
 * caller holds, so user code has no business there.  Callbacks run
 *   - in gcw_drain and gcw_collect, on the thread that calls them;
 *   - on a worker thread, if gcw_drain_thread(true) asked for one;
 *   - at exit, before the exit handlers (see exit.h);
 * and nowhere else, but for cleanup.h's gcw_cleanup_run and dlclose.  No lock
 * of the library is held while they run.
 *
 * Order: several on one target newest first; among targets, none is promised.
 *
 * Fork: what is pending then runs in the parent.  The child has it too, and
 * runs it if it drains, or has a worker; but not at its exit.
 */
#ifndef GCWEAK_DRAIN_H
#define GCWEAK_DRAIN_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs up to `max` pending callbacks on this thread; all for 0, including
 * those that become pending meanwhile.
 *
 * It does not collect; it looks at what the collections so far have done.
 * May be called inside a callback, and by several threads at once: each
 * callback runs once.
 * Returns how many ran; 0 with errno EPERM, ENOMEM or ENOTSUP if the library
 * cannot be used here. */
size_t gcw_drain(size_t max);

/* A descriptor that is readable while callbacks are pending, also inside a
 * callback: for poll, epoll, or a GUI's loop.  When it is, call gcw_drain,
 * which makes it unreadable again; do not read it or close it.
 *
 * Wake-ups coalesce: however many deaths, it is readable once.  It may also
 * become readable after a collection in which nothing that mattered died;
 * gcw_drain then returns 0.  It becomes readable promptly after a collection
 * in the usual case; where another part of the program took the collector's
 * event hook and finalizers run on demand, at the latest with the next call
 * into gcweak.
 *
 * One per process; the same on every call.  Close-on-exec.  A forked child
 * keeps the number, with a wake-up of its own behind it.
 * Any known thread.
 * Returns the descriptor, or -1 with errno: EMFILE, ENFILE, ENOMEM, EPERM,
 * ENOTSUP. */
int gcw_drain_fd(void);

/* Starts or stops a worker thread that drains.
 *
 * The worker is known to the collector and has all signals blocked, but for
 * those that the collector needs and those that a fault raises.  It cannot be
 * cancelled, and if a callback ends its thread, another takes its place.
 * Stopping waits until a callback in progress has returned, which is a
 * cancellation point; but not when called by the worker itself.  At exit it is
 * stopped first; one that is in the middle of a callback is waited for up to a
 * second, then left behind and named on stderr.  Around fork it is paused in
 * the same way; the child starts its own at its next call into gcweak.
 *
 * A program that a callback starts on the worker inherits the blocked signals,
 * for they outlive fork and exec: SIGTERM does not end it.  Give it a mask of
 * its own (posix_spawnattr_setsigmask with POSIX_SPAWN_SETSIGMASK), or set one
 * in the child before exec, with pthread_sigmask.
 *
 * Any known thread; also from callbacks.
 * Returns 0, also if nothing changed; or -1 with errno: EAGAIN (no thread to
 * be had), ESHUTDOWN (the process is exiting), ENOMEM, EPERM, ENOTSUP. */
int gcw_drain_thread(bool on);

/* Collects fully, then drains all.  The collector does nothing if another
 * thread is within GC_pthread_exit just then.
 * Returns how many callbacks ran; 0 with errno EPERM, ENOMEM or ENOTSUP as
 * gcw_drain.  Threads as gcw_drain.  Costs a full collection; for tests, and
 * for points where a program wants what is dead to be gone. */
size_t gcw_collect(void);

/* Sets the hook that hears of failing cleanups and death callbacks, wherever
 * they run; NULL takes it out.  `data` is held strongly.
 * Any known thread.
 * Returns 0, or -1 with errno EINVAL (`data` cannot be held: base.h), EPERM,
 * ENOMEM, ENOTSUP. */
int gcw_drain_on_error(gcw_error_fn *hook, void *data);

#ifdef __cplusplus
}
#endif

#endif
