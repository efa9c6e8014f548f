/* wait.c: waiting for callbacks, on a thread of the program's.
 *
 * The thread polls the queue's descriptor, and one that tells of the end of all
 * queues, outside of all locks: the collector
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
poll_for(int fd, int end, int milliseconds)
{
    struct pollfd polled[] = {
        { .fd = fd, .events = POLLIN }, { .fd = end, .events = POLLIN }
    };

    return poll(polled, 2, milliseconds) >= 0 || errno == EINTR;
}

/* Why nobody is to wait any more, as an errno; or 0. */
static int
end_of_waiting(gcw_queue *q)
{
    if (gcw__queues_have_ended())
        return ESHUTDOWN;
    return gcw__queue_has_closed(q) ? ESTALE : 0;
}

/* What ends the waiting makes a descriptor readable: the queue's, or that of the
 * end.  A look makes the queue's unreadable, so it is asked after that as well. */
static int
wait_until_pending(const char *function, gcw_queue *q, int fd,
                   int milliseconds)
{
    uint64_t began = gcw__clock();
    int end = gcw__queues_end_fd(), left, error;
    bool pending;

    if (end < 0) {
        gcw__refused(function, errno, "");
        return -1;
    }
    for (;;) {
        if ((error = end_of_waiting(q)) != 0)
            break;
        pending = gcw__drain_look(q);
        if ((error = end_of_waiting(q)) != 0)
            break;
        if (pending)
            return 1;
        left = rest(milliseconds, began);
        if (left == 0)
            return 0;
        if (!poll_for(fd, end, left))
            return -1;
    }
    gcw__refused(function, error, "open q", q);
    return -1;
}

static int
wait_in_default(const char *function, int milliseconds)
{
    int before = errno, fd = gcw__queue_default_fd(), result;

    if (fd < 0) {
        gcw__refused(function, errno, "");
        return -1;
    }
    result = wait_until_pending(function, gcw__roots->queue, fd, milliseconds);
    if (result >= 0)
        errno = before;
    return result;
}

int
gcw_drain_wait(int milliseconds)
{
    if (gcw__enter() != 0)
        return -1;
    return wait_in_default(__func__, milliseconds);
}

static void
end_wait(void *queue)
{
    gcw__queue_end_wait(queue);
}

static int
wait_for_queue(const char *function, gcw_queue *q, int milliseconds)
{
    int fd = gcw__queue_fd(q);

    if (fd < 0) {
        gcw__refused(function, errno, "open q", q);
        return -1;
    }
    return wait_until_pending(function, q, fd, milliseconds);
}

static int
wait_in(const char *function, gcw_queue *q, int milliseconds)
{
    int before = errno, result;

    if (!gcw__queue_begin_wait(q)) {
        gcw__refused(function, ESTALE, "open q", q);
        return -1;
    }
    pthread_cleanup_push(end_wait, q);
    result = wait_for_queue(function, q, milliseconds);
    pthread_cleanup_pop(1);
    if (result >= 0)
        errno = before;
    return result;
}

int
gcw_queue_wait(gcw_queue *q, int milliseconds)
{
    if (gcw__enter() != 0)
        return -1;
    if (q == NULL)
        return gcw__refuse_int(EINVAL, "given q", q);
    return gcw__queue_is_default(q) ? wait_in_default(__func__, milliseconds)
                                    : wait_in(__func__, q, milliseconds);
}
