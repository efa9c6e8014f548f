/* oom.c: every allocation of the library fails in turn.
 *
 * Linked with the library's objects, so that memory can run out in them; see
 * failing.h.
 *
 * The table has each public function, t/oom-lists.t sees to that.  It is tried
 * with its first allocation failing, then its second, and so on, until none
 * is left to fail; every second time all that follow it fail too.  A failure
 * must say ENOMEM and change nothing, and the next try must succeed.  Some
 * functions get by without the memory that they ask for, and most of those
 * that make nothing take none at all; the table says which.  At the end each
 * kind of allocation must have failed somewhere.
 */
#include <config.h>

#include "support.h"
#include "failing.h"
#include "exit/exit.h"
#include "weak/ref.h"

#include <gcweak/debug.h>

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- what an operation works on; in uncollectable memory --- */

struct world {
    size_t number;           /* the repetition */
    struct target *target, *data;
    gcw_method *method;
    gcw_exit_registry *registry;
    gcw_event *event;
    gcw_hub *hub;
    gcw_proxy *proxy;
    gcw_queue *queue;
    gcw_map *map;
    gcw_set *set;
    gcw_method_set *methods;
    struct target *keys[100];    /* of the map, most of them */
    gcw_bound bound;
    void *handle;            /* what else is there */
    size_t listeners;        /* that hear the event, or the hub's "news" */
    size_t *calls;           /* of the callbacks below, in this world */
    void *made;              /* what the operation gave */
};

static size_t calls;

static void
called(void *data)
{
    ++*(size_t *)data;
}

static void
told(gcw_method *m, void *data)
{
    if (m != NULL)
        called(data);
}

static void *
act(void *self, void *arg, void *data)
{
    (void)self, (void)arg;
    called(data);
    return NULL;
}

/* For weak data, which is an object. */
static void *
act_quietly(void *self, void *arg, void *data)
{
    (void)self, (void)arg, (void)data;
    calls++;
    return NULL;
}

static void
called_at_exit(void)
{
    calls++;
}

static void
hear(void *arg, void *data)
{
    (void)arg, (void)data;
    calls++;
}

static void
hear_hub(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
    calls++;
}

/* Another function than those, though the same in all else. */
static void
overhear(void *arg, void *data)
{
    hear(arg, data);
}

/* Listeners with these as their data are all different.  With VERY_MANY, what
 * an event takes for them is more than the collector gives in the usual way
 * (see listeners.c). */
enum { VERY_MANY = 6000 };
static char tags[VERY_MANY];

/* --- the operations that make something --- */

/* What comes of a lack of memory. */
enum lack {
    FAILS,                   /* at some allocation at least */
    MAY_SAY_EAGAIN,          /* the same; for ENOMEM there may be EAGAIN */
    DOES_WITHOUT,
    MAY_DO_WITHOUT,          /* or asks for none; the mode decides */
    TAKES_NONE               /* asks for none */
};

struct operation {
    const char *name;                    /* begins with the function's */
    void (*prepare)(struct world *w);    /* with memory; may be NULL */
    bool (*attempt)(struct world *w);    /* true: it succeeded */
    void (*check)(struct world *w);      /* that what it made works, once */
    size_t repetitions;
    enum lack lack;
};

static void
with_method(struct world *w)
{
    w->method = gcw_method_new(w->target, act, w->calls);
    assert_non_null(w->method);
}

static void
with_weak_method(struct world *w)
{
    w->method = gcw_method_new_weak(w->target, act_quietly, w->data);
    assert_non_null(w->method);
}

/* A registry that holds a handler already. */
static void
with_registry(struct world *w)
{
    w->registry = gcw_exit_registry_new("world");
    assert_non_null(w->registry);
    assert_non_null(gcw_exit_register_fn(w->registry, called, w->calls,
                                         NULL));
}

static void
with_registry_and_method(struct world *w)
{
    with_registry(w);
    with_method(w);
}

static void
with_registry_and_weak_method(struct world *w)
{
    with_registry(w);
    with_weak_method(w);
}

static bool
try_ref(struct world *w)
{
    return (w->made = gcw_ref_new(w->target)) != NULL;
}

static bool
try_inner_ref(struct world *w)
{
    return (w->made = gcw_ref_new(&w->target->number)) != NULL;
}

static bool
try_long_ref(struct world *w)
{
    return (w->made = gcw_ref_new_long(w->target)) != NULL;
}

static void
check_ref(struct world *w)
{
    assert_ptr_equal(gcw_ref_get(w->made), w->target);
    assert_int_equal(gcw_dispose(w->target), 0);
    assert_null(gcw_ref_get(w->made));
}

static void
check_inner_ref(struct world *w)
{
    assert_ptr_equal(gcw_ref_get(w->made), &w->target->number);
    assert_int_equal(gcw_dispose(w->target), 0);
    assert_null(gcw_ref_get(w->made));
}

static bool
try_method(struct world *w)
{
    return (w->made = gcw_method_new(w->target, act, w->calls)) != NULL;
}

static bool
try_weak_method(struct world *w)
{
    w->made = gcw_method_new_weak(w->target, act_quietly, w->data);
    return w->made != NULL;
}

static void
check_method(struct world *w)
{
    assert_int_equal(gcw_method_invoke(w->made, NULL, NULL), 0);
    assert_int_equal(*w->calls, 1);
}

static bool
try_on_death(struct world *w)
{
    return (w->made = gcw_method_on_death(w->method, told, w->calls)) != NULL;
}

static bool
try_cleanup(struct world *w)
{
    return (w->made = gcw_cleanup_new(w->target, called, w->calls)) != NULL;
}

static void
check_cleanup(struct world *w)
{
    assert_true(gcw_cleanup_alive(w->made));
    assert_int_equal(gcw_dispose(w->target), 0);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(*w->calls, 1);
}

static void
check_death_of_data(struct world *w)
{
    assert_int_equal(gcw_dispose(w->data), 0);
    assert_int_equal(gcw_dispose(w->target), 0);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(*w->calls, 1);
}

static bool
try_registry(struct world *w)
{
    return (w->made = gcw_exit_registry_new("a name")) != NULL;
}

static void
check_registry(struct world *w)
{
    assert_int_equal(gcw_exit_run(w->made, 0), 0);
    assert_non_null(gcw_exit_register_fn(w->made, called, w->calls, NULL));
    assert_int_equal(gcw_exit_run(w->made, 0), 0);
    assert_int_equal(*w->calls, 1);
}

static const gcw_exit_options with_name = { .name = "a name", .keep = true };

static bool
try_register(struct world *w)
{
    w->made = gcw_exit_register(w->registry, w->method, NULL);
    return w->made != NULL;
}

static bool
try_register_with_name(struct world *w)
{
    w->made = gcw_exit_register(w->registry, w->method, &with_name);
    return w->made != NULL;
}

static bool
try_register_fn(struct world *w)
{
    w->made = gcw_exit_register_fn(w->registry, called, w->calls, NULL);
    return w->made != NULL;
}

static bool
try_register_fn_with_name(struct world *w)
{
    w->made = gcw_exit_register_fn(w->registry, called, w->calls, &with_name);
    return w->made != NULL;
}

/* The handler that was there before, and the new one. */
static void
check_handler(struct world *w)
{
    assert_int_equal(gcw_exit_run(w->registry, 0), 0);
    assert_int_equal(*w->calls, 2);
}

/* More functions than the array has room for, once that is small again. */
enum { MORE_THAN_FIT = 300 };

static void
with_small_array(struct world *w)
{
    (void)w;
    gcw__exit_shrink(gcw_exit_default());
}

static bool
try_atexit(struct world *w)
{
    (void)w;
    size_t n = 0;
    while (n < MORE_THAN_FIT && gcw_atexit(called_at_exit) == 0)
        n++;
    bool all = n == MORE_THAN_FIT;
    for (n -= all; n > 0; n--)
        assert_int_equal(gcw_atexit_cancel(called_at_exit), 0);
    return all;
}

static void
check_atexit(struct world *w)
{
    (void)w;
    assert_int_equal(gcw_atexit_cancel(called_at_exit), 0);
    assert_int_equal(gcw_atexit_cancel(called_at_exit), -1);
}

static bool
try_fd(struct world *w)
{
    (void)w;
    return gcw_drain_fd() >= 0;
}

static bool
try_worker(struct world *w)
{
    (void)w;
    return gcw_drain_thread(true) == 0;
}

static void
check_worker(struct world *w)
{
    (void)w;
    assert_int_equal(gcw_drain_thread(false), 0);
}

/* Events.  That of the n-th repetition has n listeners, so the new one comes
 * upon arrays with room and upon such without. */

static void
connect_to_event(struct world *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_non_null(gcw_event_connect_fn(w->event, hear, &tags[i], 0));
    w->listeners += n;
}

static void
with_event(struct world *w)
{
    w->event = gcw_event_new(NULL);
    assert_non_null(w->event);
    connect_to_event(w, w->number);
}

static void
with_event_and_method(struct world *w)
{
    with_event(w);
    with_method(w);
}

static void
with_event_and_weak_method(struct world *w)
{
    with_event(w);
    with_weak_method(w);
}

/* The method and the function are connected, each twice. */
static void
with_event_of_equals(struct world *w)
{
    with_event_and_method(w);
    for (int i = 0; i < 2; i++) {
        assert_non_null(gcw_event_connect(w->event, w->method, 0));
        assert_non_null(gcw_event_connect_fn(w->event, overhear, NULL, 0));
    }
    w->listeners += 4;
}

static void
with_very_many(struct world *w)
{
    with_event_of_equals(w);
    connect_to_event(w, VERY_MANY);
}

static bool
try_event(struct world *w)
{
    return (w->made = gcw_event_new(NULL)) != NULL;
}

static bool
try_event_with_name(struct world *w)
{
    return (w->made = gcw_event_new("a name")) != NULL;
}

static void
check_event(struct world *w)
{
    assert_int_equal(gcw_event_count(w->made), 0);
    assert_non_null(gcw_event_connect_fn(w->made, hear, NULL, 0));
    assert_int_equal(gcw_event_emit(w->made, NULL), 1);
    assert_int_equal(calls, 1);
}

static bool
try_connect(struct world *w)
{
    return (w->made = gcw_event_connect(w->event, w->method, 0)) != NULL;
}

static bool
try_connect_in_front(struct world *w)
{
    w->made = gcw_event_connect(w->event, w->method, GCW_FRONT);
    return w->made != NULL;
}

static bool
try_connect_unique(struct world *w)
{
    w->made = gcw_event_connect(w->event, w->method, GCW_UNIQUE);
    return w->made != NULL;
}

static bool
try_connect_fn(struct world *w)
{
    w->made = gcw_event_connect_fn(w->event, overhear, NULL, 0);
    return w->made != NULL;
}

/* With the new one there are n, and it is called until it is disconnected. */
static void
check_listener_of(struct world *w, size_t n)
{
    assert_int_equal(gcw_event_count(w->event), n);
    assert_int_equal(gcw_event_emit(w->event, NULL), n);
    assert_int_equal(calls, n);
    assert_true(gcw_listener_disconnect(w->made));
    assert_int_equal(gcw_event_emit(w->event, NULL), n - 1);
    assert_int_equal(calls, n + n - 1);
}

static void
check_listener(struct world *w)
{
    check_listener_of(w, w->listeners + 1);
}

/* The same, until its weak data dies. */
static void
check_weak_listener(struct world *w)
{
    size_t n = w->listeners + 1;
    assert_int_equal(gcw_event_emit(w->event, NULL), n);
    assert_int_equal(calls, n);
    assert_int_equal(gcw_dispose(w->data), 0);
    assert_int_equal(gcw_event_count(w->event), n - 1);
    assert_int_equal(gcw_event_emit(w->event, NULL), n - 1);
    assert_int_equal(calls, n + n - 1);
}

static void
check_unique(struct world *w)
{
    void *made = w->made;
    assert_true(try_connect_unique(w));
    assert_ptr_equal(w->made, made);
    check_listener(w);
}

/* One that was there already. */
static void
check_equal(struct world *w)
{
    check_listener_of(w, w->listeners);
}

static bool
try_disconnect(struct world *w)
{
    return gcw_event_disconnect(w->event, w->method) == 2;
}

static bool
try_disconnect_fn(struct world *w)
{
    return gcw_event_disconnect_fn(w->event, overhear, NULL) == 2;
}

/* Of the two pairs one is gone, and nobody else. */
static void
check_disconnected(struct world *w)
{
    size_t n = w->listeners - 2;
    assert_int_equal(gcw_event_count(w->event), n);
    assert_int_equal(gcw_event_emit(w->event, NULL), n);
    assert_int_equal(calls, n);
    assert_true(try_disconnect(w) != try_disconnect_fn(w));
}

/* Hubs.  That of the n-th repetition has n listeners: each to a type of its
 * own, or all to what the new one is connected to. */

static void
with_hub(struct world *w)
{
    w->hub = gcw_hub_new();
    assert_non_null(w->hub);
}

static void
with_types(struct world *w)
{
    char type[32];
    with_hub(w);
    with_method(w);
    for (size_t i = 0; i < w->number; i++) {
        snprintf(type, sizeof type, "type %zu", i);
        assert_non_null(gcw_hub_connect_fn(w->hub, type, NULL, hear_hub,
                                           NULL, 0));
    }
}

