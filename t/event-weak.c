/* event-weak.c: tests of listeners whose object dies, of what an event holds
 * and what it lets go, and of events that are dropped.
 */
#include "listeners.h"

/* MANY targets are dropped and MANY are kept, in turns; each has a listener.
 * What is counted: calls for either kind. */
struct crowd {
    gcw_event *event;
    void **kept;             /* the targets with an even number */
    void **handles;          /* of the dropped ones */
    size_t called_kept, called_dropped;
};

static void *
count_kind(void *self, void *arg, void *data)
{
    const struct target *t = self;
    struct crowd *crowd = data;
    (void)arg;
    assert_true(t->magic == MAGIC);
    if (t->number % 2 == 0)
        crowd->called_kept++;
    else
        crowd->called_dropped++;
    return NULL;
}

static void
connect_crowd(void *arg)
{
    struct crowd *crowd = arg;
    for (size_t i = 0; i < 2 * MANY; i++) {
        struct target *t = target_new(i);
        gcw_method *m = gcw_method_new(t, count_kind, crowd);
        gcw_listener *l = on_method(crowd->event, m, 0);
        if (i % 2 == 0)
            crowd->kept[i / 2] = t;
        else
            crowd->handles[i / 2] = l;
    }
}

static void
form_crowd(struct crowd *crowd)
{
    *crowd = (struct crowd){
        .event = fresh_event(),
        .kept = keep_array(MANY), .handles = keep_array(MANY)
    };
    in_dead_frame(connect_crowd, crowd);
}

static void
emit_to_crowd(struct crowd *crowd)
{
    crowd->called_kept = crowd->called_dropped = 0;
    size_t called = gcw_event_emit(crowd->event, NULL);
    assert_int_equal(called, crowd->called_kept + crowd->called_dropped);
}

TEST(the_dead_are_not_called_and_all_others_are_once)
{
    struct crowd crowd;
    form_crowd(&crowd);
    collect();
    emit_to_crowd(&crowd);
    assert_int_equal(crowd.called_kept, MANY);
    assert_in_range(crowd.called_dropped, 0, MANY - NEARLY_ALL);
}

TEST(the_dead_are_not_counted)
{
    struct crowd crowd;
    form_crowd(&crowd);
    collect();
    assert_in_range(gcw_event_count(crowd.event), MANY,
                    2 * MANY - NEARLY_ALL);
}

TEST(so_it_is_when_the_library_collects)
{
    struct crowd crowd;
    form_crowd(&crowd);
    gcw_collect();
    assert_in_range(gcw_event_count(crowd.event), MANY,
                    2 * MANY - NEARLY_ALL);
    emit_to_crowd(&crowd);
    assert_int_equal(crowd.called_kept, MANY);
    assert_in_range(crowd.called_dropped, 0, MANY - NEARLY_ALL);
}

TEST(handles_of_the_dead_say_so)
{
    struct crowd crowd;
    size_t connected = 0, disconnected = 0;
    form_crowd(&crowd);
    collect();
    errno = E2BIG;
    for (size_t i = 0; i < MANY; i++) {
        connected += gcw_listener_connected(crowd.handles[i]);
        gcw_listener_block(crowd.handles[i]);
        disconnected += gcw_listener_disconnect(crowd.handles[i]);
    }
    assert_int_equal(errno, E2BIG);
    assert_in_range(connected, 0, MANY - NEARLY_ALL);
    assert_int_equal(disconnected, connected);
    emit_to_crowd(&crowd);
    assert_int_equal(crowd.called_kept, MANY);
    assert_int_equal(crowd.called_dropped, 0);
}

TEST(newcomers_and_survivors_are_called_after_deaths)
{
    struct crowd crowd;
    form_crowd(&crowd);
    collect();
    on(crowd.event, "front", GCW_FRONT);
    on(crowd.event, "back", 0);
    forget();
    size_t called = gcw_event_emit(crowd.event, NULL);
    assert_string_equal(noted(), "front back");
    assert_int_equal(crowd.called_kept, MANY);
    assert_int_equal(called, 2 + MANY + crowd.called_dropped);
}

