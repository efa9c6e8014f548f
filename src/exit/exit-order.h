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
    uint32_t end;                    /* of those that wait, from slot 0 on */
    uint32_t top;                    /* of those set aside, up to capacity */
    uint32_t live;                   /* both */
    bool indexed;                    /* new arrays get an index */
};

/* Memory that a function found missing, to be filled without the lock. */
struct gcw__order_spare {
    gcw_exit_handler **slots;
    struct gcw__index *index;
    uint32_t capacity;
    bool indexed;
    gcw_exit_handler **old_slots;    /* what is to be given back then */
    struct gcw__index *old_index;
};

/* False if there is no memory, or if there would be too many. */
bool gcw__order_fill(struct gcw__order_spare *spare);

/* Gives back what is old, when the lock is not held any more. */
void gcw__order_free(struct gcw__order_spare *spare);

static inline void
gcw__order_clear(struct gcw__order_spare *spare)
{
    if (spare->old_slots != NULL)
        gcw__order_free(spare);
}

/* Adds the newest.  False if `spare` must first be filled. */
bool gcw__order_push(struct gcw__order *o, gcw_exit_handler *h,
                     struct gcw__order_spare *spare);

/* Takes it out, if it is in. */
void gcw__order_remove(struct gcw__order *o, gcw_exit_handler *h);

/* The same for one that is in and must lead to nothing any more: the array may
 * still hold it for a while. */
void gcw__order_forget(struct gcw__order *o, gcw_exit_handler *h);

/* The newest that waits, or NULL. */
static inline gcw_exit_handler *
gcw__order_newest(const struct gcw__order *o)
{
    return o->end == 0 ? NULL : o->slots[o->end - 1];
}

/* Sets h aside, which is the newest that waits. */
void gcw__order_set_aside(struct gcw__order *o, gcw_exit_handler *h);

/* Those that were set aside wait again, older than all that wait. */
void gcw__order_bring_back(struct gcw__order *o);

/* Walks all that are in: *at is UINT32_MAX at first, then whatever it was left
 * at; NULL at the end.  Those set aside come first.  When the order was
 * changed meanwhile, it may pass some over. */
gcw_exit_handler *gcw__order_next(const struct gcw__order *o, uint32_t *at);

/* Sees to it that there is an index.  False if `spare` must first be
 * filled. */
bool gcw__order_indexed(struct gcw__order *o, struct gcw__order_spare *spare);

/* The newest with that function, or NULL.  Without an index it looks at
 * all. */
gcw_exit_handler *gcw__order_find(const struct gcw__order *o,
                                  enum gcw__exit_kind kind, uintptr_t code);

/* Whether it has much more memory than it needs, or many holes; and gives that
 * back, false if `spare` must first be filled. */
bool gcw__order_sparse(const struct gcw__order *o);
bool gcw__order_shrink(struct gcw__order *o, struct gcw__order_spare *spare);

#endif
