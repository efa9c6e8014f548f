/* table.h: a hash table from addresses, or hashes, to items; several items may
 * have the same address.
 *
 * Open addressing with linear probing; removal closes the gap, so there are no
 * tombstones.  Addresses that lie close together have their entries close
 * together, because they are used together: allocated one after the other, and
 * found dead one after the other.
 *
 * The memory of a table comes from calloc, or from its owner, who may keep it
 * in the collected heap; not from both.  The addresses are hidden, so that a
 * table in the collected heap holds its items, but not the objects at the
 * addresses.  Not locked.
 */
#ifndef GCW__TABLE_H
#define GCW__TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gcw__entry {
    uintptr_t hidden;        /* the address, all bits inverted */
    void *item;              /* NULL: free */
};

struct gcw__table {
    struct gcw__entry *entries;
    size_t capacity;         /* a power of two, or 0 at the start */
    size_t count;
};

/* All words, divided by the golden ratio: an odd number, by whose multiples
 * neighbours lie far apart. */
#if UINTPTR_MAX > UINT32_MAX
# define GCW__SPREAD ((uintptr_t)0x9e3779b97f4a7c15u)
#else
# define GCW__SPREAD ((uintptr_t)0x9e3779b9u)
#endif

/* A bijection of machine words that spreads them over all bits. */
static inline uintptr_t
gcw__mix(uintptr_t word)
{
    word *= GCW__SPREAD;
    return word ^ (word >> (sizeof word * 4));
}

/* A number below n, a power of two from 2 on, by such a word: by its highest
 * bits, which all others have a part in. */
static inline uint32_t
gcw__mixed_below(uintptr_t mixed, uint32_t n)
{
    return (uint32_t)(mixed >> (sizeof mixed * 8 - 31)
                      >> __builtin_clz(n));
}

/* In bytes. */
enum { GCW__NEIGHBOURHOOD = 256 };

/* Where the walk for an address begins.  Neighbourhoods are spread over the
 * table; the addresses within one stay in order.  A neighbourhood begins at a
 * multiple of its size, so two of them overlap wholly or not at all. */
static inline size_t
gcw__table_place(uintptr_t address)
{
    return gcw__mix(address / GCW__NEIGHBOURHOOD) << 4 | (address >> 4 & 15);
}

/* The capacity that a table of that capacity and that many items should have to
 * take one more item: its own if it has room. */
size_t gcw__grown(size_t capacity, size_t count);

/* The same when items were removed: its own, or a smaller one. */
size_t gcw__shrunk(size_t capacity, size_t count);

/* For tables in memory from calloc: makes room for one more item.  False: no
 * memory. */
bool gcw__table_make_room(struct gcw__table *t);

/* For tables in memory from calloc: gives memory back when items were removed.
 * If there is no memory for a smaller table, it stays as it is. */
void gcw__table_trim(struct gcw__table *t);

/* Moves all items to zeroed memory of `capacity` entries, which has room for
 * them; returns the memory used until now. */
struct gcw__entry *gcw__table_move(struct gcw__table *t,
                                   struct gcw__entry *entries,
                                   size_t capacity);

/* Inserts the item, for which there is room (gcw__grown). */
void gcw__table_insert(struct gcw__table *t, uintptr_t address, void *item);

/* For tables in memory from calloc: removes all items, and sees to it that
 * there is room for `count`, no more than there were. */
void gcw__table_clear(struct gcw__table *t, size_t count);

/* Removes the item, which is in the table. */
void gcw__table_remove(struct gcw__table *t, uintptr_t address, void *item);

/* The next item of an address, or NULL.  *at is gcw__table_place(address) for
 * the first call, and then as the call before has left it. */
static inline void *
gcw__table_next(const struct gcw__table *t, uintptr_t address, size_t *at)
{
    const struct gcw__entry *e;

    if (t->capacity == 0)
        return NULL;
    for (;;) {
        e = &t->entries[(*at)++ & (t->capacity - 1)];
        if (e->item == NULL || e->hidden == ~address)
            return e->item;
    }
}

/* Inserts where such a walk has ended, if the table has not changed since, and
 * has room. */
static inline void
gcw__table_insert_at(struct gcw__table *t, size_t at, uintptr_t address,
                     void *item)
{
    t->entries[(at - 1) & (t->capacity - 1)]
        = (struct gcw__entry){ ~address, item };
    t->count++;
}

#endif
