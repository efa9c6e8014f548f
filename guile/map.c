/* map.c: weak maps.
 *
 * A map of the library's is one from pointers to pointers, and what it holds
 * strongly may be any Scheme value.  A value that is no pointer has all bits in
 * use, so it could be taken for the address of something in the heap, and hold
 * that, or be refused for it.  So it is written as what no address can be: see
 * gcwg_word.
 *
 * The second slot of a map's object is its kind.
 */
#include "gcweak-guile.h"

#include <errno.h>

/* A number has 10 as its two lowest bits, what else is no pointer 100 as its
 * three.  So after a rotation by two bit 2 is free, and marks that the highest
 * was set, which no address of a process has.  The rotation also keeps numbers
 * apart in the library's tables as far as objects are. */
#if UINTPTR_MAX > 0xffffffff
enum { BITS = 64 };
static const uintptr_t high = (uintptr_t)1 << (BITS - 1), was_low = 4;

void *
gcwg_word(SCM x)
{
    uintptr_t word = SCM_UNPACK(x);

    if (SCM_HEAP_OBJECT_P(x))
        return (void *)word;
    word = word << 2 | word >> (BITS - 2);
    return (void *)(word & high ? word : word | high | was_low);
}

SCM
gcwg_value(void *pointer)
{
    uintptr_t word = (uintptr_t)pointer;

    if (!(word & high))
        return SCM_PACK(word);
    if (word & was_low)
        word &= ~(high | was_low);
    return SCM_PACK(word >> 2 | word << (BITS - 2));
}
#else
/* Where any word may be an address, a number that is that of something in the
 * heap holds it; one that leads into the middle of something is refused. */
void *
gcwg_word(SCM x)
{
    return (void *)SCM_UNPACK(x);
}

SCM
gcwg_value(void *pointer)
{
    return SCM_PACK((scm_t_bits)pointer);
}
#endif

SCM
gcwg_value_or_false(void *pointer)
{
    return pointer == NULL ? SCM_BOOL_F : gcwg_value(pointer);
}

/* Making one. */

static SCM
make_map(gcw_map_kind kind, const char *who)
{
    gcw_map *m = gcw_map_new(kind);

    if (m == NULL)
        gcwg_failed(who);
    return gcwg_wrap_place(GCWG_MAP, m, (void *)(uintptr_t)kind);
}

static SCM
make_weak_key_map(void)
{
    return make_map(GCW_WEAK_KEYS, "make-weak-key-map");
}

static SCM
make_weak_value_map(void)
{
    return make_map(GCW_WEAK_VALUES, "make-weak-value-map");
}

static SCM
make_doubly_weak_map(void)
{
    return make_map(GCW_WEAK_BOTH, "make-doubly-weak-map");
}

static SCM
make_strong_value_map(void)
{
    return make_map(GCW_STRONG_VALUES, "make-strong-value-map");
}

static SCM
weak_map_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_MAP, x));
}

/* Looking. */

static SCM
value_or(void *value, SCM missing)
{
    return value != NULL || SCM_UNBNDP(missing) ? gcwg_value_or_false(value)
                                                : missing;
}

/* What cannot be a key has no entry. */
static SCM
weak_map_ref(SCM map, SCM key, SCM missing)
{
    void *value = gcw_map_get(gcwg_handle(GCWG_MAP, map, 1, "weak-map-ref"),
                              gcwg_word(key));

    scm_remember_upto_here_2(map, key);
    return value_or(value, missing);
}

static SCM
weak_map_count(SCM map)
{
    size_t n = gcw_map_count(gcwg_handle(GCWG_MAP, map, 1, "weak-map-count"));

    scm_remember_upto_here_1(map);
    return scm_from_size_t(n);
}

/* Changing. */

/* The map; raises wrong-type-arg if it cannot hold weakly what it is to.  The
 * arguments are the map, the key, perhaps what is expected, and the value. */
static gcw_map *
checked(SCM map, SCM key, SCM value, int value_position, const char *who)
{
    gcw_map *m = gcwg_handle(GCWG_MAP, map, 1, who);
    gcw_map_kind kind = (gcw_map_kind)(uintptr_t)gcwg_place(map);

    if (kind != GCW_WEAK_VALUES)
        gcwg_object(key, 2, who);
    if (kind == GCW_WEAK_VALUES || kind == GCW_WEAK_BOTH)
        gcwg_object(value, value_position, who);
    return m;
}

