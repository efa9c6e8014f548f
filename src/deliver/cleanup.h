/* cleanup.h: cleanups, also at exit and at dlclose.  See cleanup.c. */
#ifndef GCW__CLEANUP_H
#define GCW__CLEANUP_H

#include "weak/shard.h"

#include <gcweak/cleanup.h>

/* There may be millions, which each collection marks: four granules of the
 * collector's memory, one line of the processor's cache. */
struct gcw_cleanup {
    struct gcw__watch watch;
    void (*fn)(void *data);          /* constant */
    void *data;                      /* the winner's to clear */
    uint32_t slot;                   /* in the order of all that have still to
                                      * run, from 1 on; under the queue lock */
    unsigned process;                /* constant */
    atomic_uchar state;              /* written under the queue lock */
    atomic_bool at_exit;
    atomic_bool late;                /* made by another thread since the exit
                                      * began; written once */
    uint32_t born;                   /* constant: for walk.c */
};

/* Runs the cleanups that are still to run at this process's exit, newest
 * first; true if there were any. */
bool gcw__cleanups_at_exit(void);

/* After that no more are made.  False if there is one that has to run. */
bool gcw__cleanups_close(void);

/* One, for those who look at it from outside. */
struct gcw__cleanup_look {
    bool of_method;                  /* a death callback */
    uintptr_t code;
    const gcw_ref *waits_for[2];     /* until one of them is dead; the second
                                      * may be NULL */
};
void gcw__cleanup_look_at(gcw_cleanup *c, struct gcw__cleanup_look *out);

/* Shows all that have still to run; `table` is not called (see.h). */
struct gcw__walker;
void gcw__walk_cleanups(const struct gcw__walker *walker, void *arg);

/* How many have still to run; how many have run, of all. */
size_t gcw__cleanups_count(void);
uint64_t gcw__cleanups_ran(void);

/* Ends those whose code lies in the range: runs what would run at exit or is
 * pending, newest first, and detaches the rest.  True if any ran. */
struct gcw__range;
bool gcw__cleanups_object_unloading(const struct gcw__range *range);

#endif
