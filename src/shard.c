/* shard.c: the references of all targets, in shards.
 *
 * What there is for a live target
 *
 *     index ----> gcw_ref <---- slot.ref     the slot keeps the gcw_ref and
 *     (weak)        |             |          the watches alive, in
 *                   | link        | same     uncollectable memory (the chunk)
 *                   v             | number
 *     links:   [ pointer to the target ]      outside the heap, not scanned;
 *                                             the collector clears it
 *
 * Each object belongs to one shard, by its address, so all references into an
 * object are found together.  A shard has a lock, an index from a target's
 * address to its gcw_ref, and chunks of 512 slots with a page of links each.
 * References into the middle of an object are found by the object too: see
 * inside.c.
 *
 * The life of a slot
 *
 *     free --- make ---> live --- bury ---> limbo --- a collection ---> free
 *
 * live    the link holds the target's pointer, until the collector clears it
 * limbo   the link is NULL; the gcw_ref, which users may hold for ever, leads
 *         to the dead word instead.  A reader may still have the old link, so
 *         the slot rests until another collection has stopped the world (see
 *         read.h)
 * free    the link holds FREE, which is not NULL, so that a NULL found in a
 *         walk over the links means a death, or limbo
 *
 * A link is registered with the collector while the slot is taken but before
 * the reference is in the index, so nobody else knows it, and no lock is held:
 * registering may collect and, out of memory, call the application.
 *
 * Who runs here: any thread that makes references or watches, and one thread
 * at a time that sweeps.  Everything but gcw_ref.link is written and read
 * under the shard's lock only.  A collection at any instruction is harmless:
 * the caller of make holds the target; what has died meanwhile shows as a
 * NULL in its link, in the index as well, and is passed over until it is
 * swept.
 */
#include <config.h>
#include "shard.h"

#include "inside.h"
#include "lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FREE ((void *)(uintptr_t)1)

enum { NONE = GCW__LINKS_IN_PAGE };

struct slot {
    gcw_ref *ref;
    struct gcw__watch *newest;
    uintptr_t hidden;        /* the target's address, or the gcw__inside if
                              * that is not the object's base; and, in the
                              * lowest bits, the marks of the reference; all
                              * bits turned */
};

struct gcw__chunk {
    struct gcw__chunk *next, *prev;
    void *_Atomic *links;
    struct gcw__region *region;
    GC_word resting_since;   /* the last gc_no at which a slot went to limbo */
    unsigned used;           /* slots live or in limbo */
    unsigned top;            /* slots from here on were never used */
    unsigned free, limbo;    /* lists through `after`, ended by NONE */
    uint16_t after[GCW__LINKS_IN_PAGE];
    struct slot slots[GCW__LINKS_IN_PAGE];
};

/* Where a slot is; and how many references its shard had made when none was
 * found to the target. */
struct place {
    struct gcw__chunk *chunk;
    unsigned number;
    uint64_t births;
};

/* The chunks with room come first in the list. */
struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct gcw__table index; /* references by target */
    struct gcw__table heads; /* of the rings of gcw__inside, by object */
    struct gcw__chunk *first, *last;
    size_t slots;
    uint64_t births;
    GC_word swept;           /* the collection whose deaths are all buried */
    _Atomic size_t watches;  /* written under the lock, read by everybody */
};

static struct shard shards[GCW__SHARDS] = {
#define SHARD { .lock = PTHREAD_MUTEX_INITIALIZER }
#define FOUR SHARD, SHARD, SHARD, SHARD
    FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR, FOUR
#undef FOUR
#undef SHARD
};

_Static_assert(GCW__SHARDS == 32, "the initialiser above has 32");

/* Where the dead references lead; always NULL. */
static void *_Atomic dead_word;

/* Neighbours share a shard, so that what is allocated together gets slots
 * together: this is what makes a collection's walk over the links, and ours,
 * find things in its caches. */
static struct shard *
shard_of_base(uintptr_t base)
{
    return &shards[gcw__mix(base >> 15) >> (sizeof base * 8 - 5)];
}

