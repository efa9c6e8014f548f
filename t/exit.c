/* exit.c: tests of exit registries that run when told: order, what a method
 * is told, taking handlers off, handlers that stay, runs inside runs, bad
 * arguments.  Threads are in exit-threads.c, failures in exit-fail.c, deaths
 * in exit-weak.c, the end of the process in shutdown.c.
 */
#include <errno.h>
#include "registry.h"

/* Order. */

TEST(last_registered_runs_first)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    add(r, "b");
    add(r, "c");
    run_leaves(r, "c b a");
}

TEST(methods_and_functions_share_one_order)
{
    gcw_exit_registry *r = fresh_registry();
    void **keep = keep_array(2);
    add(r, "a");
    add_method(r, keep[0] = target_new(0), "b");
    add(r, "c");
    add_method(r, keep[1] = target_new(1), "d");
    run_leaves(r, "d c b a");
}

TEST(a_handler_runs_once)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    run_leaves(r, "a");
    run_leaves(r, "");
}

TEST(one_function_registered_twice_runs_twice)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    add(r, "a");
    run_leaves(r, "a a");
}

TEST(a_registry_can_be_filled_and_run_again)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    run_leaves(r, "a");
    add(r, "b");
    add(r, "c");
    run_leaves(r, "c b");
}

TEST(an_empty_registry_runs)
{
    run_leaves(fresh_registry(), "");
}

TEST(registries_are_separate)
{
    gcw_exit_registry *one = fresh_registry(), *other = fresh_registry();
    add(one, "one");
    add(other, "other");
    run_leaves(one, "one");
    run_leaves(other, "other");
}

static void
add_x_and_y(void *registry)
{
    note("b");
    add(registry, "x");
    add(registry, "y");
}

TEST(what_is_registered_during_a_run_is_next)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    add_fn(r, add_x_and_y, r);
    run_leaves(r, "b y x a");
}

enum { CHAIN = 10000 };
static gcw_exit_registry **chained;
static int chain_length;

static void
register_the_next(void *data)
{
    (void)data;
    chain_length++;
    if (chain_length < CHAIN)
        add_fn(*chained, register_the_next, NULL);
}

TEST(each_handler_of_a_long_chain_registers_the_next)
{
    gcw_exit_registry *r = fresh_registry();
    chained = &r;
    chain_length = 0;
    add_fn(r, register_the_next, NULL);
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_int_equal(chain_length, CHAIN);
}

/* What a method is told. */

struct told {
    gcw_exit_info info;
    void *self;
    bool name_right;
};

static void *
listen(void *self, void *arg, void *data)
{
    struct told *told = data;
    told->info = *(gcw_exit_info *)arg;
    told->self = self;
    told->name_right = told->info.name != NULL
                    && strcmp(told->info.name, "ears") == 0;
    return NULL;
}

TEST(a_method_is_told_registry_handler_name_and_status)
{
    gcw_exit_registry *r = fresh_registry();
    struct told told = { .self = NULL };
    struct target *t = target_new(0);
    char name[] = "ears";
    gcw_exit_options o = { .name = name };
    gcw_exit_handler *h =
        gcw_exit_register(r, gcw_method_new(t, listen, &told), &o);
    assert_non_null(h);
    memset(name, '-', 4);
    assert_int_equal(gcw_exit_run(r, 42), 0);
    assert_ptr_equal(told.info.registry, r);
    assert_ptr_equal(told.info.handler, h);
    assert_ptr_equal(told.self, t);
    assert_int_equal(told.info.status, 42);
    assert_true(told.name_right);
}

TEST(without_a_name_the_name_is_null)
{
    gcw_exit_registry *r = fresh_registry();
    struct told told = { .info = { .name = "left from before" } };
    struct target *t = target_new(0);
    gcw_method *m = gcw_method_new(t, listen, &told);
    assert_non_null(gcw_exit_register(r, m, NULL));
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_ptr_equal(told.self, t);
    assert_null(told.info.name);
}

/* Taking handlers off. */

TEST(an_unregistered_handler_does_not_run)
{
    gcw_exit_registry *r = fresh_registry();
    void **keep = keep_array(1);
    add(r, "a");
    gcw_exit_handler *b = add(r, "b");
    gcw_exit_handler *c = add_method(r, keep[0] = target_new(0), "c");
    add(r, "d");
    assert_int_equal(gcw_exit_unregister(b), GCW_REMOVED);
    assert_int_equal(gcw_exit_unregister(c), GCW_REMOVED);
    run_leaves(r, "d a");
}

TEST(what_was_taken_off_is_gone)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add(r, "a");
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
}

TEST(what_has_run_is_gone)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add(r, "a");
    run_leaves(r, "a");
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
}

struct at {
    gcw_exit_handler *handler;
    int found;
};

static void
take_off(void *data)
{
    struct at *at = data;
    note("off");
    at->found = gcw_exit_unregister(at->handler);
}

