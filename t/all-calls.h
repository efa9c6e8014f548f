/* all-calls.h: every public function is called on the calling thread, most in
 * the ways that make the library work hardest.
 *
 * In a scenario or a program of its own, for a call that goes wrong ends the
 * process with status 99.  `now_called` tells which call it is at, for who
 * asks on another thread.  What is called back does nothing that a thread
 * could be cancelled in.
 */
#ifndef ALL_CALLS_H
#define ALL_CALLS_H

#include <dlfcn.h>
#include <gcweak/debug.h>
#include <signal.h>
#include <stdatomic.h>
#include "idle.h"
#include "log.h"

static const char *_Atomic now_called;

/* Makes the call that stands in the condition, which must hold. */
#define CALL(condition) \
    (atomic_store(&now_called, #condition), MUST(condition))

/* What is called back. */

static inline void
listener_gives_up(void *arg, void *data)
{
    (void)arg, (void)data;
    gcw_fail("as it should");
}

static inline void
gives_up(void *data)
{
    (void)data;
    gcw_fail("as it should");
}

static inline int
seven(void *self)
{
    (void)self;
    return 7;
}

/* The calls. */

static inline void
says_it_failed(void *data)
{
    (void)data;
    CALL(gcw_failed("as it should") == 0);
}

static inline void
call_base(void)
{
    CALL(gcw_init() == 0);
    CALL(gcw_version() != NULL);
    CALL(gcw_version_number() == GCW_VERSION);
    CALL(gcw_version_check(GCW_VERSION) == 0);
    CALL(gcw_name_function((void (*)(void))gives_up, "gives up") == 0);
    CALL((gcw_object_unloading((void (*)(void))abort), true));
}

static inline void
call_refs(void)
{
    struct target *t = target_new(1);
    gcw_ref *r, *l;
    CALL((r = gcw_ref_new(t)) != NULL);
    CALL((l = gcw_ref_new_long(t)) != NULL);
    CALL(gcw_ref_get(r) == t && gcw_ref_get(l) == t);
    CALL(gcw_ref_find(t) == r);
    CALL(gcw_ref_id(r) != gcw_ref_id(l));
    GC_gcollect();
    CALL(gcw_ref_get(r) == t && gcw_ref_get(l) == t);
    CALL(gcw_dispose(t) == 0);
    CALL(gcw_ref_get(r) == NULL && gcw_ref_get(l) == NULL);
}

static inline void
call_methods(void)
{
    struct target *t = target_new(1), *other = target_new(2);
    gcw_method *m, *w;
    gcw_bound bound;
    CALL((m = gcw_method_new(t, idle_method, NULL)) != NULL);
    CALL((w = gcw_method_new_weak(t, idle_method, other)) != NULL);
    CALL(gcw_method_alive(m) && gcw_method_alive(w));
    CALL(gcw_method_bind(w, &bound));
    CALL(gcw_bound_call(&bound, NULL) == NULL);
    CALL(gcw_method_invoke(m, NULL, NULL) == 0);
    CALL(!gcw_method_equal(m, w));
    CALL(gcw_method_hash(m) == gcw_method_hash(m));
    CALL(gcw_method_on_death(w, idle_on_death, NULL) != NULL);
    CALL(gcw_dispose(other) == 0);
    CALL(gcw_drain(0) >= 1);
    GC_reachable_here(t);
}

static inline void
call_cleanups(void)
{
    struct target *t = target_new(1);
    gcw_cleanup *a, *b, *c;
    CALL((a = gcw_cleanup_new(t, idle, NULL)) != NULL);
    CALL((b = gcw_cleanup_new(t, gives_up, NULL)) != NULL);
    CALL((c = gcw_cleanup_new(t, gives_up, NULL)) != NULL);
    CALL(gcw_cleanup_alive(a) && gcw_cleanup_peek(a) == t);
    CALL(gcw_cleanup_set_atexit(a, false) == 0 && !gcw_cleanup_atexit(a));
    CALL(gcw_cleanup_name(c) == NULL);
    CALL(gcw_cleanup_set_name(c, "gives up") == 0);
    CALL(gcw_cleanup_name(c) != NULL);
    CALL(gcw_drain_on_error(idle_on_error, NULL) == 0);
    CALL(gcw_cleanup_detach(a));
    CALL(gcw_cleanup_run(b));
    CALL(gcw_drain_on_error(NULL, NULL) == 0);
    CALL(gcw_dispose(t) == 0);
    CALL(gcw_drain(1) == 1);
    CALL((gcw_drain(0), !gcw_cleanup_alive(c)));
}

static inline void
call_queues(void)
{
    struct target *t = target_new(1), *u = target_new(2);
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    gcw_queue *q = gcw_queue_new("queue");
    gcw_call call;
    CALL(q != NULL && gcw_queue_default() != NULL);
    CALL(gcw_queue_on_error(q, idle_on_error, NULL) == 0);
    CALL(gcw_queue_fd(q) >= 0);
    CALL(gcw_queue_wait(q, 0) >= 0);
    CALL(gcw_cleanup_new_in(q, t, idle, NULL) != NULL);
    CALL(gcw_cleanup_new_in(q, t, gives_up, NULL) != NULL);
    CALL(gcw_method_on_death_in(q, m, idle_on_death, NULL) != NULL);
    CALL(gcw_cleanup_new_in(q, u, idle, NULL) != NULL);
    CALL(gcw_dispose(t) == 0);
    CALL(gcw_queue_wait(q, -1) == 1);
    CALL(gcw_queue_next(q, &call));
    CALL(gcw_queue_drain(q, 0) == 2);
    CALL(gcw_dispose(u) == 0 && gcw_dispose(q) == 0);
    CALL(gcw_drain(0) >= 1);
}

static inline void
drop_some(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        CALL(gcw_cleanup_new(t, idle, NULL) != NULL);
        CALL(gcw_ref_new_long(t) != NULL);
    }
}

static inline void
call_drain(void)
{
    CALL(gcw_drain_fd() >= 0);
    in_dead_frame(drop_some, NULL);
    CALL(gcw_collect() > 0);
    in_dead_frame(drop_some, NULL);
    GC_gcollect();
    CALL(gcw_drain(0) > 0);
}

static inline void
call_listeners(gcw_event *e, gcw_method *m)
{
    gcw_listener *l, *f;
    CALL((l = gcw_event_connect(e, m, GCW_UNIQUE)) != NULL);
    CALL((f = gcw_event_connect_fn(e, idle_fn, NULL, 0)) != NULL);
    CALL(gcw_listener_connected(l));
    CALL(gcw_listener_set_name(l, "its method") == 0);
    CALL(gcw_listener_name(l) != NULL);
    CALL(gcw_listener_set_name(l, NULL) == 0);
    CALL((gcw_listener_block(l), true));
    CALL(gcw_event_emit(e, NULL) == 1);
    CALL(gcw_listener_blocked(l));
    CALL((gcw_listener_unblock(l), true));
    CALL(gcw_event_count(e) == 2);
    CALL((gcw_event_block(e), true));
    CALL(!gcw_event_has_listeners(e));
    CALL((gcw_event_unblock(e), true));
    CALL(gcw_event_has_listeners(e));
    CALL(gcw_event_list(e, NULL, 0) == 2);
    CALL(gcw_listener_disconnect(f));
    CALL(gcw_event_disconnect(e, m) == 1);
}

static inline void
stop_emission(void *arg, void *data)
{
    (void)arg, (void)data;
    CALL(gcw_listener_current() != NULL);
    CALL(gcw_emission_stop() == 0);
}

static inline void
call_for_object(struct target *t)
{
    gcw_event *e = gcw_event_new("object");
    gcw_hub *h = gcw_hub_new();
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    CALL(gcw_event_connect(e, m, 0) != NULL);
    CALL(gcw_hub_connect(h, "type", NULL, m, 0) != NULL);
    CALL((gcw_hub_block(h), true));
    CALL(!gcw_hub_has_listeners(h, "type", NULL));
    CALL((gcw_hub_unblock(h), true));
    CALL(gcw_hub_list(h, "type", NULL, NULL, 0) == 1);
    CALL(gcw_event_disconnect_object(e, t) == 1);
    CALL(gcw_hub_disconnect_object(h, t) == 1);
    CALL(gcw_disconnect_object(t) == 0);
    CALL(gcw_event_connect_fn(e, stop_emission, NULL, GCW_ONCE) != NULL);
    CALL(gcw_event_emit(e, NULL) == 1);
}

static inline void
connect_some(gcw_event *e)
{
    static char data[MANY];
    for (size_t i = 0; i < MANY; i++)
        CALL(gcw_event_connect_fn(e, idle_fn, &data[i], 0) != NULL);
    CALL(gcw_event_emit(e, NULL) == MANY);
    for (size_t i = 0; i < MANY; i++)
        CALL(gcw_event_disconnect_fn(e, idle_fn, &data[i]) == 1);
}

static inline void
call_events(void)
{
    struct target *t = target_new(1);
    gcw_event *e;
    CALL((e = gcw_event_new("calls")) != NULL);
    call_listeners(e, gcw_method_new(t, idle_method, NULL));
    CALL(gcw_event_on_error(e, idle_on_error, NULL) == 0);
    CALL(gcw_event_connect_fn(e, listener_gives_up, NULL, GCW_ONCE) != NULL);
    CALL(gcw_event_emit(e, NULL) == 1);
    CALL(gcw_event_on_error(e, NULL, NULL) == 0);
    CALL(gcw_event_connect_fn(e, listener_gives_up, NULL, GCW_ONCE) != NULL);
    CALL(gcw_event_emit(e, NULL) == 1);
    connect_some(e);
    call_for_object(t);
    CALL(gcw_dispose(e) == 0);
    GC_reachable_here(t);
}

static inline void
call_connections(gcw_hub *h, struct target *source, gcw_method *m)
{
    CALL(gcw_hub_connect(h, "type", source, m, 0) != NULL);
    CALL(gcw_hub_connect(h, NULL, NULL, m, 0) != NULL);
    CALL(gcw_hub_connect_fn(h, "type", NULL, idle_hub_fn, NULL, 0)
         != NULL);
    CALL(gcw_hub_emit(h, "type", source, NULL) == 2);
    CALL(gcw_hub_disconnect(h, "type", source, m));
    CALL(gcw_hub_disconnect(h, NULL, NULL, m));
    CALL(gcw_hub_disconnect_fn(h, "type", NULL, idle_hub_fn, NULL));
    CALL(gcw_hub_connect(h, "type", source, m, 0) != NULL);
}

static inline void
call_posting(gcw_hub *h)
{
    CALL(gcw_hub_fd(h) >= 0);
    CALL(gcw_hub_post(h, "type", NULL, NULL) == 0);
    CALL(gcw_hub_post(h, "type", NULL, NULL) == 0);
    CALL(gcw_hub_dispatch(h, 1) == 1);
    CALL(gcw_hub_dispatch(h, 0) == 1);
    CALL(gcw_hub_post(h, NULL, NULL, NULL) == 0);
}

static inline void
drop_hubs(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 50; i++)
        CALL(gcw_hub_fd(gcw_hub_new()) >= 0);
}

