/* walk.c: looking at everything that is registered.
 *
 * For those who show, count and explain it.  They write to files and may be
 * anybody's code, so they are called while no lock is held: a walk sees what
 * there is in pieces, each as it was at one moment.  What comes and goes
 * meanwhile may be seen or not; what stays is seen.
 *   - Listeners are read as emissions read them, without a lock, from an array
 *     that nobody changes but to add and to empty (listeners.c).  So are the
 *     patterns of a hub (map.h).
 *   - Handlers and cleanups are copied a few at a time, under their lock, to
 *     this stack, which holds them from there on.  Handlers from the newest
 *     on; if the order is moved meanwhile, some may be passed over.
 *
 * No memory is allocated, so it works when there is none.
 */
#include <config.h>
#include "debug/walk.h"

#include "deliver/cleanup-order.h"
#include "deliver/drain.h"
#include "ground/lock.h"
#include "weak/ref.h"

enum { BATCH = 64 };

struct walk {
    const struct gcw__walker *walker;
    void *arg;
    struct gcw__table_seen table;
};

static void
begin_table(struct walk *walk)
{
    walk->walker->table(&walk->table, walk->arg);
}

static void
part(const struct walk *walk, const void *object, const char *what,
     const struct gcw__entry_seen *entry)
{
    if (walk->walker->part != NULL && object != NULL)
        walk->walker->part(object, what, &walk->table, entry, walk->arg);
}

/* An entry that waits for the deaths of one object or two. */
static void
set_target(struct gcw__entry_seen *seen, const gcw_ref *first,
           const gcw_ref *second)
{
    seen->waits = first != NULL;
    if (first == NULL)
        return;
    seen->target = gcw__read(first);
    if (second != NULL && gcw__read(second) == NULL)
        seen->target = NULL;
}

static void
set_age(struct gcw__entry_seen *seen, uint32_t born)
{
    seen->has_age = true;
    seen->age = gcw__born() - born;
}

/* Listeners. */

static enum gcw__entry_kind
kind_of(const gcw_listener *l)
{
    switch (l->by) {
    case GCW__BY_METHOD:
        return GCW__METHOD_SEEN;
    case GCW__BY_WEAK_METHOD:
        return GCW__WEAK_METHOD_SEEN;
    default:
        return GCW__FUNCTION_SEEN;
    }
}

static void
see_listener(const struct walk *walk, const struct gcw__slot *slot)
{
    gcw_listener *l = slot->listener;
    struct gcw__entry_seen seen = { .kind = kind_of(l), .handle = l };
    const struct gcw__second_watch *second = l->by == GCW__BY_WEAK_METHOD
        ? ((struct gcw__weak_listener *)l)->second : NULL;

    if (gcw__listener_is(l, GCW__IS_GONE))
        return;
    seen.code = (uintptr_t)slot->code;
    set_target(&seen, l->on.watch.ref,
               second == NULL ? NULL : second->on.watch.ref);
    set_age(&seen, l->born);
    seen.state = seen.waits && seen.target == NULL ? "dead"
        : gcw__listener_is(l, GCW__IS_BLOCKED) ? "blocked" : "alive";
    walk->walker->entry(&seen, walk->arg);
    part(walk, l, "listener", &seen);
    part(walk, second, "watch on a listener's data", &seen);
}

static void
see_listeners(const struct walk *walk, const struct gcw__array *array)
{
    uint64_t range;

    if (array == NULL)
        return;
    range = atomic_load_explicit(&array->range, memory_order_acquire);
    for (uint32_t i = gcw__range_begin(range); i < gcw__range_end(range); i++)
        see_listener(walk, &array->slots[i]);
}

/* Events, and the patterns of hubs. */
static void
see_list(struct walk *walk, const struct gcw__listeners *list)
{
    const struct gcw__array *array = atomic_load(&list->array);

    walk->table.live = atomic_load(&list->live);
    begin_table(walk);
    part(walk, array, "listeners", NULL);
    see_listeners(walk, array);
}

