/* midst.c: calls into the library in the midst of another one.
 *
 * Wherever the library allocates, the collector may run a finalizer, and that
 * may call the library.  Here something of the kind happens at the first
 * allocation of an operation, then at its second, and so on (failing.h): the
 * objects that it is about are disposed of, or the same is done once more.
 */
#include <config.h>

#include "idle.h"
#include "support.h"
#include "failing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* So many references that memory for them is needed more than once. */
enum { CROWD = 600 };

/* What an operation works on; in uncollectable memory. */
struct world {
    struct target *target, *data, *source;
    char *crowd;                 /* an object with many that are referred to, */
    char *member;                /* and which is just now */
    gcw_method *method, *weak;
    gcw_event *event;
    gcw_hub *hub;
    gcw_exit_registry *registry;
    size_t calls;
    intptr_t inner;              /* what came of it in the midst */
};

static void
called(void *w)
{
    ((struct world *)w)->calls++;
}

static void
told(gcw_method *m, void *w)
{
    (void)m;
    called(w);
}

static struct world *
world_new(void)
{
    struct world *w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);
    assert_non_null(w);
    w->target = target_new(1);
    w->data = target_new(2);
    w->source = target_new(3);
    w->crowd = GC_MALLOC(CROWD);
    w->method = gcw_method_new(w->target, idle_method, w);
    w->weak = gcw_method_new_weak(w->target, idle_method, w->data);
    w->event = gcw_event_new(NULL);
    w->hub = gcw_hub_new();
    w->registry = gcw_exit_registry_new(NULL);
    return w;
}

/* Does it with `midst` at each allocation in turn, each time in a new world,
 * which `check` looks at afterwards. */
static void
at_each_allocation(intptr_t (*operation)(struct world *w),
                   void (*midst)(void *w),
                   void (*check)(struct world *w, intptr_t outcome))
{
    bool met = true;
    size_t n;
    for (n = 1; met; n++) {
        struct world *w = world_new();
        failing_call(n, midst, w);
        errno = 0;
        intptr_t outcome = operation(w);
        int error = errno;
        met = failing_end() != 0;
        errno = error;
        check(w, outcome);
        GC_FREE(w);
    }
    assert_true(n > 2);
}

/* --- the start --- */

static void
start_too(void *result)
{
    *(int *)result = gcw_init();
}

TEST(the_library_starts_once)
{
    int inner = -1;
    failing_call(3, start_too, &inner);
    assert_int_equal(gcw_init(), 0);
    assert_int_equal(failing_end(), 1);
    assert_int_equal(inner, 0);
    assert_non_null(gcw_ref_new(target_new(0)));
}

/* --- an object is disposed of --- */

static void
dispose_of_target(void *w)
{
    gcw_dispose(((struct world *)w)->target);
}

static void
dispose_of_data(void *w)
{
    gcw_dispose(((struct world *)w)->data);
}

static void
dispose_of_source(void *w)
{
    gcw_dispose(((struct world *)w)->source);
}

static intptr_t
connect(struct world *w)
{
    return (intptr_t)gcw_event_connect(w->event, w->weak, GCW_UNIQUE);
}

static intptr_t
connect_to_hub(struct world *w)
{
    return (intptr_t)gcw_hub_connect(w->hub, "news", w->source, w->weak, 0);
}

static intptr_t
connect_fn_to_hub(struct world *w)
{
    return (intptr_t)gcw_hub_connect_fn(w->hub, "news", w->source, idle_hub_fn,
                                        w, 0);
}

/* Connected or refused, it has gone, but for what did not happen at all. */
static void
check_listener(struct world *w, intptr_t outcome)
{
    gcw_hub_size size;
    if (outcome == 0)
        assert_int_equal(errno, ESTALE);
    gcw_dispose(w->target);
    gcw_dispose(w->source);
    assert_int_equal(gcw_hub_measure(w->hub, &size), 0);
    assert_int_equal(size.listeners, 0);
    assert_int_equal(size.patterns, 0);
    assert_int_equal(size.types, 0);
    assert_int_equal(gcw_event_count(w->event), 0);
    assert_int_equal(gcw_event_emit(w->event, NULL), 0);
}

TEST(what_is_being_connected_may_die)
{
    at_each_allocation(connect, dispose_of_target, check_listener);
    at_each_allocation(connect, dispose_of_data, check_listener);
    at_each_allocation(connect_to_hub, dispose_of_target, check_listener);
    at_each_allocation(connect_to_hub, dispose_of_data, check_listener);
    at_each_allocation(connect_to_hub, dispose_of_source, check_listener);
    at_each_allocation(connect_fn_to_hub, dispose_of_source, check_listener);
}

static intptr_t
register_weak(struct world *w)
{
    return (intptr_t)gcw_exit_register(w->registry, w->weak, NULL);
}

static void
check_handler(struct world *w, intptr_t outcome)
{
    if (outcome == 0)
        assert_int_equal(errno, ESTALE);
    else
        gcw_dispose(w->target);
    assert_int_equal(gcw_exit_run(w->registry, 0), 0);
    if (outcome != 0)
        assert_int_equal(gcw_exit_unregister((gcw_exit_handler *)outcome),
                         GCW_GONE);
}

TEST(what_is_being_registered_may_die)
{
    at_each_allocation(register_weak, dispose_of_target, check_handler);
    at_each_allocation(register_weak, dispose_of_data, check_handler);
}

static intptr_t
watch_target(struct world *w)
{
    return (intptr_t)gcw_cleanup_new(w->target, called, w);
}

static intptr_t
watch_method(struct world *w)
{
    return (intptr_t)gcw_method_on_death(w->weak, told, w);
}

