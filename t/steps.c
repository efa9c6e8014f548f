/* steps.c: tests of emissions that their caller steps through: that the
 * promises are those of gcw_event_emit, and that one may give up at any point.
 * The same of hubs, of registries and of the drain is in steps-hub.c,
 * steps-run.c and steps-drain.c.
 */
#include <setjmp.h>
#include "at-once.h"
#include "heard.h"
#include "listeners.h"
#include "thread.h"

/* Makes all calls, and asks that they leave these words. */
static void
steps_leave(gcw_event *e, const char *words)
{
    gcw_event_step step;
    forget();
    for (bool more = gcw_event_first(e, NULL, &step); more;
         more = gcw_event_next(&step))
        gcw_call_invoke(&step.call);
    assert_string_equal(noted(), words);
}

TEST(steps_give_the_listeners_in_their_order)
{
    gcw_event *e = fresh_event();
    on(e, "b", 0);
    on(e, "c", 0);
    on(e, "a", GCW_FRONT);
    steps_leave(e, "a b c");
    steps_leave(e, "a b c");
}

TEST(a_step_tells_all_about_a_method)
{
    gcw_event *e = fresh_event();
    struct target *self = target_new(0);
    gcw_listener *l = on_method(
        e, gcw_method_new(self, method_notes_word, "a"), 0);
    gcw_event_step step;
    assert_true(gcw_event_first(e, e, &step));
    assert_int_equal(step.call.kind, GCW_CALL_METHOD);
    assert_ptr_equal(step.call.fn, method_notes_word);
    assert_ptr_equal(step.call.self, self);
    assert_ptr_equal(step.call.arg, e);
    assert_string_equal(step.call.data, "a");
    assert_ptr_equal(step.call.handle, l);
    assert_false(gcw_event_next(&step));
}

TEST(a_step_tells_all_about_a_function)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    gcw_event_step step;
    assert_true(gcw_event_first(e, e, &step));
    assert_int_equal(step.call.kind, GCW_CALL_LISTENER);
    assert_ptr_equal(step.call.fn, note_word);
    assert_null(step.call.self);
    assert_ptr_equal(step.call.arg, e);
    assert_string_equal(step.call.data, "a");
    assert_ptr_equal(step.call.handle, l);
}

TEST(an_event_without_listeners_has_no_steps)
{
    gcw_event_step step;
    assert_false(gcw_event_first(fresh_event(), NULL, &step));
    assert_false(gcw_event_next(&step));
    assert_int_equal(step.call.kind, GCW_CALL_NONE);
}

TEST(who_connects_between_two_steps_waits_for_the_next_emission)
{
    gcw_event *e = fresh_event();
    gcw_event_step step;
    on(e, "a", 0);
    assert_true(gcw_event_first(e, NULL, &step));
    on(e, "b", 0);
    assert_false(gcw_event_next(&step));
    steps_leave(e, "a b");
}

TEST(who_goes_between_two_steps_is_passed_over)
{
    gcw_event *e = fresh_event();
    struct target *self = target_new(0);
    gcw_event_step step;
    on(e, "a", 0);
    gcw_listener *gone = on(e, "b", 0), *blocked = on(e, "c", 0);
    on_method(e, gcw_method_new(self, method_notes_word, "d"), 0);
    on(e, "e", 0);
    assert_true(gcw_event_first(e, NULL, &step));
    gcw_listener_disconnect(gone);
    gcw_listener_block(blocked);
    gcw_dispose(self);
    assert_true(gcw_event_next(&step));
    assert_string_equal(step.call.data, "e");
    assert_false(gcw_event_next(&step));
}

TEST(steps_go_on_though_the_listeners_have_moved)
{
    static char data[200];
    gcw_event *e = fresh_event();
    gcw_event_step step;
    size_t n = 1;
    for (size_t i = 0; i < 100; i++)
        on_fn(e, note_word, "x", 0);
    assert_true(gcw_event_first(e, NULL, &step));
    for (size_t i = 0; i < 200; i++)
        on_fn(e, idle_fn, &data[i], 0);
    for (; gcw_event_next(&step); n++)
        assert_string_equal(step.call.data, "x");
    assert_int_equal(n, 100);
}

TEST(a_step_disconnects_who_is_to_be_called_once)
{
    gcw_event *e = fresh_event();
    gcw_listener *once = on(e, "a", GCW_ONCE);
    gcw_event_step step, other;
    assert_true(gcw_event_first(e, NULL, &step));
    assert_false(gcw_listener_connected(once));
    assert_false(gcw_event_first(e, NULL, &other));
}

