/* starting.h: the lock of starting the library.  See starting.c. */
#ifndef GCW__STARTING_H
#define GCW__STARTING_H

/* While the lock is held no other thread is starting the library. */
void gcw__start_lock(void);
void gcw__start_unlock(void);

#endif
