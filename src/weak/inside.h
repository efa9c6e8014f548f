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

/* A reference into the middle; or the head of an object's ring of them. */
struct gcw__inside {
    struct gcw__inside *prev, *next;
    uintptr_t base;
    uintptr_t target;        /* 0 in a head */
    void *seat;              /* of the reference; NULL in a head */
};

/* Adds a reference.  NULL: no memory. */
struct gcw__inside *gcw__inside_add(struct gcw__table *heads, uintptr_t base,
                                    uintptr_t target, void *seat);

/* Removes a reference.  Its memory is the caller's: a mark procedure may be
 * reading it (by-marks.c). */
void gcw__inside_remove(struct gcw__table *heads, struct gcw__inside *inside);

/* Frees what was removed: a list, through `next`.  Takes the collector's
 * lock. */
void gcw__insides_free(struct gcw__inside *first);

/* The seat of one of the references into the middle of the object, or NULL. */
void *gcw__inside_any(const struct gcw__table *heads, uintptr_t base);

#endif
