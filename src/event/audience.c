/* audience.c: whom an emission would call.
 *
 * Listeners are read as emissions read them, without a lock; but nothing is
 * called, nor taken as if it were to be called.  A hub's audience is an
 * emission that is never made: the first part of one in a step (hub-step.c).
 */
#include <config.h>
#include "event/event.h"
#include "event/hub.h"
#include "event/hub-step.h"

#include "event/emit.h"
#include "ground/lock.h"
#include "weak/enter.h"
#include "weak/label.h"

/* Is anybody listening? */

static bool
any_would_be_called(const struct gcw__slot *slot, const struct gcw__slot *end)
{
    while (slot != end && !gcw__slot_would_call(slot))
        slot++;
    return slot != end;
}

bool
gcw_event_has_listeners(const gcw_event *e)
{
    const struct gcw__array *array;
    uint64_t range;
    bool any;

    if (gcw__enter() != 0)
        return false;
    if (e == NULL)
        return gcw__refuse_false(EINVAL, "given e", e);
    array = atomic_load_explicit(&e->list.heard, memory_order_acquire);
    if (array == NULL)
        return false;
    range = atomic_load_explicit(&array->range, memory_order_acquire);
    any = any_would_be_called(&array->slots[gcw__range_begin(range)],
                              &array->slots[gcw__range_end(range)]);
    GCW__KEEP(array);
    GCW__KEEP(e);
    return any;
}

/* Takes in the step, which is clear, who fits. */
static void
take_audience(gcw_hub_step *step, const gcw_hub *h, const char *type,
              const void *source)
{
    gcw__hub_step_clear(step);
    step->emission.hub = (gcw_hub *)(uintptr_t)h;
    step->emission.type = type;
    step->emission.source = (void *)(uintptr_t)source;
    gcw__hub_take_listeners(step);
}

/* Keeps what the step was taken from until here. */
static void
keep_audience(const gcw_hub_step *step)
{
    for (size_t i = 0; i < step->n_lists; i++)
        GCW__KEEP(step->lists[i].array);
    GCW__KEEP(step->emission.hub);
    GCW__KEEP(step->emission.source);
}

bool
gcw_hub_has_listeners(const gcw_hub *h, const char *type, const void *source)
{
    gcw_hub_step step;
    bool any = false;

    if (gcw__enter() != 0)
        return false;
    if (h == NULL)
        return gcw__refuse_false(EINVAL, "given h", h);
    take_audience(&step, h, type, source);
    for (size_t i = 0; i < step.n_lists && !any; i++)
        any = any_would_be_called(step.lists[i].next, step.lists[i].end);
    keep_audience(&step);
    return any;
}

/* Who is listening? */

bool
gcw__slot_list(const struct gcw__slot *slot, gcw_listener_entry *entry)
{
    gcw_listener *l = slot->listener;
    bool method = l->on.watch.ref != NULL;

    *entry = (gcw_listener_entry){
        .listener = l, .name = gcw__label_of(l), .function = slot->code,
        .method = method,
        .self = method ? gcw__read(l->on.watch.ref) : NULL,
        .blocked = gcw__listener_is(l, GCW__IS_BLOCKED),
        .age = gcw__born() - l->born
    };
    return !gcw__listener_is(l, GCW__IS_GONE)
           && gcw__pair_alive_now(gcw__listener_pair(l));
}

/* Lists the listeners from `slot` to `end`; returns how many. */
static size_t
list_slots(const struct gcw__slot *slot, const struct gcw__slot *end,
           gcw_listener_entry *entries, size_t n)
{
    gcw_listener_entry entry;
    size_t found = 0;

    for (; slot != end; slot++)
        if (gcw__slot_list(slot, &entry) && found++ < n)
            entries[found - 1] = entry;
    return found;
}

static size_t
list_array(const struct gcw__array *array, gcw_listener_entry *entries,
           size_t n)
{
    uint64_t range;
    size_t found;

    if (array == NULL)
        return 0;
    range = atomic_load_explicit(&array->range, memory_order_acquire);
    found = list_slots(&array->slots[gcw__range_begin(range)],
                       &array->slots[gcw__range_end(range)], entries, n);
    GCW__KEEP(array);
    return found;
}

size_t
gcw_event_list(gcw_event *e, gcw_listener_entry *entries, size_t n)
{
    size_t found;

    if (gcw__enter() != 0)
        return 0;
    if (e == NULL || (entries == NULL && n != 0))
        return gcw__refuse_zero(EINVAL, "given e, given entries", e, entries);
    found = list_array(atomic_load(&e->list.array), entries, n);
    GCW__KEEP(e);
    return found;
}
