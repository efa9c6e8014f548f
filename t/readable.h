/* readable.h: whether a descriptor is readable. */
#ifndef READABLE_H
#define READABLE_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

enum { LONG_ENOUGH = 20000 };    /* milliseconds */

/* Waits for it, up to `timeout` milliseconds. */
static inline bool
readable(int fd, int timeout)
{
    struct pollfd p = { fd, POLLIN, 0 };
    int n;
    do
        n = poll(&p, 1, timeout);
    while (n < 0 && errno == EINTR);
    return n == 1 && (p.revents & POLLIN);
}

#endif
