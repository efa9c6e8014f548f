/* exit.c: what exit handlers cost.
 *
 * Registering, taking back by handle or number in random order, and running.  glibc's
 * atexit cannot take back; it runs in a child's real exit, between a first
 * and a last handler that read the clock.  While it runs it gives memory
 * back to the system piece by piece; with the heap kept warm, it does not.
 * The limit is an array, what a program would write that needs nothing more:
 * functions and data one after another, a taken one marked.
 */
#include <config.h>
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>
#include <limits.h>
#if HAVE_MALLOPT
# include <malloc.h>
#endif
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* At least so many are registered in a sample. */
enum { LEAST = 100000 };

/* What a sample measures. */
enum { REGISTER, UNREGISTER, PAIR, RUN, NUMBERS };

struct entry {
    void (*fn)(void *data);
    void *data;
};

static gcw_exit_registry *registry;
static gcw_method **methods;
static void **targets, **handles;
static struct entry *entries;
static size_t n_entries, room;

/* The work of a handler: count. */
static size_t ran;

static void
count(void *data)
{
    (void)data;
    ran++;
}

static void *
count_method(void *self, void *arg, void *data)
{
    use(self);
    use(arg);
    count(data);
    return NULL;
}

static void
count_plain(void)
{
    ran++;
}

static void
check(size_t n)
{
    if (ran != n)
        fail("exit", "not every handler ran");
    ran = 0;
}

/* How the three jobs are done; `undo` takes the i-th handle back. */
struct way {
    void *(*add)(size_t i);
    void (*undo)(void *handle);
    void (*run)(void);
};

static void *
add_fn(size_t i)
{
    (void)i;
    return must(gcw_exit_register_fn(registry, count, NULL, NULL));
}

static void *
add_method(size_t i)
{
    return must(gcw_exit_register(registry, methods[i], NULL));
}

static void
undo_gcw(void *handle)
{
    if (gcw_exit_unregister(handle) != GCW_REMOVED)
        fail("exit", "a handler could not be taken off");
}

static void
run_gcw(void)
{
    if (gcw_exit_run(registry, 0) != 0)
        fail("exit", "a handler failed");
}

/* Functions of the default registry, and their numbers. */
static void *
add_number(size_t i)
{
    uint64_t id = gcw_atexit_data(count, NULL);

    (void)i;
    if (id == 0)
        fail("gcw_atexit_data", "failed");
    return (void *)(uintptr_t)id;
}

static void
undo_number(void *number)
{
    if (gcw_exit_unregister_id((uintptr_t)number) != GCW_REMOVED)
        fail("gcw_atexit_data", "a function could not be taken off");
}

static void
grow(void)
{
    room = room == 0 ? 16 : 2 * room;
    entries = must(realloc(entries, room * sizeof *entries));
}

/* The handle is the index, plus one. */
static void *
add_entry(size_t i)
{
    (void)i;
    if (n_entries == room)
        grow();
    entries[n_entries++] = (struct entry) { count, NULL };
    return (void *)n_entries;
}

static void
undo_entry(void *handle)
{
    entries[(size_t)handle - 1].fn = NULL;
}

static void
run_entries(void)
{
    while (n_entries > 0) {
        struct entry e = entries[--n_entries];

        if (e.fn != NULL)
            e.fn(e.data);
    }
}

static double
time_add(const struct way *way, size_t n)
{
    double begin = now();

    for (size_t i = 0; i < n; i++)
        handles[i] = way->add(i);
    return (now() - begin) / (double)n;
}

static double
time_undo(const struct way *way, size_t n)
{
    double begin;

    shuffle(handles, n);
    begin = now();
    for (size_t i = 0; i < n; i++)
        way->undo(handles[i]);
    return (now() - begin) / (double)n;
}

static double
time_run(const struct way *way, size_t n)
{
    double begin = now(), end;

    way->run();
    end = now();
    check(n);
    return (end - begin) / (double)n;
}

/* One after the other, as often as it takes to count enough: what a few cost
 * would be a matter of whether a collection came in between. */
