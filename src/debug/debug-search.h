/* debug-search.h: a chain of objects from a root to a target.  See
 * debug-search.c. */
#ifndef GCW__DEBUG_SEARCH_H
#define GCW__DEBUG_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a chain begins. */
enum gcw__root {
    GCW__ROOT_UNCOLLECTABLE,         /* at its first object itself */
    GCW__ROOT_STATIC,
    GCW__ROOT_STACK,
    GCW__ROOT_COLLECTOR              /* static data of the collector's */
};

/* An object of a chain, and where in it the next one is; of the last one, the
 * target, where the caller's pointer leads. */
struct gcw__step {
    char *object;
    size_t size, at;
};

/* No more steps of a long chain are remembered than these, at its beginning
 * and at its end. */
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
    GCW__NOT_FOUND,                  /* though the collector found one */
    GCW__NOT_MARKED,                 /* nor did the collector */
    GCW__NOT_KNOWN,                  /* whether that did */
    GCW__NO_MEMORY
};

/* Looks for one to where `hidden` leads with its bits turned.  Collects. */
enum gcw__found gcw__search(uintptr_t hidden, struct gcw__chain *out);

#endif
