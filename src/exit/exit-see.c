/* exit-see.c: showing, listing and counting registries and their handlers
 * (see.h).
 *
 * Pointers to handlers are copied a few at a time, the newest first, under the
 * lock, to the stack, which holds the handlers from then on.  If the order is
 * moved meanwhile, some may be passed over.
 */
#include <config.h>
#include "exit/exit-levels.h"

#include "ground/lock.h"
#include "weak/enter.h"
#include "weak/see.h"

#include <gcweak/debug.h>

struct handlers {
    struct gcw__exit_slot slots[GCW__BATCH];
    bool running[GCW__BATCH];
    size_t n;
    struct gcw__exit_cursor at;
};

static bool
next_handlers(gcw_exit_registry *r, struct handlers *batch)
{
    const struct gcw__exit_slot *slot;

    batch->n = 0;
    gcw__lock(&gcw__exit_lock, true);
    while (batch->n < GCW__BATCH
           && (slot = gcw__levels_next(r, &batch->at)) != NULL) {
        batch->slots[batch->n] = *slot;
        batch->running[batch->n++] = slot->kind == GCW__HANDLE
            && slot->call.handle->state == GCW__RUNNING;
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
see_handle(const struct gcw__walk *walk, gcw_exit_handler *h, bool running,
           struct gcw__entry_seen *seen)
{
    const struct gcw__exit_extra *extra = gcw__exit_extra(h);

    seen->handle = h;
    seen->name = gcw__exit_name(h);
    if (h->kind == GCW__METHOD)
        seen->kind = h->more.extra->on_data == NULL ? GCW__METHOD_SEEN
                                                    : GCW__WEAK_METHOD_SEEN;
    if (extra != NULL) {
        gcw__see_target(seen, ref_of_watch(extra->on_self),
                        ref_of_watch(extra->on_data));
        gcw__see_age(seen, extra->born);
    }
    seen->state = running ? "running"
        : seen->waits && seen->target == NULL ? "dead" : "alive";
    gcw__see_entry(walk, seen);
    see_parts(walk, h, seen);
}

static void
see_handler(const struct gcw__walk *walk, const struct gcw__exit_slot *slot,
            bool running)
{
    struct gcw__entry_seen seen = { .kind = GCW__FUNCTION_SEEN,
                                    .state = "alive",
                                    .code = gcw__exit_slot_code(slot) };

    if (slot->kind == GCW__HANDLE)
        see_handle(walk, slot->call.handle, running, &seen);
    else
        gcw__see_entry(walk, &seen);
}

/* Lock held. */
static size_t
count_handlers(const gcw_exit_registry *r)
{
    size_t n = r->order.live;

    for (uint32_t at = 0; at < r->levels_count; at++)
        n += r->levels[at]->order.live;
    return n;
}

static size_t
handlers_in(gcw_exit_registry *r)
{
    size_t n;

    gcw__lock(&gcw__exit_lock, true);
    n = count_handlers(r);
    gcw__unlock(&gcw__exit_lock);
    return n;
}

static void
see_slots(const struct gcw__walk *walk, gcw_exit_registry *r)
{
    gcw__lock(&gcw__exit_lock, true);
    if (!r->order.early)
        gcw__see_part(walk, r->order.slots, "exit handlers", NULL);
    for (uint32_t at = 0; at < r->levels_count; at++)
        gcw__see_part(walk, r->levels[at]->order.slots, "exit handlers", NULL);
    gcw__unlock(&gcw__exit_lock);
}

void
gcw__registry_see(struct gcw__walk *walk, void *registry)
{
    gcw_exit_registry *r = registry;
    struct handlers batch = { .at = GCW__FROM_ALL };

    walk->table.name = r->name;
    walk->table.live = handlers_in(r);
    gcw__see_table(walk);
    gcw__see_part(walk, r, "exit registry", NULL);
    see_slots(walk, r);
    while (next_handlers(r, &batch))
        for (size_t i = 0; i < batch.n; i++)
            see_handler(walk, &batch.slots[i], batch.running[i]);
}

void
gcw__registry_count(void *registry, gcw_statistics *out)
{
    out->registries++;
    out->exit_handlers += handlers_in(registry);
}

/* An entry of gcw_exit_list. */
static gcw_exit_entry
list_entry(const struct gcw__exit_slot *slot, bool running)
{
    gcw_exit_handler *h = gcw__exit_handle(slot);
    const struct gcw__exit_extra *extra = h == NULL ? NULL
                                                    : gcw__exit_extra(h);
    gcw_exit_entry entry = { .handler = h, .running = running,
                             .id = h == NULL ? slot->number : 0,
                             .method = gcw__exit_slot_kind(slot)
                                       == GCW__METHOD };

    entry.function = (void (*)(void))gcw__exit_slot_code(slot);
    if (extra == NULL)
        return entry;
    entry.name = extra->name;
    entry.level = extra->level == NULL ? 0 : extra->level->level;
    entry.has_age = true;
    entry.age = gcw__born() - extra->born;
    return entry;
}

size_t
gcw_exit_list(gcw_exit_registry *r, gcw_exit_entry *entries, size_t n)
{
    struct handlers batch = { .at = GCW__FROM_ALL };
    size_t found = 0;

    if (gcw__enter() != 0)
        return 0;
    if (r == NULL || (entries == NULL && n != 0))
        return gcw__refuse_zero(EINVAL, "given r, given entries", r, entries);
    while (next_handlers(r, &batch))
        for (size_t i = 0; i < batch.n; i++, found++)
            if (found < n)
                entries[found] = list_entry(&batch.slots[i], batch.running[i]);
    return found;
}
