/* wakeup.h: descriptors that can be made readable from anywhere. */
#ifndef GCW__WAKEUP_H
#define GCW__WAKEUP_H

#include "ground/part.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Outside the collected heap.  GCW__WAKEUP_INIT before anything else. */
struct gcw__wakeup {
    atomic_int reading, writing;     /* the ends; -1 until it is open */
    atomic_bool set;
    atomic_uint process;             /* whose they are */
    bool listed;                     /* in: */
    struct gcw__wakeup *prev, *next; /* all that are open */
};

#define GCW__WAKEUP_INIT { .reading = -1, .writing = -1 }

/* The descriptor to poll, opened at the first call.  -1 with errno. */
int gcw__wakeup_open(struct gcw__wakeup *w);

/* Makes it readable, if it is open.  Coalesces: at most one system call
 * between two clears.  Async-signal-safe; for the collector's hook too. */
void gcw__wakeup_set(struct gcw__wakeup *w);

/* Makes it unreadable.  What is set afterwards is not lost; so clear first,
 * then look for work. */
void gcw__wakeup_clear(struct gcw__wakeup *w);

/* Closes it, for good.  Nobody may be at it.  False if it had to wait and may
 * not. */
bool gcw__wakeup_close(struct gcw__wakeup *w, bool may_wait);

/* The child gets the same numbers, readable if they were, but no longer the
 * parent's wake-ups. */

extern const struct gcw__part gcw__wakeup_part;

#endif
