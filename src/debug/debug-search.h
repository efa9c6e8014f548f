/* debug-search.h: a chain of objects from a root to a target.  See
 * debug-search.c. */
#ifndef GCW__DEBUG_SEARCH_H
#define GCW__DEBUG_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a chain begins. */
enum gcw__root {
    GCW__ROOT_UNCOLLECTABLE,         /* its first object is the root */
    GCW__ROOT_STATIC,
    GCW__ROOT_STACK,
    GCW__ROOT_COLLECTOR              /* static data of the collector's */
};

/* An object of a chain, and where in it the pointer to the next object is; in
 * the last one, the target, where the caller's pointer leads. */
struct gcw__step {
    char *object;
    size_t size, at;
};

/* How many steps of a long chain are remembered, at each end. */
enum { GCW__STEPS = 24 };

struct gcw__chain {
    enum gcw__root root;
    uintptr_t word;                  /* the root's address */
    size_t length;
    struct gcw__step first[GCW__STEPS];
    struct gcw__step last[GCW__STEPS];   /* if it is longer; the very last one
                                          * at the end */
};

enum gcw__found {
    GCW__FOUND,
    GCW__NOT_FOUND,                  /* though the collector has marked it */
    GCW__NOT_MARKED,                 /* nor has the collector marked it */
    GCW__NOT_KNOWN,                  /* and marks mean nothing */
    GCW__NO_MEMORY
};

/* Looks for a chain to where the hidden pointer leads.  Collects. */
enum gcw__found gcw__search(uintptr_t hidden, struct gcw__chain *out);

#endif
