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

struct sought {
    uintptr_t key, equal;            /* the value is to be equal to that, where
                                      * entries are found by values */
    GC_word done;                    /* loaded before; if a collection has passed
                                      * since, what is found has no meaning */
};

static uintptr_t
load_value(const struct gcw__weak_entry *e)
{
    GCW__DELAY(2);
    return atomic_load_explicit(&e->value, memory_order_acquire);
}

/* Looks into values, so it asks first whether it can.  Gives the entry whose
 * value is equal; or one of the key that has none, and can be used again; or
 * NULL. */
static struct gcw__weak_entry *
find_by_value(const struct gcw__map_by *by, struct gcw__map_table *t,
              const struct sought *s, uintptr_t *value)
{
    size_t mask = gcw__map_table_mask(t), at = by->place(s->equal);
    struct gcw__weak_entry *unused = NULL;

    for (;;) {
        struct gcw__weak_entry *e = &t->entries[at++ & mask];
        uintptr_t key = atomic_load_explicit(&e->key, memory_order_acquire);

        *value = key == s->key ? load_value(e) : 0;
        if (key == 0 || !gcw__engine_is_done(s->done))
            return unused;
        if (*value != 0 && by->equal(*value, s->equal))
            return e;
        if (key == s->key && *value == 0 && unused == NULL)
            unused = e;
    }
}

/* Gives the entry, or NULL, and its value, or 0. */
static inline struct gcw__weak_entry *
find_entry(const struct gcw__map_by *by, struct gcw__map_table *t,
           const struct sought *s, uintptr_t *value)
{
    struct gcw__weak_entry *e;

    if (by != NULL)
        return find_by_value(by, t, s, value);
    e = gcw__map_table_find(t, gcw__map_table_mask(t), s->key);
    *value = e == NULL ? 0 : load_value(e);
    return e;
}

/* True if it could be done without waiting for anything. */
static inline bool
try_to_look_up(const gcw_map *m, const struct gcw__map_by *by, uintptr_t key,
               uintptr_t equal, uintptr_t *value)
{
    struct sought s = { key, equal, gcw__engine_load_done() };
    struct gcw__map_table *t = gcw__map_table(m);

    GCW__DELAY(1);
    find_entry(by, t, &s, value);
    GCW__DELAY(3);
    GCW__KEEP(t);
    return gcw__engine_is_done(s.done);
}

uintptr_t
gcw__map_look_up(const gcw_map *m, uintptr_t key, uintptr_t equal)
{
    uintptr_t value;

    while (!try_to_look_up(m, m->by, key, equal, &value))
        gcw__engine_catch_up();
    return value;
}

/* A map's entries are found by keys, and a call less is a tenth of a get. */
void *
gcw_map_get(const gcw_map *m, const void *key)
{
    uintptr_t value;

    if (gcw__enter() != 0)
        return NULL;
    if (m == NULL || key == NULL)
        return gcw__refuse_null(EINVAL, "given m, given key", m, key);
    if (!try_to_look_up(m, NULL, (uintptr_t)key, 0, &value))
        value = gcw__map_look_up(m, (uintptr_t)key, 0);
    GCW__KEEP(key);
    GCW__KEEP(m);
    return (void *)value;
}

/* Changing. */

static bool
applies(const struct gcw__map_change *c, uintptr_t was)
{
    switch (c->what) {
    case GCW__DEFAULT:
        return was == 0;
    case GCW__REPLACE:
        return was != 0 && was == c->expected;
    case GCW__REMOVE:
        return was != 0;
    default:
        return true;
    }
}

/* Exchanges the value, if what is there is what this applies to. */
static void
change_entry(struct gcw__map_change *c, struct gcw__weak_entry *e, uintptr_t was)
{
    gcw_map *m = c->room.map;

    while (applies(c, was)
           && !atomic_compare_exchange_strong(&e->value, &was, c->value))
        continue;
    c->was = was;
    if (!applies(c, was))
        return;
    m->counts.again += was == 0;
    m->counts.removed += c->value == 0;
    c->sparse = c->value == 0 && gcw__map_is_sparse(m);
}

/* Asks nothing that takes a lock. */
static bool
is_weakly_holdable(struct gcw__map_change *c, uintptr_t pointer)
{
    void *base = gcw__base((void *)pointer);

    c->interior |= base != (void *)pointer;
    return base != NULL;
}

/* A key that the map does not have. */
static int
change_nothing(struct gcw__map_change *c)
{
    c->was = 0;
    if (c->what == GCW__REPLACE || c->what == GCW__REMOVE)
        return 0;
    if (!gcw__map_has_room(&c->room))
        return GCW__MISSING;
    gcw__map_insert(c->room.map, c->key, c->value);
    return 0;
}

static void
note_flags(const struct gcw__map_change *c, struct gcw__map_table *t)
{
    if (c->interior)
        atomic_store(&t->interior, true);
    if (c->asks)
        atomic_store(&t->asks, true);
}

