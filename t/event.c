/* event.c: tests of events on one thread whose listeners live: order, the
 * flags, disconnecting, what listeners change while they run, blocking, nested
 * emissions, failures, very many listeners, bad arguments.  Deaths are in
 * event-weak.c, threads in event-threads.c.
 */
#include "log.h"
#include "heard.h"
#include "listeners.h"

/* Order. */

TEST(listeners_are_called_in_the_order_of_connection)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on(e, "b", 0);
    on(e, "c", 0);
    emit_calls(e, 3, "a b c");
}

TEST(each_emission_calls_them_again)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on(e, "b", 0);
    emit_calls(e, 2, "a b");
    emit_calls(e, 2, "a b");
    on(e, "c", 0);
    emit_calls(e, 3, "a b c");
}

static gcw_method *
word_method(char *word)
{
    gcw_method *m =
        gcw_method_new(lasting_target(0), method_notes_word, word);
    assert_non_null(m);
    return m;
}

TEST(methods_and_functions_share_one_order)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on_method(e, word_method("b"), 0);
    on(e, "c", 0);
    on_method(e, word_method("d"), 0);
    emit_calls(e, 4, "a b c d");
}

TEST(an_event_without_listeners_calls_nobody)
{
    gcw_event *e = fresh_event();
    emit_calls(e, 0, "");
    assert_int_equal(gcw_event_count(e), 0);
}

TEST(an_event_needs_no_name)
{
    gcw_event *e = gcw_event_new(NULL);
    assert_non_null(e);
    on(e, "a", 0);
    emit_calls(e, 1, "a");
}

TEST(events_are_separate)
{
    gcw_event *one = fresh_event(), *other = fresh_event();
    on(one, "one", 0);
    on(other, "other", 0);
    emit_calls(one, 1, "one");
    emit_calls(other, 1, "other");
    assert_int_equal(gcw_event_disconnect_fn(one, note_word, "other"), 0);
    emit_calls(other, 1, "other");
}

/* What a listener is told. */

struct call {
    void *self, *arg, *data;
};

static void *
method_notes_call(void *self, void *arg, void *data)
{
    *(struct call *)arg = (struct call){ self, arg, data };
    return NULL;
}

static void
note_call(void *arg, void *data)
{
    *(struct call *)arg = (struct call){ NULL, arg, data };
}

TEST(a_method_is_told_self_argument_and_data)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    int data;
    struct call call = { NULL, NULL, NULL };
    on_method(e, gcw_method_new(t, method_notes_call, &data), 0);
    assert_int_equal(gcw_event_emit(e, &call), 1);
    assert_ptr_equal(call.self, t);
    assert_ptr_equal(call.arg, &call);
    assert_ptr_equal(call.data, &data);
}

TEST(self_is_the_very_pointer_that_the_method_was_made_of)
{
    gcw_event *e = fresh_event();
    char *object = (char *)lasting_target(0);
    struct call call = { NULL, NULL, NULL };
    on_method(e, gcw_method_new(object + 9, method_notes_call, NULL), 0);
    assert_int_equal(gcw_event_emit(e, &call), 1);
    assert_ptr_equal(call.self, object + 9);
}

TEST(a_method_with_weak_data_is_told_it)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0), *data = lasting_target(1);
    struct call call = { NULL, NULL, NULL };
    on_method(e, gcw_method_new_weak(t, method_notes_call, data), 0);
    assert_int_equal(gcw_event_emit(e, &call), 1);
    assert_ptr_equal(call.self, t);
    assert_ptr_equal(call.data, data);
}

TEST(a_function_is_told_argument_and_data)
{
    gcw_event *e = fresh_event();
    int data;
    struct call call = { NULL, NULL, NULL };
    on_fn(e, note_call, &data, 0);
    assert_int_equal(gcw_event_emit(e, &call), 1);
    assert_ptr_equal(call.arg, &call);
    assert_ptr_equal(call.data, &data);
}

/* Numbered listeners: an emission that calls them has a march as its argument
 * and looks whether the numbers ascend. */

struct march {
    size_t called, last;
    bool ascending;
};

static void
march(void *arg, void *data)
{
    struct march *m = arg;
    size_t number = (size_t)(uintptr_t)data;
    m->ascending = m->ascending && (m->called == 0 || number > m->last);
    m->last = number;
    m->called++;
}

static void *
method_marches(void *self, void *arg, void *data)
{
    (void)self;
    march(arg, data);
    return NULL;
}

static gcw_listener *
on_number(gcw_event *e, size_t number, unsigned flags)
{
    return on_fn(e, march, (void *)(uintptr_t)number, flags);
}

/* n listeners that march, numbered from 0; in uncollectable memory. */
static gcw_listener **
on_numbers(gcw_event *e, size_t n)
{
    gcw_listener **listeners = (gcw_listener **)keep_array(n);
    for (size_t i = 0; i < n; i++)
        listeners[i] = on_number(e, i, 0);
    return listeners;
}

/* An emission calls so many marching listeners, in their order. */
static void
marches(gcw_event *e, size_t expected)
{
    struct march m = { .ascending = true };
    assert_int_equal(gcw_event_emit(e, &m), expected);
    assert_int_equal(m.called, expected);
    assert_true(m.ascending);
}

/* GCW_FRONT. */

TEST(the_last_put_in_front_is_called_first)
{
    gcw_event *e = fresh_event();
    on(e, "a", GCW_FRONT);
    on(e, "b", GCW_FRONT);
    on(e, "c", GCW_FRONT);
    emit_calls(e, 3, "c b a");
}

TEST(front_is_before_all_that_are_connected_by_now)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on(e, "b", GCW_FRONT);
    on(e, "c", 0);
    on_method(e, word_method("d"), GCW_FRONT);
    emit_calls(e, 4, "d b a c");
    on(e, "e", GCW_FRONT);
    on(e, "f", 0);
    emit_calls(e, 6, "e d b a c f");
}

TEST(many_come_to_either_end_in_turns)
{
    gcw_event *e = fresh_event();
    for (size_t i = 0; i < MANY; i++) {
        on_number(e, MANY - 1 - i, GCW_FRONT);
        on_number(e, MANY + i, 0);
    }
    assert_int_equal(gcw_event_count(e), 2 * MANY);
    marches(e, 2 * MANY);
}

TEST(many_put_in_front_are_disconnected_in_any_place)
{
    gcw_event *e = fresh_event();
    gcw_listener **listeners = (gcw_listener **)keep_array(MANY);
    for (size_t i = MANY; i-- > 0;)
        listeners[i] = on_number(e, i, GCW_FRONT);
    for (size_t i = 0; i < MANY; i += 3)
        assert_true(gcw_listener_disconnect(listeners[i]));
    marches(e, MANY - (MANY + 2) / 3);
}

