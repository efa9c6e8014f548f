/* notice.c: what it costs to notice that nobody died.
 *
 * Many live targets are watched; a full collection finds them all alive.
 * gcweak looks at what the collection did partly in a finalizer, which the
 * collector would run inside GC_gcollect.  Here finalizers run on demand, so
 * that all of that work falls into the second number:
 *   1. the collection, 2. the finalizers and gcw_drain.
 * The raw way beside it scans adjacent records for cleared links.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>
#include <stdlib.h>

enum { COLLECTION, NOTICING };

static void **targets;
static GC_hidden_pointer *cells;

static void
cleanup(void *data)
{
    (void)data;
    fail("notice", "a cleanup ran although nobody died");
}

static void
setup(const struct load *load)
{
    GC_set_finalize_on_demand(1);
    GC_disable();
    targets = new_targets(load->targets);
}

static void
setup_end(void)
{
    GC_enable();
    GC_gcollect();
    GC_invoke_finalizers();
}

static void
setup_gcw(const struct load *load)
{
    setup(load);
    for (size_t i = 0; i < load->targets; i++)
        must(gcw_cleanup_new(targets[i], cleanup, NULL));
    setup_end();
    gcw_drain(0);
}

static void
setup_raw(const struct load *load)
{
    setup(load);
    cells = must(malloc(load->targets * sizeof *cells));
    for (size_t i = 0; i < load->targets; i++)
        raw_link(&cells[i], targets[i]);
    setup_end();
}

static void
sample_gcw(const struct load *load, double *values)
{
    double begin = now(), middle;

    (void)load;
    GC_gcollect();
    middle = now();
    GC_invoke_finalizers();
    gcw_drain(0);
    values[NOTICING] = now() - middle;
    values[COLLECTION] = middle - begin;
}

static void
scan(size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cells[i] == 0)
            fail("notice", "a link was cleared although nobody died");
}

static void
sample_raw(const struct load *load, double *values)
{
    double begin = now(), middle;

    GC_gcollect();
    middle = now();
    GC_invoke_finalizers();
    scan(load->targets);
    values[NOTICING] = now() - middle;
    values[COLLECTION] = middle - begin;
}

static const struct contestant who[] = {
    { "raw: scan of the links", setup_raw, sample_raw, .role = RAW },
    { "gcw_cleanup, gcw_drain", setup_gcw, sample_gcw, .role = NO_ROLE },
};
enum { WAYS = sizeof who / sizeof *who };

static const struct goal goals[] = {
    { "noticing that nobody died, of the collection", 1, TO_VALUE, 0.05,
      COLLECTION },
    { .of = NO_GOAL }
};

static const struct measure measures[] = {
    { "notice-collection", "collection of watched targets, all alive",
      "target", "collection", MS, COLLECTION, NULL },
    { "notice", "noticing after it that none has died", "target",
      "collection", MS, NOTICING, goals },
};

static void
race(size_t n_targets)
{
    struct race race = {
        "notice", who, WAYS, { .targets = n_targets, .handles = 1 }, KEPT, 0
    };
    static struct result results[WAYS];

    run_race(&race, results);
    record(&race, results, &measures[0]);
    record(&race, results, &measures[1]);
}

void
bench_notice(void)
{
    for (size_t n = 1000; n <= 1000000 && in_bounds(n); n *= 10)
        race(n);
}
