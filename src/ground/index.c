/* index.c: the slots of an array by hash, the newest first. */
#include <config.h>
#include "ground/index.h"

#include "ground/memory.h"

#include <stdlib.h>

enum { SMALLEST = 8 };

static size_t
size_of(size_t heads, size_t slots)
{
    return sizeof(struct gcw__index)
           + (heads + slots) * sizeof(struct gcw__index_node);
}

size_t
gcw__index_bytes(const struct gcw__index *index, size_t slots)
{
    return size_of(index->heads, slots);
}

void
gcw__index_clear(struct gcw__index *index)
{
    for (uint32_t head = 0; head < index->heads; head++)
        index->nodes[head] = (struct gcw__index_node){ head, head };
}

static uint32_t
heads_for(size_t slots)
{
    uint32_t heads = SMALLEST;

    while (heads < slots)
        heads *= 2;
    return heads;
}

/* Makes the index, unless there is no memory. */
static struct gcw__index *
index_in(void *memory, uint32_t heads)
{
    struct gcw__index *index = memory;

    if (index == NULL)
        return NULL;
    index->heads = heads;
    gcw__index_clear(index);
    return index;
}

struct gcw__index *
gcw__index_new(size_t slots)
{
    uint32_t heads = heads_for(slots);

    return index_in(gcw__plain_array_new(size_of(heads, slots)), heads);
}

struct gcw__index *
gcw__index_new_early(size_t slots)
{
    uint32_t heads = heads_for(slots);

    return index_in(gcw__malloc(size_of(heads, slots)), heads);
}
