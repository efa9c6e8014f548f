/* memory.h: collected memory for arrays, which may be large. */
#ifndef GCW__MEMORY_H
#define GCW__MEMORY_H

#include <gc.h>
#include <stddef.h>

enum { GCW__LARGE = 65536 };

/* Memory that is scanned for pointers.  Only pointers to the first page of a
 * large array keep it alive, so that a stray word seldom does: the caller
 * holds a pointer to its beginning while it is in use.  NULL: no memory. */
static inline void *
gcw__array_new(size_t size)
{
    return size < GCW__LARGE ? GC_MALLOC(size)
                             : GC_MALLOC_IGNORE_OFF_PAGE(size);
}

/* The same, but not scanned, and not zeroed. */
static inline void *
gcw__plain_array_new(size_t size)
{
    return size < GCW__LARGE ? GC_MALLOC_ATOMIC(size)
                             : GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(size);
}

#endif
