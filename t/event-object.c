/* event-object.c: tests of disconnecting all of one object:
 * gcw_event_disconnect_object, gcw_hub_disconnect_object,
 * gcw_disconnect_object.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <gcweak/debug.h>
#include "at-once.h"
#include "listeners.h"

static gcw_method *
method_of(struct target *t, char *word)
{
    gcw_method *m = gcw_method_new(t, method_notes_word, word);
    assert_non_null(m);
    return m;
}

static gcw_listener *
listen(gcw_hub *h, const char *type, void *source, gcw_method *m)
{
    gcw_listener *l = gcw_hub_connect(h, type, source, m, 0);
    assert_non_null(l);
    return l;
}

TEST(all_listeners_of_an_object_leave_an_event)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0), *other = target_new(1);
    gcw_listener *l = on_method(e, method_of(t, "a"), 0);
    on_method(e, method_of(other, "b"), 0);
    on_method(e, method_of(t, "c"), GCW_ONCE);
    on_method(e, gcw_method_new_weak(t, method_notes_word, other), 0);
    on(e, "d", 0);
    assert_int_equal(gcw_event_disconnect_object(e, t), 3);
    assert_false(gcw_listener_connected(l));
    assert_int_equal(gcw_event_count(e), 2);
    emit_calls(e, 2, "b d");
    assert_int_equal(gcw_event_disconnect_object(e, t), 0);
    GC_reachable_here(other);
}

TEST(blocked_listeners_leave_too)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0);
    gcw_listener_block(on_method(e, method_of(t, "a"), 0));
    gcw_event_block(e);
    assert_int_equal(gcw_event_disconnect_object(e, t), 1);
    assert_int_equal(gcw_event_count(e), 0);
    GC_reachable_here(t);
}

TEST(who_has_the_object_as_weak_data_only_stays)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0), *self = target_new(1);
    on_method(e, gcw_method_new_weak(self, idle_method, t), 0);
    assert_int_equal(gcw_event_disconnect_object(e, t), 0);
    assert_int_equal(gcw_disconnect_object(t), 0);
    assert_int_equal(gcw_event_emit(e, NULL), 1);
    assert_int_equal(gcw_event_disconnect_object(e, self), 1);
    GC_reachable_here(self);
}

TEST(who_listens_to_the_object_stays)
{
    gcw_hub *h = fresh_hub();
    struct target *t = target_new(0), *self = target_new(1);
    listen(h, NULL, t, method_of(self, "a"));
    assert_int_equal(gcw_hub_disconnect_object(h, t), 0);
    assert_int_equal(gcw_disconnect_object(t), 0);
    assert_int_equal(gcw_hub_emit(h, "type", t, NULL), 1);
    GC_reachable_here(t);
    GC_reachable_here(self);
}

TEST(only_the_very_pointer_is_found)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0);
    on_method(e, method_of(t, "start"), 0);
    on_method(e, gcw_method_new(&t->number, method_notes_word, "middle"), 0);
    assert_int_equal(gcw_event_disconnect_object(e, &t->field), 0);
    assert_int_equal(gcw_event_disconnect_object(e, &t->number), 1);
    emit_calls(e, 1, "start");
    assert_int_equal(gcw_event_disconnect_object(e, t), 1);
    GC_reachable_here(t);
}

TEST(all_listeners_of_an_object_leave_a_hub)
{
    gcw_hub *h = fresh_hub(), *other = fresh_hub();
    struct target *t = target_new(0), *source = target_new(1);
    listen(h, "type", source, method_of(t, "a"));
    listen(h, "other", NULL, method_of(t, "a"));
    listen(h, NULL, NULL, method_of(t, "b"));
    listen(h, NULL, NULL, method_of(source, "c"));
    listen(other, NULL, NULL, method_of(t, "d"));
    assert_int_equal(gcw_hub_disconnect_object(h, t), 3);
    assert_int_equal(gcw_hub_emit(h, "type", source, NULL), 1);
    assert_int_equal(gcw_hub_emit(h, "other", NULL, NULL), 1);
    assert_int_equal(gcw_hub_emit(other, "other", NULL, NULL), 1);
    assert_string_equal(noted(), "c c d");
    gcw_hub_size size;
    assert_int_equal(gcw_hub_measure(h, &size), 0);
    assert_int_equal(size.patterns, 1);
    assert_int_equal(size.types, 0);
    GC_reachable_here(t);
    GC_reachable_here(source);
}

TEST(an_object_leaves_one_event_or_all_there_are)
{
    gcw_event *one = fresh_event(), *two = fresh_event();
    gcw_hub *h = fresh_hub();
    struct target *t = target_new(0), *other = target_new(1);
    on_method(one, method_of(t, "one"), 0);
    on_method(two, method_of(t, "two"), 0);
    on_method(two, method_of(other, "other"), 0);
    listen(h, NULL, NULL, method_of(t, "hub"));
    assert_int_equal(gcw_event_disconnect_object(one, t), 1);
    emit_calls(one, 0, "");
    emit_calls(two, 2, "two other");
    on_method(one, method_of(t, "one"), 0);
    assert_int_equal(gcw_disconnect_object(t), 3);
    emit_calls(one, 0, "");
    emit_calls(two, 1, "other");
    assert_int_equal(gcw_hub_emit(h, NULL, NULL, NULL), 0);
    GC_reachable_here(t);
    GC_reachable_here(other);
}

TEST(cleanups_and_exit_handlers_of_the_object_stay)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0);
    gcw_exit_registry *r = gcw_exit_registry_new("object");
    gcw_cleanup *c = gcw_cleanup_new(t, note_it, "cleanup");
    on_method(e, method_of(t, "a"), 0);
    assert_non_null(gcw_exit_register(r, method_of(t, "handler"), NULL));
    assert_int_equal(gcw_disconnect_object(t), 1);
    assert_int_equal(gcw_exit_run(r, 0), 0);
    assert_true(gcw_cleanup_run(c));
    assert_string_equal(noted(), "handler cleanup");
    GC_reachable_here(t);
}

/* More than are copied at a time, between others of the object's. */
TEST(many_listeners_leave)
{
    gcw_event *e = fresh_event(), *other = fresh_event();
    struct target *t = target_new(0), *stays = target_new(1);
    for (int i = 0; i < MANY; i++) {
        on_method(e, gcw_method_new(t, idle_method, NULL), 0);
        on_method(other, gcw_method_new(t, idle_method, NULL), 0);
        on_method(e, gcw_method_new(stays, idle_method, NULL), 0);
    }
    assert_int_equal(gcw_event_disconnect_object(e, t), MANY);
    assert_int_equal(gcw_event_emit(e, NULL), MANY);
    assert_int_equal(gcw_event_emit(other, NULL), MANY);
    assert_int_equal(gcw_disconnect_object(t), MANY);
    assert_int_equal(gcw_event_emit(other, NULL), 0);
    assert_int_equal(gcw_event_count(e), MANY);
    GC_reachable_here(t);
    GC_reachable_here(stays);
}

