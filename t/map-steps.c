/* map-steps.c: what may come between any two steps of an operation on a weak map.
 *
 * The library is built with delays inside (src/ground/delay.h).  Here a delay
 * counts, and at one of them another thread does something: it collects,
 * disposes of keys, drops them.  It may have to wait for a lock that the delayed
 * one has, so that waits for it for a while only.  Each operation is tried with
 * it at its first step, at its second, and so on to the last.  Chance seldom
 * hits these; see t/torture.c for what it does hit.
 */
#include <config.h>

#include "support.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ground/delay.h"
#include "thread.h"
#include <gcweak/ephemeron.h>
#include <gcweak/map.h>

enum { FULL = 12, SPARSE = 8, MOST = 200 };

/* In uncollectable memory. */
struct scene {
    gcw_map *map;
    struct target *keys[MOST];
    size_t n;                        /* keys that have been put */
    bool gone[MOST];                 /* dropped, or disposed of */
    bool disposed[MOST];
    gcw_ephemeron *ephemeron;        /* of the first key */
    gcw_map_iter *walk;
    size_t given;
};

static struct scene *scene;
static void (*interference)(void);   /* NULL: none any more */
static size_t steps_left, steps_seen;

/* Only on the thread that plays. */
static _Thread_local bool counts;

static pthread_t actor;
static atomic_bool has_acted;

static void *
act_now(void *act)
{
    (*(void (**)(void))act)();
    atomic_store(&has_acted, true);
    return NULL;
}

static void
await_actor(void)
{
    enum { MILLISECONDS = 10 };
    struct timespec moment = { 0, 100000 };

    for (int i = 0; i < 10 * MILLISECONDS && !atomic_load(&has_acted); i++)
        nanosleep(&moment, NULL);
}

void
gcw__delay(unsigned line)
{
    void (*act)(void) = interference;
    static void (*acting)(void);

    (void)line;
    if (!counts || act == NULL)
        return;
    steps_seen++;
    if (steps_left-- != 0)
        return;
    interference = NULL;
    counts = false;
    acting = act;
    atomic_store(&has_acted, false);
    actor = run_thread(act_now, &acting);
    await_actor();
}

static void
end_interference(bool has_begun)
{
    interference = NULL;
    if (has_begun)
        join_thread(actor);
}

/* --- the scene --- */

/* Whose value it is, says a word that the collector does not take for a
 * pointer.  Some lead to their keys besides, and so hold them as long as they
 * are on a stack. */
static struct target *
value_new(size_t i)
{
    struct target *value = target_new(i);

    value->more[0] = (void *)~(uintptr_t)scene->keys[i];
    value->field = i % 2 == 0 ? scene->keys[i] : NULL;
    return value;
}

static void
put_key(size_t i)
{
    assert_int_equal(gcw_map_put(scene->map, scene->keys[i], value_new(i)), 0);
}

static void
set_scene(void *n)
{
    scene->map = gcw_map_new(GCW_WEAK_KEYS);
    scene->n = *(size_t *)n;
    for (size_t i = 0; i < scene->n; i++) {
        scene->keys[i] = target_new(i);
        put_key(i);
    }
    scene->ephemeron = gcw_ephemeron_new(scene->keys[0], value_new(0));
}

static void
check_value(struct target *key, struct target *value)
{
    assert_ptr_equal(GC_base(key), key);
    assert_ptr_equal(GC_base(value), value);
    assert_int_equal(key->magic, MAGIC);
    assert_int_equal(value->magic, MAGIC);
    assert_int_equal(value->number, key->number);
    assert_ptr_equal(value->more[0], (void *)~(uintptr_t)key);
}

static void
check_walk(void)
{
    void *key, *value;
    gcw_map_iter i;
    size_t n = 0;

    for (gcw_map_first(scene->map, &i); gcw_map_next(&i, &key, &value); n++)
        check_value(key, value);
    assert_int_equal(gcw_map_count(scene->map), n);
}

