/* place.c: containers that wait for deaths.
 *
 * A container (an exit registry, an event, a hub) is collectable, and the
 * library must not hold it, nor may the watches of its entries, which hang on
 * references of objects that live on.  So each container has a place, which
 * knows it weakly and lists those watches:
 *
 *     container ----> place <---- watch <---- reference of an entry's target
 *        ^ . . weak . . |  ------> (list)
 *
 * A watch that is told of a death gets a strong pointer to the container from
 * the place, and hands both to the container's ops.  When the container dies,
 * the place takes the watches off.
 *
 * The place knows its container by a long reference.  A finalizer may use a
 * container that nothing else leads to, and bring it back to life; so it is
 * dead only when it is really gone.  gcw_dispose may end its life earlier,
 * while other threads use it: then it is emptied first, for good, under its
 * lock, and so is all that is done here to its lists.
 *
 * Tidying is what a death makes necessary but may not do itself: a sweep must
 * not allocate; nor can it be done under the container's lock.  Places that
 * ask for it are pushed on a stack without a lock, so that it can be asked for
 * under any; who takes the stack takes all of it, so nothing is popped that
 * another pushes meanwhile.
 *
 * Lists of watches are under the lock of their container; the list of places
 * is under the lock here, innermost, held for a few instructions.  A place
 * that left the list leads nowhere any more, or a handle of a listener would
 * hold the places of all containers that came and went meanwhile.  It keeps
 * its number, by which a walk that stands there goes on.
 */
#include <config.h>
#include "weak/place.h"

#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/roots.h"
#include "weak/death.h"
#include "weak/read.h"

static pthread_mutex_t place_lock = PTHREAD_MUTEX_INITIALIZER;

void *
gcw__place_new(const struct gcw__place_ops *ops, size_t size)
{
    struct gcw__place *place = GC_MALLOC(size);

    if (place == NULL)
        return NULL;
    place->ops = ops;
    place->lock = ops->lock(place);
    return place;
}

void *
gcw__place_container(const struct gcw__place *place)
{
    return place->staying != NULL ? place->staying
                                  : gcw__read(place->watch.ref);
}

/* Watches. */

static bool
watch_died(struct gcw__watch *watch, bool may_wait)
{
    struct gcw__place_watch *entry = (struct gcw__place_watch *)watch;
    struct gcw__place *place = entry->place;
    void *container = place->staying;
    bool done;

    if (container == NULL && !gcw__try_read(place->watch.ref, &container))
        return false;
    done = container == NULL || place->ops->died(container, entry, may_wait);
    GCW__KEEP(container);
    return done;
}

/* All the same: which of them a watch has is its role.  A word of its own for
 * that would make each listener larger by a fifth. */
static const struct gcw__watch_ops watch_ops[GCW__ROLES] = {
    { watch_died, NULL, NULL, NULL },
    { watch_died, NULL, NULL, NULL },
    { watch_died, NULL, NULL, NULL },
};

void
gcw__place_watch_init(struct gcw__place_watch *watch,
                      struct gcw__place *place, gcw_ref *ref,
                      enum gcw__role role)
{
    watch->watch.ref = ref;
    watch->watch.ops = &watch_ops[role];
    watch->place = place;
}

enum gcw__role
gcw__place_watch_role(const struct gcw__place_watch *watch)
{
    return (enum gcw__role)(watch->watch.ops - watch_ops);
}

void
gcw__place_link(struct gcw__place_watch *watch)
{
    struct gcw__place *place = watch->place;

    watch->next = place->watches;
    if (watch->next != NULL)
        watch->next->prev = watch;
    place->watches = watch;
}

void
gcw__place_unlink(struct gcw__place_watch *watch)
{
    if (watch->prev != NULL)
        watch->prev->next = watch->next;
    else if (watch->place->watches == watch)
        watch->place->watches = watch->next;
    else
        return;
    if (watch->next != NULL)
        watch->next->prev = watch->prev;
    watch->prev = watch->next = NULL;
}

