/* event-threads.c: tests of events used by many threads at once, and of calls
 * from threads that the collector does not know.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include "at-once.h"
#include "listeners.h"
#include "thread.h"

enum { THREADS = 4 };

/* --- one event, emitted and changed by all ---
 *
 * STEADY listeners are connected all the time: each emission must call each
 * of them exactly once, in their order.  Meanwhile each thread connects and
 * disconnects passing ones.  Its own must be called once by an emission that
 * it makes while it is connected, and not by one that it makes afterwards.
 *
 * For the passing ones of other threads there is a clock that each emission
 * advances before it begins.  A listener is stamped with the time after it
 * was disconnected: no emission of that time or later may call it. */

enum { STEADY = 16, TURNS = 1500 };

static atomic_size_t clock_now;

/* The data of a passing listener. */
struct pass {
    size_t thread;
    atomic_size_t gone;      /* when it was disconnected; SIZE_MAX: not yet */
};

/* The argument of an emission: what it calls is counted here. */
struct emission {
    size_t thread, begun;
    size_t steady, own, called;
    bool wrong;
};

static void
steady_called(void *arg, void *data)
{
    struct emission *em = arg;
    em->wrong |= em->steady != (size_t)(uintptr_t)data;
    em->steady++;
    em->called++;
}

static void
passing_called(void *arg, void *data)
{
    struct emission *em = arg;
    struct pass *pass = data;
    em->wrong |= em->begun >= atomic_load(&pass->gone);
    em->own += pass->thread == em->thread;
    em->called++;
}

static void *
passing_method_called(void *self, void *arg, void *data)
{
    const struct target *t = self;
    struct emission *em = arg;
    em->wrong |= t->magic != MAGIC;
    passing_called(arg, data);
    return NULL;
}

static gcw_event *
steady_event(void)
{
    gcw_event *e = fresh_event();
    for (size_t i = 0; i < STEADY; i++)
        on_fn(e, steady_called, (void *)(uintptr_t)i, 0);
    return e;
}

static bool
emission_is_right(gcw_event *e, size_t thread, size_t own)
{
    struct emission em = { .thread = thread };
    em.begun = atomic_fetch_add(&clock_now, 1);
    size_t called = gcw_event_emit(e, &em);
    return !em.wrong && em.steady == STEADY && em.own == own
        && em.called == called;
}

static struct pass *
pass_new(size_t thread)
{
    struct pass *pass = GC_MALLOC(sizeof *pass);
    pass->thread = thread;
    atomic_store(&pass->gone, SIZE_MAX);
    return pass;
}

/* The four ways to pass: by function or method, gone by handle or by parts. */
static bool
pass_as_function(gcw_event *e, struct pass *pass, unsigned flags,
                 bool by_handle)
{
    size_t me = pass->thread;
    gcw_listener *l = gcw_event_connect_fn(e, passing_called, pass, flags);
    bool good = l != NULL && emission_is_right(e, me, 1);
    return good && (by_handle
        ? gcw_listener_disconnect(l)
        : gcw_event_disconnect_fn(e, passing_called, pass) == 1);
}

static bool
pass_as_method(gcw_event *e, struct pass *pass, unsigned flags,
               bool by_handle)
{
    size_t me = pass->thread;
    struct target *t = GC_MALLOC(sizeof *t);
    t->magic = MAGIC;
    gcw_method *m = gcw_method_new(t, passing_method_called, pass);
    gcw_listener *l = gcw_event_connect(e, m, flags);
    bool good = l != NULL && emission_is_right(e, me, 1);
    good = good && (by_handle ? gcw_listener_disconnect(l)
                              : gcw_event_disconnect(e, m) == 1);
    GC_reachable_here(t);
    return good;
}

