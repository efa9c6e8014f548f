/* map-see.c: showing and counting maps (see.h). */
#include <config.h>
#include "map/maps.h"

#include "weak/see.h"

#include <gcweak/debug.h>

/* What is not said by the name of the container's kind. */
static const char *const sort_names[GCW__SORTS] = {
    [GCW__KEYS] = "weak keys",
    [GCW__VALUES] = "weak values",
    [GCW__BOTH] = "weak keys and values",
    [GCW__STRONG] = "weak keys and strong values",
};

static void
print_sort(const void *map, FILE *out)
{
    fputs(sort_names[((const gcw_map *)map)->sort], out);
}

void
gcw__map_see(struct gcw__walk *walk, void *map)
{
    gcw_map *m = map;
    struct gcw__map_table *t = gcw__map_table(m);

    walk->table.part = sort_names[m->sort] == NULL ? NULL : m;
    walk->table.print_part = print_sort;
    walk->table.live = gcw__map_count(m);
    walk->table.capacity = gcw__map_table_mask(t) + 1;
    walk->table.dead = atomic_load(&t->dead);
    gcw__see_table(walk);
    gcw__see_part(walk, m, m->container->ops->kind, NULL);
    gcw__see_part(walk, t, "table", NULL);
}

void
gcw__map_counted(void *map, gcw_statistics *out)
{
    out->maps++;
    out->map_entries += gcw__map_count(map);
}
