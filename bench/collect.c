/* collect.c: what weak handles add to a full collection.
 *
 * The same live targets, and an array of the same size for the handles, in
 * every contestant; they differ in the handles alone.  What one adds is its
 * collection less that of the targets without handles.
 *
 * For gcweak a sample is the collection and the gcw_drain after it, so that
 * nothing that it puts off is left out.
 *
 * Guile and Java have collectors of their own, and contestants without
 * handles of their own.  CPython's references cost a collection nothing.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>
#include <math.h>

/* A sample measures the whole collection; the rest is worked out. */
enum { WHOLE, ADDED };

/* Guile takes too long to set up more, and Java usually. */
enum { FEW = 100000 };

static void **targets, **handles;

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
    return must(gcw_method_new(target, idle_method, NULL));
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
    values[0] = (now() - begin) ;
}

static void
sample_gcw(const struct load *load, double *values)
{
    double begin = now();

    (void)load;
    GC_gcollect();
    gcw_drain(0);
    values[0] = (now() - begin) ;
}

enum {
    NOTHING, RAW_INSIDE, OUTSIDE, REFS, LINKS, METHODS, GUILE_NOTHING,
    GUILE_VECTORS, JAVA_NOTHING, JAVA_REFERENCES, WAYS
};

static const struct contestant who[WAYS] = {
    [NOTHING] = { "limit: no handles", setup_nothing, sample_raw,
                  .role = LIMIT },
    [RAW_INSIDE] = { "raw: links in the heap", setup_raw, sample_raw,
                     .role = RAW },
    [OUTSIDE] = { "raw: links outside it", setup_outside, sample_raw,
                  .role = NO_ROLE },
    [REFS] = { "gcw_ref_new", setup_refs, sample_gcw, .role = NO_ROLE },
    [LINKS] = { "gcw_ref_new, links", setup_refs, sample_gcw, .links = true },
    [METHODS] = { "gcw_method_new", setup_methods, sample_gcw,
                  .role = NO_ROLE },
    [GUILE_NOTHING] = { "Guile: no handles", .needs = GUILE,
                        .job = "collect-0", .most_targets = FEW },
    [GUILE_VECTORS] = { "Guile: weak vectors", .needs = GUILE,
                        .job = "collect", .most_targets = FEW },
    [JAVA_NOTHING] = { "Java: no handles", .needs = JAVA,
                       .job = "collect-0", .usual_targets = FEW },
    [JAVA_REFERENCES] = { "Java: WeakReference", .needs = JAVA,
                          .job = "collect", .usual_targets = FEW },
};

/* The contestant that differs from each in the handles alone. */
static const size_t without[WAYS] = {
    [GUILE_NOTHING] = GUILE_NOTHING, [GUILE_VECTORS] = GUILE_NOTHING,
    [JAVA_NOTHING] = JAVA_NOTHING, [JAVA_REFERENCES] = JAVA_NOTHING,
};

/* What those add that have none is not measured. */
static void
work_out(struct result *results)
{
    for (size_t i = 0; i < WAYS; i++) {
        const struct result *base = &results[without[i]];

        for (size_t round = 0; round < base->rounds; round++)
            results[i].value[ADDED][round] =
                without[i] == i || !base->ran ? NAN
                : results[i].value[WHOLE][round] - base->value[WHOLE][round];
    }
}

/* The goal for eight handles is set against links in the heap, the usual raw
 * way; that for one, against links outside, the cheaper one. */
static const struct goal goals_1[] = {
    { "what 1 reference each adds to a collection", REFS, TO_OTHER, 0.5,
      OUTSIDE },
    { "what 1 method each adds to a collection", METHODS, TO_OTHER, 0.6,
      OUTSIDE },
    { .of = NO_GOAL }
};
static const struct goal goals_8[] = {
    { "what 8 references each add to a collection", REFS, TO_RAW, 0.25, 0 },
    { "what 8 methods each add to a collection", METHODS, TO_RAW, 0.25, 0 },
    { .of = NO_GOAL }
};

static const struct measure measures_1[] = {
    { "collect-1", "full collection, 1 handle each", "target", "collection",
      MS, WHOLE, NULL },
    { "collect-1-added", "what the handles add, 1 each", "target",
      "collection", MS, ADDED, goals_1 },
};
static const struct measure measures_8[] = {
    { "collect-8", "full collection, 8 handles each", "target", "collection",
      MS, WHOLE, NULL },
    { "collect-8-added", "what the handles add, 8 each", "target",
      "collection", MS, ADDED, goals_8 },
};

static void
race(const struct measure *measures, size_t n_targets, size_t n_handles)
{
    struct race race = {
        "collect", who, WAYS,
        { .targets = n_targets, .handles = n_handles }, KEPT, 0
    };
    static struct result results[WAYS];

    run_race(&race, results);
    record(&race, results, &measures[0]);
    if (n_targets == 0)
        return;
    work_out(results);
    record(&race, results, &measures[1]);
}

void
bench_collect(void)
{
    race(measures_1, 0, 1);
    for (size_t n = 1000; n <= 1000000 && in_bounds(n); n *= 10) {
        race(measures_1, n, 1);
        race(measures_8, n, 8);
    }
}
