/* lock.h: the locks of the library.
 *
 * Rules that make them safe, wherever a collection strikes:
 *   - while a lock is held nothing is allocated from the collector and no user
 *     code runs, so no finalizer, and with it no call back into the library,
 *     can come up on the thread that holds it;
 *   - the collector's own code never takes them: its hook only posts;
 *   - what is told of a death from a finalizer only tries them (may_wait is
 *     false), but for that of the link pages, which is held for a few
 *     instructions.  What is tidied afterwards waits, for nobody who holds one
 *     of them waits for a thread.
 *
 * Order, outermost first; a thread takes them only downwards:
 *     worker
 *     sweep
 *     shard, listeners, exit    one of all these at a time, but for fork,
 *                       which takes them all
 *     the collector's allocation lock
 *     links, places, proxies, queue, wake-up    of these only one at a
 *                       time, but for fork, which takes them all
 */
#ifndef GCW__LOCK_H
#define GCW__LOCK_H

#include <pthread.h>
#include <stdbool.h>

/* Takes the lock; false if it is taken and the caller may not wait. */
static inline bool
gcw__lock(pthread_mutex_t *lock, bool may_wait)
{
    return (may_wait ? pthread_mutex_lock(lock)
                     : pthread_mutex_trylock(lock)) == 0;
}

static inline void
gcw__unlock(pthread_mutex_t *lock)
{
    pthread_mutex_unlock(lock);
}

#endif
