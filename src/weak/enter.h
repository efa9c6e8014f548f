/* enter.h: what every call into the library begins with. */
#ifndef GCW__ENTER_H
#define GCW__ENTER_H

#include "collector/objects.h"
#include "collector/threads.h"
#include "ground/fail.h"
#include "weak/death.h"

/* Calls gcw_init, and checks that the collector knows the thread.  Returns 0,
 * or -1 with errno. */
int gcw__enter_first(void);

/* Begins a call into the library: starts the library if need be, refuses
 * unknown threads, and notices the deaths of the collections since the last
 * call.  gcw__known is set only after the library has started.  No lock may be
 * held.  Returns 0, or -1 with errno. */
static inline int
gcw__enter(void)
{
    if (!GCW__LIKELY(gcw__known) && gcw__enter_first() != 0)
        return -1;
    gcw__tick();
    return 0;
}

#endif
