/* report.h: lines about callbacks that have failed and, if that is to be told,
 * have run.  See report.c. */
#ifndef GCW__REPORT_H
#define GCW__REPORT_H

#include "ground/compiler.h"
#include "ground/hook.h"
#include "ground/tell.h"

#include <stdbool.h>
#include <stdint.h>

/* A clock that counts nanoseconds; never 0. */
uint64_t gcw__clock(void);

/* When a callback begins, for gcw__report_end; 0: that is not to be called. */
static inline uint64_t
gcw__report_begin(unsigned what)
{
    return gcw__told(what) ? gcw__clock() : 0;
}

/* A callback, as it is reported. */
struct gcw__callback {
    const char *sort;                /* "listener" */
    const char *of;                  /* the name of the event that has it, or
                                      * NULL */
    const char *name;                /* of its own, or NULL */
    uintptr_t code;
};

/* Tells how long a callback took that has ended; `began` is not 0. */
void gcw__report_end(const struct gcw__callback *callback, unsigned what,
                     uint64_t began, bool failed);

/* Tells that a callback was passed over, and why. */
void gcw__report_skipped(const struct gcw__callback *callback, unsigned what,
                         const char *why);

/* Counts a failure, and calls the error hook, a gcw_error_fn; tells a line if
 * there is no hook.  A hook that fails in turn is counted, and that is all.  No
 * lock held. */
void gcw__report_failure(const struct gcw__callback *callback, void *handle,
                         struct gcw__hook hook, const char *why);

#endif
