/* cleanup.h: cleanups, also at exit and at dlclose.  See cleanup.c. */
#ifndef GCW__CLEANUP_H
#define GCW__CLEANUP_H

#include "weak/shard.h"

#include <gcweak/cleanup.h>

/* There may be millions of cleanups, which each collection marks: one takes
 * four granules of the collector's memory, one line of the processor's
 * cache. */
struct gcw_cleanup {
    struct gcw__watch watch;
    void (*fn)(void *data);          /* constant */
    void *data;                      /* cleared by the winner of the cleanup */
    uint32_t slot;                   /* in the order (cleanup-order.c), from 1
                                      * on; 0: none; under the queue lock */
    unsigned process;                /* constant */
    atomic_uchar state;              /* written under the queue lock */
    atomic_bool at_exit;
    atomic_bool late;                /* made by another thread since the exit
                                      * began; written once */
    uint32_t born;                   /* constant: gcw__born */
};

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
