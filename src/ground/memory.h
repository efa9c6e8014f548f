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

/* --- Collected memory --- */

/* Memory that is scanned for pointers. */
static inline void *
gcw__new(size_t size)
{
    int before = errno;
    void *memory = GC_MALLOC(size);

    errno = before;
    return memory;
}

/* The same, but not scanned, and not zeroed. */
static inline void *
gcw__new_plain(size_t size)
{
    int before = errno;
    void *memory = GC_MALLOC_ATOMIC(size);

    errno = before;
    return memory;
}

/* Scanned, and there until it is freed. */
static inline void *
gcw__new_uncollectable(size_t size)
{
    int before = errno;
    void *memory = GC_MALLOC_UNCOLLECTABLE(size);

    errno = before;
    return memory;
}

enum { GCW__LARGE = 65536 };

/* For arrays, which may be large.  Only pointers to the first page of a large
 * one keep it alive, so that a stray word seldom does: the caller holds a
 * pointer to its beginning while it is in use. */
static inline void *
gcw__array_new(size_t size)
{
    int before = errno;
    void *memory = size < GCW__LARGE ? GC_MALLOC(size)
                                     : GC_MALLOC_IGNORE_OFF_PAGE(size);

    errno = before;
    return memory;
}

/* The same, but not scanned, and not zeroed. */
static inline void *
gcw__plain_array_new(size_t size)
{
    int before = errno;
    void *memory = size < GCW__LARGE ? GC_MALLOC_ATOMIC(size)
                                     : GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(size);

    errno = before;
    return memory;
}

/* --- Memory of the C library, which the collector does not look at --- */

/* clang takes it for granted that malloc and its like leave errno alone, and
 * would not put it back.  GCW__KEEP tells it that memory may have changed. */

static inline void *
gcw__malloc(size_t size)
{
    int before = errno;
    void *memory = malloc(size);

    GCW__KEEP(memory);
    errno = before;
    return memory;
}

static inline void *
gcw__calloc(size_t n, size_t size)
{
    int before = errno;
    void *memory = calloc(n, size);

    GCW__KEEP(memory);
    errno = before;
    return memory;
}

static inline void *
gcw__realloc(void *old, size_t size)
{
    int before = errno;
    void *memory = realloc(old, size);

    GCW__KEEP(memory);
    errno = before;
    return memory;
}

#endif
