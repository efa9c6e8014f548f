/* exit-weak.c: tests of handlers whose object dies, and of registries that
 * are dropped.
 */
#include <errno.h>
#include "idle.h"
#include "registry.h"

/* MANY targets are dropped and MANY are kept, in turns; each has a handler.
 * What is counted: handlers that ran for either kind. */
struct crowd {
    gcw_exit_registry *registry;
    void **kept;         /* the targets with an even number */
    void **handles;      /* of the dropped ones, where a test asks for them */
    size_t ran_kept, ran_dropped;
};

static void *
count_kind(void *self, void *info, void *data)
{
    const struct target *t = self;
    struct crowd *crowd = data;
    (void)info;
    assert_true(t->magic == MAGIC);
    if (t->number % 2 == 0)
        crowd->ran_kept++;
    else
        crowd->ran_dropped++;
    return NULL;
}

static void
register_crowd(void *arg)
{
    struct crowd *crowd = arg;
    for (size_t i = 0; i < 2 * MANY; i++) {
        struct target *t = target_new(i);
        gcw_method *m = gcw_method_new(t, count_kind, crowd);
        gcw_exit_handler *h = gcw_exit_register(crowd->registry, m, NULL);
        assert_non_null(h);
        if (i % 2 == 0)
            crowd->kept[i / 2] = t;
        else
            crowd->handles[i / 2] = h;
    }
}

static void
form_crowd(struct crowd *crowd)
{
    *crowd = (struct crowd){
        .registry = fresh_registry(),
        .kept = keep_array(MANY), .handles = keep_array(MANY)
    };
    in_dead_frame(register_crowd, crowd);
}

TEST(handlers_of_the_dead_are_skipped_and_all_others_run)
{
    struct crowd crowd;
    form_crowd(&crowd);
    collect();
    assert_int_equal(gcw_exit_run(crowd.registry, 0), 0);
    assert_int_equal(crowd.ran_kept, MANY);
    assert_true(crowd.ran_dropped <= MANY - NEARLY_ALL);
}

TEST(handlers_of_the_dead_are_gone)
{
    struct crowd crowd;
    size_t gone = 0;
    form_crowd(&crowd);
    collect();
    for (size_t i = 0; i < MANY; i++)
        gone += gcw_exit_unregister(crowd.handles[i]) == GCW_GONE;
    assert_true(gone >= NEARLY_ALL);
    assert_int_equal(gcw_exit_run(crowd.registry, 0), 0);
    assert_int_equal(crowd.ran_kept, MANY);
    assert_int_equal(crowd.ran_dropped, 0);
}

/* Each dead handler's method has data that nothing else holds.  When the data
 * dies too, the registry has let go of the handler. */
struct burden {
    gcw_exit_registry *registry;
    void **refs;         /* to the data */
};

static void
register_burdened(void *arg)
{
    struct burden *burden = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *data = target_new(i);
        gcw_method *m = gcw_method_new(target_new(i), idle_method, data);
        assert_non_null(gcw_exit_register(burden->registry, m, NULL));
        burden->refs[i] = gcw_ref_new(data);
        assert_non_null(burden->refs[i]);
    }
}

/* One collection finds the targets dead, the next the handlers' data; the call
 * between them is for collectors that run finalizers when it suits them. */
static void
collect_twice(void)
{
    collect();
    gcw_drain(0);
    collect();
}

TEST(dead_handlers_leave_the_registry_by_themselves)
{
    struct burden burden = { fresh_registry(), keep_array(MANY) };
    in_dead_frame(register_burdened, &burden);
    collect_twice();
    assert_true(dead_refs(burden.refs, MANY) >= NEARLY_ALL);
    assert_int_equal(gcw_exit_run(burden.registry, 0), 0);
}

/* A registry holds methods and data, though nobody else does. */

struct held {
    gcw_exit_registry *registry;
    struct target *target;
    gcw_ref *data, *method_data;
};

static void
note_number(void *data)
{
    const struct target *t = data;
    note(t->magic == MAGIC && t->number == 7 ? "seven" : "garbage");
}

static void *
method_notes_number(void *self, void *info, void *data)
{
    (void)self;
    (void)info;
    note_number(data);
    return NULL;
}

static void
register_held(void *arg)
{
    struct held *held = arg;
    struct target *a = target_new(7), *b = target_new(7);
    held->data = gcw_ref_new(a);
    held->method_data = gcw_ref_new(b);
    add_fn(held->registry, note_number, a);
    gcw_method *m = gcw_method_new(held->target, method_notes_number, b);
    assert_non_null(gcw_exit_register(held->registry, m, NULL));
}

