/* guardian.c: guardians: what comes back, when, and how often. */
#include <config.h>

#include "support.h"
#include "readable.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gcweak/debug.h>
#include <gcweak/guardian.h>
#include <gcweak/map.h>

/* In uncollectable memory. */
struct guarded {
    gcw_guardian *guardian, *other;
    gcw_map *map;
    gcw_ref *refs[MANY];
    bool keeps;                      /* holds the objects, here: */
    struct target *kept[MANY];
    size_t finalized;
    unsigned seen[MANY];             /* how often each has come back */
};

static struct guarded *
guarded_new(void)
{
    struct guarded *g = GC_MALLOC_UNCOLLECTABLE(sizeof *g);

    assert_non_null(g);
    g->guardian = gcw_guardian_new();
    g->other = gcw_guardian_new();
    assert_non_null(g->guardian);
    assert_non_null(g->other);
    return g;
}

static void
guard_many(void *guarded)
{
    struct guarded *g = guarded;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);

        t->field = t;
        g->refs[i] = gcw_ref_new(t);
        if (g->keeps)
            g->kept[i] = t;
        assert_int_equal(gcw_guardian_add(g->guardian, t, NULL), 0);
    }
}

static void
guard_and_keep(void *guarded)
{
    struct guarded *g = guarded;

    g->keeps = true;
    guard_many(g);
}

/* Takes all out; each must be whole. */
static void
take_all_from(gcw_guardian *guardian, struct guarded *g, size_t *n)
{
    struct target *t;

    for (*n = 0; (t = gcw_guardian_next(guardian)) != NULL; ++*n) {
        assert_true(t->magic == MAGIC && t->number < MANY);
        g->seen[t->number]++;
    }
}

struct taking {
    struct guarded *g;
    gcw_guardian *guardian;
    size_t n;
};

static void
take_all_dead(void *taking)
{
    struct taking *t = taking;

    take_all_from(t->guardian, t->g, &t->n);
}

static size_t
take_all(struct guarded *g)
{
    struct taking t = { g, g->guardian, 0 };

    in_dead_frame(take_all_dead, &t);
    return t.n;
}

static void
check_that_none_came_twice(const struct guarded *g)
{
    for (size_t i = 0; i < MANY; i++)
        assert_true(g->seen[i] <= 1);
}

/* --- what comes back --- */

TEST(what_lives_does_not_come_back)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_and_keep, g);
    collect();
    assert_null(gcw_guardian_next(g->guardian));
    GC_reachable_here(g);
}

TEST(what_has_died_comes_back_once_and_whole)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_many, g);
    collect();
    assert_true(nearly_all(take_all(g), MANY));
    check_that_none_came_twice(g);
    collect();
    take_all(g);
    check_that_none_came_twice(g);
    assert_true(nearly_all(dead_refs(g->refs, MANY), MANY));
}

TEST(it_does_not_die_before_it_is_taken_out)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_many, g);
    collect();
    collect();
    assert_int_equal(dead_refs(g->refs, MANY), 0);
    assert_true(nearly_all(take_all(g), MANY));
}

static void
guard_again(void *guarded)
{
    struct guarded *g = guarded;
    struct target *t;

    while ((t = gcw_guardian_next(g->other)) != NULL)
        assert_int_equal(gcw_guardian_add(g->guardian, t, NULL), 0);
}

static void
guard_many_in_other(void *guarded)
{
    struct guarded *g = guarded;

    for (size_t i = 0; i < MANY; i++)
        gcw_guardian_add(g->other, target_new(i), NULL);
}

TEST(what_was_taken_out_can_be_guarded_again)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_many_in_other, g);
    collect();
    in_dead_frame(guard_again, g);
    assert_int_equal(take_all(g), 0);
    collect();
    assert_true(nearly_all(take_all(g), MANY));
    check_that_none_came_twice(g);
}

static void
guard_in_both(void *guarded)
{
    struct guarded *g = guarded;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);

        gcw_guardian_add(g->guardian, t, NULL);
        gcw_guardian_add(g->other, t, NULL);
        gcw_guardian_add(g->other, t, NULL);
    }
}

TEST(each_guardian_hands_it_back_as_often_as_it_was_given)
{
    struct guarded *g = guarded_new();
    struct taking other = { g, g->other, 0 };

    in_dead_frame(guard_in_both, g);
    collect();
    assert_true(nearly_all(take_all(g), MANY));
    in_dead_frame(take_all_dead, &other);
    assert_true(nearly_all(other.n / 2, MANY));
    assert_int_equal(other.n % 2, 0);
}

