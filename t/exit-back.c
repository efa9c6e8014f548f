/* exit-back.c: tests of taking handlers off without their handles, of listing
 * them, and of what a registry says that it skipped. */
#include <config.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include <gcweak/debug.h>
#include "registry.h"

static void *
note_too(void *self, void *info, void *data)
{
    return note_method(self, info, data);
}

static gcw_method *
method(struct target *t, gcw_method_fn *fn, char *word)
{
    gcw_method *m = gcw_method_new(t, fn, word);
    assert_non_null(m);
    return m;
}

/* A registry with methods of two objects, and a function. */
struct methods {
    gcw_exit_registry *registry;
    struct target *a, *b;
};

static struct methods
methods_new(void)
{
    struct methods m = { fresh_registry(), target_new(1), target_new(2) };
    gcw_exit_options high = { .level = 2 };
    add_method(m.registry, m.a, "a1");
    add_method(m.registry, m.b, "b1");
    add(m.registry, "function");
    add_method(m.registry, m.a, "a2");
    gcw_exit_register(m.registry, method(m.a, note_too, "a1"), &high);
    gcw_exit_register(m.registry, method(m.b, note_method, "b1"), NULL);
    return m;
}

static void
keep_methods(struct methods *m)
{
    GC_reachable_here(m->a);
    GC_reachable_here(m->b);
}

TEST(all_of_a_method_are_taken_off)
{
    struct methods m = methods_new();
    gcw_method *b1 = method(m.b, note_method, "b1");
    assert_int_equal(gcw_exit_unregister_method(m.registry, b1), 2);
    assert_int_equal(gcw_exit_unregister_method(m.registry, b1), 0);
    run_leaves(m.registry, "a1 a2 function a1");
    keep_methods(&m);
}

TEST(another_function_or_other_data_is_another_method)
{
    struct methods m = methods_new();
    gcw_exit_registry *r = m.registry;
    assert_int_equal(gcw_exit_unregister_method(r, method(m.a, note_method,
                                                          "b1")), 0);
    assert_int_equal(gcw_exit_unregister_method(r, method(m.a, note_too,
                                                          "a1")), 1);
    run_leaves(r, "b1 a2 function b1 a1");
    keep_methods(&m);
}

TEST(all_of_an_object_are_taken_off)
{
    struct methods m = methods_new();
    assert_int_equal(gcw_exit_unregister_object(m.registry, m.a), 3);
    assert_int_equal(gcw_exit_unregister_object(m.registry, m.a), 0);
    run_leaves(m.registry, "b1 function b1");
    keep_methods(&m);
}

TEST(an_object_that_has_none_loses_none)
{
    struct methods m = methods_new();
    struct target *other = target_new(3);
    assert_int_equal(gcw_exit_unregister_object(m.registry, other), 0);
    assert_non_null(gcw_ref_new(other));
    assert_int_equal(gcw_exit_unregister_object(m.registry, other), 0);
    run_leaves(m.registry, "a1 b1 a2 function b1 a1");
    keep_methods(&m);
    GC_reachable_here(other);
}

/* The same object in another registry keeps its own. */
TEST(another_registry_is_left_alone)
{
    struct methods m = methods_new();
    gcw_exit_registry *other = fresh_registry();
    add_method(other, m.a, "there");
    assert_int_equal(gcw_exit_unregister_object(m.registry, m.a), 3);
    run_leaves(other, "there");
    keep_methods(&m);
}

TEST(of_very_many_those_of_one_object)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *one = target_new(1);
    struct target **others = GC_MALLOC(MANY * sizeof *others);
    for (int i = 0; i < MANY; i++) {
        others[i] = target_new(i);
        add_method(r, others[i], "other");
        if (i % 10 == 0)
            add_method(r, one, "one");
    }
    assert_int_equal(gcw_exit_unregister_object(r, one), (MANY + 9) / 10);
    assert_int_equal(gcw_exit_list(r, NULL, 0), MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(gcw_exit_unregister_object(r, others[i]), 1);
    assert_int_equal(gcw_exit_list(r, NULL, 0), 0);
}

TEST(a_registry_is_emptied_and_used_on)
{
    struct methods m = methods_new();
    gcw_exit_options o = { .keep = true, .level = -3 };
    gcw_exit_register_fn(m.registry, note_it, "kept", &o);
    assert_int_equal(gcw_exit_clear(m.registry), 7);
    assert_int_equal(gcw_exit_clear(m.registry), 0);
    run_leaves(m.registry, "");
    add(m.registry, "again");
    run_leaves(m.registry, "again");
    keep_methods(&m);
}

static size_t
watches(void)
{
    gcw_statistics now = { .size = sizeof now };
    gcw_stats(&now);
    return now.watches;
}

