/* exit.c: exit registries: registering, and taking back.
 *
 * A handler
 *
 *     WAITING --- its turn ---> RUNNING ---> GONE
 *        |  <------ keep ------/
 *        +--- unregistered, its object dead, its code unloaded ---> GONE
 *
 * A registry has its handlers in an array: see exit-order.c.
 *
 * One lock for all registries, held for a few instructions at a time but when
 * an array is copied, never while anything is allocated or called.  Memory
 * that is missing under it is allocated without it (spare.h).
 *
 * A weak handler watches its method's objects.  When one of them dies, the
 * sweep takes the handler off, perhaps from a finalizer, without waiting.
 *
 * Registries of the user may be dropped: see container.c.  A watch leads to
 * its handler by a hidden pointer, good only under the lock, while the
 * registry is alive and the handler waits.
 */
#include <config.h>
#include "exit/exit.h"

#include "exit/exit-ids.h"

#include "ground/code.h"
#include "ground/delay.h"
#include "ground/hidden.h"
#include "ground/leader.h"
#include "ground/lock.h"
#include "ground/process.h"
#include "ground/roots.h"
#include "ground/spare.h"
#include "ground/text.h"
#include "weak/enter.h"
#include "weak/method.h"
#include "weak/pair.h"
#include "weak/ref.h"

/* Whether the default registry is closed, for good.  Under the lock. */
static bool exit_closed;

/* The default registry. */

bool
gcw__exit_close(void)
{
    bool empty;

    gcw__lock(&gcw__exit_lock, true);
    empty = gcw__order_newest(&gcw__roots->at_exit->order) == NULL;
    exit_closed |= empty;
    gcw__unlock(&gcw__exit_lock);
    return empty;
}

bool
gcw__exit_closed(void)
{
    return exit_closed;
}

/* Handlers. */

/* Lock held. */
static void
unlink_exit_watch(struct gcw__exit_watch *watch)
{
    gcw__container_unlink(&watch->on);
    watch->handler = 0;
}

/* Lock held. */
static void
link_exit_watch(struct gcw__exit_watch *watch, gcw_exit_handler *h)
{
    gcw__container_link(&watch->on);
    watch->handler = gcw__hide(h);
}

struct reshaping {
    struct gcw__order *order;
    bool (*shape)(struct gcw__order *o, struct gcw__order_spare *spare);
    struct gcw__order_spare spare;
};

static int
try_to_reshape(void *reshaping)
{
    struct reshaping *r = reshaping;

    return r->shape(r->order, &r->spare) ? 0 : GCW__MISSING;
}

static bool
fill_for_reshaping(void *reshaping)
{
    return gcw__order_fill(&((struct reshaping *)reshaping)->spare);
}

/* Gives memory back, or makes an index.  Out of memory, changes nothing. */
static void
reshape(gcw_exit_registry *r, bool (*shape)(struct gcw__order *o,
                                            struct gcw__order_spare *spare))
{
    struct reshaping reshaping = { &r->order, shape, { 0 } };

    gcw__with_spare(&gcw__exit_lock, try_to_reshape, fill_for_reshaping,
                    &reshaping);
    gcw__order_clear(&reshaping.spare);
}

void
gcw__exit_shrink(void *registry)
{
    reshape(registry, gcw__order_shrink);
}

void
gcw__exit_index(gcw_exit_registry *r)
{
    reshape(r, gcw__order_indexed);
}

void
gcw__exit_tidy(gcw_exit_registry *r)
{
    if (gcw__order_sparse(&r->order) && !atomic_load(&r->container->untidy))
        gcw__container_untidy(r->container);
}

/* The handler's place among those of the C library; 0: none. */
static uintptr_t
place_of(const gcw_exit_handler *h)
{
    return h->kind == GCW__PLAIN && !h->has_extra ? h->more.place : 0;
}

/* Notes at the handler's place whether it waits.  Lock held. */
static void
set_at_place(const gcw_exit_handler *h, bool waits)
{
    if (place_of(h) != 0)
        gcw__exit_place_set(place_of(h), waits);
}

void
gcw__exit_set_state(gcw_exit_handler *h, enum gcw__exit_state state)
{
    h->state = state;
    if (GCW__LIKELY(!h->has_id))
        return;
    if (state == GCW__GONE)
        gcw__exit_id_ends(h);
    else if (state == GCW__RUNNING)
        gcw__exit_id_runs(h);
    else
        gcw__exit_id_waits(h);
}