static void
add_times(const struct way *way, size_t n, double *values)
{
    values[REGISTER] += time_add(way, n);
    values[UNREGISTER] += time_undo(way, n);
    way->run();
    check(0);
    time_add(way, n);
    values[RUN] += time_run(way, n);
}

/* Registering and running once before brings the memory into use. */
static void
sample(const struct way *way, size_t n, double *values)
{
    size_t times = n < LEAST ? LEAST / n : 1;
    double sum[NUMBERS] = { 0 };

    time_add(way, n);
    time_run(way, n);
    for (size_t i = 0; i < times; i++)
        add_times(way, n, sum);
    for (int v = 0; v < NUMBERS; v++)
        values[v] = sum[v] / (double)times;
    values[PAIR] = values[REGISTER] + values[UNREGISTER];
}

static void
setup_array(const struct load *load)
{
    handles = new_array(load->targets);
}

static void
setup_gcw(const struct load *load)
{
    handles = new_array(load->targets);
    registry = must(gcw_exit_registry_new("bench"));
}

static void
setup_methods(const struct load *load)
{
    setup_gcw(load);
    targets = new_targets(load->targets);
    methods = (gcw_method **)new_array(load->targets);
    for (size_t i = 0; i < load->targets; i++)
        methods[i] = must(gcw_method_new(targets[i], count_method, NULL));
}

static void
sample_array(const struct load *load, double *values)
{
    sample(&(struct way) { add_entry, undo_entry, run_entries },
           load->targets, values);
}

static void
sample_gcw(const struct load *load, double *values)
{
    sample(&(struct way) { add_fn, undo_gcw, run_gcw }, load->targets,
           values);
}

static void
setup_numbers(const struct load *load)
{
    setup_gcw(load);
    registry = must(gcw_exit_default());
}

static void
sample_numbers(const struct load *load, double *values)
{
    sample(&(struct way) { add_number, undo_number, run_gcw }, load->targets,
           values);
}

static void
sample_methods(const struct load *load, double *values)
{
    sample(&(struct way) { add_method, undo_gcw, run_gcw }, load->targets,
           values);
}

static struct {
    size_t n;
    double *values;
    double begin;
} at_exit;

/* Registered last: the run begins. */
static void
exit_begins(void)
{
    at_exit.begin = now();
}

/* Registered first: all others have run. */
static void
exit_ends(void)
{
    double end = now();

    check(at_exit.n);
    at_exit.values[RUN] = (end - at_exit.begin) / (double)at_exit.n;
    report(at_exit.values);
}

static int (*atexit_of_sample)(void (*fn)(void));

static void
add_atexit(void (*fn)(void))
{
    if (atexit_of_sample(fn) != 0)
        fail("atexit", "failed");
}

/* The collector runs, as it does beside the others: in a process with its threads
 * the C library's locks cost more. */
static void
setup_collector(const struct load *load)
{
    (void)load;
    if (gcw_init() != 0)
        fail("gcw_init", "failed");
}

/* glibc keeps its handlers in malloc'ed blocks of 32; as much memory as they
 * need is touched here and stays in the heap for good. */
static void
setup_warm(const struct load *load)
{
    size_t size = (load->targets + 64) * 40;
    char *heap;

    setup_collector(load);
#if HAVE_MALLOPT
    mallopt(M_MMAP_THRESHOLD, INT_MAX);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
    heap = must(malloc(size));
    memset(heap, 1, size);
    use(heap);
    free(heap);
}

static void
sample_by(int (*its_atexit)(void (*fn)(void)), const struct load *load,
          double *values)
{
    double begin;

    atexit_of_sample = its_atexit;
    at_exit.n = load->targets;
    at_exit.values = values;
    add_atexit(exit_ends);
    begin = now();
    for (size_t i = 0; i < load->targets; i++)
        add_atexit(count_plain);
    values[REGISTER] = (now() - begin) / (double)load->targets;
    values[UNREGISTER] = values[PAIR] = NAN;
    add_atexit(exit_begins);
    exit(0);
}

