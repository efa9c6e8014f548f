/* place.h: containers that wait for deaths: exit registries, events, hubs.
 * See place.c. */
#ifndef GCW__PLACE_H
#define GCW__PLACE_H

#include "ground/part.h"
#include "weak/shard.h"

#include <gcweak/debug.h>

struct gcw__range;
struct gcw__walk;
struct gcw__place_watch;

/* What the library knows of a container without holding it.  A collected
 * object, held by the watch on the container. */
struct gcw__place {
    struct gcw__watch watch;         /* on the container; unused if it stays */
    const struct gcw__place_ops *ops;
    void *staying;                   /* constant: a container that is never
                                      * dropped; else NULL */
    pthread_mutex_t *lock;           /* constant: the container's */
    struct gcw__place *prev, *next;  /* all places; under the place lock, as */
    uint64_t number;                 /* counts up; 0: not listed any more, or */
    uint64_t was;                    /* not yet; then what it was */
    struct gcw__place_watch *watches;   /* under the container's lock */
    struct gcw__place_watch *leaving;   /* the same: chained by `next` */
    bool closed;                     /* the same: disposed of; it takes no
                                      * more entries */
    void *held;                      /* the same: the container, for as long
                                      * as it must not die; or NULL */
    struct gcw__place *next_untidy;  /* its owner is who set `untidy` */
    atomic_bool untidy;
};

struct gcw__place_ops {
    const char *kind, *entries;      /* what it is called, and what is in it;
                                      * in the reports */
    bool runs;                       /* what is unloaded is run */
    /* The lock of the container. */
    pthread_mutex_t *(*lock)(const struct gcw__place *place);
    /* What the watch is on has died.  As `died` of a watch (shard.h); the
     * container is alive. */
    bool (*died)(void *container, struct gcw__place_watch *watch,
                 bool may_wait);
    /* The container has died, or was disposed of.  As `died` of a watch; or
     * NULL. */
    bool (*closed)(struct gcw__place *place, bool may_wait);
    /* The container, which is alive, is disposed of: takes out all entries.
     * The lock is held. */
    void (*empty)(void *container);
    /* A shared object goes.  True if something of it has run. */
    bool (*unloading)(void *container, const struct gcw__range *range);
    /* Does what gcw__place_untidy asked for.  May allocate; no lock held;
     * perhaps within an allocation. */
    void (*tidy)(void *container);
    /* Shows what is in it (see.h), and counts it.  No lock held. */
    void (*see)(struct gcw__walk *walk, void *container);
    void (*count)(void *container, gcw_statistics *out);
};

/* What an entry of a container leaves with a reference: the first member of a
 * collected object.  It must not hold the container, nor anything that might
 * lead to the target. */
struct gcw__place_watch {
    struct gcw__watch watch;
    struct gcw__place *place;        /* constant */
    struct gcw__place_watch *prev, *next;    /* in the place's list; under
                                              * the container's lock */
};

/* A place whose container is not yet known: the first member of an object of
 * that size.  NULL: no memory. */
void *gcw__place_new(const struct gcw__place_ops *ops, size_t size);

/* Makes the container known, weakly.  False with errno. */
bool gcw__place_open(struct gcw__place *place, void *container);

/* The same for the one that stays; while the library starts. */
void gcw__place_open_staying(struct gcw__place *place, void *container);

/* Before a container is disposed of, if one begins there: empties it, for
 * good.  No lock held. */
void gcw__place_dispose(void *base);

/* The container, if it is alive. */
void *gcw__place_container(const struct gcw__place *place);

/* What a watch is for: the container's own affair. */
enum gcw__role { GCW__FIRST, GCW__SECOND, GCW__SOURCE, GCW__ROLES };

/* Prepares a watch for what `ref` leads to. */
void gcw__place_watch_init(struct gcw__place_watch *watch,
                           struct gcw__place *place, gcw_ref *ref,
                           enum gcw__role role);

enum gcw__role gcw__place_watch_role(const struct gcw__place_watch *watch);

/* Puts the watch in its place's list, so that it goes with the container; and
 * takes it out again, if it is in.  The container's lock is held. */
void gcw__place_link(struct gcw__place_watch *watch);
void gcw__place_unlink(struct gcw__place_watch *watch);

/* The same; and asks `tidy` to take it off its reference, which cannot be done
 * under that lock.  Until then it may still be told of a death. */
void gcw__place_leave(struct gcw__place_watch *watch);

/* For tidy: takes those that leave off.  The container's lock is not held. */
void gcw__place_take_off(struct gcw__place *place);

/* Asks for `tidy`, soon, on whatever thread comes by.  Any lock may be held;
 * also within the sweep. */
void gcw__place_untidy(struct gcw__place *place);

/* Does all that was asked for.  No lock may be held. */
void gcw__places_tidy(void);

/* Walks the places of all containers, the newest first: the one after `place`,
 * or the first for NULL; NULL at the end.  No lock need be held. */
struct gcw__place *gcw__place_after(const struct gcw__place *place);

/* Ends what belongs to unloaded code: in registries, where that runs, true if
 * any did; or in all others. */
bool gcw__places_run_unloading(const struct gcw__range *range);

extern const struct gcw__part gcw__place_part;

#endif
