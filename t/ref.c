/* ref.c: tests of weak references: identity, death, ids, interior pointers,
 * finalization, dispose.
 */
#include "support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static int a_static;

/* --- identity --- */

TEST(the_same_target_gives_the_same_reference)
{
    struct target *t = target_new(1);
    gcw_ref *first = gcw_ref_new(t);
    assert_non_null(first);
    assert_ptr_equal(gcw_ref_new(t), first);
    collect();
    assert_ptr_equal(gcw_ref_new(t), first);
    GC_reachable_here(t);
}

/* A few that are kept among many that die, and their references. */
enum { CROWD = 20000, KEPT = CROWD / 10 };

struct kept {
    char *target;
    gcw_ref *is_short, *is_long, *inside;
};

static struct kept
refs_of(struct target *t)
{
    char *start = (char *)t;

    return (struct kept){ start, gcw_ref_new(t), gcw_ref_new_long(t),
                          gcw_ref_new(start + 16) };
}

static void
make_crowd(void *kept)
{
    for (size_t i = 0; i < CROWD; i++) {
        struct kept refs = refs_of(target_new(i));

        if (i % 10 == 0)
            ((struct kept *)kept)[i / 10] = refs;
    }
}

TEST(when_most_targets_die_the_others_keep_their_references)
{
    struct kept *kept = GC_MALLOC_UNCOLLECTABLE(KEPT * sizeof *kept);
    assert_non_null(kept);
    in_dead_frame(make_crowd, kept);
    collect();
    gcw_drain(0);
    for (size_t i = 0; i < KEPT; i++) {
        struct kept again = refs_of((struct target *)kept[i].target);
        assert_memory_equal(&again, &kept[i], sizeof again);
        assert_ptr_equal(gcw_ref_get(again.inside), kept[i].target + 16);
    }
    for (size_t i = 0; i < KEPT; i++) {
        assert_int_equal(gcw_dispose(kept[i].target), 0);
        assert_null(gcw_ref_get(kept[i].is_short));
        assert_null(gcw_ref_get(kept[i].is_long));
        assert_null(gcw_ref_get(kept[i].inside));
    }
    GC_FREE(kept);
}

TEST(different_targets_give_different_references)
{
    struct target *a = target_new(1), *b = target_new(2);
    assert_ptr_not_equal(gcw_ref_new(a), gcw_ref_new(b));
    GC_reachable_here(a);
    GC_reachable_here(b);
}

TEST(the_short_and_the_long_reference_are_two)
{
    struct target *t = target_new(1);
    gcw_ref *s = gcw_ref_new(t), *l = gcw_ref_new_long(t);
    assert_non_null(l);
    assert_ptr_not_equal(s, l);
    assert_ptr_equal(gcw_ref_new_long(t), l);
    assert_true(gcw_ref_id(s) != gcw_ref_id(l));
    GC_reachable_here(t);
}

TEST(a_reference_reads_its_target)
{
    struct target *t = target_new(1);
    assert_ptr_equal(gcw_ref_get(gcw_ref_new(t)), t);
    assert_ptr_equal(gcw_ref_get(gcw_ref_new_long(t)), t);
}

static void
drop_the_reference(void *arg)
{
    void **kept = arg;
    uint64_t *id = kept[1];
    *id = gcw_ref_id(gcw_ref_new(kept[0]));
}

TEST(the_library_holds_the_reference_of_a_live_target)
{
    uint64_t id = 0;
    void **kept = keep_array(2);
    kept[0] = target_new(1);
    kept[1] = &id;
    in_dead_frame(drop_the_reference, kept);
    collect();
    assert_true(id != 0);
    assert_true(gcw_ref_id(gcw_ref_new(kept[0])) == id);
}

/* --- finding --- */

TEST(only_a_reference_that_there_is_can_be_found)
{
    struct target *t = target_new(1);
    gcw_ref *r;

    errno = ENOENT;
    assert_null(gcw_ref_find(t));
    assert_null(gcw_ref_find(t));
    r = gcw_ref_new(t);
    assert_ptr_equal(gcw_ref_find(t), r);
    collect();
    assert_ptr_equal(gcw_ref_find(t), r);
    assert_int_equal(errno, ENOENT);
    GC_reachable_here(t);
}

