/* map-collect.c: what weak maps cost a collection, and what it does for them.
 *
 * Collections: the same live keys and values in every contestant.  Where there
 * is no map, an array holds the values; what a map adds is its collection less
 * that one.  The keys are put in the order in which they were allocated, or, as
 * "random", both keys and values are in random order.
 *
 * Churn: as many keys live as the race's size says.  A step makes a key and a
 * value that leads to the key, puts the two, and drops the oldest key; so the
 * time of a step is that of an entry from its making to its end, with all
 * collections.  Where such a cycle would be kept for ever, the value leads
 * nowhere.
 *
 * Chain: each value is the next key, in random order, and the first key is
 * held; a collection has to find that all are alive.
 */
#include "map-collect.h"
#include "map-ways.h"
#include "measure.h"
#include "results.h"

#include <math.h>
#include <string.h>

/* Peers take too long to set up more, or to do it. */
enum { FEW = 10000, MANY = 100000, MOST = 1000000 };

/* A sample of collections measures all; the rest is worked out. */
enum { WHOLE, ADDED };

static void **keys, **values, **cells;
static void *map;
static void *volatile first;         /* of a chain; nobody reads it */

/* --- Collections --------------------------------------------------------- */

/* `handles` says whether the order is random: then it is 2. */
static void
make_objects(const struct load *load)
{
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
    keys = new_targets(load->targets);
    values = new_targets(load->targets);
    if (load->handles > 1) {
        shuffle(keys, load->targets);
        shuffle(values, load->targets);
        shuffle(values, load->targets);
    }
}

static void
settle(void)
{
    GC_enable();
    GC_gcollect();
    GC_gcollect();
}

static void
setup_nothing(const struct load *load)
{
    GC_disable();
    make_objects(load);
    settle();
}

static void
setup_links(const struct load *load)
{
    GC_disable();
    make_objects(load);
    cells = new_array(load->targets);
    for (size_t i = 0; i < load->targets; i++)
        cells[i] = (void *)raw_new(keys[i]);
    settle();
}

/* Nothing holds the values but the map. */
static void
fill(const struct map_way *way, const struct load *load)
{
    GC_disable();
    make_objects(load);
    map = way->open();
    for (size_t i = 0; i < load->targets; i++)
        way->put(map, keys[i], values[i]);
    drop(&values, load->targets);
    settle();
}

static void
setup_plain(const struct load *load)
{
    fill(&plain_way, load);
}

static void
setup_refs(const struct load *load)
{
    fill(&refs_way, load);
}

static void
setup_gcw(const struct load *load)
{
    fill(&gcw_way, load);
}

static void
setup_set(const struct load *load)
{
    gcw_set *set;

    GC_disable();
    make_objects(load);
    map = set = must(gcw_set_new());
    for (size_t i = 0; i < load->targets; i++)
        if (gcw_set_add(set, keys[i]) < 0)
            fail("gcw_set_add", "failed");
    settle();
}

static void
sample_collection(const struct load *load, double *sample)
{
    double begin = now();

    (void)load;
    GC_gcollect();
    sample[WHOLE] = now() - begin;
}

/* The contestants, and for each the one that has the same without a map. */
enum {
    NOTHING, LINKS, REFS, GCW, SET, PLAIN, GUILE_NOTHING, GUILE_MAP, JAVA_NOTHING,
    JAVA_MAP, LUA_NOTHING, LUA_MAP, COLLECTORS
};

static const struct contestant collectors[COLLECTORS] = {
    [NOTHING] = { "limit: no map", setup_nothing, sample_collection,
                  .role = LIMIT },
    [LINKS] = { "raw: a link each, no map", setup_links, sample_collection,
                .role = RAW },
    [REFS] = { "gcw_ref and a hash table", setup_refs, sample_collection,
               .role = NO_ROLE },
    [GCW] = { "gcw_map", setup_gcw, sample_collection, .role = NO_ROLE },
    [SET] = { "gcw_set, values beside it", setup_set, sample_collection,
              .role = NO_ROLE },
    [PLAIN] = { "plain hash table", setup_plain, sample_collection,
                .role = NO_ROLE },
    [GUILE_NOTHING] = { "Guile: no map", .needs = GUILE,
                        .job = "map-collect-0", .most_targets = MANY },
    [GUILE_MAP] = { "Guile: weak hash table", .needs = GUILE,
                    .job = "map-collect", .most_targets = MANY },
    [JAVA_NOTHING] = { "Java: no map", .needs = JAVA,
                       .job = "map-collect-0", .usual_targets = MANY },
    [JAVA_MAP] = { "Java: WeakHashMap", .needs = JAVA, .job = "map-collect",
                   .usual_targets = MANY },
    [LUA_NOTHING] = { "Lua: no map", .needs = LUA, .job = "map-collect-0",
                      .most_targets = MANY },
    [LUA_MAP] = { "Lua: weak table", .needs = LUA, .job = "map-collect",
                  .most_targets = MANY },
};