/* Disconnecting by handle. */

TEST(a_disconnected_listener_is_not_called)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    gcw_listener *b = on(e, "b", 0);
    on(e, "c", 0);
    gcw_listener *d = on_method(e, word_method("d"), 0);
    on(e, "e", 0);
    assert_true(gcw_listener_disconnect(b));
    emit_calls(e, 4, "a c d e");
    assert_true(gcw_listener_disconnect(d));
    emit_calls(e, 3, "a c e");
}

TEST(only_the_first_disconnect_says_true)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    assert_true(gcw_listener_disconnect(l));
    assert_false(gcw_listener_disconnect(l));
    assert_false(gcw_listener_disconnect(l));
    emit_calls(e, 0, "");
}

TEST(connected_tells_whether_it_is)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    assert_true(gcw_listener_connected(l));
    emit_calls(e, 1, "a");
    assert_true(gcw_listener_connected(l));
    assert_true(gcw_listener_disconnect(l));
    assert_false(gcw_listener_connected(l));
}

TEST(the_first_and_the_last_can_go)
{
    gcw_event *e = fresh_event();
    gcw_listener *a = on(e, "a", 0);
    on(e, "b", 0);
    gcw_listener *c = on(e, "c", 0);
    assert_true(gcw_listener_disconnect(a));
    assert_true(gcw_listener_disconnect(c));
    emit_calls(e, 1, "b");
    on(e, "d", 0);
    on(e, "e", GCW_FRONT);
    emit_calls(e, 3, "e b d");
}

TEST(count_tells_how_many_are_connected)
{
    gcw_event *e = fresh_event();
    gcw_listener *a = on(e, "a", 0);
    on(e, "b", GCW_ONCE);
    gcw_listener *c = on(e, "c", GCW_FRONT);
    assert_int_equal(gcw_event_count(e), 3);
    gcw_listener_block(c);
    assert_int_equal(gcw_event_count(e), 3);
    assert_true(gcw_listener_disconnect(a));
    assert_int_equal(gcw_event_count(e), 2);
    emit_calls(e, 1, "b");
    assert_int_equal(gcw_event_count(e), 1);
}

/* Disconnecting by method and by function. */

TEST(all_with_an_equal_method_are_disconnected)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    gcw_method *m = gcw_method_new(t, method_notes_word, "m");
    gcw_method *equal = gcw_method_new(t, method_notes_word, "m");
    on_method(e, m, 0);
    on(e, "a", 0);
    gcw_listener *l = on_method(e, equal, 0);
    on_method(e, m, GCW_FRONT);
    on_method(e, word_method("b"), 0);
    emit_calls(e, 5, "m m a m b");
    assert_int_equal(gcw_event_disconnect(e, equal), 3);
    assert_false(gcw_listener_connected(l));
    emit_calls(e, 2, "a b");
    assert_int_equal(gcw_event_disconnect(e, m), 0);
}

TEST(methods_that_differ_in_a_part_stay)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0), *other = lasting_target(1);
    on_method(e, gcw_method_new(t, method_notes_word, "a"), 0);
    on_method(e, gcw_method_new(other, method_notes_word, "m"), 0);
    on_method(e, gcw_method_new(t, idle_method, "m"), 0);
    assert_int_equal(gcw_event_disconnect(
        e, gcw_method_new(t, method_notes_word, "m")), 0);
    emit_calls(e, 3, "a m");
}

TEST(all_with_one_function_and_data_are_disconnected)
{
    gcw_event *e = fresh_event();
    char x[] = "x", also_x[] = "x";
    on(e, x, 0);
    on(e, also_x, 0);
    on_fn(e, idle_fn, x, 0);
    gcw_listener *l = on(e, x, 0);
    assert_int_equal(gcw_event_disconnect_fn(e, note_word, x), 2);
    assert_false(gcw_listener_connected(l));
    emit_calls(e, 2, "x");
    assert_int_equal(gcw_event_disconnect_fn(e, note_word, x), 0);
}

TEST(those_disconnected_before_are_not_counted_again)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    gcw_listener *l = on(e, "a", 0);
    on(e, "a", GCW_ONCE);
    on(e, "a", 0);
    assert_true(gcw_listener_disconnect(l));
    assert_int_equal(gcw_event_emit(e, NULL), 3);
    assert_int_equal(gcw_event_disconnect_fn(e, note_word, "a"), 2);
}

TEST(what_came_after_a_first_disconnect_is_found_too)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    gcw_method *m = gcw_method_new(t, method_notes_word, "m");
    on(e, "a", 0);
    on_method(e, m, 0);
    assert_int_equal(gcw_event_disconnect_fn(e, note_word, "a"), 1);
    on(e, "a", 0);
    on_method(e, m, 0);
    assert_int_equal(gcw_event_disconnect(e, m), 2);
    assert_int_equal(gcw_event_disconnect_fn(e, note_word, "a"), 1);
    emit_calls(e, 0, "");
}

/* GCW_ONCE. */

TEST(once_means_once)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    gcw_listener *l = on(e, "b", GCW_ONCE);
    on_method(e, word_method("c"), GCW_ONCE | GCW_FRONT);
    on(e, "d", 0);
    assert_true(gcw_listener_connected(l));
    emit_calls(e, 4, "c a b d");
    emit_calls(e, 2, "a d");
    assert_false(gcw_listener_connected(l));
    assert_false(gcw_listener_disconnect(l));
}

/* What a listener does, to what, and how it went. */
struct deed {
    gcw_event *event;
    gcw_listener *listener;
    unsigned flags;
    bool connected, done;
};

static void
disconnect_it(void *arg, void *data)
{
    struct deed *d = data;
    (void)arg;
    note("off");
    d->connected = gcw_listener_connected(d->listener);
    d->done = gcw_listener_disconnect(d->listener);
}

TEST(once_is_disconnected_before_its_call)
{
    gcw_event *e = fresh_event();
    struct deed d = { .connected = true, .done = true };
    d.listener = on_fn(e, disconnect_it, &d, GCW_ONCE);
    emit_calls(e, 1, "off");
    assert_false(d.connected);
    assert_false(d.done);
}

static void
emit_again(void *arg, void *data)
{
    (void)arg;
    note("(");
    gcw_event_emit(data, NULL);
    note(")");
}

TEST(once_is_not_called_by_an_emission_inside_its_call)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on_fn(e, emit_again, e, GCW_ONCE);
    on(e, "b", GCW_ONCE);
    emit_calls(e, 2, "a ( a b )");
    emit_calls(e, 1, "a");
}