/* It runs once, whenever the object died; if it was refused, not at all. */
static void
check_cleanup(struct world *w, intptr_t outcome)
{
    if (outcome == 0)
        assert_int_equal(errno, ESTALE);
    gcw_dispose(w->target);
    gcw_drain(0);
    assert_int_equal(w->calls, outcome != 0);
}

TEST(what_is_being_watched_may_die)
{
    at_each_allocation(watch_target, dispose_of_target, check_cleanup);
    at_each_allocation(watch_method, dispose_of_target, check_cleanup);
    at_each_allocation(watch_method, dispose_of_data, check_cleanup);
}

/* --- the same is done once more --- */

static intptr_t
refer_long(struct world *w)
{
    return (intptr_t)gcw_ref_new_long(&w->source->number);
}

static void
refer_long_too(void *w)
{
    ((struct world *)w)->inner = refer_long(w);
}

/* To one after the other, so that the two meet wherever memory is needed. */
static intptr_t
refer_to_crowd(struct world *w)
{
    intptr_t ref = 0;

    for (int i = 0; i < CROWD; i++) {
        w->inner = 0;
        w->member = w->crowd + i;
        ref = (intptr_t)gcw_ref_new(w->member);
        assert_true(ref != 0);
        assert_true(w->inner == 0 || w->inner == ref);
    }
    return ref;
}

static void
refer_to_member_too(void *world)
{
    struct world *w = world;

    w->inner = (intptr_t)gcw_ref_new(w->member);
}

static void
connect_too(void *w)
{
    ((struct world *)w)->inner = connect(w);
}

static void
connect_to_hub_too(void *w)
{
    ((struct world *)w)->inner = connect_to_hub(w);
}

/* There is one, for both. */
static void
check_same(struct world *w, intptr_t outcome)
{
    assert_true(outcome != 0);
    assert_true(w->inner == 0 || w->inner == outcome);
    check_listener(w, outcome);
}

TEST(what_is_one_is_made_once)
{
    at_each_allocation(refer_long, refer_long_too, check_same);
    at_each_allocation(refer_to_crowd, refer_to_member_too, check_same);
    at_each_allocation(connect, connect_too, check_same);
    at_each_allocation(connect_to_hub, connect_to_hub_too, check_same);
}

/* --- more is needed than was found missing --- */

enum { MORE = 100 };

static char tags[MORE];

static intptr_t
register_fn(struct world *w)
{
    return (intptr_t)gcw_exit_register_fn(w->registry, called, w, NULL);
}

static void
register_more(void *w)
{
    for (int i = 0; i < MORE; i++)
        register_fn(w);
}

/* From now on functions can be found. */
static void
look_for_function(void *w)
{
    gcw_exit_unregister_fn(((struct world *)w)->registry, free);
}

static void
check_registered(struct world *w, intptr_t outcome)
{
    size_t n = gcw_exit_unregister_fn(w->registry, called);

    assert_true(outcome != 0);
    assert_true(n == 1 || n == MORE + 1);
}

static intptr_t
connect_fn(struct world *w)
{
    return (intptr_t)gcw_event_connect_fn(w->event, idle_fn, w, 0);
}

static void
connect_more(void *arg)
{
    struct world *w = arg;

    for (int i = 0; i < MORE; i++)
        gcw_event_connect_fn(w->event, idle_fn, &tags[i], 0);
}

static void
look_for_listener(void *w)
{
    gcw_event_disconnect_fn(((struct world *)w)->event, idle_fn, NULL);
}

static void
check_connected(struct world *w, intptr_t outcome)
{
    size_t n = gcw_event_count(w->event);

    assert_true(outcome != 0);
    assert_true(n == 1 || n == MORE + 1);
    assert_true(gcw_event_disconnect_fn(w->event, idle_fn, w));
    assert_int_equal(gcw_event_count(w->event), n - 1);
}

static void
connect_more_to_hub(void *arg)
{
    struct world *w = arg;
    char name[16];

    for (int i = 0; i < MORE; i++) {
        snprintf(name, sizeof name, "news %d", i);
        gcw_hub_connect_fn(w->hub, name, w->source, idle_hub_fn, w, 0);
    }
}

static void
check_connected_to_hub(struct world *w, intptr_t outcome)
{
    gcw_hub_size size;

    assert_true(outcome != 0);
    assert_int_equal(gcw_hub_measure(w->hub, &size), 0);
    assert_true(size.patterns == 1 || size.patterns == MORE + 1);
    assert_int_equal(gcw_hub_emit(w->hub, "news", w->source, NULL), 1);
}

TEST(there_is_room_for_what_others_add_meanwhile)
{
    at_each_allocation(register_fn, register_more, check_registered);
    at_each_allocation(register_fn, look_for_function, check_registered);
    at_each_allocation(connect_fn, connect_more, check_connected);
    at_each_allocation(connect_fn, look_for_listener, check_connected);
    at_each_allocation(connect_fn_to_hub, connect_more_to_hub,
                       check_connected_to_hub);
}

#if HAVE_LIBFFI

static intptr_t
make_proxy(struct world *w)
{
    return (intptr_t)gcw_proxy_new(w->target, (gcw_proxy_fn *)idle_method,
                                   "ppp)p");
}

static void
make_proxy_too(void *w)
{
    ((struct world *)w)->inner = make_proxy(w);
}

static void
check_proxies(struct world *w, intptr_t outcome)
{
    assert_true(outcome != w->inner);
    assert_int_equal(gcw_proxy_free((gcw_proxy *)outcome), 0);
    if (w->inner != 0)
        assert_int_equal(gcw_proxy_free((gcw_proxy *)w->inner), 0);
}

TEST(two_proxies_may_be_made_with_one_signature)
{
    at_each_allocation(make_proxy, make_proxy_too, check_proxies);
}

#endif
