/* exit.h: what exit registries are made of.  See exit.c. */
#ifndef GCW__EXIT_H
#define GCW__EXIT_H

#include "exit/exit-order.h"
#include "ground/compiler.h"
#include "ground/hook.h"
#include "ground/limit.h"
#include "ground/part.h"
#include "ground/stack.h"
#include "weak/container.h"

#include <gcweak/exit.h>

enum gcw__exit_state { GCW__WAITING, GCW__RUNNING, GCW__GONE };

/* A handler that has a handle: two granules of the collector's memory, half a
 * line of the processor's cache. */
struct gcw_exit_handler {
    gcw_exit_registry *registry;     /* constant */
    union {
        void *data;                  /* of a function */
        struct gcw__exit_extra *extra;   /* if has_extra */
    } more;                          /* constant */
    union {
        gcw_method *method;
        void (*function)(void *data);
    } call;                          /* constant */
    /* Under the exit lock. */
    uint32_t slot;                   /* in the order, from 1 on; 0: none */
    unsigned char state : 2;
    unsigned char keep : 1;
    unsigned char has_id : 1;        /* it has a number: see exit-ids.c */
    /* Constant. */
    unsigned char : 0;
    unsigned char kind : 3;          /* GCW__METHOD or GCW__FUNCTION */
    unsigned char quick : 1;
    unsigned char inherit : 1;
    unsigned char has_extra : 1;
    uint16_t process;                /* or GCW__IN_EXTRA */
};

/* As `process` of a handler: the number is too large, and in the extra. */
#define GCW__IN_EXTRA UINT16_MAX

/* What only some handlers have: methods, those with `keep`, a name, a level or a
 * limit, and those with GCW__IN_EXTRA. */
struct gcw__exit_extra {
    void *data;                      /* of a function */
    struct gcw__exit_level *level;   /* NULL: level 0; set once, when it is
                                      * registered */
    unsigned long limit;             /* in milliseconds; 0: none */
    unsigned process;                /* if it is not in the handler */
    uint32_t born;                   /* gcw__born */
    char *name;                      /* or NULL */
    struct gcw__exit_watch *on_self; /* of a method; else NULL */
    struct gcw__exit_watch *on_data; /* of a method with weak data */
};

/* The watch of a weak handler.  It must not hold the handler, and with it the
 * registry: so its pointer is hidden, and good only while the registry lives
 * and the handler waits in it. */
struct gcw__exit_watch {
    struct gcw__entry_watch on;
    uintptr_t handler;               /* hidden; 0 once it is taken off */
};

/* A level other than 0. */
struct gcw__exit_level {
    struct gcw__order order;         /* first member */
    long level;                      /* constant */
};

/* Whose turn it is to run a registry: see exit-turn.c. */
struct gcw__exit_turn {
    /* The thread, and its process; how often nested, 0: no thread; the outermost
     * frame that runs it, and the innermost run. */
    uint64_t owner;
    unsigned owner_process;
    unsigned depth;
    struct gcw__frame frame;
    struct gcw__exit_running *run;
};

/* A registry.  All but the constants is under the exit lock. */
struct gcw_exit_registry {
    struct gcw__order order;         /* of level 0; set aside: those that this
                                      * run has called and keeps, or passes
                                      * over */
    struct gcw__exit_level **levels; /* the others, the lowest first */
    uint32_t levels_count, levels_capacity;
    uint32_t levels_below;           /* how many of them are below 0 */
    uint32_t highest;                /* the highest that may have one that waits:
                                      * see exit-levels.c */
    struct gcw__container *container;    /* constant; NULL before the start */
    char *name;                      /* constant */
    bool is_default;                 /* constant */
    struct gcw__hook hook;           /* a gcw_error_fn */
    struct gcw__exit_turn *turn;     /* constant */
    struct gcw__exit_turn own_turn;  /* unless it is the default one's */
    struct gcw__unloading *unloading;    /* code that is being unloaded */
    unsigned long limit;             /* of a run, in milliseconds; 0: none */
    bool limit_aborts;
};

/* A run that is under way: on the stack of the thread that runs. */
struct gcw__exit_running {
    struct gcw__exit_running *outer; /* of the same registry and thread */
    uint64_t number;                 /* of the function that is called now, if
                                      * that has no handle; else 0 */
};

