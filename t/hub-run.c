/* hub-run.c: tests of emissions of hubs: what listeners may do meanwhile, many
 * listeners over several patterns, listeners that fail.
 */
#include "heard.h"
#include "hub-scene.h"

/* --- what listeners may do --- */

static void *
connect_others(void *self, void *emission, void *data)
{
    struct scene *s = data;
    note("connects");
    on(s, "saved", NULL, "late");
    on(s, NULL, s->source, "later");
    on_front(s, NULL, NULL, "front");
    (void)emission;
    return self;
}

SCENE_TEST(what_is_connected_meanwhile_waits_for_the_next_emission)
{
    gcw_method *m = method_new(s, connect_others, s);
    connect(s, "saved", s->source, m, GCW_ONCE);
    on(s, NULL, NULL, "a");
    calls(s, "saved", s->source, "connects a");
    calls(s, "saved", s->source, "front a late later");
}

static void *
connect_a_thousand(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note("grows");
    for (uintptr_t i = 1; i <= MANY; i++)
        on_fn(s, i % 2 ? "saved" : NULL, i % 3 ? s->source : NULL, idle_hub_fn,
              (void *)i);
    gcw_listener_disconnect(s->listener);
    return self;
}

SCENE_TEST(a_disconnect_is_seen_though_the_hub_has_grown)
{
    connect(s, "saved", NULL, method_new(s, connect_a_thousand, s), GCW_ONCE);
    on(s, NULL, NULL, "a");
    s->listener = on(s, "saved", NULL, "b");
    on(s, NULL, s->source, "c");
    calls(s, "saved", s->source, "grows a c");
    assert_int_equal(leaves(s, "saved", s->source, "a c"), MANY + 2);
}

static void *
connect_a_thousand_beside(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note("grows");
    for (uintptr_t i = 1; i <= MANY; i++)
        on_fn(s, "saved", NULL, idle_hub_fn, (void *)i);
    gcw_listener_disconnect(s->listener);
    return self;
}

SCENE_TEST(so_it_is_though_all_have_one_pattern)
{
    connect(s, "saved", NULL, method_new(s, connect_a_thousand_beside, s),
            GCW_ONCE);
    on(s, "saved", NULL, "a");
    s->listener = on(s, "saved", NULL, "b");
    on(s, "saved", NULL, "c");
    calls(s, "saved", NULL, "grows a c");
    assert_int_equal(leaves(s, "saved", NULL, "a c"), MANY + 2);
}

static void *
disconnect_it(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note(gcw_listener_disconnect(s->listener) ? "off" : "gone");
    return self;
}

SCENE_TEST(what_is_disconnected_before_its_turn_is_not_called)
{
    connect(s, "saved", NULL, method_new(s, disconnect_it, s), 0);
    on(s, NULL, NULL, "a");
    s->listener = on(s, NULL, s->source, "b");
    on(s, "saved", s->source, "c");
    calls(s, "saved", s->source, "off a c");
    calls(s, "saved", s->source, "gone a c");
}

SCENE_TEST(what_is_disconnected_after_its_turn_was_called)
{
    on(s, NULL, NULL, "a");
    s->listener = on(s, NULL, s->source, "b");
    connect(s, "saved", NULL, method_new(s, disconnect_it, s), 0);
    on(s, "saved", s->source, "c");
    calls(s, "saved", s->source, "a b off c");
    calls(s, "saved", s->source, "a gone c");
}

static void *
disconnect_me(void *self, void *emission, void *data)
{
    const gcw_emission *e = emission;
    note(data);
    assert_true(gcw_listener_disconnect(e->listener));
    return self;
}

SCENE_TEST(a_listener_disconnects_itself)
{
    on(s, "saved", NULL, "a");
    connect(s, NULL, NULL, method_new(s, disconnect_me, "m"), 0);
    on(s, NULL, s->source, "b");
    calls(s, "saved", s->source, "a m b");
    calls(s, "saved", s->source, "a b");
}

static void *
connect_me_again(void *self, void *emission, void *data)
{
    const gcw_emission *e = emission;
    struct scene *s = data;
    note("again");
    gcw_listener_disconnect(e->listener);
    assert_ptr_not_equal(connect(s, e->type, e->source, s->method, 0),
                         e->listener);
    return self;
}

