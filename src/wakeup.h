/* wakeup.h: a descriptor that can be made readable from anywhere. */
#ifndef GCW__WAKEUP_H
#define GCW__WAKEUP_H

/* The descriptor to poll, opened at the first call.  -1 with errno. */
int gcw__wakeup_open(void);

/* Makes it readable, if it is open.  Coalesces: at most one system call
 * between two clears.  Async-signal-safe; for the collector's hook too. */
void gcw__wakeup_set(void);

/* Makes it unreadable.  What is set afterwards is not lost; so clear first,
 * then look for work. */
void gcw__wakeup_clear(void);

/* The child gets the same number, but no longer the parent's wake-ups. */
void gcw__wakeup_fork_prepare(void);
void gcw__wakeup_fork_parent(void);
void gcw__wakeup_fork_child(void);

#endif