static inline void
call_maps(void)
{
    struct target *key = target_new(1), *value = target_new(2);
    gcw_map_iter i;
    gcw_map *m;
    gcw_ephemeron *e;
    void *k, *v;
    for (int kind = GCW_WEAK_KEYS; kind <= GCW_STRONG_VALUES; kind++) {
        CALL((m = gcw_map_new((gcw_map_kind)kind)) != NULL);
        CALL(gcw_map_setdefault(m, key, value) == value);
        CALL(gcw_map_replace(m, key, value, key));
        CALL(gcw_map_put(m, key, value) == 0);
        for (int n = 0; n < 100; n++)
            CALL(gcw_map_put(m, target_new(3), target_new(4)) == 0);
        GC_gcollect();
        CALL(gcw_map_get(m, key) == value && gcw_map_count(m) > 0);
        CALL((gcw_map_first(m, &i), gcw_map_next(&i, &k, &v)));
        CALL(gcw_map_remove(m, key) == value);
        CALL(gcw_dispose(m) == 0);
    }
    CALL((e = gcw_ephemeron_new(key, value)) != NULL);
    GC_gcollect();
    CALL(gcw_ephemeron_key(e) == key && gcw_ephemeron_value(e) == value);
    CALL(gcw_dispose(key) == 0);
    CALL(gcw_ephemeron_key(e) == NULL && gcw_ephemeron_value(e) == NULL);
}