TEST(a_handler_that_takes_itself_off_is_running)
{
    gcw_exit_registry *r = fresh_registry();
    struct at self = { .found = -2 };
    add(r, "a");
    self.handler = add_fn(r, take_off, &self);
    run_leaves(r, "off a");
    assert_int_equal(self.found, GCW_RUNNING);
}

TEST(a_kept_handler_that_takes_itself_off_runs_no_more)
{
    gcw_exit_registry *r = fresh_registry();
    struct at self = { .found = -2 };
    self.handler = add_kept(r, take_off, &self);
    add(r, "a");
    run_leaves(r, "a off");
    assert_int_equal(self.found, GCW_RUNNING);
    run_leaves(r, "");
    assert_int_equal(gcw_exit_unregister(self.handler), GCW_GONE);
}

TEST(a_handler_takes_off_one_that_would_be_next)
{
    gcw_exit_registry *r = fresh_registry();
    struct at next = { .found = -2 };
    add(r, "a");
    next.handler = add(r, "b");
    add_fn(r, take_off, &next);
    run_leaves(r, "off a");
    assert_int_equal(next.found, GCW_REMOVED);
}

static void
note_other(void *data)
{
    note(data);
}

TEST(all_with_one_function_are_taken_off)
{
    gcw_exit_registry *r = fresh_registry(), *other = fresh_registry();
    add_fn(r, note_other, "x");
    add(r, "a");
    add_fn(r, note_other, "y");
    add_fn(r, note_other, "x");
    add(r, "b");
    add_fn(other, note_other, "z");
    assert_int_equal(gcw_exit_unregister_fn(r, note_other), 3);
    assert_int_equal(gcw_exit_unregister_fn(r, note_other), 0);
    run_leaves(r, "b a");
    run_leaves(other, "z");
}

TEST(handlers_taken_off_by_function_are_gone)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add(r, "a");
    assert_int_equal(gcw_exit_unregister_fn(r, note_it), 1);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
}

TEST(one_taken_off_by_handle_is_not_counted_again)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    gcw_exit_handler *h = add(r, "b");
    add(r, "c");
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    assert_int_equal(gcw_exit_unregister_fn(r, note_it), 2);
    run_leaves(r, "");
}

static size_t taken_off;

static void
take_off_my_kind(void *registry)
{
    note("kind");
    taken_off = gcw_exit_unregister_fn(registry, take_off_my_kind);
}

TEST(the_running_one_is_not_counted)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    add_fn(r, take_off_my_kind, r);
    add_fn(r, take_off_my_kind, r);
    add_fn(r, take_off_my_kind, r);
    run_leaves(r, "kind a");
    assert_int_equal(taken_off, 2);
}

/* Handlers that stay. */

TEST(kept_handlers_run_each_time_in_their_order)
{
    gcw_exit_registry *r = fresh_registry();
    add_kept(r, note_it, "a");
    add(r, "b");
    add_kept(r, note_it, "c");
    run_leaves(r, "c b a");
    run_leaves(r, "c a");
    add(r, "d");
    run_leaves(r, "d c a");
    run_leaves(r, "c a");
}

TEST(a_kept_method_runs_each_time)
{
    gcw_exit_registry *r = fresh_registry();
    void **keep = keep_array(1);
    gcw_exit_options o = { .keep = true };
    keep[0] = target_new(0);
    gcw_method *m = gcw_method_new(keep[0], note_method, "m");
    assert_non_null(gcw_exit_register(r, m, &o));
    run_leaves(r, "m");
    run_leaves(r, "m");
}

/* Registers the next one, when it runs first. */
struct heir {
    gcw_exit_registry *registry;
    char *word;
    struct heir *next;
};

static void
begets(void *data)
{
    struct heir *heir = data;
    note(heir->word);
    if (heir->next != NULL)
        add_kept(heir->registry, begets, heir->next);
    heir->next = NULL;
}

TEST(a_kept_handler_is_taken_off_between_runs)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add_kept(r, note_it, "a");
    run_leaves(r, "a");
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
    run_leaves(r, "");
}

TEST(what_was_registered_in_a_run_comes_first_in_the_next)
{
    gcw_exit_registry *r = fresh_registry();
    struct heir *c = GC_NEW(struct heir), *b = GC_NEW(struct heir);
    struct heir *a = GC_NEW(struct heir);
    *c = (struct heir){ r, "c", NULL };
    *b = (struct heir){ r, "b", c };
    *a = (struct heir){ r, "a", b };
    add_kept(r, note_it, "y");
    gcw_exit_handler *h = add_kept(r, note_it, "z");
    add_kept(r, begets, a);
    run_leaves(r, "a b c z y");
    run_leaves(r, "c b a z y");
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    run_leaves(r, "c b a y");
}

/* Runs inside runs. */

static void
run_inside(void *registry)
{
    note("(");
    assert_int_equal(gcw_exit_run(registry, 0), 0);
    note(")");
}

TEST(a_run_inside_a_handler_calls_the_rest)
{
    gcw_exit_registry *r = fresh_registry();
    add(r, "a");
    add(r, "b");
    add_fn(r, run_inside, r);
    add(r, "c");
    run_leaves(r, "c ( b a )");
}