TEST(a_block_does_not_use_up_once)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", GCW_ONCE);
    gcw_listener_block(l);
    emit_calls(e, 0, "");
    assert_true(gcw_listener_connected(l));
    gcw_listener_unblock(l);
    emit_calls(e, 1, "a");
    emit_calls(e, 0, "");
}

static void
connect_myself_once(void *arg, void *data)
{
    (void)arg;
    note("me");
    on_fn(data, connect_myself_once, data, GCW_ONCE);
}

TEST(once_may_connect_itself_again)
{
    gcw_event *e = fresh_event();
    on_fn(e, connect_myself_once, e, GCW_ONCE);
    emit_calls(e, 1, "me");
    emit_calls(e, 1, "me");
    assert_int_equal(gcw_event_count(e), 1);
}

/* GCW_UNIQUE. */

TEST(equal_ones_are_called_as_often_as_connected)
{
    gcw_event *e = fresh_event();
    gcw_method *m = word_method("m");
    assert_ptr_not_equal(on_method(e, m, 0), on_method(e, m, 0));
    assert_ptr_not_equal(on(e, "a", 0), on(e, "a", 0));
    emit_calls(e, 4, "m m a a");
}

TEST(an_equal_method_is_not_connected_again)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    gcw_method *m = gcw_method_new(t, method_notes_word, "m");
    gcw_method *equal = gcw_method_new(t, method_notes_word, "m");
    gcw_listener *l = on_method(e, m, GCW_UNIQUE);
    assert_ptr_equal(on_method(e, m, GCW_UNIQUE), l);
    assert_ptr_equal(on_method(e, equal, GCW_UNIQUE), l);
    assert_int_equal(gcw_event_count(e), 1);
    emit_calls(e, 1, "m");
}

TEST(an_equal_one_connected_without_the_flag_counts)
{
    gcw_event *e = fresh_event();
    gcw_method *m = word_method("m");
    gcw_listener *l = on_method(e, m, 0), *a = on(e, "a", 0);
    assert_ptr_equal(on_method(e, m, GCW_UNIQUE), l);
    assert_ptr_equal(on(e, "a", GCW_UNIQUE), a);
    emit_calls(e, 2, "m a");
    assert_ptr_not_equal(on(e, "a", 0), a);
    emit_calls(e, 3, "m a a");
}

TEST(an_equal_one_stays_where_it_is)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", GCW_UNIQUE);
    on(e, "b", GCW_UNIQUE);
    assert_ptr_equal(on(e, "a", GCW_UNIQUE), l);
    on(e, "b", GCW_UNIQUE | GCW_FRONT);
    emit_calls(e, 2, "a b");
}

TEST(methods_that_differ_in_a_part_are_all_connected)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0), *other = lasting_target(1);
    on_method(e, gcw_method_new(t, method_notes_word, "a"), GCW_UNIQUE);
    on_method(e, gcw_method_new(t, method_notes_word, "b"), GCW_UNIQUE);
    on_method(e, gcw_method_new(other, method_notes_word, "a"), GCW_UNIQUE);
    on_method(e, gcw_method_new(t, idle_method, "a"), GCW_UNIQUE);
    emit_calls(e, 4, "a b a");
}

TEST(weak_data_differs_from_the_same_held_strongly)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0), *data = lasting_target(1);
    gcw_method *strong = gcw_method_new(t, idle_method, data);
    gcw_method *weak = gcw_method_new_weak(t, idle_method, data);
    gcw_method *equal = gcw_method_new_weak(t, idle_method, data);
    gcw_method *holds_reference =
        gcw_method_new(t, idle_method, gcw_ref_new(data));
    gcw_listener *l = on_method(e, weak, GCW_UNIQUE);
    assert_ptr_not_equal(on_method(e, strong, GCW_UNIQUE), l);
    assert_ptr_not_equal(on_method(e, holds_reference, GCW_UNIQUE), l);
    assert_ptr_equal(on_method(e, equal, GCW_UNIQUE), l);
    assert_int_equal(gcw_event_emit(e, NULL), 3);
    assert_int_equal(gcw_event_disconnect(e, strong), 1);
    assert_true(gcw_listener_connected(l));
}

TEST(functions_are_equal_with_the_same_data)
{
    gcw_event *e = fresh_event();
    char x[] = "x", also_x[] = "x";
    gcw_listener *l = on(e, x, GCW_UNIQUE);
    assert_ptr_equal(on(e, x, GCW_UNIQUE), l);
    assert_ptr_not_equal(on(e, also_x, GCW_UNIQUE), l);
    assert_ptr_not_equal(on_fn(e, idle_fn, x, GCW_UNIQUE), l);
    emit_calls(e, 3, "x x");
}

TEST(an_equal_one_in_another_event_does_not_count)
{
    gcw_event *e = fresh_event(), *other = fresh_event();
    gcw_method *m = word_method("m");
    gcw_listener *l = on_method(e, m, GCW_UNIQUE);
    assert_ptr_not_equal(on_method(other, m, GCW_UNIQUE), l);
    emit_calls(e, 1, "m");
    emit_calls(other, 1, "m");
}

TEST(connecting_without_once_lifts_once)
{
    gcw_event *e = fresh_event();
    gcw_method *m = word_method("m");
    gcw_listener *l = on_method(e, m, GCW_UNIQUE | GCW_ONCE);
    gcw_listener *a = on(e, "a", GCW_ONCE);
    assert_ptr_equal(on_method(e, m, GCW_UNIQUE), l);
    assert_ptr_equal(on(e, "a", GCW_UNIQUE), a);
    emit_calls(e, 2, "m a");
    emit_calls(e, 2, "m a");
}

TEST(connecting_with_once_again_leaves_it)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", GCW_UNIQUE | GCW_ONCE);
    assert_ptr_equal(on(e, "a", GCW_UNIQUE | GCW_ONCE), l);
    emit_calls(e, 1, "a");
    emit_calls(e, 0, "");
}

TEST(connecting_with_once_does_not_impose_it)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", GCW_UNIQUE);
    assert_ptr_equal(on(e, "a", GCW_UNIQUE | GCW_ONCE), l);
    emit_calls(e, 1, "a");
    emit_calls(e, 1, "a");
}

TEST(a_blocked_one_stays_blocked)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", GCW_UNIQUE);
    gcw_listener_block(l);
    assert_ptr_equal(on(e, "a", GCW_UNIQUE), l);
    emit_calls(e, 0, "");
}

