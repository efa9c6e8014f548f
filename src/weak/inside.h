/* inside.h: the references that lead into the middle of an object.
 *
 * They are found by the object, because gcw_dispose ends all references into
 * an object; each is also found by its target, as all references are.  An
 * object may have any number of them.  All is under the lock of the shard
 * whose table it is.  Memory from malloc, which no collection scans.
 */
#ifndef GCW__INSIDE_H
#define GCW__INSIDE_H

#include "ground/table.h"

#include <gcweak/ref.h>

/* A reference into the middle; or the head of an object's ring of them. */
struct gcw__inside {
    struct gcw__inside *prev, *next;
    uintptr_t base;
    uintptr_t target;        /* 0 in a head */
    gcw_ref *ref;            /* kept alive by its slot */
};

/* Adds a reference.  NULL: no memory. */
struct gcw__inside *gcw__inside_add(struct gcw__table *heads, uintptr_t base,
                                    uintptr_t target, gcw_ref *ref);

/* Removes a reference, and frees its memory. */
void gcw__inside_remove(struct gcw__table *heads, struct gcw__inside *inside);

/* One of the references into the middle of the object, or NULL. */
gcw_ref *gcw__inside_any(const struct gcw__table *heads, uintptr_t base);

#endif