static void
check_key(size_t i)
{
    struct target *value = gcw_map_get(scene->map, scene->keys[i]);

    if (scene->disposed[i])
        assert_null(value);
    else if (value != NULL)
        check_value(scene->keys[i], value);
    else
        assert_true(scene->gone[i]);
}

static void
check_scene(void)
{
    struct target *key, *value;

    check_walk();
    value = gcw_ephemeron_value(scene->ephemeron);
    key = gcw_ephemeron_key(scene->ephemeron);
    for (size_t i = 0; i < scene->n; i++)
        if (scene->keys[i] != NULL)
            check_key(i);
    if (key != NULL && value != NULL)
        check_value(key, value);
    else
        assert_true(scene->gone[0]);
}

/* --- what comes between --- */

static void
litter(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < 3000; i++)
        memset(GC_MALLOC(sizeof(struct target)), 0x77, sizeof(struct target));
}

static void
collect_now(void)
{
    GC_gcollect();
    in_dead_frame(litter, NULL);
}

/* Those whose number is odd. */
static void
dispose_of_some(void)
{
    for (size_t i = 1; i < scene->n; i += 2) {
        scene->gone[i] = scene->disposed[i] = true;
        assert_int_equal(gcw_dispose(scene->keys[i]), 0);
    }
}

static void
dispose_of_all(void)
{
    dispose_of_some();
    for (size_t i = 0; i < scene->n; i += 2) {
        scene->gone[i] = scene->disposed[i] = true;
        assert_int_equal(gcw_dispose(scene->keys[i]), 0);
    }
}

static void
drop_keys(void)
{
    for (size_t i = 0; i < scene->n; i++) {
        scene->gone[i] = true;
        scene->keys[i] = NULL;
    }
    collect_now();
}

static void GC_CALLBACK
hear_nothing(GC_EventType event)
{
    (void)event;
}

/* The event is away for one collection. */
static void
drop_keys_unseen(void)
{
    GC_on_collection_event_proc before = GC_get_on_collection_event();

    GC_set_on_collection_event(hear_nothing);
    drop_keys();
    GC_set_on_collection_event(before);
    collect_now();
}

static int steps_of_marking;
static bool marking;
static GC_on_collection_event_proc heard_before;

static int GC_CALLBACK
stop_soon(void)
{
    return marking && steps_of_marking-- <= 0;
}

static void GC_CALLBACK
hear_start(GC_EventType event)
{
    marking |= event == GC_EVENT_MARK_START;
    heard_before(event);
}

/* The event goes when marking has begun: in incremental mode entries are
 * dropped. */
static void
steal_in_the_midst(void)
{
    static int turn;

    steps_of_marking = turn++ % 16;
    marking = false;
    heard_before = GC_get_on_collection_event();
    for (size_t i = 0; i < scene->n; i++)
        scene->gone[i] = scene->gone[i] || GC_is_incremental_mode();
    GC_set_on_collection_event(hear_start);
    GC_try_to_collect(stop_soon);
    GC_set_on_collection_event(hear_nothing);
    if (!GC_is_incremental_mode())
        GC_gcollect();
    while (GC_is_incremental_mode() && GC_collect_a_little() != 0)
        continue;
    in_dead_frame(litter, NULL);
    GC_set_on_collection_event(heard_before);
}

static void
look_at_all(void)
{
    for (size_t i = 0; i < scene->n; i++) {
        struct target *value = gcw_map_get(scene->map, scene->keys[i]);

        if (value == NULL ? !scene->gone[i] : value->magic != MAGIC)
            abort();
    }
}

static void (*const interferences[])(void) = {
    collect_now, dispose_of_some, dispose_of_all, drop_keys, drop_keys_unseen,
    steal_in_the_midst, look_at_all
};

/* --- operations, each with its scene --- */

static void
grow(void)
{
    struct target *key = scene->keys[MOST - 1] = target_new(MOST - 1),
                  *value = value_new(MOST - 1);

    counts = true;
    assert_int_equal(gcw_map_put(scene->map, key, value), 0);
    counts = false;
    GC_reachable_here(key);
}

