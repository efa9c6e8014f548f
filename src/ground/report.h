/* report.h: lines on stderr about callbacks: which have failed, and, if
 * GCWEAK_DEBUG in the environment asks for it, which have run.  See report.c. */
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

/* Which of them it has.  Constant once the library has started. */
extern unsigned gcw__reported;

static inline bool
gcw__reports(unsigned word)
{
    return !GCW__LIKELY((gcw__reported & word) == 0);
}

/* Reads the environment; once, when the library starts. */
void gcw__report_install(void);

/* Nanoseconds, from 1 on. */
uint64_t gcw__clock(void);

/* When a callback begins: 0 if its end is not to be reported. */
static inline uint64_t
gcw__report_begin(unsigned word)
{
    return gcw__reports(word) ? gcw__clock() : 0;
}

/* A callback, as it is reported. */
struct gcw__callback {
    const char *sort;                /* "listener" */
    const char *of;                  /* what has it, or NULL: "event saved" is
                                      * "saved" */
    const char *name;                /* of its own, or NULL */
    uintptr_t code;
};

/* It has ended; `began` is not 0. */
void gcw__report_end(const struct gcw__callback *callback, const char *word,
                     uint64_t began, bool failed);

/* It has failed: counts it, and tells the error hook, a gcw_error_fn, or
 * writes a line if there is none.  No lock held. */
void gcw__report_failure(const struct gcw__callback *callback, void *handle,
                         struct gcw__hook hook, const char *why);

/* Only counts it. */
void gcw__count_failure(void);

/* How many callbacks of all kinds have failed. */
uint64_t gcw__failures(void);

#endif