TEST(a_run_inside_a_kept_handler_calls_nothing_twice)
{
    gcw_exit_registry *r = fresh_registry();
    add_kept(r, note_it, "a");
    add_kept(r, run_inside, r);
    add_kept(r, note_it, "c");
    run_leaves(r, "c ( a )");
    run_leaves(r, "c ( a )");
}

TEST(a_handler_runs_another_registry)
{
    gcw_exit_registry *outer = fresh_registry(), *inner = fresh_registry();
    add(inner, "x");
    add(inner, "y");
    add(outer, "a");
    add_fn(outer, run_inside, inner);
    run_leaves(outer, "( y x ) a");
}

/* Very many. */

enum { LOTS = 100000 };
static size_t last_number, numbers_run;
static bool descending;

static void
count_down(void *data)
{
    size_t number = (size_t)(uintptr_t)data;
    descending = descending && number < last_number;
    last_number = number;
    numbers_run++;
}

static void **
register_lots(gcw_exit_registry *r)
{
    void **handles = keep_array(LOTS);
    for (size_t i = 0; i < LOTS; i++)
        handles[i] = add_fn(r, count_down, (void *)(uintptr_t)(i + 1));
    return handles;
}

static void
take_off_in_shuffled_order(void **handles, size_t n)
{
    const unsigned *order = shuffled(LOTS);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(gcw_exit_unregister(handles[order[i]]), GCW_REMOVED);
}

static void
run_the_lot(gcw_exit_registry *r, size_t expected)
{
    last_number = LOTS + 1;
    numbers_run = 0;
    descending = true;
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_int_equal(numbers_run, expected);
    assert_true(descending);
}

TEST(lots_are_taken_off_in_any_order)
{
    gcw_exit_registry *r = fresh_registry();
    take_off_in_shuffled_order(register_lots(r), LOTS);
    run_the_lot(r, 0);
}

TEST(what_remains_of_lots_runs_in_order)
{
    gcw_exit_registry *r = fresh_registry();
    take_off_in_shuffled_order(register_lots(r), LOTS / 2);
    run_the_lot(r, LOTS - LOTS / 2);
    run_the_lot(r, 0);
}

/* The first call by function makes an index of what is there. */
TEST(functions_are_found_among_lots_that_go)
{
    gcw_exit_registry *r = fresh_registry();
    void **handles = register_lots(r);
    assert_int_equal(gcw_exit_unregister_fn(r, note_it), 0);
    add(r, "a");
    take_off_in_shuffled_order(handles, LOTS / 4 * 3);
    add(r, "b");
    assert_int_equal(gcw_exit_unregister_fn(r, note_it), 2);
    run_the_lot(r, LOTS - LOTS / 4 * 3);
}

TEST(functions_are_found_after_runs_that_keep_them)
{
    gcw_exit_registry *r = fresh_registry();
    add_kept(r, note_other, "x");
    add_kept(r, note_it, "a");
    assert_int_equal(gcw_exit_unregister_fn(r, count_down), 0);
    run_leaves(r, "a x");
    add_kept(r, note_other, "y");
    run_leaves(r, "y a x");
    assert_int_equal(gcw_exit_unregister_fn(r, note_other), 2);
    run_leaves(r, "a");
}

/* Bad arguments. */

TEST(null_arguments_are_invalid)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(0);
    gcw_method *m = gcw_method_new(t, note_method, NULL);
    expect_errno(gcw_exit_register(NULL, m, NULL) == NULL, EINVAL);
    expect_errno(gcw_exit_register(r, NULL, NULL) == NULL, EINVAL);
    expect_errno(gcw_exit_register_fn(NULL, note_it, NULL, NULL) == NULL,
                 EINVAL);
    expect_errno(gcw_exit_register_fn(r, NULL, NULL, NULL) == NULL, EINVAL);
    expect_errno(gcw_exit_unregister(NULL) == -1, EINVAL);
    expect_errno(gcw_exit_unregister_fn(NULL, note_it) == 0, EINVAL);
    expect_errno(gcw_exit_unregister_fn(r, NULL) == 0, EINVAL);
    expect_errno(gcw_exit_run(NULL, 0) == -1, EINVAL);
    expect_errno(gcw_exit_on_error(NULL, NULL, NULL) == -1, EINVAL);
    assert_non_null(t);
    run_leaves(r, "");
}


TEST(success_leaves_errno_alone)
{
    struct target *t = target_new(0);
    errno = E2BIG;
    gcw_exit_registry *r = fresh_registry();
    gcw_exit_handler *h = add(r, "a");
    gcw_method *m = gcw_method_new(t, note_method, "m");
    assert_non_null(gcw_exit_register(r, m, NULL));
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
    assert_int_equal(gcw_exit_unregister_fn(r, note_it), 0);
    assert_int_equal(gcw_exit_on_error(r, NULL, NULL), 0);
    assert_ptr_equal(gcw_exit_default(), gcw_exit_default());
    assert_int_equal(errno, E2BIG);
    assert_non_null(t);
}
