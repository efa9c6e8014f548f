/* create.c: what it costs to make a handle.
 *
 * The first handle to each of many new targets; then seven further ones to
 * each, one target after the other; then seven more, in random order.  Of a
 * million targets some get further ones.  Once with the collections that this
 * causes, and once without any.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>

enum { FEW = 10000, MANY = 100000, SOME = 20000, FURTHER = 7 };

/* What a sample measures. */
enum { FIRST, IN_TURN, RANDOM, JOBS };

static void **targets;

/* The handles of each job, where the collector looks. */
static void **handles[JOBS];

/* Which target each of a job's handles is for. */
static size_t *order[JOBS];
static size_t length[JOBS];

static void
make_orders(size_t n)
{
    size_t some = n <= MANY ? n : SOME;

    order[FIRST] = repeated_order(n, 1);
    order[IN_TURN] = repeated_order(some, FURTHER);
    order[RANDOM] = repeated_order(some, FURTHER);
    length[FIRST] = n;
    length[IN_TURN] = length[RANDOM] = some * FURTHER;
    shuffle_order(order[RANDOM], length[RANDOM]);
}

static void
setup(const struct load *load)
{
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
    make_orders(load->targets);
    targets = new_targets(load->targets);
    if (!load->collecting)
        GC_disable();
}

static void
setup_cxx(const struct load *load)
{
    make_orders(load->targets);
    weak_cxx.open(load->targets);
}

static void
setup_glib(const struct load *load)
{
    make_orders(load->targets);
    weak_glib.open(load->targets);
}

/* One loop for each way, as a user would write it: n handles, to the targets
 * of these numbers. */

static void
make_cells(void **out, const size_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        void **cell = must(GC_MALLOC_ATOMIC(sizeof *cell));

        *cell = targets[to[i]];
        out[i] = cell;
    }
}

static void
make_raw(void **out, const size_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = raw_new(targets[to[i]]);
}

static void
make_refs(void **out, const size_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = must(gcw_ref_new(targets[to[i]]));
}

static void
make_methods(void **out, const size_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = must(gcw_method_new(targets[to[i]], idle_method, NULL));
}

/* Those of the peers keep their handles themselves. */

static void
make_cxx(void **out, const size_t *to, size_t n)
{
    use(out);
    weak_cxx.make(to, n);
}

static void
make_glib(void **out, const size_t *to, size_t n)
{
    use(out);
    weak_glib.make(to, n);
}

typedef void make_fn(void **out, const size_t *to, size_t n);

static void
sample(double *values, make_fn *make)
{
    for (int job = 0; job < JOBS; job++) {
        double begin;

        handles[job] = new_array(length[job]);
        begin = now();
        make(handles[job], order[job], length[job]);
        values[job] = (now() - begin) / (double)length[job];
    }
}

static void
sample_cells(const struct load *load, double *values)
{
    (void)load;
    sample(values, make_cells);
}

static void
sample_raw(const struct load *load, double *values)
{
    (void)load;
    sample(values, make_raw);
}

static void
sample_refs(const struct load *load, double *values)
{
    (void)load;
    sample(values, make_refs);
}

static void
sample_methods(const struct load *load, double *values)
{
    (void)load;
    sample(values, make_methods);
}

static void
sample_cxx(const struct load *load, double *values)
{
    (void)load;
    sample(values, make_cxx);
}

static void
sample_glib(const struct load *load, double *values)
{
    (void)load;
    sample(values, make_glib);
}

static const struct contestant who[] = {
    { "raw: cell and link", setup, sample_raw, .role = RAW },
    { "gcw_ref_new", setup, sample_refs, .role = NO_ROLE },
    { "gcw_ref_new, links", setup, sample_refs, .links = true },
    { "gcw_method_new", setup, sample_methods, .role = NO_ROLE },
    { "limit: cell without a link", setup, sample_cells, .role = LIMIT },
    { "std::weak_ptr", setup_cxx, sample_cxx, .needs = CXX },
    { "g_weak_ref_init", setup_glib, sample_glib, .needs = GLIB,
      .most_targets = MANY },
    { "CPython: ref", .needs = PYTHON, .job = "create-ref",
      .most_targets = MANY, .usual_targets = FEW },
    { "CPython: WeakMethod", .needs = PYTHON, .job = "create-method",
      .most_targets = 1000 },
    { "Guile: make-weak-vector", .needs = GUILE, .job = "create",
      .most_targets = FEW },
    { "Java: WeakReference", .needs = JAVA, .job = "create",
      .most_targets = MANY },
};

/* Without collections, the peers would measure what they did before. */
enum { WAYS = sizeof who / sizeof *who, WAYS_HERE = 5, REFS = 1 };

/* A method is an object more than its target's reference, which it makes, and
 * has no goals of its own. */
#define GOAL(words, at_most) \
    (const struct goal[]) { \
        { words, REFS, TO_RAW, at_most, 0 }, { .of = NO_GOAL } \
    }

static const struct measure collecting[JOBS] = {
    { "create-first", "first handle to each of new targets", "target",
      "handle", NS, FIRST, GOAL("a first reference", 0.5) },
    { "create-further", "further handles, 7 to each in turn", "target",
      "handle", NS, IN_TURN, GOAL("a further reference, in turn", 0.2) },
    { "create-random", "further handles, 7 to each in random order", "target",
      "handle", NS, RANDOM,
      GOAL("a further reference, in random order", 0.2) },
};

static const struct measure not_collecting[JOBS] = {
    { "create-first-uncollected", "first handle, no collections", "target",
      "handle", NS, FIRST, GOAL("a first reference, no collections", 0.5) },
    { "create-further-uncollected", "further handles in turn, no collections",
      "target", "handle", NS, IN_TURN,
      GOAL("a further reference, in turn, no collections", 0.2) },
    { "create-random-uncollected",
      "further handles in random order, no collections", "target", "handle",
      NS, RANDOM,
      GOAL("a further reference, in random order, no collections", 0.2) },
};

static void
race(const struct measure *measures, size_t ways, size_t n, bool collections)
{
    struct race race = {
        "create", who, ways,
        { .targets = n, .collecting = collections }, FRESH, 0
    };
    static struct result results[WAYS];

    run_race(&race, results);
    for (int job = 0; job < JOBS; job++)
        record(&race, results, &measures[job]);
}

void
bench_create(void)
{
    for (size_t n = 1000; n <= 1000000 && in_bounds(n); n *= 10)
        race(collecting, WAYS, n, true);
    race(not_collecting, WAYS_HERE, bounded(MANY), false);
}
