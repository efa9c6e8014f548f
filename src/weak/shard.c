/* shard.c: the references of all targets, in shards.
 *
 * Each object belongs to one shard, by its address, so all references into an
 * object are found together.  A shard has a lock, and under it
 *
 *     index         from a target's address to the seat of its reference
 *     chunks        of seats (seats.c), for each way to hold a target (way.h)
 *     cells         references that are not used yet
 *
 * A seat holds the reference as long as the target lives.  References into the
 * middle of an object are found by the object too: see inside.c.
 *
 * Making a reference by marks is one step under the lock.  By links it takes two,
 * for the collector must be told in between, which may collect and, out of memory,
 * call the application: in the first the seat is taken, in the second it becomes
 * live, unless another thread was faster.
 *
 * References come by the block from the collector.  Those that are not used yet are
 * in an array that holds them; a list of them, as the collector hands it out, would
 * hold only its first.
 *
 * The threads that run here: any that makes references or watches, and one at a
 * time that sweeps.  A collection at any instruction is harmless: the caller of
 * make holds the target; a reference whose target has died reads NULL, by which
 * it is passed over in the index until it is swept.
 */
#include <config.h>
#include "weak/shards.h"

#include "collector/objects.h"
#include "ground/delay.h"
#include "ground/spare.h"
#include "ground/trace.h"
#include "marks/engine.h"
#include "weak/settled.h"

#include <gc/gc_inline.h>
#include <errno.h>
#include <string.h>

struct gcw__shard gcw__shards[GCW__SHARDS] = {
#define SHARD { .lock = PTHREAD_MUTEX_INITIALIZER }
#define FOUR SHARD, SHARD, SHARD, SHARD
    FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR
#undef FOUR
#undef SHARD
};

_Static_assert(GCW__SHARDS == 32, "the initialiser above has 32");

static uint64_t
next_id(struct gcw__shard *shard, bool is_long)
{
    return (++shard->births * GCW__SHARDS
            + (uint64_t)(shard - gcw__shards)) << 1 | is_long;
}

/* The index. */

/* Whether the item, which was found at the target's address, is the seat of a
 * reference to it: of that kind, and live, not one left over from an object that
 * was there before.  If the shard was swept after the last collection, nothing is
 * left over, and the reference, which is likely not in the cache, need not be
 * read. */
static bool
fits(const struct gcw__shard *shard, void *item, const void *target,
     uintptr_t kind)
{
    if (((uintptr_t)item & GCW__KIND) != kind)
        return false;
    return shard->swept == gcw__gc_no()
           || atomic_load_explicit(&gcw__seat_ref(gcw__item_seat(item))->target,
                                   memory_order_relaxed) == target;
}

/* *at is where the walk ends. */
static struct gcw__seat *
find_seat(const struct gcw__shard *shard, const void *target, uintptr_t kind,
          size_t *at)
{
    uintptr_t address = (uintptr_t)target;
    void *item;

    *at = gcw__table_place(address);
    while ((item = gcw__table_next(&shard->index, address, at)) != NULL)
        if (fits(shard, item, target, kind))
            return gcw__item_seat(item);
    return NULL;
}

struct gcw__seat *
gcw__index_find(const struct gcw__shard *shard, const void *target,
                uintptr_t kind)
{
    size_t at;

    return find_seat(shard, target, kind, &at);
}

void
gcw__index_leave(struct gcw__shard *shard, struct gcw__seat *seat)
{
    gcw__table_remove(&shard->index, gcw__seat_target(seat),
                      gcw__item_of(seat, gcw__seat_kind(seat)));
}

static void
enter_chunk(struct gcw__shard *shard, struct gcw__chunk *chunk)
{
    unsigned top = atomic_load_explicit(&chunk->top, memory_order_relaxed);

    for (unsigned i = 0; i < top; i++) {
        struct gcw__seat *seat = &chunk->page->seats[i];

        if (gcw__seat_is_live(seat))
            gcw__table_insert(&shard->index, gcw__seat_target(seat),
                              gcw__item_of(seat, gcw__seat_kind(seat)));
    }
}

void
gcw__index_anew(struct gcw__shard *shard, size_t live)
{
    gcw__table_clear(&shard->index, live);
    for (int way = 0; way < GCW__WAYS; way++)
        for (struct gcw__chunk *chunk
                 = atomic_load(&shard->chunks[way].first);
             chunk != NULL; chunk = atomic_load(&chunk->next))
            enter_chunk(shard, chunk);
}

/* A reference that is asked for. */
struct request {
    struct gcw__shard *shard;
    void *base;
    const void *target;
    uintptr_t kind;
    enum gcw__way way;
    struct gcw__watch *watch;        /* to be put on it, or NULL */
    gcw_ref *found;                  /* the reference, if there is one; else */
    struct gcw__seat *seat;          /* a seat for it, and how many */
    uint64_t births;                 /* references the shard had made then */
    bool lags;                       /* collections are to be caught up, */
    bool lacks_chunk, lacks_cells;   /* or these are to be got */
    struct gcw__chunk *chunk;
    struct gcw__cells *cells;
};

