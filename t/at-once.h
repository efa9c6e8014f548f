/* at-once.h: the same on several threads at once. */
#ifndef AT_ONCE_H
#define AT_ONCE_H

#include <pthread.h>
#include <stdatomic.h>
#include "support.h"

struct runner {
    pthread_barrier_t *line; /* where they wait, so that all begin at once */
    size_t number;
    void *shared;            /* what the test hands to all */
    bool (*body)(size_t number, void *shared);
    bool good;
};

static inline void *
run_when_all_are_there(void *data)
{
    struct runner *r = data;
    pthread_barrier_wait(r->line);
    r->good = r->body(r->number, r->shared);
    return NULL;
}

/* Runs body on so many threads; fails the test if one says false. */
static inline void
at_once(size_t threads, bool (*body)(size_t number, void *shared),
        void *shared)
{
    struct runner runners[threads];
    pthread_t ids[threads];
    pthread_barrier_t line;
    pthread_barrier_init(&line, NULL, (unsigned)threads);
    for (size_t i = 0; i < threads; i++) {
        runners[i] = (struct runner){ &line, i, shared, body, false };
        if (GC_pthread_create(&ids[i], NULL, run_when_all_are_there,
                              &runners[i]) != 0)
            fail_msg("no thread %zu to be had", i);
    }
    for (size_t i = 0; i < threads; i++)
        GC_pthread_join(ids[i], NULL);
    pthread_barrier_destroy(&line);
    for (size_t i = 0; i < threads; i++)
        assert_true(runners[i].good);
}

/* How many of MANY were called; none may have been twice. */
static inline size_t
total_calls(const atomic_int *calls)
{
    size_t total = 0;
    for (size_t i = 0; i < MANY; i++) {
        assert_in_range(atomic_load(&calls[i]), 0, 1);
        total += (size_t)atomic_load(&calls[i]);
    }
    return total;
}

#endif