TEST(the_one_found_is_short_and_to_that_very_pointer)
{
    struct target *t = target_new(1), *other = target_new(2);
    gcw_ref *inner;

    gcw_ref_new_long(t);
    gcw_ref_new(other);
    inner = gcw_ref_new(&t->number);
    assert_null(gcw_ref_find(t));
    assert_null(gcw_ref_find(&t->field));
    assert_ptr_equal(gcw_ref_find(&t->number), inner);
    GC_reachable_here(t);
    GC_reachable_here(other);
}

TEST(of_what_was_disposed_of_none_is_found)
{
    struct target *t = target_new(1);
    gcw_ref *first = gcw_ref_new(t), *second;

    gcw_dispose(t);
    assert_null(gcw_ref_find(t));
    second = gcw_ref_new(t);
    assert_ptr_not_equal(second, first);
    assert_ptr_equal(gcw_ref_find(t), second);
}

static void
refer_and_drop(void *count)
{
    size_t *n = count;

    for (size_t i = 0; i < MANY; i++)
        *n += gcw_ref_new(target_new(i)) != NULL;
}

/* Their memory serves new objects, nearly all of it. */
TEST(a_new_object_where_a_target_lay_has_none)
{
    size_t n = 0;

    in_dead_frame(refer_and_drop, &n);
    GC_gcollect();
    for (size_t i = 0; i < n; i++)
        assert_null(gcw_ref_find(target_new(i)));
}

TEST(finding_takes_no_heap_objects_only_pointers_into_them)
{
    int on_stack;

    expect_errno(gcw_ref_find(NULL) == NULL, EINVAL);
    expect_errno(gcw_ref_find(&a_static) == NULL, EINVAL);
    expect_errno(gcw_ref_find(&on_stack) == NULL, EINVAL);
}

/* --- interior pointers --- */

enum { BIG = 8192 };

TEST(an_interior_pointer_is_given_back_exactly)
{
    static const size_t offsets[] = { 0, 1, 7, 8, 100, BIG / 2, BIG - 1 };
    char *object = GC_MALLOC(BIG);
    assert_non_null(object);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        gcw_ref *r = gcw_ref_new(object + offsets[i]);
        assert_non_null(r);
        assert_ptr_equal(gcw_ref_get(r), object + offsets[i]);
        collect();
        assert_ptr_equal(gcw_ref_get(r), object + offsets[i]);
    }
    GC_reachable_here(object);
}

TEST(interior_pointers_are_targets_of_their_own)
{
    char *object = GC_MALLOC(BIG);
    gcw_ref *base = gcw_ref_new(object), *inner = gcw_ref_new(object + 16);
    assert_ptr_not_equal(base, inner);
    assert_true(gcw_ref_id(base) != gcw_ref_id(inner));
    assert_ptr_equal(gcw_ref_new(object + 16), inner);
    GC_reachable_here(object);
}

enum { POINTERS = 3 };

static void
point_into_many(void *arg)
{
    gcw_ref **refs = arg;
    for (size_t i = 0; i < MANY; i++) {
        char *object = (char *)target_new(i);
        for (size_t j = 0; j < POINTERS; j++)
            refs[i * POINTERS + j] = gcw_ref_new(object + j * 8);
    }
}

TEST(interior_pointers_into_one_object_die_together)
{
    gcw_ref **refs = (gcw_ref **)keep_array(MANY * POINTERS);
    size_t dead = 0;
    in_dead_frame(point_into_many, refs);
    collect();
    for (size_t i = 0; i < MANY; i++) {
        bool first = gcw_ref_get(refs[i * POINTERS]) == NULL;
        for (size_t j = 1; j < POINTERS; j++)
            assert_int_equal(gcw_ref_get(refs[i * POINTERS + j]) == NULL,
                             first);
        dead += first;
    }
    assert_true(nearly_all(dead, MANY));
}

