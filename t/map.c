/* map.c: weak maps: what is in them, and for how long. */
#include <config.h>

#include "support.h"
#include "log.h"

#include <errno.h>
#include <gc/gc_mark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gcweak/ephemeron.h>
#include <gcweak/ephemeron.h>
#include <gcweak/map.h>

/* What a herd of entries is made of, in uncollectable memory: keys and values
 * are held here where a test holds them. */
struct herd {
    gcw_map *map;
    struct target *keys[MANY], *values[MANY];
    gcw_ref *key_refs[MANY], *value_refs[MANY];
};

static struct herd *
herd_new(gcw_map_kind kind)
{
    struct herd *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);

    assert_non_null(h);
    h->map = gcw_map_new(kind);
    assert_non_null(h->map);
    return h;
}

static void
add_pair(struct herd *h, size_t i)
{
    h->keys[i] = target_new(i);
    h->values[i] = target_new(i);
    h->key_refs[i] = gcw_ref_new(h->keys[i]);
    h->value_refs[i] = gcw_ref_new(h->values[i]);
    assert_int_equal(gcw_map_put(h->map, h->keys[i], h->values[i]), 0);
}

static void
fill(void *herd)
{
    struct herd *h = herd;

    for (size_t i = 0; i < MANY; i++)
        add_pair(h, i);
}

static void
fill_with_cycles(void *herd)
{
    struct herd *h = herd;

    fill(h);
    for (size_t i = 0; i < MANY; i++)
        h->values[i]->field = h->keys[i];
}

static void
let_go(void *array)
{
    memset(array, 0, MANY * sizeof(void *));
}

static void
let_all_go(struct herd *h)
{
    let_go(h->keys);
    let_go(h->values);
}

/* How many of each have died. */
static size_t
dead_keys(struct herd *h)
{
    return dead_refs(h->key_refs, MANY);
}

static size_t
dead_values(struct herd *h)
{
    return dead_refs(h->value_refs, MANY);
}

/* --- looking and changing --- */

TEST(what_was_put_is_found)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *other = target_new(2);

    assert_int_equal(gcw_map_put(m, key, other), 0);
    assert_ptr_equal(gcw_map_get(m, key), other);
    assert_null(gcw_map_get(m, other));
    assert_int_equal(gcw_map_count(m), 1);
    GC_reachable_here(key);
}

TEST(a_key_has_one_value_the_last)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *a = target_new(2), *b = target_new(3);

    gcw_map_put(m, key, a);
    assert_int_equal(gcw_map_put(m, key, b), 0);
    assert_ptr_equal(gcw_map_get(m, key), b);
    assert_int_equal(gcw_map_count(m), 1);
}

TEST(two_pointers_into_one_object_are_two_keys)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *a = target_new(2), *b = target_new(3);

    gcw_map_put(m, key, a);
    gcw_map_put(m, &key->field, b);
    assert_ptr_equal(gcw_map_get(m, key), a);
    assert_ptr_equal(gcw_map_get(m, &key->field), b);
    assert_null(gcw_map_get(m, &key->more[1]));
}

TEST(a_default_is_set_only_where_there_is_none)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *a = target_new(2), *b = target_new(3);

    assert_ptr_equal(gcw_map_setdefault(m, key, a), a);
    assert_ptr_equal(gcw_map_setdefault(m, key, b), a);
    assert_ptr_equal(gcw_map_get(m, key), a);
    gcw_map_remove(m, key);
    assert_ptr_equal(gcw_map_setdefault(m, key, b), b);
    assert_ptr_equal(gcw_map_get(m, key), b);
}

TEST(only_what_is_expected_is_replaced)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *a = target_new(2), *b = target_new(3);

    assert_false(gcw_map_replace(m, key, a, b));
    assert_null(gcw_map_get(m, key));
    gcw_map_put(m, key, a);
    assert_false(gcw_map_replace(m, key, b, b));
    assert_true(gcw_map_replace(m, key, a, b));
    assert_ptr_equal(gcw_map_get(m, key), b);
    assert_int_equal(gcw_map_count(m), 1);
}

TEST(what_is_removed_is_gone)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *value = target_new(2);

    gcw_map_put(m, key, value);
    assert_ptr_equal(gcw_map_remove(m, key), value);
    assert_null(gcw_map_remove(m, key));
    assert_null(gcw_map_get(m, key));
    assert_int_equal(gcw_map_count(m), 0);
}

