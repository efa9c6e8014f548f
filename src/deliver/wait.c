/* wait.c: waiting for callbacks, on a thread of the program's.
 *
 * The thread polls the drain's descriptor, outside of all locks: the collector
 * stops it there as anywhere, and it may be cancelled, or leave by a jump out
 * of a signal handler.  The descriptor is readable once too often rather than
 * too seldom, so each time it is looked whether a callback is pending, which
 * makes it unreadable if none is.
 */
#include <config.h>
#include "deliver/drain.h"

#include "ground/report.h"
#include "weak/enter.h"

#include <poll.h>

enum { NANOSECONDS = 1000000 };      /* in a millisecond */

/* How long to wait still: 0 if the time is over, -1 for ever. */
static int
rest(int milliseconds, uint64_t began)
{
    int64_t left = milliseconds
                   - (int64_t)((gcw__clock() - began) / NANOSECONDS);

    if (milliseconds < 0)
        return -1;
    return left <= 0 ? 0 : (int)left;
}

/* False with errno if the descriptor cannot be polled. */
static bool
poll_for(int fd, int milliseconds)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };

    return poll(&polled, 1, milliseconds) >= 0 || errno == EINTR;
}

static int
wait_until_pending(int fd, int milliseconds)
{
    uint64_t began = gcw__clock();
    int left;

    for (;;) {
        if (gcw__drain_is_closed())
            break;
        if (gcw__drain_look())
            return 1;
        left = rest(milliseconds, began);
        if (left == 0)
            return 0;
        if (!poll_for(fd, left))
            return -1;
    }
    gcw__refused("gcw_drain_wait", ESHUTDOWN, "");
    return -1;
}

int
gcw_drain_wait(int milliseconds)
{
    int before = errno, fd, result;

    if (gcw__enter() != 0)
        return -1;
    fd = gcw_drain_fd();
    if (fd < 0)
        return -1;
    result = wait_until_pending(fd, milliseconds);
    if (result >= 0)
        errno = before;
    return result;
}