static bool
pass_again_and_again(size_t number, void *shared)
{
    bool good = true;
    for (size_t i = 0; good && i < TURNS; i++) {
        struct pass *pass = pass_new(number);
        unsigned flags = i % 3 == 0 ? GCW_FRONT : 0;
        good = (i % 4 < 2 ? pass_as_function : pass_as_method)(
            shared, pass, flags, i % 2);
        atomic_store(&pass->gone, atomic_load(&clock_now));
        good = good && emission_is_right(shared, number, 0);
    }
    return good;
}

TEST(each_emission_calls_who_is_connected_and_not_who_was)
{
    gcw_event *e = steady_event();
    at_once(THREADS, pass_again_and_again, e);
    assert_int_equal(gcw_event_count(e), STEADY);
    assert_true(emission_is_right(e, 0, 0));
}

static bool
pass_or_collect(size_t number, void *shared)
{
    if (number > 0)
        return pass_again_and_again(number, shared);
    for (int i = 0; i < 50; i++)
        GC_gcollect();
    return emission_is_right(shared, number, 0);
}

TEST(so_it_does_while_collections_storm)
{
    gcw_event *e = steady_event();
    at_once(THREADS, pass_or_collect, e);
    assert_int_equal(gcw_event_count(e), STEADY);
}

/* --- races that one must win --- */

/* Listeners, each with its count of calls. */
struct contest {
    gcw_event *event;
    gcw_listener **listeners;
    atomic_int *calls;
    atomic_size_t called, won;   /* as the emissions and disconnects say */
};

static void
called(void *arg, void *data)
{
    (void)arg;
    atomic_fetch_add((atomic_int *)data, 1);
}

static struct contest *
contest_new(unsigned flags)
{
    struct contest *c = GC_MALLOC_UNCOLLECTABLE(sizeof *c);
    assert_non_null(c);
    c->event = fresh_event();
    c->listeners = (gcw_listener **)keep_array(MANY);
    c->calls = calloc(MANY, sizeof *c->calls);
    assert_non_null(c->calls);
    for (size_t i = 0; i < MANY; i++)
        c->listeners[i] = on_fn(c->event, called, &c->calls[i], flags);
    return c;
}

static bool
emit_some(size_t number, void *shared)
{
    struct contest *c = shared;
    (void)number;
    for (int i = 0; i < 3; i++)
        atomic_fetch_add(&c->called, gcw_event_emit(c->event, NULL));
    return true;
}

enum { ROUNDS = 20 };

TEST(of_racing_emissions_one_calls_who_listens_once)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct contest *c = contest_new(GCW_ONCE);
        at_once(THREADS, emit_some, c);
        assert_int_equal(total_calls(c->calls), MANY);
        assert_int_equal(c->called, MANY);
        assert_int_equal(gcw_event_count(c->event), 0);
    }
}

static bool
disconnect_all(size_t number, void *shared)
{
    struct contest *c = shared;
    (void)number;
    for (size_t i = 0; i < MANY; i++)
        atomic_fetch_add(&c->won, gcw_listener_disconnect(c->listeners[i]));
    return true;
}

TEST(of_racing_disconnects_one_says_true)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct contest *c = contest_new(0);
        at_once(THREADS, disconnect_all, c);
        assert_int_equal(c->won, MANY);
        assert_int_equal(gcw_event_count(c->event), 0);
    }
}

static bool
disconnect_by_function(size_t number, void *shared)
{
    struct contest *c = shared;
    for (size_t i = 0; i < MANY; i++)
        atomic_fetch_add(&c->won, number % 2
            ? gcw_listener_disconnect(c->listeners[i])
            : gcw_event_disconnect_fn(c->event, called, &c->calls[i]));
    return true;
}

TEST(so_they_do_if_some_disconnect_by_function)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct contest *c = contest_new(0);
        at_once(THREADS, disconnect_by_function, c);
        assert_int_equal(c->won, MANY);
        assert_int_equal(gcw_event_count(c->event), 0);
    }
}

