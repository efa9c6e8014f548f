/* see.h: looking at what is registered.
 *
 * Each kind of container shows its own entries (gcw__container_ops), in these
 * words; who looks is in debug.  See walk.c there for how it is done without a
 * lock while anybody is called.
 */
#ifndef GCW__SEE_H
#define GCW__SEE_H

#include "weak/ref.h"

#include <stdbool.h>
#include <stdio.h>

struct gcw__container_ops;

/* What has entries: an event, a registry, or a pattern of a hub. */
struct gcw__table_seen {
    const struct gcw__container_ops *ops;    /* of the container */
    void *container;
    const char *name;                /* of the event or registry; or NULL */
    const void *part;                /* which part of it, if it has several */
    void (*print_part)(const void *part, FILE *out);
    size_t live;                     /* entries, dead ones included that were
                                      * not yet noticed */
};

enum gcw__entry_kind {
    GCW__METHOD_SEEN, GCW__WEAK_METHOD_SEEN, GCW__FUNCTION_SEEN,
    GCW__CLEANUP_SEEN, GCW__DEATH_SEEN
};

/* One entry, as it was at some moment of the walk. */
struct gcw__entry_seen {
    enum gcw__entry_kind kind;
    void *handle;
    const char *name;                /* or NULL */
    const char *state;               /* a word */
    uintptr_t code;
    bool has_age;                    /* not if there is no room for it */
    uint32_t age;                    /* collections since it was made */
    bool waits;                      /* for the death of */
    const void *target;              /* NULL: that is dead */
};

/* Called with no lock held, but for `part`. */
struct gcw__walker {
    /* A table begins; its entries follow, in the order of their calls. */
    void (*table)(const struct gcw__table_seen *table, void *arg);
    void (*entry)(const struct gcw__entry_seen *entry, void *arg);
    /* An object of the library that is part of a table, or of an entry of it,
     * as the last call had it; NULL if that does not matter.  `entry` is NULL
     * if it is the table's.  Perhaps under a lock. */
    void (*part)(const void *object, const char *what,
                 const struct gcw__table_seen *table,
                 const struct gcw__entry_seen *entry, void *arg);
};

/* A walk that goes on. */
struct gcw__walk {
    const struct gcw__walker *walker;
    void *arg;
    struct gcw__table_seen table;
};

/* What is copied under a lock at a time. */
enum { GCW__BATCH = 64 };

/* Shows the table; an entry; a part of either.  What is NULL is no part. */
void gcw__see_table(const struct gcw__walk *walk);
void gcw__see_entry(const struct gcw__walk *walk,
                    const struct gcw__entry_seen *entry);
void gcw__see_part(const struct gcw__walk *walk, const void *object,
                   const char *what, const struct gcw__entry_seen *entry);

/* What an entry waits for, which may be two objects, or nothing; and how old it
 * is. */
void gcw__see_target(struct gcw__entry_seen *seen, const gcw_ref *first,
                     const gcw_ref *second);
void gcw__see_age(struct gcw__entry_seen *seen, uint32_t born);

#endif