TEST(a_registry_holds_methods_and_data)
{
    struct held held = { .registry = fresh_registry() };
    held.target = target_new(0);
    in_dead_frame(register_held, &held);
    collect_twice();
    assert_non_null(gcw_ref_get(held.data));
    assert_non_null(gcw_ref_get(held.method_data));
    assert_int_equal(gcw_exit_run(held.registry, 0), 0);
    assert_string_equal(noted(), "seven seven");
    assert_non_null(held.target);
}

/* Death by gcw_dispose, which needs no collection. */

TEST(disposing_of_the_object_takes_its_handlers_off)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(0);
    add(r, "a");
    gcw_exit_handler *one = add_method(r, t, "b");
    gcw_exit_handler *two = add_method(r, t, "c");
    assert_int_equal(gcw_dispose(t), 0);
    run_leaves(r, "a");
    assert_int_equal(gcw_exit_unregister(one), GCW_GONE);
    assert_int_equal(gcw_exit_unregister(two), GCW_GONE);
}

TEST(a_dead_method_cannot_be_registered)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(0);
    gcw_method *m = gcw_method_new(t, note_method, "m");
    assert_int_equal(gcw_dispose(t), 0);
    expect_errno(gcw_exit_register(r, m, NULL) == NULL, ESTALE);
    run_leaves(r, "");
}

TEST(weak_data_that_died_ends_the_handler)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *self = target_new(0), *data = target_new(1);
    gcw_method *m = gcw_method_new_weak(self, idle_method, data);
    gcw_exit_handler *h = gcw_exit_register(r, m, NULL);
    assert_non_null(h);
    assert_int_equal(gcw_dispose(data), 0);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
    assert_non_null(self);
}

static void
dispose_of(void *target)
{
    note("killer");
    assert_int_equal(gcw_dispose(target), 0);
}

TEST(an_object_that_dies_during_the_run_is_skipped)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(0);
    add(r, "a");
    add_method(r, t, "victim");
    add_fn(r, dispose_of, t);
    run_leaves(r, "killer a");
}

TEST(a_kept_handler_ends_with_its_object)
{
    gcw_exit_registry *r = fresh_registry();
    struct target *t = target_new(0);
    gcw_exit_options o = { .keep = true };
    gcw_method *m = gcw_method_new(t, note_method, "m");
    assert_non_null(gcw_exit_register(r, m, &o));
    run_leaves(r, "m");
    assert_int_equal(gcw_dispose(t), 0);
    run_leaves(r, "");
}

/* Registries that are dropped. */

struct dropped {
    void **refs;         /* to the registries */
    struct target *target;   /* what methods are on; NULL: functions instead */
    size_t ran;
};

static void
count_run(void *data)
{
    struct dropped *dropped = data;
    dropped->ran++;
}

static void *
method_counts_run(void *self, void *info, void *data)
{
    (void)self;
    (void)info;
    count_run(data);
    return NULL;
}

static void
fill(gcw_exit_registry *r, struct dropped *dropped)
{
    if (dropped->target == NULL)
        add_fn(r, count_run, dropped);
    else
        assert_non_null(gcw_exit_register(
            r, gcw_method_new(dropped->target, method_counts_run, dropped),
            NULL));
}

static void
fill_and_drop(void *arg)
{
    struct dropped *dropped = arg;
    for (size_t i = 0; i < MANY; i++) {
        gcw_exit_registry *r = gcw_exit_registry_new("dropped");
        assert_non_null(r);
        fill(r, dropped);
        fill(r, dropped);
        dropped->refs[i] = gcw_ref_new(r);
        assert_non_null(dropped->refs[i]);
    }
}

static void
expect_that_they_go(struct dropped *dropped)
{
    dropped->refs = keep_array(MANY);
    in_dead_frame(fill_and_drop, dropped);
    collect_twice();
    assert_true(dead_refs(dropped->refs, MANY) >= NEARLY_ALL);
    assert_int_equal(dropped->ran, 0);
}

TEST(a_dropped_registry_goes_with_its_functions)
{
    struct dropped dropped = { .target = NULL };
    expect_that_they_go(&dropped);
}

TEST(a_dropped_registry_goes_though_the_objects_live)
{
    struct dropped dropped = { .target = target_new(0) };
    expect_that_they_go(&dropped);
    assert_int_equal(dropped.target->magic, MAGIC);
}
