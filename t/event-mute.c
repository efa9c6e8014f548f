/* event-mute.c: tests of muted events and hubs, and of what is said about who
 * listens: gcw_event_has_listeners, gcw_listener_blocked, gcw_event_list, and
 * the same of hubs.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <gcweak/debug.h>
#include "at-once.h"
#include "dumped.h"
#include "listeners.h"

static void
hub_note(const gcw_emission *emission, void *data)
{
    (void)emission;
    note(data);
}

static gcw_listener *
listen(gcw_hub *h, const char *type, void *source, char *word,
       unsigned flags)
{
    gcw_listener *l = gcw_hub_connect_fn(h, type, source, hub_note, word,
                                         flags);
    assert_non_null(l);
    return l;
}

static void
hub_calls(gcw_hub *h, const char *type, void *source, size_t n,
          const char *words)
{
    forget();
    assert_int_equal(gcw_hub_emit(h, type, source, NULL), n);
    assert_string_equal(noted(), words);
}

static gcw_method *
word_method(char *word)
{
    gcw_method *m = gcw_method_new(lasting_target(0), method_notes_word,
                                   word);
    assert_non_null(m);
    return m;
}

/* --- muting --- */

TEST(nobody_hears_a_muted_event)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on_method(e, word_method("b"), 0);
    gcw_event_block(e);
    emit_calls(e, 0, "");
    assert_int_equal(gcw_event_count(e), 2);
    gcw_event_unblock(e);
    emit_calls(e, 2, "a b");
}

TEST(mutings_are_counted)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    gcw_event_block(e);
    gcw_event_block(e);
    gcw_event_unblock(e);
    emit_calls(e, 0, "");
    gcw_event_unblock(e);
    emit_calls(e, 1, "a");
}

TEST(who_is_not_muted_cannot_be_unmuted)
{
    gcw_event *e = fresh_event();
    gcw_hub *h = fresh_hub();
    on(e, "a", 0);
    listen(h, NULL, NULL, "b", 0);
    expect_errno((gcw_event_unblock(e), errno != 0), EINVAL);
    expect_errno((gcw_hub_unblock(h), errno != 0), EINVAL);
    emit_calls(e, 1, "a");
    hub_calls(h, NULL, NULL, 1, "b");
}

TEST(mutings_do_not_overflow)
{
    gcw_event *e = fresh_event();
    gcw_hub *h = fresh_hub();
    on(e, "a", 0);
    listen(h, NULL, NULL, "b", 0);
    errno = 0;
    for (int i = 0; i < UINT16_MAX; i++) {
        gcw_event_block(e);
        gcw_hub_block(h);
    }
    assert_int_equal(errno, 0);
    expect_errno((gcw_event_block(e), errno != 0), EOVERFLOW);
    expect_errno((gcw_hub_block(h), errno != 0), EOVERFLOW);
    emit_calls(e, 0, "");
    hub_calls(h, NULL, NULL, 0, "");
    for (int i = 0; i < UINT16_MAX; i++) {
        gcw_event_unblock(e);
        gcw_hub_unblock(h);
    }
    emit_calls(e, 1, "a");
    hub_calls(h, NULL, NULL, 1, "b");
}

TEST(who_is_connected_to_a_muted_event_waits)
{
    gcw_event *e = fresh_event();
    gcw_event_block(e);
    on(e, "a", 0);
    for (int i = 0; i < 20; i++)
        on(e, "b", 0);
    on_method(e, word_method("c"), GCW_FRONT);
    emit_calls(e, 0, "");
    gcw_event_unblock(e);
    forget();
    assert_int_equal(gcw_event_emit(e, NULL), 22);
    assert_memory_equal(noted(), "c a b b", 7);
}

TEST(who_leaves_a_muted_event_is_gone)
{
    gcw_event *e = fresh_event();
    gcw_listener *first = on(e, "a", 0), *second = on(e, "b", 0);
    gcw_event_block(e);
    assert_true(gcw_listener_disconnect(first));
    assert_true(gcw_listener_connected(second));
    gcw_event_unblock(e);
    emit_calls(e, 1, "b");
    gcw_event_block(e);
    assert_true(gcw_listener_disconnect(second));
    on(e, "c", 0);
    gcw_event_unblock(e);
    emit_calls(e, 1, "c");
}