TEST(lots_of_keys_are_found_while_the_map_grows)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);

    fill(h);
    assert_int_equal(gcw_map_count(h->map), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(gcw_map_get(h->map, h->keys[i]), h->values[i]);
    for (size_t i = 0; i < MANY; i += 2)
        assert_ptr_equal(gcw_map_remove(h->map, h->keys[i]), h->values[i]);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(gcw_map_get(h->map, h->keys[i]),
                         i % 2 == 0 ? NULL : h->values[i]);
    assert_int_equal(gcw_map_count(h->map), MANY / 2);
    GC_FREE(h);
}

/* --- how long entries live --- */

static void
check_that_all_is_there(struct herd *h)
{
    collect();
    assert_int_equal(gcw_map_count(h->map), MANY);
    for (size_t i = 0; i < MANY; i++) {
        struct target *value = gcw_map_get(h->map, h->keys[i]);

        assert_non_null(value);
        assert_int_equal(value->magic, MAGIC);
        assert_int_equal(value->number, i);
    }
}

TEST(a_value_lives_as_long_as_its_key)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);

    in_dead_frame(fill, h);
    let_go(h->values);
    check_that_all_is_there(h);
    let_go(h->keys);
    collect();
    assert_true(nearly_all(dead_keys(h), MANY));
    assert_true(nearly_all(dead_values(h), MANY));
    assert_int_equal(gcw_map_count(h->map), MANY - dead_keys(h));
    GC_FREE(h);
}

TEST(a_value_that_leads_to_its_key_does_not_keep_it)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);

    in_dead_frame(fill_with_cycles, h);
    let_go(h->values);
    check_that_all_is_there(h);
    let_all_go(h);
    collect();
    assert_true(nearly_all(dead_keys(h), MANY));
    assert_true(nearly_all(dead_values(h), MANY));
    GC_FREE(h);
}

TEST(with_weak_values_a_key_lives_as_long_as_its_value)
{
    struct herd *h = herd_new(GCW_WEAK_VALUES);

    in_dead_frame(fill, h);
    let_go(h->keys);
    collect();
    assert_int_equal(dead_keys(h), 0);
    assert_int_equal(gcw_map_count(h->map), MANY);
    let_go(h->values);
    collect();
    assert_true(nearly_all(dead_values(h), MANY));
    assert_true(nearly_all(dead_keys(h), MANY));
    GC_FREE(h);
}

static void
fill_with_cycles_back(void *herd)
{
    struct herd *h = herd;

    fill(h);
    for (size_t i = 0; i < MANY; i++)
        h->keys[i]->field = h->values[i];
}

TEST(with_weak_values_a_key_that_leads_to_its_value_does_not_keep_it)
{
    struct herd *h = herd_new(GCW_WEAK_VALUES);

    in_dead_frame(fill_with_cycles_back, h);
    let_all_go(h);
    collect();
    assert_true(nearly_all(dead_values(h), MANY));
    GC_FREE(h);
}

TEST(with_both_weak_an_entry_goes_with_either)
{
    struct herd *h = herd_new(GCW_WEAK_BOTH);

    in_dead_frame(fill, h);
    check_that_all_is_there(h);
    for (size_t i = 0; i < MANY; i++)
        if (i % 2 == 0)
            h->keys[i] = NULL;
        else
            h->values[i] = NULL;
    collect();
    assert_true(nearly_all(dead_keys(h), MANY / 2));
    assert_true(nearly_all(dead_values(h), MANY / 2));
    assert_int_equal(gcw_map_count(h->map),
                     MANY - dead_keys(h) - dead_values(h));
    GC_FREE(h);
}

TEST(strong_values_keep_what_they_lead_to)
{
    struct herd *h = herd_new(GCW_STRONG_VALUES);

    in_dead_frame(fill_with_cycles, h);
    let_all_go(h);
    collect();
    assert_int_equal(dead_keys(h), 0);
    assert_int_equal(gcw_map_count(h->map), MANY);
    GC_FREE(h);
}

TEST(strong_values_go_with_a_key_that_they_do_not_lead_to)
{
    struct herd *h = herd_new(GCW_STRONG_VALUES);

    in_dead_frame(fill, h);
    let_all_go(h);
    collect();
    assert_true(nearly_all(dead_keys(h), MANY));
    collect();
    assert_true(nearly_all(dead_values(h), MANY));
    GC_FREE(h);
}

