/* objects.h: what the collector knows of an object. */
#ifndef GCW__OBJECTS_H
#define GCW__OBJECTS_H

#include "ground/compiler.h"

#include <gc.h>
#include <stdbool.h>
#include <stddef.h>

/* Memory comes from the collector in granules of 16 bytes.  It adds a byte to
 * what is asked for, so that a pointer just behind an object holds it.  Nobody
 * has such a pointer to what is internal here: asking for one byte less than
 * a multiple of 16 gets all of them.  The compiler, which takes the size for
 * the bound, must not see it. */
static inline size_t
gcw__whole_granules(size_t size)
{
    size--;
    __asm__("" : "+r"(size));
    return size;
}

/* What sort of object begins there. */
bool gcw__is_uncollectable(const void *base);
bool gcw__is_pointer_free(const void *base);

/* Whether the pointer, where the library keeps it, in the heap, holds what it
 * leads to.  Not if the collector was told to follow none into the middle of
 * objects, and this one leads there, into one that may die; but for a tag in
 * the lowest bits, and for what its debugging allocators give, which it is told
 * to follow. */
bool gcw__is_followed(const void *pointer);

static inline bool
gcw__holdable(const void *data)
{
    return GCW__LIKELY(GC_get_all_interior_pointers())
           || gcw__is_followed(data);
}

/* Finds the kinds of objects out; once, when the library starts.  False: no
 * memory. */
bool gcw__objects_start(void);

#endif
