/* inside.h: the references that lead into the middle of an object.
 *
 * Found by the object, because what is disposed of must lose them all; each
 * by itself is found by its target, as others are.  Any number an object.
 * Under the lock of the shard whose table it is.  Memory from malloc, which no
 * collection looks at.
 */
#ifndef GCW__INSIDE_H
#define GCW__INSIDE_H

#include "ground/table.h"

#include <gcweak/ref.h>

/* One such reference; or the head of the ring of those of an object. */
struct gcw__inside {
    struct gcw__inside *prev, *next;
    uintptr_t base;
    uintptr_t target;        /* 0 in a head */
    gcw_ref *ref;            /* kept alive by its slot */
};

/* NULL: no memory. */
struct gcw__inside *gcw__inside_add(struct gcw__table *heads, uintptr_t base,
                                    uintptr_t target, gcw_ref *ref);
void gcw__inside_remove(struct gcw__table *heads, struct gcw__inside *inside);

/* One of those that lead into the object, or NULL. */
gcw_ref *gcw__inside_any(const struct gcw__table *heads, uintptr_t base);

#endif
