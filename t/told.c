/* told.c: tests of gcw_failed, by which a callback says that it has failed, and
 * goes on: in each place that calls back.
 */
#include "heard.h"
#include "listeners.h"

/* What the callbacks say, and that they go on. */

static void
tell_and_go_on(void *word)
{
    note("before");
    assert_int_equal(gcw_failed(word), 0);
    note("after");
}

static void
listener_tells(void *arg, void *word)
{
    (void)arg;
    tell_and_go_on(word);
}

static void
hub_listener_tells(const gcw_emission *emission, void *word)
{
    (void)emission;
    tell_and_go_on(word);
}

static void *
method_tells(void *self, void *arg, void *word)
{
    (void)arg;
    tell_and_go_on(word);
    return self;
}

static void
is_heard(const struct heard *heard, int times, const char *why)
{
    assert_int_equal(heard->times, times);
    assert_string_equal(heard->why, why);
}

TEST(a_listener_tells_and_goes_on)
{
    gcw_event *e = fresh_event();
    struct heard heard = { 0 };
    gcw_listener *l = on_fn(e, listener_tells, "why", 0);
    on(e, "next", 0);
    gcw_event_on_error(e, hear, &heard);
    emit_calls(e, 2, "before after next");
    is_heard(&heard, 1, "why");
    assert_ptr_equal(heard.handle, l);
}

TEST(each_listener_and_each_emission_tells_for_itself)
{
    gcw_event *e = fresh_event();
    struct heard heard = { 0 };
    on_fn(e, listener_tells, "one", 0);
    on_fn(e, listener_tells, "two", 0);
    gcw_event_on_error(e, hear, &heard);
    gcw_event_emit(e, NULL);
    is_heard(&heard, 2, "two");
    gcw_event_emit(e, NULL);
    is_heard(&heard, 4, "two");
}

static void
tell_twice(void *arg, void *word)
{
    (void)arg;
    assert_int_equal(gcw_failed(word), 0);
    assert_int_equal(gcw_failed("again"), 0);
}

static void
tell_and_give_up(void *arg, void *word)
{
    (void)arg;
    gcw_failed(word);
    gcw_fail("again");
}

TEST(a_callback_has_failed_once)
{
    gcw_event *e = fresh_event();
    struct heard heard = { 0 };
    on_fn(e, tell_twice, "one", 0);
    on_fn(e, tell_and_give_up, "two", 0);
    on(e, "next", 0);
    gcw_event_on_error(e, hear, &heard);
    emit_calls(e, 3, "next");
    is_heard(&heard, 2, "two");
}

static void
emit_inside(void *arg, void *event)
{
    (void)arg;
    gcw_event_emit(event, NULL);
    assert_int_equal(gcw_failed("outer"), 0);
}

TEST(the_innermost_callback_is_meant)
{
    gcw_event *outer = fresh_event(), *inner = fresh_event();
    struct heard at_outer = { 0 }, at_inner = { 0 };
    on_fn(outer, emit_inside, inner, 0);
    on_fn(inner, listener_tells, "inner", 0);
    gcw_event_on_error(outer, hear, &at_outer);
    gcw_event_on_error(inner, hear, &at_inner);
    gcw_event_emit(outer, NULL);
    is_heard(&at_inner, 1, "inner");
    is_heard(&at_outer, 1, "outer");
}

TEST(a_hook_that_fails_leaves_the_callback_alone)
{
    gcw_event *e = fresh_event();
    on_fn(e, listener_tells, "why", 0);
    on(e, "next", 0);
    gcw_event_on_error(e, failing_hook, "hook");
    emit_calls(e, 2, "before hook after next");
}

/* Its reason is gone when the callback ends. */
static void
tell_of_a_string(void *arg, void *data)
{
    char why[] = "for a while";
    (void)arg, (void)data;
    gcw_failed(why);
    memset(why, 'x', sizeof why - 1);
}

