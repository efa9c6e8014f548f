/* map-storm.c: weak maps in storms of collections, while somebody takes the
 * collector's event function away and gives it back, at any time.
 *
 * Workers have keys of their own, which they hold, and know what each map must
 * say of them.  Another thread collects all the time, now and then gives a
 * collection up, and fills free memory, so that a value that was freed, or is
 * another one, is seen.  The thief's function counts the collections that the
 * library did not hear of.
 *
 * In incremental mode a theft may come between two stops of one collection, and
 * entries be dropped (src/marks/engine.c).  No more may be missing than were
 * said to be dropped.  In the other modes none may be missing.
 */
#include <config.h>

#include <stdatomic.h>
#include <time.h>

#include "chance.h"
#include "log.h"
#include "thread.h"

#include <gcweak/debug.h>
#include <gcweak/ephemeron.h>
#include <gcweak/map.h>

enum {
    WORKERS = 3, SLOTS = 200, KINDS = GCW_STRONG_VALUES + 1,
    STORM = 1500                     /* milliseconds */
};

/* A key, and what it has in the map of each kind; 0: nothing. */
struct slot {
    struct target *key;
    size_t numbers[KINDS];
    struct target *held[KINDS];      /* the value, where the map does not */
    gcw_ephemeron *ephemeron;
    size_t number;                   /* of the ephemeron's value */
};

struct world {
    gcw_map *maps[KINDS];
    struct slot slots[WORKERS][SLOTS];
};

static struct world *world;          /* uncollectable memory */
static atomic_bool is_over;
static atomic_size_t lost, bad, unheard, looks;
static _Thread_local uint64_t state;

static unsigned
pick(unsigned n)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

/* --- a worker --- */

static void
look_at(struct target *value, size_t number, struct target *key)
{
    atomic_fetch_add(&looks, 1);
    if (GC_base(value) != value || value->magic != MAGIC
        || value->number != number
        || (value->field != NULL && value->field != key))
        atomic_fetch_add(&bad, 1);
}

/* Values lead to their keys, where that does not keep them for ever. */
static struct target *
value_new(struct slot *s, unsigned kind, size_t number)
{
    struct target *value = target_new(number);

    value->field = kind == GCW_STRONG_VALUES ? NULL : s->key;
    s->numbers[kind] = number;
    s->held[kind] = kind == GCW_WEAK_VALUES || kind == GCW_WEAK_BOTH ? value
                                                                     : NULL;
    return value;
}

/* What it must be; one that is missing is set anew later. */
static void
check(struct slot *s, unsigned kind, struct target *value)
{
    if (value != NULL && s->numbers[kind] != 0) {
        look_at(value, s->numbers[kind], s->key);
        return;
    }
    if (value != NULL)
        atomic_fetch_add(&bad, 1);
    if (s->numbers[kind] != 0)
        atomic_fetch_add(&lost, 1);
    s->numbers[kind] = 0;
    s->held[kind] = NULL;
}

static void
check_ephemeron(struct slot *s)
{
    struct target *key, *value;

    if (s->ephemeron == NULL)
        return;
    key = gcw_ephemeron_key(s->ephemeron);
    value = gcw_ephemeron_value(s->ephemeron);
    if (value != NULL)
        look_at(value, s->number, s->key);
    if (key != NULL && key != s->key)
        atomic_fetch_add(&bad, 1);
    if (value != NULL)
        return;
    atomic_fetch_add(&lost, 1);
    s->ephemeron = NULL;
}

static void
put(struct slot *s, unsigned kind, size_t number)
{
    struct target *value = value_new(s, kind, number);

    MUST(gcw_map_put(world->maps[kind], s->key, value) == 0);
}

static void
set_default(struct slot *s, unsigned kind, size_t number)
{
    struct target *held = s->held[kind], *value;
    size_t was = s->numbers[kind];
    struct target *now = gcw_map_setdefault(world->maps[kind], s->key,
                                            value = value_new(s, kind, number));

    if (now == value) {
        if (was != 0)
            atomic_fetch_add(&lost, 1);
        return;
    }
    s->numbers[kind] = was;
    s->held[kind] = held;
    check(s, kind, now);
}