/* A reference to each byte of a large object. */
TEST(each_byte_of_an_object_can_be_a_target)
{
    enum { BYTES = 100000 };
    char *object = GC_MALLOC(BYTES), *other = GC_MALLOC(BIG);
    gcw_ref **refs = (gcw_ref **)keep_array(BYTES);
    gcw_ref *neighbour = gcw_ref_new(other + 8);
    assert_non_null(object);
    for (size_t i = 0; i < BYTES; i++)
        refs[i] = gcw_ref_new(object + i);
    collect();
    for (size_t i = 0; i < BYTES; i++) {
        assert_ptr_equal(gcw_ref_new(object + i), refs[i]);
        assert_ptr_equal(gcw_ref_get(refs[i]), object + i);
    }
    assert_int_equal(gcw_dispose(object), 0);
    for (size_t i = 0; i < BYTES; i++)
        assert_null(gcw_ref_get(refs[i]));
    assert_ptr_equal(gcw_ref_get(neighbour), other + 8);
    assert_ptr_not_equal(gcw_ref_new(object + 1), refs[1]);
    GC_reachable_here(object);
    GC_reachable_here(other);
}

/* Every third target is kept by its base, the others are dropped. */
struct herd {
    gcw_ref **refs;
    void **kept;             /* bases; NULL for what was dropped */
    uintptr_t *addresses;    /* hidden from the collector */
    void *(*make)(size_t i);
};

static struct herd
herd_new(void *(*make)(size_t i))
{
    struct herd h = { (gcw_ref **)keep_array(MANY), keep_array(MANY),
                      calloc(MANY, sizeof(uintptr_t)), make };
    assert_non_null(h.addresses);
    return h;
}

static void
herd_populate(void *arg)
{
    struct herd *h = arg;
    for (size_t i = 0; i < MANY; i++) {
        void *object = h->make(i);
        h->addresses[i] = ~(uintptr_t)object;
        h->refs[i] = gcw_ref_new(object);
        if (i % 3 == 0)
            h->kept[i] = GC_base(object);
    }
}

static void
kept_ones_live_and_nearly_all_others_die(void *(*make)(size_t i))
{
    struct herd h = herd_new(make);
    size_t dropped = 0, dead = 0;
    in_dead_frame(herd_populate, &h);
    collect();
    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(h.refs[i]);
        void *got = gcw_ref_get(h.refs[i]);
        if (h.kept[i] != NULL || got != NULL)
            assert_true((uintptr_t)got == ~h.addresses[i]);
        dropped += h.kept[i] == NULL;
        dead += got == NULL;
    }
    free(h.addresses);
    assert_true(nearly_all(dead, dropped));
}

static void *
make_target(size_t i)
{
    return target_new(i);
}

static void *
make_debug(size_t i)
{
    return GC_debug_malloc(sizeof(struct target) + i % 64, GC_EXTRAS);
}

static void *
make_aligned(size_t i)
{
    return GC_memalign((size_t)64 << i % 4, 200);
}

static void *
make_atomic(size_t i)
{
    return GC_MALLOC_ATOMIC(32 + i % 64);
}

TEST(dropped_targets_read_null_and_kept_ones_do_not)
{
    kept_ones_live_and_nearly_all_others_die(make_target);
}

TEST(pointers_from_debug_malloc_live_and_die)
{
    kept_ones_live_and_nearly_all_others_die(make_debug);
}

TEST(pointers_from_memalign_live_and_die)
{
    kept_ones_live_and_nearly_all_others_die(make_aligned);
}

TEST(pointer_free_targets_live_and_die)
{
    kept_ones_live_and_nearly_all_others_die(make_atomic);
}

/* --- what is no target --- */

static void
refused(const void *target)
{
    expect_errno(gcw_ref_new(target) == NULL, EINVAL);
    expect_errno(gcw_ref_new_long(target) == NULL, EINVAL);
    expect_errno(gcw_dispose((void *)(uintptr_t)target) == -1, EINVAL);
    collect();
}

