/* guardian-see.c: showing and counting guardians (see.h). */
#include <config.h>
#include "map/guardians.h"

#include "ground/lock.h"
#include "weak/see.h"

#include <gcweak/debug.h>

static size_t
count_guarded(gcw_guardian *g)
{
    pthread_mutex_t *lock = g->container->container.lock;
    size_t n;

    gcw__lock(lock, true);
    n = g->used;
    gcw__unlock(lock);
    return n;
}

void
gcw__guardian_see(struct gcw__walk *walk, void *guardian)
{
    walk->table.name = NULL;
    walk->table.live = count_guarded(guardian);
    gcw__see_table(walk);
    gcw__see_part(walk, guardian, "guardian", NULL);
}

void
gcw__guardian_counted(void *guardian, gcw_statistics *out)
{
    out->guardians++;
    out->guarded += count_guarded(guardian);
}
