/* stack.h: what is on the stack that the calling thread runs on.
 *
 * A thread may run on several stacks, if it has fibers: its own, which the
 * system made for it, and others that nobody knows the bounds of.
 */
#ifndef GCW__STACK_H
#define GCW__STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether the address lies in the thread's own stack. */
bool gcw__stack_own(uintptr_t address);

/* Words in a frame that tell that nobody has overwritten it. */
enum { GCW__MARKS = 8 };
struct gcw__marks {
    volatile uintptr_t words[GCW__MARKS];
};

/* A frame on the stack of a thread. */
struct gcw__frame {
    pthread_t thread;
    long id;                         /* the system's for the thread; 0: it has
                                      * none */
    const struct gcw__marks *marks;  /* in it */
};

/* That of the caller, in which these are; they are set. */
struct gcw__frame gcw__frame_here(struct gcw__marks *marks);

/* Whether something else lies where the frame was. */
bool gcw__frame_is_overwritten(const struct gcw__frame *frame);

/* Whether the frame has ended, of another thread of this process, though
 * nobody heard of it: the thread is gone, or waits for something and has less
 * on its own stack, or something else where the frame was.  False where that
 * cannot be told. */
bool gcw__frame_of_other_is_over(const struct gcw__frame *frame);

/* Whether a call of that function has not returned yet, as far as the stack
 * can be unwound: false where a frame says nothing of its caller.  For
 * functions that do not end in a jump to another one. */
bool gcw__stack_calls(void (*function)(void));

/* Overwrites what calls have left below the caller's frame. */
void gcw__clear_stack(void);

#endif
