/* exit.c: what exit handlers cost.
 *
 * Registering, taking back by handle in random order, and running.  glibc's
 * atexit cannot take back; it runs in a child's real exit, between a first
 * and a last handler that read the clock.  While it runs it gives memory
 * back to the system piece by piece; with the heap kept warm, it does not.
 * The array is what a program would write that needs nothing more: functions
 * and data one after another, a taken one marked.
 */
#include "measure.h"
#include "scenes.h"
#include "table.h"
#include "work.h"

#include <gcweak.h>
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a sample measures. */
enum { REGISTER, UNREGISTER, PAIR, RUN };

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

/* Registering and running once before brings the memory into use. */
static void
sample(const struct way *way, size_t n, double *values)
{
    time_add(way, n);
    time_run(way, n);
    values[REGISTER] = time_add(way, n);
    values[UNREGISTER] = time_undo(way, n);
    values[PAIR] = values[REGISTER] + values[UNREGISTER];
    way->run();
    check(0);
    time_add(way, n);
    values[RUN] = time_run(way, n);
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

static void
add_atexit(void (*fn)(void))
{
    if (atexit(fn) != 0)
        fail("atexit", "failed");
}

static void
setup_nothing(const struct load *load)
{
    (void)load;
}

/* glibc keeps its handlers in malloc'ed blocks of 32; as much memory as they
 * need is touched here and stays in the heap for good. */
static void
setup_warm(const struct load *load)
{
    size_t size = (load->targets + 64) * 40;
    char *heap;

    mallopt(M_MMAP_THRESHOLD, INT_MAX);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    heap = must(malloc(size));
    memset(heap, 1, size);
    use(heap);
    free(heap);
}

static void
sample_atexit(const struct load *load, double *values)
{
    double begin;

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

enum { GLIBC, WARM, ARRAY, FUNCTIONS, METHODS, WAYS };

static const struct contestant who[WAYS] = {
    [GLIBC] = { "glibc: atexit", setup_nothing, sample_atexit },
    [WARM] = { "glibc: atexit, warm heap", setup_warm, sample_atexit },
    [ARRAY] = { "array", setup_array, sample_array },
    [FUNCTIONS] = { "gcw_exit_register_fn", setup_gcw, sample_gcw },
    [METHODS] = { "gcw_exit_register", setup_methods, sample_methods },
};

enum { SIZES = 3 };

static const size_t sizes[SIZES] = { 1000, 100000, 1000000 };
static const char *const size_names[SIZES] = { "10^3", "10^5", "10^6" };

typedef struct result all_results[SIZES][WAYS];

static void
title(const char *what, const char *size, const char *ratio)
{
    char line[80];

    snprintf(line, sizeof line, "%s, %s handlers; ns each", what, size);
    table(line, ratio);
}

/* Registering and running: costs as a part of glibc's with a warm heap. */
static void
print_beside_glibc(const char *what, const char *size,
                   const struct result *results, size_t v)
{
    double peer = results[WARM].value[v].median;

    title(what, size, "cost, as a part of glibc's with a warm heap");
    for (size_t i = 0; i < WAYS; i++)
        table_row(&(struct row) {
            .name = who[i].name,
            .ratio = results[i].value[v].median / peer,
            .value = results[i].value[v],
            .goal = i == FUNCTIONS ? GOAL_AT_MOST : GOAL_NONE,
            .bound = 1
        });
}

/* Taking back: glibc cannot, so the bound is in nanoseconds. */
static void
print_unregister(const char *size, const struct result *results)
{
    title("exit: unregister by handle, random order", size,
          "cost, as a part of 100 ns");
    for (size_t i = ARRAY; i < WAYS; i++)
        table_row(&(struct row) {
            .name = who[i].name,
            .ratio = results[i].value[UNREGISTER].median / 100,
            .value = results[i].value[UNREGISTER],
            .goal = i == FUNCTIONS ? GOAL_AT_MOST : GOAL_NONE,
            .bound = 1
        });
}

/* The same cost at every size: to within one half, for a million handlers do
 * not fit in the processor's caches. */
static void
print_growth(all_results all)
{
    table("exit: register + unregister, 10^6 handlers; ns each",
          "cost at 10^6, as a multiple of that at 10^3");
    for (size_t i = ARRAY; i < WAYS; i++) {
        struct spread cost = all[SIZES - 1][i].value[PAIR];

        table_row(&(struct row) {
            .name = who[i].name,
            .ratio = cost.median / all[0][i].value[PAIR].median,
            .value = cost,
            .goal = i == FUNCTIONS ? GOAL_AT_MOST : GOAL_NONE,
            .bound = 1.5
        });
    }
}

void
bench_exit(void)
{
    all_results all;

    for (size_t s = 0; s < SIZES; s++) {
        struct race race = {
            "exit", who, WAYS, { .targets = sizes[s], .handles = 1 }, FRESH
        };

        run_race(&race, all[s]);
        print_beside_glibc("exit: register", size_names[s], all[s], REGISTER);
        print_unregister(size_names[s], all[s]);
        print_beside_glibc("exit: run", size_names[s], all[s], RUN);
    }
    print_growth(all);
}
