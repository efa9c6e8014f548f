/* by-marks.c: holding targets weakly by marks.
 *
 * When marking is complete, and all that weak maps hold is marked, the engine
 * (marks/engine.c) calls the pass: it goes through all seats of short references.
 * Where the target is not marked, the reference reads NULL from then on, before
 * the world goes on, and the seat is noted as dead.  So the dead are known when
 * the collection ends, and nobody looks for them.
 *
 * Nothing is locked in the stopped world; seats.c says why the pass may look at
 * any instruction of a thread that has the lock.  What it writes needs no order of
 * its own: the restart of the world is a release (read.h).  A target whose seat is
 * just being entered or freed is held by the thread that does it.
 *
 * If the engine is not coming.  Each chunk's page holds a holder, an object of the
 * engine's kind.  When the collector marks it, and the engine was not there when
 * marking began, it has us push the targets of the chunk: they live on for a
 * while, and none dangles.  In incremental mode an old object is looked into
 * again only if it was written to, so a holder is, with each seat that is
 * entered.
 *
 * If the engine was there when marking began, but neither when that ended nor when
 * the world went on, the targets may be dead.  No reference to them is read before
 * a thread has caught up: settled (collector.c) does not get there before.  Which
 * have died cannot be known then: their memory may serve others by now, that are
 * marked, or that are too new to be.  So all are taken for dead.  A seat is entered
 * only while nothing is to be caught up.
 */
#include <config.h>
#include "weak/by-marks.h"

#include "marks/engine.h"
#include "marks/marked.h"
#include "weak/shards.h"

/* Goes through all seats whose targets are alive as far as is known. */
static void
for_each_seat(struct gcw__chunk *chunk,
              void (*call)(struct gcw__chunks *chunks,
                           struct gcw__seat *seat))
{
    struct gcw__chunks *chunks = &chunk->shard->chunks[GCW__BY_MARKS];
    unsigned top = atomic_load_explicit(&chunk->top, memory_order_relaxed);

    for (unsigned i = 0; i < top; i++)
        if (gcw__seat_is_live(&chunk->page->seats[i])
            && !gcw__seat_is_dead(chunk, i))
            call(chunks, &chunk->page->seats[i]);
}

static void
for_each_in(struct gcw__shard *shard,
            void (*call)(struct gcw__chunks *chunks, struct gcw__seat *seat))
{
    struct gcw__chunk *chunk
        = atomic_load(&shard->chunks[GCW__BY_MARKS].first);

    for (; chunk != NULL; chunk = atomic_load(&chunk->next))
        for_each_seat(chunk, call);
}

/* The reference in a seat, whatever a thread is doing with it. */
static gcw_ref *
ref_of(const struct gcw__seat *seat)
{
    const struct gcw__changing *changing
        = &gcw__seat_chunk(seat)->shard->changing;

    return atomic_load(&changing->seat) == seat ? changing->ref
                                                : gcw__seat_ref(seat);
}

static void
kill_seat(struct gcw__chunks *chunks, struct gcw__seat *seat)
{
    atomic_store_explicit(&ref_of(seat)->target, NULL, memory_order_relaxed);
    gcw__seat_die(chunks, seat);
}

/* So many seats before one is looked at it is fetched into the cache. */
enum { AHEAD = 24 };

/* The beginning of a page, which the processor does not fetch by itself. */
static void
fetch_page(const struct gcw__chunk *chunk)
{
    for (int i = 0; chunk != NULL && i < AHEAD; i += 4)
        __builtin_prefetch(&chunk->page->seats[i]);
}

/* Most targets live, so it is asked first whether they were marked.  One that was
 * found dead before, and not swept yet, may be anything by now: it is left alone.
 * *beside: see marks/marked.h. */
static void
judge_chunk(struct gcw__chunks *chunks, struct gcw__chunk *chunk,
            uintptr_t *beside)
{
    unsigned top = atomic_load_explicit(&chunk->top, memory_order_relaxed);
    struct gcw__seat *seats = chunk->page->seats;

    fetch_page(atomic_load_explicit(&chunk->next, memory_order_relaxed));
    for (unsigned i = 0; i < top; i++) {
        struct gcw__seat *seat = &seats[i];

        __builtin_prefetch(seat + AHEAD);
        if (gcw__seat_is_live(seat)
            && !gcw__is_marked_beside(gcw__seat_base(seat), beside)
            && !gcw__seat_is_dead(chunk, i))
            kill_seat(chunks, seat);
    }
}

static void
judge_all(void)
{
    uintptr_t beside = 0;

    for (size_t i = 0; i < GCW__SHARDS; i++) {
        struct gcw__chunks *chunks = &gcw__shards[i].chunks[GCW__BY_MARKS];

        for (struct gcw__chunk *chunk = atomic_load(&chunks->first);
             chunk != NULL; chunk = atomic_load(&chunk->next))
            judge_chunk(chunks, chunk, &beside);
    }
}

static void
hold_seat(struct gcw__chunks *chunks, struct gcw__seat *seat)
{
    (void)chunks;
    gcw__engine_hold(gcw__seat_base(seat));
}

static void
hold_all(void)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        for_each_in(&gcw__shards[i], hold_seat);
}

static void
kill_all(void)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        for_each_in(&gcw__shards[i], kill_seat);
}

/* Perhaps on a marker thread, perhaps while the world goes on: reads only.  What
 * it reads is freed under the collector's lock. */
static struct GC_ms_entry *
push_targets(const void *of, struct GC_ms_entry *top,
             struct GC_ms_entry *limit)
{
    const struct gcw__chunk *chunk = of;
    unsigned used = atomic_load_explicit(&chunk->top, memory_order_relaxed);

    for (unsigned i = 0; i < used; i++) {
        const struct gcw__seat *seat = &chunk->page->seats[i];

        if (gcw__seat_is_live(seat) && !gcw__seat_is_dead(chunk, i))
            top = gcw__engine_push(gcw__seat_base(seat), top, limit);
    }
    return top;
}

void
gcw__by_marks_install(void)
{
    static const struct gcw__engine_refs refs = {
        judge_all, hold_all, kill_all, push_targets
    };

    gcw__engine_refs(&refs);
}
