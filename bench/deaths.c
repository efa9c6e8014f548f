/* deaths.c: what it costs when many targets die at once.
 *
 * From the start of the collection that finds them dead to the return of the
 * last callback, beside the collector's finalizers and beside raw links that
 * are scanned after the collection.
 */
#include "measure.h"
#include "scenes.h"
#include "table.h"
#include "work.h"

#include <gcweak.h>
#include <stdlib.h>

/* The collector is conservative: a stray word may keep a target. */
static const double nearly_all = 0.99;

/* What a user would keep to act on a cleared link. */
struct record {
    GC_hidden_pointer cell;
    void (*fn)(void *data);
    void *data;
};

static void **targets;
static struct record *records;
static size_t died;

static void
count(void *data)
{
    (void)data;
    died++;
}

static void
finalize(void *object, void *data)
{
    use(object);
    count(data);
}

static void
watch_gcw(size_t n)
{
    for (size_t i = 0; i < n; i++)
        must(gcw_cleanup_new(targets[i], count, NULL));
}

static void
watch_finalizers(size_t n)
{
    for (size_t i = 0; i < n; i++)
        GC_REGISTER_FINALIZER(targets[i], finalize, NULL, NULL, NULL);
}

static void
watch_finalizers_no_order(size_t n)
{
    for (size_t i = 0; i < n; i++)
        GC_REGISTER_FINALIZER_NO_ORDER(targets[i], finalize, NULL, NULL, NULL);
}

static void
watch_links(size_t n)
{
    records = must(malloc(n * sizeof *records));
    for (size_t i = 0; i < n; i++) {
        raw_link(&records[i].cell, targets[i]);
        records[i].fn = count;
        records[i].data = NULL;
    }
}

/* The targets have been through a collection when they die.  Those that the
 * setup would cause itself would only take time. */
static NOINLINE void
make(const struct load *load, void (*watch)(size_t n))
{
    GC_disable();
    targets = new_targets(load->targets);
    watch(load->targets);
    GC_enable();
    GC_gcollect();
}

static void
setup(const struct load *load, void (*watch)(size_t n))
{
    make(load, watch);
    drop(&targets, load->targets);
}

static void
setup_gcw(const struct load *load)
{
    setup(load, watch_gcw);
}

static void
setup_finalizers(const struct load *load)
{
    setup(load, watch_finalizers);
}

static void
setup_finalizers_no_order(const struct load *load)
{
    setup(load, watch_finalizers_no_order);
}

static void
setup_links(const struct load *load)
{
    setup(load, watch_links);
}

static void
check(const struct load *load)
{
    if ((double)died < nearly_all * (double)load->targets)
        fail("deaths", "too few targets died");
}

static void
sample_gcw(const struct load *load, double *values)
{
    double begin = now();

    GC_gcollect();
    gcw_drain(0);
    values[0] = (now() - begin) / 1e6;
    check(load);
}

static void
sample_finalizers(const struct load *load, double *values)
{
    double begin = now();

    GC_gcollect();
    GC_invoke_finalizers();
    values[0] = (now() - begin) / 1e6;
    check(load);
}

static void
scan(size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (records[i].cell == 0)
            records[i].fn(records[i].data);
}

static void
sample_links(const struct load *load, double *values)
{
    double begin = now();

    GC_gcollect();
    scan(load->targets);
    values[0] = (now() - begin) / 1e6;
    check(load);
}

static const struct contestant who[] = {
    { "raw: finalizers", setup_finalizers, sample_finalizers },
    { "raw: finalizers, no order", setup_finalizers_no_order,
      sample_finalizers },
    { "raw: links, scan, call", setup_links, sample_links },
    { "gcw_cleanup, gcw_drain", setup_gcw, sample_gcw },
};

static void
race(const char *title, size_t n_targets)
{
    struct race race = {
        "deaths", who, 4, { .targets = n_targets, .handles = 1 }, FRESH
    };
    const double goals[] = { 0, 0, 0, 3 };
    struct result results[4];

    run_race(&race, results);
    table_speedups(title, &race, results, 0, goals);
}

void
bench_deaths(void)
{
    race("10^5 deaths, from the collection to the last callback; ms", 100000);
    race("10^6 deaths, from the collection to the last callback; ms",
         1000000);
}
