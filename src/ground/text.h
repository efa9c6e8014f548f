/* text.h: strings. */
#ifndef GCW__TEXT_H
#define GCW__TEXT_H

#include "ground/memory.h"
#include "ground/table.h"

#include <gc.h>
#include <string.h>

/* A copy in pointer-free collected memory.  NULL: no memory. */
static inline char *
gcw__copy(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = gcw__new_plain(size);

    return copy == NULL ? NULL : memcpy(copy, string, size);
}

static inline uintptr_t
gcw__hash(const char *string)
{
    uintptr_t hash = 0;

    for (; *string != '\0'; string++)
        hash = gcw__mix(hash + (unsigned char)*string + 1);
    return hash;
}

#endif
