/* table.h: a hash table of pointers; several may share a hash.
 *
 * Open addressing with linear probing; removal closes the gap, so there are no
 * tombstones.  The table does not allocate: its owner hands it memory, because
 * one owner keeps it outside the collected heap and another in it.  Not
 * locked.
 */
#ifndef GCW__TABLE_H
#define GCW__TABLE_H

#include <stddef.h>
#include <stdint.h>

struct gcw__entry {
    uintptr_t hash;
    void *item;              /* NULL: free */
};

struct gcw__table {
    struct gcw__entry *entries;
    size_t capacity;         /* a power of two, or 0 at the start */
    size_t count;
};

/* A bijection of machine words that spreads addresses over all bits: so equal
 * hashes mean equal words. */
static inline uintptr_t
gcw__mix(uintptr_t word)
{
    word *= (uintptr_t)0x9e3779b97f4a7c15u | 1;
    return word ^ (word >> (sizeof word * 4));
}

/* The capacity that the table should have to take one more item: its own if
 * it has room. */
size_t gcw__table_grown(const struct gcw__table *t);

/* The capacity that it should have now that items have gone: its own, or a
 * smaller one. */
size_t gcw__table_shrunk(const struct gcw__table *t);

/* Moves everything to zeroed memory of `capacity` entries, which has room for
 * it; returns the memory used until now. */
struct gcw__entry *gcw__table_move(struct gcw__table *t,
                                   struct gcw__entry *entries,
                                   size_t capacity);

/* Needs room: see gcw__table_grown. */
void gcw__table_insert(struct gcw__table *t, uintptr_t hash, void *item);

/* Removes the item, which is in the table. */
void gcw__table_remove(struct gcw__table *t, uintptr_t hash, void *item);

/* Walks the items of a hash: starts with *at = hash, then goes on from where
 * it was; NULL at the end. */
static inline void *
gcw__table_next(const struct gcw__table *t, uintptr_t hash, size_t *at)
{
    const struct gcw__entry *e;

    if (t->capacity == 0)
        return NULL;
    for (;;) {
        e = &t->entries[(*at)++ & (t->capacity - 1)];
        if (e->item == NULL || e->hash == hash)
            return e->item;
    }
}

#endif
