/* tell.h: the one way by which the library says something.  See tell.c. */
#ifndef GCW__TELL_H
#define GCW__TELL_H

#include "ground/compiler.h"
#include "ground/part.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gcweak/tell.h>

/* Which kinds are on. */
extern atomic_uint gcw__telling;

/* Whether that is to be told.  For whoever has to find out what to tell. */
static inline bool
gcw__told(unsigned what)
{
    return !GCW__LIKELY((atomic_load_explicit(&gcw__telling,
                                              memory_order_relaxed)
                         & what) == 0);
}

/* Reads the environment, at the first call. */
void gcw__tell_install(void);

/* Tells a line of that kind, if it is on.  `format` is printf's, without
 * "gcweak: " and without the end of the line.  May be on a thread that the
 * collector does not know, but not inside the collector.  Under a lock the line is
 * held back.  Keeps errno.  Allocates nothing. */
void gcw__tell(unsigned what, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3), __cold__));

/* The same, with what the code is behind the line. */
void gcw__tell_with(unsigned what, uintptr_t code, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4), __cold__));

/* Whether lines are held back, which were told under a lock. */
extern atomic_uint gcw__lines_held;

/* Tells them.  No lock held. */
void gcw__tell_held(void);

/* Sets the sink, a gcw_tell_fn.  The library has started. */
void gcw__tell_to(void (*fn)(void), void *data);

/* Turns kinds on or off.  False: there is no such kind. */
bool gcw__tell_set(unsigned what, bool on);

/* Counts a callback that has failed. */
void gcw__count_failure(void);

/* How many callbacks of all kinds have failed. */
uint64_t gcw__failures(void);

extern const struct gcw__part gcw__tell_part;

#endif