static void
sample_atexit(const struct load *load, double *values)
{
    sample_by(atexit, load, values);
}

static void
sample_gcw_atexit(const struct load *load, double *values)
{
    sample_by(gcw_atexit, load, values);
}

enum {
    GLIBC, WARM, ARRAY, NUMBERED, PLAIN, FUNCTIONS, METHODS, PYTHON_ALL,
    PYTHON_FEW, WAYS
};

/* The collector has no exit handlers: the raw way is the C library's.
 * CPython's atexit.unregister walks over all handlers. */
static const struct contestant who[WAYS] = {
    [GLIBC] = { "atexit, cold heap", setup_collector, sample_atexit,
                .role = NO_ROLE },
    [WARM] = { "raw: atexit, warm heap", setup_warm, sample_atexit,
               .role = RAW },
    [ARRAY] = { "limit: array", setup_array, sample_array, .role = LIMIT },
    [NUMBERED] = { "gcw_atexit_data", setup_numbers, sample_numbers,
                   .role = NO_ROLE },
    [PLAIN] = { "gcw_atexit, at its place", setup_warm, sample_gcw_atexit,
                .role = NO_ROLE, .most_targets = 100000 },
    [FUNCTIONS] = { "gcw_exit_register_fn", setup_gcw, sample_gcw,
                    .role = NO_ROLE },
    [METHODS] = { "gcw_exit_register", setup_methods, sample_methods,
                  .role = NO_ROLE },
    [PYTHON_ALL] = { "CPython: atexit", .needs = PYTHON, .job = "exit",
                     .usual_targets = LEAST },
    [PYTHON_FEW] = { "CPython: atexit.unregister", .needs = PYTHON,
                     .job = "exit-unregister", .most_targets = 1000 },
};

static const struct goal to_register[] = {
    { "registering an exit handler", NUMBERED, TO_RAW, 1.5, 0 },
    { .of = NO_GOAL }
};
static const struct goal to_unregister[] = {
    { "unregistering an exit handler", NUMBERED, TO_NOTHING, 100, 0 },
    { .of = NO_GOAL }
};
static const struct goal to_run[] = {
    { "running an exit handler", NUMBERED, TO_RAW, 1.2, 0 },
    { .of = NO_GOAL }
};

static const struct measure measures[NUMBERS] = {
    [REGISTER] = { "exit-register", "exit: register", "handler", "handler",
                   NS, REGISTER, to_register },
    [UNREGISTER] = { "exit-unregister",
                     "exit: unregister in random order", "handler",
                     "handler", NS, UNREGISTER, to_unregister },
    [PAIR] = { "exit-register-unregister", "exit: register and unregister",
               "handler", "handler", NS, PAIR, NULL },
    [RUN] = { "exit-run", "exit: run", "handler", "handler", NS, RUN,
              to_run },
};

static void
race(size_t n)
{
    struct race race = {
        "exit", who, WAYS, { .targets = n, .handles = 1 }, FRESH, 0
    };
    static struct result results[WAYS];

    run_race(&race, results);
    for (int v = 0; v < NUMBERS; v++)
        record(&race, results, &measures[v]);
}

/* The same cost at every size: to within one half, for a million handlers do
 * not fit in the processor's caches. */
void
bench_exit(void)
{
    static const char *const ways[] = {
        "limit: array", "gcw_atexit_data", "gcw_exit_register_fn",
        "gcw_exit_register"
    };
    static const struct goal goals[] = {
        { "an exit handler, and back, of that among 10^3", 1, TO_NOTHING, 1.5,
          0 },
        { "an exit handler of a method, and back, of that among 10^3", 3,
          TO_NOTHING, 1.5, 0 },
        { .of = NO_GOAL }
    };

    for (size_t n = 1000; n <= 1000000 && in_bounds(n); n *= 10)
        race(n);
    record_growth("exit-register-unregister",
                  &(struct load) { .targets = 1000 },
                  &(struct load) { .targets = 1000000 }, ways, 4, goals);
}
