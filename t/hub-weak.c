/* hub-weak.c: tests of hubs whose listeners' objects or sources die, or that
 * are dropped; and that a hub stays small.
 */
#include "hub-scene.h"
#include "idle.h"

/* --- ends of objects and sources, without a collection --- */

SCENE_TEST(a_method_ends_with_its_object)
{
    gcw_method *m = gcw_method_new(s->other, note_method, "m");
    gcw_listener *l = connect(s, "saved", s->source, m, 0);
    on(s, "saved", NULL, "a");
    assert_int_equal(gcw_dispose(s->other), 0);
    assert_false(gcw_listener_connected(l));
    errno = E2BIG;
    assert_false(gcw_hub_disconnect(s->hub, "saved", s->source, m));
    assert_false(gcw_listener_disconnect(l));
    assert_int_equal(errno, E2BIG);
    calls(s, "saved", s->source, "a");
    holds(s, 1, 1, 1);
}

SCENE_TEST(a_method_ends_with_its_weak_data)
{
    gcw_method *m = gcw_method_new_weak(s->self, note_number, s->other);
    connect(s, "saved", NULL, m, 0);
    calls(s, "saved", NULL, "2");
    assert_int_equal(gcw_dispose(s->other), 0);
    calls(s, "saved", NULL, "");
    holds(s, 0, 0, 0);
}

SCENE_TEST(what_is_connected_to_a_source_ends_with_it)
{
    gcw_listener *m = on(s, "saved", s->source, "m");
    gcw_listener *n = on(s, "saved", s->source, "n");
    gcw_listener *f = on_fn(s, NULL, s->source, note_fn, "f");
    on(s, "saved", s->other, "other");
    on(s, NULL, NULL, "any");
    assert_int_equal(gcw_dispose(s->source), 0);
    assert_false(gcw_listener_connected(m));
    assert_false(gcw_listener_connected(n));
    assert_false(gcw_listener_connected(f));
    assert_false(gcw_listener_disconnect(m));
    calls(s, "saved", s->source, "any");
    calls(s, "saved", s->other, "other any");
    holds(s, 2, 2, 1);
}

SCENE_TEST(all_pointers_into_a_source_end_with_it)
{
    char *inside = (char *)s->source + 8;
    on(s, "saved", s->source, "start");
    on(s, "closed", inside, "inside");
    assert_int_equal(gcw_dispose(inside), 0);
    calls(s, "saved", s->source, "");
    calls(s, "closed", inside, "");
    holds(s, 0, 0, 0);
}

SCENE_TEST(an_object_used_again_is_a_new_source)
{
    char word[] = "m";
    gcw_listener *old = on(s, "saved", s->source, word);
    assert_int_equal(gcw_dispose(s->source), 0);
    gcw_listener *new = on(s, "saved", s->source, word);
    assert_ptr_not_equal(old, new);
    assert_false(gcw_listener_connected(old));
    calls(s, "saved", s->source, "m");
    holds(s, 1, 1, 1);
    assert_true(gcw_listener_disconnect(new));
    calls(s, "saved", s->source, "");
}

SCENE_TEST(a_source_may_be_the_object_of_the_method)
{
    on(s, "saved", s->self, "m");
    calls(s, "saved", s->self, "m");
    assert_int_equal(gcw_dispose(s->self), 0);
    calls(s, "saved", s->self, "");
    holds(s, 0, 0, 0);
}

/* --- deaths --- */

/* MANY connections whose objects or sources are dropped; each has data that
 * nothing else holds. */
struct crowd {
    struct scene *scene;
    gcw_ref **dropped, **data;
    gcw_listener **listeners;
    bool drop_self, drop_source;
};

/* Over several types, so that a stale pointer to what one list was before it
 * grew holds few of the data. */
static void
connect_number(struct crowd *c, size_t i)
{
    static const char *const types[] = {
        NULL, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
        "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "saved"
    };
    enum { N = sizeof types / sizeof types[0] };
    struct target *fresh = target_new(i), *data = target_new(i);
    gcw_method *m = gcw_method_new(c->drop_self ? fresh : c->scene->self,
                                   do_nothing, data);
    c->listeners[i] =
        connect(c->scene, types[i % N],
                c->drop_source ? fresh : c->scene->source, m, 0);
    c->dropped[i] = gcw_ref_new(fresh);
    c->data[i] = gcw_ref_new(data);
    assert_true(c->dropped[i] != NULL && c->data[i] != NULL);
}

