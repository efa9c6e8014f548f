/* exit.h: what exit registries are made of.  See exit.c. */
#ifndef GCW__EXIT_H
#define GCW__EXIT_H

#include "place.h"
#include "table.h"

#include <gcweak/exit.h>

enum gcw__exit_kind { GCW__METHOD, GCW__FUNCTION, GCW__PLAIN };
enum gcw__exit_state { GCW__WAITING, GCW__RUNNING, GCW__GONE };

/* The rings that a handler is in. */
enum { GCW__ORDER, GCW__SAME };

/* A handler, or the head of a ring of them.  All but the constants is under
 * the exit lock. */
struct gcw_exit_handler {
    struct {
        gcw_exit_handler *prev, *next;
    } ring[2];                       /* to itself if it is in none */
    gcw_exit_registry *registry;     /* constant */
    union {
        gcw_method *method;
        void (*function)(void *data);
        void (*plain)(void);
    } call;                          /* constant */
    void *data;                      /* constant */
    struct gcw__exit_extra *extra;   /* constant; NULL if not needed */
    unsigned process;                /* constant */
    unsigned char kind;              /* constant */
    unsigned char state;
    bool keep;
    bool inherit, quick;             /* constant */
};

/* What only some handlers have. */
struct gcw__exit_extra {
    char *name;                      /* or NULL */
    struct gcw__exit_watch *self;    /* of a method; else NULL */
    struct gcw__exit_watch *data;    /* of a method with weak data */
};

/* What a weak handler leaves with a reference.  It must not hold the handler,
 * and with it the registry: so that is hidden, and good only while the
 * registry lives and the handler waits in it. */
struct gcw__exit_watch {
    struct gcw__place_watch on;
    uintptr_t handler;               /* hidden; 0 once it is taken off */
};

/* A registry.  All but the constants is under the exit lock. */
struct gcw_exit_registry {
    gcw_exit_handler *waiting;       /* head: those to run, newest first */
    gcw_exit_handler *kept;          /* head: those with `keep` that this run
                                      * is done with, newest first */
    struct gcw__table functions;     /* heads of GCW__SAME rings, by code */
    struct gcw__place *place;        /* constant */
    char *name;                      /* constant */
    gcw_error_fn *hook;
    void *hook_data;
    uint64_t owner;                  /* the thread that runs it, and */
    unsigned owner_process;          /* the process of that thread, */
    unsigned depth;                  /* if this is not 0 */
};

extern pthread_mutex_t gcw__exit_lock;

/* A registry that nobody knows of yet.  NULL: no memory. */
gcw_exit_registry *gcw__exit_registry_make(const char *name);

/* Takes a handler out of its rings; it is in `state` then.  Lock held. */
void gcw__exit_take_off(gcw_exit_handler *h, enum gcw__exit_state state);

/* The same for good: one that is running does not come back.  True if it was
 * waiting.  Lock held. */
bool gcw__exit_remove(gcw_exit_handler *h);

/* Takes it off the references that it watches.  No lock held. */
void gcw__exit_unwatch(gcw_exit_handler *h);

/* Where its code is. */
uintptr_t gcw__exit_code(const gcw_exit_handler *h);

const char *gcw__exit_name(const gcw_exit_handler *h);

/* Rings. */
static inline gcw_exit_handler *
gcw__ring_first(const gcw_exit_handler *head, int which)
{
    gcw_exit_handler *first = head->ring[which].next;

    return first == head ? NULL : first;
}

static inline void
gcw__ring_init(gcw_exit_handler *h)
{
    for (int which = GCW__ORDER; which <= GCW__SAME; which++)
        h->ring[which].prev = h->ring[which].next = h;
}

static inline void
gcw__ring_remove(gcw_exit_handler *h, int which)
{
    h->ring[which].prev->ring[which].next = h->ring[which].next;
    h->ring[which].next->ring[which].prev = h->ring[which].prev;
    h->ring[which].prev = h->ring[which].next = h;
}

static inline void
gcw__ring_insert_after(gcw_exit_handler *at, gcw_exit_handler *h, int which)
{
    h->ring[which].prev = at;
    h->ring[which].next = at->ring[which].next;
    at->ring[which].next->ring[which].prev = h;
    at->ring[which].next = h;
}

/* To the end of the ring of `head`: the oldest place. */
static inline void
gcw__ring_move_last(gcw_exit_handler *head, gcw_exit_handler *h)
{
    gcw__ring_remove(h, GCW__ORDER);
    gcw__ring_insert_after(head->ring[GCW__ORDER].prev, h, GCW__ORDER);
}

/* The `other` ring's handlers to the end of the ring of `head`. */
void gcw__ring_append(gcw_exit_handler *head, gcw_exit_handler *other);

/* Runs (exit-run.c). */

/* Calls call(arg) when it is this thread's turn to run r.  Nests. */
void gcw__exit_in_turn(gcw_exit_registry *r, void (*call)(void *arg),
                       void *arg);

/* Which handlers a run calls; the others stay as they are. */
struct gcw__range;
struct gcw__exit_choice {
    bool quick;                      /* only those with `quick` */
    const struct gcw__range *code;   /* only those with code in it; it goes,
                                      * so `keep` does not count */
};

/* What came of a run. */
struct gcw__exit_count {
    int failed;
    size_t called;
};

/* A run; in turn, but for one of unloaded code. */
struct gcw__exit_count gcw__exit_run(gcw_exit_registry *r, int status,
                                     struct gcw__exit_choice choice);

/* Closes the default registry for good, unless a handler waits in it. */
bool gcw__exit_close(void);
bool gcw__exit_closed(void);

/* Ends what belongs to unloaded code: runs handlers, takes out the hook. */
void gcw__exit_object_unloading(void *registry,
                                const struct gcw__range *range);

/* Makes the default registry known; once, when the library starts. */
void gcw__exit_install(void);

void gcw__exit_fork_prepare(void);
void gcw__exit_fork_parent(void);
void gcw__exit_fork_child(void);

#endif
