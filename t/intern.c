/* intern.c: tables of interned objects: which of equal ones there is, and for
 * how long.
 *
 * What is interned are targets; what is wanted is a number, and a target of
 * that number is equal to it.
 */
#include <config.h>

#include "support.h"
#include "at-once.h"
#include "log.h"
#include "thread.h"

#include <errno.h>
#include <setjmp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gcweak/intern.h>
#include <gcweak/map.h>

static bool
has_number(const void *wanted, const void *object)
{
    const struct target *t = object;

    assert_int_equal(t->magic, MAGIC);
    return t->number == *(const size_t *)wanted;
}

static void *
make_target(const void *wanted, void *unused)
{
    (void)unused;
    return target_new(*(const size_t *)wanted);
}

/* Numbers spread, as a hash of texts is. */
static uint64_t
hash_of(size_t number)
{
    return number * UINT64_C(0xff51afd7ed558ccd);
}

static struct target *
intern(gcw_intern *t, size_t number)
{
    return gcw_intern_add(t, hash_of(number), has_number, &number, make_target,
                          NULL);
}

static struct target *
interned(gcw_intern *t, size_t number)
{
    return gcw_intern_find(t, hash_of(number), has_number, &number);
}

/* With one hash for all. */
static struct target *
intern_alike(gcw_intern *t, size_t number)
{
    return gcw_intern_add(t, 7, has_number, &number, make_target, NULL);
}

static struct target *
interned_alike(gcw_intern *t, size_t number)
{
    return gcw_intern_find(t, 7, has_number, &number);
}

static void *
make_nothing(const void *wanted, void *data)
{
    (void)wanted, (void)data;
    fail_msg("something was made");
    return NULL;
}

/* A table, and MANY objects, held here where a test holds them; in
 * uncollectable memory. */
struct crowd {
    gcw_intern *table;
    struct target *objects[MANY];
    gcw_ref *refs[MANY];
};

static struct crowd *
crowd_new(void)
{
    struct crowd *c = GC_MALLOC_UNCOLLECTABLE(sizeof *c);

    assert_non_null(c);
    c->table = gcw_intern_new();
    assert_non_null(c->table);
    return c;
}

static void
fill(void *crowd)
{
    struct crowd *c = crowd;

    for (size_t i = 0; i < MANY; i++) {
        c->objects[i] = intern(c->table, i);
        assert_int_equal(c->objects[i]->number, i);
        c->refs[i] = gcw_ref_new(c->objects[i]);
    }
}

static void
let_go(struct crowd *c)
{
    memset(c->objects, 0, sizeof c->objects);
}

static size_t
dead_objects(struct crowd *c)
{
    return dead_refs(c->refs, MANY);
}

/* --- looking and adding --- */

TEST(of_equal_objects_there_is_one)
{
    gcw_intern *t = gcw_intern_new();
    struct target *one = intern(t, 1);
    size_t number = 1;

    assert_int_equal(one->number, 1);
    assert_ptr_equal(intern(t, 1), one);
    assert_ptr_equal(interned(t, 1), one);
    assert_ptr_equal(gcw_intern_add(t, hash_of(1), has_number, &number,
                                    make_nothing, NULL), one);
    assert_ptr_not_equal(intern(t, 2), one);
    assert_int_equal(gcw_intern_count(t), 2);
}

TEST(what_is_not_there_is_not_found_nor_made)
{
    gcw_intern *t = gcw_intern_new();
    struct target *one = intern(t, 1);

    errno = ENOENT;
    assert_null(interned(t, 2));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(gcw_intern_count(t), 1);
    GC_reachable_here(one);
}

