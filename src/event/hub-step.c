/* hub-step.c: an emission through a hub, step by step.
 *
 * Up to four patterns fit an emission.  Of each the list's array and range
 * are taken as the snapshot, without a lock.  One pattern's slots are gone
 * through as an event's.  Those of several are merged by the orders that the
 * listeners were given when they were connected.  Within a list all listeners
 * are different; so that equal listeners in several lists are called once, the
 * identities that were called are kept in a set.
 *
 * All that an emission needs lies in the step, which holds it; nothing refers
 * to the step.  The calling form (hub-emit.c) has a step of its own, and its
 * set on the stack unless that is large.
 */
#include <config.h>
#include "event/hub-step.h"

#include "event/emit.h"
#include "event/hub.h"
#include "ground/delay.h"
#include "ground/memory.h"
#include "ground/text.h"
#include "weak/enter.h"

enum { SMALLEST = 64 };

/* The snapshot. */

static void
add_list(gcw_hub_step *step, const struct gcw__pattern *pattern)
{
    const struct gcw__array *array = pattern == NULL ? NULL
        : atomic_load_explicit(&pattern->list.heard, memory_order_acquire);
    struct gcw_hub_step_list *list = &step->lists[step->n_lists];
    const struct gcw__slot *next, *end;
    uint64_t range;

    if (array == NULL)
        return;
    GCW__DELAY(1);
    range = atomic_load_explicit(&array->range, memory_order_acquire);
    next = &array->slots[gcw__range_begin(range)];
    end = &array->slots[gcw__range_end(range)];
    list->array = array;
    list->next = next;
    list->end = end;
    step->n_listeners += (size_t)(end - next);
    step->n_lists += next != end;
}

void
gcw__hub_take_listeners(gcw_hub_step *step)
{
    const gcw_hub *h = step->emission.hub;
    const void *source = step->emission.source;
    const char *name = step->emission.type;
    struct gcw__type *type = name == NULL ? NULL : gcw__hub_type(h, name);

    if (type != NULL) {
        step->emission.type = type->name;
        add_list(step, gcw__hub_pattern(h, type, NULL));
    }
    if (type != NULL && source != NULL)
        add_list(step, gcw__hub_pattern(h, type, source));
    if (source != NULL)
        add_list(step, gcw__hub_pattern(h, NULL, source));
    add_list(step, gcw__hub_pattern(h, NULL, NULL));
}

/* The set of identities. */

/* Where an identity belongs among those that were called. */
struct belonging {
    uintptr_t hash;
    size_t at;
};

/* False: it, or one that is equal, was called. */
static bool
is_first(const struct gcw__called *called, const struct gcw__identity *id,
         struct belonging *out)
{
    uintptr_t hash = gcw__identity_hash(id);
    size_t at = gcw__table_place(hash);
    const struct gcw__identity *other;

    while ((other = gcw__table_next(&called->by_hash, hash, &at)) != NULL)
        if (gcw__identity_equal(other, id))
            return false;
    *out = (struct belonging){ hash, at };
    return true;
}

static void
remember_called(struct gcw__called *called, const struct gcw__identity *id,
                struct belonging where)
{
    struct gcw__identity *copy = &called->identities[called->n++];

    *copy = *id;
    gcw__table_insert_at(&called->by_hash, where.at, where.hash, copy);
}

bool
gcw__called_get_room(struct gcw__called *called, size_t n)
{
    size_t capacity = SMALLEST;

    while (capacity < 2 * n)
        capacity *= 2;
    called->by_hash.entries
        = gcw__new(capacity * sizeof *called->by_hash.entries);
    called->by_hash.capacity = capacity;
    called->identities = gcw__new(n * sizeof *called->identities);
    return called->by_hash.entries != NULL && called->identities != NULL;
}

/* Going through the lists. */

static int64_t
order_of(const struct gcw_hub_step_list *list)
{
    const struct gcw__array *array = list->array;

    return array->orders[(const struct gcw__slot *)list->next - array->slots];
}