TEST(the_reason_need_not_stay)
{
    gcw_event *e = fresh_event();
    struct heard heard = { 0 };
    on_fn(e, tell_of_a_string, NULL, 0);
    gcw_event_on_error(e, hear, &heard);
    gcw_event_emit(e, NULL);
    is_heard(&heard, 1, "for a while");
}

TEST(a_hubs_listeners_tell)
{
    gcw_hub *h = gcw_hub_new();
    struct heard heard = { 0 };
    gcw_hub_on_error(h, hear, &heard);
    gcw_hub_connect_fn(h, "t", NULL, hub_listener_tells, "one", 0);
    assert_int_equal(gcw_hub_emit(h, "t", NULL, NULL), 1);
    is_heard(&heard, 1, "one");
    gcw_hub_connect_fn(h, NULL, NULL, hub_listener_tells, "two", 0);
    forget();
    assert_int_equal(gcw_hub_emit(h, "t", NULL, NULL), 2);
    assert_string_equal(noted(), "before after before after");
    is_heard(&heard, 3, "two");
}

TEST(pending_callbacks_tell)
{
    struct heard heard = { 0 };
    gcw_drain(0);
    gcw_cleanup *c = pend(tell_and_go_on, "why");
    pend(note_it, "next");
    gcw_drain_on_error(hear, &heard);
    forget();
    assert_int_equal(gcw_drain(0), 2);
    gcw_drain_on_error(NULL, NULL);
    assert_string_equal(noted(), "before after next");
    is_heard(&heard, 1, "why");
    assert_ptr_equal(heard.handle, c);
}

TEST(a_cleanup_that_is_run_early_tells)
{
    struct heard heard = { 0 };
    struct target *t = target_new(0);
    gcw_cleanup *c = gcw_cleanup_new(t, tell_and_go_on, "why");
    gcw_drain_on_error(hear, &heard);
    forget();
    assert_true(gcw_cleanup_run(c));
    gcw_drain_on_error(NULL, NULL);
    assert_string_equal(noted(), "before after");
    is_heard(&heard, 1, "why");
    GC_reachable_here(t);
}

TEST(handlers_tell_and_are_counted_once)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    struct heard heard = { 0 };
    struct target *self = target_new(0);
    assert_non_null(gcw_exit_register_fn(r, tell_and_go_on, "function", NULL));
    forget();
    assert_non_null(gcw_exit_register(
        r, gcw_method_new(self, method_tells, "method"), NULL));
    gcw_exit_on_error(r, hear, &heard);
    assert_int_equal(gcw_exit_run(r, 0), 2);
    assert_string_equal(noted(), "before after before after");
    is_heard(&heard, 2, "function");
}

static void
say_told(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)name, (void)data;
    dprintf(STDOUT_FILENO, "told: %s\n", why);
}

static void
tell_at_exit(void *why)
{
    MUST(gcw_failed(why) == 0);
}

static void
plainly_tells(void)
{
    MUST(gcw_failed("too early") == 0);
}

END(cleanups_tell_at_exit, 0, "told: why\nnext\n")
{
    struct target *t = lasting_target(0);
    MUST(gcw_cleanup_new(t, say_it, "next") != NULL);
    MUST(gcw_cleanup_new(t, tell_at_exit, "why") != NULL);
    MUST(gcw_drain_on_error(say_told, NULL) == 0);
}

END(early_handlers_tell, 0, "", .err = "failed: too early", .err_lines = 1)
{
    MUST(gcw_atexit(plainly_tells) == 0);
}

/* Elsewhere. */

TEST(outside_of_a_callback_there_is_nobody_to_tell)
{
    expect_errno(gcw_failed("why") != 0, ENOENT);
}

TEST(a_call_that_one_makes_oneself_is_no_callback)
{
    gcw_event *e = fresh_event();
    gcw_event_step step;
    on_fn(e, idle_fn, NULL, 0);
    assert_true(gcw_event_first(e, NULL, &step));
    gcw_call_invoke(&step.call);
    expect_errno(gcw_failed("why") != 0, ENOENT);
}