static const size_t without[COLLECTORS] = {
    [GUILE_NOTHING] = GUILE_NOTHING, [GUILE_MAP] = GUILE_NOTHING,
    [JAVA_NOTHING] = JAVA_NOTHING, [JAVA_MAP] = JAVA_NOTHING,
    [LUA_NOTHING] = LUA_NOTHING, [LUA_MAP] = LUA_NOTHING,
};

/* What those add that have no map is not measured. */
static void
work_out(struct result *results)
{
    for (size_t i = 0; i < COLLECTORS; i++) {
        const struct result *base = &results[without[i]];

        for (size_t round = 0; round < base->rounds; round++)
            results[i].value[ADDED][round] =
                without[i] == i || !base->ran ? NAN
                : results[i].value[WHOLE][round] - base->value[WHOLE][round];
    }
}

static const struct goal goals[] = {
    { "what an entry adds to a collection", GCW, TO_RAW, 1, 0 },
    { "what an entry adds, beside Guile's", GCW, TO_OTHER, 0.2, GUILE_MAP },
    { "what a member of a set adds to a collection", SET, TO_RAW, 0.6, 0 },
    { .of = NO_GOAL }
};
static const struct goal goals_random[] = {
    { "what an entry adds, in random order", GCW, TO_RAW, 1, 0 },
    { "what an entry adds, beside Guile's, in random order", GCW, TO_OTHER,
      0.2, GUILE_MAP },
    { "what a member of a set adds, in random order", SET, TO_RAW, 0.6, 0 },
    { .of = NO_GOAL }
};

static const struct measure in_turn[] = {
    { "map-collect", "full collection with a map", "key", "collection", MS,
      WHOLE, NULL },
    { "map-collect-added", "what the map adds", "key", "collection", MS,
      ADDED, goals },
};
static const struct measure at_random[] = {
    { "map-collect-random", "full collection with a map, random order",
      "key", "collection", MS, WHOLE, NULL },
    { "map-collect-random-added", "what the map adds, random order", "key",
      "collection", MS, ADDED, goals_random },
};

static void
collect(size_t n, const struct measure *measures, size_t order)
{
    struct race race = {
        "map", collectors, COLLECTORS, { .targets = n, .handles = order },
        KEPT, 0
    };
    static struct result results[COLLECTORS];

    run_race(&race, results);
    record(&race, results, &measures[0]);
    work_out(results);
    record(&race, results, &measures[1]);
}

/* --- Churn --------------------------------------------------------------- */

static size_t live;                  /* how many keys, at any time */

static void
setup_churn(const struct load *load)
{
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
    live = load->targets;
    keys = new_array(live);
}

static void
setup_churn_values(const struct load *load)
{
    setup_churn(load);
    values = new_array(live);
}

static void
setup_churn_gcw(const struct load *load)
{
    setup_churn(load);
    map = gcw_way.open();
}

static void
setup_churn_refs(const struct load *load)
{
    setup_churn(load);
    map = refs_way.open();
}

static void *
new_object(void *leads_to)
{
    void **object = must(GC_MALLOC(4 * sizeof *object));

    object[0] = leads_to;
    return object;
}

static void
step_nothing(size_t i)
{
    keys[i] = new_object(NULL);
    values[i] = new_object(keys[i]);
}

static void
step_link(size_t i)
{
    void **value;

    keys[i] = new_object(NULL);
    values[i] = value = new_object(keys[i]);
    value[1] = raw_new(keys[i]);
}

static void
step_gcw(size_t i)
{
    keys[i] = new_object(NULL);
    gcw_way.put(map, keys[i], new_object(keys[i]));
}

/* The value holds the key for ever, unless the entry is removed by hand. */
static void
step_refs(size_t i)
{
    if (keys[i] != NULL)
        refs_way.remove(map, keys[i]);
    keys[i] = new_object(NULL);
    refs_way.put(map, keys[i], new_object(keys[i]));
}

static void
sample_churn(double *sample, void (*step)(size_t i))
{
    size_t steps = 2 * live > MANY ? 2 * live : MANY;
    double begin;

    for (size_t i = 0; i < live; i++)
        step(i);
    begin = now();
    for (size_t i = 0; i < steps; i++)
        step(i % live);
    sample[0] = (now() - begin) / (double)steps;
}