/* Data.  Each of 2 * MANY listeners has a target as data that nothing else
 * holds.  Those with an odd number leave their event, in one way or another;
 * the others stay.  The events are many, so that a stale word that holds what
 * was once in one of them holds little. */
enum { IN_ONE = 20 };

struct burden {
    void **events;
    bool drop;               /* the objects of the odd ones */
    unsigned flags;          /* of the odd ones */
    void **selves;
    void **listeners;        /* the odd ones, unless they are dropped */
    void **refs;             /* to the data */
    size_t *cleaned;         /* data that died, by its cleanups */
};

static gcw_listener *
connect_burdened(struct burden *b, size_t i, struct target *self)
{
    struct target *data = target_new(i);
    gcw_method *m = gcw_method_new(self, idle_method, data);
    b->refs[i] = gcw_ref_new(data);
    assert_non_null(gcw_cleanup_new(data, count, b->cleaned));
    return on_method(b->events[i / IN_ONE], m, i % 2 ? b->flags : 0);
}

static void
connect_all_burdened(void *arg)
{
    struct burden *b = arg;
    for (size_t i = 0; i < 2 * MANY; i++) {
        struct target *self = target_new(i);
        if (i % IN_ONE == 0)
            b->events[i / IN_ONE] = fresh_event();
        gcw_listener *l = connect_burdened(b, i, self);
        if (i % 2 && b->drop)
            continue;
        b->selves[i] = self;
        if (i % 2)
            b->listeners[i / 2] = l;
    }
}

static void
burden(struct burden *b, bool drop, unsigned flags)
{
    *b = (struct burden){
        .events = keep_array(2 * MANY / IN_ONE), .drop = drop, .flags = flags,
        .selves = keep_array(2 * MANY), .listeners = keep_array(MANY),
        .refs = keep_array(2 * MANY), .cleaned = counter_new()
    };
    in_dead_frame(connect_all_burdened, b);
}

static size_t
emit_to_burdened(const struct burden *b)
{
    size_t called = 0;
    for (size_t i = 0; i < 2 * MANY / IN_ONE; i++)
        called += gcw_event_emit(b->events[i], NULL);
    return called;
}

/* One collection finds the objects dead, the next the listeners' data.  Nobody
 * calls the library between them. */
static void
collect_twice(void)
{
    collect();
    collect();
}

static void
only_the_data_of_odd_ones_is_gone(struct burden *b)
{
    size_t dead = 0;
    collect_twice();
    gcw_drain(0);
    for (size_t i = 0; i < 2 * MANY; i += 2) {
        assert_non_null(gcw_ref_get(b->refs[i]));
        dead += gcw_ref_get(b->refs[i + 1]) == NULL;
    }
    assert_true(nearly_all(dead, MANY));
    assert_in_range(*b->cleaned, NEARLY_ALL, MANY);
    assert_in_range(emit_to_burdened(b), MANY, 2 * MANY - NEARLY_ALL);
}

TEST(an_event_holds_the_data_of_the_living)
{
    struct burden b;
    burden(&b, false, 0);
    collect_twice();
    gcw_drain(0);
    assert_int_equal(dead_refs(b.refs, 2 * MANY), 0);
    assert_int_equal(*b.cleaned, 0);
    assert_int_equal(emit_to_burdened(&b), 2 * MANY);
}

TEST(data_goes_when_its_object_dies)
{
    struct burden b;
    burden(&b, true, 0);
    only_the_data_of_odd_ones_is_gone(&b);
}

TEST(data_goes_when_its_listener_is_disconnected)
{
    struct burden b;
    burden(&b, false, 0);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(gcw_listener_disconnect(b.listeners[i]));
        b.listeners[i] = NULL;
    }
    only_the_data_of_odd_ones_is_gone(&b);
}

TEST(data_goes_when_its_listener_was_called_once)
{
    struct burden b;
    burden(&b, false, GCW_ONCE);
    assert_int_equal(emit_to_burdened(&b), 2 * MANY);
    memset(b.listeners, 0, MANY * sizeof *b.listeners);
    only_the_data_of_odd_ones_is_gone(&b);
}

