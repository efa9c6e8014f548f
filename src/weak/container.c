/* container.c: objects of the library with entries that wait for deaths.
 *
 * Such an object (an exit registry, an event, a hub) is collectable, and the
 * library must not hold it; nor may the watches of its entries, which hang on
 * references of targets that live on.  So each has a container, which knows it
 * weakly and lists those watches:
 *
 *     object ----> container <---- watch <---- reference of an entry's target
 *        ^ . . weak . . |  ------> (list)
 *
 * When a target dies, the watch gets a strong pointer to the object from the
 * container, and hands both to `died` of the container's ops.  When the object
 * dies, the container takes the watches off.
 *
 * The container knows its object by a long reference.  A finalizer may use an
 * object that nothing else leads to, and bring it back to life; so it is dead
 * only when it is really gone.  gcw_dispose may end its life earlier, while
 * other threads use it: then it is emptied first, for good, under its lock.
 *
 * Tidying is work that a death makes necessary but cannot do: a sweep must not
 * allocate, and no watch can be taken off under the object's lock.  Containers
 * that need it are pushed on a stack without a lock, so that this can be done
 * under any lock; a thread that tidies takes the whole stack, so nothing is
 * popped that another thread pushes meanwhile.
 *
 * Lists of watches are under the lock of their object; the list of containers
 * is under the lock here, innermost, held for a few instructions.  A container
 * that has left the list has no neighbours any more, or the handle of a
 * listener would hold the containers of all events that came and went
 * meanwhile.  It keeps its number, by which a walk that stands there goes on.
 */
#include <config.h>
#include "weak/container.h"

#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/roots.h"
#include "ground/tell.h"
#include "weak/death.h"
#include "weak/read.h"

#include <string.h>

static pthread_mutex_t containers_lock = PTHREAD_MUTEX_INITIALIZER;

void *
gcw__container_new(const struct gcw__container_ops *ops, size_t size)
{
    struct gcw__container *container = gcw__new(size);

    if (container == NULL)
        return NULL;
    container->ops = ops;
    container->lock = ops->lock(container);
    return container;
}

void *
gcw__container_object(const struct gcw__container *container)
{
    return container->staying != NULL ? container->staying
                                  : gcw__read(container->watch.ref);
}

/* Watches. */

static bool
watch_died(struct gcw__watch *watch, bool may_wait)
{
    struct gcw__entry_watch *entry = (struct gcw__entry_watch *)watch;
    struct gcw__container *container = entry->container;
    void *object = container->staying;
    bool done;

    if (object == NULL && !gcw__try_read(container->watch.ref, &object))
        return false;
    done = object == NULL || container->ops->died(object, entry, may_wait);
    GCW__KEEP(object);
    return done;
}

/* Three equal tables: which of them a watch has is its role.  A field for the
 * role would make each listener larger by a fifth. */
static const struct gcw__watch_ops watch_ops[GCW__ROLES] = {
    { .died = watch_died },
    { .died = watch_died },
    { .died = watch_died },
};

void
gcw__entry_watch_init(struct gcw__entry_watch *watch,
                      struct gcw__container *container, gcw_ref *ref,
                      enum gcw__role role)
{
    watch->watch.ref = ref;
    watch->watch.ops = &watch_ops[role];
    watch->container = container;
}

enum gcw__role
gcw__entry_watch_role(const struct gcw__entry_watch *watch)
{
    return (enum gcw__role)(watch->watch.ops - watch_ops);
}

const struct gcw__entry_watch *
gcw__as_entry_watch(const struct gcw__watch *watch)
{
    return watch->ops->died == watch_died
        ? (const struct gcw__entry_watch *)watch : NULL;
}

void
gcw__container_link(struct gcw__entry_watch *watch)
{
    struct gcw__container *container = watch->container;

    watch->next = container->watches;
    if (watch->next != NULL)
        watch->next->prev = watch;
    container->watches = watch;
}

void
gcw__container_unlink(struct gcw__entry_watch *watch)
{
    if (watch->prev != NULL)
        watch->prev->next = watch->next;
    else if (watch->container->watches == watch)
        watch->container->watches = watch->next;
    else
        return;
    if (watch->next != NULL)
        watch->next->prev = watch->prev;
    watch->prev = watch->next = NULL;
}

void
gcw__container_leave(struct gcw__entry_watch *watch)
{
    struct gcw__container *container = watch->container;

    gcw__container_unlink(watch);
    watch->next = container->leaving;
    container->leaving = watch;
    gcw__container_untidy(container);
}

static struct gcw__entry_watch *
next_leaving(struct gcw__container *container)
{
    struct gcw__entry_watch *watch;

    gcw__lock(container->lock, true);
    watch = container->leaving;
    if (watch != NULL) {
        container->leaving = watch->next;
        watch->next = NULL;
    }
    gcw__unlock(container->lock);
    return watch;
}

