/* epoll.c: a loop with epoll drains deaths, and dispatches a hub that threads
 * post to; level-triggered, or edge-triggered if the argument is "edge".
 *
 *     cc -o epoll epoll.c work.c $(pkg-config --cflags --libs gcweak) -pthread
 *
 * To copy: the first four functions.  What epoll keeps of an event lies in
 * the kernel, where the collector does not look.  Here a static variable holds
 * the hub. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <gc.h>
#include <gcweak.h>
#include "work.h"

enum { SOME = 64 };

static gcw_hub *hub;

/* Level-triggered, epoll tells again of what is still readable; so it is
 * enough to do some of it, and others of the loop get their turn. */
static void
do_some(int fd)
{
    if (fd == gcw_hub_fd(hub))
        gcw_hub_dispatch(hub, SOME);
    else
        gcw_drain(SOME);
}

/* Edge-triggered, it may tell once of however many posts or deaths; only one
 * that comes when nothing is left is sure to be told.  So nothing may be left,
 * nor what comes meanwhile. */
static void
do_all(int fd)
{
    if (fd == gcw_hub_fd(hub))
        while (gcw_hub_dispatch(hub, SOME) > 0)
            continue;
    else
        while (gcw_drain(SOME) > 0)
            continue;
}

static void
watch(int epoll, int fd, uint32_t trigger)
{
    struct epoll_event event = { .events = EPOLLIN | trigger, .data.fd = fd };
    work_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

/* The collector stops threads by a signal, which interrupts epoll_wait, also
 * where it is handled with SA_RESTART. */
static void
loop(int epoll, void (*ready)(int fd))
{
    struct epoll_event event;
    while (!work_is_over())
        if (epoll_wait(epoll, &event, 1, -1) == 1)
            ready(event.data.fd);
        else
            work_check(errno == EINTR, "epoll_wait");
}

/* On a thread that the collector does not know: gcw_hub_post may be called
 * there, and nothing else of gcweak.  The static holds the hub. */
static void *
do_job(void *number)
{
    work_do(hub, (int)(intptr_t)number);
    return NULL;
}

static void
run(int epoll, void (*ready)(int fd))
{
    pthread_t pool[WORK_JOBS];
    work_begin();
    for (int job = 0; job < WORK_JOBS; job++)
        work_check(pthread_create(&pool[job], NULL, do_job,
                                  (void *)(intptr_t)job) == 0,
                   "pthread_create");
    loop(epoll, ready);
    for (int job = 0; job < WORK_JOBS; job++)
        pthread_join(pool[job], NULL);
}

int
main(int argc, char **argv)
{
    bool edge = argc > 1 && strcmp(argv[1], "edge") == 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    GC_INIT();
    work_check(gcw_init() == 0, "gcw_init");
    hub = work_hub();
    watch(epoll, gcw_hub_fd(hub), edge ? EPOLLET : 0);
    watch(epoll, gcw_drain_fd(), edge ? EPOLLET : 0);
    run(epoll, edge ? do_all : do_some);
    close(epoll);
    work_report(edge ? "epoll, edge" : "epoll, level");
    return 0;
}
