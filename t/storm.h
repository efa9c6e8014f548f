/* storm.h: another thread collects all the time, and fills free memory: what
 * the collector does not see in use is damaged.
 */
#ifndef STORM_H
#define STORM_H

#include <sched.h>
#include <stdatomic.h>
#include "log.h"
#include "thread.h"

struct node {
    struct node *next;
    size_t number;
};

static atomic_size_t storm_rounds;
static atomic_bool storm_is_over;
static pthread_t stormy;

static inline void *
storm(void *unused)
{
    enum { PIECES = 20000 };
    while (!atomic_load(&storm_is_over)) {
        GC_gcollect();
        for (int i = 0; i < PIECES; i++)
            memset(GC_MALLOC(sizeof(struct node)), 0x77, sizeof(struct node));
        atomic_fetch_add(&storm_rounds, 1);
    }
    return unused;
}

/* A whole round, from its beginning to its end. */
static inline void
await_round(void)
{
    size_t end = atomic_load(&storm_rounds) + 2;
    while (atomic_load(&storm_rounds) < end)
        sched_yield();
}

static inline void
begin_storm(void)
{
    stormy = run_thread(storm, NULL);
    await_round();
}

static inline void
end_storm(void)
{
    atomic_store(&storm_is_over, true);
    MUST(pthread_join(stormy, NULL) == 0);
}

static inline bool
list_stays_intact(void)
{
    enum { NODES = 1000 };
    struct node *list = NULL;
    size_t n = 0;
    for (; n < NODES; n++) {
        struct node *node = GC_MALLOC(sizeof *node);
        *node = (struct node){ list, n };
        list = node;
    }
    await_round();
    for (; list != NULL && list->number == n - 1; list = list->next)
        n--;
    return list == NULL && n == 0;
}

static inline void
say_whether_lists_stay_intact(void *unused)
{
    enum { LISTS = 5 };
    int damaged = 0;
    (void)unused;
    for (int i = 0; i < LISTS; i++)
        damaged += !list_stays_intact();
    dprintf(STDOUT_FILENO, "%d damaged\n", damaged);
}

#define INTACT "0 damaged\n"

#endif
