/* maps.c: weak maps and ephemerons; see oracle.h.
 *
 * An entry is a thing on the objects that it lives by.  What it holds, it holds
 * by its body, for that may be disposed of without harm to the entry.
 */
#include <stdlib.h>

#include "oracle.h"

struct map {
    struct thing t;
    gcw_map_kind kind;
    bool is_closed;              /* it was disposed of */
};

/* One that was overwritten, or removed, is gone. */
struct entry {
    struct thing t;
    const struct map *map;       /* NULL: an ephemeron */
    bool interior;               /* the key leads into the middle */
    size_t key, value;           /* bodies */
    bool assumed;                /* its value is strong, and held */
};

static struct list maps = LIST_OF(struct map);
static struct list entries = LIST_OF(struct entry);
static struct list ephemerons = LIST_OF(struct entry);

static gcw_map_kind
kind_of(const struct entry *e)
{
    return e->map == NULL ? GCW_WEAK_KEYS : e->map->kind;
}

/* --- how they hold objects --- */

static bool
is_over(const struct entry *e)
{
    return e->t.gone || is_dead(e->t.on[0])
        || (e->t.on[1] != 0 && is_dead(e->t.on[1]));
}

void
maps_assume(void)
{
    EACH(struct entry, e, entries)
        e->assumed = !is_over(e) && e->map->kind == GCW_STRONG_VALUES;
}

static bool
entry_holds(const struct entry *e)
{
    if (is_over(e))
        return false;
    switch (kind_of(e)) {
    case GCW_WEAK_KEYS:
        return is_body_held(e->key) && hold_body(e->value);
    case GCW_WEAK_VALUES:
        return is_body_held(e->value) && hold_body(e->key);
    case GCW_STRONG_VALUES:
        return e->assumed && hold_body(e->value);
    default:
        return false;
    }
}

bool
maps_hold(void)
{
    bool any = false;

    EACH(const struct entry, e, entries)
        any |= entry_holds(e);
    EACH(const struct entry, e, ephemerons)
        any |= entry_holds(e);
    return any;
}

bool
maps_keep_assumptions(void)
{
    bool all = true;

    EACH(struct entry, e, entries)
        if (e->assumed && !is_body_held(e->key))
            all = e->assumed = false;
    return all;
}

/* --- entries --- */

/* Of which kind it was, and whether what it held led back. */
static void
meet_death(const struct entry *e)
{
    static const enum rare rare[] = {
        [GCW_WEAK_KEYS] = KEY_DIES, [GCW_WEAK_VALUES] = VALUE_DIES,
        [GCW_WEAK_BOTH] = ONE_OF_BOTH_DIES,
        [GCW_STRONG_VALUES] = STRONG_ONE_DIES
    };
    bool by_key = kind_of(e) == GCW_WEAK_KEYS;

    met[e->map == NULL ? LONE_DIES : rare[kind_of(e)]]++;
    if (by_key || kind_of(e) == GCW_WEAK_VALUES)
        met[CYCLE_DIES] += by_key ? leads_to(e->value, e->key)
                                  : leads_to(e->key, e->value);
}

static void
entry_is(struct entry *e, enum standing before, bool there, const char *what)
{
    if (!there && before == PERHAPS)
        meet_death(e);
    says(e, before, there, what);
}

/* That of this key, or NULL if there is surely none. */
static struct entry *
entry_of(const struct map *m, size_t key, bool interior)
{
    for (size_t i = entries.n; i > 0; i--) {
        struct entry *e = entries.at[i - 1];

        if (e->map == m && e->key == key && e->interior == interior
            && of(e) != OUT)
            return e;
    }
    return NULL;
}

static enum standing
of_entry(const struct entry *e)
{
    return e == NULL ? OUT : of(e);
}

static const void *
key_in(const struct object *o, bool interior)
{
    return interior ? (const void *)&o->field[1] : (const void *)o;
}

static void
add_entry(const struct map *m, const struct object *key, bool interior,
          const struct object *value)
{
    struct entry e = { .map = m, .interior = interior, .key = key->body,
                       .value = value->body };

    if (m == NULL || m->kind != GCW_WEAK_VALUES)
        e.t.on[0] = key->number;
    else
        e.t.on[0] = value->number;
    if (m != NULL && m->kind == GCW_WEAK_BOTH)
        e.t.on[1] = value->number;
    add(&entries, &e);
    changed();
}

static void
take_out(struct entry *e)
{
    if (e != NULL)
        e->t.gone = true;
    changed();
}

/* --- what is asked for --- */

