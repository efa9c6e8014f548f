/* hub-emit.c: emitting through a hub.
 *
 * Up to four patterns fit an emission.  Of each the list's array and range
 * are taken as the snapshot, without a lock.  With one, its slots are gone
 * through as an event's.  With several, they are merged by the orders that
 * their listeners were given when they were connected.  Within a list all are
 * different; so that equal ones in several lists are called once, what was
 * called is kept in a set, on the stack unless it is large.
 */
#include <config.h>
#include "event/emit.h"
#include "event/hub.h"
#include "ground/delay.h"
#include "ground/guard.h"
#include "ground/trace.h"
#include "weak/enter.h"

enum { PATTERNS = 4, SMALL = 32, PLACES = 2 * SMALL };

/* The rest of one list. */
struct part {
    const struct gcw__array *array;  /* held for the others */
    const struct gcw__slot *next, *end;
};

struct set {
    size_t mask;
    struct gcw__identity *places;    /* free if the code is NULL */
};

struct emission {
    gcw_hub *hub;
    gcw_emission told;
    struct part parts[PATTERNS];
    size_t n;                        /* parts that are not empty */
    size_t listeners;                /* in all of them */
    const struct gcw__slot *current;
    struct set called_ones;
    size_t passed_over;
    bool failing;                    /* the hook is at work */
};

/* The snapshot. */

static void
add_part(struct emission *run, const struct gcw__pattern *pattern)
{
    struct part *part = &run->parts[run->n];
    uint64_t range;

    part->array = pattern == NULL ? NULL
        : atomic_load_explicit(&pattern->list.array, memory_order_acquire);
    if (part->array == NULL)
        return;
    GCW__DELAY(1);
    range = atomic_load_explicit(&part->array->range, memory_order_acquire);
    part->next = &part->array->slots[gcw__range_begin(range)];
    part->end = &part->array->slots[gcw__range_end(range)];
    run->listeners += (size_t)(part->end - part->next);
    run->n += part->next != part->end;
}

static void
take_snapshot(struct emission *run, const char *name)
{
    const gcw_hub *h = run->hub;
    const void *source = run->told.source;
    struct gcw__type *type = name == NULL ? NULL : gcw__hub_type(h, name);

    if (type != NULL) {
        run->told.type = type->name;
        add_part(run, gcw__hub_pattern(h, type, NULL));
    }
    if (type != NULL && source != NULL)
        add_part(run, gcw__hub_pattern(h, type, source));
    if (source != NULL)
        add_part(run, gcw__hub_pattern(h, NULL, source));
    add_part(run, gcw__hub_pattern(h, NULL, NULL));
}

/* The set. */

/* Its place in the set, or the free one where it belongs. */
static struct gcw__identity *
place_in(const struct set *set, const struct gcw__identity *id)
{
    size_t i = gcw__identity_hash(id);

    while (set->places[i & set->mask].code != NULL
           && !gcw__identity_equal(&set->places[i & set->mask], id))
        i++;
    return &set->places[i & set->mask];
}

/* Room for n, at most half full.  False: no memory. */
static bool
enlarge(struct set *set, size_t n)
{
    size_t places = PLACES;

    if (n <= SMALL)
        return true;
    while (places < 2 * n)
        places *= 2;
    set->places = GC_MALLOC(places * sizeof *set->places);
    set->mask = places - 1;
    return set->places != NULL;
}

/* Going through the parts.  A listener may do anything to the hub, and let go
 * of all but this stack: only `run` is relied on, and what is constant in the
 * arrays. */

static bool
emit_one_part(void *emission)
{
    struct emission *run = emission;
    struct part *part = &run->parts[0];
    GC_word settled = gcw__load_settled();

    while (part->next != part->end) {
        run->current = part->next++;
        run->told.listener = run->current->listener;
        if (!gcw__slot_call(run->current, &run->told, &settled))
            run->passed_over++;
    }
    return false;
}

static int64_t
order_of(const struct part *part)
{
    return part->array->orders[part->next - part->array->slots];
}

/* The slot that comes next; NULL at the end. */
static const struct gcw__slot *
next_slot(struct emission *run)
{
    struct part *first = NULL;

    for (size_t i = 0; i < run->n; i++) {
        struct part *part = &run->parts[i];

        if (part->next != part->end
            && (first == NULL || order_of(part) < order_of(first)))
            first = part;
    }
    return first == NULL ? NULL : first->next++;
}

/* Calls it, unless one that is equal was called. */
static bool
call_first(struct emission *run, const struct gcw__slot *slot)
{
    struct gcw__identity id, *place;
    gcw_bound bound;

    if (!gcw__slot_identity_now(slot, &id))
        return false;
    place = place_in(&run->called_ones, &id);
    if (place->code != NULL || !gcw__slot_ask(slot, id.data, &bound))
        return false;
    *place = id;
    run->told.listener = slot->listener;
    gcw__slot_call_bound(slot, &bound, &run->told);
    return true;
}

static bool
emit_parts(void *emission)
{
    struct emission *run = emission;

    while ((run->current = next_slot(run)) != NULL)
        if (!call_first(run, run->current))
            run->passed_over++;
    return false;
}

static void
emit_failed(void *emission, const char *why)
{
    struct emission *run = emission;

    gcw__hook_tell(&run->hub->hook, &run->failing, run->told.type,
                   run->current, why);
}

/* In a function of its own, because of the room that it takes.  False: no
 * memory, nobody was called. */
static bool
emit_merged(struct emission *run)
{
    struct gcw__identity places[PLACES];

    for (size_t i = 0; i < PLACES; i++)
        places[i].code = NULL;
    run->called_ones = (struct set){ PLACES - 1, places };
    if (!enlarge(&run->called_ones, run->listeners))
        return false;
    gcw__guard_run(run, emit_parts, emit_failed);
    return true;
}

bool
gcw__hub_emit(gcw_hub *h, const char *type, void *source, void *arg,
              size_t *called)
{
    struct emission run = {
        /* cppcheck-suppress ctuuninitvar ; what it points to is not read */
        .hub = h, .told = { h, NULL, type, source, arg }
    };

    GCW__TRACE2(emit__begin, h, type);
    take_snapshot(&run, type);
    if (run.n == 1)
        gcw__guard_run(&run, emit_one_part, emit_failed);
    else if (run.n > 1 && !emit_merged(&run))
        return false;
    for (size_t i = 0; i < run.n; i++)
        GCW__KEEP(run.parts[i].array);
    *called = run.listeners - run.passed_over;
    GCW__TRACE2(emit__end, h, *called);
    GCW__KEEP(h);
    GCW__KEEP(source);
    return true;
}

size_t
gcw_hub_emit(gcw_hub *h, const char *type, void *source, void *arg)
{
    size_t called = 0;

    if (gcw__enter() != 0)
        return 0;
    if (h == NULL)
        errno = EINVAL;
    else if (!gcw__hub_emit(h, type, source, arg, &called))
        errno = ENOMEM;
    return called;
}