/* Most are removed: the map moves to a smaller table. */
static void
shrink(void)
{
    for (size_t i = SPARSE; i < scene->n; i++) {
        struct target *key = scene->keys[i];

        scene->gone[i] = true;
        counts = true;
        if (key != NULL)
            gcw_map_remove(scene->map, key);
        counts = false;
        GC_reachable_here(key);
    }
}

static void
look(void)
{
    struct target *key = scene->keys[0], *value;

    counts = true;
    value = gcw_map_get(scene->map, key);
    counts = false;
    if (value != NULL)
        check_value(key, value);
    GC_reachable_here(key);
}

static void
look_at_ephemeron(void)
{
    struct target *value;

    counts = true;
    value = gcw_ephemeron_value(scene->ephemeron);
    counts = false;
    if (value != NULL)
        assert_int_equal(value->magic, MAGIC);
    counts = true;
    value = gcw_ephemeron_key(scene->ephemeron);
    counts = false;
    if (value != NULL)
        assert_int_equal(value->magic, MAGIC);
}

static void
walk(void)
{
    void *key, *value;
    gcw_map_iter i;
    bool more;

    gcw_map_first(scene->map, &i);
    do {
        counts = true;
        more = gcw_map_next(&i, &key, &value);
        counts = false;
        if (more)
            check_value(key, value);
    } while (more);
}

static void
change(void)
{
    struct target *key = scene->keys[0], *value = value_new(0),
                  *other = value_new(0), *was;

    counts = true;
    was = gcw_map_setdefault(scene->map, key, value);
    counts = false;
    if (was != value)
        check_value(key, was);
    counts = true;
    if (!gcw_map_replace(scene->map, key, was, other))
        gcw_map_put(scene->map, key, other);
    counts = false;
    scene->disposed[0] = false;
    GC_reachable_here(key);
}

static void
make_ephemeron(void)
{
    struct target *key = scene->keys[0], *value = value_new(0);

    counts = true;
    scene->ephemeron = gcw_ephemeron_new(key, value);
    counts = false;
    GC_reachable_here(key);
}

/* --- all steps --- */

static void
play(void *operation)
{
    ((void (*)(void))*(void (**)(void))operation)();
}

/* True if it has come between. */
static bool
play_with(void (*operation)(void), size_t n, void (*act)(void), size_t step)
{
    bool begun;

    scene = GC_MALLOC_UNCOLLECTABLE(sizeof *scene);
    in_dead_frame(set_scene, &n);
    steps_left = step;
    steps_seen = 0;
    interference = act;
    in_dead_frame(play, &operation);
    begun = interference == NULL;
    end_interference(begun);
    check_scene();
    collect_now();
    check_scene();
    GC_FREE(scene);
    return begun;
}

/* Finalizers run when the test lets them: what they do may need a lock that the
 * delayed thread has. */
static void
play_all(void (*operation)(void), size_t n)
{
    GC_set_finalize_on_demand(1);
    for (size_t i = 0; i < sizeof interferences / sizeof *interferences; i++) {
        size_t step = 0;

        while (play_with(operation, n, interferences[i], step))
            step++;
        assert_true(step >= 1);
    }
}

TEST(any_step_of_growing_may_be_interrupted)
{
    play_all(grow, FULL);
}

TEST(any_step_of_shrinking_may_be_interrupted)
{
    play_all(shrink, 3 * FULL);
}

TEST(any_step_of_looking_may_be_interrupted)
{
    play_all(look, FULL);
}

TEST(any_step_of_reading_an_ephemeron_may_be_interrupted)
{
    play_all(look_at_ephemeron, 1);
}

TEST(any_step_of_a_walk_may_be_interrupted)
{
    play_all(walk, FULL);
}

TEST(any_step_of_a_change_may_be_interrupted)
{
    play_all(change, 1);
}

TEST(any_step_of_making_an_ephemeron_may_be_interrupted)
{
    play_all(make_ephemeron, 1);
}
