/* ref.c: weak references, as the user calls them.
 *
 * What they are made of and why that is safe: seats.c, shards.c, way.h.  How they are read:
 * read.h.  How deaths are noticed: death.c.
 */
#include <config.h>
#include "weak/ref.h"

#include "marks/engine.h"
#include "weak/enter.h"
#include "weak/container.h"

/* Not inlined, lest who is not refused should find that out. */
static __attribute__((__cold__, __noinline__)) const char *
function_for(bool is_long)
{
    return is_long ? "gcw_ref_new_long" : "gcw_ref_new";
}

static gcw_ref *
new_ref(const void *target, bool is_long)
{
    void *base;

    if (gcw__enter_for(function_for(is_long)) != 0)
        return NULL;
    base = gcw__base(target);
    if (base == NULL) {
        gcw__refused(function_for(is_long), EINVAL, "heap target", target);
        return NULL;
    }
    return gcw__shard_ref(base, target, is_long);
}

gcw_ref *
gcw_ref_new(const void *target)
{
    return new_ref(target, false);
}

gcw_ref *
gcw_ref_new_long(const void *target)
{
    return new_ref(target, true);
}

gcw_ref *
gcw_ref_find(const void *target)
{
    void *base;

    if (gcw__enter() != 0)
        return NULL;
    base = gcw__base(target);
    if (base == NULL)
        return gcw__refuse_null(EINVAL, "heap target", target);
    return gcw__shard_find(base, target);
}

/* A read takes so few instructions that it matters in how many lines of the
 * cache they lie. */
__attribute__((__aligned__(64))) void *
gcw_ref_get(const gcw_ref *ref)
{
    if (!GCW__LIKELY(ref != NULL))
        return gcw__refuse_null(EINVAL, "given ref", ref);
    return gcw__read(ref);
}

uint64_t
gcw_ref_id(const gcw_ref *ref)
{
    if (ref == NULL)
        return gcw__refuse_zero(EINVAL, "given ref", ref);
    return ref->id;
}

int
gcw_dispose(void *target)
{
    void *base;

    if (gcw__enter() != 0)
        return -1;
    base = gcw__base(target);
    if (base == NULL)
        return gcw__refuse_int(EINVAL, "heap target", target);
    gcw__container_dispose(base);
    gcw__deaths_of(base);
    gcw__engine_kill(base);
    gcw__containers_tidy();
    GCW__KEEP(target);
    return 0;
}