/* Each value is the next key; the first alone is held. */
static void
fill_chain(void *herd)
{
    struct herd *h = herd;
    struct target *key = target_new(0);

    h->keys[0] = key;
    for (size_t i = 0; i < MANY; i++) {
        struct target *value = target_new(i + 1);

        h->value_refs[i] = gcw_ref_new(value);
        assert_int_equal(gcw_map_put(h->map, key, value), 0);
        key = value;
    }
}

TEST(a_chain_lives_and_dies_as_a_whole)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);

    in_dead_frame(fill_chain, h);
    GC_gcollect();
    assert_int_equal(gcw_map_count(h->map), MANY);
    assert_int_equal(dead_values(h), 0);
    h->keys[0] = NULL;
    collect();
    assert_true(nearly_all(dead_values(h), MANY) || dead_values(h) == 0);
    GC_FREE(h);
}

/* Through several maps, each of which only a value of another leads to. */
static void
nest(void *herd)
{
    struct herd *h = herd;
    gcw_map *m = h->map;

    for (size_t i = 0; i < MANY; i++) {
        struct target *value = target_new(i);

        h->keys[i] = target_new(i);
        h->value_refs[i] = gcw_ref_new(value);
        assert_int_equal(gcw_map_put(m, h->keys[i], value), 0);
        m = value->field = gcw_map_new(GCW_WEAK_KEYS);
    }
}

TEST(maps_in_values_of_maps_are_whole)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);

    in_dead_frame(nest, h);
    collect();
    assert_int_equal(dead_values(h), 0);
    let_go(h->keys);
    collect();
    assert_true(nearly_all(dead_values(h), MANY));
    GC_FREE(h);
}

static void
drop_maps(void *herd)
{
    struct herd *h = herd;

    for (size_t i = 0; i < MANY; i++) {
        gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);

        h->keys[i] = target_new(i);
        h->values[i] = target_new(i);
        h->value_refs[i] = gcw_ref_new(h->values[i]);
        gcw_map_put(m, h->keys[i], h->values[i]);
    }
    let_go(h->values);
}

TEST(a_map_that_is_dropped_lets_its_values_go)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);

    in_dead_frame(drop_maps, h);
    collect();
    collect();
    assert_true(nearly_all(dead_values(h), MANY));
    GC_FREE(h);
}

enum { TIMES = 20 };

struct dropping {
    gcw_map *map;
    struct target *key;
    gcw_ref *value;
};

static void
begin_dropping(void *dropping)
{
    struct dropping *d = dropping;
    struct target *value = target_new(1);

    d->map = gcw_map_new(GCW_WEAK_KEYS);
    d->key = target_new(2);
    d->value = gcw_ref_new(value);
    assert_int_equal(gcw_map_put(d->map, d->key, value), 0);
}

/* The engine looks at the newest table last. */
static void
look_and_drop(void (*look)(void *unused))
{
    struct dropping *d = GC_MALLOC_UNCOLLECTABLE(sizeof *d);
    size_t dead = 0;

    for (int i = 0; i < TIMES; i++) {
        in_dead_frame(begin_dropping, d);
        in_dead_frame(look, NULL);
        assert_non_null(gcw_ref_get(d->value));
        clear_stack();
        d->map = NULL;
        collect();
        dead += gcw_ref_get(d->value) == NULL;
    }
    assert_true(dead >= TIMES - 2);
    GC_FREE(d);
}

static void
look_by_collecting(void *unused)
{
    (void)unused;
    collect();
}

static void
look_by_disposing(void *unused)
{
    (void)unused;
    gcw_dispose(target_new(3));
}

TEST(a_map_that_a_collection_has_looked_at_is_not_kept_by_that)
{
    look_and_drop(look_by_collecting);
}

TEST(a_map_that_gcw_dispose_has_looked_at_is_not_kept_by_that)
{
    look_and_drop(look_by_disposing);
}

/* --- finalizers --- */

struct finalized {
    gcw_map *map;
    size_t n, seen;
};

static void
look_for_itself(void *object, void *data)
{
    struct finalized *f = data;

    f->n++;
    f->seen += gcw_map_get(f->map, object) != NULL;
}