/* Takes one at a time, so that a fork meanwhile leaves the rest to the
 * child. */
void
gcw__container_take_off(struct gcw__container *container)
{
    struct gcw__entry_watch *watch;

    while ((watch = next_leaving(container)) != NULL) {
        GCW__DELAY(1);
        gcw__watch_remove(&watch->watch, true);
    }
}

/* The object, and the list of all containers. */

enum { FIRST = 1 };

static void
list_container(struct gcw__container *container)
{
    static uint64_t last = FIRST;

    gcw__lock(&containers_lock, true);
    container->number = container->was = ++last;
    container->next = gcw__roots->containers;
    if (container->next != NULL)
        container->next->prev = container;
    gcw__roots->containers = container;
    gcw__unlock(&containers_lock);
}

static void
delist_locked(struct gcw__container *container)
{
    if (container->number == 0)
        return;
    if (container->prev != NULL)
        container->prev->next = container->next;
    else
        gcw__roots->containers = container->next;
    /* The last container is that of the default registry, which stays. */
    if (container->next != NULL)  /* GCOVR_EXCL_BR_LINE */
        container->next->prev = container->prev;
    container->prev = container->next = NULL;
    container->number = 0;
}

static bool
delist_container(struct gcw__container *container, bool may_wait)
{
    if (!gcw__lock(&containers_lock, may_wait))
        return false;
    delist_locked(container);
    gcw__unlock(&containers_lock);
    return true;
}

/* Reads the first watch of a list; false if the lock could not be had. */
static bool
look_at_first(struct gcw__container *container,
              struct gcw__entry_watch *const *list, bool may_wait,
              struct gcw__entry_watch **first)
{
    if (!gcw__lock(container->lock, may_wait))
        return false;
    *first = *list;
    gcw__unlock(container->lock);
    return true;
}

/* Counts a callback that goes with its object. */
static void
count_gone(struct gcw__container *container,
           const struct gcw__entry_watch *watch)
{
    if (gcw__entry_watch_role(watch) != GCW__FIRST)
        return;
    container->watched++;
    container->alive += gcw__peek(watch->watch.ref) != NULL;
}

/* Takes the watch out of the list, if it is still the first.  False if the
 * lock could not be had. */
static bool
drop_first(struct gcw__container *container, struct gcw__entry_watch **list,
           struct gcw__entry_watch *first, bool may_wait)
{
    if (!gcw__lock(container->lock, may_wait))
        return false;
    if (*list == first) {
        *list = first->next;
        if (first->next != NULL)
            first->next->prev = NULL;
        first->prev = first->next = NULL;
        if (list == &container->watches)
            count_gone(container, first);
    }
    gcw__unlock(container->lock);
    return true;
}

/* Takes all watches off.  Each is taken off its reference before out of the
 * list, so that the next call goes on where a lock could not be had.  False:
 * some are left. */
static bool
drop_list(struct gcw__container *container, struct gcw__entry_watch **list,
          bool may_wait)
{
    struct gcw__entry_watch *first;

    for (;;) {
        if (!look_at_first(container, list, may_wait, &first))
            return false;
        if (first == NULL)
            return true;
        if (!gcw__watch_remove(&first->watch, may_wait)
            || !drop_first(container, list, first, may_wait))
            return false;
    }
}

struct gcw__container_words
gcw__container_words(const struct gcw__container *c)
{
    bool is_named = c->name != NULL;

    return (struct gcw__container_words){
        is_named ? "" : strchr("aeiou", c->ops->kind[0]) != NULL ? "an " : "a ",
        c->ops->kind, is_named ? " \"" : "", is_named ? c->name : "",
        is_named ? "\"" : ""
    };
}

/* Tells what has gone with the object.  Who calls this has a lock, so it is told
 * later. */
static void
tell_lost(const struct gcw__container *c)
{
    struct gcw__container_words words = gcw__container_words(c);
    size_t n = c->entries - c->watched + c->alive;

    if (n != 0)
        gcw__tell(GCW_TOLD_LOST, "lost: " GCW__CONTAINER_WORDS " was collected"
                  " with %zu %s in it that could still be called",
                  GCW__SPELLED(words), n, c->ops->entries);
    if (c->posted != 0)
        gcw__tell(GCW_TOLD_LOST, "lost: " GCW__CONTAINER_WORDS " was collected"
                  " with %zu posted emissions in it", GCW__SPELLED(words),
                  c->posted);
}

