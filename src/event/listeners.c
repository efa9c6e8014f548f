/* listeners.c: the listeners of one event, or of one pattern of a hub.
 *
 * A list is an array of slots, in the order of the calls:
 *
 *     list ----> array  [ . . . slot slot slot slot . . . ]
 *                              begin               end
 *     slot: { self, code, data, listener }
 *
 * Emissions read a list without a lock.  They take the array and its range,
 * one word, as their snapshot.  Adding writes a slot outside the range and
 * then widens the range; when there is no room, everything is copied to a
 * larger array, which replaces the old one.  The collector frees the old array
 * when the last emission has left it.  A slot is never used twice, so a
 * listener that is added meanwhile is not in the snapshot.
 *
 * What an emission needs of a plain method or function stands in the slot; the
 * emission does not touch the listener.  In all other cases `self` is
 * gcw__ask, and the emission asks the listener's state:
 *   - a slot of a method with weak data, or of a hub's function;
 *   - a slot whose listener is blocked, is to be called once, or is gone;
 *   - every slot of an event or hub that is muted.  Emissions that begin while
 *     it is do not find the array at all (`heard`);
 *   - every slot of an array that another has replaced: there `self` is
 *     gcw__moved, for what happens later to its listeners is no longer written
 *     there, and their data is not there any more.  This is the one case in
 *     which an emission takes the lock to ask, for a few instructions: to read
 *     the data from the new slot.
 *
 * The life of a listener
 *
 *     made ---> connected ---> gone
 *
 * A listener watches its objects before it is connected, so that a fork in
 * between leaves nothing half done.  It goes when it is disconnected, called
 * once, its object or source dead, or its code unloaded.
 *
 * A listener that goes leaves an empty slot.  When more than half of a range
 * is empty the list is tidied: the other listeners move to a smaller array.
 * Without a listener there is no array at all.  So adding and removing take
 * constant time, amortised, and a list is as large as what lives in it.
 *
 * Order of writes.  When a listener goes: state, then self, then data; when it
 * moves: self, then data.  Readers load data, then self, then state (all
 * acquire): if they find the old value of one, what they loaded before it was
 * good.
 *
 * Equal listeners are found by an index (index.h), once that was asked for.
 *
 * Locks.  A list is under the lock of its event or hub, one of a few that all
 * share.  Memory that is missing under the lock is allocated without it
 * (spare.h).  All is in the collected heap; a listener is held by the
 * reference of its object, and so knows its list by a hidden pointer only.
 */
#include <config.h>
#include "event/listeners.h"

#include "ground/code.h"
#include "ground/delay.h"
#include "ground/index.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/spare.h"
#include "ground/tell.h"
#include "weak/enter.h"
#include "weak/ref.h"

enum { LOCKS = 16, SMALLEST = 8 };

static pthread_mutex_t locks[LOCKS] = {
#define FOUR PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, \
             PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER
    FOUR, FOUR, FOUR, FOUR
#undef FOUR
};

_Static_assert(LOCKS == 16, "the initialiser above has 16");

pthread_mutex_t *
gcw__listeners_lock(const struct gcw__container *container)
{
    return &locks[gcw__mixed_below(gcw__mix((uintptr_t)container), LOCKS)];
}

gcw_ref gcw__ask, gcw__plain_function, gcw__moved;

/* Identities. */

struct gcw__identity
gcw__slot_identity(const struct gcw__slot *slot)
{
    return (struct gcw__identity){
        (enum gcw__call)slot->listener->by, slot->listener->on.watch.ref,
        slot->code, atomic_load_explicit(&slot->data, memory_order_acquire)
    };
}

uintptr_t
gcw__identity_hash(const struct gcw__identity *id)
{
    uintptr_t hash = id->self == NULL ? 0 : (uintptr_t)id->self->id;

    hash = gcw__mix(hash ^ (uintptr_t)id->code);
    return gcw__mix(hash ^ (uintptr_t)id->data);
}

bool
gcw__identity_equal(const struct gcw__identity *a,
                    const struct gcw__identity *b)
{
    return a->self == b->self && a->code == b->code && a->data == b->data
           && a->by == b->by;
}

/* Finding equal listeners. */

static void
index_listener(struct gcw__array *array, uint32_t at)
{
    struct gcw__identity id = gcw__slot_identity(&array->slots[at]);

    gcw__index_add(array->index, gcw__identity_hash(&id), at);
}

