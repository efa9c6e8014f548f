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
#include "scenes.h"
#include "table.h"
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
    values[NOTICING] = (now() - middle) / 1e6;
    values[COLLECTION] = (middle - begin) / 1e6;
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
    values[NOTICING] = (now() - middle) / 1e6;
    values[COLLECTION] = (middle - begin) / 1e6;
}

static const struct contestant who[] = {
    { "raw: scan of the links", setup_raw, sample_raw },
    { "gcw_drain", setup_gcw, sample_gcw },
};

static void
print(size_t i, const char *collection, const struct result *result,
      enum goal goal)
{
    struct spread whole = result->value[COLLECTION];
    struct spread part = result->value[NOTICING];

    table_row(&(struct row) {
        .name = collection, .ratio = 1, .value = whole
    });
    table_row(&(struct row) {
        .name = who[i].name,
        .ratio = part.median / whole.median,
        .value = part,
        .goal = goal,
        .bound = 0.05
    });
}

static void
race(const char *title, size_t n_targets)
{
    struct race race = {
        "notice", who, 2, { .targets = n_targets, .handles = 1 }, KEPT
    };
    struct result results[2];

    run_race(&race, results);
    table(title, "noticing, as a part of the collection");
    print(0, "collection with raw links", &results[0], GOAL_NONE);
    print(1, "collection with cleanups", &results[1], GOAL_AT_MOST);
}

void
bench_notice(void)
{
    race("noticing that none of 10^5 watched targets died; ms", 100000);
    race("noticing that none of 10^6 watched targets died; ms", 1000000);
}