TEST(null_is_refused)
{
    refused(NULL);
}

TEST(a_static_is_refused)
{
    refused(&a_static);
}

TEST(the_stack_is_refused)
{
    int local = 0;
    refused(&local);
}

TEST(malloc_memory_is_refused)
{
    void *p = calloc(1, 100);
    refused(p);
    free(p);
}

TEST(a_function_is_refused)
{
    refused((const void *)(uintptr_t)refused);
}

TEST(an_uncollectable_object_is_accepted_and_lives)
{
    char *p = GC_MALLOC_UNCOLLECTABLE(64);
    gcw_ref *r = gcw_ref_new(p);
    assert_non_null(r);
    assert_ptr_equal(gcw_ref_get(gcw_ref_new(p + 9)), p + 9);
    collect();
    assert_ptr_equal(gcw_ref_get(r), p);
    assert_int_equal(gcw_dispose(p), 0);
    assert_null(gcw_ref_get(r));
    GC_FREE(p);
    collect();
}

/* --- errno --- */

TEST(the_null_reference_reads_null_with_einval)
{
    expect_errno(gcw_ref_get(NULL) == NULL, EINVAL);
    expect_errno(gcw_ref_id(NULL) == 0, EINVAL);
}

TEST(a_dead_reference_leaves_errno_alone)
{
    struct target *t = target_new(1);
    gcw_ref *r = gcw_ref_new(t);
    assert_int_equal(gcw_dispose(t), 0);
    errno = EXDEV;
    assert_null(gcw_ref_get(r));
    assert_int_equal(errno, EXDEV);
}

TEST(success_leaves_errno_alone)
{
    struct target *t = target_new(1);
    errno = EXDEV;
    gcw_ref *r = gcw_ref_new(t);
    assert_true(gcw_ref_new(t) == r && gcw_ref_new_long(t) != NULL);
    assert_true(gcw_ref_get(r) == t && gcw_ref_id(r) != 0);
    assert_int_equal(gcw_dispose(t), 0);
    assert_int_equal(errno, EXDEV);
}

/* --- ids --- */

enum { ROUNDS = 100 };

struct births {
    uint64_t *ids;
    gcw_ref **refs;
    size_t n;
};

static void
give_birth(void *arg)
{
    struct births *b = arg;
    for (size_t i = 0; i < MANY; i++) {
        b->refs[i] = gcw_ref_new(target_new(i));
        b->ids[b->n++] = gcw_ref_id(b->refs[i]);
    }
}

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

TEST(ids_are_not_reused_after_a_hundred_thousand_deaths)
{
    struct births b = { calloc(ROUNDS * MANY, sizeof(uint64_t)),
                        (gcw_ref **)keep_array(MANY), 0 };
    size_t dead = 0;
    assert_non_null(b.ids);
    for (size_t round = 0; round < ROUNDS; round++) {
        in_dead_frame(give_birth, &b);
        GC_gcollect();
        dead += dead_refs(b.refs, MANY);
    }
    assert_true(nearly_all(dead, b.n));
    qsort(b.ids, b.n, sizeof *b.ids, by_value);
    assert_true(b.ids[0] != 0);
    for (size_t i = 1; i < b.n; i++)
        assert_true(b.ids[i - 1] != b.ids[i]);
    free(b.ids);
}

TEST(an_id_is_unchanged_by_death)
{
    struct births b = { calloc(MANY, sizeof(uint64_t)),
                        (gcw_ref **)keep_array(MANY), 0 };
    in_dead_frame(give_birth, &b);
    collect();
    assert_true(nearly_all(dead_refs(b.refs, MANY), MANY));
    for (size_t i = 0; i < MANY; i++)
        assert_true(gcw_ref_id(b.refs[i]) == b.ids[i]);
    free(b.ids);
}

/* --- finalizers --- */

/* What the finalizer of one target saw. */
struct witness {
    gcw_ref *short_ref, *long_ref, *made;
    void *kept;                      /* what the finalizer brought back */
    bool resurrect;
    atomic_int runs;
    bool short_read_null, long_read_object, renewed;
};

