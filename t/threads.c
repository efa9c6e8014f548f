/* threads.c: tests of references and cleanups used by many threads at once,
 * and of calls from threads that the collector does not know.
 */
#include "at-once.h"
#include "idle.h"
#include "support.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { THREADS = 6 };

static void
called(void *data)
{
    atomic_fetch_add((atomic_int *)data, 1);
}

/* --- threads that the collector does not know --- */

/* What an unknown thread is given; in uncollectable memory. */
struct given {
    struct target *target, *other;
    gcw_method *method;
    gcw_cleanup *cleanup;
    atomic_int calls;
    const char *wrong;       /* the first call that was not refused */
};

static void
refuse(struct given *g, bool failed, const char *call)
{
    if (g->wrong == NULL && (!failed || errno != EPERM))
        g->wrong = call;
    errno = 0;
}

#define REFUSED(call, failure) refuse(g, (call) == (failure), #call)

static void *
call_everything(void *data)
{
    struct given *g = data;
    errno = 0;
    REFUSED(gcw_ref_new(g->target), NULL);
    REFUSED(gcw_ref_new_long(g->target), NULL);
    REFUSED(gcw_dispose(g->target), -1);
    REFUSED(gcw_method_new(g->target, idle_method, NULL), NULL);
    REFUSED(gcw_method_new_weak(g->target, idle_method, g->other), NULL);
    REFUSED(gcw_method_on_death(g->method, idle_on_death, NULL), NULL);
    REFUSED(gcw_cleanup_new(g->target, called, NULL), NULL);
    REFUSED(gcw_cleanup_run(g->cleanup), false);
    REFUSED(gcw_cleanup_detach(g->cleanup), false);
    REFUSED(gcw_cleanup_set_atexit(g->cleanup, false), -1);
    REFUSED(gcw_drain(0), 0);
    REFUSED(gcw_collect(), 0);
    REFUSED(gcw_drain_fd(), -1);
    REFUSED(gcw_drain_thread(true), -1);
    REFUSED(gcw_drain_on_error(NULL, NULL), -1);
    return NULL;
}

static struct given *
given_new(void)
{
    struct given *g = GC_MALLOC_UNCOLLECTABLE(sizeof *g);
    assert_non_null(g);
    g->target = target_new(1);
    g->other = target_new(2);
    g->method = gcw_method_new(g->target, idle_method, NULL);
    g->cleanup = gcw_cleanup_new(g->target, called, &g->calls);
    return g;
}

TEST(a_thread_unknown_to_the_collector_is_refused)
{
    struct given *g = given_new();
    in_unknown_thread(call_everything, g);
    if (g->wrong != NULL)
        fail_msg("not refused with EPERM: %s", g->wrong);
    assert_true(gcw_cleanup_atexit(g->cleanup));
    assert_true(gcw_method_alive(g->method));
    assert_int_equal(atomic_load(&g->calls), 0);
    assert_true(gcw_cleanup_run(g->cleanup));
}

static void *
become_known_and_refer(void *data)
{
    struct given *g = data;
    struct GC_stack_base base;
    GC_get_stack_base(&base);
    if (GC_register_my_thread(&base) != GC_SUCCESS)
        return NULL;
    if (gcw_ref_get(gcw_ref_new(g->other)) != g->other)
        g->wrong = "gcw_ref_new";
    if (!gcw_cleanup_run(g->cleanup))
        g->wrong = "gcw_cleanup_run";
    GC_unregister_my_thread();
    return NULL;
}

TEST(a_thread_that_registers_with_the_collector_is_welcome)
{
    struct given *g = given_new();
    g->wrong = NULL;
    GC_allow_register_threads();
    in_unknown_thread(become_known_and_refer, g);
    assert_null(g->wrong);
    assert_int_equal(atomic_load(&g->calls), 1);
}

/* --- references --- */

struct common {
    void **targets;
    gcw_ref **refs[THREADS];
};

static struct common
common_new(size_t n)
{
    struct common c = { keep_array(n), { NULL } };
    for (size_t i = 0; i < THREADS; i++)
        c.refs[i] = (gcw_ref **)keep_array(n);
    return c;
}

static bool
refer_to_the_same(size_t number, void *shared)
{
    struct common *c = shared;
    for (size_t i = 0; i < MANY; i++)
        c->refs[number][i] = gcw_ref_new(c->targets[i]);
    return true;
}