static void
with_types_and_weak_method(struct world *w)
{
    with_types(w);
    with_weak_method(w);
}

/* Listeners with the tags from `first` on, n of them. */
static void
connect_to_hub(struct world *w, const char *type, void *source, size_t first,
               size_t n)
{
    for (size_t i = first; i < first + n; i++)
        assert_non_null(gcw_hub_connect_fn(w->hub, type, source, hear_hub,
                                           &tags[i], 0));
}

static void
with_pattern(struct world *w)
{
    with_hub(w);
    with_method(w);
    connect_to_hub(w, "news", w->data, 0, w->number);
    w->listeners = w->number;
}

/* So many in two patterns that an emission needs memory; with a third pattern
 * for one of them. */
static void
with_patterns(struct world *w)
{
    with_hub(w);
    connect_to_hub(w, "news", w->data, 0, 20);
    connect_to_hub(w, NULL, NULL, 20, 20);
    connect_to_hub(w, NULL, w->data, 0, 1);
    w->listeners = 40;
}

/* The first that is posted needs memory, the second does not. */
static void
with_patterns_and_posts(struct world *w)
{
    with_patterns(w);
    assert_int_equal(gcw_hub_post(w->hub, "news", w->data, NULL), 0);
    assert_int_equal(gcw_hub_post(w->hub, NULL, NULL, NULL), 0);
}

static bool
try_hub(struct world *w)
{
    return (w->made = gcw_hub_new()) != NULL;
}

static void
check_hub(struct world *w)
{
    assert_non_null(gcw_hub_connect_fn(w->made, "news", w->data, hear_hub,
                                       NULL, 0));
    assert_int_equal(gcw_hub_emit(w->made, "news", w->data, NULL), 1);
    assert_int_equal(calls, 1);
}

static bool
try_hub_connect(struct world *w)
{
    w->made = gcw_hub_connect(w->hub, "news", w->data, w->method, 0);
    return w->made != NULL;
}

static bool
try_hub_connect_to_inside(struct world *w)
{
    w->made = gcw_hub_connect(w->hub, "news", &w->data->number, w->method, 0);
    return w->made != NULL;
}

static bool
try_hub_connect_to_type(struct world *w)
{
    w->made = gcw_hub_connect(w->hub, "news", NULL, w->method, 0);
    return w->made != NULL;
}

static bool
try_hub_connect_to_source(struct world *w)
{
    w->made = gcw_hub_connect(w->hub, NULL, w->data, w->method, 0);
    return w->made != NULL;
}

static bool
try_hub_connect_to_all(struct world *w)
{
    w->made = gcw_hub_connect(w->hub, NULL, NULL, w->method, 0);
    return w->made != NULL;
}

static bool
try_hub_connect_in_front(struct world *w)
{
    w->made = gcw_hub_connect(w->hub, "news", w->data, w->method, GCW_FRONT);
    return w->made != NULL;
}

static bool
try_hub_connect_fn(struct world *w)
{
    w->made = gcw_hub_connect_fn(w->hub, "news", w->data, hear_hub, NULL, 0);
    return w->made != NULL;
}

/* The new one is called, with those that were there, until it is
 * disconnected. */
static void
check_hub_listener_at(struct world *w, void *source)
{
    size_t n = w->listeners + 1;
    assert_int_equal(gcw_hub_emit(w->hub, "news", source, NULL), n);
    assert_int_equal(calls, n);
    assert_true(gcw_listener_disconnect(w->made));
    assert_int_equal(gcw_hub_emit(w->hub, "news", source, NULL), n - 1);
    assert_int_equal(calls, n + n - 1);
}

static void
check_hub_listener(struct world *w)
{
    check_hub_listener_at(w, w->data);
}

static void
check_hub_listener_inside(struct world *w)
{
    check_hub_listener_at(w, &w->data->number);
}

/* It goes when `data`, its source or its weak data, dies. */
static void
check_hub_listener_dies(struct world *w)
{
    gcw_hub_size before, after;
    assert_int_equal(gcw_hub_measure(w->hub, &before), 0);
    assert_true(gcw_listener_connected(w->made));
    assert_int_equal(gcw_dispose(w->data), 0);
    assert_false(gcw_listener_connected(w->made));
    assert_int_equal(gcw_hub_measure(w->hub, &after), 0);
    assert_int_equal(after.patterns, before.patterns - 1);
    assert_int_equal(gcw_hub_emit(w->hub, "news", NULL, NULL), 0);
}

static bool
try_hub_emit(struct world *w)
{
    return gcw_hub_emit(w->hub, "news", w->data, NULL) != 0;
}

static void
check_hub_emitted(struct world *w)
{
    assert_int_equal(calls, w->listeners);
}

/* The sum of steps. */
static bool
try_hub_steps(struct world *w)
{
    gcw_hub_step step;
    bool on;
    for (on = gcw_hub_first(w->hub, "news", w->data, NULL, &step); on;
         on = gcw_hub_next(&step))
        gcw_call_invoke(&step.call);
    return calls != 0;
}

static bool
try_hub_step(struct world *w)
{
    gcw_hub_step step;
    return gcw_hub_first(w->hub, NULL, NULL, NULL, &step)
           && gcw_hub_next(&step);
}

static bool
try_dispatch_steps(struct world *w)
{
    gcw_hub_step step;
    bool on;
    for (on = gcw_hub_dispatch_first(w->hub, 0, &step); on;
         on = gcw_hub_dispatch_next(&step))
        gcw_call_invoke(&step.call);
    return step.made == 2;
}

static bool
try_hub_post(struct world *w)
{
    return gcw_hub_post(w->hub, "news", w->data, NULL) == 0;
}

static void
check_hub_posted(struct world *w)
{
    assert_int_equal(gcw_hub_dispatch(w->hub, 0), 1);
    assert_int_equal(calls, w->listeners);
}

static bool
try_hub_dispatch(struct world *w)
{
    return gcw_hub_dispatch(w->hub, 0) == 2;
}

static void
check_hub_dispatched(struct world *w)
{
    assert_int_equal(calls, w->listeners + 20);
    assert_int_equal(gcw_hub_dispatch(w->hub, 0), 0);
}

static bool
try_hub_fd(struct world *w)
{
    return gcw_hub_fd(w->hub) >= 0;
}

static void
check_hub_fd(struct world *w)
{
    struct pollfd p = { .fd = gcw_hub_fd(w->hub), .events = POLLIN };
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(gcw_hub_post(w->hub, NULL, NULL, NULL), 0);
    assert_int_equal(poll(&p, 1, 0), 1);
}

/* Proxies.  The signature of each repetition is a new one, or the same. */
#if HAVE_LIBFFI

static size_t
proxied(struct target *self)
{
    return self->number;
}

static bool
try_proxy_of(struct world *w, const char *signature)
{
    w->made = gcw_proxy_new(w->target, (void (*)(void))proxied, signature);
    return w->made != NULL;
}

static bool
try_proxy(struct world *w)
{
    char signature[64];
    snprintf(signature, sizeof signature, "{ic[%zu]{dd}}iiiiiiiiiiiiiiiii)J",
             w->number + 1);
    return try_proxy_of(w, signature);
}

static bool
try_simple_proxy(struct world *w)
{
    return try_proxy_of(w, ")J");
}

static void
with_simple_proxy(struct world *w)
{
    assert_true(try_simple_proxy(w));
    w->proxy = w->made;
}

static bool
try_signature(struct world *w)
{
    (void)w;
    return gcw_signature_check("{ic[8]d}iiiiiiiiiiiiiiiii)J", NULL) == 0;
}

static void
told_stale(gcw_proxy *p, void *data)
{
    (void)p;
    called(data);
}

/* Every other one stays, so that there are ever more signatures in use. */
static void
check_proxy(struct world *w)
{
    assert_int_equal(gcw_proxy_on_stale(w->made, told_stale, w->calls), 0);
    assert_int_equal(gcw_dispose(w->target), 0);
    if (w->number % 2 == 0)
        return;
    assert_int_equal(gcw_proxy_free(w->made), 0);
    assert_int_equal(gcw_proxy_free(w->made), -1);
}

static void
check_simple_proxy(struct world *w)
{
    size_t (*code)(void) = (size_t (*)(void))gcw_proxy_code(w->made);
    assert_int_equal(code(), w->target->number);
    assert_int_equal(gcw_proxy_on_stale(w->made, told_stale, w->calls), 0);
    assert_int_equal(gcw_dispose(w->target), 0);
    assert_int_equal(code(), 0);
    assert_int_equal(*w->calls, 1);
    assert_int_equal(gcw_proxy_free(w->made), 0);
    if (w->proxy != NULL)
        assert_int_equal(gcw_proxy_free(w->proxy), 0);
}

#endif

/* --- the operations on what is there; most of them take no memory --- */

static bool
try_init(struct world *w)
{
    (void)w;
    return gcw_init() == 0;
}

static bool
try_version(struct world *w)
{
    (void)w;
    return gcw_version() != NULL;
}

static bool
try_version_number(struct world *w)
{
    (void)w;
    return gcw_version_number() == GCW_VERSION;
}

static bool
try_version_check(struct world *w)
{
    (void)w;
    return gcw_version_check(GCW_VERSION) == 0;
}

static void
check_one_call(struct world *w)
{
    assert_int_equal(*w->calls, 1);
}

static void
fail_to_hear(void *arg, void *data)
{
    (void)arg, (void)data;
    gcw_fail("as it should");
}

static void
hear_of_failure(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)name, (void)why;
    called(data);
}

static void
with_failing_listener(struct world *w)
{
    with_event(w);
    assert_int_equal(gcw_event_on_error(w->event, hear_of_failure, w->calls),
                     0);
    assert_non_null(gcw_event_connect_fn(w->event, fail_to_hear, NULL, 0));
    w->listeners++;
}

/* A handler whose code lies in the collector's shared object. */
static void
with_foreign_handler(struct world *w)
{
    with_registry(w);
    w->handle = gcw_exit_register_fn(w->registry, GC_free, NULL, NULL);
    assert_non_null(w->handle);
}

static bool
try_unloading(struct world *w)
{
    (void)w;
    gcw_object_unloading((void (*)(void))dlsym(RTLD_DEFAULT, "GC_free"));
    return true;
}

static void
check_unloaded(struct world *w)
{
    assert_int_equal(gcw_exit_unregister(w->handle), GCW_GONE);
    assert_int_equal(gcw_exit_run(w->registry, 0), 0);
    assert_int_equal(*w->calls, 1);
}

static void
with_ref(struct world *w)
{
    w->handle = gcw_ref_new(w->target);
    assert_non_null(w->handle);
}

static bool
try_ref_get(struct world *w)
{
    return gcw_ref_get(w->handle) == w->target;
}

static bool
try_ref_id(struct world *w)
{
    return gcw_ref_id(w->handle) != 0;
}

static bool
try_ref_find(struct world *w)
{
    return gcw_ref_find(w->target) == w->handle
           && gcw_ref_find(w->data) == NULL;
}

static void
check_ref_handle(struct world *w)
{
    w->made = w->handle;
    check_ref(w);
}

static void
with_cleanup(struct world *w)
{
    w->handle = gcw_cleanup_new(w->target, called, w->calls);
    assert_non_null(w->handle);
}

static void
with_queue(struct world *w)
{
    w->queue = gcw_queue_new("queue");
    assert_non_null(w->queue);
}

static void
with_queue_and_method(struct world *w)
{
    with_queue(w);
    with_method(w);
}

static bool
try_queue(struct world *w)
{
    return (w->made = gcw_queue_new("queue")) != NULL;
}

static void
check_queue(struct world *w)
{
    assert_non_null(gcw_cleanup_new_in(w->made, w->target, called, w->calls));
    assert_int_equal(gcw_dispose(w->target), 0);
    assert_int_equal(gcw_queue_drain(w->made, 0), 1);
    assert_int_equal(*w->calls, 1);
}

static bool
try_cleanup_in(struct world *w)
{
    return (w->made = gcw_cleanup_new_in(w->queue, w->target, called, w->calls))
           != NULL;
}

static bool
try_on_death_in(struct world *w)
{
    return (w->made = gcw_method_on_death_in(w->queue, w->method, told,
                                             w->calls)) != NULL;
}

static void
check_queued(struct world *w)
{
    assert_true(gcw_cleanup_alive(w->made));
    assert_int_equal(gcw_dispose(w->target), 0);
    assert_int_equal(gcw_drain(0), 0);
    assert_int_equal(gcw_queue_drain(w->queue, 0), 1);
    assert_int_equal(*w->calls, 1);
}

static void
with_pending_in_queue(struct world *w)
{
    with_queue(w);
    assert_true(try_cleanup_in(w));
    assert_int_equal(gcw_dispose(w->target), 0);
}

static bool
try_queue_default(struct world *w)
{
    return (w->made = gcw_queue_default()) != NULL;
}

static bool
try_queue_drain(struct world *w)
{
    return gcw_queue_drain(w->queue, 0) == 1;
}

