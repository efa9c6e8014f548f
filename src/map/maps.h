/* maps.h: what weak maps are made of.  See maps.c. */
#ifndef GCW__MAPS_H
#define GCW__MAPS_H

#include "ground/part.h"
#include "marks/engine.h"
#include "weak/container.h"

#include <gcweak/map.h>

/* Under the lock of its container, but for reading the table. */
struct gcw_map {
    struct gcw__map_table *_Atomic table;
    struct gcw__container *container;    /* constant */
    enum gcw__sort sort;             /* constant */
    size_t used;                     /* slots that have a key */
    size_t removed, again;           /* how often a value was taken away, and
                                      * put back where there was none */
};

/* A new map, empty.  NULL with errno. */
gcw_map *gcw__map_of_sort(enum gcw__sort sort);

pthread_mutex_t *gcw__map_lock(const struct gcw__container *container);

static inline struct gcw__map_table *
gcw__map_table(const gcw_map *m)
{
    return atomic_load_explicit(&m->table, memory_order_acquire);
}

/* The value that the key has, or 0.  No lock held. */
uintptr_t gcw__map_look_up(const gcw_map *m, uintptr_t key);

/* The logarithm of the smallest capacity. */
enum { GCW__MAP_SMALLEST = 4 };

/* Memory for a map that has to move. */
struct gcw__map_room {
    unsigned logarithm;              /* what is asked for */
    struct gcw__map_table *table;    /* what there is */
};

/* How many entries it has.  Lock held. */
size_t gcw__map_live(const gcw_map *m);

/* Sees to it that one more key fits in; or that not too much of it is empty.
 * False if it needs memory, which gcw__map_fill_room gets when the lock is not
 * held.  Lock held. */
bool gcw__map_has_room(gcw_map *m, struct gcw__map_room *room);
bool gcw__map_is_sparse(const gcw_map *m);
bool gcw__map_is_tidy(gcw_map *m, struct gcw__map_room *room);

/* False: no memory. */
bool gcw__map_fill_room(const gcw_map *m, struct gcw__map_room *room);

/* Adds a key that it does not have, or may have several times; it has room.
 * Lock held. */
void gcw__map_insert(gcw_map *m, uintptr_t key, uintptr_t value);

/* Lets it shrink, if it is sparse.  No lock held. */
void gcw__map_tidy(void *map);

/* What the container calls (map-see.c). */
void gcw__map_see(struct gcw__walk *walk, void *map);
void gcw__map_counted(void *map, gcw_statistics *out);

/* Called while the library starts. */
void gcw__maps_install(void);

extern const struct gcw__part gcw__map_part;

#endif
