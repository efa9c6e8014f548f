/* process.h: which process this is.
 *
 * What belongs to a process is marked with its number, which is not 0, and
 * differs from those of the processes that it descends from.  The number is
 * cheaper than the pid, and never the same in parent and child, as the pid may
 * be if the child is in a pid namespace of its own.
 *
 * The number stands in a page that the kernel empties in each child, however
 * that was made (MADV_WIPEONFORK): the first thread that reads it there writes
 * another.  Where the kernel cannot do that, the fork handlers count, and
 * gcw__process_check recognizes a child that was made around them by its pid.
 * Where it says that it can, and does not, as emulators of it do (qemu 7.2),
 * these two empty the page.
 */
#ifndef GCW__PROCESS_H
#define GCW__PROCESS_H

#include <stdatomic.h>

extern _Atomic unsigned *_Atomic gcw__process_word;

/* Gives this process a number, which it does not have yet; returns it. */
unsigned gcw__process_new(void);

/* The number of this process. */
static inline unsigned
gcw__process(void)
{
    unsigned number = atomic_load_explicit(
        atomic_load_explicit(&gcw__process_word, memory_order_relaxed),
        memory_order_relaxed);

    return __builtin_expect(number != 0, 1) ? number : gcw__process_new();
}

/* Gets the page, when the library starts. */
void gcw__process_install(void);

/* Counts, where there is no page that is empty: called in the child of a
 * fork. */
void gcw__process_forked(void);

/* The same, if the pid is another. */
void gcw__process_check(void);

#endif