TEST(emissions_within_emissions_are_steps_of_their_own)
{
    gcw_event *e = fresh_event();
    gcw_event_step outer, inner;
    on(e, "a", 0);
    on(e, "b", 0);
    assert_true(gcw_event_first(e, NULL, &outer));
    assert_true(gcw_event_first(e, NULL, &inner));
    assert_true(gcw_event_next(&inner));
    assert_true(gcw_event_next(&outer));
    assert_string_equal(outer.call.data, "b");
    assert_false(gcw_event_next(&inner));
    emit_calls(e, 2, "a b");
}

/* Giving up. */

static void
give_up_after_one(gcw_event *e)
{
    gcw_event_step step;
    assert_true(gcw_event_first(e, NULL, &step));
}

TEST(who_gives_up_leaves_nothing_behind)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on(e, "b", 0);
    give_up_after_one(e);
    emit_calls(e, 2, "a b");
    assert_int_equal(gcw_event_count(e), 2);
    on(e, "c", 0);
    assert_int_equal(gcw_event_disconnect_fn(e, note_word, "a"), 1);
    steps_leave(e, "b c");
}

static jmp_buf outside;

static void
jump(void *arg, void *data)
{
    (void)arg, (void)data;
    longjmp(outside, 1);
}

TEST(a_listener_that_is_stepped_to_may_jump)
{
    gcw_event *e = fresh_event();
    gcw_event_step step;
    on_fn(e, jump, NULL, 0);
    on(e, "a", 0);
    for (volatile int i = 0; i < 3; i++)
        if (setjmp(outside) == 0) {
            assert_true(gcw_event_first(e, NULL, &step));
            gcw_call_invoke(&step.call);
            fail_msg("it did not jump");
        }
    assert_true(gcw_event_next(&step));
    assert_string_equal(step.call.data, "a");
    gcw_event_disconnect_fn(e, jump, NULL);
    emit_calls(e, 1, "a");
}

static void *
end_the_thread_between_steps(void *event)
{
    give_up_after_one(event);
    pthread_exit(event);
}

TEST(a_thread_may_end_between_two_steps)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on(e, "b", 0);
    in_thread(end_the_thread_between_steps, e);
    emit_calls(e, 2, "a b");
}

static void *
go_on_elsewhere(void *step)
{
    while (gcw_event_next(step))
        gcw_call_invoke(&((gcw_event_step *)step)->call);
    return step;
}

TEST(another_thread_may_go_on)
{
    gcw_event *e = fresh_event();
    gcw_event_step *step = GC_MALLOC_UNCOLLECTABLE(sizeof *step);
    on(e, "a", 0);
    on(e, "b", 0);
    on(e, "c", 0);
    assert_true(gcw_event_first(e, NULL, step));
    in_thread(go_on_elsewhere, step);
    assert_string_equal(noted(), "b c");
    assert_false(gcw_event_next(step));
    GC_FREE(step);
}

/* Life and death. */

static gcw_event_step *
step_to_a_new_target(gcw_event *e)
{
    gcw_event_step *step = GC_MALLOC_UNCOLLECTABLE(sizeof *step);
    struct target *t = target_new(0);
    on_method(e, gcw_method_new(t, method_notes_word, "a"), 0);
    assert_true(gcw_event_first(e, NULL, step));
    return step;
}

TEST(a_step_holds_the_object_of_its_method)
{
    gcw_event *e = fresh_event();
    gcw_event_step *step = step_to_a_new_target(e);
    clear_stack();
    collect();
    assert_int_equal(((struct target *)step->call.self)->magic, MAGIC);
    assert_true(gcw_listener_connected(step->call.handle));
    GC_FREE(step);
}

struct many_steps {
    gcw_event_step *steps;
    gcw_ref **refs;
};

/* An event each, so that each step comes to a target of its own. */
static void
step_to_many(void *arg)
{
    struct many_steps *many = arg;
    for (size_t i = 0; i < MANY; i++) {
        gcw_event *e = gcw_event_new(NULL);
        struct target *t = target_new(i);
        many->refs[i] = gcw_ref_new(t);
        on_method(e, gcw_method_new(t, method_notes_word, "a"), 0);
        assert_true(gcw_event_first(e, NULL, &many->steps[i]));
    }
}

