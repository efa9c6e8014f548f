/* method.c: tests of weak methods: binding, calling, equality, weak data,
 * death callbacks, typed methods.
 */
#include "idle.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int a_static, another_static;

/* The methods' functions. */

struct call {
    void *self, *arg, *data;
};

static void *
note_call(void *self, void *arg, void *data)
{
    *(struct call *)arg = (struct call){ self, arg, data };
    return &a_static;
}

/* --- binding and calling --- */

TEST(a_live_method_binds_self_function_and_data)
{
    struct target *t = target_new(1);
    gcw_bound b = { NULL, NULL, NULL };
    gcw_method *m = gcw_method_new(t, note_call, &a_static);
    assert_non_null(m);
    assert_true(gcw_method_alive(m));
    assert_true(gcw_method_bind(m, &b));
    assert_ptr_equal(b.self, t);
    assert_true(b.fn == note_call);
    assert_ptr_equal(b.data, &a_static);
}

TEST(self_may_be_an_interior_pointer)
{
    char *object = (char *)target_new(1);
    gcw_bound b;
    assert_true(gcw_method_bind(gcw_method_new(object + 9, note_call, NULL),
                                &b));
    assert_ptr_equal(b.self, object + 9);
}

TEST(a_bound_call_passes_everything_and_returns_the_result)
{
    struct call c;
    gcw_bound b = { target_new(1), note_call, &another_static };
    assert_ptr_equal(gcw_bound_call(&b, &c), &a_static);
    assert_ptr_equal(c.self, b.self);
    assert_ptr_equal(c.arg, &c);
    assert_ptr_equal(c.data, &another_static);
}

TEST(a_bound_call_without_a_function_is_refused)
{
    gcw_bound b = { target_new(1), NULL, NULL };
    expect_errno(gcw_bound_call(&b, &a_static) == NULL, EINVAL);
    expect_errno(gcw_bound_call(NULL, &a_static) == NULL, EINVAL);
}

TEST(invoke_calls_and_stores_the_result)
{
    struct target *t = target_new(1);
    struct call c;
    void *result = NULL;
    gcw_method *m = gcw_method_new(t, note_call, &another_static);
    assert_int_equal(gcw_method_invoke(m, &c, &result), 0);
    assert_ptr_equal(result, &a_static);
    assert_ptr_equal(c.self, t);
    assert_ptr_equal(c.data, &another_static);
    assert_int_equal(gcw_method_invoke(m, &c, NULL), 0);
}

static void *
set_errno(void *self, void *arg, void *data)
{
    (void)self, (void)arg, (void)data;
    errno = EXDEV;
    return NULL;
}

TEST(invoke_leaves_errno_as_the_function_did)
{
    struct target *t = target_new(1);
    errno = 0;
    assert_int_equal(
        gcw_method_invoke(gcw_method_new(t, set_errno, NULL), NULL, NULL), 0);
    assert_int_equal(errno, EXDEV);
    GC_reachable_here(t);
}

TEST(invoke_of_a_dead_method_calls_nothing_and_says_estale)
{
    struct target *t = target_new(1);
    struct call c = { NULL, NULL, NULL };
    void *result = &another_static;
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    assert_int_equal(gcw_dispose(t), 0);
    expect_errno(gcw_method_invoke(m, &c, &result) == -1, ESTALE);
    assert_ptr_equal(result, &another_static);
    assert_null(c.arg);
}

TEST(the_null_method_is_refused)
{
    gcw_bound b;
    void *result = &a_static;
    expect_errno(gcw_method_invoke(NULL, NULL, &result) == -1, EINVAL);
    assert_ptr_equal(result, &a_static);
    expect_errno(!gcw_method_bind(NULL, &b), EINVAL);
    expect_errno(!gcw_method_alive(NULL), EINVAL);
}

TEST(bind_without_a_place_is_refused)
{
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    expect_errno(!gcw_method_bind(m, NULL), EINVAL);
    GC_reachable_here(t);
}

/* Many methods on objects made in a frame that is gone; every third object is
 * kept, or all. */
struct herd {
    bool keep_all;
    gcw_method **methods;
    gcw_ref **selves, **data;
    void **kept;
    gcw_method *(*make)(void *self, gcw_method_fn *fn, void *data);
};

static struct herd
herd_new(void)
{
    return (struct herd){
        false, (gcw_method **)keep_array(MANY), (gcw_ref **)keep_array(MANY),
        (gcw_ref **)keep_array(MANY), keep_array(MANY), gcw_method_new
    };
}