TEST(muting_does_not_use_up_once)
{
    gcw_event *e = fresh_event();
    on(e, "a", GCW_ONCE);
    gcw_event_block(e);
    emit_calls(e, 0, "");
    gcw_event_unblock(e);
    emit_calls(e, 1, "a");
    emit_calls(e, 0, "");
}

TEST(a_blocked_listener_stays_blocked)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0), *m = on(e, "b", 0);
    gcw_listener_block(l);
    gcw_event_block(e);
    gcw_listener_block(m);
    gcw_listener_unblock(m);
    emit_calls(e, 0, "");
    gcw_event_unblock(e);
    emit_calls(e, 1, "b");
    gcw_listener_unblock(l);
    emit_calls(e, 2, "a b");
}

static void
mute(void *arg, void *e)
{
    (void)arg;
    note("mute");
    gcw_event_block(e);
}

TEST(an_emission_under_way_passes_over_those_that_are_left)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    on_fn(e, mute, e, 0);
    on(e, "b", 0);
    on_method(e, word_method("c"), 0);
    on(e, "d", GCW_ONCE);
    emit_calls(e, 2, "a mute");
    emit_calls(e, 0, "");
    gcw_event_unblock(e);
    assert_int_equal(gcw_event_count(e), 5);
}

static void
mute_and_move(void *arg, void *data)
{
    mute(arg, data);
    for (int i = 0; i < 20; i++)
        on(data, "new", 0);
}

TEST(so_it_does_when_the_listeners_are_moved_meanwhile)
{
    gcw_event *e = fresh_event();
    on_fn(e, mute_and_move, e, 0);
    on(e, "b", 0);
    on_method(e, word_method("c"), 0);
    emit_calls(e, 1, "mute");
}

static void
mute_for_a_moment(void *arg, void *e)
{
    mute(arg, e);
    assert_int_equal(gcw_event_emit(e, arg), 0);
    gcw_event_unblock(e);
}

TEST(who_is_muted_for_a_moment_hears_in_his_turn)
{
    gcw_event *e = fresh_event();
    on_fn(e, mute_for_a_moment, e, 0);
    on(e, "b", 0);
    on_method(e, word_method("c"), 0);
    emit_calls(e, 3, "mute b c");
}

TEST(steps_pass_over_the_muted)
{
    gcw_event *e = fresh_event();
    gcw_event_step step;
    on(e, "a", 0);
    on(e, "b", 0);
    assert_true(gcw_event_first(e, NULL, &step));
    gcw_event_block(e);
    assert_false(gcw_event_next(&step));
    assert_false(gcw_event_first(e, NULL, &step));
    gcw_event_unblock(e);
    assert_true(gcw_event_first(e, NULL, &step));
}

TEST(a_muted_event_can_be_disposed_of)
{
    gcw_event *e = fresh_event();
    on(e, "a", 0);
    gcw_event_block(e);
    assert_int_equal(gcw_dispose(e), 0);
    gcw_event_unblock(e);
    emit_calls(e, 0, "");
}

static double
seconds_of(gcw_event *e, gcw_hub *h)
{
    clock_t begun = clock();
    for (int i = 0; i < MANY; i++) {
        gcw_event_emit(e, NULL);
        gcw_hub_emit(h, NULL, NULL, NULL);
    }
    return (double)(clock() - begun) / CLOCKS_PER_SEC;
}

/* It would take some hundred times as long to pass over them all. */
TEST(an_emission_of_the_muted_takes_no_time_for_its_listeners)
{
    static char data[20 * MANY];
    gcw_event *e = fresh_event();
    gcw_hub *h = fresh_hub();
    gcw_event_block(e);
    gcw_hub_block(h);
    double of_none = seconds_of(e, h);
    for (size_t i = 0; i < sizeof data; i++) {
        on_fn(e, idle_fn, &data[i], 0);
        assert_non_null(gcw_hub_connect_fn(h, NULL, NULL, idle_hub_fn,
                                           &data[i], 0));
    }
    assert_true(seconds_of(e, h) < 10 * of_none + 0.01);
    gcw_event_unblock(e);
    assert_int_equal(gcw_event_emit(e, NULL), sizeof data);
}