static inline bool
intern_is(const void *wanted, const void *object)
{
    (void)wanted, (void)object;
    return true;
}

static inline bool
intern_is_not(const void *wanted, const void *object)
{
    (void)wanted, (void)object;
    return false;
}

static inline void *
intern_make_alone(const void *wanted, void *unused)
{
    (void)wanted, (void)unused;
    return target_new(5);
}

/* Another is added meanwhile. */
static inline void *
intern_make(const void *wanted, void *object)
{
    (void)wanted;
    CALL(gcw_intern_add(object, 7, intern_is, NULL, intern_make_alone, NULL)
         != NULL);
    return intern_make_alone(NULL, NULL);
}

static inline void
call_interns(void)
{
    gcw_intern *t;
    void *first;
    CALL((t = gcw_intern_new()) != NULL);
    CALL((first = gcw_intern_add(t, 7, intern_is, NULL, intern_make, t))
         != NULL);
    CALL(gcw_intern_find(t, 7, intern_is, NULL) == first);
    for (uint64_t n = 0; n < 100; n++)
        CALL(gcw_intern_add(t, n, intern_is_not, NULL, intern_make_alone, NULL)
             != NULL);
    GC_gcollect();
    CALL(gcw_intern_find(t, 7, intern_is_not, NULL) == NULL);
    CALL(gcw_intern_count(t) > 0);
    CALL(gcw_dispose(first) == 0 && gcw_dispose(t) == 0);
}