void
gcw__place_leave(struct gcw__place_watch *watch)
{
    struct gcw__place *place = watch->place;

    gcw__place_unlink(watch);
    watch->next = place->leaving;
    place->leaving = watch;
    gcw__place_untidy(place);
}

static struct gcw__place_watch *
next_leaving(struct gcw__place *place)
{
    struct gcw__place_watch *watch;

    gcw__lock(place->lock, true);
    watch = place->leaving;
    if (watch != NULL) {
        place->leaving = watch->next;
        watch->next = NULL;
    }
    gcw__unlock(place->lock);
    return watch;
}

/* One at a time, so that a fork meanwhile leaves the rest to the child. */
void
gcw__place_take_off(struct gcw__place *place)
{
    struct gcw__place_watch *watch;

    while ((watch = next_leaving(place)) != NULL) {
        GCW__DELAY(1);
        gcw__watch_remove(&watch->watch, true);
    }
}

/* The container. */

enum { FIRST = 1 };

static void
list_place(struct gcw__place *place)
{
    static uint64_t last = FIRST;

    gcw__lock(&place_lock, true);
    place->number = place->was = ++last;
    place->next = gcw__roots->places;
    if (place->next != NULL)
        place->next->prev = place;
    gcw__roots->places = place;
    gcw__unlock(&place_lock);
}

static void
delist_locked(struct gcw__place *place)
{
    if (place->number == 0)
        return;
    if (place->prev != NULL)
        place->prev->next = place->next;
    else
        gcw__roots->places = place->next;
    /* The last is that of the default registry, which stays. */
    if (place->next != NULL)  /* GCOVR_EXCL_BR_LINE */
        place->next->prev = place->prev;
    place->prev = place->next = NULL;
    place->number = 0;
}

static bool
delist_place(struct gcw__place *place, bool may_wait)
{
    if (!gcw__lock(&place_lock, may_wait))
        return false;
    delist_locked(place);
    gcw__unlock(&place_lock);
    return true;
}

/* The first of a list; false if the lock could not be had. */
static bool
look_at_first(struct gcw__place *place, struct gcw__place_watch *const *list,
              bool may_wait, struct gcw__place_watch **first)
{
    if (!gcw__lock(place->lock, may_wait))
        return false;
    *first = *list;
    gcw__unlock(place->lock);
    return true;
}

/* Takes the watch, which was the first, out of the list, if it still is. */
static bool
drop_first(struct gcw__place *place, struct gcw__place_watch **list,
           struct gcw__place_watch *first, bool may_wait)
{
    if (!gcw__lock(place->lock, may_wait))
        return false;
    if (*list == first) {
        *list = first->next;
        if (first->next != NULL)
            first->next->prev = NULL;
        first->prev = first->next = NULL;
    }
    gcw__unlock(place->lock);
    return true;
}

/* Off its reference before out of the list, so that what could not be done is
 * found to do the next time. */
static bool
drop_list(struct gcw__place *place, struct gcw__place_watch **list,
          bool may_wait)
{
    struct gcw__place_watch *first;

    for (;;) {
        if (!look_at_first(place, list, may_wait, &first))
            return false;
        if (first == NULL)
            return true;
        if (!gcw__watch_remove(&first->watch, may_wait)
            || !drop_first(place, list, first, may_wait))
            return false;
    }
}

static bool
container_died(struct gcw__watch *watch, bool may_wait)
{
    struct gcw__place *place = (struct gcw__place *)watch;

    return drop_list(place, &place->watches, may_wait)
           && drop_list(place, &place->leaving, may_wait)
           && (place->ops->closed == NULL
               || place->ops->closed(place, may_wait))
           && delist_place(place, may_wait);
}

static const struct gcw__watch_ops container_ops = {
    container_died, NULL, NULL, NULL
};

