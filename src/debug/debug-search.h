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
    GCW__ROOT_PROGRAM,               /* static data of a program that contains
                                      * the collector: of either */
    GCW__ROOT_STACK,
    GCW__ROOT_COLLECTOR              /* static data of the collector's */
};

/* An object of a chain, and where in it the pointer to the next object is; in
 * the last one, the target, where the caller's pointer leads.  If there is a
 * table (marks/weak-table.h), the object is what an entry of that lives by, the
 * next is what the entry holds, and `at` is where in the table. */
struct gcw__step {
    char *object;
    size_t size, at;
    char *table;                     /* or NULL */
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

/* What was found out. */
struct gcw__answer {
    struct gcw__chain chain;
    struct gcw__chain to_table;      /* one to the last table in `chain`; its
                                      * length is 0 if there is none */
    bool all_held;                   /* tables hold all that is in them, for the
                                      * engine has not heard of the collection
                                      * (marks/engine.h) */
};

/* Looks for a chain to where the hidden pointer leads.  Collects. */
enum gcw__found gcw__search(uintptr_t hidden, struct gcw__answer *out);

#endif