gcw_listener *
gcw__listeners_find(const struct gcw__listeners *list,
                    const struct gcw__identity *id)
{
    const struct gcw__array *array = atomic_load(&list->array);
    uint32_t at, slot;

    if (array == NULL)
        return NULL;
    at = gcw__index_head(array->index, gcw__identity_hash(id));
    while ((slot = gcw__index_next(array->index, &at)) != UINT32_MAX) {
        struct gcw__identity other = gcw__slot_identity(&array->slots[slot]);

        if (gcw__identity_equal(id, &other))
            return array->slots[slot].listener;
    }
    return NULL;
}

/* Memory. */

static size_t
array_size(size_t capacity, bool ordered)
{
    return sizeof(struct gcw__array)
           + capacity * (sizeof(struct gcw__slot)
                         + (ordered ? sizeof(int64_t) : 0));
}

static struct gcw__array *
array_new(size_t capacity, bool ordered, bool indexed)
{
    struct gcw__array *array = gcw__array_new(array_size(capacity, ordered));

    if (array == NULL)
        return NULL;
    array->capacity = (uint32_t)capacity;
    if (ordered)
        array->orders = (int64_t *)&array->slots[capacity];
    if (indexed) {
        array->index = gcw__index_new(capacity);
        if (array->index == NULL)
            return NULL;
    }
    return array;
}

bool
gcw__listeners_fill(struct gcw__listeners_spare *spare)
{
    if (spare->capacity > GCW__INDEX_SLOTS_MAX)
        return false;
    spare->array = array_new(spare->capacity, spare->ordered, spare->indexed);
    return spare->array != NULL;
}

size_t
gcw__listeners_bytes(const struct gcw__listeners *list)
{
    const struct gcw__array *array = atomic_load(&list->array);
    size_t bytes = atomic_load(&list->live) * sizeof(gcw_listener);

    if (array == NULL)
        return bytes;
    bytes += array_size(array->capacity, array->orders != NULL);
    if (array->index != NULL)
        bytes += gcw__index_bytes(array->index, array->capacity);
    return bytes;
}

/* Arrays.  All with the lock held. */

static uint64_t
load_range(const struct gcw__array *array)
{
    return atomic_load_explicit(&array->range, memory_order_relaxed);
}

static void
store_range(struct gcw__array *array, uint32_t begin, uint32_t end)
{
    atomic_store_explicit(&array->range, (uint64_t)begin << 32 | end,
                          memory_order_release);
}

static size_t
live(const struct gcw__listeners *list)
{
    return atomic_load_explicit(&list->live, memory_order_relaxed);
}

static void
set_live(struct gcw__listeners *list, size_t n)
{
    atomic_store_explicit(&list->live, n, memory_order_relaxed);
}

static struct gcw__slot *
slot_of_listener(const gcw_listener *l)
{
    return &atomic_load(&gcw__list_of(l)->array)->slots[l->at];
}

/* Lets emissions call the listener without asking it, if that is right. */
static void
set_self(struct gcw__slot *slot)
{
    gcw_listener *l = slot->listener;
    gcw_ref *self = &gcw__ask;

    if (atomic_load(&l->state) != 0 || gcw__listener_is_muted(l))
        self = &gcw__ask;
    else if (l->by == GCW__BY_METHOD)
        self = l->on.watch.ref;
    else if (l->by == GCW__BY_FUNCTION)
        self = &gcw__plain_function;
    atomic_store_explicit(&slot->self, self, memory_order_release);
}

static void
put_in_slot(struct gcw__array *array, uint32_t at, gcw_listener *l,
            void (*code)(void), void *data)
{
    struct gcw__slot *slot = &array->slots[at];

    slot->code = code;
    GCW__DELAY(6);
    slot->listener = l;
    atomic_store_explicit(&slot->data, data, memory_order_relaxed);
    set_self(slot);
    l->at = at;
    if (array->index != NULL)
        index_listener(array, at);
}

/* Copies the slots that are not empty, to `at` and on; returns their end. */
static uint32_t
copy(struct gcw__array *new, uint32_t at, const struct gcw__array *old)
{
    uint64_t range = load_range(old);

    for (uint32_t i = gcw__range_begin(range); i < gcw__range_end(range);
         i++) {
        const struct gcw__slot *slot = &old->slots[i];

        if (gcw__listener_is(slot->listener, GCW__IS_GONE))
            continue;
        put_in_slot(new, at, slot->listener, slot->code,
                    atomic_load(&slot->data));
        if (new->orders != NULL)
            new->orders[at] = old->orders[i];
        at++;
    }
    return at;
}

