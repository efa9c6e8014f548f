/* oom.c: every allocation of the library fails in turn.
 *
 * Linked with the library's objects, so that the linker can put the functions
 * below in the place of those by which the library gets memory, links and
 * threads (-Wl,--wrap=NAME for each NAME in KINDS).
 *
 * Each operation of the table is tried with its first allocation failing, then
 * its second, and so on, until it gets by without meeting the one that is to
 * fail; every second time all that follow it fail too.  A failure must say
 * ENOMEM and change nothing, and the next try must succeed.  At the end each
 * kind of allocation must have failed somewhere.
 */
#include <config.h>

#include "support.h"
#include "../src/ref.h"

#include <errno.h>
#if HAVE_LIBFFI
# include <ffi.h>
#endif
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* --- failing on demand --- */

#if HAVE_LIBFFI
enum { HAS_PROXIES = 1 };
# define FFI_KINDS(KIND) KIND(ffi_closure_alloc)
#else
enum { HAS_PROXIES = 0 };
# define FFI_KINDS(KIND)
#endif

#define KINDS(KIND)                                                         \
    KIND(GC_malloc)                                                         \
    KIND(GC_malloc_atomic)                                                  \
    KIND(GC_malloc_uncollectable)                                           \
    KIND(GC_malloc_ignore_off_page)                                         \
    KIND(GC_malloc_atomic_ignore_off_page)                                  \
    KIND(GC_general_register_disappearing_link)                             \
    KIND(GC_register_long_link)                                             \
    KIND(GC_pthread_create)                                                 \
    FFI_KINDS(KIND)                                                         \
    KIND(malloc)                                                            \
    KIND(calloc)                                                            \
    KIND(realloc)                                                           \
    KIND(mmap)                                                              \
    KIND(eventfd)                                                           \
    KIND(pipe2)                                                             \
    KIND(atexit)                                                            \
    KIND(on_exit)                                                           \
    KIND(at_quick_exit)                                                     \
    KIND(pthread_atfork)

enum kind {
#define KIND(name) KIND_##name,
    KINDS(KIND)
#undef KIND
    N_KINDS
};

static const char *const kind_names[] = {
#define KIND(name) #name,
    KINDS(KIND)
#undef KIND
};

static size_t failed[N_KINDS];

/* How many allocations are left until the one that fails; 0: none fails. */
static _Thread_local size_t countdown;
static _Thread_local bool lasting;          /* then all later ones fail too */
static _Thread_local bool out_of_memory;    /* all fail */

/* Those of the collector and of libffi need not leave anything sensible in
 * errno. */
static bool
fails(enum kind kind)
{
    if (!out_of_memory && (countdown == 0 || --countdown != 0))
        return false;
    if (lasting)
        out_of_memory = true;
    failed[kind]++;
    errno = kind < KIND_malloc ? EDOM : ENOMEM;
    return true;
}

/* WRAP(what it gives, its name, its parameters, its arguments, what it gives
 * when it fails) */
#define WRAP(type, name, parameters, arguments, failure)                    \
    type __real_##name parameters;                                          \
    type __wrap_##name parameters;                                          \
    type __wrap_##name parameters                                           \
    {                                                                       \
        return fails(KIND_##name) ? failure : __real_##name arguments;      \
    }

WRAP(void *, GC_malloc, (size_t n), (n), NULL)
WRAP(void *, GC_malloc_atomic, (size_t n), (n), NULL)
WRAP(void *, GC_malloc_uncollectable, (size_t n), (n), NULL)
WRAP(void *, GC_malloc_ignore_off_page, (size_t n), (n), NULL)
WRAP(void *, GC_malloc_atomic_ignore_off_page, (size_t n), (n), NULL)
WRAP(int, GC_general_register_disappearing_link,
     (void **link, const void *object), (link, object), GC_NO_MEMORY)
WRAP(int, GC_register_long_link, (void **link, const void *object),
     (link, object), GC_NO_MEMORY)
WRAP(int, GC_pthread_create,
     (pthread_t *thread, const pthread_attr_t *attributes,
      void *(*start)(void *), void *arg),
     (thread, attributes, start, arg), EAGAIN)
#if HAVE_LIBFFI
WRAP(void *, ffi_closure_alloc, (size_t n, void **code), (n, code), NULL)
#endif
WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), NULL)
WRAP(void *, mmap,
     (void *address, size_t n, int access, int flags, int fd, off_t offset),
     (address, n, access, flags, fd, offset), MAP_FAILED)
