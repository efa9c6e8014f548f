/* exit-fail.c: tests of handlers that fail: they are counted and reported,
 * and the others run.
 */
#include "log.h"
#include "heard.h"
#include "registry.h"

static void *
note_and_fail(void *self, void *info, void *data)
{
    (void)info;
    note(data);
    return self;
}

static void
give_up_deep_inside(const char *why)
{
    gcw_fail(why);
}

static void
note_and_give_up(void *data)
{
    note(data);
    give_up_deep_inside("on purpose");
}

static void *
method_gives_up(void *self, void *info, void *data)
{
    (void)self;
    (void)info;
    note(data);
    gcw_fail("from a method");
}

static gcw_exit_registry *
heard_registry(struct heard *heard)
{
    gcw_exit_registry *r = fresh_registry();
    *heard = (struct heard){ .times = 0 };
    assert_int_equal(gcw_exit_on_error(r, hear, heard), 0);
    return r;
}

static gcw_exit_handler *
add_named(gcw_exit_registry *r, void (*fn)(void *), void *data,
          const char *name)
{
    gcw_exit_options o = { .name = name };
    gcw_exit_handler *h = gcw_exit_register_fn(r, fn, data, &o);
    assert_non_null(h);
    return h;
}

TEST(a_function_that_gives_up_is_counted_and_the_rest_run)
{
    struct heard heard;
    gcw_exit_registry *r = heard_registry(&heard);
    add(r, "a");
    add_fn(r, note_and_give_up, "b");
    add(r, "c");
    add_fn(r, note_and_give_up, "d");
    assert_int_equal(gcw_exit_run(r, 0), 2);
    assert_string_equal(noted(), "d c b a");
    assert_int_equal(heard.times, 2);
}

TEST(a_method_fails_by_its_result)
{
    struct heard heard;
    gcw_exit_registry *r = heard_registry(&heard);
    struct target *t = target_new(0);
    gcw_method *m = gcw_method_new(t, note_and_fail, "m");
    add(r, "a");
    gcw_exit_handler *h = gcw_exit_register(r, m, NULL);
    assert_non_null(h);
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_string_equal(noted(), "m a");
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, h);
    assert_non_null(t);
}

TEST(a_method_gives_up_as_a_function_does)
{
    struct heard heard;
    gcw_exit_registry *r = heard_registry(&heard);
    struct target *t = target_new(0);
    add(r, "a");
    assert_non_null(gcw_exit_register(
        r, gcw_method_new(t, method_gives_up, "m"), NULL));
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_string_equal(noted(), "m a");
    assert_string_equal(heard.why, "from a method");
    assert_non_null(t);
}

TEST(the_hook_hears_handle_name_and_reason)
{
    struct heard heard;
    gcw_exit_registry *r = heard_registry(&heard);
    char name[] = "fuse";
    gcw_exit_handler *h = add_named(r, note_and_give_up, "x", name);
    memset(name, '-', 4);
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, h);
    assert_string_equal(heard.name, "fuse");
    assert_string_equal(heard.why, "on purpose");
}

TEST(a_success_is_not_reported)
{
    struct heard heard;
    gcw_exit_registry *r = heard_registry(&heard);
    add(r, "a");
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_int_equal(heard.times, 0);
}

static void
give_up_silently(void *data)
{
    note(data);
    gcw_fail(NULL);
}

TEST(no_reason_need_be_given)
{
    struct heard heard;
    gcw_exit_registry *r = heard_registry(&heard);
    add(r, "a");
    add_named(r, give_up_silently, "b", "quiet");
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_string_equal(noted(), "b a");
    assert_string_equal(heard.name, "quiet");
}

TEST(a_hook_that_fails_is_ignored)
{
    gcw_exit_registry *r = fresh_registry();
    assert_int_equal(gcw_exit_on_error(r, failing_hook, "hook"), 0);
    add(r, "a");
    add_fn(r, note_and_give_up, "b");
    add_fn(r, note_and_give_up, "c");
    assert_int_equal(gcw_exit_run(r, 0), 2);
    assert_string_equal(noted(), "c hook b hook a");
}

