/* exit-id.c: tests of handlers that are known by a number, which may be kept in
 * any memory and used by any thread.
 */
#include <errno.h>
#include <stdatomic.h>
#include "at-once.h"
#include "registry.h"
#include "thread.h"

TEST(a_handler_is_taken_off_by_its_number)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    uint64_t id = gcw_exit_id(add(r, "b"));
    add(r, "c");
    assert_int_not_equal(id, 0);
    assert_int_equal(gcw_exit_unregister_id(id), GCW_REMOVED);
    assert_int_equal(gcw_exit_unregister_id(id), GCW_GONE);
    run_leaves(r, "c a");
}

TEST(a_number_stays_the_same)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add(r, "a");
    uint64_t id = gcw_exit_id(h);
    assert_int_equal(gcw_exit_id(h), id);
    assert_int_not_equal(gcw_exit_id(add(r, "b")), id);
    assert_int_equal(gcw_exit_unregister_id(id), GCW_REMOVED);
}

TEST(handlers_without_a_number_are_as_before)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add(r, "a");
    gcw_exit_id(add(r, "b"));
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    run_leaves(r, "b");
}

TEST(the_handle_takes_off_what_has_a_number)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add(r, "a");
    uint64_t id = gcw_exit_id(h);
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    assert_int_equal(gcw_exit_unregister_id(id), GCW_GONE);
    expect_errno(gcw_exit_id(h) == 0, ENOENT);
}

TEST(what_has_run_is_gone)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add(r, "a");
    uint64_t id = gcw_exit_id(h);
    run_leaves(r, "a");
    assert_int_equal(gcw_exit_unregister_id(id), GCW_GONE);
    expect_errno(gcw_exit_id(h) == 0, ENOENT);
}

TEST(what_is_kept_keeps_its_number)
{
    gcw_exit_registry *r = fresh_registry();
    uint64_t id = gcw_exit_id(add_kept(r, note_it, "a"));
    run_leaves(r, "a");
    run_leaves(r, "a");
    assert_int_equal(gcw_exit_unregister_id(id), GCW_REMOVED);
    run_leaves(r, "");
}

static uint64_t running_id;

static void
ask_about_itself(void *word)
{
    note(word);
    assert_int_equal(gcw_exit_unregister_id(running_id), GCW_RUNNING);
}

TEST(a_handler_that_runs_is_said_to_run)
{
    gcw_exit_registry *r = fresh_registry();
    running_id = gcw_exit_id(add_fn(r, ask_about_itself, "a"));
    run_leaves(r, "a");
    assert_int_equal(gcw_exit_unregister_id(running_id), GCW_GONE);
}

TEST(one_that_is_kept_does_not_come_back_then)
{
    gcw_exit_registry *r = fresh_registry();
    running_id = gcw_exit_id(add_kept(r, ask_about_itself, "a"));
    run_leaves(r, "a");
    run_leaves(r, "");
    assert_int_equal(gcw_exit_unregister_id(running_id), GCW_GONE);
}

static gcw_exit_handler *running;

static void
ask_for_a_number(void *word)
{
    note(word);
    running_id = gcw_exit_id(running);
    assert_int_not_equal(running_id, 0);
    collect();
    assert_int_equal(gcw_exit_unregister_id(running_id), GCW_RUNNING);
}

TEST(a_number_may_be_asked_for_while_the_handler_runs)
{
    gcw_exit_registry *r = fresh_registry();
    running = add_fn(r, ask_for_a_number, "a");
    run_leaves(r, "a");
    assert_int_equal(gcw_exit_unregister_id(running_id), GCW_GONE);
    running = NULL;
}

TEST(a_method_has_a_number_too)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(0), *dead = target_new(1);
    uint64_t id = gcw_exit_id(add_method(r, t, "a"));
    uint64_t of_dead = gcw_exit_id(add_method(r, dead, "b"));
    gcw_dispose(dead);
    assert_int_equal(gcw_exit_unregister_id(of_dead), GCW_GONE);
    assert_int_equal(gcw_exit_unregister_id(id), GCW_REMOVED);
    run_leaves(r, "");
    GC_reachable_here(t);
}

TEST(nobody_has_a_number_that_was_not_given)
{
    assert_int_equal(gcw_exit_unregister_id(0), GCW_GONE);
    assert_int_equal(gcw_exit_unregister_id(UINT64_MAX), GCW_GONE);
    expect_errno(gcw_exit_id(NULL) == 0, EINVAL);
}

TEST(a_disposed_registry_takes_the_numbers_along)
{
    gcw_exit_registry *r = fresh_registry();
    uint64_t one = gcw_exit_id(add(r, "a")), two = gcw_exit_id(add(r, "b"));
    gcw_dispose(r);
    assert_int_equal(gcw_exit_unregister_id(one), GCW_GONE);
    assert_int_equal(gcw_exit_unregister_id(two), GCW_GONE);
}

/* A number holds nothing. */