static void
note_magic(void *arg, void *data)
{
    const struct target *t = data;
    (void)arg;
    note(t->magic == MAGIC && t->number == 7 ? "seven" : "garbage");
}

static void
connect_function_with_data(void *arg)
{
    void **place = arg;
    struct target *data = target_new(7);
    place[1] = gcw_ref_new(data);
    on_fn(place[0], note_magic, data, 0);
}

TEST(an_event_holds_the_data_of_functions)
{
    gcw_event *e = fresh_event();
    void *place[2] = { e, NULL };
    in_dead_frame(connect_function_with_data, place);
    collect_twice();
    assert_non_null(gcw_ref_get(place[1]));
    emit_calls(e, 1, "seven");
}

/* Weak data. */

struct halves {
    gcw_event *event;
    void **selves, **data;   /* one of them is NULL: those are dropped */
};

static void
connect_halves(void *arg)
{
    struct halves *h = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *self = target_new(i), *data = target_new(i);
        on_method(h->event,
                  gcw_method_new_weak(self, idle_method, data), 0);
        if (h->selves != NULL)
            h->selves[i] = self;
        if (h->data != NULL)
            h->data[i] = data;
    }
}

static void
halves_die(struct halves *h)
{
    in_dead_frame(connect_halves, h);
    collect();
    assert_in_range(gcw_event_count(h->event), 0, MANY - NEARLY_ALL);
    assert_in_range(gcw_event_emit(h->event, NULL), 0, MANY - NEARLY_ALL);
}

TEST(a_listener_dies_with_its_weak_data)
{
    struct halves h = { fresh_event(), keep_array(MANY), NULL };
    halves_die(&h);
    assert_non_null(h.selves[0]);
}

TEST(a_listener_with_weak_data_dies_with_its_object)
{
    struct halves h = { fresh_event(), NULL, keep_array(MANY) };
    halves_die(&h);
    assert_non_null(h.data[0]);
}

TEST(a_listener_lives_as_long_as_both)
{
    struct halves h = { fresh_event(), keep_array(MANY), keep_array(MANY) };
    in_dead_frame(connect_halves, &h);
    collect();
    assert_int_equal(gcw_event_count(h.event), MANY);
    assert_int_equal(gcw_event_emit(h.event, NULL), MANY);
}

/* Closures, as the header tells of them: an object with a closure of its own
 * that knows it. */
struct owners {
    gcw_event *event;
    void **kept, **refs;
    bool weak;
    size_t right;
};

static void *
look_at_closure(void *self, void *arg, void *data)
{
    struct owners *o = arg;
    const struct target *owner = self, *closure = data;
    o->right += owner->field == closure && closure->field == owner
                && closure->magic == MAGIC;
    return NULL;
}

static gcw_method *
method_of_owner(const struct owners *o, struct target *owner)
{
    struct target *closure = target_new(owner->number);
    owner->field = closure;
    closure->field = owner;
    return o->weak ? gcw_method_new_weak(owner, look_at_closure, closure)
                   : gcw_method_new(owner, look_at_closure, closure);
}

static void
connect_owners(void *arg)
{
    struct owners *o = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *owner = target_new(i);
        on_method(o->event, method_of_owner(o, owner), 0);
        o->kept[i] = owner;
        o->refs[i] = gcw_ref_new(owner);
    }
}

static void
look_at_owners(struct owners *o)
{
    o->right = 0;
    assert_int_equal(gcw_event_emit(o->event, o), MANY);
    assert_int_equal(o->right, MANY);
}

static struct owners
owners_that_were_dropped(bool weak)
{
    struct owners o = { fresh_event(), keep_array(MANY), keep_array(MANY),
                        weak, 0 };
    in_dead_frame(connect_owners, &o);
    collect_twice();
    look_at_owners(&o);
    memset(o.kept, 0, MANY * sizeof *o.kept);
    collect_twice();
    return o;
}