static void
see_pattern(struct gcw__pattern *pattern, void *arg)
{
    struct walk *walk = arg;

    walk->table.pattern = pattern;
    see_list(walk, &pattern->list);
    part(walk, pattern, "pattern", NULL);
    part(walk, pattern->source, "watch on a source", NULL);
    part(walk, pattern->type, "type", NULL);
}

void
gcw__walk_patterns(gcw_hub *h,
                   void (*call)(struct gcw__pattern *pattern, void *arg),
                   void *arg)
{
    const struct gcw__map_table *table = gcw__map_table(&h->patterns);

    for (size_t i = 0; table != NULL && i <= table->mask; i++) {
        void *item = atomic_load_explicit(&table->entries[i].item,
                                          memory_order_acquire);

        if (item != NULL && item != (void *)&gcw__map_removed)
            call(item, arg);
    }
    GCW__KEEP(table);
}

/* The emissions that wait, which hold what they are about. */
static void
see_posts(const struct walk *walk, gcw_hub *h)
{
    if (walk->walker->part == NULL)
        return;
    gcw__lock(gcw__hub_lock(h), true);
    for (struct gcw__post *post = h->oldest; post != NULL; post = post->next)
        part(walk, post, "emission that waits", NULL);
    gcw__unlock(gcw__hub_lock(h));
}

static void
see_hub(struct walk *walk, gcw_hub *h)
{
    gcw__walk_patterns(h, see_pattern, walk);
    walk->table.pattern = NULL;
    part(walk, h, "hub", NULL);
    part(walk, gcw__map_table(&h->patterns), "patterns", NULL);
    part(walk, gcw__map_table(&h->types), "types", NULL);
    see_posts(walk, h);
}

static void
see_event(struct walk *walk, gcw_event *e)
{
    walk->table.name = e->name;
    see_list(walk, &e->list);
    part(walk, e, "event", NULL);
}

/* Handlers. */

struct handlers {
    gcw_exit_handler *handlers[BATCH];
    bool running[BATCH];
    size_t n;
    uint32_t at;
};

static bool
next_handlers(gcw_exit_registry *r, struct handlers *batch)
{
    gcw_exit_handler *h;

    batch->n = 0;
    gcw__lock(&gcw__exit_lock, true);
    while (batch->n < BATCH
           && (h = gcw__order_next(&r->order, &batch->at)) != NULL) {
        batch->handlers[batch->n] = h;
        batch->running[batch->n++] = h->state == GCW__RUNNING;
    }
    gcw__unlock(&gcw__exit_lock);
    return batch->n != 0;
}

static const gcw_ref *
ref_of(const struct gcw__exit_watch *watch)
{
    return watch == NULL ? NULL : watch->on.watch.ref;
}

static void
see_parts(const struct walk *walk, const gcw_exit_handler *h,
          const struct gcw__entry_seen *seen)
{
    const struct gcw__exit_extra *extra = gcw__exit_extra(h);

    part(walk, h, "exit handler", seen);
    if (h->kind == GCW__METHOD)
        part(walk, h->call.method, "method", seen);
    if (extra == NULL)
        return;
    part(walk, extra, "what an exit handler has besides", seen);
    part(walk, extra->on_self, "watch", seen);
    part(walk, extra->on_data, "watch", seen);
}

static void
see_handler(const struct walk *walk, gcw_exit_handler *h, bool running)
{
    const struct gcw__exit_extra *extra = gcw__exit_extra(h);
    struct gcw__entry_seen seen = { .handle = h, .name = gcw__exit_name(h),
                                    .code = gcw__exit_code(h) };

    seen.kind = h->kind != GCW__METHOD ? GCW__FUNCTION_SEEN
        : h->more.extra->on_data == NULL ? GCW__METHOD_SEEN
                                         : GCW__WEAK_METHOD_SEEN;
    if (extra != NULL) {
        set_target(&seen, ref_of(extra->on_self), ref_of(extra->on_data));
        set_age(&seen, extra->born);
    }
    seen.state = running ? "running"
        : seen.waits && seen.target == NULL ? "dead" : "alive";
    walk->walker->entry(&seen, walk->arg);
    see_parts(walk, h, &seen);
}

