/* pending.h: entries that wait, while the engine works, for what they live by to
 * be found alive.  See pending.c. */
#ifndef GCW__PENDING_H
#define GCW__PENDING_H

#include "marks/weak-table.h"

/* A table, and one of its entries. */
struct gcw__pending {
    struct gcw__weak_table *table;
    struct gcw__weak_entry *entry;
    enum gcw__sort sort;
};

/* Memory for so many slots in all tables.  Any thread; no lock held, none
 * taken but the collector's.  False: there is none. */
bool gcw__pending_reserve(size_t slots);

/* Whether there is.  Under the collector's lock, as all that follows. */
bool gcw__pending_has_room(size_t slots);

/* What follows is for the engine, while the world is stopped. */

/* Begins anew. */
void gcw__pending_clear(void);

/* How often that has happened, here or because the memory was exchanged. */
uint64_t gcw__pending_clears(void);

/* The entries of a table follow. */
void gcw__pending_begin(struct gcw__weak_table *table);
void gcw__pending_add(struct gcw__weak_entry *entry, enum gcw__sort sort);

/* Walks all: *at is 0 at first.  False at the end. */
bool gcw__pending_next(size_t *at, struct gcw__pending *out);

/* Takes out the one that the walk gave last. */
void gcw__pending_remove(size_t at);

/* From now on entries are found by what they live by; `of` says what that is,
 * an object's beginning, or 0 if nobody will look for it. */
void gcw__pending_index(uintptr_t (*of)(const struct gcw__weak_entry *entry,
                                        enum gcw__sort sort));

/* What begins there lives: entries that wait for it may be taken. */
void gcw__pending_found(uintptr_t base);

/* Takes out the next of those.  False: there is none. */
bool gcw__pending_take(struct gcw__pending *out);

#endif