TEST(all_threads_get_the_same_reference)
{
    for (int round = 0; round < 10; round++) {
        struct common c = common_new(MANY);
        for (size_t i = 0; i < MANY; i++)
            c.targets[i] = target_new(i);
        at_once(THREADS, refer_to_the_same, &c);
        for (size_t i = 0; i < MANY; i++) {
            assert_ptr_equal(gcw_ref_get(c.refs[0][i]), c.targets[i]);
            for (size_t j = 1; j < THREADS; j++)
                assert_ptr_equal(c.refs[j][i], c.refs[0][i]);
        }
    }
}

enum { EACH = 5000 };

static bool
refer_to_different_ones(size_t number, void *shared)
{
    struct common *c = shared;
    bool good = true;
    for (size_t i = 0; i < EACH; i++) {
        struct target *t = target_new(i);
        c->targets[number * EACH + i] = t;
        c->refs[number][i] = gcw_ref_new(t);
    }
    for (size_t i = 0; i < EACH; i++)
        good &= gcw_ref_get(c->refs[number][i])
                == c->targets[number * EACH + i];
    return good;
}

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

TEST(references_made_at_once_to_different_targets_differ)
{
    static uint64_t ids[THREADS * EACH];
    struct common c = common_new(THREADS * EACH);
    at_once(THREADS, refer_to_different_ones, &c);
    for (size_t i = 0; i < THREADS * EACH; i++)
        ids[i] = gcw_ref_id(c.refs[i / EACH][i % EACH]);
    qsort(ids, THREADS * EACH, sizeof *ids, by_value);
    assert_true(ids[0] != 0);
    for (size_t i = 1; i < THREADS * EACH; i++)
        assert_true(ids[i - 1] != ids[i]);
}

/* Even threads dispose of the target again and again, odd ones refer to it. */
static bool
refer_or_dispose(size_t number, void *shared)
{
    struct common *c = shared;
    bool good = true;
    for (size_t i = 0; i < MANY; i++) {
        void *t = c->targets[0];
        if (number % 2 == 0) {
            good &= gcw_dispose(t) == 0;
            continue;
        }
        gcw_ref *r = c->refs[number][i] = gcw_ref_new(t);
        void *got = gcw_ref_get(r);
        good &= r != NULL && (got == t || got == NULL);
    }
    return good;
}

TEST(a_disposed_target_may_be_referred_to_at_once)
{
    struct common c = common_new(MANY);
    c.targets[0] = target_new(1);
    at_once(THREADS, refer_or_dispose, &c);
    assert_int_equal(gcw_dispose(c.targets[0]), 0);
    for (size_t i = 1; i < THREADS; i += 2)
        for (size_t j = 0; j < MANY; j++)
            assert_null(gcw_ref_get(c.refs[i][j]));
}

/* --- cleanups: each exactly once --- */

/* Many cleanups; how often each was called, and who won it. */
struct contest {
    gcw_cleanup **handles;
    void **targets;
    atomic_int *calls;
    atomic_size_t ran, detached, drained;
};

static struct contest *
contest_new(void)
{
    struct contest *c = GC_MALLOC_UNCOLLECTABLE(sizeof *c);
    assert_non_null(c);
    c->handles = (gcw_cleanup **)keep_array(MANY);
    c->targets = keep_array(MANY);
    c->calls = calloc(MANY, sizeof *c->calls);
    for (size_t i = 0; i < MANY; i++) {
        c->targets[i] = target_new(i);
        c->handles[i] = gcw_cleanup_new(c->targets[i], called, &c->calls[i]);
        assert_non_null(c->handles[i]);
    }
    return c;
}

static bool
compete(size_t number, void *shared)
{
    struct contest *c = shared;
    for (size_t i = 0; i < MANY; i++) {
        if (number % 3 == 0)
            atomic_fetch_add(&c->ran, gcw_cleanup_run(c->handles[i]));
        else if (number % 3 == 1 && i % 2)
            atomic_fetch_add(&c->detached,
                             gcw_cleanup_detach(c->handles[i]));
        else if (gcw_dispose(c->targets[i]) == 0)
            atomic_fetch_add(&c->drained, gcw_drain(2));
    }
    return true;
}