static void
connect_crowd(void *arg)
{
    for (size_t i = 0; i < MANY; i++)
        connect_number(arg, i);
}

static size_t
disconnected(gcw_listener **listeners)
{
    size_t n = 0;
    for (size_t i = 0; i < MANY; i++)
        n += !gcw_listener_connected(listeners[i]);
    return n;
}

static void
nearly_nothing_is_left(gcw_hub *h)
{
    gcw_hub_size size;
    assert_int_equal(gcw_hub_measure(h, &size), 0);
    assert_in_range(size.listeners, 0, MANY - NEARLY_ALL);
    assert_in_range(size.patterns, 0, MANY - NEARLY_ALL);
}

static bool
finalizers_run_when_it_suits(void)
{
    const char *mode = getenv("GCWEAK_TEST_MODE");
    return mode != NULL && *mode != '\0';
}

/* One collection finds what was dropped, and the library lets go of what that
 * held, for the next to find; without a call, but where finalizers may be late
 * for the one and in the way of the other. */
static void
collect_twice(void)
{
    enum { TRIES = 3 };
    collect();
    for (int i = 0; finalizers_run_when_it_suits() && i < TRIES; i++) {
        gcw_drain(0);
        collect();
    }
    collect();
}

static void
crowd_goes(struct scene *s, bool drop_self, bool drop_source)
{
    struct crowd c = {
        .scene = s, .dropped = (gcw_ref **)keep_array(MANY),
        .data = (gcw_ref **)keep_array(MANY),
        .listeners = (gcw_listener **)keep_array(MANY),
        .drop_self = drop_self, .drop_source = drop_source
    };
    in_dead_frame(connect_crowd, &c);
    size_t full = bytes(s->hub);
    collect_twice();
    assert_true(nearly_all(dead_refs(c.dropped, MANY), MANY));
    assert_true(nearly_all(dead_refs(c.data, MANY), MANY));
    assert_true(nearly_all(disconnected(c.listeners), MANY));
    nearly_nothing_is_left(s->hub);
    assert_in_range(bytes(s->hub), 0, full / 4);
}

SCENE_TEST(objects_are_not_held_and_take_their_listeners_along)
{
    crowd_goes(s, true, false);
}

SCENE_TEST(sources_are_not_held_and_take_their_listeners_along)
{
    crowd_goes(s, false, true);
}

SCENE_TEST(nor_are_objects_that_are_their_own_sources)
{
    crowd_goes(s, true, true);
}

static void
connect_dropped(void *scene)
{
    struct scene *s = scene;
    for (size_t i = 0; i < MANY; i++) {
        gcw_method *m = gcw_method_new(target_new(i), do_nothing, NULL);
        connect(s, i % 2 ? "saved" : NULL, s->source, m, 0);
    }
}

SCENE_TEST(neighbours_of_the_dead_are_called_once)
{
    on(s, "saved", s->source, "a");
    on(s, NULL, s->source, "b");
    in_dead_frame(connect_dropped, s);
    on(s, NULL, NULL, "c");
    on(s, "saved", s->source, "d");
    collect();
    size_t n = leaves(s, "saved", s->source, "a b c d");
    assert_in_range(n, 4, 4 + MANY - NEARLY_ALL);
}

struct held {
    struct scene *scene;
    gcw_ref *function_data, *method_data;
};

static void
note_data(const gcw_emission *emission, void *data)
{
    note_number(NULL, NULL, data);
    (void)emission;
}

static void
connect_held(void *arg)
{
    struct held *held = arg;
    struct target *a = target_new(7), *b = target_new(8);
    held->function_data = gcw_ref_new(a);
    held->method_data = gcw_ref_new(b);
    on_fn(held->scene, "saved", NULL, note_data, a);
    connect(held->scene, NULL, held->scene->source,
            method_new(held->scene, note_number, b), 0);
}

SCENE_TEST(the_hub_holds_data_and_neither_method_nor_handle_need_be_kept)
{
    struct held held = { .scene = s };
    in_dead_frame(connect_held, &held);
    collect();
    assert_non_null(gcw_ref_get(held.function_data));
    assert_non_null(gcw_ref_get(held.method_data));
    calls(held.scene, "saved", held.scene->source, "7 8");
}

