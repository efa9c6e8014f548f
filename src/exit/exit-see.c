/* exit-see.c: showing and counting registries and their handlers (see.h).
 *
 * Pointers to handlers are copied a few at a time, the newest first, under the
 * lock, to the stack, which holds the handlers from then on.  If the order is
 * moved meanwhile, some may be passed over.
 */
#include <config.h>
#include "exit/exit.h"

#include "ground/lock.h"
#include "weak/see.h"

#include <gcweak/debug.h>

struct handlers {
    gcw_exit_handler *handlers[GCW__BATCH];
    bool running[GCW__BATCH];
    size_t n;
    uint32_t at;
};

static bool
next_handlers(gcw_exit_registry *r, struct handlers *batch)
{
    gcw_exit_handler *h;

    batch->n = 0;
    gcw__lock(&gcw__exit_lock, true);
    while (batch->n < GCW__BATCH
           && (h = gcw__order_next(&r->order, &batch->at)) != NULL) {
        batch->handlers[batch->n] = h;
        batch->running[batch->n++] = h->state == GCW__RUNNING;
    }
    gcw__unlock(&gcw__exit_lock);
    return batch->n != 0;
}

static const gcw_ref *
ref_of_watch(const struct gcw__exit_watch *watch)
{
    return watch == NULL ? NULL : watch->on.watch.ref;
}

static void
see_parts(const struct gcw__walk *walk, const gcw_exit_handler *h,
          const struct gcw__entry_seen *seen)
{
    const struct gcw__exit_extra *extra = gcw__exit_extra(h);

    gcw__see_part(walk, h, "exit handler", seen);
    if (h->kind == GCW__METHOD)
        gcw__see_part(walk, h->call.method, "method", seen);
    if (extra == NULL)
        return;
    gcw__see_part(walk, extra, "what an exit handler has besides", seen);
    gcw__see_part(walk, extra->on_self, "watch", seen);
    gcw__see_part(walk, extra->on_data, "watch", seen);
}

static void
see_handler(const struct gcw__walk *walk, gcw_exit_handler *h, bool running)
{
    const struct gcw__exit_extra *extra = gcw__exit_extra(h);
    struct gcw__entry_seen seen = { .handle = h, .name = gcw__exit_name(h),
                                    .code = gcw__exit_code(h) };

    seen.kind = h->kind != GCW__METHOD ? GCW__FUNCTION_SEEN
        : h->more.extra->on_data == NULL ? GCW__METHOD_SEEN
                                         : GCW__WEAK_METHOD_SEEN;
    if (extra != NULL) {
        gcw__see_target(&seen, ref_of_watch(extra->on_self),
                        ref_of_watch(extra->on_data));
        gcw__see_age(&seen, extra->born);
    }
    seen.state = running ? "running"
        : seen.waits && seen.target == NULL ? "dead" : "alive";
    gcw__see_entry(walk, &seen);
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
see_slots(const struct gcw__walk *walk, gcw_exit_registry *r)
{
    gcw__lock(&gcw__exit_lock, true);
    gcw__see_part(walk, r->order.slots, "exit handlers", NULL);
    gcw__unlock(&gcw__exit_lock);
}

void
gcw__registry_see(struct gcw__walk *walk, void *registry)
{
    gcw_exit_registry *r = registry;
    struct handlers batch = { .at = UINT32_MAX };

    walk->table.name = r->name;
    walk->table.live = handlers_in(r);
    gcw__see_table(walk);
    gcw__see_part(walk, r, "exit registry", NULL);
    see_slots(walk, r);
    while (next_handlers(r, &batch))
        for (size_t i = 0; i < batch.n; i++)
            see_handler(walk, batch.handlers[i], batch.running[i]);
}

void
gcw__registry_count(void *registry, gcw_statistics *out)
{
    out->registries++;
    out->exit_handlers += handlers_in(registry);
}