void
gcw__exit_take_off(gcw_exit_handler *h, enum gcw__exit_state state)
{
    struct gcw__exit_extra *extra = gcw__exit_extra(h);

    set_at_place(h, false);
    if (state == GCW__GONE && extra == NULL) {
        h->more.data = NULL;
        gcw__order_forget(&h->registry->order, h);
    } else {
        gcw__order_remove(&h->registry->order, h);
    }
    if (extra != NULL && extra->on_self != NULL)
        unlink_exit_watch(extra->on_self);
    if (extra != NULL && extra->on_data != NULL)
        unlink_exit_watch(extra->on_data);
    gcw__exit_set_state(h, state);
}

/* The registry is disposed of: its watches are left to tidying. */
void
gcw__exit_empty(void *registry)
{
    gcw_exit_registry *r = registry;
    uint32_t at = UINT32_MAX;
    gcw_exit_handler *h;

    while ((h = gcw__order_next(&r->order, &at)) != NULL) {
        struct gcw__exit_extra *extra = gcw__exit_extra(h);

        gcw__exit_remove(h);
        if (extra != NULL && extra->on_self != NULL)
            gcw__container_leave(&extra->on_self->on);
        if (extra != NULL && extra->on_data != NULL)
            gcw__container_leave(&extra->on_data->on);
    }
    r->hook = (struct gcw__hook){ NULL, NULL };
}

bool
gcw__exit_remove(gcw_exit_handler *h)
{
    bool waiting = h->state == GCW__WAITING;

    h->keep = false;
    gcw__exit_take_off(h, waiting ? GCW__GONE : GCW__RUNNING);
    gcw__exit_tidy(h->registry);
    return waiting;
}

/* The watches of the handler. */
static struct gcw__pair
watches_of_handler(const gcw_exit_handler *h)
{
    const struct gcw__exit_extra *extra = gcw__exit_extra(h);
    struct gcw__pair pair = { NULL, NULL };

    if (extra != NULL && extra->on_self != NULL)
        pair.first = &extra->on_self->on.watch;
    if (extra != NULL && extra->on_data != NULL)
        pair.second = &extra->on_data->on.watch;
    return pair;
}

/* Whether nothing can be registered any more.  At exit, the handlers run that
 * were there when it began, and those that the exiting thread registers. */
static bool
is_too_late(const gcw_exit_registry *r)
{
    return r == gcw__roots->at_exit && (exit_closed || gcw__exit_is_others());
}

/* Marks a new handler if its code is being unloaded, so that it runs now. */
static void
look_at_unloading(gcw_exit_handler *h)
{
    struct gcw__unloading *unloading = h->registry->unloading;

    for (; unloading != NULL; unloading = unloading->next)
        if (gcw__in_range(gcw__exit_code(h), unloading->range)) {
            h->leaving = true;
            unloading->fresh++;
            return;
        }
}

struct addition {
    gcw_exit_handler *handler;
    struct gcw__order_spare spare;
};

static int
try_to_add(void *addition)
{
    struct addition *a = addition;
    gcw_exit_handler *h = a->handler;

    if (is_too_late(h->registry))
        return ESHUTDOWN;
    if (h->registry->container->closed
        || !gcw__pair_alive(watches_of_handler(h)))
        return ESTALE;
    if (!gcw__order_push(&h->registry->order, h, &a->spare))
        return GCW__MISSING;
    look_at_unloading(h);
    set_at_place(h, true);
    if (h->has_extra)
        h->more.extra->number = ++h->registry->births;
    if (h->kind == GCW__METHOD)
        link_exit_watch(h->more.extra->on_self, h);
    if (h->kind == GCW__METHOD && h->more.extra->on_data != NULL)
        link_exit_watch(h->more.extra->on_data, h);
    return 0;
}

static bool
fill_for_addition(void *addition)
{
    GCW__DELAY(1);
    return gcw__order_fill(&((struct addition *)addition)->spare);
}

int
gcw__exit_add(gcw_exit_handler *h)
{
    struct addition a = { h, { 0 } };
    int error = gcw__with_spare(&gcw__exit_lock, try_to_add,
                                fill_for_addition, &a);

    gcw__order_clear(&a.spare);
    return error;
}