static void
guard_with_representatives(void *guarded)
{
    struct guarded *g = guarded;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);

        g->refs[i] = gcw_ref_new(t);
        gcw_guardian_add(g->guardian, t, target_new(i));
    }
}

TEST(a_representative_comes_back_and_the_object_dies)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_with_representatives, g);
    collect();
    assert_true(nearly_all(dead_refs(g->refs, MANY), MANY));
    assert_true(nearly_all(take_all(g), MANY));
    check_that_none_came_twice(g);
}

static void
guard_with_leading_representatives(void *guarded)
{
    struct guarded *g = guarded;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i), *representative = target_new(i);

        g->refs[i] = gcw_ref_new(t);
        representative->field = t;
        gcw_guardian_add(g->guardian, t, representative);
    }
}

TEST(a_representative_that_leads_to_the_object_does_not_keep_it_from_coming)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_with_leading_representatives, g);
    collect();
    assert_int_equal(dead_refs(g->refs, MANY), 0);
    assert_true(nearly_all(take_all(g), MANY));
    collect();
    assert_true(nearly_all(dead_refs(g->refs, MANY), MANY));
}

static void
guard_a_chain(void *guarded)
{
    struct guarded *g = guarded;
    struct target *next = NULL;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);

        t->field = next;
        gcw_guardian_add(g->guardian, next = t, NULL);
    }
}

/* A word that leads into the chain by chance keeps all of it from there on: then
 * there is another one. */
TEST(what_leads_to_each_other_comes_back_together)
{
    struct guarded *g;
    bool came = false;

    for (int i = 0; i < 5 && !came; i++) {
        g = guarded_new();
        in_dead_frame(guard_a_chain, g);
        collect();
        came = nearly_all(take_all(g), MANY);
        check_that_none_came_twice(g);
    }
    assert_true(came);
}

/* A guardian that only a guarded object leads to. */
static void
guard_a_guardian(void *guarded)
{
    struct guarded *g = guarded;

    for (size_t i = 0; i < MANY; i++) {
        struct target *owner = target_new(i);
        gcw_guardian *inner = gcw_guardian_new();

        owner->field = inner;
        gcw_guardian_add(inner, target_new(i), NULL);
        gcw_guardian_add(g->guardian, owner, NULL);
    }
}

static void
take_from_inner(void *guarded)
{
    struct guarded *g = guarded;
    struct target *owner, *t;

    while ((owner = gcw_guardian_next(g->guardian)) != NULL) {
        t = gcw_guardian_next(owner->field);
        assert_non_null(t);
        assert_int_equal(t->number, owner->number);
        g->seen[t->number]++;
    }
}

TEST(guardians_of_guarded_objects_work_on)
{
    struct guarded *g = guarded_new();
    size_t n = 0;

    in_dead_frame(guard_a_guardian, g);
    collect();
    in_dead_frame(take_from_inner, g);
    for (size_t i = 0; i < MANY; i++)
        n += g->seen[i];
    assert_true(nearly_all(n, MANY));
}

static void
drop_a_guardian(void *guarded)
{
    struct guarded *g = guarded;

    guard_many(g);
    g->guardian = NULL;
}

TEST(what_a_dropped_guardian_had_dies)
{
    struct guarded *g = guarded_new();

    in_dead_frame(drop_a_guardian, g);
    collect();
    assert_true(nearly_all(dead_refs(g->refs, MANY), MANY));
}

/* --- others who hear of the death --- */

static void
count_finalized(void *object, void *data)
{
    struct guarded *g = data;

    (void)object;
    g->finalized++;
}

static void
guard_with_finalizers(void *guarded)
{
    struct guarded *g = guarded;

    guard_and_keep(g);
    for (size_t i = 0; i < MANY; i++)
        GC_REGISTER_FINALIZER_NO_ORDER(g->kept[i], count_finalized, g, NULL,
                                       NULL);
    memset(g->kept, 0, sizeof g->kept);
}

TEST(the_finalizer_stays_the_object_s_and_runs_after_that)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_with_finalizers, g);
    collect();
    assert_int_equal(g->finalized, 0);
    assert_true(nearly_all(take_all(g), MANY));
    collect();
    assert_true(nearly_all(g->finalized, MANY));
}

static void
guard_keys(void *guarded)
{
    struct guarded *g = guarded;

    g->map = gcw_map_new(GCW_WEAK_KEYS);
    guard_and_keep(g);
    for (size_t i = 0; i < MANY; i++)
        gcw_map_put(g->map, g->kept[i], target_new(i));
    memset(g->kept, 0, sizeof g->kept);
}