TEST(a_dump_shows_the_muted_as_blocked)
{
    gcw_event *e = gcw_event_new("muted event");
    on(e, "a", 0);
    gcw_event_block(e);
    char *text = dumped();
    char *line = strstr(text, "muted event");
    assert_non_null(line);
    assert_non_null(strstr(line, "blocked"));
    free(text);
}

TEST(nobody_hears_a_muted_hub)
{
    gcw_hub *h = fresh_hub();
    struct target *source = target_new(0);
    listen(h, "type", source, "a", 0);
    listen(h, "type", NULL, "b", 0);
    assert_non_null(gcw_hub_connect(h, NULL, source, word_method("c"), 0));
    listen(h, NULL, NULL, "d", 0);
    gcw_hub_block(h);
    listen(h, "new", NULL, "e", 0);
    hub_calls(h, "type", source, 0, "");
    hub_calls(h, "new", NULL, 0, "");
    gcw_hub_unblock(h);
    hub_calls(h, "type", source, 4, "a b c d");
    hub_calls(h, "new", NULL, 2, "d e");
}

static void
mute_hub(const gcw_emission *emission, void *data)
{
    note(data);
    gcw_hub_block(emission->hub);
}

TEST(an_emission_of_a_hub_passes_over_those_that_are_left)
{
    gcw_hub *h = fresh_hub();
    assert_non_null(gcw_hub_connect_fn(h, "type", NULL, mute_hub, "mute", 0));
    listen(h, "type", NULL, "a", 0);
    hub_calls(h, "type", NULL, 1, "mute");
    gcw_hub_unblock(h);
    listen(h, NULL, NULL, "b", 0);
    assert_non_null(gcw_hub_connect(h, NULL, NULL, word_method("c"), 0));
    hub_calls(h, "type", NULL, 1, "mute");
}

TEST(what_is_dispatched_while_a_hub_is_muted_is_not_heard)
{
    gcw_hub *h = fresh_hub();
    listen(h, "type", NULL, "a", 0);
    gcw_hub_block(h);
    assert_int_equal(gcw_hub_post(h, "type", NULL, NULL), 0);
    assert_int_equal(gcw_hub_dispatch(h, 0), 1);
    assert_int_equal(gcw_hub_post(h, "type", NULL, NULL), 0);
    gcw_hub_unblock(h);
    assert_string_equal(noted(), "");
    assert_int_equal(gcw_hub_dispatch(h, 0), 1);
    assert_string_equal(noted(), "a");
}

/* --- is anybody listening? --- */

TEST(an_event_knows_whether_anybody_listens)
{
    gcw_event *e = fresh_event();
    assert_false(gcw_event_has_listeners(e));
    gcw_listener *l = on(e, "a", 0);
    assert_true(gcw_event_has_listeners(e));
    gcw_listener_block(l);
    assert_false(gcw_event_has_listeners(e));
    gcw_listener *m = on_method(e, word_method("b"), 0);
    assert_true(gcw_event_has_listeners(e));
    gcw_event_block(e);
    assert_false(gcw_event_has_listeners(e));
    gcw_event_unblock(e);
    assert_true(gcw_event_has_listeners(e));
    gcw_listener_disconnect(m);
    assert_false(gcw_event_has_listeners(e));
    gcw_listener_unblock(l);
    assert_true(gcw_event_has_listeners(e));
    assert_string_equal(noted(), "");
}

TEST(to_ask_does_not_use_up_once)
{
    gcw_event *e = fresh_event();
    on(e, "a", GCW_ONCE);
    assert_true(gcw_event_has_listeners(e));
    emit_calls(e, 1, "a");
    assert_false(gcw_event_has_listeners(e));
}

TEST(who_was_disposed_of_does_not_listen)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0), *data = target_new(1);
    on_method(e, gcw_method_new(t, idle_method, NULL), 0);
    assert_true(gcw_event_has_listeners(e));
    assert_int_equal(gcw_dispose(t), 0);
    assert_false(gcw_event_has_listeners(e));
    t = target_new(2);
    on_method(e, gcw_method_new_weak(t, idle_method, data), 0);
    assert_true(gcw_event_has_listeners(e));
    assert_int_equal(gcw_dispose(data), 0);
    assert_false(gcw_event_has_listeners(e));
    GC_reachable_here(t);
}