static void
fill_with_finalizers(void *finalized)
{
    struct finalized *f = finalized;

    for (size_t i = 0; i < MANY; i++) {
        struct target *key = target_new(i);

        gcw_map_put(f->map, key, target_new(i));
        GC_REGISTER_FINALIZER_NO_ORDER(key, look_for_itself, f, NULL, NULL);
    }
}

TEST(a_finalizer_does_not_see_the_entry_of_its_object)
{
    struct finalized *f = GC_MALLOC_UNCOLLECTABLE(sizeof *f);

    f->map = gcw_map_new(GCW_WEAK_KEYS);
    in_dead_frame(fill_with_finalizers, f);
    collect();
    assert_true(nearly_all(f->n, MANY));
    assert_int_equal(f->seen, 0);
}

struct owner {
    gcw_map *map;
    struct target *key;
};

static void
look_into_map(void *object, void *data)
{
    struct finalized *f = data;
    struct owner *owner = object;
    struct target *value = gcw_map_get(owner->map, owner->key);

    f->n++;
    f->seen += value != NULL && value->magic == MAGIC;
}

/* A stale word that leads to a map, and not to its owner, makes it one that is
 * also in use elsewhere; so does the mark, in incremental mode, of the memory
 * that it was made in, if that was free in the last collection.  So not all can
 * be whole. */
static void
make_owners(void *finalized)
{
    for (size_t i = 0; i < MANY; i++) {
        struct owner *owner = GC_MALLOC(sizeof *owner);

        owner->map = gcw_map_new(GCW_WEAK_KEYS);
        owner->key = target_new(i);
        gcw_map_put(owner->map, owner->key, target_new(i));
        GC_REGISTER_FINALIZER_NO_ORDER(owner, look_into_map, finalized, NULL,
                                       NULL);
    }
}

/* A stale word may lead to the map alone, past its owner; in incremental mode
 * more so, where what is marked once stays marked for some collections. */
static bool
most_were_whole(const struct finalized *f)
{
    return f->seen * 4 >= f->n * 3;
}

TEST(a_map_of_an_object_that_is_finalized_is_whole)
{
    struct finalized *f = GC_MALLOC_UNCOLLECTABLE(sizeof *f);

    in_dead_frame(make_owners, f);
    collect();
    assert_true(nearly_all(f->n, MANY));
    assert_true(most_were_whole(f));
}

/* --- shrinking --- */

static size_t
bytes_of_table(gcw_map *m)
{
    gcw_map_iter i;

    gcw_map_first(m, &i);
    return GC_size(i.table);
}

TEST(a_map_shrinks_by_itself_after_its_entries_have_died)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);
    size_t full, few = MANY / 20;

    in_dead_frame(fill_with_cycles, h);
    full = bytes_of_table(h->map);
    memset(h->keys + few, 0, (MANY - few) * sizeof h->keys[0]);
    let_go(h->values);
    collect();
    assert_true(nearly_all(dead_keys(h), MANY - few));
    assert_true(bytes_of_table(h->map) <= full / 4);
    for (size_t i = 0; i < few; i++)
        assert_non_null(gcw_map_get(h->map, h->keys[i]));
    GC_FREE(h);
}

TEST(a_map_shrinks_as_its_entries_are_removed)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);
    size_t full;

    fill(h);
    full = bytes_of_table(h->map);
    for (size_t i = MANY / 20; i < MANY; i++)
        gcw_map_remove(h->map, h->keys[i]);
    assert_true(bytes_of_table(h->map) <= full / 4);
    for (size_t i = 0; i < MANY / 20; i++)
        assert_ptr_equal(gcw_map_get(h->map, h->keys[i]), h->values[i]);
    GC_FREE(h);
}

/* --- disposal --- */

TEST(entries_of_a_key_that_is_disposed_of_go_at_once)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *value = target_new(2);

    gcw_map_put(m, key, value);
    gcw_map_put(m, &key->field, value);
    assert_int_equal(gcw_dispose(key), 0);
    assert_null(gcw_map_get(m, key));
    assert_null(gcw_map_get(m, &key->field));
    assert_int_equal(gcw_map_count(m), 0);
    assert_int_equal(gcw_map_put(m, key, value), 0);
    assert_ptr_equal(gcw_map_get(m, key), value);
}