/* Code that is being unloaded: on the stack of the thread that does it. */
struct gcw__unloading {
    struct gcw__unloading *next;
    const struct gcw__range *range;
    size_t fresh;                    /* handlers in it that were registered
                                      * meanwhile, and have still to run */
    struct gcw__exit_running *run;
};

extern pthread_mutex_t gcw__exit_lock;

/* The default registry before the library starts: functions that need no
 * collector.  They move to the other when it starts. */
extern gcw_exit_registry gcw__exit_early;

/* The default registry: gcw__exit_early, or from the start on that of the
 * roots.  Written under the exit lock. */
extern gcw_exit_registry *_Atomic gcw__exit_default;

/* Makes a registry whose container is not open yet.  NULL: no memory. */
gcw_exit_registry *gcw__exit_registry_make(const char *name);

/* Registers a function without a handle in the default registry, at level 0, and
 * sets its number.  Returns 0 or an errno, or GCW__MISSING if it takes memory.
 * No lock held. */
int gcw__exit_try_to_add(struct gcw__exit_slot *slot);

/* The same, with memory.  r: the default registry as it was a moment ago; EAGAIN
 * if another is that by now. */
int gcw__exit_add_function(gcw_exit_registry *r, struct gcw__exit_slot *slot);

/* Has handlers found by their code in constant time, if there is memory.  No
 * lock held. */
void gcw__exit_index(gcw_exit_registry *r);

/* Takes the newest handler of that kind and code back; returns what
 * gcw_exit_unregister does.  No lock held. */
int gcw__exit_take_back(gcw_exit_registry *r, enum gcw__exit_kind kind,
                        uintptr_t code);

/* As gcw_exit_unregister_id, for a handler with a handle; and for a function of
 * the default registry that has none. */
int gcw__exit_take_back_id(uint64_t id);
int gcw__exit_take_back_number(uint64_t number);

/* What the registry's container calls (container.h). */
void gcw__exit_empty(void *registry);
void gcw__exit_shrink(void *registry);
bool gcw__exit_handler_died(void *registry, struct gcw__entry_watch *watch,
                            bool may_wait);
void gcw__registry_see(struct gcw__walk *walk, void *registry);
void gcw__registry_count(void *registry, gcw_statistics *out);

/* The state of a handler with a number has changed.  Lock held. */
void gcw__exit_id_changes(gcw_exit_handler *h);

/* Sets the state of the handler, and whether its number is good.  Lock held. */
static inline void
gcw__exit_set_state(gcw_exit_handler *h, enum gcw__exit_state state)
{
    h->state = state;
    if (!GCW__LIKELY(!h->has_id))
        gcw__exit_id_changes(h);
}

/* Takes a handler out of the order; it is in `state` then.  Lock held. */
void gcw__exit_take_off(gcw_exit_handler *h, enum gcw__exit_state state);

/* The same for good: a handler that is running does not come back.  True if it
 * was waiting.  Lock held. */
bool gcw__exit_remove(gcw_exit_handler *h);

/* Asks for memory to be given back, if there is much.  Lock held. */
void gcw__exit_tidy(gcw_exit_registry *r, const struct gcw__order *o);

/* Takes the handler's watches off their references.  No lock held. */
void gcw__exit_unwatch(gcw_exit_handler *h);

static inline struct gcw__exit_extra *
gcw__exit_extra(const gcw_exit_handler *h)
{
    return h->has_extra ? h->more.extra : NULL;
}

/* A function's data. */
static inline void *
gcw__exit_data(const gcw_exit_handler *h)
{
    return h->has_extra ? h->more.extra->data : h->more.data;
}

/* The number of the process that registered the handler. */
static inline unsigned
gcw__exit_process(const gcw_exit_handler *h)
{
    return h->process == GCW__IN_EXTRA ? h->more.extra->process : h->process;
}

/* The order that has the handle, or would have it. */
static inline struct gcw__order *
gcw__exit_order(const gcw_exit_handler *h)
{
    return GCW__LIKELY(!h->has_extra || h->more.extra->level == NULL)
        ? &h->registry->order : &h->more.extra->level->order;
}

/* The handle in the slot, or NULL. */
static inline gcw_exit_handler *
gcw__exit_handle(const struct gcw__exit_slot *slot)
{
    return slot->kind == GCW__HANDLE ? slot->call.handle : NULL;
}

/* Where the handler's code is. */
uintptr_t gcw__exit_code(const gcw_exit_handler *h);
uintptr_t gcw__exit_slot_code(const struct gcw__exit_slot *slot);

