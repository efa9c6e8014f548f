/* map.h: a hash table that is read without a lock.
 *
 * From hashes to items; several may share one, so who looks for an item walks
 * those with its hash and compares.  Readers take the table as it is; writers
 * hold a lock of their own.  An item is added to a place that was never used;
 * one that is removed leaves its place empty for good, until everything moves
 * to another table, which takes the place of the old one.  The collector frees
 * that when the last reader has left it.  Memory from the collected heap; the
 * items are held.
 */
#ifndef GCW__MAP_H
#define GCW__MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gcw__map_entry {
    uintptr_t hash;          /* constant once there is an item */
    void *_Atomic item;      /* NULL: none yet */
};

struct gcw__map_table {
    size_t mask;             /* constant */
    struct gcw__map_entry entries[];
};

struct gcw__map {
    struct gcw__map_table *_Atomic table;    /* NULL: nothing in it */
    size_t count, used;      /* items, and entries that hold or held one */
};

/* What an entry holds whose item was removed. */
extern char gcw__map_removed;

/* Walks the items with that hash: *at is 0 at first, then whatever it was
 * left at; NULL at the end. */
static inline void *
gcw__map_next(const struct gcw__map_table *table, uintptr_t hash, size_t *at)
{
    if (table == NULL)
        return NULL;
    for (;;) {
        const struct gcw__map_entry *e
            = &table->entries[(hash + (*at)++) & table->mask];
        void *item = atomic_load_explicit(&e->item, memory_order_acquire);

        if (item == NULL
            || (e->hash == hash && item != (void *)&gcw__map_removed))
            return item;
    }
}

/* The table to walk in. */
static inline const struct gcw__map_table *
gcw__map_table(const struct gcw__map *map)
{
    return atomic_load_explicit(&map->table, memory_order_acquire);
}

/* Memory for a map that has to move. */
struct gcw__map_spare {
    size_t capacity;         /* what is asked for */
    struct gcw__map_table *table;    /* what there is */
};

/* Sees to it that one more fits in.  False if it needs memory, which
 * gcw__map_fill gets when the lock is not held.  Lock held. */
bool gcw__map_ready(struct gcw__map *map, struct gcw__map_spare *spare);

/* Sees to it that not too much of it is empty; as gcw__map_ready. */
bool gcw__map_tidied(struct gcw__map *map, struct gcw__map_spare *spare);

/* False: no memory. */
bool gcw__map_fill(struct gcw__map_spare *spare);

/* The map is ready.  Lock held. */
void gcw__map_add(struct gcw__map *map, uintptr_t hash, void *item);

/* Removes the item, which is in it.  Lock held. */
void gcw__map_remove(struct gcw__map *map, uintptr_t hash, void *item);

/* Calls with each item; the call may remove it.  Lock held. */
void gcw__map_each(struct gcw__map *map, void (*call)(void *item, void *arg),
                   void *arg);

/* How much memory there is.  Lock held. */
size_t gcw__map_bytes(const struct gcw__map *map);

#endif
