/* connect.c: what it costs to connect a listener and to disconnect it.
 *
 * All are connected, then disconnected by handle in random order; the few so
 * often that as many are counted as of the many, with the collections that
 * this brings on.  The methods are made before.  The limit is an array, what a
 * program would write whose listeners never die: functions and objects one
 * after another, a disconnected one marked.  The raw way is the same with a
 * raw weak reference for each, whose link goes with the listener.
 */
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>
#include <stdlib.h>

/* At least so many are connected in a sample. */
enum { LEAST = 100000 };

/* What a sample measures. */
enum { CONNECT, DISCONNECT, PAIR, NUMBERS };

struct entry {
    void (*fn)(void *arg, void *self);
    void *self;
};

static void **targets, **handles;
static gcw_method **methods;
static gcw_event *event;
static struct entry *entries;
static GC_hidden_pointer **links;
static size_t n_entries, n_connected, room;

static void
listen_fn(void *arg, void *self)
{
    use(arg);
    use(self);
}

static void *
listen_method(void *self, void *arg, void *data)
{
    use(data);
    listen_fn(arg, self);
    return NULL;
}

/* How the two jobs are done. */
struct way {
    void *(*connect)(size_t i);
    void (*disconnect)(void *handle);
};

static void
grow(void)
{
    room = room == 0 ? 16 : 2 * room;
    entries = must(realloc(entries, room * sizeof *entries));
}

/* The handle is the index, plus one. */
static void *
connect_entry(size_t i)
{
    if (n_entries == room)
        grow();
    entries[n_entries++] = (struct entry) { listen_fn, targets[i] };
    n_connected++;
    return (void *)n_entries;
}

static void
disconnect_entry(void *handle)
{
    entries[(size_t)handle - 1].fn = NULL;
    if (--n_connected == 0)
        n_entries = 0;
}

static void *
connect_raw(size_t i)
{
    void *handle = connect_entry(i);

    links[(size_t)handle - 1] = raw_new(targets[i]);
    return handle;
}

static void
disconnect_raw(void *handle)
{
    GC_hidden_pointer **link = &links[(size_t)handle - 1];

    GC_unregister_disappearing_link((void **)*link);
    *link = NULL;
    disconnect_entry(handle);
}

static void *
connect_method(size_t i)
{
    return gcw_event_connect(event, methods[i], 0);
}

static void *
connect_fn(size_t i)
{
    return gcw_event_connect_fn(event, listen_fn, targets[i], 0);
}

static void
disconnect_gcw(void *handle)
{
    if (!gcw_listener_disconnect(handle))
        fail("connect", "a listener could not be disconnected");
}

static const struct way array = { connect_entry, disconnect_entry };
static const struct way by_hand = { connect_raw, disconnect_raw };
static const struct way of_methods = { connect_method, disconnect_gcw };
static const struct way of_functions = { connect_fn, disconnect_gcw };

static double
connect_all(const struct way *way, size_t n)
{
    double begin = now();

    for (size_t i = 0; i < n; i++)
        handles[i] = must(way->connect(i));
    return now() - begin;
}

static double
disconnect_all(const struct way *way, size_t n)
{
    double begin;

    shuffle(handles, n);
    begin = now();
    for (size_t i = 0; i < n; i++)
        way->disconnect(handles[i]);
    return now() - begin;
}

/* Connecting once before brings the memory into use. */
static void
warm_up(const struct way *way, size_t n)
{
    connect_all(way, n);
    disconnect_all(way, n);
}

static void
sample(const struct way *way, size_t n, double *values)
{
    size_t times = n < LEAST ? LEAST / n : 1;
    double connect = 0, disconnect = 0;

    for (size_t i = 0; i < times; i++) {
        connect += connect_all(way, n);
        disconnect += disconnect_all(way, n);
    }
    values[CONNECT] = connect / (double)(n * times);
    values[DISCONNECT] = disconnect / (double)(n * times);
    values[PAIR] = values[CONNECT] + values[DISCONNECT];
}

static void
setup(const struct load *load)
{
    targets = new_targets(load->targets);
    handles = new_array(load->targets);
}

static void
setup_array(const struct load *load)
{
    setup(load);
    warm_up(&array, load->targets);
}