TEST(what_was_disconnected_is_connected_anew)
{
    gcw_event *e = fresh_event();
    gcw_method *m = word_method("m");
    gcw_listener *old = on_method(e, m, GCW_UNIQUE);
    on(e, "a", 0);
    assert_true(gcw_listener_disconnect(old));
    gcw_listener *l = on_method(e, m, GCW_UNIQUE);
    assert_ptr_not_equal(l, old);
    assert_false(gcw_listener_connected(old));
    assert_false(gcw_listener_disconnect(old));
    emit_calls(e, 2, "a m");
    assert_int_equal(gcw_event_disconnect(e, m), 1);
    assert_ptr_not_equal(on_method(e, m, GCW_UNIQUE), l);
    emit_calls(e, 2, "a m");
}

TEST(what_was_called_once_is_connected_anew)
{
    gcw_event *e = fresh_event();
    gcw_listener *old = on(e, "a", GCW_UNIQUE | GCW_ONCE);
    emit_calls(e, 1, "a");
    assert_ptr_not_equal(on(e, "a", GCW_UNIQUE | GCW_ONCE), old);
    emit_calls(e, 1, "a");
    emit_calls(e, 0, "");
}

TEST(each_of_many_is_found_again)
{
    gcw_event *e = fresh_event();
    gcw_listener **listeners = on_numbers(e, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(on_number(e, i, GCW_UNIQUE), listeners[i]);
    for (size_t i = MANY; i < 2 * MANY; i++)
        on_number(e, i, GCW_UNIQUE);
    for (size_t i = MANY; i < 2 * MANY; i++)
        on_number(e, i, GCW_UNIQUE);
    marches(e, 2 * MANY);
}

/* What is connected during an emission. */

static void
connect_x(void *arg, void *data)
{
    struct deed *d = data;
    (void)arg;
    note("connect");
    d->listener = on(d->event, "x", d->flags);
}

TEST(what_is_connected_meanwhile_waits_for_the_next_emission)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e };
    on_fn(e, connect_x, &d, GCW_ONCE);
    on(e, "a", 0);
    emit_calls(e, 2, "connect a");
    emit_calls(e, 2, "a x");
}

TEST(so_does_what_is_put_in_front_meanwhile)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e, .flags = GCW_FRONT };
    on(e, "a", 0);
    on_fn(e, connect_x, &d, GCW_ONCE);
    on(e, "b", 0);
    emit_calls(e, 3, "a connect b");
    emit_calls(e, 3, "x a b");
}

TEST(what_the_last_listener_connects_waits_too)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e };
    on(e, "a", 0);
    on_fn(e, connect_x, &d, 0);
    emit_calls(e, 2, "a connect");
    emit_calls(e, 3, "a connect x");
}

static void
connect_x_and_emit_again(void *arg, void *data)
{
    struct deed *d = data;
    connect_x(arg, data);
    emit_again(arg, d->event);
}

TEST(an_emission_inside_calls_what_was_connected_before_it)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e };
    on_fn(e, connect_x_and_emit_again, &d, GCW_ONCE);
    on(e, "a", 0);
    emit_calls(e, 2, "connect ( a x ) a");
}

static void
reconnect_it(void *arg, void *data)
{
    struct deed *d = data;
    (void)arg;
    note("again");
    d->done = gcw_listener_disconnect(d->listener);
    d->listener = on(d->event, "b", d->flags);
}

TEST(what_is_disconnected_and_connected_again_waits_too)
{
    for (int flags = 0; flags <= GCW_UNIQUE; flags += GCW_UNIQUE) {
        gcw_event *e = fresh_event();
        struct deed d = { .event = e, .flags = (unsigned)flags };
        on_fn(e, reconnect_it, &d, GCW_ONCE);
        d.listener = on(e, "b", 0);
        on(e, "c", 0);
        emit_calls(e, 2, "again c");
        assert_true(d.done);
        emit_calls(e, 2, "c b");
    }
}

/* A crowd that comes during an emission makes the event grow; what is done
 * then to those that the emission has yet to call must still reach it. */

static gcw_listener *
on_either(gcw_event *e, char *word, bool as_method)
{
    return as_method ? on_method(e, word_method(word), 0) : on(e, word, 0);
}

static void
connect_crowd(const struct deed *d)
{
    note("grow");
    for (size_t i = 0; i < MANY; i++)
        on_fn(d->event, idle_fn, NULL, d->flags);
}

static void
grow_and_disconnect(void *arg, void *data)
{
    struct deed *d = data;
    (void)arg;
    connect_crowd(d);
    d->done = gcw_listener_disconnect(d->listener);
}

static void
grow_and_block(void *arg, void *data)
{
    struct deed *d = data;
    (void)arg;
    connect_crowd(d);
    gcw_listener_block(d->listener);
    d->done = gcw_listener_connected(d->listener);
}

static void
grow_under(void (*growth)(void *arg, void *data), size_t left, unsigned flags,
           bool methods)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e, .flags = flags };
    on_either(e, "a", methods);
    on_fn(e, growth, &d, GCW_ONCE);
    on_either(e, "b", methods);
    d.listener = on_either(e, "c", methods);
    on_either(e, "d", methods);
    emit_calls(e, 4, "a grow b d");
    assert_true(d.done);
    assert_int_equal(gcw_event_count(e), left + MANY);
    emit_calls(e, 3 + MANY, "a b d");
}

/* Whether the crowd comes to the end or to the front. */
static void
a_later_one_is_not_called_after(void (*growth)(void *arg, void *data),
                                size_t left)
{
    for (int methods = 0; methods <= 1; methods++) {
        grow_under(growth, left, 0, methods);
        grow_under(growth, left, GCW_FRONT, methods);
    }
}

TEST(one_disconnected_after_the_event_has_grown_is_not_called)
{
    a_later_one_is_not_called_after(grow_and_disconnect, 3);
}

TEST(one_blocked_after_the_event_has_grown_is_not_called)
{
    a_later_one_is_not_called_after(grow_and_block, 4);
}

static void
grow_and_emit(void *arg, void *data)
{
    struct deed *d = data;
    connect_crowd(d);
    emit_again(arg, d->event);
}

TEST(once_is_used_up_by_an_emission_inside_after_the_event_has_grown)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e };
    on_fn(e, grow_and_emit, &d, GCW_ONCE);
    on(e, "a", 0);
    on(e, "b", GCW_ONCE);
    on(e, "c", 0);
    emit_calls(e, 3, "grow ( a b c ) a c");
}

/* What a large event was before it grew must last until the emission has left
 * it, though the collector has been at work, and others took the memory. */

enum { LARGE = 10 * MANY };

static void
grow_and_reuse_memory(void *arg, void *data)
{
    const size_t size = 32 * LARGE;
    (void)arg;
    for (size_t i = 0; i < 2 * LARGE; i++)
        on_fn(data, idle_fn, NULL, i % 2 ? GCW_FRONT : 0);
    collect();
    for (int i = 0; i < 50; i++)
        memset(GC_MALLOC(size), 0x5a, size);
}