TEST(strong_data_that_leads_to_its_object_keeps_it)
{
    struct owners o = owners_that_were_dropped(false);
    assert_int_equal(dead_refs(o.refs, MANY), 0);
    look_at_owners(&o);
}

TEST(weak_data_rooted_in_its_object_lives_and_dies_with_it)
{
    struct owners o = owners_that_were_dropped(true);
    assert_true(nearly_all(dead_refs(o.refs, MANY), MANY));
    assert_in_range(gcw_event_count(o.event), 0, MANY - NEARLY_ALL);
}

/* Death by gcw_dispose, which needs no collection. */

static gcw_listener *
on_target(gcw_event *e, struct target *t, char *word)
{
    return on_method(e, gcw_method_new(t, method_notes_word, word), 0);
}

TEST(disposing_of_the_object_takes_its_listeners_out)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    on(e, "a", 0);
    gcw_listener *l = on_target(e, t, "b");
    on_target(e, t, "c");
    on_target(e, lasting_target(1), "d");
    assert_int_equal(gcw_dispose(t), 0);
    assert_int_equal(gcw_event_count(e), 2);
    assert_false(gcw_listener_connected(l));
    assert_false(gcw_listener_disconnect(l));
    emit_calls(e, 2, "a d");
}

TEST(disposing_of_weak_data_does_too)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0), *data = lasting_target(1);
    gcw_method *m = gcw_method_new_weak(t, idle_method, data);
    gcw_listener *l = on_method(e, m, 0);
    assert_int_equal(gcw_dispose(data), 0);
    assert_int_equal(gcw_event_count(e), 0);
    assert_false(gcw_listener_connected(l));
    assert_int_equal(gcw_event_emit(e, NULL), 0);
}

TEST(what_is_disposed_of_is_out_of_all_its_events)
{
    gcw_event *events[10];
    struct target *t = lasting_target(0);
    for (int i = 0; i < 10; i++) {
        events[i] = fresh_event();
        on_target(events[i], t, "t");
        on(events[i], "a", 0);
    }
    assert_int_equal(gcw_dispose(t), 0);
    for (int i = 0; i < 10; i++)
        emit_calls(events[i], 1, "a");
}

TEST(a_dead_method_is_no_more_to_be_disconnected)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    gcw_method *m = gcw_method_new(t, method_notes_word, "m");
    on_method(e, m, 0);
    on_target(e, lasting_target(1), "m");
    assert_int_equal(gcw_dispose(t), 0);
    errno = E2BIG;
    assert_int_equal(gcw_event_disconnect(e, m), 0);
    assert_int_equal(errno, E2BIG);
    emit_calls(e, 1, "m");
}

TEST(an_object_disposed_of_may_listen_anew)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    gcw_method *old = gcw_method_new(t, method_notes_word, "m");
    gcw_listener *l = on_method(e, old, GCW_UNIQUE);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_method *renewed = gcw_method_new(t, method_notes_word, "m");
    assert_ptr_not_equal(on_method(e, renewed, GCW_UNIQUE), l);
    assert_int_equal(gcw_event_disconnect(e, old), 0);
    emit_calls(e, 1, "m");
}

/* Deaths during an emission. */

static void
dispose_of(void *arg, void *data)
{
    (void)arg;
    note("killer");
    assert_int_equal(gcw_dispose(data), 0);
}

TEST(an_object_disposed_of_by_an_earlier_listener_is_passed_over)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    on_fn(e, dispose_of, t, 0);
    on_target(e, t, "victim");
    on(e, "a", 0);
    on_target(e, t, "victim");
    emit_calls(e, 2, "killer a");
    assert_int_equal(gcw_event_count(e), 2);
}

static void *
method_disposes_of_itself(void *self, void *arg, void *data)
{
    (void)arg;
    note(data);
    assert_int_equal(gcw_dispose(self), 0);
    return NULL;
}