static void GC_CALLBACK
finalize(void *object, void *data)
{
    struct witness *w = data;
    w->short_read_null = gcw_ref_get(w->short_ref) == NULL;
    w->long_read_object = gcw_ref_get(w->long_ref) == object;
    if (w->resurrect) {
        w->made = gcw_ref_new(object);
        w->renewed = w->made != w->short_ref && w->made != NULL
                     && gcw_ref_get(w->made) == object;
        w->kept = object;
    }
    atomic_fetch_add(&w->runs, 1);
}

struct witnesses {
    struct witness *all;
    bool finalizer_first, resurrect;
};

static void
set_finalizer(struct target *t, struct witness *w)
{
    GC_REGISTER_FINALIZER(t, finalize, w, NULL, NULL);
}

static void
make_witnesses(void *arg)
{
    struct witnesses *ws = arg;
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = target_new(i);
        struct witness *w = &ws->all[i];
        w->resurrect = ws->resurrect;
        if (ws->finalizer_first)
            set_finalizer(t, w);
        w->short_ref = gcw_ref_new(t);
        w->long_ref = gcw_ref_new_long(t);
        if (!ws->finalizer_first)
            set_finalizer(t, w);
    }
}

static struct witness *
finalized(bool finalizer_first, bool resurrect)
{
    struct witnesses ws = {
        GC_MALLOC_UNCOLLECTABLE(MANY * sizeof(struct witness)),
        finalizer_first, resurrect
    };
    assert_non_null(ws.all);
    in_dead_frame(make_witnesses, &ws);
    collect();
    return ws.all;
}

static void
finalizers_ran_once(bool finalizer_first)
{
    struct witness *w = finalized(finalizer_first, false);
    size_t ran = 0;
    collect();
    for (size_t i = 0; i < MANY; i++) {
        int runs = atomic_load(&w[i].runs);
        assert_in_range(runs, 0, 1);
        ran += (size_t)runs;
    }
    assert_true(nearly_all(ran, MANY));
}

TEST(a_finalizer_registered_before_the_reference_still_runs)
{
    finalizers_ran_once(true);
}

TEST(a_finalizer_registered_after_the_reference_still_runs)
{
    finalizers_ran_once(false);
}

TEST(a_short_reference_reads_null_before_the_finalizer_runs)
{
    struct witness *w = finalized(false, false);
    size_t ran = 0;
    for (size_t i = 0; i < MANY; i++) {
        if (atomic_load(&w[i].runs) == 0)
            continue;
        assert_true(w[i].short_read_null);
        ran++;
    }
    assert_true(nearly_all(ran, MANY));
}

TEST(a_long_reference_sees_the_object_in_its_finalizer)
{
    struct witness *w = finalized(true, false);
    size_t ran = 0;
    for (size_t i = 0; i < MANY; i++) {
        if (atomic_load(&w[i].runs) == 0)
            continue;
        assert_true(w[i].long_read_object);
        ran++;
    }
    assert_true(nearly_all(ran, MANY));
}

TEST(a_long_reference_reads_null_when_the_object_is_gone)
{
    struct witness *w = finalized(true, false);
    size_t gone = 0;
    collect();
    for (size_t i = 0; i < MANY; i++)
        gone += gcw_ref_get(w[i].long_ref) == NULL;
    assert_true(nearly_all(gone, MANY));
}

TEST(a_long_reference_tracks_resurrection)
{
    struct witness *w = finalized(false, true);
    size_t back = 0;
    collect();
    for (size_t i = 0; i < MANY; i++) {
        if (w[i].kept == NULL)
            continue;
        assert_ptr_equal(gcw_ref_get(w[i].long_ref), w[i].kept);
        assert_ptr_equal(gcw_ref_new_long(w[i].kept), w[i].long_ref);
        back++;
    }
    assert_true(nearly_all(back, MANY));
}