static SCM
weak_map_set(SCM map, SCM key, SCM value)
{
    static const char who[] = "weak-map-set!";
    gcw_map *m = checked(map, key, value, 3, who);

    if (gcw_map_put(m, gcwg_word(key), gcwg_word(value)) != 0)
        gcwg_failed(who);
    scm_remember_upto_here(map, key, value);
    return SCM_UNSPECIFIED;
}

static SCM
weak_map_setdefault(SCM map, SCM key, SCM value)
{
    static const char who[] = "weak-map-setdefault!";
    gcw_map *m = checked(map, key, value, 3, who);
    void *set = gcw_map_setdefault(m, gcwg_word(key), gcwg_word(value));

    if (set == NULL)
        gcwg_failed(who);
    scm_remember_upto_here(map, key, value);
    return gcwg_value(set);
}

static SCM
weak_map_replace(SCM map, SCM key, SCM expected, SCM value)
{
    static const char who[] = "weak-map-replace!";
    gcw_map *m = checked(map, key, value, 4, who);
    bool replaced;

    errno = 0;
    replaced = gcw_map_replace(m, gcwg_word(key), gcwg_word(expected),
                               gcwg_word(value));
    if (!replaced && errno != 0)
        gcwg_failed(who);
    scm_remember_upto_here(map, key, expected, value);
    return scm_from_bool(replaced);
}

static SCM
weak_map_remove(SCM map, SCM key, SCM missing)
{
    void *value = gcw_map_remove(
        gcwg_handle(GCWG_MAP, map, 1, "weak-map-remove!"), gcwg_word(key));

    scm_remember_upto_here_2(map, key);
    return value_or(value, missing);
}

/* Walking. */

static SCM
first(SCM procedure, SCM map, int map_position, const char *who)
{
    gcw_map_iter *walk = scm_gc_malloc(sizeof *walk, "gcweak");

    gcwg_check_procedure(procedure, 1, who);
    gcw_map_first(gcwg_handle(GCWG_MAP, map, map_position, who), walk);
    return scm_from_pointer(walk, NULL);
}

/* The procedures are for the check. */
static SCM
for_each_first(SCM procedure, SCM map)
{
    return first(procedure, map, 2, "weak-map-for-each");
}

static SCM
fold_first(SCM procedure, SCM map)
{
    return first(procedure, map, 3, "weak-map-fold");
}

/* The key and the value, or #f at the end. */
static SCM
map_next(SCM walk)
{
    void *key, *value;

    if (!gcw_map_next(scm_to_pointer(walk), &key, &value))
        return SCM_BOOL_F;
    return scm_cons(gcwg_value(key), gcwg_value(value));
}

static SCM
map_kind(SCM map)
{
    static const char *const kinds[] = {
        [GCW_WEAK_KEYS] = "weak keys",
        [GCW_WEAK_VALUES] = "weak values",
        [GCW_WEAK_BOTH] = "doubly weak",
        [GCW_STRONG_VALUES] = "strong values",
    };

    return scm_from_utf8_string(kinds[(uintptr_t)gcwg_place(map)]);
}

static const struct gcwg_definition definitions[] = {
    { "make-weak-key-map", 0, 0, 0, make_weak_key_map },
    { "make-weak-value-map", 0, 0, 0, make_weak_value_map },
    { "make-doubly-weak-map", 0, 0, 0, make_doubly_weak_map },
    { "make-strong-value-map", 0, 0, 0, make_strong_value_map },
    { "weak-map?", 1, 0, 0, weak_map_p },
    { "weak-map-ref", 2, 1, 0, weak_map_ref },
    { "weak-map-count", 1, 0, 0, weak_map_count },
    { "weak-map-set!", 3, 0, 0, weak_map_set },
    { "weak-map-setdefault!", 3, 0, 0, weak_map_setdefault },
    { "weak-map-replace!", 4, 0, 0, weak_map_replace },
    { "weak-map-remove!", 2, 1, 0, weak_map_remove },
    { "%map-for-each-first", 2, 0, 0, for_each_first },
    { "%map-fold-first", 2, 0, 0, fold_first },
    { "%map-next", 1, 0, 0, map_next },
    { "%map-kind", 1, 0, 0, map_kind },
};

void
gcwg_map_init(void)
{
    GCWG_DEFINE(definitions);
}