static struct shard *
shard_of_ref(const gcw_ref *ref)
{
    return &shards[(ref->id >> 1) % GCW__SHARDS];
}

static uint64_t
next_id(struct shard *shard, bool is_long)
{
    return (++shard->births * GCW__SHARDS + (uint64_t)(shard - shards)) << 1
           | is_long;
}

/* Chunks. */

static bool
has_room(const struct gcw__chunk *chunk)
{
    return chunk->free != NONE || chunk->top < GCW__LINKS_IN_PAGE;
}

static void
unlink_chunk(struct shard *shard, struct gcw__chunk *chunk)
{
    if (chunk->prev != NULL)
        chunk->prev->next = chunk->next;
    else
        shard->first = chunk->next;
    if (chunk->next != NULL)
        chunk->next->prev = chunk->prev;
    else
        shard->last = chunk->prev;
}

static void
put_first(struct shard *shard, struct gcw__chunk *chunk)
{
    chunk->prev = NULL;
    chunk->next = shard->first;
    if (shard->first != NULL)
        shard->first->prev = chunk;
    else
        shard->last = chunk;
    shard->first = chunk;
}

static void
put_last(struct shard *shard, struct gcw__chunk *chunk)
{
    chunk->next = NULL;
    chunk->prev = shard->last;
    if (shard->last != NULL)
        shard->last->next = chunk;
    else
        shard->first = chunk;
    shard->last = chunk;
}

static struct gcw__chunk *
chunk_new(void)
{
    struct gcw__chunk *chunk = GC_MALLOC_UNCOLLECTABLE(sizeof *chunk);

    if (chunk == NULL)
        return NULL;
    chunk->links = gcw__links_take(&chunk->region);
    if (chunk->links == NULL) {
        GC_FREE(chunk);
        return NULL;
    }
    chunk->free = chunk->limbo = NONE;
    return chunk;
}

static void
chunk_drop(struct shard *shard, struct gcw__chunk *chunk)
{
    unlink_chunk(shard, chunk);
    shard->slots -= GCW__LINKS_IN_PAGE;
    gcw__links_give(chunk->links, chunk->region);
    GC_FREE(chunk);
}

/* Sees to it that the first chunk has room.  Called with the lock held, which
 * it lets go in between. */
static bool
make_room(struct shard *shard)
{
    while (shard->first == NULL || !has_room(shard->first)) {
        struct gcw__chunk *chunk;

        gcw__unlock(&shard->lock);
        chunk = chunk_new();
        gcw__lock(&shard->lock, true);
        if (chunk == NULL)
            return false;
        put_first(shard, chunk);
        shard->slots += GCW__LINKS_IN_PAGE;
    }
    return true;
}

/* Slots. */

static unsigned
take_number(struct gcw__chunk *chunk)
{
    unsigned number = chunk->free;

    if (number == NONE)
        return chunk->top++;
    chunk->free = chunk->after[number];
    return number;
}

static void
slot_free(struct gcw__chunk *chunk, unsigned number)
{
    atomic_store_explicit(&chunk->links[number], FREE, memory_order_relaxed);
    chunk->after[number] = (uint16_t)chunk->free;
    chunk->free = number;
    chunk->used--;
}

/* A slot in the first chunk, which has room: its link leads to the target
 * already, but there is no reference yet. */
static struct place
slot_take(struct shard *shard, const void *target)
{
    struct gcw__chunk *chunk = shard->first;
    unsigned number = take_number(chunk);

    chunk->slots[number] = (struct slot){ NULL, NULL, 0 };
    chunk->used++;
    atomic_store_explicit(&chunk->links[number], (void *)(uintptr_t)target,
                          memory_order_relaxed);
    if (!has_room(chunk)) {
        unlink_chunk(shard, chunk);
        put_last(shard, chunk);
    }
    return (struct place){ chunk, number, 0 };
}

