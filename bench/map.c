/* map.c: what weak maps cost, beside a plain hash table and the maps of others.
 *
 * Using one: get of keys that are there and of others, put over a value that is
 * there, setdefault that finds one; all keys in random order.  With two threads
 * they read the same map.  Making one: put of new keys in the order in which
 * they were allocated, and remove in random order.  Memory: what of the heap is in use
 * for one, with its old and smaller tables gone.  What it costs a collection is
 * in map-collect.c.
 *
 * Java's map is for one thread; for two it is wrapped as its documentation
 * says.
 */
#include "map-collect.h"
#include "map-ways.h"
#include "measure.h"
#include "results.h"
#include "scenes.h"

#include <gcweak.h>
#include <pthread.h>
#include <string.h>

enum { MANY = 100000, MOST = 1000000, THREADS_MOST = 2, USES = 500000 };

/* The numbers of a sample. */
enum { GET, MISS, REPLACE, DEFAULT };
enum { PUT, REMOVE };

static void **keys, **values, **others, **in_order;
static size_t n_keys;
static void *map;

static void
make_objects(const struct load *load)
{
    n_keys = load->targets;
    in_order = new_targets(n_keys);
    values = new_targets(n_keys);
    others = new_targets(n_keys);
    keys = new_array(n_keys);
    memcpy(keys, in_order, n_keys * sizeof *keys);
    shuffle(keys, n_keys);
    shuffle(others, n_keys);
}

INLINE void
fill(const struct map_way *way)
{
    map = way->open();
    for (size_t i = 0; i < n_keys; i++)
        way->put(map, in_order[i], values[i]);
}

/* --- Using --------------------------------------------------------------- */

/* The job is done with each of the objects in turn, again and again. */
#define TIME_USES(objects, job) \
    double begin = now(); \
    \
    for (size_t i = 0, at = 0; i < USES; i++) { \
        void *object = (objects)[at]; \
        \
        job; \
        at = at + 1 < n_keys ? at + 1 : 0; \
    } \
    return (now() - begin) / USES

INLINE double
time_get(const struct map_way *way, void **objects)
{
    TIME_USES(objects, use(way->get(map, object)));
}

INLINE double
time_replace(const struct map_way *way)
{
    TIME_USES(keys, way->put(map, object, values[at]));
}

INLINE double
time_default(const struct map_way *way)
{
    TIME_USES(keys, use(way->setdefault(map, object, object)));
}

struct job {
    pthread_barrier_t *together;
    void (*loop)(double *sample);
    double sample[VALUES];
    pthread_t thread;
};

static void *
run_job(void *arg)
{
    struct job *job = arg;

    pthread_barrier_wait(job->together);
    job->loop(job->sample);
    return NULL;
}

/* The means of all threads. */
static void
run_threads(void (*loop)(double *sample), unsigned threads, double *sample)
{
    pthread_barrier_t together;
    struct job jobs[THREADS_MOST];

    pthread_barrier_init(&together, NULL, threads);
    for (unsigned t = 0; t < threads; t++) {
        jobs[t] = (struct job) { &together, loop, { 0 }, pthread_self() };
        if (t > 0 && GC_pthread_create(&jobs[t].thread, NULL, run_job,
                                       &jobs[t]) != 0)
            fail("thread", "cannot be started");
    }
    run_job(&jobs[0]);
    for (unsigned t = 1; t < threads; t++) {
        GC_pthread_join(jobs[t].thread, NULL);
        for (size_t v = 0; v < VALUES; v++)
            jobs[0].sample[v] += jobs[t].sample[v];
    }
    for (size_t v = 0; v < VALUES; v++)
        sample[v] = jobs[0].sample[v] / threads;
    pthread_barrier_destroy(&together);
}

/* The first run warms up.  Only one thread changes what is there. */
INLINE void
use_map(const struct map_way *way, const struct load *load, double *sample,
        void (*loop)(double *sample))
{
    run_threads(loop, load->threads, sample);
    run_threads(loop, load->threads, sample);
    if (load->threads > 1)
        return;
    time_replace(way);
    sample[REPLACE] = time_replace(way);
    time_default(way);
    sample[DEFAULT] = time_default(way);
}

/* The time for all the keys together, of a map that is as good as new. */
INLINE void
make_map(const struct map_way *way, double *sample)
{
    size_t times = n_keys < MANY ? MANY / n_keys : 1;

    sample[PUT] = sample[REMOVE] = 0;
    for (size_t time = 0; time < times; time++) {
        double begin = now(), middle;

        fill(way);
        middle = now();
        for (size_t i = 0; i < n_keys; i++)
            way->remove(map, keys[i]);
        sample[REMOVE] += now() - middle;
        sample[PUT] += middle - begin;
    }
    sample[PUT] /= (double)(times * n_keys);
    sample[REMOVE] /= (double)(times * n_keys);
}

