/* steps-run.c: tests of runs of a registry that their caller steps through. */
#include <gcweak/debug.h>
#include "at-once.h"
#include "heard.h"
#include "idle.h"

static gcw_exit_handler *
add_to(gcw_exit_registry *r, char *word, bool keep)
{
    gcw_exit_options o = { .keep = keep };
    gcw_exit_handler *h = gcw_exit_register_fn(r, note_it, word, &o);
    assert_non_null(h);
    return h;
}

static void
run_steps_leave(gcw_exit_registry *r, const char *words)
{
    gcw_exit_step step;
    forget();
    for (bool more = gcw_exit_first(r, 0, &step); more;
         more = gcw_exit_next(&step))
        gcw_call_invoke(&step.call);
    assert_string_equal(noted(), words);
}

TEST(a_run_steps_from_the_newest_to_the_oldest)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    add_to(r, "a", false);
    add_to(r, "b", false);
    add_to(r, "c", false);
    run_steps_leave(r, "c b a");
    run_steps_leave(r, "");
}

TEST(what_is_registered_between_two_steps_is_the_next)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_step step;
    add_to(r, "a", false);
    add_to(r, "b", false);
    assert_true(gcw_exit_first(r, 0, &step));
    add_to(r, "c", false);
    assert_true(gcw_exit_next(&step));
    assert_string_equal(step.call.data, "c");
    assert_true(gcw_exit_next(&step));
    assert_string_equal(step.call.data, "a");
    assert_false(gcw_exit_next(&step));
}

TEST(what_is_kept_waits_for_the_next_run)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    add_to(r, "a", false);
    add_to(r, "b", true);
    add_to(r, "c", false);
    run_steps_leave(r, "c b a");
    run_steps_leave(r, "b");
    forget();
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_string_equal(noted(), "b");
}

TEST(what_is_kept_waits_also_when_a_run_was_given_up)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_step step;
    gcw_exit_handler *kept = add_to(r, "a", true);
    assert_true(gcw_exit_first(r, 0, &step));
    run_steps_leave(r, "a");
    assert_true(gcw_exit_first(r, 0, &step));
    forget();
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_string_equal(noted(), "a");
    assert_int_equal(gcw_exit_unregister(kept), GCW_REMOVED);
    run_steps_leave(r, "");
}

TEST(a_run_that_is_given_up_leaves_the_rest)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_step step;
    add_to(r, "a", false);
    gcw_exit_handler *taken = add_to(r, "b", false);
    assert_true(gcw_exit_first(r, 0, &step));
    assert_ptr_equal(step.call.handle, taken);
    assert_int_equal(gcw_exit_unregister(taken), GCW_GONE);
    forget();
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_string_equal(noted(), "a");
}

static void *
fail_quietly(void *self, void *info, void *data)
{
    (void)info, (void)data;
    return self;
}

TEST(a_step_of_a_run_shows_what_the_method_gets)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    struct target *self = target_new(0);
    gcw_exit_options o;
    struct heard heard = { 0 };
    gcw_exit_step step;
    gcw_exit_options_init(&o);
    o.name = "the name";
    gcw_exit_handler *h = gcw_exit_register(
        r, gcw_method_new(self, fail_quietly, "a"), &o);
    assert_int_equal(gcw_exit_on_error(r, hear, &heard), 0);
    assert_true(gcw_exit_first(r, 7, &step));
    assert_int_equal(step.call.kind, GCW_CALL_METHOD);
    assert_ptr_equal(step.call.self, self);
    assert_ptr_equal(step.call.arg, &step.info);
    assert_ptr_equal(step.info.registry, r);
    assert_ptr_equal(step.info.handler, h);
    assert_string_equal(step.info.name, "the name");
    assert_int_equal(step.info.status, 7);
    assert_ptr_equal(gcw_call_invoke(&step.call), self);
    assert_int_equal(heard.times, 0);
    assert_int_equal(gcw_call_failed(&step.call, "it said so"), 0);
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, h);
    assert_string_equal(heard.name, "the name");
}

TEST(steps_of_a_run_pass_over_the_dead)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    struct target *self = target_new(0);
    add_to(r, "a", false);
    assert_non_null(gcw_exit_register(
        r, gcw_method_new(self, fail_quietly, NULL), NULL));
    gcw_dispose(self);
    run_steps_leave(r, "a");
}

static bool
count_my_handlers(size_t number, void *registry)
{
    gcw_exit_step step;
    (void)number;
    for (bool more = gcw_exit_first(registry, 0, &step); more;
         more = gcw_exit_next(&step))
        __atomic_add_fetch((size_t *)step.call.data, 1, __ATOMIC_RELAXED);
    return true;
}

TEST(one_of_several_threads_is_given_each_handler)
{
    enum { THREADS = 4, HANDLERS = 2000 };
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    size_t *given = GC_MALLOC_UNCOLLECTABLE(HANDLERS * sizeof *given);
    for (size_t i = 0; i < HANDLERS; i++)
        assert_non_null(gcw_exit_register_fn(r, idle, &given[i], NULL));
    at_once(THREADS, count_my_handlers, r);
    for (size_t i = 0; i < HANDLERS; i++)
        assert_int_equal(given[i], 1);
    GC_FREE(given);
}

TEST(handlers_that_steps_gave_are_counted)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_statistics before = { .size = sizeof before }, after = before;
    add_to(r, "a", false);
    add_to(r, "b", false);
    gcw_stats(&before);
    run_steps_leave(r, "b a");
    gcw_stats(&after);
    assert_int_equal(after.exit_handlers_run - before.exit_handlers_run, 2);
}

END(the_default_registry_may_be_stepped_through, 0, "b\na\n")
{
    gcw_exit_step step;
    at_exit(say_it, "a");
    at_exit(say_it, "b");
    for (bool more = gcw_exit_first(gcw_exit_default(), 0, &step); more;
         more = gcw_exit_next(&step))
        gcw_call_invoke(&step.call);
}

static void
say_plainly(void)
{
    say("plain");
}

END(a_step_gives_handlers_of_gcw_atexit_too, 0, "plain\n")
{
    gcw_exit_step step;
    MUST(gcw_atexit(say_plainly) == 0);
    MUST(gcw_exit_first(gcw_exit_default(), 0, &step));
    MUST(step.call.kind == GCW_CALL_PLAIN && step.call.fn == say_plainly);
    gcw_call_invoke(&step.call);
}

TEST(steps_of_a_run_want_a_registry_and_a_place)
{
    gcw_exit_step step;
    expect_errno(!gcw_exit_first(NULL, 0, &step), EINVAL);
    assert_false(gcw_exit_next(&step));
    expect_errno(!gcw_exit_first(gcw_exit_default(), 0, NULL), EINVAL);
    expect_errno(!gcw_exit_next(NULL), EINVAL);
    gcw_exit_options_init(NULL);
}