static void
populate(void *arg)
{
    struct herd *h = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *self = target_new(i), *data = target_new(i);
        h->methods[i] = h->make(self, note_call, data);
        h->selves[i] = gcw_ref_new(self);
        h->data[i] = gcw_ref_new(data);
        if (i % 3 == 0 || h->keep_all)
            h->kept[i] = self;
    }
}

TEST(a_method_does_not_keep_its_object_alive)
{
    struct herd h = herd_new();
    size_t dead = 0, dropped = 0;
    in_dead_frame(populate, &h);
    collect();
    for (size_t i = 0; i < MANY; i++) {
        bool alive = gcw_method_alive(h.methods[i]);
        if (h.kept[i] != NULL)
            assert_true(alive);
        dropped += h.kept[i] == NULL;
        dead += !alive;
    }
    assert_true(nearly_all(dead, dropped));
}

TEST(a_method_keeps_its_data_alive)
{
    struct herd h = herd_new();
    in_dead_frame(populate, &h);
    collect();
    for (size_t i = 0; i < MANY; i += 3) {
        gcw_bound b;
        assert_true(gcw_method_bind(h.methods[i], &b));
        assert_non_null(b.data);
        assert_ptr_equal(gcw_ref_get(h.data[i]), b.data);
        assert_int_equal(((struct target *)b.data)->number, i);
    }
}

TEST(data_dies_with_the_last_handle)
{
    struct herd h = herd_new();
    size_t dead = 0;
    in_dead_frame(populate, &h);
    memset(h.methods, 0, MANY * sizeof *h.methods);
    collect();
    for (size_t i = 0; i < MANY; i++)
        dead += gcw_ref_get(h.data[i]) == NULL;
    assert_true(nearly_all(dead, MANY));
}

static NOINLINE void
bind_all(const struct herd *h, gcw_bound *out)
{
    for (size_t i = 0; i < MANY; i++)
        gcw_method_bind(h->methods[i], &out[i]);
}

static NOINLINE size_t
count_alive(const struct herd *h)
{
    size_t alive = 0;
    for (size_t i = 0; i < MANY; i++)
        alive += gcw_method_alive(h->methods[i]);
    return alive;
}

TEST(a_bound_method_on_the_stack_keeps_the_object_alive)
{
    struct herd h = herd_new();
    gcw_bound bound[MANY];
    h.keep_all = true;
    in_dead_frame(populate, &h);
    bind_all(&h, bound);
    memset(h.kept, 0, MANY * sizeof *h.kept);
    collect();
    assert_int_equal(count_alive(&h), MANY);
    memset(bound, 0, sizeof bound);
    GC_reachable_here(bound);
    clear_stack();
    collect();
    assert_true(nearly_all(MANY - count_alive(&h), MANY));
}

TEST(binding_a_dead_method_clears_the_place)
{
    struct target *t = target_new(1);
    gcw_bound b = { &a_static, note_call, &a_static };
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    assert_int_equal(gcw_dispose(t), 0);
    errno = EXDEV;
    assert_false(gcw_method_bind(m, &b));
    assert_int_equal(errno, EXDEV);
    assert_true(b.self == NULL && b.fn == NULL && b.data == NULL);
}

/* A call that drops every pointer to its object but the library's, collects,
 * and looks whether the object is still there. */
struct dropping {
    gcw_bound *bound;        /* what to clear, or NULL */
    void **kept;             /* where the object is kept */
    gcw_ref *ref;
    bool alive;
};

static void *
drop_self(void *self, void *arg, void *data)
{
    struct dropping *d = arg;
    (void)self, (void)data;
    if (d->bound != NULL)
        d->bound->self = NULL;
    d->kept[0] = NULL;
    /* cppcheck-suppress uselessAssignmentPtrArg ; the parameter held it */
    self = NULL;
    collect();
    d->alive = gcw_ref_get(d->ref) != NULL;
    return NULL;
}

static NOINLINE void
make_dropping(void *arg)
{
    void **place = arg;
    struct dropping *d = place[0];
    struct target *t = target_new(1);
    d->kept[0] = t;
    d->kept[1] = gcw_method_new(t, drop_self, NULL);
    d->ref = gcw_ref_new(t);
    if (d->bound != NULL)
        gcw_method_bind(d->kept[1], d->bound);
}

