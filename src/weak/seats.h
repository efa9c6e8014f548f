/* seats.h: chunks of seats, in which the references of live targets are.  See
 * seats.c.  All is under the lock of the shard that the chunk belongs to, but
 * for what is read while the world is stopped. */
#ifndef GCW__SEATS_H
#define GCW__SEATS_H

#include "ground/hidden.h"
#include "weak/inside.h"
#include "weak/shard.h"
#include "weak/way.h"

struct gcw__shard;

enum { GCW__PAGE_BYTES = 4096 };

/* Two words in memory that the collector scans.  Read by the pass at any
 * instruction: each is written at once. */
struct gcw__seat {
    /* Live: the target's address, or the gcw__inside if that is not its object's
     * beginning, hidden, with marks in the lowest bits.  Else something in which
     * GCW__LIVE is not set: see seats.c. */
    _Atomic uintptr_t owner;
    /* The reference, or the newest watch, which holds it; NULL: the seat is
     * free. */
    void *_Atomic keep;
};

enum {
    GCW__LIVE = 1,
    GCW__INTERIOR = 2,       /* the owner is a gcw__inside */
    GCW__WATCHED = 4,        /* `keep` is a watch */
    GCW__SEAT_MARKS = 7
};

/* What the beginnings of pages lead to. */
struct gcw__page_head {
    uintptr_t chunk;         /* hidden */
    struct gcw__holder *holder;      /* or NULL: see by-marks.c */
};

enum {
    GCW__SEATS = (GCW__PAGE_BYTES - (int)sizeof(struct gcw__page_head))
                 / (int)sizeof(struct gcw__seat)
};

/* Begins at a multiple of its size. */
struct gcw__page {
    struct gcw__page_head head;
    struct gcw__seat seats[GCW__SEATS];
};

/* Words of bits, one for each seat.  Machine words: the pass may not wait for a
 * lock, which a processor may need for larger ones. */
enum {
    GCW__BITS = 8 * (int)sizeof(uintptr_t),
    GCW__DEAD_WORDS = (GCW__SEATS + GCW__BITS - 1) / GCW__BITS
};

static inline uintptr_t
gcw__seat_bit(unsigned number)
{
    return (uintptr_t)1 << number % GCW__BITS;
}

/* Memory from malloc. */
struct gcw__chunk {
    /* All chunks of its way in its shard; followed by the pass. */
    struct gcw__chunk *_Atomic next;
    struct gcw__chunk *prev;
    struct gcw__chunk *next_room, *prev_room;    /* those with room */
    struct gcw__chunk *next_dead;        /* those in which seats have died */
    struct gcw__shard *shard;            /* constant, as */
    enum gcw__way way;
    struct gcw__page *page;
    void *memory;                        /* uncollectable: has the page in it */
    unsigned used;                       /* seats that are not free */
    _Atomic unsigned top;                /* seats from here on were never
                                          * used */
    unsigned free;                       /* the first of a list, or
                                          * GCW__SEATS */
    /* Seats whose targets have died, which are still live; a bit each, written
     * by the pass; and whether the chunk is in the list of such. */
    _Atomic uintptr_t dead[GCW__DEAD_WORDS];
    _Atomic bool has_dead;
};

/* The chunks of one way in a shard. */
struct gcw__chunks {
    struct gcw__chunk *_Atomic first;
    struct gcw__chunk *room;
    /* Those in which seats have died since the sweep was there, and how many
     * seats; if by marks, written by the pass. */
    struct gcw__chunk *_Atomic dead;
    _Atomic size_t dead_seats;
};

static inline struct gcw__page *
gcw__seat_page(const struct gcw__seat *seat)
{
    return (struct gcw__page *)((uintptr_t)seat
                                & ~(uintptr_t)(GCW__PAGE_BYTES - 1));
}

static inline struct gcw__chunk *
gcw__seat_chunk(const struct gcw__seat *seat)
{
    return gcw__reveal(gcw__seat_page(seat)->head.chunk);
}

static inline unsigned
gcw__seat_number(const struct gcw__seat *seat)
{
    return (unsigned)(seat - gcw__seat_page(seat)->seats);
}