TEST(lots_are_found_while_the_table_grows)
{
    struct crowd *c = crowd_new();

    for (size_t i = 0; i < MANY; i++) {
        c->objects[i] = intern(c->table, i);
        assert_null(interned(c->table, i + 1));
        assert_ptr_equal(interned(c->table, i / 2), c->objects[i / 2]);
    }
    assert_int_equal(gcw_intern_count(c->table), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(intern(c->table, i), c->objects[i]);
    GC_FREE(c);
}

TEST(any_number_is_a_hash)
{
    static const uint64_t hashes[] = {
        0, 1, 2, 16, 256, UINT64_C(1) << 32, UINT64_C(1) << 63,
        UINT64_C(0x8000000000000001), UINT64_MAX, UINT64_MAX - 1
    };
    enum { HASHES = sizeof hashes / sizeof hashes[0] };
    gcw_intern *t = gcw_intern_new();
    struct target *objects[HASHES];

    for (size_t i = 0; i < HASHES; i++)
        objects[i] = gcw_intern_add(t, hashes[i], has_number, &i, make_target,
                                    NULL);
    collect();
    for (size_t i = 0; i < HASHES; i++)
        assert_ptr_equal(gcw_intern_find(t, hashes[i], has_number, &i),
                         objects[i]);
    assert_int_equal(gcw_intern_count(t), HASHES);
}

TEST(objects_of_one_hash_are_told_apart)
{
    struct crowd *c = crowd_new();

    for (size_t i = 0; i < MANY; i++)
        c->objects[i] = intern_alike(c->table, i);
    collect();
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(interned_alike(c->table, i), c->objects[i]);
        assert_ptr_equal(intern_alike(c->table, i), c->objects[i]);
    }
    assert_null(interned_alike(c->table, MANY));
    assert_int_equal(gcw_intern_count(c->table), MANY);
    GC_FREE(c);
}

static bool
count_comparison(const void *counter, const void *object)
{
    (void)object;
    ++*(size_t *)(uintptr_t)counter;
    return false;
}

TEST(only_those_of_its_hash_are_compared_once_each)
{
    struct crowd *c = crowd_new();
    size_t compared = 0;

    fill(c);
    gcw_intern_find(c->table, hash_of(5), count_comparison, &compared);
    assert_int_equal(compared, 1);
    for (size_t i = 0; i < 20; i++)
        c->objects[i] = intern_alike(c->table, i);
    compared = 0;
    gcw_intern_find(c->table, 7, count_comparison, &compared);
    assert_int_equal(compared, 20);
    GC_FREE(c);
}

static void *
make_with_counter(const void *counter, void *unused)
{
    (void)unused;
    return target_new(*(const size_t *)counter);
}

TEST(to_add_one_compares_each_once_too)
{
    gcw_intern *t = gcw_intern_new();
    struct target *objects[20];
    size_t compared = 0;

    for (size_t i = 0; i < 20; i++)
        objects[i] = intern_alike(t, i);
    assert_non_null(gcw_intern_add(t, 7, count_comparison, &compared,
                                   make_with_counter, NULL));
    assert_int_equal(compared, 20);
    GC_reachable_here(objects[19]);
}

/* --- how long objects live --- */

TEST(a_table_whose_objects_are_all_dropped_becomes_empty_and_small)
{
    struct crowd *c = crowd_new();
    gcw_map_iter before, after;

    in_dead_frame(fill, c);
    collect();
    assert_int_equal(gcw_intern_count(c->table), MANY);
    gcw_map_first((gcw_map *)c->table, &before);
    let_go(c);
    collect();
    assert_true(nearly_all(dead_objects(c), MANY));
    assert_int_equal(gcw_intern_count(c->table), MANY - dead_objects(c));
    gcw_map_first((gcw_map *)c->table, &after);
    assert_true(GC_size(after.table) <= GC_size(before.table) / 4);
    GC_FREE(c);
}

TEST(an_object_that_is_held_stays_the_one)
{
    struct crowd *c = crowd_new();

    in_dead_frame(fill, c);
    for (size_t i = 0; i < MANY; i++)
        if (i % 10 != 0)
            c->objects[i] = NULL;
    collect();
    assert_true(nearly_all(dead_objects(c), MANY / 10 * 9));
    for (size_t i = 0; i < MANY; i += 10)
        assert_ptr_equal(intern(c->table, i), c->objects[i]);
    GC_FREE(c);
}

