/* marks.c: the engine of weak maps under stress: when its event is missing, its
 * memory short, the graph awkward. */
#include <config.h>

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "marks/engine.h"
#include "marks/tracer.h"
#include <gcweak/ephemeron.h>
#include <gcweak/map.h>

/* In uncollectable memory. */
struct herd {
    gcw_map *map;
    struct target *keys[MANY];
};

static struct herd *
herd_new(void)
{
    struct herd *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);

    assert_non_null(h);
    h->map = gcw_map_new(GCW_WEAK_KEYS);
    assert_non_null(h->map);
    return h;
}

static void
fill(void *herd)
{
    struct herd *h = herd;

    for (size_t i = 0; i < MANY; i++) {
        struct target *value = target_new(i);

        h->keys[i] = target_new(i);
        value->field = h->keys[i];
        assert_int_equal(gcw_map_put(h->map, h->keys[i], value), 0);
    }
}

/* The values that are there are as they were; returns how many are not
 * there. */
static size_t
count_lost(struct herd *h)
{
    size_t lost = 0;

    for (size_t i = 0; i < MANY; i++) {
        struct target *value = gcw_map_get(h->map, h->keys[i]);

        if (value == NULL) {
            lost++;
            continue;
        }
        assert_ptr_equal(GC_base(value), value);
        assert_int_equal(value->magic, MAGIC);
        assert_int_equal(value->number, i);
    }
    return lost;
}

static struct gcw__engine_stats
statistics(void)
{
    struct gcw__engine_stats stats;

    gcw__engine_stats(&stats);
    return stats;
}

static bool
is_incremental(void)
{
    return GC_is_incremental_mode();
}

/* --- the event is missing --- */

static void GC_CALLBACK
hear_nothing(GC_EventType event)
{
    (void)event;
}

static GC_on_collection_event_proc
steal_event(void)
{
    GC_on_collection_event_proc before = GC_get_on_collection_event();

    GC_set_on_collection_event(hear_nothing);
    return before;
}

/* Every second map is dropped. */
struct maps {
    gcw_map *maps[2 * MANY];
    struct target *keys[2 * MANY];
};

static void
add_map(struct maps *all, size_t i)
{
    all->maps[i] = gcw_map_new(GCW_WEAK_KEYS);
    all->keys[i] = target_new(i);
    assert_int_equal(gcw_map_put(all->maps[i], all->keys[i], target_new(i)),
                     0);
}

static void
add_maps(void *maps)
{
    for (size_t i = 0; i < 2 * MANY; i++)
        add_map(maps, i);
    for (size_t i = 0; i < 2 * MANY; i += 2)
        ((struct maps *)maps)->maps[i] = NULL;
}

static void
check_maps(struct maps *all)
{
    for (size_t i = 0; i < 2 * MANY; i++) {
        struct target *value = gcw_map_get(all->maps[i], all->keys[i]);

        assert_non_null(value);
        assert_int_equal(value->magic, MAGIC);
        assert_int_equal(value->number, i);
    }
}

static void
reuse_memory(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 4 * MANY; i++)
        memset(GC_MALLOC(sizeof(struct target)), 0x77, sizeof(struct target));
}

TEST(tables_that_have_died_unseen_give_their_memory_to_others)
{
    struct maps *all = GC_MALLOC_UNCOLLECTABLE(sizeof *all);
    GC_on_collection_event_proc before;

    in_dead_frame(add_maps, all);
    before = steal_event();
    GC_gcollect();
    assert_int_equal(gcw_map_count(all->maps[1]), 1);
    for (size_t i = 0; i < 2 * MANY; i += 2)
        add_map(all, i);
    assert_int_equal(gcw_dispose(target_new(0)), 0);
    GC_set_on_collection_event(before);
    for (int i = 0; i < 3; i++) {
        collect();
        in_dead_frame(reuse_memory, NULL);
        check_maps(all);
    }
    GC_FREE(all);
}

TEST(collections_without_the_engine_are_counted)
{
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);
    GC_on_collection_event_proc before = steal_event();
    struct gcw__engine_stats was = statistics();

    GC_gcollect();
    steal_event();
    GC_gcollect();
    GC_set_on_collection_event(before);
    assert_int_equal(gcw_map_count(m), 0);
    assert_true(statistics().missed - was.missed >= 2);
    assert_int_equal(statistics().dropped, was.dropped);
    GC_gcollect();
    assert_true(statistics().passes > was.passes);
    assert_int_equal(statistics().dropped, was.dropped);
}

