/* guardian-room.c: the entries of a guardian.
 *
 * Nobody looks for one by its key, so they lie as they come, in segments, each a
 * table of the engine's.  An entry never moves: the engine may chain it at any
 * time.  Segments with room are at the front of the list; one that is empty goes
 * when there is enough room without it.
 */
#include <config.h>
#include "map/guardians.h"

#include "ground/delay.h"
#include "ground/memory.h"

enum { SMALLEST = 4, LARGEST = 9 };  /* logarithms of capacities */

static size_t
segment_capacity(const struct gcw__segment *s)
{
    return gcw__map_table_mask(s->table) + 1;
}

static bool
segment_is_full(const struct gcw__segment *s)
{
    return s->used == segment_capacity(s);
}

/* The list. */

static void
unlink_segment(struct gcw__segment *s)
{
    gcw_guardian *g = s->guardian;

    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        g->first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    else
        g->last = s->prev;
    s->prev = s->next = NULL;
}

static void
link_first(struct gcw__segment *s)
{
    gcw_guardian *g = s->guardian;

    s->next = g->first;
    if (s->next != NULL)
        s->next->prev = s;
    else
        g->last = s;
    g->first = s;
}

static void
link_last(struct gcw__segment *s)
{
    gcw_guardian *g = s->guardian;

    s->prev = g->last;
    if (s->prev != NULL)
        s->prev->next = s;
    else
        g->first = s;
    g->last = s;
}

/* Room. */

/* As large as all that there are, but for the smallest and the largest. */
static unsigned
segment_logarithm(size_t capacity)
{
    unsigned logarithm = SMALLEST;

    while (logarithm < LARGEST && (size_t)1 << logarithm < capacity)
        logarithm++;
    return logarithm;
}

struct gcw__segment *
gcw__segment_new(gcw_guardian *g)
{
    struct gcw__segment *s = gcw__new(sizeof *s);

    if (s == NULL)
        return NULL;
    s->guardian = g;
    s->table = gcw__map_table_new(GCW__GUARDED,
                                  segment_logarithm(g->capacity), s);
    return s->table == NULL ? NULL : s;
}

bool
gcw__guardian_has_room(gcw_guardian *g, struct gcw__segment **fresh)
{
    if (g->first != NULL && !segment_is_full(g->first))
        return true;
    if (*fresh == NULL)
        return false;
    link_first(*fresh);
    g->capacity += segment_capacity(*fresh);
    *fresh = NULL;
    return true;
}

static struct gcw__weak_entry *
take_from(struct gcw__segment *s)
{
    struct gcw__weak_entry *e = s->free;

    if (e == NULL)
        return &s->table->entries[s->touched++];
    s->free = gcw__entry_after(e);
    return e;
}

static void
fill_entry(struct gcw__weak_entry *e, uintptr_t object, uintptr_t out)
{
    atomic_store(&e->key, 0);
    GCW__DELAY(1);
    atomic_store(&e->value, out);
    GCW__DELAY(2);
    atomic_store(&e->key, object);
}

void
gcw__guardian_fill(gcw_guardian *g, uintptr_t object, uintptr_t out)
{
    struct gcw__segment *s = g->first;

    fill_entry(take_from(s), object, out);
    atomic_fetch_add_explicit(&s->table->added, 1, memory_order_release);
    s->used++;
    g->used++;
    if (segment_is_full(s)) {
        unlink_segment(s);
        link_last(s);
    }
}

static bool
is_superfluous(const struct gcw__segment *s)
{
    const gcw_guardian *g = s->guardian;
    size_t capacity = segment_capacity(s);

    return s->used == 0 && g->used + capacity / 2 < g->capacity - capacity;
}

void
gcw__guardian_give_back(struct gcw__weak_entry *entry)
{
    struct gcw__map_table *t = GC_base(entry);
    struct gcw__segment *s = t->owner;

    if (segment_is_full(s)) {
        unlink_segment(s);
        link_first(s);
    }
    gcw__entry_set_after(entry, s->free);
    s->free = entry;
    s->used--;
    s->guardian->used--;
    if (is_superfluous(s)) {
        unlink_segment(s);
        s->guardian->capacity -= segment_capacity(s);
    }
}