TEST(the_object_outlives_a_bound_call_that_clears_the_bound_method)
{
    gcw_bound b;
    struct dropping d = { &b, keep_array(2), NULL, false };
    void *place[1] = { &d };
    in_dead_frame(make_dropping, place);
    gcw_bound_call(&b, &d);
    assert_true(d.alive);
    assert_null(b.self);
}

TEST(the_object_outlives_the_call_of_invoke)
{
    struct dropping d = { NULL, keep_array(2), NULL, false };
    void *place[1] = { &d };
    in_dead_frame(make_dropping, place);
    assert_int_equal(gcw_method_invoke(d.kept[1], &d, NULL), 0);
    assert_true(d.alive);
}

/* --- what is refused --- */

static void
refused_self(void *self)
{
    struct target *data = target_new(1);
    expect_errno(gcw_method_new(self, note_call, NULL) == NULL, EINVAL);
    expect_errno(gcw_method_new_weak(self, note_call, data) == NULL, EINVAL);
}

TEST(an_object_outside_the_heap_is_refused)
{
    int local = 0;
    void *p = malloc(64);
    refused_self(NULL);
    refused_self(&a_static);
    refused_self(&local);
    refused_self(p);
    free(p);
}

TEST(a_method_without_a_function_is_refused)
{
    struct target *t = target_new(1);
    expect_errno(gcw_method_new(t, NULL, NULL) == NULL, EINVAL);
    expect_errno(gcw_method_new_weak(t, NULL, t) == NULL, EINVAL);
}

TEST(strong_data_that_is_self_is_refused)
{
    char *t = (char *)target_new(1);
    expect_errno(gcw_method_new(t, note_call, t) == NULL, EINVAL);
}

TEST(strong_data_inside_self_is_refused)
{
    char *t = (char *)target_new(1);
    expect_errno(gcw_method_new(t, note_call, t + 8) == NULL, EINVAL);
    expect_errno(gcw_method_new(t + 8, note_call, t) == NULL, EINVAL);
}

TEST(weak_data_outside_the_heap_is_refused)
{
    struct target *t = target_new(1);
    expect_errno(gcw_method_new_weak(t, note_call, NULL) == NULL, EINVAL);
    expect_errno(gcw_method_new_weak(t, note_call, &a_static) == NULL, EINVAL);
}

/* --- weak data --- */

TEST(weak_data_may_be_self)
{
    struct target *t = target_new(1);
    gcw_bound b;
    gcw_method *m = gcw_method_new_weak(t, note_call, t);
    assert_non_null(m);
    assert_true(gcw_method_bind(m, &b));
    assert_true(b.self == t && b.data == t);
}

TEST(a_weak_method_gives_out_both_halves)
{
    struct target *self = target_new(1), *data = target_new(2);
    gcw_bound b;
    gcw_method *m = gcw_method_new_weak(self, note_call, data);
    assert_true(gcw_method_bind(m, &b));
    assert_true(b.self == self && b.data == data && b.fn == note_call);
}

TEST(a_weak_method_keeps_neither_half_alive)
{
    struct herd h = herd_new();
    size_t dead = 0;
    h.make = gcw_method_new_weak;
    in_dead_frame(populate, &h);
    collect();
    for (size_t i = 0; i < MANY; i++) {
        if (h.kept[i] != NULL)
            assert_ptr_equal(gcw_ref_get(h.selves[i]), h.kept[i]);
        dead += gcw_ref_get(h.data[i]) == NULL;
    }
    assert_true(nearly_all(dead, MANY));
}

TEST(a_weak_method_is_dead_when_its_data_is)
{
    struct target *self = target_new(1), *data = target_new(2);
    gcw_bound b = { self, note_call, data };
    gcw_method *m = gcw_method_new_weak(self, note_call, data);
    assert_int_equal(gcw_dispose(data), 0);
    assert_false(gcw_method_alive(m));
    assert_false(gcw_method_bind(m, &b));
    assert_true(b.self == NULL && b.fn == NULL && b.data == NULL);
    expect_errno(gcw_method_invoke(m, NULL, NULL) == -1, ESTALE);
    GC_reachable_here(self);
}

TEST(a_weak_method_is_dead_when_its_object_is)
{
    struct target *self = target_new(1), *data = target_new(2);
    gcw_method *m = gcw_method_new_weak(self, note_call, data);
    assert_int_equal(gcw_dispose(self), 0);
    assert_false(gcw_method_alive(m));
    GC_reachable_here(data);
}

/* --- equality and hash --- */