static inline void
call_guardians(void)
{
    struct target *object = target_new(1), *other = target_new(2);
    gcw_guardian *g = gcw_guardian_new();
    CALL(g != NULL && gcw_guardian_fd(g) >= 0);
    for (int n = 0; n < 100; n++)
        CALL(gcw_guardian_add(g, target_new(3), NULL) == 0);
    CALL(gcw_guardian_add(g, object, other) == 0);
    CALL(gcw_dispose(object) == 0);
    CALL(gcw_guardian_next(g) != NULL);
    GC_gcollect();
    while (gcw_guardian_next(g) != NULL)
        continue;
    CALL(gcw_dispose(g) == 0);
}

static inline void
call_sets(void)
{
    struct target *member = target_new(1);
    gcw_set_iter i;
    gcw_set *s;
    void *given;
    CALL((s = gcw_set_new()) != NULL);
    CALL(gcw_set_add(s, member) == 1);
    for (int n = 0; n < 100; n++)
        CALL(gcw_set_add(s, target_new(2)) == 1);
    GC_gcollect();
    CALL(gcw_set_has(s, member) && gcw_set_count(s) > 0);
    CALL((gcw_set_first(s, &i), gcw_set_next(&i, &given)));
    CALL(gcw_set_remove(s, member));
    CALL(gcw_set_add(s, member) == 1);
    CALL(gcw_dispose(member) == 0);
    CALL(!gcw_set_has(s, member));
    CALL(gcw_dispose(s) == 0);
}

