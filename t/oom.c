/* oom.c: every allocation of the library fails in turn.
 *
 * Linked with the library's objects, so that the linker can put the functions
 * below in the place of those by which the library gets memory, links and
 * threads (-Wl,--wrap=NAME for each NAME in KINDS).
 *
 * Each operation of the table is tried with its first allocation failing, then
 * its second, and so on, until it gets by without meeting the one that is to
 * fail.  A failure must say ENOMEM and change nothing, and the next try must
 * succeed.  At the end each kind of allocation must have failed somewhere.
 */
#include <config.h>

#include "support.h"
#include "../src/ref.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* --- failing on demand --- */

#define KINDS(KIND)                                                         \
    KIND(GC_malloc)                                                         \
    KIND(GC_malloc_atomic)                                                  \
    KIND(GC_malloc_uncollectable)                                           \
    KIND(GC_general_register_disappearing_link)                             \
    KIND(GC_register_long_link)                                             \
    KIND(GC_pthread_create)                                                 \
    KIND(malloc)                                                            \
    KIND(calloc)                                                            \
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
static _Thread_local bool out_of_memory;    /* all fail */

static bool
fails(enum kind kind)
{
    if (!out_of_memory && (countdown == 0 || --countdown != 0))
        return false;
    failed[kind]++;
    errno = ENOMEM;
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
WRAP(int, GC_general_register_disappearing_link,
     (void **link, const void *object), (link, object), GC_NO_MEMORY)
WRAP(int, GC_register_long_link, (void **link, const void *object),
     (link, object), GC_NO_MEMORY)
WRAP(int, GC_pthread_create,
     (pthread_t *thread, const pthread_attr_t *attributes,
      void *(*start)(void *), void *arg),
     (thread, attributes, start, arg), EAGAIN)
WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL)
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
    struct target *target, *data;
    gcw_method *method;
    gcw_exit_registry *registry;
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
    size_t calls;
};

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
    return e;
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
}

/* --- the tests --- */

static size_t
watches(void)
{
    struct gcw__ref_stats stats;
    gcw__ref_stats(&stats);
    return stats.watches;
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
    if (!*succeeded && (!met || (errno != ENOMEM && errno != o->error)))
        fail_msg("%s: allocation %zu: %s", o->name, n, strerror(errno));
    return met;
}

static struct world *
world_new(const struct operation *o, size_t number)
{
    struct world *w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);
    assert_non_null(w);
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
    size_t before = watches(), n = 1;
    bool succeeded = false;
    while (attempt_with_failure(o, w, n, &succeeded) && !succeeded) {
        if (e != NULL)
            elders_are_well(e);
        assert_in_range(watches(), 0, before);
        assert_int_equal(calls, 0);
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
    for (size_t i = 0; i < o->repetitions; i++)
        failures += fail_each_allocation(o, e, i);
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

/* Those after mmap are used only where the system has nothing better. */
static void
each_kind_of_allocation_has_failed(void **state)
{
    (void)state;
    for (int i = 0; i <= KIND_mmap; i++)
        if (failed[i] == 0)
            fail_msg("%s never failed", kind_names[i]);
}

enum { BEFORE = 1, AFTER = 3 };

static int
run_all(void)
{
    struct CMUnitTest tests[BEFORE + N_OPERATIONS + AFTER] = {
        [0] = cmocka_unit_test(gcw_init_fails_cleanly_and_then_succeeds),
        [BEFORE + N_OPERATIONS] =
            cmocka_unit_test(deaths_are_told_without_memory),
            cmocka_unit_test(what_exists_can_be_used_and_ended_without_memory),
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
