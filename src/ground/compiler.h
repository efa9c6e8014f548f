/* compiler.h: directives for the compiler. */
#ifndef GCW__COMPILER_H
#define GCW__COMPILER_H

#include <stdint.h>    /* tells which C library this is, if it is glibc */

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

/* For a variable of each thread that is read so often that it is worth a place
 * in the static block of the thread: reading it is one instruction then, else
 * mostly a call.  glibc keeps some room in that block for libraries that come
 * by dlopen.  musl keeps none and loads no library that wants some; nor may
 * others. */
#ifdef __GLIBC__
# define GCW__IN_STATIC_BLOCK __attribute__((__tls_model__("initial-exec")))
#else
# define GCW__IN_STATIC_BLOCK
#endif

#endif
