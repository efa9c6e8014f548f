/* hook.h: a function of the program's with its data, which may be set at any
 * time: an error hook, and its like.
 *
 * A hook is written and read, as a whole, under a lock of its owner.  It is
 * called without the lock, so another may have been set by then.  It lies in
 * scanned memory, which holds the data.
 */
#ifndef GCW__HOOK_H
#define GCW__HOOK_H

#include "ground/code.h"

#include <pthread.h>

struct gcw__hook {
    void (*fn)(void);                /* to be called through its own type;
                                      * NULL: no hook, and no data */
    void *data;
};

void gcw__hook_set(struct gcw__hook *hook, pthread_mutex_t *lock,
                   void (*fn)(void), void *data);

struct gcw__hook gcw__hook_get(const struct gcw__hook *hook,
                               pthread_mutex_t *lock);

/* Clears the hook if its code lies in the range.  Lock held. */
static inline void
gcw__hook_drop(struct gcw__hook *hook, const struct gcw__range *range)
{
    if (gcw__in_range((uintptr_t)hook->fn, range))
        *hook = (struct gcw__hook){ NULL, NULL };
}

/* The same, and takes the lock itself. */
void gcw__hook_unload(struct gcw__hook *hook, pthread_mutex_t *lock,
                      const struct gcw__range *range);

#endif