static bool
try_queue_next(struct world *w)
{
    gcw_call call;

    if (!gcw_queue_next(w->queue, &call))
        return false;
    gcw_call_invoke(&call);
    return true;
}

static bool
try_queue_fd(struct world *w)
{
    return gcw_queue_fd(w->queue) >= 0;
}

static void
check_queue_fd(struct world *w)
{
    struct pollfd p = { .fd = gcw_queue_fd(w->queue), .events = POLLIN };

    assert_int_equal(poll(&p, 1, 0), 1);
    assert_int_equal(gcw_queue_drain(w->queue, 0), 1);
    assert_int_equal(gcw_dispose(w->queue), 0);
}

static bool
try_queue_wait(struct world *w)
{
    return gcw_queue_wait(w->queue, -1) == 1;
}

static bool
try_queue_on_error(struct world *w)
{
    return gcw_queue_on_error(w->queue, NULL, NULL) == 0;
}

/* A cleanup for which no finalizer could be registered.  Returns how many were
 * tried. */
static size_t
fail_silently(struct world *w)
{
    failing_begin_only("GC_register_finalizer_no_order");
    gcw_cleanup *c = gcw_cleanup_new(w->data, called, w->calls);
    size_t tried = failing_end();
    assert_true(gcw_cleanup_detach(c));
    return tried;
}

/* The library notices, or it would not try again at once.  There is a reference
 * already. */
static void
with_silent_failures(struct world *w)
{
    assert_non_null(gcw_ref_new(target_new(0)));
    size_t first = fail_silently(w);
    assert_int_equal(fail_silently(w), first);
}

static void
with_pending(struct world *w)
{
    with_cleanup(w);
    assert_int_equal(gcw_dispose(w->target), 0);
}

/* With one of each that depends on the target. */
static void
with_all_that_is_weak(struct world *w)
{
    with_event_and_method(w);
    with_registry(w);
    with_cleanup(w);
    assert_non_null(gcw_event_connect(w->event, w->method, 0));
    assert_non_null(gcw_exit_register(w->registry, w->method, NULL));
}

static bool
try_dispose(struct world *w)
{
    return gcw_dispose(w->target) == 0;
}

static void
check_disposed(struct world *w)
{
    assert_false(gcw_method_alive(w->method));
    assert_int_equal(gcw_event_emit(w->event, NULL), w->listeners);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(gcw_exit_run(w->registry, 0), 0);
    assert_int_equal(*w->calls, w->listeners + 2);
}

static bool
try_method_alive(struct world *w)
{
    return gcw_method_alive(w->method);
}

static bool
try_method_bind(struct world *w)
{
    return gcw_method_bind(w->method, &w->bound);
}

static void
check_bound(struct world *w)
{
    assert_ptr_equal(w->bound.self, w->target);
    assert_ptr_equal(w->bound.data, w->calls);
}

static void
with_bound(struct world *w)
{
    with_method(w);
    assert_true(try_method_bind(w));
}

static bool
try_bound_call(struct world *w)
{
    return gcw_bound_call(&w->bound, NULL) == NULL;
}

static bool
try_method_equal(struct world *w)
{
    return gcw_method_equal(w->method, w->method)
           && !gcw_method_equal(w->method, NULL);
}

static bool
try_method_hash(struct world *w)
{
    return gcw_method_hash(w->method) != gcw_method_hash(NULL);
}

static bool
try_method_invoke(struct world *w)
{
    return gcw_method_invoke(w->method, NULL, NULL) == 0;
}

static bool
try_cleanup_alive(struct world *w)
{
    return gcw_cleanup_alive(w->handle);
}

static bool
try_cleanup_peek(struct world *w)
{
    return gcw_cleanup_peek(w->handle) == w->target;
}

static bool
try_cleanup_atexit(struct world *w)
{
    return gcw_cleanup_atexit(w->handle);
}

static bool
try_cleanup_set_atexit(struct world *w)
{
    return gcw_cleanup_set_atexit(w->handle, false) == 0
           && !gcw_cleanup_atexit(w->handle);
}

static void
check_armed(struct world *w)
{
    w->made = w->handle;
    check_cleanup(w);
}

static bool
try_cleanup_run(struct world *w)
{
    return gcw_cleanup_run(w->handle);
}

static bool
try_cleanup_detach(struct world *w)
{
    return gcw_cleanup_detach(w->handle);
}

static void
check_detached(struct world *w)
{
    assert_int_equal(gcw_dispose(w->target), 0);
    assert_int_equal(gcw_drain(0), 0);
    assert_int_equal(*w->calls, 0);
}

static bool
try_drain(struct world *w)
{
    (void)w;
    return gcw_drain(0) == 1;
}

static bool
try_drain_next(struct world *w)
{
    gcw_call call;
    (void)w;
    if (!gcw_drain_next(&call))
        return false;
    gcw_call_invoke(&call);
    return true;
}

static bool
try_call_failed(struct world *w)
{
    gcw_call call;
    (void)w;
    return gcw_drain_next(&call) && gcw_call_failed(&call, NULL) == 0;
}

static bool
try_drain_wait(struct world *w)
{
    (void)w;
    return gcw_drain_wait(-1) == 1;
}

static void
check_waited(struct world *w)
{
    assert_int_equal(gcw_drain(0), 1);
    check_one_call(w);
}

static bool
try_thread_hooks(struct world *w)
{
    (void)w;
    return gcw_drain_thread_hooks(called, NULL, &calls) == 0
           && gcw_drain_thread_hooks(NULL, NULL, NULL) == 0;
}

static bool
try_collect(struct world *w)
{
    (void)w;
    return gcw_collect() == 1;
}

static bool
try_drain_on_error(struct world *w)
{
    return gcw_drain_on_error(hear_of_failure, w->calls) == 0;
}

static void
fail_to_clean_up(void *data)
{
    (void)data;
    gcw_fail("as it should");
}

static void
check_drain_on_error(struct world *w)
{
    gcw_cleanup *c = gcw_cleanup_new(w->target, fail_to_clean_up, NULL);
    assert_true(gcw_cleanup_run(c));
    assert_int_equal(*w->calls, 1);
    assert_int_equal(gcw_drain_on_error(NULL, NULL), 0);
}

static void
with_worker(struct world *w)
{
    assert_true(try_worker(w));
}

static bool
try_worker_stop(struct world *w)
{
    (void)w;
    return gcw_drain_thread(false) == 0;
}

static void
with_event_and_listener(struct world *w)
{
    with_event_and_method(w);
    w->handle = gcw_event_connect(w->event, w->method, 0);
    assert_non_null(w->handle);
    w->listeners++;
}

static void
with_event_and_blocked(struct world *w)
{
    with_event_and_listener(w);
    gcw_listener_block(w->handle);
}

static bool
try_listener_name(struct world *w)
{
    return gcw_listener_set_name(w->handle, "the listener") == 0;
}

static void
check_listener_name(struct world *w)
{
    assert_string_equal(gcw_listener_name(w->handle), "the listener");
}

static bool
try_listener_asked(struct world *w)
{
    return gcw_listener_name(w->handle) == NULL;
}

static bool
try_cleanup_name(struct world *w)
{
    return gcw_cleanup_set_name(w->handle, "the cleanup") == 0;
}

static void
check_cleanup_name(struct world *w)
{
    assert_string_equal(gcw_cleanup_name(w->handle), "the cleanup");
    check_armed(w);
}

static bool
try_cleanup_asked(struct world *w)
{
    return gcw_cleanup_name(w->handle) == NULL;
}

/* So many that the table must grow at times. */
static bool
try_name_function(struct world *w)
{
    static uintptr_t code = 4096;

    (void)w;
    if (gcw_name_function((void (*)(void))code, "it") != 0)
        return false;
    code++;
    return true;
}

static bool
try_emit(struct world *w)
{
    return gcw_event_emit(w->event, NULL) == w->listeners;
}

static void
check_emitted(struct world *w)
{
    assert_int_equal(calls, w->listeners);
}

static bool
try_event_steps(struct world *w)
{
    gcw_event_step step;
    bool on;
    for (on = gcw_event_first(w->event, NULL, &step); on;
         on = gcw_event_next(&step))
        gcw_call_invoke(&step.call);
    return true;
}

static void
say_so(void *arg, void *data)
{
    (void)arg, (void)data;
    assert_int_equal(gcw_failed("as it should"), 0);
}

static void
with_telling_listener(struct world *w)
{
    with_event(w);
    assert_int_equal(gcw_event_on_error(w->event, hear_of_failure, w->calls),
                     0);
    assert_non_null(gcw_event_connect_fn(w->event, say_so, NULL, 0));
    w->listeners++;
}

static bool
try_event_count(struct world *w)
{
    return gcw_event_count(w->event) == w->listeners;
}

static bool
try_event_on_error(struct world *w)
{
    return gcw_event_on_error(w->event, hear_of_failure, NULL) == 0;
}

static bool
try_connected(struct world *w)
{
    return gcw_listener_connected(w->handle);
}

static bool
try_block(struct world *w)
{
    gcw_listener_block(w->handle);
    return errno == 0;
}

static void
check_blocked(struct world *w)
{
    assert_int_equal(gcw_event_emit(w->event, NULL), w->listeners - 1);
    assert_int_equal(gcw_event_count(w->event), w->listeners);
}

static bool
try_blocked(struct world *w)
{
    return !gcw_listener_blocked(w->handle);
}

static bool
try_event_block(struct world *w)
{
    gcw_event_block(w->event);
    return errno == 0;
}

static void
check_muted(struct world *w)
{
    assert_int_equal(gcw_event_emit(w->event, NULL), 0);
    assert_int_equal(gcw_event_count(w->event), w->listeners);
}

static bool
try_event_unblock(struct world *w)
{
    gcw_event_block(w->event);
    gcw_event_unblock(w->event);
    return errno == 0 && try_emit(w);
}

static bool
try_has_listeners(struct world *w)
{
    return gcw_event_has_listeners(w->event);
}

static bool
try_event_list(struct world *w)
{
    gcw_listener_entry entries[4];
    return gcw_event_list(w->event, entries, 4) == w->listeners;
}

static bool
try_hub_block(struct world *w)
{
    gcw_hub_block(w->hub);
    bool muted = !gcw_hub_has_listeners(w->hub, "news", w->data);
    gcw_hub_unblock(w->hub);
    return errno == 0 && muted;
}

static bool
try_hub_has_listeners(struct world *w)
{
    return gcw_hub_has_listeners(w->hub, "news", w->data)
           == (w->listeners > 0);
}

static bool
try_hub_list(struct world *w)
{
    gcw_listener_entry entries[4];
    return gcw_hub_list(w->hub, NULL, NULL, entries, 4) == w->listeners + 1;
}

/* Nobody behind it hears. */
static void
stop_here(void *arg, void *data)
{
    hear(arg, data);
    assert_non_null(gcw_listener_current());
    assert_int_equal(gcw_emission_stop(), 0);
}

static void
with_stopping_listener(struct world *w)
{
    with_event_and_method(w);
    assert_non_null(gcw_event_connect_fn(w->event, stop_here, NULL,
                                         GCW_FRONT));
}

static bool
try_stopped(struct world *w)
{
    return gcw_event_emit(w->event, NULL) == 1;
}

static bool
try_unblock(struct world *w)
{
    gcw_listener_unblock(w->handle);
    return errno == 0;
}

static void
check_unblocked(struct world *w)
{
    assert_int_equal(gcw_event_emit(w->event, NULL), w->listeners);
}

/* So many that what is kept for them becomes smaller when all go. */
enum { CROWD = 300 };

static void
with_event_and_crowd(struct world *w)
{
    void **crowd = keep_array(CROWD);
    with_event(w);
    for (size_t i = 0; i < CROWD; i++)
        crowd[i] = gcw_event_connect_fn(w->event, overhear, &tags[i], 0);
    w->listeners += CROWD;
    w->handle = crowd;
}

static bool
try_listener_disconnect(struct world *w)
{
    void **crowd = w->handle;
    for (size_t i = 0; i < CROWD; i++)
        if (!gcw_listener_disconnect(crowd[i]))
            return false;
    return true;
}

static void
check_without_crowd(struct world *w)
{
    GC_FREE(w->handle);
    assert_int_equal(gcw_event_count(w->event), w->listeners - CROWD);
    assert_int_equal(gcw_event_emit(w->event, NULL), w->listeners - CROWD);
}

/* Each has a type of its own. */
static const char *
crowd_type(size_t i)
{
    static char type[32];
    snprintf(type, sizeof type, "crowd %zu", i);
    return type;
}

static void
with_crowd_of_methods(struct world *w)
{
    with_pattern(w);
    for (size_t i = 0; i < CROWD; i++)
        assert_non_null(gcw_hub_connect(w->hub, crowd_type(i), NULL,
                                        w->method, 0));
}

/* The object of the method has as many listeners. */
static void
with_event_and_crowd_of_one(struct world *w)
{
    with_event_and_method(w);
    for (size_t i = 0; i < CROWD; i++)
        assert_non_null(gcw_event_connect(w->event, w->method, 0));
}

static void
check_others_left(struct world *w)
{
    assert_int_equal(gcw_event_count(w->event), w->listeners);
    assert_int_equal(gcw_event_emit(w->event, NULL), w->listeners);
}