SCENE_TEST(one_that_connects_itself_again_waits_for_the_next_emission)
{
    s->method = method_new(s, connect_me_again, s);
    connect(s, "saved", s->source, s->method, GCW_ONCE);
    on(s, NULL, NULL, "a");
    calls(s, "saved", s->source, "again a");
    calls(s, "saved", s->source, "a again");
    holds(s, 2, 2, 1);
}

static void *
connect_it_again(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note("swaps");
    assert_true(gcw_listener_disconnect(s->listener));
    s->listener = connect(s, "saved", NULL, s->method, 0);
    return self;
}

SCENE_TEST(so_does_one_that_an_earlier_one_connects_again)
{
    connect(s, "saved", NULL, method_new(s, connect_it_again, s), GCW_ONCE);
    s->method = method_new(s, note_method, "m");
    s->listener = connect(s, "saved", NULL, s->method, 0);
    on(s, NULL, NULL, "a");
    calls(s, "saved", NULL, "swaps a");
    calls(s, "saved", NULL, "a m");
}

static void *
block_it(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note("blocks");
    gcw_listener_block(s->listener);
    return self;
}

static void *
unblock_it(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note("unblocks");
    gcw_listener_unblock(s->listener);
    return self;
}

SCENE_TEST(what_is_blocked_before_its_turn_is_not_called)
{
    connect(s, "saved", NULL, method_new(s, block_it, s), 0);
    s->listener = on(s, NULL, NULL, "a");
    on(s, NULL, s->source, "b");
    calls(s, "saved", s->source, "blocks b");
    assert_true(gcw_listener_connected(s->listener));
}

SCENE_TEST(what_is_unblocked_before_its_turn_is_called)
{
    connect(s, "saved", NULL, method_new(s, unblock_it, s), GCW_ONCE);
    s->listener = on(s, NULL, NULL, "a");
    gcw_listener_block(s->listener);
    calls(s, "saved", s->source, "unblocks a");
    calls(s, "saved", s->source, "a");
}

static void *
block_and_unblock_it(void *self, void *emission, void *data)
{
    block_it(self, emission, data);
    return unblock_it(self, emission, data);
}

SCENE_TEST(blocks_are_counted)
{
    s->listener = on(s, "saved", NULL, "a");
    gcw_listener_block(s->listener);
    gcw_listener_block(s->listener);
    gcw_listener_unblock(s->listener);
    calls(s, "saved", NULL, "");
    gcw_listener_unblock(s->listener);
    calls(s, "saved", NULL, "a");
    expect_errno((gcw_listener_unblock(s->listener), true), EINVAL);
    calls(s, "saved", NULL, "a");
}

static void *
disconnect_it_by_pattern(void *self, void *emission, void *data)
{
    struct scene *s = data;
    const gcw_emission *e = emission;
    note(gcw_hub_disconnect(e->hub, NULL, s->source, s->method) ? "off"
                                                                : "gone");
    return self;
}

SCENE_TEST(what_is_disconnected_by_pattern_meanwhile_is_not_called)
{
    connect(s, "saved", NULL, method_new(s, disconnect_it_by_pattern, s), 0);
    s->method = method_new(s, note_method, "m");
    connect(s, NULL, s->source, s->method, 0);
    on(s, NULL, NULL, "a");
    calls(s, "saved", s->source, "off a");
    calls(s, "saved", s->source, "gone a");
}

/* Emits in turn "1", "2" and so on up to the number of its data. */
static void *
emit_the_next(void *self, void *emission, void *data)
{
    const gcw_emission *e = emission;
    size_t number = strtoul(e->type, NULL, 10);
    char next[16];
    (void)self;
    note(e->type);
    snprintf(next, sizeof next, "%zu", number + 1);
    if (number < (size_t)(uintptr_t)data)
        gcw_hub_emit(e->hub, next, e->source, e->arg);
    note("up");
    return NULL;
}

SCENE_TEST(emissions_nest)
{
    connect(s, NULL, NULL, method_new(s, emit_the_next, (void *)3), 0);
    on(s, "3", NULL, "a");
    on(s, NULL, s->source, "b");
    assert_int_equal(leaves(s, "1", s->source, "1 2 3 up a b up b up b"), 2);
}

