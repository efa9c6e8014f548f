/* read.c: what it costs to read a weak reference.
 *
 * One thread, two and four; all reads through one handle, and through many
 * handles in random order.  With several threads, the time is that of one
 * thread's read while the others read as well.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>
#include <pthread.h>
#include <stdlib.h>

enum { MANY = 100000, THREADS_MOST = 4 };

/* So many that a loop takes some milliseconds at least. */
enum { READS_RAW = 200000, READS = 2000000 };

static void **targets, **handles;
static size_t *order;
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

static void
setup_peer(const struct load *load, const struct weak_peer *peer)
{
    n_handles = load->targets;
    order = random_order(n_handles);
    peer->open(n_handles);
    peer->make(order, n_handles);
}

static void
setup_cxx(const struct load *load)
{
    setup_peer(load, &weak_cxx);
}

static void
setup_glib(const struct load *load)
{
    setup_peer(load, &weak_glib);
}

/* What one thread does, and how long it took. */
struct job {
    pthread_barrier_t *together;
    double (*loop)(void);        /* returns the time of a read */
    double result;
    pthread_t thread;
};

/* The loops are alike but for the read itself, and each is a function of its
 * own so that the compiler sees what a user's code would be. */

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

static double
read_cxx(void)
{
    double begin = now();

    weak_cxx.read(n_handles, READS_RAW);
    return (now() - begin) / READS_RAW;
}

static double
read_glib(void)
{
    double begin = now();

    weak_glib.read(n_handles, READS_RAW);
    return (now() - begin) / READS_RAW;
}

static void *
run_job(void *arg)
{
    struct job *job = arg;

    pthread_barrier_wait(job->together);
    job->result = job->loop();
    return NULL;
}

/* The mean time of a read, in this thread and perhaps others at once. */
static double
time_threads(double (*loop)(void), unsigned threads)
{
    pthread_barrier_t together;
    struct job jobs[THREADS_MOST];
    double sum = 0;

    pthread_barrier_init(&together, NULL, threads);
    for (unsigned t = 0; t < threads; t++) {
        jobs[t] = (struct job) { &together, loop, 0, pthread_self() };
        if (t > 0 && GC_pthread_create(&jobs[t].thread, NULL, run_job,
                                       &jobs[t]) != 0)
            fail("thread", "cannot be started");
    }
    run_job(&jobs[0]);
    for (unsigned t = 0; t < threads; t++) {
        if (t > 0)
            GC_pthread_join(jobs[t].thread, NULL);
        sum += jobs[t].result;
    }
    pthread_barrier_destroy(&together);
    return sum / threads;
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

static void
sample_cxx(const struct load *load, double *values)
{
    sample(load, values, read_cxx);
}

static void
sample_glib(const struct load *load, double *values)
{
    sample(load, values, read_glib);
}

enum {
    RAW_WAY, GCW, LINKS, PLAIN, OF_CXX, OF_GLIB, OF_PYTHON, OF_GUILE, OF_JAVA,
    WAYS
};

static const struct contestant who[WAYS] = {
    [RAW_WAY] = { "raw: read under the lock", setup_raw, sample_raw,
                  .role = RAW },
    [GCW] = { "gcw_ref_get", setup_gcw, sample_gcw, .role = NO_ROLE },
    [LINKS] = { "gcw_ref_get, links", setup_gcw, sample_gcw, .links = true },
    [PLAIN] = { "limit: load, test, use", setup_plain, sample_plain,
                .role = LIMIT },
    [OF_CXX] = { "std::weak_ptr::lock", setup_cxx, sample_cxx, .needs = CXX },
    [OF_GLIB] = { "g_weak_ref_get, unref", setup_glib, sample_glib,
                  .needs = GLIB, .most_targets = MANY },
    [OF_PYTHON] = { "CPython: ref()", .needs = PYTHON, .job = "read",
                    .most_targets = MANY, .most_threads = 1 },
    [OF_GUILE] = { "Guile: weak-vector-ref", .needs = GUILE, .job = "read",
                   .most_targets = MANY, .most_threads = 1 },
    [OF_JAVA] = { "Java: WeakReference.get", .needs = JAVA, .job = "read" },
};

/* A goal on threads that share a processor would be one on the scheduler. */
static const struct goal goals_one[] = {
    { "a weak read", GCW, TO_RAW, 0.2, 0 },
    { "a weak read of one target", GCW, TO_LIMIT, 2, 0 },
    { .of = NO_GOAL }
};
static const struct goal goals_many[] = {
    { "a weak read", GCW, TO_RAW, 0.2, 0 },
    { .of = NO_GOAL }
};
static const struct goal goals_most[] = {
    { "a weak read", GCW, TO_RAW, 0.2, 0 },
    { "a weak read with 10^6 targets", GCW, TO_OTHER, 2.5, OF_JAVA },
    { .of = NO_GOAL }
};
static const struct goal goals_two_threads[] = {
    { "a weak read on two threads", GCW, TO_RAW, 0.05, 0 },
    { .of = NO_GOAL }
};

static const struct goal *
goals_of(size_t n_targets, unsigned threads)
{
    return threads > 2 ? NULL : threads == 2 ? goals_two_threads
           : n_targets == 1 ? goals_one
           : n_targets > MANY ? goals_most : goals_many;
}

/* A million handles take longer to make than to read. */
static void
race(const char *name, const char *title, size_t n_targets, unsigned threads)
{
    struct race race = {
        "read", who, WAYS,
        { .targets = n_targets, .handles = 1, .threads = threads },
        n_targets > MANY ? KEPT : FRESH, 0
    };
    struct measure measure = {
        name, title, "target", "read", NS, 0, goals_of(n_targets, threads)
    };
    static struct result results[WAYS];

    run_race(&race, results);
    record(&race, results, &measure);
}

void
bench_read(void)
{
    for (unsigned threads = 1; threads <= THREADS_MOST; threads *= 2)
        race("read-one", "weak read", 1, threads);
    for (size_t n = 1000; n <= 1000000 && in_bounds(n); n *= 10)
        race("read-many", "weak read in random order", n, 1);
    for (unsigned threads = 2; threads <= THREADS_MOST; threads *= 2)
        race("read-many", "weak read in random order", bounded(MANY),
             threads);
}
