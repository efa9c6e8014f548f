/* shard.c: finding references, and making them.
 *
 * Making a reference by marks is one step under the shard's lock.  By links it
 * takes two, for the collector must be told in between, which may collect and, out
 * of memory, call the application: in the first the seat is taken, in the second it
 * becomes live, unless another thread was faster.
 *
 * References come by the block from the collector.  Those that are not used yet are
 * in an array that holds them; a list of them, as the collector hands it out, would
 * hold only its first.
 *
 * Any thread runs here.  A collection at any instruction is harmless: the caller
 * holds the target; a reference whose target has died reads NULL, by which it is
 * passed over until it is swept.  What orders the instructions and the collection:
 * read.h.
 */
#include <config.h>
#include "weak/shards.h"

#include "collector/objects.h"
#include "ground/delay.h"
#include "ground/memory.h"
#include "ground/spare.h"
#include "ground/trace.h"
#include "marks/engine.h"
#include "weak/settled.h"

#include <gc/gc_inline.h>
#include <errno.h>
#include <string.h>

static uint64_t
next_id(struct gcw__shard *shard, bool is_long)
{
    return (++shard->births * GCW__SHARDS
            + (uint64_t)(shard - gcw__shards)) << 1 | is_long;
}

/* A reference that is asked for. */
struct wanted {
    struct gcw__shard *shard;
    void *base;
    const void *target;
    uintptr_t kind;
    enum gcw__way way;
};

/* What making it needs, and must be got without the lock. */
struct supply {
    bool lags;                       /* collections are to be caught up, */
    bool lacks_chunk, lacks_cells;   /* or these are to be got */
    struct gcw__chunk *chunk;
    struct gcw__cells *cells;
};

/* References come by the list: a collection meanwhile would take all but the one
 * that is in a register or on the stack. */
static void
fill_cells(struct gcw__cells *cells)
{
    enum { GRANULES = (sizeof(gcw_ref) + GC_GRANULE_BYTES - 1)
                      / GC_GRANULE_BYTES };
    GC_word before = gcw__gc_no();
    int error = errno;
    void *next = NULL;

    GC_generic_malloc_many(GRANULES * GC_GRANULE_BYTES, GC_I_PTRFREE, &next);
    errno = error;
    while (next != NULL && cells->count < GCW__CELLS) {
        void *this = next;

        atomic_signal_fence(memory_order_seq_cst);
        if (gcw__gc_no() != before)
            break;
        next = *(void **)this;
        cells->at[cells->count++] = this;
        GCW__KEEP(this);
    }
    atomic_signal_fence(memory_order_seq_cst);
    if (gcw__gc_no() != before)
        memset(cells, 0, sizeof *cells);
}

static struct gcw__cells *
cells_new(void)
{
    struct gcw__cells *cells = gcw__new_uncollectable(
        gcw__whole_granules(sizeof *cells));

    if (cells == NULL)
        return NULL;
    cells->count = 0;
    fill_cells(cells);
    if (cells->count == 0) {
        cells->at[0] = gcw__new_plain(gcw__whole_granules(sizeof(gcw_ref)));
        cells->count = cells->at[0] != NULL;
    }
    if (cells->count != 0)
        return cells;
    GC_FREE(cells);
    return NULL;
}

/* What was not needed after all. */
static void
put_away(struct supply *supply)
{
    if (supply->cells != NULL)
        GC_FREE(supply->cells);
    supply->cells = NULL;
    if (supply->chunk != NULL)
        gcw__chunk_free(supply->chunk);
    supply->chunk = NULL;
}

/* False: no memory. */
static __attribute__((__noinline__)) bool
get_supply(struct supply *supply, struct gcw__shard *shard,
           enum gcw__way way)
{
    put_away(supply);
    if (supply->lags)
        gcw__settle();
    if (supply->lacks_chunk)
        supply->chunk = gcw__chunk_new(shard, way);
    if (supply->lacks_cells)
        supply->cells = cells_new();
    GCW__DELAY(1);
    return (!supply->lacks_chunk || supply->chunk != NULL)
           && (!supply->lacks_cells || supply->cells != NULL);
}

/* The cells that are left over are exchanged for it, and put away. */
static void
use_supply(struct supply *supply, struct gcw__shard *shard, enum gcw__way way)
{
    struct gcw__cells *cells = supply->cells;

    if (supply->chunk != NULL) {
        gcw__chunk_add(&shard->chunks[way], supply->chunk);
        supply->chunk = NULL;
    }
    if (cells != NULL
        && (shard->cells == NULL || shard->cells->count < cells->count)) {
        supply->cells = shard->cells;
        shard->cells = cells;
    }
}