static int steps_left;
static bool marking;
static GC_on_collection_event_proc heard_before;

static int GC_CALLBACK
stop_after_steps(void)
{
    return marking && steps_left-- <= 0;
}

static void GC_CALLBACK
hear_start(GC_EventType event)
{
    marking |= event == GC_EVENT_MARK_START;
    heard_before(event);
}

/* Begins a collection that is given up after so many steps of marking, unless
 * it ends before. */
static void
give_up_after(int steps)
{
    steps_left = steps;
    marking = false;
    heard_before = GC_get_on_collection_event();
    GC_set_on_collection_event(hear_start);
    GC_try_to_collect(stop_after_steps);
    GC_set_on_collection_event(heard_before);
}

/* The event goes between the beginning of marking and its end. */
static void
steal_in_the_midst(int steps)
{
    GC_on_collection_event_proc before;

    give_up_after(steps);
    before = steal_event();
    GC_gcollect();
    in_dead_frame(reuse_memory, NULL);
    GC_set_on_collection_event(before);
}

enum { STEPS = 40 };

TEST(a_collection_that_was_given_up_and_a_theft_lose_nothing)
{
    struct herd *h = herd_new();

    if (is_incremental())
        return;
    in_dead_frame(fill, h);
    for (int steps = 0; steps < STEPS; steps++) {
        steal_in_the_midst(steps);
        assert_int_equal(count_lost(h), 0);
    }
    assert_int_equal(statistics().dropped, 0);
    GC_FREE(h);
}

/* The next collection begins before anybody has looked. */
TEST(what_a_theft_in_the_midst_has_dropped_is_counted)
{
    struct herd *h = herd_new();

    for (int steps = 0; steps < STEPS; steps++) {
        struct gcw__engine_stats was = statistics();

        in_dead_frame(fill, h);
        steal_in_the_midst(steps);
        GC_gcollect();
        in_dead_frame(reuse_memory, NULL);
        assert_true(count_lost(h) <= statistics().dropped - was.dropped);
    }
    GC_FREE(h);
}

TEST(what_was_missed_before_a_collection_began_is_not_dropped_in_it)
{
    struct herd *h = herd_new();

    in_dead_frame(fill, h);
    for (int steps = 0; steps < STEPS; steps++) {
        GC_on_collection_event_proc before = steal_event();
        struct gcw__engine_stats was;

        GC_gcollect();
        GC_set_on_collection_event(before);
        was = statistics();
        give_up_after(steps);
        assert_int_equal(count_lost(h), 0);
        assert_int_equal(statistics().dropped, was.dropped);
        GC_gcollect();
    }
    GC_FREE(h);
}

/* --- memory is short --- */

struct node {
    uintptr_t magic;
    struct node *branches[8];
};

enum { NODES = 100000, COMB = 100, TEETH = 127 };

static struct node *
node_new(void)
{
    struct node *n = GC_MALLOC(sizeof *n);

    assert_non_null(n);
    n->magic = MAGIC;
    return n;
}

/* Eight branches a node. */
static struct node *
tree_new(void)
{
    struct node **all = GC_MALLOC_UNCOLLECTABLE(NODES * sizeof *all), *root;

    for (size_t i = 0; i < NODES; i++)
        all[i] = node_new();
    for (size_t i = 1; i < NODES; i++)
        all[(i - 1) / 8]->branches[(i - 1) % 8] = all[i];
    root = all[0];
    GC_FREE(all);
    return root;
}

static size_t
count_nodes(const struct node *n)
{
    size_t count = 1;

    assert_int_equal(n->magic, MAGIC);
    for (size_t i = 0; i < 8; i++)
        if (n->branches[i] != NULL)
            count += count_nodes(n->branches[i]);
    return count;
}

/* A chain of values, each of which has a tree at the end. */
struct grove {
    gcw_map *map;
    struct target *key;
};

enum { CHAIN = 10 };

static void
plant(void *grove)
{
    struct grove *g = grove;
    struct target *key = g->key = target_new(0);

    for (size_t i = 1; i <= CHAIN; i++) {
        struct target *value = target_new(i);

        assert_int_equal(gcw_map_put(g->map, key, value), 0);
        key = value;
    }
    key->field = tree_new();
}

static void
litter(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < NODES; i++)
        memset(GC_MALLOC(sizeof(struct node)), 0x77, sizeof(struct node));
}