TEST(one_that_died_is_made_anew)
{
    struct crowd *c = crowd_new();
    size_t again = 0;

    in_dead_frame(fill, c);
    let_go(c);
    collect();
    for (size_t i = 0; i < MANY; i++)
        again += interned(c->table, i) == NULL;
    assert_int_equal(again, dead_objects(c));
    in_dead_frame(fill, c);
    assert_int_equal(gcw_intern_count(c->table), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(interned(c->table, i), c->objects[i]);
    GC_FREE(c);
}

/* If it needed a new place each time, the table would grow. */
TEST(the_place_of_one_that_died_serves_the_next_of_its_hash)
{
    gcw_intern *t = gcw_intern_new();
    gcw_map_iter before, after;

    intern(t, 1);
    gcw_map_first((gcw_map *)t, &before);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(gcw_dispose(intern(t, 1)), 0);
    gcw_map_first((gcw_map *)t, &after);
    assert_ptr_equal(after.table, before.table);
    assert_int_equal(gcw_intern_count(t), 0);
}

TEST(a_table_that_is_dropped_is_collected)
{
    size_t n = 0;
    gcw_ref **refs = (gcw_ref **)keep_array(MANY);

    for (; n < MANY; n++)
        refs[n] = gcw_ref_new(gcw_intern_new());
    collect();
    assert_true(nearly_all(dead_refs(refs, MANY), MANY));
}

/* --- finalizers --- */

struct finalized {
    gcw_intern *table;
    size_t n, seen;
    struct target *revived[MANY];
};

static void
revive(void *object, void *data)
{
    struct finalized *f = data;
    struct target *t = object;

    f->seen += interned(f->table, t->number) != NULL;
    f->revived[f->n++] = t;
}

static void
fill_with_finalizers(void *finalized)
{
    struct finalized *f = finalized;

    for (size_t i = 0; i < MANY; i++)
        GC_REGISTER_FINALIZER_NO_ORDER(intern(f->table, i), revive, f, NULL,
                                       NULL);
}

TEST(a_finalizer_does_not_find_its_object_nor_brings_it_back_in)
{
    struct finalized *f = GC_MALLOC_UNCOLLECTABLE(sizeof *f);

    f->table = gcw_intern_new();
    in_dead_frame(fill_with_finalizers, f);
    collect();
    assert_true(nearly_all(f->n, MANY));
    assert_int_equal(f->seen, 0);
    for (size_t i = 0; i < f->n; i++)
        assert_null(interned(f->table, f->revived[i]->number));
    GC_FREE(f);
}

/* --- disposal --- */

TEST(an_object_that_is_disposed_of_is_out_at_once)
{
    gcw_intern *t = gcw_intern_new();
    struct target *one = intern(t, 1), *other = intern(t, 2), *again;

    assert_int_equal(gcw_dispose(one), 0);
    assert_null(interned(t, 1));
    assert_int_equal(gcw_intern_count(t), 1);
    again = intern(t, 1);
    assert_ptr_not_equal(again, one);
    assert_ptr_equal(interned(t, 1), again);
    assert_ptr_equal(interned(t, 2), other);
}

TEST(a_table_that_is_disposed_of_takes_nothing_more)
{
    gcw_intern *t = gcw_intern_new();
    struct target *one = intern(t, 1);

    assert_int_equal(gcw_dispose(t), 0);
    assert_null(interned(t, 1));
    assert_int_equal(gcw_intern_count(t), 0);
    expect_errno(intern(t, 1) == NULL, ESTALE);
    GC_reachable_here(one);
}

/* --- what is made --- */

static void *
make_as_told(const void *wanted, void *object)
{
    (void)wanted;
    errno = ENOEXEC;
    return object;
}

static void *
add_made(gcw_intern *t, void *object)
{
    size_t number = 2;

    return gcw_intern_add(t, hash_of(2), has_number, &number, make_as_told,
                          object);
}

TEST(where_nothing_is_made_nothing_is_added)
{
    gcw_intern *t = gcw_intern_new();
    struct target *one = intern(t, 1);

    expect_errno(add_made(t, NULL) == NULL, ENOEXEC);
    assert_int_equal(gcw_intern_count(t), 1);
    assert_null(interned(t, 2));
    assert_ptr_equal(interned(t, 1), one);
}

TEST(what_is_made_must_be_in_the_heap)
{
    static struct target nowhere = { .magic = MAGIC, .number = 2 };
    gcw_intern *t = gcw_intern_new();
    struct target on_stack = nowhere;

    expect_errno(add_made(t, &nowhere) == NULL, EINVAL);
    expect_errno(add_made(t, &on_stack) == NULL, EINVAL);
    assert_int_equal(gcw_intern_count(t), 0);
    assert_null(interned(t, 2));
}

/* Where a pointer into the middle would not hold it, it is refused. */
TEST(what_is_made_may_lie_inside_an_object)
{
    gcw_intern *t = gcw_intern_new();
    struct target *both = GC_MALLOC(2 * sizeof *both);

    both[1] = (struct target){ .magic = MAGIC, .number = 2 };
    if (!GC_get_all_interior_pointers()) {
        expect_errno(add_made(t, &both[1]) == NULL, EINVAL);
        return;
    }
    assert_ptr_equal(add_made(t, &both[1]), &both[1]);
    collect();
    assert_ptr_equal(interned(t, 2), &both[1]);
    gcw_dispose(both);
    assert_null(interned(t, 2));
}

/* --- the program's functions may do anything --- */

/* The table that the functions are called for, held where the collector looks
 * in all modes. */
static gcw_intern **now;

static void
begin_table(void)
{
    if (now == NULL)
        now = (gcw_intern **)keep_array(1);
    *now = gcw_intern_new();
}

static void *
make_after_the_same(const void *wanted, void *objects)
{
    struct target **made = objects;

    made[0] = intern(*now, *(const size_t *)wanted);
    return made[1] = target_new(*(const size_t *)wanted);
}

TEST(if_make_adds_an_equal_one_that_is_the_one)
{
    struct target *made[2], *one;
    size_t number = 1;

    begin_table();
    one = gcw_intern_add(*now, hash_of(1), has_number, &number,
                         make_after_the_same, made);
    assert_ptr_equal(one, made[0]);
    assert_ptr_equal(interned(*now, 1), one);
    assert_int_equal(gcw_intern_count(*now), 1);
    GC_reachable_here(made[1]);
}

/* The table grows meanwhile, and many of the same hash are to be compared
 * before it is put in, among them those that had been. */
static void *
make_after_others(const void *wanted, void *objects)
{
    struct target **held = objects;

    for (size_t i = 20; i < 60; i++)
        held[i] = intern_alike(*now, i);
    return make_target(wanted, NULL);
}

static size_t times_compared[MANY];

static bool
has_number_and_counts(const void *wanted, const void *object)
{
    times_compared[((const struct target *)object)->number]++;
    return has_number(wanted, object);
}

TEST(what_make_adds_besides_is_compared_once_and_stays)
{
    struct target *held[61];
    size_t number = 60;

    begin_table();
    for (size_t i = 0; i < 20; i++)
        held[i] = intern_alike(*now, i);
    memset(times_compared, 0, sizeof times_compared);
    held[60] = gcw_intern_add(*now, 7, has_number_and_counts, &number,
                              make_after_others, held);
    for (size_t i = 0; i < 60; i++)
        assert_int_equal(times_compared[i], 1);
    for (size_t i = 0; i <= 60; i++)
        assert_ptr_equal(interned_alike(*now, i), held[i]);
    assert_int_equal(gcw_intern_count(*now), 61);
}

/* The first times; if what is dropped here were held by stale words, there would
 * be more to compare each time. */
static bool
has_number_after_a_collection(const void *wanted, const void *object)
{
    static size_t next = MANY, times;

    if (times++ < 100) {
        for (size_t i = 0; i < 20; i++)
            intern_alike(*now, next++);
        GC_gcollect();
    }
    return has_number(wanted, object);
}

/* What is compared is held, though nobody else holds it; what equal() drops
 * there dies meanwhile. */
TEST(equal_may_change_the_table_and_collect)
{
    size_t number = 5;
    struct target *t;

    begin_table();
    for (size_t i = 0; i < 20; i++)
        intern_alike(*now, i);
    gcw_intern_find(*now, 7, has_number_after_a_collection, &number);
    t = gcw_intern_add(*now, 7, has_number_after_a_collection, &number,
                       make_target, NULL);
    assert_int_equal(t->number, 5);
    assert_ptr_equal(interned_alike(*now, 5), t);
}

static void *
use_table(void *unused)
{
    struct target *t = intern_alike(*now, 100);

    GC_gcollect();
    assert_ptr_equal(interned_alike(*now, 100), t);
    return unused;
}

static bool
has_number_after_others(const void *wanted, const void *object)
{
    in_thread(use_table, NULL);
    return has_number(wanted, object);
}

static void *
make_target_after_others(const void *wanted, void *unused)
{
    in_thread(use_table, NULL);
    return make_target(wanted, unused);
}

/* Another thread can add, and collect, so neither our lock is held nor the
 * collector's. */
TEST(no_lock_is_held_while_the_functions_run)
{
    struct target *one, *two;
    size_t number = 2;

    begin_table();
    one = intern_alike(*now, 1);
    two = gcw_intern_add(*now, 7, has_number_after_others, &number,
                         make_target_after_others, NULL);
    assert_int_equal(two->number, 2);
    assert_ptr_equal(gcw_intern_find(*now, 7, has_number_after_others,
                                     &number), two);
    GC_reachable_here(one);
}

static jmp_buf way_out;

static bool
jump_out(const void *wanted, const void *object)
{
    (void)wanted, (void)object;
    longjmp(way_out, 1);
}

static void *
jump_out_of_making(const void *wanted, void *unused)
{
    (void)wanted;
    longjmp(way_out, 1);
    return unused;
}

static void
call_and_jump_out(int which, const size_t *number)
{
    if (setjmp(way_out) != 0)
        return;
    if (which == 0)
        gcw_intern_find(*now, 7, jump_out, number);
    else if (which == 1)
        gcw_intern_add(*now, 7, jump_out, number, make_target, NULL);
    else
        gcw_intern_add(*now, 7, has_number, number, jump_out_of_making,
                       NULL);
    fail_msg("it has returned");
}

static void *
make_a_rival(const void *wanted, void *rival)
{
    *(struct target **)rival = intern_alike(*now, 9);
    return make_target(wanted, NULL);
}

/* Also out of the last comparison, after what was made. */
static void
jump_out_at_rival(struct target **rival)
{
    size_t number = 8;

    if (setjmp(way_out) != 0)
        return;
    gcw_intern_add(*now, 7, jump_out, &number, make_a_rival, rival);
    fail_msg("it has returned");
}

TEST(the_functions_may_jump_out)
{
    struct target *one, *rival = NULL;
    const size_t number = 2;

    begin_table();
    jump_out_at_rival(&rival);
    assert_ptr_equal(interned_alike(*now, 9), rival);
    one = intern_alike(*now, 1);
    for (int which = 0; which < 3; which++)
        call_and_jump_out(which, &number);
    assert_int_equal(gcw_intern_count(*now), 2);
    in_thread(use_table, NULL);
    assert_ptr_equal(interned_alike(*now, 1), one);
    assert_null(interned_alike(*now, 2));
}

static bool
end_thread(const void *wanted, const void *object)
{
    (void)wanted, (void)object;
    pthread_exit(NULL);
}

static void *
add_and_end(void *unused)
{
    size_t number = 2;

    gcw_intern_add(*now, 7, end_thread, &number, make_target, NULL);
    fail_msg("it has returned");
    return unused;
}

static bool
threads_can_end(void)
{
    return CAN_UNWIND;
}

TEST(the_functions_may_end_their_thread, .only_if = threads_can_end)
{
    struct target *one;

    begin_table();
    one = intern_alike(*now, 1);
    in_thread(add_and_end, NULL);
    assert_int_equal(gcw_intern_count(*now), 1);
    in_thread(use_table, NULL);
    GC_reachable_here(one);
}

/* --- threads --- */

enum { TEXTS = 100000, THREADS = 2 };

struct texts {
    gcw_intern *table;
    char *found[THREADS][TEXTS];
};

static uint64_t
hash_of_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static bool
same_text(const void *wanted, const void *object)
{
    return strcmp(wanted, object) == 0;
}

static void *
copy_text(const void *text, void *unused)
{
    char *copy = GC_MALLOC_ATOMIC(strlen(text) + 1);

    (void)unused;
    return copy == NULL ? NULL : strcpy(copy, text);
}

/* Half of the threads from the other end. */
static bool
intern_texts(size_t number, void *texts)
{
    struct texts *t = texts;

    for (size_t i = 0; i < TEXTS; i++) {
        size_t n = number % 2 == 0 ? i : (i + TEXTS / 2) % TEXTS;
        char text[32];

        snprintf(text, sizeof text, "text %zu", n);
        t->found[number][n] = gcw_intern_add(t->table, hash_of_text(text),
                                             same_text, text, copy_text, NULL);
        if (t->found[number][n] == NULL || strcmp(t->found[number][n], text))
            return false;
    }
    return true;
}

TEST(threads_that_intern_equal_texts_get_the_same_objects)
{
    struct texts *t = GC_MALLOC_UNCOLLECTABLE(sizeof *t);

    t->table = gcw_intern_new();
    at_once(THREADS, intern_texts, t);
    for (size_t i = 0; i < TEXTS; i++)
        assert_ptr_equal(t->found[0][i], t->found[1][i]);
    assert_int_equal(gcw_intern_count(t->table), TEXTS);
    GC_FREE(t);
}

/* The same few numbers, all with one of two hashes: nearly each call meets one
 * that another thread has just added, or that has just died. */
static bool
churn(size_t number, void *table)
{
    enum { ROUNDS = 20000, NUMBERS = 16 };
    struct target *last[4] = { NULL };

    for (size_t i = 0; i < ROUNDS; i++) {
        size_t n = (i * 7 + number) % NUMBERS;
        struct target *t = gcw_intern_add(table, n % 2, has_number, &n,
                                          make_target, NULL);

        if (t == NULL || t->magic != MAGIC || t->number != n
            || gcw_intern_find(table, n % 2, has_number, &n) != t)
            return false;
        last[i % 4] = t;
        if (i % 500 == 0)
            GC_gcollect();
    }
    GC_reachable_here(last[0]);
    return true;
}

TEST(while_objects_come_and_die_each_gets_the_one_that_there_is)
{
    at_once(3, churn, gcw_intern_new());
}

/* --- who takes the collector's event function --- */

static void GC_CALLBACK
hear_nothing(GC_EventType event)
{
    (void)event;
}

static void
check_that_all_are_there(void *crowd)
{
    struct crowd *c = crowd;

    assert_int_equal(gcw_intern_count(c->table), MANY);
    for (size_t i = 0; i < MANY; i++) {
        struct target *t = interned(c->table, i);

        assert_non_null(t);
        assert_true(c->objects[i] == NULL || c->objects[i] == t);
    }
}

TEST(without_the_event_function_nothing_is_lost_nor_dangles)
{
    struct crowd *c = crowd_new();
    GC_on_collection_event_proc before = GC_get_on_collection_event();

    in_dead_frame(fill, c);
    GC_set_on_collection_event(hear_nothing);
    for (size_t i = 0; i < MANY; i += 2)
        c->objects[i] = NULL;
    GC_gcollect();
    assert_int_equal(dead_objects(c), 0);
    in_dead_frame(check_that_all_are_there, c);
    GC_set_on_collection_event(before);
    collect();
    assert_true(nearly_all(dead_objects(c), MANY / 2));
    for (size_t i = 1; i < MANY; i += 2)
        assert_ptr_equal(intern(c->table, i), c->objects[i]);
    GC_FREE(c);
}

/* --- forks --- */

TEST(a_child_has_a_copy)
{
    struct crowd *c = crowd_new();
    int status;
    pid_t pid;

    in_dead_frame(fill, c);
    pid = fork();
    if (pid == 0) {
        check_that_all_are_there(c);
        let_go(c);
        collect();
        _exit(nearly_all(MANY - gcw_intern_count(c->table), MANY) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    check_that_all_are_there(c);
    GC_FREE(c);
}

/* --- errors --- */

TEST(what_makes_no_sense_is_invalid)
{
    gcw_intern *t = gcw_intern_new();
    size_t one = 1;

    expect_errno(gcw_intern_find(NULL, 1, has_number, &one) == NULL, EINVAL);
    expect_errno(gcw_intern_find(t, 1, NULL, &one) == NULL, EINVAL);
    expect_errno(gcw_intern_add(NULL, 1, has_number, &one, make_target, NULL)
                 == NULL, EINVAL);
    expect_errno(gcw_intern_add(t, 1, NULL, &one, make_target, NULL) == NULL,
                 EINVAL);
    expect_errno(gcw_intern_add(t, 1, has_number, &one, NULL, NULL) == NULL,
                 EINVAL);
    expect_errno(gcw_intern_count(NULL) == 0, EINVAL);
    assert_int_equal(gcw_intern_count(t), 0);
}

static bool
is_wanted_nothing(const void *wanted, const void *object)
{
    return wanted == NULL && object != NULL;
}

TEST(nothing_may_be_wanted)
{
    gcw_intern *t = gcw_intern_new();
    struct target *one = intern_alike(t, 1);

    assert_ptr_equal(gcw_intern_find(t, 7, is_wanted_nothing, NULL), one);
}

static bool all_refused;

static void *
refer_to_table(void *table)
{
    size_t number = 1;

    all_refused
        = refusal(gcw_intern_new() == NULL) == EPERM
          && refusal(gcw_intern_find(table, 7, has_number, &number) == NULL)
             == EPERM
          && refusal(gcw_intern_add(table, 7, has_number, &number, make_nothing,
                                    NULL) == NULL) == EPERM
          && refusal(gcw_intern_count(table) == 0) == EPERM;
    return NULL;
}

TEST(an_unknown_thread_is_refused)
{
    in_unknown_thread(refer_to_table, gcw_intern_new());
    assert_true(all_refused);
}

TEST(success_leaves_errno_alone)
{
    gcw_intern *t = gcw_intern_new();
    struct target *one;

    errno = ENOENT;
    one = intern(t, 1);
    intern(t, 1);
    interned(t, 1);
    interned(t, 2);
    gcw_intern_count(t);
    assert_int_equal(errno, ENOENT);
    GC_reachable_here(one);
}
