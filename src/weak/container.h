/* container.h: objects of the library with entries that wait for deaths: exit
 * registries, events, hubs.  See container.c. */
#ifndef GCW__CONTAINER_H
#define GCW__CONTAINER_H

#include "ground/part.h"
#include "weak/shard.h"

#include <gcweak/debug.h>

struct gcw__range;
struct gcw__walk;
struct gcw__entry_watch;

/* What the library knows of such an object without holding it.  In collected
 * memory, held by the watch on the object. */
struct gcw__container {
    struct gcw__watch watch;         /* on the object; unused if it stays */
    const struct gcw__container_ops *ops;
    void *staying;                   /* constant: an object that is never
                                      * dropped; else NULL */
    pthread_mutex_t *lock;           /* constant: the object's */
    /* Under the lock of the list of all containers. */
    struct gcw__container *prev, *next;
    uint64_t number;                 /* counts up; 0: it is not in the list */
    uint64_t was;                    /* the number that it had in it */
    /* Under the object's lock. */
    struct gcw__entry_watch *watches;
    struct gcw__entry_watch *leaving;    /* chained by `next` */
    bool closed;                     /* disposed of: it takes no more entries */
    void *held;                      /* the object, for as long as it must not
                                      * die; or NULL */
    /* Whoever has set `untidy` owns the other, until it is on the stack. */
    struct gcw__container *next_untidy;
    atomic_bool untidy;
};

struct gcw__container_ops {
    const char *kind, *entries;      /* what it is called, and what is in it;
                                      * in the reports */
    bool runs;                       /* what is unloaded is run */
    /* The lock of the object. */
    pthread_mutex_t *(*lock)(const struct gcw__container *container);
    /* What the watch is on has died.  As `died` of a watch (shard.h); the
     * object is alive. */
    bool (*died)(void *object, struct gcw__entry_watch *watch, bool may_wait);
    /* The object has died, or was disposed of.  As `died` of a watch; or
     * NULL. */
    bool (*closed)(struct gcw__container *container, bool may_wait);
    /* The object, which is alive, is disposed of: takes out all entries.  The
     * lock is held. */
    void (*empty)(void *object);
    /* A shared object goes.  True if something of it has run. */
    bool (*unloading)(void *object, const struct gcw__range *range);
    /* Does what gcw__container_untidy asked for.  May allocate; no lock held;
     * perhaps within an allocation. */
    void (*tidy)(void *object);
    /* Shows what is in it (see.h), and counts it.  No lock held. */
    void (*see)(struct gcw__walk *walk, void *object);
    void (*count)(void *object, gcw_statistics *out);
};

/* What an entry leaves with the reference of its target: the first member of
 * something in collected memory.  It must not hold the object that has the
 * entry, nor anything that might lead to the target. */
struct gcw__entry_watch {
    struct gcw__watch watch;
    struct gcw__container *container;        /* constant */
    struct gcw__entry_watch *prev, *next;    /* in its list; under the object's
                                              * lock */
};

/* A container whose object is not yet known: the first member of something of
 * that size.  NULL: no memory. */
void *gcw__container_new(const struct gcw__container_ops *ops, size_t size);

/* Makes the object known, weakly.  False with errno. */
bool gcw__container_open(struct gcw__container *container, void *object);

/* The same for the one that stays; while the library starts. */
void gcw__container_open_staying(struct gcw__container *container,
                                 void *object);

/* Before an object with a container is disposed of, if one begins there:
 * empties it, for good.  No lock held. */
void gcw__container_dispose(void *base);

/* The object, if it is alive. */
void *gcw__container_object(const struct gcw__container *container);

/* What a watch is for: the affair of whoever has the entry. */
enum gcw__role { GCW__FIRST, GCW__SECOND, GCW__SOURCE, GCW__ROLES };

/* Prepares a watch for what `ref` leads to. */
void gcw__entry_watch_init(struct gcw__entry_watch *watch,
                           struct gcw__container *container, gcw_ref *ref,
                           enum gcw__role role);

enum gcw__role gcw__entry_watch_role(const struct gcw__entry_watch *watch);

/* Puts the watch in the container's list, so that it goes with the object; and
 * takes it out again, if it is in.  The object's lock is held. */
void gcw__container_link(struct gcw__entry_watch *watch);
void gcw__container_unlink(struct gcw__entry_watch *watch);

/* Takes it out, and asks `tidy` to take it off its reference, which cannot be
 * done under that lock.  Until then `died` may still be called with it. */
void gcw__container_leave(struct gcw__entry_watch *watch);

/* For tidy: takes those that leave off.  The object's lock is not held. */
void gcw__container_take_off(struct gcw__container *container);

/* Asks for `tidy`, soon, on whatever thread comes by.  Any lock may be held;
 * also within the sweep. */
void gcw__container_untidy(struct gcw__container *container);

/* Does all that was asked for.  No lock may be held. */
void gcw__containers_tidy(void);

/* Walks all containers, the newest first: the one after `this`, or the first
 * for NULL; NULL at the end.  No lock need be held. */
struct gcw__container *
gcw__container_after(const struct gcw__container *this);

/* Ends what belongs to unloaded code: in registries, where that runs, true if
 * any did; or in all others. */
bool gcw__containers_run_unloading(const struct gcw__range *range);

extern const struct gcw__part gcw__container_part;

#endif
