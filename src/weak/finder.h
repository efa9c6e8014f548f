/* finder.h: the seats of a shard by their targets.
 *
 * As ground/table.h, but that an item is a seat, which knows its target itself:
 * so an entry is one word, and a million references take that many words less.
 * The kind of reference is in the lowest bits of an item, so that the seat of one
 * of another kind need not be looked at.  Several seats may have the same target:
 * of different kinds, and such as lead to dead objects that lay there before.
 *
 * Memory from malloc.  All is under the shard's lock.
 */
#ifndef GCW__FINDER_H
#define GCW__FINDER_H

#include "ground/table.h"
#include "weak/seats.h"

enum { GCW__OF_LONG = 1, GCW__OF_INTERIOR = 2, GCW__KIND = 3 };

struct gcw__finder {
    uintptr_t *items;        /* 0: free */
    size_t capacity;         /* a power of two, or 0 at the start */
    size_t count;
};

static inline uintptr_t
gcw__kind_of(uintptr_t base, const void *target, bool is_long)
{
    return (is_long ? GCW__OF_LONG : 0)
           | ((uintptr_t)target != base ? GCW__OF_INTERIOR : 0);
}

/* In the highest bits of an item, which no address has, are some of its target's,
 * spread: the seat, which is likely not in the cache, is looked at only if they
 * fit. */
#if UINTPTR_MAX > UINT32_MAX
enum { GCW__TAG_SHIFT = 56 };
#define GCW__TAG_BITS ((uintptr_t)0xff << GCW__TAG_SHIFT)
#else
enum { GCW__TAG_SHIFT = 0 };
#define GCW__TAG_BITS ((uintptr_t)0)
#endif

static inline uintptr_t
gcw__item_tag(uintptr_t address)
{
    return gcw__mix(address) << GCW__TAG_SHIFT & GCW__TAG_BITS;
}

static inline struct gcw__seat *
gcw__item_seat(uintptr_t item)
{
    return (struct gcw__seat *)(item & ~(GCW__TAG_BITS | GCW__KIND));
}

static inline bool
gcw__item_fits(uintptr_t item, uintptr_t tag, uintptr_t address)
{
    return (item & GCW__TAG_BITS) == tag
           && gcw__seat_target(gcw__item_seat(item)) == address;
}

/* The next item at that address, or 0.  *at is gcw__table_place(address) for the
 * first call, and then as the call before has left it. */
static inline uintptr_t
gcw__finder_next(const struct gcw__finder *finder,
                         uintptr_t address, size_t *at)
{
    uintptr_t tag = gcw__item_tag(address), item;

    if (finder->capacity == 0)
        return 0;
    do
        item = finder->items[(*at)++ & (finder->capacity - 1)];
    while (item != 0 && !gcw__item_fits(item, tag, address));
    return item;
}

/* Whether there is room for one more. */
static inline bool
gcw__finder_has_room(const struct gcw__finder *finder)
{
    return finder->count < finder->capacity / 2;
}

/* Makes room; *at is where the walk for the target ends then.  False: no
 * memory. */
bool gcw__finder_grow(struct gcw__finder *finder, uintptr_t target,
                      size_t *at);

/* Enters a seat that is live or is just becoming so where a walk for its target has
 * ended.  There is room. */
static inline void
gcw__finder_enter_at(struct gcw__finder *finder, struct gcw__seat *seat,
                     uintptr_t target, uintptr_t kind, size_t at)
{
    finder->items[(at - 1) & (finder->capacity - 1)]
        = (uintptr_t)seat | kind | gcw__item_tag(target);
    finder->count++;
}

/* The same without a walk. */
void gcw__finder_enter(struct gcw__finder *finder, struct gcw__seat *seat,
                       uintptr_t target, uintptr_t kind);

/* Takes a live seat out. */
void gcw__finder_leave(struct gcw__finder *finder,
                               const struct gcw__seat *seat);

/* Removes all items, and sees to it that there is room for `count`, no more than
 * there were. */
void gcw__finder_clear(struct gcw__finder *finder,
                               size_t count);

/* Gives memory back when items were removed.  If there is no memory for a smaller
 * index, it stays as it is. */
void gcw__finder_trim(struct gcw__finder *finder);

#endif
