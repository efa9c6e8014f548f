/* enter.h: what every call into the library begins with. */
#ifndef GCW__ENTER_H
#define GCW__ENTER_H

#include "collector/objects.h"
#include "collector/threads.h"
#include "ground/fail.h"
#include "weak/death.h"
#include "weak/refuse.h"

/* Starts the library: gcw_init, for the public function of that name, which is
 * told if it is refused; NULL: nothing is told. */
int gcw__init_for(const char *function);

/* Calls that, and checks that the collector knows the thread.  Returns 0, or -1
 * with errno. */
int gcw__enter_first(const char *function);

/* Begins a call into the library: starts the library if need be, refuses
 * unknown threads, and notices the deaths of the collections since the last
 * call.  gcw__known is set only after the library has started.  No lock may be
 * held.  `function` is the public one, which is told if it is refused; it is
 * asked for only then.  Returns 0, or -1 with errno. */
#define gcw__enter_for(function)                                            \
    (GCW__LIKELY(gcw__known) || gcw__enter_first(function) == 0             \
     ? (gcw__tick(), 0) : -1)

/* The same, in the public function itself. */
#define gcw__enter() gcw__enter_for(__func__)

#endif