static void
equal_methods(const gcw_method *a, const gcw_method *b)
{
    assert_true(gcw_method_equal(a, b));
    assert_true(gcw_method_equal(b, a));
    assert_true(gcw_method_hash(a) == gcw_method_hash(b));
}

static void
unequal_methods(const gcw_method *a, const gcw_method *b)
{
    assert_false(gcw_method_equal(a, b));
    assert_false(gcw_method_equal(b, a));
}

TEST(methods_of_the_same_parts_are_equal)
{
    struct target *t = target_new(1), *d = target_new(2);
    equal_methods(gcw_method_new(t, note_call, &a_static),
                  gcw_method_new(t, note_call, &a_static));
    equal_methods(gcw_method_new_weak(t, note_call, d),
                  gcw_method_new_weak(t, note_call, d));
    GC_reachable_here(t);
    GC_reachable_here(d);
}

TEST(methods_that_differ_in_a_part_are_not_equal)
{
    char *t = (char *)target_new(1);
    struct target *other = target_new(1), *d = target_new(2);
    gcw_method *m = gcw_method_new(t, note_call, &a_static);
    unequal_methods(m, gcw_method_new(other, note_call, &a_static));
    unequal_methods(m, gcw_method_new(t + 8, note_call, &a_static));
    unequal_methods(m, gcw_method_new(t, idle_method, &a_static));
    unequal_methods(m, gcw_method_new(t, note_call, &another_static));
    unequal_methods(gcw_method_new(t, note_call, d),
                    gcw_method_new_weak(t, note_call, d));
    unequal_methods(gcw_method_new_weak(t, note_call, d),
                    gcw_method_new_weak(t, note_call, other));
    GC_reachable_here(t);
    GC_reachable_here(d);
    GC_reachable_here(other);
}

TEST(null_equals_only_null)
{
    struct target *t = target_new(1);
    unequal_methods(gcw_method_new(t, note_call, NULL), NULL);
    assert_true(gcw_method_equal(NULL, NULL));
    assert_true(gcw_method_hash(NULL) == 0);
}

/* Three methods a target: two equal ones and one that differs. */
struct triples {
    gcw_method **methods;
    size_t *hashes;
};

static void
make_triples(void *arg)
{
    struct triples *t = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *self = target_new(i);
        gcw_method **m = t->methods + 3 * i;
        m[0] = gcw_method_new(self, note_call, &a_static);
        m[1] = gcw_method_new(self, note_call, &a_static);
        m[2] = gcw_method_new(self, idle_method, &a_static);
        t->hashes[i] = gcw_method_hash(m[0]);
    }
}

static struct triples
dead_triples(void)
{
    struct triples t = { (gcw_method **)keep_array(3 * MANY),
                         calloc(MANY, sizeof(size_t)) };
    size_t dead = 0;
    assert_non_null(t.hashes);
    in_dead_frame(make_triples, &t);
    collect();
    for (size_t i = 0; i < MANY; i++)
        dead += !gcw_method_alive(t.methods[3 * i]);
    assert_true(nearly_all(dead, MANY));
    return t;
}

TEST(equality_is_unchanged_by_death)
{
    struct triples t = dead_triples();
    for (size_t i = 0; i < MANY; i++) {
        gcw_method **m = t.methods + 3 * i;
        equal_methods(m[0], m[1]);
        unequal_methods(m[0], m[2]);
        unequal_methods(m[0], t.methods[3 * ((i + 1) % MANY)]);
    }
    free(t.hashes);
}

TEST(the_hash_is_unchanged_by_death)
{
    struct triples t = dead_triples();
    for (size_t i = 0; i < MANY; i++)
        assert_true(gcw_method_hash(t.methods[3 * i]) == t.hashes[i]);
    free(t.hashes);
}