static bool
container_died(struct gcw__watch *watch, bool may_wait)
{
    struct gcw__container *container = (struct gcw__container *)watch;
    bool done = drop_list(container, &container->watches, may_wait)
                && drop_list(container, &container->leaving, may_wait)
                && (container->ops->closed == NULL
                    || container->ops->closed(container, may_wait))
                && delist_container(container, may_wait);

    if (done && gcw__told(GCW_TOLD_LOST))
        tell_lost(container);
    return done;
}

static const struct gcw__watch_ops container_ops = { .died = container_died };

bool
gcw__container_open(struct gcw__container *container, void *object)
{
    gcw_ref *ref = gcw__shard_ref(object, object, true);

    if (ref == NULL)
        return false;
    container->watch.ref = ref;
    container->watch.ops = &container_ops;
    list_container(container);
    GCW__DELAY(4);
    gcw__death_watch(&container->watch);
    GCW__KEEP(object);
    return true;
}

/* Takes no lock: no other thread knows of the list yet. */
void
gcw__container_open_staying(struct gcw__container *container, void *object)
{
    container->staying = object;
    container->number = container->was = FIRST;
    gcw__roots->containers = container;
}

void
gcw__container_dispose(void *base)
{
    struct gcw__container *container = (struct gcw__container *)
        gcw__shard_find_watch(base, true, &container_ops);

    if (container == NULL)
        return;
    gcw__lock(container->lock, true);
    container->closed = true;
    container->ops->empty(base);
    gcw__unlock(container->lock);
}

/* Tidying. */

void
gcw__container_untidy(struct gcw__container *container)
{
    struct gcw__roots *roots = gcw__roots;
    struct gcw__container *first;

    if (atomic_exchange(&container->untidy, true))
        return;
    GCW__DELAY(2);
    first = atomic_load(&roots->untidy);
    do {
        container->next_untidy = first;
        /* Another thread may have pushed one meanwhile. */
    } while (!atomic_compare_exchange_weak(  /* GCOVR_EXCL_BR_LINE */
                 &roots->untidy, &first, container));
}

static void
tidy_container(struct gcw__container *container)
{
    void *object = gcw__container_object(container);

    if (object != NULL)
        container->ops->tidy(object);
    GCW__KEEP(object);
}

void
gcw__containers_tidy(void)
{
    struct gcw__container *container, *next;

    if (atomic_load_explicit(&gcw__roots->untidy, memory_order_relaxed)
        == NULL)
        return;
    for (container = atomic_exchange(&gcw__roots->untidy, NULL);
         container != NULL; container = next) {
        next = container->next_untidy;
        container->next_untidy = NULL;
        atomic_store(&container->untidy, false);
        GCW__DELAY(3);
        tidy_container(container);
    }
}

/* All containers. */

/* The newest container that is older than that number. */
static struct gcw__container *
find_older(uint64_t number)
{
    struct gcw__container *container = gcw__roots->containers;

    while (container != NULL && container->number >= number)
        container = container->next;
    return container;
}

struct gcw__container *
gcw__container_after(const struct gcw__container *this)
{
    struct gcw__container *next;

    gcw__lock(&containers_lock, true);
    if (this == NULL)
        next = gcw__roots->containers;
    else
        next = this->number != 0 ? this->next : find_older(this->was);
    gcw__unlock(&containers_lock);
    return next;
}

static bool
unload_all(const struct gcw__range *range, bool those_that_run)
{
    struct gcw__container *container = NULL;
    bool any = false;

    while ((container = gcw__container_after(container)) != NULL) {
        void *object = NULL;

        if (container->ops->unloading != NULL
            && container->ops->runs == those_that_run)
            object = gcw__container_object(container);
        if (object != NULL)
            any |= container->ops->unloading(object, range);
        GCW__KEEP(object);
    }
    return any;
}

bool
gcw__containers_run_unloading(const struct gcw__range *range)
{
    return unload_all(range, true);
}

static void
containers_unloading(const struct gcw__range *range)
{
    unload_all(range, false);
}

static void
containers_prepare(void)
{
    gcw__lock(&containers_lock, true);
}

static void
containers_parent(void)
{
    gcw__unlock(&containers_lock);
}

/* Has all containers tidied: a thread that had taken the stack in the parent
 * is not in the child. */
static void
containers_child(void)
{
    struct gcw__container *container
        = gcw__roots == NULL ? NULL : gcw__roots->containers;

    if (container != NULL)
        atomic_store(&gcw__roots->untidy, NULL);
    for (; container != NULL; container = container->next) {
        atomic_store(&container->untidy, false);
        gcw__container_untidy(container);
    }
    gcw__unlock(&containers_lock);
}

const struct gcw__part gcw__container_part = {
    "container", containers_prepare, containers_parent, containers_child,
    containers_unloading
};
