/* shard.c: the references of all targets, in shards.
 *
 * A live target has a slot: three words with the same number, each in memory
 * of the kind that is cheapest for its purpose.
 *
 *     index --> gcw_ref <------ keep      the reference; or the newest watch,
 *     (weak)      |              |        which holds the next, and the
 *                 | link         |        reference: uncollectable memory
 *                 v              |
 *               link           owner      what the reference is found by:
 *       leads to the target;              memory that no collection looks at
 *       outside the heap, not scanned;
 *       the collector clears it
 *
 * There may be millions of slots, and every collection meets each of them: so
 * it has one word a slot to look at, and the 16 bytes of a reference are not
 * scanned.
 *
 * Each object belongs to one shard, by its address, so all references into an
 * object are found together.  A shard has a lock, an index from a target's
 * address to its gcw_ref, and chunks of 511 slots, with a page of links each
 * that leads back to its chunk.  References into the middle of an object are
 * found by the object too: see inside.c.
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
 * The threads that run here: any that makes references or watches, and one at
 * a time that sweeps.  Everything but gcw_ref.link is written and read under
 * the shard's lock only.  A collection at any instruction is harmless: the
 * caller of make holds the target; another target that dies meanwhile has a
 * NULL in its link, by which its reference is passed over in the index until
 * it is swept.
 */
#include <config.h>
#include "weak/shard.h"

#include "collector/objects.h"
#include "ground/delay.h"
#include "ground/hidden.h"
#include "ground/lock.h"
#include "ground/spare.h"
#include "ground/trace.h"
#include "weak/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FREE ((void *)(uintptr_t)1)

enum { SLOTS = GCW__LINKS_IN_PAGE, NONE = SLOTS };

/* Memory from malloc, but for `keep`. */
struct chunk {
    struct chunk *next, *prev;
    struct shard *shard;     /* the one that has it */
    void *_Atomic *links;
    struct gcw__region *region;
    void **keep;             /* NULL while a slot is not live */
    GC_word resting_since;   /* the last gc_no at which a slot went to limbo */
    unsigned used;           /* slots live or in limbo */
    unsigned top;            /* slots from here on were never used */
    unsigned free, limbo;    /* lists through `owners`, ended by NONE */
    uintptr_t owners[SLOTS]; /* live: the target's address, or the gcw__inside
                              * if that is not the object's base; and, in the
                              * lowest bits, the marks of the slot.  In a list:
                              * the number of the next */
};

/* A slot, by its number in its chunk. */
struct slot {
    struct chunk *chunk;
    unsigned number;
};

/* The chunks with room come first in the list. */
struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct gcw__table index; /* references by target */
    struct gcw__table heads; /* of the rings of gcw__inside, by object */
    struct chunk *first, *last;
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

/* The word to which dead references lead; always NULL. */
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
chunk_has_room(const struct chunk *chunk)
{
    return chunk->free != NONE || chunk->top < SLOTS;
}

static void
unlink_chunk(struct shard *shard, struct chunk *chunk)
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
put_first(struct shard *shard, struct chunk *chunk)
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
put_last(struct shard *shard, struct chunk *chunk)
{
    chunk->next = NULL;
    chunk->prev = shard->last;
    if (shard->last != NULL)
        shard->last->next = chunk;
    else
        shard->first = chunk;
    shard->last = chunk;
}

/* Frees a chunk, which may lack links or `keep`. */
static void
chunk_free(struct chunk *chunk)
{
    if (chunk->links != NULL)
        gcw__links_give(chunk->links, chunk->region);
    GC_FREE(chunk->keep);
    free(chunk);
}