/* Whether the pass has missed a collection, as far as is known: then what is found
 * may lead to something else that is there now, and no seat may be entered (see
 * by-marks.c). */
static inline bool
lags(const struct wanted *w, struct supply *supply)
{
    supply->lags = w->way == GCW__BY_MARKS
                   && !gcw__engine_is_done(gcw__engine_load_done());
    supply->lacks_chunk = supply->lacks_cells = false;
    return supply->lags;
}

/* Whether nothing is lacking. */
static inline bool
has_all(const struct wanted *w, struct supply *supply)
{
    const struct gcw__shard *shard = w->shard;

    supply->lacks_chunk = shard->chunks[w->way].room == NULL;
    supply->lacks_cells = shard->cells == NULL || shard->cells->count == 0;
    return !supply->lacks_chunk && !supply->lacks_cells;
}

/* Making, under the lock. */

/* The seat has the reference: so the array need not. */
static inline struct gcw__seat *
take_seat(const struct wanted *w)
{
    struct gcw__cells *cells = w->shard->cells;
    gcw_ref *ref = cells->at[--cells->count];
    struct gcw__seat *seat;

    atomic_store_explicit(&ref->target, (void *)(uintptr_t)w->target,
                          memory_order_relaxed);
    seat = gcw__seat_take(&w->shard->chunks[w->way], ref);
    cells->at[cells->count] = NULL;
    return seat;
}

static inline void
give_seat_back(const struct wanted *w, struct gcw__seat *seat)
{
    gcw__seat_free(&w->shard->chunks[w->way], seat);
}

/* 0: no memory. */
static inline uintptr_t
owner_of(const struct wanted *w, struct gcw__seat *seat)
{
    uintptr_t base = (uintptr_t)w->base;
    struct gcw__inside *inside;

    if (!(w->kind & GCW__OF_INTERIOR))
        return gcw__owner_of(base, GCW__LIVE);
    inside = gcw__inside_add(&w->shard->heads, base, (uintptr_t)w->target,
                             seat);
    return inside == NULL ? 0
        : gcw__owner_of((uintptr_t)inside, GCW__LIVE | GCW__INTERIOR);
}

/* Makes a seat live that was taken.  `at` is where the walk has ended that did not
 * find it.  Returns its reference, or NULL: no memory. */
static inline gcw_ref *
enter_seat(const struct wanted *w, struct gcw__seat *seat, size_t at)
{
    struct gcw__finder *finder = &w->shard->finder;
    gcw_ref *ref = gcw__seat_keep(seat);
    uintptr_t owner = 0;

    if (gcw__finder_has_room(finder)
        || gcw__finder_grow(finder, (uintptr_t)w->target, &at))
        owner = owner_of(w, seat);
    if (owner == 0)
        return NULL;
    ref->id = next_id(w->shard, w->kind & GCW__OF_LONG);
    gcw__seat_enter(seat, owner);
    gcw__finder_enter_at(finder, seat, (uintptr_t)w->target, w->kind, at);
    GCW__TRACE2(ref__create, ref, w->target);
    return ref;
}

static inline gcw_ref *
watch_seat(struct gcw__seat *seat, gcw_ref *ref, struct gcw__watch *watch)
{
    if (watch != NULL) {
        watch->ref = ref;
        gcw__seat_watch(seat, watch);
    }
    return ref;
}

/* Takes a seat, and makes it live; by links the seat is left in *taken.  NULL, and
 * *taken is NULL: no memory. */
static inline gcw_ref *
take_and_enter(const struct wanted *w, size_t at, struct gcw__watch *watch,
               struct gcw__seat **taken)
{
    struct gcw__seat *seat = take_seat(w);
    gcw_ref *ref;

    if (gcw__way_registers(w->way)) {
        *taken = seat;
        return NULL;
    }
    ref = enter_seat(w, seat, at);
    if (ref != NULL)
        return watch_seat(seat, ref, watch);
    give_seat_back(w, seat);
    return NULL;
}

/* By links. */

/* The reference to the target, the one in the seat if there is no other by now.
 * NULL: no memory. */
static gcw_ref *
find_or_enter(const struct wanted *w, struct gcw__seat *taken,
              struct gcw__watch *watch)
{
    size_t at;
    struct gcw__seat *seat;
    gcw_ref *ref;