static bool
has_reserved(const gcw_exit_options *o)
{
    return o != NULL && (o->reserved[0] != NULL || o->reserved[1] != NULL);
}

/* NULL: no memory. */
static struct gcw__exit_extra *
extra_of(void *data, const gcw_exit_options *o)
{
    struct gcw__exit_extra *extra = GC_MALLOC(sizeof *extra);

    if (extra == NULL)
        return NULL;
    extra->data = data;
    extra->process = gcw__process();
    extra->born = gcw__born();
    if (o != NULL && o->name != NULL) {
        extra->name = gcw__copy(o->name);
        if (extra->name == NULL)
            return NULL;
    }
    return extra;
}

_Static_assert(sizeof(gcw_exit_handler) == 32 || sizeof(void *) != 8,
               "a handler is small");

gcw_exit_handler *
gcw__exit_handler_of(gcw_exit_registry *r, enum gcw__exit_kind kind, void *data,
           const gcw_exit_options *o)
{
    gcw_exit_handler *h = GC_MALLOC(gcw__whole_granules(sizeof *h));
    unsigned process = gcw__process();

    if (h == NULL)
        return NULL;
    h->registry = r;
    h->kind = kind;
    h->process = process < GCW__IN_EXTRA ? (uint16_t)process : GCW__IN_EXTRA;
    if (o != NULL) {
        h->keep = o->keep;
        h->inherit = o->inherit;
        h->quick = o->quick;
    }
    h->has_extra = kind == GCW__METHOD || h->process == GCW__IN_EXTRA
                   || (o != NULL && (o->keep || o->name != NULL));
    if (!h->has_extra) {
        h->more.data = data;
        return h;
    }
    h->more.extra = extra_of(data, o);
    return h->more.extra == NULL ? NULL : h;
}

/* Weak handlers. */

void
gcw__exit_unwatch(gcw_exit_handler *h)
{
    gcw__pair_unwatch(watches_of_handler(h), true);
}

/* The handler that the watch leads to; to be followed while its registry is
 * alive.  Lock held. */
static gcw_exit_handler *
handler_of_watch(const struct gcw__exit_watch *watch)
{
    return watch->handler == 0 ? NULL : gcw__reveal(watch->handler);
}

/* Removes the handler of a watch whose target has died: first off its
 * references, so that the next call finds it where a lock could not be had. */
static bool
take_off_dead(struct gcw__exit_watch *watch, bool may_wait)
{
    gcw_exit_handler *h;

    if (!gcw__lock(&gcw__exit_lock, may_wait))
        return false;
    h = handler_of_watch(watch);
    gcw__unlock(&gcw__exit_lock);
    if (h == NULL)
        return true;
    if (!gcw__pair_unwatch(watches_of_handler(h), may_wait)
        || !gcw__lock(&gcw__exit_lock, may_wait))
        return false;
    if (h->state != GCW__GONE)
        gcw__exit_remove(h);
    gcw__unlock(&gcw__exit_lock);
    return true;
}

bool
gcw__exit_handler_died(void *registry, struct gcw__entry_watch *watch,
                       bool may_wait)
{
    (void)registry;
    return take_off_dead((struct gcw__exit_watch *)watch, may_wait);
}

static struct gcw__exit_watch *
watch_of(gcw_exit_handler *h, gcw_ref *ref)
{
    struct gcw__exit_watch *watch = GC_MALLOC(sizeof *watch);

    if (watch == NULL)
        return NULL;
    gcw__entry_watch_init(&watch->on, h->registry->container, ref, GCW__FIRST);
    return watch;
}

static bool
make_watches(gcw_exit_handler *h, gcw_method *m)
{
    struct gcw__exit_extra *extra = h->more.extra;

    extra->on_self = watch_of(h, m->self);
    if (extra->on_self == NULL)
        return false;
    if (gcw__method_weak_data(m) == NULL)
        return true;
    extra->on_data = watch_of(h, gcw__method_weak_data(m));
    return extra->on_data != NULL;
}