/* Has emissions that are in the old array ask the listeners from now on.  The
 * array loses their data, or a stale pointer to it would hold all of that. */
static void
retire(struct gcw__array *old)
{
    uint64_t range = load_range(old);

    for (uint32_t i = gcw__range_begin(range); i < gcw__range_end(range);
         i++) {
        atomic_store_explicit(&old->slots[i].self, &gcw__moved,
                              memory_order_release);
        GCW__DELAY(7);
        atomic_store_explicit(&old->slots[i].data, NULL,
                              memory_order_release);
    }
}

/* Gives the list its array, or none.  Emissions find it unless the list is
 * muted. */
static void
set_array(struct gcw__listeners *list, struct gcw__array *array)
{
    bool muted = atomic_load(&list->container->muted) != 0;

    atomic_store_explicit(&list->array, array, memory_order_release);
    atomic_store_explicit(&list->heard, muted ? NULL : array,
                          memory_order_release);
}

/* Moves the list to another array.  If listeners were put in front, half of
 * the room is there: so both ends have room for many. */
static void
move_list(struct gcw__listeners *list, struct gcw__array *new)
{
    struct gcw__array *old = atomic_load(&list->array);
    uint32_t room = new->capacity - (uint32_t)live(list);
    uint32_t begin = list->fronted ? (room + 1) / 2 : 0, end = begin;

    if (old != NULL)
        end = copy(new, begin, old);
    store_range(new, begin, end);
    set_array(list, new);
    GCW__DELAY(2);
    if (old != NULL)
        retire(old);
}

/* Moves to the spare array, if that will do; otherwise says what is needed,
 * and returns false. */
static bool
use_spare_array(struct gcw__listeners *list, size_t capacity,
                struct gcw__listeners_spare *spare)
{
    if (spare->array == NULL || spare->array->capacity < capacity
        || (list->indexed && spare->array->index == NULL)) {
        spare->capacity = capacity;
        spare->indexed = list->indexed;
        spare->ordered = list->ordered;
        return false;
    }
    move_list(list, spare->array);
    spare->array = NULL;
    return true;
}

bool
gcw__slot_data_now(const struct gcw__slot *slot, void **data)
{
    gcw_listener *l = slot->listener;
    pthread_mutex_t *lock;
    bool there;

    if (atomic_load_explicit(&slot->self, memory_order_acquire)
        != &gcw__moved)
        return true;
    lock = gcw__listeners_lock(l->on.container);
    gcw__lock(lock, true);
    there = !gcw__listener_is(l, GCW__IS_GONE);
    if (there)
        *data = atomic_load(&slot_of_listener(l)->data);
    gcw__unlock(lock);
    return there;
}

bool
gcw__slot_identity_now(const struct gcw__slot *slot,
                       struct gcw__identity *out)
{
    *out = gcw__slot_identity(slot);
    return gcw__slot_data_now(slot, &out->data);
}

static bool
list_has_room(const struct gcw__listeners *list, unsigned flags)
{
    const struct gcw__array *array = atomic_load(&list->array);

    if (array == NULL)
        return false;
    return flags & GCW_FRONT
        ? gcw__range_begin(load_range(array)) > 0
        : gcw__range_end(load_range(array)) < array->capacity;
}

static size_t
larger(size_t n)
{
    return n < SMALLEST / 2 ? SMALLEST : n * 2 + 2;
}

bool
gcw__listeners_ready(struct gcw__listeners *list, unsigned flags,
                     struct gcw__listeners_spare *spare)
{
    if (flags & GCW_FRONT)
        list->fronted = true;
    if (flags & GCW_UNIQUE && !gcw__listeners_indexed(list, spare))
        return false;
    return list_has_room(list, flags)
           || use_spare_array(list, larger(live(list)), spare);
}

bool
gcw__listeners_indexed(struct gcw__listeners *list,
                       struct gcw__listeners_spare *spare)
{
    const struct gcw__array *array = atomic_load(&list->array);

    list->indexed = true;
    return array == NULL || array->index != NULL
           || use_spare_array(list, larger(live(list)), spare);
}

static bool
is_sparse(const struct gcw__listeners *list)
{
    const struct gcw__array *array = atomic_load(&list->array);
    uint64_t range;

    if (array == NULL)
        return false;
    range = load_range(array);
    return gcw__range_end(range) - gcw__range_begin(range)
           > 2 * live(list) + SMALLEST;
}