TEST(so_do_those_of_a_weak_value)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_VALUES), *b = gcw_map_new(GCW_WEAK_BOTH);
    struct target *key = target_new(1), *value = target_new(2);

    gcw_map_put(m, key, value);
    gcw_map_put(b, key, value);
    assert_int_equal(gcw_dispose(value), 0);
    assert_null(gcw_map_get(m, key));
    assert_null(gcw_map_get(b, key));
}

/* In uncollectable memory. */
struct ephemerons {
    struct target *keys[MANY];
    gcw_ephemeron *them[MANY];
};

static void
make_ephemeron(struct ephemerons *all, size_t i)
{
    all->keys[i] = target_new(i);
    all->them[i] = gcw_ephemeron_new(all->keys[i], target_new(i));
    assert_non_null(all->them[i]);
}

/* A second one takes its place. */
static void
dispose_of_one(struct ephemerons *all, size_t i)
{
    gcw_ephemeron *old = all->them[i];

    gcw_dispose(all->keys[i]);
    assert_null(gcw_ephemeron_key(old));
    assert_null(gcw_ephemeron_value(old));
    make_ephemeron(all, i);
}

TEST(so_do_ephemerons_and_no_others)
{
    struct ephemerons *all = GC_MALLOC_UNCOLLECTABLE(sizeof *all);

    for (size_t i = 0; i < MANY; i++)
        make_ephemeron(all, i);
    for (size_t i = 0; i < MANY; i += 2) {
        if (i == MANY / 2)
            GC_gcollect();
        dispose_of_one(all, i);
    }
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(gcw_ephemeron_key(all->them[i]), all->keys[i]);
    GC_FREE(all);
}

TEST(so_do_all_of_one_key)
{
    enum { SOME = 100 };
    struct target *key = target_new(1);
    gcw_ephemeron *them[SOME];

    for (size_t i = 0; i < SOME; i++)
        them[i] = gcw_ephemeron_new(key, target_new(i));
    gcw_dispose(key);
    for (size_t i = 0; i < SOME; i++)
        assert_null(gcw_ephemeron_value(them[i]));
    GC_reachable_here(key);
}

TEST(a_map_that_is_disposed_of_takes_nothing_more)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *value = target_new(2);

    gcw_map_put(m, key, value);
    assert_int_equal(gcw_dispose(m), 0);
    assert_null(gcw_map_get(m, key));
    assert_int_equal(gcw_map_count(m), 0);
    expect_errno(gcw_map_put(m, key, value) != 0, ESTALE);
    expect_errno(gcw_map_setdefault(m, key, value) == NULL, ESTALE);
}

/* --- walking --- */

TEST(a_walk_gives_each_entry_once)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);
    char given[MANY] = { 0 };
    void *key, *value;
    gcw_map_iter i;

    fill(h);
    gcw_map_first(h->map, &i);
    while (gcw_map_next(&i, &key, &value)) {
        struct target *k = key, *v = value;

        assert_int_equal(k->number, v->number);
        assert_int_equal(given[k->number]++, 0);
    }
    for (size_t n = 0; n < MANY; n++)
        assert_int_equal(given[n], 1);
    assert_false(gcw_map_next(&i, &key, &value));
    GC_FREE(h);
}

TEST(what_stays_is_given_once_whatever_the_walk_changes)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);
    char given[2 * MANY] = { 0 };
    void *key, *value;
    gcw_map_iter i;

    fill(h);
    gcw_map_first(h->map, &i);
    while (gcw_map_next(&i, &key, &value)) {
        struct target *k = key;

        assert_int_equal(given[k->number]++, 0);
        if (k->number < MANY) {
            size_t partner = MANY - 1 - k->number;

            if (k->number % 3 == 0 && partner != k->number) {
                gcw_map_remove(h->map, h->keys[partner]);
                given[partner] += given[partner] == 0 ? 2 : 0;
            }
            gcw_map_put(h->map, target_new(MANY + k->number), k);
        }
    }
    for (size_t n = 0; n < MANY; n++)
        assert_in_range(given[n], 1, 2);
    GC_FREE(h);
}

TEST(a_walk_of_an_empty_map_gives_nothing)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    void *key, *value;
    gcw_map_iter i;

    gcw_map_first(m, &i);
    assert_false(gcw_map_next(&i, &key, &value));
}

/* --- who takes the collector's event function --- */

static void GC_CALLBACK
hear_nothing(GC_EventType event)
{
    (void)event;
}

