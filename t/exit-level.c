/* exit-level.c: tests of levels: which handlers run before which. */
#include <config.h>
#include <stdlib.h>
#include "chance.h"
#include "registry.h"

static gcw_exit_handler *
add_at(gcw_exit_registry *r, long level, char *word)
{
    gcw_exit_options o = { .level = level };
    gcw_exit_handler *h = gcw_exit_register_fn(r, note_it, word, &o);
    assert_non_null(h);
    return h;
}

TEST(higher_levels_run_first)
{
    gcw_exit_registry *r = fresh_registry();
    add_at(r, 1, "one");
    add(r, "zero");
    add_at(r, -1, "below");
    add_at(r, 2, "two");
    run_leaves(r, "two one zero below");
    run_leaves(r, "");
}

TEST(within_a_level_the_last_registered_is_first)
{
    gcw_exit_registry *r = fresh_registry();
    add_at(r, 7, "a");
    add(r, "b");
    add_at(r, 7, "c");
    add(r, "d");
    add_at(r, 7, "e");
    run_leaves(r, "e c a d b");
}

TEST(there_is_a_first_and_a_last_level)
{
    gcw_exit_registry *r = fresh_registry();
    add_at(r, GCW_EXIT_LAST, "last");
    add_at(r, GCW_EXIT_FIRST, "first");
    add_at(r, LONG_MIN + 1, "nearly last");
    add_at(r, LONG_MAX - 1, "then");
    add(r, "middle");
    run_leaves(r, "first then middle nearly last last");
}

TEST(methods_have_levels)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(1);
    gcw_exit_options o = { .level = 3 };
    gcw_exit_register(r, gcw_method_new(t, note_method, "method"), &o);
    add(r, "function");
    run_leaves(r, "method function");
    GC_reachable_here(t);
}

struct more {
    gcw_exit_registry *registry;
    long level;
    char *word;
};

static void
add_more(void *more)
{
    struct more *m = more;
    note("adds");
    add_at(m->registry, m->level, m->word);
}

/* Runs a registry with levels 2, 0 and -2, in which one of level 1 adds another
 * of this level. */
static void
added_in_a_run(long level, const char *words)
{
    struct more m = { fresh_registry(), level, "new" };
    gcw_exit_options o = { .level = 1 };
    add_at(m.registry, 2, "2");
    add(m.registry, "0");
    add_at(m.registry, -2, "-2");
    gcw_exit_register_fn(m.registry, add_more, &m, &o);
    run_leaves(m.registry, words);
}

TEST(what_is_registered_in_a_run_waits_for_its_level)
{
    added_in_a_run(3, "2 adds new 0 -2");
    added_in_a_run(1, "2 adds new 0 -2");
    added_in_a_run(0, "2 adds new 0 -2");
    added_in_a_run(-1, "2 adds 0 new -2");
    added_in_a_run(-3, "2 adds 0 -2 new");
}

static void
add_above(void *registry)
{
    note("adds");
    add(registry, "new");
}

TEST(a_level_that_was_done_with_is_come_back_to)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_options o = { .level = -2 };
    add(r, "0");
    gcw_exit_register_fn(r, add_above, r, &o);
    add_at(r, -3, "-3");
    run_leaves(r, "0 adds new -3");
}

static size_t
live_bytes(void)
{
    GC_gcollect();
    return GC_get_heap_size() - GC_get_free_bytes();
}

/* A thousand levels have some 300 KB. */
TEST(levels_that_are_empty_go_when_a_run_ends)
{
    gcw_exit_registry *r = fresh_registry();
    size_t before = live_bytes();
    for (long level = 1; level < 5000; level++) {
        add_at(r, level, "x");
        assert_int_equal(gcw_exit_run(r, 0), 0);
        forget();
    }
    assert_in_range(live_bytes(), 0, before + 600000);
}

TEST(what_is_kept_keeps_its_level)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_options o = { .level = 1, .keep = true };
    gcw_exit_register_fn(r, note_it, "kept", &o);
    o.level = -1;
    gcw_exit_register_fn(r, note_it, "below", &o);
    add(r, "once");
    run_leaves(r, "kept once below");
    run_leaves(r, "kept below");
    add(r, "again");
    run_leaves(r, "kept again below");
}

static void
note_too(void *word)
{
    note(word);
}

static void
add_many(void *registry)
{
    for (int i = 0; i < 100; i++)
        add_at(registry, 1, "x");
    assert_int_equal(gcw_exit_unregister_fn(registry, note_it), 101);
}

/* What has run and stays moves to a larger array, too. */
TEST(what_is_kept_stays_though_its_level_grows_meanwhile)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_options o = { .level = 1, .keep = true };
    gcw_exit_register_fn(r, note_too, "a", &o);
    gcw_exit_handler *b = gcw_exit_register_fn(r, note_too, "b", &o);
    gcw_exit_register_fn(r, note_too, "c", &o);
    add(r, "never");
    add_fn(r, add_many, r);
    run_leaves(r, "c b a");
    assert_int_equal(gcw_exit_list(r, NULL, 0), 3);
    assert_int_equal(gcw_exit_unregister(b), GCW_REMOVED);
    run_leaves(r, "c a");
}