    gcw__lock(&w->shard->lock, true);
    seat = gcw__shard_find_seat(w->shard, w->target, w->kind, &at);
    ref = seat != NULL ? gcw__seat_ref(seat) : enter_seat(w, taken, at);
    if (ref != NULL)
        watch_seat(seat != NULL ? seat : taken, ref, watch);
    gcw__unlock(&w->shard->lock);
    return ref;
}

/* Registers the link of the seat that was taken, and makes it live; if another
 * thread was faster, its reference is returned, and the seat is not needed.  NULL
 * with errno. */
static gcw_ref *
register_and_enter(const struct wanted *w, struct gcw__seat *taken,
                   struct gcw__watch *watch)
{
    gcw_ref *ref = gcw__seat_keep(taken), *used = NULL;
    int error = gcw__way_hold(w->way, ref, w->base);

    GCW__DELAY(2);
    if (error == 0) {
        used = find_or_enter(w, taken, watch);
        if (used == ref)
            return ref;
        gcw__way_let_go(w->way, ref);
    }
    GCW__DELAY(3);
    gcw__lock(&w->shard->lock, true);
    give_seat_back(w, taken);
    gcw__unlock(&w->shard->lock);
    if (used == NULL)
        errno = error == 0 ? ENOMEM : error;
    return used;
}

/* What is passed from step to step.  Only `supply` is looked at by a function that
 * is not inlined: so the rest takes no memory. */
struct request {
    struct wanted w;
    struct gcw__watch *watch;        /* to be put on the reference, or NULL */
    gcw_ref *ref;                    /* the reference; or else */
    struct gcw__seat *taken;         /* the seat that was taken */
    struct supply supply;
};

/* Finds the reference, or makes it, or takes a seat for it. */
static inline int
find_or_take(void *request)
{
    struct request *r = request;
    size_t at;
    struct gcw__seat *seat;

    if (!GCW__LIKELY(r->supply.cells == NULL && r->supply.chunk == NULL))
        use_supply(&r->supply, r->w.shard, r->w.way);
    if (!GCW__LIKELY(!lags(&r->w, &r->supply)))
        return GCW__MISSING;
    seat = gcw__shard_find_seat(r->w.shard, r->w.target, r->w.kind, &at);
    if (seat != NULL) {
        r->ref = watch_seat(seat, gcw__seat_ref(seat), r->watch);
        return 0;
    }
    if (!GCW__LIKELY(has_all(&r->w, &r->supply)))
        return GCW__MISSING;
    r->ref = take_and_enter(&r->w, at, r->watch, &r->taken);
    return r->ref == NULL && r->taken == NULL ? ENOMEM : 0;
}

static inline bool
get_what_is_missing(void *request)
{
    struct request *r = request;

    return get_supply(&r->supply, r->w.shard, r->w.way);
}

static inline gcw_ref *
find_or_make(void *base, const void *target, bool is_long,
             struct gcw__watch *watch)
{
    struct request r = {
        .w = { gcw__shard_of_base((uintptr_t)base), base, target,
               gcw__kind_of((uintptr_t)base, target, is_long),
               gcw__way_of(is_long) },
        .watch = watch
    };
    int error = gcw__with_spare(&r.w.shard->lock, find_or_take,
                                get_what_is_missing, &r);

    if (!GCW__LIKELY(r.supply.cells == NULL && r.supply.chunk == NULL))
        put_away(&r.supply);
    if (error != 0)
        errno = error;
    else if (r.taken != NULL)
        r.ref = register_and_enter(&r.w, r.taken, watch);
    GCW__KEEP(target);
    GCW__KEEP(base);
    return r.ref;
}

gcw_ref *
gcw__shard_ref(void *base, const void *target, bool is_long)
{
    return find_or_make(base, target, is_long, NULL);
}

gcw_ref *
gcw__shard_watch(void *base, const void *target, struct gcw__watch *watch)
{
    return find_or_make(base, target, false, watch);
}

gcw_ref *
gcw__shard_find(void *base, const void *target)
{
    struct gcw__shard *shard = gcw__shard_of_base((uintptr_t)base);
    struct gcw__seat *seat;
    gcw_ref *ref;

    gcw__lock(&shard->lock, true);
    seat = gcw__shard_seat(shard, target,
                           gcw__kind_of((uintptr_t)base, target, false));
    ref = seat == NULL ? NULL : gcw__seat_ref(seat);
    gcw__unlock(&shard->lock);
    GCW__KEEP(target);
    GCW__KEEP(base);
    return ref;
}