static void
connect_the_dead(void *e)
{
    for (size_t i = 0; i < MANY; i++)
        on_method(e, gcw_method_new(target_new(i), idle_method, NULL), 0);
}

TEST(the_dead_do_not_listen)
{
    /* Conservative collection may leave some; those are found alive one by one
     * in the list, which says the same. */
    gcw_event *e = fresh_event();
    in_dead_frame(connect_the_dead, e);
    collect();
    size_t left = gcw_event_list(e, NULL, 0);
    assert_true(nearly_all(MANY - left, MANY));
    assert_int_equal(gcw_event_has_listeners(e), left != 0);
}

TEST(a_hub_knows_whether_anybody_listens)
{
    gcw_hub *h = fresh_hub();
    struct target *source = target_new(0), *other = target_new(1);
    assert_false(gcw_hub_has_listeners(h, "type", source));
    gcw_listener *l = listen(h, "type", source, "a", 0);
    assert_true(gcw_hub_has_listeners(h, "type", source));
    assert_false(gcw_hub_has_listeners(h, "type", other));
    assert_false(gcw_hub_has_listeners(h, "type", NULL));
    assert_false(gcw_hub_has_listeners(h, "other", source));
    assert_false(gcw_hub_has_listeners(h, NULL, source));
    gcw_listener_block(l);
    assert_false(gcw_hub_has_listeners(h, "type", source));
    gcw_listener *m = listen(h, NULL, NULL, "b", 0);
    assert_true(gcw_hub_has_listeners(h, "type", source));
    assert_true(gcw_hub_has_listeners(h, NULL, NULL));
    gcw_hub_block(h);
    assert_false(gcw_hub_has_listeners(h, NULL, NULL));
    gcw_hub_unblock(h);
    assert_true(gcw_hub_has_listeners(h, NULL, NULL));
    gcw_listener_disconnect(m);
    assert_false(gcw_hub_has_listeners(h, NULL, NULL));
    assert_string_equal(noted(), "");
    GC_reachable_here(source);
    GC_reachable_here(other);
}

TEST(a_listener_knows_whether_it_is_blocked)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    assert_false(gcw_listener_blocked(l));
    gcw_event_block(e);
    assert_false(gcw_listener_blocked(l));
    gcw_listener_block(l);
    gcw_listener_block(l);
    gcw_event_unblock(e);
    gcw_listener_unblock(l);
    assert_true(gcw_listener_blocked(l));
    gcw_listener_unblock(l);
    assert_false(gcw_listener_blocked(l));
    gcw_listener_block(l);
    gcw_listener_disconnect(l);
    assert_false(gcw_listener_blocked(l));
}

/* --- who is listening? --- */

enum { ENTRIES = 8 };

static gcw_listener_entry *
entries_new(void)
{
    gcw_listener_entry *entries
        = GC_MALLOC_UNCOLLECTABLE(ENTRIES * sizeof *entries);
    assert_non_null(entries);
    return entries;
}

TEST(the_listeners_of_an_event_are_listed)
{
    gcw_event *e = fresh_event();
    gcw_listener_entry *entries = entries_new();
    struct target *t = lasting_target(0);
    gcw_listener *a = on(e, "a", 0), *gone = on(e, "gone", 0);
    gcw_listener *b = on_method(
        e, gcw_method_new(t, method_notes_word, "b"), 0);
    gcw_listener *c = on(e, "c", GCW_FRONT);
    gcw_listener_disconnect(gone);
    gcw_listener_block(a);
    assert_int_equal(gcw_event_list(e, entries, ENTRIES), 3);
    assert_ptr_equal(entries[0].listener, c);
    assert_ptr_equal(entries[1].listener, a);
    assert_ptr_equal(entries[2].listener, b);
    assert_true(entries[1].blocked);
    assert_false(entries[2].blocked);
    assert_true(entries[2].method);
    assert_false(entries[1].method);
    assert_null(entries[1].self);
    assert_ptr_equal(entries[2].self, t);
    assert_ptr_equal(entries[1].function, note_word);
    assert_ptr_equal(entries[2].function, method_notes_word);
    for (int i = 0; i < 3; i++) {
        assert_null(entries[i].type);
        assert_null(entries[i].source);
    }
    GC_FREE(entries);
}