static struct chunk *
chunk_new(struct shard *shard)
{
    struct chunk *chunk = malloc(sizeof *chunk);

    if (chunk == NULL)
        return NULL;
    chunk->shard = shard;
    chunk->used = chunk->top = 0;
    chunk->free = chunk->limbo = NONE;
    chunk->links = gcw__links_take(&chunk->region, chunk);
    chunk->keep = GC_MALLOC_UNCOLLECTABLE(SLOTS * sizeof *chunk->keep);
    if (chunk->links != NULL && chunk->keep != NULL)
        return chunk;
    chunk_free(chunk);
    return NULL;
}

static void
chunk_drop(struct shard *shard, struct chunk *chunk,
           struct gcw__garbage *garbage)
{
    unlink_chunk(shard, chunk);
    shard->slots -= SLOTS;
    chunk->next = garbage->chunks;
    garbage->chunks = chunk;
}

static void
add_chunk(struct shard *shard, struct chunk *chunk)
{
    put_first(shard, chunk);
    shard->slots += SLOTS;
}

/* Slots. */

static unsigned
take_number(struct chunk *chunk)
{
    unsigned number = chunk->free;

    if (number == NONE)
        return chunk->top++;
    chunk->free = (unsigned)chunk->owners[number];
    return number;
}

static void
slot_free(struct chunk *chunk, unsigned number)
{
    atomic_store_explicit(&chunk->links[number], FREE, memory_order_relaxed);
    chunk->owners[number] = chunk->free;
    chunk->free = number;
    chunk->used--;
}

/* Takes a slot in the first chunk, which has room: its link leads to the
 * target already, but there is no reference yet. */
static struct slot
slot_take(struct shard *shard, const void *target)
{
    struct chunk *chunk = shard->first;
    unsigned number = take_number(chunk);

    chunk->used++;
    atomic_store_explicit(&chunk->links[number], (void *)(uintptr_t)target,
                          memory_order_relaxed);
    if (!chunk_has_room(chunk)) {
        unlink_chunk(shard, chunk);
        put_last(shard, chunk);
    }
    return (struct slot){ chunk, number };
}

/* Undoes slot_take.  No reference has led there, so it needs no rest. */
static void
slot_return(struct shard *shard, struct slot slot)
{
    slot_free(slot.chunk, slot.number);
    unlink_chunk(shard, slot.chunk);
    put_first(shard, slot.chunk);
}

/* The slot of a reference that is not buried. */
static struct slot
slot_of_ref(const gcw_ref *ref)
{
    void *_Atomic *link = atomic_load_explicit(&ref->link,
                                               memory_order_relaxed);

    return (struct slot){ gcw__link_owner(link), gcw__link_number(link) };
}

static bool
is_buried(const gcw_ref *ref)
{
    return atomic_load_explicit(&ref->link, memory_order_relaxed)
           == &dead_word;
}

/* The marks of a slot.  The first two are the kind of reference; the index has
 * them in its pointers to references, so that one of another kind need not be
 * looked at. */
enum {
    LONG = 1,
    INTERIOR = 2,
    KIND = 3,
    WATCHED = 4,             /* `keep` is the newest watch */
    MARKS = 7
};

static uintptr_t
marks_in(struct slot slot)
{
    return slot.chunk->owners[slot.number] & MARKS;
}

/* NULL if the reference leads to the beginning of its object. */
static struct gcw__inside *
inside_of(struct slot slot)
{
    uintptr_t owner = slot.chunk->owners[slot.number];

    return owner & INTERIOR
        ? (struct gcw__inside *)(owner & ~(uintptr_t)MARKS) : NULL;
}

static uintptr_t
target_of(struct slot slot)
{
    const struct gcw__inside *inside = inside_of(slot);

    return inside != NULL ? inside->target
        : slot.chunk->owners[slot.number] & ~(uintptr_t)MARKS;
}

static struct gcw__watch *
newest_of(struct slot slot)
{
    return marks_in(slot) & WATCHED ? slot.chunk->keep[slot.number] : NULL;
}

/* NULL if the slot is not live. */
static gcw_ref *
ref_in_slot(struct slot slot)
{
    void *kept = slot.chunk->keep[slot.number];

    if (kept == NULL || !(marks_in(slot) & WATCHED))
        return kept;
    return ((struct gcw__watch *)kept)->ref;
}

