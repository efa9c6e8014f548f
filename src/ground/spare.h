/* spare.h: memory that is needed under a lock is allocated without it.
 *
 * Nothing is allocated under a lock (lock.h).  So work that may need memory is
 * a step, called under the lock.  It looks whether all that it needs is there;
 * if so it does its work, and if not it changes nothing, and notes what is
 * missing.  That is allocated when the lock is not held, and the step is
 * called once more; other threads may have changed anything meanwhile, so it
 * looks again from the beginning.  Memory that is not needed after all is left
 * to the collector, or put away by the next step.
 */
#ifndef GCW__SPARE_H
#define GCW__SPARE_H

#include "ground/lock.h"

#include <errno.h>

/* What a step returns when something is missing. */
enum { GCW__MISSING = -1 };

/* Calls the step until nothing is missing, and returns its result: 0 or an
 * errno.  fill() allocates what is missing; if it returns false, the result is
 * ENOMEM.  The lock is not held.  Inlined, so that step and fill are, too. */
static inline __attribute__((__always_inline__)) int
gcw__with_spare(pthread_mutex_t *lock, int (*step)(void *arg),
                bool (*fill)(void *arg), void *arg)
{
    int error;

    for (;;) {
        gcw__lock(lock, true);
        error = step(arg);
        gcw__unlock(lock);
        if (error != GCW__MISSING)
            return error;
        if (!fill(arg))
            return ENOMEM;
    }
}

#endif
