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

enum { MANY = 100000 };

/* So many that a loop takes some hundredths of a second. */
enum { READS_RAW = 1000000, READS = 4000000 };

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

/* What one thread does, and how long it took. */
struct job {
    pthread_barrier_t *together;
    double (*loop)(void);        /* returns the time of a read */
    double result;
};

/* The three loops are alike but for the read itself, and each is a function
 * of its own so that the compiler sees what a user's code would be. */

static double
read_raw(void)
{
    double begin = now();

    for (size_t i = 0, h = 0; i < READS_RAW; i++) {
        void *p = raw_read(handles[h]);

        if (p != NULL)
            use(p);
        h = h + 1 < n_handles ? h + 1 : 0;
    }
    return (now() - begin) / READS_RAW;
}

static double
read_gcw(void)
{
    double begin = now();

    for (size_t i = 0, h = 0; i < READS; i++) {
        void *p = gcw_ref_get(handles[h]);

        if (p != NULL)
            use(p);
        h = h + 1 < n_handles ? h + 1 : 0;
    }
    return (now() - begin) / READS;
}

static double
read_plain(void)
{
    double begin = now();

    for (size_t i = 0, h = 0; i < READS; i++) {
        void *p = *(void *volatile *)handles[h];

        if (p != NULL)
            use(p);
        h = h + 1 < n_handles ? h + 1 : 0;
    }
    return (now() - begin) / READS;
}

static void *
run_job(void *arg)
{
    struct job *job = arg;

    pthread_barrier_wait(job->together);
    job->result = job->loop();
    return NULL;
}

/* The mean time of a read, in this thread and perhaps another at once. */
static double
time_threads(double (*loop)(void), unsigned threads)
{
    pthread_barrier_t together;
    struct job mine = { &together, loop, 0 }, others = mine;
    pthread_t other;

    pthread_barrier_init(&together, NULL, threads);
    if (threads == 2 && pthread_create(&other, NULL, run_job, &others) != 0)
        fail("thread", "cannot be started");
    run_job(&mine);
    if (threads == 2)
        pthread_join(other, NULL);
    pthread_barrier_destroy(&together);
    return (mine.result + others.result) / threads;
}

/* The first run warms up. */
static void
sample(const struct load *load, double *values, double (*loop)(void))
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