static void
set_newest(struct slot slot, gcw_ref *ref, struct gcw__watch *newest)
{
    if (newest != NULL) {
        slot.chunk->keep[slot.number] = newest;
        slot.chunk->owners[slot.number] |= WATCHED;
    } else {
        slot.chunk->keep[slot.number] = ref;
        slot.chunk->owners[slot.number] &= ~(uintptr_t)WATCHED;
    }
}

/* The index. */

static uintptr_t
marks_of(uintptr_t base, const void *target, bool is_long)
{
    return (is_long ? LONG : 0) | ((uintptr_t)target != base ? INTERIOR : 0);
}

static gcw_ref *
unmarked(void *item)
{
    return (gcw_ref *)((uintptr_t)item & ~(uintptr_t)KIND);
}

static void *
marked(gcw_ref *ref, uintptr_t marks)
{
    return (void *)((uintptr_t)ref | (marks & KIND));
}

/* Whether the item, which was found at the target's address, is a reference to
 * it: of that kind, and live, not one left over from an object that was there
 * before.  If the shard was swept after the last collection, nothing is left
 * over, and the link, which is likely not in the cache, need not be read. */
static bool
fits(const struct shard *shard, void *item, const void *target,
     uintptr_t marks)
{
    if (((uintptr_t)item & KIND) != marks)
        return false;
    return shard->swept == gcw__gc_no()
           || atomic_load_explicit(unmarked(item)->link, memory_order_relaxed)
              == target;
}

static gcw_ref *
find_ref(const struct shard *shard, const void *target, uintptr_t marks)
{
    uintptr_t address = (uintptr_t)target;
    size_t at = gcw__table_place(address);
    void *item;

    while ((item = gcw__table_next(&shard->index, address, &at)) != NULL)
        if (fits(shard, item, target, marks))
            return unmarked(item);
    return NULL;
}

static void
link_ref_watch(struct shard *shard, struct gcw__watch *watch)
{
    struct slot slot = slot_of_ref(watch->ref);
    struct gcw__watch *second = newest_of(slot);
    size_t n = atomic_load_explicit(&shard->watches, memory_order_relaxed);

    watch->before = gcw__hide(NULL);
    watch->next = second;
    if (second != NULL)
        second->before = gcw__hide(watch);
    set_newest(slot, watch->ref, watch);
    atomic_store_explicit(&shard->watches, n + 1, memory_order_relaxed);
}

/* Puts the watch, if there is one, on the reference, if there is one. */
static void
watch_new(struct shard *shard, gcw_ref *ref, struct gcw__watch *watch)
{
    if (ref == NULL || watch == NULL)
        return;
    watch->ref = ref;
    link_ref_watch(shard, watch);
}

/* A reference that is asked for. */
struct request {
    struct shard *shard;
    void *base;
    const void *target;
    uintptr_t marks;
    struct gcw__watch *watch;        /* to be put on it, or NULL */
    gcw_ref *found;                  /* the reference, if there is one; else */
    struct slot slot;                /* a slot for it, and how many */
    uint64_t births;                 /* references the shard had made then */
    struct chunk *spare;
};

/* Looks for the reference; if there is none, takes a slot for it. */
static int
find_or_take(void *request)
{
    struct request *r = request;
    struct shard *shard = r->shard;

    if (r->spare != NULL)
        add_chunk(shard, r->spare);
    r->spare = NULL;
    r->found = find_ref(shard, r->target, r->marks);
    watch_new(shard, r->found, r->watch);
    if (r->found != NULL)
        return 0;
    if (shard->first == NULL || !chunk_has_room(shard->first))
        return GCW__MISSING;
    r->slot = slot_take(shard, r->target);
    r->births = shard->births;
    return 0;
}

