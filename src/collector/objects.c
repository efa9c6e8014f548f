/* objects.c: what the collector knows of an object. */
#include <config.h>
#include "collector/objects.h"

#include <gc/gc_mark.h>
#include <stdint.h>

/* The collector's kinds.  They have no public names. */
static struct {
    int atomic, uncollectable, atomic_uncollectable;
} kinds;

enum { BLOCK = 4096, SMALLEST_BLOCK = 256 };

uintptr_t gcw__block_mask = ~(uintptr_t)(SMALLEST_BLOCK - 1);

static int
kind_of_object(const void *object)
{
    return GC_get_kind_and_size(object, NULL);
}

/* The collector gives a large object whole blocks.  So one that is a little larger
 * than BLOCK gets twice that, or more, if they are no smaller. */
static void
look_at_blocks(const void *large)
{
    if (large != NULL && GC_size(large) >= 2 * BLOCK)
        gcw__block_mask = ~(uintptr_t)(BLOCK - 1);
}

bool
gcw__objects_start(void)
{
    void *atomic = GC_MALLOC_ATOMIC(1);
    void *uncollectable = GC_MALLOC_UNCOLLECTABLE(1);
    void *both = GC_MALLOC_ATOMIC_UNCOLLECTABLE(1);
    bool found = atomic != NULL && uncollectable != NULL && both != NULL;

    if (found) {
        kinds.atomic = kind_of_object(atomic);
        kinds.uncollectable = kind_of_object(uncollectable);
        kinds.atomic_uncollectable = kind_of_object(both);
    }
    look_at_blocks(GC_MALLOC_ATOMIC(BLOCK + 1));
    GC_FREE(uncollectable);
    GC_FREE(both);
    return found;
}

bool
gcw__is_uncollectable(const void *base)
{
    int kind = kind_of_object(base);

    return kind == kinds.uncollectable || kind == kinds.atomic_uncollectable;
}

bool
gcw__is_pointer_free(const void *base)
{
    int kind = kind_of_object(base);

    return kind == kinds.atomic || kind == kinds.atomic_uncollectable;
}

bool
gcw__is_debug_offset(size_t at)
{
#if HAVE_GC_GET_DEBUG_HEADER_SIZE
    return at == GC_get_debug_header_size();
#else
    (void)at;
    return false;
#endif
}

/* The offset may be registered already, by the application or by the debugging
 * allocators; registering it again changes nothing. */
bool
gcw__is_followed(const void *pointer)
{
    void *base = GC_base((void *)(uintptr_t)pointer);
    size_t at = (uintptr_t)pointer - (uintptr_t)base;

    if (base == NULL || at == 0 || gcw__is_uncollectable(base))
        return true;
    if (at >= sizeof(void *) && !gcw__is_debug_offset(at))
        return false;
    GC_register_displacement(at);
    return true;
}
