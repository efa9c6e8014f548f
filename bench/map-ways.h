/* map-ways.h: the ways to keep a value for a key, in C.
 *
 *     plain_way   a hash table that holds its keys and values, for one thread
 *     refs_way    the same, with a weak reference to the key beside the value:
 *                 what one would build from gcweak without its maps
 *     gcw_way     a weak map
 *
 * A loop over one of them is inline, so that it is what a user's code would be.
 */
#ifndef MAP_WAYS_H
#define MAP_WAYS_H

#include "work.h"

#include <gcweak.h>

#define INLINE static inline __attribute__((always_inline, unused))

struct map_way {
    void *(*open)(void);
    void *(*get)(void *map, void *key);
    void (*put)(void *map, void *key, void *value);
    void *(*setdefault)(void *map, void *key, void *value);
    void (*remove)(void *map, void *key);
};

/* --- A hash table --------------------------------------------------------
 * Open addressing with linear probing, at most three quarters full; plain.c.
 * Each is a call, as it is with a library's. */

void *plain_open(void);
void *plain_get(void *table, void *key);
void plain_put(void *table, void *key, void *value);
void *plain_setdefault(void *table, void *key, void *value);
void plain_remove(void *table, void *key);

static const struct map_way plain_way = {
    plain_open, plain_get, plain_put, plain_setdefault, plain_remove
};

/* --- The same, with references ------------------------------------------- */

struct ref_value {
    gcw_ref *ref;
    void *value;
};

INLINE void *
hidden(const void *key)
{
    return (void *)GC_HIDE_POINTER(key);
}

/* The key's, if it is the one that was put and not another at the address of
 * one that died. */
INLINE struct ref_value *
refs_find(void *map, void *key)
{
    struct ref_value *v = plain_get(map, hidden(key));

    return v != NULL && gcw_ref_get(v->ref) == key ? v : NULL;
}

INLINE void *
refs_get(void *map, void *key)
{
    struct ref_value *v = refs_find(map, key);

    return v == NULL ? NULL : v->value;
}

INLINE void
refs_put(void *map, void *key, void *value)
{
    struct ref_value *v = refs_find(map, key);

    if (v == NULL) {
        v = must(GC_MALLOC(sizeof *v));
        v->ref = must(gcw_ref_new(key));
        plain_put(map, hidden(key), v);
    }
    v->value = value;
}

INLINE void *
refs_setdefault(void *map, void *key, void *value)
{
    void *there = refs_get(map, key);

    if (there == NULL)
        refs_put(map, key, value);
    return there == NULL ? value : there;
}

INLINE void
refs_remove(void *map, void *key)
{
    plain_remove(map, hidden(key));
}

static const struct map_way refs_way = {
    plain_open, refs_get, refs_put, refs_setdefault, refs_remove
};

/* --- A weak map ---------------------------------------------------------- */

INLINE void *
gcw_way_open(void)
{
    return must(gcw_map_new(GCW_WEAK_KEYS));
}

INLINE void *
gcw_way_get(void *map, void *key)
{
    return gcw_map_get(map, key);
}

INLINE void
gcw_way_put(void *map, void *key, void *value)
{
    if (gcw_map_put(map, key, value) != 0)
        fail("gcw_map_put", "failed");
}

INLINE void *
gcw_way_setdefault(void *map, void *key, void *value)
{
    return gcw_map_setdefault(map, key, value);
}

INLINE void
gcw_way_remove(void *map, void *key)
{
    gcw_map_remove(map, key);
}

static const struct map_way gcw_way = {
    gcw_way_open, gcw_way_get, gcw_way_put, gcw_way_setdefault, gcw_way_remove
};

#endif
