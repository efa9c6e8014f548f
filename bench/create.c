/* create.c: what it costs to make a handle.
 *
 * The first handle to each of many new targets; then seven further ones to
 * each, pass after pass, in random order; then as many to a single target.
 * Once with the collections that this causes, and once without any.
 */
#include "measure.h"
#include "scenes.h"
#include "table.h"
#include "work.h"

#include <gcweak.h>
#include <stdio.h>

enum { MANY = 100000, FURTHER = 7 };

/* What a sample measures. */
enum { FIRST, AGAIN, SAME };

static void **targets, **handles;

static void
setup(const struct load *load)
{
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
    targets = new_targets(load->targets);
    handles = new_array(load->targets * load->handles);
    if (!load->collecting)
        GC_disable();
}

static void *
method(void *self, void *arg, void *data)
{
    use(arg);
    use(data);
    return self;
}

/* One loop over the targets for each way, as a user would write it; the
 * handles go to `out`. */

static void
make_raw(void **out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = raw_new(targets[i]);
}

static void
make_refs(void **out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = must(gcw_ref_new(targets[i]));
}

static void
make_methods(void **out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = must(gcw_method_new(targets[i], method, NULL));
}

typedef void make_fn(void **out, size_t n);

static double
time_passes(make_fn *make, size_t n, size_t from, size_t to)
{
    double begin = now();

    for (size_t pass = from; pass < to; pass++)
        make(handles + pass * n, n);
    return (now() - begin) / (double)(n * (to - from));
}

static void
all_the_same(size_t n)
{
    for (size_t i = 1; i < n; i++)
        targets[i] = targets[0];
}

/* `kept` keeps the targets alive while `targets` is filled with one. */
static void
sample(const struct load *load, double *values, make_fn *make)
{
    size_t n = load->targets;
    void **kept = new_array(n);

    for (size_t i = 0; i < n; i++)
        kept[i] = targets[i];
    values[FIRST] = time_passes(make, n, 0, 1);
    shuffle(targets, n);
    values[AGAIN] = time_passes(make, n, 1, 1 + FURTHER);
    all_the_same(n);
    values[SAME] = time_passes(make, n, 1, 2);
    use(kept);
}

static void
sample_raw(const struct load *load, double *values)
{
    sample(load, values, make_raw);
}

static void
sample_refs(const struct load *load, double *values)
{
    sample(load, values, make_refs);
}

static void
sample_methods(const struct load *load, double *values)
{
    sample(load, values, make_methods);
}

static const struct contestant who[] = {
    { "raw: cell and link", setup, sample_raw },
    { "gcw_ref_new", setup, sample_refs },
    { "gcw_method_new", setup, sample_methods },
};

static void
race(int collecting, const char *first, const char *again, const char *same)
{
    struct race race = {
        "create", who, 3,
        { .targets = MANY, .handles = 1 + FURTHER, .collecting = collecting },
        FRESH
    };
    const double first_goals[] = { 0, 1, 0 }, further_goals[] = { 0, 5, 0 };
    struct result results[3];

    run_race(&race, results);
    table_speedups(first, &race, results, FIRST, first_goals);
    table_speedups(again, &race, results, AGAIN, further_goals);
    table_speedups(same, &race, results, SAME, further_goals);
}

void
bench_create(void)
{
    race(1, "first handle, 10^5 new targets; ns each",
         "further handles, 7 to each of 10^5 targets, random order; ns each",
         "further handles, 10^5 to one target; ns each");
    race(0, "first handle, 10^5 new targets, no collections; ns each",
         "further handles, 7 to each, random order, no collections; ns each",
         "further handles, 10^5 to one target, no collections; ns each");
}
