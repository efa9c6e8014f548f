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
 * memory; the object's reference holds it, as a watch. */
struct gcw__container {
    struct gcw__watch watch;         /* on the object; unused if `staying` */
    const struct gcw__container_ops *ops;
    const char *name;                /* constant: the object's, or NULL */
    void *staying;                   /* constant: the object, if it is never
                                      * dropped; else NULL */
    pthread_mutex_t *lock;           /* constant: the object's */
    /* Under the lock of the list of all containers. */
    struct gcw__container *prev, *next;
    uint64_t number;                 /* counts up; 0: it is not in the list */
    uint64_t was;                    /* the number that it had in the list */
    /* Under the object's lock. */
    struct gcw__entry_watch *watches;
    struct gcw__entry_watch *leaving;    /* watches to be taken off their
                                      * references, chained by `next` */
    size_t entries;                  /* how many callbacks are in the object */
    size_t posted;                   /* how many emissions wait in it */
    /* The same of those whose watches were taken off because the object has died;
     * under the sweep lock. */
    size_t watched, alive;
    bool closed;                     /* disposed of: takes no more entries */
    _Atomic uint16_t muted;          /* how often the object was muted, whose
                                      * entries are not called while it is;
                                      * read without the lock, too */
    /* NULL, or the object: then the container, which the object's reference
     * holds, keeps it alive.  A hub sets it while it has posted emissions that
     * a polled descriptor announces. */
    void *held;
    /* The thread that has set `untidy` owns `next_untidy`, until the container
     * is on the stack. */
    struct gcw__container *next_untidy;
    atomic_bool untidy;
};

struct gcw__container_ops {
    const char *kind, *entries;      /* words for the object and its entries,
                                      * in the reports */
    bool runs;                       /* unloading runs entries, as at exit */
    /* The lock of the object. */
    pthread_mutex_t *(*lock)(const struct gcw__container *container);
    /* The target of an entry's watch has died.  As `died` of a watch
     * (shard.h); the object is alive.  NULL if there are no such watches. */
    bool (*died)(void *object, struct gcw__entry_watch *watch, bool may_wait);
    /* The object has died, or was disposed of.  As `died` of a watch; or
     * NULL. */
    bool (*closed)(struct gcw__container *container, bool may_wait);
    /* Takes out all entries: the object, which is alive, is disposed of.  The
     * lock is held. */
    void (*empty)(void *object);
    /* Takes out or runs the entries whose code lies in the range, which is to
     * be unloaded.  True if there were any to run.  NULL if there is no code in
     * it. */
    bool (*unloading)(void *object, const struct gcw__range *range);
    /* Does the work for which gcw__container_untidy was called.  May allocate;
     * no lock held; perhaps within an allocation. */
    void (*tidy)(void *object);
    /* Shows the entries (see.h).  No lock held. */
    void (*see)(struct gcw__walk *walk, void *object);
    /* Counts the entries.  No lock held. */
    void (*count)(void *object, gcw_statistics *out);
};

/* An entry's watch on its target: the first member of something in collected
 * memory.  The target's reference holds it; so it must hold neither the object
 * that has the entry, nor anything that might lead to the target. */
struct gcw__entry_watch {
    struct gcw__watch watch;
    struct gcw__container *container;        /* constant */
    struct gcw__entry_watch *prev, *next;    /* in its list; under the object's
                                              * lock */
};

/* Allocates a container, as the first member of something of that size; the
 * rest is zero.  Its object is given later, to gcw__container_open.  NULL: no
 * memory. */
void *gcw__container_new(const struct gcw__container_ops *ops, size_t size);

/* Gives the container its object, which it knows weakly, and puts it in the
 * list of all containers.  False with errno. */
bool gcw__container_open(struct gcw__container *container, void *object);

/* The same for the object that is never dropped, while the library starts. */
void gcw__container_open_staying(struct gcw__container *container,
                                 void *object);

/* Empties the object that begins at base, for good, if it has a container:
 * called before the object is disposed of.  No lock held. */
void gcw__container_dispose(void *base);

/* The object, or NULL if it is dead. */
void *gcw__container_object(const struct gcw__container *container);

/* Which of an entry's watches it is; each kind of container has its own use
 * for that. */
enum gcw__role { GCW__FIRST, GCW__SECOND, GCW__SOURCE, GCW__ROLES };

/* Prepares a watch for what `ref` leads to. */
void gcw__entry_watch_init(struct gcw__entry_watch *watch,
                           struct gcw__container *container, gcw_ref *ref,
                           enum gcw__role role);

enum gcw__role gcw__entry_watch_role(const struct gcw__entry_watch *watch);

/* The entry's watch that this is, or NULL: it is something else's. */
const struct gcw__entry_watch *
gcw__as_entry_watch(const struct gcw__watch *watch);

/* Puts the watch in the container's list, so that it goes with the object.
 * The object's lock is held. */
void gcw__container_link(struct gcw__entry_watch *watch);

/* Takes the watch out of the list, if it is in.  The object's lock is held. */
void gcw__container_unlink(struct gcw__entry_watch *watch);

/* Takes the watch out of the list, and asks `tidy` to take it off its
 * reference, which cannot be done under the object's lock.  Until then `died`
 * may still be called with the watch.  The object's lock is held. */
void gcw__container_leave(struct gcw__entry_watch *watch);

/* Takes the watches off their references for which gcw__container_leave was
 * called: for `tidy`.  The object's lock is not held. */
void gcw__container_take_off(struct gcw__container *container);

/* Has `tidy` called soon, on the next thread that ends a sweep or disconnects
 * a listener.  Any lock may be held; also within the sweep. */
void gcw__container_untidy(struct gcw__container *container);

/* Calls `tidy` for all containers that need it.  No lock may be held. */
void gcw__containers_tidy(void);

/* How an object is named in a line: `event "saved"`, or `a hub`. */
struct gcw__container_words {
    const char *article, *kind, *before, *name, *after;
};
struct gcw__container_words
gcw__container_words(const struct gcw__container *container);

/* For printf, with those. */
#define GCW__CONTAINER_WORDS "%s%s%s%s%s"
#define GCW__SPELLED(words)                                                 \
    (words).article, (words).kind, (words).before, (words).name, (words).after

/* The container after `this`, the newest first; the first for NULL; NULL at
 * the end.  No lock need be held. */
struct gcw__container *
gcw__container_after(const struct gcw__container *this);

/* Calls `unloading` in containers whose ops have `runs`, which are those of
 * exit registries.  True if there were any entries to run. */
bool gcw__containers_run_unloading(const struct gcw__range *range);

extern const struct gcw__part gcw__container_part;

#endif
