/* cleanup.c: tests of cleanups: when they run, in what order, who wins, what
 * is left to run at exit.
 */
#include "log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static int a_static;

/* --- running once --- */

TEST(a_cleanup_runs_once_in_the_drain_after_the_death)
{
    size_t *n = counter_new();
    struct target *t = target_new(1);
    assert_non_null(gcw_cleanup_new(t, count, n));
    gcw_drain(0);
    assert_int_equal(*n, 0);
    assert_int_equal(gcw_dispose(t), 0);
    assert_int_equal(*n, 0);
    gcw_drain(0);
    assert_int_equal(*n, 1);
    gcw_collect();
    assert_int_equal(*n, 1);
}

/* Many targets, of which every third is kept; a counter for each. */
struct herd {
    void **kept;
    gcw_cleanup **handles;    /* NULL: the handles are dropped */
    size_t *counts;
};

static struct herd
herd_new(bool keep_handles)
{
    struct herd h = {
        keep_array(MANY),
        keep_handles ? (gcw_cleanup **)keep_array(MANY) : NULL,
        calloc(MANY, sizeof *h.counts)
    };
    assert_non_null(h.counts);
    return h;
}

static void
populate(void *arg)
{
    struct herd *h = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        gcw_cleanup *c = gcw_cleanup_new(t, count, &h->counts[i]);
        if (h->handles != NULL)
            h->handles[i] = c;
        if (i % 3 == 0)
            h->kept[i] = t;
    }
}

TEST(a_cleanup_whose_handle_was_dropped_still_runs)
{
    struct herd h = herd_new(false);
    size_t ran = 0, dropped = 0;
    in_dead_frame(populate, &h);
    collect();
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(h.counts[i], 0);
    gcw_drain(0);
    for (size_t i = 0; i < MANY; i++) {
        assert_in_range(h.counts[i], 0, h.kept[i] == NULL);
        dropped += h.kept[i] == NULL;
        ran += h.counts[i];
    }
    assert_true(nearly_all(ran, dropped));
}

TEST(a_cleanup_is_alive_until_it_has_run)
{
    struct herd h = herd_new(true);
    size_t ran = 0;
    in_dead_frame(populate, &h);
    collect();
    for (size_t i = 0; i < MANY; i++)
        assert_true(gcw_cleanup_alive(h.handles[i]));
    gcw_drain(0);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(gcw_cleanup_alive(h.handles[i]), h.counts[i] == 0);
        ran += h.counts[i];
    }
    assert_true(ran > 0);
}

TEST(a_cleanup_shows_its_target_only_while_that_lives)
{
    struct herd h = herd_new(true);
    size_t dead = 0, dropped = 0;
    in_dead_frame(populate, &h);
    collect();
    for (size_t i = 0; i < MANY; i++) {
        void *shown = gcw_cleanup_peek(h.handles[i]);
        if (h.kept[i] != NULL)
            assert_ptr_equal(shown, h.kept[i]);
        dropped += h.kept[i] == NULL;
        dead += shown == NULL;
    }
    assert_true(nearly_all(dead, dropped));
}

TEST(a_cleanup_on_an_interior_pointer_shows_exactly_that)
{
    size_t *n = counter_new();
    char *t = (char *)target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t + 9, count, n);
    assert_ptr_equal(gcw_cleanup_peek(c), t + 9);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_int_equal(*n, 1);
}

/* --- data --- */

struct checked {
    size_t ran, intact;
};

/* The data of a cleanup: collectable, and held by nothing else. */
struct parcel {
    uintptr_t magic;
    struct checked *checked;
};

static void
check_parcel(void *data)
{
    struct parcel *p = data;
    p->checked->ran++;
    p->checked->intact += p->magic == MAGIC;
    p->magic = 0;
}

static void
send_parcels(void *arg)
{
    for (size_t i = 0; i < MANY; i++) {
        struct parcel *p = GC_MALLOC(sizeof *p);
        *p = (struct parcel){ MAGIC, arg };
        gcw_cleanup_new(target_new(i), check_parcel, p);
    }
}

