/* listeners.h: the listeners of one event, or of one pattern of a hub.
 *
 * Read listeners.c's overview first.
 */
#ifndef GCW__LISTENERS_H
#define GCW__LISTENERS_H

#include "ground/hidden.h"
#include "ground/part.h"
#include "weak/method.h"
#include "weak/pair.h"
#include "weak/container.h"

#include <gcweak/event.h>

/* How a listener is called: the type of its code. */
enum gcw__call {
    GCW__BY_METHOD,          /* gcw_method_fn */
    GCW__BY_WEAK_METHOD,     /* the same; its data is held weakly */
    GCW__BY_FUNCTION,        /* void (void *arg, void *data) */
    GCW__BY_HUB_FUNCTION     /* void (const gcw_emission *, void *data) */
};

/* What a listener calls: the same for equal listeners. */
struct gcw__identity {
    enum gcw__call by;
    gcw_ref *self;           /* NULL for a function */
    void (*code)(void);      /* to be called through its own type */
    void *data;              /* of a weak method: its reference */
};

static inline struct gcw__identity
gcw__method_identity(const gcw_method *m)
{
    gcw_ref *weak = gcw__method_weak_data(m);

    return (struct gcw__identity){
        weak != NULL ? GCW__BY_WEAK_METHOD : GCW__BY_METHOD, m->self,
        (void (*)(void))m->fn, weak != NULL ? (void *)weak : m->data
    };
}

static inline bool
gcw__flags_unknown(unsigned flags)
{
    return flags & ~(unsigned)(GCW_ONCE | GCW_UNIQUE | GCW_FRONT);
}

/* The state of a listener: none of these when it is to be called. */
enum {
    GCW__IS_GONE = 1,        /* for good */
    GCW__IS_BLOCKED = 2,
    GCW__IS_ONCE = 4
};

/* A listener: the user's handle, and the watch on its method's object.  So it
 * must not hold the list, nor the data. */
struct gcw_listener {
    struct gcw__entry_watch on;      /* no reference if it is a function */
    uintptr_t list;                  /* the list that it is in, hidden: held by
                                      * the event or hub while that is alive
                                      * and the listener not gone */
    uint32_t at;                     /* its slot; under the lock */
    uint16_t blocked;                /* how often; under the lock */
    unsigned char by;                /* constant */
    _Atomic unsigned char state;     /* written under the lock */
    uint32_t born;                   /* constant: gcw__born */
};

/* A listener with weak data. */
struct gcw__weak_listener {
    gcw_listener listener;
    struct gcw__second_watch *second;
};

/* The watch on weak data. */
struct gcw__second_watch {
    struct gcw__entry_watch on;
    gcw_listener *owner;
};

/* What `self` of a slot may be instead of a method's reference: the listener
 * must be asked (gcw__slot_ask); it is a function, to be called with the
 * slot's data; it has another slot by now, and this one has lost its data.
 * The three are dead references, so an emission that reads one as a method's
 * object finds NULL, and asks the listener as if the object had died. */
extern gcw_ref gcw__ask, gcw__plain_function, gcw__moved;

/* Where emissions find a listener.  `self` changes as the listener is blocked
 * and unblocked; when it goes, `self` is replaced first, then `data` cleared,
 * for good. */
struct gcw__slot {
    gcw_ref *_Atomic self;           /* or one of the three above */
    void (*code)(void);              /* constant */
    void *_Atomic data;              /* of a weak method: its reference */
    gcw_listener *listener;          /* constant */
};

/* Slots in use form a range, from which snapshots are made: the beginning in
 * the upper half of the word, the end in the lower. */
struct gcw__array {
    _Atomic uint64_t range;          /* written under the lock */
    uint32_t capacity;               /* constant */
    struct gcw__index *index;        /* constant; or NULL */
    int64_t *orders;                 /* constant; in the same memory, one for
                                      * each slot, behind the slots; or NULL */
    _Alignas(int64_t) struct gcw__slot slots[];
};

static inline uint32_t
gcw__range_begin(uint64_t range)
{
    return (uint32_t)(range >> 32);
}

static inline uint32_t
gcw__range_end(uint64_t range)
{
    return (uint32_t)range;
}

/* The listeners of an event, or of a pattern. */
struct gcw__listeners {
    struct gcw__array *_Atomic array;    /* NULL: none; written under the
                                          * lock */
    struct gcw__array *_Atomic heard;    /* the same, or NULL while muted: what
                                          * emissions read */
    _Atomic size_t live;                 /* written under the lock */
    struct gcw__container *container;            /* constant */
    const struct gcw__listeners_ops *ops;    /* constant */
    struct gcw__listeners *next_sparse;  /* the owner's, under the lock */
    bool ordered;                        /* constant: with orders */
    bool sparse;
    bool indexed;                        /* equal listeners can be found; */
    bool fronted;                        /* some were put in front; both under
                                          * the lock; once true, stay true */
};

