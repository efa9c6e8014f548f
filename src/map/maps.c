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

enum { LOCKS = 16 };

static pthread_mutex_t map_locks[LOCKS] = {
#define FOUR PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, \
             PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER
    FOUR, FOUR, FOUR, FOUR
#undef FOUR
};

static pthread_mutex_t *
lock_of_map_container(const struct gcw__container *container)
{
    return &map_locks[gcw__mix((uintptr_t)container)
                      >> (sizeof(uintptr_t) * 8 - 4)];
}

static pthread_mutex_t *
lock_of_map(const gcw_map *m)
{
    return lock_of_map_container(m->container);
}

/* What the container calls. */

/* It has no watches. */
static bool
map_watch_died(void *map, struct gcw__entry_watch *watch, bool may_wait)
{
    (void)map;
    (void)watch;
    (void)may_wait;
    return true;
}

static struct gcw__map_table *
table_of_map(const gcw_map *m)
{
    return atomic_load_explicit(&m->table, memory_order_acquire);
}

static void
map_empty(void *map)
{
    gcw_map *m = map;
    struct gcw__map_table *t = table_of_map(m);
    size_t capacity = gcw__map_table_mask(t) + 1;

    for (size_t i = 0; i < capacity; i++)
        m->removed += atomic_exchange(&t->entries[i].value, 0) != 0;
}

/* There is no code in it. */
static bool
map_unloading(void *map, const struct gcw__range *range)
{
    (void)map;
    (void)range;
    return false;
}

struct map_tidying {
    gcw_map *map;
    struct gcw__map_room room;
};

static int
try_to_tidy_map_table(void *tidying)
{
    struct map_tidying *t = tidying;

    return gcw__map_is_tidy(t->map, &t->room) ? 0 : GCW__MISSING;
}

static bool
fill_for_map_table(void *tidying)
{
    struct map_tidying *t = tidying;

    return gcw__map_fill_room(t->map, &t->room);
}

/* What could not be done is tried again after the next collection. */
static void
map_tidy(void *map)
{
    gcw_map *m = map;
    struct map_tidying tidying = { m, { 0, NULL } };

    if (gcw__with_spare(lock_of_map(m), try_to_tidy_map_table,
                        fill_for_map_table, &tidying) != 0)
        gcw__container_untidy(m->container);
}

static const struct gcw__container_ops map_ops = {
    "map", "entries", false, lock_of_map_container, map_watch_died, NULL,
    map_empty,
    map_unloading, map_tidy, gcw__map_see, gcw__map_counted
};

/* Making one. */

/* What the program calls a kind is a sort to the engine. */
static const enum gcw__sort sorts[] = {
    [GCW_WEAK_KEYS] = GCW__KEYS,
    [GCW_WEAK_VALUES] = GCW__VALUES,
    [GCW_WEAK_BOTH] = GCW__BOTH,
    [GCW_STRONG_VALUES] = GCW__STRONG,
};

/* NULL with errno. */
static gcw_map *
map_of_sort(enum gcw__sort sort)
{
    gcw_map *m = GC_MALLOC(sizeof *m);
    struct gcw__map_table *t;

    if (m == NULL)
        return gcw__fail_null(ENOMEM);
    m->sort = sort;
    m->container = gcw__container_new(&map_ops, sizeof *m->container);
    if (m->container == NULL)
        return gcw__fail_null(ENOMEM);
    t = gcw__map_table_new(sort, 4, m->container);
    if (t == NULL)
        return NULL;
    atomic_store(&m->table, t);
    return gcw__container_open(m->container, m) ? m : NULL;
}

gcw_map *
gcw_map_new(gcw_map_kind kind)
{
    if (gcw__enter() != 0)
        return NULL;
    if ((unsigned)kind >= sizeof sorts / sizeof sorts[0])
        return gcw__fail_null(EINVAL);
    return map_of_sort(sorts[kind]);
}

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

static void *
look_up(const gcw_map *m, const void *key)
{
    for (;;) {
        GC_word done = gcw__engine_load_done();
        struct gcw__map_table *t = table_of_map(m);
        uintptr_t value;

        GCW__DELAY(1);
        value = value_in(t, (uintptr_t)key);
        GCW__DELAY(3);
        GCW__KEEP(t);
        if (gcw__engine_is_done(done))
            return (void *)value;
        gcw__engine_catch_up();
    }
}

