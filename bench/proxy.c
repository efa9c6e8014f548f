/* proxy.c: what it costs to call through a proxy.
 *
 * Beside the direct call through a function pointer, and beside what is
 * written by hand for one object only: a function that reads a raw weak
 * reference in a static and calls on.
 */
#include <config.h>

#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>

#ifdef HAVE_LIBFFI
enum { CALLS = 1000000 };

typedef int function(int a, int b);

static void **target;
static GC_hidden_pointer *by_hand;
static gcw_proxy *proxy;

static NOINLINE int
called(void *self, int a, int b)
{
    use(self);
    return a + b;
}

static int
called_directly(int a, int b)
{
    return called(target[0], a, b);
}

static int
called_by_hand(int a, int b)
{
    void *self = raw_read(by_hand);

    return self != NULL ? called(self, a, b) : 0;
}

static void
setup(const struct load *load)
{
    target = new_targets(load->targets);
    by_hand = raw_new(target[0]);
    proxy = must(gcw_proxy_new(target[0], (gcw_proxy_fn *)called, "ii)i"));
}

static double
time_calls(function *fn)
{
    double begin = now();
    int sum = 0;

    for (int i = 0; i < CALLS; i++)
        sum += fn(i, 1 - i);
    if (sum != CALLS)
        fail("proxy", "a call went wrong");
    return (now() - begin) / CALLS;
}

/* The first run warms up. */
static void
sample(double *values, function *volatile fn)
{
    time_calls(fn);
    values[0] = time_calls(fn);
}

static void
sample_raw(const struct load *load, double *values)
{
    (void)load;
    sample(values, called_by_hand);
}

static void
sample_proxy(const struct load *load, double *values)
{
    (void)load;
    sample(values, (function *)gcw_proxy_code(proxy));
}

static void
sample_direct(const struct load *load, double *values)
{
    (void)load;
    sample(values, called_directly);
}
#else
# define setup NULL
# define sample_raw NULL
# define sample_proxy NULL
# define sample_direct NULL
#endif

static const struct contestant who[] = {
    { "raw: static, locked read, call", setup, sample_raw, .role = RAW,
      .needs = LIBFFI },
    { "gcw_proxy", setup, sample_proxy, .needs = LIBFFI },
    { "limit: function pointer", setup, sample_direct, .role = LIMIT,
      .needs = LIBFFI },
};
enum { WAYS = sizeof who / sizeof *who };

void
bench_proxy(void)
{
    static const struct measure measure = {
        "proxy", "call of a proxy, int (int, int)", "target", "call", NS, 0,
        NULL
    };
    struct race race = {
        "proxy", who, WAYS, { .targets = 1, .handles = 1 }, FRESH, 0
    };
    static struct result results[WAYS];

    run_race(&race, results);
    record(&race, results, &measure);
}
