/* guardian-see.c: showing and counting guardians (see.h). */
#include <config.h>
#include "map/guardians.h"

#include "ground/lock.h"
#include "weak/see.h"

#include <gcweak/debug.h>

static size_t
count_guarded(gcw_guardian *g, size_t *capacity)
{
    pthread_mutex_t *lock = g->container->container.lock;
    size_t n;

    gcw__lock(lock, true);
    n = g->used;
    *capacity = g->capacity;
    gcw__unlock(lock);
    return n;
}

static void
see_segments(const struct gcw__walk *walk, gcw_guardian *g)
{
    pthread_mutex_t *lock = g->container->container.lock;

    if (walk->walker->part == NULL)
        return;
    gcw__lock(lock, true);
    for (struct gcw__segment *s = g->first; s != NULL; s = s->next) {
        gcw__see_part(walk, s, "some entries", NULL);
        gcw__see_part(walk, s->table, "table", NULL);
    }
    gcw__unlock(lock);
}

void
gcw__guardian_see(struct gcw__walk *walk, void *guardian)
{
    walk->table.name = NULL;
    walk->table.live = count_guarded(guardian, &walk->table.capacity);
    gcw__see_table(walk);
    gcw__see_part(walk, guardian, "guardian", NULL);
    see_segments(walk, guardian);
}

void
gcw__guardian_counted(void *guardian, gcw_statistics *out)
{
    size_t capacity;

    out->guardians++;
    out->guarded += count_guarded(guardian, &capacity);
}