/* --- dropped hubs --- */

/* MANY hubs, each filled in one way. */
struct hubs {
    struct scene *scene;
    void (*fill)(struct scene *s, gcw_hub *h);
    gcw_ref **refs;
    size_t *cleanups;
    gcw_listener **listeners;
};

static void
make_hubs(void *arg)
{
    struct hubs *hubs = arg;
    for (size_t i = 0; i < MANY; i++) {
        gcw_hub *h = gcw_hub_new();
        assert_non_null(h);
        hubs->fill(hubs->scene, h);
        hubs->listeners[i] = hubs->scene->listener;
        hubs->refs[i] = gcw_ref_new(h);
        assert_non_null(gcw_cleanup_new(h, count, hubs->cleanups));
    }
}

static void
dropped_hubs_go(struct scene *s, void (*fill)(struct scene *s, gcw_hub *h))
{
    struct hubs hubs = {
        s, fill, (gcw_ref **)keep_array(MANY), counter_new(),
        (gcw_listener **)keep_array(MANY)
    };
    in_dead_frame(make_hubs, &hubs);
    hubs.scene->listener = NULL;
    gcw_collect();
    collect();
    gcw_drain(0);
    assert_true(nearly_all(dead_refs(hubs.refs, MANY), MANY));
    assert_true(nearly_all(*hubs.cleanups, MANY));
    assert_true(nearly_all(disconnected(hubs.listeners), MANY));
}

static void
fill_with_methods(struct scene *s, gcw_hub *h)
{
    gcw_method *m = method_new(s, do_nothing, NULL);
    s->listener = gcw_hub_connect(h, "saved", s->source, m, 0);
    assert_non_null(s->listener);
    assert_non_null(gcw_hub_connect(h, NULL, s->source, m, GCW_ONCE));
    assert_non_null(gcw_hub_connect(h, "saved", NULL, m, GCW_FRONT));
    assert_non_null(gcw_hub_connect(h, NULL, NULL, m, 0));
    assert_int_equal(gcw_hub_emit(h, "saved", s->source, NULL), 1);
}

SCENE_TEST(a_dropped_hub_goes_though_objects_and_sources_live)
{
    dropped_hubs_go(s, fill_with_methods);
}

static void
fill_with_itself(struct scene *s, gcw_hub *h)
{
    s->listener = gcw_hub_connect_fn(h, "saved", s->source, idle_hub_fn, h, 0);
    assert_non_null(s->listener);
    assert_int_equal(gcw_hub_on_error(h, idle_on_error, h), 0);
    assert_int_equal(gcw_hub_post(h, "saved", s->source, h), 0);
}

SCENE_TEST(a_dropped_hub_goes_though_all_its_data_lead_to_it)
{
    dropped_hubs_go(s, fill_with_itself);
}

static void
fill_with_an_object_that_holds_it(struct scene *s, gcw_hub *h)
{
    struct target *self = target_new(0);
    self->field = h;
    s->listener = gcw_hub_connect(
        h, "saved", self, gcw_method_new(self, do_nothing, h), 0);
    assert_non_null(s->listener);
}

SCENE_TEST(a_dropped_hub_goes_with_the_objects_that_hold_it)
{
    dropped_hubs_go(s, fill_with_an_object_that_holds_it);
}

/* --- a hub stays small --- */

enum { PASSING = 10000, ROUNDS = 10 };

struct traffic {
    struct scene *scene;
    size_t n;
    size_t full;             /* bytes of the hub when all are connected */
};

static void
pass_by(void *arg)
{
    struct traffic *t = arg;
    void **sources = keep_array(PASSING);
    gcw_method *m = method_new(t->scene, do_nothing, NULL);
    char type[32];
    for (size_t i = 0; i < PASSING; i++) {
        snprintf(type, sizeof type, "passing %zu", t->n++);
        connect(t->scene, type, sources[i] = target_new(i), m, 0);
        assert_int_equal(
            gcw_hub_emit(t->scene->hub, type, sources[i], NULL), 1);
    }
    t->full = bytes(t->scene->hub);
    GC_FREE(sources);
}

/* Rounds of sources and types that are used once and dropped; then, without
 * any call but the collector's, the hub is as small as at the beginning. */
