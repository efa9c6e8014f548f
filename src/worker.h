/* worker.h: the thread that drains.  See worker.c. */
#ifndef GCW__WORKER_H
#define GCW__WORKER_H

#include <signal.h>
#include <stdbool.h>

/* Ends the worker for good: the process exits. */
void gcw__worker_end(void);

/* The calling thread begins to exit.  If it is the worker, nobody waits for
 * its callback any more. */
void gcw__worker_exits(void);

/* Waits until the worker has left code in the range, but not for ever.  What
 * lies there is not called any more. */
struct gcw__range;
void gcw__worker_object_unloading(const struct gcw__range *range);

/* What a thread of ours blocks: all signals but those that the collector stops
 * threads with, and those that a fault raises, which the collector may be the
 * one to handle. */
void gcw__worker_signals(sigset_t *set);

/* Whether there is one. */
bool gcw__worker_alive(void);

void gcw__worker_fork_prepare(void);
void gcw__worker_fork_parent(void);
void gcw__worker_fork_child(void);

#endif
