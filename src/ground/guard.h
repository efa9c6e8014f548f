/* guard.h: running callbacks that may fail. */
#ifndef GCW__GUARD_H
#define GCW__GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <gcweak/base.h>

/* What a guard calls. */
struct gcw__guarded {
    /* Runs user code; false: that was all. */
    bool (*step)(void *run);
    /* User code has called gcw_fail, which has ended the step.  May run user
     * code as well; if that fails in turn, this is called again, so it must
     * remember in `run` what it has begun. */
    void (*failed)(void *run, const char *why);
    /* User code has called gcw_failed, and goes on after this. */
    void (*told)(void *run, const char *why);
};

/* Calls step(run) until it returns false.  A step may be left by an exception;
 * see guard.c.  There is one setjmp for all steps. */
void gcw__guard_run(void *run, const struct gcw__guarded *how);

/* The run of the innermost guard that encloses *at on the stack of `here`, an
 * address in the caller's frame; with how it is run, and *at is the guard then,
 * from which the search can go on outwards.  *at is `here` at first.  NULL:
 * there is none, or none is known, as on a fiber beyond the innermost. */
void *gcw__guard_around(uintptr_t here, uintptr_t *at,
                        const struct gcw__guarded **how);

/* Whether the frame at that address, which should still be there, was ended by
 * a jump over it.  `here` is an address in a frame that has not ended.  False
 * also if the addresses are not both on the thread's own stack. */
bool gcw__frame_is_over(uintptr_t frame, uintptr_t here);

/* Aborts, and says that a callback was left by a jump. */
GCW_NORETURN void gcw__left_by_jump(void);

#endif
