/* weak-table.h: tables whose entries live as long as their keys: how they lie in
 * memory.
 *
 * A table is an object of a kind of our own (engine.c), which the collector
 * does not look into.  An entry is two words that may be pointers; which of
 * them is asked whether the entry lives, and which is held for it, the sort of
 * the table says:
 *
 *                        it lives as long as      the table then holds
 *     GCW__KEYS          its key                  its value
 *     GCW__VALUES        its value                its key
 *     GCW__BOTH          both                     nothing
 *     GCW__STRONG        its key                  its value, even if it is dead
 *     GCW__INTERNED      its value                nothing: the key is a number
 *     GCW__MEMBERS       its key                  nothing: the value is a mark
 *     GCW__GUARDED       for ever                 its value; the key is waited
 *                                                 for, see below
 *
 * A key never leaves its slot while the table is in use: an entry that is
 * removed or has died has the value 0, and its slot serves the same key again.
 * So an entry that is read without a lock is never another key's.
 *
 * In a table of GCW__GUARDED an entry falls when its key dies: the engine says so
 * to the owner of the table, holds the value, and lets it lead to the key.  A
 * key that is odd is no key but the owner's own: of an entry that has fallen, or
 * is free.
 *
 * All is read by the engine while the world is stopped, at any instruction of
 * whoever writes: an entry is there once both words are, the key last.  The
 * engine sees all that was written until then (weak/read.h).
 */
#ifndef GCW__WEAK_TABLE_H
#define GCW__WEAK_TABLE_H

#include "ground/table.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gcw__sort {
    GCW__KEYS, GCW__VALUES, GCW__BOTH, GCW__STRONG, GCW__INTERNED,
    GCW__GUARDED, GCW__MEMBERS,
    GCW__SORTS,
    GCW__HOLDER = GCW__SORTS         /* no table: see engine.h */
};

struct gcw__weak_entry {
    _Atomic uintptr_t key;           /* 0: it was never used */
    _Atomic uintptr_t value;         /* 0: there is no entry */
};

/* The head of all. */
struct gcw__weak_table {
    /* The collector's own word while the object is free; then the number in
     * the registry, twice, and 1 if it is registered.  The engine's. */
    _Atomic uintptr_t number;
    /* What the table is, in a way that says so: see gcw__weak_shape.  0 until
     * all else is set up; the collector clears it in free objects. */
    _Atomic uintptr_t shape;
};

/* A table of one entry. */
struct gcw__single_table {
    struct gcw__weak_table head;
    struct gcw__weak_entry entry;
};

/* One of many. */
struct gcw__map_table {
    struct gcw__weak_table head;
    _Atomic size_t dead;             /* entries that the engine took away */
    _Atomic bool interior;           /* some are of pointers into the middle of
                                      * objects, or lie where a look-up by the
                                      * key does not find them; once true, stays
                                      * true, as */
    _Atomic bool asks;               /* some also live by what their value says
                                      * (gcw__engine_listen) */
    void *owner;                     /* constant: held by the table; what is to
                                      * hear of that */
    /* Of guarded entries; see kill.c. */
    _Atomic size_t added;            /* how often one was filled */
    size_t indexed;                  /* of these, how often before the index was
                                      * made */
    struct gcw__map_table *next;     /* the next in the index */
    /* None in two lines of the cache. */
    _Alignas(2 * sizeof(uintptr_t)) struct gcw__weak_entry entries[];
};

static inline uintptr_t
gcw__weak_load(const _Atomic uintptr_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* A guarded entry lives on after it has fallen; it has such a key then. */
static inline bool
gcw__has_fallen(uintptr_t key)
{
    return key & 1;
}

/* The sort in the lowest 3 bits, the logarithm of the capacity in the next 6,
 * a mark above them. */
#define GCW__WEAK_MARK ((uintptr_t)0x6377656b00000000u | 0x6b657700u)
#define GCW__WEAK_BITS ((uintptr_t)0x1ff)

static inline uintptr_t
gcw__weak_shape(enum gcw__sort sort, unsigned logarithm)
{
    return (GCW__WEAK_MARK & ~GCW__WEAK_BITS) | logarithm << 3 | sort;
}

static inline bool
gcw__weak_is_table(uintptr_t shape)
{
    return (shape & ~GCW__WEAK_BITS) == (GCW__WEAK_MARK & ~GCW__WEAK_BITS);
}

static inline enum gcw__sort
gcw__weak_sort(uintptr_t shape)
{
    return (enum gcw__sort)(shape & 7);
}

static inline size_t
gcw__weak_capacity(uintptr_t shape)
{
    return (size_t)1 << (shape >> 3 & 63);
}

/* A table of one has a head without the rest. */
static inline struct gcw__weak_entry *
gcw__weak_entries(struct gcw__weak_table *t, uintptr_t shape)
{
    return gcw__weak_capacity(shape) == 1
        ? &((struct gcw__single_table *)t)->entry
        : ((struct gcw__map_table *)t)->entries;
}

/* The next entry of a key, or NULL.  *at is gcw__table_place(key) for the first
 * call (ground/table.h says why there), and then as the call before has left
 * it.  The walk ends at an entry that was never used. */
static inline struct gcw__weak_entry *
gcw__map_table_next(struct gcw__map_table *t, size_t mask, uintptr_t key,
                    size_t *at)
{
    for (;;) {
        struct gcw__weak_entry *e = &t->entries[(*at)++ & mask];
        uintptr_t other = atomic_load_explicit(&e->key, memory_order_acquire);

        if (other == key)
            return e;
        if (other == 0)
            return NULL;
    }
}

static inline struct gcw__weak_entry *
gcw__map_table_find(struct gcw__map_table *t, size_t mask, uintptr_t key)
{
    size_t at = gcw__table_place(key);

    return gcw__map_table_next(t, mask, key, &at);
}

static inline size_t
gcw__map_table_mask(const struct gcw__map_table *t)
{
    return gcw__weak_capacity(atomic_load_explicit(&t->head.shape,
                                                   memory_order_relaxed)) - 1;
}

#endif
