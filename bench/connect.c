/* connect.c: what it costs to connect a listener and to disconnect it.
 *
 * All are connected, then disconnected by handle in random order; the few so
 * often that as many are counted as of the many, with the collections that
 * this brings on.  The methods are made before.  The array is what a program
 * would write whose listeners never die: functions and objects one after
 * another, a disconnected one marked.
 */
#include <config.h>

#include "measure.h"
#include "peers.h"
#include "scenes.h"
#include "table.h"
#include "work.h"

#include <gcweak.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* At least so many are connected in a sample. */
enum { LEAST = 100000 };

/* What a sample measures; the memory, in bytes, only once for all. */
enum { CONNECT, DISCONNECT, PAIR, MEMORY };

struct entry {
    void (*fn)(void *arg, void *self);
    void *self;
};

static void **targets, **handles;
static gcw_method **methods;
static gcw_event *event;
static struct entry *entries;
static size_t n_entries, n_connected, room;
static double memory;

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

/* The bytes that are in use, collected or not. */
static double
in_use(void)
{
    struct mallinfo2 outside = mallinfo2();

    GC_gcollect();
    return (double)(GC_get_heap_size() - GC_get_free_bytes())
           + (double)(outside.uordblks + outside.hblkhd);
}

/* Connecting once before brings the memory into use. */
static void
warm_up(const struct way *way, size_t n)
{
    double before = in_use();

    connect_all(way, n);
    memory = (in_use() - before) / (double)n;
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
    values[MEMORY] = memory;
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
sample_methods(const struct load *load, double *values)
{
    sample(&of_methods, load->targets, values);
}

static void
sample_functions(const struct load *load, double *values)
{
    sample(&of_functions, load->targets, values);
}

#if defined HAVE_BOOST_SIGNALS2 || defined HAVE_GOBJECT
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
#endif

#ifdef HAVE_BOOST_SIGNALS2
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
#endif

#ifdef HAVE_GOBJECT
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
#endif

static const struct contestant who[] = {
    { "array", setup_array, sample_array },
    { "gcw_event_connect", setup_methods, sample_methods },
    { "gcw_event_connect_fn", setup_functions, sample_functions },
#ifdef HAVE_BOOST_SIGNALS2
    { "Boost.Signals2, tracked", setup_boost, sample_boost },
#endif
#ifdef HAVE_GOBJECT
    { "GLib, connect_object", setup_glib, sample_glib },
#endif
};
enum { ARRAY, METHODS, OURS = 3, WAYS = sizeof who / sizeof *who };

static void
print(const char *what, const char *size, const struct result *results,
      size_t n, size_t v)
{
    char title[80];

    snprintf(title, sizeof title, "%s, %s listeners; %s each", what, size,
             v == MEMORY ? "bytes" : "ns");
    table(title, "as a multiple of the array's");
    for (size_t i = 0; i < n; i++)
        table_row(&(struct row) {
            .name = who[i].name,
            .ratio = results[i].value[v].median
                     / results[ARRAY].value[v].median,
            .value = results[i].value[v]
        });
}

/* One setup for all rounds: a million methods take longer to make than to
 * connect. */
static void
race(size_t size, const char *name, size_t n, struct result *results)
{
    struct race race = { "connect", who, n, { .targets = size }, KEPT };

    run_race(&race, results);
    print("connect", name, results, n, CONNECT);
    print("disconnect by handle, random order", name, results, n, DISCONNECT);
}

/* The same cost at every size, but that a million listeners do not fit in the
 * processor's caches. */
static void
print_growth(const struct result *many, const struct result *few)
{
    table("connect + disconnect, 10^6 listeners; ns each",
          "cost at 10^6, as a multiple of that at 10^3");
    for (size_t i = 0; i < OURS; i++)
        table_row(&(struct row) {
            .name = who[i].name,
            .ratio = many[i].value[PAIR].median / few[i].value[PAIR].median,
            .value = many[i].value[PAIR],
            .goal = i == ARRAY ? GOAL_NONE : GOAL_AT_MOST,
            .bound = 3
        });
}

void
bench_connect(void)
{
    struct result few[WAYS], some[WAYS], many[OURS];

    race(1000, "10^3", WAYS, few);
    race(100000, "10^5", WAYS, some);
    print("memory", "10^5", some, WAYS, MEMORY);
    race(1000000, "10^6", OURS, many);
    print_growth(many, few);
    print_missing_peers();
}