static bool
try_event_disconnect_object(struct world *w)
{
    return gcw_event_disconnect_object(w->event, w->target) == CROWD;
}

static bool
try_disconnect_object(struct world *w)
{
    return gcw_disconnect_object(w->target) == CROWD;
}

static bool
try_hub_disconnect_object(struct world *w)
{
    return gcw_hub_disconnect_object(w->hub, w->target) == CROWD;
}

static void
with_pattern_of_some(struct world *w)
{
    with_pattern(w);
    assert_non_null(gcw_hub_connect(w->hub, NULL, NULL, w->method, 0));
}

static void
with_crowd_of_functions(struct world *w)
{
    with_pattern(w);
    for (size_t i = 0; i < CROWD; i++)
        assert_non_null(gcw_hub_connect_fn(w->hub, crowd_type(i), NULL,
                                           hear_hub, NULL, 0));
}

static bool
try_hub_disconnect(struct world *w)
{
    for (size_t i = 0; i < CROWD; i++)
        if (!gcw_hub_disconnect(w->hub, crowd_type(i), NULL, w->method))
            return false;
    return true;
}

static bool
try_hub_disconnect_fn(struct world *w)
{
    for (size_t i = 0; i < CROWD; i++)
        if (!gcw_hub_disconnect_fn(w->hub, crowd_type(i), NULL, hear_hub,
                                   NULL))
            return false;
    return true;
}

static void
check_hub_without_crowd(struct world *w)
{
    gcw_hub_size size;
    assert_int_equal(gcw_hub_emit(w->hub, crowd_type(0), NULL, NULL), 0);
    assert_int_equal(gcw_hub_measure(w->hub, &size), 0);
    assert_int_equal(size.listeners, w->listeners);
    assert_int_equal(size.types, w->listeners > 0);
}

static bool
try_hub_on_error(struct world *w)
{
    return gcw_hub_on_error(w->hub, hear_of_failure, NULL) == 0;
}

static bool
try_hub_measure(struct world *w)
{
    gcw_hub_size size;
    return gcw_hub_measure(w->hub, &size) == 0
           && size.listeners == w->listeners;
}

static bool
try_exit_default(struct world *w)
{
    (void)w;
    return gcw_exit_default() != NULL;
}

static bool
try_exit_run(struct world *w)
{
    return gcw_exit_run(w->registry, 0) == 0;
}

static bool
try_exit_steps(struct world *w)
{
    gcw_exit_step step;
    bool on;
    for (on = gcw_exit_first(w->registry, 0, &step); on;
         on = gcw_exit_next(&step))
        gcw_call_invoke(&step.call);
    return true;
}

static bool
try_exit_id(struct world *w)
{
    gcw_exit_handler *h = gcw_exit_register_fn(w->registry, called, &calls,
                                               NULL);
    uint64_t id;
    if (h == NULL)
        return false;
    id = gcw_exit_id(h);
    if (id == 0)
        assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
    else
        assert_int_equal(gcw_exit_unregister_id(id), GCW_REMOVED);
    return id != 0;
}

static bool
try_atexit_data(struct world *w)
{
    uint64_t ids[MORE_THAN_FIT];
    size_t n = 0;
    while (n < MORE_THAN_FIT
           && (ids[n] = gcw_atexit_data(called, w->calls)) != 0)
        n++;
    bool all = n == MORE_THAN_FIT;
    while (n-- > 0)
        assert_int_equal(gcw_exit_unregister_id(ids[n]), GCW_REMOVED);
    return all;
}

/* A registry with a handler, and many of one method. */
static void
with_registry_of_methods(struct world *w)
{
    with_registry_and_method(w);
    for (int i = 0; i < CROWD; i++)
        assert_non_null(gcw_exit_register(w->registry, w->method, NULL));
}

static bool
try_unregister_method(struct world *w)
{
    return gcw_exit_unregister_method(w->registry, w->method) == CROWD;
}

static bool
try_unregister_object(struct world *w)
{
    return gcw_exit_unregister_object(w->registry, w->target) == CROWD;
}

static bool
try_clear(struct world *w)
{
    gcw_exit_entry entries[4];
    return gcw_exit_list(w->registry, entries, 4) == CROWD + 1
           && gcw_exit_clear(w->registry) == CROWD + 1;
}

static bool
try_exit_limit(struct world *w)
{
    return gcw_exit_limit(w->registry, 1000) == 0
           && gcw_exit_limit_abort(w->registry, true) == 0
           && gcw_exit_current() == NULL;
}

static bool
try_exit_options(struct world *w)
{
    gcw_exit_options o = { .name = "a name" };
    (void)w;
    gcw_exit_options_init(&o);
    return o.name == NULL;
}

