/* marked.h: whether an object was marked.  World stopped, or the collector's lock
 * held. */
#ifndef GCW__MARKED_H
#define GCW__MARKED_H

#include "collector/objects.h"

#include <gc/gc_mark.h>

/* Whether the object was marked that the pointer leads into.  What the program has
 * freed is dead. */
static inline bool
gcw__is_marked(uintptr_t pointer)
{
    void *base = GC_base((void *)pointer);

    return base != NULL && GC_is_marked(base);
}

/* The same for the beginning of an object, where many are asked for one after the
 * other that lie together, with the same *other, which is 0 at first.  If another
 * one in the collector's block is an object, the block is in use. */
static inline bool
gcw__is_marked_beside(uintptr_t object, uintptr_t *other)
{
    if (((object ^ *other) & gcw__block_mask) != 0) {
        if (GC_base((void *)object) != (void *)object)
            return gcw__is_marked(object);
        *other = object;
    }
    return GC_is_marked((void *)object);
}

#endif
