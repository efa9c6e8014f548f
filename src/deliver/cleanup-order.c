/* cleanup-order.c: the cleanups that have still to run, in the order of their
 * making.
 *
 * The order is an array of hidden pointers, the newest last, in memory from
 * malloc, which no collection scans: a cleanup that is in is held by what it
 * waits for, or by the queue of the drain (cleanup.c).  A cleanup knows its
 * slot, so taking it out touches no other, and leaves a hole.  When there is
 * no room, or hardly anything is left, the holes are closed.  So adding and
 * taking out take constant time, amortised.
 */
#include <config.h>
#include "deliver/cleanup-order.h"

#include "deliver/cleanup.h"
#include "ground/hidden.h"
#include "ground/memory.h"

#include <stdint.h>
#include <stdlib.h>

enum { SMALLEST = 64 };

/* Marked as used, so that the compiler leaves it whole for the debugger. */
static struct {
    uintptr_t *slots;        /* hidden; 0: a hole */
    size_t capacity, end, live;
    unsigned holds;
} order __attribute__((__used__));

/* Moves cleanups only downwards, on which gcw__cleanup_order_next relies. */
static void
close_holes(void)
{
    size_t end = 0;

    for (size_t at = 0; at < order.end; at++) {
        uintptr_t hidden = order.slots[at];

        if (hidden == 0)
            continue;
        order.slots[end++] = hidden;
        ((gcw_cleanup *)gcw__reveal(hidden))->slot = (uint32_t)end;
    }
    order.end = end;
}

/* False: no memory, or more than slots have numbers. */
static bool
resize_order(size_t capacity)
{
    uintptr_t *slots = NULL;

    /* Tests do not make so many. */
    if (capacity <= UINT32_MAX)  /* GCOVR_EXCL_BR_LINE */
        slots = gcw__realloc(order.slots, capacity * sizeof *slots);
    if (slots == NULL)
        return false;
    order.slots = slots;
    order.capacity = capacity;
    return true;
}

static bool
make_room_in_order(void)
{
    if (order.end < order.capacity)
        return true;
    if (order.live > order.capacity - order.capacity / 4
        || order.capacity == 0 || order.holds != 0)
        return resize_order(order.capacity == 0 ? SMALLEST
                                                : order.capacity * 2);
    close_holes();
    return true;
}

bool
gcw__cleanup_order_add(gcw_cleanup *c)
{
    if (!make_room_in_order())
        return false;
    order.slots[order.end++] = gcw__hide(c);
    c->slot = (uint32_t)order.end;
    order.live++;
    return true;
}

/* All cleanups that are left are written to when holes are closed, so that is
 * not done before they are few. */
static void
shrink(void)
{
    if (order.capacity == SMALLEST || order.live >= order.capacity / 16
        || order.holds != 0)
        return;
    close_holes();
    resize_order(order.capacity / 8 < SMALLEST ? SMALLEST
                                               : order.capacity / 8);
}

void
gcw__cleanup_order_remove_all(gcw_cleanup *const *cleanups, size_t n)
{
    size_t removed = 0;

    for (size_t i = 0; i < n; i++) {
        gcw_cleanup *c = cleanups[i];

        if (c->slot == 0)
            continue;
        order.slots[c->slot - 1] = 0;
        c->slot = 0;
        removed++;
    }
    order.live -= removed;
    while (order.end > 0 && order.slots[order.end - 1] == 0)
        order.end--;
    shrink();
}

void
gcw__cleanup_order_remove(gcw_cleanup *c)
{
    gcw__cleanup_order_remove_all(&c, 1);
}

gcw_cleanup *
gcw__cleanup_order_next(size_t *at)
{
    if (*at > order.end)
        *at = order.end;
    while (*at > 0)
        if (order.slots[--*at] != 0)
            return gcw__reveal(order.slots[*at]);
    return NULL;
}

size_t
gcw__cleanup_order_count(void)
{
    return order.live;
}

void
gcw__cleanup_order_hold(void)
{
    order.holds++;
}

/* One that was taken before a fork may be over already. */
void
gcw__cleanup_order_release(void)
{
    order.holds -= order.holds != 0;
}

void
gcw__cleanup_order_forked(void)
{
    order.holds = 0;
}
