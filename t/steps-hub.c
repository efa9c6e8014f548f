/* steps-hub.c: tests of a hub's emissions that their caller steps through, those
 * that were posted too.
 */
#include "heard.h"
#include "hub-scene.h"

static void
hub_steps_leave(gcw_hub *h, const char *type, void *source, const char *words)
{
    gcw_hub_step step;
    forget();
    for (bool more = gcw_hub_first(h, type, source, NULL, &step); more;
         more = gcw_hub_next(&step))
        gcw_call_invoke(&step.call);
    assert_string_equal(noted(), words);
}

static gcw_listener *
hub_on(struct scene *s, const char *type, void *source, char *word)
{
    gcw_listener *l = gcw_hub_connect(
        s->hub, type, source, gcw_method_new(s->self, note_method, word), 0);
    assert_non_null(l);
    return l;
}

SCENE_TEST(hub_steps_give_all_patterns_in_the_order_of_connection)
{
    hub_on(s, NULL, NULL, "a");
    hub_on(s, "saved", s->source, "b");
    hub_on(s, "saved", NULL, "c");
    hub_on(s, NULL, s->source, "d");
    hub_on(s, "saved", s->other, "x");
    hub_steps_leave(s->hub, "saved", s->source, "a b c d");
    hub_steps_leave(s->hub, "saved", NULL, "a c");
    hub_steps_leave(s->hub, NULL, NULL, "a");
}

SCENE_TEST(hub_steps_give_equal_methods_once)
{
    hub_on(s, "saved", s->source, "a");
    hub_on(s, NULL, NULL, "a");
    gcw_listener *blocked = hub_on(s, NULL, s->source, "b");
    hub_on(s, "saved", NULL, "b");
    gcw_listener_block(blocked);
    hub_steps_leave(s->hub, "saved", s->source, "a b");
}

SCENE_TEST(a_hub_step_shows_the_emission)
{
    char type[] = "saved";
    gcw_hub_step step;
    gcw_listener *l = gcw_hub_connect_fn(s->hub, "saved", NULL, idle_hub_fn,
                                         "a", 0);
    assert_true(gcw_hub_first(s->hub, type, s->source, s->other,
                              &step));
    memset(type, 'x', sizeof type - 1);
    assert_int_equal(step.call.kind, GCW_CALL_HUB_LISTENER);
    assert_ptr_equal(step.call.fn, idle_hub_fn);
    assert_ptr_equal(step.call.arg, &step.emission);
    assert_ptr_equal(step.call.handle, l);
    assert_ptr_equal(step.emission.hub, s->hub);
    assert_ptr_equal(step.emission.listener, l);
    assert_string_equal(step.emission.type, "saved");
    assert_ptr_equal(step.emission.source, s->source);
    assert_ptr_equal(step.emission.arg, s->other);
    assert_false(gcw_hub_next(&step));
    assert_null(step.emission.hub);
}

SCENE_TEST(a_hub_step_keeps_a_type_that_nobody_wants_alone)
{
    char type[] = "saved";
    gcw_hub_step step;
    hub_on(s, NULL, NULL, "a");
    hub_on(s, NULL, NULL, "b");
    assert_true(gcw_hub_first(s->hub, type, NULL, NULL, &step));
    memset(type, 'x', sizeof type - 1);
    assert_true(gcw_hub_next(&step));
    assert_string_equal(step.emission.type, "saved");
}

SCENE_TEST(who_gives_up_a_hubs_emission_leaves_nothing_behind)
{
    gcw_hub_step step;
    for (int i = 0; i < 50; i++) {
        hub_on(s, "saved", NULL, "a");
        hub_on(s, NULL, NULL, "b");
        assert_true(gcw_hub_first(s->hub, "saved", NULL, NULL, &step));
    }
    hub_steps_leave(s->hub, "saved", NULL, "a b");
}

SCENE_TEST(more_than_a_few_listeners_are_still_each_given_once)
{
    gcw_hub_step step;
    size_t n = 0;
    for (size_t i = 0; i < 300; i++) {
        gcw_method *m = gcw_method_new(s->self, do_nothing,
                                       (void *)((i + 1) << 4));
        gcw_hub_connect(s->hub, "saved", NULL, m, 0);
        gcw_hub_connect(s->hub, NULL, NULL, m, 0);
    }
    for (bool more = gcw_hub_first(s->hub, "saved", NULL, NULL, &step); more;
         more = gcw_hub_next(&step))
        n++;
    assert_int_equal(n, 300);
}

