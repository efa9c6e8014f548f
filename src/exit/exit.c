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
#include "exit/exit-levels.h"

#include "ground/code.h"
#include "ground/delay.h"
#include "ground/hidden.h"
#include "ground/leader.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/process.h"
#include "ground/roots.h"
#include "ground/spare.h"
#include "ground/tell.h"
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
    empty = gcw__levels_top(atomic_load(&gcw__exit_default)) == NULL;
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
    gcw_exit_registry *registry;
    bool (*shape)(struct gcw__order *o, struct gcw__order_spare *spare);
    struct gcw__order_spare spare;
};

static int
try_to_reshape(void *reshaping)
{
    struct reshaping *r = reshaping;

    return gcw__levels_each(r->registry, r->shape, &r->spare) ? 0
                                                              : GCW__MISSING;
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
    struct reshaping reshaping = { r, shape, { 0 } };

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
gcw__exit_tidy(gcw_exit_registry *r, const struct gcw__order *o)
{
    if (gcw__order_sparse(o) && r->container != NULL
        && !atomic_load(&r->container->untidy))
        gcw__container_untidy(r->container);
}

void
gcw__exit_take_off(gcw_exit_handler *h, enum gcw__exit_state state)
{
    struct gcw__exit_extra *extra = gcw__exit_extra(h);

    if (state == GCW__GONE && extra == NULL) {
        h->more.data = NULL;
        gcw__order_forget(&h->registry->order, h);
    } else {
        gcw__order_remove(gcw__exit_order(h), h);
    }
    if (extra != NULL && extra->on_self != NULL)
        unlink_exit_watch(extra->on_self);
    if (extra != NULL && extra->on_data != NULL)
        unlink_exit_watch(extra->on_data);
    if (h->registry->container != NULL)
        h->registry->container->entries--;
    gcw__exit_set_state(h, state);
}

bool
gcw__exit_remove(gcw_exit_handler *h)
{
    bool waiting = h->state == GCW__WAITING;

    h->keep = false;
    gcw__exit_take_off(h, waiting ? GCW__GONE : GCW__RUNNING);
    gcw__exit_tidy(h->registry, gcw__exit_order(h));
    return waiting;
}

/* The registry is disposed of: its watches are left to tidying. */
void
gcw__exit_empty(void *registry)
{
    struct gcw__exit_cursor cursor = GCW__FROM_ALL;
    gcw_exit_registry *r = registry;
    struct gcw__exit_slot *slot;

    while ((slot = gcw__levels_next(r, &cursor)) != NULL) {
        gcw_exit_handler *h = slot->call.handle;
        struct gcw__exit_extra *extra = gcw__exit_extra(h);

        gcw__exit_remove(h);
        if (extra != NULL && extra->on_self != NULL)
            gcw__container_leave(&extra->on_self->on);
        if (extra != NULL && extra->on_data != NULL)
            gcw__container_leave(&extra->on_data->on);
    }
    gcw__levels_drop(r);
    r->hook = (struct gcw__hook){ NULL, NULL };
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
    return r->is_default && (exit_closed || gcw__exit_is_others());
}

/* Marks the newest handler of an order if its code is being unloaded, so that it
 * runs now. */
static inline void
look_at_unloading(const gcw_exit_registry *r, const struct gcw__order *o)
{
    struct gcw__unloading *unloading = r->unloading;
    struct gcw__exit_slot *slot = gcw__order_last(o);

    for (; unloading != NULL; unloading = unloading->next)
        if (gcw__in_range(gcw__exit_slot_code(slot), unloading->range)) {
            slot->leaving = true;
            unloading->fresh++;
            return;
        }
}

/* Whether another registry is the default one by now. */
static bool
has_moved(const gcw_exit_registry *r)
{
    return r == &gcw__exit_early && r != atomic_load(&gcw__exit_default);
}

/* What is true for most: no levels, and no need for memory.  Lock held. */
static inline bool
push_at_once(gcw_exit_registry *r, struct gcw__exit_slot *slot)
{
    struct gcw__order *o = &r->order;

    if (!gcw__order_has_room(o) || o->index != NULL || r->levels_count != 0
        || r->unloading != NULL)
        return false;
    slot->number = gcw__order_number();
    if (slot->kind == GCW__HANDLE)
        slot->call.handle->slot = o->end + 1;
    o->slots[o->end++] = *slot;
    o->live++;
    return true;
}

/* 0 or an errno.  Lock held. */
static inline int
is_refused_function(const gcw_exit_registry *r)
{
    return is_too_late(r) ? ESHUTDOWN : has_moved(r) ? EAGAIN : 0;
}

struct function_addition {
    gcw_exit_registry *registry;
    struct gcw__exit_slot *slot;
    struct gcw__order_spare spare;
};

static int
try_to_add_function(void *addition)
{
    struct function_addition *a = addition;
    int error = is_refused_function(a->registry);

    if (error != 0)
        return error;
    if (!gcw__order_push(&a->registry->order, a->slot, &a->spare))
        return GCW__MISSING;
    gcw__levels_usual_waits(a->registry);
    look_at_unloading(a->registry, &a->registry->order);
    gcw__exit_set_at_place(a->slot, true);
    return 0;
}

static bool
fill_for_function(void *addition)
{
    GCW__DELAY(1);
    return gcw__order_fill(&((struct function_addition *)addition)->spare);
}

int
gcw__exit_try_to_add(struct gcw__exit_slot *slot)
{
    gcw_exit_registry *r;
    int error;

    gcw__lock(&gcw__exit_lock, true);
    r = atomic_load_explicit(&gcw__exit_default, memory_order_relaxed);
    error = is_refused_function(r);
    if (error == 0 && !push_at_once(r, slot))
        error = GCW__MISSING;
    if (error == 0)
        gcw__exit_set_at_place(slot, true);
    gcw__unlock(&gcw__exit_lock);
    return error;
}

int
gcw__exit_add_function(gcw_exit_registry *r, struct gcw__exit_slot *slot)
{
    struct function_addition a = { r, slot, { 0 } };
    int error = gcw__with_spare(&gcw__exit_lock, try_to_add_function,
                                fill_for_function, &a);

    gcw__order_clear(&a.spare);
    return error;
}

/* Handles. */

/* Counts a handle that is in, and links its watches.  Lock held. */
static void
link_watches(gcw_exit_handler *h)
{
    struct gcw__exit_extra *extra = h->more.extra;

    h->registry->container->entries++;
    if (h->kind != GCW__METHOD)
        return;
    link_exit_watch(extra->on_self, h);
    if (extra->on_data != NULL)
        link_exit_watch(extra->on_data, h);
}

/* 0 or an errno.  Lock held. */
static inline int
is_refused(const gcw_exit_handler *h)
{
    if (is_too_late(h->registry))
        return ESHUTDOWN;
    if (h->registry->container->closed)
        return ESTALE;
    return h->kind == GCW__METHOD && !gcw__pair_alive(watches_of_handler(h))
        ? ESTALE : 0;
}

struct addition {
    gcw_exit_handler *handler;
    long level;
    struct gcw__levels_spare spare;
};

static int
try_to_add(void *addition)
{
    struct addition *a = addition;
    gcw_exit_handler *h = a->handler;
    struct gcw__exit_slot slot = { .kind = GCW__HANDLE, .call = { h } };
    int error = is_refused(h);

    if (error != 0)
        return error;
    if (!gcw__levels_push(h->registry, a->level, &slot, &a->spare))
        return GCW__MISSING;
    look_at_unloading(h->registry, gcw__exit_order(h));
    link_watches(h);
    return 0;
}

static bool
fill_for_addition(void *addition)
{
    GCW__DELAY(1);
    return gcw__levels_fill(&((struct addition *)addition)->spare);
}

static int
add_with_memory(gcw_exit_handler *h, long level)
{
    struct addition a = { h, level, { .wanted = 0 } };
    int error = gcw__with_spare(&gcw__exit_lock, try_to_add,
                                fill_for_addition, &a);

    gcw__order_clear(&a.spare.order);
    return error;
}

/* Registers the handler.  Returns 0 or an errno. */
static int
add_handler(gcw_exit_handler *h, const gcw_exit_options *o)
{
    struct gcw__exit_slot slot = { .kind = GCW__HANDLE, .call = { h } };
    int error;

    if (!GCW__LIKELY(o == NULL || o->level == 0))
        return add_with_memory(h, o->level);
    gcw__lock(&gcw__exit_lock, true);
    error = is_refused(h);
    if (error == 0 && !push_at_once(h->registry, &slot))
        error = GCW__MISSING;
    if (error == 0)
        link_watches(h);
    gcw__unlock(&gcw__exit_lock);
    return GCW__LIKELY(error != GCW__MISSING) ? error : add_with_memory(h, 0);
}

/* NULL: no memory. */
static struct gcw__exit_extra *
extra_of(void *data, const gcw_exit_options *o)
{
    struct gcw__exit_extra *extra = gcw__new(sizeof *extra);

    if (extra == NULL)
        return NULL;
    extra->data = data;
    extra->process = gcw__process();
    extra->born = gcw__born();
    if (o == NULL)
        return extra;
    extra->limit = o->limit;
    if (o->name != NULL) {
        extra->name = gcw__copy(o->name);
        if (extra->name == NULL)
            return NULL;
    }
    return extra;
}

_Static_assert(sizeof(gcw_exit_handler) == 32 || sizeof(void *) != 8,
               "a handler is small");

/* Whether the options are more than what the handler has room for. */
static bool
needs_extra(const gcw_exit_options *o)
{
    return o != NULL && (o->keep || o->name != NULL || o->level != 0
                         || o->limit != 0);
}

/* Makes a handler with its options and its name.  NULL: no memory. */
static gcw_exit_handler *
handler_of(gcw_exit_registry *r, enum gcw__exit_kind kind, void *data,
           const gcw_exit_options *o)
{
    gcw_exit_handler *h = gcw__new(gcw__whole_granules(sizeof *h));
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
                   || needs_extra(o);
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

static void
tell_died(const struct gcw__exit_slot *slot, const struct gcw__exit_watch *watch)
{
    const gcw_exit_handler *h = slot->call.handle;
    struct gcw__container_words words
        = gcw__container_words(h->registry->container);

    if (gcw__entry_watch_role(&watch->on) == GCW__FIRST) {
        gcw__exit_skipped(slot, "its object has died");
        return;
    }
    gcw__exit_skipped(slot, "its weak data has died");
    gcw__tell_with(GCW_TOLD_LOST, gcw__exit_slot_code(slot), "lost: "
                   GCW__CONTAINER_WORDS " has a handler no more: its weak data"
                   " has died", GCW__SPELLED(words));
}

/* Removes the handler of a watch whose target has died: first off its
 * references, so that the next call finds it where a lock could not be had. */
static bool
take_off_dead(struct gcw__exit_watch *watch, bool may_wait)
{
    struct gcw__exit_slot slot = { .kind = GCW__HANDLE };
    gcw_exit_handler *h;
    bool was_waiting;

    if (!gcw__lock(&gcw__exit_lock, may_wait))
        return false;
    h = handler_of_watch(watch);
    gcw__unlock(&gcw__exit_lock);
    if (h == NULL)
        return true;
    slot.call.handle = h;
    if (!gcw__pair_unwatch(watches_of_handler(h), may_wait)
        || !gcw__lock(&gcw__exit_lock, may_wait))
        return false;
    was_waiting = h->state == GCW__WAITING;
    if (h->state != GCW__GONE)
        gcw__exit_remove(h);
    gcw__unlock(&gcw__exit_lock);
    if (was_waiting)
        tell_died(&slot, watch);
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
watch_of(gcw_exit_handler *h, gcw_ref *ref, enum gcw__role role)
{
    struct gcw__exit_watch *watch = gcw__new(sizeof *watch);

    if (watch == NULL)
        return NULL;
    gcw__entry_watch_init(&watch->on, h->registry->container, ref, role);
    return watch;
}

static bool
make_watches(gcw_exit_handler *h, gcw_method *m)
{
    struct gcw__exit_extra *extra = h->more.extra;

    extra->on_self = watch_of(h, m->self, GCW__FIRST);
    if (extra->on_self == NULL)
        return false;
    if (gcw__method_weak_data(m) == NULL)
        return true;
    extra->on_data = watch_of(h, gcw__method_weak_data(m), GCW__SECOND);
    return extra->on_data != NULL;
}

/* The caller keeps the targets alive, unless they are disposed of. */
static gcw_exit_handler *
add_method(gcw_exit_registry *r, gcw_method *m, const gcw_exit_options *o)
{
    gcw_exit_handler *h = handler_of(r, GCW__METHOD, NULL, o);
    int error;

    if (h == NULL || !make_watches(h, m))
        return gcw__fail_null(ENOMEM);
    h->call.method = m;
    gcw__pair_watch(watches_of_handler(h));
    GCW__DELAY(2);
    error = add_handler(h, o);
    if (error == 0)
        return h;
    gcw__exit_unwatch(h);
    gcw__refused("gcw_exit_register", error, "method m, open r", m, r);
    return NULL;
}

gcw_exit_handler *
gcw_exit_register(gcw_exit_registry *r, gcw_method *m,
                  const gcw_exit_options *o)
{
    gcw_exit_handler *h;
    gcw_bound bound;

    if (gcw__enter() != 0)
        return NULL;
    if (r == NULL || m == NULL)
        return gcw__refuse_null(EINVAL, "given r, method m", r, m);
    if (!gcw_method_bind(m, &bound))
        return gcw__refuse_null(ESTALE, "method m", m);
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
    if (r == NULL || fn == NULL || !gcw__holdable(data))
        return gcw__refuse_null(EINVAL, "given r, given fn, held data",
                                r, (void *)fn, data);
    h = handler_of(r, GCW__FUNCTION, data, o);
    if (h == NULL)
        return gcw__fail_null(ENOMEM);
    h->call.function = fn;
    error = add_handler(h, o);
    return error == 0 ? h : gcw__refuse_null(error, "open r", r);
}
