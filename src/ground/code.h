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

/* How many threads are unloading code; they hold the dynamic linker's lock. */
extern atomic_uint gcw__code_unloading;

/* Keeps the shared object loaded that contains this library: it may be a
 * plugin that was linked with the static library. */
void gcw__code_stay(void);

/* Has the next gcw__code_gone find out whether any shared object was ever
 * unloaded: while none was, all code is where it was.  Called at the beginning
 * of a run of callbacks. */
void gcw__code_look(void);

/* Whether the code at that address was unloaded, so that nothing is mapped
 * there now.  Does not see the first unloading of all if that came after the
 * last gcw__code_look.  No lock held; may take the dynamic linker's, but not
 * for code of the program itself. */
bool gcw__code_gone(uintptr_t code);

#endif