/* Backwards, so that it meets the emissions somewhere. */
static bool
emit_or_disconnect(size_t number, void *shared)
{
    struct contest *c = shared;
    if (number % 2)
        return emit_some(number, shared);
    for (size_t i = MANY; i-- > 0;)
        atomic_fetch_add(&c->won, gcw_listener_disconnect(c->listeners[i]));
    return true;
}

TEST(who_listens_once_is_either_called_or_disconnected)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct contest *c = contest_new(GCW_ONCE);
        at_once(THREADS, emit_or_disconnect, c);
        size_t calls = total_calls(c->calls);
        assert_int_equal(calls, c->called);
        assert_int_equal(calls + c->won, MANY);
    }
}

/* Equal listeners, connected by all threads. */
struct common {
    gcw_event *event;
    struct target *target;
    gcw_listener **got[THREADS];
};

static size_t numbers[MANY];

static bool
connect_the_same(size_t number, void *shared)
{
    struct common *c = shared;
    for (size_t i = 0; i < MANY; i++) {
        gcw_method *m = gcw_method_new(c->target, idle_method, &numbers[i]);
        c->got[number][i] =
            i % 2 ? gcw_event_connect(c->event, m, GCW_UNIQUE)
                  : gcw_event_connect_fn(c->event, idle_fn, &numbers[i],
                                         GCW_UNIQUE);
    }
    return true;
}

TEST(all_threads_get_the_same_unique_listener)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct common c = { fresh_event(), lasting_target(0), { NULL } };
        for (size_t i = 0; i < THREADS; i++)
            c.got[i] = (gcw_listener **)keep_array(MANY);
        at_once(THREADS, connect_the_same, &c);
        for (size_t i = 0; i < MANY; i++) {
            assert_true(gcw_listener_connected(c.got[0][i]));
            for (size_t j = 1; j < THREADS; j++)
                assert_ptr_equal(c.got[j][i], c.got[0][i]);
        }
        assert_int_equal(gcw_event_count(c.event), MANY);
        assert_int_equal(gcw_event_emit(c.event, NULL), MANY);
    }
}

/* --- blocks ---
 *
 * One thread blocks and unblocks a listener, the others emit.  No emission
 * that began while it was blocked may call it: each knows by the clock when
 * it began, and the blocker says from when on it is blocked. */

struct gate {
    gcw_event *event;
    gcw_listener *listener;
    atomic_size_t blocked_from;  /* SIZE_MAX: is not, or not yet */
    atomic_size_t passed;        /* calls while it was open */
    atomic_bool over;
};

static void
called_through_gate(void *arg, void *data)
{
    struct emission *em = arg;
    struct gate *gate = data;
    em->wrong |= em->begun >= atomic_load(&gate->blocked_from);
    em->own++;
    em->called++;
    atomic_fetch_add(&gate->passed, 1);
}

static bool
gate_lets_through(struct gate *gate, size_t own)
{
    return emission_is_right(gate->event, 0, own);
}

/* Until the others have begun some more emissions. */
static void
let_others_emit(void)
{
    size_t begin = atomic_load(&clock_now);
    while (atomic_load(&clock_now) < begin + 3 * THREADS)
        sched_yield();
}

static bool
block_and_unblock(struct gate *gate)
{
    bool good = true;
    for (size_t i = 0; good && i < TURNS / 10; i++) {
        gcw_listener_block(gate->listener);
        atomic_store(&gate->blocked_from, atomic_load(&clock_now));
        good = gate_lets_through(gate, 0);
        let_others_emit();
        atomic_store(&gate->blocked_from, SIZE_MAX);
        gcw_listener_unblock(gate->listener);
        good = good && gate_lets_through(gate, 1);
        let_others_emit();
    }
    atomic_store(&gate->over, true);
    return good;
}

static bool
pass_the_gate(struct gate *gate)
{
    bool good = true;
    while (!atomic_load(&gate->over)) {
        struct emission em = { .begun = atomic_fetch_add(&clock_now, 1) };
        size_t called = gcw_event_emit(gate->event, &em);
        good &= !em.wrong && em.steady == STEADY && em.called == called
             && em.own <= 1;
    }
    return good;
}

