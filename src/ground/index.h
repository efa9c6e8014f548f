/* index.h: the slots of an array by hash, the newest first.
 *
 * An array whose slots have numbers has an index beside it, made anew with
 * each array.  The slots with one hash are in a ring, whose head is in the
 * same memory: so adding one, and taking one out by its number, touch its
 * neighbours only, and need neither the hash again nor memory.  Several hashes
 * may share a ring, so who looks for something compares.
 *
 * Pointer-free collected memory, held by whoever has the array.  Not locked.
 */
#ifndef GCW__INDEX_H
#define GCW__INDEX_H

#include <stddef.h>
#include <stdint.h>

/* What an array may have at most, so that slots and heads have numbers. */
#define GCW__INDEX_SLOTS_MAX (UINT32_MAX / 4)

struct gcw__index {
    uint32_t heads;                  /* constant, a power of two */
    struct gcw__index_node {         /* the heads, then one for each slot */
        uint32_t prev, next;
    } nodes[];
};

/* An empty one for so many slots.  NULL: no memory. */
struct gcw__index *gcw__index_new(size_t slots);

/* Takes all out. */
void gcw__index_clear(struct gcw__index *index);

size_t gcw__index_bytes(const struct gcw__index *index, size_t slots);

static inline uint32_t
gcw__index_head(const struct gcw__index *index, uintptr_t hash)
{
    return (uint32_t)(hash >> (sizeof hash * 4)) & (index->heads - 1);
}

/* Adds a slot that is not in. */
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

/* Takes out a slot that is in. */
static inline void
gcw__index_remove(struct gcw__index *index, uint32_t slot)
{
    struct gcw__index_node node = index->nodes[index->heads + slot];

    index->nodes[node.prev].next = node.next;
    index->nodes[node.next].prev = node.prev;
}

/* Walks the slots that may have the hash: *at is gcw__index_head at first, then
 * whatever it was left at.  UINT32_MAX at the end. */
static inline uint32_t
gcw__index_next(const struct gcw__index *index, uint32_t *at)
{
    *at = index->nodes[*at].next;
    return *at < index->heads ? UINT32_MAX : *at - index->heads;
}

#endif