TEST(what_was_taken_off_watches_no_more)
{
    struct methods m = methods_new();
    size_t before = watches();
    assert_int_equal(gcw_exit_unregister_object(m.registry, m.b), 2);
    assert_int_equal(before - watches(), 2);
    assert_int_equal(
        gcw_exit_unregister_method(m.registry, method(m.a, note_too, "a1")), 1);
    assert_int_equal(before - watches(), 3);
    assert_int_equal(gcw_exit_clear(m.registry), 3);
    assert_int_equal(before - watches(), 5);
    keep_methods(&m);
}

static size_t cleared;

static void
clear(void *registry)
{
    note("clears");
    cleared = gcw_exit_clear(registry);
}

TEST(a_handler_may_empty_its_registry)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "never");
    add(r, "neither");
    add_kept(r, clear, r);
    add_kept(r, note_it, "kept");
    run_leaves(r, "kept clears");
    assert_int_equal(cleared, 3);
    run_leaves(r, "");
}

static void never(void) { say("never"); }

END(the_default_registry_is_emptied_too, 0, "late\n")
{
    struct target *t = target_new(1);
    uint64_t id;
    MUST(gcw_atexit(never) == 0);
    id = gcw_atexit_data(say_it, "never");
    at_exit(say_it, "never");
    MUST(gcw_exit_register(gcw_exit_default(),
                           gcw_method_new(t, note_method, ""), NULL) != NULL);
    MUST(gcw_exit_clear(gcw_exit_default()) == 4);
    MUST(gcw_exit_unregister_id(id) == GCW_GONE);
    MUST(gcw_atexit_cancel(never) == -1);
    at_exit(say_it, "late");
    GC_reachable_here(t);
}

/* Two that quick_exit passes over, the newer one last. */
static uint64_t passed_over[2];

static void
add_another(void *unused)
{
    (void)unused;
    passed_over[1] = gcw_atexit_data(say_it, "never");
}

static void
take_both_off(void *unused)
{
    (void)unused;
    MUST(gcw_exit_unregister_id(passed_over[1]) == GCW_REMOVED);
    MUST(gcw_exit_unregister_id(passed_over[0]) == GCW_REMOVED);
    say("both");
}

END(a_number_is_found_among_those_passed_over, 0, "both\n")
{
    gcw_exit_registry *r = gcw_exit_default();
    gcw_exit_options o = { .quick = true };
    MUST(gcw_exit_register_fn(r, take_both_off, NULL, &o) != NULL);
    MUST(gcw_exit_register_fn(r, add_another, NULL, &o) != NULL);
    passed_over[0] = gcw_atexit_data(say_it, "never");
    quick_exit(0);
}

/* --- Lists --- */

static gcw_exit_entry entries[8];

static void
list_them(void *registry)
{
    note("lists");
    assert_int_equal(gcw_exit_list(registry, entries, 8), 3);
    assert_false(entries[0].running);
    assert_true(entries[1].running);
    assert_true(entries[1].function == (void (*)(void))list_them);
    assert_false(entries[2].running);
}

TEST(handlers_are_listed_in_the_order_of_a_run)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(1);
    gcw_exit_options o = { .name = "high", .level = 9 };
    gcw_exit_handler *last = add(r, "last"), *first, *second;
    second = add_method(r, t, "second");
    first = gcw_exit_register_fn(r, note_it, "first", &o);
    assert_int_equal(gcw_exit_list(r, entries, 8), 3);
    assert_ptr_equal(entries[0].handler, first);
    assert_string_equal(entries[0].name, "high");
    assert_int_equal(entries[0].level, 9);
    assert_true(entries[0].function == (void (*)(void))note_it);
    assert_false(entries[0].method);
    assert_ptr_equal(entries[1].handler, second);
    assert_true(entries[1].method);
    assert_true(entries[1].function == (void (*)(void))note_method);
    assert_null(entries[1].name);
    assert_ptr_equal(entries[2].handler, last);
    assert_int_equal(entries[2].level, 0);
    assert_false(entries[2].running);
    GC_reachable_here(t);
}

TEST(no_more_are_written_than_there_is_room_for)
{
    gcw_exit_registry *r = fresh_registry();
    for (int i = 0; i < 200; i++)
        add(r, "x");
    entries[2].handler = NULL;
    assert_int_equal(gcw_exit_list(r, entries, 2), 200);
    assert_non_null(entries[1].handler);
    assert_null(entries[2].handler);
    assert_int_equal(gcw_exit_list(r, NULL, 0), 200);
}

TEST(those_that_run_are_listed_first)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "b");
    add_kept(r, list_them, r);
    add(r, "a");
    add_kept(r, note_it, "kept");
    add(r, "c");
    run_leaves(r, "c kept a lists b");
    assert_int_equal(gcw_exit_list(r, entries, 8), 2);
}

TEST(collections_since_are_told)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(1);
    add_method(r, t, "old");
    collect();
    assert_int_equal(gcw_exit_list(r, entries, 8), 1);
    assert_true(entries[0].has_age);
    assert_true(entries[0].age >= 1);
    GC_reachable_here(t);
}

