/* objects.h: what the collector knows of an object. */
#ifndef GCW__OBJECTS_H
#define GCW__OBJECTS_H

#include "ground/compiler.h"

#include <gc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The size to ask for to get whole granules of 16 bytes, in which the
 * collector hands out memory.  It adds a byte to each size, so that a pointer
 * just behind an object holds the object.  There are no such pointers to our
 * internal objects, so one byte less than a multiple of 16 will do.  The size
 * is hidden from the compiler, which would take it for the bound. */
static inline size_t
gcw__whole_granules(size_t size)
{
    size--;
    __asm__("" : "+r"(size));
    return size;
}

/* Whether the object that begins at base is uncollectable. */
bool gcw__is_uncollectable(const void *base);

/* Whether the object that begins at base is pointer-free. */
bool gcw__is_pointer_free(const void *base);

/* Whether the pointer holds its object when the library keeps it in the heap,
 * if the collector follows no pointers from there into the middle of objects.
 * If the object may die, the pointer must lead to its beginning, but for a tag
 * in the lowest bits, or behind the header of the debugging allocators: these
 * offsets are registered with the collector. */
bool gcw__is_followed(const void *pointer);

/* Whether the pointers of the collector's debugging allocators lead so many
 * bytes into their objects.  False where it does not tell. */
bool gcw__is_debug_offset(size_t at);

/* Whether the pointer holds its object when the library keeps it. */
static inline bool
gcw__holdable(const void *data)
{
    return GCW__LIKELY(GC_get_all_interior_pointers())
           || gcw__is_followed(data);
}

/* What tells one of the collector's blocks, or of parts of such, from another in an
 * address. */
extern uintptr_t gcw__block_mask;

/* Finds out the collector's kinds of objects, and how large its blocks are; called
 * when the library starts.  False: no memory. */
bool gcw__objects_start(void);

#endif