TEST(the_library_keeps_the_data_until_the_callback)
{
    struct checked *c = calloc(1, sizeof *c);
    assert_non_null(c);
    in_dead_frame(send_parcels, c);
    collect();
    for (size_t i = 0; i < 10 * MANY; i++)
        assert_non_null(GC_MALLOC(sizeof(struct parcel)));
    gcw_drain(0);
    assert_true(nearly_all(c->ran, MANY));
    assert_int_equal(c->intact, c->ran);
}

/* --- order --- */

struct record {
    size_t n;
    int values[16];
};

struct entry {
    struct record *record;
    int value;
};

static void
write_down(void *data)
{
    struct entry *e = data;
    e->record->values[e->record->n++] = e->value;
}

enum { SEVERAL = 5 };

TEST(cleanups_of_one_target_run_newest_first)
{
    static struct record r;
    static struct entry entries[SEVERAL];
    struct target *t = target_new(1);
    for (int i = 0; i < SEVERAL; i++) {
        entries[i] = (struct entry){ &r, i };
        assert_non_null(gcw_cleanup_new(t, write_down, &entries[i]));
    }
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_int_equal(r.n, SEVERAL);
    for (int i = 0; i < SEVERAL; i++)
        assert_int_equal(r.values[i], SEVERAL - 1 - i);
}

struct orderly {
    struct record *records;
    struct entry *entries;
};

static void
register_several_each(void *arg)
{
    struct orderly *o = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        for (int j = 0; j < SEVERAL; j++) {
            struct entry *e = &o->entries[i * SEVERAL + (size_t)j];
            *e = (struct entry){ &o->records[i], j };
            gcw_cleanup_new(t, write_down, e);
        }
    }
}

TEST(so_they_do_when_the_collector_found_the_death)
{
    struct orderly o = { calloc(MANY, sizeof *o.records),
                         calloc(MANY * SEVERAL, sizeof *o.entries) };
    size_t complete = 0;
    assert_true(o.records != NULL && o.entries != NULL);
    in_dead_frame(register_several_each, &o);
    collect();
    gcw_drain(0);
    for (size_t i = 0; i < MANY; i++) {
        if (o.records[i].n == 0)
            continue;
        assert_int_equal(o.records[i].n, SEVERAL);
        for (int j = 0; j < SEVERAL; j++)
            assert_int_equal(o.records[i].values[j], SEVERAL - 1 - j);
        complete++;
    }
    assert_true(nearly_all(complete, MANY));
}

/* --- beside the owner's finalizer --- */

struct both {
    atomic_int finalized;
    size_t cleaned[2];
};

static void GC_CALLBACK
finalize(void *object, void *data)
{
    (void)object;
    atomic_fetch_add(&((struct both *)data)->finalized, 1);
}

static void
clean_on_both_sides(void *arg)
{
    struct both *all = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        gcw_cleanup_new(t, count, &all[i].cleaned[0]);
        GC_REGISTER_FINALIZER(t, finalize, &all[i], NULL, NULL);
        gcw_cleanup_new(t, count, &all[i].cleaned[1]);
    }
}

TEST(cleanups_and_the_finalizer_of_the_owner_all_run)
{
    struct both *all = calloc(MANY, sizeof *all);
    size_t complete = 0;
    assert_non_null(all);
    in_dead_frame(clean_on_both_sides, all);
    collect();
    gcw_drain(0);
    for (size_t i = 0; i < MANY; i++) {
        int finalized = atomic_load(&all[i].finalized);
        assert_in_range(finalized, 0, 1);
        assert_in_range(all[i].cleaned[0], 0, 1);
        assert_int_equal(all[i].cleaned[0], all[i].cleaned[1]);
        complete += finalized == 1 && all[i].cleaned[0] == 1;
    }
    assert_true(nearly_all(complete, MANY));
}

/* --- run and detach --- */

TEST(run_on_an_armed_one_runs_it_here_and_only_once)
{
    size_t *n = counter_new();
    struct target *t = target_new(1);
    gcw_ref *r = gcw_ref_new(t);
    gcw_cleanup *c = gcw_cleanup_new(t, count, n);
    assert_true(gcw_cleanup_run(c));
    assert_int_equal(*n, 1);
    assert_false(gcw_cleanup_alive(c));
    assert_null(gcw_cleanup_peek(c));
    assert_false(gcw_cleanup_run(c));
    assert_ptr_equal(gcw_ref_get(r), t);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_int_equal(*n, 1);
}