static bool
get_chunk(void *request)
{
    struct request *r = request;

    r->spare = chunk_new(r->shard);
    GCW__DELAY(1);
    return r->spare != NULL;
}

/* Enters the reference, which is to lead to the slot, in the index.  False: no
 * memory. */
static bool
enter_index(const struct request *r, gcw_ref *ref)
{
    struct shard *shard = r->shard;
    uintptr_t target = (uintptr_t)r->target, owner = target;

    if (!gcw__table_make_room(&shard->index))
        return false;
    if (r->marks & INTERIOR)
        owner = (uintptr_t)gcw__inside_add(&shard->heads, (uintptr_t)r->base,
                                           target, ref);
    if (owner == 0)
        return false;
    r->slot.chunk->owners[r->slot.number] = owner | r->marks;
    gcw__table_insert(&shard->index, target, marked(ref, r->marks));
    return true;
}

/* Takes the reference in the slot out of the index. */
static void
leave_index(struct shard *shard, struct slot slot)
{
    gcw__table_remove(&shard->index, target_of(slot),
                      marked(ref_in_slot(slot), marks_in(slot)));
}

/* Makes the index anew, of references not buried: no more than `live`. */
static void
enter_all(struct shard *shard, size_t live)
{
    struct chunk *chunk;

    gcw__table_clear(&shard->index, live);
    for (chunk = shard->first; chunk != NULL; chunk = chunk->next)
        for (unsigned i = 0; i < chunk->top; i++) {
            struct slot slot = { chunk, i };
            gcw_ref *ref = ref_in_slot(slot);

            if (ref != NULL)
                gcw__table_insert(&shard->index, target_of(slot),
                                  marked(ref, marks_in(slot)));
        }
}

/* Puts the reference in the index and in its slot, and returns it; unless
 * another thread was faster: then that thread's reference is returned, and the
 * slot is not needed.  Lock held.  NULL: no memory. */
static gcw_ref *
publish_ref(const struct request *r, gcw_ref *ref)
{
    struct shard *shard = r->shard;
    gcw_ref *other = shard->births == r->births
        ? NULL : find_ref(shard, r->target, r->marks);

    GCW__DELAY(4);
    if (other != NULL || !enter_index(r, ref))
        return other;
    ref->id = next_id(shard, r->marks & LONG);
    r->slot.chunk->keep[r->slot.number] = ref;
    GCW__TRACE2(ref__create, ref, r->target);
    return ref;
}

/* Makes a reference that leads to the slot, and registers the slot's link.
 * Returns 0 or an errno. */
static int
prepare_ref(gcw_ref **result, const struct request *r)
{
    void *_Atomic *link = &r->slot.chunk->links[r->slot.number];
    gcw_ref *ref = GC_MALLOC_ATOMIC(gcw__whole_granules(sizeof *ref));

    *result = ref;
    if (ref == NULL)
        return ENOMEM;
    atomic_init(&ref->link, link);
    return gcw__link_add(link, r->base, r->marks & LONG);
}

/* Gives back a slot whose link is registered.  Lock held, but not
 * throughout. */
static void
slot_return_linked(struct shard *shard, struct slot slot, bool is_long)
{
    gcw__unlock(&shard->lock);
    gcw__link_remove(&slot.chunk->links[slot.number], is_long);
    gcw__lock(&shard->lock, true);
    slot_return(shard, slot);
}

/* Makes the reference for the slot that was taken; returns another thread's if
 * that was faster.  NULL with errno. */
static gcw_ref *
make_ref(const struct request *r)
{
    struct shard *shard = r->shard;
    gcw_ref *ref, *used = NULL;
    int error = prepare_ref(&ref, r);

    GCW__DELAY(2);
    gcw__lock(&shard->lock, true);
    if (error == 0)
        used = publish_ref(r, ref);
    watch_new(shard, used, r->watch);
    if (error != 0)
        slot_return(shard, r->slot);
    else if (used != ref)
        slot_return_linked(shard, r->slot, r->marks & LONG);
    gcw__unlock(&shard->lock);
    if (used == NULL)
        errno = error == 0 ? ENOMEM : error;
    return used;
}

