/* shutdown.h: what happens when the process exits.  See shutdown.c. */
#ifndef GCW__SHUTDOWN_H
#define GCW__SHUTDOWN_H

/* Has the C library call us at exit.  Returns 0 or an errno. */
int gcw__shutdown_install(void);

#endif
