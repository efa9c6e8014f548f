/* method-set.c: sets of weak methods.
 *
 * A map with weak keys, but that an object may have several methods.  Each has
 * an entry of its own, with the object for a key and the method for a value: so
 * it is an ephemeron, and the set holds the method, and its strong data, as long
 * as the object lives, wherever the data leads.  A method itself leads to its
 * reference, which holds nothing.
 *
 * The entries of one object may be many, so they are found by the hash of the
 * method.  An entry that has lost its method serves another of the same object:
 * it lives as long as before.
 *
 * With weak data the entry lives also by that, which only the method knows; the
 * engine asks.
 */
#include <config.h>
#include "map/maps.h"

#include "weak/enter.h"
#include "weak/method.h"

#include <gcweak/set.h>

struct gcw_method_set {
    gcw_map map;
};

static size_t
place_of_method(uintptr_t method)
{
    return gcw_method_hash((const gcw_method *)method);
}

static bool
methods_are_equal(uintptr_t a, uintptr_t b)
{
    return gcw_method_equal((const gcw_method *)a, (const gcw_method *)b);
}

static const struct gcw__map_by by_method = {
    place_of_method, methods_are_equal
};

gcw_method_set *
gcw_method_set_new(void)
{
    if (gcw__enter() != 0)
        return NULL;
    return (gcw_method_set *)gcw__map_make(GCW__KEYS, &by_method,
                                           &gcw__method_set_ops);
}

/* Makes the change with a method that is alive, and stays so meanwhile. */
static bool
change_methods(struct gcw__map_change *c, const gcw_method *m,
               const gcw_bound *bound)
{
    bool changed;

    c->key = (uintptr_t)bound->self;
    c->equal = (uintptr_t)m;
    c->interior = true;
    c->asks = gcw__method_weak_data(m) != NULL;
    changed = gcw__map_change(c);
    GCW__KEEP(m);
    GCW__KEEP(bound->data);
    return changed;
}

int
gcw_method_set_add(gcw_method_set *s, gcw_method *m)
{
    struct gcw__map_change c = { .room.map = (gcw_map *)s,
                                 .function = __func__, .value = (uintptr_t)m,
                                 .what = GCW__DEFAULT };
    gcw_bound bound;

    if (gcw__enter() != 0)
        return -1;
    if (s == NULL || m == NULL)
        return gcw__refuse_int(EINVAL, "given s, given m", s, m);
    if (!gcw_method_bind(m, &bound))
        return gcw__refuse_int(ESTALE, "method m", m);
    if (!change_methods(&c, m, &bound))
        return -1;
    return c.was == 0;
}

bool
gcw_method_set_has(const gcw_method_set *s, const gcw_method *m)
{
    gcw_bound bound;
    uintptr_t found;

    if (gcw__enter() != 0)
        return false;
    if (s == NULL || m == NULL)
        return gcw__refuse_false(EINVAL, "given s, given m", s, m);
    if (!gcw_method_bind(m, &bound))
        return false;
    found = gcw__map_look_up(&s->map, (uintptr_t)bound.self, (uintptr_t)m);
    GCW__KEEP(m);
    GCW__KEEP(s);
    GCW__KEEP(bound.self);
    GCW__KEEP(bound.data);
    return found != 0;
}

bool
gcw_method_set_remove(gcw_method_set *s, const gcw_method *m)
{
    struct gcw__map_change c = { .room.map = (gcw_map *)s,
                                 .function = __func__, .what = GCW__REMOVE };
    gcw_bound bound;

    if (gcw__enter() != 0)
        return false;
    if (s == NULL || m == NULL)
        return gcw__refuse_false(EINVAL, "given s, given m", s, m);
    if (!gcw_method_bind(m, &bound))
        return false;
    return change_methods(&c, m, &bound) && c.was != 0;
}

size_t
gcw_method_set_count(gcw_method_set *s)
{
    return gcw__map_entries((gcw_map *)s, __func__, "given s");
}

void
gcw_method_set_first(gcw_method_set *s, gcw_method_set_iter *i)
{
    gcw__map_begin((gcw_map *)s, i == NULL ? NULL : &i->entries, __func__,
                   "given s");
}

/* A method that was found may have died by its data since. */
bool
gcw_method_set_next(gcw_method_set_iter *i, gcw_method **method,
                    gcw_bound *bound)
{
    void *self, *found;

    if (i == NULL || bound == NULL)
        return gcw__refuse_false(EINVAL, "given i, given bound", i, bound);
    while (gcw_map_next(&i->entries, &self, &found))
        if (gcw_method_bind(found, bound)) {
            if (method != NULL)
                *method = found;
            return true;
        }
    return false;
}

/* Between two calls the set may change as it likes: see map-walk.c.  A function
 * that does not return leaves nothing behind. */
size_t
gcw_method_set_invoke(gcw_method_set *s, void *arg)
{
    gcw_method_set_iter i;
    gcw_bound bound;
    size_t n = 0;

    gcw__map_begin((gcw_map *)s, &i.entries, __func__, "given s");
    for (; gcw_method_set_next(&i, NULL, &bound); n++)
        gcw_bound_call(&bound, arg);
    return n;
}