static void
look_up_all(void *guarded)
{
    struct guarded *g = guarded;
    struct target *t, *value;

    while ((t = gcw_guardian_next(g->guardian)) != NULL) {
        value = gcw_map_get(g->map, t);
        assert_non_null(value);
        assert_true(value->magic == MAGIC && value->number == t->number);
        g->seen[t->number]++;
    }
}

TEST(entries_of_weak_maps_are_there_until_it_really_dies)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_keys, g);
    collect();
    in_dead_frame(look_up_all, g);
    collect();
    assert_true(nearly_all(MANY - gcw_map_count(g->map), MANY));
}

/* --- disposal --- */

TEST(what_is_disposed_of_does_not_come_back)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_and_keep, g);
    for (size_t i = 0; i < MANY; i++)
        gcw_dispose(g->kept[i]);
    assert_null(gcw_guardian_next(g->guardian));
    memset(g->kept, 0, sizeof g->kept);
    collect();
    assert_null(gcw_guardian_next(g->guardian));
    GC_reachable_here(g);
}

TEST(what_stands_for_it_comes_back_at_once)
{
    gcw_guardian *g = gcw_guardian_new();
    struct target *t = target_new(1), *representative = target_new(2);

    gcw_guardian_add(g, t, representative);
    gcw_guardian_add(g, t, NULL);
    gcw_dispose(t);
    assert_ptr_equal(gcw_guardian_next(g), representative);
    assert_null(gcw_guardian_next(g));
    GC_reachable_here(t);
}

/* Others are added between two disposals. */
TEST(each_that_is_disposed_of_is_found_and_no_other)
{
    struct guarded *g = guarded_new();
    struct target *other[2];

    for (size_t i = 0; i < MANY; i++) {
        g->kept[i] = target_new(i);
        gcw_guardian_add(g->guardian, g->kept[i], target_new(i));
    }
    for (size_t i = 0; i < MANY; i++) {
        struct target *t;

        other[i % 2] = target_new(0);
        gcw_guardian_add(g->guardian, other[i % 2], NULL);
        gcw_dispose(g->kept[i]);
        t = gcw_guardian_next(g->guardian);
        while (t != NULL && t->number != i)
            t = gcw_guardian_next(g->guardian);
        assert_non_null(t);
    }
    GC_reachable_here(g);
}

TEST(a_guardian_that_is_disposed_of_is_of_no_use)
{
    struct guarded *g = guarded_new();
    int fd = gcw_guardian_fd(g->guardian);

    in_dead_frame(guard_many, g);
    gcw_dispose(g->guardian);
    expect_errno(gcw_guardian_add(g->guardian, g, NULL) == -1, ESTALE);
    expect_errno(gcw_guardian_next(g->guardian) == NULL, ESTALE);
    expect_errno(gcw_guardian_fd(g->guardian) == -1, ESTALE);
    assert_int_equal(write(fd, "12345678", 8), -1);
    collect();
    assert_true(nearly_all(dead_refs(g->refs, MANY), MANY));
}

/* --- the descriptor --- */

TEST(the_descriptor_is_readable_while_there_is_something)
{
    struct guarded *g = guarded_new();
    int fd = gcw_guardian_fd(g->guardian);

    assert_true(fd >= 0);
    assert_int_equal(gcw_guardian_fd(g->guardian), fd);
    in_dead_frame(guard_many, g);
    assert_false(readable(fd, 0));
    collect();
    assert_true(readable(fd, 0));
    take_all(g);
    assert_false(readable(fd, 0));
}

TEST(it_is_readable_at_once_if_something_was_there_before)
{
    struct guarded *g = guarded_new();

    in_dead_frame(guard_many, g);
    collect();
    assert_true(readable(gcw_guardian_fd(g->guardian), 0));
}

TEST(it_is_readable_after_a_disposal)
{
    gcw_guardian *g = gcw_guardian_new();
    struct target *t = target_new(1);
    int fd = gcw_guardian_fd(g);

    gcw_guardian_add(g, t, target_new(2));
    gcw_dispose(t);
    assert_true(readable(fd, 0));
    assert_non_null(gcw_guardian_next(g));
    assert_null(gcw_guardian_next(g));
    assert_false(readable(fd, 0));
}

/* --- room --- */

static size_t
guarded_count(void)
{
    gcw_statistics s = { .size = sizeof s };

    gcw_stats(&s);
    return s.guarded;
}

static size_t
tables_count(void)
{
    gcw_statistics s = { .size = sizeof s };

    collect();
    gcw_stats(&s);
    return s.weak_tables;
}

