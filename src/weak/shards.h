/* shards.h: what a shard is, for the files that share its lock.  See shards.c. */
#ifndef GCW__SHARDS_H
#define GCW__SHARDS_H

#include "ground/lock.h"
#include "weak/finder.h"

/* References that are not used yet, in uncollectable memory. */
enum { GCW__CELLS = 254 };

struct gcw__cells {
    size_t count;
    gcw_ref *at[GCW__CELLS];
};

/* A seat of which a watch comes to be the newest or ceases to be, and its
 * reference.  The pass may see that half done. */
struct gcw__changing {
    struct gcw__seat *_Atomic seat;
    gcw_ref *ref;
};

struct gcw__shard {
    _Alignas(64) pthread_mutex_t lock;
    struct gcw__finder finder;
    struct gcw__table heads;         /* of the rings of gcw__inside, by
                                      * object */
    struct gcw__cells *cells;
    struct gcw__chunks chunks[GCW__WAYS];
    struct gcw__changing changing;
    uint64_t births;
    GC_word swept;                   /* the collection whose deaths are all
                                      * buried */
    _Atomic size_t watches;          /* written under the lock, read by
                                      * everybody */
};

extern struct gcw__shard gcw__shards[GCW__SHARDS];

/* Neighbours share a shard, so that what is allocated together gets seats
 * together: this is what makes the walks over seats find things in the
 * caches. */
static inline struct gcw__shard *
gcw__shard_of_base(uintptr_t base)
{
    return &gcw__shards[gcw__mixed_below(gcw__mix(base >> 15), GCW__SHARDS)];
}

static inline struct gcw__shard *
gcw__shard_of_ref(const gcw_ref *ref)
{
    return &gcw__shards[(ref->id >> 1) % GCW__SHARDS];
}

/* The chunks that the seat is of. */
static inline struct gcw__chunks *
gcw__seat_chunks(const struct gcw__seat *seat)
{
    struct gcw__chunk *chunk = gcw__seat_chunk(seat);

    return &chunk->shard->chunks[chunk->way];
}

/* Whether the item, which was found at the target's address, is the seat of a
 * reference to it: of that kind, and live, not one left over from an object that
 * was there before.  If the shard was swept after the last collection, nothing is
 * left over, and the reference, which is likely not in the cache, need not be
 * read. */
static inline bool
gcw__shard_item_fits(const struct gcw__shard *shard, uintptr_t item,
                     const void *target,
                     uintptr_t kind)
{
    if ((item & GCW__KIND) != kind)
        return false;
    return shard->swept == gcw__gc_no()
           || atomic_load_explicit(&gcw__seat_ref(gcw__item_seat(item))->target,
                                   memory_order_relaxed) == target;
}

/* The seat of the reference of that kind to the target, or NULL.  *at is where the
 * walk ends.  Lock held. */
static inline struct gcw__seat *
gcw__shard_find_seat(const struct gcw__shard *shard, const void *target,
                     uintptr_t kind, size_t *at)
{
    uintptr_t address = (uintptr_t)target, item;

    *at = gcw__table_place(address);
    while ((item = gcw__finder_next(&shard->finder, address, at)) != 0)
        if (gcw__shard_item_fits(shard, item, target, kind))
            return gcw__item_seat(item);
    return NULL;
}

/* The same, where the place does not matter. */
static inline struct gcw__seat *
gcw__shard_seat(const struct gcw__shard *shard, const void *target,
                uintptr_t kind)
{
    size_t at;

    return gcw__shard_find_seat(shard, target, kind, &at);
}

/* Makes the finder anew, of no more than `live` seats.  Lock held. */
void gcw__finder_anew(struct gcw__shard *shard, size_t live);

/* Watches, under the lock. */

/* The newest watch in a seat, or NULL. */
static inline struct gcw__watch *
gcw__seat_newest(const struct gcw__seat *seat)
{
    return gcw__seat_owner(seat) & GCW__WATCHED ? gcw__seat_keep(seat) : NULL;
}

/* Puts the watch in the seat, newest first. */
void gcw__seat_watch(struct gcw__seat *seat, struct gcw__watch *watch);

/* Takes all watches out, and puts them at the end of the list. */
void gcw__seat_unwatch(struct gcw__seat *seat, struct gcw__watch **first,
                       struct gcw__watch **last);

#endif