/* What of the collected heap is in use. */
static double
in_use(void)
{
    GC_gcollect();
    GC_gcollect();
    return (double)GC_get_heap_size() - (double)GC_get_free_bytes();
}

INLINE void
fill_memory(const struct map_way *way, double *sample)
{
    double before = in_use();

    fill(way);
    sample[0] = (in_use() - before) / (double)n_keys;
}

/* What the contestants of a way do. */
#define WAY(way) \
    static void \
    setup_##way(const struct load *load) \
    { \
        make_objects(load); \
        fill(&way); \
    } \
    \
    static void \
    loop_##way(double *sample) \
    { \
        sample[GET] = time_get(&way, keys); \
        sample[MISS] = time_get(&way, others); \
    } \
    \
    static void \
    use_##way(const struct load *load, double *sample) \
    { \
        use_map(&way, load, sample, loop_##way); \
    } \
    \
    static void \
    make_##way(const struct load *load, double *sample) \
    { \
        (void)load; \
        make_map(&way, sample); \
    } \
    \
    static void \
    memory_##way(const struct load *load, double *sample) \
    { \
        (void)load; \
        fill_memory(&way, sample); \
    }

WAY(plain_way)
WAY(refs_way)
WAY(gcw_way)

static void
setup_objects(const struct load *load)
{
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
    make_objects(load);
}

/* --- The races ----------------------------------------------------------- */

enum { TABLE, REFS, GCW, OF_PYTHON, OF_GUILE, OF_JAVA, OF_LUA, OF_NODE, WAYS };

/* Peers would take most of the time that a million entries take. */
static const struct contestant users[WAYS] = {
    [TABLE] = { "limit: plain hash table", setup_plain_way, use_plain_way,
                .role = LIMIT },
    [REFS] = { "raw: gcw_ref and that table", setup_refs_way, use_refs_way,
               .role = RAW },
    [GCW] = { "gcw_map", setup_gcw_way, use_gcw_way, .role = NO_ROLE },
    [OF_PYTHON] = { "CPython: WeakKeyDictionary", .needs = PYTHON,
                    .job = "map-use", .usual_targets = MANY,
                    .most_threads = 1 },
    [OF_GUILE] = { "Guile: weak hash table", .needs = GUILE, .job = "map-use",
                   .usual_targets = MANY, .most_threads = 1 },
    [OF_JAVA] = { "Java: WeakHashMap", .needs = JAVA, .job = "map-use" },
    [OF_LUA] = { "Lua: weak table", .needs = LUA, .job = "map-use",
                 .usual_targets = MANY, .most_threads = 1 },
    [OF_NODE] = { "Node: WeakMap", .needs = NODE, .job = "map-use",
                  .usual_targets = MANY, .most_threads = 1 },
};

static const struct contestant makers[WAYS] = {
    [TABLE] = { "limit: plain hash table", setup_objects, make_plain_way,
                .role = LIMIT },
    [REFS] = { "raw: gcw_ref and that table", setup_objects, make_refs_way,
               .role = RAW },
    [GCW] = { "gcw_map", setup_objects, make_gcw_way, .role = NO_ROLE },
    [OF_PYTHON] = { "CPython: WeakKeyDictionary", .needs = PYTHON,
                    .job = "map-make", .usual_targets = MANY },
    [OF_GUILE] = { "Guile: weak hash table", .needs = GUILE,
                   .job = "map-make", .most_targets = MANY },
    [OF_JAVA] = { "Java: WeakHashMap", .needs = JAVA, .job = "map-make" },
    [OF_LUA] = { "Lua: weak table", .needs = LUA, .job = "map-make",
                 .usual_targets = MANY },
    [OF_NODE] = { "Node: WeakMap", .needs = NODE, .job = "map-make",
                  .usual_targets = MANY },
};

static const struct contestant holders[WAYS] = {
    [TABLE] = { "limit: plain hash table", setup_objects, memory_plain_way,
                .role = LIMIT },
    [REFS] = { "raw: gcw_ref and that table", setup_objects, memory_refs_way,
               .role = RAW },
    [GCW] = { "gcw_map", setup_objects, memory_gcw_way, .role = NO_ROLE },
    [OF_PYTHON] = { "CPython: WeakKeyDictionary", .needs = PYTHON,
                    .job = "map-memory", .most_targets = MANY },
    [OF_GUILE] = { "Guile: weak hash table", .needs = GUILE,
                   .job = "map-memory", .most_targets = MANY },
    [OF_JAVA] = { "Java: WeakHashMap", .needs = JAVA, .job = "map-memory",
                  .usual_targets = MANY },
    [OF_LUA] = { "Lua: weak table", .needs = LUA, .job = "map-memory",
                 .usual_targets = MANY },
    [OF_NODE] = { "Node: WeakMap", .needs = NODE, .job = "map-memory",
                  .usual_targets = MANY },
};

static const struct goal to_get[] = {
    { "a get", GCW, TO_LIMIT, 1.5, 0 },
    { "a get beside Java's", GCW, TO_OTHER, 1 / 2.5, OF_JAVA },
    { "a get beside Guile's", GCW, TO_OTHER, 1 / 25.0, OF_GUILE },
    { "a get beside CPython's", GCW, TO_OTHER, 1 / 30.0, OF_PYTHON },
    { .of = NO_GOAL }
};
static const struct goal to_replace[] = {
    { "a put over a value", GCW, TO_OTHER, 1, OF_JAVA },
    { .of = NO_GOAL }
};
static const struct goal to_put[] = {
    { "a put of a new key", GCW, TO_OTHER, 1, OF_JAVA },
    { "a put of a new key beside Guile's", GCW, TO_OTHER, 1 / 6.0, OF_GUILE },
    { .of = NO_GOAL }
};
static const struct goal to_hold[] = {
    { "memory of an entry", GCW, TO_NOTHING, 40, 0 },
    { .of = NO_GOAL }
};

static const struct measure uses[] = {
    { "map-get", "get, a key that is there", "key", "get", NS, GET, to_get },
    { "map-miss", "get, a key that is not there", "key", "get", NS, MISS,
      NULL },
    { "map-replace", "put over a value that is there", "key", "put", NS,
      REPLACE, to_replace },
    { "map-setdefault", "setdefault that finds a value", "key", "call", NS,
      DEFAULT, NULL },
};

static const struct measure uses_at_once[] = {
    { "map-get", "get, a key that is there", "key", "get", NS, GET, NULL },
    { "map-miss", "get, a key that is not there", "key", "get", NS, MISS,
      NULL },
};

static const struct measure makes[] = {
    { "map-put", "put of new keys", "key", "put", NS, PUT, to_put },
    { "map-remove", "remove, in random order", "key", "remove", NS, REMOVE,
      NULL },
};

static const struct measure holds[] = {
    { "map-memory", "memory", "key", "key", BYTES, 0, to_hold },
};

static void
run(struct race race, const struct measure *measures, size_t n_measures)
{
    static struct result results[WAYS];

    race.load.handles = 1;
    race.load.collecting = true;
    run_race(&race, results);
    for (size_t i = 0; i < n_measures; i++)
        record(&race, results, &measures[i]);
}

/* A million entries take longer to make than to use. */
static enum life
life_of(size_t n)
{
    return n > MANY ? KEPT : FRESH;
}

static void
use_at_once(size_t n)
{
    struct race race = {
        "map", users, WAYS, { .targets = n, .threads = 2 }, life_of(n), 0
    };

    run(race, uses_at_once, 2);
}

/* What the heap holds is the same in every round, or almost. */
static void
use_make_and_hold(size_t n)
{
    struct load load = { .targets = n, .threads = 1 };
    struct race use = { "map", users, WAYS, load, life_of(n), 0 };
    struct race make = { "map", makers, WAYS, load, life_of(n), 0 };
    struct race hold = { "map", holders, WAYS, load, FRESH, 1 };

    run(use, uses, 4);
    run(make, makes, 2);
    run(hold, holds, 1);
}

/* To within a tenth. */
static void
compare_threads(size_t n)
{
    static const char *const who_reads[] = { "gcw_map" };
    static const struct goal goals[] = {
        { "a get on two threads, of that on one", 0, TO_NOTHING, 1.1, 0 },
        { .of = NO_GOAL }
    };

    record_growth("map-get", &(struct load) { .targets = n, .threads = 1 },
                  &(struct load) { .targets = n, .threads = 2 }, who_reads, 1,
                  goals);
}

void
bench_map(void)
{
    for (size_t n = 1000; n <= MOST && in_bounds(n); n *= 10) {
        use_make_and_hold(n);
        if (n == bounded(MANY) || measures_all())
            use_at_once(n);
    }
    compare_threads(bounded(MANY));
    bench_map_collections();
}
