/* seats.c: chunks of seats, in which the references of live targets are.
 *
 * A seat is two words in uncollectable memory.  One holds the reference, so that
 * it lives as long as its target, or the newest watch, which holds the next and
 * the reference.  The other says whose seat it is; it is hidden from the
 * collector.
 *
 * The life of a seat
 *
 *     free --- take ---> taken --- enter ---> live --- free ---> free
 *
 * free    the owner is the number of the next free seat, times 8; nothing is
 *         kept
 * taken   the reference is kept already; the owner means nothing
 * live    the target is alive as far as is known, or was found dead, which the
 *         chunk's bitmap says, and the sweep has not come yet
 *
 * Seats never move, and the pass (by-marks.c) goes through them in the stopped
 * world, whatever a thread that has the shard's lock was doing.  So a seat is
 * live by one word, which is written after all else when it becomes so, and
 * before all else when that ends; and chunks come into the pass's list, and go,
 * by one word.  Reading a seat's reference takes two words, which agree but
 * while a watch comes to be the newest or ceases to be (shards.h, `changing`).
 * That the pass sees the thread's stores up to where it was stopped, and none
 * beyond, is the collector's handshake (read.h); so only the compiler has to keep
 * their order.
 *
 * The list of chunks in which seats have died is written by the pass and taken
 * as a whole by the sweep.  A chunk that the sweep has taken may come into the
 * list again at once: so its place there is free before its bits are looked
 * at, and a chunk in that list is not dropped.
 */
#include <config.h>
#include "weak/seats.h"

#include "collector/objects.h"
#include "ground/delay.h"
#include "ground/memory.h"
#include "marks/engine.h"

#include <stdlib.h>

enum { NONE = GCW__SEATS };

_Static_assert(sizeof(struct gcw__page) <= GCW__PAGE_BYTES, "a page");

/* Chunks. */

static struct gcw__page *
page_in(void *memory)
{
    uintptr_t end = (uintptr_t)memory + GCW__PAGE_BYTES - 1;

    return (struct gcw__page *)(end - end % GCW__PAGE_BYTES);
}

/* An object of a page's size lies on a page of its own, if the collector's blocks
 * are as large; else twice that is needed. */
static void *
get_memory(void)
{
    void *memory
        = gcw__new_uncollectable(gcw__whole_granules(GCW__PAGE_BYTES));

    if (memory == NULL || page_in(memory) == memory)
        return memory;
    GC_FREE(memory);         /* GCOVR_EXCL_LINE */
    return gcw__new_uncollectable(2 * GCW__PAGE_BYTES);  /* GCOVR_EXCL_LINE */
}

/* Frees a chunk that was never in use, and may lack its memory. */
static void
free_new(struct gcw__chunk *chunk)
{
    GC_FREE(chunk->memory);
    free(chunk);
}

/* False: no memory. */
static bool
fill_page(struct gcw__chunk *chunk)
{
    struct gcw__page_head *head;

    chunk->memory = get_memory();
    if (chunk->memory == NULL)
        return false;
    chunk->page = page_in(chunk->memory);
    head = &chunk->page->head;
    head->chunk = gcw__hide(chunk);
    if (chunk->way == GCW__BY_MARKS)
        head->holder = gcw__holder_new(chunk);
    return chunk->way != GCW__BY_MARKS || head->holder != NULL;
}

struct gcw__chunk *
gcw__chunk_new(struct gcw__shard *shard, enum gcw__way way)
{
    struct gcw__chunk *chunk = gcw__calloc(1, sizeof *chunk);

    if (chunk == NULL)
        return NULL;
    chunk->shard = shard;
    chunk->way = way;
    chunk->free = NONE;
    if (fill_page(chunk))
        return chunk;
    free_new(chunk);
    return NULL;
}

/* The holder lives on for a while. */
void
gcw__chunk_free(struct gcw__chunk *chunk)
{
    if (chunk->page->head.holder != NULL)
        gcw__holder_end(chunk->page->head.holder);
    free_new(chunk);
}

static void
put_in_room(struct gcw__chunks *chunks, struct gcw__chunk *chunk)
{
    chunk->prev_room = NULL;
    chunk->next_room = chunks->room;
    if (chunks->room != NULL)
        chunks->room->prev_room = chunk;
    chunks->room = chunk;
}

