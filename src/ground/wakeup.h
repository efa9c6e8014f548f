/* wakeup.h: descriptors that can be made readable from anywhere. */
#ifndef GCW__WAKEUP_H
#define GCW__WAKEUP_H

#include "ground/part.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Lies outside the collected heap.  Begins as GCW__WAKEUP_INIT. */
struct gcw__wakeup {
    atomic_int reading, writing;     /* the ends; -1 until they are open */
    atomic_bool set;
    atomic_uint process;             /* the one that has opened the ends */
    bool listed;                     /* whether it is in the list of those that
                                      * are open */
    struct gcw__wakeup *prev, *next; /* in that list */
};

#define GCW__WAKEUP_INIT { .reading = -1, .writing = -1 }

/* The descriptor to poll, opened at the first call.  -1 with errno. */
int gcw__wakeup_open(struct gcw__wakeup *w);

/* Makes it readable, if it is open.  Coalesces: at most one system call
 * between two clears.  Async-signal-safe; also for the collector's hook. */
void gcw__wakeup_set(struct gcw__wakeup *w);

/* Makes it unreadable.  What is set afterwards is not lost; so clear first,
 * then look for work. */
void gcw__wakeup_clear(struct gcw__wakeup *w);

/* Closes it, for good.  No other thread may be using it.  False if it would
 * have to wait and may not. */
bool gcw__wakeup_close(struct gcw__wakeup *w, bool may_wait);

/* In a child the descriptors have the same numbers, and are readable if they
 * were, but are not woken by the parent any more. */
extern const struct gcw__part gcw__wakeup_part;

#endif
