/* exit-order.h: the handlers of one level of a registry, in their order.  See
 * exit-order.c. */
#ifndef GCW__EXIT_ORDER_H
#define GCW__EXIT_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ground/compiler.h"

#include <gcweak/exit.h>
#include <gcweak/ref.h>

/* A slot is a hole, or has a handle, or is a function that has none; a handle
 * has a method or a function. */
enum gcw__exit_kind {
    GCW__HOLE, GCW__HANDLE, GCW__METHOD, GCW__FUNCTION, GCW__PLAIN
};

struct gcw__exit_slot {
    uint64_t number : 60;            /* counts up */
    uint64_t kind : 3;               /* not GCW__METHOD */
    uint64_t leaving : 1;            /* only a run of unloaded code calls it */
    union {
        gcw_exit_handler *handle;
        void (*function)(void *data);
        void (*plain)(void);
    } call;
    union {
        void *data;                  /* of a function without a handle */
        uintptr_t place;             /* of a plain one: see exit-place.c */
    } more;
};

/* All under the exit lock.  All zero: empty. */
struct gcw__order {
    struct gcw__exit_slot *slots;    /* a collected array, but see `early` */
    struct gcw__index *index;        /* or NULL; in the same sort of memory */
    uint32_t capacity;
    uint32_t end;                    /* slots 0 to here: handlers that wait */
    uint32_t top;                    /* from here to capacity: set aside */
    uint32_t live;                   /* how many there are of both */
    bool indexed;                    /* new arrays get an index */
    bool early;                      /* the array is from calloc */
    bool before_start;               /* new arrays are from calloc, for the
                                      * collector may not run yet */
    bool mixed;                      /* what was set aside is not in the order
                                      * of age */
};

/* Memory that a function found missing, to be allocated without the lock. */
struct gcw__order_spare {
    uint32_t wanted;                 /* slots, */
    bool wanted_early;               /* from calloc, */
    bool indexed;                    /* with an index */
    bool early;                      /* those that there are, are */
    uint32_t capacity;
    struct gcw__exit_slot *slots;
    struct gcw__index *index;
    bool old_early;                  /* memory to be given back then */
    struct gcw__exit_slot *old_slots;
    struct gcw__index *old_index;
};

/* Gets the memory.  False: there is none, or there would be too many. */
bool gcw__order_fill(struct gcw__order_spare *spare);

/* Gives back old memory, and what was not needed, when the lock is not held any
 * more. */
void gcw__order_free(struct gcw__order_spare *spare);

static inline void
gcw__order_clear(struct gcw__order_spare *spare)
{
    if (spare->old_slots != NULL || spare->slots != NULL)
        gcw__order_free(spare);
}

/* Whether one more can be added without memory. */
static inline bool
gcw__order_has_room(const struct gcw__order *o)
{
    return GCW__LIKELY(o->end != o->top && o->early == o->before_start);
}

/* Adds a handler, the newest; its slot has all but the number, which is put
 * into it.  False if `spare` must first be filled. */
bool gcw__order_push(struct gcw__order *o, struct gcw__exit_slot *slot,
                     struct gcw__order_spare *spare);

extern uint64_t gcw__order_last_number;

/* The next number; they count the handlers of all registries, and 0 is none.
 * Exit lock held. */
static inline uint64_t
gcw__order_number(void)
{
    return ++gcw__order_last_number;
}

/* Takes a handle out, if it is in. */
void gcw__order_remove(struct gcw__order *o, gcw_exit_handler *h);

/* The same for a handle that is in, and leads to nothing any more: the array
 * may still hold it for a while. */
void gcw__order_forget(struct gcw__order *o, gcw_exit_handler *h);

/* Takes a function without a handle out. */
void gcw__order_drop(struct gcw__order *o, struct gcw__exit_slot *slot);

/* The same, if it is the newest: for runs, which do nothing else. */
static inline void
gcw__order_pop(struct gcw__order *o, struct gcw__exit_slot *slot)
{
    struct gcw__exit_slot *next = slot - 1;

    if (o->index != NULL || o->end < 2 || next->kind < GCW__FUNCTION) {
        gcw__order_drop(o, slot);
        return;
    }
    slot->kind = GCW__HOLE;
    slot->more.data = NULL;
    o->end--;
    o->live--;
}

/* The newest handler that waits; there is one. */
static inline struct gcw__exit_slot *
gcw__order_last(const struct gcw__order *o)
{
    return &o->slots[o->end - 1];
}

/* Sets that aside. */
void gcw__order_set_aside(struct gcw__order *o);

/* Has the handlers that were set aside wait again, in the order of age. */
void gcw__order_bring_back(struct gcw__order *o);

/* The next handler, or NULL.  *at is UINT32_MAX for the first call, and then
 * as the call before has left it.  Those that were set aside come first.  When
 * the order was changed in between, some may be passed over. */
struct gcw__exit_slot *gcw__order_next(const struct gcw__order *o,
                                       uint32_t *at);

/* Makes an index if there is none.  False if `spare` must first be filled. */
bool gcw__order_indexed(struct gcw__order *o, struct gcw__order_spare *spare);

/* What a handler is looked for by: a function, or a method's object. */
struct gcw__exit_like {
    enum gcw__exit_kind kind;        /* not GCW__HANDLE */
    uintptr_t code;                  /* of a function */
    const gcw_ref *self;             /* of a method */
    const gcw_method *method;        /* that it equals; NULL: any of self's */
};

/* The newest handler that is like that, or NULL.  Without an index, looks at all
 * handlers. */
struct gcw__exit_slot *gcw__order_find(const struct gcw__order *o,
                                       const struct gcw__exit_like *like);

/* The function with that number that has no handle, or NULL. */
struct gcw__exit_slot *gcw__order_numbered(const struct gcw__order *o,
                                           uint64_t number);

/* Whether the order has much more memory than it needs, or many holes. */
bool gcw__order_sparse(const struct gcw__order *o);

/* Gives memory back, if so.  False if `spare` must first be filled. */
bool gcw__order_shrink(struct gcw__order *o, struct gcw__order_spare *spare);

#endif
