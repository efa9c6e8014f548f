/* leader.h: which thread ends the process.
 *
 * The first thread that exits leads (exit-run.c).  Whoever registers something
 * asks for it, without a lock.
 */
#ifndef GCW__LEADER_H
#define GCW__LEADER_H

#include <stdbool.h>
#include <stdint.h>

/* A number for the calling thread.  Unlike a pthread_t it is never given to
 * another, not even in a forked child, where the thread that forked keeps
 * it. */
uint64_t gcw__this_thread(void);

/* Whether a thread ends the process; whether this one does; whether another
 * one does.  Any lock may be held. */
bool gcw__exit_is_begun(void);
bool gcw__exit_is_mine(void);
bool gcw__exit_is_others(void);

/* From now on that thread of this process does; 0: nobody.  Exit lock held. */
void gcw__exit_set_leader(uint64_t thread);

#endif
