/* hidden.h: pointers that the collector does not see.
 *
 * A word in scanned memory that leads to an object without keeping it alive.
 * It may be followed only while something else keeps the object: who has such
 * a word says what that is.  0 is none.  The commands for gdb know how it is
 * done: all bits are turned.
 */
#ifndef GCW__HIDDEN_H
#define GCW__HIDDEN_H

#include <gc.h>
#include <stdint.h>

static inline uintptr_t
gcw__hide(const void *pointer)
{
    return GC_HIDE_POINTER(pointer);
}

static inline void *
gcw__reveal(uintptr_t hidden)
{
    return GC_REVEAL_POINTER(hidden);
}

#endif