TEST(a_step_that_has_come_to_its_end_holds_nothing)
{
    struct many_steps many = {
        GC_MALLOC_UNCOLLECTABLE(MANY * sizeof *many.steps),
        (gcw_ref **)keep_array(MANY)
    };
    in_dead_frame(step_to_many, &many);
    collect();
    assert_int_equal(dead_refs(many.refs, MANY), 0);
    for (size_t i = 0; i < MANY; i++)
        assert_false(gcw_event_next(&many.steps[i]));
    collect();
    assert_true(nearly_all(dead_refs(many.refs, MANY), MANY));
    GC_FREE(many.steps);
}

/* Threads. */

static bool
count_my_steps(size_t number, void *event)
{
    gcw_event_step step;
    (void)number;
    for (bool more = gcw_event_first(event, NULL, &step); more;
         more = gcw_event_next(&step))
        __atomic_add_fetch((size_t *)step.call.data, 1, __ATOMIC_RELAXED);
    return true;
}

TEST(one_of_several_threads_is_given_who_is_to_be_called_once)
{
    enum { THREADS = 4, ONCE = 500 };
    gcw_event *e = fresh_event();
    size_t *given = GC_MALLOC_UNCOLLECTABLE(ONCE * sizeof *given);
    for (size_t i = 0; i < ONCE; i++)
        on_fn(e, idle_fn, &given[i], GCW_ONCE);
    at_once(THREADS, count_my_steps, e);
    for (size_t i = 0; i < ONCE; i++)
        assert_int_equal(given[i], 1);
    assert_int_equal(gcw_event_count(e), 0);
    GC_FREE(given);
}

/* Failures, and wrong arguments. */

TEST(the_events_hook_hears_of_a_call_that_failed)
{
    gcw_event *e = fresh_event();
    struct heard heard = { 0 };
    gcw_event_step step;
    gcw_listener *l = on(e, "a", 0);
    assert_int_equal(gcw_event_on_error(e, hear, &heard), 0);
    assert_true(gcw_event_first(e, NULL, &step));
    assert_int_equal(gcw_call_failed(&step.call, "why not"), 0);
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, l);
    assert_string_equal(heard.why, "why not");
}

END(a_failed_call_is_told_on_stderr_without_a_hook, 0, "",
    .err = "gcweak: event test: listener ", .err_lines = 1)
{
    gcw_event *e = gcw_event_new("test");
    gcw_event_step step;
    MUST(gcw_event_connect_fn(e, idle_fn, NULL, 0) != NULL);
    MUST(gcw_event_first(e, NULL, &step));
    MUST(gcw_call_failed(&step.call, "why not") == 0);
}

TEST(a_hook_that_fails_in_turn_is_not_heard_of)
{
    gcw_event *e = fresh_event();
    gcw_event_step step;
    on(e, "a", 0);
    gcw_event_on_error(e, failing_hook, "hook");
    assert_true(gcw_event_first(e, NULL, &step));
    assert_int_equal(gcw_call_failed(&step.call, "why not"), 0);
    assert_string_equal(noted(), "hook");
}

TEST(steps_want_an_event_and_a_place)
{
    gcw_event *e = fresh_event();
    gcw_event_step step;
    expect_errno(!gcw_event_first(NULL, NULL, &step), EINVAL);
    assert_false(gcw_event_next(&step));
    expect_errno(!gcw_event_first(e, NULL, NULL), EINVAL);
    expect_errno(!gcw_event_next(NULL), EINVAL);
}

TEST(no_call_is_none)
{
    gcw_call none = { .kind = GCW_CALL_NONE };
    expect_errno(gcw_call_invoke(NULL) == NULL, EINVAL);
    expect_errno(gcw_call_invoke(&none) == NULL, EINVAL);
    expect_errno(gcw_call_failed(NULL, NULL) != 0, EINVAL);
    expect_errno(gcw_call_failed(&none, NULL) != 0, EINVAL);
}

TEST(a_call_of_ones_own_making_has_no_hook)
{
    gcw_call own = {
        .kind = GCW_CALL_FUNCTION, .fn = (void (*)(void))note_it, .data = "a"
    };
    forget();
    assert_null(gcw_call_invoke(&own));
    assert_string_equal(noted(), "a");
    expect_errno(gcw_call_failed(&own, NULL) != 0, EINVAL);
}