SCENE_TEST(the_hubs_hook_hears_of_a_call_that_failed)
{
    struct heard heard = { 0 };
    gcw_hub_step step;
    gcw_listener *l = hub_on(s, "saved", NULL, "a");
    assert_int_equal(gcw_hub_on_error(s->hub, hear, &heard), 0);
    assert_true(gcw_hub_first(s->hub, "saved", NULL, NULL, &step));
    assert_int_equal(gcw_call_failed(&step.call, "why not"), 0);
    assert_ptr_equal(heard.handle, l);
    assert_string_equal(heard.why, "why not");
}

SCENE_TEST(hub_steps_want_a_hub_and_a_place)
{
    gcw_hub_step step;
    expect_errno(!gcw_hub_first(NULL, NULL, NULL, NULL, &step), EINVAL);
    expect_errno(!gcw_hub_first(s->hub, NULL, NULL, NULL, NULL), EINVAL);
    expect_errno(!gcw_hub_next(NULL), EINVAL);
    expect_errno(!gcw_hub_dispatch_first(NULL, 0, &step), EINVAL);
    expect_errno(!gcw_hub_dispatch_first(s->hub, 0, NULL), EINVAL);
    expect_errno(!gcw_hub_dispatch_next(NULL), EINVAL);
}

/* What was posted. */

static size_t
dispatch_leaves(gcw_hub *h, size_t max, const char *words)
{
    gcw_hub_step step;
    forget();
    for (bool more = gcw_hub_dispatch_first(h, max, &step); more;
         more = gcw_hub_dispatch_next(&step)) {
        note(step.emission.type);
        gcw_call_invoke(&step.call);
    }
    assert_string_equal(noted(), words);
    return step.made;
}

SCENE_TEST(a_dispatch_steps_through_what_was_posted)
{
    hub_on(s, "1", NULL, "a");
    hub_on(s, "2", NULL, "b");
    hub_on(s, NULL, NULL, "c");
    gcw_hub_post(s->hub, "2", NULL, NULL);
    gcw_hub_post(s->hub, "1", s->source, NULL);
    gcw_hub_post(s->hub, "3", NULL, NULL);
    assert_int_equal(dispatch_leaves(s->hub, 0, "2 b 2 c 1 a 1 c 3 c"), 3);
    assert_int_equal(dispatch_leaves(s->hub, 0, ""), 0);
    assert_int_equal(gcw_hub_dispatch(s->hub, 0), 0);
}

SCENE_TEST(a_dispatch_that_nobody_hears_counts_all_the_same)
{
    gcw_hub_post(s->hub, "1", NULL, NULL);
    gcw_hub_post(s->hub, "2", NULL, NULL);
    assert_int_equal(dispatch_leaves(s->hub, 0, ""), 2);
}

SCENE_TEST(a_dispatch_ends_after_so_many)
{
    hub_on(s, NULL, NULL, "a");
    gcw_hub_post(s->hub, "1", NULL, NULL);
    gcw_hub_post(s->hub, "2", NULL, NULL);
    gcw_hub_post(s->hub, "3", NULL, NULL);
    assert_int_equal(dispatch_leaves(s->hub, 2, "1 a 2 a"), 2);
    assert_int_equal(dispatch_leaves(s->hub, 2, "3 a"), 1);
}

SCENE_TEST(what_is_posted_between_two_steps_waits)
{
    gcw_hub_step step;
    hub_on(s, NULL, NULL, "a");
    gcw_hub_post(s->hub, "1", NULL, NULL);
    assert_true(gcw_hub_dispatch_first(s->hub, 0, &step));
    gcw_hub_post(s->hub, "2", NULL, NULL);
    assert_false(gcw_hub_dispatch_next(&step));
    assert_int_equal(dispatch_leaves(s->hub, 0, "2 a"), 1);
}

SCENE_TEST(who_gives_up_a_dispatch_leaves_the_rest)
{
    gcw_hub_step step;
    hub_on(s, NULL, NULL, "a");
    gcw_hub_post(s->hub, "1", NULL, NULL);
    gcw_hub_post(s->hub, "2", NULL, NULL);
    assert_true(gcw_hub_dispatch_first(s->hub, 0, &step));
    assert_int_equal(gcw_hub_dispatch(s->hub, 0), 1);
}