static void
replace(struct slot *s, unsigned kind, size_t number)
{
    struct target *was = gcw_map_get(world->maps[kind], s->key), *value;

    check(s, kind, was);
    if (was == NULL)
        return;
    value = value_new(s, kind, number);
    if (gcw_map_replace(world->maps[kind], s->key, was, value))
        return;
    atomic_fetch_add(&lost, 1);
    s->numbers[kind] = 0;
    s->held[kind] = NULL;
    GC_reachable_here(was);
}

static void
take_out(struct slot *s, unsigned kind)
{
    struct target *value = gcw_map_remove(world->maps[kind], s->key);

    check(s, kind, value);
    s->numbers[kind] = 0;
    s->held[kind] = NULL;
}

static void
dispose(struct slot *s)
{
    MUST(gcw_dispose(s->key) == 0);
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind != GCW_WEAK_VALUES && s->numbers[kind] != 0) {
            s->numbers[kind] = 0;
            s->held[kind] = NULL;
        }
    if (s->ephemeron != NULL && gcw_ephemeron_value(s->ephemeron) != NULL)
        atomic_fetch_add(&bad, 1);
    s->ephemeron = NULL;
}

/* A new key, and entries that nobody holds. */
static void
renew(struct slot *s, size_t number)
{
    *s = (struct slot){ .key = target_new(number) };
    for (unsigned n = pick(20); n > 0; n--) {
        struct target *key = target_new(n), *value = target_new(n);

        value->field = key;
        MUST(gcw_map_put(world->maps[GCW_WEAK_KEYS], key, value) == 0);
    }
}

static void
make_ephemeron(struct slot *s, size_t number)
{
    struct target *value = target_new(number);

    value->field = s->key;
    s->number = number;
    s->ephemeron = gcw_ephemeron_new(s->key, value);
    MUST(s->ephemeron != NULL);
}

static void
act(struct slot *s, unsigned kind, size_t number)
{
    switch (pick(12)) {
    case 0: case 1: case 2:
        put(s, kind, number);
        break;
    case 3:
        set_default(s, kind, number);
        break;
    case 4:
        replace(s, kind, number);
        break;
    case 5:
        take_out(s, kind);
        break;
    case 6:
        make_ephemeron(s, number);
        break;
    case 7:
        if (pick(2) == 0)
            dispose(s);
        break;
    case 8:
        renew(s, number);
        break;
    default:
        check(s, kind, gcw_map_get(world->maps[kind], s->key));
        check_ephemeron(s);
    }
}

static void *
work(void *slots)
{
    struct slot *s = slots;

    state = seed() + (uintptr_t)slots;
    for (size_t i = 0; i < SLOTS; i++)
        renew(&s[i], i + 1);
    for (size_t number = 1; !atomic_load(&is_over); number++)
        act(&s[pick(SLOTS)], pick(KINDS), number);
    for (size_t i = 0; i < SLOTS; i++) {
        for (unsigned kind = 0; kind < KINDS; kind++)
            check(&s[i], kind, gcw_map_get(world->maps[kind], s[i].key));
        check_ephemeron(&s[i]);
    }
    return NULL;
}

/* Each entry that a walk gives is one of a living key, and its value. */
static void *
walk_on(void *unused)
{
    void *key, *value;
    gcw_map_iter i;

    while (!atomic_load(&is_over)) {
        gcw_map_first(world->maps[GCW_WEAK_KEYS], &i);
        while (gcw_map_next(&i, &key, &value)) {
            struct target *k = key, *v = value;

            if (k->magic != MAGIC || v->magic != MAGIC || v->field != k)
                atomic_fetch_add(&bad, 1);
        }
    }
    return unused;
}

/* --- the storm, and the thief --- */

static int
give_up_soon(void)
{
    static atomic_int asked;

    return atomic_fetch_add(&asked, 1) % 20 == 19;
}