/* The handler as it is reported, as what `sort` says. */
struct gcw__callback gcw__exit_callback(const struct gcw__exit_slot *slot,
                                        const char *sort);

/* GCW__METHOD, GCW__FUNCTION or GCW__PLAIN. */
enum gcw__exit_kind gcw__exit_slot_kind(const struct gcw__exit_slot *slot);

const char *gcw__exit_name(const gcw_exit_handler *h);

/* Says under GCWEAK_DEBUG=exit that a handler does not run, and why. */
void gcw__exit_skipped(const struct gcw__exit_slot *slot, const char *why);

/* Turns (exit-turn.c). */

/* Whether some thread has that turn.  Lock held. */
bool gcw__exit_has_turn(const struct gcw__exit_turn *t);

/* Whether another thread ends the process, and has still to run the registry.
 * Lock held. */
bool gcw__exit_is_leaders(const gcw_exit_registry *r);

/* Has the handlers that were set aside wait again.  Lock held. */
void gcw__exit_bring_back(gcw_exit_registry *r);

/* Calls call(arg) when it is this thread's turn to run r.  Nests.  A
 * cancellation point until then; during the call cancellation is off. */
void gcw__exit_in_turn(gcw_exit_registry *r, void (*call)(void *arg),
                       void *arg);

/* Makes this thread the one that ends the process.  If another one does,
 * waits until that has ended itself, if it ever does.  A cancellation
 * point. */
void gcw__exit_lead(void);

/* The calling thread leads no longer, if it did. */
void gcw__exit_resign(void);

/* Prepares for gcw__exit_lead; once, when the library starts.  False: no
 * memory. */
bool gcw__exit_lead_install(void);

/* Runs (exit-run.c). */

/* Which handlers a run calls; the others stay as they are. */
struct gcw__range;
struct gcw__exit_choice {
    bool quick;                      /* only those with `quick` */
    uintptr_t place;                 /* not 0: only those down to the handler
                                      * with that place, if that waits */
    const struct gcw__range *code;   /* only those with code in it, which is
                                      * unloaded, so `keep` does not count */
};

/* The result of a run. */
struct gcw__exit_count {
    int failed;
    size_t taken;                    /* handlers taken off; and of those */
    size_t called;                   /* neither dead nor of another process */
};

/* Runs a registry: in turn, but for code that is being unloaded. */
struct gcw__exit_count gcw__exit_run(gcw_exit_registry *r, int status,
                                     struct gcw__exit_choice choice);

/* How many handlers were called, of all registries. */
uint64_t gcw__exit_ran(void);

/* Whether the function with that number is being called by a run of the default
 * registry.  Lock held. */
bool gcw__exit_number_runs(uint64_t number);

/* Closes the default registry for good; false if a handler waits in it. */
bool gcw__exit_close(void);

/* Whether the default registry is closed.  Lock held. */
bool gcw__exit_closed(void);

/* The exit begins, or goes on with another status; and it is over, though the
 * process goes on. */
void gcw__exit_limit_begin(int status);
void gcw__exit_limit_end(void);

/* Places among the C library's own handlers (exit-place.c). */

/* Makes a place for a handler that is about to be registered; the caller has
 * to register the place with the C library.  0: none.  No lock held. */
uintptr_t gcw__exit_place_new(void);

/* Notes whether the handler with that place waits.  Lock held. */
void gcw__exit_place_set(uintptr_t place, bool waits);

/* Notes at a function's place whether that waits.  Lock held. */
static inline void
gcw__exit_set_at_place(const struct gcw__exit_slot *slot, bool waits)
{
    if (slot->kind == GCW__PLAIN && slot->more.place != 0)
        gcw__exit_place_set(slot->more.place, waits);
}

/* Takes a function out that has no handle.  Lock held. */
static inline void
gcw__exit_take_out(struct gcw__order *o, struct gcw__exit_slot *slot)
{
    gcw__exit_set_at_place(slot, false);
    gcw__order_drop(o, slot);
}

/* Whether the handler with that place waits.  Lock held. */
bool gcw__exit_place_waits(uintptr_t place);

/* The same, without the lock. */
bool gcw__exit_place_is_due(uintptr_t place);

/* Runs the handlers in the range, drops the hook.  True if there were any. */
bool gcw__exit_object_unloading(void *registry,
                                const struct gcw__range *range);

/* Makes the registry of the roots the default one, when the library starts. */
void gcw__exit_install(void);

extern const struct gcw__part gcw__exit_part;

#endif
