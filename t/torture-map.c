/* torture-map.c: a player's weak maps and ephemerons.  See torture.h.
 *
 * A value is an object that knows its key by a word that is no pointer, and
 * may
 * lead to it besides, unless that would keep the key for ever.  What a player
 * has put for its own keys must be
 * there, and be what it has put: in its own maps, one of each kind, and in a
 * common one, which the others make grow and shrink meanwhile.  In another
 * common map everybody does anything to everybody's keys.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "torture.h"

/* The common map of a round in which each changes its own keys only. */
static gcw_map *
map_of(const struct player *p, unsigned entry)
{
    return entry == IN_COMMON ? common->map : p->maps[entry];
}

static bool
holds_value(unsigned entry)
{
    return entry != GCW_WEAK_VALUES && entry != GCW_WEAK_BOTH;
}

static gcw_map *
map_new(unsigned entry)
{
    gcw_map *m = gcw_map_new(entry == IN_COMMON ? GCW_WEAK_KEYS
                                                : (gcw_map_kind)entry);
    if (m == NULL)
        abort();
    return m;
}

void
make_maps(struct player *p)
{
    for (unsigned kind = 0; kind < MAP_KINDS; kind++)
        p->maps[kind] = map_new(kind);
}

void
make_common_maps(void)
{
    common->map = map_new(IN_COMMON);
    common->wild = map_new(IN_COMMON);
}

/* --- Values --- */

static void *
hidden(const struct object *key)
{
    return (void *)~(uintptr_t)key;
}

static struct object *
value_new(struct object *key)
{
    struct object *value = object_new();
    value->more[0] = hidden(key);
    value->more[1] = below(2) == 0 ? key : NULL;
    return value;
}

static struct object *
value_for(const struct holding *h, unsigned entry)
{
    struct object *value = value_new(h->object);
    if (entry == GCW_STRONG_VALUES)
        value->more[1] = NULL;
    return value;
}

static void
remember(struct holding *h, unsigned entry, struct object *value)
{
    h->values[entry] = value->life;
    h->held[entry] = holds_value(entry) ? NULL : value;
}

static void
forget_value(struct holding *h, unsigned entry)
{
    h->values[entry] = NULL;
    h->held[entry] = NULL;
}

/* Of an entry that nobody else changes. */
static void
judge_value(const struct holding *h, unsigned entry, struct object *value)
{
    if (h->values[entry] == NULL) {
        must_be(value == NULL, "a map has what was not put");
        return;
    }
    if (value == NULL) {
        violation("a map has lost an entry");
        return;
    }
    judge(h->values[entry], 0, value);
    must_be(value->more[0] == hidden(h->object),
            "a map has another key's value");
}

/* Of one that all change. */
static void
judge_wild(const struct object *key, struct object *value)
{
    must_be(GC_base(value) == value && atomic_load(&value->magic) == MAGIC_WORD
                && value->more[0] == hidden(key),
            "a map has a dead or another key's value");
}

/* --- Looking --- */

static void
check_ephemeron(const struct holding *h)
{
    struct object *value;
    if (h->ephemeron == NULL)
        return;
    must_be(gcw_ephemeron_key(h->ephemeron) == h->object,
            "an ephemeron has lost its key");
    value = gcw_ephemeron_value(h->ephemeron);
    if (value == NULL) {
        violation("an ephemeron has lost its value");
        return;
    }
    judge(h->ephemeral, 0, value);
    must_be(value->more[0] == hidden(h->object),
            "an ephemeron has another value");
}

void
check_entries(const struct player *p, const struct holding *h)
{
    for (unsigned entry = 0; entry < ENTRIES; entry++)
        judge_value(h, entry, gcw_map_get(map_of(p, entry), h->object));
    check_ephemeron(h);
}

/* What lives by a key that was disposed of goes at once.  A map with weak values
 * holds its keys. */
void
check_disposed_entries(const struct player *p, const struct holding *h)
{
    for (unsigned entry = 0; entry < ENTRIES; entry++)
        must_be(entry == GCW_WEAK_VALUES
                    || gcw_map_get(map_of(p, entry), h->object) == NULL,
                "disposed of, but still a key");
    must_be(h->ephemeron == NULL
                || gcw_ephemeron_value(h->ephemeron) == NULL,
            "disposed of, but still in an ephemeron");
}

/* Each key that it gives is alive, and has its own value. */
static void
walk(gcw_map *m)
{
    void *key, *value;
    gcw_map_iter i;
    gcw_map_first(m, &i);
    while (gcw_map_next(&i, &key, &value)) {
        struct object *k = key;
        must_be(GC_base(k) == k && (atomic_load(&k->magic) == MAGIC_WORD
                                    || atomic_load(&k->life->disposing)),
                "a walk has come upon a dead key");
        judge_wild(key, value);
        if (below(256) == 0)
            return;
    }
}