static int
by_value(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

TEST(hashes_of_different_methods_mostly_differ)
{
    struct triples t = dead_triples();
    size_t distinct = 1;
    qsort(t.hashes, MANY, sizeof *t.hashes, by_value);
    for (size_t i = 1; i < MANY; i++)
        distinct += t.hashes[i] != t.hashes[i - 1];
    assert_true(nearly_all(distinct, MANY));
    free(t.hashes);
}

TEST(a_new_object_never_equals_a_dead_one)
{
    struct triples dead = dead_triples(), young = {
        (gcw_method **)keep_array(3 * MANY), calloc(MANY, sizeof(size_t))
    };
    assert_non_null(young.hashes);
    make_triples(&young);
    for (size_t i = 0; i < MANY; i++)
        for (size_t j = 0; j < MANY; j++)
            if (gcw_method_equal(dead.methods[3 * i], young.methods[3 * j]))
                fail_msg("dead %zu equals young %zu", i, j);
    free(dead.hashes);
    free(young.hashes);
}

TEST(dispose_kills_the_methods)
{
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    assert_int_equal(gcw_dispose(t), 0);
    assert_false(gcw_method_alive(m));
    gcw_method *renewed = gcw_method_new(t, note_call, NULL);
    assert_true(gcw_method_alive(renewed));
    assert_false(gcw_method_alive(m));
    unequal_methods(m, renewed);
    GC_reachable_here(t);
}

/* --- death callbacks --- */

/* In uncollectable memory, as it holds the method that was told. */
struct notice {
    size_t calls;
    gcw_method *method;
};

static struct notice *
notice_new(void)
{
    struct notice *n = (struct notice *)keep_array(
        (sizeof *n + sizeof(void *) - 1) / sizeof(void *));
    return n;
}

static void
take_notice(gcw_method *m, void *data)
{
    struct notice *n = data;
    n->calls++;
    n->method = m;
}

TEST(on_death_tells_once_with_the_method)
{
    struct target *t = target_new(1);
    struct notice *n = notice_new();
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    assert_non_null(gcw_method_on_death(m, take_notice, n));
    assert_int_equal(gcw_drain(0), 0);
    assert_int_equal(n->calls, 0);
    assert_int_equal(gcw_dispose(t), 0);
    assert_int_equal(n->calls, 0);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(n->calls, 1);
    assert_ptr_equal(n->method, m);
    assert_int_equal(gcw_collect(), 0);
    assert_int_equal(n->calls, 1);
}

struct counted {
    size_t calls;
    size_t wrong;
};

static void
count_dead_method(gcw_method *m, void *data)
{
    struct counted *c = data;
    c->calls++;
    c->wrong += m == NULL || gcw_method_alive(m);
}

static void
watch_and_drop(void *arg)
{
    for (size_t i = 0; i < MANY; i++) {
        gcw_method *m = gcw_method_new(target_new(i), note_call, NULL);
        gcw_method_on_death(m, count_dead_method, arg);
    }
}

TEST(on_death_comes_though_every_handle_was_dropped)
{
    static struct counted c;
    c = (struct counted){ 0, 0 };
    in_dead_frame(watch_and_drop, &c);
    collect();
    assert_int_equal(c.calls, 0);
    gcw_drain(0);
    assert_int_equal(c.wrong, 0);
    assert_true(nearly_all(c.calls, MANY));
    assert_in_range(c.calls, 0, MANY);
}

static void
one_death_of_two(size_t first, size_t second)
{
    struct target *halves[2] = { target_new(0), target_new(1) };
    struct notice *n = notice_new();
    gcw_method *m = gcw_method_new_weak(halves[0], note_call, halves[1]);
    assert_non_null(gcw_method_on_death(m, take_notice, n));
    assert_int_equal(gcw_dispose(halves[first]), 0);
    gcw_drain(0);
    assert_int_equal(n->calls, 1);
    assert_ptr_equal(n->method, m);
    assert_int_equal(gcw_dispose(halves[second]), 0);
    gcw_drain(0);
    assert_int_equal(n->calls, 1);
}

TEST(a_weak_method_tells_once_when_its_data_dies_first)
{
    one_death_of_two(1, 0);
}

TEST(a_weak_method_tells_once_when_its_object_dies_first)
{
    one_death_of_two(0, 1);
}

TEST(a_weak_method_tells_once_when_both_die_before_the_drain)
{
    struct target *self = target_new(0), *data = target_new(1);
    struct notice *n = notice_new();
    gcw_method *m = gcw_method_new_weak(self, note_call, data);
    assert_non_null(gcw_method_on_death(m, take_notice, n));
    assert_int_equal(gcw_dispose(self), 0);
    assert_int_equal(gcw_dispose(data), 0);
    gcw_drain(0);
    assert_int_equal(n->calls, 1);
}

/* Of many weak methods every third object and the next one's data are kept. */
struct halves {
    void **kept;
    struct counted *counted;
};

static void
watch_weak_halves(void *arg)
{
    struct halves *h = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *self = target_new(i), *data = target_new(i);
        gcw_method *m = gcw_method_new_weak(self, note_call, data);
        gcw_method_on_death(m, count_dead_method, h->counted);
        if (i % 3 != 2)
            h->kept[i] = i % 3 == 0 ? self : data;
    }
}

