/* code.h: where functions lie, and whether they still do. */
#ifndef GCW__CODE_H
#define GCW__CODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The addresses of a loaded object, end excluded. */
struct gcw__range {
    uintptr_t start, end;
};

static inline bool
gcw__in_range(uintptr_t code, const struct gcw__range *range)
{
    return code - range->start < range->end - range->start;
}

/* Finds the shared object that `code` lies in.  False if `code` lies in the
 * program itself, or in nothing that the dynamic linker knows. */
bool gcw__object_of(uintptr_t code, struct gcw__range *range);

/* Whether the address lies in the program or in a shared object: also in a
 * static program, of which the dynamic linker says nothing. */
bool gcw__in_object(const void *address);

/* How many threads are unloading code; they hold the dynamic linker's lock. */
extern atomic_uint gcw__code_unloading;

/* Keeps the shared object loaded that contains this library: it may be a
 * plugin that was linked with the static library. */
void gcw__code_stay(void);

/* Has the next gcw__code_gone find out whether any shared object was ever
 * unloaded: while none was, all code is where it was.  Called at the beginning
 * of a run of callbacks. */
void gcw__code_look(void);

/* Where the program itself lies.  The length is 0 until that was asked for, and
 * written last. */
extern _Atomic uintptr_t gcw__program_start, gcw__program_length;

/* Whether the code is known to be the program's own, which stays. */
static inline bool
gcw__in_program(uintptr_t code)
{
    uintptr_t length = atomic_load_explicit(&gcw__program_length,
                                            memory_order_acquire);

    return code - atomic_load_explicit(&gcw__program_start,
                                       memory_order_relaxed) < length;
}

/* gcw__code_gone of code that is not known to be the program's. */
bool gcw__other_code_gone(uintptr_t code);

/* Whether the code at that address was unloaded, so that nothing is mapped
 * there now.  Does not see the first unloading of all if that came after the
 * last gcw__code_look.  No lock held; may take the dynamic linker's, but not
 * for code of the program itself: a signal handler that calls exit may have
 * interrupted a thread that was taking it, as each collection does at its
 * beginning. */
static inline bool
gcw__code_gone(uintptr_t code)
{
    return !gcw__in_program(code) && gcw__other_code_gone(code);
}

#endif
