/* exit-order.c: the handlers of one level of a registry, in their order.
 *
 * An array of slots:
 *
 *     slots  [ s s . s s s  ->          <-  s s . s ]
 *              oldest    ^ end         top ^        capacity
 *              waiting, the newest last    set aside, the newest last
 *
 * A slot has a handle, which is an object of its own, or a plain function,
 * which needs none.  A handle is in the array only while h->slot is its slot's
 * number; so taking it out touches nothing else, and leaves a hole.  No hole is
 * left just before `end` or at `top`, so the newest handler is found at once.
 * The numbers of the slots go up, also those of holes: so a function is found
 * by its number.
 *
 * During a run, a handler with `keep` that was called, or one that the run
 * passes over, is set aside, in the room that it leaves itself.  At the end of
 * the run all that were set aside are brought back, to where their age has them.
 *
 * When the two parts meet, and when hardly anything is left, all handlers move
 * to an array of another size, without the holes.  So adding and removing take
 * constant time, amortised.  A function that needs another array gets it as a
 * spare (spare.h).
 *
 * Before the library starts there may be no collector: then the array is from
 * calloc, and has only functions, whose data is not in collected memory.  What
 * the collector must see moves to a collected array first.
 *
 * Functions, and the methods of an object, are found by an index (index.h), once
 * that was asked for.
 */
#include <config.h>
#include "exit/exit.h"

#include "ground/index.h"
#include "ground/memory.h"
#include "ground/table.h"
#include "weak/method.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 8, SMALL = 64 };

uint64_t gcw__order_last_number;

static uint32_t
number_of_slot(const struct gcw__order *o, const struct gcw__exit_slot *slot)
{
    return (uint32_t)(slot - o->slots);
}

/* Whether there is a handler in the slot. */
static bool
is_taken(const struct gcw__order *o, uint32_t at)
{
    const struct gcw__exit_slot *slot = &o->slots[at];

    return slot->kind == GCW__HANDLE ? slot->call.handle->slot == at + 1
                                     : slot->kind != GCW__HOLE;
}

/* Methods are found by their objects, functions by themselves. */
static uintptr_t
hash_of(const struct gcw__exit_slot *slot)
{
    if (gcw__exit_slot_kind(slot) == GCW__METHOD)
        return gcw__mix((uintptr_t)slot->call.handle->call.method->self);
    return gcw__mix(gcw__exit_slot_code(slot));
}

static void
index_slot(const struct gcw__order *o, uint32_t at)
{
    gcw__index_add(o->index, hash_of(&o->slots[at]), at);
}

/* Indexes from the oldest on, so that the newest is the first of its ring. */
static void
index_part(const struct gcw__order *o, uint32_t begin, uint32_t end)
{
    for (uint32_t at = begin; at < end; at++)
        if (is_taken(o, at))
            index_slot(o, at);
}

static void
index_all(struct gcw__order *o)
{
    if (o->index == NULL)
        return;
    gcw__index_clear(o->index);
    index_part(o, 0, o->end);
    index_part(o, o->top, o->capacity);
}

/* Memory. */

static struct gcw__exit_slot *
slots_new(uint32_t capacity, bool early)
{
    return early ? gcw__calloc(capacity, sizeof(struct gcw__exit_slot))
                 : gcw__array_new(capacity * sizeof(struct gcw__exit_slot));
}

static struct gcw__index *
index_new(uint32_t capacity, bool early)
{
    return early ? gcw__index_new_early(capacity) : gcw__index_new(capacity);
}

static void
free_array(void *slots, void *index, bool early)
{
    void (*give_back)(void *memory) = early ? free : GC_free;

    if (slots != NULL)
        give_back(slots);
    if (index != NULL)
        give_back(index);
}

void
gcw__order_free(struct gcw__order_spare *spare)
{
    free_array(spare->slots, spare->index, spare->early);
    free_array(spare->old_slots, spare->old_index, spare->old_early);
    spare->slots = spare->old_slots = NULL;
    spare->index = spare->old_index = NULL;
}

