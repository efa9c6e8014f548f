/* read.c: what it costs to read a weak reference.
 *
 * One thread and two; all reads through one handle, and through 10^5 handles
 * in random order.  With two threads, the time is that of one thread's read
 * while the other reads as well.
 */
#include "measure.h"
#include "scenes.h"
#include "table.h"
#include "work.h"

#include <gcweak.h>
#include <pthread.h>
#include <stdio.h>

enum { READS = 2000000, MANY = 100000 };

static void **targets, **handles;
static size_t n_handles;

/* The handles in random order, so that neither the cells nor the targets are
 * met in the order of their addresses. */
static void
make(const struct load *load, void *(*new_handle)(void *target))
{
    n_handles = load->targets;
    targets = new_targets(n_handles);
    handles = new_array(n_handles);
    for (size_t i = 0; i < n_handles; i++)
        handles[i] = must(new_handle(targets[i]));
    shuffle(handles, n_handles);
}

static void *
new_raw(void *target)
{
    return raw_new(target);
}

static void *
new_gcw(void *target)
{
    return gcw_ref_new(target);
}

/* A pointer in pointer-free memory with no link at all. */
static void *
new_plain(void *target)
{
    void **cell = must(GC_MALLOC_ATOMIC(sizeof *cell));

    *cell = target;
    return cell;
}

static void
setup_raw(const struct load *load)
{
    make(load, new_raw);
}

static void
setup_gcw(const struct load *load)
{
    make(load, new_gcw);
}

static void
setup_plain(const struct load *load)
{
    make(load, new_plain);
}

/* The three loops are alike but for the read itself, and each is a function
 * of its own so that the compiler sees what a user's code would be. */

static void *
read_raw(void *barrier)
{
    pthread_barrier_wait(barrier);
    for (size_t i = 0, h = 0; i < READS; i++) {
        void *p = raw_read(handles[h]);

        if (p != NULL)
            use(p);
        h = h + 1 < n_handles ? h + 1 : 0;
    }
    return NULL;
}

static void *
read_gcw(void *barrier)
{
    pthread_barrier_wait(barrier);
    for (size_t i = 0, h = 0; i < READS; i++) {
        void *p = gcw_ref_get(handles[h]);

        if (p != NULL)
            use(p);
        h = h + 1 < n_handles ? h + 1 : 0;
    }
    return NULL;
}

static void *
read_plain(void *barrier)
{
    pthread_barrier_wait(barrier);
    for (size_t i = 0, h = 0; i < READS; i++) {
        void *p = *(void *volatile *)handles[h];

        if (p != NULL)
            use(p);
        h = h + 1 < n_handles ? h + 1 : 0;
    }
    return NULL;
}

/* Runs the loop in so many threads at once, this one among them. */
static double
time_threads(void *(*loop)(void *barrier), unsigned threads)
{
    pthread_barrier_t barrier;
    pthread_t other;
    double begin;

    pthread_barrier_init(&barrier, NULL, threads);
    if (threads > 1 && pthread_create(&other, NULL, loop, &barrier) != 0)
        fail("thread", "cannot be started");
    begin = now();
    loop(&barrier);
    if (threads > 1)
        pthread_join(other, NULL);
    return (now() - begin) / READS;
}

/* The first run warms up. */
static void
sample(const struct load *load, double *values, void *(*loop)(void *))
{
    time_threads(loop, load->threads);
    values[0] = time_threads(loop, load->threads);
}

static void
sample_raw(const struct load *load, double *values)
{
    sample(load, values, read_raw);
}

static void
sample_gcw(const struct load *load, double *values)
{
    sample(load, values, read_gcw);
}

static void
sample_plain(const struct load *load, double *values)
{
    sample(load, values, read_plain);
}

static const struct contestant who[] = {
    { "raw: read under the lock", setup_raw, sample_raw },
    { "gcw_ref_get", setup_gcw, sample_gcw },
    { "limit: load, test, use", setup_plain, sample_plain },
};

static void
race(const char *title, size_t n_targets, unsigned threads)
{
    struct race race = {
        "read", who, 3,
        { .targets = n_targets, .handles = 1, .threads = threads }, FRESH
    };
    const double goals[] = { 0, threads > 1 ? 20 : 5, 0 };
    struct result results[3];

    run_race(&race, results);
    table_speedups(title, &race, results, 0, goals);
}

void
bench_read(void)
{
    race("weak read, 1 thread, one target; ns a read", 1, 1);
    race("weak read, 2 threads, one target; ns a read", 1, 2);
    race("weak read, 1 thread, 10^5 targets; ns a read", MANY, 1);
    race("weak read, 2 threads, 10^5 targets; ns a read", MANY, 2);
}