/* Undoes slot_take.  No reference has led there, so it needs no rest. */
static void
slot_return(struct shard *shard, struct place place)
{
    place.chunk->slots[place.number] = (struct slot){ NULL, NULL, 0 };
    slot_free(place.chunk, place.number);
    unlink_chunk(shard, place.chunk);
    put_first(shard, place.chunk);
}

static struct slot *
slot_of(const gcw_ref *ref)
{
    struct gcw__chunk *chunk = ref->chunk;

    return &chunk->slots[atomic_load_explicit(&ref->link, memory_order_relaxed)
                         - chunk->links];
}

static bool
is_buried(const gcw_ref *ref)
{
    return atomic_load_explicit(&ref->link, memory_order_relaxed)
           == &dead_word;
}

/* The index. */

/* What the index holds is marked with the kind of reference, so that what does
 * not fit need not be looked at. */
enum { LONG = 1, INTERIOR = 2, MARKS = 3 };

static uintptr_t
marks_of(uintptr_t base, const void *target, bool is_long)
{
    return (is_long ? LONG : 0) | ((uintptr_t)target != base ? INTERIOR : 0);
}

static gcw_ref *
unmarked(void *item)
{
    return (gcw_ref *)((uintptr_t)item & ~(uintptr_t)MARKS);
}

static void *
marked(gcw_ref *ref, uintptr_t marks)
{
    return (void *)((uintptr_t)ref | marks);
}

/* Whether the item, which was found at the target's address, is a reference to
 * it: of that kind, and live, not one left over from an object that was there
 * before.  If the shard was swept after the last collection, nothing is left
 * over, and the link, which is likely not in the cache, need not be read. */
static bool
fits(const struct shard *shard, void *item, const void *target,
     uintptr_t marks)
{
    if (((uintptr_t)item & MARKS) != marks)
        return false;
    return shard->swept == gcw__gc_no()
           || atomic_load_explicit(unmarked(item)->link, memory_order_relaxed)
              == target;
}

static gcw_ref *
find(const struct shard *shard, const void *target, uintptr_t marks)
{
    uintptr_t address = (uintptr_t)target;
    size_t at = gcw__table_place(address);
    void *item;

    while ((item = gcw__table_next(&shard->index, address, &at)) != NULL)
        if (fits(shard, item, target, marks))
            return unmarked(item);
    return NULL;
}

/* Looks for the reference; if there is none, takes a slot for it, or leaves
 * place->chunk NULL: no memory. */
static gcw_ref *
find_or_take(struct shard *shard, const void *target, uintptr_t marks,
             struct place *place)
{
    uint64_t births;
    gcw_ref *ref;

    gcw__lock(&shard->lock, true);
    ref = find(shard, target, marks);
    births = shard->births;
    if (ref == NULL && make_room(shard)) {
        *place = slot_take(shard, target);
        place->births = births;
    }
    gcw__unlock(&shard->lock);
    return ref;
}

/* Enters the reference in the index.  False: no memory. */
static bool
enter(struct shard *shard, gcw_ref *ref, uintptr_t base, uintptr_t target,
      uintptr_t marks)
{
    uintptr_t found_by = target;

    if (!gcw__table_make_room(&shard->index))
        return false;
    if (marks & INTERIOR)
        found_by = (uintptr_t)gcw__inside_add(&shard->heads, base, target,
                                              ref);
    if (found_by == 0)
        return false;
    slot_of(ref)->hidden = ~(found_by | marks);
    gcw__table_insert(&shard->index, target, marked(ref, marks));
    return true;
}

static uintptr_t
marks_in(const struct slot *slot)
{
    return ~slot->hidden & MARKS;
}

/* NULL if the reference leads to the beginning of its object. */
static struct gcw__inside *
inside_of(const struct slot *slot)
{
    return marks_in(slot) & INTERIOR
        ? (struct gcw__inside *)(~slot->hidden & ~(uintptr_t)MARKS) : NULL;
}

static uintptr_t
target_of(const struct slot *slot)
{
    const struct gcw__inside *inside = inside_of(slot);

    return inside != NULL ? inside->target
                          : ~slot->hidden & ~(uintptr_t)MARKS;
}