static size_t
handlers_in(gcw_exit_registry *r)
{
    size_t n;

    gcw__lock(&gcw__exit_lock, true);
    n = r->order.live;
    gcw__unlock(&gcw__exit_lock);
    return n;
}

static void
see_slots(const struct walk *walk, gcw_exit_registry *r)
{
    gcw__lock(&gcw__exit_lock, true);
    part(walk, r->order.slots, "exit handlers", NULL);
    gcw__unlock(&gcw__exit_lock);
}

static void
see_registry(struct walk *walk, gcw_exit_registry *r)
{
    struct handlers batch = { .at = UINT32_MAX };

    walk->table.name = r->name;
    walk->table.live = handlers_in(r);
    begin_table(walk);
    part(walk, r, "exit registry", NULL);
    see_slots(walk, r);
    while (next_handlers(r, &batch))
        for (size_t i = 0; i < batch.n; i++)
            see_handler(walk, batch.handlers[i], batch.running[i]);
}

/* All places. */

static void
see_container(struct walk *walk, enum gcw__place_kind kind, void *container)
{
    walk->table = (struct gcw__table_seen){ .kind = kind,
                                            .container = container };
    /* There are no others. */
    switch (kind) {  /* GCOVR_EXCL_BR_LINE */
    case GCW__EVENT:
        see_event(walk, container);
        break;
    case GCW__HUB:
        see_hub(walk, container);
        break;
    case GCW__REGISTRY:
        see_registry(walk, container);
        break;
    }
}

void
gcw__walk_places(const struct gcw__walker *walker, void *arg)
{
    struct walk walk = { .walker = walker, .arg = arg };
    struct gcw__place *place = NULL;

    while ((place = gcw__place_after(place)) != NULL) {
        void *container = gcw__place_container(place);

        if (container != NULL)
            see_container(&walk, place->ops->kind, container);
        part(&walk, place, "place", NULL);
        GCW__KEEP(container);
    }
}

/* Cleanups. */

struct cleanups {
    gcw_cleanup *cleanups[BATCH];
    void *data[BATCH];
    size_t n, at;
};

static bool
next_cleanups(struct cleanups *batch)
{
    gcw_cleanup *c;

    batch->n = 0;
    gcw__lock(&gcw__queue_lock, true);
    while (batch->n < BATCH
           && (c = gcw__cleanup_order_next(&batch->at)) != NULL) {
        batch->cleanups[batch->n] = c;
        batch->data[batch->n++] = c->data;
    }
    gcw__unlock(&gcw__queue_lock);
    return batch->n != 0;
}

static void
see_cleanup(const struct walk *walk, gcw_cleanup *c, const void *data)
{
    struct gcw__entry_seen seen = { .kind = GCW__CLEANUP_SEEN, .handle = c };
    struct gcw__cleanup_look look;

    gcw__cleanup_look_at(c, &look);
    seen.code = look.code;
    set_target(&seen, look.waits_for[0], look.waits_for[1]);
    set_age(&seen, c->born);
    seen.state = seen.target == NULL ? "pending" : "alive";
    if (look.of_method)
        seen.kind = GCW__DEATH_SEEN;
    walk->walker->entry(&seen, walk->arg);
    part(walk, c, look.of_method ? "death callback" : "cleanup", &seen);
    if (look.of_method)
        part(walk, data, "method and data of a death callback", &seen);
}

void
gcw__walk_cleanups(const struct gcw__walker *walker, void *arg)
{
    struct walk walk = { .walker = walker, .arg = arg };
    struct cleanups batch = { .at = SIZE_MAX };

    while (next_cleanups(&batch))
        for (size_t i = 0; i < batch.n; i++)
            see_cleanup(&walk, batch.cleanups[i], batch.data[i]);
}
