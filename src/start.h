/* init.h: what every entry into the library begins with. */
#ifndef GCW__INIT_H
#define GCW__INIT_H

#include "death.h"

#include <errno.h>
#include <stdatomic.h>

/* Whether gcw_init has succeeded. */
extern atomic_bool gcw__ready;

/* gcw_init, and the check that the collector knows the thread.  Returns 0, or
 * -1 with errno. */
int gcw__enter_first(void);

/* Begins a call into the library: starts it if need be, refuses unknown
 * threads, and looks after what the collections since the last call have
 * done.  A thread is known only since the library was started.  No lock may
 * be held.  Returns 0, or -1 with errno. */
static inline int
gcw__enter(void)
{
    if (!GCW__LIKELY(gcw__known) && gcw__enter_first() != 0)
        return -1;
    gcw__tick();
    return 0;
}

/* Prepares what can be without the collector: for forks and the exit.  Returns
 * 0 or an errno. */
int gcw__start_early(void);

/* While the lock is held nobody is in the middle of starting the library. */
void gcw__start_lock(void);
void gcw__start_unlock(void);

/* Fails a call. */
static inline void *
gcw__fail_null(int error)
{
    errno = error;
    return NULL;
}

static inline int
gcw__fail_int(int error)
{
    errno = error;
    return -1;
}

#endif