/* In a process of its own, which has to end well. */
static bool
try_shutdown(struct world *w)
{
    pid_t child = fork();
    int status;
    (void)w;
    assert_int_not_equal(child, -1);
    if (child == 0)
        _exit(gcw_shutdown(0) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* In the first repetition it begins to be taken, and a thread is made, unless
 * there is a descriptor. */
static bool
try_on_signal(struct world *w)
{
    (void)w;
    return gcw_exit_on_signal(SIGVTALRM, 0) == 0;
}

static void
with_signal(struct world *w)
{
    assert_true(try_on_signal(w));
}

static bool
try_off_signal(struct world *w)
{
    (void)w;
    return gcw_exit_off_signal(SIGVTALRM) == 0;
}

static void
check_signal(struct world *w)
{
    assert_true(try_off_signal(w));
    assert_false(try_off_signal(w));
    assert_int_equal(errno, ENOENT);
}

static bool
try_signal(struct world *w)
{
    (void)w;
    return gcw_exit_signal() == 0;
}

static bool
try_signal_fd(struct world *w)
{
    (void)w;
    return gcw_exit_signal_fd() >= 0;
}

/* In a process of its own, which has to die by it. */
static bool
try_by_signal(struct world *w)
{
    pid_t child = fork();
    int status;
    (void)w;
    assert_int_not_equal(child, -1);
    if (child == 0)
        gcw_exit_by_signal(SIGTERM);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
}

static bool
try_exit_on_error(struct world *w)
{
    return gcw_exit_on_error(w->registry, hear_of_failure, NULL) == 0;
}

static void
called_too(void *data)
{
    called(data);
}

/* With others of the same function as the first, which stay. */
static void
with_another_handler(struct world *w)
{
    with_registry(w);
    w->handle = gcw_exit_register_fn(w->registry, called_too, w->calls, NULL);
    assert_non_null(w->handle);
    for (size_t i = 0; i < w->number; i++)
        assert_non_null(gcw_exit_register_fn(w->registry, called, w->calls,
                                             NULL));
}

static bool
try_unregister(struct world *w)
{
    return gcw_exit_unregister(w->handle) == GCW_REMOVED;
}

static bool
try_unregister_fn(struct world *w)
{
    return gcw_exit_unregister_fn(w->registry, called_too) == 1;
}

static void
check_all_handlers(struct world *w)
{
    assert_int_equal(gcw_exit_run(w->registry, 0), 0);
    assert_int_equal(*w->calls, w->number + 3);
}

static void
check_other_handlers(struct world *w)
{
    assert_int_equal(gcw_exit_run(w->registry, 0), 0);
    assert_int_equal(*w->calls, w->number + 1);
}

static void
with_atexit(struct world *w)
{
    (void)w;
    assert_int_equal(gcw_atexit(called_at_exit), 0);
}

static bool
try_atexit_cancel(struct world *w)
{
    (void)w;
    return gcw_atexit_cancel(called_at_exit) == 0;
}

static void
check_canceled(struct world *w)
{
    assert_false(try_atexit_cancel(w));
    assert_int_equal(errno, ENOENT);
}

#if HAVE_LIBFFI

static bool
try_proxy_code(struct world *w)
{
    return gcw_proxy_code(w->proxy) != NULL;
}

static bool
try_proxy_on_stale(struct world *w)
{
    return gcw_proxy_on_stale(w->proxy, told_stale, w->calls) == 0;
}

static void
check_proxy_handle(struct world *w)
{
    w->made = w->proxy;
    w->proxy = NULL;
    check_simple_proxy(w);
}

static bool
try_proxy_free(struct world *w)
{
    return gcw_proxy_free(w->proxy) == 0;
}

#else

/* They all say that there are none. */
static bool
try_no_proxy(struct world *w)
{
    return gcw_proxy_new(w->target, (gcw_proxy_fn *)check_one_call, ")v")
               == NULL && errno == ENOTSUP
           && gcw_signature_check(")v", NULL) == -1 && errno == ENOTSUP
           && gcw_proxy_code(NULL) == NULL && errno == EINVAL
           && gcw_proxy_on_stale(NULL, NULL, NULL) == -1 && errno == EINVAL
           && gcw_proxy_free(NULL) == -1 && errno == EINVAL;
}

#endif

/* Looking inside.  What stdio takes for its own buffers is not ours. */

static FILE *nowhere;

static void
with_nowhere(struct world *w)
{
    with_ref(w);
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    assert_non_null(nowhere);
}

static bool
try_dump(struct world *w)
{
    (void)w;
    gcw_dump(nowhere);
    return ferror(nowhere) == 0;
}

static bool
try_stats(struct world *w)
{
    gcw_statistics s = { .size = sizeof s };

    (void)w;
    gcw_stats(&s);
    return s.references != 0;
}

static bool
try_explain(struct world *w)
{
    int length = gcw_explain(w->target, nowhere);

    if (length == 0)
        fail_msg("an object of the world was found to be held by nobody");
    return length > 0;
}

static const char *
name_nothing(const void *object, size_t size, void *data)
{
    (void)object;
    (void)size;
    return data;
}

static bool
try_explain_name(struct world *w)
{
    (void)w;
    return gcw_explain_name(name_nothing, NULL) == 0;
}

static void
hear_nothing(unsigned what, const char *line, void *data)
{
    (void)what, (void)line, (void)data;
}

static bool
try_tell_to(struct world *w)
{
    return gcw_tell_to(hear_nothing, w->target) == 0
           && gcw_tell_to(NULL, NULL) == 0;
}

static bool
try_tell(struct world *w)
{
    (void)w;
    return gcw_tell(GCW_TOLD_DRAIN, false) == 0;
}

/* Maps, whose tables grow with what is put in, and shrink. */

enum { KEYS = 100 };

static void
put_keys(struct world *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        w->keys[i] = target_new(i);
        assert_int_equal(gcw_map_put(w->map, w->keys[i], w->data), 0);
    }
}

/* Some are full. */
static void
with_map(struct world *w)
{
    w->map = gcw_map_new(GCW_WEAK_KEYS);
    assert_non_null(w->map);
    put_keys(w, w->number % KEYS);
}

static void
with_map_of_one(struct world *w)
{
    with_map(w);
    assert_int_equal(gcw_map_put(w->map, w->target, w->data), 0);
}

/* The search finds the map before the key, which is the last of a list. */
static void
with_entry_that_waits(struct world *w)
{
    struct target *key = target_new(1);

    with_nowhere(w);
    w->map = gcw_map_new(GCW_WEAK_KEYS);
    assert_int_equal(gcw_map_put(w->map, key, w->data), 0);
    for (size_t i = 0; i < 8; i++) {
        w->keys[0] = target_new(i);
        w->keys[0]->field = key;
        key = w->keys[0];
    }
}

static bool
try_explain_key(struct world *w)
{
    struct target *key = w->keys[0];

    while (key->field != NULL)
        key = key->field;
    return gcw_explain(key, nowhere) > 0;
}

/* When one more goes, it has less than a sixth of what it has room for. */
static void
with_sparse_map(struct world *w)
{
    enum { ROOM = 256 };

    w->map = gcw_map_new(GCW_WEAK_KEYS);
    assert_non_null(w->map);
    put_keys(w, KEYS);
    assert_int_equal(gcw_map_put(w->map, w->target, w->data), 0);
    for (size_t i = 0; (gcw_map_count(w->map) - 1) * 6 >= ROOM; i++)
        gcw_map_remove(w->map, w->keys[i]);
}

static bool
try_map(struct world *w)
{
    return (w->made = gcw_map_new(GCW_WEAK_VALUES)) != NULL;
}

static void
check_map(struct world *w)
{
    assert_int_equal(gcw_map_count(w->made), 0);
    assert_int_equal(gcw_map_put(w->made, w->target, w->data), 0);
    assert_ptr_equal(gcw_map_get(w->made, w->target), w->data);
}

static bool
try_map_put(struct world *w)
{
    return gcw_map_put(w->map, w->target, w->data) == 0;
}

static bool
try_map_setdefault(struct world *w)
{
    return gcw_map_setdefault(w->map, w->target, w->data) == w->data;
}

static bool
try_map_replace(struct world *w)
{
    return gcw_map_replace(w->map, w->target, w->data, w->data);
}

static void
check_map_of_one(struct world *w)
{
    assert_ptr_equal(gcw_map_get(w->map, w->target), w->data);
}

static bool
try_map_get(struct world *w)
{
    return gcw_map_get(w->map, w->target) == w->data;
}

static bool
try_map_count(struct world *w)
{
    return gcw_map_count(w->map) > 0;
}

static bool
try_map_remove(struct world *w)
{
    return gcw_map_remove(w->map, w->target) == w->data;
}

static void
check_removed(struct world *w)
{
    assert_null(gcw_map_get(w->map, w->target));
    assert_int_equal(gcw_map_put(w->map, w->target, w->data), 0);
    check_map_of_one(w);
}

static bool
try_map_first(struct world *w)
{
    gcw_map_iter i;

    gcw_map_first(w->map, &i);
    return i.map == w->map;
}

static bool
try_map_next(struct world *w)
{
    void *key, *value;
    gcw_map_iter i;

    gcw_map_first(w->map, &i);
    return gcw_map_next(&i, &key, &value);
}

/* Some are full. */
static void
with_set(struct world *w)
{
    w->set = gcw_set_new();
    assert_non_null(w->set);
    for (size_t i = 0; i < w->number % KEYS; i++) {
        w->keys[i] = target_new(i);
        assert_int_equal(gcw_set_add(w->set, w->keys[i]), 1);
    }
}

static void
with_set_of_one(struct world *w)
{
    with_set(w);
    assert_int_equal(gcw_set_add(w->set, w->target), 1);
}

static bool
try_set(struct world *w)
{
    return (w->made = gcw_set_new()) != NULL;
}

static void
check_set(struct world *w)
{
    assert_int_equal(gcw_set_count(w->made), 0);
    assert_int_equal(gcw_set_add(w->made, w->target), 1);
    assert_true(gcw_set_has(w->made, w->target));
}

static bool
try_set_add(struct world *w)
{
    return gcw_set_add(w->set, w->target) == 1;
}

static bool
try_set_has(struct world *w)
{
    return gcw_set_has(w->set, w->target);
}

static void
check_set_of_one(struct world *w)
{
    assert_true(try_set_has(w));
}

static bool
try_set_remove(struct world *w)
{
    return gcw_set_remove(w->set, w->target);
}

static bool
try_set_count(struct world *w)
{
    return gcw_set_count(w->set) > 0;
}

static bool
try_set_first(struct world *w)
{
    gcw_set_iter i;

    gcw_set_first(w->set, &i);
    return i.entries.map != NULL;
}

static bool
try_set_next(struct world *w)
{
    gcw_set_iter i;
    void *member;

    gcw_set_first(w->set, &i);
    return gcw_set_next(&i, &member);
}

/* All are of one object. */
static void
with_methods(struct world *w)
{
    with_method(w);
    w->methods = gcw_method_set_new();
    assert_non_null(w->methods);
    for (size_t i = 0; i < w->number % KEYS; i++) {
        w->keys[i] = target_new(i);
        assert_int_equal(gcw_method_set_add(
            w->methods, gcw_method_new(w->target, act, w->keys[i])), 1);
    }
}

static void
with_methods_and_one(struct world *w)
{
    with_methods(w);
    assert_int_equal(gcw_method_set_add(w->methods, w->method), 1);
}

static void
with_one_method(struct world *w)
{
    with_method(w);
    w->methods = gcw_method_set_new();
    assert_int_equal(gcw_method_set_add(w->methods, w->method), 1);
}

static bool
try_method_set(struct world *w)
{
    return (w->made = gcw_method_set_new()) != NULL;
}

static void
check_method_set(struct world *w)
{
    assert_int_equal(gcw_method_set_count(w->made), 0);
    assert_int_equal(gcw_method_set_add(w->made, w->method), 1);
    assert_true(gcw_method_set_has(w->made, w->method));
}

static bool
try_method_set_add(struct world *w)
{
    return gcw_method_set_add(w->methods, w->method) == 1;
}

static bool
try_method_set_has(struct world *w)
{
    return gcw_method_set_has(w->methods, w->method);
}

static void
check_methods_and_one(struct world *w)
{
    assert_true(try_method_set_has(w));
}

static bool
try_method_set_remove(struct world *w)
{
    return gcw_method_set_remove(w->methods, w->method);
}

static bool
try_method_set_count(struct world *w)
{
    return gcw_method_set_count(w->methods) > 0;
}

static bool
try_method_set_first(struct world *w)
{
    gcw_method_set_iter i;

    gcw_method_set_first(w->methods, &i);
    return i.entries.map != NULL;
}

static bool
try_method_set_next(struct world *w)
{
    gcw_method_set_iter i;

    gcw_method_set_first(w->methods, &i);
    return gcw_method_set_next(&i, NULL, &w->bound);
}

static bool
try_method_set_invoke(struct world *w)
{
    return gcw_method_set_invoke(w->methods, NULL) == 1;
}

/* Tables of interned objects, found by their numbers. */

static bool
has_number(const void *wanted, const void *object)
{
    return ((const struct target *)object)->number == *(const size_t *)wanted;
}

static void *
give_target(const void *wanted, void *target)
{
    (void)wanted;
    return target;
}

static void *
intern_in(struct world *w, uint64_t hash, struct target *t)
{
    return gcw_intern_add(w->handle, hash, has_number, &t->number, give_target,
                          t);
}

/* As many as of a map's keys. */
static void
with_interns(struct world *w)
{
    w->handle = gcw_intern_new();
    assert_non_null(w->handle);
    for (size_t i = 0; i < w->number % KEYS; i++) {
        w->keys[i] = target_new(i);
        assert_ptr_equal(intern_in(w, i, w->keys[i]), w->keys[i]);
    }
    w->target->number = KEYS;
}

/* All of one hash. */
static void
with_interns_alike(struct world *w)
{
    w->handle = gcw_intern_new();
    assert_non_null(w->handle);
    for (size_t i = 0; i < w->number; i++) {
        w->keys[i] = target_new(i);
        assert_ptr_equal(intern_in(w, KEYS, w->keys[i]), w->keys[i]);
    }
    w->target->number = KEYS;
}

static void
with_intern_of_one(struct world *w)
{
    with_interns(w);
    assert_ptr_equal(intern_in(w, KEYS, w->target), w->target);
}

static bool
try_intern(struct world *w)
{
    return (w->made = gcw_intern_new()) != NULL;
}

static void
check_intern(struct world *w)
{
    w->handle = w->made;
    assert_int_equal(gcw_intern_count(w->handle), 0);
    assert_ptr_equal(intern_in(w, 1, w->target), w->target);
}

static bool
try_intern_add(struct world *w)
{
    return intern_in(w, KEYS, w->target) == w->target;
}

static bool
try_intern_find(struct world *w)
{
    return gcw_intern_find(w->handle, KEYS, has_number, &w->target->number)
           == w->target;
}

static void
check_interned(struct world *w)
{
    assert_true(try_intern_find(w));
}

static bool
try_intern_count(struct world *w)
{
    return gcw_intern_count(w->handle) > 0;
}

static void
with_ephemeron(struct world *w)
{
    w->handle = gcw_ephemeron_new(w->target, w->data);
    assert_non_null(w->handle);
}

static bool
try_ephemeron(struct world *w)
{
    return (w->made = gcw_ephemeron_new(w->target, w->data)) != NULL;
}

static void
check_ephemeron(struct world *w)
{
    assert_ptr_equal(gcw_ephemeron_key(w->made), w->target);
    assert_ptr_equal(gcw_ephemeron_value(w->made), w->data);
}

static bool
try_ephemeron_key(struct world *w)
{
    return gcw_ephemeron_key(w->handle) == w->target;
}

static bool
try_ephemeron_value(struct world *w)
{
    return gcw_ephemeron_value(w->handle) == w->data;
}

static void
with_guardian(struct world *w)
{
    w->handle = gcw_guardian_new();
    assert_non_null(w->handle);
    for (size_t i = 0; i < w->number % KEYS; i++)
        assert_int_equal(gcw_guardian_add(w->handle, w->target, w->data), 0);
}

static bool
try_guardian(struct world *w)
{
    return (w->made = gcw_guardian_new()) != NULL;
}

static void
check_guardian(struct world *w)
{
    assert_int_equal(gcw_guardian_add(w->made, w->target, w->data), 0);
    gcw_dispose(w->target);
    assert_ptr_equal(gcw_guardian_next(w->made), w->data);
}

static bool
try_guardian_add(struct world *w)
{
    return gcw_guardian_add(w->handle, w->target, w->data) == 0;
}

static void
check_guardian_add(struct world *w)
{
    size_t n = 0;

    gcw_dispose(w->target);
    while (gcw_guardian_next(w->handle) == w->data)
        n++;
    assert_int_equal(n, w->number % KEYS + 1);
}

static void
with_guardian_of_dead(struct world *w)
{
    with_guardian(w);
    try_guardian_add(w);
    gcw_dispose(w->target);
}

static bool
try_guardian_next(struct world *w)
{
    return gcw_guardian_next(w->handle) == w->data;
}

static bool
try_guardian_fd(struct world *w)
{
    return gcw_guardian_fd(w->handle) >= 0;
}

static void
check_guardian_fd(struct world *w)
{
    struct pollfd p = { .fd = gcw_guardian_fd(w->handle), .events = POLLIN };

    assert_int_equal(poll(&p, 1, 0), 1);
}

/* The start of the library, the first reference and the first cleanup of all
 * need more than what comes later.  References many times, for the index grows
 * with their number; some others so often that arrays are full or nearly empty
 * now and then. */
static const struct operation operations[] = {
    { "gcw_init", NULL, try_init, NULL, 1, FAILS },
    { "gcw_ref_new, the first of all", NULL, try_ref, check_ref, 1, FAILS },
    { "gcw_cleanup_new, the first of all", with_silent_failures, try_cleanup,
      check_cleanup, 1, FAILS },
    { "gcw_ref_new", NULL, try_ref, check_ref, 5000, FAILS },
    { "gcw_ref_new, interior", NULL, try_inner_ref, check_inner_ref, 500,
      FAILS },
    { "gcw_ref_new_long", NULL, try_long_ref, check_ref, 500, FAILS },
    { "gcw_method_new", NULL, try_method, check_method, 500, FAILS },
    { "gcw_method_new_weak", NULL, try_weak_method, NULL, 500, FAILS },
    { "gcw_cleanup_new", NULL, try_cleanup, check_cleanup, 500, FAILS },
    { "gcw_method_on_death", with_method, try_on_death, check_cleanup, 50,
      FAILS },
    { "gcw_method_on_death, weak data", with_weak_method, try_on_death,
      check_death_of_data, 50, FAILS },
    { "gcw_exit_registry_new", NULL, try_registry, check_registry, 50, FAILS },
    { "gcw_exit_register", with_registry_and_method, try_register,
      check_handler, 50, FAILS },
    { "gcw_exit_register, options", with_registry_and_method,
      try_register_with_name, check_handler, 50, FAILS },
    { "gcw_exit_register, weak data", with_registry_and_weak_method,
      try_register, NULL, 50, FAILS },
    { "gcw_exit_register_fn", with_registry, try_register_fn, check_handler,
      50, FAILS },
    { "gcw_exit_register_fn, among others", with_another_handler,
      try_register_fn, check_all_handlers, 50, FAILS },
    { "gcw_exit_register_fn, options", with_registry,
      try_register_fn_with_name, check_handler, 50, FAILS },
    { "gcw_atexit_cancel", with_atexit, try_atexit_cancel, check_canceled, 50,
      DOES_WITHOUT },
    { "gcw_atexit", with_small_array, try_atexit, check_atexit, 5, FAILS },
    { "gcw_event_new", NULL, try_event, check_event, 50, FAILS },
    { "gcw_event_new, name", NULL, try_event_with_name, check_event, 50,
      FAILS },
    { "gcw_event_connect", with_event_and_method, try_connect, check_listener,
      50, FAILS },
    { "gcw_event_connect, weak data", with_event_and_weak_method, try_connect,
      check_weak_listener, 50, FAILS },
    { "gcw_event_connect, in front", with_event_and_method,
      try_connect_in_front, check_listener, 50, FAILS },
    { "gcw_event_connect, unique", with_event_and_method, try_connect_unique,
      check_unique, 50, FAILS },
    { "gcw_event_connect_fn", with_event, try_connect_fn, check_listener, 50,
      FAILS },
    { "gcw_event_connect, in front of very many", with_very_many,
      try_connect_in_front, check_listener, 2, FAILS },
    { "gcw_event_connect, unique among very many", with_very_many,
      try_connect_unique, check_equal, 2, FAILS },
    { "gcw_event_disconnect", with_event_of_equals, try_disconnect,
      check_disconnected, 50, FAILS },
    { "gcw_event_disconnect_fn", with_event_of_equals, try_disconnect_fn,
      check_disconnected, 50, FAILS },
    { "gcw_event_disconnect, from very many", with_very_many, try_disconnect,
      check_disconnected, 2, FAILS },
    { "gcw_hub_new", NULL, try_hub, check_hub, 50, FAILS },
    { "gcw_hub_connect", with_types, try_hub_connect, check_hub_listener, 50,
      FAILS },
    { "gcw_hub_connect, interior", with_types, try_hub_connect_to_inside,
      check_hub_listener_inside, 50, FAILS },
    { "gcw_hub_connect, any source", with_types, try_hub_connect_to_type,
      check_hub_listener, 50, FAILS },
    { "gcw_hub_connect, any type", with_types, try_hub_connect_to_source,
      check_hub_listener_dies, 50, FAILS },
    { "gcw_hub_connect, any", with_types, try_hub_connect_to_all,
      check_hub_listener, 50, FAILS },
    { "gcw_hub_connect, known type and source", with_pattern, try_hub_connect,
      check_hub_listener, 50, FAILS },
    { "gcw_hub_connect, in front", with_pattern, try_hub_connect_in_front,
      check_hub_listener, 50, FAILS },
    { "gcw_hub_connect, weak data", with_types_and_weak_method,
      try_hub_connect_to_type, check_hub_listener_dies, 50, FAILS },
    { "gcw_hub_connect_fn", with_pattern, try_hub_connect_fn,
      check_hub_listener, 50, FAILS },
    { "gcw_hub_emit", with_patterns, try_hub_emit, check_hub_emitted, 5,
      FAILS },
    { "gcw_hub_first", with_patterns, try_hub_steps, check_hub_emitted, 5,
      FAILS },
    { "gcw_hub_next", with_patterns, try_hub_step, NULL, 5, TAKES_NONE },
    { "gcw_hub_dispatch_first", with_patterns_and_posts, try_dispatch_steps,
      check_hub_dispatched, 5, FAILS },
    { "gcw_hub_dispatch_next", with_patterns_and_posts, try_dispatch_steps,
      check_hub_dispatched, 5, FAILS },
    { "gcw_hub_post", with_pattern, try_hub_post, check_hub_posted, 5, FAILS },
    { "gcw_hub_dispatch", with_patterns_and_posts, try_hub_dispatch,
      check_hub_dispatched, 5, FAILS },
    { "gcw_hub_fd", with_hub, try_hub_fd, check_hub_fd, 5, FAILS },
    { "gcw_drain_fd", NULL, try_fd, NULL, 1, FAILS },
    { "gcw_drain_wait", with_pending, try_drain_wait, check_waited, 1, FAILS },
    { "gcw_drain_thread", NULL, try_worker, check_worker, 3, MAY_SAY_EAGAIN },
    { "gcw_explain", with_nowhere, try_explain, check_ref_handle, 3, FAILS },
    { "gcw_explain, while entries wait", with_entry_that_waits, try_explain_key,
      check_ref_handle, 3, FAILS },
    { "gcw_map_new", NULL, try_map, check_map, 50, FAILS },
    { "gcw_map_put", with_map, try_map_put, check_map_of_one, 200, FAILS },
    { "gcw_map_setdefault", with_map, try_map_setdefault, check_map_of_one, 200,
      FAILS },
    { "gcw_map_remove", with_sparse_map, try_map_remove, check_removed, 3,
      DOES_WITHOUT },
    { "gcw_intern_new", NULL, try_intern, check_intern, 50, FAILS },
    { "gcw_intern_add", with_interns, try_intern_add, check_interned, 200,
      FAILS },
    { "gcw_intern_add, of one hash", with_interns_alike, try_intern_add,
      check_interned, 40, FAILS },
    { "gcw_intern_find", with_intern_of_one, try_intern_find, NULL, 3,
      TAKES_NONE },
    { "gcw_intern_count", with_intern_of_one, try_intern_count, NULL, 3,
      TAKES_NONE },
    { "gcw_ephemeron_new", NULL, try_ephemeron, check_ephemeron, 2000, FAILS },
    { "gcw_queue_new", NULL, try_queue, check_queue, 50, FAILS },
    { "gcw_queue_default", NULL, try_queue_default, NULL, 3, TAKES_NONE },
    { "gcw_cleanup_new_in", with_queue, try_cleanup_in, check_queued, 50,
      FAILS },
    { "gcw_method_on_death_in", with_queue_and_method, try_on_death_in,
      check_queued, 50, FAILS },
    { "gcw_queue_drain", with_pending_in_queue, try_queue_drain, NULL, 3,
      TAKES_NONE },
    { "gcw_queue_next", with_pending_in_queue, try_queue_next, NULL, 3,
      TAKES_NONE },
    { "gcw_queue_fd", with_pending_in_queue, try_queue_fd, check_queue_fd, 5,
      FAILS },
    { "gcw_queue_wait", with_pending_in_queue, try_queue_wait, check_queue_fd,
      5, FAILS },
    { "gcw_queue_on_error", with_queue, try_queue_on_error, NULL, 3,
      TAKES_NONE },
    { "gcw_guardian_new", NULL, try_guardian, check_guardian, 50, FAILS },
    { "gcw_guardian_add", with_guardian, try_guardian_add, check_guardian_add,
      200, FAILS },
    { "gcw_guardian_fd", with_guardian_of_dead, try_guardian_fd,
      check_guardian_fd, 5, FAILS },
    { "gcw_guardian_next", with_guardian_of_dead, try_guardian_next, NULL, 3,
      TAKES_NONE },
    { "gcw_map_replace", with_map_of_one, try_map_replace, check_map_of_one, 3,
      TAKES_NONE },
    { "gcw_map_get", with_map_of_one, try_map_get, NULL, 3, TAKES_NONE },
    { "gcw_map_count", with_map_of_one, try_map_count, NULL, 3, TAKES_NONE },
    { "gcw_map_first", with_map_of_one, try_map_first, NULL, 3, TAKES_NONE },
    { "gcw_map_next", with_map_of_one, try_map_next, NULL, 3, TAKES_NONE },
    { "gcw_set_new", NULL, try_set, check_set, 50, FAILS },
    { "gcw_set_add", with_set, try_set_add, check_set_of_one, 200, FAILS },
    { "gcw_set_has", with_set_of_one, try_set_has, NULL, 3, TAKES_NONE },
    { "gcw_set_remove", with_set_of_one, try_set_remove, NULL, 3, TAKES_NONE },
    { "gcw_set_count", with_set_of_one, try_set_count, NULL, 3, TAKES_NONE },
    { "gcw_set_first", with_set_of_one, try_set_first, NULL, 3, TAKES_NONE },
    { "gcw_set_next", with_set_of_one, try_set_next, NULL, 3, TAKES_NONE },
    { "gcw_method_set_new", with_method, try_method_set, check_method_set, 50,
      FAILS },
    { "gcw_method_set_add", with_methods, try_method_set_add,
      check_methods_and_one, 200, FAILS },
    { "gcw_method_set_has", with_methods_and_one, try_method_set_has, NULL, 3,
      TAKES_NONE },
    { "gcw_method_set_remove", with_methods_and_one, try_method_set_remove,
      NULL, 3, TAKES_NONE },
    { "gcw_method_set_count", with_methods_and_one, try_method_set_count, NULL,
      3, TAKES_NONE },
    { "gcw_method_set_first", with_methods_and_one, try_method_set_first, NULL,
      3, TAKES_NONE },
    { "gcw_method_set_next", with_one_method, try_method_set_next, check_bound,
      3, TAKES_NONE },
    { "gcw_method_set_invoke", with_one_method, try_method_set_invoke,
      check_one_call, 3, TAKES_NONE },
    { "gcw_ephemeron_key", with_ephemeron, try_ephemeron_key, NULL, 3,
      TAKES_NONE },
    { "gcw_ephemeron_value", with_ephemeron, try_ephemeron_value, NULL, 3,
      TAKES_NONE },
    { "gcw_init, again", NULL, try_init, NULL, 3, TAKES_NONE },
    { "gcw_dump", with_nowhere, try_dump, check_ref_handle, 3, TAKES_NONE },
    { "gcw_stats", with_nowhere, try_stats, check_ref_handle, 3, TAKES_NONE },
    { "gcw_explain_name", with_nowhere, try_explain_name, check_ref_handle, 3,
      TAKES_NONE },
    { "gcw_tell", NULL, try_tell, NULL, 3, TAKES_NONE },
    { "gcw_tell_to", NULL, try_tell_to, NULL, 3, TAKES_NONE },
    { "gcw_version", NULL, try_version, NULL, 3, TAKES_NONE },
    { "gcw_version_number", NULL, try_version_number, NULL, 3, TAKES_NONE },
    { "gcw_version_check", NULL, try_version_check, NULL, 3, TAKES_NONE },
    { "gcw_fail", with_failing_listener, try_emit, check_emitted, 3,
      TAKES_NONE },
    { "gcw_object_unloading", with_foreign_handler, try_unloading,
      check_unloaded, 3, TAKES_NONE },
    { "gcw_ref_get", with_ref, try_ref_get, check_ref_handle, 3, TAKES_NONE },
    { "gcw_ref_find", with_ref, try_ref_find, check_ref_handle, 3,
      TAKES_NONE },
    { "gcw_ref_id", with_ref, try_ref_id, check_ref_handle, 3, TAKES_NONE },
    { "gcw_dispose", with_all_that_is_weak, try_dispose, check_disposed, 3,
      TAKES_NONE },
    { "gcw_method_alive", with_method, try_method_alive, NULL, 3, TAKES_NONE },
    { "gcw_method_bind", with_method, try_method_bind, check_bound, 3,
      TAKES_NONE },
    { "gcw_method_equal", with_method, try_method_equal, NULL, 3, TAKES_NONE },
    { "gcw_method_hash", with_method, try_method_hash, NULL, 3, TAKES_NONE },
    { "gcw_method_invoke", with_method, try_method_invoke, check_one_call, 3,
      TAKES_NONE },
    { "gcw_bound_call", with_bound, try_bound_call, check_one_call, 3,
      TAKES_NONE },
    { "gcw_cleanup_alive", with_cleanup, try_cleanup_alive, check_armed, 3,
      TAKES_NONE },
    { "gcw_cleanup_peek", with_cleanup, try_cleanup_peek, check_armed, 3,
      TAKES_NONE },
    { "gcw_cleanup_run", with_cleanup, try_cleanup_run, check_one_call, 3,
      TAKES_NONE },
    { "gcw_cleanup_detach", with_cleanup, try_cleanup_detach, check_detached,
      3, TAKES_NONE },
    { "gcw_cleanup_set_atexit", with_cleanup, try_cleanup_set_atexit,
      check_armed, 3, TAKES_NONE },
    { "gcw_cleanup_atexit", with_cleanup, try_cleanup_atexit, check_armed, 3,
      TAKES_NONE },
    { "gcw_cleanup_set_name", with_cleanup, try_cleanup_name,
      check_cleanup_name, 50, FAILS },
    { "gcw_cleanup_name", with_cleanup, try_cleanup_asked, check_armed, 3,
      TAKES_NONE },
    { "gcw_name_function", NULL, try_name_function, NULL, 500, FAILS },
    { "gcw_drain", with_pending, try_drain, check_one_call, 3, TAKES_NONE },
    { "gcw_drain_next", with_pending, try_drain_next, check_one_call, 3,
      TAKES_NONE },
    { "gcw_call_invoke", with_pending, try_drain_next, check_one_call, 3,
      TAKES_NONE },
    { "gcw_call_failed", with_pending, try_call_failed, NULL, 3, TAKES_NONE },
    { "gcw_drain_thread_hooks", NULL, try_thread_hooks, NULL, 3, TAKES_NONE },
    { "gcw_shutdown", NULL, try_shutdown, NULL, 3, TAKES_NONE },
    { "gcw_exit_on_signal", NULL, try_on_signal, check_signal, 3,
      TAKES_NONE },
    { "gcw_exit_off_signal", with_signal, try_off_signal, NULL, 3,
      TAKES_NONE },
    { "gcw_exit_signal", NULL, try_signal, NULL, 3, TAKES_NONE },
    { "gcw_exit_signal_fd", NULL, try_signal_fd, NULL, 1, FAILS },
    { "gcw_exit_by_signal", NULL, try_by_signal, NULL, 3, TAKES_NONE },
    { "gcw_collect", with_pending, try_collect, check_one_call, 3,
      MAY_DO_WITHOUT },
    { "gcw_drain_on_error", NULL, try_drain_on_error, check_drain_on_error, 3,
      TAKES_NONE },
    { "gcw_drain_thread, stop", with_worker, try_worker_stop, NULL, 3,
      TAKES_NONE },
    { "gcw_event_emit", with_event_and_listener, try_emit, check_emitted, 9,
      TAKES_NONE },
    { "gcw_event_first", with_event_and_listener, try_event_steps,
      check_emitted, 9, TAKES_NONE },
    { "gcw_event_next", with_event_and_listener, try_event_steps,
      check_emitted, 9, TAKES_NONE },
    { "gcw_failed", with_telling_listener, try_emit, check_emitted, 3,
      TAKES_NONE },
    { "gcw_event_count", with_event_and_listener, try_event_count, NULL, 9,
      TAKES_NONE },
    { "gcw_event_on_error", with_event, try_event_on_error, NULL, 3,
      TAKES_NONE },
    { "gcw_listener_connected", with_event_and_listener, try_connected, NULL,
      3, TAKES_NONE },
    { "gcw_listener_set_name", with_event_and_listener, try_listener_name,
      check_listener_name, 50, FAILS },
    { "gcw_listener_name", with_event_and_listener, try_listener_asked, NULL,
      3, TAKES_NONE },
    { "gcw_listener_block", with_event_and_listener, try_block, check_blocked,
      3, TAKES_NONE },
    { "gcw_listener_unblock", with_event_and_blocked, try_unblock,
      check_unblocked, 3, TAKES_NONE },
    { "gcw_listener_blocked", with_event_and_listener, try_blocked, NULL, 3,
      TAKES_NONE },
    { "gcw_event_block", with_event_and_listener, try_event_block,
      check_muted, 3, TAKES_NONE },
    { "gcw_event_unblock", with_event_and_listener, try_event_unblock, NULL,
      3, TAKES_NONE },
    { "gcw_event_has_listeners", with_event_and_listener, try_has_listeners,
      NULL, 3, TAKES_NONE },
    { "gcw_event_list", with_event_and_listener, try_event_list, NULL, 3,
      TAKES_NONE },
    { "gcw_listener_current", with_stopping_listener, try_stopped, NULL, 3,
      TAKES_NONE },
    { "gcw_emission_stop", with_stopping_listener, try_stopped, NULL, 3,
      TAKES_NONE },
    { "gcw_event_disconnect_object", with_event_and_crowd_of_one,
      try_event_disconnect_object, check_others_left, 4, DOES_WITHOUT },
    { "gcw_disconnect_object", with_event_and_crowd_of_one,
      try_disconnect_object, check_others_left, 4, DOES_WITHOUT },
    { "gcw_hub_disconnect_object", with_crowd_of_methods,
      try_hub_disconnect_object, check_hub_without_crowd, 4, DOES_WITHOUT },
    { "gcw_hub_block", with_pattern_of_some, try_hub_block, NULL, 3,
      TAKES_NONE },
    { "gcw_hub_unblock", with_pattern_of_some, try_hub_block, NULL, 3,
      TAKES_NONE },
    { "gcw_hub_has_listeners", with_pattern, try_hub_has_listeners, NULL, 3,
      TAKES_NONE },
    { "gcw_hub_list", with_pattern_of_some, try_hub_list, NULL, 50, FAILS },
    { "gcw_listener_disconnect", with_event_and_crowd,
      try_listener_disconnect, check_without_crowd, 4, DOES_WITHOUT },
    { "gcw_hub_disconnect", with_crowd_of_methods, try_hub_disconnect,
      check_hub_without_crowd, 4, DOES_WITHOUT },
    { "gcw_hub_disconnect_fn", with_crowd_of_functions,
      try_hub_disconnect_fn, check_hub_without_crowd, 4, DOES_WITHOUT },
    { "gcw_hub_on_error", with_hub, try_hub_on_error, NULL, 3, TAKES_NONE },
    { "gcw_hub_measure", with_pattern, try_hub_measure, NULL, 3, TAKES_NONE },
    { "gcw_exit_default", NULL, try_exit_default, NULL, 3, TAKES_NONE },
    { "gcw_exit_run", with_registry, try_exit_run, check_one_call, 3,
      TAKES_NONE },
    { "gcw_exit_id", with_registry, try_exit_id, NULL, 50, FAILS },
    { "gcw_atexit_data", with_small_array, try_atexit_data, NULL, 50,
      FAILS },
    { "gcw_exit_unregister_id", with_registry, try_exit_steps, check_one_call,
      3, TAKES_NONE },
    { "gcw_exit_first", with_registry, try_exit_steps, check_one_call, 3,
      TAKES_NONE },
    { "gcw_exit_next", with_registry, try_exit_steps, check_one_call, 3,
      TAKES_NONE },
    { "gcw_exit_unregister_method", with_registry_of_methods,
      try_unregister_method, NULL, 4, DOES_WITHOUT },
    { "gcw_exit_unregister_object", with_registry_of_methods,
      try_unregister_object, NULL, 4, DOES_WITHOUT },
    { "gcw_exit_clear", with_registry_of_methods, try_clear, NULL, 4,
      TAKES_NONE },
    { "gcw_exit_list", with_registry_of_methods, try_clear, NULL, 4,
      TAKES_NONE },
    { "gcw_exit_limit", with_registry, try_exit_limit, NULL, 3, TAKES_NONE },
    { "gcw_exit_limit_abort", with_registry, try_exit_limit, NULL, 3,
      TAKES_NONE },
    { "gcw_exit_current", with_registry, try_exit_limit, NULL, 3,
      TAKES_NONE },
    { "gcw_exit_options_init", NULL, try_exit_options, NULL, 3, TAKES_NONE },
    { "gcw_exit_on_error", with_registry, try_exit_on_error, NULL, 3,
      TAKES_NONE },
    { "gcw_exit_unregister", with_another_handler, try_unregister,
      check_other_handlers, 50, TAKES_NONE },
    { "gcw_exit_unregister_fn", with_another_handler, try_unregister_fn,
      check_other_handlers, 50, DOES_WITHOUT },
#if HAVE_LIBFFI
    { "gcw_signature_check", NULL, try_signature, NULL, 1, FAILS },
    { "gcw_proxy_new", NULL, try_simple_proxy, check_simple_proxy, 50, FAILS },
    { "gcw_proxy_new, known target and signature", with_simple_proxy,
      try_simple_proxy, check_simple_proxy, 50, FAILS },
    { "gcw_proxy_new, new signatures", NULL, try_proxy, check_proxy, 500,
      FAILS },
    { "gcw_proxy_code", with_simple_proxy, try_proxy_code, check_proxy_handle,
      3, TAKES_NONE },
    { "gcw_proxy_on_stale", with_simple_proxy, try_proxy_on_stale,
      check_proxy_handle, 3, TAKES_NONE },
    { "gcw_proxy_free", with_simple_proxy, try_proxy_free, NULL, 3,
      TAKES_NONE },
#else
    { "gcw_signature_check", NULL, try_no_proxy, NULL, 1, TAKES_NONE },
    { "gcw_proxy_new", NULL, try_no_proxy, NULL, 1, TAKES_NONE },
    { "gcw_proxy_code", NULL, try_no_proxy, NULL, 1, TAKES_NONE },
    { "gcw_proxy_on_stale", NULL, try_no_proxy, NULL, 1, TAKES_NONE },
    { "gcw_proxy_free", NULL, try_no_proxy, NULL, 1, TAKES_NONE },
#endif
};

static const struct operation *const last_of_firsts = &operations[2];

enum { N_OPERATIONS = sizeof operations / sizeof *operations };

/* --- what is there all the time, and must stay as it is --- */

struct elders {
    struct target *target;
    gcw_ref *ref, *long_ref;
    gcw_method *method, *twin;
    gcw_cleanup *cleanup;
    gcw_exit_registry *registry;
    gcw_exit_handler *handler;
    gcw_event *event;
    gcw_hub *hub;
    size_t calls;
    size_t heard;            /* calls of the listeners */
};

static void
heard(void *arg, void *data)
{
    (void)arg;
    called(data);
}

static void
heard_from_hub(const gcw_emission *emission, void *data)
{
    (void)emission;
    called(data);
}

/* A function and a method listen to each. */
static void
elders_listen(struct elders *e)
{
    gcw_method *m = gcw_method_new(e->target, act, &e->heard);
    e->event = gcw_event_new("elders");
    e->hub = gcw_hub_new();
    assert_non_null(gcw_event_connect_fn(e->event, heard, &e->heard, 0));
    assert_non_null(gcw_event_connect(e->event, m, 0));
    assert_non_null(gcw_hub_connect_fn(e->hub, "elders", e->target,
                                       heard_from_hub, &e->heard, 0));
    assert_non_null(gcw_hub_connect(e->hub, NULL, NULL, m, 0));
}

static struct elders *
elders_new(void)
{
    struct elders *e = GC_MALLOC_UNCOLLECTABLE(sizeof *e);
    assert_non_null(e);
    e->target = target_new(0);
    e->ref = gcw_ref_new(e->target);
    e->long_ref = gcw_ref_new_long(e->target);
    e->method = gcw_method_new(e->target, act, &e->calls);
    e->twin = gcw_method_new(e->target, act, &e->calls);
    e->cleanup = gcw_cleanup_new(e->target, called, &e->calls);
    e->registry = gcw_exit_registry_new("elders");
    e->handler = gcw_exit_register(e->registry, e->method, NULL);
    assert_non_null(e->handler);
    elders_listen(e);
    return e;
}

static void
emissions_are_heard(const struct elders *e)
{
    size_t before = e->heard;
    assert_int_equal(gcw_event_count(e->event), 2);
    assert_int_equal(gcw_event_emit(e->event, NULL), 2);
    assert_int_equal(gcw_hub_emit(e->hub, "elders", e->target, NULL), 2);
    assert_int_equal(e->heard - before, 4);
}

static void
hub_has(gcw_hub *h, size_t listeners, size_t patterns, size_t types)
{
    gcw_hub_size size;
    assert_int_equal(gcw_hub_measure(h, &size), 0);
    assert_int_equal(size.listeners, listeners);
    assert_int_equal(size.patterns, patterns);
    assert_int_equal(size.types, types);
}

static void
elders_are_well(const struct elders *e)
{
    assert_ptr_equal(gcw_ref_get(e->ref), e->target);
    assert_ptr_equal(gcw_ref_get(e->long_ref), e->target);
    assert_ptr_equal(gcw_ref_new(e->target), e->ref);
    assert_true(gcw_method_alive(e->method));
    assert_true(gcw_method_equal(e->method, e->twin));
    assert_ptr_equal(gcw_cleanup_peek(e->cleanup), e->target);
    assert_int_equal(e->calls, 0);
    emissions_are_heard(e);
    hub_has(e->hub, 2, 2, 1);
}

static void
elders_end_well(struct elders *e)
{
    elders_are_well(e);
    assert_int_equal(gcw_exit_run(e->registry, 0), 0);
    assert_int_equal(e->calls, 1);
    assert_int_equal(gcw_dispose(e->target), 0);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(e->calls, 2);
    assert_int_equal(gcw_event_emit(e->event, NULL), 1);
    assert_int_equal(gcw_hub_emit(e->hub, "elders", NULL, NULL), 0);
    hub_has(e->hub, 0, 0, 0);
}

/* --- the tests --- */

static size_t
watches(void)
{
    struct gcw__ref_stats stats;
    gcw__ref_stats(&stats);
    return stats.watches;
}

/* How much there is in a world. */
struct tally {
    size_t watches;
    size_t listeners, called, called_by_hub;
    gcw_hub_size hub;
};

static struct tally
tally_new(struct world *w)
{
    struct tally t = { .watches = watches() };
    if (w->event != NULL) {
        t.listeners = gcw_event_count(w->event);
        t.called = gcw_event_emit(w->event, NULL);
    }
    if (w->hub != NULL) {
        assert_int_equal(gcw_hub_measure(w->hub, &t.hub), 0);
        t.called_by_hub = gcw_hub_emit(w->hub, "news", w->data, NULL);
    }
    assert_int_equal(calls, t.called + t.called_by_hub);
    calls = 0;
    return t;
}

/* What is dead by now may have left. */
static void
nothing_changed(const struct tally *before, const struct tally *after)
{
    assert_in_range(after->watches, 0, before->watches);
    assert_int_equal(after->listeners, before->listeners);
    assert_int_equal(after->called, before->called);
    assert_int_equal(after->called_by_hub, before->called_by_hub);
    assert_int_equal(after->hub.listeners, before->hub.listeners);
    assert_int_equal(after->hub.patterns, before->hub.patterns);
    assert_int_equal(after->hub.types, before->hub.types);
    assert_int_equal(after->hub.posted, before->hub.posted);
}

/* The first call after a collection tidies maps and hubs in which much has died,
 * which may take memory, whatever call it is. */
static void
let_others_be_tidied(struct world *w)
{
    GC_word before;

    do {
        before = GC_get_gc_no();
        gcw_ref_find(w->target);
    } while (GC_get_gc_no() != before);
}

/* Tries with the n-th allocation failing; none if n is 0.  Returns whether
 * there were so many; *succeeded tells how it ended. */
static bool
attempt_with_failure(const struct operation *o, struct world *w, size_t n,
                     bool *succeeded)
{
    int error;
    bool met;
    if (o->lack == TAKES_NONE)
        let_others_be_tidied(w);
    errno = 0;
    failing_begin(n, w->number % 2);
    *succeeded = o->attempt(w);
    error = errno;
    met = failing_end() > 0;
    if (*succeeded && error != 0)
        fail_msg("%s succeeds, and changes errno: %s", o->name,
                 strerror(error));
    if (met && o->lack == TAKES_NONE)
        fail_msg("%s asks for memory", o->name);
    if (!*succeeded && (!met || o->lack >= DOES_WITHOUT))
        fail_msg("%s fails: %s", o->name, strerror(error));
    if (!*succeeded && error != ENOMEM
        && !(error == EAGAIN && o->lack == MAY_SAY_EAGAIN))
        fail_msg("%s: allocation %zu: %s", o->name, n, strerror(error));
    return met;
}

static struct world *
world_new(const struct operation *o, size_t number)
{
    struct world *w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);
    assert_non_null(w);
    w->number = number;
    w->target = target_new(number);
    w->data = target_new(number);
    w->calls = &calls;
    calls = 0;
    if (o->prepare != NULL)
        o->prepare(w);
    return w;
}