TEST(without_the_event_function_nothing_is_lost)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);
    GC_on_collection_event_proc before = GC_get_on_collection_event();

    in_dead_frame(fill_with_cycles, h);
    GC_set_on_collection_event(hear_nothing);
    let_go(h->values);
    check_that_all_is_there(h);
    let_go(h->keys);
    GC_set_on_collection_event(hear_nothing);
    GC_gcollect();
    assert_int_equal(gcw_map_count(h->map), MANY);
    GC_set_on_collection_event(before);
    collect();
    assert_true(nearly_all(dead_keys(h), MANY));
    GC_FREE(h);
}

static GC_on_collection_event_proc heard_before;

/* Whoever does so does not pass on what the library waits for most. */
static void GC_CALLBACK
hear_no_end(GC_EventType event)
{
    if (event != GC_EVENT_MARK_END && event != GC_EVENT_PRE_START_WORLD)
        heard_before(event);
}

/* In memory that was freed. */
static void
keep_others(void **keep)
{
    for (size_t i = 0; i < 2 * MANY; i++) {
        keep[i] = GC_MALLOC(sizeof(struct target));
        memset(keep[i], 0x55, sizeof(struct target));
    }
}

/* The engine was there when marking began, and not in its end: what was freed
 * it learns from nobody.  It is there again in the next collection, before
 * anybody has looked into the map. */
TEST(what_it_cannot_know_is_dropped_before_the_next_collection)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);
    void **keep = keep_array(2 * MANY);

    in_dead_frame(fill, h);
    let_go(h->values);
    heard_before = GC_get_on_collection_event();
    GC_set_on_collection_event(hear_no_end);
    GC_gcollect();
    GC_set_on_collection_event(heard_before);
    keep_others(keep);
    GC_gcollect();
    for (size_t i = 0; i < MANY; i++) {
        struct target *value = gcw_map_get(h->map, h->keys[i]);

        if (value != NULL)
            assert_int_equal(value->magic, MAGIC);
    }
    GC_FREE(keep);
    GC_FREE(h);
}

static void
use_memory_again(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 4 * MANY; i++)
        target_new(i)->number = SIZE_MAX;
}

/* Ephemerons, of which some are kept, in uncollectable memory. */
struct flock {
    gcw_ephemeron *kept[MANY];
    struct target *keys[MANY];
};

static void
add_to_flock(struct flock *f, size_t i)
{
    f->keys[i] = target_new(i);
    f->kept[i] = gcw_ephemeron_new(f->keys[i], target_new(MANY + i));
    assert_non_null(f->kept[i]);
}

static void
fill_flock(void *flock)
{
    for (size_t i = 0; i < MANY; i++)
        add_to_flock(flock, i);
}

static void
check_flock(void *flock)
{
    struct flock *f = flock;

    for (size_t i = 0; i < MANY; i++) {
        struct target *value = gcw_ephemeron_value(f->kept[i]);

        assert_non_null(value);
        assert_int_equal(value->magic, MAGIC);
        assert_int_equal(value->number, MANY + i);
    }
}

/* One in each block lives on, so the others' memory is not free before it is
 * needed. */
static void
let_most_go(struct flock *f)
{
    for (size_t i = 0; i < MANY; i++)
        if (i % 16 != 0)
            f->kept[i] = NULL;
}

static void
fill_flock_again(void *flock)
{
    struct flock *f = flock;

    for (size_t i = 0; i < MANY; i++)
        if (f->kept[i] == NULL)
            add_to_flock(f, i);
}

/* Nobody has said of these tables that they are dead when others begin where
 * they were. */
TEST(memory_of_tables_that_died_unheard_is_used_again)
{
    struct flock *f = GC_MALLOC_UNCOLLECTABLE(sizeof *f);
    GC_on_collection_event_proc before;

    in_dead_frame(fill_flock, f);
    collect();
    before = GC_get_on_collection_event();
    GC_set_on_collection_event(hear_nothing);
    let_most_go(f);
    clear_stack();
    GC_gcollect();
    assert_non_null(gcw_ephemeron_value(f->kept[0]));
    in_dead_frame(fill_flock_again, f);
    GC_set_on_collection_event(before);
    collect();
    in_dead_frame(use_memory_again, NULL);
    in_dead_frame(check_flock, f);
    GC_FREE(f);
}

static bool marking_has_begun;
static int steps_left;