TEST(a_large_event_may_grow_while_it_is_emitted)
{
    gcw_event *e = fresh_event();
    struct march m = { .ascending = true };
    for (size_t i = 0; i < LARGE; i++) {
        on_number(e, i, 0);
        if (i == LARGE / 2)
            on_fn(e, grow_and_reuse_memory, e, GCW_ONCE);
    }
    assert_int_equal(gcw_event_emit(e, &m), LARGE + 1);
    assert_int_equal(m.called, LARGE);
    assert_true(m.ascending);
}

/* What is disconnected during an emission. */

TEST(a_listener_disconnects_itself)
{
    gcw_event *e = fresh_event();
    struct deed d = { .done = false };
    on(e, "a", 0);
    d.listener = on_fn(e, disconnect_it, &d, 0);
    on(e, "b", 0);
    emit_calls(e, 3, "a off b");
    assert_true(d.done);
    emit_calls(e, 2, "a b");
}

TEST(a_listener_disconnects_a_later_one)
{
    gcw_event *e = fresh_event();
    struct deed d = { .done = false };
    on_fn(e, disconnect_it, &d, 0);
    on(e, "a", 0);
    d.listener = on_method(e, word_method("b"), 0);
    on(e, "c", 0);
    emit_calls(e, 3, "off a c");
    assert_true(d.done);
}

TEST(a_listener_disconnects_an_earlier_one)
{
    gcw_event *e = fresh_event();
    struct deed d = { .done = false };
    d.listener = on(e, "a", 0);
    on(e, "b", 0);
    on_fn(e, disconnect_it, &d, 0);
    on(e, "c", 0);
    emit_calls(e, 4, "a b off c");
    assert_true(d.done);
    emit_calls(e, 3, "b off c");
}

static void
disconnect_all_words(void *arg, void *data)
{
    (void)arg;
    note("all");
    assert_int_equal(gcw_event_disconnect_fn(data, note_word, "x"), 3);
}

TEST(a_listener_disconnects_all_with_one_function)
{
    gcw_event *e = fresh_event();
    on(e, "x", 0);
    on_fn(e, disconnect_all_words, e, GCW_ONCE);
    on(e, "x", 0);
    on(e, "a", 0);
    on(e, "x", 0);
    emit_calls(e, 3, "x all a");
    emit_calls(e, 1, "a");
}

/* A purge in the middle of an emission: `from` to `to` in steps. */
struct purge {
    gcw_event *event;
    gcw_listener **listeners;
    size_t from, to, step;
    size_t inside;           /* called by the emission inside */
};

static void
purge(void *arg, void *data)
{
    struct purge *p = data;
    struct march m = { .ascending = true };
    (void)arg;
    for (size_t i = p->from; i < p->to; i += p->step)
        assert_true(gcw_listener_disconnect(p->listeners[i]));
    for (size_t i = 0; i < MANY; i++)
        on_number(p->event, MANY + i, 0);
    p->inside = gcw_event_emit(p->event, &m);
    assert_true(m.ascending);
    assert_int_equal(m.called, p->inside);
}

/* Of MANY listeners, the purge comes after the `before` first. */
static gcw_event *
event_to_purge(struct purge *p, size_t before)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    p->event = e;
    p->listeners = (gcw_listener **)keep_array(MANY);
    for (size_t i = 0; i < MANY; i++) {
        if (i == before)
            on_fn(e, purge, p, GCW_ONCE);
        p->listeners[i] = on_method(
            e, gcw_method_new(t, method_marches, (void *)(uintptr_t)i), 0);
    }
    return e;
}

static void
emit_with_purge(gcw_event *e, size_t marched)
{
    struct march m = { .ascending = true };
    assert_int_equal(gcw_event_emit(e, &m), marched + 1);
    assert_int_equal(m.called, marched);
    assert_true(m.ascending);
}

TEST(the_rest_is_called_once_each_after_a_purge_of_later_ones)
{
    struct purge p = { .from = 1, .to = MANY, .step = 2 };
    gcw_event *e = event_to_purge(&p, 0);
    emit_with_purge(e, MANY / 2);
    assert_int_equal(p.inside, MANY / 2 + MANY);
    marches(e, MANY / 2 + MANY);
}

TEST(the_rest_is_called_once_each_after_a_purge_of_earlier_ones)
{
    struct purge p = { .from = 0, .to = MANY / 2, .step = 1 };
    gcw_event *e = event_to_purge(&p, MANY / 2);
    emit_with_purge(e, MANY);
    assert_int_equal(p.inside, MANY / 2 + MANY);
    marches(e, MANY / 2 + MANY);
}

TEST(nobody_is_called_after_a_purge_of_all)
{
    struct purge p = { .from = 0, .to = MANY, .step = 1 };
    gcw_event *e = event_to_purge(&p, MANY / 4);
    emit_with_purge(e, MANY / 4);
    assert_int_equal(p.inside, MANY);
    marches(e, MANY);
}

/* Blocking. */

TEST(a_blocked_listener_is_passed_over)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    gcw_listener *b = on_method(e, word_method("b"), 0);
    on(e, "c", 0);
    gcw_listener_block(b);
    emit_calls(e, 2, "a c");
    assert_true(gcw_listener_connected(b));
    gcw_listener_unblock(b);
    emit_calls(e, 3, "a b c");
}

TEST(it_is_unblocked_as_often_as_it_was_blocked)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    for (int i = 0; i < 3; i++)
        gcw_listener_block(l);
    for (int i = 0; i < 3; i++) {
        emit_calls(e, 0, "");
        gcw_listener_unblock(l);
    }
    emit_calls(e, 1, "a");
}

TEST(unblocking_what_is_not_blocked_is_invalid)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    expect_errno((gcw_listener_unblock(l), true), EINVAL);
    emit_calls(e, 1, "a");
    gcw_listener_block(l);
    emit_calls(e, 0, "");
    gcw_listener_unblock(l);
    assert_int_equal(errno, 0);
    expect_errno((gcw_listener_unblock(l), true), EINVAL);
    emit_calls(e, 1, "a");
}

enum { MOST_BLOCKS = 65535 };

TEST(blocks_have_a_limit)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", GCW_ONCE);
    errno = 0;
    for (int i = 0; i < MOST_BLOCKS; i++)
        gcw_listener_block(l);
    assert_int_equal(errno, 0);
    expect_errno((gcw_listener_block(l), true), EOVERFLOW);
    assert_true(gcw_listener_connected(l));
    for (int i = 0; i < MOST_BLOCKS; i++) {
        assert_int_equal(gcw_event_emit(e, NULL), 0);
        gcw_listener_unblock(l);
    }
    assert_int_equal(errno, 0);
    emit_calls(e, 1, "a");
    emit_calls(e, 0, "");
}

