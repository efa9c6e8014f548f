/* weaktable.c: weak tables of the language, on gcw_map.
 *
 *     weaktable("keys")          a table that holds a value as long as its key
 *                                lives, and no key; weaktable() for short
 *     weaktable("values")        the other way round; strings may be keys, too
 *     weaktable("both")          holds neither
 *     put(table, key, value)     nil takes the entry away
 *     get(table, key)            the value, or nil
 *     count(table)               how many entries there are
 *     each(table, fn)            calls fn(key, value) for each; how many
 *     symbols()                  how many symbols there are
 *
 * A map holds pointers to objects, and a value of the language may be a number.
 * Where the map holds values strongly, each gets a box, an object of its own.
 * The box lives as long as the entry does, no longer than its key, whatever is
 * in it.  A value that is held weakly cannot have a box, for nobody else would
 * hold that: it must be an object itself.
 */
#include "weak.h"

#include <string.h>
#include <gcweak.h>

struct weaktable {
    struct object head;
    gcw_map_kind kind;
    gcw_map *map;
};

static gcw_map_kind
want_kind(const struct call *c)
{
    if (c->count == 0)
        return GCW_WEAK_KEYS;
    const char *name = to_string(c->args[0])->text;
    if (strcmp(name, "keys") == 0)
        return GCW_WEAK_KEYS;
    if (strcmp(name, "values") == 0)
        return GCW_WEAK_VALUES;
    if (strcmp(name, "both") != 0)
        fail(c->line, "%s: keys, values or both are weak", c->name);
    return GCW_WEAK_BOTH;
}

static struct value
weaktable(const struct call *c)
{
    gcw_map_kind kind = want_kind(c);
    struct weaktable *t = allocate_object(WEAKTABLE, sizeof *t);
    t->kind = kind;
    t->map = checked_result(c, gcw_map_new(kind));
    return object(t);
}

static struct weaktable *
want_table(const struct call *c)
{
    return (struct weaktable *)want(c, 0, WEAKTABLE, "a weak table");
}

/* A map compares keys by their address, so a string becomes the symbol that
 * all equal strings become.  Where keys are weak, it would be gone with the
 * next collection. */
static void *
key_of(const struct weaktable *t, const struct call *c)
{
    struct value key = c->args[1];
    if (t->kind != GCW_WEAK_VALUES || !is(key, STRING))
        return want_target(c, 1);
    const struct string *s = (const struct string *)key.as.object;
    return symbol(s->text, s->length);
}

/* What the map has in place of a value; and back. */
static void *
stored(const struct weaktable *t, const struct call *c)
{
    if (t->kind != GCW_WEAK_KEYS)
        return want_target(c, 2);
    struct value *box = allocate(sizeof *box);
    *box = c->args[2];
    return box;
}

static struct value
value_of(const struct weaktable *t, void *stored)
{
    if (t->kind != GCW_WEAK_KEYS || stored == NULL)
        return object(stored);
    return *(struct value *)stored;
}

static struct value
put(const struct call *c)
{
    struct weaktable *t = want_table(c);
    void *key = key_of(t, c);
    if (c->args[2].kind == NIL)
        gcw_map_remove(t->map, key);
    else if (gcw_map_put(t->map, key, stored(t, c)) != 0)
        checked_result(c, NULL);
    return c->args[2];
}

static struct value
get(const struct call *c)
{
    struct weaktable *t = want_table(c);
    return value_of(t, gcw_map_get(t->map, key_of(t, c)));
}

static struct value
count(const struct call *c)
{
    return number((double)gcw_map_count(want_table(c)->map));
}

/* Nothing is locked while the script's function runs.  It may change the
 * table, and its errors go to the caller as always: a walk may be given up. */
static struct value
each(const struct call *c)
{
    struct weaktable *t = want_table(c);
    void *key, *value;
    gcw_map_iter i;
    size_t n = 0;
    for (gcw_map_first(t->map, &i); gcw_map_next(&i, &key, &value); n++) {
        struct value pair[] = { object(key), value_of(t, value) };
        call_value(c->args[1], &(struct call){ NULL, c->line, 2, pair });
    }
    return number((double)n);
}

static struct value
symbols(const struct call *c)
{
    (void)c;
    return number((double)gcw_intern_count(vm->symbols));
}

static struct builtin builtins[] = {
    { { BUILTIN }, "weaktable", weaktable, 0, 1 },
    { { BUILTIN }, "put", put, 3, 3 },
    { { BUILTIN }, "get", get, 2, 2 },
    { { BUILTIN }, "count", count, 1, 1 },
    { { BUILTIN }, "each", each, 2, 2 },
    { { BUILTIN }, "symbols", symbols, 0, 0 },
};

void
weaktable_define(void)
{
    vm_define(builtins, sizeof builtins / sizeof *builtins);
}