static void
check_grove(struct grove *g)
{
    struct target *value = g->key;

    in_dead_frame(litter, NULL);
    for (size_t i = 1; i <= CHAIN; i++) {
        value = gcw_map_get(g->map, value);
        assert_non_null(value);
        assert_int_equal(value->number, i);
    }
    assert_int_equal(count_nodes(value->field), NODES);
}

static struct grove *
grove_new(void)
{
    struct grove *g = GC_MALLOC_UNCOLLECTABLE(sizeof *g);

    g->map = gcw_map_new(GCW_WEAK_KEYS);
    in_dead_frame(plant, g);
    return g;
}

static void
forget_limit(void)
{
    gcw__trace_most = SIZE_MAX;
}

TEST(all_is_marked_with_a_stack_of_a_few_entries, .tear_down = forget_limit)
{
    struct grove *g = grove_new();

    for (size_t most = 4; most <= 64; most *= 4) {
        gcw__trace_most = most;
        GC_gcollect();
        check_grove(g);
    }
    GC_FREE(g);
}

/* An object of many words, of which the last leads to the next: the stack gets
 * as deep as there are words in all. */
static void
make_comb(void *grove)
{
    struct grove *g = grove;
    void **first = NULL;

    for (size_t i = 0; i < COMB; i++) {
        void **comb = GC_MALLOC((TEETH + 1) * sizeof *comb);

        for (size_t tooth = 0; tooth < TEETH; tooth++)
            comb[tooth] = node_new();
        comb[TEETH] = first;
        first = comb;
    }
    g->key = target_new(0);
    assert_int_equal(gcw_map_put(g->map, g->key, first), 0);
}

static size_t
count_teeth(void **comb)
{
    size_t n = 0;

    for (; comb != NULL; comb = comb[TEETH])
        for (size_t tooth = 0; tooth < TEETH; tooth++)
            n += ((struct node *)comb[tooth])->magic == MAGIC;
    return n;
}

static size_t
pages_mapped(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    size_t pages;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%zu", &pages), 1);
    fclose(f);
    return pages;
}

TEST(all_is_marked_when_the_system_has_no_memory_for_the_stack)
{
    struct grove *g = GC_MALLOC_UNCOLLECTABLE(sizeof *g);
    struct rlimit limit, before;

    g->map = gcw_map_new(GCW_WEAK_KEYS);
    in_dead_frame(make_comb, g);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = pages_mapped() * (size_t)sysconf(_SC_PAGESIZE);
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    GC_gcollect();
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    in_dead_frame(litter, NULL);
    assert_int_equal(count_teeth(gcw_map_get(g->map, g->key)), COMB * TEETH);
    GC_FREE(g);
}

/* --- finalizers --- */

enum { LARGE = 20000, OWNERS = 8 };

struct owner {
    gcw_map *map, *other;
    gcw_ephemeron *ephemeron;
    struct target *key;              /* and a list of more, by `field` */
};

struct seen {
    size_t finalized, whole;
};

static bool
is_whole(gcw_map *m, struct target *key)
{
    for (; key != NULL; key = key->field) {
        struct target *value = gcw_map_get(m, key);

        if (value == NULL || value->magic != MAGIC
            || value->number != key->number)
            return false;
    }
    return true;
}

static void
look_into_large(void *object, void *data)
{
    struct owner *o = object;
    struct seen *seen = data;

    seen->finalized++;
    seen->whole += is_whole(o->map, o->key);
}

/* The values hold nothing that holds the keys. */
static void
make_large(void *seen)
{
    for (size_t n = 0; n < OWNERS; n++) {
        struct owner *o = GC_MALLOC(sizeof *o);

        o->map = gcw_map_new(GCW_WEAK_KEYS);
        for (size_t i = 0; i < LARGE; i++) {
            struct target *key = target_new(i);

            key->field = o->key;
            o->key = key;
            assert_int_equal(gcw_map_put(o->map, key, target_new(i)), 0);
        }
        GC_REGISTER_FINALIZER_NO_ORDER(o, look_into_large, seen, NULL, NULL);
    }
}

/* A map that a stray word leads to is reached before its owner is, and without
 * its keys: its entries die.  Addresses of 4 bytes look like numbers. */
enum { ASTRAY = sizeof(void *) < 8 ? OWNERS / 2 : 1 };

static void
see_large(void)
{
    struct seen *seen = GC_MALLOC_UNCOLLECTABLE(sizeof *seen);

    in_dead_frame(make_large, seen);
    collect();
    printf("%s %s\n", seen->finalized >= OWNERS / 2 ? "many" : "few",
           seen->whole + ASTRAY >= seen->finalized ? "whole" : "not whole");
}

