/* shards.c: the shards, in which the references of all targets are.
 *
 * Each object belongs to one shard, by its address, so all references into an
 * object are found together.  A shard has a lock, and under it
 *
 *     finder        from a target's address to the seat of its reference
 *     chunks        of seats (seats.c), for each way to hold a target (way.h)
 *     cells         references that are not used yet
 *
 * A seat holds the reference as long as the target lives.  References into the
 * middle of an object are found by the object too: see inside.c.
 *
 * References are made in shard.c, and end in bury.c; what waits for their ends is
 * in watch.c.
 */
#include <config.h>
#include "weak/shards.h"

#include <string.h>

struct gcw__shard gcw__shards[GCW__SHARDS] = {
#define SHARD { .lock = PTHREAD_MUTEX_INITIALIZER }
#define FOUR SHARD, SHARD, SHARD, SHARD
    FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR
#undef FOUR
#undef SHARD
};

_Static_assert(GCW__SHARDS == 32, "the initialiser above has 32");

static uintptr_t
kind_of(const struct gcw__seat *seat)
{
    bool is_long = gcw__seat_chunk(seat)->way == GCW__BY_LONG_LINKS;

    return (is_long ? GCW__OF_LONG : 0)
           | (gcw__seat_owner(seat) & GCW__INTERIOR ? GCW__OF_INTERIOR : 0);
}

static void
enter_chunk(struct gcw__shard *shard, struct gcw__chunk *chunk)
{
    unsigned top = atomic_load_explicit(&chunk->top, memory_order_relaxed);

    for (unsigned i = 0; i < top; i++) {
        struct gcw__seat *seat = &chunk->page->seats[i];

        if (gcw__seat_is_live(seat))
            gcw__finder_enter(&shard->finder, seat, gcw__seat_target(seat),
                              kind_of(seat));
    }
}

void
gcw__finder_anew(struct gcw__shard *shard, size_t live)
{
    gcw__finder_clear(&shard->finder, live);
    for (int way = 0; way < GCW__WAYS; way++)
        for (struct gcw__chunk *chunk
                 = atomic_load(&shard->chunks[way].first);
             chunk != NULL; chunk = atomic_load(&chunk->next))
            enter_chunk(shard, chunk);
}

/* Counting. */

bool
gcw__shards_watched(void)
{
    bool any = false;

    for (size_t i = 0; i < GCW__SHARDS && !any; i++) {
        struct gcw__shard *shard = &gcw__shards[i];

        any = !gcw__lock(&shard->lock, false);
        if (any)
            break;
        any = atomic_load_explicit(&shard->watches, memory_order_relaxed)
              != 0;
        gcw__unlock(&shard->lock);
    }
    return any;
}

size_t
gcw__shards_watches(void)
{
    size_t n = 0;

    for (size_t i = 0; i < GCW__SHARDS; i++)
        n += atomic_load_explicit(&gcw__shards[i].watches,
                                  memory_order_relaxed);
    return n;
}

static void
count_chunks(const struct gcw__chunks *chunks, struct gcw__ref_stats *out)
{
    for (const struct gcw__chunk *chunk = atomic_load(&chunks->first);
         chunk != NULL; chunk = atomic_load(&chunk->next)) {
        out->slots += GCW__SEATS;
        out->link_pages += gcw__way_registers(chunk->way);
        if (!gcw__way_registers(chunk->way))
            out->by_marks += chunk->used;
    }
}

static void
count_shard(const struct gcw__shard *shard, struct gcw__ref_stats *out)
{
    out->live += shard->finder.count;
    out->index_capacity += shard->finder.capacity;
    for (int way = 0; way < GCW__WAYS; way++)
        count_chunks(&shard->chunks[way], out);
}

void
gcw__ref_stats(struct gcw__ref_stats *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < GCW__SHARDS; i++) {
        gcw__lock(&gcw__shards[i].lock, true);
        count_shard(&gcw__shards[i], out);
        gcw__unlock(&gcw__shards[i].lock);
    }
    out->watches = gcw__shards_watches();
}

static bool
has_page(struct gcw__shard *shard, const void *object)
{
    const struct gcw__chunk *chunk = NULL;

    bool is_cells;

    gcw__lock(&shard->lock, true);
    is_cells = shard->cells == object;
    for (int way = 0; way < GCW__WAYS && chunk == NULL; way++) {
        chunk = atomic_load(&shard->chunks[way].first);
        while (chunk != NULL && chunk->memory != object)
            chunk = atomic_load(&chunk->next);
    }
    gcw__unlock(&shard->lock);
    return is_cells || chunk != NULL;
}

bool
gcw__shards_keep_is(const void *object)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        if (has_page(&gcw__shards[i], object))
            return true;
    return false;
}

static void
lock_shards(void)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        gcw__lock(&gcw__shards[i].lock, true);
}

static void
unlock_shards(void)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        gcw__unlock(&gcw__shards[i].lock);
}

const struct gcw__part gcw__shard_part = {
    "shard", lock_shards, unlock_shards, unlock_shards, NULL
};