SCENE_TEST(short_lived_sources_and_types_leave_a_hub_small)
{
    struct traffic t = { .scene = s };
    gcw_hub_size size;
    on(t.scene, "saved", t.scene->source, "a");
    for (int i = 0; i < ROUNDS; i++) {
        in_dead_frame(pass_by, &t);
        collect();
    }
    assert_int_equal(gcw_hub_measure(t.scene->hub, &size), 0);
    assert_in_range(size.listeners, 1, PASSING / 20);
    assert_in_range(size.patterns, 1, PASSING / 20);
    assert_in_range(size.types, 1, PASSING / 20);
    assert_in_range(size.bytes, 0, t.full / 10);
    calls(t.scene, "saved", t.scene->source, "a");
}

SCENE_TEST(the_full_size_does_not_grow_from_round_to_round)
{
    struct traffic t = { .scene = s };
    in_dead_frame(pass_by, &t);
    size_t first = t.full;
    for (int i = 1; i < ROUNDS; i++) {
        collect();
        in_dead_frame(pass_by, &t);
    }
    assert_in_range(t.full, first / 2, first + first / 2);
}

/* What the collected heap has in use after a collection. */
static size_t
in_use(void)
{
    collect();
    return GC_get_heap_size() - GC_get_free_bytes();
}

static void
use_types_once(void *arg)
{
    struct traffic *t = arg;
    gcw_method *m = method_new(t->scene, do_nothing, NULL);
    char type[32];
    for (size_t i = 0; i < ROUNDS * PASSING; i++) {
        snprintf(type, sizeof type, "used once %zu", i);
        gcw_listener *l = connect(t->scene, type, t->scene->source, m, 0);
        if (i % 2)
            assert_true(gcw_listener_disconnect(l));
        else
            assert_true(gcw_hub_disconnect(t->scene->hub, type,
                                           t->scene->source, m));
    }
}

/* A stale word may keep something once, but not each time. */
TEST(types_used_once_on_a_source_that_lives_leave_nothing)
{
    enum { MEGABYTE = 1024 * 1024, TIMES = 4 };
    struct traffic t = { .scene = scene_new() };
    size_t empty = bytes(t.scene->hub), before, after = in_use();
    int times = 0;
    do {
        before = after;
        in_dead_frame(use_types_once, &t);
        holds(t.scene, 0, 0, 0);
        assert_in_range(bytes(t.scene->hub), 0, empty + 64 * 1024);
        after = in_use();
    } while (after > before + 2 * MEGABYTE && ++times < TIMES);
    assert_true(times < TIMES);
}

/* Many at once, all disconnected by hand. */
static void
connect_and_disconnect_many(void *arg)
{
    struct traffic *t = arg;
    gcw_method *m = method_new(t->scene, do_nothing, NULL);
    void **listeners = keep_array(PASSING);
    char type[32];
    for (size_t i = 0; i < PASSING; i++) {
        snprintf(type, sizeof type, "one of many %zu", i);
        listeners[i] = connect(t->scene, type, NULL, m, 0);
    }
    holds(t->scene, PASSING, PASSING, PASSING);
    t->full = bytes(t->scene->hub);
    for (size_t i = 0; i < PASSING; i++)
        assert_true(gcw_listener_disconnect(listeners[(i * 7919) % PASSING]));
    GC_FREE(listeners);
}

SCENE_TEST(many_types_that_were_all_disconnected_leave_nothing)
{
    struct traffic t = { .scene = s };
    in_dead_frame(connect_and_disconnect_many, &t);
    holds(t.scene, 0, 0, 0);
    assert_in_range(bytes(t.scene->hub), 0, t.full / 10);
}

SCENE_TEST(a_pattern_shrinks_with_its_listeners)
{
    void **listeners = keep_array(PASSING);
    for (uintptr_t i = 0; i < PASSING; i++)
        listeners[i] = on_fn(s, "saved", s->source, idle_hub_fn, (void *)i);
    size_t full = bytes(s->hub);
    for (size_t i = 1; i < PASSING; i++)
        assert_true(gcw_listener_disconnect(listeners[i]));
    holds(s, 1, 1, 1);
    assert_in_range(bytes(s->hub), 0, full / 100);
    assert_int_equal(gcw_hub_emit(s->hub, "saved", s->source, NULL), 1);
    GC_FREE(listeners);
}
