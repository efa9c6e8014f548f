/* starting.c: the lock of starting the library.
 *
 * A child may be forked while another thread has the lock, in ways that pass
 * fork's handlers by, or before they are installed.  So a process that finds
 * the lock to be that of another process makes it anew.
 */
#include <config.h>
#include "process/starting.h"

#include "ground/lock.h"
#include "ground/process.h"

#include <sched.h>

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

/* The process that the lock is for; and BUSY, while it is made anew. */
static atomic_uint starting_in;
#define BUSY (1u << 31)

/* Makes the lock anew, if it is that of another process.  False: another
 * thread is doing that. */
static bool
renew_starting(void)
{
    unsigned now = gcw__process(), before = atomic_load(&starting_in);

    if (before == now)
        return true;
    if (before == (now | BUSY)
        || !atomic_compare_exchange_strong(&starting_in, &before, now | BUSY))
        return false;
    if (before != 0)
        pthread_mutex_init(&starting, NULL);
    atomic_store(&starting_in, now);
    return true;
}

void
gcw__start_lock(void)
{
    while (!renew_starting())
        sched_yield();
    gcw__lock(&starting, true);
}

void
gcw__start_unlock(void)
{
    gcw__unlock(&starting);
}
