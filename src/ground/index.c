/* index.c: the slots of an array by hash, the newest first. */
#include <config.h>
#include "ground/index.h"

#include "ground/memory.h"

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

struct gcw__index *
gcw__index_new(size_t slots)
{
    struct gcw__index *index;
    uint32_t heads = SMALLEST;

    while (heads < slots)
        heads *= 2;
    index = gcw__plain_array_new(size_of(heads, slots));
    if (index == NULL)
        return NULL;
    index->heads = heads;
    gcw__index_clear(index);
    return index;
}
