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

/* Where the shared object lies that `code` is in; false if it is the program
 * itself or nothing that the dynamic linker knows. */
bool gcw__object_of(uintptr_t code, struct gcw__range *range);

/* How many threads are unloading code, and have the dynamic linker's lock. */
extern atomic_uint gcw__code_unloading;

/* Sees to it that the shared object which this library is part of is not
 * unloaded: it may be a plugin that was linked with the static one. */
void gcw__code_stay(void);

/* The next gcw__code_gone finds out whether any shared object was ever
 * unloaded: while none was, all code is where it was.  For the beginning of a
 * run of callbacks. */
void gcw__code_look(void);

/* Whether the code at that address has been unloaded, as far as was known in
 * this run: whether there is nothing at that address any more.  No lock held;
 * may take the dynamic linker's, but not for code of the program itself. */
bool gcw__code_gone(uintptr_t code);

#endif
