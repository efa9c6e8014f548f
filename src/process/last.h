/* last.h: the end of a process whose main thread has left it to others.  See
 * last.c. */
#ifndef GCW__LAST_H
#define GCW__LAST_H

#include <stdbool.h>

/* Called on the main thread, once it is known: notices if it leaves by
 * pthread_exit. */
void gcw__last_watch_main(void);

/* Called when there is one more thread of ours, which would keep such a
 * process alive. */
void gcw__last_needed(void);

/* A thread waits for signals (on-signal.c), or no longer. */
void gcw__last_signal_thread(bool waits);

#endif
