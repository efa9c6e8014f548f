/* map-see.c: showing and counting maps (see.h). */
#include <config.h>
#include "map/maps.h"

#include "ground/lock.h"
#include "weak/see.h"

#include <gcweak/debug.h>

static size_t
count_entries(gcw_map *m)
{
    size_t n;

    gcw__lock(gcw__map_lock(m->container), true);
    n = gcw__map_live(m);
    gcw__unlock(gcw__map_lock(m->container));
    return n;
}

void
gcw__map_see(struct gcw__walk *walk, void *map)
{
    gcw_map *m = map;

    walk->table.name = NULL;
    walk->table.live = count_entries(m);
    gcw__see_table(walk);
    gcw__see_part(walk, m, m->container->ops->kind, NULL);
    gcw__see_part(walk, atomic_load(&m->table), "table", NULL);
}

void
gcw__map_counted(void *map, gcw_statistics *out)
{
    out->maps++;
    out->map_entries += count_entries(map);
}
