/* wakeup.c: a descriptor that can be made readable from anywhere.
 *
 * An eventfd, or a pipe where there is none.  Both ends, which are the same
 * for an eventfd, are -1 until it is opened, once, under the lock; it is never
 * closed.  Wakers look only at the writing end, and take no lock.
 *
 * `set` tells whether a write is on its way, so that further ones need none.
 * The clear reads first and then takes `set` back: a waker that finds it
 * still set leaves its work to the look that follows every clear.  A waker
 * that had set it but not yet written, when the clear read, writes later: then
 * the descriptor is readable once too often, which the next clear mends, since
 * it always reads.
 *
 * The bytes pass through the stack, never through collected memory, whose
 * pages the collector may have protected.
 */
#include <config.h>
#include "wakeup.h"

#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>
#if HAVE_SYS_EVENTFD_H && HAVE_EVENTFD
# include <sys/eventfd.h>
# define USE_EVENTFD 1
#endif

struct ends {
    int read, write;
};

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int reading_end = -1, writing_end = -1;
static atomic_bool set;

static void
close_ends(struct ends ends)
{
    int error = errno;

    close(ends.read);
    if (ends.write != ends.read)
        close(ends.write);
    errno = error;
}

/* False with errno. */
static bool
open_ends(struct ends *ends)
{
#if USE_EVENTFD
    ends->read = ends->write = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return ends->read >= 0;
#else
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    ends->read = fds[0];
    ends->write = fds[1];
    return true;
#endif
}

int
gcw__wakeup_open(void)
{
    struct ends ends;

    gcw__lock(&open_lock, true);
    if (reading_end < 0 && open_ends(&ends)) {
        atomic_store(&writing_end, ends.write);
        atomic_store(&reading_end, ends.read);
    }
    gcw__unlock(&open_lock);
    return reading_end;
}

void
gcw__wakeup_set(void)
{
    int end = atomic_load(&writing_end);
    uint64_t one = 1;
    int error = errno;

    if (end >= 0 && !atomic_exchange(&set, true)
        && write(end, &one, sizeof one) < 0)
        errno = error;
}

void
gcw__wakeup_clear(void)
{
    int end = atomic_load(&reading_end);
    uint64_t bytes[8];
    int error = errno;

    if (end < 0)
        return;
    while (read(end, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        continue;
    atomic_store(&set, false);
    errno = error;
}

/* Out of descriptors, the child has none: better than its parent's. */
void
gcw__wakeup_fork_child(void)
{
    struct ends old = { reading_end, writing_end }, fresh;

    gcw__unlock(&open_lock);
    if (old.read < 0)
        return;
    atomic_store(&set, false);
    if (!open_ends(&fresh)) {
        atomic_store(&writing_end, -1);
        atomic_store(&reading_end, -1);
        close_ends(old);
        return;
    }
    dup3(fresh.read, old.read, O_CLOEXEC);
    if (old.write != old.read)
        dup3(fresh.write, old.write, O_CLOEXEC);
    close_ends(fresh);
}

void
gcw__wakeup_fork_prepare(void)
{
    gcw__lock(&open_lock, true);
}

void
gcw__wakeup_fork_parent(void)
{
    gcw__unlock(&open_lock);
}