TEST(run_on_a_pending_one_takes_it_from_the_drain)
{
    size_t *n = counter_new();
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, count, n);
    assert_int_equal(gcw_dispose(t), 0);
    assert_true(gcw_cleanup_run(c));
    assert_int_equal(*n, 1);
    gcw_drain(0);
    assert_int_equal(*n, 1);
    assert_false(gcw_cleanup_run(c));
}

TEST(detach_of_an_armed_one_wins)
{
    size_t *n = counter_new();
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, count, n);
    assert_true(gcw_cleanup_detach(c));
    assert_false(gcw_cleanup_detach(c));
    assert_false(gcw_cleanup_alive(c));
    assert_null(gcw_cleanup_peek(c));
    assert_false(gcw_cleanup_run(c));
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_int_equal(*n, 0);
}

TEST(detach_of_a_pending_one_wins)
{
    size_t *n = counter_new();
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, count, n);
    assert_int_equal(gcw_dispose(t), 0);
    assert_true(gcw_cleanup_alive(c));
    assert_true(gcw_cleanup_detach(c));
    gcw_drain(0);
    assert_int_equal(*n, 0);
    assert_false(gcw_cleanup_run(c));
}

TEST(detach_of_one_that_has_run_is_too_late)
{
    size_t *n = counter_new();
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, count, n);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    errno = EXDEV;
    assert_false(gcw_cleanup_detach(c));
    assert_false(gcw_cleanup_run(c));
    assert_false(gcw_cleanup_alive(c));
    assert_int_equal(errno, EXDEV);
}

TEST(detach_spares_the_others_of_the_target)
{
    static struct record r;
    static struct entry entries[SEVERAL];
    gcw_cleanup *handles[SEVERAL];
    struct target *t = target_new(1);
    for (int i = 0; i < SEVERAL; i++) {
        entries[i] = (struct entry){ &r, i };
        handles[i] = gcw_cleanup_new(t, write_down, &entries[i]);
    }
    for (int i = 0; i < SEVERAL; i += 2)
        assert_true(gcw_cleanup_detach(handles[i]));
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.values[0], 3);
    assert_int_equal(r.values[1], 1);
}

/* What a running cleanup sees of itself; in uncollectable memory. */
struct inward {
    gcw_cleanup *self;
    size_t calls;
    bool alive, ran, detached;
    void *shown;
};

static void
look_inward(void *data)
{
    struct inward *in = data;
    in->calls++;
    in->alive = gcw_cleanup_alive(in->self);
    in->shown = gcw_cleanup_peek(in->self);
    in->ran = gcw_cleanup_run(in->self);
    in->detached = gcw_cleanup_detach(in->self);
}

TEST(a_running_one_is_out_of_reach)
{
    for (int by_drain = 0; by_drain < 2; by_drain++) {
        struct inward *in = GC_MALLOC_UNCOLLECTABLE(sizeof *in);
        struct target *t = target_new(1);
        *in = (struct inward){ gcw_cleanup_new(t, look_inward, in), 0,
                               true, true, true, t };
        if (by_drain) {
            assert_int_equal(gcw_dispose(t), 0);
            gcw_drain(0);
        } else {
            assert_true(gcw_cleanup_run(in->self));
        }
        assert_int_equal(in->calls, 1);
        assert_false(in->alive || in->ran || in->detached);
        assert_null(in->shown);
    }
}

TEST(dispose_makes_all_cleanups_of_the_object_pending)
{
    size_t *n = counter_new();
    char *t = (char *)target_new(1);
    struct target *neighbour = target_new(2);
    gcw_cleanup *c = gcw_cleanup_new(t, count, n);
    gcw_cleanup *inner = gcw_cleanup_new(t + 8, count, n);
    gcw_cleanup *other = gcw_cleanup_new(neighbour, count, n);
    assert_int_equal(gcw_dispose(t), 0);
    assert_null(gcw_cleanup_peek(c));
    assert_null(gcw_cleanup_peek(inner));
    assert_true(gcw_cleanup_alive(c) && gcw_cleanup_alive(inner));
    gcw_drain(0);
    assert_int_equal(*n, 2);
    assert_ptr_equal(gcw_cleanup_peek(other), neighbour);
    assert_true(gcw_cleanup_detach(other));
}

