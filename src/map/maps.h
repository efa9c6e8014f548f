/* maps.h: what weak maps are made of, and sets, which are maps too.  See
 * maps.c. */
#ifndef GCW__MAPS_H
#define GCW__MAPS_H

#include "ground/part.h"
#include "marks/engine.h"
#include "weak/container.h"

#include <gcweak/map.h>

/* How entries are found, where it is not by their keys: a key may have several
 * values, no two of which are equal. */
struct gcw__map_by {
    /* Where the walk for it begins. */
    size_t (*place)(uintptr_t value);
    bool (*equal)(uintptr_t a, uintptr_t b);
};

/* Of one table. */
struct gcw__map_counts {
    size_t used;                     /* slots that have a key */
    size_t removed, again;           /* how often a value was taken away, and
                                      * put back where there was none */
};

/* Under the lock of its container, but for reading the table. */
struct gcw_map {
    struct gcw__map_table *_Atomic table;
    struct gcw__container *container;    /* constant, as */
    const struct gcw__map_by *by;    /* NULL: by keys */
    enum gcw__sort sort;
    struct gcw__map_counts counts;
};

/* Makes one: NULL with errno.  Its ops are one of those below. */
gcw_map *gcw__map_make(enum gcw__sort sort, const struct gcw__map_by *by,
                       const struct gcw__container_ops *ops);

extern const struct gcw__container_ops gcw__set_ops, gcw__method_set_ops,
                                       gcw__intern_ops;

pthread_mutex_t *gcw__map_lock(const struct gcw__container *container);

static inline struct gcw__map_table *
gcw__map_table(const gcw_map *m)
{
    return atomic_load_explicit(&m->table, memory_order_acquire);
}

/* The value that the key has, or 0; where entries are found by their values, the
 * one that is equal to that.  No lock held. */
uintptr_t gcw__map_look_up(const gcw_map *m, uintptr_t key, uintptr_t equal);

/* The logarithm of the smallest capacity. */
enum { GCW__MAP_SMALLEST = 4 };

/* What a step on a map may lack (ground/spare.h): memory, if the map has to move;
 * or that the engine catches up. */
struct gcw__map_room {
    gcw_map *map;
    unsigned logarithm;              /* what is asked for */
    struct gcw__map_table *table;    /* what there is */
    bool missed;                     /* a collection, so what was read has no
                                      * meaning */
};

/* How many entries it has.  Lock held. */
size_t gcw__map_live(const gcw_map *m);

/* The same; takes the lock. */
size_t gcw__map_count(gcw_map *m);

/* gcw_map_count and gcw_map_first, for the public function of that name, whose
 * words for the map are those. */
size_t gcw__map_entries(gcw_map *m, const char *function, const char *words);
void gcw__map_begin(gcw_map *m, gcw_map_iter *i, const char *function,
                    const char *words);

/* Sees to it that one more key fits in; or that not too much of it is empty.
 * False if something is missing.  Lock held. */
bool gcw__map_has_room(struct gcw__map_room *room);
bool gcw__map_is_sparse(const gcw_map *m);
bool gcw__map_is_tidy(struct gcw__map_room *room);

/* Gets what is missing: for gcw__with_spare, of something whose first member is
 * a gcw__map_room.  False: no memory. */
bool gcw__map_fill_room(void *room);

/* A change of one entry: what to do, and what it was. */
struct gcw__map_change {
    struct gcw__map_room room;       /* first member; the map */
    const char *function;            /* the public one that makes it */
    uintptr_t key, value;
    uintptr_t equal;                 /* what entries that are found by values
                                      * are compared with */
    uintptr_t expected;              /* what is to be replaced; of no meaning
                                      * to the others */
    bool checks_key;                 /* whether it can be held weakly; a key
                                      * that is there can be */
    bool interior, asks;             /* as in the table */
    enum { GCW__PUT, GCW__DEFAULT, GCW__REPLACE, GCW__REMOVE } what;
    uintptr_t was;                   /* what was there; 0: nothing */
    bool sparse;                     /* the map is, now */
};

/* Makes it.  What it names is valid.  False with errno.  No lock held. */
bool gcw__map_change(struct gcw__map_change *c);

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