TEST(it_is_taken_off_from_any_level)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *high = add_at(r, 5, "high"), *low = add_at(r, -5, "low");
    add_at(r, 5, "other");
    assert_int_equal(gcw_exit_unregister(high), GCW_REMOVED);
    assert_int_equal(gcw_exit_unregister_id(gcw_exit_id(low)), GCW_REMOVED);
    run_leaves(r, "other");
}

TEST(a_function_is_taken_off_in_all_levels)
{
    gcw_exit_registry *r = fresh_registry();
    for (long level = -3; level <= 3; level++)
        add_at(r, level, "x");
    assert_int_equal(gcw_exit_unregister_fn(r, note_it), 7);
    run_leaves(r, "");
}

TEST(a_dead_object_s_is_skipped_in_any_level)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_options o = { .level = 4 };
    struct target *t = target_new(1);
    gcw_exit_register(r, gcw_method_new(t, note_method, "dead"), &o);
    add_at(r, 4, "alive");
    assert_int_equal(gcw_dispose(t), 0);
    run_leaves(r, "alive");
}

/* What each of many handlers leaves: its level, and which it was. */
enum { HANDLERS = 5000, LEVELS = 700 };

struct one {
    long level;
    int number;
    bool taken_off;
};

static struct one *ran[HANDLERS];
static int ran_count;

static void
count_one(void *one)
{
    ran[ran_count++] = one;
}

static void
must_be_in_order(void)
{
    for (int i = 1; i < ran_count; i++) {
        const struct one *a = ran[i - 1], *b = ran[i];
        assert_true(a->level > b->level
                    || (a->level == b->level && a->number > b->number));
    }
}

TEST(many_levels_in_random_order)
{
    gcw_exit_registry *r = fresh_registry();
    static struct one ones[HANDLERS];
    static gcw_exit_handler *handles[HANDLERS];
    int left = HANDLERS;

    chance_begin(7);
    for (int i = 0; i < HANDLERS; i++) {
        gcw_exit_options o = { .level = 0 };
        o.level = (long)below(LEVELS) - LEVELS / 2;
        ones[i] = (struct one){ o.level, i, false };
        handles[i] = gcw_exit_register_fn(r, count_one, &ones[i], &o);
        assert_non_null(handles[i]);
    }
    for (int i = 0; i < HANDLERS; i++)
        if (below(3) == 0) {
            assert_int_equal(gcw_exit_unregister(handles[i]), GCW_REMOVED);
            ones[i].taken_off = true;
            left--;
        }
    ran_count = 0;
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_int_equal(ran_count, left);
    must_be_in_order();
    for (int i = 0; i < ran_count; i++)
        assert_false(ran[i]->taken_off);
}

/* A level that is empty again takes no part, and costs nothing. */
TEST(levels_that_come_and_go)
{
    gcw_exit_registry *r = fresh_registry();
    for (long level = 1; level < 300; level++) {
        gcw_exit_handler *h = add_at(r, level, "never");
        assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    }
    add_at(r, 150, "b");
    add_at(r, 151, "a");
    run_leaves(r, "a b");
    assert_int_equal(gcw_exit_list(r, NULL, 0), 0);
}

/* --- Beside the C library's list --- */

static void say_1(void) { say("atexit 1"); }
static void say_2(void) { say("atexit 2"); }

static void
at_exit_level(long level, char *line)
{
    gcw_exit_options o = { .level = level };
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_it, line, &o) != NULL);
}

static void say_late(void) { say("atexit"); }

static void
go_on(void *line)
{
    say(line);
    MUST(gcw_atexit_data(say_it, "data") != 0);
    MUST(gcw_atexit(say_late) == 0);
}

END(functions_that_the_last_level_registers_run, 0, "last\natexit\ndata\n")
{
    gcw_exit_options o = { .level = GCW_EXIT_LAST };
    MUST(gcw_exit_register_fn(gcw_exit_default(), go_on, "last", &o) != NULL);
}

#if HAVE_ON_EXIT
static void
say_on_exit(int status, void *line)
{
    (void)status;
    say(line);
}

END(beside_strangers_levels_come_at_places_of_ours, 0,
    "stranger, newest\nhigh\natexit 2\nstranger\nmiddle\natexit 1\nlow\n"
    "stranger, oldest\n")
{
    on_exit(say_on_exit, "stranger, oldest");
    MUST(gcw_init() == 0);
    at_exit_level(-1, "low");
    MUST(gcw_atexit(say_1) == 0);
    at_exit_level(0, "middle");
    on_exit(say_on_exit, "stranger");
    MUST(gcw_atexit(say_2) == 0);
    at_exit_level(1, "high");
    on_exit(say_on_exit, "stranger, newest");
}
#else
SKIPPED(levels_beside_strangers, "on_exit in the C library")
#endif

END(without_atexit_levels_are_in_order_at_exit, 0, "high\nmiddle\nlow\n")
{
    at_exit_level(-1, "low");
    at_exit_level(1, "high");
    at_exit_level(0, "middle");
}

END(what_is_kept_runs_once_at_exit, 0, "kept\natexit 2\natexit 1\n")
{
    gcw_exit_options o = { .level = 1, .keep = true };
    MUST(gcw_atexit(say_1) == 0);
    MUST(gcw_atexit(say_2) == 0);
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_it, "kept", &o)
         != NULL);
}