TEST(a_muted_event_lists_its_listeners)
{
    gcw_event *e = fresh_event();
    gcw_listener_entry *entries = entries_new();
    on(e, "a", 0);
    gcw_event_block(e);
    assert_int_equal(gcw_event_list(e, entries, ENTRIES), 1);
    assert_false(entries[0].blocked);
    GC_FREE(entries);
}

TEST(entries_have_ages)
{
    gcw_event *e = fresh_event();
    gcw_listener_entry *entries = entries_new();
    on(e, "a", 0);
    GC_gcollect();
    on(e, "b", 0);
    assert_int_equal(gcw_event_list(e, entries, ENTRIES), 2);
    assert_true(entries[0].age > entries[1].age);
    GC_FREE(entries);
}

TEST(no_more_are_listed_than_there_is_room_for)
{
    gcw_event *e = fresh_event();
    gcw_hub *h = fresh_hub();
    gcw_listener_entry *entries = entries_new();
    gcw_listener *first = on(e, "a", 0);
    gcw_listener *of_hub = listen(h, "z", NULL, "a", 0);
    on(e, "b", 0);
    on(e, "c", 0);
    listen(h, "a", NULL, "b", 0);
    entries[1].listener = entries[2].listener = first;
    assert_int_equal(gcw_event_list(e, entries, 1), 3);
    assert_ptr_equal(entries[0].listener, first);
    assert_ptr_equal(entries[1].listener, first);
    assert_int_equal(gcw_hub_list(h, NULL, NULL, entries, 1), 2);
    assert_ptr_equal(entries[0].listener, of_hub);
    assert_ptr_equal(entries[1].listener, first);
    assert_int_equal(gcw_event_list(e, NULL, 0), 3);
    assert_int_equal(gcw_hub_list(h, NULL, NULL, NULL, 0), 2);
    GC_FREE(entries);
}

TEST(the_listeners_of_a_hub_are_listed_in_the_order_of_their_calls)
{
    gcw_hub *h = fresh_hub();
    gcw_listener_entry *entries = entries_new();
    struct target *source = target_new(0), *other = target_new(1);
    gcw_listener *any = listen(h, NULL, NULL, "a", 0);
    gcw_listener *both = listen(h, "type", source, "b", 0);
    gcw_listener *type = listen(h, "type", NULL, "c", GCW_FRONT);
    gcw_listener *from = listen(h, NULL, other, "d", 0);
    gcw_listener *again = listen(h, "type", source, "e", 0);
    gcw_hub_block(h);
    assert_int_equal(gcw_hub_list(h, NULL, NULL, entries, ENTRIES), 5);
    assert_ptr_equal(entries[0].listener, type);
    assert_ptr_equal(entries[1].listener, any);
    assert_ptr_equal(entries[2].listener, both);
    assert_ptr_equal(entries[3].listener, from);
    assert_ptr_equal(entries[4].listener, again);
    assert_string_equal(entries[0].type, "type");
    assert_null(entries[0].source);
    assert_null(entries[1].type);
    assert_null(entries[1].source);
    assert_string_equal(entries[2].type, "type");
    assert_ptr_equal(entries[2].source, source);
    assert_null(entries[3].type);
    assert_ptr_equal(entries[3].source, other);
    assert_int_equal(gcw_hub_list(h, "type", source, entries, ENTRIES), 4);
    assert_ptr_equal(entries[3].listener, again);
    assert_int_equal(gcw_hub_list(h, "type", other, entries, ENTRIES), 3);
    assert_ptr_equal(entries[2].listener, from);
    assert_int_equal(gcw_hub_list(h, "type", NULL, entries, ENTRIES), 5);
    assert_int_equal(gcw_hub_list(h, "none", NULL, entries, ENTRIES), 2);
    assert_int_equal(gcw_hub_list(h, NULL, source, entries, ENTRIES), 4);
    assert_int_equal(gcw_hub_list(h, "none", source, entries, ENTRIES), 1);
    GC_FREE(entries);
    GC_reachable_here(source);
    GC_reachable_here(other);
}

