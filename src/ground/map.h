/* map.h: a hash table that is read without a lock.
 *
 * A map leads from hashes to items.  Several items may have the same hash, so
 * a reader walks the items with a hash, and compares.  Readers use the table
 * that they find; writers hold a lock of the map's owner.  An item goes into
 * an entry that was never used.  The entry of a removed item is not used
 * again, until all items move to a new table; the collector frees the old one
 * when the last reader has left it.  Memory from the collected heap, which
 * holds the items.
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

struct gcw__map_array {
    size_t mask;             /* constant */
    struct gcw__map_entry entries[];
};

struct gcw__map {
    struct gcw__map_array *_Atomic table;    /* NULL: nothing in it */
    size_t count, used;      /* items, and entries that hold or held one */
};

/* What an entry holds whose item was removed. */
extern char gcw__map_removed;

/* The next item with that hash, or NULL.  *at is 0 for the first call, and
 * then as the call before has left it. */
static inline void *
gcw__map_next(const struct gcw__map_array *table, uintptr_t hash, size_t *at)
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

/* The table for a reader to walk. */
static inline const struct gcw__map_array *
gcw__map_array(const struct gcw__map *map)
{
    return atomic_load_explicit(&map->table, memory_order_acquire);
}

/* Memory for a map that has to move. */
struct gcw__map_spare {
    size_t capacity;         /* of the table that is needed, then of: */
    struct gcw__map_array *table;    /* NULL: none yet */
};

/* Makes room for one more item.  False if that needs memory, which
 * gcw__map_fill gets when the lock is not held.  Lock held. */
bool gcw__map_ready(struct gcw__map *map, struct gcw__map_spare *spare);

/* Moves the items to another table if too many entries of this one hold none.
 * Result and lock as for gcw__map_ready. */
bool gcw__map_tidied(struct gcw__map *map, struct gcw__map_spare *spare);

/* Gets the memory that is needed.  False: no memory.  Lock not held. */
bool gcw__map_fill(struct gcw__map_spare *spare);

/* Adds the item; the map is ready (gcw__map_ready).  Lock held. */
void gcw__map_add(struct gcw__map *map, uintptr_t hash, void *item);

/* Removes the item, which is in the map.  Lock held. */
void gcw__map_remove(struct gcw__map *map, uintptr_t hash, void *item);

/* Calls call(item, arg) for each item; the call may remove it.  Lock held. */
void gcw__map_each(struct gcw__map *map, void (*call)(void *item, void *arg),
                   void *arg);

/* How much memory the table takes.  Lock held. */
size_t gcw__map_bytes(const struct gcw__map *map);

#endif