bool
gcw__order_fill(struct gcw__order_spare *spare)
{
    uint32_t capacity = spare->wanted;

    gcw__order_clear(spare);
    if (capacity > GCW__INDEX_SLOTS_MAX)
        return false;
    spare->capacity = capacity;
    spare->early = spare->wanted_early;
    spare->slots = slots_new(capacity, spare->early);
    if (spare->indexed && spare->slots != NULL)
        spare->index = index_new(capacity, spare->early);
    return spare->slots != NULL && (!spare->indexed || spare->index != NULL);
}

/* Slots. */

static void
put_slot(struct gcw__order *o, uint32_t at, const struct gcw__exit_slot *slot)
{
    o->slots[at] = *slot;
    if (slot->kind == GCW__HANDLE)
        slot->call.handle->slot = at + 1;
    if (o->index != NULL)
        index_slot(o, at);
}

static void
clear_hole(struct gcw__order *o, uint32_t at)
{
    o->slots[at] = (struct gcw__exit_slot){ .kind = GCW__HOLE };
}

/* Leaves no hole before `end` or at `top`, now that there is one at `at`. */
static void
trim(struct gcw__order *o, uint32_t at)
{
    if (at + 1 == o->end)
        while (o->end > 0 && !is_taken(o, o->end - 1))
            clear_hole(o, --o->end);
    else if (at == o->top)
        while (o->top < o->capacity && !is_taken(o, o->top))
            clear_hole(o, o->top++);
}

/* The slot keeps its number. */
static void
clear_slot(struct gcw__order *o, uint32_t at)
{
    struct gcw__exit_slot *slot = &o->slots[at];

    if (o->index != NULL)
        gcw__index_remove(o->index, at);
    if (slot->kind == GCW__HANDLE)
        slot->call.handle->slot = 0;
    slot->kind = GCW__HOLE;
    slot->call.handle = NULL;
    slot->more.data = NULL;
    trim(o, at);
}

void
gcw__order_remove(struct gcw__order *o, gcw_exit_handler *h)
{
    if (h->slot == 0)
        return;
    clear_slot(o, h->slot - 1);
    o->live--;
}

/* The slot is not written, unless there is an index, which must be. */
void
gcw__order_forget(struct gcw__order *o, gcw_exit_handler *h)
{
    uint32_t at;

    if (o->index != NULL) {
        gcw__order_remove(o, h);
        return;
    }
    at = h->slot - 1;
    h->slot = 0;
    o->live--;
    trim(o, at);
}

void
gcw__order_drop(struct gcw__order *o, struct gcw__exit_slot *slot)
{
    clear_slot(o, number_of_slot(o, slot));
    o->live--;
}

/* The handler leaves the room that it needs. */
void
gcw__order_set_aside(struct gcw__order *o)
{
    struct gcw__exit_slot slot = o->slots[o->end - 1];

    clear_slot(o, o->end - 1);
    o->mixed |= o->top < o->capacity && o->slots[o->top].number < slot.number;
    put_slot(o, --o->top, &slot);
}

/* Moving. */

static void
renumber(const struct gcw__order *o, uint32_t begin, uint32_t end)
{
    for (uint32_t at = begin; at < end; at++)
        if (o->slots[at].kind == GCW__HANDLE)
            o->slots[at].call.handle->slot = at + 1;
}

/* Sorting, in place and without memory: a heap with the youngest on top. */

static void
sift(struct gcw__exit_slot *slots, uint32_t at, uint32_t n)
{
    struct gcw__exit_slot slot = slots[at];
    uint32_t child;

    while ((child = 2 * at + 1) < n) {
        if (child + 1 < n && slots[child].number < slots[child + 1].number)
            child++;
        if (slots[child].number < slot.number)
            break;
        slots[at] = slots[child];
        at = child;
    }
    slots[at] = slot;
}

static bool
is_sorted(const struct gcw__exit_slot *slots, uint32_t n)
{
    for (uint32_t at = 1; at < n; at++)
        if (slots[at].number < slots[at - 1].number)
            return false;
    return true;
}