/* Its mark stack is too small for it, so the collector begins anew, with all
 * its threads. */
SCENARIO(large_maps_are_finalized)
{
    see_large();
}

static void
check_large(const char *markers)
{
    struct outcome o;

    setenv("GC_MARKERS", markers, 1);
    o = run_scenario("large_maps_are_finalized");
    unsetenv("GC_MARKERS");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "many whole\n");
    outcome_free(&o);
}

TEST(a_large_map_of_an_object_that_is_finalized_is_whole)
{
    check_large("1");
    check_large("4");
}

static void
look_into_both(void *object, void *data)
{
    struct owner *o = object;
    struct seen *seen = data;
    struct target *value = gcw_map_get(o->map, o->key);
    struct target *second = value == NULL ? NULL
                                          : gcw_map_get(value->field, value);

    seen->finalized++;
    seen->whole += second != NULL && second->magic == MAGIC
                   && second->field == o->map
                   && gcw_ephemeron_key(o->ephemeron) == o->key
                   && gcw_ephemeron_value(o->ephemeron) == value;
}

/* Only a value of the one map leads to the other, and back. */
static void
make_knots(void *seen)
{
    for (size_t n = 0; n < MANY; n++) {
        struct owner *o = GC_MALLOC(sizeof *o);
        struct target *value = target_new(n), *second = target_new(n);

        o->map = gcw_map_new(GCW_WEAK_KEYS);
        o->key = target_new(n);
        o->ephemeron = gcw_ephemeron_new(o->key, value);
        value->field = gcw_map_new(GCW_WEAK_KEYS);
        second->field = o->map;
        assert_int_equal(gcw_map_put(o->map, o->key, value), 0);
        assert_int_equal(gcw_map_put(value->field, value, second), 0);
        GC_REGISTER_FINALIZER_NO_ORDER(o, look_into_both, seen, NULL, NULL);
    }
}

TEST(so_are_maps_that_lead_to_each_other_and_ephemerons)
{
    struct seen *seen = GC_MALLOC_UNCOLLECTABLE(sizeof *seen);

    in_dead_frame(make_knots, seen);
    collect();
    assert_true(nearly_all(seen->finalized, MANY));
    assert_true(seen->whole >= MANY / 2);
    collect();
    collect();
    assert_true(statistics().tables < MANY / 2);
}

/* --- toggle references --- */

static GC_ToggleRefStatus toggled = GC_TOGGLE_REF_STRONG;

static GC_ToggleRefStatus GC_CALLBACK
toggle(void *object)
{
    (void)object;
    return toggled;
}

static void
fill_toggled(void *herd)
{
    struct herd *h = herd;

    fill(h);
    for (size_t i = 0; i < MANY; i++) {
        GC_toggleref_add(h->keys[i], 1);
        h->keys[i] = (struct target *)~(uintptr_t)h->keys[i];
    }
}

static void
reveal(struct herd *h)
{
    for (size_t i = 0; i < MANY; i++)
        h->keys[i] = (struct target *)~(uintptr_t)h->keys[i];
}

static void
drop_toggled(void)
{
    toggled = GC_TOGGLE_REF_DROP;
    GC_gcollect();
    GC_set_toggleref_func(NULL);
}

TEST(what_a_toggle_reference_holds_is_not_lost, .tear_down = drop_toggled)
{
    struct herd *h;
    struct gcw__engine_stats was;

    toggled = GC_TOGGLE_REF_STRONG;
    GC_set_toggleref_func(toggle);
    h = herd_new();
    was = statistics();
    in_dead_frame(fill_toggled, h);
    for (int i = 0; i < 3; i++) {
        give_up_after(i);
        collect();
        in_dead_frame(reuse_memory, NULL);
    }
    reveal(h);
    assert_int_equal(count_lost(h), 0);
    assert_int_equal(statistics().missed, was.missed);
    assert_int_equal(statistics().dropped, was.dropped);
    GC_FREE(h);
}

TEST(entries_stay_while_there_is_a_function_for_them)
{
    struct herd *h;

    GC_set_toggleref_func(toggle);
    h = herd_new();
    in_dead_frame(fill, h);
    memset(h->keys, 0, sizeof h->keys);
    collect();
    assert_int_equal(gcw_map_count(h->map), MANY);
    GC_set_toggleref_func(NULL);
    assert_non_null(gcw_map_new(GCW_WEAK_KEYS));
    collect();
    assert_true(nearly_all(MANY - gcw_map_count(h->map), MANY));
    GC_FREE(h);
}
