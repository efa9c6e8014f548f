/* lock.h: the locks of the library, and cancellation.
 *
 * Rules that make them safe, wherever a collection, a cancellation or a signal
 * strikes:
 *   - while a lock is held no user code runs, and nothing is asked of the
 *     collector that takes its lock: no allocation, no GC_FREE, no link, no
 *     weak read that may have to wait (gcw__peek is for that).  So no
 *     finalizer, and with it no call back into the library, can come up on
 *     the thread that holds it; and a thread that holds the collector's lock
 *     when it forks, as after GC_atfork_prepare, may wait for ours.
 *     t/locks.t finds code that breaks this rule;
 *   - cancellation is off around each call of the system that is a
 *     cancellation point (gcw__cancel_off, gcw__wait), whether a lock is held
 *     or not: a thread that is cut off there would keep the lock, or leave
 *     something half done.  It would cost a fifth of a registration to turn
 *     it off in gcw__lock, for the few locks under which the system is called
 *     at all; t/locks.t finds a call that was forgotten.  So none of our
 *     functions is a cancellation point, but for those that wait for others
 *     with gcw__wait_cancellable;
 *   - our hook inside the collector takes no lock: it only posts;
 *   - a sweep that runs in a finalizer only tries to take locks (may_wait is
 *     false).  Tidying after it (container.h) waits for locks, for no
 *     thread that holds one of them waits for another thread;
 *   - no lock is taken while the collector's is held, for a thread that has
 *     all of ours may wait for that, in a fork.
 *
 * Order, outermost first; a thread takes them only downwards:
 *     starting
 *     worker
 *     signal
 *     sweep
 *     shard, listeners, exit, map    one of all these at a time, but for fork,
 *                       which takes them all
 *     containers, proxies, queue, wake-up, tell    of these only one at a time,
 *                       but for fork, which takes them all, for a hub's
 *                       wake-up, which is under its listeners' lock, that
 *                       of signals, which is under theirs, and those of
 *                       queues, which are under the queue lock
 *     names
 *
 * Fork takes all locks, in the order of the table in parts.c, which is this
 * order: a new lock gets a row there; t/locks.t finds a lock without one.  The
 * thread that forks may then be called back by fork handlers of the
 * application, which may use the library: it holds every lock already, so that
 * taking one does nothing.
 */
#ifndef GCW__LOCK_H
#define GCW__LOCK_H

#include "ground/compiler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

/* What the calling thread holds. */
struct gcw__holding {
    unsigned off;            /* how often cancellation was turned off, */
    int cancel;              /* and what it was before the first time */
    unsigned locks;          /* how many locks it has, or is about to take */
    bool all;                /* it forks, and has all locks */
    bool follows;            /* it waits for another thread to end the process,
                              * and has the exit lock only at times */
};

/* Read at each lock, so it is worth its place in the static block of the
 * thread. */
extern _Thread_local struct gcw__holding gcw__holding GCW__IN_STATIC_BLOCK;

/* Turns cancellation off for the calling thread.  Async-signal-safe. */
static inline void
gcw__cancel_off(void)
{
    if (gcw__holding.off++ == 0)
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &gcw__holding.cancel);
}

/* Turns cancellation back to what it was, when called as often as
 * gcw__cancel_off was.  Async-signal-safe. */
static inline void
gcw__cancel_on(void)
{
    int ignored;

    if (--gcw__holding.off == 0)
        pthread_setcancelstate(gcw__holding.cancel, &ignored);
}

/* Takes the lock; false if it is taken and the caller may not wait. */
static inline bool
gcw__lock(pthread_mutex_t *lock, bool may_wait)
{
    gcw__holding.locks++;
    atomic_signal_fence(memory_order_seq_cst);
    if (gcw__holding.all
        || (may_wait ? pthread_mutex_lock(lock)
                     : pthread_mutex_trylock(lock)) == 0)
        return true;
    gcw__holding.locks--;
    return false;
}

static inline void
gcw__unlock(pthread_mutex_t *lock)
{
    if (!gcw__holding.all)
        pthread_mutex_unlock(lock);
    atomic_signal_fence(memory_order_seq_cst);
    gcw__holding.locks--;
}

/* Waits for the condition with the lock, which is the only one held; until
 * `until`, if that is not NULL.  Returns what pthread_cond_wait does. */
int gcw__wait(pthread_cond_t *condition, pthread_mutex_t *lock,
              const struct timespec *until);

/* The same, as a cancellation point, unless cancellation is off.  A thread
 * that is cancelled in it has given the lock back. */
int gcw__wait_cancellable(pthread_cond_t *condition, pthread_mutex_t *lock,
                          const struct timespec *until);

#endif
