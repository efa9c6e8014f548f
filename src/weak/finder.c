/* finder.c: the seats of a shard by their targets.  See finder.h. */
#include <config.h>
#include "weak/finder.h"

#include "ground/memory.h"

#include <stdlib.h>
#include <string.h>

static uintptr_t *
item_at(const struct gcw__finder *finder, size_t place)
{
    return &finder->items[place & (finder->capacity - 1)];
}

/* Zeroed memory that was written to: a page from calloc would be met twice by the
 * system, when it is first read and when it is first written.  The stores are
 * volatile, for the compiler would make malloc and memset a calloc.  NULL: no
 * memory. */
static uintptr_t *
get_items(size_t capacity)
{
    uintptr_t *items = gcw__malloc(capacity * sizeof *items);

    for (size_t i = 0; items != NULL && i < capacity; i++)
        *(volatile uintptr_t *)&items[i] = 0;
    return items;
}

static void
enter_item(struct gcw__finder *finder, uintptr_t item, uintptr_t target)
{
    size_t at = gcw__table_place(target);

    while (*item_at(finder, at) != 0)
        at++;
    *item_at(finder, at) = item;
    finder->count++;
}

void
gcw__finder_enter(struct gcw__finder *finder, struct gcw__seat *seat,
                  uintptr_t target, uintptr_t kind)
{
    enter_item(finder, (uintptr_t)seat | kind | gcw__item_tag(target), target);
}

static uintptr_t
target_of(uintptr_t item)
{
    return gcw__seat_target(gcw__item_seat(item));
}

/* False: no memory. */
static bool
resize(struct gcw__finder *finder, size_t capacity)
{
    struct gcw__finder old = *finder;
    uintptr_t *items;

    if (capacity == old.capacity)
        return true;
    items = get_items(capacity);
    if (items == NULL)
        return false;
    *finder = (struct gcw__finder){ items, capacity, 0 };
    for (size_t i = 0; i < old.capacity; i++)
        if (old.items[i] != 0)
            enter_item(finder, old.items[i], target_of(old.items[i]));
    free(old.items);
    return true;
}

bool
gcw__finder_grow(struct gcw__finder *finder, uintptr_t target, size_t *at)
{
    if (!resize(finder, gcw__grown(finder->capacity, finder->count)))
        return false;
    *at = gcw__table_place(target);
    while (*item_at(finder, (*at)++) != 0)
        continue;
    return true;
}

void
gcw__finder_trim(struct gcw__finder *finder)
{
    resize(finder, gcw__shrunk(finder->capacity, finder->count));
}

/* Moves later items of the run into the gap, as in ground/table.c. */
static void
fill_gap(struct gcw__finder *finder, size_t gap)
{
    size_t mask = finder->capacity - 1, at = gap;
    uintptr_t item;

    while ((item = *item_at(finder, ++at)) != 0) {
        size_t place = gcw__table_place(target_of(item));

        if (((at - place) & mask) < ((at - gap) & mask))
            continue;
        *item_at(finder, gap) = item;
        gap = at;
    }
    *item_at(finder, gap) = 0;
}

void
gcw__finder_leave(struct gcw__finder *finder, const struct gcw__seat *seat)
{
    size_t at = gcw__table_place(gcw__seat_target(seat));

    while (gcw__item_seat(*item_at(finder, at)) != seat)
        at++;
    fill_gap(finder, at);
    finder->count--;
}

/* Clearing more memory than is needed would take longer than getting new. */
void
gcw__finder_clear(struct gcw__finder *finder, size_t count)
{
    size_t capacity = gcw__shrunk(finder->capacity, count);
    uintptr_t *items = capacity == finder->capacity
        ? NULL : get_items(capacity);

    if (items != NULL) {
        free(finder->items);
        *finder = (struct gcw__finder){ items, capacity, 0 };
    } else if (finder->count != 0) {
        memset(finder->items, 0, finder->capacity * sizeof *finder->items);
    }
    finder->count = 0;
}
