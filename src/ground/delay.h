/* delay.h: points at which a test may delay the library.
 *
 * The points stand where the order of steps matters between threads: before
 * and after a lock, between two writes that a reader may see apart.  In the
 * product they expand to nothing.  A test that includes read.h with a delay of
 * its own defines GCW__DELAY before; the library for t/torture.c is built with
 * GCW__DELAYED.
 *
 * The delay is called with whatever locks the caller holds, perhaps the
 * collector's too: it must not allocate, nor wait for another thread without
 * a bound.
 */
#ifndef GCW__DELAY_H
#define GCW__DELAY_H

#ifdef GCW__DELAYED
/* Points are told apart by their lines, which is good enough. */
void gcw__delay(unsigned line);
#endif

#ifndef GCW__DELAY
# ifdef GCW__DELAYED
#  define GCW__DELAY(step) gcw__delay(__LINE__)
# else
#  define GCW__DELAY(step) ((void)0)
# endif
#endif

#endif
