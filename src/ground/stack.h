/* stack.h: what is on the stack that the calling thread runs on.
 *
 * A thread may run on several stacks, if it has fibers: its own, which the
 * system made for it, and others, whose bounds are not known.
 */
#ifndef GCW__STACK_H
#define GCW__STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether the address lies in the thread's own stack. */
bool gcw__stack_own(uintptr_t address);

/* Words in a frame that show whether it was overwritten. */
enum { GCW__MARKS = 8 };
struct gcw__marks {
    volatile uintptr_t words[GCW__MARKS];
};

/* A frame on the stack of a thread. */
struct gcw__frame {
    pthread_t thread;
    long id;                         /* the system's for the thread; 0: it has
                                      * none */
    const struct gcw__marks *marks;  /* in the frame */
};

/* The frame of the caller, which contains the marks; sets them. */
struct gcw__frame gcw__frame_here(struct gcw__marks *marks);

/* Whether something else lies where the frame was. */
bool gcw__frame_is_overwritten(const struct gcw__frame *frame);

/* Whether a frame of another thread of this process has ended without running
 * its cleanups: the thread is gone, or it waits for something and its own
 * stack is shorter now, or holds something else where the frame was.  False
 * where that cannot be told. */
bool gcw__frame_of_other_is_over(const struct gcw__frame *frame);

/* Whether the calling thread is within a call of that function, as far as its
 * stack can be unwound: false if a frame on the way does not lead to its
 * caller.  For functions that do not end in a jump to another function. */
bool gcw__stack_calls(void (*function)(void));

/* The same, but if a frame on the way does not lead to its caller, as those of
 * musl do not, also true if a word of the thread's own stack is an address to
 * return to in that function.  An earlier call may have left that. */
bool gcw__stack_may_call(void (*function)(void));

/* Overwrites what calls have left below the caller's frame. */
void gcw__clear_stack(void);

#endif