static bool
keep_or_pass_the_gate(size_t number, void *shared)
{
    return number == 0 ? block_and_unblock(shared) : pass_the_gate(shared);
}

TEST(a_block_holds_for_emissions_on_all_threads)
{
    struct gate gate = { .event = steady_event(), .blocked_from = SIZE_MAX };
    gate.listener = on_fn(gate.event, called_through_gate, &gate, 0);
    at_once(THREADS, keep_or_pass_the_gate, &gate);
    assert_true(atomic_load(&gate.passed) > TURNS / 10);
}

static bool
block_or_unblock_often(size_t number, void *shared)
{
    (void)number;
    for (size_t i = 0; i < TURNS; i++) {
        gcw_listener_block(shared);
        gcw_listener_block(shared);
        gcw_listener_unblock(shared);
    }
    for (size_t i = 0; i < TURNS; i++)
        gcw_listener_unblock(shared);
    return true;
}

TEST(blocks_on_all_threads_are_counted)
{
    gcw_event *e = fresh_event();
    gcw_listener *l = on(e, "a", 0);
    gcw_listener_block(l);
    at_once(THREADS, block_or_unblock_often, l);
    emit_calls(e, 0, "");
    gcw_listener_unblock(l);
    emit_calls(e, 1, "a");
    expect_errno((gcw_listener_unblock(l), true), EINVAL);
}

/* --- one thread inside a listener, another does as it likes --- */

struct held {
    gcw_event *event;
    pthread_barrier_t inside, leave;
    size_t called;
};

/* Holds the emission that has an argument, no other. */
static void
hold(void *arg, void *data)
{
    struct held *held = data;
    if (arg == NULL)
        return;
    pthread_barrier_wait(&held->inside);
    pthread_barrier_wait(&held->leave);
}

static void *
emit_held(void *data)
{
    struct held *held = data;
    held->called = gcw_event_emit(held->event, held);
    return NULL;
}

static pthread_t
emission_held(struct held *held)
{
    pthread_t thread;
    pthread_barrier_init(&held->inside, NULL, 2);
    pthread_barrier_init(&held->leave, NULL, 2);
    assert_int_equal(GC_pthread_create(&thread, NULL, emit_held, held), 0);
    pthread_barrier_wait(&held->inside);
    return thread;
}

static void
let_go(struct held *held, pthread_t thread)
{
    pthread_barrier_wait(&held->leave);
    assert_int_equal(GC_pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&held->inside);
    pthread_barrier_destroy(&held->leave);
}

TEST(nobody_waits_for_a_listener_that_runs)
{
    struct held held = { .event = fresh_event() };
    gcw_listener *first = on(held.event, "first", 0);
    gcw_listener *l = on_fn(held.event, hold, &held, 0);
    on(held.event, "last", 0);
    pthread_t thread = emission_held(&held);
    emit_calls(held.event, 3, "first last");
    on(held.event, "new", 0);
    on(held.event, "front", GCW_FRONT);
    gcw_listener_block(first);
    emit_calls(held.event, 4, "front last new");
    assert_true(gcw_listener_disconnect(l));
    assert_false(gcw_listener_connected(l));
    collect();
    emit_calls(held.event, 3, "front last new");
    forget();
    let_go(&held, thread);
    assert_string_equal(noted(), "last");
    assert_int_equal(held.called, 3);
}

static gcw_listener *
on_word_method(gcw_event *e, char *word)
{
    return on_method(e, gcw_method_new(lasting_target(0), method_notes_word,
                                       word), 0);
}