struct tidying {
    struct gcw__listeners *list;
    struct gcw__listeners_spare spare;
};

static int
try_to_tidy_list(void *tidying)
{
    struct tidying *t = tidying;

    return !is_sparse(t->list)
           || use_spare_array(t->list, larger(live(t->list)), &t->spare)
        ? 0 : GCW__MISSING;
}

static bool
fill_for_list(void *tidying)
{
    return gcw__listeners_fill(&((struct tidying *)tidying)->spare);
}

bool
gcw__listeners_tidy(struct gcw__listeners *list)
{
    struct tidying t = { list, { 0 } };

    return gcw__with_spare(gcw__listeners_lock(list->container),
                           try_to_tidy_list, fill_for_list, &t) == 0;
}

/* Listeners. */

static struct gcw__second_watch *
second_watch_new(gcw_listener *l, gcw_ref *ref)
{
    struct gcw__second_watch *second = gcw__new(sizeof *second);

    if (second == NULL)
        return NULL;
    gcw__entry_watch_init(&second->on, l->on.container, ref, GCW__SECOND);
    second->owner = l;
    return second;
}

static struct gcw__second_watch *
second_of(const gcw_listener *l)
{
    return l->by == GCW__BY_WEAK_METHOD
        ? ((const struct gcw__weak_listener *)l)->second : NULL;
}

_Static_assert(sizeof(gcw_listener) == 80 || sizeof(void *) != 8,
               "a listener is five granules");

gcw_listener *
gcw__listener_new(struct gcw__container *container,
                  const struct gcw__identity *id)
{
    bool weak = id->by == GCW__BY_WEAK_METHOD;
    size_t size = weak ? sizeof(struct gcw__weak_listener)
                       : sizeof(gcw_listener);
    gcw_listener *l = gcw__new(gcw__whole_granules(size));

    if (l == NULL)
        return NULL;
    gcw__entry_watch_init(&l->on, container, id->self, GCW__FIRST);
    l->by = (unsigned char)id->by;
    atomic_init(&l->state, GCW__IS_GONE);
    l->born = gcw__born();
    if (weak) {
        struct gcw__second_watch *second = second_watch_new(l, id->data);

        if (second == NULL)
            return NULL;
        ((struct gcw__weak_listener *)l)->second = second;
    }
    return l;
}

static void
add_listener(struct gcw__listeners *list, gcw_listener *l,
             const struct gcw__identity *id, unsigned flags, int64_t order)
{
    struct gcw__array *array = atomic_load(&list->array);
    uint32_t begin = gcw__range_begin(load_range(array));
    uint32_t end = gcw__range_end(load_range(array));
    uint32_t at = flags & GCW_FRONT ? --begin : end++;

    l->list = gcw__hide(list);
    atomic_store(&l->state, flags & GCW_ONCE ? GCW__IS_ONCE : 0);
    put_in_slot(array, at, l, id->code, id->data);
    if (array->orders != NULL)
        array->orders[at] = order;
    GCW__DELAY(1);
    store_range(array, begin, end);
    set_live(list, live(list) + 1);
    list->container->entries++;
    if (l->on.watch.ref != NULL)
        gcw__container_link(&l->on);
    if (second_of(l) != NULL)
        gcw__container_link(&second_of(l)->on);
}

/* Connects an equal listener again: without GCW_ONCE, it stays. */
static void
connect_again(gcw_listener *l, unsigned flags)
{
    if (flags & GCW_ONCE)
        return;
    atomic_fetch_and(&l->state, (unsigned char)~GCW__IS_ONCE);
    set_self(slot_of_listener(l));
}

gcw_listener *
gcw__listeners_put(struct gcw__listeners *list, gcw_listener *l,
                   const struct gcw__identity *id, unsigned flags,
                   int64_t order)
{
    gcw_listener *equal = flags & GCW_UNIQUE ? gcw__listeners_find(list, id)
                                             : NULL;

    if (equal != NULL)
        connect_again(equal, flags);
    else
        add_listener(list, l, id, flags, order);
    return equal != NULL ? equal : l;
}

struct gcw__pair
gcw__listener_pair(gcw_listener *l)
{
    struct gcw__second_watch *second = second_of(l);

    return (struct gcw__pair){
        l->on.watch.ref == NULL ? NULL : &l->on.watch,
        second == NULL ? NULL : &second->on.watch
    };
}

