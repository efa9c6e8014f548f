/* exit-order.h: the handlers of a registry in their order.  See
 * exit-order.c. */
#ifndef GCW__EXIT_ORDER_H
#define GCW__EXIT_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gcweak/exit.h>

enum gcw__exit_kind { GCW__METHOD, GCW__FUNCTION, GCW__PLAIN };

/* All under the exit lock.  All zero: empty. */
struct gcw__order {
    gcw_exit_handler **slots;        /* a collected array */
    struct gcw__index *index;  /* or NULL */
    uint32_t capacity;
    uint32_t end;                    /* slots 0 to here: handlers that wait */
    uint32_t top;                    /* from here to capacity: set aside */
    uint32_t live;                   /* how many there are of both */
    bool indexed;                    /* new arrays get an index */
};

/* Memory that a function found missing, to be allocated without the lock. */
struct gcw__order_spare {
    gcw_exit_handler **slots;
    struct gcw__index *index;
    uint32_t capacity;
    bool indexed;
    gcw_exit_handler **old_slots;    /* memory to be given back then */
    struct gcw__index *old_index;
};

/* Gets the memory.  False: there is none, or there would be too many. */
bool gcw__order_fill(struct gcw__order_spare *spare);

/* Gives the old memory back, when the lock is not held any more. */
void gcw__order_free(struct gcw__order_spare *spare);

static inline void
gcw__order_clear(struct gcw__order_spare *spare)
{
    if (spare->old_slots != NULL)
        gcw__order_free(spare);
}

/* Adds a handler, the newest.  False if `spare` must first be filled. */
bool gcw__order_push(struct gcw__order *o, gcw_exit_handler *h,
                     struct gcw__order_spare *spare);

/* Takes a handler out, if it is in. */
void gcw__order_remove(struct gcw__order *o, gcw_exit_handler *h);

/* The same for a handler that is in, and leads to nothing any more: the array
 * may still hold it for a while. */
void gcw__order_forget(struct gcw__order *o, gcw_exit_handler *h);

/* The newest handler that waits, or NULL. */
static inline gcw_exit_handler *
gcw__order_newest(const struct gcw__order *o)
{
    return o->end == 0 ? NULL : o->slots[o->end - 1];
}

/* Sets h aside, which is the newest that waits. */
void gcw__order_set_aside(struct gcw__order *o, gcw_exit_handler *h);

/* Has the handlers that were set aside wait again, as the oldest of all. */
void gcw__order_bring_back(struct gcw__order *o);

/* The next handler, or NULL.  *at is UINT32_MAX for the first call, and then
 * as the call before has left it.  Those that were set aside come first.  When
 * the order was changed in between, some may be passed over. */
gcw_exit_handler *gcw__order_next(const struct gcw__order *o, uint32_t *at);

/* Makes an index if there is none.  False if `spare` must first be filled. */
bool gcw__order_indexed(struct gcw__order *o, struct gcw__order_spare *spare);

/* The newest handler with that function, or NULL.  Without an index, looks at
 * all handlers. */
gcw_exit_handler *gcw__order_find(const struct gcw__order *o,
                                  enum gcw__exit_kind kind, uintptr_t code);

/* Whether the order has much more memory than it needs, or many holes. */
bool gcw__order_sparse(const struct gcw__order *o);

/* Gives memory back, if so.  False if `spare` must first be filled. */
bool gcw__order_shrink(struct gcw__order *o, struct gcw__order_spare *spare);

#endif