static void GC_CALLBACK
hear_all(GC_EventType event)
{
    heard_before(event);
    marking_has_begun |= event == GC_EVENT_MARK_START;
}

static int GC_CALLBACK
give_up_soon(void)
{
    return marking_has_begun && --steps_left < 0;
}

/* A stop in which the engine is armed, given up after so many steps of marking;
 * the rest of the collection it does not hear.  True if it was given up. */
static bool
collect_half_heard(int steps)
{
    bool given_up;

    heard_before = GC_get_on_collection_event();
    marking_has_begun = false;
    steps_left = steps;
    GC_set_on_collection_event(hear_all);
    given_up = !GC_try_to_collect(give_up_soon);
    GC_set_on_collection_event(hear_nothing);
    if (given_up)
        GC_gcollect();
    GC_set_on_collection_event(heard_before);
    return given_up;
}

static void
check_that_none_is_of_another(void *herd)
{
    struct herd *h = herd;

    for (size_t i = 0; i < MANY; i++) {
        struct target *value = gcw_map_get(h->map, h->keys[i]);

        assert_true(value == NULL || value->number == i);
    }
}

/* What half a collection has left to the engine is dropped, even if the engine
 * hears all of the next one before anybody looks. */
TEST(after_half_a_collection_nothing_dangles)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);
    bool given_up = true;

    for (int steps = 1; given_up; steps += 1 + steps / 8) {
        in_dead_frame(fill, h);
        let_go(h->values);
        clear_stack();
        given_up = collect_half_heard(steps);
        in_dead_frame(use_memory_again, NULL);
        GC_gcollect();
        in_dead_frame(check_that_none_is_of_another, h);
    }
    GC_FREE(h);
}

/* --- forks --- */

TEST(a_child_has_a_copy)
{
    struct herd *h = herd_new(GCW_WEAK_KEYS);
    int status;
    pid_t pid;

    in_dead_frame(fill_with_cycles, h);
    pid = fork();
    if (pid == 0) {
        check_that_all_is_there(h);
        let_all_go(h);
        collect();
        _exit(nearly_all(MANY - gcw_map_count(h->map), MANY) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    check_that_all_is_there(h);
    GC_FREE(h);
}

/* --- errors --- */

TEST(what_makes_no_sense_is_invalid)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1), *value = target_new(2);
    static int outside;
    gcw_map_iter i;
    void *k, *v;

    expect_errno(gcw_map_new((gcw_map_kind)4) == NULL, EINVAL);
    expect_errno(gcw_map_put(NULL, key, value) != 0, EINVAL);
    expect_errno(gcw_map_put(m, NULL, value) != 0, EINVAL);
    expect_errno(gcw_map_put(m, key, NULL) != 0, EINVAL);
    expect_errno(gcw_map_put(m, &outside, value) != 0, EINVAL);
    expect_errno(gcw_map_setdefault(m, key, NULL) == NULL, EINVAL);
    expect_errno(!gcw_map_replace(m, key, NULL, value), EINVAL);
    expect_errno(!gcw_map_replace(m, key, value, NULL), EINVAL);
    expect_errno(gcw_map_get(NULL, key) == NULL, EINVAL);
    expect_errno(gcw_map_get(m, NULL) == NULL, EINVAL);
    expect_errno(gcw_map_remove(NULL, key) == NULL, EINVAL);
    expect_errno(gcw_map_remove(m, NULL) == NULL, EINVAL);
    expect_errno(gcw_map_count(NULL) == 0, EINVAL);
    expect_errno((gcw_map_first(NULL, &i), errno != 0), EINVAL);
    expect_errno((gcw_map_first(m, NULL), errno != 0), EINVAL);
    gcw_map_first(m, &i);
    expect_errno(!gcw_map_next(NULL, &k, &v), EINVAL);
    expect_errno(!gcw_map_next(&i, NULL, &v), EINVAL);
    expect_errno(!gcw_map_next(&i, &k, NULL), EINVAL);
    assert_int_equal(gcw_map_count(m), 0);
}

TEST(success_leaves_errno_alone)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    struct target *key = target_new(1);

    errno = ENOENT;
    gcw_map_put(m, key, key);
    gcw_map_get(m, key);
    gcw_map_get(m, m);
    gcw_map_remove(m, key);
    gcw_map_remove(m, key);
    gcw_map_count(m);
    assert_int_equal(errno, ENOENT);
}
