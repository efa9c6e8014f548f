/* collect.c: what weak handles add to a full collection.
 *
 * The same live targets, and an array of the same size for the handles, in
 * every contestant; they differ in the handles alone.  What one adds is its
 * collection less that of the targets without handles.
 *
 * For gcweak a sample is the collection and the gcw_drain after it, so that
 * nothing that it puts off is left out.
 */
#include "measure.h"
#include "scenes.h"
#include "table.h"
#include "work.h"

#include <gcweak.h>
#include <math.h>

static void **targets, **handles;

static void *
method(void *self, void *arg, void *data)
{
    use(arg);
    use(data);
    return self;
}

static void *
new_raw(void *target)
{
    return raw_new(target);
}

static void *
new_outside(void *target)
{
    return raw_new_outside(target);
}

static void *
new_ref(void *target)
{
    return must(gcw_ref_new(target));
}

static void *
new_method(void *target)
{
    return must(gcw_method_new(target, method, NULL));
}

static void *
new_nothing(void *target)
{
    use(target);
    return NULL;
}

/* Collections during the setup would only take time. */
static void
make(const struct load *load, void *(*new_handle)(void *target))
{
    size_t n = load->targets;

    GC_disable();
    targets = new_targets(n);
    handles = new_array(n * load->handles);
    for (size_t i = 0; i < n * load->handles; i++)
        handles[i] = new_handle(targets[i % n]);
    GC_enable();
    GC_gcollect();
    GC_gcollect();
}

static void
setup_nothing(const struct load *load)
{
    make(load, new_nothing);
}

static void
setup_raw(const struct load *load)
{
    make(load, new_raw);
}

static void
setup_outside(const struct load *load)
{
    make(load, new_outside);
}

static void
setup_gcw(const struct load *load, void *(*new_handle)(void *target))
{
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
    make(load, new_handle);
    gcw_drain(0);
}

static void
setup_refs(const struct load *load)
{
    setup_gcw(load, new_ref);
}

static void
setup_methods(const struct load *load)
{
    setup_gcw(load, new_method);
}

static void
sample_raw(const struct load *load, double *values)
{
    double begin = now();

    (void)load;
    GC_gcollect();
    values[0] = (now() - begin) / 1e6;
}

static void
sample_gcw(const struct load *load, double *values)
{
    double begin = now();

    (void)load;
    GC_gcollect();
    gcw_drain(0);
    values[0] = (now() - begin) / 1e6;
}

enum { NOTHING, RAW, OUTSIDE, REFS, METHODS, WAYS };

static const struct contestant who[WAYS] = {
    [NOTHING] = { "no handles", setup_nothing, sample_raw },
    [RAW] = { "raw: links in the heap", setup_raw, sample_raw },
    [OUTSIDE] = { "raw: links outside it", setup_outside, sample_raw },
    [REFS] = { "gcw_ref_new", setup_refs, sample_gcw },
    [METHODS] = { "gcw_method_new", setup_methods, sample_gcw },
};

static double
added(const struct result *results, size_t i)
{
    return results[i].value[0].median - results[NOTHING].value[0].median;
}

static struct row
row(const struct result *results, size_t i, size_t peer)
{
    return (struct row) {
        .name = who[i].name,
        .ratio = i == NOTHING ? NAN
                              : added(results, i) / added(results, peer),
        .value = results[i].value[0]
    };
}

/* The goal for one handle is set against links outside the heap, the cheaper
 * raw way; that for eight, against links in the heap, the usual one. */
static void
race(const char *title, size_t n_targets, size_t n_handles)
{
    struct race race = {
        "collect", who, WAYS,
        { .targets = n_targets, .handles = n_handles }, KEPT
    };
    struct result results[WAYS];
    size_t peer = n_handles == 1 ? OUTSIDE : RAW;

    run_race(&race, results);
    table(title, n_handles == 1
          ? "what the handles add, as a part of what links outside add"
          : "what the handles add, as a part of what links in the heap add");
    for (size_t i = 0; i < WAYS; i++) {
        struct row r = row(results, i, peer);

        if (i == REFS || i == METHODS) {
            r.goal = GOAL_AT_MOST;
            r.bound = n_handles == 1 ? 1 : 0.25;
        }
        table_row(&r);
    }
}

/* Without targets there is nothing to divide: times only. */
static void
race_empty(void)
{
    struct race race = {
        "collect", who, WAYS, { .targets = 0, .handles = 1 }, KEPT
    };
    struct result results[WAYS];

    run_race(&race, results);
    table("full collection, no targets; ms", "none");
    for (size_t i = 0; i < WAYS; i++)
        table_row(&(struct row) {
            .name = who[i].name, .ratio = NAN, .value = results[i].value[0]
        });
}

void
bench_collect(void)
{
    race_empty();
    race("full collection, 10^5 targets, 1 handle each; ms", 100000, 1);
    race("full collection, 10^5 targets, 8 handles each; ms", 100000, 8);
    race("full collection, 10^6 targets, 1 handle each; ms", 1000000, 1);
    race("full collection, 10^6 targets, 8 handles each; ms", 1000000, 8);
}
