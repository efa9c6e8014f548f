/* fork.h: child processes.  See fork.c. */
#ifndef GCW__FORK_H
#define GCW__FORK_H

/* Makes the library survive fork.  Returns 0 or an errno. */
int gcw__fork_install(void);

#endif
