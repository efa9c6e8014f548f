/* event-stop.c: tests of what a listener learns of its emission, and does to
 * it: gcw_listener_current, gcw_emission_stop.  On fibers: stacks.c.
 */
#include <pthread.h>
#include "at-once.h"
#include "heard.h"
#include "listeners.h"
#include "thread.h"

/* Leaves its word, and stops the emission. */
static void
stop(void *arg, void *data)
{
    (void)arg;
    note(data);
    assert_int_equal(gcw_emission_stop(), 0);
}

static void *
method_stops(void *self, void *arg, void *data)
{
    (void)self;
    stop(arg, data);
    return NULL;
}

static void
hub_note(const gcw_emission *emission, void *data)
{
    (void)emission;
    note(data);
}

static void
hub_stop(const gcw_emission *emission, void *data)
{
    (void)emission;
    stop(NULL, data);
}

static gcw_listener *
listen(gcw_hub *h, const char *type, void *source,
       void (*fn)(const gcw_emission *emission, void *data), char *word)
{
    gcw_listener *l = gcw_hub_connect_fn(h, type, source, fn, word, 0);
    assert_non_null(l);
    return l;
}

/* --- stopping --- */

TEST(who_stops_an_emission_is_the_last_to_hear_of_it)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on_fn(e, stop, "b", 0);
    on(e, "c", 0);
    on(e, "d", 0);
    emit_calls(e, 2, "a b");
    emit_calls(e, 2, "a b");
}

TEST(the_first_and_the_last_may_stop_it)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on_fn(e, stop, "b", 0);
    emit_calls(e, 2, "a b");
    on_fn(e, stop, "c", GCW_FRONT);
    emit_calls(e, 1, "c");
}

TEST(a_method_may_stop_it)
{
    gcw_event *e = fresh_event();
    on_method(e, gcw_method_new(lasting_target(0), method_stops, "a"), 0);
    on(e, "b", 0);
    emit_calls(e, 1, "a");
}

static void
stop_twice(void *arg, void *data)
{
    stop(arg, data);
    stop(arg, data);
}

TEST(stopping_twice_is_stopping_once)
{
    gcw_event *e = fresh_event();
    on_fn(e, stop_twice, "a", 0);
    on(e, "b", 0);
    emit_calls(e, 1, "a a");
}

TEST(those_passed_over_before_a_stop_are_not_counted)
{
    gcw_event *e = fresh_event();
    gcw_listener_block(on(e, "a", 0));
    on(e, "b", 0);
    on_fn(e, stop, "c", 0);
    gcw_listener_block(on(e, "d", 0));
    on(e, "e", 0);
    emit_calls(e, 2, "b c");
}

TEST(once_behind_a_stop_stays_connected)
{
    gcw_event *e = fresh_event();
    on_fn(e, stop, "a", GCW_ONCE);
    on(e, "b", GCW_ONCE);
    emit_calls(e, 1, "a");
    emit_calls(e, 1, "b");
    emit_calls(e, 0, "");
}

TEST(outside_an_emission_there_is_nothing_to_stop)
{
    expect_errno(gcw_emission_stop() == -1, ENOENT);
}

static void
expect_no_emission(void *word)
{
    note(word);
    expect_errno(gcw_emission_stop() == -1, ENOENT);
    assert_null(gcw_listener_current());
}

TEST(a_cleanup_outside_an_emission_has_none_to_stop)
{
    forget();
    pend(expect_no_emission, "cleanup");
    assert_int_equal(gcw_drain(0), 1);
    assert_string_equal(noted(), "cleanup");
}

/* --- nested --- */

static gcw_event *inner;

static void
emit_inner(void *arg, void *data)
{
    note(data);
    assert_int_equal(gcw_event_emit(inner, arg), 1);
    note("back");
}

TEST(a_stop_ends_the_innermost_emission_only)
{
    gcw_event *e = fresh_event();
    inner = fresh_event();
    on_fn(inner, stop, "inner", 0);
    on(inner, "never", 0);
    on_fn(e, emit_inner, "outer", 0);
    on(e, "next", 0);
    emit_calls(e, 2, "outer inner back next");
    inner = NULL;
}

static void
emit_inner_and_stop(void *arg, void *data)
{
    emit_inner(arg, data);
    assert_int_equal(gcw_emission_stop(), 0);
}

TEST(after_an_inner_emission_a_stop_ends_the_outer)
{
    gcw_event *e = fresh_event();
    inner = fresh_event();
    on(inner, "inner", 0);
    on_fn(e, emit_inner_and_stop, "outer", 0);
    on(e, "never", 0);
    emit_calls(e, 1, "outer inner back");
    inner = NULL;
}

static void
emit_itself_once(void *arg, void *data)
{
    note("begin");
    if (arg == NULL)
        assert_int_equal(gcw_event_emit(data, data), 1);
    else
        assert_int_equal(gcw_emission_stop(), 0);
    note("end");
}

