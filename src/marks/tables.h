/* tables.h: the tables that there are.  See tables.c. */
#ifndef GCW__TABLES_H
#define GCW__TABLES_H

#include "marks/weak-table.h"

/* Enters a table of that shape, which then is one.  Takes the collector's lock.
 * False: no memory. */
bool gcw__tables_add(struct gcw__weak_table *t, uintptr_t shape);

/* What follows is under the collector's lock. */

/* The number of tables, and each by its number, from 0 on. */
size_t gcw__tables_count(void);
struct gcw__weak_table *gcw__tables_at(size_t number);

/* Whether it is in. */
static inline bool
gcw__is_registered(const struct gcw__weak_table *t)
{
    return atomic_load_explicit(&t->number, memory_order_relaxed) & 1;
}

/* Marking begins: no table has been reached. */
void gcw__tables_begin(void);

/* The table has been reached, if it was not before. */
void gcw__tables_reach(struct gcw__weak_table *t);

/* How many were reached, which come first. */
size_t gcw__tables_reached(void);

/* The next that was reached and has not been given yet, or NULL. */
struct gcw__weak_table *gcw__tables_next(void);

/* The collection is at its end, its marks still stand: forgets those that are
 * dead. */
void gcw__tables_end(void);

/* Collections have passed that it has not heard of: forgets what is no table
 * any more, as `is_table` says of its address, for the memory may be
 * anything. */
void gcw__tables_check(bool (*is_table)(const void *address));

#endif