/* What there is in all, of which elders may be NULL, is as it was. */
static void
all_is_well(struct world *w, const struct tally *before,
            const struct elders *e)
{
    struct tally after;
    assert_int_equal(calls, 0);
    if (e != NULL)
        elders_are_well(e);
    after = tally_new(w);
    nothing_changed(before, &after);
}

/* How often a failure was survived, and how often it was reported. */
struct failures {
    size_t survived, reported;
};

/* In a world of its own, for what a failed attempt leaves to the next one (a
 * reference, say) would make that ask for less.  The first of all are not
 * tried again at once, for there is no second first.  Returns whether there
 * were so many allocations. */
static bool
fail_and_retry(const struct operation *o, const struct elders *e,
               size_t repetition, size_t n, struct failures *failures)
{
    struct world *w = world_new(o, repetition);
    struct tally before = tally_new(w);
    bool succeeded, met = attempt_with_failure(o, w, n, &succeeded);
    if (succeeded) {
        failures->survived += met;
    } else {
        failures->reported++;
        all_is_well(w, &before, e);
        if (o > last_of_firsts)
            attempt_with_failure(o, w, 0, &succeeded);
    }
    if (succeeded && o->check != NULL)
        o->check(w);
    if (e != NULL)
        elders_are_well(e);
    GC_FREE(w);
    return met;
}

