/* hub-emit.c: emitting through a hub.
 *
 * Up to four patterns fit an emission.  Of each the list's array and range
 * are taken as the snapshot, without a lock.  One pattern's slots are gone
 * through as an event's.  Those of several are merged by the orders that the
 * listeners were given when they were connected.  Within a list all listeners
 * are different; so that equal listeners in several lists are called once, the
 * identities that were called are kept in a set, on the stack unless it is
 * large.
 */
#include <config.h>
#include "event/emit.h"
#include "event/hub.h"

#include "ground/delay.h"
#include "ground/guard.h"
#include "ground/table.h"
#include "ground/trace.h"
#include "weak/enter.h"

#include <string.h>

enum { PATTERNS = 4, FEW = 32 };

/* The rest of one list. */
struct part {
    const struct gcw__array *array;  /* held for `next` and `end` */
    const struct gcw__slot *next, *end;
};

/* The set of identities that were called. */
struct called {
    struct gcw__table by_hash;       /* of the identities */
    struct gcw__identity *identities;
    size_t n;
};

struct emission {
    gcw_hub *hub;
    gcw_emission emission;
    struct part parts[PATTERNS];
    size_t n;                        /* parts that are not empty */
    size_t listeners;                /* in all of them */
    const struct gcw__slot *current;
    struct called called;
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
    const void *source = run->emission.source;
    struct gcw__type *type = name == NULL ? NULL : gcw__hub_type(h, name);

    if (type != NULL) {
        run->emission.type = type->name;
        add_part(run, gcw__hub_pattern(h, type, NULL));
    }
    if (type != NULL && source != NULL)
        add_part(run, gcw__hub_pattern(h, type, source));
    if (source != NULL)
        add_part(run, gcw__hub_pattern(h, NULL, source));
    add_part(run, gcw__hub_pattern(h, NULL, NULL));
}

/* The set of identities. */

/* Where an identity belongs among those that were called. */
struct belonging {
    uintptr_t hash;
    size_t at;
};

/* False: it, or one that is equal, was called. */
static bool
is_first(const struct called *called, const struct gcw__identity *id,
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
remember_called(struct called *called, const struct gcw__identity *id,
                struct belonging where)
{
    struct gcw__identity *copy = &called->identities[called->n++];

    *copy = *id;
    gcw__table_insert_at(&called->by_hash, where.at, where.hash, copy);
}

/* Allocates room for n identities.  False: no memory. */
static bool
get_room(struct called *called, size_t n)
{
    size_t capacity = 2 * FEW;

    while (capacity < 2 * n)
        capacity *= 2;
    called->by_hash.entries
        = GC_MALLOC(capacity * sizeof *called->by_hash.entries);
    called->by_hash.capacity = capacity;
    called->identities = GC_MALLOC(n * sizeof *called->identities);
    return called->by_hash.entries != NULL && called->identities != NULL;
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
        run->emission.listener = run->current->listener;
        if (!gcw__slot_call(run->current, &run->emission, &settled))
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

/* Calls the listener in the slot, unless an equal one was called. */
static bool
call_first(struct emission *run, const struct gcw__slot *slot)
{
    struct belonging where;
    struct gcw__identity id;
    gcw_bound bound;

    if (!gcw__slot_identity_now(slot, &id)
        || !is_first(&run->called, &id, &where)
        || !gcw__slot_ask(slot, id.data, &bound))
        return false;
    remember_called(&run->called, &id, where);
    run->emission.listener = slot->listener;
    gcw__slot_call_bound(slot, &bound, &run->emission);
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
hub_emission_failed(void *emission, const char *why)
{
    struct emission *run = emission;

    gcw__listener_failed(&run->hub->hook, &run->failing, run->emission.type,
                         run->current, why);
}

/* Emits to several parts.  In a function of its own, because of the stack that
 * it takes.  False: no memory, and nothing was called. */
static bool
emit_merged(struct emission *run)
{
    struct gcw__entry entries[2 * FEW];
    struct gcw__identity identities[FEW];

    if (run->listeners > FEW) {
        if (!get_room(&run->called, run->listeners))
            return false;
    } else {
        memset(entries, 0, sizeof entries);
        run->called = (struct called){ { entries, 2 * FEW, 0 }, identities,
                                       0 };
    }
    gcw__guard_run(run, emit_parts, hub_emission_failed);
    return true;
}

bool
gcw__hub_emit(gcw_hub *h, const char *type, void *source, void *arg,
              size_t *called)
{
    struct emission run = {
        /* cppcheck-suppress ctuuninitvar ; what it points to is not read */
        .hub = h, .emission = { h, NULL, type, source, arg }
    };

    GCW__TRACE2(emit__begin, h, type);
    take_snapshot(&run, type);
    if (run.n == 1)
        gcw__guard_run(&run, emit_one_part, hub_emission_failed);
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
