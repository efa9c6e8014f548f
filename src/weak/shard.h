/* shard.h: the references of all targets, in shards.
 *
 * Read shards.c's overview first.
 */
#ifndef GCW__SHARD_H
#define GCW__SHARD_H

#include "collector/collector.h"
#include "ground/part.h"
#include "ground/table.h"

#include <gcweak/call.h>
#include <gcweak/ref.h>

enum { GCW__SHARDS = 32 };

/* A reference.  Pointer-free memory: nothing here keeps anything alive. */
struct gcw_ref {
    /* The target, until it has died: then NULL for ever.  Read by everybody:
     * see read.h. */
    void *_Atomic target;
    /* Constant: from the lowest bit up, whether it is a long reference, its
     * shard, and a number that counts within the shard. */
    uint64_t id;
};

static inline bool
gcw__ref_is_long(const gcw_ref *ref)
{
    return ref->id & 1;
}

/* Something that waits for a target's death: the first member of a collected
 * object.  Held by the reference's seat until then, and holds the
 * reference.  See watch.c. */
struct gcw__watch {
    struct gcw__watch *next;         /* on its reference, under the shard's
                                      * lock; afterwards in another list */
    uintptr_t before;                /* the previous one, hidden: held by the
                                      * seat, as all are; or the seat itself,
                                      * and odd; 0 if it is on no reference.
                                      * Under the same lock */
    gcw_ref *ref;                    /* constant */
    const struct gcw__watch_ops *ops;
};

struct gcw__watch_ops {
    /* The target has died.  Called under the sweep lock and no other, on any
     * thread, perhaps within an allocation: must not allocate, call user code,
     * nor wait for the collector's lock; nor for any lock if may_wait is
     * false.  False: it could not be done so, and is called again later. */
    bool (*died)(struct gcw__watch *watch, bool may_wait);
    /* Makes *out the callback that was taken, but for its place; false: its
     * code is gone, and it is not to be called. */
    bool (*take)(struct gcw__watch *watch, gcw_call *out);
    /* Where the code of the callback is. */
    uintptr_t (*code)(const struct gcw__watch *watch);
};

/* The reference of that kind to target, whose object starts at base; made if
 * there is none.  The caller keeps the target alive.  NULL with errno. */
gcw_ref *gcw__shard_ref(void *base, const void *target, bool is_long);

/* The short reference to target, or NULL if there is none.  The caller keeps the
 * target alive. */
gcw_ref *gcw__shard_find(void *base, const void *target);

/* As gcw__shard_ref for a short reference, and puts the watch on it, newest first.
 * `watch->ops` is set, the rest is zero; watch->ref is set here. */
gcw_ref *gcw__shard_watch(void *base, const void *target,
                          struct gcw__watch *watch);

struct gcw__seat;
struct gcw__inside;
struct gcw__chunk;

/* What is to be given back to the collector once no lock is held any more:
 * all zero, nothing. */
struct gcw__garbage {
    struct gcw__seat *seats;         /* whose links are registered, chained */
    struct gcw__inside *insides;     /* chained, as */
    struct gcw__chunk *chunks;
};

/* Gives the garbage back.  No lock held. */
void gcw__shards_clear(struct gcw__garbage *garbage);

/* Kills all references into the object that starts at base; their watches move
 * to the end of the list. */
void gcw__shard_kill(void *base, struct gcw__watch **first,
                     struct gcw__watch **last, struct gcw__garbage *garbage);

/* The newest watch with these ops on the reference of that kind to the start
 * of the object, or NULL.  Walks all watches of the reference. */
struct gcw__watch *gcw__shard_find_watch(void *base, bool is_long,
                                         const struct gcw__watch_ops *ops);

/* Puts the watch on its reference, newest first; false if the reference is
 * dead.  `watch->ref` and `watch->ops` are set, the rest is zero. */
bool gcw__watch_add(struct gcw__watch *watch);

/* Takes the watch off again, if it is on.  False if the lock could not be
 * had. */
bool gcw__watch_remove(struct gcw__watch *watch, bool may_wait);

/* Copies up to n of the watches that wait on the reference, and for which
 * wanted(watch, arg) is true, newest first: those after `after`, or from the
 * newest on if that is NULL or was taken off.  The caller keeps the target
 * alive.  Returns how many; n, if there may be more.  `wanted` is called under
 * the shard's lock. */
size_t gcw__watches_pick(const gcw_ref *ref, const struct gcw__watch *after,
                         bool (*wanted)(const struct gcw__watch *watch,
                                        const void *arg),
                         const void *arg, struct gcw__watch **out, size_t n);

/* How many watches wait, or did a moment ago: takes no lock. */
size_t gcw__shards_watches(void);

/* Whether any watch waits: true as well if a lock could not be had at once.
 * Does not miss a watch that was added before. */
bool gcw__shards_watched(void);

/* Moves the watches of all targets of a shard, by its number, that are found
 * dead to the end of the list; for each target newest first.  `now` is a
 * collection whose links are cleared.  False if the lock could not be had. */
bool gcw__shard_sweep(size_t number, GC_word now, bool may_wait,
                      struct gcw__watch **first, struct gcw__watch **last,
                      struct gcw__garbage *garbage);

/* For tests: what there is. */
struct gcw__ref_stats {
    size_t live;             /* references in the index */
    size_t index_capacity;   /* entries that it has room for */
    size_t slots;            /* slots in all chunks */
    size_t by_marks;         /* of the live ones, those that are held by marks */
    size_t link_pages;       /* chunks whose references are held by links */
    size_t watches;
};
void gcw__ref_stats(struct gcw__ref_stats *out);

/* Whether the object is the memory in which a chunk keeps references and
 * watches, or those that are not used yet: for gcw_explain. */
bool gcw__shards_keep_is(const void *object);

extern const struct gcw__part gcw__shard_part;

#endif
