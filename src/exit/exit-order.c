/* exit-order.c: the handlers of a registry in their order.
 *
 * An array of pointers, in collected memory:
 *
 *     slots  [ h h . h h h  ->          <-  h h . h ]
 *              oldest    ^ end         top ^        capacity
 *              waiting, the newest last    set aside, the newest last
 *
 * A handler is in the array only while h->slot is its slot's number; so taking
 * it out touches nothing else, and leaves a hole.  No hole is left just before
 * `end` or at `top`, so the newest handler is found at once.
 *
 * During a run, a handler with `keep` that was called, or one that the run
 * passes over, is set aside, in the room that it leaves itself.  At the end of
 * the run all that were set aside are brought back: they go below those that
 * wait, sorted by age, for one that was registered during the run was called
 * before older ones.
 *
 * When the two parts meet, and when hardly anything is left, all handlers move
 * to an array of another size, without the holes.  So adding and removing take
 * constant time, amortised.  A function that needs another array gets it as a
 * spare (spare.h).
 *
 * Functions are found by an index (index.h), once that was asked for.
 */
#include <config.h>
#include "exit/exit.h"

#include "ground/index.h"
#include "ground/memory.h"
#include "ground/table.h"

#include <string.h>

enum { SMALLEST = 8, SMALL = 64 };

static bool
has_function(const gcw_exit_handler *h)
{
    return h->kind != GCW__METHOD;
}

static uintptr_t
hash_of(uintptr_t code)
{
    return gcw__mix(code);
}

static void
index_handler(const struct gcw__order *o, uint32_t at,
              const gcw_exit_handler *h)
{
    gcw__index_add(o->index, hash_of(gcw__exit_code(h)), at);
}

/* The handler in the slot.  NULL: a hole. */
static gcw_exit_handler *
at_slot(const struct gcw__order *o, uint32_t at)
{
    gcw_exit_handler *h = o->slots[at];

    return h != NULL && h->slot == at + 1 ? h : NULL;
}