TEST(a_disposed_object_can_be_cleaned_up_anew)
{
    size_t *first = counter_new(), *second = counter_new();
    struct target *t = target_new(1);
    gcw_cleanup_new(t, count, first);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_cleanup_new(t, count, second);
    gcw_drain(0);
    assert_int_equal(*first, 1);
    assert_int_equal(*second, 0);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_int_equal(*first, 1);
    assert_int_equal(*second, 1);
}

/* --- what is refused --- */

static void
refused(void *target, void (*fn)(void *), void *data)
{
    expect_errno(gcw_cleanup_new(target, fn, data) == NULL, EINVAL);
}

TEST(a_target_outside_the_heap_is_refused)
{
    int local = 0;
    void *p = malloc(64);
    refused(NULL, count, NULL);
    refused(&a_static, count, NULL);
    refused(&local, count, NULL);
    refused(p, count, NULL);
    free(p);
}

TEST(a_cleanup_without_a_function_is_refused)
{
    refused(target_new(1), NULL, NULL);
}

TEST(data_that_is_the_target_is_refused)
{
    char *t = (char *)target_new(1);
    refused(t, count, t);
}

TEST(data_inside_the_target_is_refused)
{
    char *t = (char *)target_new(1);
    refused(t, count, t + 8);
    refused(t + 8, count, t);
}

TEST(the_null_cleanup_is_refused)
{
    expect_errno(!gcw_cleanup_alive(NULL), EINVAL);
    expect_errno(gcw_cleanup_peek(NULL) == NULL, EINVAL);
    expect_errno(!gcw_cleanup_run(NULL), EINVAL);
    expect_errno(!gcw_cleanup_detach(NULL), EINVAL);
    expect_errno(gcw_cleanup_set_atexit(NULL, true) == -1, EINVAL);
    expect_errno(!gcw_cleanup_atexit(NULL), EINVAL);
}

TEST(success_leaves_errno_alone)
{
    size_t *n = counter_new();
    struct target *t = target_new(1);
    errno = EXDEV;
    gcw_cleanup *c = gcw_cleanup_new(t, count, n);
    assert_true(gcw_cleanup_alive(c) && gcw_cleanup_peek(c) == t);
    assert_int_equal(gcw_cleanup_set_atexit(c, false), 0);
    assert_true(gcw_cleanup_run(c));
    assert_false(gcw_cleanup_run(c));
    assert_int_equal(errno, EXDEV);
}

TEST(cleanups_run_at_exit_unless_told_otherwise)
{
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, count, counter_new());
    assert_true(gcw_cleanup_atexit(c));
    assert_int_equal(gcw_cleanup_set_atexit(c, false), 0);
    assert_false(gcw_cleanup_atexit(c));
    assert_int_equal(gcw_cleanup_set_atexit(c, true), 0);
    assert_true(gcw_cleanup_atexit(c));
    assert_true(gcw_cleanup_detach(c));
    GC_reachable_here(t);
}

/* --- at exit; see also shutdown.c, and fork.c for what a child runs --- */

/* On a target of its own, which lives as long as the process. */
static gcw_cleanup *
say_when_dead(const char *what)
{
    return gcw_cleanup_new(lasting_target(1), say_it, (char *)what);
}

END(at_exit_armed_ones_run_newest_first, 7, "second\nfirst\n")
{
    say_when_dead("first");
    say_when_dead("second");
    gcw_cleanup *off = say_when_dead("off");
    gcw_cleanup *detached = say_when_dead("detached");
    gcw_cleanup_set_atexit(off, false);
    gcw_cleanup_detach(detached);
    exit(7);
}

END(one_switched_off_and_on_runs_at_exit, 0, "on\n")
{
    gcw_cleanup *c = say_when_dead("on");
    gcw_cleanup_set_atexit(c, false);
    gcw_cleanup_set_atexit(c, true);
    exit(0);
}