SCENE_TEST(emissions_nest_deeply)
{
    enum { DEEP = 200 };
    connect(s, NULL, NULL, method_new(s, emit_the_next, (void *)DEEP), 0);
    forget();
    assert_int_equal(gcw_hub_emit(s->hub, "1", NULL, NULL), 1);
    assert_int_equal(words_in(noted()), 2 * DEEP);
}

static void *
emit_with_it_blocked(void *self, void *emission, void *data)
{
    const gcw_emission *e = emission;
    struct scene *s = data;
    note("(");
    gcw_listener_block(e->listener);
    gcw_hub_emit(s->hub, e->type, e->source, NULL);
    gcw_listener_unblock(e->listener);
    note(")");
    return self;
}

SCENE_TEST(each_emission_has_its_own_set_of_those_called)
{
    gcw_method *m = method_new(s, note_method, "m");
    connect(s, NULL, NULL, m, 0);
    connect(s, "saved", NULL, method_new(s, emit_with_it_blocked, s), 0);
    connect(s, "saved", s->source, m, 0);
    on(s, NULL, s->source, "a");
    assert_int_equal(leaves(s, "saved", s->source, "m ( m a ) a"), 3);
}

static void *
emit_elsewhere(void *self, void *emission, void *data)
{
    note("(");
    gcw_hub_emit(data, "saved", NULL, NULL);
    note(")");
    (void)emission;
    return self;
}

SCENE_TEST(a_listener_emits_at_another_hub)
{
    struct scene *outer = s, *inner = scene_new();
    on(inner, "saved", NULL, "x");
    connect(outer, NULL, NULL,
            method_new(outer, emit_elsewhere, inner->hub), 0);
    on(outer, NULL, NULL, "a");
    assert_int_equal(leaves(outer, "saved", NULL, "( x ) a"), 2);
}

static void *
dispose_of_the_source(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note("ends");
    assert_int_equal(gcw_dispose(s->source), 0);
    return self;
}

SCENE_TEST(what_is_connected_to_a_source_that_ends_meanwhile_is_not_called)
{
    connect(s, "saved", NULL, method_new(s, dispose_of_the_source, s),
            GCW_ONCE);
    on(s, "saved", s->source, "a");
    on(s, NULL, NULL, "b");
    on(s, NULL, s->source, "c");
    calls(s, "saved", s->source, "ends b");
    calls(s, "saved", s->source, "b");
    holds(s, 1, 1, 0);
}

static void *
dispose_of_other(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note("ends");
    assert_int_equal(gcw_dispose(s->other), 0);
    return self;
}

SCENE_TEST(a_method_whose_object_ends_meanwhile_is_not_called)
{
    gcw_method *m = gcw_method_new(s->other, note_method, "m");
    connect(s, "saved", NULL, method_new(s, dispose_of_other, s), GCW_ONCE);
    connect(s, "saved", s->source, m, 0);
    on(s, NULL, NULL, "a");
    connect(s, NULL, s->source, m, 0);
    calls(s, "saved", s->source, "ends a");
    holds(s, 1, 1, 0);
}

static void *
collect_inside(void *self, void *emission, void *data)
{
    struct scene *s = data;
    (void)emission;
    note("collects");
    s->self = NULL;
    collect();
    gcw_drain(0);
    assert_true(((struct target *)self)->magic == MAGIC);
    return NULL;
}

SCENE_TEST(a_listener_may_drop_its_object_and_collect)
{
    connect(s, "saved", s->source, method_new(s, collect_inside, s), 0);
    on_fn(s, NULL, NULL, note_fn, "a");
    calls(s, "saved", s->source, "collects a");
}

/* --- many in one emission --- */

/* A listener has its number as its data; what is called is written down. */
enum { CROWD = 400 };

struct roll {
    size_t n;
    uintptr_t numbers[CROWD];
};

static void *
answer(void *self, void *emission, void *data)
{
    const gcw_emission *e = emission;
    struct roll *roll = e->arg;
    if (roll->n < CROWD)
        roll->numbers[roll->n] = (uintptr_t)data;
    roll->n++;
    return self;
}

static void
on_number(struct scene *s, int pattern, size_t number)
{
    connect(s, pattern & TYPED ? "saved" : NULL,
            pattern & SOURCED ? s->source : NULL,
            method_new(s, answer, (void *)(uintptr_t)number), 0);
}