/* Takes the reference in the slot out of the index. */
static void
leave(struct shard *shard, const struct slot *slot)
{
    gcw__table_remove(&shard->index, target_of(slot),
                      marked(slot->ref, marks_in(slot)));
}

/* The index anew, of what is not buried. */
static void
enter_all(struct shard *shard)
{
    const struct gcw__chunk *chunk;

    gcw__table_clear(&shard->index);
    for (chunk = shard->first; chunk != NULL; chunk = chunk->next)
        for (unsigned i = 0; i < chunk->top; i++) {
            const struct slot *slot = &chunk->slots[i];

            if (slot->ref != NULL)
                gcw__table_insert(&shard->index, target_of(slot),
                                  marked(slot->ref, marks_in(slot)));
        }
}

/* Lets the reference lead to its place, and the index to the reference; unless
 * another thread was faster: then its reference is returned, and the slot is
 * not needed.  Lock held.  NULL: no memory. */
static gcw_ref *
publish(struct shard *shard, gcw_ref *ref, const struct place *place,
        uintptr_t base, const void *target, uintptr_t marks)
{
    gcw_ref *other = shard->births == place->births
        ? NULL : find(shard, target, marks);

    if (other != NULL
        || !enter(shard, ref, base, (uintptr_t)target, marks))
        return other;
    ref->id = next_id(shard, marks & LONG);
    slot_of(ref)->ref = ref;
    return ref;
}

/* A reference that leads to the slot, whose link is registered.  Returns 0 or
 * an errno. */
static int
prepare(gcw_ref **result, struct place place, void *base, bool is_long)
{
    void *_Atomic *link = &place.chunk->links[place.number];
    gcw_ref *ref = GC_MALLOC_ATOMIC(sizeof *ref);

    *result = ref;
    if (ref == NULL)
        return ENOMEM;
    ref->chunk = place.chunk;
    atomic_init(&ref->link, link);
    return gcw__link_add(link, base, is_long);
}

/* The reference for the slot that was taken. */
static gcw_ref *
make(struct shard *shard, struct place place, void *base, const void *target,
     uintptr_t marks)
{
    gcw_ref *ref, *used = NULL;
    int error = prepare(&ref, place, base, marks & LONG);

    gcw__lock(&shard->lock, true);
    if (error == 0) {
        used = publish(shard, ref, &place, (uintptr_t)base, target, marks);
        if (used != ref)
            gcw__link_remove(ref->link, marks & LONG);
    }
    if (used != ref || used == NULL)
        slot_return(shard, place);
    gcw__unlock(&shard->lock);
    if (used == NULL)
        errno = error == 0 ? ENOMEM : error;
    return used;
}

gcw_ref *
gcw__shard_ref(void *base, const void *target, bool is_long)
{
    struct shard *shard = shard_of_base((uintptr_t)base);
    uintptr_t marks = marks_of((uintptr_t)base, target, is_long);
    struct place place = { NULL, 0, 0 };
    gcw_ref *ref = find_or_take(shard, target, marks, &place);

    if (ref == NULL && place.chunk == NULL)
        errno = ENOMEM;
    else if (ref == NULL)
        ref = make(shard, place, base, target, marks);
    GCW__KEEP(target);
    GCW__KEEP(base);
    return ref;
}

/* Deaths. */

/* Moves the watches to the end of the list. */
static size_t
append(struct gcw__watch *watch, struct gcw__watch **first,
       struct gcw__watch **last)
{
    size_t n = 0;

    if (watch == NULL)
        return 0;
    if (*last != NULL)
        (*last)->next = watch;
    else
        *first = watch;
    for (; watch != NULL; watch = watch->next) {
        watch->before = 0;
        *last = watch;
        n++;
    }
    return n;
}

static void
drop_watches(struct shard *shard, size_t n)
{
    size_t left = atomic_load_explicit(&shard->watches, memory_order_relaxed);

    atomic_store_explicit(&shard->watches, left - n, memory_order_relaxed);
}