struct dropped {
    uint64_t ids[MANY];
    gcw_ref *refs[MANY];
};

static void
drop_registries(void *arg)
{
    struct dropped *dropped = arg;
    for (size_t i = 0; i < MANY; i++) {
        gcw_exit_registry *r = gcw_exit_registry_new(NULL);
        dropped->refs[i] = gcw_ref_new(r);
        dropped->ids[i] = gcw_exit_id(add(r, "a"));
    }
}

TEST(a_number_holds_neither_handler_nor_registry)
{
    struct dropped *dropped = GC_MALLOC_UNCOLLECTABLE(sizeof *dropped);
    size_t removed = 0;
    in_dead_frame(drop_registries, dropped);
    collect();
    assert_true(nearly_all(dead_refs(dropped->refs, MANY), MANY));
    for (size_t i = 0; i < MANY; i++)
        removed += gcw_exit_unregister_id(dropped->ids[i]) == GCW_REMOVED;
    assert_true(removed <= MANY - NEARLY_ALL);
    GC_FREE(dropped);
}

/* Very many, and threads. */

enum { CROWD = 20000 };

TEST(very_many_numbers_in_any_order)
{
    gcw_exit_registry *r = fresh_registry();
    size_t *n = counter_new();
    const unsigned *order = shuffled(CROWD);
    uint64_t *ids = malloc(CROWD * sizeof *ids);
    for (size_t i = 0; i < CROWD; i++)
        ids[i] = gcw_exit_id(add_fn(r, count, n));
    for (size_t i = 0; i < CROWD / 2; i++)
        assert_int_equal(gcw_exit_unregister_id(ids[order[i]]), GCW_REMOVED);
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_int_equal(*n, CROWD - CROWD / 2);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(gcw_exit_unregister_id(ids[i]), GCW_GONE);
    free(ids);
}

struct race {
    uint64_t ids[1000];
    atomic_size_t removed;
};

static bool
take_all_off(size_t number, void *shared)
{
    struct race *race = shared;
    (void)number;
    for (size_t i = 0; i < 1000; i++)
        race->removed += gcw_exit_unregister_id(race->ids[i]) == GCW_REMOVED;
    return true;
}

TEST(one_of_several_threads_takes_each_off)
{
    gcw_exit_registry *r = fresh_registry();
    struct race *race = calloc(1, sizeof *race);
    for (size_t i = 0; i < 1000; i++)
        race->ids[i] = gcw_exit_id(add(r, "a"));
    at_once(4, take_all_off, race);
    assert_int_equal(race->removed, 1000);
    run_leaves(r, "");
    free(race);
}

/* --- gcw_atexit_data --- */

END(a_function_with_data_runs_at_exit, 0, "b\na\n")
{
    MUST(gcw_atexit_data(say_it, "a") != 0);
    MUST(gcw_atexit_data(say_it, "b") != 0);
}

static uint64_t id_in_a_static;

static void *
register_on_a_thread(void *line)
{
    id_in_a_static = gcw_atexit_data(say_it, line);
    MUST(id_in_a_static != 0);
    return NULL;
}

static void *
take_off_on_a_thread(void *unused)
{
    MUST(gcw_exit_unregister_id(id_in_a_static) == GCW_REMOVED);
    return unused;
}

END(a_thread_that_the_collector_does_not_know_may_register, 0, "line\n")
{
    gcw_init();
    in_unknown_thread(register_on_a_thread, "line");
}

END(and_take_off, 0, "")
{
    gcw_init();
    in_unknown_thread(register_on_a_thread, "line");
    in_unknown_thread(take_off_on_a_thread, NULL);
}

END(data_in_the_heap_is_held, 0, "still there\n")
{
    char *line = GC_MALLOC_ATOMIC(32);
    strcpy(line, "still there");
    MUST(gcw_atexit_data(say_it, line) != 0);
    line = NULL;
    clear_stack();
    collect();
    for (int i = 0; i < 10000; i++)
        memset(GC_MALLOC_ATOMIC(32), 'x', 32);
}

END(a_child_runs_it_too, 0, "line\nline\n")
{
    MUST(gcw_atexit_data(say_it, "line") != 0);
    pid_t child = fork();
    MUST(child != -1);
    if (child == 0)
        exit(0);
    ends_well(child);
}

END(afterwards_it_is_refused, 0, "")
{
    MUST(gcw_shutdown(0) == 0);
    errno = 0;
    MUST(gcw_atexit_data(say_it, "late") == 0 && errno == ESHUTDOWN);
}

TEST(a_function_with_data_must_be_one)
{
    expect_errno(gcw_atexit_data(NULL, NULL) == 0, EINVAL);
    if (!GC_get_all_interior_pointers())
        expect_errno(gcw_atexit_data(note_it, &target_new(0)->number) == 0,
                     EINVAL);
}

FRESH_END(a_number_of_before_the_start_is_nobodys, 0, "")
{
    MUST(gcw_exit_unregister_id(1) == GCW_GONE);
}
