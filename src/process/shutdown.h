/* shutdown.h: what happens when the process exits.  See shutdown.c. */
#ifndef GCW__SHUTDOWN_H
#define GCW__SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

/* Has the C library call us at exit.  Returns 0 or an errno. */
int gcw__shutdown_install(void);

/* Whether those calls can be told apart. */
#if HAVE_ON_EXIT
enum { GCW__HAVE_PLACES = 1 };
#else
enum { GCW__HAVE_PLACES = 0 };
#endif

/* Registers one more call, for the handler that has that place.  False: no
 * memory.  No lock held. */
bool gcw__shutdown_register(uintptr_t place);

/* Does all that happens at an exit now, once; the process goes on.  Waits while
 * another thread exits.  False if this thread cannot be made known to the
 * collector.  The library has started. */
bool gcw__shutdown_now(int status);

#endif