TEST(a_new_hook_takes_the_place_of_the_old)
{
    struct heard old, heard;
    gcw_exit_registry *r = heard_registry(&old);
    heard = (struct heard){ .times = 0 };
    assert_int_equal(gcw_exit_on_error(r, hear, &heard), 0);
    add_fn(r, note_and_give_up, "a");
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_int_equal(old.times, 0);
    assert_int_equal(heard.times, 1);
}

TEST(each_registry_has_its_own_hook)
{
    struct heard one, other;
    gcw_exit_registry *r = heard_registry(&one);
    heard_registry(&other);
    add_fn(r, note_and_give_up, "a");
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_int_equal(one.times, 1);
    assert_int_equal(other.times, 0);
}

TEST(a_kept_handler_that_failed_runs_again)
{
    struct heard heard;
    gcw_exit_registry *r = heard_registry(&heard);
    add_kept(r, note_and_give_up, "a");
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_string_equal(noted(), "a a");
}

TEST(a_handler_that_failed_is_gone)
{
    struct heard heard;
    gcw_exit_registry *r = heard_registry(&heard);
    gcw_exit_handler *h = add_fn(r, note_and_give_up, "a");
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
}

/* A run inside a handler has failures of its own. */

static void
run_other_then_give_up(void *other)
{
    note("(");
    assert_int_equal(gcw_exit_run(other, 0), 1);
    note(")");
    gcw_fail("after the other's run");
}

TEST(runs_inside_runs_fail_separately)
{
    struct heard in, out;
    gcw_exit_registry *inner = heard_registry(&in);
    gcw_exit_registry *outer = heard_registry(&out);
    add(inner, "x");
    add_fn(inner, note_and_give_up, "y");
    add(outer, "a");
    add_fn(outer, run_other_then_give_up, inner);
    assert_int_equal(gcw_exit_run(outer, 0), 1);
    assert_string_equal(noted(), "( y x ) a");
    assert_string_equal(in.why, "on purpose");
    assert_string_equal(out.why, "after the other's run");
}

/* A hook's data is held by the registry alone. */

static NOINLINE gcw_ref *
hook_with_data_of_its_own(gcw_exit_registry *r)
{
    struct heard *heard = GC_MALLOC(sizeof *heard);
    gcw_ref *ref = gcw_ref_new(heard);
    assert_non_null(ref);
    assert_int_equal(gcw_exit_on_error(r, hear, heard), 0);
    return ref;
}

TEST(the_data_of_a_hook_is_held)
{
    gcw_exit_registry *r = fresh_registry();
    gcw_ref *ref = hook_with_data_of_its_own(r);
    clear_stack();
    collect();
    assert_non_null(gcw_ref_get(ref));
    add_fn(r, note_and_give_up, "a");
    assert_int_equal(gcw_exit_run(r, 0), 1);
    assert_int_equal(((struct heard *)gcw_ref_get(ref))->times, 1);
}

/* What goes to stderr if nobody listens. */

END(without_a_hook_stderr_names_the_handler, 0, "", .err = "the torn rope")
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_options o = { .name = "the torn rope" };
    MUST(gcw_exit_register_fn(r, note_and_give_up, "x", &o) != NULL);
    MUST(gcw_exit_run(r, 0) == 1);
}

END(without_a_hook_stderr_tells_the_reason, 0, "", .err = "on purpose")
{
    without_a_hook_stderr_names_the_handler();
}

END(a_hook_taken_out_is_no_more_called, 0, "", .err = "the torn rope")
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    MUST(gcw_exit_on_error(r, failing_hook, "x") == 0);
    MUST(gcw_exit_on_error(r, NULL, NULL) == 0);
    gcw_exit_options o = { .name = "the torn rope" };
    MUST(gcw_exit_register_fn(r, note_and_give_up, "x", &o) != NULL);
    MUST(gcw_exit_run(r, 0) == 1);
}

END(without_a_name_stderr_tells_the_reason, 0, "", .err = "on purpose")
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    MUST(gcw_exit_register_fn(r, note_and_give_up, "x", NULL) != NULL);
    MUST(gcw_exit_run(r, 0) == 1);
}
