/* worker.h: the thread that drains.  See worker.c. */
#ifndef GCW__WORKER_H
#define GCW__WORKER_H

#include "ground/part.h"

#include <stdbool.h>

/* Has started() called for each new worker, on the thread that made it. */
void gcw__worker_install(void (*started)(void));

/* Turns the worker off, and waits for up to a second until it has left. */
void gcw__worker_stop(void);

/* Ends the worker for good: the process exits. */
void gcw__worker_end(void);

/* The calling thread begins to exit.  If it is the worker, no thread waits for
 * its callback any more. */
void gcw__worker_exits(void);

/* Whether the worker's thread is there: it has begun its work. */
bool gcw__worker_runs(void);

extern const struct gcw__part gcw__worker_part;

#endif