static inline uintptr_t
gcw__seat_owner(const struct gcw__seat *seat)
{
    return atomic_load_explicit(&seat->owner, memory_order_relaxed);
}

static inline bool
gcw__seat_is_live(const struct gcw__seat *seat)
{
    return gcw__seat_owner(seat) & GCW__LIVE;
}

/* After what stands before it, and before what comes after it, for the pass
 * (seats.c). */
static inline void
gcw__seat_set_owner(struct gcw__seat *seat, uintptr_t owner)
{
    atomic_store_explicit(&seat->owner, owner, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
}

/* The address that an owner has, which is live. */
static inline uintptr_t
gcw__owner_address(uintptr_t owner)
{
    return ~(owner | GCW__SEAT_MARKS);
}

/* The owner for the address, which is a multiple of 8. */
static inline uintptr_t
gcw__owner_of(uintptr_t address, uintptr_t marks)
{
    return (~address & ~(uintptr_t)GCW__SEAT_MARKS) | marks;
}

/* NULL if the reference leads to the beginning of its object. */
static inline struct gcw__inside *
gcw__owner_inside(uintptr_t owner)
{
    return owner & GCW__INTERIOR
        ? (struct gcw__inside *)gcw__owner_address(owner) : NULL;
}

static inline uintptr_t
gcw__seat_target(const struct gcw__seat *seat)
{
    uintptr_t owner = gcw__seat_owner(seat);
    struct gcw__inside *inside = gcw__owner_inside(owner);

    return inside != NULL ? inside->target : gcw__owner_address(owner);
}

/* The beginning of the target's object. */
static inline uintptr_t
gcw__seat_base(const struct gcw__seat *seat)
{
    uintptr_t owner = gcw__seat_owner(seat);
    struct gcw__inside *inside = gcw__owner_inside(owner);

    return inside != NULL ? inside->base : gcw__owner_address(owner);
}

static inline void *
gcw__seat_keep(const struct gcw__seat *seat)
{
    return atomic_load_explicit(&seat->keep, memory_order_relaxed);
}

/* The reference in a seat that is live. */
static inline gcw_ref *
gcw__seat_ref(const struct gcw__seat *seat)
{
    void *kept = gcw__seat_keep(seat);

    return gcw__seat_owner(seat) & GCW__WATCHED
        ? ((struct gcw__watch *)kept)->ref : kept;
}

/* Whether the target was found dead. */
static inline bool
gcw__seat_is_dead(const struct gcw__chunk *chunk, unsigned number)
{
    return atomic_load_explicit(&chunk->dead[number / GCW__BITS],
                                memory_order_relaxed)
           & gcw__seat_bit(number);
}

/* A chunk for the shard, in no list.  NULL: no memory.  No lock held. */
struct gcw__chunk *gcw__chunk_new(struct gcw__shard *shard,
                                  enum gcw__way way);

/* Puts it in the lists. */
void gcw__chunk_add(struct gcw__chunks *chunks, struct gcw__chunk *chunk);

/* Takes it out of them; no seat of it is in use. */
void gcw__chunk_remove(struct gcw__chunks *chunks, struct gcw__chunk *chunk);

/* Frees it.  Takes the collector's lock. */
void gcw__chunk_free(struct gcw__chunk *chunk);

/* Takes a seat for the reference: there are chunks with room.  It is not live
 * yet. */
struct gcw__seat *gcw__seat_take(struct gcw__chunks *chunks, gcw_ref *ref);

/* Makes it live, by an owner with GCW__LIVE: from now on the pass looks at it, and
 * the reference, its target and all else must be right. */
void gcw__seat_enter(struct gcw__seat *seat, uintptr_t owner);

/* Frees a seat. */
void gcw__seat_free(struct gcw__chunks *chunks, struct gcw__seat *seat);

/* Notes, for the sweep, that the target of a live seat has died.  By marks: the
 * world is stopped, or the collector's lock held as well. */
void gcw__seat_die(struct gcw__chunks *chunks, struct gcw__seat *seat);

#endif
