/* enter.h: what every call into the library begins with. */
#ifndef GCW__ENTER_H
#define GCW__ENTER_H

#include "collector/objects.h"
#include "collector/threads.h"
#include "ground/fail.h"
#include "weak/death.h"

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

#endif