TEST(others_disconnect_what_an_emission_has_yet_to_call)
{
    struct held held = { .event = fresh_event() };
    on_fn(held.event, hold, &held, 0);
    gcw_listener *a = on_word_method(held.event, "a");
    gcw_listener *b = on_word_method(held.event, "b");
    gcw_listener *once = on(held.event, "once", GCW_ONCE);
    gcw_listener *c = on_word_method(held.event, "c");
    on(held.event, "d", 0);
    pthread_t thread = emission_held(&held);
    assert_true(gcw_listener_disconnect(a));
    for (int i = 0; i < MANY; i++)
        on_fn(held.event, idle_fn, NULL, i % 2 ? GCW_FRONT : 0);
    gcw_listener_block(b);
    emit_calls(held.event, 4 + MANY, "once c d");
    assert_false(gcw_listener_connected(once));
    assert_true(gcw_listener_disconnect(c));
    forget();
    let_go(&held, thread);
    assert_string_equal(noted(), "d");
    assert_int_equal(held.called, 2);
}

static void
end_this_thread(void *arg, void *data)
{
    (void)data;
    if (arg != NULL)
        pthread_exit(NULL);
}

TEST(an_event_outlasts_a_listener_that_ends_its_thread)
{
    struct held held = { .event = fresh_event() };
    on(held.event, "a", 0);
    gcw_listener *l = on_fn(held.event, end_this_thread, NULL, 0);
    gcw_listener *b = on(held.event, "b", 0);
    in_thread(emit_held, &held);
    assert_string_equal(noted(), "a");
    emit_calls(held.event, 3, "a b");
    assert_true(gcw_listener_disconnect(l));
    assert_true(gcw_listener_disconnect(b));
    collect();
    emit_calls(held.event, 1, "a");
}

/* --- objects that die in a storm of collections ---
 *
 * Each round a crowd of objects listens, is called while it lives, and is
 * dropped; then its memory is used again, with another magic word.  The other
 * threads emit all the while. */

enum { STORMS = 60, CROWD = 250, OTHER_MAGIC = 0x0bad };

struct storm {
    gcw_event *event;
    atomic_size_t calls, wrong;
    atomic_bool over;
};

static void *
look_at_self(void *self, void *arg, void *data)
{
    struct target *volatile t = self;
    struct storm *storm = data;
    (void)arg;
    atomic_fetch_add(&storm->wrong, t->magic != MAGIC);
    if (t->number % 50 == 0)
        sched_yield();
    atomic_fetch_add(&storm->wrong, t->magic != MAGIC);
    atomic_fetch_add(&storm->calls, 1);
    return NULL;
}

static void *
object_new(uintptr_t magic, size_t number)
{
    struct target *t = GC_MALLOC(sizeof *t);
    if (t == NULL)
        abort();
    t->magic = magic;
    t->number = number;
    return t;
}

static void
listen_shortly(void *data)
{
    struct storm *storm = data;
    void *alive[CROWD];
    size_t before = atomic_load(&storm->calls);
    for (size_t i = 0; i < CROWD; i++) {
        alive[i] = object_new(MAGIC, i);
        gcw_method *m = gcw_method_new(alive[i], look_at_self, storm);
        if (gcw_event_connect(storm->event, m, i % 2 ? GCW_FRONT : 0) == NULL)
            abort();
    }
    gcw_event_emit(storm->event, NULL);
    if (atomic_load(&storm->calls) < before + CROWD)
        atomic_fetch_add(&storm->wrong, 1);
    GC_reachable_here(alive);
    memset(alive, 0, sizeof alive);
    GC_reachable_here(alive);
}

static void
reuse_memory(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 2 * CROWD; i++)
        object_new(OTHER_MAGIC, i);
}

static bool
rage(struct storm *storm)
{
    for (int i = 0; i < STORMS; i++) {
        in_dead_frame(listen_shortly, storm);
        GC_gcollect();
        in_dead_frame(reuse_memory, NULL);
    }
    atomic_store(&storm->over, true);
    return true;
}

