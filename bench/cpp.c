/* cpp.c: what gcweak.hpp costs beside C: reading a reference, calling a
 * method, emitting an event to ten listeners, looking up a value in a map.
 *
 * The C of each table is its limit.
 */
#include <config.h>

#include "cpp.h"
#include "measure.h"
#include "results.h"
#include "scenes.h"
#include "work.h"

#include <gcweak.h>
#include <stdlib.h>

#ifndef HAVE_CXX17
# define NO_WAY { NULL, NULL }
const struct cpp_way cpp_read = NO_WAY, cpp_map = NO_WAY;
const struct cpp_way cpp_call_fixed = NO_WAY, cpp_call_member = NO_WAY,
                     cpp_call_lambda = NO_WAY;
const struct cpp_way cpp_emit_fixed = NO_WAY, cpp_emit_member = NO_WAY,
                     cpp_emit_lambda = NO_WAY;
#endif

/* So many calls are measured: some milliseconds at least. */
enum { TIMES = 2000000 };

static void **objects;
static size_t n_objects;

/* --- In C ---------------------------------------------------------------- */

static gcw_ref **refs;
static gcw_method *method;
static gcw_event *event;
static gcw_map *map;

static NOINLINE void *
count(void *self, void *arg, void *data)
{
    struct cpp_counter *counter = self;

    use(arg);
    use(data);
    counter->calls++;
    return NULL;
}

static void
read_make(void **made, size_t n)
{
    refs = must(GC_MALLOC(n * sizeof *refs));
    for (size_t i = 0; i < n; i++)
        refs[i] = must(gcw_ref_new(made[i]));
}

static void
read_run(size_t times)
{
    for (size_t i = 0, h = 0; i < times; i++) {
        void *p = gcw_ref_get(refs[h]);

        if (p != NULL)
            use(p);
        h = h + 1 < n_objects ? h + 1 : 0;
    }
}

static void
call_make(void **made, size_t n)
{
    (void)n;
    method = must(gcw_method_new(made[0], count, NULL));
}

static void
call_run(size_t times)
{
    for (size_t i = 0; i < times; i++)
        if (gcw_method_invoke(method, &method, NULL) != 0)
            fail("gcw_method_invoke", "says dead");
}

static void
emit_make(void **made, size_t n)
{
    event = must(gcw_event_new("bench"));
    for (size_t i = 0; i < n; i++)
        must(gcw_event_connect(event, must(gcw_method_new(made[i], count,
                                                          NULL)), 0));
}

static void
emit_run(size_t times)
{
    for (size_t i = 0; i < times; i++)
        gcw_event_emit(event, &event);
}

static void
map_make(void **made, size_t n)
{
    map = must(gcw_map_new(GCW_WEAK_KEYS));
    for (size_t i = 0; i < n; i++)
        if (gcw_map_put(map, made[i], made[i]) != 0)
            fail("gcw_map_put", "fails");
}

static void
map_run(size_t times)
{
    for (size_t i = 0, h = 0; i < times; i++) {
        use(gcw_map_get(map, objects[h]));
        h = h + 1 < n_objects ? h + 1 : 0;
    }
}

static const struct cpp_way c_read = { read_make, read_run };
static const struct cpp_way c_call = { call_make, call_run };
static const struct cpp_way c_emit = { emit_make, emit_run };
static const struct cpp_way c_map = { map_make, map_run };

/* --- The same for all ---------------------------------------------------- */

static void
setup(const struct load *load, const struct cpp_way *way)
{
    n_objects = load->targets;
    objects = new_targets(n_objects);
    way->make(objects, n_objects);
}

/* The first run warms up.  An emission is one call for each listener. */
static void
sample(double *values, const struct cpp_way *way, size_t calls)
{
    size_t times = TIMES / calls;
    double begin;

    way->run(times);
    begin = now();
    way->run(times);
    values[0] = (now() - begin) / (double)(times * calls);
}

/* Of those that count, each object must have been counted for each call. */
static void
expect_counts(const struct cpp_way *way, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += ((struct cpp_counter *)objects[i])->calls;
    if (sum != 2 * (TIMES / n) * n)
        fail("cpp", way == &c_call || way == &c_emit
                    ? "in C, calls are missing" : "calls are missing");
}