static void
block_it(void *arg, void *data)
{
    struct deed *d = data;
    (void)arg;
    note("block");
    gcw_listener_block(d->listener);
}

TEST(a_listener_blocks_a_later_one)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e };
    on_fn(e, block_it, &d, GCW_ONCE);
    on(e, "a", 0);
    d.listener = on_method(e, word_method("b"), 0);
    on(e, "c", 0);
    emit_calls(e, 3, "block a c");
    gcw_listener_unblock(d.listener);
    emit_calls(e, 3, "a b c");
}

/* Keeps itself from being called by its own emission. */
static void
emit_behind_a_block(void *arg, void *data)
{
    struct deed *d = data;
    gcw_listener_block(d->listener);
    emit_again(arg, d->event);
    gcw_listener_unblock(d->listener);
}

TEST(a_listener_blocks_itself_while_it_emits)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e };
    d.listener = on_fn(e, emit_behind_a_block, &d, 0);
    on(e, "a", 0);
    emit_calls(e, 2, "( a ) a");
    emit_calls(e, 2, "( a ) a");
}

TEST(blocking_what_is_not_connected_has_no_effect)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    assert_true(gcw_listener_disconnect(l));
    errno = E2BIG;
    gcw_listener_block(l);
    assert_int_equal(errno, E2BIG);
    assert_false(gcw_listener_connected(l));
    on(e, "a", 0);
    emit_calls(e, 1, "a");
}

TEST(a_blocked_listener_can_be_disconnected)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    gcw_listener_block(l);
    assert_true(gcw_listener_disconnect(l));
    assert_int_equal(gcw_event_count(e), 0);
    on(e, "a", GCW_UNIQUE);
    emit_calls(e, 1, "a");
}

/* Emissions inside emissions. */

enum { DEPTH = 100 };

struct depth {
    gcw_event *event;
    size_t now, deepest, ticks, wrong;
};

static void
descend(void *arg, void *data)
{
    struct depth *d = data;
    (void)arg;
    if (++d->now > d->deepest)
        d->deepest = d->now;
    if (d->deepest < DEPTH)
        d->wrong += gcw_event_emit(d->event, NULL) != 2;
    d->now--;
}

static void
tick(void *arg, void *data)
{
    struct depth *d = data;
    (void)arg;
    d->ticks++;
}

TEST(emissions_nest_a_hundred_deep)
{
    gcw_event *e = fresh_event();
    struct depth d = { .event = e };
    on_fn(e, descend, &d, 0);
    on_fn(e, tick, &d, 0);
    assert_int_equal(gcw_event_emit(e, NULL), 2);
    assert_int_equal(d.deepest, DEPTH);
    assert_int_equal(d.ticks, DEPTH);
    assert_int_equal(d.wrong, 0);
}

static void
disconnect_and_emit(void *arg, void *data)
{
    struct deed *d = data;
    disconnect_it(arg, data);
    emit_again(arg, d->event);
}

TEST(what_an_emission_inside_leaves_holds_for_the_outer_one)
{
    gcw_event *e = fresh_event();
    struct deed d = { .event = e };
    on_fn(e, disconnect_and_emit, &d, GCW_ONCE);
    on(e, "a", GCW_ONCE);
    d.listener = on(e, "b", 0);
    on(e, "c", 0);
    emit_calls(e, 2, "off ( a c ) c");
}

TEST(a_listener_emits_another_event)
{
    gcw_event *e = fresh_event(), *other = fresh_event();
    on(other, "x", 0);
    on(e, "a", 0);
    on_fn(e, emit_again, other, 0);
    on(e, "b", 0);
    emit_calls(e, 3, "a ( x ) b");
}

/* Failures. */

static void
note_and_fail(void *arg, void *data)
{
    (void)arg;
    note(data);
    gcw_fail("on purpose");
}

static void *
method_fails(void *self, void *arg, void *data)
{
    (void)self;
    (void)arg;
    note(data);
    gcw_fail("from a method");
}

static gcw_event *
heard_event(struct heard *heard)
{
    gcw_event *e = fresh_event();
    *heard = (struct heard){ .times = 0 };
    assert_int_equal(gcw_event_on_error(e, hear, heard), 0);
    return e;
}

TEST(the_rest_is_called_after_a_failure)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    on(e, "a", 0);
    on_fn(e, note_and_fail, "b", 0);
    on(e, "c", 0);
    on_fn(e, note_and_fail, "d", 0);
    emit_calls(e, 4, "a b c d");
    assert_int_equal(heard.times, 2);
}

TEST(who_failed_stays_connected)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    on_fn(e, note_and_fail, "a", 0);
    emit_calls(e, 1, "a");
    emit_calls(e, 1, "a");
    assert_int_equal(heard.times, 2);
}

TEST(a_method_may_fail)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    struct target *t = lasting_target(0);
    gcw_listener *l =
        on_method(e, gcw_method_new(t, method_fails, "m"), 0);
    on(e, "a", 0);
    emit_calls(e, 2, "m a");
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, l);
    assert_string_equal(heard.why, "from a method");
}

static void *
method_returns_something(void *self, void *arg, void *data)
{
    (void)arg;
    note(data);
    return self;
}

TEST(what_a_method_returns_does_not_matter)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    struct target *t = lasting_target(0);
    on_method(e, gcw_method_new(t, method_returns_something, "m"), 0);
    on(e, "a", 0);
    emit_calls(e, 2, "m a");
    emit_calls(e, 2, "m a");
    assert_int_equal(heard.times, 0);
}

/* Not static, and the program exports its functions: so this has a name. */
void listener_with_a_name(void *arg, void *data);

void
listener_with_a_name(void *arg, void *data)
{
    note_and_fail(arg, data);
}

TEST(the_hook_hears_handle_function_name_and_reason,
     .lacks = names_of_functions)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    on(e, "a", 0);
    gcw_listener *l = on_fn(e, listener_with_a_name, "b", 0);
    emit_calls(e, 2, "a b");
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, l);
    assert_string_equal(heard.name, "listener_with_a_name");
    assert_string_equal(heard.why, "on purpose");
}

TEST(a_function_without_a_name_has_none)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    on_fn(e, note_and_fail, "a", 0);
    emit_calls(e, 1, "a");
    assert_int_equal(heard.times, 1);
    assert_string_equal(heard.name, "(null)");
}

