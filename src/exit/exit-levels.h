/* exit-levels.h: the levels of a registry.  See exit-levels.c. */
#ifndef GCW__EXIT_LEVELS_H
#define GCW__EXIT_LEVELS_H

#include "exit/exit.h"

/* All with the exit lock held. */

/* Memory that a function found missing, to be allocated without the lock. */
struct gcw__levels_spare {
    struct gcw__order_spare order;
    struct gcw__exit_level *level;
    struct gcw__exit_level **levels;
    uint32_t wanted, capacity;       /* of `levels` */
    bool level_wanted;
};

/* Gets the memory; false if there is none.  Lock not held. */
bool gcw__levels_fill(struct gcw__levels_spare *spare);

/* Adds a handler, the newest of its level, as gcw__order_push does.  False if
 * `spare` must first be filled. */
bool gcw__levels_push(gcw_exit_registry *r, long level,
                      struct gcw__exit_slot *slot,
                      struct gcw__levels_spare *spare);

/* The highest order with a handler that waits, or NULL; of a registry with other
 * levels than 0. */
struct gcw__order *gcw__levels_look(gcw_exit_registry *r);

/* The same of any registry. */
static inline struct gcw__order *
gcw__levels_top(gcw_exit_registry *r)
{
    if (GCW__LIKELY(r->levels_count == 0))
        return r->order.end == 0 ? NULL : &r->order;
    return gcw__levels_look(r);
}

/* Level 0 has got a handler that was not added by gcw__levels_push. */
static inline void
gcw__levels_usual_waits(gcw_exit_registry *r)
{
    if (r->highest < r->levels_below)
        r->highest = r->levels_below;
}

/* Has all handlers that were set aside wait again. */
void gcw__levels_bring_back(gcw_exit_registry *r);

/* Drops all levels but 0, which have no handlers any more. */
void gcw__levels_drop(gcw_exit_registry *r);

/* A walk through all handlers, the highest level first.  Begins as
 * GCW__FROM_ALL, or GCW__FROM_WAITING: without those that were set aside. */
struct gcw__exit_cursor {
    uint32_t order, at;
    bool waiting;
};

#define GCW__FROM_ALL { UINT32_MAX, 0, false }
#define GCW__FROM_WAITING { UINT32_MAX, 0, true }

/* The next handler, or NULL.  When something was changed in between, some may
 * be passed over. */
struct gcw__exit_slot *gcw__levels_next(gcw_exit_registry *r,
                                        struct gcw__exit_cursor *cursor);

/* The order of the slot that gcw__levels_next has returned. */
struct gcw__order *gcw__levels_order(gcw_exit_registry *r,
                                     const struct gcw__exit_cursor *cursor);

/* Whether that slot is set aside. */
static inline bool
gcw__levels_is_aside(gcw_exit_registry *r,
                     const struct gcw__exit_cursor *cursor)
{
    return cursor->at >= gcw__levels_order(r, cursor)->top;
}

/* The newest handler of the highest level that is like that; *o: its order.
 * NULL: there is none. */
struct gcw__exit_slot *gcw__levels_find(gcw_exit_registry *r,
                                        const struct gcw__exit_like *like,
                                        struct gcw__order **o);

/* Calls step for each order until it returns false, and returns that. */
bool gcw__levels_each(gcw_exit_registry *r,
                      bool (*step)(struct gcw__order *o,
                                   struct gcw__order_spare *spare),
                      struct gcw__order_spare *spare);

#endif