static gcw_ref *
find_or_make(void *base, const void *target, bool is_long,
             struct gcw__watch *watch)
{
    struct request r = {
        .shard = shard_of_base((uintptr_t)base), .base = base,
        .target = target,
        .marks = marks_of((uintptr_t)base, target, is_long), .watch = watch
    };
    int error = gcw__with_spare(&r.shard->lock, find_or_take, get_chunk, &r);
    gcw_ref *ref = r.found;

    GCW__DELAY(3);
    if (error != 0)
        errno = error;
    else if (ref == NULL)
        ref = make_ref(&r);
    GCW__KEEP(target);
    GCW__KEEP(base);
    return ref;
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
    struct shard *shard = shard_of_base((uintptr_t)base);
    gcw_ref *ref;

    gcw__lock(&shard->lock, true);
    ref = find_ref(shard, target, marks_of((uintptr_t)base, target, false));
    gcw__unlock(&shard->lock);
    GCW__KEEP(target);
    GCW__KEEP(base);
    return ref;
}

/* Deaths. */

/* Moves the watches to the end of the list; returns how many. */
static size_t
append_watches(struct gcw__watch *watch, struct gcw__watch **first,
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
count_off_watches(struct shard *shard, size_t n)
{
    size_t left = atomic_load_explicit(&shard->watches, memory_order_relaxed);

    atomic_store_explicit(&shard->watches, left - n, memory_order_relaxed);
}

/* Detaches the reference and the watches from a live slot, which is in no list
 * then.  The index is left alone.
 *
 * gc_no is read after readers are led to the dead word: see read.h.  As there,
 * keeping the compiler from changing the order is enough: a collection that
 * stops this thread between the two or later finds the word written, and an
 * earlier one has been counted. */
static void
detach_slot(struct shard *shard, struct slot slot, struct gcw__watch **first,
            struct gcw__watch **last)
{
    struct chunk *chunk = slot.chunk;
    struct gcw__inside *inside = inside_of(slot);

    GCW__TRACE1(death, ref_in_slot(slot));
    if (inside != NULL)
        gcw__inside_remove(&shard->heads, inside);
    atomic_store_explicit(&ref_in_slot(slot)->link, &dead_word,
                          memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    GCW__DELAY(5);
    chunk->resting_since = gcw__gc_no();
    count_off_watches(shard, append_watches(newest_of(slot), first, last));
    chunk->keep[slot.number] = NULL;
}

/* Puts the slot in limbo; its link is NULL, and not registered. */
static void
put_in_limbo(struct slot slot)
{
    slot.chunk->owners[slot.number] = slot.chunk->limbo;
    slot.chunk->limbo = slot.number;
}

static void
bury(struct shard *shard, struct slot slot, struct gcw__watch **first,
     struct gcw__watch **last)
{
    detach_slot(shard, slot, first, last);
    put_in_limbo(slot);
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

/* The links of live objects are unregistered when no lock is held any more.
 * Until then their slots belong to this thread alone: no reference leads
 * there, and no walk takes them for dead.  They are chained through their
 * owners, with the kind of reference in the lowest bit. */
void
gcw__shard_kill(void *base, struct gcw__watch **first,
                struct gcw__watch **last, struct gcw__garbage *garbage)
{
    struct shard *shard = shard_of_base((uintptr_t)base);
    gcw_ref *ref;

    gcw__lock(&shard->lock, true);
    while ((ref = find_any(shard, (uintptr_t)base)) != NULL) {
        struct slot slot = slot_of_ref(ref);

        GCW__DELAY(6);
        leave_index(shard, slot);
        detach_slot(shard, slot, first, last);
        slot.chunk->owners[slot.number] = (uintptr_t)garbage->links
                                          | gcw__ref_is_long(ref);
        garbage->links = &slot.chunk->links[slot.number];
    }
    gcw__unlock(&shard->lock);
}

/* Unregisters the first link of the chain, and puts its slot in limbo; returns
 * the next link. */
static void *_Atomic *
clear_link(void *_Atomic *link)
{
    struct slot slot = { gcw__link_owner(link), gcw__link_number(link) };
    uintptr_t next = slot.chunk->owners[slot.number];
    struct shard *shard = slot.chunk->shard;

    gcw__link_remove(link, next & LONG);
    GCW__DELAY(11);
    gcw__lock(&shard->lock, true);
    slot.chunk->resting_since = gcw__gc_no();
    put_in_limbo(slot);
    gcw__unlock(&shard->lock);
    return (void *_Atomic *)(next & ~(uintptr_t)LONG);
}

void
gcw__shards_clear(struct gcw__garbage *garbage)
{
    struct chunk *chunk = garbage->chunks, *next;

    while (garbage->links != NULL)
        garbage->links = clear_link(garbage->links);
    for (; chunk != NULL; chunk = next) {
        next = chunk->next;
        chunk_free(chunk);
    }
    garbage->chunks = NULL;
}

/* Frees the slots in limbo, if a collection has passed. */
static void
end_rest(struct shard *shard, struct chunk *chunk, GC_word now)
{
    if (chunk->limbo == NONE || now <= chunk->resting_since)
        return;
    while (chunk->limbo != NONE) {
        unsigned number = chunk->limbo;

        chunk->limbo = (unsigned)chunk->owners[number];
        slot_free(chunk, number);
    }
    unlink_chunk(shard, chunk);
    put_first(shard, chunk);
}

static bool
is_dead(const struct chunk *chunk, unsigned number)
{
    return atomic_load_explicit(&chunk->links[number], memory_order_relaxed)
               == NULL
           && chunk->keep[number] != NULL;
}

/* Counts the slots whose targets have died.  This walk costs at every
 * collection, whether anything died or not. */
static size_t
count_dead(const struct shard *shard)
{
    const struct chunk *chunk;
    size_t n = 0;

    for (chunk = shard->first; chunk != NULL; chunk = chunk->next)
        for (unsigned i = 0, top = chunk->top; i < top; i++)
            n += is_dead(chunk, i);
    return n;
}

static void
bury_chunk(struct shard *shard, struct chunk *chunk, bool in_index,
           struct gcw__watch **first, struct gcw__watch **last)
{
    for (unsigned i = 0, top = chunk->top; i < top; i++) {
        struct slot slot = { chunk, i };

        if (!is_dead(chunk, i))
            continue;
        if (in_index)
            leave_index(shard, slot);
        bury(shard, slot, first, last);
    }
}

/* Where most targets have died, making the index anew costs less than taking
 * out each reference.  A collection may clear more links meanwhile. */
static void
bury_dead(struct shard *shard, struct gcw__watch **first,
          struct gcw__watch **last)
{
    size_t dead = count_dead(shard);
    bool anew = dead > shard->index.count / 2;
    struct chunk *chunk;

    GCW__DELAY(7);
    if (dead == 0)
        return;
    for (chunk = shard->first; chunk != NULL; chunk = chunk->next)
        bury_chunk(shard, chunk, !anew, first, last);
    if (anew)
        enter_all(shard, shard->index.count - dead);
}

/* Drops chunks with no slot in use; the last stays, for the next reference. */
static void
drop_empty_chunks(struct shard *shard, struct gcw__garbage *garbage)
{
    struct chunk *chunk = shard->first;

    while (chunk != NULL) {
        struct chunk *next = chunk->next;

        if (chunk->used == 0 && shard->first != shard->last)
            chunk_drop(shard, chunk, garbage);
        chunk = next;
    }
}

static void
sweep_shard(struct shard *shard, GC_word now, struct gcw__watch **first,
            struct gcw__watch **last, struct gcw__garbage *garbage)
{
    struct chunk *chunk, *next;

    bury_dead(shard, first, last);
    for (chunk = shard->first; chunk != NULL; chunk = next) {
        next = chunk->next;
        end_rest(shard, chunk, now);
    }
    drop_empty_chunks(shard, garbage);
    gcw__table_trim(&shard->index);
    shard->swept = now;
}

bool
gcw__shard_sweep(size_t number, GC_word now, bool may_wait,
                 struct gcw__watch **first, struct gcw__watch **last,
                 struct gcw__garbage *garbage)
{
    struct shard *shard = &shards[number];

    if (!gcw__lock(&shard->lock, may_wait))
        return false;
    sweep_shard(shard, now, first, last, garbage);
    gcw__unlock(&shard->lock);
    return true;
}

/* Watches. */

bool
gcw__watch_add(struct gcw__watch *watch)
{
    struct shard *shard = shard_of_ref(watch->ref);
    bool live;

    GCW__DELAY(9);
    gcw__lock(&shard->lock, true);
    live = !is_buried(watch->ref);
    if (live)
        link_ref_watch(shard, watch);
    gcw__unlock(&shard->lock);
    return live;
}

static void
unlink_ref_watch(struct shard *shard, struct gcw__watch *watch)
{
    struct gcw__watch *prev = gcw__reveal(watch->before);

    if (prev != NULL)
        prev->next = watch->next;
    else
        set_newest(slot_of_ref(watch->ref), watch->ref, watch->next);
    if (watch->next != NULL)
        watch->next->before = watch->before;
    watch->before = 0;
    watch->next = NULL;
    count_off_watches(shard, 1);
}

bool
gcw__watch_remove(struct gcw__watch *watch, bool may_wait)
{
    struct shard *shard = shard_of_ref(watch->ref);

    GCW__DELAY(10);
    if (!gcw__lock(&shard->lock, may_wait))
        return false;
    if (watch->before != 0)
        unlink_ref_watch(shard, watch);
    gcw__unlock(&shard->lock);
    return true;
}

struct gcw__watch *
gcw__shard_find_watch(void *base, bool is_long,
                      const struct gcw__watch_ops *ops)
{
    struct shard *shard = shard_of_base((uintptr_t)base);
    struct gcw__watch *watch;
    gcw_ref *ref;

    gcw__lock(&shard->lock, true);
    ref = find_ref(shard, base, marks_of((uintptr_t)base, base, is_long));
    watch = ref == NULL ? NULL : newest_of(slot_of_ref(ref));
    while (watch != NULL && watch->ops != ops)
        watch = watch->next;
    gcw__unlock(&shard->lock);
    return watch;
}

bool
gcw__shards_watched(void)
{
    bool any = false;

    for (size_t i = 0; i < GCW__SHARDS && !any; i++) {
        any = !gcw__lock(&shards[i].lock, false);
        if (any)
            break;
        any = atomic_load_explicit(&shards[i].watches, memory_order_relaxed)
              != 0;
        gcw__unlock(&shards[i].lock);
    }
    return any;
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

static bool
keep_is(struct shard *shard, const void *object)
{
    const struct chunk *chunk;

    gcw__lock(&shard->lock, true);
    for (chunk = shard->first; chunk != NULL; chunk = chunk->next)
        if (chunk->keep == object)
            break;
    gcw__unlock(&shard->lock);
    return chunk != NULL;
}

bool
gcw__shards_keep_is(const void *object)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        if (keep_is(&shards[i], object))
            return true;
    return false;
}

static void
lock_shards(void)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        gcw__lock(&shards[i].lock, true);
}

static void
unlock_shards(void)
{
    for (size_t i = 0; i < GCW__SHARDS; i++)
        gcw__unlock(&shards[i].lock);
}

const struct gcw__part gcw__shard_part = {
    "shard", lock_shards, unlock_shards, unlock_shards, NULL
};