static inline void
call_method_sets(void)
{
    struct target *t = target_new(1), *other = target_new(2);
    gcw_method_set_iter i;
    gcw_method_set *s;
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    gcw_bound bound;
    CALL((s = gcw_method_set_new()) != NULL);
    CALL(gcw_method_set_add(s, m) == 1);
    CALL(gcw_method_set_add(
        s, gcw_method_new_weak(t, idle_method, other)) == 1);
    for (int n = 0; n < 100; n++)
        CALL(gcw_method_set_add(
            s, gcw_method_new(t, idle_method, target_new(3))) == 1);
    GC_gcollect();
    CALL(gcw_method_set_has(s, m) && gcw_method_set_count(s) == 102);
    CALL((gcw_method_set_first(s, &i), gcw_method_set_next(&i, NULL, &bound)));
    CALL(gcw_method_set_invoke(s, NULL) == 102);
    CALL(gcw_method_set_remove(s, m));
    CALL(gcw_dispose(other) == 0);
    CALL(gcw_method_set_count(s) == 100);
    CALL(gcw_dispose(s) == 0);
    GC_reachable_here(t);
}

static inline void
call_hubs(void)
{
    struct target *t = target_new(1), *source = target_new(2);
    gcw_hub_size size;
    gcw_hub *h;
    CALL((h = gcw_hub_new()) != NULL);
    CALL(gcw_hub_on_error(h, idle_on_error, NULL) == 0);
    call_connections(h, source, gcw_method_new(t, idle_method, NULL));
    call_posting(h);
    CALL(gcw_hub_measure(h, &size) == 0 && size.posted == 1);
    CALL(gcw_dispose(source) == 0);
    CALL(gcw_dispose(h) == 0);
    in_dead_frame(drop_hubs, NULL);
    CALL((gcw_collect(), true));
    CALL(gcw_drain(0) == 0);
    GC_reachable_here(t);
}

static inline void
make_call(const gcw_call *call)
{
    CALL(gcw_call_invoke(call) == NULL);
    CALL(gcw_call_failed(call, "as it should") == 0);
}

static inline void
step_through_events(struct target *t)
{
    gcw_event *e = gcw_event_new("steps");
    gcw_event_step step;
    CALL(gcw_event_connect(e, gcw_method_new(t, idle_method, NULL), 0) != NULL);
    CALL(gcw_event_connect_fn(e, idle_fn, NULL, GCW_ONCE) != NULL);
    for (bool on = gcw_event_first(e, NULL, &step); on;
         on = gcw_event_next(&step))
        make_call(&step.call);
    CALL(gcw_dispose(e) == 0);
}

static inline void
step_through_hubs(struct target *t)
{
    gcw_hub *h = gcw_hub_new();
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    gcw_hub_step step;
    CALL(gcw_hub_connect(h, "type", t, m, 0) != NULL);
    CALL(gcw_hub_connect(h, NULL, NULL, m, 0) != NULL);
    for (bool on = gcw_hub_first(h, "type", t, NULL, &step); on;
         on = gcw_hub_next(&step))
        make_call(&step.call);
    CALL(gcw_hub_post(h, "type", t, NULL) == 0);
    CALL(gcw_hub_post(h, "other", NULL, NULL) == 0);
    for (bool on = gcw_hub_dispatch_first(h, 0, &step); on;
         on = gcw_hub_dispatch_next(&step))
        make_call(&step.call);
    CALL(step.made == 2);
    CALL(gcw_dispose(h) == 0);
}