static bool
rage_or_emit(size_t number, void *shared)
{
    struct storm *storm = shared;
    if (number == 0)
        return rage(storm);
    while (!atomic_load(&storm->over))
        gcw_event_emit(storm->event, NULL);
    return true;
}

TEST(only_living_objects_are_called_in_a_storm_of_collections)
{
    struct storm storm = { .event = fresh_event() };
    at_once(THREADS, rage_or_emit, &storm);
    assert_int_equal(atomic_load(&storm.wrong), 0);
    collect();
    assert_in_range(gcw_event_count(storm.event), 0, STORMS * CROWD / 20);
}

/* --- threads that the collector does not know --- */

struct stranger {
    gcw_event *event;
    gcw_listener *listener;
    gcw_method *method;
    const char *wrong;       /* the first call that was not refused */
};

static void
refuse(struct stranger *s, bool failed, const char *call)
{
    if (s->wrong == NULL && (!failed || errno != EPERM))
        s->wrong = call;
    errno = 0;
}

#define REFUSED(call, failure) refuse(s, (call) == (failure), #call)

static void *
call_everything(void *data)
{
    struct stranger *s = data;
    errno = 0;
    REFUSED(gcw_event_new("strange"), NULL);
    REFUSED(gcw_event_connect(s->event, s->method, 0), NULL);
    REFUSED(gcw_event_connect_fn(s->event, note_word, "x", 0), NULL);
    REFUSED(gcw_listener_disconnect(s->listener), false);
    REFUSED(gcw_event_disconnect(s->event, s->method), 0);
    REFUSED(gcw_event_disconnect_fn(s->event, note_word, "a"), 0);
    REFUSED((gcw_listener_block(s->listener), 0), 0);
    REFUSED((gcw_listener_unblock(s->listener), 0), 0);
    REFUSED(gcw_event_emit(s->event, NULL), 0);
    REFUSED(gcw_event_count(s->event), 0);
    REFUSED(gcw_listener_connected(s->listener), false);
    REFUSED(gcw_event_on_error(s->event, NULL, NULL), -1);
    return NULL;
}

static void
hook_notes(void *handle, const char *name, const char *why, void *data)
{
    (void)handle;
    (void)name;
    (void)why;
    note(data);
}

static void
note_and_fail(void *arg, void *data)
{
    (void)arg;
    note(data);
    gcw_fail(NULL);
}

TEST(an_unknown_thread_is_refused_and_changes_nothing)
{
    struct stranger s = { .event = fresh_event() };
    struct target *t = lasting_target(0);
    s.listener = on(s.event, "a", 0);
    s.method = gcw_method_new(t, method_notes_word, "m");
    on_method(s.event, s.method, 0);
    on_fn(s.event, note_and_fail, "f", 0);
    assert_int_equal(gcw_event_on_error(s.event, hook_notes, "hook"), 0);
    in_unknown_thread(call_everything, &s);
    if (s.wrong != NULL)
        fail_msg("not refused with EPERM: %s", s.wrong);
    assert_int_equal(gcw_event_count(s.event), 3);
    emit_calls(s.event, 3, "a m f hook");
}

static void *
become_known_and_emit(void *data)
{
    struct stranger *s = data;
    struct GC_stack_base base;
    GC_get_stack_base(&base);
    if (GC_register_my_thread(&base) != GC_SUCCESS)
        return NULL;
    if (gcw_event_connect_fn(s->event, note_word, "b", 0) == NULL)
        s->wrong = "gcw_event_connect_fn";
    if (gcw_event_emit(s->event, NULL) != 2)
        s->wrong = "gcw_event_emit";
    GC_unregister_my_thread();
    return NULL;
}

TEST(a_thread_that_registers_with_the_collector_is_welcome)
{
    struct stranger s = { .event = fresh_event() };
    on(s.event, "a", 0);
    GC_allow_register_threads();
    in_unknown_thread(become_known_and_emit, &s);
    assert_null(s.wrong);
    assert_string_equal(noted(), "a b");
}