/* From live to limbo, but for the index.  The link is NULL.
 *
 * gc_no is read after readers were sent to the dead word: see read.h.  As
 * there, keeping the compiler from changing the order is enough: a collection
 * that stops this thread between the two or later finds the word written, and
 * an earlier one has been counted. */
static void
bury(struct shard *shard, struct gcw__chunk *chunk, unsigned number,
     struct gcw__watch **first, struct gcw__watch **last)
{
    struct slot *slot = &chunk->slots[number];
    struct gcw__inside *inside = inside_of(slot);

    if (inside != NULL)
        gcw__inside_remove(&shard->heads, inside);
    atomic_store_explicit(&slot->ref->link, &dead_word, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    chunk->resting_since = gcw__gc_no();
    drop_watches(shard, append(slot->newest, first, last));
    *slot = (struct slot){ NULL, NULL, 0 };
    chunk->after[number] = (uint16_t)chunk->limbo;
    chunk->limbo = number;
}

/* A reference into the object, or NULL. */
static gcw_ref *
find_any(const struct shard *shard, uintptr_t base)
{
    size_t at = gcw__table_place(base);
    void *item;

    while ((item = gcw__table_next(&shard->index, base, &at)) != NULL)
        if (!((uintptr_t)item & INTERIOR))
            return unmarked(item);
    return gcw__inside_any(&shard->heads, base);
}

void
gcw__shard_kill(void *base, struct gcw__watch **first,
                struct gcw__watch **last)
{
    struct shard *shard = shard_of_base((uintptr_t)base);
    gcw_ref *ref;

    gcw__lock(&shard->lock, true);
    while ((ref = find_any(shard, (uintptr_t)base)) != NULL) {
        struct gcw__chunk *chunk = ref->chunk;

        gcw__link_remove(ref->link, gcw__ref_is_long(ref));
        leave(shard, slot_of(ref));
        bury(shard, chunk, (unsigned)(slot_of(ref) - chunk->slots), first,
             last);
    }
    gcw__unlock(&shard->lock);
}

/* From limbo to free, if a collection has passed. */
static void
end_rest(struct shard *shard, struct gcw__chunk *chunk, GC_word now)
{
    if (chunk->limbo == NONE || now <= chunk->resting_since)
        return;
    while (chunk->limbo != NONE) {
        unsigned number = chunk->limbo;

        chunk->limbo = chunk->after[number];
        slot_free(chunk, number);
    }
    unlink_chunk(shard, chunk);
    put_first(shard, chunk);
}

static bool
is_dead(const struct gcw__chunk *chunk, unsigned number)
{
    return atomic_load_explicit(&chunk->links[number], memory_order_relaxed)
               == NULL
           && chunk->slots[number].ref != NULL;
}

/* The walk that costs at every collection, whether anything died or not. */
static size_t
count_dead(const struct shard *shard)
{
    const struct gcw__chunk *chunk;
    size_t n = 0;

    for (chunk = shard->first; chunk != NULL; chunk = chunk->next)
        for (unsigned i = 0, top = chunk->top; i < top; i++)
            n += is_dead(chunk, i);
    return n;
}

static void
bury_chunk(struct shard *shard, struct gcw__chunk *chunk, bool in_index,
           struct gcw__watch **first, struct gcw__watch **last)
{
    for (unsigned i = 0, top = chunk->top; i < top; i++) {
        if (!is_dead(chunk, i))
            continue;
        if (in_index)
            leave(shard, &chunk->slots[i]);
        bury(shard, chunk, i, first, last);
    }
}

/* Where most have died, making the index anew costs less than taking each out.
 * A collection may clear more links meanwhile. */
static void
bury_dead(struct shard *shard, struct gcw__watch **first,
          struct gcw__watch **last)
{
    size_t dead = count_dead(shard);
    bool anew = dead > shard->index.count / 2;
    struct gcw__chunk *chunk;

