/* map.c: a hash table that is read without a lock.  See map.h. */
#include <config.h>
#include "ground/map.h"

#include "ground/memory.h"

#include <gc.h>

enum { SMALLEST = 8 };

char gcw__map_removed;

static struct gcw__map_array *
table_of(const struct gcw__map *map)
{
    return atomic_load_explicit(&map->table, memory_order_relaxed);
}

static size_t
capacity_of(const struct gcw__map *map)
{
    return table_of(map) == NULL ? 0 : table_of(map)->mask + 1;
}

static size_t
table_size(size_t capacity)
{
    return sizeof(struct gcw__map_array)
           + capacity * sizeof(struct gcw__map_entry);
}

size_t
gcw__map_bytes(const struct gcw__map *map)
{
    return capacity_of(map) == 0 ? 0 : table_size(capacity_of(map));
}

bool
gcw__map_fill(struct gcw__map_spare *spare)
{
    spare->table = gcw__new(table_size(spare->capacity));
    if (spare->table != NULL)
        spare->table->mask = spare->capacity - 1;
    return spare->table != NULL;
}

static bool
is_item(const void *item)
{
    return item != NULL && item != (void *)&gcw__map_removed;
}

/* Readers see the entry whole: first the hash, then the item. */
static void
insert(struct gcw__map_array *table, uintptr_t hash, void *item)
{
    struct gcw__map_entry *e = &table->entries[hash & table->mask];

    for (size_t i = 1; atomic_load(&e->item) != NULL; i++)
        e = &table->entries[(hash + i) & table->mask];
    e->hash = hash;
    atomic_store_explicit(&e->item, item, memory_order_release);
}

static void
move_map(struct gcw__map *map, struct gcw__map_array *new)
{
    struct gcw__map_array *old = table_of(map);

    for (size_t i = 0; old != NULL && i <= old->mask; i++) {
        void *item = atomic_load(&old->entries[i].item);

        if (is_item(item))
            insert(new, old->entries[i].hash, item);
    }
    map->used = map->count;
    atomic_store_explicit(&map->table, new, memory_order_release);
}

/* The capacity of a new table for so many items: a quarter full at most, so
 * that it may become half full; more than an eighth, but for the smallest. */
static size_t
right_capacity(size_t count)
{
    size_t capacity = SMALLEST;

    while (count > capacity / 4)
        capacity *= 2;
    return capacity;
}

static bool
use_spare_table(struct gcw__map *map, size_t count,
                struct gcw__map_spare *spare)
{
    size_t capacity = right_capacity(count);

    if (spare->table == NULL || spare->capacity < capacity) {
        spare->capacity = capacity;
        return false;
    }
    move_map(map, spare->table);
    spare->table = NULL;
    return true;
}

bool
gcw__map_ready(struct gcw__map *map, struct gcw__map_spare *spare)
{
    return map->used + 1 <= capacity_of(map) / 2
           || use_spare_table(map, map->count + 1, spare);
}

bool
gcw__map_tidied(struct gcw__map *map, struct gcw__map_spare *spare)
{
    return map->used <= 4 * map->count + SMALLEST
           || use_spare_table(map, map->count, spare);
}

void
gcw__map_add(struct gcw__map *map, uintptr_t hash, void *item)
{
    insert(table_of(map), hash, item);
    map->count++;
    map->used++;
}

static void
clear_entry(struct gcw__map *map, struct gcw__map_entry *e)
{
    atomic_store_explicit(&e->item, &gcw__map_removed, memory_order_release);
    if (--map->count == 0) {
        map->used = 0;
        atomic_store(&map->table, NULL);
    }
}

void
gcw__map_remove(struct gcw__map *map, uintptr_t hash, void *item)
{
    struct gcw__map_array *table = table_of(map);
    size_t i = hash & table->mask;

    while (atomic_load(&table->entries[i].item) != item)
        i = (i + 1) & table->mask;
    clear_entry(map, &table->entries[i]);
}

void
gcw__map_each(struct gcw__map *map, void (*call)(void *item, void *arg),
              void *arg)
{
    struct gcw__map_array *table = table_of(map);

    for (size_t i = 0; table != NULL && i <= table->mask; i++) {
        void *item = atomic_load(&table->entries[i].item);

        if (is_item(item))
            call(item, arg);
    }
}
