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
 * Tidying is what a death makes necessary but may not do itself: a sweep must
 * not allocate; nor can it be done under the container's lock.  Places that
 * ask for it are pushed on a stack without a lock, so that it can be asked for
 * under any; who takes the stack takes all of it, so nothing is popped that
 * another pushes meanwhile.
 *
 * Lists of watches are under the lock of their container; the list of places
 * is under the lock here, innermost, held for a few instructions.  A place
 * that left the list keeps its `next`, so that a walk may go on from it.
 */
#include <config.h>
#include "place.h"

#include "death.h"
#include "delay.h"
#include "lock.h"
#include "read.h"
#include "roots.h"

static pthread_mutex_t place_lock = PTHREAD_MUTEX_INITIALIZER;

void *
gcw__place_new(const struct gcw__place_ops *ops, size_t size)
{
    struct gcw__place *place = GC_MALLOC(size);

    if (place != NULL)
        place->ops = ops;
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
    void *container = gcw__place_container(entry->place);
    bool done = container == NULL
                || entry->place->ops->died(container, entry, may_wait);

    GCW__KEEP(container);
    return done;
}

/* All the same; which of them a watch has tells its role. */
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
gcw__place_watch(struct gcw__place_watch *first,
                 struct gcw__place_watch *second)
{
    if (first != NULL)
        gcw__death_watch(&first->watch);
    if (second != NULL)
        gcw__death_watch(&second->watch);
}

bool
gcw__place_unwatch(struct gcw__place_watch *first,
                   struct gcw__place_watch *second, bool may_wait)
{
    return (first == NULL || gcw__watch_remove(&first->watch, may_wait))
           && (second == NULL || gcw__watch_remove(&second->watch, may_wait));
}

bool
gcw__place_watched_live(const struct gcw__place_watch *first,
                        const struct gcw__place_watch *second)
{
    return (first == NULL || gcw__read(first->watch.ref) != NULL)
           && (second == NULL || gcw__read(second->watch.ref) != NULL);
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
next_leaving(struct gcw__place *place, pthread_mutex_t *lock)
{
    struct gcw__place_watch *watch;

    gcw__lock(lock, true);
    watch = place->leaving;
    if (watch != NULL) {
        place->leaving = watch->next;
        watch->next = NULL;
    }
    gcw__unlock(lock);
    return watch;
}

/* One at a time, so that a fork meanwhile leaves the rest to the child. */
void
gcw__place_take_off(struct gcw__place *place, pthread_mutex_t *lock)
{
    struct gcw__place_watch *watch;

    while ((watch = next_leaving(place, lock)) != NULL) {
        GCW__DELAY(1);
        gcw__watch_remove(&watch->watch, true);
    }
}

/* The container. */

static void
list(struct gcw__place *place)
{
    gcw__lock(&place_lock, true);
    place->next = gcw__roots->places;
    if (place->next != NULL)
        place->next->prev = place;
    gcw__roots->places = place;
    gcw__unlock(&place_lock);
}

static bool
delist(struct gcw__place *place, bool may_wait)
{
    if (!gcw__lock(&place_lock, may_wait))
        return false;
    if (place->prev != NULL)
        place->prev->next = place->next;
    else
        gcw__roots->places = place->next;
    /* The last is that of the default registry, which stays. */
    if (place->next != NULL)  /* GCOVR_EXCL_BR_LINE */
        place->next->prev = place->prev;
    gcw__unlock(&place_lock);
    return true;
}

/* The container is dead, so nobody else adds to or takes from the lists. */
static bool
drop_watches(struct gcw__place_watch **first, bool may_wait)
{
    while (*first != NULL) {
        struct gcw__place_watch *watch = *first;

        if (!gcw__watch_remove(&watch->watch, may_wait))
            return false;
        *first = watch->next;
        watch->prev = watch->next = NULL;
    }
    return true;
}

static bool
container_died(struct gcw__watch *watch, bool may_wait)
{
    struct gcw__place *place = (struct gcw__place *)watch;

    return drop_watches(&place->watches, may_wait)
           && drop_watches(&place->leaving, may_wait)
           && (place->ops->closed == NULL
               || place->ops->closed(place, may_wait))
           && delist(place, may_wait);
}

static const struct gcw__watch_ops container_ops = {
    container_died, NULL, NULL, NULL
};

bool
gcw__place_open(struct gcw__place *place, void *container)
{
    gcw_ref *ref = gcw__shard_ref(container, container, false);

    if (ref == NULL)
        return false;
    place->watch.ref = ref;
    place->watch.ops = &container_ops;
    list(place);
    GCW__DELAY(4);
    gcw__death_watch(&place->watch);
    GCW__KEEP(container);
    return true;
}

void
gcw__place_open_staying(struct gcw__place *place, void *container)
{
    place->staying = container;
    list(place);
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
tidy(struct gcw__place *place)
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
        tidy(place);
    }
}

/* All of them. */

struct gcw__place *
gcw__place_after(const struct gcw__place *place)
{
    struct gcw__place *next;

    gcw__lock(&place_lock, true);
    next = place == NULL ? gcw__roots->places : place->next;
    gcw__unlock(&place_lock);
    return next;
}

void
gcw__places_object_unloading(const struct gcw__range *range)
{
    struct gcw__place *place = NULL;

    while ((place = gcw__place_after(place)) != NULL) {
        void *container = gcw__place_container(place);

        if (container != NULL)
            place->ops->unloading(container, range);
        GCW__KEEP(container);
    }
}

void
gcw__places_fork_prepare(void)
{
    gcw__lock(&place_lock, true);
}

void
gcw__places_fork_parent(void)
{
    gcw__unlock(&place_lock);
}

/* Another thread may have been tidying, and have had the stack; it is not
 * there. */
void
gcw__places_fork_child(void)
{
    struct gcw__place *place = gcw__roots->places;

    atomic_store(&gcw__roots->untidy, NULL);
    for (; place != NULL; place = place->next) {
        atomic_store(&place->untidy, false);
        gcw__place_untidy(place);
    }
    gcw__unlock(&place_lock);
}
