/* memory.h: memory, collected and other. */
#ifndef GCW__MEMORY_H
#define GCW__MEMORY_H

#include "ground/compiler.h"

#include <errno.h>
#include <gc.h>
#include <stddef.h>
#include <stdlib.h>

/* All leave errno as it is, whether there is memory or not: a function of the
 * library that succeeds does, and neither the collector nor malloc promises
 * that.  NULL: no memory. */

/* Puts back the errno from before a call that gave the memory, and gives it on.
 * clang takes it for granted that malloc and its like leave errno alone, and would
 * leave this out: GCW__KEEP tells it that memory may have changed. */
static inline void *
gcw__put_back_errno(int before, void *memory)
{
    GCW__KEEP(memory);
    errno = before;
    return memory;
}

/* --- Collected memory --- */

/* Memory that is scanned for pointers. */
static inline void *
gcw__new(size_t size)
{
    int before = errno;

    return gcw__put_back_errno(before, GC_MALLOC(size));
}

/* The same, but not scanned, and not zeroed. */
static inline void *
gcw__new_plain(size_t size)
{
    int before = errno;

    return gcw__put_back_errno(before, GC_MALLOC_ATOMIC(size));
}

/* Scanned, and there until it is freed. */
static inline void *
gcw__new_uncollectable(size_t size)
{
    int before = errno;

    return gcw__put_back_errno(before, GC_MALLOC_UNCOLLECTABLE(size));
}

enum { GCW__LARGE = 65536 };

/* For arrays, which may be large.  Only pointers to the first page of a large
 * one keep it alive, so that a stray word seldom does: the caller holds a
 * pointer to its beginning while it is in use. */
static inline void *
gcw__array_new(size_t size)
{
    int before = errno;

    if (size < GCW__LARGE)
        return gcw__new(size);
    return gcw__put_back_errno(before, GC_MALLOC_IGNORE_OFF_PAGE(size));
}

/* The same, but not scanned, and not zeroed. */
static inline void *
gcw__plain_array_new(size_t size)
{
    int before = errno;

    if (size < GCW__LARGE)
        return gcw__new_plain(size);
    return gcw__put_back_errno(before,
                               GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(size));
}

/* --- Memory of the C library, which the collector does not look at --- */

static inline void *
gcw__malloc(size_t size)
{
    int before = errno;

    return gcw__put_back_errno(before, malloc(size));
}

static inline void *
gcw__calloc(size_t n, size_t size)
{
    int before = errno;

    return gcw__put_back_errno(before, calloc(n, size));
}

static inline void *
gcw__realloc(void *old, size_t size)
{
    int before = errno;

    return gcw__put_back_errno(before, realloc(old, size));
}

#endif
