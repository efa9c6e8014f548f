/* copy.h: a copy of a string, in pointer-free collected memory. */
#ifndef GCW__COPY_H
#define GCW__COPY_H

#include <gc.h>
#include <string.h>

/* NULL: no memory. */
static inline char *
gcw__copy(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = GC_MALLOC_ATOMIC(size);

    return copy == NULL ? NULL : memcpy(copy, string, size);
}

#endif