TEST(a_guardian_shrinks_as_it_is_emptied)
{
    struct guarded *g = guarded_new();
    size_t tables = tables_count(), guarded = guarded_count(), full;

    for (int i = 0; i < 20; i++)
        in_dead_frame(guard_many, g);
    full = tables_count() - tables;
    assert_int_equal(guarded_count() - guarded, MANY * 20);
    assert_true(nearly_all(take_all(g), MANY * 20));
    assert_true(nearly_all(guarded + MANY * 20 - guarded_count(), MANY * 20));
    assert_true((tables_count() - tables) * 4 < full);
}

TEST(entries_are_used_again)
{
    struct guarded *g = guarded_new();
    size_t before = tables_count(), after;

    for (int i = 0; i < 20; i++) {
        in_dead_frame(guard_many, g);
        collect();
        take_all(g);
    }
    after = tables_count();
    assert_true(after - before <= MANY / 256 + 8);
}

/* --- who takes the collector's event function; forks; errors --- */

static void GC_CALLBACK
hear_nothing(GC_EventType event)
{
    (void)event;
}

static GC_on_collection_event_proc library_event;

/* Marking begins with the engine, and ends without it. */
static void GC_CALLBACK
keep_the_end_to_oneself(GC_EventType event)
{
    if (event != GC_EVENT_MARK_END && event != GC_EVENT_PRE_START_WORLD)
        library_event(event);
}

static void
guard_and_drop(void *object)
{
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gcw_guardian_add(gcw_guardian_new(), object, NULL),
                         0);
}

/* What dies in the collection is used again by the program before the engine
 * hears of it: of each size that a guardian's parts may have. */
enum { SIZES = 20, OF_EACH = 2 * MANY };

static bool
is_as_it_was(const unsigned char *object, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (object[i] != 0xee)
            return false;
    return true;
}

TEST(a_guardian_that_is_something_else_by_now_is_left_alone)
{
    void **used = keep_array(SIZES * OF_EACH);
    struct target *t = target_new(1);
    gcw_map *m = gcw_map_new(GCW_WEAK_KEYS);

    in_dead_frame(guard_and_drop, t);
    library_event = GC_get_on_collection_event();
    GC_set_on_collection_event(keep_the_end_to_oneself);
    GC_gcollect();
    GC_disable();
    GC_set_on_collection_event(library_event);
    for (size_t i = 0; i < SIZES * OF_EACH; i++) {
        size_t size = i / OF_EACH * 16 + 8;

        used[i] = memset(GC_MALLOC(size), 0xee, size);
    }
    assert_int_equal(gcw_map_count(m), 0);
    GC_enable();
    for (size_t i = 0; i < SIZES * OF_EACH; i++)
        assert_true(is_as_it_was(used[i], i / OF_EACH * 16 + 8));
    GC_FREE(used);
    GC_reachable_here(t);
}

TEST(without_the_event_function_nothing_is_lost)
{
    struct guarded *g = guarded_new();
    GC_on_collection_event_proc before = GC_get_on_collection_event();

    GC_disable();
    in_dead_frame(guard_many, g);
    GC_set_on_collection_event(hear_nothing);
    GC_enable();
    GC_gcollect();
    assert_null(gcw_guardian_next(g->guardian));
    assert_int_equal(dead_refs(g->refs, MANY), 0);
    GC_set_on_collection_event(before);
    collect();
    assert_true(nearly_all(take_all(g), MANY));
    check_that_none_came_twice(g);
}

TEST(a_child_has_a_copy)
{
    struct guarded *g = guarded_new();
    int status;
    pid_t child;

    in_dead_frame(guard_many, g);
    collect();
    child = fork();
    if (child == 0) {
        size_t n = take_all(g);

        in_dead_frame(guard_many, g);
        collect();
        _exit(nearly_all(n, MANY) && nearly_all(take_all(g), MANY) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(nearly_all(take_all(g), MANY));
}

TEST(what_makes_no_sense_is_invalid)
{
    gcw_guardian *g = gcw_guardian_new();
    struct target *t = target_new(1);
    int local;

    expect_errno(gcw_guardian_add(NULL, t, NULL) == -1, EINVAL);
    expect_errno(gcw_guardian_add(g, NULL, NULL) == -1, EINVAL);
    expect_errno(gcw_guardian_add(g, &local, t) == -1, EINVAL);
    expect_errno(gcw_guardian_next(NULL) == NULL, EINVAL);
    expect_errno(gcw_guardian_fd(NULL) == -1, EINVAL);
}

TEST(success_leaves_errno_alone)
{
    gcw_guardian *g;
    struct target *t = target_new(1);

    errno = E2BIG;
    g = gcw_guardian_new();
    assert_int_equal(gcw_guardian_add(g, t, NULL), 0);
    assert_null(gcw_guardian_next(g));
    assert_true(gcw_guardian_fd(g) >= 0);
    assert_int_equal(errno, E2BIG);
}