TEST(one_event_in_itself_is_stopped_in_one)
{
    gcw_event *e = fresh_event();
    on_fn(e, emit_itself_once, e, 0);
    on(e, "next", 0);
    emit_calls(e, 2, "begin begin end end next");
}

static void
stop_at_exit(void *word)
{
    stop(NULL, word);
}

static void
run_registry(void *arg, void *registry)
{
    (void)arg;
    assert_int_equal(gcw_exit_run(registry, 0), 0);
}

TEST(what_a_listener_runs_may_stop_its_emission)
{
    gcw_event *e = fresh_event();
    gcw_exit_registry *r = gcw_exit_registry_new("stop");
    assert_non_null(gcw_exit_register_fn(r, stop_at_exit, "handler", NULL));
    on_fn(e, run_registry, r, 0);
    on(e, "never", 0);
    emit_calls(e, 1, "handler");
}

/* --- with failures --- */

static void
stop_and_fail(void *arg, void *data)
{
    stop(arg, data);
    gcw_fail("after the stop");
}

TEST(a_listener_may_stop_and_then_fail)
{
    gcw_event *e = fresh_event();
    struct heard heard = { 0 };
    gcw_event_on_error(e, hear, &heard);
    on_fn(e, stop_and_fail, "a", 0);
    on(e, "b", 0);
    emit_calls(e, 1, "a");
    assert_int_equal(heard.times, 1);
    assert_string_equal(heard.why, "after the stop");
}

static void
note_and_fail(void *arg, void *data)
{
    (void)arg;
    note(data);
    gcw_fail("fails");
}

static void
stopping_hook(void *handle, const char *name, const char *why, void *data)
{
    (void)name, (void)why;
    note(data);
    assert_ptr_equal(gcw_listener_current(), handle);
    assert_int_equal(gcw_emission_stop(), 0);
}

TEST(an_error_hook_may_stop_the_emission_that_it_hears_of)
{
    gcw_event *e = fresh_event();
    gcw_event_on_error(e, stopping_hook, "hook");
    on_fn(e, note_and_fail, "a", 0);
    on(e, "b", 0);
    emit_calls(e, 1, "a hook");
}

TEST(an_emission_goes_on_after_a_failure_until_it_is_stopped)
{
    gcw_event *e = fresh_event();
    gcw_event_on_error(e, idle_on_error, NULL);
    on_fn(e, note_and_fail, "a", 0);
    on_fn(e, stop, "b", 0);
    on(e, "c", 0);
    emit_calls(e, 2, "a b");
}

/* --- hubs --- */

TEST(an_emission_through_one_pattern_is_stopped)
{
    gcw_hub *h = fresh_hub();
    listen(h, "type", NULL, hub_note, "a");
    listen(h, "type", NULL, hub_stop, "b");
    listen(h, "type", NULL, hub_note, "c");
    assert_int_equal(gcw_hub_emit(h, "type", NULL, NULL), 2);
    assert_string_equal(noted(), "a b");
}

TEST(an_emission_through_all_patterns_is_stopped)
{
    gcw_hub *h = fresh_hub();
    struct target *source = target_new(0);
    listen(h, "type", source, hub_note, "a");
    listen(h, NULL, NULL, hub_note, "b");
    listen(h, NULL, NULL, hub_note, "a");
    listen(h, NULL, source, hub_note, "a");
    listen(h, "type", NULL, hub_stop, "c");
    listen(h, NULL, NULL, hub_note, "d");
    listen(h, "type", source, hub_note, "e");
    listen(h, NULL, source, hub_note, "f");
    listen(h, "type", NULL, hub_note, "g");
    assert_int_equal(gcw_hub_emit(h, "type", source, NULL), 3);
    assert_string_equal(noted(), "a b c");
    GC_reachable_here(source);
}

TEST(of_what_is_dispatched_one_emission_is_stopped)
{
    gcw_hub *h = fresh_hub();
    listen(h, "one", NULL, hub_stop, "a");
    listen(h, "one", NULL, hub_note, "b");
    listen(h, "two", NULL, hub_note, "c");
    assert_int_equal(gcw_hub_post(h, "one", NULL, NULL), 0);
    assert_int_equal(gcw_hub_post(h, "two", NULL, NULL), 0);
    assert_int_equal(gcw_hub_post(h, "one", NULL, NULL), 0);
    assert_int_equal(gcw_hub_dispatch(h, 0), 3);
    assert_string_equal(noted(), "a c a");
}

static void
hub_stop_and_fail(const gcw_emission *emission, void *data)
{
    (void)emission;
    stop_and_fail(NULL, data);
}