static void
fail_silently(void *arg, void *data)
{
    (void)arg;
    note(data);
    gcw_fail(NULL);
}

TEST(no_reason_need_be_given)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    on_fn(e, fail_silently, "a", 0);
    on(e, "b", 0);
    emit_calls(e, 2, "a b");
    assert_int_equal(heard.times, 1);
}

TEST(a_hook_that_fails_is_ignored)
{
    gcw_event *e = fresh_event();
    assert_int_equal(gcw_event_on_error(e, failing_hook, "hook"), 0);
    on_fn(e, note_and_fail, "a", 0);
    on_fn(e, note_and_fail, "b", 0);
    on(e, "c", 0);
    emit_calls(e, 3, "a hook b hook c");
}

static void
disconnecting_hook(void *handle, const char *name, const char *why,
                   void *data)
{
    (void)name;
    (void)why;
    note(data);
    assert_true(gcw_listener_disconnect(handle));
}

TEST(a_hook_may_disconnect_who_failed)
{
    gcw_event *e = fresh_event();
    assert_int_equal(gcw_event_on_error(e, disconnecting_hook, "hook"), 0);
    on_fn(e, note_and_fail, "a", 0);
    on(e, "b", 0);
    emit_calls(e, 2, "a hook b");
    emit_calls(e, 1, "b");
}

TEST(a_new_hook_takes_the_place_of_the_old)
{
    struct heard old, heard = { .times = 0 };
    gcw_event *e = heard_event(&old);
    assert_int_equal(gcw_event_on_error(e, hear, &heard), 0);
    on_fn(e, note_and_fail, "a", 0);
    emit_calls(e, 1, "a");
    assert_int_equal(old.times, 0);
    assert_int_equal(heard.times, 1);
}

TEST(each_event_has_its_own_hook)
{
    struct heard one, other;
    gcw_event *e = heard_event(&one);
    heard_event(&other);
    on_fn(e, note_and_fail, "a", 0);
    emit_calls(e, 1, "a");
    assert_int_equal(one.times, 1);
    assert_int_equal(other.times, 0);
}

TEST(who_fails_at_its_only_call_is_not_called_again)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    gcw_listener *l = on_fn(e, note_and_fail, "a", GCW_ONCE);
    on(e, "b", 0);
    emit_calls(e, 2, "a b");
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, l);
    emit_calls(e, 1, "b");
}

static void
disconnect_and_fail(void *arg, void *data)
{
    disconnect_it(arg, data);
    gcw_fail("and away");
}

TEST(who_disconnects_itself_and_fails_is_heard_of)
{
    struct heard heard;
    gcw_event *e = heard_event(&heard);
    struct deed d = { .done = false };
    d.listener = on_fn(e, disconnect_and_fail, &d, 0);
    on(e, "a", 0);
    emit_calls(e, 2, "off a");
    assert_true(d.done);
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, d.listener);
    assert_string_equal(heard.why, "and away");
    emit_calls(e, 1, "a");
}

static void
emit_and_fail(void *arg, void *data)
{
    emit_again(arg, data);
    gcw_fail("after the other's emission");
}

TEST(emissions_inside_emissions_fail_separately)
{
    struct heard in, out;
    gcw_event *inner = heard_event(&in), *outer = heard_event(&out);
    on_fn(inner, note_and_fail, "x", 0);
    on(inner, "y", 0);
    on_fn(outer, emit_and_fail, inner, 0);
    on(outer, "a", 0);
    emit_calls(outer, 2, "( x y ) a");
    assert_int_equal(in.times, 1);
    assert_string_equal(in.why, "on purpose");
    assert_int_equal(out.times, 1);
    assert_string_equal(out.why, "after the other's emission");
}

/* A hook's data is held by the event alone. */

static NOINLINE gcw_ref *
hook_with_data_of_its_own(gcw_event *e)
{
    struct heard *heard = GC_MALLOC(sizeof *heard);
    gcw_ref *ref = gcw_ref_new(heard);
    assert_non_null(ref);
    assert_int_equal(gcw_event_on_error(e, hear, heard), 0);
    return ref;
}

TEST(the_data_of_a_hook_is_held)
{
    gcw_event *e = fresh_event();
    gcw_ref *ref = hook_with_data_of_its_own(e);
    clear_stack();
    collect();
    assert_non_null(gcw_ref_get(ref));
    on_fn(e, note_and_fail, "a", 0);
    emit_calls(e, 1, "a");
    assert_int_equal(((struct heard *)gcw_ref_get(ref))->times, 1);
}

/* Very many. */

enum { LOTS = 100000, STAGES = 4 };

static void
expect_left(gcw_event *e, size_t left)
{
    assert_int_equal(gcw_event_count(e), left);
    marches(e, left);
}

TEST(lots_are_disconnected_in_any_order)
{
    gcw_event *e = fresh_event();
    gcw_listener **listeners = on_numbers(e, LOTS);
    const unsigned *order = shuffled(LOTS);
    for (size_t i = 0; i < LOTS; i++) {
        if (i % (LOTS / STAGES) == 0)
            expect_left(e, LOTS - i);
        assert_true(gcw_listener_disconnect(listeners[order[i]]));
    }
    expect_left(e, 0);
    for (size_t i = 0; i < LOTS; i++)
        assert_false(gcw_listener_connected(listeners[i]));
    on_numbers(e, MANY);
    expect_left(e, MANY);
}

static size_t
disconnect_number(gcw_event *e, size_t number)
{
    return gcw_event_disconnect_fn(e, march, (void *)(uintptr_t)number);
}

TEST(lots_are_disconnected_by_function_in_any_order)
{
    gcw_event *e = fresh_event();
    on_numbers(e, LOTS);
    const unsigned *order = shuffled(LOTS);
    for (size_t i = 0; i < LOTS; i++) {
        if (i % (LOTS / STAGES) == 0)
            expect_left(e, LOTS - i);
        assert_int_equal(disconnect_number(e, order[i]), 1);
    }
    expect_left(e, 0);
    assert_int_equal(disconnect_number(e, 0), 0);
}

TEST(lots_of_equal_ones_are_disconnected_in_one_call)
{
    gcw_event *e = fresh_event();
    gcw_method *m = word_method("m");
    on(e, "a", 0);
    for (size_t i = 0; i < LOTS; i++)
        on_method(e, m, 0);
    on(e, "b", 0);
    assert_int_equal(gcw_event_disconnect(e, m), LOTS);
    emit_calls(e, 2, "a b");
}

