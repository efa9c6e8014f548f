/* spare.h: what is needed under a lock is got without it.
 *
 * Nothing is allocated under a lock (lock.h).  So what may need memory is done
 * in steps: a step, under the lock, looks whether all is there that it needs;
 * if so it does its work, and if not it changes nothing, and notes what is
 * missing.  That is got when the lock is not held, and the step is taken once
 * more; meanwhile others may have changed anything, so it looks again from the
 * beginning.  What was got and not needed is the collector's to free, or the
 * next step's to put away.
 */
#ifndef GCW__SPARE_H
#define GCW__SPARE_H

#include "ground/lock.h"

#include <errno.h>

/* What a step returns when something is missing. */
enum { GCW__MISSING = -1 };

/* Takes the step until nothing is missing, and returns what it returns: 0 or an
 * errno.  fill() gets what is missing; false: no memory, then ENOMEM.  The
 * lock is not held.  Inline, so that both are. */
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