/* What a request lacks. */

/* References that come by the list: a collection meanwhile would take all but the
 * one that is in a register or on the stack. */
static void
fill_cells(struct gcw__cells *cells)
{
    GC_word before = gcw__gc_no();
    void *next = NULL;

    GC_generic_malloc_many(GC_GRANULE_BYTES * ((sizeof(gcw_ref)
                                                + GC_GRANULE_BYTES - 1)
                                               / GC_GRANULE_BYTES),
                           GC_I_PTRFREE, &next);
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
    struct gcw__cells *cells = GC_MALLOC_UNCOLLECTABLE(
        gcw__whole_granules(sizeof *cells));

    if (cells == NULL)
        return NULL;
    cells->count = 0;
    fill_cells(cells);
    if (cells->count == 0) {
        cells->at[0] = GC_MALLOC_ATOMIC(gcw__whole_granules(sizeof(gcw_ref)));
        cells->count = cells->at[0] != NULL;
    }
    if (cells->count != 0)
        return cells;
    GC_FREE(cells);
    return NULL;
}

/* What was not needed after all. */
static void
put_away(struct request *r)
{
    GC_FREE(r->cells);
    r->cells = NULL;
    if (r->chunk != NULL)
        gcw__chunk_free(r->chunk);
    r->chunk = NULL;
}

static bool
get_what_lacks(void *request)
{
    struct request *r = request;

    put_away(r);
    if (r->lags)
        gcw__settle();
    if (r->lacks_chunk)
        r->chunk = gcw__chunk_new(r->shard, r->way);
    if (r->lacks_cells)
        r->cells = cells_new();
    GCW__DELAY(1);
    return (!r->lacks_chunk || r->chunk != NULL)
           && (!r->lacks_cells || r->cells != NULL);
}

/* The cells that are left over are exchanged for it, and put away. */
static void
use_what_was_got(struct request *r)
{
    struct gcw__shard *shard = r->shard;
    struct gcw__cells *cells = r->cells;

    if (r->chunk != NULL) {
        gcw__chunk_add(&shard->chunks[r->way], r->chunk);
        shard->seats += GCW__SEATS;
        r->chunk = NULL;
    }
    if (cells != NULL
        && (shard->cells == NULL || shard->cells->count < cells->count)) {
        r->cells = shard->cells;
        shard->cells = cells;
    }
}

/* Whether nothing is lacking.  The pass must not have missed a collection before
 * a seat is entered that it looks at: see by-marks.c. */
static bool
has_all(struct request *r)
{
    struct gcw__shard *shard = r->shard;

    r->lags = r->way == GCW__BY_MARKS
              && !gcw__engine_is_done(gcw__engine_load_done());
    r->lacks_chunk = shard->chunks[r->way].room == NULL;
    r->lacks_cells = shard->cells == NULL || shard->cells->count == 0;
    return !r->lags && !r->lacks_chunk && !r->lacks_cells;
}

/* Making. */

static gcw_ref *
take_cell(struct gcw__shard *shard, const void *target)
{
    struct gcw__cells *cells = shard->cells;
    gcw_ref *ref = cells->at[--cells->count];

    atomic_store_explicit(&ref->target, (void *)(uintptr_t)target,
                          memory_order_relaxed);
    return ref;
}

/* The seat has the reference: so the array need not. */
static void
take_seat(struct request *r)
{
    struct gcw__shard *shard = r->shard;
    gcw_ref *ref = take_cell(shard, r->target);

    r->seat = gcw__seat_take(&shard->chunks[r->way], ref);
    shard->cells->at[shard->cells->count] = NULL;
    r->births = shard->births;
}

/* The owner of the seat that was taken.  0: no memory. */
static uintptr_t
owner_of(const struct request *r)
{
    uintptr_t base = (uintptr_t)r->base;
    struct gcw__inside *inside;

    if (!(r->kind & GCW__OF_INTERIOR))
        return gcw__owner_of(base, GCW__LIVE);
    inside = gcw__inside_add(&r->shard->heads, base, (uintptr_t)r->target,
                             r->seat);
    return inside == NULL ? 0
        : gcw__owner_of((uintptr_t)inside, GCW__LIVE | GCW__INTERIOR);
}

/* Makes the seat live that was taken, and returns its reference.  `at`: where the
 * walk for it in the index has ended.  NULL: no memory. */
static gcw_ref *
enter_seat(const struct request *r, size_t at)
{
    struct gcw__table *index = &r->shard->index;
    size_t capacity = index->capacity;
    gcw_ref *ref = gcw__seat_keep(r->seat);
    uintptr_t owner = 0;
    void *item = gcw__item_of(r->seat, r->kind);

    if (gcw__table_make_room(index))
        owner = owner_of(r);
    if (owner == 0)
        return NULL;
    ref->id = next_id(r->shard, r->kind & GCW__OF_LONG);
    if (index->capacity == capacity)
        gcw__table_insert_at(index, at, (uintptr_t)r->target, item);
    else
        gcw__table_insert(index, (uintptr_t)r->target, item);
    gcw__seat_enter(r->seat, owner);
    GCW__TRACE2(ref__create, ref, r->target);
    return ref;
}

