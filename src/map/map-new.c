/* map-new.c: making maps, and what is done to one as a whole.
 *
 * A map has a container (container.h), though no watches: so it is tidied after
 * collections, shown, counted, and emptied when it is disposed of.
 */
#include <config.h>
#include "map/guardians.h"

#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/spare.h"
#include "ground/trace.h"
#include "weak/enter.h"
#include "weak/method.h"

#include <errno.h>

static void
map_empty(void *map)
{
    gcw_map *m = map;
    struct gcw__map_table *t = gcw__map_table(m);
    size_t capacity = gcw__map_table_mask(t) + 1;

    for (size_t i = 0; i < capacity; i++)
        m->counts.removed += atomic_exchange(&t->entries[i].value, 0) != 0;
}

static int
try_to_tidy_weak_map(void *room)
{
    return gcw__map_is_tidy(room) ? 0 : GCW__MISSING;
}

/* What could not be done is tried again after the next collection. */
void
gcw__map_tidy(void *map)
{
    gcw_map *m = map;
    struct gcw__map_room room = { .map = m };

    if (gcw__with_spare(gcw__map_lock(m->container), try_to_tidy_weak_map,
                        gcw__map_fill_room, &room) != 0)
        gcw__container_untidy(m->container);
}

#define OPS(kind, entries)                                                  \
    {                                                                       \
        kind, entries, false, gcw__map_lock, NULL, NULL, map_empty, NULL,   \
        gcw__map_tidy, gcw__map_see, gcw__map_counted                       \
    }

static const struct gcw__container_ops map_ops = OPS("map", "entries");
const struct gcw__container_ops gcw__set_ops = OPS("set", "members");
const struct gcw__container_ops gcw__method_set_ops
    = OPS("method set", "methods");
const struct gcw__container_ops gcw__intern_ops
    = OPS("intern table", "objects");
#undef OPS

static void
entries_died(void *container)
{
    gcw__container_untidy(container);
}

void
gcw__maps_install(void)
{
    static const struct gcw__engine_listener listener = {
        entries_died, gcw__guardian_fell, gcw__method_lives_also
    };

    gcw__engine_listen(&listener);
}

/* Making one. */

/* What the program calls a kind is a sort to the engine. */
static const enum gcw__sort sorts[] = {
    [GCW_WEAK_KEYS] = GCW__KEYS,
    [GCW_WEAK_VALUES] = GCW__VALUES,
    [GCW_WEAK_BOTH] = GCW__BOTH,
    [GCW_STRONG_VALUES] = GCW__STRONG,
};

gcw_map *
gcw__map_make(enum gcw__sort sort, const struct gcw__map_by *by,
              const struct gcw__container_ops *ops)
{
    gcw_map *m = gcw__new(sizeof *m);
    struct gcw__map_table *t;

    if (m == NULL)
        return gcw__fail_null(ENOMEM);
    m->sort = sort;
    m->by = by;
    m->container = gcw__container_new(ops, sizeof *m->container);
    if (m->container == NULL)
        return gcw__fail_null(ENOMEM);
    t = gcw__map_table_new(sort, GCW__MAP_SMALLEST, m->container);
    if (t == NULL)
        return NULL;
    atomic_store(&m->table, t);
    return gcw__container_open(m->container, m) ? m : NULL;
}

gcw_map *
gcw_map_new(gcw_map_kind kind)
{
    gcw_map *m;

    if (gcw__enter() != 0)
        return NULL;
    if ((unsigned)kind >= sizeof sorts / sizeof sorts[0])
        return gcw__refuse_null(EINVAL, "number kind", (int)kind);
    m = gcw__map_make(sorts[kind], NULL, &map_ops);
    if (m != NULL)
        GCW__TRACE2(map__create, m, (int)kind);
    return m;
}