static void
setup_raw(const struct load *load)
{
    setup(load);
    links = (GC_hidden_pointer **)new_array(load->targets);
    warm_up(&by_hand, load->targets);
}

static void
setup_methods(const struct load *load)
{
    setup(load);
    event = must(gcw_event_new("bench"));
    methods = (gcw_method **)new_array(load->targets);
    for (size_t i = 0; i < load->targets; i++)
        methods[i] = must(gcw_method_new(targets[i], listen_method, NULL));
    warm_up(&of_methods, load->targets);
}

static void
setup_functions(const struct load *load)
{
    setup(load);
    event = must(gcw_event_new("bench"));
    warm_up(&of_functions, load->targets);
}

static void
sample_array(const struct load *load, double *values)
{
    sample(&array, load->targets, values);
}

static void
sample_raw(const struct load *load, double *values)
{
    sample(&by_hand, load->targets, values);
}

static void
sample_methods(const struct load *load, double *values)
{
    sample(&of_methods, load->targets, values);
}

static void
sample_functions(const struct load *load, double *values)
{
    sample(&of_functions, load->targets, values);
}

static void
setup_peer(const struct load *load, const struct peer *peer)
{
    handles = new_array(load->targets);
    peer->open(load->targets);
    warm_up(&(struct way) { peer->connect, peer->disconnect },
            load->targets);
}

static void
sample_peer(const struct load *load, const struct peer *peer, double *values)
{
    sample(&(struct way) { peer->connect, peer->disconnect }, load->targets,
           values);
}

static void
setup_boost(const struct load *load)
{
    setup_peer(load, &peer_boost);
}

static void
sample_boost(const struct load *load, double *values)
{
    sample_peer(load, &peer_boost, values);
}

static void
setup_glib(const struct load *load)
{
    setup_peer(load, &peer_glib);
}

static void
sample_glib(const struct load *load, double *values)
{
    sample_peer(load, &peer_glib, values);
}

enum { MANY = 100000 };

static const struct contestant who[] = {
    { "limit: array", setup_array, sample_array, .role = LIMIT },
    { "raw: array, cell and link", setup_raw, sample_raw, .role = RAW },
    { "gcw_event_connect", setup_methods, sample_methods, .role = NO_ROLE },
    { "gcw_event_connect_fn", setup_functions, sample_functions,
      .role = NO_ROLE },
    { "Boost.Signals2, tracked", setup_boost, sample_boost, .needs = BOOST,
      .most_targets = MANY },
    { "GLib, connect_object", setup_glib, sample_glib, .needs = GLIB,
      .most_targets = MANY },
};
enum { WAYS = sizeof who / sizeof *who };

static const struct measure measures[NUMBERS] = {
    { "connect", "connect", "listener", "listener", NS, CONNECT, NULL },
    { "disconnect", "disconnect by handle in random order", "listener",
      "listener", NS, DISCONNECT, NULL },
    { "connect-disconnect", "connect and disconnect", "listener", "listener",
      NS, PAIR, NULL },
};

/* One setup for all rounds: a million methods take longer to make than to
 * connect. */
static void
race(size_t n)
{
    struct race race = { "connect", who, WAYS, { .targets = n }, KEPT, 0 };
    static struct result results[WAYS];

    run_race(&race, results);
    for (int i = 0; i < NUMBERS; i++)
        record(&race, results, &measures[i]);
}

/* The same cost at every size, but that a million listeners do not fit in the
 * processor's caches. */
void
bench_connect(void)
{
    static const char *const ways[] = {
        "limit: array", "gcw_event_connect", "gcw_event_connect_fn"
    };
    static const struct goal goals[] = {
        { "connecting and disconnecting a method, of that among 10^3", 1,
          TO_NOTHING, 3, 0 },
        { "connecting and disconnecting a function, of that among 10^3", 2,
          TO_NOTHING, 3, 0 },
        { .of = NO_GOAL }
    };

    for (size_t n = 1000; n <= 1000000 && in_bounds(n); n *= 10)
        race(n);
    record_growth("connect-disconnect", &(struct load) { .targets = 1000 },
                  &(struct load) { .targets = 1000000 }, ways, 3, goals);
}
