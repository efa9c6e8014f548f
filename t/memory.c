/* memory.c: tests that memory stays where it is: what grows by use shrinks by
 * death, and what is undone leaves nothing behind.
 */
#include <config.h>

#include "idle.h"
#include "support.h"
#include "weak/ref.h"

enum {
    BIRTHS = 50000,          /* a round */
    CROWD = 100000,          /* targets that live at once */
    WARM_UP = 5,             /* rounds until things have their size */
    ROUNDS = 20,             /* a million births in all */
    MEGABYTE = 1024 * 1024
};

/* Each test counts its own: the few targets that the collector missed may die
 * during a later one. */
static void
called(void *data)
{
    ++*(size_t *)data;
}

/* --- shrinking after deaths --- */

static void
make_a_crowd(void *arg)
{
    static size_t callbacks;
    void **kept = arg;
    for (size_t i = 0; i < CROWD; i++) {
        kept[i] = target_new(i);
        gcw_ref_new(kept[i]);
        gcw_cleanup_new(kept[i], called, &callbacks);
    }
}

static void
forget_the_crowd(void **kept, size_t from)
{
    for (size_t i = from; i < CROWD; i++)
        kept[i] = NULL;
    collect();
    gcw_collect();
}

TEST(the_index_shrinks_after_deaths)
{
    void **kept = keep_array(CROWD);
    struct gcw__ref_stats peak, after;
    in_dead_frame(make_a_crowd, kept);
    gcw__ref_stats(&peak);
    assert_true(peak.live >= CROWD && peak.watches >= CROWD);
    assert_true(peak.index_capacity >= CROWD && peak.slots >= CROWD);
    forget_the_crowd(kept, 0);
    gcw__ref_stats(&after);
    assert_in_range(after.live, 0, peak.live / 10);
    assert_in_range(after.watches, 0, peak.watches / 10);
    assert_in_range(after.index_capacity, 0, peak.index_capacity / 4);
    assert_in_range(after.slots, 0, peak.slots / 4);
}

TEST(what_survives_a_shrinking_index_is_still_found)
{
    enum { SURVIVORS = 100 };
    void **kept = keep_array(CROWD);
    gcw_ref **refs = (gcw_ref **)keep_array(SURVIVORS);
    in_dead_frame(make_a_crowd, kept);
    for (size_t i = 0; i < SURVIVORS; i++)
        refs[i] = gcw_ref_new(kept[i]);
    forget_the_crowd(kept, SURVIVORS);
    for (size_t i = 0; i < SURVIVORS; i++) {
        assert_ptr_equal(gcw_ref_get(refs[i]), kept[i]);
        assert_ptr_equal(gcw_ref_new(kept[i]), refs[i]);
    }
}

/* --- flat under a steady load --- */

/* A detector that keeps freed memory for a while makes a process grow. */
enum { SLACK_RESIDENT = ADDRESSES_ARE_CHECKED ? 300 : 12 };

enum { SLACK_HEAP = 8 };

/* Runs the round so often that a million things come and go. */
static void
stays_flat(void (*round)(void *arg), void *arg)
{
    size_t heap = 0, rss = 0;
    for (int i = 0; i < ROUNDS; i++) {
        in_dead_frame(round, arg);
        gcw_collect();
        if (i == WARM_UP) {
            heap = GC_get_heap_size();
            rss = resident();
        }
    }
    assert_in_range(GC_get_heap_size(), 0, heap + SLACK_HEAP * MEGABYTE);
    assert_in_range(resident(), 0, rss + SLACK_RESIDENT * MEGABYTE);
}

static void
live_shortly(void *callbacks)
{
    for (size_t i = 0; i < BIRTHS; i++) {
        struct target *t = target_new(i);
        gcw_ref_new(t);
        gcw_cleanup_new(t, called, callbacks);
    }
}

TEST(a_million_short_lives_leave_memory_flat)
{
    static size_t callbacks;
    stays_flat(live_shortly, &callbacks);
    collect();
    gcw_collect();
    assert_in_range(callbacks, (size_t)ROUNDS * BIRTHS / 100 * 95,
                    (size_t)ROUNDS * BIRTHS);
}

static void
live_shortly_with_all_kinds(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < BIRTHS / 5; i++) {
        char *t = (char *)target_new(i);
        gcw_ref_new(t + 8);
        gcw_ref_new_long(t);
        gcw_method_new_weak(t, idle_method, t);
        if (i % 2)
            gcw_dispose(t);
    }
}

TEST(so_do_long_and_interior_and_disposed_ones)
{
    stays_flat(live_shortly_with_all_kinds, NULL);
}

/* One target that lives on; the counter is static. */
struct survivor {
    struct target *target;
    size_t *callbacks;
};

/* The same on a survivor: it has no more references and watches afterwards. */
static void
leaves_nothing_behind(void (*round)(void *survivor), size_t *callbacks)
{
    struct survivor s = { target_new(1), callbacks };
    struct gcw__ref_stats before, after;
    gcw_ref_new(s.target);
    gcw__ref_stats(&before);
    stays_flat(round, &s);
    gcw__ref_stats(&after);
    assert_in_range(after.watches, 0, before.watches);
    assert_in_range(after.live, 0, before.live);
    GC_reachable_here(s.target);
}

static gcw_cleanup *
attach(const struct survivor *s)
{
    return gcw_cleanup_new(s->target, called, s->callbacks);
}

static void
attach_and_detach(void *survivor)
{
    for (size_t i = 0; i < BIRTHS; i++)
        gcw_cleanup_detach(attach(survivor));
}

TEST(cleanups_that_are_detached_leave_nothing_behind)
{
    static size_t callbacks;
    leaves_nothing_behind(attach_and_detach, &callbacks);
    assert_int_equal(callbacks, 0);
}

static void
attach_and_run(void *survivor)
{
    for (size_t i = 0; i < BIRTHS; i++)
        gcw_cleanup_run(attach(survivor));
}

TEST(cleanups_that_are_run_early_leave_nothing_behind)
{
    static size_t callbacks;
    leaves_nothing_behind(attach_and_run, &callbacks);
    assert_int_equal(callbacks, (size_t)ROUNDS * BIRTHS);
}

static void
make_methods(void *survivor)
{
    const struct survivor *s = survivor;
    for (size_t i = 0; i < BIRTHS; i++)
        gcw_method_new(s->target, idle_method, NULL);
}

TEST(methods_that_are_dropped_leave_nothing_behind)
{
    leaves_nothing_behind(make_methods, NULL);
}

static void
dispose_again_and_again(void *survivor)
{
    const struct survivor *s = survivor;
    for (size_t i = 0; i < BIRTHS / 5; i++) {
        attach(s);
        gcw_dispose(s->target);
    }
    gcw_drain(0);
}

TEST(an_object_disposed_again_and_again_leaves_nothing_behind)
{
    static size_t callbacks;
    struct survivor s = { target_new(1), &callbacks };
    stays_flat(dispose_again_and_again, &s);
    assert_int_equal(callbacks, (size_t)ROUNDS * (BIRTHS / 5));
}