/* --- Changing --- */

static void
put(struct player *p, struct holding *h, unsigned entry)
{
    struct object *value = value_for(h, entry);
    remember(h, entry, value);
    if (gcw_map_put(map_of(p, entry), h->object, value) != 0)
        abort();
}

static void
set_default(struct player *p, struct holding *h, unsigned entry)
{
    struct object *value = value_for(h, entry);
    struct object *now = gcw_map_setdefault(map_of(p, entry), h->object,
                                            value);
    if (h->values[entry] == NULL)
        remember(h, entry, value);
    judge_value(h, entry, now);
    GC_reachable_here(value);
}

static void
replace(struct player *p, struct holding *h, unsigned entry)
{
    gcw_map *m = map_of(p, entry);
    struct object *was = gcw_map_get(m, h->object);
    struct object *value = value_for(h, entry);
    judge_value(h, entry, was);
    must_be(!gcw_map_replace(m, h->object, value, value),
            "a map has replaced what was not there");
    if (was == NULL)
        return;
    must_be(gcw_map_replace(m, h->object, was, value),
            "a map has not replaced what was there");
    remember(h, entry, value);
    GC_reachable_here(was);
}

static void
take_out(struct player *p, struct holding *h, unsigned entry)
{
    judge_value(h, entry, gcw_map_remove(map_of(p, entry), h->object));
    forget_value(h, entry);
}

static void
make_ephemeron(struct holding *h)
{
    struct object *value = value_new(h->object);
    h->ephemeral = value->life;
    h->ephemeron = gcw_ephemeron_new(h->object, value);
    if (h->ephemeron == NULL)
        abort();
}

/* Entries whose keys nobody holds: the map grows, and shrinks again. */
static void
put_passing(gcw_map *m)
{
    for (unsigned n = below(100); n > 0; n--) {
        struct object *key = object_new();
        if (gcw_map_put(m, key, value_new(key)) != 0)
            abort();
    }
}

static void
renew_map(struct player *p, unsigned entry)
{
    if (entry == IN_COMMON)
        return;
    p->maps[entry] = map_new(entry);
    for (size_t i = 0; i < OBJECTS; i++)
        forget_value(&p->holdings[i], entry);
}

/* --- Everybody's keys --- */

static void *
any_wild_key(void)
{
    void *key, *value;
    gcw_map_iter i;
    gcw_map_first(common->wild, &i);
    for (unsigned n = below(20); gcw_map_next(&i, &key, &value); n--)
        if (n == 0)
            return key;
    return NULL;
}

static void
replace_wild(void *key)
{
    struct object *was = gcw_map_get(common->wild, key);
    if (was == NULL)
        return;
    judge_wild(key, was);
    gcw_map_replace(common->wild, key, was, value_new(key));
    GC_reachable_here(was);
}

static void
use_wild(struct object *key)
{
    struct object *value = NULL;
    switch (below(4)) {
    case 0:
        if (gcw_map_put(common->wild, key, value_new(key)) != 0)
            abort();
        break;
    case 1:
        value = gcw_map_setdefault(common->wild, key, value_new(key));
        must_be(value != NULL, "a default was not set");
        break;
    case 2:
        value = gcw_map_remove(common->wild, key);
        break;
    default:
        replace_wild(key);
    }
    if (value != NULL)
        judge_wild(key, value);
    GC_reachable_here(key);
}

static void
play_wild(struct player *p)
{
    struct object *key = below(2) == 0
        ? any_wild_key() : p->holdings[below(OBJECTS)].object;
    if (key != NULL)
        use_wild(key);
}

/* --- Choosing --- */

static void
change(struct player *p, struct holding *h, unsigned entry)
{
    switch (below(8)) {
    case 0:
        set_default(p, h, entry);
        break;
    case 1:
        replace(p, h, entry);
        break;
    case 2:
        take_out(p, h, entry);
        break;
    case 3:
        make_ephemeron(h);
        break;
    case 4:
        check_entries(p, h);
        break;
    default:
        put(p, h, entry);
    }
}

void
play_map(struct player *p)
{
    struct holding *h = &p->holdings[below(OBJECTS)];
    unsigned entry = below(2) == 0 ? IN_COMMON : below(ENTRIES);
    switch (below(16)) {
    case 0:
        walk(below(2) == 0 ? common->map : common->wild);
        break;
    case 1:
        put_passing(below(2) == 0 ? common->map : p->maps[GCW_WEAK_KEYS]);
        break;
    case 2:
        if (below(8) == 0)
            renew_map(p, entry);
        break;
    case 3: case 4: case 5:
        play_wild(p);
        break;
    default:
        if (h->object != NULL)
            change(p, h, entry);
    }
}
