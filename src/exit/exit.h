/* exit.h: what exit registries are made of.  See exit.c. */
#ifndef GCW__EXIT_H
#define GCW__EXIT_H

#include "exit/exit-order.h"
#include "ground/hook.h"
#include "ground/part.h"
#include "ground/stack.h"
#include "weak/container.h"

#include <gcweak/exit.h>

enum gcw__exit_state { GCW__WAITING, GCW__RUNNING, GCW__GONE };

/* A handler: two granules of the collector's memory, half a line of the
 * processor's cache. */
struct gcw_exit_handler {
    gcw_exit_registry *registry;     /* constant */
    union {
        void *data;                  /* of a function */
        uintptr_t place;             /* of a plain one: see exit-place.c */
        struct gcw__exit_extra *extra;   /* if has_extra */
    } more;                          /* constant */
    union {
        gcw_method *method;
        void (*function)(void *data);
        void (*plain)(void);
    } call;                          /* constant */
    /* Under the exit lock. */
    uint32_t slot;                   /* in the order, from 1 on; 0: none */
    unsigned char state : 2;
    unsigned char keep : 1;
    unsigned char leaving : 1;       /* only a run of unloaded code calls it */
    unsigned char has_id : 1;        /* it has a number: see exit-ids.c */
    /* Constant. */
    unsigned char : 0;
    unsigned char kind : 2;
    unsigned char quick : 1;
    unsigned char inherit : 1;
    unsigned char has_extra : 1;
    uint16_t process;                /* or GCW__IN_EXTRA */
};

/* As `process` of a handler: the number is too large, and in the extra. */
#define GCW__IN_EXTRA UINT16_MAX

/* What only some handlers have: methods, those with a name, those with `keep`,
 * and those with GCW__IN_EXTRA. */
struct gcw__exit_extra {
    void *data;                      /* of a function */
    uint64_t number;                 /* counts up in its registry */
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

/* A registry.  All but the constants is under the exit lock. */
struct gcw_exit_registry {
    struct gcw__order order;         /* set aside: those that this run has
                                      * called and keeps, or passes over */
    struct gcw__container *container;    /* constant */
    char *name;                      /* constant */
    struct gcw__hook hook;           /* a gcw_error_fn */
    uint64_t births;                 /* of handlers with an extra */
    /* The thread that runs it, and its process; how often nested, 0: no
     * thread; the outermost frame that does. */
    uint64_t owner;
    unsigned owner_process;
    unsigned depth;
    struct gcw__frame frame;
    struct gcw__unloading *unloading;    /* code that is being unloaded */
};

/* Code that is being unloaded: on the stack of the thread that does it. */
struct gcw__unloading {
    struct gcw__unloading *next;
    const struct gcw__range *range;
    size_t fresh;                    /* handlers in it that were registered
                                      * meanwhile, and have still to run */
};

extern pthread_mutex_t gcw__exit_lock;

/* Makes a registry whose container is not open yet.  NULL: no memory. */
gcw_exit_registry *gcw__exit_registry_make(const char *name);

/* Makes a handler with its options and its name.  NULL: no memory. */
gcw_exit_handler *gcw__exit_handler_of(gcw_exit_registry *r,
                                       enum gcw__exit_kind kind, void *data,
                                       const gcw_exit_options *o);

/* Registers the handler.  Returns 0 or an errno.  No lock held. */
int gcw__exit_add(gcw_exit_handler *h);

/* Has handlers found by their code in constant time, if there is memory.  No
 * lock held. */
void gcw__exit_index(gcw_exit_registry *r);

/* Takes the newest handler of that kind and code back; returns what
 * gcw_exit_unregister does.  No lock held. */
int gcw__exit_take_back(gcw_exit_registry *r, enum gcw__exit_kind kind,
                        uintptr_t code);

/* As gcw_exit_unregister_id. */
int gcw__exit_take_back_id(uint64_t id);

/* What the registry's container calls (container.h). */
void gcw__exit_empty(void *registry);
void gcw__exit_shrink(void *registry);
bool gcw__exit_handler_died(void *registry, struct gcw__entry_watch *watch,
                            bool may_wait);
void gcw__registry_see(struct gcw__walk *walk, void *registry);
void gcw__registry_count(void *registry, gcw_statistics *out);

/* Sets the state of the handler, and whether its number is good.  Lock held. */
void gcw__exit_set_state(gcw_exit_handler *h, enum gcw__exit_state state);

/* Takes a handler out of the order; it is in `state` then.  Lock held. */
void gcw__exit_take_off(gcw_exit_handler *h, enum gcw__exit_state state);

/* The same for good: a handler that is running does not come back.  True if it
 * was waiting.  Lock held. */
bool gcw__exit_remove(gcw_exit_handler *h);

/* Asks for memory to be given back, if there is much.  Lock held. */
void gcw__exit_tidy(gcw_exit_registry *r);

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

/* Where the handler's code is. */
uintptr_t gcw__exit_code(const gcw_exit_handler *h);

const char *gcw__exit_name(const gcw_exit_handler *h);

/* Runs (exit-run.c). */

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

/* Closes the default registry for good; false if a handler waits in it. */
bool gcw__exit_close(void);

/* Whether the default registry is closed.  Lock held. */
bool gcw__exit_closed(void);

/* Places among the C library's own handlers (exit-place.c). */

/* Makes a place for a handler that is about to be registered; the caller has
 * to register the place with the C library.  0: none.  No lock held. */
uintptr_t gcw__exit_place_new(void);

/* Notes whether the handler with that place waits.  Lock held. */
void gcw__exit_place_set(uintptr_t place, bool waits);

/* Whether the handler with that place waits.  Lock held. */
bool gcw__exit_place_waits(uintptr_t place);

/* The same, without the lock. */
bool gcw__exit_place_is_due(uintptr_t place);

/* Runs the handlers in the range, drops the hook.  True if there were any. */
bool gcw__exit_object_unloading(void *registry,
                                const struct gcw__range *range);

/* Opens the container of the default registry, when the library starts. */
void gcw__exit_install(void);

extern const struct gcw__part gcw__exit_part;

#endif
