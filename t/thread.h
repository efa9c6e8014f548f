/* thread.h: threads that a test, or a scenario, cannot do without. */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>
#include "support.h"

/* One that the collector knows. */
static inline pthread_t
run_thread(void *(*body)(void *arg), void *arg)
{
    pthread_t thread;
    if (GC_pthread_create(&thread, NULL, body, arg) != 0)
        fail_msg("no thread to be had");
    return thread;
}

static inline void
join_thread(pthread_t thread)
{
    if (GC_pthread_join(thread, NULL) != 0)
        fail_msg("a thread cannot be waited for");
}

/* Runs body(arg) on such a thread, and waits for its end. */
static inline pthread_t
in_thread(void *(*body)(void *arg), void *arg)
{
    pthread_t thread = run_thread(body, arg);
    join_thread(thread);
    return thread;
}

/* The same on a thread that the collector does not know. */
static inline void
in_unknown_thread(void *(*body)(void *arg), void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, arg) != 0
        || pthread_join(thread, NULL) != 0)
        fail_msg("no thread to be had");
}

#endif