static inline void
step_through_a_run(struct target *t)
{
    gcw_exit_registry *r = gcw_exit_registry_new("steps");
    gcw_exit_options o;
    gcw_exit_step step;
    CALL((gcw_exit_options_init(&o), o.name == NULL));
    CALL(gcw_exit_register_fn(r, idle, NULL, &o) != NULL);
    CALL(gcw_exit_register(r, gcw_method_new(t, idle_method, NULL), &o)
         != NULL);
    for (bool on = gcw_exit_first(r, 0, &step); on; on = gcw_exit_next(&step))
        make_call(&step.call);
    CALL(gcw_dispose(r) == 0);
}

static inline void
step_through_the_drain(void)
{
    struct target *t = target_new(1);
    gcw_call call;
    CALL(gcw_cleanup_new(t, idle, NULL) != NULL);
    CALL(gcw_cleanup_new(t, says_it_failed, NULL) != NULL);
    CALL(gcw_dispose(t) == 0);
    CALL(gcw_drain_wait(-1) == 1);
    CALL(gcw_drain_next(&call));
    CALL(gcw_call_failed(&call, "as it should") == 0);
    CALL(gcw_drain(1) == 1);
    CALL((gcw_drain_wait(0), true));
    CALL(gcw_drain_thread_hooks(idle, idle, NULL) == 0);
    CALL(gcw_drain_thread_hooks(NULL, NULL, NULL) == 0);
}

static inline void
call_steps(void)
{
    struct target *t = target_new(1);
    step_through_events(t);
    step_through_hubs(t);
    step_through_a_run(t);
    step_through_the_drain();
    GC_reachable_here(t);
}

static inline void
fill_registry(gcw_exit_registry *r)
{
    for (size_t i = 0; i < MANY; i++)
        CALL(gcw_exit_register_fn(r, idle, NULL, NULL) != NULL);
}

static inline void
call_registry(gcw_exit_registry *r, struct target *t)
{
    gcw_exit_options o = { .name = "named", .keep = true, .level = 1 };
    gcw_exit_entry entry;
    gcw_exit_handler *h;
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    fill_registry(r);
    CALL((h = gcw_exit_register(r, m, &o)) != NULL);
    CALL(gcw_exit_id(h) != 0);
    CALL(gcw_exit_list(r, &entry, 1) == MANY + 1);
    CALL(gcw_exit_limit(r, 60000) == 0);
    CALL(gcw_exit_limit_abort(r, false) == 0);
    CALL(gcw_exit_current() == NULL);
    CALL(gcw_exit_run(r, 1) == 0);
    CALL(gcw_exit_limit(r, 0) == 0);
    CALL(gcw_exit_unregister(h) == GCW_REMOVED);
    fill_registry(r);
    CALL(gcw_exit_unregister_fn(r, idle) == MANY);
    CALL(gcw_exit_register(r, m, &o) != NULL);
    CALL(gcw_exit_unregister_method(r, m) == 1);
    CALL(gcw_exit_register(r, m, &o) != NULL);
    CALL(gcw_exit_unregister_object(r, t) == 1);
    CALL(gcw_exit_register(r, m, &o) != NULL);
    CALL(gcw_exit_clear(r) == 1);
    CALL(gcw_exit_on_error(r, idle_on_error, NULL) == 0);
    CALL(gcw_exit_register_fn(r, gives_up, NULL, NULL) != NULL);
    CALL(gcw_exit_run(r, 1) == 1);
    CALL(gcw_exit_on_error(r, NULL, NULL) == 0);
    CALL(gcw_exit_register_fn(r, gives_up, NULL, NULL) != NULL);
    CALL(gcw_exit_run(r, 1) == 1);
}