/* Indexes from the oldest on, so that the newest is the first of its ring. */
static void
index_part(const struct gcw__order *o, uint32_t begin, uint32_t end)
{
    for (uint32_t at = begin; at < end; at++) {
        const gcw_exit_handler *h = at_slot(o, at);

        if (h != NULL && has_function(h))
            index_handler(o, at, h);
    }
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

bool
gcw__order_fill(struct gcw__order_spare *spare)
{
    if (spare->capacity > GCW__INDEX_SLOTS_MAX)
        return false;
    spare->slots = gcw__array_new(spare->capacity * sizeof *spare->slots);
    spare->index = spare->indexed ? gcw__index_new(spare->capacity) : NULL;
    return spare->slots != NULL && (!spare->indexed || spare->index != NULL);
}

void
gcw__order_free(struct gcw__order_spare *spare)
{
    GC_FREE(spare->old_slots);
    GC_FREE(spare->old_index);
    spare->old_slots = NULL;
    spare->old_index = NULL;
}

/* Slots. */

static void
put_handler(struct gcw__order *o, uint32_t at, gcw_exit_handler *h)
{
    o->slots[at] = h;
    h->slot = at + 1;
    if (o->index != NULL && has_function(h))
        index_handler(o, at, h);
}

/* Leaves no hole before `end` or at `top`, now that there is one at `at`. */
static void
trim(struct gcw__order *o, uint32_t at)
{
    if (at + 1 == o->end)
        while (o->end > 0 && at_slot(o, o->end - 1) == NULL)
            o->slots[--o->end] = NULL;
    else if (at == o->top)
        while (o->top < o->capacity && at_slot(o, o->top) == NULL)
            o->slots[o->top++] = NULL;
}

static void
clear_slot(struct gcw__order *o, gcw_exit_handler *h)
{
    uint32_t at = h->slot - 1;

    if (o->index != NULL && has_function(h))
        gcw__index_remove(o->index, at);
    o->slots[at] = NULL;
    h->slot = 0;
    trim(o, at);
}

void
gcw__order_remove(struct gcw__order *o, gcw_exit_handler *h)
{
    if (h->slot == 0)
        return;
    clear_slot(o, h);
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

/* The handler leaves the room that it needs. */
void
gcw__order_set_aside(struct gcw__order *o, gcw_exit_handler *h)
{
    clear_slot(o, h);
    put_handler(o, --o->top, h);
}

/* Moving. */

static void
renumber(const struct gcw__order *o, uint32_t begin, uint32_t end)
{
    for (uint32_t at = begin; at < end; at++)
        if (o->slots[at] != NULL)
            o->slots[at]->slot = at + 1;
}

static void
reverse(gcw_exit_handler **slots, uint32_t n)
{
    for (uint32_t i = 0; i < n / 2; i++) {
        gcw_exit_handler *h = slots[i];

        slots[i] = slots[n - 1 - i];
        slots[n - 1 - i] = h;
    }
}

/* Exchanges the first n of `end` slots with the rest. */
static void
rotate(gcw_exit_handler **slots, uint32_t n, uint32_t end)
{
    reverse(slots, n);
    reverse(slots + n, end - n);
    reverse(slots, end);
}

/* Sorting, in place and without memory: a heap with the youngest on top. */

static bool
is_older(const gcw_exit_handler *a, const gcw_exit_handler *b)
{
    return a->more.extra->number < b->more.extra->number;
}

static void
sift(gcw_exit_handler **slots, uint32_t at, uint32_t n)
{
    gcw_exit_handler *h = slots[at];
    uint32_t child;

    while ((child = 2 * at + 1) < n) {
        if (child + 1 < n && is_older(slots[child], slots[child + 1]))
            child++;
        if (is_older(slots[child], h))
            break;
        slots[at] = slots[child];
        at = child;
    }
    slots[at] = h;
}

static void
sort(gcw_exit_handler **slots, uint32_t n)
{
    for (uint32_t at = n / 2; at > 0; at--)
        sift(slots, at - 1, n);
    for (uint32_t end = n; end > 1; end--) {
        gcw_exit_handler *h = slots[0];

        slots[0] = slots[end - 1];
        slots[end - 1] = h;
        sift(slots, 0, end - 1);
    }
}

/* Sorts by age, if all have a number, as all with `keep` have.  If another
 * handler was passed over, they stay as they are. */
static void
sort_kept(gcw_exit_handler **slots, uint32_t n)
{
    bool sorted = true;

    for (uint32_t at = 0; at < n; at++) {
        if (!slots[at]->has_extra)
            return;
        sorted = sorted && (at == 0 || is_older(slots[at - 1], slots[at]));
    }
    if (!sorted)
        sort(slots, n);
}

/* Closes the holes. */
static uint32_t
compact(gcw_exit_handler **slots, uint32_t n)
{
    uint32_t end = 0;

    for (uint32_t at = 0; at < n; at++)
        if (slots[at] != NULL)
            slots[end++] = slots[at];
    for (uint32_t at = end; at < n; at++)
        slots[at] = NULL;
    return end;
}

static void
clear_holes(const struct gcw__order *o, uint32_t begin, uint32_t end)
{
    for (uint32_t at = begin; at < end; at++)
        o->slots[at] = at_slot(o, at);
}

void
gcw__order_bring_back(struct gcw__order *o)
{
    uint32_t n = o->capacity - o->top, end;

    if (n == 0)
        return;
    clear_holes(o, 0, o->end);
    clear_holes(o, o->top, o->capacity);
    n = compact(o->slots + o->top, n);
    sort_kept(o->slots + o->top, n);
    end = o->end + n;
    memmove(o->slots + o->end, o->slots + o->top, n * sizeof *o->slots);
    for (uint32_t at = end < o->top ? o->top : end; at < o->capacity; at++)
        o->slots[at] = NULL;
    if (o->end != 0)
        rotate(o->slots, o->end, end);
    o->end = end;
    o->top = o->capacity;
    renumber(o, 0, o->end);
    trim(o, o->end - 1);
    index_all(o);
}

/* Does not touch handlers that keep their slot. */
static uint32_t
copy_waiting(gcw_exit_handler **slots, const struct gcw__order *o)
{
    uint32_t end = 0;

    for (uint32_t at = 0; at < o->end; at++) {
        gcw_exit_handler *h = at_slot(o, at);

        if (h == NULL)
            continue;
        if (end != at)
            h->slot = end + 1;
        slots[end++] = h;
    }
    return end;
}

static uint32_t
copy_aside(gcw_exit_handler **slots, uint32_t top, const struct gcw__order *o)
{
    for (uint32_t at = o->capacity; at > o->top; at--)
        if (at_slot(o, at - 1) != NULL)
            slots[--top] = o->slots[at - 1];
    return top;
}

static void
move_order(struct gcw__order *o, struct gcw__order_spare *spare)
{
    uint32_t end = copy_waiting(spare->slots, o);
    uint32_t top = copy_aside(spare->slots, spare->capacity, o);
    struct gcw__order_spare used = { .old_slots = o->slots,
                                     .old_index = o->index };

    o->slots = spare->slots;
    o->index = spare->index;
    o->capacity = spare->capacity;
    o->end = end;
    o->top = top;
    renumber(o, top, o->capacity);
    index_all(o);
    *spare = used;
}

/* Moves to the spare slots, if they will do; otherwise says what is needed,
 * and returns false. */
static bool
use_spare_slots(struct gcw__order *o, struct gcw__order_spare *spare)
{
    uint32_t capacity = o->live < SMALLEST / 2 ? SMALLEST : o->live * 2;

    if (spare->slots == NULL || spare->capacity < capacity
        || (o->indexed && spare->index == NULL)) {
        *spare = (struct gcw__order_spare){ .capacity = capacity,
                                            .indexed = o->indexed };
        return false;
    }
    move_order(o, spare);
    return true;
}

bool
gcw__order_push(struct gcw__order *o, gcw_exit_handler *h,
                struct gcw__order_spare *spare)
{
    if (o->end == o->top && !use_spare_slots(o, spare))
        return false;
    put_handler(o, o->end++, h);
    o->live++;
    return true;
}

bool
gcw__order_indexed(struct gcw__order *o, struct gcw__order_spare *spare)
{
    o->indexed = true;
    return o->slots == NULL || o->index != NULL || use_spare_slots(o, spare);
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
    *o = (struct gcw__order){ .indexed = o->indexed };
    return true;
}

/* Looking. */

gcw_exit_handler *
gcw__order_next(const struct gcw__order *o, uint32_t *at)
{
    if (*at > o->capacity)
        *at = o->capacity;
    while (*at > 0) {
        if (*at <= o->top && *at > o->end) {
            *at = o->end;
        } else {
            --*at;
            if (at_slot(o, *at) != NULL)
                return o->slots[*at];
        }
    }
    return NULL;
}

static bool
is_like(const gcw_exit_handler *h, enum gcw__exit_kind kind, uintptr_t code)
{
    return h->kind == kind && gcw__exit_code(h) == code;
}

static gcw_exit_handler *
find_in_index(const struct gcw__order *o, enum gcw__exit_kind kind,
              uintptr_t code)
{
    uint32_t at = gcw__index_head(o->index, hash_of(code)), slot;

    while ((slot = gcw__index_next(o->index, &at)) != UINT32_MAX)
        if (is_like(o->slots[slot], kind, code))
            return o->slots[slot];
    return NULL;
}

gcw_exit_handler *
gcw__order_find(const struct gcw__order *o, enum gcw__exit_kind kind,
                uintptr_t code)
{
    uint32_t at = UINT32_MAX;
    gcw_exit_handler *h;

    if (o->index != NULL)
        return find_in_index(o, kind, code);
    while ((h = gcw__order_next(o, &at)) != NULL)
        if (is_like(h, kind, code))
            return h;
    return NULL;
}