TEST(a_listener_of_several_patterns_may_stop_and_then_fail)
{
    gcw_hub *h = fresh_hub();
    struct heard heard = { 0 };
    gcw_hub_on_error(h, hear, &heard);
    listen(h, "type", NULL, hub_stop_and_fail, "a");
    listen(h, NULL, NULL, hub_note, "b");
    assert_int_equal(gcw_hub_emit(h, "type", NULL, NULL), 1);
    assert_string_equal(noted(), "a");
    assert_int_equal(heard.times, 1);
}

/* --- the listener that a stack is in --- */

static gcw_listener *expected, *outer;

static void
expect_me(void *arg, void *data)
{
    (void)arg;
    note(data);
    assert_ptr_equal(gcw_listener_current(), expected);
}

TEST(a_listener_knows_itself)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    expected = on_fn(e, expect_me, "b", 0);
    on(e, "c", 0);
    emit_calls(e, 3, "a b c");
    assert_null(gcw_listener_current());
}

static void
emit_to_me(void *arg, void *data)
{
    note(data);
    assert_int_equal(gcw_event_emit(inner, arg), 1);
    assert_ptr_equal(gcw_listener_current(), outer);
}

TEST(it_is_the_innermost_and_the_outer_one_again)
{
    gcw_event *e = fresh_event();
    inner = fresh_event();
    expected = on_fn(inner, expect_me, "inner", 0);
    outer = on_fn(e, emit_to_me, "outer", 0);
    emit_calls(e, 1, "outer inner");
    inner = NULL;
}

static void
expect_me_in_cleanup(void *data)
{
    expect_me(NULL, data);
}

static void
drain_here(void *arg, void *data)
{
    (void)arg, (void)data;
    pend(expect_me_in_cleanup, "cleanup");
    assert_int_equal(gcw_drain(0), 1);
}

TEST(a_cleanup_in_a_listener_is_in_that_listener)
{
    gcw_event *e = fresh_event();
    expected = on_fn(e, drain_here, NULL, 0);
    emit_calls(e, 1, "cleanup");
}

static void
hub_expect_me(const gcw_emission *emission, void *data)
{
    note(data);
    assert_ptr_equal(gcw_listener_current(), emission->listener);
}

TEST(a_listener_of_a_hub_knows_itself)
{
    gcw_hub *h = fresh_hub();
    listen(h, "type", NULL, hub_expect_me, "a");
    listen(h, "type", NULL, hub_expect_me, "b");
    assert_int_equal(gcw_hub_emit(h, "type", NULL, NULL), 2);
    listen(h, NULL, NULL, hub_expect_me, "c");
    assert_int_equal(gcw_hub_emit(h, "type", NULL, NULL), 3);
    assert_int_equal(gcw_hub_post(h, "type", NULL, NULL), 0);
    assert_int_equal(gcw_hub_dispatch(h, 0), 1);
    assert_string_equal(noted(), "a b a b c a b c");
}

TEST(who_makes_a_step_is_in_no_listener)
{
    gcw_event *e = fresh_event();
    gcw_event_step step;
    forget();
    expected = NULL;
    on_fn(e, expect_me, "a", 0);
    assert_true(gcw_event_first(e, NULL, &step));
    gcw_call_invoke(&step.call);
    assert_string_equal(noted(), "a");
    expect_errno(gcw_emission_stop() == -1, ENOENT);
}

/* --- threads --- */

static void *
expect_none(void *unused)
{
    assert_null(gcw_listener_current());
    expect_errno(gcw_emission_stop() == -1, ENOENT);
    return unused;
}

static void
ask_other_threads(void *arg, void *data)
{
    (void)arg;
    note(data);
    in_thread(expect_none, NULL);
    in_unknown_thread(expect_none, NULL);
}

TEST(another_thread_is_in_no_listener)
{
    gcw_event *e = fresh_event();
    on_fn(e, ask_other_threads, "a", 0);
    on(e, "b", 0);
    emit_calls(e, 2, "a b");
}

/* One event for all threads; each emission says whether it is to be stopped. */
struct emission {
    bool stops;
    int called;
};

static void
count_or_stop(void *arg, void *stopper)
{
    struct emission *emission = arg;
    emission->called++;
    if (stopper != NULL && emission->stops)
        gcw_emission_stop();
}

static bool
stop_some(size_t number, void *shared)
{
    for (int i = 0; i < MANY; i++) {
        struct emission emission = { (i + number) % 2, 0 };
        size_t called = gcw_event_emit(shared, &emission);
        if (called != (emission.stops ? 2 : 4)
            || called != (size_t)emission.called)
            return false;
    }
    return true;
}

TEST(of_many_emissions_at_once_those_are_stopped_that_were)
{
    gcw_event *e = fresh_event();
    on_fn(e, count_or_stop, NULL, 0);
    on_fn(e, count_or_stop, e, 0);
    on_fn(e, count_or_stop, NULL, 0);
    on_fn(e, count_or_stop, NULL, 0);
    at_once(4, stop_some, e);
}