/* Watches are what waits for deaths. */
static size_t
watches(void)
{
    gcw_statistics s = { .size = sizeof s };
    gcw_stats(&s);
    return s.watches;
}

TEST(what_leaves_waits_for_no_death_any_more)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0), *data = target_new(1);
    size_t before = watches();
    on_method(e, gcw_method_new_weak(t, idle_method, data), 0);
    on_method(e, method_of(t, "a"), 0);
    assert_int_equal(watches(), before + 3);
    assert_int_equal(gcw_event_disconnect_object(e, t), 2);
    assert_int_equal(watches(), before);
    GC_reachable_here(t);
    GC_reachable_here(data);
}

/* In a listener. */

static void *
leave(void *self, void *e, void *data)
{
    note(data);
    assert_int_equal(gcw_event_disconnect_object(e, self), 3);
    return NULL;
}

TEST(an_object_may_leave_while_it_is_called)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0);
    on_method(e, method_of(t, "a"), 0);
    on_method(e, gcw_method_new(t, leave, "leave"), 0);
    on_method(e, method_of(t, "b"), 0);
    on(e, "c", 0);
    assert_int_equal(gcw_event_emit(e, e), 3);
    assert_string_equal(noted(), "a leave c");
    GC_reachable_here(t);
}

/* Threads. */

