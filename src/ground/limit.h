/* limit.h: limits of time, after which the process ends.  See limit.c. */
#ifndef GCW__LIMIT_H
#define GCW__LIMIT_H

#include "ground/compiler.h"
#include "ground/part.h"
#include "ground/report.h"

#include <stdbool.h>
#include <stdint.h>

/* Something that may hang, which the process then does not wait for: a callback,
 * or what has many of them, an exit.  On the stack of the thread that is at it;
 * all zero: not begun. */
struct gcw__deadline {
    struct gcw__deadline *next;
    bool begun;
    bool whole;                      /* not a callback */
    bool aborts;
    int status;                      /* with which the process ends */
    unsigned long limit;             /* in milliseconds; 0: none */
    uint64_t thread;
    uint64_t began;                  /* gcw__clock */
    const char *sort, *name;         /* of a callback; name may be NULL */
    char code[128];
};

/* How many have begun on this thread. */
extern _Thread_local unsigned gcw__deadlines_here GCW__IN_STATIC_BLOCK;

/* Begins what is all of an exit, or of a run; `sort` says which.  With a limit
 * of 0, does nothing. */
void gcw__deadline_begin_whole(struct gcw__deadline *d, const char *sort,
                               unsigned long limit, int status, bool aborts);

/* Begins a callback; with a limit of 0, so that whoever passes another limit is
 * told by name.  The callback's name stays until it ends. */
void gcw__deadline_begin(struct gcw__deadline *d,
                         const struct gcw__callback *callback,
                         unsigned long limit, int status, bool aborts);

/* The same without a limit, if something around it on this thread may have
 * one. */
static inline void
gcw__deadline_note(struct gcw__deadline *d,
                   const struct gcw__callback *callback)
{
    if (!GCW__LIKELY(gcw__deadlines_here == 0))
        gcw__deadline_begin(d, callback, 0, 0, false);
}

/* Ends what has begun.  If it is being reported, does not return. */
void gcw__deadline_end_begun(struct gcw__deadline *d);

/* The same, if it has begun. */
static inline void
gcw__deadline_end(struct gcw__deadline *d)
{
    if (!GCW__LIKELY(!d->begun))
        gcw__deadline_end_begun(d);
}

/* The process ends with another status. */
void gcw__deadline_status(struct gcw__deadline *d, int status);

/* This thread exits, and does not come back to what it has begun, all but one:
 * that hangs no longer. */
void gcw__deadlines_leave(const struct gcw__deadline *but);

extern const struct gcw__part gcw__limit_part;

#endif