static void
sort(struct gcw__exit_slot *slots, uint32_t n)
{
    if (is_sorted(slots, n))
        return;
    for (uint32_t at = n / 2; at > 0; at--)
        sift(slots, at - 1, n);
    for (uint32_t end = n; end > 1; end--) {
        struct gcw__exit_slot slot = slots[0];

        slots[0] = slots[end - 1];
        slots[end - 1] = slot;
        sift(slots, 0, end - 1);
    }
}

/* Closes the holes before `end`, and brings what was set aside behind. */
static uint32_t
close_ranks(struct gcw__order *o)
{
    uint32_t end = 0;

    for (uint32_t at = 0; at < o->capacity; at++)
        if ((at < o->end || at >= o->top) && is_taken(o, at))
            o->slots[end++] = o->slots[at];
    for (uint32_t at = end; at < o->capacity; at++)
        clear_hole(o, at);
    return end;
}

void
gcw__order_bring_back(struct gcw__order *o)
{
    if (o->top == o->capacity)
        return;
    o->end = close_ranks(o);
    o->top = o->capacity;
    o->mixed = false;
    sort(o->slots, o->end);
    renumber(o, 0, o->end);
    index_all(o);
}

/* Does not touch handles that keep their slot. */
static uint32_t
copy_waiting(struct gcw__exit_slot *slots, const struct gcw__order *o)
{
    uint32_t end = 0;

    for (uint32_t at = 0; at < o->end; at++) {
        if (!is_taken(o, at))
            continue;
        slots[end] = o->slots[at];
        if (end++ != at && o->slots[at].kind == GCW__HANDLE)
            o->slots[at].call.handle->slot = end;
    }
    return end;
}

static uint32_t
copy_aside(struct gcw__exit_slot *slots, uint32_t top,
           const struct gcw__order *o)
{
    for (uint32_t at = o->capacity; at > o->top; at--)
        if (is_taken(o, at - 1))
            slots[--top] = o->slots[at - 1];
    return top;
}

static void
move_order(struct gcw__order *o, struct gcw__order_spare *spare)
{
    uint32_t end = copy_waiting(spare->slots, o);
    uint32_t top = copy_aside(spare->slots, spare->capacity, o);

    spare->old_slots = o->slots;
    spare->old_index = o->index;
    spare->old_early = o->early;
    o->slots = spare->slots;
    o->index = spare->index;
    o->early = spare->early;
    o->capacity = spare->capacity;
    o->end = end;
    o->top = top;
    renumber(o, top, o->capacity);
    index_all(o);
    spare->slots = NULL;
    spare->index = NULL;
}

/* Moves to the spare slots, if they will do; otherwise says what is needed,
 * and returns false. */
static bool
use_spare_slots(struct gcw__order *o, struct gcw__order_spare *spare)
{
    uint32_t capacity = o->live < SMALLEST / 2 ? SMALLEST : o->live * 2;

    if (spare->slots == NULL || spare->capacity < capacity
        || spare->early != o->before_start
        || (o->indexed && spare->index == NULL)) {
        spare->wanted = capacity;
        spare->wanted_early = o->before_start;
        spare->indexed = o->indexed;
        return false;
    }
    move_order(o, spare);
    return true;
}

bool
gcw__order_push(struct gcw__order *o, struct gcw__exit_slot *slot,
                struct gcw__order_spare *spare)
{
    if (!gcw__order_has_room(o) && !use_spare_slots(o, spare))
        return false;
    slot->number = gcw__order_number();
    put_slot(o, o->end++, slot);
    o->live++;
    return true;
}

bool
gcw__order_indexed(struct gcw__order *o, struct gcw__order_spare *spare)
{
    o->indexed = true;
    return o->slots == NULL || o->index != NULL
           || use_spare_slots(o, spare);
}

bool
gcw__order_sparse(const struct gcw__order *o)
{
    uint32_t used = o->end + (o->capacity - o->top);

    return o->capacity > SMALL
           && (o->live < o->capacity / 8 || o->live < used / 4);
}