TEST(a_resurrected_object_gets_a_new_short_reference)
{
    struct witness *w = finalized(true, true);
    size_t back = 0;
    collect();
    for (size_t i = 0; i < MANY; i++) {
        if (w[i].kept == NULL)
            continue;
        assert_true(w[i].renewed);
        assert_null(gcw_ref_get(w[i].short_ref));
        assert_ptr_equal(gcw_ref_new(w[i].kept), w[i].made);
        assert_true(gcw_ref_id(w[i].made) != gcw_ref_id(w[i].short_ref));
        back++;
    }
    assert_true(nearly_all(back, MANY));
}

/* --- dispose --- */

TEST(dispose_makes_every_reference_into_the_object_read_null)
{
    char *object = GC_MALLOC(BIG);
    gcw_ref *refs[] = {
        gcw_ref_new(object), gcw_ref_new_long(object),
        gcw_ref_new(object + 8), gcw_ref_new_long(object + 8),
        gcw_ref_new(object + BIG - 1)
    };
    size_t n = sizeof refs / sizeof *refs;
    assert_int_equal(dead_refs(refs, n), 0);
    assert_int_equal(gcw_dispose(object + 100), 0);
    assert_int_equal(dead_refs(refs, n), n);
    collect();
    assert_int_equal(dead_refs(refs, n), n);
    GC_reachable_here(object);
}

TEST(dispose_spares_the_neighbours)
{
    void **kept = keep_array(MANY);
    gcw_ref **refs = (gcw_ref **)keep_array(MANY);
    for (size_t i = 0; i < MANY; i++)
        refs[i] = gcw_ref_new(kept[i] = target_new(i));
    for (size_t i = 0; i < MANY; i += 3)
        assert_int_equal(gcw_dispose(kept[i]), 0);
    collect();
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(gcw_ref_get(refs[i]), i % 3 ? kept[i] : NULL);
}

TEST(dispose_of_an_object_without_references_succeeds)
{
    struct target *t = target_new(1);
    assert_int_equal(gcw_dispose(t), 0);
    assert_int_equal(gcw_dispose(t), 0);
}

TEST(a_disposed_object_becomes_a_target_anew)
{
    struct target *t = target_new(1);
    gcw_ref *old = gcw_ref_new(t);
    uint64_t old_id = gcw_ref_id(old);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_ref *renewed = gcw_ref_new(t);
    assert_ptr_not_equal(renewed, old);
    assert_true(gcw_ref_id(renewed) != old_id);
    assert_true(gcw_ref_id(old) == old_id);
    collect();
    assert_ptr_equal(gcw_ref_get(renewed), t);
    assert_null(gcw_ref_get(old));
}

struct freed {
    gcw_ref **old, **renewed;
    void **kept;
};

static void
dispose_and_free_many(void *arg)
{
    struct freed *f = arg;
    for (size_t i = 0; i < MANY; i++) {
        f->kept[i] = target_new(i);
        f->old[i] = i % 2 ? gcw_ref_new(f->kept[i])
                          : gcw_ref_new_long(f->kept[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        if (gcw_dispose(f->kept[i]) == 0)
            GC_FREE(f->kept[i]);
        f->kept[i] = NULL;
    }
}

TEST(after_dispose_the_memory_can_be_freed_and_reused)
{
    struct freed f = { (gcw_ref **)keep_array(MANY),
                       (gcw_ref **)keep_array(MANY), keep_array(MANY) };
    in_dead_frame(dispose_and_free_many, &f);
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = f.kept[i] = target_new(i);
        memset(&t->field, 0x55, sizeof t->field);
        f.renewed[i] = gcw_ref_new(t);
    }
    collect();
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = f.kept[i], *same = gcw_ref_get(f.renewed[i]);
        uintptr_t field;
        memcpy(&field, &t->field, sizeof field);
        assert_null(gcw_ref_get(f.old[i]));
        assert_ptr_equal(same, t);
        assert_true(t->magic == MAGIC && t->number == i);
        assert_true(field == UINTPTR_MAX / 3);
    }
}
