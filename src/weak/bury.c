/* bury.c: the end of references: sweeping what died, and gcw_dispose.
 *
 * A sweep of a shard takes the chunks in which seats have died (seats.c), takes
 * each such seat out of the finder, hands its watches over, and frees it.  What died
 * by marks is known by then; what died by links has to be looked for first
 * (way.h).  The pass may come between any two steps of a sweep or a disposal; it
 * finds those before it done, and those after it see what it has written, by the
 * collector's handshake (read.h).
 *
 * gcw_dispose ends references of live targets, which the caller holds.  The links
 * of those are unregistered when no lock is held any more.  Until then their seats
 * belong to that thread alone.  They are chained through their owners.
 */
#include <config.h>
#include "weak/shards.h"

#include "ground/delay.h"
#include "ground/trace.h"

/* Takes the reference and the watches out of a live seat, which is in the finder
 * no more. */
static void
empty_seat(struct gcw__shard *shard, struct gcw__seat *seat,
           struct gcw__watch **first, struct gcw__watch **last,
           struct gcw__garbage *garbage)
{
    struct gcw__inside *inside = gcw__owner_inside(gcw__seat_owner(seat));

    GCW__TRACE1(death, gcw__seat_ref(seat));
    gcw__seat_unwatch(seat, first, last);
    if (inside == NULL)
        return;
    gcw__inside_remove(&shard->heads, inside);
    inside->next = garbage->insides;
    garbage->insides = inside;
}

static void
drop_chunk(struct gcw__chunks *chunks, struct gcw__chunk *chunk,
           struct gcw__garbage *garbage)
{
    gcw__chunk_remove(chunks, chunk);
    chunk->next_dead = garbage->chunks;
    garbage->chunks = chunk;
}

/* The last chunk stays, for the next reference. */
static void
drop_if_empty(struct gcw__chunks *chunks, struct gcw__chunk *chunk,
              struct gcw__garbage *garbage)
{
    bool is_only = atomic_load(&chunks->first) == chunk
                   && atomic_load(&chunk->next) == NULL;

    if (chunk->used == 0 && !is_only && !atomic_load(&chunk->has_dead))
        drop_chunk(chunks, chunk, garbage);
}

/* Seats that are free by now are forgotten as dead ones.  Not before: else the pass
 * would find them dead once more. */
static void
forget_dead(struct gcw__chunk *chunk, unsigned word, uintptr_t seats)
{
    GCW__DELAY(5);
    atomic_fetch_and(&chunk->dead[word], ~seats);
}

/* The seat was emptied. */
static void
free_seat(struct gcw__seat *seat, struct gcw__garbage *garbage)
{
    struct gcw__chunk *chunk = gcw__seat_chunk(seat);
    struct gcw__chunks *chunks = gcw__seat_chunks(seat);
    unsigned number = gcw__seat_number(seat);

    gcw__seat_free(chunks, seat);
    forget_dead(chunk, number / GCW__BITS, gcw__seat_bit(number));
    drop_if_empty(chunks, chunk, garbage);
}

/* gcw_dispose. */

/* A seat that leads into the object, or NULL. */
static struct gcw__seat *
find_any(const struct gcw__shard *shard, uintptr_t base)
{
    size_t at = gcw__table_place(base);
    uintptr_t item;

    while ((item = gcw__finder_next(&shard->finder, base, &at)) != 0)
        if (!(item & GCW__OF_INTERIOR))
            return gcw__item_seat(item);
    return gcw__inside_any(&shard->heads, base);
}

/* By links, the collector still knows the reference of a live target. */
static void
chain_seat(struct gcw__seat *seat, gcw_ref *ref, struct gcw__garbage *garbage)
{
    gcw__seat_set_owner(seat, gcw__owner_of((uintptr_t)garbage->seats, 0));
    atomic_store_explicit(&seat->keep, ref, memory_order_relaxed);
    garbage->seats = seat;
}

static void
end_seat(struct gcw__shard *shard, struct gcw__seat *seat,
          struct gcw__watch **first, struct gcw__watch **last,
          struct gcw__garbage *garbage)
{
    struct gcw__chunk *chunk = gcw__seat_chunk(seat);
    gcw_ref *ref = gcw__seat_ref(seat);

    GCW__DELAY(6);
    gcw__finder_leave(&shard->finder, seat);
    atomic_store_explicit(&ref->target, NULL, memory_order_release);
    empty_seat(shard, seat, first, last, garbage);
    if (gcw__way_registers(chunk->way)
        && !gcw__seat_is_dead(chunk, gcw__seat_number(seat)))
        chain_seat(seat, ref, garbage);
    else
        free_seat(seat, garbage);
}

void
gcw__shard_kill(void *base, struct gcw__watch **first,
                struct gcw__watch **last, struct gcw__garbage *garbage)
{
    struct gcw__shard *shard = gcw__shard_of_base((uintptr_t)base);
    struct gcw__seat *seat;