bool
gcw__order_shrink(struct gcw__order *o, struct gcw__order_spare *spare)
{
    if (!gcw__order_sparse(o))
        return true;
    if (o->live != 0)
        return use_spare_slots(o, spare);
    spare->old_slots = o->slots;
    spare->old_index = o->index;
    spare->old_early = o->early;
    *o = (struct gcw__order){ .indexed = o->indexed,
                              .before_start = o->before_start };
    return true;
}

/* Looking. */

struct gcw__exit_slot *
gcw__order_next(const struct gcw__order *o, uint32_t *at)
{
    if (*at > o->capacity)
        *at = o->capacity;
    while (*at > 0) {
        if (*at <= o->top && *at > o->end) {
            *at = o->end;
        } else {
            --*at;
            if (is_taken(o, *at))
                return &o->slots[*at];
        }
    }
    return NULL;
}

static bool
is_like(const struct gcw__exit_slot *slot, const struct gcw__exit_like *like)
{
    const gcw_method *m;

    if (gcw__exit_slot_kind(slot) != like->kind)
        return false;
    if (like->kind != GCW__METHOD)
        return gcw__exit_slot_code(slot) == like->code;
    m = slot->call.handle->call.method;
    return m->self == like->self
           && (like->method == NULL || gcw_method_equal(m, like->method));
}

static struct gcw__exit_slot *
find_in_index(const struct gcw__order *o, const struct gcw__exit_like *like)
{
    uintptr_t hash = gcw__mix(like->kind == GCW__METHOD
                              ? (uintptr_t)like->self : like->code);
    uint32_t at = gcw__index_head(o->index, hash), slot;

    while ((slot = gcw__index_next(o->index, &at)) != UINT32_MAX)
        if (is_like(&o->slots[slot], like))
            return &o->slots[slot];
    return NULL;
}

struct gcw__exit_slot *
gcw__order_find(const struct gcw__order *o, const struct gcw__exit_like *like)
{
    uint32_t at = UINT32_MAX;
    struct gcw__exit_slot *slot;

    if (o->index != NULL)
        return find_in_index(o, like);
    while ((slot = gcw__order_next(o, &at)) != NULL)
        if (is_like(slot, like))
            return slot;
    return NULL;
}

/* The slot with that number between two, which are part of it, or NULL. */
static struct gcw__exit_slot *
find_between(const struct gcw__order *o, uint32_t first, uint32_t last,
             uint64_t number)
{
    while (first <= last) {
        uint32_t middle = first + (last - first) / 2;

        if (o->slots[middle].number == number)
            return &o->slots[middle];
        if (o->slots[middle].number < number)
            first = middle + 1;
        else if (middle == first)
            break;
        else
            last = middle - 1;
    }
    return NULL;
}

/* The slot with that number in a part of the array that goes up, or NULL.  From
 * one slot to the next the number goes up by 1 at least, so it can be no farther
 * from the ends than the numbers are: where all are there, that is the slot. */
static struct gcw__exit_slot *
find_number(const struct gcw__order *o, uint32_t begin, uint32_t end,
            uint64_t number)
{
    uint32_t last = end - 1;
    uint64_t below, above;

    if (begin == end || number < o->slots[begin].number
        || number > o->slots[last].number)
        return NULL;
    below = number - o->slots[begin].number;
    above = o->slots[last].number - number;
    return find_between(o, above < last - begin ? last - (uint32_t)above
                                                : begin,
                        below < last - begin ? begin + (uint32_t)below : last,
                        number);
}

/* The same in a part that does not: handlers with `keep` that were registered
 * in a run, and set aside by it. */
static struct gcw__exit_slot *
find_mixed(const struct gcw__order *o, uint64_t number)
{
    for (uint32_t at = o->top; at < o->capacity; at++)
        if (o->slots[at].number == number)
            return &o->slots[at];
    return NULL;
}

struct gcw__exit_slot *
gcw__order_numbered(const struct gcw__order *o, uint64_t number)
{
    struct gcw__exit_slot *slot = find_number(o, 0, o->end, number);

    if (slot == NULL)
        slot = o->mixed ? find_mixed(o, number)
                        : find_number(o, o->top, o->capacity, number);
    return slot == NULL || slot->kind == GCW__HOLE
           || slot->kind == GCW__HANDLE ? NULL : slot;
}
