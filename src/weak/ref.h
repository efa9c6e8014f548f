/* ref.h: reading references, and the base of an object; for the other
 * files. */
#ifndef GCW__REF_H
#define GCW__REF_H

#include "weak/read.h"
#include "weak/shard.h"

/* The base of the object that p points into, or NULL. */
static inline void *
gcw__base(const void *p)
{
    return p == NULL ? NULL : GC_base((void *)(uintptr_t)p);
}

#endif