TEST(found_by_the_collector_a_weak_method_tells_once_too)
{
    static struct counted c;
    struct halves h = { keep_array(MANY), &c };
    c = (struct counted){ 0, 0 };
    in_dead_frame(watch_weak_halves, &h);
    collect();
    gcw_drain(0);
    assert_true(nearly_all(c.calls, MANY));
    memset(h.kept, 0, MANY * sizeof *h.kept);
    collect();
    gcw_drain(0);
    assert_int_equal(c.wrong, 0);
    assert_in_range(c.calls, NEARLY_ALL, MANY);
}

TEST(on_death_of_a_dead_method_says_estale)
{
    struct target *t = target_new(1);
    struct notice *n = notice_new();
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    assert_int_equal(gcw_dispose(t), 0);
    expect_errno(gcw_method_on_death(m, take_notice, n) == NULL, ESTALE);
    gcw_drain(0);
    assert_int_equal(n->calls, 0);
}

TEST(on_death_refuses_null_and_self)
{
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    expect_errno(gcw_method_on_death(NULL, take_notice, NULL) == NULL, EINVAL);
    expect_errno(gcw_method_on_death(m, NULL, NULL) == NULL, EINVAL);
    expect_errno(gcw_method_on_death(m, take_notice, t) == NULL, EINVAL);
    GC_reachable_here(t);
}

TEST(on_death_refuses_the_weak_data_as_its_own)
{
    struct target *t = target_new(1), *weak = target_new(2);
    gcw_method *m = gcw_method_new_weak(t, note_call, weak);
    expect_errno(gcw_method_on_death(m, take_notice, &weak->number) == NULL,
                 EINVAL);
    GC_reachable_here(t);
    GC_reachable_here(weak);
}

TEST(a_detached_death_callback_does_not_come)
{
    struct target *t = target_new(1);
    struct notice *n = notice_new();
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    gcw_cleanup *c = gcw_method_on_death(m, take_notice, n);
    assert_true(gcw_cleanup_detach(c));
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_int_equal(n->calls, 0);
}

TEST(one_with_dead_weak_data_shows_no_object)
{
    struct target *t = target_new(1), *data = target_new(2);
    struct notice *n = notice_new();
    gcw_method *m = gcw_method_new_weak(t, note_call, data);
    gcw_cleanup *c = gcw_method_on_death(m, take_notice, n);
    assert_ptr_equal(gcw_cleanup_peek(c), t);
    assert_int_equal(gcw_dispose(data), 0);
    assert_true(gcw_cleanup_alive(c));
    assert_null(gcw_cleanup_peek(c));
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(n->calls, 1);
    GC_reachable_here(t);
}

TEST(a_death_callback_can_be_run_early)
{
    struct target *t = target_new(1);
    struct notice *n = notice_new();
    gcw_method *m = gcw_method_new(t, note_call, NULL);
    gcw_cleanup *c = gcw_method_on_death(m, take_notice, n);
    assert_ptr_equal(gcw_cleanup_peek(c), t);
    assert_true(gcw_cleanup_run(c));
    assert_int_equal(n->calls, 1);
    assert_ptr_equal(n->method, m);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_int_equal(n->calls, 1);
}

/* --- typed methods --- */

struct player {
    int score;
};

static void *
add_score(struct player *p, int *points, char *unit)
{
    p->score += *points * (unit[0] == 'k' ? 1000 : 1);
    return p;
}

GCW_METHOD(add_score, struct player, int, char)

TEST(a_typed_method_calls_its_function)
{
    struct player *p = GC_MALLOC(sizeof *p);
    int points = 3;
    void *result = NULL;
    char unit[] = "kilo";
    gcw_method *m = add_score_method(p, unit);
    assert_int_equal(gcw_method_invoke(m, &points, &result), 0);
    assert_ptr_equal(result, p);
    assert_int_equal(p->score, 3000);
}

TEST(a_typed_weak_method_calls_its_function)
{
    struct player *p = GC_MALLOC(sizeof *p);
    char *unit = GC_STRDUP("one");
    int points = 3;
    gcw_method *m = add_score_method_weak(p, unit);
    assert_int_equal(gcw_method_invoke(m, &points, NULL), 0);
    assert_int_equal(p->score, 3);
    assert_int_equal(gcw_dispose(unit), 0);
    assert_int_equal(gcw_method_invoke(m, &points, NULL), -1);
    assert_int_equal(p->score, 3);
}
