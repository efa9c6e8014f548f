/* shard.c: the references of all targets, in shards.
 *
 * What there is for a live target
 *
 *     index ----> gcw_ref <---- slot.ref      the slot keeps the gcw_ref alive,
 *     (weak)        |             |           and the watches, in uncollectable
 *                   | link        | same      memory (the chunk)
 *                   v             | number
 *     links:   [ pointer to the target ]      outside the heap, not scanned;
 *                                             the collector clears it
 *
 * Each object belongs to one shard, by the hash of its base, so all references
 * into an object are found together.  A shard has a lock, an index from base
 * to gcw_ref, and chunks of 512 slots with a page of links each.
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

#include "lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FREE ((void *)(uintptr_t)1)

enum { NONE = GCW__LINKS_IN_PAGE };

struct slot {
    gcw_ref *ref;
    struct gcw__watch *newest;
    uintptr_t key;           /* the hash of the object's base */
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

/* The chunks with room come first in the list. */
struct shard {
    _Alignas(64) pthread_mutex_t lock;
    struct gcw__table index;
    struct gcw__chunk *first, *last;
    size_t slots;
    uint64_t births;
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

static struct shard *
shard_of_key(uintptr_t key)
{
    return &shards[key >> (sizeof key * 8 - 5)];
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

/* A slot for the reference, in the first chunk, which has room. */
static void
slot_take(struct shard *shard, gcw_ref *ref, uintptr_t key,
          const void *target)
{
    struct gcw__chunk *chunk = shard->first;
    unsigned number = take_number(chunk);

    chunk->slots[number] = (struct slot){ ref, NULL, key };
    chunk->used++;
    ref->chunk = chunk;
    atomic_store_explicit(&chunk->links[number], (void *)(uintptr_t)target,
                          memory_order_relaxed);
    atomic_store_explicit(&ref->link, &chunk->links[number],
                          memory_order_release);
    if (!has_room(chunk)) {
        unlink_chunk(shard, chunk);
        put_last(shard, chunk);
    }
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

static bool
index_room(struct shard *shard)
{
    size_t capacity = gcw__table_grown(&shard->index);
    struct gcw__entry *entries;

    if (capacity == shard->index.capacity)
        return true;
    entries = calloc(capacity, sizeof *entries);
    if (entries == NULL)
        return false;
    free(gcw__table_move(&shard->index, entries, capacity));
    return true;
}

/* Without memory for a smaller one, it stays as it is. */
static void
index_shrink(struct shard *shard)
{
    size_t capacity = gcw__table_shrunk(&shard->index);
    struct gcw__entry *entries;

    if (capacity == shard->index.capacity)
        return;
    entries = calloc(capacity, sizeof *entries);
    if (entries != NULL)
        free(gcw__table_move(&shard->index, entries, capacity));
}

static gcw_ref *
find(const struct shard *shard, uintptr_t key, const void *target,
     bool is_long)
{
    size_t at = key;
    gcw_ref *ref;

    while ((ref = gcw__table_next(&shard->index, key, &at)) != NULL)
        if (gcw__ref_is_long(ref) == is_long
            && atomic_load_explicit(ref->link, memory_order_relaxed) == target)
            return ref;
    return NULL;
}

gcw_ref *
gcw__shard_find(void *base, const void *target, bool is_long)
{
    uintptr_t key = gcw__mix((uintptr_t)base);
    struct shard *shard = shard_of_key(key);
    gcw_ref *ref;

    gcw__lock(&shard->lock, true);
    ref = find(shard, key, target, is_long);
    gcw__unlock(&shard->lock);
    return ref;
}

/* A reference in a slot, not yet in the index.  NULL: no memory. */
static gcw_ref *
prepare(struct shard *shard, uintptr_t key, const void *target, bool is_long)
{
    gcw_ref *ref = GC_MALLOC_ATOMIC(sizeof *ref);
    bool room;

    if (ref == NULL)
        return NULL;
    gcw__lock(&shard->lock, true);
    room = make_room(shard);
    if (room) {
        ref->id = next_id(shard, is_long);
        slot_take(shard, ref, key, target);
    }
    gcw__unlock(&shard->lock);
    return room ? ref : NULL;
}

/* Undoes prepare.  Nobody has seen the reference, so its slot needs no rest. */
static void
give_up(struct shard *shard, gcw_ref *ref)
{
    struct slot *slot = slot_of(ref);
    struct gcw__chunk *chunk = ref->chunk;

    *slot = (struct slot){ NULL, NULL, 0 };
    slot_free(chunk, (unsigned)(slot - chunk->slots));
    unlink_chunk(shard, chunk);
    put_first(shard, chunk);
}

/* Puts the prepared reference into the index, unless another thread was
 * faster; returns the one to use.  Lock held.  NULL: no memory. */
static gcw_ref *
publish(struct shard *shard, gcw_ref *ref, uintptr_t key, const void *target)
{
    bool is_long = gcw__ref_is_long(ref);
    gcw_ref *other = find(shard, key, target, is_long);

    if (other == NULL && index_room(shard)) {
        gcw__table_insert(&shard->index, key, ref);
        return ref;
    }
    gcw__link_remove(ref->link, is_long);
    give_up(shard, ref);
    return other;
}

gcw_ref *
gcw__shard_make(void *base, const void *target, bool is_long)
{
    uintptr_t key = gcw__mix((uintptr_t)base);
    struct shard *shard = shard_of_key(key);
    gcw_ref *ref = prepare(shard, key, target, is_long);
    int error = ENOMEM;

    if (ref != NULL) {
        error = gcw__link_add(ref->link, base, is_long);
        gcw__lock(&shard->lock, true);
        if (error == 0) {
            ref = publish(shard, ref, key, target);
            error = ENOMEM;
        } else {
            give_up(shard, ref);
            ref = NULL;
        }
        gcw__unlock(&shard->lock);
    }
    GCW__KEEP(target);
    GCW__KEEP(base);
    if (ref == NULL)
        errno = error;
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
        watch->prev = watch;
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

/* From live to limbo.  The link is NULL.  gc_no is read after readers were
 * sent to the dead word: see read.h. */
static void
bury(struct shard *shard, struct gcw__chunk *chunk, unsigned number,
     struct gcw__watch **first, struct gcw__watch **last)
{
    struct slot *slot = &chunk->slots[number];

    gcw__table_remove(&shard->index, slot->key, slot->ref);
    atomic_store(&slot->ref->link, &dead_word);
    chunk->resting_since = gcw__gc_no();
    drop_watches(shard, append(slot->newest, first, last));
    *slot = (struct slot){ NULL, NULL, 0 };
    chunk->after[number] = (uint16_t)chunk->limbo;
    chunk->limbo = number;
}

void
gcw__shard_kill(void *base, struct gcw__watch **first,
                struct gcw__watch **last)
{
    uintptr_t key = gcw__mix((uintptr_t)base);
    struct shard *shard = shard_of_key(key);
    size_t at = key;
    gcw_ref *ref;

    gcw__lock(&shard->lock, true);
    while ((ref = gcw__table_next(&shard->index, key, &at)) != NULL) {
        unsigned number = (unsigned)(slot_of(ref) - ref->chunk->slots);

        gcw__link_remove(ref->link, gcw__ref_is_long(ref));
        bury(shard, ref->chunk, number, first, last);
        at = key;
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

/* The walk that costs at every collection, whether anything died or not. */
static void
bury_dead(struct shard *shard, struct gcw__chunk *chunk,
          struct gcw__watch **first, struct gcw__watch **last)
{
    unsigned top = chunk->top;

    for (unsigned i = 0; i < top; i++)
        if (atomic_load_explicit(&chunk->links[i], memory_order_relaxed)
                == NULL
            && chunk->slots[i].ref != NULL)
            bury(shard, chunk, i, first, last);
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

    for (chunk = shard->first; chunk != NULL; chunk = chunk->next)
        bury_dead(shard, chunk, first, last);
    for (chunk = shard->first; chunk != NULL; chunk = next) {
        next = chunk->next;
        end_rest(shard, chunk, now);
    }
    drop_empty(shard);
    index_shrink(shard);
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

    watch->prev = NULL;
    watch->next = slot->newest;
    if (slot->newest != NULL)
        slot->newest->prev = watch;
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
    else
        watch->prev = watch;
    gcw__unlock(&shard->lock);
    return live;
}

static void
unlink_watch(struct shard *shard, struct gcw__watch *watch)
{
    if (watch->prev != NULL)
        watch->prev->next = watch->next;
    else
        slot_of(watch->ref)->newest = watch->next;
    if (watch->next != NULL)
        watch->next->prev = watch->prev;
    watch->prev = watch;
    watch->next = NULL;
    drop_watches(shard, 1);
}

bool
gcw__watch_remove(struct gcw__watch *watch, bool may_wait)
{
    struct shard *shard = shard_of_ref(watch->ref);

    if (!gcw__lock(&shard->lock, may_wait))
        return false;
    if (watch->prev != watch)
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
