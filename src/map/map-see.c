/* map-see.c: showing and counting maps (see.h). */
#include <config.h>
#include "map/maps.h"

#include "weak/see.h"

#include <gcweak/debug.h>

void
gcw__map_see(struct gcw__walk *walk, void *map)
{
    gcw_map *m = map;

    walk->table.name = NULL;
    walk->table.live = gcw_map_count(m);
    gcw__see_table(walk);
    gcw__see_part(walk, m, "map", NULL);
    gcw__see_part(walk, atomic_load(&m->table), "table", NULL);
}

void
gcw__map_counted(void *map, gcw_statistics *out)
{
    out->maps++;
    out->map_entries += gcw_map_count(map);
}