static int
try_to_change(void *change)
{
    struct gcw__map_change *c = change;
    struct sought s = { c->key, c->equal, gcw__engine_load_done() };
    struct gcw__map_table *t = gcw__map_table(c->room.map);
    struct gcw__weak_entry *e;
    uintptr_t was;

    e = find_entry(c->room.map->by, t, &s, &was);
    GCW__DELAY(4);
    c->room.missed = !gcw__engine_is_done(s.done);
    if (c->room.missed)
        return GCW__MISSING;
    if (was == 0 && c->checks_key && !is_weakly_holdable(c, c->key))
        return EINVAL;
    if (c->room.map->container->closed)
        return ESTALE;
    note_flags(c, t);
    if (e == NULL)
        return change_nothing(c);
    change_entry(c, e, was);
    return 0;
}

/* What is held weakly must be in the heap. */
static bool
refuse_change(const struct gcw__map_change *c, int error)
{
    const gcw_map *m = c->room.map;
    enum gcw__sort sort = m == NULL ? GCW__KEYS : m->sort;

    gcw__refused(c->function, error,
                 sort == GCW__VALUES
                 ? "open m, given key, heap value, held key"
                 : sort == GCW__BOTH ? "open m, heap key, heap value"
                 : "open m, heap key, given value, held value",
                 m, (void *)c->key, (void *)c->value,
                 sort == GCW__VALUES ? (void *)c->key : (void *)c->value);
    return false;
}

bool
gcw__map_change(struct gcw__map_change *c)
{
    int error = gcw__with_spare(gcw__map_lock(c->room.map->container),
                                try_to_change, gcw__map_fill_room, c);

    if (c->sparse)
        gcw__map_tidy(c->room.map);
    GCW__KEEP((void *)c->key);
    GCW__KEEP((void *)c->value);
    GCW__KEEP(c->room.map);
    return error == 0 || refuse_change(c, error);
}

/* Whether the map can hold what it is to hold, but for the key, where that is
 * held weakly: it may be there. */
static bool
is_valid(struct gcw__map_change *c)
{
    void *key = (void *)c->key, *value = (void *)c->value;

    if (key == NULL || value == NULL)
        return false;
    c->checks_key = c->room.map->sort != GCW__VALUES;
    if (c->room.map->sort == GCW__VALUES)
        return is_weakly_holdable(c, c->value) && gcw__holdable(key);
    if (c->room.map->sort == GCW__BOTH) {
        is_weakly_holdable(c, c->value);
        return true;
    }
    return gcw__holdable(value);
}

static bool
check_and_change(struct gcw__map_change *c)
{
    if (gcw__enter_for(c->function) != 0)
        return false;
    if (c->room.map == NULL || !is_valid(c))
        return refuse_change(c, EINVAL);
    return gcw__map_change(c);
}

int
gcw_map_put(gcw_map *m, const void *key, void *value)
{
    struct gcw__map_change c = { .room.map = m, .function = __func__,
                                 .key = (uintptr_t)key,
                                 .value = (uintptr_t)value,
                                 .what = GCW__PUT };

    return check_and_change(&c) ? 0 : -1;
}

void *
gcw_map_setdefault(gcw_map *m, const void *key, void *value)
{
    struct gcw__map_change c = { .room.map = m, .function = __func__,
                                 .key = (uintptr_t)key,
                                 .value = (uintptr_t)value,
                                 .what = GCW__DEFAULT };

    if (!check_and_change(&c))
        return NULL;
    return c.was != 0 ? (void *)c.was : value;
}

bool
gcw_map_replace(gcw_map *m, const void *key, void *expected, void *value)
{
    struct gcw__map_change c = { .room.map = m, .function = __func__,
                                 .key = (uintptr_t)key,
                                 .value = (uintptr_t)value,
                                 .expected = (uintptr_t)expected,
                                 .what = GCW__REPLACE };

    if (expected == NULL)
        return gcw__refuse_false(EINVAL, "given expected", expected);
    return check_and_change(&c) && c.was == (uintptr_t)expected;
}

void *
gcw_map_remove(gcw_map *m, const void *key)
{
    struct gcw__map_change c = { .room.map = m, .function = __func__,
                                 .key = (uintptr_t)key,
                                 .what = GCW__REMOVE };

    if (gcw__enter() != 0)
        return NULL;
    if (m == NULL || key == NULL)
        return gcw__refuse_null(EINVAL, "given m, given key", m, key);
    return gcw__map_change(&c) ? (void *)c.was : NULL;
}

size_t
gcw__map_entries(gcw_map *m, const char *function, const char *words)
{
    size_t n;

    if (gcw__enter_for(function) != 0)
        return 0;
    if (m == NULL) {
        gcw__refused(function, EINVAL, words, m);
        return 0;
    }
    gcw__engine_catch_up();
    n = gcw__map_count(m);
    GCW__KEEP(m);
    return n;
}

size_t
gcw_map_count(gcw_map *m)
{
    return gcw__map_entries(m, __func__, "given m");
}