static size_t tried;

/* The first of all come before the elders. */
static void
try_operation(const void *operation)
{
    const struct operation *o = operation;
    tried++;
    struct elders *e = o <= last_of_firsts ? NULL : elders_new();
    struct failures failures = { 0, 0 };
    for (size_t i = 0; i < o->repetitions; i++) {
        size_t n = 1;
        while (fail_and_retry(o, e, i, n, &failures))
            n++;
    }
    if (o->lack == DOES_WITHOUT && failures.survived == 0)
        fail_msg("%s asks for no memory", o->name);
    if (o->lack < DOES_WITHOUT && failures.reported == 0)
        fail_msg("%s: no allocation failed", o->name);
    if (e != NULL)
        elders_end_well(e);
}

/* First of all, for the start gets by without some of what it asks for, and
 * some of its steps are not taken back when a later one fails: the table would
 * pass over the others. */
#if HAVE_ON_EXIT
# define LAST_STEP "on_exit"
#else
# define LAST_STEP "atexit"
#endif
static const char *const steps[] = {
    "GC_malloc_atomic", "GC_malloc_uncollectable", "GC_malloc",
    "pthread_atfork", "at_quick_exit", LAST_STEP
};

static bool
starts_without(const char *step)
{
    errno = 0;
    failing_begin_only(step);
    bool started = gcw_init() == 0;
    failing_end();
    return started;
}

