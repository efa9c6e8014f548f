/* deaths.c: what it costs when many targets die at once.
 *
 * From the start of the collection that finds them dead to the return of the
 * last callback, beside the collector's finalizers and beside raw links that
 * are scanned after the collection.  The limit is a collection that finds as
 * many dead whom nobody watches, and a call for each.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>
#include <stdlib.h>

/* The collector is conservative: stray words may keep some, at times
 * a score. */
static const double nearly_all = 0.95;

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
count_plain(void)
{
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

static void
watch_nothing(size_t n)
{
    (void)n;
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
    values[0] = now() - begin;
    check(load);
}

static void
sample_finalizers(const struct load *load, double *values)
{
    double begin = now();

    GC_gcollect();
    GC_invoke_finalizers();
    values[0] = now() - begin;
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
    values[0] = now() - begin;
    check(load);
}

static void
setup_nothing(const struct load *load)
{
    setup(load, watch_nothing);
}

static void
sample_nothing(const struct load *load, double *values)
{
    void (*volatile fn)(void *data) = count;
    double begin = now();

    GC_gcollect();
    for (size_t i = 0; i < load->targets; i++)
        fn(NULL);
    values[0] = now() - begin;
}

/* GLib counts references: its objects die at once when they are dropped. */
static void
setup_glib(const struct load *load)
{
    death_glib.watch(load->targets, count_plain);
}

static void
sample_glib(const struct load *load, double *values)
{
    double begin = now();

    death_glib.drop();
    values[0] = now() - begin;
    check(load);
}

enum { MANY = 100000 };

static const struct contestant who[] = {
    { "raw: finalizers", setup_finalizers, sample_finalizers, .role = RAW },
    { "raw: finalizers, no order", setup_finalizers_no_order,
      sample_finalizers, .role = NO_ROLE },
    { "raw: links, scan, call", setup_links, sample_links, .role = NO_ROLE },
    { "gcw_cleanup, gcw_drain", setup_gcw, sample_gcw, .role = NO_ROLE },
    { "gcw_cleanup, links", setup_gcw, sample_gcw, .links = true },
    { "limit: not watched, calls", setup_nothing, sample_nothing,
      .role = LIMIT },
    { "g_object_weak_ref, unref", setup_glib, sample_glib, .needs = GLIB,
      .most_targets = MANY },
    { "CPython: ref, callback", .needs = PYTHON, .job = "deaths-ref",
      .usual_targets = MANY },
    { "CPython: finalize", .needs = PYTHON, .job = "deaths-finalize",
      .most_targets = MANY },
    { "Guile: guardian", .needs = GUILE, .job = "deaths",
      .most_targets = MANY },
    { "Java: ReferenceQueue", .needs = JAVA, .job = "deaths-queue" },
    { "Java: Cleaner", .needs = JAVA, .job = "deaths-cleaner",
      .usual_targets = MANY },
};
enum { GCW = 3, WAYS = sizeof who / sizeof *who };

static const struct goal goals[] = {
    { "deaths, to the last callback", GCW, TO_RAW, 1.0 / 3, 0 },
    { .of = NO_GOAL }
};

static void
race(size_t n_targets)
{
    static const struct measure measure = {
        "deaths", "from the collection to the last callback", "death",
        "collection", MS, 0, goals
    };
    struct race race = {
        "deaths", who, WAYS, { .targets = n_targets, .handles = 1 }, FRESH, 0
    };
    static struct result results[WAYS];

    run_race(&race, results);
    record(&race, results, &measure);
}

void
bench_deaths(void)
{
    for (size_t n = 1000; n <= 1000000 && in_bounds(n); n *= 10)
        race(n);
}
