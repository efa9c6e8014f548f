/* hidden.h: pointers that the collector does not see.
 *
 * Such a word lies in scanned memory, and leads to an object without keeping
 * it alive.  It may be followed only while something else keeps the object
 * alive; the comment of the field says what does.  0 is no hidden pointer.
 * All bits are inverted, which the commands for gdb know.
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
