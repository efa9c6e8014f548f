/* maps.c: weak maps.
 *
 * A map is a table of the engine's (marks/engine.c), which takes the entries of
 * dead keys away while the world is stopped; so a look-up takes no lock.  It
 * reads the table, walks to the key, and reads the value, with the engine's
 * check around it.
 *
 * Writers take the lock of the map's container, one of a few that all maps
 * share.  Whoever changes an entry has its key, so that lives, and the entry is
 * changed by nobody meanwhile, but by gcw_dispose, and by the engine if the
 * value is what it lives by: so each change is one exchange of the value.
 *
 * The engine may have missed a collection, and then an entry may be that of
 * something dead that had the same address.  So a writer looks, checks as a
 * reader does, and changes only then: what it has found is alive, and on its
 * stack.
 */
#include <config.h>
#include "map/maps.h"

#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/spare.h"
#include "weak/enter.h"
#include "weak/ref.h"

#include <errno.h>

/* Looking. */

static uintptr_t
value_in(struct gcw__map_table *t, uintptr_t key)
{
    struct gcw__weak_entry *e = gcw__map_table_find(t, gcw__map_table_mask(t),
                                                    key);

    GCW__DELAY(2);
    return e == NULL ? 0 : atomic_load_explicit(&e->value,
                                                memory_order_acquire);
}

/* True if it could be done without waiting for anything. */
static inline bool
try_to_look_up(const gcw_map *m, uintptr_t key, uintptr_t *value)
{
    GC_word done = gcw__engine_load_done();
    struct gcw__map_table *t = gcw__map_table(m);

    GCW__DELAY(1);
    *value = value_in(t, key);
    GCW__DELAY(3);
    GCW__KEEP(t);
    return gcw__engine_is_done(done);
}

uintptr_t
gcw__map_look_up(const gcw_map *m, uintptr_t key)
{
    uintptr_t value;

    while (!try_to_look_up(m, key, &value))
        gcw__engine_catch_up();
    return value;
}

/* Inlined: a call here would be a tenth of a get. */
void *
gcw_map_get(const gcw_map *m, const void *key)
{
    uintptr_t value;

    if (gcw__enter() != 0)
        return NULL;
    if (m == NULL || key == NULL)
        return gcw__fail_null(EINVAL);
    if (!try_to_look_up(m, (uintptr_t)key, &value))
        value = gcw__map_look_up(m, (uintptr_t)key);
    GCW__KEEP(key);
    GCW__KEEP(m);
    return (void *)value;
}

/* Changing. */

struct change {
    gcw_map *map;
    uintptr_t key, value;
    uintptr_t expected;              /* what is to be replaced; of no meaning
                                      * to the others */
    bool checks_key;                 /* whether it can be held weakly; a key
                                      * that is there can be */
    bool interior;
    enum { PUT, DEFAULT, REPLACE, REMOVE } what;
    uintptr_t was;                   /* what was there; 0: nothing */
    bool missed;                     /* a collection */
    bool sparse;                     /* the map is, now */
    struct gcw__map_room room;
};

static bool
applies(const struct change *c, uintptr_t was)
{
    switch (c->what) {
    case DEFAULT:
        return was == 0;
    case REPLACE:
        return was != 0 && was == c->expected;
    case REMOVE:
        return was != 0;
    default:
        return true;
    }
}

/* Exchanges the value, if what is there is what this applies to. */
static void
change_entry(struct change *c, struct gcw__weak_entry *e, uintptr_t was)
{
    gcw_map *m = c->map;

    while (applies(c, was)
           && !atomic_compare_exchange_strong(&e->value, &was, c->value))
        continue;
    c->was = was;
    if (!applies(c, was))
        return;
    m->again += was == 0;
    m->removed += c->value == 0;
    c->sparse = c->value == 0 && gcw__map_is_sparse(m);
}

/* Asks nothing that takes a lock. */
static bool
is_weakly_holdable(struct change *c, uintptr_t pointer)
{
    void *base = gcw__base((void *)pointer);

    c->interior |= base != (void *)pointer;
    return base != NULL;
}

/* A key that the map does not have. */
static int
change_nothing(struct change *c)
{
    c->was = 0;
    if (c->what == REPLACE || c->what == REMOVE)
        return 0;
    if (!gcw__map_has_room(c->map, &c->room))
        return GCW__MISSING;
    gcw__map_insert(c->map, c->key, c->value);
    return 0;
}