#define WAY(name, way, counted)                                             \
    static void                                                             \
    setup_##name(const struct load *load)                                   \
    {                                                                       \
        setup(load, &way);                                                  \
    }                                                                       \
                                                                            \
    static void                                                             \
    sample_##name(const struct load *load, double *values)                  \
    {                                                                       \
        sample(values, &way, counted ? load->targets : 1);                  \
        if (counted)                                                        \
            expect_counts(&way, load->targets);                             \
    }

WAY(c_read, c_read, false)
WAY(c_map, c_map, false)
WAY(c_call, c_call, true)
WAY(c_emit, c_emit, true)
WAY(read, cpp_read, false)
WAY(map, cpp_map, false)
WAY(call_fixed, cpp_call_fixed, true)
WAY(call_member, cpp_call_member, true)
WAY(call_lambda, cpp_call_lambda, true)
WAY(emit_fixed, cpp_emit_fixed, true)
WAY(emit_member, cpp_emit_member, true)
WAY(emit_lambda, cpp_emit_lambda, true)

#define CPP_ROW(title, name) \
    { title, setup_##name, sample_##name, .role = NO_ROLE }
#define C_ROW(title, name) \
    { title, setup_##name, sample_##name, .role = LIMIT }

static const struct contestant readers[] = {
    C_ROW("limit: C, gcw_ref_get", c_read),
    CPP_ROW("gcw::ref, get", read),
};
static const struct contestant callers[] = {
    C_ROW("limit: C, gcw_method_invoke", c_call),
    CPP_ROW("gcw::method::of<member>", call_fixed),
    CPP_ROW("gcw::method, lambda", call_lambda),
    CPP_ROW("gcw::method, pointer", call_member),
};
static const struct contestant emitters[] = {
    C_ROW("limit: C, gcw_event_emit", c_emit),
    CPP_ROW("gcw::event, connect<member>", emit_fixed),
    CPP_ROW("gcw::event, lambda", emit_lambda),
    CPP_ROW("gcw::event, pointer", emit_member),
};
static const struct contestant getters[] = {
    C_ROW("limit: C, gcw_map_get", c_map),
    CPP_ROW("gcw::weak_map, get", map),
};

static const struct goal to_read[] = {
    { "a weak read in C++", 1, TO_LIMIT, 1.1, 0 },
    { .of = NO_GOAL }
};
static const struct goal to_call[] = {
    { "a call of a method in C++", 1, TO_LIMIT, 1.1, 0 },
    { .of = NO_GOAL }
};
static const struct goal to_emit[] = {
    { "an emission in C++, to a member", 1, TO_LIMIT, 1.1, 0 },
    { "an emission in C++, to a lambda", 2, TO_LIMIT, 1.1, 0 },
    { .of = NO_GOAL }
};
static const struct goal to_get[] = {
    { "a get in C++", 1, TO_LIMIT, 1.1, 0 },
    { .of = NO_GOAL }
};

/* Without C++ there is only C, of which nothing is asked. */
static void
race(const struct contestant *who, size_t n, size_t targets,
     const struct measure *measure)
{
    struct race race = {
        "cpp", who, n, { .targets = targets, .handles = 1, .threads = 1 },
        FRESH, 0
    };
    struct measure asked = *measure;
    static struct result results[CONTESTANTS];

#ifndef HAVE_CXX17
    race.n = 1;
    asked.goals = NULL;
#endif
    run_race(&race, results);
    record(&race, results, &asked);
}

#define LENGTH(array) (sizeof (array) / sizeof *(array))

void
bench_cpp(void)
{
    static const struct measure measures[] = {
        { "cpp-read", "C++: weak read", "target", "read", NS, 0, to_read },
        { "cpp-method", "C++: call of a weak method", "target", "call", NS, 0,
          to_call },
        { "cpp-emit", "C++: emission", "listener", "call", NS, 0, to_emit },
        { "cpp-map", "C++: get from a weak map", "key", "get", NS, 0, to_get },
    };

    race(readers, LENGTH(readers), bounded(1000), &measures[0]);
    race(callers, LENGTH(callers), 1, &measures[1]);
    race(emitters, LENGTH(emitters), 10, &measures[2]);
    race(getters, LENGTH(getters), bounded(1000), &measures[3]);
}
