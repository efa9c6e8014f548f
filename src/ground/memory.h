/* memory.h: collected memory for arrays, which may be large. */
#ifndef GCW__MEMORY_H
#define GCW__MEMORY_H

#include <gc.h>
#include <stddef.h>

enum { GCW__LARGE = 65536 };

/* Memory that is scanned for pointers.  Of a large array only pointers to its
 * first page count, so that a stray word does not keep all of it: the caller
 * holds its beginning while it uses it.  NULL: no memory. */
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
