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
 * user code as well; if it fails in turn, it is called again, so it must know
 * that it was at work.  One setjmp for all steps. */
void gcw__guard_run(void *run, bool (*step)(void *run),
                    void (*failed)(void *run, const char *why));

/* Whether the frame at that address, which should not have ended, has, as far
 * as can be told from `here`, an address in a frame that has not: somebody has
 * jumped over it. */
bool gcw__frame_is_over(uintptr_t frame, uintptr_t here);

/* Aborts, and says that a callback was left by a jump. */
GCW_NORETURN void gcw__left_by_jump(void);

#endif
