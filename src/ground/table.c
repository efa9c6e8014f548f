/* table.c: a hash table from addresses to items.  See table.h. */
#include <config.h>
#include "ground/table.h"

#include "ground/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 16 };

/* A table is at most half full: neighbourhoods overlap, and a walk through a
 * crowded one is long. */
size_t
gcw__grown(size_t capacity, size_t count)
{
    if (capacity == 0)
        return SMALLEST;
    return count + 1 > capacity / 2 ? capacity * 2 : capacity;
}

size_t
gcw__shrunk(size_t capacity, size_t count)
{
    while (capacity > SMALLEST && count < capacity / 16)
        capacity /= 2;
    return capacity;
}

void
gcw__table_insert(struct gcw__table *t, uintptr_t address, void *item)
{
    size_t mask = t->capacity - 1;
    size_t i = gcw__table_place(address) & mask;

    while (t->entries[i].item != NULL)
        i = (i + 1) & mask;
    t->entries[i].hidden = ~address;
    t->entries[i].item = item;
    t->count++;
}

struct gcw__entry *
gcw__table_move(struct gcw__table *t, struct gcw__entry *entries,
                size_t capacity)
{
    struct gcw__table old = *t;

    t->entries = entries;
    t->capacity = capacity;
    t->count = 0;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.entries[i].item != NULL)
            gcw__table_insert(t, ~old.entries[i].hidden, old.entries[i].item);
    return old.entries;
}

/* Clearing more memory than is needed would take longer than getting new. */
void
gcw__table_clear(struct gcw__table *t, size_t count)
{
    size_t capacity = gcw__shrunk(t->capacity, count);
    struct gcw__entry *entries = capacity == t->capacity
        ? NULL : gcw__calloc(capacity, sizeof *entries);

    if (entries != NULL) {
        free(t->entries);
        t->entries = entries;
        t->capacity = capacity;
    } else if (t->count != 0) {
        memset(t->entries, 0, t->capacity * sizeof *t->entries);
    }
    t->count = 0;
}

static bool
resize_table(struct gcw__table *t, size_t capacity)
{
    struct gcw__entry *entries;

    if (capacity == t->capacity)
        return true;
    entries = gcw__calloc(capacity, sizeof *entries);
    if (entries == NULL)
        return false;
    free(gcw__table_move(t, entries, capacity));
    return true;
}

bool
gcw__table_make_room(struct gcw__table *t)
{
    return resize_table(t, gcw__grown(t->capacity, t->count));
}

void
gcw__table_trim(struct gcw__table *t)
{
    resize_table(t, gcw__shrunk(t->capacity, t->count));
}

/* Moves later entries of the run into the gap, unless an entry would come
 * before the place where the walk for its address begins. */
static void
close_gap(struct gcw__table *t, size_t gap)
{
    size_t mask = t->capacity - 1;
    size_t i = gap, place;

    for (;;) {
        i = (i + 1) & mask;
        if (t->entries[i].item == NULL)
            break;
        place = gcw__table_place(~t->entries[i].hidden);
        if (((i - place) & mask) >= ((i - gap) & mask)) {
            t->entries[gap] = t->entries[i];
            gap = i;
        }
    }
    t->entries[gap].hidden = 0;
    t->entries[gap].item = NULL;
}

void
gcw__table_remove(struct gcw__table *t, uintptr_t address, void *item)
{
    size_t mask = t->capacity - 1;
    size_t i = gcw__table_place(address) & mask;

    while (t->entries[i].item != item)
        i = (i + 1) & mask;
    close_gap(t, i);
    t->count--;
}
