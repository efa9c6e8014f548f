/* walk.h: looking at everything that is registered.  See walk.c. */
#ifndef GCW__WALK_H
#define GCW__WALK_H

#include "deliver/cleanup.h"
#include "event/event.h"
#include "event/hub.h"
#include "exit/exit.h"

/* What has entries: an event, a registry, or a pattern of a hub. */
struct gcw__table_seen {
    enum gcw__place_kind kind;
    void *container;
    const char *name;                /* of the event or registry; or NULL */
    const struct gcw__pattern *pattern;    /* of a hub; else NULL */
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

/* Walks events, hubs and registries. */
void gcw__walk_places(const struct gcw__walker *walker, void *arg);

/* Walks the cleanups that have still to run; `table` is not called. */
void gcw__walk_cleanups(const struct gcw__walker *walker, void *arg);

/* Calls with the list of each pattern of the hub.  No lock held, nor taken. */
void gcw__walk_patterns(gcw_hub *h,
                        void (*call)(struct gcw__pattern *pattern, void *arg),
                        void *arg);

#endif