static void
watch_found(struct gcw__seat *seat, struct gcw__watch *watch)
{
    if (watch == NULL)
        return;
    watch->ref = gcw__seat_ref(seat);
    gcw__seat_watch(seat, watch);
}

/* Looks for the reference.  `at`: as of find_seat. */
static bool
find_ref(struct request *r, size_t *at)
{
    struct gcw__seat *seat = find_seat(r->shard, r->target, r->kind, at);

    if (seat == NULL)
        return false;
    r->found = gcw__seat_ref(seat);
    watch_found(seat, r->watch);
    return true;
}

/* Makes the seat that was taken the one of the reference.  Returns 0 or an
 * errno. */
static int
finish(struct request *r, size_t at)
{
    r->found = enter_seat(r, at);
    if (r->found == NULL)
        return ENOMEM;
    watch_found(r->seat, r->watch);
    return 0;
}

/* By marks. */
static int
finish_at_once(struct request *r, size_t at)
{
    int error = finish(r, at);

    if (error != 0)
        gcw__seat_free(&r->shard->chunks[r->way], r->seat);
    return error;
}

/* Looks for the reference; if there is none, makes it, or takes a seat for it. */
static int
find_or_take(void *request)
{
    struct request *r = request;
    size_t at;

    use_what_was_got(r);
    r->seat = NULL;
    if (find_ref(r, &at))
        return 0;
    if (!has_all(r))
        return GCW__MISSING;
    take_seat(r);
    return gcw__way_registers(r->way) ? 0 : finish_at_once(r, at);
}

/* By links. */

/* If another thread was faster, its reference is found, and the seat is not
 * needed.  Returns 0 or an errno. */
static int
find_or_finish(struct request *r)
{
    size_t at;
    int error;

    gcw__lock(&r->shard->lock, true);
    error = find_ref(r, &at) ? EEXIST : finish(r, at);
    gcw__unlock(&r->shard->lock);
    return error;
}

static void
give_seat_back(struct request *r)
{
    gcw__lock(&r->shard->lock, true);
    gcw__seat_free(&r->shard->chunks[r->way], r->seat);
    gcw__unlock(&r->shard->lock);
}

/* Registers the link of the seat that was taken, and makes the seat live.  Returns
 * 0 or an errno. */
static int
register_and_finish(struct request *r)
{
    gcw_ref *ref = gcw__seat_keep(r->seat);
    int error = gcw__way_hold(r->way, ref, r->base);
    bool is_held = error == 0;

    GCW__DELAY(2);
    if (is_held)
        error = find_or_finish(r);
    if (error == 0)
        return 0;
    if (is_held)
        gcw__way_let_go(r->way, ref);
    GCW__DELAY(3);
    give_seat_back(r);
    return error == EEXIST ? 0 : error;
}

static gcw_ref *
find_or_make(void *base, const void *target, bool is_long,
             struct gcw__watch *watch)
{
    struct request r = {
        .shard = gcw__shard_of_base((uintptr_t)base), .base = base,
        .target = target,
        .kind = gcw__kind_of((uintptr_t)base, target, is_long),
        .way = gcw__way_of(is_long), .watch = watch
    };
    int error = gcw__with_spare(&r.shard->lock, find_or_take, get_what_lacks,
                                &r);

    if (error == 0 && r.found == NULL)
        error = register_and_finish(&r);
    if (!GCW__LIKELY(r.cells == NULL && r.chunk == NULL))
        put_away(&r);
    if (error != 0)
        errno = error;
    GCW__KEEP(target);
    GCW__KEEP(base);
    return r.found;
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
    seat = gcw__index_find(shard, target,
                           gcw__kind_of((uintptr_t)base, target, false));
    ref = seat == NULL ? NULL : gcw__seat_ref(seat);
    gcw__unlock(&shard->lock);
    GCW__KEEP(target);
    GCW__KEEP(base);
    return ref;
}

/* Counting. */

static size_t
pages_by_links(const struct gcw__shard *shard)
{
    size_t n = 0;

    for (int way = 0; way < GCW__WAYS; way++)
        for (const struct gcw__chunk *chunk
                 = atomic_load(&shard->chunks[way].first);
             chunk != NULL; chunk = atomic_load(&chunk->next))
            n += gcw__way_registers(chunk->way);
    return n;
}

void
gcw__ref_stats(struct gcw__ref_stats *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < GCW__SHARDS; i++) {
        struct gcw__shard *shard = &gcw__shards[i];

        gcw__lock(&shard->lock, true);
        out->live += shard->index.count;
        out->index_capacity += shard->index.capacity;
        out->slots += shard->seats;
        out->link_pages += pages_by_links(shard);
        gcw__unlock(&shard->lock);
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
