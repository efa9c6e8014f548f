/* lock.c: waiting for others, and being cancelled meanwhile. */
#include <config.h>
#include "ground/lock.h"

_Thread_local struct gcw__holding gcw__holding;

static int
wait_for(pthread_cond_t *condition, pthread_mutex_t *lock,
         const struct timespec *until)
{
    return until == NULL ? pthread_cond_wait(condition, lock)
                         : pthread_cond_timedwait(condition, lock, until);
}

int
gcw__wait(pthread_cond_t *condition, pthread_mutex_t *lock,
          const struct timespec *until)
{
    int result;

    gcw__cancel_off();
    result = wait_for(condition, lock, until);
    gcw__cancel_on();
    return result;
}

/* Gives the lock back, which the wait that was cancelled has taken again. */
static void
cancelled(void *lock)
{
    gcw__unlock(lock);
}

int
gcw__wait_cancellable(pthread_cond_t *condition, pthread_mutex_t *lock,
                      const struct timespec *until)
{
    int result;

    if (gcw__holding.off != 0)
        return gcw__wait(condition, lock, until);
    pthread_cleanup_push(cancelled, lock);
    result = wait_for(condition, lock, until);
    pthread_cleanup_pop(0);
    return result;
}
