/* compiler.h: directives for the compiler. */
#ifndef GCW__COMPILER_H
#define GCW__COMPILER_H

/* Keeps what p points to alive up to here, whatever the optimiser thinks. */
#define GCW__KEEP(p) __asm__ volatile("" : : "X"(p) : "memory")

/* Clears the variable in memory, not only in a register: the place on the stack,
 * too, in which an argument may have come. */
#define GCW__CLEAR(p)                        \
    do {                                     \
        (p) = NULL;                          \
        __asm__ volatile("" : "+m"(p));      \
    } while (0)

/* For functions that read or clear frames that are not theirs.  The address
 * sanitizer would complain, or leave gaps in frames, which are not cleared. */
#define GCW__UNCHECKED __attribute__((__no_sanitize__("address")))

#define GCW__LIKELY(x) __builtin_expect(!!(x), 1)

#endif
