/* fork.h: processes. */
#ifndef GCW__FORK_H
#define GCW__FORK_H

/* Makes the library survive fork.  Returns 0 or an errno. */
int gcw__fork_install(void);

/* A number for this process, different from that of its parent. */
unsigned gcw__process(void);

/* Makes sure of it, where fork's own handlers may have been passed by. */
void gcw__process_check(void);

#endif