void *
gcw_map_get(const gcw_map *m, const void *key)
{
    void *value;

    if (gcw__enter() != 0)
        return NULL;
    if (m == NULL || key == NULL)
        return gcw__fail_null(EINVAL);
    value = look_up(m, key);
    GCW__KEEP(key);
    GCW__KEEP(m);
    return value;
}

/* Changing. */

struct change {
    gcw_map *map;
    uintptr_t key, value;
    uintptr_t expected;              /* what is to be replaced; of no meaning
                                      * to the others */
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
    struct gcw__map_table *t = table_of_map(c->map);
    struct gcw__weak_entry *e = gcw__map_table_find(
        t, gcw__map_table_mask(t), c->key);
    uintptr_t was = e == NULL ? 0 : atomic_load(&e->value);

    GCW__DELAY(4);
    c->missed = !gcw__engine_is_done(done);
    if (c->missed)
        return GCW__MISSING;
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
    int error = gcw__with_spare(lock_of_map(c->map), try_to_change,
                                get_what_is_missing, c);

    if (c->sparse)
        map_tidy(c->map);
    GCW__KEEP((void *)c->key);
    GCW__KEEP((void *)c->value);
    GCW__KEEP(c->map);
    return error == 0 || gcw__fail_false(error);
}

/* Whether the map can hold the one weakly, and the other strongly. */
static bool
is_valid(struct change *c)
{
    enum gcw__sort sort = c->map->sort;
    void *key = (void *)c->key, *value = (void *)c->value;
    bool by_value = sort == GCW__VALUES;
    void *weak = by_value ? value : key, *held = by_value ? key : value;
    void *base = gcw__base(weak);

    c->interior = base != weak;
    if (sort == GCW__BOTH)
        c->interior |= gcw__base(value) != value;
    return key != NULL && value != NULL && base != NULL
           && (sort == GCW__BOTH || gcw__holdable(held));
}

static bool
change(struct change *c)
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

    return change(&c) ? 0 : -1;
}

void *
gcw_map_setdefault(gcw_map *m, const void *key, void *value)
{
    struct change c = { .map = m, .key = (uintptr_t)key,
                        .value = (uintptr_t)value, .what = DEFAULT };

    if (!change(&c))
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
    return change(&c) && c.was == (uintptr_t)expected;
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
    gcw__lock(lock_of_map(m), true);
    n = gcw__map_live(m);
    gcw__unlock(lock_of_map(m));
    GCW__KEEP(m);
    return n;
}

/* Iterating. */

void
gcw_map_first(gcw_map *m, gcw_map_iter *i)
{
    *i = (gcw_map_iter){ NULL, NULL, 0 };
    if (gcw__enter() != 0)
        return;
    if (m == NULL)
        errno = EINVAL;
    else
        *i = (gcw_map_iter){ m, table_of_map(m), 0 };
}

/* First the key: if the entry has a value after that, both are alive.  In a
 * table that the map has left, what is there may be old. */
static bool
load_entry(const gcw_map_iter *i, void **key, void **value)
{
    struct gcw__map_table *t = i->table;
    const struct gcw__weak_entry *e = &t->entries[i->at];
    GC_word done = gcw__engine_load_done();

    *key = (void *)atomic_load_explicit(&e->key, memory_order_acquire);
    GCW__DELAY(5);
    *value = (void *)atomic_load_explicit(&e->value, memory_order_acquire);
    if (!gcw__engine_is_done(done)) {
        gcw__engine_catch_up();
        return load_entry(i, key, value);
    }
    if (*key == NULL || *value == NULL)
        return false;
    if (t != table_of_map(i->map))
        *value = look_up(i->map, *key);
    return *value != NULL;
}

bool
gcw_map_next(gcw_map_iter *i, void **key, void **value)
{
    if (i == NULL || key == NULL || value == NULL)
        return gcw__fail_false(EINVAL);
    if (i->map == NULL)
        return false;
    for (size_t mask = gcw__map_table_mask(i->table); i->at <= mask; i->at++)
        if (load_entry(i, key, value)) {
            i->at++;
            return true;
        }
    return false;
}

/* Forks. */

static void
maps_prepare(void)
{
    for (size_t i = 0; i < LOCKS; i++)
        gcw__lock(&map_locks[i], true);
}

static void
maps_done(void)
{
    for (size_t i = 0; i < LOCKS; i++)
        gcw__unlock(&map_locks[i]);
}

const struct gcw__part gcw__map_part = {
    "map", maps_prepare, maps_done, maps_done, NULL
};
