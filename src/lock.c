/* lock.c: waiting for others, and being cancelled meanwhile. */
#include <config.h>
#include "lock.h"

_Thread_local struct gcw__holding gcw__holding;

/* The wait has taken the lock again. */
static void
cancelled(void *lock)
{
    gcw__unlock(lock);
}

int
gcw__wait_cancellable(pthread_cond_t *condition, pthread_mutex_t *lock,
                      const struct timespec *until)
{
    int result, ignored;

    if (gcw__holding.off != 1)
        return gcw__wait(condition, lock, until);
    pthread_cleanup_push(cancelled, lock);
    pthread_setcancelstate(gcw__holding.cancel, &ignored);
    result = gcw__wait(condition, lock, until);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
    pthread_cleanup_pop(0);
    return result;
}