    if (dead == 0)
        return;
    for (chunk = shard->first; chunk != NULL; chunk = chunk->next)
        bury_chunk(shard, chunk, !anew, first, last);
    if (anew)
        enter_all(shard);
}

/* The last chunk stays, for the next reference. */
static void
drop_empty(struct shard *shard)
{
    struct gcw__chunk *chunk = shard->first;

    while (chunk != NULL) {
        struct gcw__chunk *next = chunk->next;

        if (chunk->used == 0 && shard->first != shard->last)
            chunk_drop(shard, chunk);
        chunk = next;
    }
}

static void
sweep(struct shard *shard, GC_word now, struct gcw__watch **first,
      struct gcw__watch **last)
{
    struct gcw__chunk *chunk, *next;

    bury_dead(shard, first, last);
    for (chunk = shard->first; chunk != NULL; chunk = next) {
        next = chunk->next;
        end_rest(shard, chunk, now);
    }
    drop_empty(shard);
    gcw__table_trim(&shard->index);
    shard->swept = now;
}

bool
gcw__shards_sweep(GC_word now, bool may_wait, struct gcw__watch **first,
                  struct gcw__watch **last)
{
    bool complete = true;

    for (size_t i = 0; i < GCW__SHARDS; i++) {
        if (!gcw__lock(&shards[i].lock, may_wait)) {
            complete = false;
            continue;
        }
        sweep(&shards[i], now, first, last);
        gcw__unlock(&shards[i].lock);
    }
    return complete;
}

/* Watches. */

static void
link_watch(struct shard *shard, struct gcw__watch *watch)
{
    struct slot *slot = slot_of(watch->ref);
    size_t n = atomic_load_explicit(&shard->watches, memory_order_relaxed);

    watch->before = ~(uintptr_t)NULL;
    watch->next = slot->newest;
    if (slot->newest != NULL)
        slot->newest->before = ~(uintptr_t)watch;
    slot->newest = watch;
    atomic_store_explicit(&shard->watches, n + 1, memory_order_relaxed);
}

bool
gcw__watch_add(struct gcw__watch *watch)
{
    struct shard *shard = shard_of_ref(watch->ref);
    bool live;

    gcw__lock(&shard->lock, true);
    live = !is_buried(watch->ref);
    if (live)
        link_watch(shard, watch);
    gcw__unlock(&shard->lock);
    return live;
}

static void
unlink_watch(struct shard *shard, struct gcw__watch *watch)
{
    struct gcw__watch *prev = (struct gcw__watch *)~watch->before;

    if (prev != NULL)
        prev->next = watch->next;
    else
        slot_of(watch->ref)->newest = watch->next;
    if (watch->next != NULL)
        watch->next->before = watch->before;
    watch->before = 0;
    watch->next = NULL;
    drop_watches(shard, 1);
}

bool
gcw__watch_remove(struct gcw__watch *watch, bool may_wait)
{
    struct shard *shard = shard_of_ref(watch->ref);

    if (!gcw__lock(&shard->lock, may_wait))
        return false;
    if (watch->before != 0)
        unlink_watch(shard, watch);
    gcw__unlock(&shard->lock);
    return true;
}

size_t
gcw__shards_watches(void)
{
    size_t n = 0;

    for (size_t i = 0; i < GCW__SHARDS; i++)
        n += atomic_load_explicit(&shards[i].watches, memory_order_relaxed);
    return n;
}

void
gcw__ref_stats(struct gcw__ref_stats *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < GCW__SHARDS; i++) {
        gcw__lock(&shards[i].lock, true);
        out->live += shards[i].index.count;
        out->index_capacity += shards[i].index.capacity;
        out->slots += shards[i].slots;
        gcw__unlock(&shards[i].lock);
    }
    out->watches = gcw__shards_watches();
}

void
gcw__shards_fork_prepare(void)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        gcw__lock(&shards[i].lock, true);
}

void
gcw__shards_fork_done(void)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        gcw__unlock(&shards[i].lock);
}
