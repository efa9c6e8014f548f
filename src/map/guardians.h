/* guardians.h: what guardians are made of.  See guardian.c. */
#ifndef GCW__GUARDIANS_H
#define GCW__GUARDIANS_H

#include "map/maps.h"
#include "weak/polled.h"

#include <gcweak/guardian.h>

/* Some of a guardian's entries: the owner of a table.  Under the guardian's
 * lock. */
struct gcw__segment {
    gcw_guardian *guardian;          /* constant, as */
    struct gcw__map_table *table;    /* held by the segment, as it by the table */
    struct gcw__segment *prev, *next;
    size_t used;                     /* entries that are not free */
    size_t touched;                  /* that have ever been used: the first */
    struct gcw__weak_entry *free;    /* one of these that is free; the others
                                      * follow */
};

/* Under the lock of its container, but for `fallen`. */
struct gcw_guardian {
    struct gcw__polled *container;   /* constant */
    /* First those with room, then those without. */
    struct gcw__segment *first, *last;
    size_t used, capacity;           /* entries, in all segments */
    /* Entries that have fallen, the last one first: added by the engine, also
     * while the world is stopped; taken away all together, to be handed out. */
    struct gcw__weak_entry *_Atomic fallen;
    struct gcw__weak_entry *ready;
};

/* An entry that waits for nothing has in its key the one that follows it, in a
 * way that the engine takes for no key. */
static inline struct gcw__weak_entry *
gcw__entry_after(const struct gcw__weak_entry *entry)
{
    return (struct gcw__weak_entry *)(atomic_load(&entry->key)
                                      & ~(uintptr_t)1);
}

static inline void
gcw__entry_set_after(struct gcw__weak_entry *entry,
                     const struct gcw__weak_entry *next)
{
    atomic_store(&entry->key, (uintptr_t)next | 1);
}

/* Room (guardian-room.c). */

/* A new segment for the guardian as it is; or NULL.  No lock held. */
struct gcw__segment *gcw__segment_new(gcw_guardian *g);

/* Whether there is room for one more entry, with *fresh if need be, which then
 * becomes NULL.  Lock held. */
bool gcw__guardian_has_room(gcw_guardian *g, struct gcw__segment **fresh);

/* Fills an entry that is free; there is room.  Lock held. */
void gcw__guardian_fill(gcw_guardian *g, uintptr_t object, uintptr_t out);

/* Gives one back, which has no value any more.  Lock held. */
void gcw__guardian_give_back(struct gcw__weak_entry *entry);

/* What the container calls (guardian-see.c). */
void gcw__guardian_see(struct gcw__walk *walk, void *guardian);
void gcw__guardian_counted(void *guardian, gcw_statistics *out);

/* What the engine calls (engine.h). */
void gcw__guardian_fell(void *segment, struct gcw__weak_entry *entry,
                        bool is_stopped);

#endif