WRAP(int, eventfd, (unsigned value, int flags), (value, flags), -1)
WRAP(int, pipe2, (int *ends, int flags), (ends, flags), -1)
WRAP(int, atexit, (void (*fn)(void)), (fn), ENOMEM)
WRAP(int, on_exit, (void (*fn)(int, void *), void *arg), (fn, arg), ENOMEM)
WRAP(int, at_quick_exit, (void (*fn)(void)), (fn), ENOMEM)
WRAP(int, pthread_atfork,
     (void (*prepare)(void), void (*parent)(void), void (*child)(void)),
     (prepare, parent, child), ENOMEM)

/* --- what an operation works on; in uncollectable memory --- */

struct world {
    size_t number;           /* the repetition */
    struct target *target, *data;
    gcw_method *method;
    gcw_exit_registry *registry;
    gcw_event *event;
    gcw_hub *hub;
    gcw_proxy *proxy;
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

/* --- the operations --- */

struct operation {
    const char *name;
    void (*prepare)(struct world *w);    /* with memory; may be NULL */
    bool (*attempt)(struct world *w);    /* true: it succeeded */
    void (*check)(struct world *w);      /* that what it made works, once */
    size_t repetitions;
    int error;                           /* besides ENOMEM; 0: none */
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

static bool
try_atexit(struct world *w)
{
    (void)w;
    return gcw_atexit(called_at_exit) == 0;
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

static void
check_proxy(struct world *w)
{
    assert_int_equal(gcw_proxy_on_stale(w->made, told_stale, w->calls), 0);
    assert_int_equal(gcw_dispose(w->target), 0);
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

/* The first reference of all needs more than the later ones.  References many
 * times, for the index grows with their number. */
static const struct operation operations[] = {
    { "gcw_ref_new, the first of all", NULL, try_ref, check_ref, 1, 0 },
    { "gcw_ref_new", NULL, try_ref, check_ref, 5000, 0 },
    { "gcw_ref_new, interior", NULL, try_inner_ref, check_inner_ref, 500, 0 },
    { "gcw_ref_new_long", NULL, try_long_ref, check_ref, 500, 0 },
    { "gcw_method_new", NULL, try_method, check_method, 500, 0 },
    { "gcw_method_new_weak", NULL, try_weak_method, NULL, 500, 0 },
    { "gcw_cleanup_new", NULL, try_cleanup, check_cleanup, 500, 0 },
    { "gcw_method_on_death", with_method, try_on_death, check_cleanup, 50,
      0 },
    { "gcw_method_on_death, weak data", with_weak_method, try_on_death,
      check_death_of_data, 50, 0 },
    { "gcw_exit_registry_new", NULL, try_registry, check_registry, 50, 0 },
    { "gcw_exit_register", with_registry_and_method, try_register,
      check_handler, 50, 0 },
    { "gcw_exit_register, options", with_registry_and_method,
      try_register_with_name, check_handler, 50, 0 },
    { "gcw_exit_register, weak data", with_registry_and_weak_method,
      try_register, NULL, 50, 0 },
    { "gcw_exit_register_fn", with_registry, try_register_fn, check_handler,
      50, 0 },
    { "gcw_exit_register_fn, options", with_registry,
      try_register_fn_with_name, check_handler, 50, 0 },
    { "gcw_atexit", NULL, try_atexit, check_atexit, 5, 0 },
    { "gcw_event_new", NULL, try_event, check_event, 50, 0 },
    { "gcw_event_new, name", NULL, try_event_with_name, check_event, 50, 0 },
    { "gcw_event_connect", with_event_and_method, try_connect,
      check_listener, 50, 0 },
    { "gcw_event_connect, weak data", with_event_and_weak_method, try_connect,
      check_weak_listener, 50, 0 },
    { "gcw_event_connect, in front", with_event_and_method,
      try_connect_in_front, check_listener, 50, 0 },
    { "gcw_event_connect, unique", with_event_and_method, try_connect_unique,
      check_unique, 50, 0 },
    { "gcw_event_connect_fn", with_event, try_connect_fn, check_listener, 50,
      0 },
    { "gcw_event_connect, in front of very many", with_very_many,
      try_connect_in_front, check_listener, 2, 0 },
    { "gcw_event_connect, unique among very many", with_very_many,
      try_connect_unique, check_equal, 2, 0 },
    { "gcw_event_disconnect", with_event_of_equals, try_disconnect,
      check_disconnected, 50, 0 },
    { "gcw_event_disconnect_fn", with_event_of_equals, try_disconnect_fn,
      check_disconnected, 50, 0 },
    { "gcw_event_disconnect, from very many", with_very_many, try_disconnect,
      check_disconnected, 2, 0 },
    { "gcw_hub_new", NULL, try_hub, check_hub, 50, 0 },
    { "gcw_hub_connect", with_types, try_hub_connect, check_hub_listener, 50,
      0 },
    { "gcw_hub_connect, interior", with_types, try_hub_connect_to_inside,
      check_hub_listener_inside, 50, 0 },
    { "gcw_hub_connect, any source", with_types, try_hub_connect_to_type,
      check_hub_listener, 50, 0 },
    { "gcw_hub_connect, any type", with_types, try_hub_connect_to_source,
      check_hub_listener_dies, 50, 0 },
    { "gcw_hub_connect, any", with_types, try_hub_connect_to_all,
      check_hub_listener, 50, 0 },
    { "gcw_hub_connect, known type and source", with_pattern, try_hub_connect,
      check_hub_listener, 50, 0 },
    { "gcw_hub_connect, in front", with_pattern, try_hub_connect_in_front,
      check_hub_listener, 50, 0 },
    { "gcw_hub_connect, weak data", with_types_and_weak_method,
      try_hub_connect_to_type, check_hub_listener_dies, 50, 0 },
    { "gcw_hub_connect_fn", with_pattern, try_hub_connect_fn,
      check_hub_listener, 50, 0 },
    { "gcw_hub_emit", with_patterns, try_hub_emit, check_hub_emitted, 5, 0 },
    { "gcw_hub_post", with_pattern, try_hub_post, check_hub_posted, 5, 0 },
    { "gcw_hub_dispatch", with_patterns_and_posts, try_hub_dispatch,
      check_hub_dispatched, 5, 0 },
    { "gcw_hub_fd", with_hub, try_hub_fd, check_hub_fd, 5, 0 },
#if HAVE_LIBFFI
    { "gcw_signature_check", NULL, try_signature, NULL, 1, 0 },
    { "gcw_proxy_new", NULL, try_simple_proxy, check_simple_proxy, 50, 0 },
    { "gcw_proxy_new, known target and signature", with_simple_proxy,
      try_simple_proxy, check_simple_proxy, 50, 0 },
    { "gcw_proxy_new, new signatures", NULL, try_proxy, check_proxy, 500, 0 },
#endif
    { "gcw_drain_fd", NULL, try_fd, NULL, 1, 0 },
    { "gcw_drain_thread", NULL, try_worker, check_worker, 3, EAGAIN },
};

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

/* Tries with the n-th allocation failing.  Returns whether there were so
 * many; *succeeded tells how it ended. */
static bool
attempt_with_failure(const struct operation *o, struct world *w, size_t n,
                     bool *succeeded)
{
    bool met;
    errno = 0;
    countdown = n;
    *succeeded = o->attempt(w);
    met = countdown == 0;
    countdown = 0;
    out_of_memory = false;
    if (!*succeeded && (!met || (errno != ENOMEM && errno != o->error)))
        fail_msg("%s: allocation %zu: %s", o->name, n, strerror(errno));
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

/* Returns how many allocations failed.  e may be NULL. */
static size_t
fail_each_allocation(const struct operation *o, const struct elders *e,
                     size_t repetition)
{
    struct world *w = world_new(o, repetition);
    struct tally before = tally_new(w), after;
    size_t n = 1;
    bool succeeded = false;
    while (attempt_with_failure(o, w, n, &succeeded) && !succeeded) {
        if (e != NULL)
            elders_are_well(e);
        assert_int_equal(calls, 0);
        after = tally_new(w);
        nothing_changed(&before, &after);
        n++;
    }
    if (!succeeded)
        fail_msg("%s does not succeed with memory", o->name);
    if (o->check != NULL)
        o->check(w);
    GC_FREE(w);
    return n - 1;
}

/* The first reference of all comes before the elders. */
static void
try_operation(const struct operation *o)
{
    struct elders *e = o == operations ? NULL : elders_new();
    size_t failures = 0;
    for (size_t i = 0; i < o->repetitions; i++) {
        lasting = i % 2;
        failures += fail_each_allocation(o, e, i);
    }
    lasting = false;
    if (failures == 0)
        fail_msg("%s: no allocation failed", o->name);
    if (e != NULL)
        elders_end_well(e);
}

static void
an_operation_fails_cleanly_and_then_succeeds(void **state)
{
    try_operation(*state);
}

/* First of all, before anything has started the library. */
static void
gcw_init_fails_cleanly_and_then_succeeds(void **state)
{
    size_t n = 0;
    bool met;
    int result;
    (void)state;
    do {
        errno = 0;
        countdown = ++n;
        result = gcw_init();
        met = countdown == 0;
        countdown = 0;
        if (result != 0)
            assert_int_equal(errno, ENOMEM);
    } while (met && result != 0);
    assert_int_equal(result, 0);
    assert_true(n > 1);
    assert_int_equal(gcw_init(), 0);
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

static void
deaths_are_told_without_memory(void **state)
{
    (void)state;
    static size_t dead;
    struct dying d = { keep_array(MANY), &dead };
    in_dead_frame(make_dying, &d);
    out_of_memory = true;
    collect();
    gcw_drain(0);
    size_t found = dead;
    for (size_t i = 1; i < MANY; i += 2)
        gcw_dispose(d.kept[i]);
    gcw_drain(0);
    out_of_memory = false;
    assert_in_range(found, MANY / 2 * NEARLY_ALL / MANY, MANY / 2);
    assert_int_equal(dead - found, MANY / 2);
}

static void
what_exists_can_be_used_and_ended_without_memory(void **state)
{
    (void)state;
    struct elders *e = elders_new();
    gcw_cleanup *c = gcw_cleanup_new(e->target, called, &e->calls);
    gcw_exit_handler *h = gcw_exit_register_fn(e->registry, called, &e->calls,
                                               NULL);
    out_of_memory = true;
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
    out_of_memory = false;
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

static void
dead_listeners_go_without_memory(void **state)
{
    (void)state;
    struct dying_listeners d = { keep_array(MANY), gcw_event_new(NULL),
                                 gcw_hub_new() };
    struct left collected, disposed, later;
    GC_disable();
    in_dead_frame(make_dying_listeners, &d);
    GC_enable();
    out_of_memory = true;
    collect();
    collected = left_of(&d);
    for (size_t i = 1 + 2 * SURVIVORS; i < MANY; i += 2)
        gcw_dispose(d.kept[i]);
    disposed = left_of(&d);
    out_of_memory = false;
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

static void
an_event_works_without_memory(void **state)
{
    (void)state;
    struct operation o = { .prepare = with_listeners };
    struct world *w = world_new(&o, 3);
    gcw_event *e = w->event;
    out_of_memory = true;
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
    out_of_memory = false;
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

static void
a_hub_works_without_memory(void **state)
{
    (void)state;
    struct operation o = { .prepare = with_posts };
    struct world *w = world_new(&o, 3);
    gcw_hub *h = w->hub;
    gcw_hub_size size;
    out_of_memory = true;
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
    out_of_memory = false;
    assert_true(good);
    assert_int_equal(calls, 4 + 1 + 4 + 3);
    hub_has(h, 0, 0, 0);
    assert_int_equal(size.posted, 0);
}

/* A proxy is called, told of and freed. */
#if HAVE_LIBFFI
static void
a_proxy_works_without_memory(void **state)
{
    (void)state;
    struct operation o = { .prepare = with_simple_proxy };
    struct world *w = world_new(&o, 3);
    size_t (*code)(void) = (size_t (*)(void))gcw_proxy_code(w->proxy);
    out_of_memory = true;
    bool good = code() == 3
                && gcw_proxy_on_stale(w->proxy, told_stale, w->calls) == 0
                && gcw_dispose(w->target) == 0
                && code() == 0 && errno == ESTALE
                && gcw_proxy_free(w->proxy) == 0;
    out_of_memory = false;
    assert_true(good);
    assert_int_equal(calls, 1);
}
#endif

/* Those after mmap are used only where the system has nothing better. */
static void
each_kind_of_allocation_has_failed(void **state)
{
    (void)state;
    for (int i = 0; i <= KIND_mmap; i++)
        if (failed[i] == 0)
            fail_msg("%s never failed", kind_names[i]);
}

enum { BEFORE = 1, AFTER = 6 + HAS_PROXIES };

static int
run_all(void)
{
    struct CMUnitTest tests[BEFORE + N_OPERATIONS + AFTER] = {
        [0] = cmocka_unit_test(gcw_init_fails_cleanly_and_then_succeeds),
        [BEFORE + N_OPERATIONS] =
            cmocka_unit_test(deaths_are_told_without_memory),
            cmocka_unit_test(what_exists_can_be_used_and_ended_without_memory),
            cmocka_unit_test(dead_listeners_go_without_memory),
            cmocka_unit_test(an_event_works_without_memory),
            cmocka_unit_test(a_hub_works_without_memory),
#if HAVE_LIBFFI
            cmocka_unit_test(a_proxy_works_without_memory),
#endif
            cmocka_unit_test(each_kind_of_allocation_has_failed),
    };
    for (size_t i = 0; i < N_OPERATIONS; i++)
        tests[BEFORE + i] = (struct CMUnitTest){
            operations[i].name, an_operation_fails_cleanly_and_then_succeeds,
            NULL, NULL, (void *)(uintptr_t)&operations[i]
        };
    return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, NULL, 0, run_all);
}