static void
take_out_of_room(struct gcw__chunks *chunks, struct gcw__chunk *chunk)
{
    if (chunk->prev_room != NULL)
        chunk->prev_room->next_room = chunk->next_room;
    else
        chunks->room = chunk->next_room;
    if (chunk->next_room != NULL)
        chunk->next_room->prev_room = chunk->prev_room;
}

void
gcw__chunk_add(struct gcw__chunks *chunks, struct gcw__chunk *chunk)
{
    struct gcw__chunk *first = atomic_load(&chunks->first);

    chunk->prev = NULL;
    atomic_store(&chunk->next, first);
    if (first != NULL)
        first->prev = chunk;
    atomic_store(&chunks->first, chunk);
    put_in_room(chunks, chunk);
}

void
gcw__chunk_remove(struct gcw__chunks *chunks, struct gcw__chunk *chunk)
{
    struct gcw__chunk *next = atomic_load(&chunk->next);

    take_out_of_room(chunks, chunk);
    atomic_store(chunk->prev != NULL ? &chunk->prev->next : &chunks->first,
                 next);
    if (next != NULL)
        next->prev = chunk->prev;
}

/* Seats. */

static bool
has_room(const struct gcw__chunk *chunk)
{
    return chunk->free != NONE
           || atomic_load_explicit(&chunk->top, memory_order_relaxed) < NONE;
}

static unsigned
take_number(struct gcw__chunk *chunk)
{
    unsigned number = chunk->free;

    if (number == NONE) {
        number = atomic_load_explicit(&chunk->top, memory_order_relaxed);
        atomic_store_explicit(&chunk->top, number + 1, memory_order_relaxed);
    } else {
        chunk->free
            = (unsigned)(gcw__seat_owner(&chunk->page->seats[number]) / 8);
    }
    return number;
}

struct gcw__seat *
gcw__seat_take(struct gcw__chunks *chunks, gcw_ref *ref)
{
    struct gcw__chunk *chunk = chunks->room;
    struct gcw__seat *seat = &chunk->page->seats[take_number(chunk)];

    chunk->used++;
    atomic_store_explicit(&seat->keep, ref, memory_order_relaxed);
    if (!has_room(chunk))
        take_out_of_room(chunks, chunk);
    return seat;
}

void
gcw__seat_enter(struct gcw__seat *seat, uintptr_t owner)
{
    struct gcw__holder *holder = gcw__seat_page(seat)->head.holder;

    GCW__DELAY(4);
    gcw__seat_set_owner(seat, owner);
    if (holder != NULL)
        gcw__holder_touch(holder);
}

/* The owner goes first, so that the pass does not look at the seat any more. */
void
gcw__seat_free(struct gcw__chunks *chunks, struct gcw__seat *seat)
{
    struct gcw__chunk *chunk = gcw__seat_chunk(seat);
    unsigned number = gcw__seat_number(seat);

    if (!has_room(chunk))
        put_in_room(chunks, chunk);
    gcw__seat_set_owner(seat, (uintptr_t)chunk->free * 8);
    atomic_store_explicit(&seat->keep, NULL, memory_order_relaxed);
    chunk->free = number;
    chunk->used--;
}

static void
add_to_dead(struct gcw__chunks *chunks, struct gcw__chunk *chunk)
{
    atomic_store_explicit(&chunk->has_dead, true, memory_order_relaxed);
    chunk->next_dead = atomic_load_explicit(&chunks->dead,
                                            memory_order_relaxed);
    atomic_store_explicit(&chunks->dead, chunk, memory_order_relaxed);
}

/* Loads and stores will do: nobody else writes these meanwhile, for the world is
 * stopped, or the lock is held that all others have.  Others write them at once,
 * lest the pass comes in between. */
void
gcw__seat_die(struct gcw__chunks *chunks, struct gcw__seat *seat)
{
    struct gcw__chunk *chunk = gcw__seat_chunk(seat);
    unsigned number = gcw__seat_number(seat);
    _Atomic uintptr_t *word = &chunk->dead[number / GCW__BITS];
    uintptr_t dead = atomic_load_explicit(word, memory_order_relaxed);
    size_t n = atomic_load_explicit(&chunks->dead_seats,
                                    memory_order_relaxed);

    atomic_store_explicit(word, dead | gcw__seat_bit(number),
                          memory_order_relaxed);
    atomic_store_explicit(&chunks->dead_seats, n + 1, memory_order_relaxed);
    if (!atomic_load_explicit(&chunk->has_dead, memory_order_relaxed))
        add_to_dead(chunks, chunk);
}