    gcw__lock(&shard->lock, true);
    while ((seat = find_any(shard, (uintptr_t)base)) != NULL)
        end_seat(shard, seat, first, last, garbage);
    gcw__unlock(&shard->lock);
}

/* Unregisters the first link of the chain, and frees its seat; returns the
 * next. */
static struct gcw__seat *
clear_link(struct gcw__seat *seat, struct gcw__garbage *garbage)
{
    struct gcw__chunk *chunk = gcw__seat_chunk(seat);
    struct gcw__seat *next = (struct gcw__seat *)gcw__owner_address(
        gcw__seat_owner(seat));

    gcw__way_let_go(chunk->way, gcw__seat_keep(seat));
    GCW__DELAY(11);
    gcw__lock(&chunk->shard->lock, true);
    free_seat(seat, garbage);
    gcw__unlock(&chunk->shard->lock);
    return next;
}

void
gcw__shards_clear(struct gcw__garbage *garbage)
{
    struct gcw__chunk *chunk, *next;

    while (garbage->seats != NULL)
        garbage->seats = clear_link(garbage->seats, garbage);
    gcw__insides_free(garbage->insides);
    garbage->insides = NULL;
    for (chunk = garbage->chunks; chunk != NULL; chunk = next) {
        next = chunk->next_dead;
        gcw__chunk_free(chunk);
    }
    garbage->chunks = NULL;
}

/* The sweep. */

/* What the sweep of a shard does. */
struct sweep {
    struct gcw__shard *shard;
    struct gcw__watch **first, **last;
    struct gcw__garbage *garbage;
    bool anew;               /* the finder is made anew in the end */
    size_t buried;
};

static void
bury(struct sweep *sweep, struct gcw__chunks *chunks, struct gcw__seat *seat)
{
    if (!sweep->anew)
        gcw__finder_leave(&sweep->shard->finder, seat);
    empty_seat(sweep->shard, seat, sweep->first, sweep->last, sweep->garbage);
    gcw__seat_free(chunks, seat);
    sweep->buried++;
}

static void
bury_word(struct sweep *sweep, struct gcw__chunks *chunks,
          struct gcw__chunk *chunk, unsigned word)
{
    struct gcw__seat *seats = &chunk->page->seats[word * GCW__BITS];
    uintptr_t dead = atomic_load_explicit(&chunk->dead[word],
                                          memory_order_relaxed);

    if (dead == 0)
        return;
    for (uintptr_t left = dead; left != 0; left &= left - 1)
        bury(sweep, chunks, &seats[__builtin_ctzl(left)]);
    forget_dead(chunk, word, dead);
}

/* All chunks that are in the list; the pass may begin another meanwhile. */
static void
bury_listed(struct sweep *sweep, struct gcw__chunks *chunks)
{
    struct gcw__chunk *chunk = atomic_exchange(&chunks->dead, NULL), *next;

    for (; chunk != NULL; chunk = next) {
        next = chunk->next_dead;
        atomic_store(&chunk->has_dead, false);
        atomic_signal_fence(memory_order_seq_cst);
        GCW__DELAY(7);
        for (unsigned word = 0; word < GCW__DEAD_WORDS; word++)
            bury_word(sweep, chunks, chunk, word);
        drop_if_empty(chunks, chunk, sweep->garbage);
    }
}

static size_t
find_dead(struct gcw__shard *shard)
{
    size_t n = 0;

    for (int way = 0; way < GCW__WAYS; way++) {
        gcw__way_find((enum gcw__way)way, &shard->chunks[way]);
        n += atomic_exchange(&shard->chunks[way].dead_seats, 0);
    }
    return n;
}

/* Where most targets have died, making the finder anew costs less than taking out
 * each seat.  A collection may find more dead meanwhile. */
static void
sweep_shard(struct sweep *sweep, GC_word now)
{
    struct gcw__shard *shard = sweep->shard;

    sweep->anew = find_dead(shard) > shard->finder.count / 2;
    for (int way = 0; way < GCW__WAYS; way++)
        bury_listed(sweep, &shard->chunks[way]);
    if (sweep->anew)
        gcw__finder_anew(shard, shard->finder.count - sweep->buried);
    if (sweep->buried != 0)
        gcw__finder_trim(&shard->finder);
    shard->swept = now;
}

bool
gcw__shard_sweep(size_t number, GC_word now, bool may_wait,
                 struct gcw__watch **first, struct gcw__watch **last,
                 struct gcw__garbage *garbage)
{
    struct sweep sweep = {
        .shard = &gcw__shards[number], .first = first, .last = last,
        .garbage = garbage
    };

    if (!gcw__lock(&sweep.shard->lock, may_wait))
        return false;
    sweep_shard(&sweep, now);
    gcw__unlock(&sweep.shard->lock);
    return true;
}