TEST(a_method_may_dispose_of_its_own_object)
{
    gcw_event *e = fresh_event();
    struct target *t = lasting_target(0);
    on_method(e, gcw_method_new(t, method_disposes_of_itself, "last"), 0);
    on(e, "a", 0);
    on_target(e, t, "victim");
    emit_calls(e, 2, "last a");
    emit_calls(e, 1, "a");
}

/* All in uncollectable memory, so that the crowd is held by `kept` alone. */
struct mortals {
    gcw_event *event;
    void **kept;             /* 2 * MANY; the odd ones get dropped */
    unsigned *calls;         /* of each */
};

static void *
count_call(void *self, void *arg, void *data)
{
    const struct target *t = self;
    unsigned *calls = data;
    (void)arg;
    assert_true(t->magic == MAGIC);
    calls[t->number]++;
    return NULL;
}

static void
connect_mortals(void *arg)
{
    struct mortals *m = arg;
    for (size_t i = 0; i < 2 * MANY; i++) {
        m->kept[i] = target_new(i);
        on_method(m->event, gcw_method_new(m->kept[i], count_call, m->calls),
                  0);
    }
}

static void
drop_odd_ones_and_collect(void *arg, void *data)
{
    struct mortals *m = data;
    (void)arg;
    for (size_t i = 1; i < 2 * MANY; i += 2)
        m->kept[i] = NULL;
    collect();
}

TEST(only_who_died_before_its_turn_is_passed_over)
{
    struct mortals m = { fresh_event(), keep_array(2 * MANY),
                         calloc(2 * MANY, sizeof(unsigned)) };
    size_t called_dead = 0;
    assert_non_null(m.calls);
    on_fn(m.event, drop_odd_ones_and_collect, &m, 0);
    in_dead_frame(connect_mortals, &m);
    size_t called = gcw_event_emit(m.event, NULL);
    for (size_t i = 0; i < 2 * MANY; i += 2) {
        assert_int_equal(m.calls[i], 1);
        called_dead += m.calls[i + 1];
    }
    assert_in_range(called_dead, 0, MANY - NEARLY_ALL);
    assert_int_equal(called, 1 + MANY + called_dead);
    free(m.calls);
}

/* An object whose method drops its last reference and collects. */
struct fading {
    void **kept;
    gcw_ref *ref;
    bool alive, intact;
};

static void *
drop_self_and_collect(void *self, void *arg, void *data)
{
    struct fading *f = arg;
    (void)data;
    f->kept[0] = NULL;
    self = NULL;
    collect();
    struct target *t = gcw_ref_get(f->ref);
    f->alive = t != NULL;
    f->intact = f->alive && t->magic == MAGIC && t->number == 7;
    (void)self;
    return NULL;
}

static void
connect_fading(void *arg)
{
    void **place = arg;
    struct fading *f = place[1];
    f->kept[0] = target_new(7);
    f->ref = gcw_ref_new(f->kept[0]);
    on_method(place[0],
              gcw_method_new(f->kept[0], drop_self_and_collect, NULL), 0);
}

TEST(an_object_stays_alive_while_its_method_runs)
{
    for (int round = 0; round < 10; round++) {
        gcw_event *e = fresh_event();
        struct fading f = { .kept = keep_array(1) };
        void *place[2] = { e, &f };
        in_dead_frame(connect_fading, place);
        on(e, "after", 0);
        assert_int_equal(gcw_event_emit(e, &f), 2);
        assert_true(f.alive);
        assert_true(f.intact);
        assert_string_equal(noted(), "after");
    }
}

/* --- memory: an event stays as small as what lives --- */

enum { MEGABYTE = 1024 * 1024 };

/* After collections; nobody calls the library meanwhile. */
static size_t
heap_in_use(void)
{
    collect();
    collect();
    return GC_get_heap_size() - GC_get_free_bytes();
}

enum { BATCH = 10000, MILLION = 100, WARM_UP = 10, SOME = 30 };

/* So many batches come and go. */
static void
stays_small(void (*batch)(void *arg), int batches, void *arg)
{
    size_t before = 0;
    for (int i = 0; i < batches; i++) {
        if (i == WARM_UP)
            before = heap_in_use();
        in_dead_frame(batch, arg);
    }
    assert_in_range(heap_in_use(), 0, before + 2 * MEGABYTE);
}