/* A key, and what the model has for it. */
struct asked {
    struct map *map;
    struct object *key;
    bool interior;
    const void *pointer;
    struct entry *entry;
    enum standing before;
};

/* What is held strongly leads to the beginning of its object. */
static struct asked
ask(void *map)
{
    struct asked a = { .map = map, .key = some_object() };

    a.interior = a.map->kind != GCW_WEAK_VALUES && below(4) == 3;
    a.pointer = key_in(a.key, a.interior);
    a.entry = entry_of(map, a.key->body, a.interior);
    a.before = of_entry(a.entry);
    tell("  kind %zu, key %zu, interior %zu", a.map->kind, a.key->number,
         a.interior);
    return a;
}

/* The library has found this value, or NULL. */
static void
found(const struct asked *a, const void *value, const char *what)
{
    if (a->entry == NULL) {
        must(value == NULL, what);
        return;
    }
    entry_is(a->entry, a->before, value != NULL, what);
    must(value == NULL || body_of(value) == a->entry->value, what);
}

static bool
is_refused(const struct map *m, bool done)
{
    if (!m->is_closed)
        return false;
    must(!done && errno == ESTALE, "a map that was disposed of takes more");
    return true;
}

/* --- operations --- */

OPERATION(put, "put into map %zu", &maps, one_of)
{
    struct asked a = ask(thing);
    struct object *value = some_object();
    bool done;

    tell("  value %zu", value->number);
    done = gcw_map_put(a.map->t.handle, a.pointer, value) == 0;
    if (is_refused(a.map, done))
        return;
    must(done, "put failed");
    take_out(a.entry);
    add_entry(a.map, a.key, a.interior, value);
}

OPERATION(set_default, "set a default in map %zu", &maps, one_of)
{
    struct asked a = ask(thing);
    struct object *value = some_object(), *has;

    tell("  value %zu", value->number);
    has = gcw_map_setdefault(a.map->t.handle, a.pointer, value);
    if (is_refused(a.map, has != NULL))
        return;
    must(has != NULL, "setdefault failed");
    if (a.before == IN || (a.before == PERHAPS && has != value)) {
        found(&a, has, "setdefault: a wrong value");
        return;
    }
    must(has == value, "setdefault: a wrong value");
    found(&a, NULL, "setdefault: lost");
    add_entry(a.map, a.key, a.interior, value);
}

/* Half of the time what is there is expected, if that is in a slot. */
OPERATION(replace, "replace in map %zu", &maps, one_of)
{
    struct asked a = ask(thing);
    struct object *value = some_object(), *expected = NULL;
    bool done, right;

    if (a.entry != NULL && below(2) == 0)
        expected = in_slot(a.entry->value);
    if (expected == NULL)
        expected = some_object();
    tell("  value %zu, expected %zu", value->number, expected->number);
    done = gcw_map_replace(a.map->t.handle, a.pointer, expected, value);
    if (is_refused(a.map, done))
        return;
    right = a.before != OUT && a.entry->value == expected->body;
    must(done == right, "replace: wrong");
    if (!done)
        return;
    take_out(a.entry);
    add_entry(a.map, a.key, a.interior, value);
}

OPERATION(get, "get from map %zu", &maps, one_of)
{
    struct asked a = ask(thing);
    struct object *value = gcw_map_get(a.map->t.handle, a.pointer);

    found(&a, value, "get: wrong");
    if (value != NULL && below(2) == 0)
        take_up(value);
}

OPERATION(remove, "remove from map %zu", &maps, one_of)
{
    struct asked a = ask(thing);
    void *value = gcw_map_remove(a.map->t.handle, a.pointer);

    if (is_refused(a.map, value != NULL))
        return;
    found(&a, value, "remove: wrong");
    if (value != NULL)
        take_out(a.entry);
}

OPERATION(count, "count map %zu", &maps, one_of)
{
    struct map *m = thing;
    size_t n = gcw_map_count(m->t.handle), least = 0, most = 0;

    EACH(const struct entry, e, entries) {
        least += e->map == m && of(e) == IN;
        most += e->map == m && of(e) != OUT;
    }
    must(n >= least && n <= most, "count: wrong");
    met[CROWD_IN_MAP] += n >= CROWD;
}

/* A new one takes its place. */
OPERATION(dispose_map, "dispose of map %zu", &maps, one_of)
{
    struct map *m = thing;

    must(gcw_dispose(m->t.handle) == 0, "dispose failed");
    EACH(struct entry, e, entries)
        if (e->map == m)
            take_out(e);
    m->is_closed = !m->is_closed && below(2) == 0;
    if (!m->is_closed)
        m->t.handle = gcw_map_new(m->kind);
    must(m->t.handle != NULL, "a map could not be made");
}

