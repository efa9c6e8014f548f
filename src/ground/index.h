/* index.h: the slots of an array by hash, the newest first.
 *
 * An index belongs to an array whose slots are numbered, and is made anew with
 * each array.  The slots with one hash are in a ring, whose head is in the
 * same memory.  So adding or removing a slot touches its neighbours only, and
 * allocates nothing; removing does not need the hash.  Several hashes may
 * share a ring, so the caller compares what it finds with what it looks for.
 *
 * Pointer-free collected memory, held by the owner of the array.  Not locked.
 */
#ifndef GCW__INDEX_H
#define GCW__INDEX_H

#include "ground/table.h"

#include <stddef.h>
#include <stdint.h>

/* How many slots an array may have, so that 32 bits number slots and heads. */
#define GCW__INDEX_SLOTS_MAX (UINT32_MAX / 4)

struct gcw__index {
    uint32_t heads;                  /* constant, a power of two */
    struct gcw__index_node {         /* the heads, then one for each slot */
        uint32_t prev, next;
    } nodes[];
};

/* Makes an empty index for so many slots.  NULL: no memory. */
struct gcw__index *gcw__index_new(size_t slots);

/* The same in memory from malloc, for when the collector may not run. */
struct gcw__index *gcw__index_new_early(size_t slots);

/* Removes all slots. */
void gcw__index_clear(struct gcw__index *index);

size_t gcw__index_bytes(const struct gcw__index *index, size_t slots);

static inline uint32_t
gcw__index_head(const struct gcw__index *index, uintptr_t hash)
{
    return gcw__mixed_below(hash, index->heads);
}

/* Adds a slot that is not in the index. */
static inline void
gcw__index_add(struct gcw__index *index, uintptr_t hash, uint32_t slot)
{
    struct gcw__index_node *nodes = index->nodes;
    uint32_t head = gcw__index_head(index, hash);
    uint32_t node = index->heads + slot;

    nodes[node] = (struct gcw__index_node){ head, nodes[head].next };
    nodes[nodes[head].next].prev = node;
    nodes[head].next = node;
}

/* Removes a slot that is in the index. */
static inline void
gcw__index_remove(struct gcw__index *index, uint32_t slot)
{
    struct gcw__index_node node = index->nodes[index->heads + slot];

    index->nodes[node.prev].next = node.next;
    index->nodes[node.next].prev = node.prev;
}

/* The next slot that may have the hash, or UINT32_MAX.  *at is gcw__index_head
 * of the hash for the first call, and then as the call before has left it. */
static inline uint32_t
gcw__index_next(const struct gcw__index *index, uint32_t *at)
{
    *at = index->nodes[*at].next;
    return *at < index->heads ? UINT32_MAX : *at - index->heads;
}

#endif