static void
listen_shortly(void *event)
{
    for (size_t i = 0; i < BATCH; i++) {
        struct target *t = target_new(i);
        on_method(event, gcw_method_new(t, idle_method, NULL), 0);
        GC_reachable_here(t);
    }
}

TEST(a_million_listeners_that_die_leave_an_event_small)
{
    gcw_event *e = fresh_event();
    stays_small(listen_shortly, MILLION, e);
    assert_in_range(gcw_event_count(e), 0, BATCH / 10);
}

/* An event and an object, which both live on. */
struct lasting {
    gcw_event *event;
    struct target *target;
};

static gcw_method *
short_method(const struct lasting *l, size_t i)
{
    gcw_method *m = gcw_method_new(l->target, idle_method, target_new(i));
    assert_non_null(m);
    return m;
}

static void
disconnect_by_handle(void *lasting)
{
    const struct lasting *l = lasting;
    for (size_t i = 0; i < BATCH; i++)
        gcw_listener_disconnect(on_method(l->event, short_method(l, i), 0));
}

static void
disconnect_by_method(void *lasting)
{
    const struct lasting *l = lasting;
    for (size_t i = 0; i < BATCH; i++) {
        gcw_method *m = short_method(l, i);
        on_method(l->event, m, 0);
        gcw_event_disconnect(l->event, m);
    }
}

static void
call_once(void *lasting)
{
    const struct lasting *l = lasting;
    for (size_t i = 0; i < BATCH; i++) {
        on_method(l->event, short_method(l, i), GCW_ONCE);
        if (i % 10 == 0)
            gcw_event_emit(l->event, NULL);
    }
    gcw_event_emit(l->event, NULL);
}

static void
leaves_both_small(void (*batch)(void *lasting))
{
    struct lasting l = { fresh_event(), lasting_target(0) };
    stays_small(batch, SOME, &l);
    assert_int_equal(gcw_event_count(l.event), 0);
}

TEST(disconnected_listeners_leave_event_and_object_small)
{
    leaves_both_small(disconnect_by_handle);
}

TEST(so_do_those_disconnected_by_method)
{
    leaves_both_small(disconnect_by_method);
}

TEST(so_do_those_called_once)
{
    leaves_both_small(call_once);
}

static void
drop_events(void *target)
{
    for (size_t i = 0; i < BATCH; i++) {
        gcw_event *e = gcw_event_new(NULL);
        on_method(e, gcw_method_new(target, idle_method, NULL), 0);
    }
}

TEST(dropped_events_leave_the_objects_that_listened_small)
{
    stays_small(drop_events, SOME, lasting_target(0));
}

/* CROWD listeners at once; `kept` holds their objects, or handles. */
enum { CROWD = 100000, STAY = CROWD / 100 };

struct masses {
    gcw_event *event;
    void **kept;
};

/* Whether memory returns once most of what `connect` did is undone. */
static bool
memory_returns(void (*connect)(void *masses), void (*undo)(void *masses),
               struct masses *m)
{
    *m = (struct masses){ fresh_event(), keep_array(CROWD) };
    size_t before = heap_in_use();
    in_dead_frame(connect, m);
    size_t most = heap_in_use();
    in_dead_frame(undo, m);
    size_t after = heap_in_use();
    assert_true(most > 10 * MEGABYTE);
    return after < before + most / 16;
}

/* A stale word may hold a large piece, but hardly each time. */
static void
memory_returns_mostly(void (*connect)(void *masses),
                      void (*undo)(void *masses), struct masses *m)
{
    int returned = 0;
    for (int round = 0; round < 3; round++)
        returned += memory_returns(connect, undo, m);
    assert_true(returned >= 2);
}

static void
connect_methods(void *arg)
{
    struct masses *m = arg;
    for (size_t i = 0; i < CROWD; i++) {
        m->kept[i] = target_new(i);
        on_method(m->event, gcw_method_new(m->kept[i], idle_method, NULL),
                  0);
    }
}

