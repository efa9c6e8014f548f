/* cleanup.h: cleanups, also at exit and at dlclose.  See cleanup.c. */
#ifndef GCW__CLEANUP_H
#define GCW__CLEANUP_H

#include "ground/process.h"
#include "weak/shard.h"

#include <gcweak/cleanup.h>
#include <gcweak/queue.h>

/* There may be millions of cleanups, which each collection marks: one takes
 * four granules of the collector's memory, one line of the processor's
 * cache.  One of a queue that is not the default one has that behind it. */
struct gcw_cleanup {
    struct gcw__watch watch;
    void (*fn)(void *data);          /* constant */
    void *_Atomic data;              /* cleared by the winner of the cleanup */
    uint32_t slot;                   /* in the order (cleanup-order.c), from 1
                                      * on; 0: none; under the queue lock */
    unsigned process;                /* constant */
    atomic_uchar state;              /* enum gcw__cleanup_state */
    atomic_bool at_exit;
    atomic_bool late;                /* made by another thread since the exit
                                      * began; written once */
    uint32_t born;                   /* constant: gcw__born */
};

enum gcw__cleanup_state {
    GCW__CLEANUP_ARMED,              /* or pending */
    GCW__CLEANUP_DONE,               /* won by run, exit or unloading */
    GCW__CLEANUP_DETACHED,
    GCW__CLEANUP_TAKEN               /* won by a drain; may still be in queue
                                      * and order */
};

static inline unsigned char
gcw__cleanup_state(const gcw_cleanup *c)
{
    return atomic_load_explicit(&c->state, memory_order_acquire);
}

/* Gives the cleanup that state if it is armed; whether it was: then the caller
 * has won it. */
static inline bool
gcw__cleanup_win(gcw_cleanup *c, unsigned char state)
{
    unsigned char armed = GCW__CLEANUP_ARMED;

    return gcw__cleanup_state(c) == GCW__CLEANUP_ARMED
           && atomic_compare_exchange_strong_explicit(
                  &c->state, &armed, state, memory_order_acq_rel,
                  memory_order_acquire);
}

/* Wins a pending cleanup for the drain, which then runs it.  No lock is
 * needed. */
static inline bool
gcw__cleanup_take(gcw_cleanup *c)
{
    return gcw__cleanup_win(c, GCW__CLEANUP_TAKEN);
}

/* Whether this process runs the cleanup at exit: not one that another process
 * has registered, nor one that another thread has since the exit began. */
static inline bool
gcw__cleanup_is_own(const gcw_cleanup *c)
{
    return c->process == gcw__process() && !c->late;
}

/* The queue in which the cleanup becomes pending; the default one instead if
 * somebody has disposed of it. */
gcw_queue *gcw__cleanup_queue(const gcw_cleanup *c);

/* Runs the cleanups that are still to run at this process's exit, newest
 * first; true if there were any. */
bool gcw__cleanups_at_exit(void);

/* Refuses new cleanups from then on.  False, and no refusal, if there is still
 * a cleanup to run at exit. */
bool gcw__cleanups_close(void);

/* What a cleanup is, for code that shows it. */
struct gcw__cleanup_look {
    bool of_method;                  /* a death callback */
    uintptr_t code;
    const gcw_ref *waits_for[2];     /* until one of them is dead; the second
                                      * may be NULL */
};
void gcw__cleanup_look_at(gcw_cleanup *c, struct gcw__cleanup_look *out);

/* Shows all cleanups that have still to run; `table` is not called (see.h). */
struct gcw__walker;
void gcw__walk_cleanups(const struct gcw__walker *walker, void *arg);

/* How many cleanups have still to run. */
size_t gcw__cleanups_count(void);

/* How many cleanups have run so far. */
uint64_t gcw__cleanups_ran(void);

/* Ends the cleanups whose code lies in the range: runs those that would run at
 * exit or are pending, newest first, and detaches the rest.  True if any
 * ran. */
struct gcw__range;
bool gcw__cleanups_object_unloading(const struct gcw__range *range);

#endif
