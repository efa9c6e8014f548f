/* method.c: weak methods.
 *
 * A method is constant, so threads share it without a lock.  Its references
 * are shared with all other methods on the same targets, and outlive them:
 * methods are equal if their references are the same.
 */
#include <config.h>
#include "weak/method.h"

#include "collector/objects.h"
#include "ground/memory.h"
#include "weak/enter.h"

static gcw_method *
method_of(gcw_ref *self, gcw_method_fn *fn, void *data, size_t more)
{
    gcw_method *m = gcw__new(sizeof *m + more);

    if (m == NULL)
        return gcw__fail_null(ENOMEM);
    m->self = self;
    m->fn = fn;
    m->data = data;
    return m;
}

static gcw_method *
weak_method_of(gcw_ref *self, gcw_method_fn *fn, gcw_ref *ref, void *data)
{
    gcw_method *m = method_of(self, fn, &gcw__data_is_weak, 2 * sizeof ref);

    if (m == NULL)
        return NULL;
    m->weak_data[0] = ref;
    m->weak_data[1] = (gcw_ref *)~(uintptr_t)data;
    return m;
}

gcw_method *
gcw_method_new(void *self, gcw_method_fn *fn, void *data)
{
    void *base;
    gcw_ref *ref;

    if (gcw__enter() != 0)
        return NULL;
    base = gcw__base(self);
    if (base == NULL || fn == NULL || gcw__base(data) == base
        || !gcw__holdable(data))
        return gcw__refuse_null(EINVAL, "heap self, given fn, apart data", self,
                                (void *)fn, data);
    ref = gcw__shard_ref(base, self, false);
    return ref == NULL ? NULL : method_of(ref, fn, data, 0);
}

gcw_method *
gcw_method_new_weak(void *self, gcw_method_fn *fn, void *data)
{
    void *base, *data_base;
    gcw_ref *ref, *data_ref;

    if (gcw__enter() != 0)
        return NULL;
    base = gcw__base(self);
    data_base = gcw__base(data);
    if (base == NULL || fn == NULL || data_base == NULL)
        return gcw__refuse_null(EINVAL, "heap self, given fn, heap data", self,
                                (void *)fn, data);
    ref = gcw__shard_ref(base, self, false);
    data_ref = ref == NULL ? NULL : gcw__shard_ref(data_base, data, false);
    return data_ref == NULL ? NULL : weak_method_of(ref, fn, data_ref, data);
}

/* The parts, all NULL if the method is dead. */
static inline gcw_bound
bind(const gcw_method *m)
{
    gcw_ref *weak_data = gcw__method_weak_data(m);
    void *self = gcw__read(m->self);
    void *data = weak_data == NULL ? m->data : gcw__read(weak_data);

    if (self == NULL || (weak_data != NULL && data == NULL))
        return (gcw_bound){ NULL, NULL, NULL };
    return (gcw_bound){ self, m->fn, data };
}

/* Calls a copy, which holds the parts whatever becomes of the caller's. */
static inline void *
call_bound(gcw_bound bound, void *arg)
{
    void *result = bound.fn(bound.self, arg, bound.data);

    GCW__KEEP(bound.self);
    GCW__KEEP(bound.data);
    return result;
}

bool
gcw_method_bind(const gcw_method *m, gcw_bound *out)
{
    if (m == NULL || out == NULL)
        return gcw__refuse_false(EINVAL, "given m, given out", m, out);
    *out = bind(m);
    return out->fn != NULL;
}

void *
gcw_bound_call(const gcw_bound *bound, void *arg)
{
    if (bound == NULL || bound->fn == NULL)
        return gcw__refuse_null(EINVAL, "given bound, because bound->fn is NULL:"
                                " the method was dead", bound);
    return call_bound(*bound, arg);
}

int
gcw_method_invoke(const gcw_method *m, void *arg, void **result)
{
    gcw_bound bound;
    void *got;

    if (m == NULL)
        return gcw__refuse_int(EINVAL, "given m", m);
    bound = bind(m);
    if (bound.fn == NULL)
        return gcw__refuse_int(ESTALE, "method m", m);
    got = call_bound(bound, arg);
    if (result != NULL)
        *result = got;
    return 0;
}

bool
gcw_method_alive(const gcw_method *m)
{
    if (m == NULL)
        return gcw__refuse_false(EINVAL, "given m", m);
    return bind(m).fn != NULL;
}

bool
gcw__method_lives_also(uintptr_t method, uintptr_t *out)
{
    const gcw_method *m = (const gcw_method *)method;
    bool is_weak = gcw__method_weak_data(m) != NULL;

    if (is_weak)
        *out = ~(uintptr_t)m->weak_data[1];
    return is_weak;
}

bool
gcw_method_equal(const gcw_method *a, const gcw_method *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->self == b->self && a->fn == b->fn && a->data == b->data
           && gcw__method_weak_data(a) == gcw__method_weak_data(b);
}

/* Uses the ids of the references, which spread better than their addresses. */
size_t
gcw_method_hash(const gcw_method *m)
{
    gcw_ref *weak_data;
    uintptr_t hash;

    if (m == NULL)
        return 0;
    weak_data = gcw__method_weak_data(m);
    hash = gcw__mix((uintptr_t)m->self->id);
    hash = gcw__mix(hash ^ (uintptr_t)m->fn);
    hash = gcw__mix(hash ^ (uintptr_t)m->data);
    return gcw__mix(hash ^ (weak_data == NULL ? 0
                                              : (uintptr_t)weak_data->id));
}