/* Empties the slot, in the order that readers rely on. */
static void
empty_slot(struct gcw__slot *slot)
{
    atomic_fetch_or(&slot->listener->state, GCW__IS_GONE);
    GCW__DELAY(3);
    atomic_store_explicit(&slot->self, &gcw__ask, memory_order_release);
    GCW__DELAY(4);
    atomic_store_explicit(&slot->data, NULL, memory_order_release);
}

void
gcw__listener_remove(gcw_listener *l)
{
    struct gcw__listeners *list = gcw__list_of(l);
    struct gcw__array *array = atomic_load(&list->array);

    if (array->index != NULL)
        gcw__index_remove(array->index, l->at);
    empty_slot(&array->slots[l->at]);
    if (l->on.watch.ref != NULL)
        gcw__container_leave(&l->on);
    if (second_of(l) != NULL)
        gcw__container_leave(&second_of(l)->on);
    set_live(list, live(list) - 1);
    list->container->entries--;
    if (live(list) == 0) {
        set_array(list, NULL);
        list->ops->emptied(list);
    } else if (is_sparse(list)) {
        list->ops->sparse(list);
    }
}

void
gcw__listener_block(gcw_listener *l, bool block)
{
    if (block)
        atomic_fetch_or(&l->state, GCW__IS_BLOCKED);
    else
        atomic_fetch_and(&l->state, (unsigned char)~GCW__IS_BLOCKED);
    set_self(slot_of_listener(l));
}

void
gcw__listeners_mute(struct gcw__listeners *list)
{
    struct gcw__array *array = atomic_load(&list->array);
    uint64_t range = array == NULL ? 0 : load_range(array);

    set_array(list, array);
    GCW__DELAY(8);
    for (uint32_t i = gcw__range_begin(range); i < gcw__range_end(range);
         i++)
        set_self(&array->slots[i]);
}

/* Whether its object lives, and only its weak data has died. */
static bool
is_lost(const gcw_listener *l, const struct gcw__entry_watch *died)
{
    return gcw__told(GCW_TOLD_LOST)
           && gcw__entry_watch_role(died) == GCW__SECOND
           && gcw__peek(l->on.watch.ref) != NULL;
}

static void
tell_lost_listener(gcw_listener *l)
{
    struct gcw__container_words words = gcw__container_words(l->on.container);

    gcw__tell_with(GCW_TOLD_LOST, (uintptr_t)slot_of_listener(l)->code,
                   "lost: " GCW__CONTAINER_WORDS " has a listener no more: its"
                   " weak data has died, though its object lives",
                   GCW__SPELLED(words));
}

bool
gcw__listener_died(void *object, struct gcw__entry_watch *watch,
                   bool may_wait)
{
    pthread_mutex_t *lock = gcw__listeners_lock(watch->container);
    gcw_listener *l = gcw__entry_watch_role(watch) == GCW__SECOND
        ? ((struct gcw__second_watch *)watch)->owner : (gcw_listener *)watch;

    (void)object;
    GCW__DELAY(5);
    if (!gcw__lock(lock, may_wait))
        return false;
    if (!gcw__listener_is(l, GCW__IS_GONE)) {
        if (is_lost(l, watch))
            tell_lost_listener(l);
        gcw__listener_remove(l);
    }
    gcw__unlock(lock);
    return true;
}

void
gcw__listeners_clear(struct gcw__listeners *list,
                     const struct gcw__range *code)
{
    struct gcw__array *array = atomic_load(&list->array);
    uint64_t range = array == NULL ? 0 : load_range(array);

    for (uint32_t i = gcw__range_begin(range); i < gcw__range_end(range);
         i++) {
        gcw_listener *l = array->slots[i].listener;

        if (!gcw__listener_is(l, GCW__IS_GONE)
            && (code == NULL
                || gcw__in_range((uintptr_t)array->slots[i].code, code)))
            gcw__listener_remove(l);
    }
}

static void
listeners_prepare(void)
{
    for (size_t i = 0; i < LOCKS; i++)
        gcw__lock(&locks[i], true);
}

static void
listeners_done(void)
{
    for (size_t i = 0; i < LOCKS; i++)
        gcw__unlock(&locks[i]);
}

const struct gcw__part gcw__listeners_part = {
    "listeners", listeners_prepare, listeners_done, listeners_done, NULL
};