TEST(many_listeners_of_many_patterns_are_listed_in_order)
{
    static char types[7][2] = { "a", "b", "c", "d", "e", "f", "g" };
    gcw_hub *h = fresh_hub();
    gcw_listener **listeners = (gcw_listener **)keep_array(2 * MANY);
    gcw_listener_entry *entries
        = GC_MALLOC_UNCOLLECTABLE(2 * MANY * sizeof *entries);
    for (size_t i = 0; i < MANY; i++) {
        listeners[MANY + i] = gcw_hub_connect_fn(
            h, types[i % 7], NULL, hub_note, &listeners[i], 0);
        listeners[MANY - 1 - i] = gcw_hub_connect_fn(
            h, types[i % 5], NULL, hub_note, &listeners[MANY + i],
            GCW_FRONT);
    }
    assert_int_equal(gcw_hub_list(h, NULL, NULL, entries, 2 * MANY),
                     2 * MANY);
    for (size_t i = 0; i < 2 * MANY; i++)
        assert_ptr_equal(entries[i].listener, listeners[i]);
    GC_FREE(entries);
}

/* --- threads --- */

struct traffic {
    gcw_event *event;
    atomic_size_t heard, said;
};

static void
count_heard(void *arg, void *traffic)
{
    (void)arg;
    atomic_fetch_add(&((struct traffic *)traffic)->heard, 1);
}

static bool
mute_or_emit(size_t number, void *shared)
{
    struct traffic *traffic = shared;
    for (int i = 0; i < MANY; i++)
        if (number % 2 == 0) {
            atomic_fetch_add(&traffic->said,
                             gcw_event_emit(traffic->event, NULL));
        } else {
            gcw_event_block(traffic->event);
            gcw_event_block(traffic->event);
            gcw_event_unblock(traffic->event);
            gcw_listener *l = gcw_event_connect_fn(
                traffic->event, idle_fn, NULL, 0);
            if (gcw_event_has_listeners(traffic->event)
                || gcw_event_emit(traffic->event, NULL) != 0)
                return false;
            gcw_listener_disconnect(l);
            gcw_event_unblock(traffic->event);
        }
    return true;
}

TEST(events_are_muted_while_others_emit)
{
    struct traffic *traffic = GC_MALLOC_UNCOLLECTABLE(sizeof *traffic);
    traffic->event = fresh_event();
    for (int i = 0; i < 10; i++)
        on_fn(traffic->event, count_heard, traffic, 0);
    at_once(4, mute_or_emit, traffic);
    assert_true(atomic_load(&traffic->heard) <= atomic_load(&traffic->said));
    assert_true(gcw_event_has_listeners(traffic->event));
    assert_int_equal(gcw_event_emit(traffic->event, NULL), 10);
    GC_FREE(traffic);
}

/* --- bad arguments --- */

TEST(bad_arguments_are_refused)
{
    gcw_event *e = fresh_event();
    gcw_hub *h = fresh_hub();
    expect_errno((gcw_event_block(NULL), errno != 0), EINVAL);
    expect_errno((gcw_event_unblock(NULL), errno != 0), EINVAL);
    expect_errno((gcw_hub_block(NULL), errno != 0), EINVAL);
    expect_errno((gcw_hub_unblock(NULL), errno != 0), EINVAL);
    expect_errno(!gcw_event_has_listeners(NULL), EINVAL);
    expect_errno(!gcw_hub_has_listeners(NULL, NULL, NULL), EINVAL);
    expect_errno(!gcw_listener_blocked(NULL), EINVAL);
    expect_errno(gcw_event_list(NULL, NULL, 0) == 0, EINVAL);
    expect_errno(gcw_event_list(e, NULL, 1) == 0, EINVAL);
    expect_errno(gcw_hub_list(NULL, NULL, NULL, NULL, 0) == 0, EINVAL);
    expect_errno(gcw_hub_list(h, NULL, NULL, NULL, 1) == 0, EINVAL);
}

TEST(success_leaves_errno_alone)
{
    gcw_event *e = fresh_event();
    gcw_hub *h = fresh_hub();
    errno = 0;
    gcw_event_block(e);
    gcw_event_unblock(e);
    gcw_hub_block(h);
    gcw_hub_unblock(h);
    gcw_event_has_listeners(e);
    gcw_hub_has_listeners(h, "type", NULL);
    gcw_event_list(e, NULL, 0);
    gcw_hub_list(h, NULL, NULL, NULL, 0);
    gcw_listener_current();
    assert_int_equal(errno, 0);
}