#define CHURN(what) \
    static void \
    churn_##what(const struct load *load, double *sample) \
    { \
        (void)load; \
        sample_churn(sample, step_##what); \
    }

CHURN(nothing)
CHURN(link)
CHURN(gcw)
CHURN(refs)

static const struct contestant churners[] = {
    { "limit: no map", setup_churn_values, churn_nothing, .role = LIMIT },
    { "raw: a link each, no map", setup_churn_values, churn_link,
      .role = RAW },
    { "gcw_ref and a table, removed", setup_churn_refs, churn_refs,
      .role = NO_ROLE },
    { "gcw_map", setup_churn_gcw, churn_gcw, .role = NO_ROLE },
    { "CPython: dictionary, no cycle", .needs = PYTHON,
      .job = "map-churn" },
    { "Guile: weak table, no cycle", .needs = GUILE,
      .job = "map-churn" },
    { "Java: WeakHashMap, no cycle", .needs = JAVA, .job = "map-churn" },
    { "Lua: weak table", .needs = LUA, .job = "map-churn" },
    { "Node: WeakMap", .needs = NODE, .job = "map-churn" },
};
enum {
    CHURN_GCW = 3, CHURN_JAVA = 6, CHURNERS = sizeof churners / sizeof *churners
};

static void
churn(size_t n)
{
    static const struct goal no_dearer[] = {
        { "an entry with a cycle, to its end", CHURN_GCW, TO_RAW, 1, 0 },
        { "an entry to its end, beside Java's without the cycle", CHURN_GCW,
          TO_OTHER, 1.0 / 3, CHURN_JAVA },
        { .of = NO_GOAL }
    };
    struct measure measure = {
        "map-churn", "new key, with a cycle, to its end", "live key", "key",
        NS, 0, no_dearer
    };
    struct race race = {
        "map", churners, CHURNERS, { .targets = n, .handles = 1 }, FRESH, 0
    };
    static struct result results[CHURNERS];

    run_race(&race, results);
    record(&race, results, &measure);
}

/* --- Chains -------------------------------------------------------------- */

/* The last key has a value as well. */
static void
setup_chain(const struct load *load)
{
    GC_disable();
    make_objects(load);
    map = gcw_way.open();
    for (size_t i = 0; i < load->targets; i++)
        gcw_way.put(map, keys[i],
                    i + 1 < load->targets ? keys[i + 1] : values[i]);
    first = keys[0];
    drop(&keys, load->targets);
    drop(&values, load->targets);
    settle();
    if (gcw_map_count(map) != load->targets)
        fail("chain", "it broke");
}

static void
setup_list(const struct load *load)
{
    GC_disable();
    make_objects(load);
    for (size_t i = 0; i < load->targets; i++)
        *(void **)keys[i] = i + 1 < load->targets ? keys[i + 1] : values[i];
    first = keys[0];
    drop(&keys, load->targets);
    drop(&values, load->targets);
    settle();
}

static const struct contestant chains[] = {
    { "limit: a list", setup_list, sample_collection, .role = LIMIT },
    { "gcw_map", setup_chain, sample_collection, .role = NO_ROLE },
    { "Lua: weak table", .needs = LUA, .job = "map-chain",
      .most_targets = FEW },
    { "Node: WeakMap", .needs = NODE, .job = "map-chain" },
};
enum { CHAINS = sizeof chains / sizeof *chains };

static void
chain(size_t n)
{
    struct measure measure = {
        "map-chain", "full collection, a chain of entries", "key",
        "collection", MS, 0, NULL
    };
    struct race race = {
        "map", chains, CHAINS, { .targets = n, .handles = 2 }, KEPT, 0
    };
    static struct result results[CHAINS];

    run_race(&race, results);
    record(&race, results, &measure);
}

/* Linear, but for what leaves the caches; so there is no bound. */
static void
chain_growth(void)
{
    static const char *const who[] = { "limit: a list", "gcw_map" };

    record_growth("map-chain", &(struct load) { .targets = FEW },
                  &(struct load) { .targets = MANY }, who, 2, NULL);
}

void
bench_map_collections(void)
{
    for (size_t n = 1000; n <= MOST && in_bounds(n); n *= 10) {
        collect(n, in_turn, 1);
        collect(n, at_random, 2);
    }
    for (size_t n = 1000; n <= MANY && in_bounds(n); n *= 10) {
        churn(n);
        chain(n);
    }
    chain_growth();
}