static void
drop_objects(void *arg)
{
    struct masses *m = arg;
    for (size_t i = STAY; i < CROWD; i++)
        m->kept[i] = NULL;
}

TEST(memory_returns_when_very_many_have_died_at_once)
{
    struct masses m;
    memory_returns_mostly(connect_methods, drop_objects, &m);
    assert_in_range(gcw_event_count(m.event), STAY, STAY + CROWD / 20);
    assert_true(gcw_event_emit(m.event, NULL) >= STAY);
}

static void
connect_functions(void *arg)
{
    struct masses *m = arg;
    for (size_t i = 0; i < CROWD; i++)
        m->kept[i] = on_fn(m->event, idle_fn, target_new(i), 0);
}

static void
disconnect_functions(void *arg)
{
    struct masses *m = arg;
    for (size_t i = STAY; i < CROWD; i++) {
        assert_true(gcw_listener_disconnect(m->kept[i]));
        m->kept[i] = NULL;
    }
}

TEST(memory_returns_when_very_many_were_disconnected)
{
    struct masses m;
    memory_returns_mostly(connect_functions, disconnect_functions, &m);
    assert_int_equal(gcw_event_count(m.event), STAY);
    assert_int_equal(gcw_event_emit(m.event, NULL), STAY);
}

/* Events that are dropped. */

struct dropped {
    struct target *target;   /* its methods listen; NULL: functions do */
    bool round;              /* the event is the listeners' data */
    void **handles;          /* listeners, or NULL if they are dropped too */
    void **refs;             /* to the events */
    void **data;             /* references to the listeners' data */
    size_t *cleaned;         /* events that died, by their cleanups */
};

static gcw_listener *
listen_to(gcw_event *e, const struct dropped *d, void *data)
{
    if (d->target == NULL)
        return on_fn(e, idle_fn, data, 0);
    return on_method(e, gcw_method_new(d->target, idle_method, data), 0);
}

static void
fill_and_drop(void *arg)
{
    struct dropped *d = arg;
    for (size_t i = 0; i < MANY; i++) {
        gcw_event *e = gcw_event_new("dropped");
        void *data = d->round ? (void *)e : (void *)target_new(i);
        gcw_listener *l = listen_to(e, d, data);
        listen_to(e, d, data);
        if (d->handles != NULL)
            d->handles[i] = l;
        d->refs[i] = gcw_ref_new(e);
        d->data[i] = gcw_ref_new(data);
        assert_non_null(gcw_cleanup_new(e, count, d->cleaned));
    }
}

static void
they_go_with_their_data(struct dropped *d)
{
    d->refs = keep_array(MANY);
    d->data = keep_array(MANY);
    d->cleaned = counter_new();
    in_dead_frame(fill_and_drop, d);
    collect_twice();
    gcw_drain(0);
    assert_true(nearly_all(dead_refs(d->refs, MANY), MANY));
    assert_true(nearly_all(dead_refs(d->data, MANY), MANY));
    assert_true(nearly_all(*d->cleaned, MANY));
}

TEST(a_dropped_event_goes_with_its_functions)
{
    struct dropped d = { .target = NULL };
    they_go_with_their_data(&d);
}

TEST(a_dropped_event_goes_though_its_listeners_objects_live)
{
    struct dropped d = { .target = lasting_target(0) };
    they_go_with_their_data(&d);
    assert_true(d.target->magic == MAGIC);
}

TEST(a_dropped_event_goes_though_its_listeners_know_it)
{
    struct dropped functions = { .round = true };
    struct dropped methods = { .round = true, .target = lasting_target(0) };
    they_go_with_their_data(&functions);
    they_go_with_their_data(&methods);
}

TEST(a_dropped_event_goes_though_handles_are_held)
{
    struct dropped functions = { .handles = keep_array(MANY) };
    struct dropped methods = { .handles = keep_array(MANY),
                               .target = lasting_target(0) };
    they_go_with_their_data(&functions);
    they_go_with_their_data(&methods);
}