static inline void
call_exits(void)
{
    struct target *t = target_new(1);
    gcw_exit_registry *r;
    CALL((r = gcw_exit_registry_new("calls")) != NULL);
    call_registry(r, t);
    CALL(gcw_exit_register_fn(r, idle, NULL, NULL) != NULL);
    CALL(gcw_dispose(r) == 0);
    CALL(gcw_exit_default() != NULL);
    CALL(gcw_atexit(idle_at_exit) == 0);
    CALL(gcw_atexit_cancel(idle_at_exit) == 0);
    CALL(gcw_exit_unregister_id(gcw_atexit_data(idle, NULL)) == GCW_REMOVED);
    CALL(gcw_dispose(t) == 0);
}

/* A thread is made at the first time, which then ends. */
static inline void
call_signals(void)
{
    CALL(gcw_exit_on_signal(SIGVTALRM, 0) == 0);
    CALL(gcw_exit_signal_fd() >= 0);
    CALL(gcw_exit_on_signal(SIGVTALRM, GCW_SIGNAL_CHAIN) == 0);
    CALL(gcw_exit_signal() == 0);
    CALL(gcw_exit_off_signal(SIGVTALRM) == 0);
}

static inline void
call_proxy(gcw_proxy *p, struct target *t)
{
    CALL(((int (*)(void))gcw_proxy_code(p))() == 7);
    CALL(gcw_proxy_on_stale(p, idle_on_stale, NULL) == 0);
    CALL(gcw_dispose(t) == 0);
    CALL(((int (*)(void))gcw_proxy_code(p))() == 0);
    CALL(gcw_proxy_free(p) == 0);
}

/* Where there are none, both say so. */
static inline void
call_proxies(void)
{
    struct target *t = target_new(1);
    gcw_proxy *p;
    CALL((gcw_signature_check("p{ic[8]d})v", NULL), true));
    CALL((p = gcw_proxy_new(t, (gcw_proxy_fn *)seven, ")i"), true));
    if (p != NULL)
        call_proxy(p, t);
}

static inline void
call_stats(void)
{
    gcw_statistics s = { .size = sizeof s };
    CALL((gcw_stats(&s), s.registries > 0));
    CALL(gcw_explain_name(idle_namer, NULL) == 0);
    CALL(gcw_explain_name(NULL, NULL) == 0);
}

/* What is refused is told to the sink. */
static inline void
call_tell(void)
{
    CALL(gcw_tell_to(idle_sink, NULL) == 0);
    CALL(gcw_tell(GCW_TOLD_REFUSE | GCW_TOLD_LOST, true) == 0);
    CALL(gcw_ref_new(NULL) == NULL);
    CALL(gcw_tell(GCW_TOLD_REFUSE | GCW_TOLD_LOST, false) == 0);
    CALL(gcw_tell_to(NULL, NULL) == 0);
}

/* Those that print. */
static inline void
call_tables(FILE *out)
{
    void **keep = keep_array(1);
    keep[0] = target_new(1);
    CALL(gcw_cleanup_new(keep[0], idle, NULL) != NULL);
    CALL((gcw_dump(out), true));
    CALL(gcw_explain(keep[0], out) >= 0);
    CALL(gcw_dispose(keep[0]) == 0);
    CALL(gcw_drain(0) > 0);
    GC_FREE(keep);
}

/* From then on the library asks whether code is still there.  False if there
 * is nothing to unload. */
static inline bool
unload_something(void)
{
    static const char *const some[] = { "libresolv.so.2", "libutil.so.1" };
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        void *object = dlopen(some[i], RTLD_NOW | RTLD_LOCAL);
        if (object != NULL)
            return dlclose(object) == 0;
    }
    return false;
}

/* All but those that print, and gcw_drain_thread, with which others drain.
 * Nobody else may drain meanwhile. */
static inline void
make_all_calls(void)
{
    call_base();
    call_refs();
    call_methods();
    call_cleanups();
    call_queues();
    call_drain();
    call_events();
    call_hubs();
    call_steps();
    call_maps();
    call_sets();
    call_method_sets();
    call_guardians();
    call_interns();
    call_exits();
    call_signals();
    call_proxies();
    call_stats();
    call_tell();
}

#endif
