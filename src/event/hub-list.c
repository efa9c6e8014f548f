/* hub-list.c: listing the listeners of a hub.
 *
 * The patterns that fit are gone through without a lock, as in event-see.c, and
 * the places of their listeners are noted in collected memory, which holds
 * them.  What is sorted is pointer-free, for qsort may move it through memory
 * in which the collector does not look.
 */
#include <config.h>
#include "event/hub.h"

#include "event/emit.h"
#include "weak/enter.h"

#include <stdlib.h>
#include <string.h>

/* Where a listener is. */
struct spot {
    const struct gcw__pattern *pattern;
    const struct gcw__array *array;
    uint32_t at;
};

struct rank {
    int64_t order;
    size_t spot;
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
            listing->spots[listing->n] = (struct spot){ pattern, array, at };
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
        listing->spots = GC_MALLOC(listing->capacity
                                   * sizeof *listing->spots);
        if (listing->spots == NULL)
            return false;
    }
}

static int
compare(const void *a, const void *b)
{
    int64_t first = ((const struct rank *)a)->order;
    int64_t second = ((const struct rank *)b)->order;

    return (first > second) - (first < second);
}

/* The order of the calls; NULL: no memory. */
static struct rank *
sort(const struct listing *listing)
{
    struct rank *ranks = GC_MALLOC_ATOMIC((listing->n + 1) * sizeof *ranks);

    if (ranks == NULL)
        return NULL;
    for (size_t i = 0; i < listing->n; i++) {
        const struct spot *spot = &listing->spots[i];

        ranks[i] = (struct rank){ spot->array->orders[spot->at], i };
    }
    qsort(ranks, listing->n, sizeof *ranks, compare);
    return ranks;
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
list_sorted(const struct listing *listing, const struct rank *ranks,
            gcw_listener_entry *entries, size_t n)
{
    gcw_listener_entry entry;
    size_t found = 0;

    for (size_t i = 0; i < listing->n; i++)
        if (list_spot(&listing->spots[ranks[i].spot], &entry) && found++ < n)
            entries[found - 1] = entry;
    return found;
}

size_t
gcw_hub_list(gcw_hub *h, const char *type, const void *source,
             gcw_listener_entry *entries, size_t n)
{
    struct listing listing = { .type = type, .source = source };
    struct rank *ranks = NULL;
    size_t found = 0;

    if (gcw__enter() != 0)
        return 0;
    if (h == NULL || (entries == NULL && n != 0)) {
        errno = EINVAL;
        return 0;
    }
    if (note_all(h, &listing))
        ranks = sort(&listing);
    if (ranks != NULL)
        found = list_sorted(&listing, ranks, entries, n);
    else
        errno = ENOMEM;
    GCW__KEEP(h);
    GCW__KEEP(source);
    return found;
}