TEST(each_step_of_the_start_fails_cleanly)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_false(starts_without(steps[i]));
        assert_int_equal(errno, ENOMEM);
    }
}

/* A test of each operation: it fails cleanly and then succeeds. */
__attribute__((__constructor__)) static void
add_operations(void)
{
    static struct test tests[N_OPERATIONS];
    int place = __COUNTER__;
    for (size_t i = 0; i < N_OPERATIONS; i++) {
        tests[i] = (struct test){
            .name = operations[i].name, .kind = A_TEST, .place = place,
            .run_on = try_operation, .data = &operations[i]
        };
        test_add(&tests[i]);
    }
}

/* What dies while there is no memory at all. */
struct dying {
    void **kept;
    size_t *calls;
};

static void
make_dying(void *arg)
{
    struct dying *d = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        gcw_cleanup_new(t, called, d->calls);
        if (i % 2)
            d->kept[i] = t;
    }
}

TEST(deaths_are_told_without_memory)
{
    static size_t dead;
    struct dying d = { keep_array(MANY), &dead };
    in_dead_frame(make_dying, &d);
    failing_begin_all();
    collect();
    gcw_drain(0);
    size_t found = dead;
    for (size_t i = 1; i < MANY; i += 2)
        gcw_dispose(d.kept[i]);
    gcw_drain(0);
    failing_end();
    assert_in_range(found, MANY / 2 * NEARLY_ALL / MANY, MANY / 2);
    assert_int_equal(dead - found, MANY / 2);
}

TEST(what_exists_can_be_used_and_ended_without_memory)
{
    struct elders *e = elders_new();
    gcw_cleanup *c = gcw_cleanup_new(e->target, called, &e->calls);
    gcw_exit_handler *h = gcw_exit_register_fn(e->registry, called, &e->calls,
                                               NULL);
    failing_begin_all();
    bool good = gcw_ref_get(e->ref) == e->target
                && gcw_ref_new(e->target) == e->ref
                && gcw_cleanup_detach(c)
                && gcw_exit_unregister(h) == GCW_REMOVED
                && gcw_drain_on_error(NULL, NULL) == 0
                && gcw_cleanup_run(e->cleanup)
                && gcw_exit_run(e->registry, 0) == 0
                && gcw_dispose(e->target) == 0
                && gcw_ref_get(e->ref) == NULL
                && gcw_drain(0) == 0;
    failing_end();
    assert_true(good);
    assert_int_equal(e->calls, 2);
}

/* Listeners whose objects, and patterns whose sources, die without memory. */
struct dying_listeners {
    void **kept;
    gcw_event *event;
    gcw_hub *hub;
};

static void
make_dying_listeners(void *arg)
{
    struct dying_listeners *d = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        gcw_method *m = gcw_method_new(t, act, &calls);
        assert_non_null(gcw_event_connect(d->event, m, 0));
        assert_non_null(gcw_hub_connect(d->hub, "news", NULL, m, 0));
        assert_non_null(gcw_hub_connect_fn(d->hub, NULL, t, hear_hub, NULL,
                                           0));
        if (i % 2)
            d->kept[i] = t;
    }
}

/* How many of the event and of the hub's two sorts are left. */
struct left {
    size_t of_event, emitted, sources, news;
    size_t bytes;
};

static struct left
left_of(const struct dying_listeners *d)
{
    struct left left = { .of_event = gcw_event_count(d->event) };
    gcw_hub_size size = { 0 };
    left.emitted = gcw_event_emit(d->event, NULL);
    left.news = gcw_hub_emit(d->hub, "news", NULL, NULL);
    gcw_hub_measure(d->hub, &size);
    left.sources = size.patterns - size.types;
    left.bytes = size.bytes;
    return left;
}

static void
check_left(const struct left *left, size_t n)
{
    assert_int_equal(left->of_event, n);
    assert_int_equal(left->emitted, n);
    assert_int_equal(left->sources, n);
    assert_int_equal(left->news, n);
}

/* First those that are not kept, then most of those that are.  Smaller memory
 * for the rest cannot be had meanwhile, but later. */
enum { SURVIVORS = 50, DISPOSED = MANY / 2 - SURVIVORS };

TEST(dead_listeners_go_without_memory)
{
    struct dying_listeners d = { keep_array(MANY), gcw_event_new(NULL),
                                 gcw_hub_new() };
    struct left collected, disposed, later;
    GC_disable();
    in_dead_frame(make_dying_listeners, &d);
    GC_enable();
    failing_begin_all();
    collect();
    collected = left_of(&d);
    for (size_t i = 1 + 2 * SURVIVORS; i < MANY; i += 2)
        gcw_dispose(d.kept[i]);
    disposed = left_of(&d);
    failing_end();
    gcw_collect();
    later = left_of(&d);
    assert_in_range(collected.of_event, MANY / 2,
                    MANY - MANY / 2 * NEARLY_ALL / MANY);
    check_left(&collected, collected.of_event);
    check_left(&disposed, collected.of_event - DISPOSED);
    assert_in_range(later.bytes, 0, disposed.bytes / 2);
}

/* Listens to the event in all ways; and finds equal ones from now on. */
static void
with_listeners(struct world *w)
{
    with_event_and_weak_method(w);
    assert_non_null(gcw_event_connect_fn(w->event, overhear, NULL,
                                         GCW_UNIQUE | GCW_ONCE));
    w->made = gcw_event_connect(w->event, w->method, 0);
    assert_non_null(w->made);
}

static size_t
emitted_while_blocked(struct world *w)
{
    gcw_listener_block(w->made);
    size_t n = gcw_event_emit(w->event, NULL);
    gcw_listener_unblock(w->made);
    return n;
}

TEST(an_event_works_without_memory)
{
    struct operation o = { .prepare = with_listeners };
    struct world *w = world_new(&o, 3);
    gcw_event *e = w->event;
    failing_begin_all();
    bool good = gcw_event_emit(e, NULL) == 5
                && gcw_event_count(e) == 4
                && emitted_while_blocked(w) == 3
                && gcw_event_emit(e, NULL) == 4
                && gcw_listener_connected(w->made)
                && gcw_event_disconnect_fn(e, hear, &tags[0]) == 1
                && gcw_event_emit(e, NULL) == 3
                && gcw_listener_disconnect(w->made)
                && gcw_event_emit(e, NULL) == 2
                && gcw_event_on_error(e, NULL, NULL) == 0;
    failing_end();
    assert_true(good);
    assert_int_equal(calls, 5 + 3 + 4 + 3 + 2);
}

/* Listens to two patterns, and has posted to them. */
static void
with_posts(struct world *w)
{
    with_pattern(w);
    connect_to_hub(w, NULL, NULL, w->number, 1);
    assert_true(gcw_hub_fd(w->hub) >= 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(gcw_hub_post(w->hub, "news", w->data, NULL), 0);
}

TEST(a_hub_works_without_memory)
{
    struct operation o = { .prepare = with_posts };
    struct world *w = world_new(&o, 3);
    gcw_hub *h = w->hub;
    gcw_hub_size size;
    failing_begin_all();
    bool good = gcw_hub_emit(h, "news", w->data, NULL) == 4
                && gcw_hub_emit(h, NULL, NULL, NULL) == 1
                && gcw_hub_dispatch(h, 1) == 1
                && gcw_hub_disconnect_fn(h, NULL, NULL, hear_hub, &tags[3])
                && gcw_hub_dispatch(h, 1) == 1
                && gcw_hub_on_error(h, NULL, NULL) == 0
                && gcw_dispose(w->data) == 0
                && gcw_hub_dispatch(h, 0) == 1
                && gcw_hub_fd(h) >= 0
                && gcw_hub_measure(h, &size) == 0;
    failing_end();
    assert_true(good);
    assert_int_equal(calls, 4 + 1 + 4 + 3);
    hub_has(h, 0, 0, 0);
    assert_int_equal(size.posted, 0);
}

/* A proxy is called, told of and freed. */
#if HAVE_LIBFFI
TEST(a_proxy_works_without_memory)
{
    struct operation o = { .prepare = with_simple_proxy };
    struct world *w = world_new(&o, 3);
    size_t (*code)(void) = (size_t (*)(void))gcw_proxy_code(w->proxy);
    failing_begin_all();
    bool good = code() == 3
                && gcw_proxy_on_stale(w->proxy, told_stale, w->calls) == 0
                && gcw_dispose(w->target) == 0
                && code() == 0 && errno == ESTALE
                && gcw_proxy_free(w->proxy) == 0;
    failing_end();
    assert_true(good);
    assert_int_equal(calls, 1);
}
#endif

static void
say_that_it_ends(void *data)
{
    (void)data;
    puts("ends");
    fflush(stdout);
}

/* Starts at the second try, and ends by quick_exit. */
END(a_second_start_does_not_end_twice, 0, "ends\n")
{
    gcw_exit_options quick = { .quick = true, .keep = true };
    if (starts_without(LAST_STEP) || gcw_init() != 0)
        exit(1);
    gcw_exit_register_fn(gcw_exit_default(), say_that_it_ends, NULL, &quick);
    quick_exit(0);
}

/* Of these the library uses one, whichever the system has; links of short
 * references it needs only where they are not held by marks. */
static const char *const alternatives[][2] = {
    { "eventfd", "pipe2" }, { "on_exit", "atexit" },
    { "GC_general_register_disappearing_link", "GC_register_long_link" }
};

static bool
has_failed(const char *name)
{
    for (size_t i = 0; i < failing_count(); i++)
        if (strcmp(failing_name(i), name) == 0)
            return failing_times(i) > 0;
    return false;
}

static bool
an_alternative_has_failed(const char *name)
{
    for (size_t i = 0; i < sizeof alternatives / sizeof *alternatives; i++)
        for (int j = 0; j < 2; j++)
            if (strcmp(alternatives[i][j], name) == 0)
                return has_failed(alternatives[i][!j]);
    return false;
}

/* In the tests before. */
TEST(each_kind_of_allocation_has_failed)
{
    if (tried < N_OPERATIONS)
        fail_msg("not all operations were tried");
    for (size_t i = 0; i < failing_count(); i++)
        if (failing_times(i) == 0
            && !an_alternative_has_failed(failing_name(i)))
            fail_msg("%s never failed", failing_name(i));
}

/* --- the lists that t/oom-lists.t asks for --- */

SCENARIO(list_functions)
{
    for (size_t i = 0; i < N_OPERATIONS; i++)
        printf("%.*s\n", (int)strcspn(operations[i].name, ","),
               operations[i].name);
}

SCENARIO(list_allocators)
{
    for (size_t i = 0; i < failing_count(); i++)
        printf("%s\n", failing_name(i));
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, failing_is_left_out());
}