/* The caller keeps the targets alive, unless they are disposed of. */
static gcw_exit_handler *
add_method(gcw_exit_registry *r, gcw_method *m, const gcw_exit_options *o)
{
    gcw_exit_handler *h = gcw__exit_handler_of(r, GCW__METHOD, NULL, o);
    int error;

    if (h == NULL || !make_watches(h, m))
        return gcw__fail_null(ENOMEM);
    h->call.method = m;
    gcw__pair_watch(watches_of_handler(h));
    GCW__DELAY(2);
    error = gcw__exit_add(h);
    if (error == 0)
        return h;
    gcw__exit_unwatch(h);
    return gcw__fail_null(error);
}

gcw_exit_handler *
gcw_exit_register(gcw_exit_registry *r, gcw_method *m,
                  const gcw_exit_options *o)
{
    gcw_exit_handler *h;
    gcw_bound bound;

    if (gcw__enter() != 0)
        return NULL;
    if (r == NULL || m == NULL || has_reserved(o))
        return gcw__fail_null(EINVAL);
    if (!gcw_method_bind(m, &bound))
        return gcw__fail_null(ESTALE);
    h = add_method(r, m, o);
    GCW__KEEP(bound.self);
    GCW__KEEP(bound.data);
    return h;
}

/* Functions. */

gcw_exit_handler *
gcw_exit_register_fn(gcw_exit_registry *r, void (*fn)(void *data), void *data,
                     const gcw_exit_options *o)
{
    gcw_exit_handler *h;
    int error;

    if (gcw__enter() != 0)
        return NULL;
    if (r == NULL || fn == NULL || has_reserved(o) || !gcw__holdable(data))
        return gcw__fail_null(EINVAL);
    h = gcw__exit_handler_of(r, GCW__FUNCTION, data, o);
    if (h == NULL)
        return gcw__fail_null(ENOMEM);
    h->call.function = fn;
    error = gcw__exit_add(h);
    return error == 0 ? h : gcw__fail_null(error);
}

/* Taking back. */

int
gcw_exit_unregister(gcw_exit_handler *h)
{
    int found = GCW_GONE;

    __builtin_prefetch(h);   /* while the lock is taken */
    if (gcw__enter() != 0)
        return -1;
    if (h == NULL)
        return gcw__fail_int(EINVAL);
    gcw__lock(&gcw__exit_lock, true);
    if (h->state != GCW__GONE)
        found = gcw__exit_remove(h) ? GCW_REMOVED : GCW_RUNNING;
    gcw__unlock(&gcw__exit_lock);
    GCW__DELAY(3);
    if (found != GCW_GONE && h->has_extra)
        gcw__exit_unwatch(h);
    return found;
}

/* The handler stays in memory: its token goes, but its registry, or the run, has
 * held it until then. */
static int
take_back_number(uint64_t id)
{
    gcw_exit_handler *h;
    int found = GCW_GONE;

    gcw__lock(&gcw__exit_lock, true);
    h = gcw__exit_id_find(id);
    if (h != NULL)
        found = gcw__exit_remove(h) ? GCW_REMOVED : GCW_RUNNING;
    gcw__unlock(&gcw__exit_lock);
    if (h != NULL && h->has_extra)
        gcw__exit_unwatch(h);
    return found;
}

int
gcw__exit_take_back_id(uint64_t id)
{
    void *registry = gcw__exit_id_registry(id);
    int found = registry == NULL ? GCW_GONE : take_back_number(id);

    GCW__KEEP(registry);
    return found;
}

int
gcw__exit_take_back(gcw_exit_registry *r, enum gcw__exit_kind kind,
                    uintptr_t code)
{
    int found = GCW_GONE;
    gcw_exit_handler *h;

    gcw__lock(&gcw__exit_lock, true);
    h = gcw__order_find(&r->order, kind, code);
    if (h != NULL)
        found = gcw__exit_remove(h) ? GCW_REMOVED : GCW_RUNNING;
    gcw__unlock(&gcw__exit_lock);
    return found;
}

size_t
gcw_exit_unregister_fn(gcw_exit_registry *r, void (*fn)(void *data))
{
    size_t n = 0;
    int found;

    if (gcw__enter() != 0)
        return 0;
    if (r == NULL || fn == NULL) {
        errno = EINVAL;
        return 0;
    }
    gcw__exit_index(r);
    while ((found = gcw__exit_take_back(r, GCW__FUNCTION, (uintptr_t)fn))
           != GCW_GONE)
        n += found == GCW_REMOVED;
    return n;
}