/* What a list calls; lock held. */
struct gcw__listeners_ops {
    /* The last listener went. */
    void (*emptied)(struct gcw__listeners *list);
    /* Many listeners went: the list should be tidied. */
    void (*sparse)(struct gcw__listeners *list);
};

/* The lock of all lists of an event or hub. */
pthread_mutex_t *gcw__listeners_lock(const struct gcw__container *container);

/* Memory for a list that has to grow, or to shrink: see
 * gcw__listeners_ready. */
struct gcw__listeners_spare {
    size_t capacity;                 /* of the array that is needed */
    bool indexed, ordered;           /* as that is to be */
    struct gcw__array *array;        /* NULL: none yet */
};

/* Makes room for one more listener, in front or behind, and an index if the
 * flags need it.  False if that needs memory, which gcw__listeners_fill gets
 * when the lock is not held.  Lock held. */
bool gcw__listeners_ready(struct gcw__listeners *list, unsigned flags,
                          struct gcw__listeners_spare *spare);

/* Makes an index only.  Result and lock as for gcw__listeners_ready. */
bool gcw__listeners_indexed(struct gcw__listeners *list,
                            struct gcw__listeners_spare *spare);

/* Gets the memory that is needed.  False: no memory, or too many listeners. */
bool gcw__listeners_fill(struct gcw__listeners_spare *spare);

/* A listener that is in no list yet, and counts as gone.  NULL: no memory. */
gcw_listener *gcw__listener_new(struct gcw__container *container,
                                const struct gcw__identity *id);

/* Puts the listener in; or returns an equal one, if the flags have GCW_UNIQUE.
 * The list is ready (gcw__listeners_ready).  Lock held. */
gcw_listener *gcw__listeners_put(struct gcw__listeners *list, gcw_listener *l,
                                 const struct gcw__identity *id,
                                 unsigned flags, int64_t order);

/* A listener with that identity, or NULL.  The list is indexed.  Lock held. */
gcw_listener *gcw__listeners_find(const struct gcw__listeners *list,
                                  const struct gcw__identity *id);

/* The watches of the listener. */
struct gcw__pair gcw__listener_pair(gcw_listener *l);

/* Takes the listener, which is in a list, out of that; the rest is left to
 * tidying.  Lock held. */
void gcw__listener_remove(gcw_listener *l);

/* Has emissions pass over the listener, which is not gone, or no longer.  Lock
 * held. */
void gcw__listener_block(gcw_listener *l, bool block);

/* Has emissions pass over the list, or no longer, after its container's `muted`
 * has become so.  Lock held. */
void gcw__listeners_mute(struct gcw__listeners *list);

/* Disconnects the listener, but for tidying; false if it was gone.  No lock
 * held. */
bool gcw__listener_end(gcw_listener *l);

/* The list of a listener that is not gone.  Lock held. */
static inline struct gcw__listeners *
gcw__list_of(const gcw_listener *l)
{
    return gcw__reveal(l->list);
}

static inline bool
gcw__listener_is(const gcw_listener *l, int state)
{
    return atomic_load_explicit(&l->state, memory_order_acquire) & state;
}

/* Whether all listeners of the event or hub that has the listener are passed
 * over. */
static inline bool
gcw__listener_is_muted(const gcw_listener *l)
{
    return atomic_load_explicit(&l->on.container->muted, memory_order_acquire)
           != 0;
}

/* Takes out the listener of a watch whose target has died: `died` of a
 * container. */
bool gcw__listener_died(void *object, struct gcw__entry_watch *watch,
                        bool may_wait);

/* Takes out listeners whose code lies in the range; NULL: all.  Lock held. */
void gcw__listeners_clear(struct gcw__listeners *list,
                          const struct gcw__range *range);

/* Gives back memory, if most slots are empty.  False: that needed memory, and
 * there was none. */
bool gcw__listeners_tidy(struct gcw__listeners *list);

/* How much memory the list and its listeners take.  Lock held. */
size_t gcw__listeners_bytes(const struct gcw__listeners *list);

/* What the slot's listener calls.  Lock held. */
struct gcw__identity gcw__slot_identity(const struct gcw__slot *slot);

/* The same without the lock.  False if the slot has lost the data, and the
 * listener is gone. */
bool gcw__slot_identity_now(const struct gcw__slot *slot,
                            struct gcw__identity *out);

/* Corrects *data, which was read from the slot before, if the listener has
 * another slot by now.  False if it is gone then.  No lock held. */
bool gcw__slot_data_now(const struct gcw__slot *slot, void **data);

uintptr_t gcw__identity_hash(const struct gcw__identity *id);
bool gcw__identity_equal(const struct gcw__identity *a,
                         const struct gcw__identity *b);

extern const struct gcw__part gcw__listeners_part;

#endif
