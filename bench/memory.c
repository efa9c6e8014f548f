/* memory.c: how much memory a handle, a listener or a handler takes.
 *
 * By how much the resident memory of the process grows when many are made,
 * with a full collection before and after.  So tables, links, and what the
 * collector and malloc keep for themselves are all counted; the array that
 * holds the handles is not.  Java says what is in use of its heap.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fewer would say little: memory comes a page at a time. */
enum { FEW = 1000, MANY = 100000, MOST = 1000000 };

static void **targets, **handles;
static gcw_method **methods;
static gcw_event *event;
static gcw_exit_registry *registry;

static void
function(void *data)
{
    use(data);
}

static void
exit_function(void)
{
}

static void
listen_fn(void *arg, void *data)
{
    use(arg);
    use(data);
}

static double
resident(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    long all, pages;

    if (statm == NULL || fscanf(statm, "%ld %ld", &all, &pages) != 2)
        fail("memory", "/proc/self/statm cannot be read");
    fclose(statm);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* An array whose pages are there already. */
static void **
new_touched_array(size_t n)
{
    void **array = new_array(n);

    memset(array, 1, n * sizeof *array);
    use(array);
    memset(array, 0, n * sizeof *array);
    return array;
}

static void
setup(const struct load *load)
{
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
    targets = new_targets(load->targets);
    handles = new_touched_array(2 * load->targets);
}

static void
setup_events(const struct load *load)
{
    setup(load);
    event = must(gcw_event_new("bench"));
    registry = must(gcw_exit_registry_new("bench"));
    methods = (gcw_method **)new_touched_array(load->targets);
    for (size_t i = 0; i < load->targets; i++)
        methods[i] = must(gcw_method_new(targets[i], idle_method, NULL));
}

static void *
make_raw(size_t i)
{
    return raw_new(targets[i]);
}

static void *
make_cell(size_t i)
{
    void **cell = GC_MALLOC_ATOMIC(sizeof *cell);

    *cell = targets[i];
    return cell;
}

/* What a program would keep for a listener by hand. */
struct by_hand {
    void (*fn)(void *arg, void *data);
    void *cell;
};

static void *
make_by_hand(size_t i)
{
    struct by_hand *entry = must(GC_MALLOC(sizeof *entry));

    *entry = (struct by_hand) { listen_fn, raw_new(targets[i]) };
    return entry;
}

static void *
make_ref(size_t i)
{
    return gcw_ref_new(targets[i]);
}

static void *
make_method(size_t i)
{
    return gcw_method_new(targets[i], idle_method, NULL);
}

static void *
make_cleanup(size_t i)
{
    return gcw_cleanup_new(targets[i], function, NULL);
}

static void *
make_listener(size_t i)
{
    return gcw_event_connect(event, methods[i], 0);
}

static void *
make_listener_fn(size_t i)
{
    return gcw_event_connect_fn(event, listen_fn, targets[i], 0);
}

static void *
make_handler(size_t i)
{
    return gcw_exit_register(registry, methods[i], NULL);
}

static void *
make_handler_fn(size_t i)
{
    use(targets[i]);
    return gcw_exit_register_fn(registry, function, NULL, NULL);
}

static void *
make_atexit(size_t i)
{
    use(targets[i]);
    if (atexit(exit_function) != 0)
        fail("atexit", "failed");
    return targets[i];
}

/* Handles in the second half of the array, to make those in the first the
 * further ones. */
static void
setup_further(const struct load *load, void *(*make)(size_t i))
{
    setup(load);
    for (size_t i = 0; i < load->targets; i++)
        handles[load->targets + i] = must(make(i));
}

static void
setup_further_raw(const struct load *load)
{
    setup_further(load, make_raw);
}

static void
setup_further_refs(const struct load *load)
{
    setup_further(load, make_ref);
}

static double
grown(double before, const struct load *load)
{
    GC_gcollect();
    return (resident() - before) / (double)load->targets;
}

static void
measure(const struct load *load, double *values, void *(*make)(size_t i))
{
    double before;

    GC_gcollect();
    before = resident();
    for (size_t i = 0; i < load->targets; i++)
        handles[i] = must(make(i));
    values[0] = grown(before, load);
}

#define SAMPLE(what) \
    static void \
    sample_##what(const struct load *load, double *values) \
    { \
        measure(load, values, make_##what); \
    }

SAMPLE(raw)
SAMPLE(by_hand)
SAMPLE(cell)
SAMPLE(ref)
SAMPLE(method)
SAMPLE(cleanup)
SAMPLE(listener)
SAMPLE(listener_fn)
SAMPLE(handler)
SAMPLE(handler_fn)
SAMPLE(atexit)

/* --- The libraries beside: their handles lie where they want them -------- */

static size_t *order;

static void
setup_weak(const struct load *load, const struct weak_peer *peer)
{
    order = repeated_order(load->targets, 1);
    peer->open(load->targets);
}

static void
setup_cxx(const struct load *load)
{
    setup_weak(load, &weak_cxx);
}

static void
setup_glib(const struct load *load)
{
    setup_weak(load, &weak_glib);
}

static void
setup_further_glib(const struct load *load)
{
    setup_glib(load);
    weak_glib.make(order, load->targets);
}

static void
measure_weak(const struct load *load, double *values,
             const struct weak_peer *peer)
{
    double before = resident();

    peer->make(order, load->targets);
    values[0] = grown(before, load);
}

static void
sample_cxx(const struct load *load, double *values)
{
    measure_weak(load, values, &weak_cxx);
}

static void
sample_glib(const struct load *load, double *values)
{
    measure_weak(load, values, &weak_glib);
}

static void
setup_boost_signal(const struct load *load)
{
    peer_boost.open(load->targets);
}

static void
setup_glib_signal(const struct load *load)
{
    peer_glib.open(load->targets);
}

static void
measure_signal(const struct load *load, double *values,
               const struct peer *peer)
{
    double before = resident();

    for (size_t i = 0; i < load->targets; i++)
        must(peer->connect(i));
    values[0] = grown(before, load);
}

static void
sample_boost_signal(const struct load *load, double *values)
{
    measure_signal(load, values, &peer_boost);
}

static void
sample_glib_signal(const struct load *load, double *values)
{
    measure_signal(load, values, &peer_glib);
}

/* --- The races ----------------------------------------------------------- */

static const struct contestant first[] = {
    { "raw: cell and link", setup, sample_raw, .role = RAW },
    { "gcw_ref_new", setup, sample_ref, .role = NO_ROLE },
    { "gcw_ref_new, links", setup, sample_ref, .links = true },
    { "gcw_method_new", setup, sample_method, .role = NO_ROLE },
    { "gcw_cleanup_new", setup, sample_cleanup, .role = NO_ROLE },
    { "limit: cell without a link", setup, sample_cell, .role = LIMIT },
    { "std::weak_ptr", setup_cxx, sample_cxx, .needs = CXX },
    { "g_weak_ref_init", setup_glib, sample_glib, .needs = GLIB,
      .most_targets = MANY },
    { "CPython: ref", .needs = PYTHON, .job = "memory-ref",
      .most_targets = MANY },
    { "CPython: WeakMethod", .needs = PYTHON, .job = "memory-method",
      .most_targets = MANY },
    { "Guile: make-weak-vector", .needs = GUILE, .job = "memory",
      .most_targets = MANY },
    { "Java: WeakReference", .needs = JAVA, .job = "memory",
      .most_targets = MANY },
};

static const struct contestant further[] = {
    { "raw: cell and link", setup_further_raw, sample_raw, .role = RAW },
    { "gcw_ref_new", setup_further_refs, sample_ref, .role = NO_ROLE },
    { "gcw_method_new", setup_further_refs, sample_method, .role = NO_ROLE },
    { "limit: cell without a link", setup, sample_cell, .role = LIMIT },
    { "g_weak_ref_init", setup_further_glib, sample_glib, .needs = GLIB,
      .most_targets = MANY },
};

static const struct contestant listeners[] = {
    { "raw: entry, cell and link", setup, sample_by_hand, .role = RAW },
    { "gcw_event_connect", setup_events, sample_listener, .role = NO_ROLE },
    { "gcw_event_connect_fn", setup_events, sample_listener_fn,
      .role = NO_ROLE },
    { "Boost.Signals2, tracked", setup_boost_signal, sample_boost_signal,
      .needs = BOOST, .most_targets = MANY },
    { "GLib, connect_object", setup_glib_signal, sample_glib_signal,
      .needs = GLIB, .most_targets = MANY },
};

static const struct contestant handlers[] = {
    { "raw: atexit", setup, sample_atexit, .role = RAW },
    { "gcw_exit_register_fn", setup_events, sample_handler_fn,
      .role = NO_ROLE },
    { "gcw_exit_register", setup_events, sample_handler, .role = NO_ROLE },
    { "CPython: atexit", .needs = PYTHON, .job = "memory-exit",
      .most_targets = MANY },
};

static const struct goal goals_first[] = {
    { "memory of a first reference", 1, TO_RAW, 1.2, 0 },
    { .of = NO_GOAL }
};

/* Of so much memory every round says the same. */
enum { FEW_ROUNDS = 3 };

static void
race(const struct contestant *who, size_t n, size_t targets, const char *name,
     const char *title, const char *per, const struct goal *goals)
{
    struct measure measure = { name, title, "target", per, BYTES, 0, goals };
    struct race race = {
        "memory", who, n, { .targets = targets, .collecting = true }, FRESH,
        targets < MANY ? FEW_ROUNDS : 1
    };
    static struct result results[CONTESTANTS];

    run_race(&race, results);
    record(&race, results, &measure);
}

#define RACE(who, ...) race(who, sizeof who / sizeof *who, __VA_ARGS__)

static void
race_all(size_t n)
{
    RACE(first, n, "memory-handle", "memory, first handle", "handle",
         goals_first);
    RACE(further, n, "memory-further", "memory, further handle", "handle",
         NULL);
    RACE(listeners, n, "memory-listener", "memory, listener", "listener",
         NULL);
    RACE(handlers, n, "memory-handler", "memory, exit handler", "handler",
         NULL);
}

void
bench_memory(void)
{
    for (size_t n = FEW; n <= MOST && in_bounds(n); n *= 10)
        race_all(n);
}
