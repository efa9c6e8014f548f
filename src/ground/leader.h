/* leader.h: which thread ends the process.
 *
 * The first thread that exits is the leader (exit-turn.c).  Calls that register
 * something ask which thread that is, without a lock.
 */
#ifndef GCW__LEADER_H
#define GCW__LEADER_H

#include "ground/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The number of the calling thread.  Unlike a pthread_t it is never given to
 * another thread, not even in a forked child, where the thread that forked
 * keeps its number. */
uint64_t gcw__this_thread(void);

/* Whether some thread ends the process.  Any lock may be held. */
bool gcw__exit_is_begun(void);

/* Whether the calling thread does.  Any lock may be held. */
bool gcw__exit_is_mine(void);

/* The leader of this process, or of one that it descends from; 0: none. */
extern _Atomic uint64_t gcw__leader;

bool gcw__exit_is_led_by_other(void);

/* Whether another thread does.  Any lock may be held. */
static inline bool
gcw__exit_is_others(void)
{
    return !GCW__LIKELY(atomic_load_explicit(&gcw__leader,
                                             memory_order_acquire) == 0)
           && gcw__exit_is_led_by_other();
}

/* Makes that thread the leader of this process; 0: none.  Exit lock held. */
void gcw__exit_set_leader(uint64_t thread);

#endif
