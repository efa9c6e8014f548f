/* exit-levels.c: the levels of a registry.
 *
 * Each level that has handlers has an order of its own (exit-order.c).  Level 0,
 * which is what nearly all registries have only, is part of the registry.  The
 * others are in an array, the lowest first:
 *
 *     levels  [ -7  -1 | 3  5 ]      and level 0 between -1 and 3
 *              below: 2  ^
 *
 * Counted from the lowest, with level 0 among them, that is the number of an
 * order here.  Above `highest` no handler waits; so a run finds the next one
 * without looking at the levels that it has emptied.  A new level moves those
 * above it: it costs in proportion to how many levels there are.  Levels
 * without handlers go when a run ends.
 */
#include <config.h>
#include "exit/exit-levels.h"

#include "ground/memory.h"

#include <string.h>

enum { SMALLEST = 4 };

static struct gcw__order *
order_at(gcw_exit_registry *r, uint32_t number)
{
    if (number == r->levels_below)
        return &r->order;
    return &r->levels[number - (number > r->levels_below)]->order;
}

/* Where the level is in the array, or would have to be. */
static uint32_t
find_level(const gcw_exit_registry *r, long level)
{
    uint32_t begin = 0, end = r->levels_count;

    while (begin < end) {
        uint32_t middle = begin + (end - begin) / 2;

        if (r->levels[middle]->level < level)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

bool
gcw__levels_fill(struct gcw__levels_spare *spare)
{
    if (spare->order.wanted != 0 && !gcw__order_fill(&spare->order))
        return false;
    spare->order.wanted = 0;
    if (spare->level_wanted && spare->level == NULL)
        spare->level = gcw__new(sizeof *spare->level);
    if (spare->wanted > spare->capacity) {
        spare->levels = gcw__array_new(spare->wanted * sizeof *spare->levels);
        spare->capacity = spare->wanted;
    }
    return (!spare->level_wanted || spare->level != NULL)
           && (spare->wanted == 0 || spare->levels != NULL);
}

static void
move_levels(gcw_exit_registry *r, struct gcw__levels_spare *spare)
{
    if (r->levels_count != 0)
        memcpy(spare->levels, r->levels,
               r->levels_count * sizeof *r->levels);
    r->levels = spare->levels;
    r->levels_capacity = spare->capacity;
    spare->levels = NULL;
    spare->capacity = 0;
}

/* Whether there is memory for one more level. */
static bool
has_room_for_level(gcw_exit_registry *r, struct gcw__levels_spare *spare)
{
    uint32_t wanted = r->levels_count < SMALLEST ? SMALLEST
                                                 : r->levels_count * 2;

    spare->level_wanted = true;
    if (r->levels_count == r->levels_capacity) {
        spare->wanted = wanted;
        if (spare->levels == NULL || spare->capacity < wanted)
            return false;
    }
    if (spare->level == NULL)
        return false;
    if (r->levels_count == r->levels_capacity)
        move_levels(r, spare);
    return true;
}

static void
insert_level(gcw_exit_registry *r, uint32_t at, struct gcw__exit_level *new,
             long level)
{
    memmove(r->levels + at + 1, r->levels + at,
            (r->levels_count - at) * sizeof *r->levels);
    new->level = level;
    new->order.indexed = r->order.indexed;
    r->levels[at] = new;
    r->levels_count++;
    r->levels_below += level < 0;
    r->highest = r->levels_count;
}

/* The number of the level's order, which is made if need be; UINT32_MAX if
 * `spare` must first be filled. */
static uint32_t
make_level(gcw_exit_registry *r, long level, struct gcw__levels_spare *spare)
{
    uint32_t at = find_level(r, level);

    if (level == 0)
        return r->levels_below;
    if (at == r->levels_count || r->levels[at]->level != level) {
        if (!has_room_for_level(r, spare))
            return UINT32_MAX;
        insert_level(r, at, spare->level, level);
        spare->level = NULL;
    }
    return level < 0 ? at : at + 1;
}

/* A handle knows its level from now on. */
static void
note_level(gcw_exit_registry *r, uint32_t number,
           const struct gcw__exit_slot *slot)
{
    slot->call.handle->more.extra->level
        = (struct gcw__exit_level *)order_at(r, number);
}

bool
gcw__levels_push(gcw_exit_registry *r, long level, struct gcw__exit_slot *slot,
                 struct gcw__levels_spare *spare)
{
    uint32_t number;

    if (GCW__LIKELY(level == 0 && r->levels_count == 0))
        return gcw__order_push(&r->order, slot, &spare->order);
    number = make_level(r, level, spare);
    if (number == UINT32_MAX
        || !gcw__order_push(order_at(r, number), slot, &spare->order))
        return false;
    if (level != 0)
        note_level(r, number, slot);
    if (r->highest < number)
        r->highest = number;
    return true;
}

struct gcw__order *
gcw__levels_look(gcw_exit_registry *r)
{
    struct gcw__order *o;

    while ((o = order_at(r, r->highest))->end == 0) {
        if (r->highest == 0)
            return NULL;
        r->highest--;
    }
    return o;
}

/* Takes out the levels that have no handlers. */
static void
drop_empty(gcw_exit_registry *r)
{
    uint32_t n = 0;

    for (uint32_t at = 0; at < r->levels_count; at++)
        if (r->levels[at]->order.live != 0)
            r->levels[n++] = r->levels[at];
        else
            r->levels_below -= r->levels[at]->level < 0;
    for (uint32_t at = n; at < r->levels_count; at++)
        r->levels[at] = NULL;
    r->levels_count = n;
}

void
gcw__levels_bring_back(gcw_exit_registry *r)
{
    gcw__order_bring_back(&r->order);
    if (GCW__LIKELY(r->levels_count == 0))
        return;
    drop_empty(r);
    for (uint32_t at = 0; at < r->levels_count; at++)
        gcw__order_bring_back(&r->levels[at]->order);
    r->highest = r->levels_count;
}

void
gcw__levels_drop(gcw_exit_registry *r)
{
    r->levels = NULL;
    r->levels_count = r->levels_capacity = r->levels_below = r->highest = 0;
}

struct gcw__order *
gcw__levels_order(gcw_exit_registry *r, const struct gcw__exit_cursor *cursor)
{
    return order_at(r, cursor->order);
}

/* Goes to the order below, or to the highest; false if there is none. */
static bool
go_down(gcw_exit_registry *r, struct gcw__exit_cursor *cursor)
{
    if (cursor->order == 0)
        return false;
    if (cursor->order > r->levels_count)
        cursor->order = r->levels_count;
    else
        cursor->order--;
    cursor->at = cursor->waiting ? order_at(r, cursor->order)->end
                                 : UINT32_MAX;
    return true;
}

struct gcw__exit_slot *
gcw__levels_next(gcw_exit_registry *r, struct gcw__exit_cursor *cursor)
{
    struct gcw__exit_slot *slot;

    if (cursor->order > r->levels_count && !go_down(r, cursor))
        return NULL;
    do {
        slot = gcw__order_next(order_at(r, cursor->order), &cursor->at);
    } while (slot == NULL && go_down(r, cursor));
    return slot;
}

struct gcw__exit_slot *
gcw__levels_find(gcw_exit_registry *r, const struct gcw__exit_like *like,
                 struct gcw__order **o)
{
    struct gcw__exit_slot *slot = NULL;

    for (uint32_t n = r->levels_count + 1; n > 0 && slot == NULL; n--) {
        *o = order_at(r, n - 1);
        slot = gcw__order_find(*o, like);
    }
    return slot;
}

bool
gcw__levels_each(gcw_exit_registry *r,
                 bool (*step)(struct gcw__order *o,
                              struct gcw__order_spare *spare),
                 struct gcw__order_spare *spare)
{
    for (uint32_t n = 0; n <= r->levels_count; n++)
        if (!step(order_at(r, n), spare))
            return false;
    return true;
}
