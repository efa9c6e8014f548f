/* ref.h: reading references, and their statistics; for the other files. */
#ifndef GCW__REF_H
#define GCW__REF_H

#include "read.h"
#include "shard.h"

/* gcw_ref_new without the check of its arguments: base is where the object
 * starts.  gcw__enter has been called.  NULL with errno. */
gcw_ref *gcw__ref_of(void *base, const void *target, bool is_long);

/* The base of the object that p points into, or NULL. */
static inline void *
gcw__base(const void *p)
{
    return p == NULL ? NULL : GC_base((void *)(uintptr_t)p);
}

#endif
