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

static const struct contestant users[] = {
    { "limit: plain hash table", setup_plain_way, use_plain_way,
      .role = LIMIT },
    { "raw: gcw_ref and that table", setup_refs_way, use_refs_way,
      .role = RAW },
    { "gcw_map", setup_gcw_way, use_gcw_way, .role = NO_ROLE },
    { "CPython: WeakKeyDictionary", .needs = PYTHON, .job = "map-use",
      .most_threads = 1 },
    { "Guile: weak hash table", .needs = GUILE, .job = "map-use",
      .most_threads = 1 },
    { "Java: WeakHashMap", .needs = JAVA, .job = "map-use" },
    { "Lua: weak table", .needs = LUA, .job = "map-use", .most_threads = 1 },
    { "Node: WeakMap", .needs = NODE, .job = "map-use", .most_threads = 1 },
};

static const struct contestant makers[] = {
    { "limit: plain hash table", setup_objects, make_plain_way,
      .role = LIMIT },
    { "raw: gcw_ref and that table", setup_objects, make_refs_way,
      .role = RAW },
    { "gcw_map", setup_objects, make_gcw_way, .role = NO_ROLE },
    { "CPython: WeakKeyDictionary", .needs = PYTHON, .job = "map-make" },
    { "Guile: weak hash table", .needs = GUILE, .job = "map-make",
      .most_targets = MANY },
    { "Java: WeakHashMap", .needs = JAVA, .job = "map-make" },
    { "Lua: weak table", .needs = LUA, .job = "map-make" },
    { "Node: WeakMap", .needs = NODE, .job = "map-make" },
};

static const struct contestant holders[] = {
    { "limit: plain hash table", setup_objects, memory_plain_way,
      .role = LIMIT },
    { "raw: gcw_ref and that table", setup_objects, memory_refs_way,
      .role = RAW },
    { "gcw_map", setup_objects, memory_gcw_way, .role = NO_ROLE },
    { "CPython: WeakKeyDictionary", .needs = PYTHON, .job = "map-memory",
      .most_targets = MANY },
    { "Guile: weak hash table", .needs = GUILE, .job = "map-memory",
      .most_targets = MANY },
    { "Java: WeakHashMap", .needs = JAVA, .job = "map-memory" },
    { "Lua: weak table", .needs = LUA, .job = "map-memory" },
    { "Node: WeakMap", .needs = NODE, .job = "map-memory" },
};

enum { WAYS = sizeof users / sizeof *users, GCW = 2, OF_JAVA = 5 };

static const struct goal within_limit[WAYS] = { [GCW] = { TO_LIMIT, 1.5, 0 } };
static const struct goal as_java[WAYS] = { [GCW] = { TO_OTHER, 1, OF_JAVA } };
static const struct goal in_40_bytes[WAYS] = { [GCW] = { TO_NOTHING, 40, 0 } };

static const struct measure uses[] = {
    { "map-get", "get, a key that is there", "key", "get", NS, GET,
      within_limit },
    { "map-miss", "get, a key that is not there", "key", "get", NS, MISS,
      NULL },
    { "map-replace", "put over a value that is there", "key", "put", NS,
      REPLACE, as_java },
    { "map-setdefault", "setdefault that finds a value", "key", "call", NS,
      DEFAULT, NULL },
};

static const struct measure makes[] = {
    { "map-put", "put of new keys", "key", "put", NS, PUT, as_java },
    { "map-remove", "remove, in random order", "key", "remove", NS, REMOVE,
      NULL },
};

static const struct measure holds[] = {
    { "map-memory", "memory", "key", "key", BYTES, 0, in_40_bytes },
};

static void
race(const struct contestant *who, enum life life, size_t n, unsigned threads,
     const struct measure *measures, size_t n_measures)
{
    struct race race = {
        "map", who, WAYS,
        { .targets = n, .handles = 1, .threads = threads,
          .collecting = true }, life
    };
    static struct result results[WAYS];

    run_race(&race, results);
    for (size_t i = 0; i < n_measures; i++)
        record(&race, results, &measures[i]);
}

/* A million entries take longer to make than to use. */
void
bench_map(void)
{
    for (size_t n = 1000; n <= MOST && in_bounds(n); n *= 10) {
        enum life life = n > MANY ? KEPT : FRESH;

        race(users, life, n, 1, uses, 4);
        race(users, life, n, 2, uses, 2);
        race(makers, life, n, 1, makes, 2);
        race(holders, FRESH, n, 1, holds, 1);
    }
    bench_map_collections();
}
