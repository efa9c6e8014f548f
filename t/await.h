/* await.h: scenarios that wait for another thread, or for the worker. */
#ifndef AWAIT_H
#define AWAIT_H

#include <errno.h>
#include <semaphore.h>
#include "log.h"

static inline void
await(sem_t *sem)
{
    while (sem_wait(sem) != 0)
        MUST(errno == EINTR);
}

/* Posted by callbacks. */
static inline sem_t *
called(void)
{
    static sem_t sem;
    return &sem;
}

static inline void
await_call(void)
{
    await(called());
}

/* A callback that says the line, for who waits. */
static inline void
tell(void *line)
{
    say(line);
    sem_post(called());
}

static inline void
begin_worker(void)
{
    sem_init(called(), 0, 0);
    MUST(gcw_drain_thread(true) == 0);
}

#endif