bool
gcw__place_open(struct gcw__place *place, void *container)
{
    gcw_ref *ref = gcw__shard_ref(container, container, true);

    if (ref == NULL)
        return false;
    place->watch.ref = ref;
    place->watch.ops = &container_ops;
    list_place(place);
    GCW__DELAY(4);
    gcw__death_watch(&place->watch);
    GCW__KEEP(container);
    return true;
}

/* Nobody knows of the list yet. */
void
gcw__place_open_staying(struct gcw__place *place, void *container)
{
    place->staying = container;
    place->number = place->was = FIRST;
    gcw__roots->places = place;
}

void
gcw__place_dispose(void *base)
{
    struct gcw__place *place = (struct gcw__place *)
        gcw__shard_find_watch(base, true, &container_ops);

    if (place == NULL)
        return;
    gcw__lock(place->lock, true);
    place->closed = true;
    place->ops->empty(base);
    gcw__unlock(place->lock);
}

/* Tidying. */

void
gcw__place_untidy(struct gcw__place *place)
{
    struct gcw__roots *roots = gcw__roots;
    struct gcw__place *first;

    if (atomic_exchange(&place->untidy, true))
        return;
    GCW__DELAY(2);
    first = atomic_load(&roots->untidy);
    do {
        place->next_untidy = first;
        /* Another thread may have put one there meanwhile. */
    } while (!atomic_compare_exchange_weak(  /* GCOVR_EXCL_BR_LINE */
                 &roots->untidy, &first, place));
}

static void
tidy_place(struct gcw__place *place)
{
    void *container = gcw__place_container(place);

    if (container != NULL)
        place->ops->tidy(container);
    GCW__KEEP(container);
}

void
gcw__places_tidy(void)
{
    struct gcw__place *place, *next;

    if (atomic_load_explicit(&gcw__roots->untidy, memory_order_relaxed)
        == NULL)
        return;
    for (place = atomic_exchange(&gcw__roots->untidy, NULL); place != NULL;
         place = next) {
        next = place->next_untidy;
        place->next_untidy = NULL;
        atomic_store(&place->untidy, false);
        GCW__DELAY(3);
        tidy_place(place);
    }
}

/* All of them. */

/* The newest that is older. */
static struct gcw__place *
find_older(uint64_t number)
{
    struct gcw__place *place = gcw__roots->places;

    while (place != NULL && place->number >= number)
        place = place->next;
    return place;
}

struct gcw__place *
gcw__place_after(const struct gcw__place *place)
{
    struct gcw__place *next;

    gcw__lock(&place_lock, true);
    if (place == NULL)
        next = gcw__roots->places;
    else
        next = place->number != 0 ? place->next : find_older(place->was);
    gcw__unlock(&place_lock);
    return next;
}

static bool
unload_all(const struct gcw__range *range, bool those_that_run)
{
    struct gcw__place *place = NULL;
    bool any = false;

    while ((place = gcw__place_after(place)) != NULL) {
        void *container = NULL;

        if (place->ops->runs == those_that_run)
            container = gcw__place_container(place);
        if (container != NULL)
            any |= place->ops->unloading(container, range);
        GCW__KEEP(container);
    }
    return any;
}

bool
gcw__places_run_unloading(const struct gcw__range *range)
{
    return unload_all(range, true);
}

static void
places_unloading(const struct gcw__range *range)
{
    unload_all(range, false);
}

static void
places_prepare(void)
{
    gcw__lock(&place_lock, true);
}

static void
places_parent(void)
{
    gcw__unlock(&place_lock);
}

/* Another thread may have been tidying, and have had the stack; it is not
 * there. */
static void
places_child(void)
{
    struct gcw__place *place = gcw__roots == NULL ? NULL
                                                  : gcw__roots->places;

    if (place != NULL)
        atomic_store(&gcw__roots->untidy, NULL);
    for (; place != NULL; place = place->next) {
        atomic_store(&place->untidy, false);
        gcw__place_untidy(place);
    }
    gcw__unlock(&place_lock);
}

const struct gcw__part gcw__place_part = {
    "place", places_prepare, places_parent, places_child, places_unloading
};
