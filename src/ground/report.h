/* report.h: lines on stderr about callbacks that have failed and, if
 * GCWEAK_DEBUG in the environment asks for it, have run.  See report.c. */
#ifndef GCW__REPORT_H
#define GCW__REPORT_H

#include "ground/compiler.h"
#include "ground/hook.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The words of GCWEAK_DEBUG. */
enum {
    GCW__REPORT_EXIT = 1,
    GCW__REPORT_DRAIN = 2,
    GCW__REPORT_LEAK = 4
};

/* Which of them GCWEAK_DEBUG has.  Constant once the library has started. */
extern unsigned gcw__reported;

static inline bool
gcw__reports(unsigned word)
{
    return !GCW__LIKELY((gcw__reported & word) == 0);
}

/* Reads the environment, at the first call. */
void gcw__report_install(void);

/* A clock that counts nanoseconds; never 0. */
uint64_t gcw__clock(void);

/* When a callback begins, for gcw__report_end; 0: that is not to be called. */
static inline uint64_t
gcw__report_begin(unsigned word)
{
    return gcw__reports(word) ? gcw__clock() : 0;
}

/* A callback, as it is reported. */
struct gcw__callback {
    const char *sort;                /* "listener" */
    const char *of;                  /* the name of the event that has it, or
                                      * NULL */
    const char *name;                /* of its own, or NULL */
    uintptr_t code;
};

/* Writes how long a callback took that has ended; `began` is not 0. */
void gcw__report_end(const struct gcw__callback *callback, const char *word,
                     uint64_t began, bool failed);

/* Writes that a callback was passed over, and why. */
void gcw__report_skipped(const struct gcw__callback *callback,
                         const char *word, const char *why);

/* Counts a failure, and calls the error hook, a gcw_error_fn; writes a line if
 * there is no hook.  A hook that fails in turn is counted, and that is all.  No
 * lock held. */
void gcw__report_failure(const struct gcw__callback *callback, void *handle,
                         struct gcw__hook hook, const char *why);

/* How many callbacks of all kinds have failed. */
uint64_t gcw__failures(void);

#endif
