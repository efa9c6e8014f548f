/* guard.h: running callbacks that may fail. */
#ifndef GCW__GUARD_H
#define GCW__GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <gcweak/base.h>

/* Calls step(run) until it returns false.  A step may be left by an exception;
 * see guard.c.
 *
 * A step runs user code.  If that calls gcw_fail, the step ends there,
 * failed(run, why) is called, and the next step follows.  failed() may run
 * user code as well; if that fails in turn, failed() is called again, so it
 * must remember in `run` what it has begun.  There is one setjmp for all
 * steps. */
void gcw__guard_run(void *run, bool (*step)(void *run),
                    void (*failed)(void *run, const char *why));

/* Whether the frame at that address, which should still be there, was ended by
 * a jump over it.  `here` is an address in a frame that has not ended.  False
 * also if the addresses are not both on the thread's own stack. */
bool gcw__frame_is_over(uintptr_t frame, uintptr_t here);

/* Aborts, and says that a callback was left by a jump. */
GCW_NORETURN void gcw__left_by_jump(void);

#endif
