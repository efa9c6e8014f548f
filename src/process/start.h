/* start.h: starting the library.  See start.c. */
#ifndef GCW__START_H
#define GCW__START_H

/* Prepares for forks and exit, without the collector.  Returns 0 or an
 * errno. */
int gcw__start_early(void);

#endif
