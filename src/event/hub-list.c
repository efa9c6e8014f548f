/* hub-list.c: listing the listeners of a hub.
 *
 * The patterns that fit are gone through without a lock, as in event-see.c, and
 * the places of their listeners are noted in collected memory, which holds
 * them, and sorted there.
 */
#include <config.h>
#include "event/hub.h"

#include "event/emit.h"
#include "ground/memory.h"
#include "weak/enter.h"

#include <string.h>

/* Where a listener is. */
struct spot {
    const struct gcw__pattern *pattern;
    const struct gcw__array *array;
    uint32_t at;
    int64_t order;
};

struct listing {
    const char *type;                /* NULL: whatever */
    const void *source;
    struct spot *spots;              /* as many as fit, of n */
    size_t n, capacity;
};

static bool
fits(const struct listing *listing, const struct gcw__pattern *pattern)
{
    const void *source = pattern->source == NULL
        ? NULL : gcw__read(pattern->source->on.watch.ref);

    if (pattern->source != NULL && source == NULL)
        return false;
    return (listing->type == NULL || pattern->type == NULL
            || strcmp(listing->type, pattern->type->name) == 0)
           && (listing->source == NULL || source == NULL
               || listing->source == source);
}

static void
note_pattern(struct gcw__pattern *pattern, void *arg)
{
    struct listing *listing = arg;
    const struct gcw__array *array = atomic_load(&pattern->list.array);
    uint64_t range;

    if (array == NULL || !fits(listing, pattern))
        return;
    range = atomic_load_explicit(&array->range, memory_order_acquire);
    for (uint32_t at = gcw__range_begin(range); at < gcw__range_end(range);
         at++, listing->n++)
        if (listing->n < listing->capacity)
            listing->spots[listing->n] = (struct spot){
                pattern, array, at, array->orders[at]
            };
}

/* Notes the listeners in enough memory.  False: there is none. */
static bool
note_all(const gcw_hub *h, struct listing *listing)
{
    for (;;) {
        listing->n = 0;
        gcw__hub_each_pattern(h, note_pattern, listing);
        if (listing->n <= listing->capacity)
            return true;
        listing->capacity = listing->n + listing->n / 8;
        listing->spots = gcw__new(listing->capacity
                                  * sizeof *listing->spots);
        if (listing->spots == NULL)
            return false;
    }
}

/* Sorting the spots by the order of the calls, as a heap in which each is
 * later than those below it.  Not by qsort, which may ask for memory, and have
 * the spots in it, where the collector does not look. */

/* Lets the one at `at` sink to where it belongs, in a heap of n. */
static void
sink(struct spot *spots, size_t at, size_t n)
{
    struct spot spot = spots[at];
    size_t below;

    while ((below = 2 * at + 1) < n) {
        if (below + 1 < n && spots[below + 1].order > spots[below].order)
            below++;
        if (spots[below].order <= spot.order)
            break;
        spots[at] = spots[below];
        at = below;
    }
    spots[at] = spot;
}

static void
sort_spots(struct spot *spots, size_t n)
{
    for (size_t at = n / 2; at-- > 0;)
        sink(spots, at, n);
    while (n > 1) {
        struct spot last = spots[0];

        spots[0] = spots[--n];
        spots[n] = last;
        sink(spots, 0, n);
    }
}

static bool
list_spot(const struct spot *spot, gcw_listener_entry *entry)
{
    const struct gcw__pattern *pattern = spot->pattern;

    if (!gcw__slot_list(&spot->array->slots[spot->at], entry))
        return false;
    if (pattern->type != NULL)
        entry->type = pattern->type->name;
    if (pattern->source == NULL)
        return true;
    entry->source = gcw__read(pattern->source->on.watch.ref);
    return entry->source != NULL;
}

static size_t
list_spots(const struct listing *listing, gcw_listener_entry *entries,
           size_t n)
{
    gcw_listener_entry entry;
    size_t found = 0;

    for (size_t i = 0; i < listing->n; i++)
        if (list_spot(&listing->spots[i], &entry) && found++ < n)
            entries[found - 1] = entry;
    return found;
}

size_t
gcw_hub_list(gcw_hub *h, const char *type, const void *source,
             gcw_listener_entry *entries, size_t n)
{
    struct listing listing = { .type = type, .source = source };
    size_t found = 0;

    if (gcw__enter() != 0)
        return 0;
    if (h == NULL || (entries == NULL && n != 0))
        return gcw__refuse_zero(EINVAL, "given h, given entries", h, entries);
    if (note_all(h, &listing)) {
        sort_spots(listing.spots, listing.n);
        found = list_spots(&listing, entries, n);
    } else {
        errno = ENOMEM;
    }
    GCW__KEEP(h);
    GCW__KEEP(source);
    return found;
}
