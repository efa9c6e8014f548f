/* see.h: looking at what is registered.
 *
 * Each kind of container shows its entries in these words (`see` of
 * gcw__container_ops), to the walkers in debug.  See walk.c there for why no
 * lock is held while a walker is called.
 */
#ifndef GCW__SEE_H
#define GCW__SEE_H

#include "weak/ref.h"

#include <stdbool.h>
#include <stdio.h>

struct gcw__container_ops;

/* Something with entries: an event, a registry, a pattern of a hub, a map, or a
 * guardian. */
struct gcw__table_seen {
    const struct gcw__container_ops *ops;    /* of the container */
    void *container;
    const char *name;                /* of the event or registry; or NULL */
    const void *part;                /* the pattern, or the map; else NULL */
    void (*print_part)(const void *part, FILE *out);
    size_t live;                     /* entries, with those whose deaths are
                                      * not yet noticed */
    size_t capacity, dead;           /* of a map or guardian, whose entries are
                                      * not shown: slots, and entries that have
                                      * died in them; else 0 */
    bool alone;                      /* no entries are shown, as those of a
                                      * queue, which are with all cleanups */
};

enum gcw__entry_kind {
    GCW__METHOD_SEEN, GCW__WEAK_METHOD_SEEN, GCW__FUNCTION_SEEN,
    GCW__CLEANUP_SEEN, GCW__DEATH_SEEN
};

/* An entry, as it was at some moment of the walk. */
struct gcw__entry_seen {
    enum gcw__entry_kind kind;
    void *handle;
    const char *name;                /* or NULL */
    const void *queue;               /* the one of a cleanup, and its name; NULL
                                      * for the default one */
    const char *queue_name;
    const char *state;               /* a word */
    uintptr_t code;
    bool has_age;                    /* false: the entry has no room for it */
    uint32_t age;                    /* collections since it was made */
    bool waits;                      /* it waits for the death of `target` */
    const void *target;              /* NULL: it is dead */
};

/* What a walk calls, with no lock held, but for `part`. */
struct gcw__walker {
    /* A table begins; its entries follow, in the order of their calls, but for
     * those of maps and guardians. */
    void (*table)(const struct gcw__table_seen *table, void *arg);
    void (*entry)(const struct gcw__entry_seen *entry, void *arg);
    /* An object of the library that is part of the table, or of its entry, if
     * `entry` is not NULL.  Perhaps under a lock.  The function may be
     * NULL. */
    void (*part)(const void *object, const char *what,
                 const struct gcw__table_seen *table,
                 const struct gcw__entry_seen *entry, void *arg);
};

/* A walk that is under way. */
struct gcw__walk {
    const struct gcw__walker *walker;
    void *arg;
    struct gcw__table_seen table;
};

/* How many entries are copied under a lock at a time. */
enum { GCW__BATCH = 64 };

/* Shows the table of the walk. */
void gcw__see_table(const struct gcw__walk *walk);

/* Shows an entry of the table. */
void gcw__see_entry(const struct gcw__walk *walk,
                    const struct gcw__entry_seen *entry);

/* Shows a part of the entry, or of the table if that is NULL.  Without effect
 * if `object` is NULL. */
void gcw__see_part(const struct gcw__walk *walk, const void *object,
                   const char *what, const struct gcw__entry_seen *entry);

/* Sets what an entry waits for: one object, either of two, or nothing. */
void gcw__see_target(struct gcw__entry_seen *seen, const gcw_ref *first,
                     const gcw_ref *second);

/* Sets how old an entry is. */
void gcw__see_age(struct gcw__entry_seen *seen, uint32_t born);

#endif
