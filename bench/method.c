/* method.c: what it costs to call through a weak method.
 *
 * Beside the direct call through a function pointer, and beside the same put
 * together by hand from a raw weak reference and a function pointer.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>

enum { CALLS = 1000000 };

struct by_hand {
    GC_hidden_pointer *self;
    gcw_method_fn *fn;
    void *data;
};

static void **target;
static struct by_hand *by_hand;
static gcw_method *method;

static NOINLINE void *
called(void *self, void *arg, void *data)
{
    use(self);
    use(arg);
    use(data);
    return NULL;
}

static void
setup(const struct load *load)
{
    target = new_targets(load->targets);
    by_hand = must(GC_MALLOC(sizeof *by_hand));
    by_hand->self = raw_new(target[0]);
    by_hand->fn = called;
    method = must(gcw_method_new(target[0], called, NULL));
}

static void
call_raw(void)
{
    for (size_t i = 0; i < CALLS; i++) {
        void *self = raw_read(by_hand->self);

        if (self != NULL)
            use(by_hand->fn(self, NULL, by_hand->data));
    }
}

static void
call_invoke(void)
{
    for (size_t i = 0; i < CALLS; i++) {
        void *result;

        if (gcw_method_invoke(method, NULL, &result) == 0)
            use(result);
    }
}

static void
call_bind(void)
{
    for (size_t i = 0; i < CALLS; i++) {
        gcw_bound bound;

        if (gcw_method_bind(method, &bound))
            use(bound.fn(bound.self, NULL, bound.data));
    }
}

static void
call_bound(void)
{
    gcw_bound bound;

    if (!gcw_method_bind(method, &bound))
        fail("gcw_method_bind", "says dead");
    for (size_t i = 0; i < CALLS; i++)
        use(gcw_bound_call(&bound, NULL));
}

static void
call_direct(void)
{
    void *self = target[0];

    for (size_t i = 0; i < CALLS; i++) {
        gcw_method_fn *volatile fn = called;

        use(fn(self, NULL, NULL));
    }
}

/* The first run warms up. */
static void
sample(double *values, void (*call)(void))
{
    double begin;

    call();
    begin = now();
    call();
    values[0] = (now() - begin) / CALLS;
}

static void
sample_raw(const struct load *load, double *values)
{
    (void)load;
    sample(values, call_raw);
}

static void
sample_invoke(const struct load *load, double *values)
{
    (void)load;
    sample(values, call_invoke);
}

static void
sample_bind(const struct load *load, double *values)
{
    (void)load;
    sample(values, call_bind);
}

static void
sample_bound(const struct load *load, double *values)
{
    (void)load;
    sample(values, call_bound);
}

static void
sample_direct(const struct load *load, double *values)
{
    (void)load;
    sample(values, call_direct);
}

static const struct contestant who[] = {
    { "raw: locked read, call", setup, sample_raw, .role = RAW },
    { "gcw_method_invoke", setup, sample_invoke, .role = NO_ROLE },
    { "gcw_method_bind, call", setup, sample_bind, .role = NO_ROLE },
    { "gcw_bound_call, bound once", setup, sample_bound, .role = NO_ROLE },
    { "limit: function pointer", setup, sample_direct, .role = LIMIT },
    { "CPython: WeakMethod()()", .needs = PYTHON, .job = "method" },
};
enum { WAYS = sizeof who / sizeof *who };

void
bench_method(void)
{
    static const struct measure measure = {
        "method", "call of a weak method", "target", "call", NS, 0, NULL
    };
    struct race race = {
        "method", who, WAYS, { .targets = 1, .handles = 1 }, FRESH, 0
    };
    static struct result results[WAYS];

    run_race(&race, results);
    record(&race, results, &measure);
}
