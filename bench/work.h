/* work.h: what the contestants share.
 *
 * The clock, targets to refer to, and the raw way: a weak reference as
 * bdwgc's documentation tells to make and to read it.
 */
#ifndef WORK_H
#define WORK_H

#ifndef GC_THREADS
# define GC_THREADS
#endif
#include <gc.h>
#include <stddef.h>

#define NOINLINE __attribute__((noinline))

/* Says on stderr what went wrong, and ends the process. */
_Noreturn void fail(const char *what, const char *why);

/* Starts the collector in a child, with a lock that really locks. */
void start_collector(void);

/* The time in nanoseconds. */
double now(void);

/* Makes the compiler believe that the pointer is used. */
static inline void
use(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* p, unless it is NULL: then memory ran out and the process ends. */
void *must(void *p);

/* n pointers in the collected heap, all NULL. */
void **new_array(size_t n);

/* n new targets of 32 bytes, held by a new array. */
void **new_targets(size_t n);

/* Brings the pointers, or numbers, into an order that is random but always the
 * same. */
void shuffle(void **pointers, size_t n);
void shuffle_order(size_t *order, size_t n);

/* The numbers below n in random order; and each number below n so many times,
 * one after the other.  In malloc memory. */
size_t *random_order(size_t n);
size_t *repeated_order(size_t n, size_t times);

/* Forgets an array and what it held; overwrites the stack below the caller. */
void drop(void ***array, size_t n);

/* A function for methods that are not called. */
void *idle_method(void *self, void *arg, void *data);

/* A raw weak reference: a pointer-free cell with the hidden pointer, and a
 * disappearing link on it.  raw_new: the cell is in the collected heap;
 * raw_new_outside: in malloc memory; raw_link: anywhere. */
GC_hidden_pointer *raw_new(void *target);
GC_hidden_pointer *raw_new_outside(void *target);
void raw_link(GC_hidden_pointer *cell, void *target);

/* The target or NULL, read under the collector's lock. */
void *raw_read(GC_hidden_pointer *cell);

#endif