/* Those from 0 to n are called, in order, each once. */
static void
all_answer(struct scene *s, size_t n)
{
    struct roll roll = { .n = 0 };
    assert_int_equal(gcw_hub_emit(s->hub, "saved", s->source, &roll), n);
    assert_int_equal(roll.n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(roll.numbers[i], i);
}

SCENE_TEST(any_number_over_several_patterns_is_called_in_order)
{
    for (size_t n = 0; n < CROWD; n++) {
        all_answer(s, n);
        on_number(s, (int)(n % PATTERNS), n);
    }
}

SCENE_TEST(any_number_on_all_patterns_is_called_once)
{
    for (size_t n = 0; n < CROWD / PATTERNS; n++) {
        all_answer(s, n);
        for (int i = 0; i < PATTERNS; i++)
            on_number(s, (i + (int)n) % PATTERNS, n);
    }
    holds(s, CROWD, PATTERNS, 1);
}

SCENE_TEST(later_patterns_with_the_same_crowd_add_nobody)
{
    for (int pattern = 0; pattern < PATTERNS; pattern++)
        for (size_t i = 0; i < CROWD / PATTERNS; i++)
            on_number(s, pattern, i);
    all_answer(s, CROWD / PATTERNS);
}

/* --- failures --- */

static void *
give_up(void *self, void *emission, void *data)
{
    (void)self, (void)emission;
    note(data);
    gcw_fail("on purpose");
}

static void
give_up_fn(const gcw_emission *emission, void *data)
{
    (void)emission;
    note(data);
    gcw_fail("in a function");
}

static void
listen_for_failures(struct scene *s, struct heard *heard)
{
    *heard = (struct heard){ .times = 0 };
    assert_int_equal(gcw_hub_on_error(s->hub, hear, heard), 0);
}

SCENE_TEST(one_that_fails_is_counted_and_the_rest_are_called)
{
    struct heard heard;
    listen_for_failures(s, &heard);
    on(s, NULL, NULL, "a");
    connect(s, "saved", NULL, method_new(s, give_up, "b"), 0);
    on(s, NULL, s->source, "c");
    on_fn(s, NULL, NULL, give_up_fn, "d");
    on(s, "saved", s->source, "e");
    calls(s, "saved", s->source, "a b c d e");
    assert_int_equal(heard.times, 2);
    calls(s, "saved", s->source, "a b c d e");
    assert_int_equal(heard.times, 4);
}

SCENE_TEST(the_hook_hears_listener_and_reason)
{
    struct heard heard;
    listen_for_failures(s, &heard);
    gcw_listener *m =
        connect(s, "saved", NULL, method_new(s, give_up, "m"), 0);
    gcw_listener *f = on_fn(s, "closed", NULL, give_up_fn, "f");
    calls(s, "saved", NULL, "m");
    assert_ptr_equal(heard.handle, m);
    assert_string_equal(heard.why, "on purpose");
    calls(s, "closed", NULL, "f");
    assert_ptr_equal(heard.handle, f);
    assert_string_equal(heard.why, "in a function");
    assert_int_equal(heard.times, 2);
}

SCENE_TEST(what_a_method_returns_is_no_failure)
{
    struct heard heard;
    listen_for_failures(s, &heard);
    connect(s, "saved", NULL, method_new(s, block_and_unblock_it, s), 0);
    s->listener = on(s, NULL, NULL, "a");
    calls(s, "closed", NULL, "a");
    leaves(s, "saved", NULL, "blocks unblocks a");
    assert_int_equal(heard.times, 0);
}

SCENE_TEST(one_that_fails_is_not_called_through_its_second_connection)
{
    struct heard heard;
    listen_for_failures(s, &heard);
    gcw_method *m = method_new(s, give_up, "m");
    connect(s, NULL, NULL, m, 0);
    connect(s, "saved", NULL, m, 0);
    calls(s, "saved", NULL, "m");
    assert_int_equal(heard.times, 1);
}

static void *
emit_then_give_up(void *self, void *emission, void *data)
{
    const gcw_emission *e = emission;
    (void)self;
    note("(");
    gcw_hub_emit(e->hub, "inner", e->source, NULL);
    note(")");
    gcw_fail(data);
}

SCENE_TEST(a_failure_ends_only_the_innermost_listener)
{
    struct heard heard;
    listen_for_failures(s, &heard);
    connect(s, "outer", NULL, method_new(s, emit_then_give_up, "outer"), 0);
    connect(s, "inner", NULL, method_new(s, give_up, "m"), 0);
    on(s, NULL, NULL, "a");
    assert_int_equal(leaves(s, "outer", NULL, "( m a ) a"), 2);
    assert_int_equal(heard.times, 2);
    assert_string_equal(heard.why, "outer");
}

static void
only_give_up(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
    gcw_fail(NULL);
}

SCENE_TEST(failures_in_a_crowd_leave_the_order_alone)
{
    struct heard heard;
    listen_for_failures(s, &heard);
    struct roll roll = { .n = 0 };
    for (size_t n = 0; n < 100; n++) {
        on_number(s, (int)(n % PATTERNS), n);
        on_fn(s, n % 2 ? "saved" : NULL, NULL, only_give_up,
              (void *)(uintptr_t)(n + 1));
    }
    assert_int_equal(gcw_hub_emit(s->hub, "saved", s->source, &roll), 200);
    assert_int_equal(heard.times, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(roll.numbers[i], i);
}

SCENE_TEST(a_hook_that_fails_is_ignored)
{
    assert_int_equal(gcw_hub_on_error(s->hub, failing_hook, "hook"), 0);
    on_fn(s, "saved", NULL, give_up_fn, "a");
    on(s, NULL, NULL, "b");
    on_fn(s, NULL, NULL, give_up_fn, "c");
    assert_int_equal(leaves(s, "saved", NULL, "a hook b c hook"), 3);
}

SCENE_TEST(a_new_hook_takes_the_place_of_the_old)
{
    struct heard old, heard = { .times = 0 };
    listen_for_failures(s, &old);
    assert_int_equal(gcw_hub_on_error(s->hub, hear, &heard), 0);
    on_fn(s, "saved", NULL, give_up_fn, "a");
    calls(s, "saved", NULL, "a");
    assert_int_equal(old.times, 0);
    assert_int_equal(heard.times, 1);
}

SCENE_TEST(each_hub_has_its_own_hook)
{
    struct heard one, other;
    listen_for_failures(s, &one);
    listen_for_failures(scene_new(), &other);
    on_fn(s, "saved", NULL, give_up_fn, "a");
    calls(s, "saved", NULL, "a");
    assert_int_equal(one.times, 1);
    assert_int_equal(other.times, 0);
}

static NOINLINE gcw_ref *
hook_with_data_of_its_own(gcw_hub *h)
{
    struct heard *heard = GC_MALLOC(sizeof *heard);
    gcw_ref *ref = gcw_ref_new(heard);
    assert_non_null(ref);
    assert_int_equal(gcw_hub_on_error(h, hear, heard), 0);
    return ref;
}

SCENE_TEST(the_data_of_a_hook_is_held)
{
    gcw_ref *ref = hook_with_data_of_its_own(s->hub);
    clear_stack();
    collect();
    assert_non_null(gcw_ref_get(ref));
    on_fn(s, "saved", NULL, give_up_fn, "a");
    calls(s, "saved", NULL, "a");
    assert_int_equal(((struct heard *)gcw_ref_get(ref))->times, 1);
}

static void
emit_a_failure(gcw_hub *h)
{
    MUST(gcw_hub_connect_fn(h, "saved", NULL, give_up_fn, "", 0) != NULL);
    MUST(gcw_hub_emit(h, "saved", NULL, NULL) == 1);
    say("went on");
}

END(without_a_hook_a_line_goes_to_stderr, 0, "went on\n",
    .err = "in a function", .err_lines = 1)
{
    emit_a_failure(gcw_hub_new());
}

END(a_hook_that_was_taken_out_hears_nothing, 0, "went on\n",
    .err = "in a function", .err_lines = 1)
{
    gcw_hub *h = gcw_hub_new();
    MUST(gcw_hub_on_error(h, failing_hook, "") == 0);
    MUST(gcw_hub_on_error(h, NULL, NULL) == 0);
    emit_a_failure(h);
}