/* --- walks --- */

struct map_walk {
    struct frame f;
    const struct map *map;
    size_t n;                    /* entries when it began */
    unsigned char *given;        /* how often, of those */
};

/* The entry must be there, and is given for the first time. */
static void
walk_gives(struct map_walk *w, const void *key, struct object *value)
{
    const struct object *o = GC_base((void *)(uintptr_t)key);
    bool interior = o != key;
    struct entry *e = entry_of(w->map, body_of(o), interior);

    must(key == key_in(o, interior), "a walk gives a wrong key");
    must(e != NULL && body_of(value) == e->value, "a walk gives a wrong entry");
    if (e->t.number <= w->n)
        must(w->given[e->t.number - 1]++ == 0, "a walk gives an entry twice");
    if (below(8) == 0)
        take_up(value);
}

/* What was not given, and is not surely there, was dead when its turn came. */
static void
check_walk(const struct map_walk *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct entry *e = entries.at[i];

        if (e->map == w->map && of(e) != OUT && w->given[i] == 0)
            entry_is(e, of(e), false, "a walk leaves an entry out");
    }
}

OPERATION(walk, "walk through map %zu", &maps, one_of)
{
    struct map *m = thing;
    struct map_walk w = { { .call = WALKS }, m, entries.n, NULL };
    const void *handle = m->t.handle;
    void *key, *value;
    gcw_map_iter i;

    w.given = calloc(w.n + 1, 1);
    must(w.given != NULL, "memory has run out");
    gcw_map_first(m->t.handle, &i);
    enter(&w.f);
    while (gcw_map_next(&i, &key, &value)) {
        walk_gives(&w, key, value);
        key = value = NULL;
        go_on();
        if (m->t.handle != handle)
            break;
    }
    leave(&w.f);
    if (m->t.handle == handle)
        check_walk(&w);
    free(w.given);
}

/* --- ephemerons --- */

static void
make_ephemeron(struct object *key, bool interior, struct object *value)
{
    struct entry e = { .t.on = { key->number }, .key = key->body,
                       .value = value->body, .interior = interior };

    tell("  key %zu, value %zu", key->number, value->number);
    e.t.handle = gcw_ephemeron_new(key_in(key, interior), value);
    must(e.t.handle != NULL, "an ephemeron could not be made");
    add(&ephemerons, &e);
    changed();
}

OPERATION(make_ephemeron, "make an ephemeron", NULL, NULL)
{
    struct object *key = some_object(), *value = some_object();

    make_ephemeron(key, below(2), value);
}

/* A new object that lives by the other, through this map, or, if that holds
 * nothing, an ephemeron. */
static struct object *
hang_new_on(const struct map *m, struct object *o)
{
    struct object *new = object_apart(), *key = o, *value = new;

    if (m->kind == GCW_WEAK_BOTH || m->is_closed) {
        make_ephemeron(o, false, new);
        return new;
    }
    if (m->kind == GCW_WEAK_VALUES)
        key = new, value = o;
    must(gcw_map_put(m->t.handle, key, value) == 0, "put failed");
    take_out(entry_of(m, key->body, false));
    add_entry(m, key, false, value);
    return new;
}

OPERATION(chain, "have a chain in map %zu", &maps, one_of)
{
    struct object *o = some_object();

    for (unsigned n = 4 + below(16); n > 0; n--)
        o = hang_new_on(thing, o);
}

OPERATION(read_ephemeron, "read ephemeron %zu", &ephemerons, one_of)
{
    struct entry *e = thing;
    enum standing before = of(e);
    struct object *value = gcw_ephemeron_value(e->t.handle);
    const void *key = gcw_ephemeron_key(e->t.handle);
    const struct object *o;

    must((key == NULL) == (value == NULL), "half an ephemeron");
    entry_is(e, before, value != NULL, "an ephemeron, dead or alive");
    if (value == NULL)
        return;
    o = GC_base((void *)(uintptr_t)key);
    must(body_of(o) == e->key && key == key_in(o, e->interior)
         && body_of(value) == e->value, "an ephemeron: wrong");
    if (below(2) == 0)
        take_up(value);
}

/* --- worlds --- */

/* One of each kind in turn. */
void
maps_begin(size_t n)
{
    while (maps.n < n) {
        struct map m = { .kind = (gcw_map_kind)(maps.n % 4) };

        m.t.handle = gcw_map_new(m.kind);
        must(m.t.handle != NULL, "a map could not be made");
        add(&maps, &m);
    }
}