static void *
collect_on(void *unused)
{
    enum { PIECES = 5000 };

    state = seed() + 1;
    while (!atomic_load(&is_over)) {
        if (pick(2) == 0)
            GC_try_to_collect(give_up_soon);
        else
            collect_and_rest();
        for (int i = 0; i < PIECES; i++)
            memset(GC_MALLOC(sizeof(struct target)), 0x77,
                   sizeof(struct target));
    }
    return unused;
}

static void GC_CALLBACK
tell_nobody(GC_EventType event)
{
    if (event == GC_EVENT_MARK_END)
        atomic_fetch_add(&unheard, 1);
}

static void
nap(unsigned microseconds)
{
    struct timespec t = { microseconds / 1000000,
                          microseconds % 1000000 * 1000L };

    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        continue;
}

static void *
steal(void *unused)
{
    state = seed() + 2;
    while (!atomic_load(&is_over)) {
        GC_on_collection_event_proc before = GC_get_on_collection_event();

        GC_set_on_collection_event(tell_nobody);
        nap(pick(20000));
        GC_set_on_collection_event(before);
        nap(pick(20000));
    }
    return unused;
}

/* --- one storm --- */

static gcw_statistics
statistics(void)
{
    gcw_statistics s = { .size = sizeof s };

    gcw_stats(&s);
    return s;
}

static void
rage(void)
{
    pthread_t threads[WORKERS + 3];

    for (size_t i = 0; i < WORKERS; i++)
        threads[i] = run_thread(work, world->slots[i]);
    threads[WORKERS] = run_thread(walk_on, NULL);
    threads[WORKERS + 1] = run_thread(collect_on, NULL);
    threads[WORKERS + 2] = run_thread(steal, NULL);
    nap(STORM * 1000);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < WORKERS + 3; i++)
        join_thread(threads[i]);
}

/* In uncollectable memory, as all that a thread holds only there. */
static void
make_world(void)
{
    world = GC_MALLOC_UNCOLLECTABLE(sizeof *world);
    MUST(world != NULL);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        world->maps[kind] = gcw_map_new((gcw_map_kind)kind);
        MUST(world->maps[kind] != NULL);
    }
}

static size_t
count_entries(void)
{
    size_t n = 0;

    for (unsigned kind = 0; kind < KINDS; kind++)
        n += gcw_map_count(world->maps[kind]);
    return n;
}

/* What nobody holds any more is gone. */
static void
drop_world(void)
{
    memset(world->slots, 0, sizeof world->slots);
    collect();
    MUST(count_entries() <= WORKERS * SLOTS / 4);
}

SCENARIO(storm)
{
    gcw_statistics was, now;

    MUST(gcw_init() == 0);
    printf("# GCWEAK_TEST_SEED=%llu\n", (unsigned long long)seed());
    make_world();
    was = statistics();
    rage();
    (void)count_entries();
    now = statistics();
    printf("# %zu looks, %llu collections, %llu missed, %llu entries dropped,"
           " %zu lost\n", atomic_load(&looks),
           (unsigned long long)(now.collections - was.collections),
           (unsigned long long)(now.collections_missed
                                - was.collections_missed),
           (unsigned long long)(now.entries_dropped - was.entries_dropped),
           atomic_load(&lost));
    fflush(stdout);
    MUST(atomic_load(&bad) == 0);
    MUST(atomic_load(&lost) <= now.entries_dropped - was.entries_dropped);
    MUST(GC_is_incremental_mode() || now.entries_dropped == 0);
    MUST(now.collections_missed > was.collections_missed);
    MUST(now.collections_missed - was.collections_missed
         <= atomic_load(&unheard));
    drop_world();
    say("as it must be");
}

static void
weather(const char *markers)
{
    struct outcome o;

    setenv("GC_MARKERS", markers, 1);
    o = run_scenario("storm");
    unsetenv("GC_MARKERS");
    printf("%s", o.out);
    assert_int_equal(o.status, 0);
    assert_non_null(strstr(o.out, "as it must be"));
    outcome_free(&o);
}

TEST(nothing_is_lost_while_the_event_is_stolen)
{
    weather("1");
}

TEST(nor_with_several_threads_that_mark)
{
    weather("4");
}
