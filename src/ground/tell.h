/* tell.h: what GCWEAK_DEBUG in the environment makes the library tell, and how
 * often callbacks have failed.  See tell.c. */
#ifndef GCW__TELL_H
#define GCW__TELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { GCW__TELL_EXIT = 1, GCW__TELL_DRAIN = 2, GCW__TELL_LEAK = 4 };

/* What of it is asked for.  Constant once the library has started. */
extern unsigned gcw__telling;

static inline bool
gcw__tells(unsigned what)
{
    return __builtin_expect((gcw__telling & what) != 0, 0);
}

/* Reads the environment; once, when the library starts. */
void gcw__tell_install(void);

/* Nanoseconds, from 1 on. */
uint64_t gcw__clock(void);

/* When a callback begins: 0 if nothing is to be told of it. */
static inline uint64_t
gcw__tell_begin(unsigned what)
{
    return gcw__tells(what) ? gcw__clock() : 0;
}

/* A line on stderr about a callback that has ended; `began` is not 0.
 * `word` is what was asked for, `sort` that of the callback; name may be
 * NULL. */
struct gcw__told {
    const char *word, *sort, *name;
    uintptr_t code;
    bool failed;
};
void gcw__tell_line(uint64_t began, const struct gcw__told *told);

/* How many callbacks of all kinds have failed. */
extern _Atomic uint64_t gcw__failures;

static inline void
gcw__count_failure(void)
{
    atomic_fetch_add_explicit(&gcw__failures, 1, memory_order_relaxed);
}

/* Names what lies at an address: "function (object)", or where in which object
 * it is, in the form that addr2line takes. */
void gcw__print_code(FILE *out, uintptr_t code);

/* The same for data, from its symbol on. */
void gcw__print_data(FILE *out, uintptr_t address);

#endif