END(functions_without_a_handle_are_listed, 0, "a\n")
{
    uint64_t id = gcw_atexit_data(say_it, "never");
    MUST(gcw_atexit_data(say_it, "a") != 0);
    MUST(gcw_exit_list(gcw_exit_default(), entries, 8) == 2);
    MUST(entries[1].handler == NULL && entries[1].id == id);
    MUST(entries[1].function == (void (*)(void))say_it);
    MUST(!entries[1].has_age);
    MUST(gcw_exit_unregister_id(entries[1].id) == GCW_REMOVED);
}

/* --- What a function may know --- */

static void
note_status(void *registry)
{
    const gcw_exit_info *info = gcw_exit_current();
    assert_ptr_equal(info->registry, registry);
    assert_int_equal(info->status, 42);
    assert_string_equal(info->name, "its name");
    assert_non_null(info->handler);
    note("knows");
}

TEST(a_function_may_ask_what_it_is_called_for)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_options o = { .name = "its name" };
    gcw_exit_register_fn(r, note_status, r, &o);
    assert_null(gcw_exit_current());
    assert_int_equal(gcw_exit_run(r, 42), 0);
    assert_string_equal(noted(), "knows");
    assert_null(gcw_exit_current());
}

static void
run_another(void *registry)
{
    const gcw_exit_info *before = gcw_exit_current();
    gcw_exit_registry *r = before->registry;
    assert_int_equal(gcw_exit_run(registry, 42), 0);
    assert_ptr_equal(gcw_exit_current(), before);
    assert_ptr_equal(gcw_exit_current()->registry, r);
}

TEST(within_another_it_is_that_of_the_innermost)
{
    gcw_exit_registry *outer = fresh_registry(), *inner = fresh_registry();
    gcw_exit_options o = { .name = "its name" };
    gcw_exit_register_fn(inner, note_status, inner, &o);
    add_fn(outer, run_another, inner);
    run_leaves(outer, "knows");
}

#if HAVE_ON_EXIT

static void
say_plain_status(void)
{
    dprintf(1, "status %d, handler %s\n", gcw_exit_current()->status,
            gcw_exit_current()->handler == NULL ? "none" : "some");
}

END(so_may_one_of_gcw_atexit, 11, "status 11, handler none\n")
{
    MUST(gcw_atexit(say_plain_status) == 0);
    exit(11);
}

#else
SKIPPED(a_handler_of_gcw_atexit_that_asks_for_the_status,
        "on_exit in the C library")
#endif

/* --- What was skipped --- */

static void
debug_exit(void)
{
    setenv("GCWEAK_DEBUG", "exit", 1);
    MUST(gcw_init() == 0);
}

FRESH_END(one_whose_object_died_is_told, 0, "",
          .err = "gcweak: exit: handler \"its name\" ")
{
    gcw_exit_options o = { .name = "its name" };
    struct target *t;
    debug_exit();
    t = target_new(1);
    MUST(gcw_exit_register(gcw_exit_default(),
                           gcw_method_new(t, note_method, ""), &o) != NULL);
    MUST(gcw_dispose(t) == 0);
}

FRESH_END(with_the_reason, 0, "", .err = "does not run: its object has died\n")
{
    struct target *t;
    debug_exit();
    t = target_new(1);
    MUST(gcw_exit_register(gcw_exit_default(),
                           gcw_method_new(t, note_method, ""), NULL) != NULL);
    MUST(gcw_dispose(t) == 0);
}

FRESH_END(so_is_one_of_the_parent_in_a_child, 0, "parent\n",
          .err = "does not run: it belongs to the process from which this one"
                 " was forked\n")
{
    pid_t child;
    debug_exit();
    at_exit(say_it, "parent");
    child = fork();
    MUST(child != -1);
    if (child == 0)
        exit(0);
    ends_well(child);
}

FRESH_END(nothing_is_told_unless_asked_for, 0, "", .err = "")
{
    struct target *t = target_new(1);
    MUST(gcw_exit_register(gcw_exit_default(),
                           gcw_method_new(t, note_method, ""), NULL) != NULL);
    MUST(gcw_dispose(t) == 0);
}

TEST(bad_arguments_change_nothing)
{
    struct methods m = methods_new();
    struct target on_the_stack = { .number = 1 };
    gcw_exit_registry *r = m.registry;
    expect_errno(gcw_exit_unregister_method(NULL, method(m.a, note_too, ""))
                 == 0, EINVAL);
    expect_errno(gcw_exit_unregister_method(r, NULL) == 0, EINVAL);
    expect_errno(gcw_exit_unregister_object(NULL, m.a) == 0, EINVAL);
    expect_errno(gcw_exit_unregister_object(r, NULL) == 0, EINVAL);
    expect_errno(gcw_exit_unregister_object(r, &on_the_stack) == 0, EINVAL);
    expect_errno(gcw_exit_clear(NULL) == 0, EINVAL);
    expect_errno(gcw_exit_list(NULL, entries, 1) == 0, EINVAL);
    expect_errno(gcw_exit_list(r, NULL, 1) == 0, EINVAL);
    run_leaves(r, "a1 b1 a2 function b1 a1");
    keep_methods(&m);
}