TEST(a_listener_of_a_dropped_event_is_not_connected)
{
    struct dropped d = { .handles = keep_array(MANY),
                         .target = lasting_target(0) };
    size_t connected = 0, disconnected = 0;
    they_go_with_their_data(&d);
    errno = E2BIG;
    for (size_t i = 0; i < MANY; i++) {
        connected += gcw_listener_connected(d.handles[i]);
        gcw_listener_block(d.handles[i]);
        disconnected += gcw_listener_disconnect(d.handles[i]);
    }
    assert_int_equal(errno, E2BIG);
    assert_in_range(connected, 0, MANY - NEARLY_ALL);
    assert_int_equal(disconnected, connected);
}

TEST(an_object_may_die_after_the_events_that_it_listened_to)
{
    struct dropped d = { .handles = keep_array(MANY),
                         .target = lasting_target(0) };
    they_go_with_their_data(&d);
    assert_int_equal(gcw_dispose(d.target), 0);
    for (size_t i = 0; i < MANY; i++)
        assert_false(gcw_listener_connected(d.handles[i]));
}

/* An event that is held by one place, until its first listener clears that. */

static void
drop_event_and_collect(void *arg, void *data)
{
    void **kept = data;
    (void)arg;
    note("drop");
    kept[0] = NULL;
    collect();
}

static void
connect_last(void *arg)
{
    void **kept = arg;
    kept[0] = fresh_event();
    on_fn(kept[0], drop_event_and_collect, kept, 0);
    on_fn(kept[0], note_magic, target_new(7), 0);
    on_fn(kept[0], note_magic, target_new(7), 0);
}

TEST(an_event_lasts_as_long_as_its_emission)
{
    for (int round = 0; round < 10; round++) {
        void **kept = keep_array(1);
        in_dead_frame(connect_last, kept);
        emit_calls(kept[0], 3, "drop seven seven");
    }
}

/* Finalizers and cleanups that use events.  What a finalizer connects is
 * called by the next emission. */
struct late {
    gcw_event *event;
    size_t emitted, connected;
};

static void
count_late(void *arg, void *data)
{
    struct late *late = data;
    (void)arg;
    late->emitted++;
}

static void
emit_and_connect(struct late *late)
{
    if (gcw_event_emit(late->event, NULL) > 0
        && gcw_event_connect_fn(late->event, idle_fn, NULL, 0) != NULL)
        late->connected++;
}

static void
emit_and_connect_in_finalizer(void *object, void *data)
{
    (void)object;
    emit_and_connect(data);
}

static void
emit_and_connect_in_cleanup(void *data)
{
    emit_and_connect(data);
}

static void
drop_with_finalizers(void *late)
{
    for (size_t i = 0; i < MANY; i++)
        GC_REGISTER_FINALIZER_NO_ORDER(
            target_new(i), emit_and_connect_in_finalizer, late, NULL, NULL);
}

static void
drop_with_cleanups(void *late)
{
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(gcw_cleanup_new(
            target_new(i), emit_and_connect_in_cleanup, late));
}

/* In uncollectable memory that is never freed: a finalizer may come late. */
static void
an_event_is_used_by(void (*droppers)(void *late))
{
    struct late *late = GC_MALLOC_UNCOLLECTABLE(sizeof *late);
    assert_non_null(late);
    late->event = fresh_event();
    on_fn(late->event, count_late, late, 0);
    in_dead_frame(droppers, late);
    collect();
    gcw_drain(0);
    assert_true(nearly_all(late->emitted, MANY));
    assert_int_equal(late->connected, late->emitted);
    assert_int_equal(gcw_event_count(late->event), 1 + late->connected);
    assert_int_equal(gcw_event_emit(late->event, NULL), 1 + late->connected);
}

TEST(finalizers_may_emit_and_connect)
{
    an_event_is_used_by(drop_with_finalizers);
}

TEST(cleanups_may_emit_and_connect)
{
    an_event_is_used_by(drop_with_cleanups);
}
