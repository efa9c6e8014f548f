/* hook.c: a function of the program's with its data, which may be set at any
 * time. */
#include <config.h>
#include "ground/hook.h"

#include "ground/lock.h"

void
gcw__hook_set(struct gcw__hook *hook, pthread_mutex_t *lock, void (*fn)(void),
              void *data)
{
    gcw__lock(lock, true);
    *hook = (struct gcw__hook){ fn, fn == NULL ? NULL : data };
    gcw__unlock(lock);
}

struct gcw__hook
gcw__hook_get(const struct gcw__hook *hook, pthread_mutex_t *lock)
{
    struct gcw__hook now;

    gcw__lock(lock, true);
    now = *hook;
    gcw__unlock(lock);
    return now;
}

void
gcw__hook_unload(struct gcw__hook *hook, pthread_mutex_t *lock,
                 const struct gcw__range *range)
{
    gcw__lock(lock, true);
    gcw__hook_drop(hook, range);
    gcw__unlock(lock);
}
