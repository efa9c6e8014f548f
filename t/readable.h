/* readable.h: whether a descriptor is readable, and whether there is one. */
#ifndef READABLE_H
#define READABLE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

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

/* A scenario says so. */
static inline void
say_readable(const char *who, int fd, int timeout)
{
    dprintf(STDOUT_FILENO, "%s: %s\n", who,
            readable(fd, timeout) ? "readable" : "silent");
}

/* On a thread of its own: returns `fd`, if it was woken. */
static inline void *
wait_for_a_wake_up(void *fd)
{
    return readable(*(int *)fd, LONG_ENOUGH) ? fd : NULL;
}

/* Takes all descriptors that there are; returns the last. */
static inline int
fill_the_table(void)
{
    struct rlimit few = { 64, 64 };
    int fd, last = -1;
    setrlimit(RLIMIT_NOFILE, &few);
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    return last;
}

#endif