static bool
come_and_leave(size_t number, void *event)
{
    struct target *t = GC_MALLOC(sizeof *t);
    bool good = t != NULL;
    for (int i = 0; good && i < MANY / 4; i++) {
        for (int j = 0; j < 5; j++)
            good &= gcw_event_connect(event,
                                      gcw_method_new(t, idle_method, NULL),
                                      0) != NULL;
        good &= (number % 2 == 0 ? gcw_event_disconnect_object(event, t)
                                 : gcw_disconnect_object(t)) == 5;
        gcw_event_emit(event, NULL);
    }
    GC_reachable_here(t);
    return good;
}

TEST(objects_leave_while_others_come)
{
    gcw_event *e = fresh_event();
    at_once(4, come_and_leave, e);
    assert_int_equal(gcw_event_count(e), 0);
}

/* One object, whose listeners all threads connect and disconnect; each leaves
 * once. */
struct shared {
    gcw_event *event;
    struct target *object;
    atomic_size_t left;
};

static bool
share_object(size_t number, void *data)
{
    struct shared *s = data;
    for (int i = 0; i < MANY; i++)
        if (number % 2 == 0) {
            if (gcw_event_connect(s->event,
                                  gcw_method_new(s->object, idle_method,
                                                 NULL), 0) == NULL)
                return false;
        } else {
            atomic_fetch_add(&s->left,
                             gcw_event_disconnect_object(s->event,
                                                         s->object));
        }
    return true;
}

TEST(of_two_who_disconnect_an_object_each_counts_its_own)
{
    struct shared *s = GC_MALLOC_UNCOLLECTABLE(sizeof *s);
    s->event = fresh_event();
    s->object = target_new(0);
    atomic_init(&s->left, 0);
    at_once(4, share_object, s);
    assert_int_equal(atomic_load(&s->left) + gcw_event_count(s->event),
                     2 * MANY);
    assert_int_equal(gcw_event_disconnect_object(s->event, s->object),
                     2 * MANY - atomic_load(&s->left));
    GC_FREE(s);
}

/* Bad arguments. */

TEST(an_object_without_listeners_is_no_error)
{
    gcw_event *e = fresh_event();
    struct target *t = target_new(0);
    errno = 0;
    assert_int_equal(gcw_event_disconnect_object(e, t), 0);
    assert_int_equal(gcw_disconnect_object(t), 0);
    on_method(e, method_of(t, "a"), 0);
    assert_int_equal(gcw_dispose(t), 0);
    assert_int_equal(gcw_disconnect_object(t), 0);
    assert_int_equal(errno, 0);
}

TEST(bad_arguments_are_refused)
{
    gcw_event *e = fresh_event();
    gcw_hub *h = fresh_hub();
    struct target *t = target_new(0);
    static int no_object;
    expect_errno(gcw_event_disconnect_object(NULL, t) == 0, EINVAL);
    expect_errno(gcw_event_disconnect_object(e, NULL) == 0, EINVAL);
    expect_errno(gcw_event_disconnect_object(e, &no_object) == 0, EINVAL);
    expect_errno(gcw_hub_disconnect_object(NULL, t) == 0, EINVAL);
    expect_errno(gcw_hub_disconnect_object(h, NULL) == 0, EINVAL);
    expect_errno(gcw_hub_disconnect_object(h, &no_object) == 0, EINVAL);
    expect_errno(gcw_disconnect_object(NULL) == 0, EINVAL);
    expect_errno(gcw_disconnect_object(&no_object) == 0, EINVAL);
}