TEST(run_detach_and_drain_have_one_winner_each)
{
    for (int round = 0; round < 10; round++) {
        struct contest *c = contest_new();
        at_once(THREADS, compete, c);
        c->drained += gcw_drain(0);
        size_t calls = total_calls(c->calls);
        assert_int_equal(calls, c->ran + c->drained);
        assert_int_equal(calls + c->detached, MANY);
    }
}

TEST(so_they_have_with_the_worker_among_them)
{
    for (int round = 0; round < 10; round++) {
        struct contest *c = contest_new();
        assert_int_equal(gcw_drain_thread(true), 0);
        at_once(THREADS, compete, c);
        assert_int_equal(gcw_drain_thread(false), 0);
        gcw_drain(0);
        assert_int_equal(total_calls(c->calls) + c->detached, MANY);
    }
}

static bool
drain_one_by_one(size_t number, void *shared)
{
    struct contest *c = shared;
    (void)number;
    while (gcw_drain(1) == 1)
        atomic_fetch_add(&c->drained, 1);
    return true;
}

TEST(threads_that_drain_share_the_work)
{
    struct contest *c = contest_new();
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gcw_dispose(c->targets[i]), 0);
    at_once(THREADS, drain_one_by_one, c);
    assert_int_equal(c->drained, MANY);
    assert_int_equal(total_calls(c->calls), MANY);
}

/* --- weak methods that lose both halves at once --- */

struct pairs {
    void **selves, **data;
    atomic_int *calls;
};

static void
told(gcw_method *m, void *data)
{
    if (m != NULL)
        called(data);
}

static bool
dispose_of_halves(size_t number, void *shared)
{
    struct pairs *p = shared;
    bool good = true;
    for (size_t i = 0; i < MANY; i++)
        good &= gcw_dispose(number % 2 ? p->selves[i] : p->data[i]) == 0;
    gcw_drain(0);
    return good;
}

TEST(a_weak_method_whose_halves_die_at_once_tells_once)
{
    struct pairs p = { keep_array(MANY), keep_array(MANY),
                       calloc(MANY, sizeof *p.calls) };
    assert_non_null(p.calls);
    for (size_t i = 0; i < MANY; i++) {
        p.selves[i] = target_new(i);
        p.data[i] = target_new(i);
        assert_non_null(gcw_method_on_death(
            gcw_method_new_weak(p.selves[i], idle_method, p.data[i]),
            told, &p.calls[i]));
    }
    at_once(THREADS, dispose_of_halves, &p);
    gcw_drain(0);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(atomic_load(&p.calls[i]), 1);
}

/* --- the worker --- */

static bool
start_and_stop(size_t number, void *shared)
{
    bool good = true;
    (void)shared;
    for (size_t i = 0; i < 50; i++)
        good &= gcw_drain_thread((number + i) % 2) == 0;
    return good;
}

TEST(the_worker_may_be_started_and_stopped_by_all)
{
    static atomic_int calls;
    struct target *t = target_new(1);
    at_once(THREADS, start_and_stop, NULL);
    assert_int_equal(gcw_drain_thread(false), 0);
    assert_non_null(gcw_cleanup_new(t, called, &calls));
    assert_int_equal(gcw_dispose(t), 0);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(atomic_load(&calls), 1);
}

/* --- births and deaths under collections --- */

static void
drop_some(void *arg)
{
    for (size_t i = 0; i < MANY / 4; i++) {
        struct target *t = target_new(i);
        if (gcw_ref_get(gcw_ref_new(t)) != t)
            *(atomic_int **)arg = NULL;
        else
            gcw_cleanup_new(t, called, *(atomic_int **)arg);
    }
}

enum { STORMS = 12 };

static bool
live_and_collect(size_t number, void *shared)
{
    void *calls = shared;
    for (size_t i = 0; i < STORMS; i++) {
        in_dead_frame(drop_some, &calls);
        if (i % THREADS == number)
            gcw_collect();
        else
            gcw_drain(10);
    }
    return calls != NULL;
}

TEST(each_death_is_told_once_in_a_storm_of_births_and_collections)
{
    static atomic_int calls;
    size_t born = (size_t)THREADS * STORMS * (MANY / 4);
    at_once(THREADS, live_and_collect, &calls);
    collect();
    gcw_drain(0);
    assert_true((size_t)atomic_load(&calls) <= born);
    assert_true(nearly_all((size_t)atomic_load(&calls), born));
}