const struct gcw__slot *
gcw__hub_next_slot(gcw_hub_step *step)
{
    struct gcw_hub_step_list *first = NULL;
    const struct gcw__slot *slot;

    for (size_t i = 0; i < step->n_lists; i++) {
        struct gcw_hub_step_list *list = &step->lists[i];

        if (list->next != list->end
            && (first == NULL || order_of(list) < order_of(first)))
            first = list;
    }
    if (first == NULL)
        return NULL;
    slot = first->next;
    first->next = slot + 1;
    return slot;
}

/* The call for the listener in the slot; false if it is not to be called, or an
 * equal one was. */
static bool
first_call(struct gcw__called *called, const struct gcw__slot *slot, gcw_call *out)
{
    struct belonging where;
    struct gcw__identity id;

    if (!gcw__slot_identity_now(slot, &id)
        || !is_first(called, &id, &where)
        || !gcw__slot_ask(slot, id.data, out))
        return false;
    remember_called(called, &id, where);
    return true;
}

const struct gcw__slot *
gcw__hub_next_of_many(gcw_hub_step *step, size_t *passed_over, gcw_call *out)
{
    const struct gcw__slot *slot;

    while ((slot = gcw__hub_next_slot(step)) != NULL
           && !first_call(step->called, slot, out))
        ++*passed_over;
    return slot;
}

/* Stepping. */

static void
hub_call_failed(const gcw_call *call, const char *why)
{
    const gcw_hub *h = call->owner;
    const gcw_emission *emission = call->arg;

    gcw__listener_failed(&h->hook, emission->type, call->handle,
                         (uintptr_t)call->fn, why);
}

static const struct gcw__place hub_place = { hub_call_failed };

/* The slot of the next call, which is in step->call; NULL at the end. */
static const struct gcw__slot *
next_of_all(gcw_hub_step *step)
{
    struct gcw_hub_step_list *list = &step->lists[0];
    size_t passed_over = 0;

    return step->n_lists > 1
        ? gcw__hub_next_of_many(step, &passed_over, &step->call)
        : gcw__slots_step(&list->next, list->end, &step->call);
}

bool
gcw__hub_step_next(gcw_hub_step *step)
{
    const struct gcw__slot *slot = next_of_all(step);

    if (slot == NULL)
        return false;
    step->emission.listener = slot->listener;
    step->call.arg = &step->emission;
    step->call.handle = slot->listener;
    step->call.place = &hub_place;
    step->call.owner = step->emission.hub;
    return true;
}

/* Has the step hold what it needs, between two steps too: a set, and the type
 * if that is the caller's own. */
static bool
prepare(gcw_hub_step *step, const char *type)
{
    struct gcw__called *called;

    if (step->n_lists != 0 && step->emission.type == type && type != NULL) {
        step->emission.type = gcw__copy(type);
        if (step->emission.type == NULL)
            return false;
    }
    if (step->n_lists < 2)
        return true;
    called = step->called = gcw__new(sizeof *called);
    return called != NULL && gcw__called_get_room(called, step->n_listeners);
}

void
gcw__hub_step_clear(gcw_hub_step *step)
{
    *step = (gcw_hub_step){ .emission = { .hub = NULL } };
}

bool
gcw__hub_step_begin(gcw_hub_step *step, const gcw_emission *emission)
{
    step->emission = *emission;
    gcw__hub_take_listeners(step);
    return prepare(step, emission->type);
}

/* The same; at the end, the step holds nothing any more. */
static bool
next_or_clear(gcw_hub_step *step)
{
    if (gcw__hub_step_next(step))
        return true;
    gcw__hub_step_clear(step);
    return false;
}

bool
gcw_hub_first(gcw_hub *h, const char *type, void *source, void *arg,
              gcw_hub_step *step)
{
    gcw_emission emission = { h, NULL, type, source, arg };

    if (step != NULL)
        gcw__hub_step_clear(step);
    if (gcw__enter() != 0)
        return false;
    if (h == NULL || step == NULL)
        return gcw__refuse_false(EINVAL, "given h, given step", h, step);
    if (gcw__hub_step_begin(step, &emission))
        return next_or_clear(step);
    gcw__hub_step_clear(step);
    return gcw__fail_false(ENOMEM);
}

bool
gcw_hub_next(gcw_hub_step *step)
{
    if (gcw__enter() != 0)
        return false;
    if (step == NULL)
        return gcw__refuse_false(EINVAL, "given step", step);
    return next_or_clear(step);
}
