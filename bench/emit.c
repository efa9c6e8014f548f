/* emit.c: what it costs to emit an event, for each listener that is called.
 *
 * A listener is an object with a counter, and a function, called through a
 * pointer, that counts in it.  The limit is an array of functions and objects
 * that live for ever; the raw way, an array of functions and raw weak
 * references.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>

/* So many calls warm up, of all listeners together; so many nanoseconds are
 * then measured. */
enum { WARM_UP = 100000, MEASURED = 20000000 };

struct counter {
    size_t calls;
};

struct strong {
    void (*fn)(void *arg, void *self);
    void *self;
};

struct by_hand {
    void (*fn)(void *arg, void *self);
    GC_hidden_pointer *self;
};

static size_t n_listeners;
static void **counters;
static struct strong *strong;
static struct by_hand *by_hand;
static gcw_event *event;

static NOINLINE void
count(void *arg, void *self)
{
    struct counter *counter = self;

    use(arg);
    counter->calls++;
}

static NOINLINE void *
count_method(void *self, void *arg, void *data)
{
    struct counter *counter = self;

    use(arg);
    use(data);
    counter->calls++;
    return NULL;
}

static void
setup(const struct load *load)
{
    n_listeners = load->targets;
    counters = new_targets(n_listeners);
}

static void
setup_strong(const struct load *load)
{
    setup(load);
    strong = must(GC_MALLOC(n_listeners * sizeof *strong));
    for (size_t i = 0; i < n_listeners; i++)
        strong[i] = (struct strong) { count, counters[i] };
}

static void
setup_by_hand(const struct load *load)
{
    setup(load);
    by_hand = must(GC_MALLOC(n_listeners * sizeof *by_hand));
    for (size_t i = 0; i < n_listeners; i++)
        by_hand[i] = (struct by_hand) { count, raw_new(counters[i]) };
}

static void
setup_methods(const struct load *load)
{
    setup(load);
    event = must(gcw_event_new("bench"));
    for (size_t i = 0; i < n_listeners; i++) {
        gcw_method *m = must(gcw_method_new(counters[i], count_method, NULL));

        must(gcw_event_connect(event, m, 0));
    }
}

static void
setup_functions(const struct load *load)
{
    setup(load);
    event = must(gcw_event_new("bench"));
    for (size_t i = 0; i < n_listeners; i++)
        must(gcw_event_connect_fn(event, count, counters[i], 0));
}

static NOINLINE void
emit_strong(void *arg)
{
    for (size_t i = 0; i < n_listeners; i++)
        strong[i].fn(arg, strong[i].self);
}

static NOINLINE void
emit_by_hand(void *arg)
{
    for (size_t i = 0; i < n_listeners; i++) {
        void *self = raw_read(by_hand[i].self);

        if (self != NULL)
            by_hand[i].fn(arg, self);
    }
}

static void
many_strong(size_t times)
{
    for (size_t i = 0; i < times; i++)
        emit_strong(counters);
}

static void
many_by_hand(size_t times)
{
    for (size_t i = 0; i < times; i++)
        emit_by_hand(counters);
}

static void
many_gcw(size_t times)
{
    for (size_t i = 0; i < times; i++)
        gcw_event_emit(event, counters);
}

static size_t
calls(void)
{
    size_t sum = 0;

    for (size_t i = 0; i < n_listeners; i++)
        sum += ((struct counter *)counters[i])->calls;
    return sum;
}

static double
time_of(void (*many)(size_t times), size_t times)
{
    double begin = now();

    many(times);
    return now() - begin;
}

/* The first run warms up, and tells how long the second has to be. */
static void
sample(size_t n, double *values, void (*many)(size_t times),
       size_t (*counted)(void))
{
    size_t warm = n < WARM_UP ? WARM_UP / n : 1;
    double took = time_of(many, warm);
    size_t times = (size_t)((double)warm * MEASURED / took) + 1;

    values[0] = time_of(many, times) / (double)(times * n);
    if (counted() != (warm + times) * n)
        fail("emit", "not every listener was called");
}

static void
sample_strong(const struct load *load, double *values)
{
    sample(load->targets, values, many_strong, calls);
}

static void
sample_by_hand(const struct load *load, double *values)
{
    sample(load->targets, values, many_by_hand, calls);
}

static void
sample_gcw(const struct load *load, double *values)
{
    sample(load->targets, values, many_gcw, calls);
}

static void
setup_peer(const struct load *load, const struct peer *peer)
{
    peer->open(load->targets);
    for (size_t i = 0; i < load->targets; i++)
        must(peer->connect(i));
}

static void
setup_boost(const struct load *load)
{
    setup_peer(load, &peer_boost);
}

static void
sample_boost(const struct load *load, double *values)
{
    sample(load->targets, values, peer_boost.emit, peer_boost.calls);
}

static void
setup_glib(const struct load *load)
{
    setup_peer(load, &peer_glib);
}

static void
sample_glib(const struct load *load, double *values)
{
    sample(load->targets, values, peer_glib.emit, peer_glib.calls);
}

enum { MANY = 100000 };

static const struct contestant who[] = {
    { "limit: function pointers", setup_strong, sample_strong,
      .role = LIMIT },
    { "raw: locked read, call", setup_by_hand, sample_by_hand, .role = RAW },
    { "gcw_event, methods", setup_methods, sample_gcw, .role = NO_ROLE },
    { "gcw_event, functions", setup_functions, sample_gcw, .role = NO_ROLE },
    { "Boost.Signals2, tracked", setup_boost, sample_boost, .needs = BOOST,
      .most_targets = MANY },
    { "GLib, connect_object", setup_glib, sample_glib, .needs = GLIB,
      .most_targets = MANY },
};
enum { METHODS = 2, FUNCTIONS, WAYS = sizeof who / sizeof *who };

/* Of one listener alone nothing is asked: an emission has a cost of its own,
 * which there is nobody to share with. */
static void
race(size_t n)
{
    static const struct goal goals[] = {
        { "an emission, to a method", METHODS, TO_LIMIT, 1.5, 0 },
        { "an emission, to a function", FUNCTIONS, TO_LIMIT, 1.5, 0 },
        { .of = NO_GOAL }
    };
    struct measure measure = {
        "emit", "emission", "listener", "call", NS, 0, n > 1 ? goals : NULL
    };
    struct race race = { "emit", who, WAYS, { .targets = n }, FRESH, 0 };
    static struct result results[WAYS];

    run_race(&race, results);
    record(&race, results, &measure);
}

void
bench_emit(void)
{
    for (size_t n = 1; n <= 1000000 && in_bounds(n); n *= 10)
        if (n != 100)
            race(n);
}
