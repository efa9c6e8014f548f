/* threads.h: which threads the collector knows.  See threads.c. */
#ifndef GCW__THREADS_H
#define GCW__THREADS_H

#include "ground/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* Set once the thread has been looked up and found known, and if its end will
 * be noticed.  Read in nearly every call, so it is worth its place in the
 * static block of the thread. */
extern _Thread_local bool gcw__known GCW__IN_STATIC_BLOCK;

/* Whether the collector, which runs, knows the thread; if so, remembers
 * that. */
bool gcw__thread_look_up(void);

/* The same, but uses first what is remembered. */
static inline bool
gcw__thread_known(void)
{
    return GCW__LIKELY(gcw__known) || gcw__thread_look_up();
}

/* Whether the collector knows the calling thread, whatever is remembered. */
bool gcw__thread_known_now(void);

/* Calls call(arg) with the calling thread known to the collector, and its
 * stack scanned.  The thread may be unknown, and is then registered during the
 * call; or within GC_do_blocking; or ending, when the collector has let go of
 * it.  False if that cannot be done.  Takes the collector's lock. */
bool gcw__as_known(void (*call)(void *arg), void *arg);

/* The same, but without the collector's lock if it is remembered that the
 * thread is known, and it is not within GC_do_blocking: for the end of the
 * process, which may begin in a signal handler. */
bool gcw__as_known_at_exit(void (*call)(void *arg), void *arg);

/* Whether it is remembered that the thread is known, and it is not within
 * GC_do_blocking, so that nothing need be done for such a call.  Unwinds the
 * stack, or looks through it. */
bool gcw__known_at_exit(void);

/* Whether this is the thread that the process began with.  True where that
 * cannot be told. */
bool gcw__thread_is_main(void);

/* Where the stack begins that the thread, which is known, runs on: its oldest
 * frame is there.  Takes the collector's lock. */
uintptr_t gcw__thread_stack_bottom(void);

#endif
