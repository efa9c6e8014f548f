/* marked.h: whether an object was marked.  World stopped, or the collector's lock
 * held. */
#ifndef GCW__MARKED_H
#define GCW__MARKED_H

#include "ground/table.h"

#include <gc.h>
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
 * other that lie together, with the same *other, which is 0 at first.  A
 * neighbourhood is within a block of the collector's: if one of those in it is an
 * object, the block is in use. */
static inline bool
gcw__is_marked_beside(uintptr_t object, uintptr_t *other)
{
    if ((object ^ *other) / GCW__NEIGHBOURHOOD != 0) {
        if (GC_base((void *)object) != (void *)object)
            return gcw__is_marked(object);
        *other = object;
    }
    return GC_is_marked((void *)object);
}

#endif
