/* map-lock.c: the locks of maps: a few that all share. */
#include <config.h>
#include "map/maps.h"

#include "ground/lock.h"

enum { LOCKS = 16 };

static pthread_mutex_t map_locks[LOCKS] = {
#define FOUR PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, \
             PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER
    FOUR, FOUR, FOUR, FOUR
#undef FOUR
};

pthread_mutex_t *
gcw__map_lock(const struct gcw__container *container)
{
    return &map_locks[gcw__mixed_below(gcw__mix((uintptr_t)container), LOCKS)];
}

static void
maps_prepare(void)
{
    for (size_t i = 0; i < LOCKS; i++)
        gcw__lock(&map_locks[i], true);
}

static void
maps_done(void)
{
    for (size_t i = 0; i < LOCKS; i++)
        gcw__unlock(&map_locks[i]);
}

const struct gcw__part gcw__map_part = {
    "map", maps_prepare, maps_done, maps_done, NULL
};
