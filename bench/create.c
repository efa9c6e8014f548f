/* create.c: what it costs to make a handle.
 *
 * The first handle to each of many new targets; then seven further ones to
 * each, one target after the other; then seven more, in random order.  Once
 * with the collections that this causes, and once without any.
 */
#include "measure.h"
#include "scenes.h"
#include "table.h"
#include "work.h"

#include <gcweak.h>
#include <stdlib.h>

enum { MANY = 100000, FURTHER = 7 };

/* What a sample measures. */
enum { FIRST, IN_TURN, RANDOM, JOBS };

static void **targets;

/* The handles of each job, where the collector looks. */
static void **handles[JOBS];

/* The same targets, each FURTHER times: in turn, and in random order.  In
 * malloc memory, so that no collection has to read them. */
static void **in_turn, **at_random;

static void **
repeat(size_t n)
{
    void **repeated = must(malloc(n * FURTHER * sizeof *repeated));

    for (size_t i = 0; i < n * FURTHER; i++)
        repeated[i] = targets[i / FURTHER];
    return repeated;
}

static void
setup(const struct load *load)
{
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
    targets = new_targets(load->targets);
    in_turn = repeat(load->targets);
    at_random = repeat(load->targets);
    shuffle(at_random, load->targets * FURTHER);
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

/* One loop for each way, as a user would write it: a handle to each of the n
 * targets `to`. */

static void
make_raw(void **out, void **to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = raw_new(to[i]);
}

static void
make_refs(void **out, void **to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = must(gcw_ref_new(to[i]));
}

static void
make_methods(void **out, void **to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = must(gcw_method_new(to[i], method, NULL));
}

typedef void make_fn(void **out, void **to, size_t n);

static double
time_make(make_fn *make, int job, void **to, size_t n)
{
    double begin;

    handles[job] = new_array(n);
    begin = now();
    make(handles[job], to, n);
    return (now() - begin) / (double)n;
}

static void
sample(const struct load *load, double *values, make_fn *make)
{
    size_t n = load->targets;

    values[FIRST] = time_make(make, FIRST, targets, n);
    values[IN_TURN] = time_make(make, IN_TURN, in_turn, n * FURTHER);
    values[RANDOM] = time_make(make, RANDOM, at_random, n * FURTHER);
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
race(int collecting, const char *first, const char *turn, const char *random)
{
    struct race race = {
        "create", who, 3,
        { .targets = MANY, .collecting = collecting }, FRESH
    };
    const double first_goals[] = { 0, 1, 0 }, further_goals[] = { 0, 5, 0 };
    struct result results[3];

    run_race(&race, results);
    table_speedups(first, &race, results, FIRST, first_goals);
    table_speedups(turn, &race, results, IN_TURN, further_goals);
    table_speedups(random, &race, results, RANDOM, further_goals);
}

void
bench_create(void)
{
    race(1, "first handle, 10^5 new targets; ns each",
         "further handles, 7 to each of 10^5 targets in turn; ns each",
         "further handles, 7 to each of 10^5 targets, random order; ns each");
    race(0, "first handle, 10^5 new targets, no collections; ns each",
         "further handles, 7 to each in turn, no collections; ns each",
         "further handles, 7 to each, random order, no collections; ns each");
}