static int
try_to_change(void *change)
{
    struct change *c = change;
    GC_word done = gcw__engine_load_done();
    struct gcw__map_table *t = gcw__map_table(c->map);
    struct gcw__weak_entry *e = gcw__map_table_find(
        t, gcw__map_table_mask(t), c->key);
    uintptr_t was = e == NULL ? 0 : atomic_load(&e->value);

    GCW__DELAY(4);
    c->missed = !gcw__engine_is_done(done);
    if (c->missed)
        return GCW__MISSING;
    if (was == 0 && c->checks_key && !is_weakly_holdable(c, c->key))
        return EINVAL;
    if (c->map->container->closed)
        return ESTALE;
    if (c->interior)
        atomic_store(&t->interior, true);
    if (e == NULL)
        return change_nothing(c);
    change_entry(c, e, was);
    return 0;
}

static bool
get_what_is_missing(void *change)
{
    struct change *c = change;

    if (!c->missed)
        return gcw__map_fill_room(c->map, &c->room);
    gcw__engine_catch_up();
    return true;
}

/* False with errno. */
static bool
make_change(struct change *c)
{
    int error = gcw__with_spare(gcw__map_lock(c->map->container), try_to_change,
                                get_what_is_missing, c);

    if (c->sparse)
        gcw__map_tidy(c->map);
    GCW__KEEP((void *)c->key);
    GCW__KEEP((void *)c->value);
    GCW__KEEP(c->map);
    return error == 0 || gcw__fail_false(error);
}

/* Whether the map can hold what it is to hold, but for the key, where that is
 * held weakly: it may be there. */
static bool
is_valid(struct change *c)
{
    void *key = (void *)c->key, *value = (void *)c->value;

    if (key == NULL || value == NULL)
        return false;
    c->checks_key = c->map->sort != GCW__VALUES;
    if (c->map->sort == GCW__VALUES)
        return is_weakly_holdable(c, c->value) && gcw__holdable(key);
    if (c->map->sort == GCW__BOTH) {
        is_weakly_holdable(c, c->value);
        return true;
    }
    return gcw__holdable(value);
}

static bool
check_and_change(struct change *c)
{
    if (gcw__enter() != 0)
        return false;
    if (c->map == NULL || !is_valid(c))
        return gcw__fail_false(EINVAL);
    return make_change(c);
}

int
gcw_map_put(gcw_map *m, const void *key, void *value)
{
    struct change c = { .map = m, .key = (uintptr_t)key,
                        .value = (uintptr_t)value, .what = PUT };

    return check_and_change(&c) ? 0 : -1;
}

void *
gcw_map_setdefault(gcw_map *m, const void *key, void *value)
{
    struct change c = { .map = m, .key = (uintptr_t)key,
                        .value = (uintptr_t)value, .what = DEFAULT };

    if (!check_and_change(&c))
        return NULL;
    return c.was != 0 ? (void *)c.was : value;
}

bool
gcw_map_replace(gcw_map *m, const void *key, void *expected, void *value)
{
    struct change c = { .map = m, .key = (uintptr_t)key,
                        .value = (uintptr_t)value,
                        .expected = (uintptr_t)expected, .what = REPLACE };

    if (expected == NULL)
        return gcw__fail_false(EINVAL);
    return check_and_change(&c) && c.was == (uintptr_t)expected;
}

void *
gcw_map_remove(gcw_map *m, const void *key)
{
    struct change c = { .map = m, .key = (uintptr_t)key, .what = REMOVE };

    if (gcw__enter() != 0)
        return NULL;
    if (m == NULL || key == NULL)
        return gcw__fail_null(EINVAL);
    return make_change(&c) ? (void *)c.was : NULL;
}

size_t
gcw_map_count(gcw_map *m)
{
    size_t n;

    if (gcw__enter() != 0)
        return 0;
    if (m == NULL) {
        errno = EINVAL;
        return 0;
    }
    gcw__engine_catch_up();
    gcw__lock(gcw__map_lock(m->container), true);
    n = gcw__map_live(m);
    gcw__unlock(gcw__map_lock(m->container));
    GCW__KEEP(m);
    return n;
}
