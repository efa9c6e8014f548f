/* drain.h: where death callbacks run.
 *
 * A collection only makes callbacks pending.  The collector works inside
 * whatever allocation comes next, on whatever thread, with whatever locks its
 * caller holds, so user code has no business there.  Callbacks run
 *   - in gcw_drain and gcw_collect, on the thread that calls them;
 *   - on a worker thread, if gcw_drain_thread(true) asked for one;
 *   - at exit, before the exit handlers (see exit.h);
 * and nowhere else, but for cleanup.h's gcw_cleanup_run and dlclose.  No lock
 * of the library is held while they run.  Callbacks that were given a queue of
 * their own become pending there, and run where that is drained: see queue.h.
 *
 * Order: several on one target newest first; among targets, none is promised.
 *
 * Fork: what is pending then runs in the parent.  The child has it too, and
 * runs it if it drains, or has a worker; but not at its exit.
 */
#ifndef GCWEAK_DRAIN_H
#define GCWEAK_DRAIN_H

#include <gcweak/base.h>
#include <gcweak/call.h>

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

/* Takes the next pending callback, for the caller to make (call.h): a cleanup
 * (GCW_CALL_FUNCTION) or the death callback of a method (GCW_CALL_DEATH).  It
 * is in no queue any more and runs nowhere else: who does not make the call,
 * has lost it.
 *
 *     gcw_call call;
 *     while (gcw_drain_next(&call))
 *         gcw_call_invoke(&call);
 *
 * It does not collect; it looks at what the collections so far have done, also
 * between two calls, so a loop makes those that become pending meanwhile.
 * Threads as gcw_drain; also inside a callback.
 * Returns true, or false if none is pending; false with errno EINVAL (`call`
 * is NULL), EPERM, ENOMEM or ENOTSUP.  With false, *call has no function and
 * holds nothing.
 * Cost: a lock, once a callback, where gcw_drain takes it once for many. */
bool gcw_drain_next(gcw_call *call);

/* Waits until a callback is pending, so that a thread of the caller's can be
 * the worker, attached to its runtime as that wants it:
 *
 *     while (gcw_drain_wait(-1) >= 0)
 *         while (gcw_drain_next(&call))
 *             call_in_my_language(&call);
 *
 *   milliseconds   how long at most; 0: not at all; negative: without end
 *
 * While it waits collections go on; the thread is stopped for them as any
 * other.  It waits for the descriptor of gcw_drain_fd, which is opened, and
 * takes no processor's time.  That a collection has found dead what mattered
 * is looked at before it returns.  Several threads may wait; each of them
 * returns, and one gets the callback.
 *
 * Any known thread; not within a callback on the worker.  A cancellation
 * point; it may also be left by a jump, out of a signal handler.
 * Returns 1 if a callback is pending; 0 if the time is over; -1 with errno:
 * ESHUTDOWN (the process exits, or gcw_shutdown was called: no callback comes
 * any more), or as gcw_drain_fd. */
int gcw_drain_wait(int milliseconds);

/* A descriptor that is readable while callbacks are pending, also inside a
 * callback: for poll, epoll, or a GUI's loop.  When it is, call gcw_drain,
 * which makes it unreadable again; do not read it or close it.  If gcw_drain
 * leaves some, it becomes readable anew, which wakes those who wait for changes
 * only (EPOLLET); who calls gcw_drain_next goes on until that returns false.
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
 * Stopping waits until a callback in progress has returned, and the worker has
 * left (gcw_drain_thread_hooks), which is a cancellation point; but not when
 * called by the worker itself.  At exit it is
 * stopped first; one that is in the middle of a callback is waited for up to a
 * second, then left behind and named in a warning (tell.h).  Around fork it is
 * paused in the same way; the child starts its own at its next call into
 * gcweak.
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

/* Has functions called on the worker's thread: enter(data) before it drains
 * for the first time, and leave(data) after it has for the last, so that it
 * can be attached to a runtime.  Workers that are started from now on call
 * them, each both or none.  Whoever stops a worker waits until leave has
 * returned; gcw_shutdown does, for up to a second.  A worker that a callback
 * ends calls leave, too, as its thread ends; one that is there when the process
 * exits does not.
 * NULL stands for no function.  `data` is held strongly.
 *
 * They run as callbacks do, with the worker's signals blocked, and no lock
 * held.  They must not call gcw_fail, nor end the thread.
 * Any known thread; also from callbacks.
 * Returns 0, or -1 with errno: EINVAL (`data` cannot be held: base.h), EPERM,
 * ENOMEM, ENOTSUP. */
int gcw_drain_thread_hooks(void (*enter)(void *data),
                           void (*leave)(void *data), void *data);

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
