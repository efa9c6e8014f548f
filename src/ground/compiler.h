/* compiler.h: what is said to the compiler. */
#ifndef GCW__COMPILER_H
#define GCW__COMPILER_H

/* Keeps what p points to alive up to here, whatever the optimiser thinks. */
#define GCW__KEEP(p) __asm__ volatile("" : : "X"(p) : "memory")

/* For functions that read or clear what is not theirs.  A detector would
 * complain, or put gaps in their frames, which are not cleared. */
#define GCW__UNCHECKED __attribute__((__no_sanitize__("address")))

#define GCW__LIKELY(x) __builtin_expect(!!(x), 1)

#endif