TEST(lots_come_and_go_while_others_stay)
{
    gcw_event *e = fresh_event();
    for (size_t i = 0; i < LOTS; i++) {
        gcw_listener *l = on_number(e, 0, i % 2 ? GCW_FRONT : 0);
        if (i % (LOTS / 100) == 0)
            on_number(e, i, 0);
        assert_true(gcw_listener_disconnect(l));
    }
    expect_left(e, 100);
}

/* Bad arguments. */

TEST(without_an_event_all_is_invalid)
{
    gcw_method *m = word_method("m");
    expect_errno(gcw_event_connect(NULL, m, 0) == NULL, EINVAL);
    expect_errno(gcw_event_connect_fn(NULL, idle_fn, NULL, 0) == NULL, EINVAL);
    expect_errno(gcw_event_disconnect(NULL, m) == 0, EINVAL);
    expect_errno(gcw_event_disconnect_fn(NULL, idle_fn, NULL) == 0, EINVAL);
    expect_errno(gcw_event_emit(NULL, NULL) == 0, EINVAL);
    expect_errno(gcw_event_count(NULL) == 0, EINVAL);
    expect_errno(gcw_event_on_error(NULL, hear, NULL) == -1, EINVAL);
}

TEST(without_a_listener_all_is_invalid)
{
    expect_errno(!gcw_listener_disconnect(NULL), EINVAL);
    expect_errno(!gcw_listener_connected(NULL), EINVAL);
    expect_errno((gcw_listener_block(NULL), true), EINVAL);
    expect_errno((gcw_listener_unblock(NULL), true), EINVAL);
}

TEST(without_a_method_or_function_nothing_changes)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    expect_errno(gcw_event_connect(e, NULL, 0) == NULL, EINVAL);
    expect_errno(gcw_event_connect_fn(e, NULL, "a", 0) == NULL, EINVAL);
    expect_errno(gcw_event_disconnect(e, NULL) == 0, EINVAL);
    expect_errno(gcw_event_disconnect_fn(e, NULL, "a") == 0, EINVAL);
    assert_int_equal(gcw_event_count(e), 1);
    emit_calls(e, 1, "a");
}

TEST(unknown_flags_are_invalid)
{
    gcw_event *e = fresh_event();
    gcw_method *m = word_method("m");
    unsigned all = GCW_ONCE | GCW_UNIQUE | GCW_FRONT;
    on(e, "a", 0);
    errno = 0;
    for (unsigned flag = 1; flag != 0; flag <<= 1) {
        if (flag & all)
            continue;
        expect_errno(gcw_event_connect(e, m, flag) == NULL, EINVAL);
        expect_errno(gcw_event_connect_fn(e, idle_fn, NULL, flag | all)
                     == NULL, EINVAL);
    }
    assert_int_equal(gcw_event_count(e), 1);
    emit_calls(e, 1, "a");
}

TEST(a_dead_method_cannot_be_connected)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    gcw_method *m = gcw_method_new(t, method_notes_word, "m");
    on(e, "a", 0);
    assert_int_equal(gcw_dispose(t), 0);
    expect_errno(gcw_event_connect(e, m, 0) == NULL, ESTALE);
    expect_errno(gcw_event_connect(e, m, GCW_UNIQUE) == NULL, ESTALE);
    assert_int_equal(gcw_event_count(e), 1);
    emit_calls(e, 1, "a");
}

TEST(success_leaves_errno_alone)
{
    gcw_method *m = word_method("m");
    errno = E2BIG;
    gcw_event *e = fresh_event();
    gcw_listener *l = on_method(e, m, 0);
    on_method(e, m, GCW_UNIQUE);
    on(e, "a", GCW_FRONT);
    gcw_listener_block(l);
    gcw_listener_unblock(l);
    assert_int_equal(gcw_event_count(e), 2);
    assert_int_equal(gcw_event_emit(e, NULL), 2);
    assert_int_equal(gcw_event_on_error(e, hear, NULL), 0);
    assert_int_equal(gcw_event_on_error(e, NULL, NULL), 0);
    assert_true(gcw_listener_disconnect(l));
    assert_false(gcw_listener_disconnect(l));
    assert_false(gcw_listener_connected(l));
    assert_int_equal(gcw_event_disconnect(e, m), 0);
    assert_int_equal(gcw_event_disconnect_fn(e, note_word, "a"), 1);
    assert_int_equal(gcw_event_emit(e, NULL), 0);
    assert_int_equal(gcw_event_count(e), 0);
    assert_int_equal(errno, E2BIG);
}

/* What goes to stderr if nobody listens. */

static gcw_event *
unheard_event(void)
{
    char name[] = "the torn rope";
    gcw_event *e = gcw_event_new(name);
    memset(name, '-', 4);
    MUST(e != NULL);
    MUST(gcw_event_connect_fn(e, note_and_fail, "x", 0) != NULL);
    MUST(gcw_event_connect_fn(e, note_word, "y", 0) != NULL);
    return e;
}

END(without_a_hook_stderr_names_the_event, 0, "", .err = "the torn rope")
{
    MUST(gcw_event_emit(unheard_event(), NULL) == 2);
    MUST(strcmp(noted(), "x y") == 0);
}

END(without_a_hook_stderr_tells_the_reason, 0, "", .err = "on purpose")
{
    without_a_hook_stderr_names_the_event();
}

END(a_hook_taken_out_is_no_more_called, 0, "", .err = "the torn rope")
{
    gcw_event *e = unheard_event();
    MUST(gcw_event_on_error(e, failing_hook, "hook") == 0);
    MUST(gcw_event_on_error(e, NULL, NULL) == 0);
    MUST(gcw_event_emit(e, NULL) == 2);
    MUST(strcmp(noted(), "x y") == 0);
}

END(without_a_name_stderr_tells_the_reason, 0, "", .err = "on purpose")
{
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(e, note_and_fail, "x", 0) != NULL);
    MUST(gcw_event_emit(e, NULL) == 1);
}

/* The end of the process inside an emission. */

static void
exit_with_7(void *arg, void *data)
{
    (void)arg;
    (void)data;
    exit(7);
}

static void
emit_at_exit(void *event)
{
    say("handler");
    gcw_event_emit(event, NULL);
}

END(a_listener_may_exit_and_a_handler_may_emit, 7, "a\nhandler\na\nb\n")
{
    gcw_event *e = gcw_event_new("last");
    MUST(gcw_exit_register_fn(gcw_exit_default(), emit_at_exit, e, NULL)
         != NULL);
    MUST(gcw_event_connect_fn(e, say_word, "a", 0) != NULL);
    MUST(gcw_event_connect_fn(e, exit_with_7, NULL, GCW_ONCE) != NULL);
    MUST(gcw_event_connect_fn(e, say_word, "b", 0) != NULL);
    gcw_event_emit(e, NULL);
    say("not reached");
}
