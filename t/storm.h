/* storm.h: another thread collects all the time, and fills free memory: what
 * the collector does not see in use is damaged.
 */
#ifndef STORM_H
#define STORM_H

#include <stdatomic.h>
#include "log.h"
#include "thread.h"

struct node {
    struct node *next;
    size_t number;
};

static pthread_mutex_t storm_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t storm_round_ended = PTHREAD_COND_INITIALIZER;
static size_t storm_rounds;          /* under the lock */
static atomic_bool storm_is_over;
static pthread_t stormy;

/* Many pieces at once: where each takes the collector's lock, whoever asks for
 * it again and again keeps others out. */
static inline void
damage_free_memory(void)
{
    enum { PIECES = 20000 };
    int n = 0;
    while (n < PIECES) {
        struct node *next, *piece = GC_malloc_many(sizeof *piece);
        MUST(piece != NULL);
        for (; piece != NULL; piece = next, n++) {
            next = piece->next;
            memset(piece, 0x77, sizeof *piece);
        }
    }
}

static inline void
end_round(void)
{
    MUST(pthread_mutex_lock(&storm_lock) == 0);
    storm_rounds++;
    MUST(pthread_cond_broadcast(&storm_round_ended) == 0);
    MUST(pthread_mutex_unlock(&storm_lock) == 0);
}

static inline void *
storm(void *unused)
{
    while (!atomic_load(&storm_is_over)) {
        collect_and_rest();
        damage_free_memory();
        end_round();
    }
    return unused;
}

/* A whole round, from its beginning to its end. */
static inline void
await_round(void)
{
    size_t end;
    MUST(pthread_mutex_lock(&storm_lock) == 0);
    end = storm_rounds + 2;
    while (storm_rounds < end)
        MUST(pthread_cond_wait(&storm_round_ended, &storm_lock) == 0);
    MUST(pthread_mutex_unlock(&storm_lock) == 0);
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
    join_thread(stormy);
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
