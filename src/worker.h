/* worker.h: the thread that drains.  See worker.c. */
#ifndef GCW__WORKER_H
#define GCW__WORKER_H

/* Ends the worker for good: the process exits. */
void gcw__worker_end(void);

void gcw__worker_fork_prepare(void);
void gcw__worker_fork_parent(void);
void gcw__worker_fork_child(void);

#endif
