/* set.c: weak sets, and sets of weak methods. */
#include <config.h>

#include "support.h"
#include "at-once.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gcweak/set.h>

/* A set of many, in uncollectable memory: what is not to die is held here. */
struct herd {
    gcw_set *set;
    gcw_method_set *methods;
    struct target *members[MANY], *data[MANY];
    gcw_ref *refs[MANY], *data_refs[MANY];
};

static struct herd *
herd_new(void)
{
    struct herd *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);

    assert_non_null(h);
    h->set = gcw_set_new();
    h->methods = gcw_method_set_new();
    assert_non_null(h->set);
    assert_non_null(h->methods);
    return h;
}

static void
add_member(struct herd *h, size_t i)
{
    h->members[i] = target_new(i);
    h->refs[i] = gcw_ref_new(h->members[i]);
    assert_int_equal(gcw_set_add(h->set, h->members[i]), 1);
}

static void
fill(void *herd)
{
    for (size_t i = 0; i < MANY; i++)
        add_member(herd, i);
}

static void
let_go(void *array, size_t from)
{
    memset((void **)array + from, 0, (MANY - from) * sizeof(void *));
}

static size_t
dead_members(struct herd *h)
{
    return dead_refs(h->refs, MANY);
}

/* --- members --- */

TEST(what_was_added_is_in)
{
    gcw_set *s = gcw_set_new();
    struct target *a = target_new(1), *b = target_new(2);

    assert_int_equal(gcw_set_add(s, a), 1);
    assert_true(gcw_set_has(s, a));
    assert_false(gcw_set_has(s, b));
    assert_int_equal(gcw_set_count(s), 1);
    GC_reachable_here(a);
}

TEST(what_is_added_twice_is_in_once)
{
    gcw_set *s = gcw_set_new();
    struct target *a = target_new(1);

    assert_int_equal(gcw_set_add(s, a), 1);
    assert_int_equal(gcw_set_add(s, a), 0);
    assert_int_equal(gcw_set_count(s), 1);
    assert_true(gcw_set_remove(s, a));
    assert_false(gcw_set_has(s, a));
    assert_int_equal(gcw_set_add(s, a), 1);
    GC_reachable_here(a);
}

TEST(two_pointers_into_one_object_are_two_members)
{
    gcw_set *s = gcw_set_new();
    struct target *a = target_new(1);

    assert_int_equal(gcw_set_add(s, &a->field), 1);
    assert_false(gcw_set_has(s, a));
    assert_int_equal(gcw_set_add(s, a), 1);
    assert_int_equal(gcw_set_add(s, &a->field), 0);
    assert_int_equal(gcw_set_count(s), 2);
    GC_reachable_here(a);
}

TEST(what_is_removed_is_out)
{
    gcw_set *s = gcw_set_new();
    struct target *a = target_new(1);

    gcw_set_add(s, a);
    assert_true(gcw_set_remove(s, a));
    assert_false(gcw_set_remove(s, a));
    assert_false(gcw_set_has(s, a));
    assert_int_equal(gcw_set_count(s), 0);
    GC_reachable_here(a);
}

TEST(lots_of_members_are_found_while_the_set_grows)
{
    struct herd *h = herd_new();

    fill(h);
    assert_int_equal(gcw_set_count(h->set), MANY);
    for (size_t i = 0; i < MANY; i += 2)
        assert_true(gcw_set_remove(h->set, h->members[i]));
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gcw_set_has(h->set, h->members[i]), i % 2);
    assert_int_equal(gcw_set_count(h->set), MANY / 2);
    GC_FREE(h);
}

/* --- how long they are in --- */

/* Of those that are held. */
static void
check_members(struct herd *h, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(gcw_set_has(h->set, h->members[i]));
}

TEST(a_set_keeps_no_member_alive)
{
    struct herd *h = herd_new();

    in_dead_frame(fill, h);
    collect();
    assert_int_equal(gcw_set_count(h->set), MANY);
    check_members(h, MANY);
    let_go(h->members, MANY / 2);
    collect();
    assert_true(nearly_all(dead_members(h), MANY / 2));
    assert_int_equal(gcw_set_count(h->set), MANY - dead_members(h));
    check_members(h, MANY / 2);
    GC_FREE(h);
}

/* No finalizer is run before it is looked. */
TEST(what_is_dead_is_out_after_one_collection)
{
    struct herd *h = herd_new();

    in_dead_frame(fill, h);
    let_go(h->members, 0);
    GC_gcollect();
    assert_true(nearly_all(MANY - gcw_set_count(h->set), MANY));
    GC_FREE(h);
}

struct finalized {
    gcw_set *set;
    gcw_method_set *methods;
    size_t n, seen;
};

static struct finalized *
finalized_new(void)
{
    struct finalized *f = GC_MALLOC_UNCOLLECTABLE(sizeof *f);

    f->set = gcw_set_new();
    f->methods = gcw_method_set_new();
    return f;
}

static void
look_for_itself(void *object, void *data)
{
    struct finalized *f = data;

    f->n++;
    f->seen += gcw_set_has(f->set, object);
}

static void
fill_with_finalizers(void *finalized)
{
    struct finalized *f = finalized;

    for (size_t i = 0; i < MANY; i++) {
        struct target *member = target_new(i);

        gcw_set_add(f->set, member);
        GC_REGISTER_FINALIZER_NO_ORDER(member, look_for_itself, f, NULL, NULL);
    }
}

TEST(a_finalizer_does_not_find_its_object_in_a_set)
{
    struct finalized *f = finalized_new();

    in_dead_frame(fill_with_finalizers, f);
    collect();
    assert_true(nearly_all(f->n, MANY));
    assert_int_equal(f->seen, 0);
}

struct owner {
    gcw_set *set;
    struct target *member;
};

static void
look_into_set(void *object, void *data)
{
    struct finalized *f = data;
    struct owner *owner = object;

    f->n++;
    f->seen += gcw_set_has(owner->set, owner->member);
}

static void
make_owners(void *finalized)
{
    for (size_t i = 0; i < MANY; i++) {
        struct owner *owner = GC_MALLOC(sizeof *owner);

        owner->set = gcw_set_new();
        owner->member = target_new(i);
        gcw_set_add(owner->set, owner->member);
        GC_REGISTER_FINALIZER_NO_ORDER(owner, look_into_set, finalized, NULL,
                                       NULL);
    }
}

/* A stale word may lead to the set alone, past its owner; in incremental mode
 * more so, where what is marked once stays marked for some collections. */
static bool
most_were_whole(const struct finalized *f)
{
    return f->seen * 4 >= f->n * 3;
}

TEST(a_set_of_an_object_that_is_finalized_is_whole)
{
    struct finalized *f = finalized_new();

    in_dead_frame(make_owners, f);
    collect();
    assert_true(nearly_all(f->n, MANY));
    assert_true(most_were_whole(f));
}

TEST(a_member_that_is_disposed_of_is_out_at_once)
{
    gcw_set *s = gcw_set_new();
    struct target *a = target_new(1), *b = target_new(2);

    gcw_set_add(s, a);
    gcw_set_add(s, b);
    gcw_set_add(s, &b->field);
    assert_int_equal(gcw_dispose(a), 0);
    assert_false(gcw_set_has(s, a));
    assert_int_equal(gcw_set_count(s), 2);
    assert_int_equal(gcw_dispose(b), 0);
    assert_false(gcw_set_has(s, b));
    assert_false(gcw_set_has(s, &b->field));
    assert_int_equal(gcw_set_count(s), 0);
    assert_int_equal(gcw_set_add(s, a), 1);
    assert_true(gcw_set_has(s, a));
    GC_reachable_here(a);
}

TEST(a_set_that_is_disposed_of_takes_nothing_more)
{
    gcw_set *s = gcw_set_new();
    struct target *a = target_new(1);

    gcw_set_add(s, a);
    assert_int_equal(gcw_dispose(s), 0);
    assert_false(gcw_set_has(s, a));
    assert_int_equal(gcw_set_count(s), 0);
    expect_errno(gcw_set_add(s, a) == -1, ESTALE);
    expect_errno(!gcw_set_remove(s, a), ESTALE);
    GC_reachable_here(a);
}

static size_t
bytes_of_table(gcw_set *s)
{
    gcw_set_iter i;

    gcw_set_first(s, &i);
    return GC_size(i.entries.table);
}

TEST(a_set_shrinks_after_its_members_have_died)
{
    struct herd *h = herd_new();
    size_t full;

    in_dead_frame(fill, h);
    full = bytes_of_table(h->set);
    let_go(h->members, MANY / 20);
    collect();
    assert_true(nearly_all(dead_members(h), MANY - MANY / 20));
    assert_true(bytes_of_table(h->set) <= full / 4);
    check_members(h, MANY / 20);
    GC_FREE(h);
}

TEST(a_set_shrinks_as_its_members_are_removed)
{
    struct herd *h = herd_new();
    size_t full;

    fill(h);
    full = bytes_of_table(h->set);
    for (size_t i = MANY / 20; i < MANY; i++)
        gcw_set_remove(h->set, h->members[i]);
    assert_true(bytes_of_table(h->set) <= full / 4);
    check_members(h, MANY / 20);
    GC_FREE(h);
}

/* --- walking --- */

TEST(a_walk_gives_each_member_once)
{
    struct herd *h = herd_new();
    char given[MANY] = { 0 };
    gcw_set_iter i;
    void *member;

    fill(h);
    gcw_set_first(h->set, &i);
    while (gcw_set_next(&i, &member))
        assert_int_equal(given[((struct target *)member)->number]++, 0);
    for (size_t n = 0; n < MANY; n++)
        assert_int_equal(given[n], 1);
    assert_false(gcw_set_next(&i, &member));
    GC_FREE(h);
}

/* With each member that is given goes another one that was not given yet, and
 * others come, until the set has moved. */
TEST(what_stays_is_given_once_and_what_was_removed_is_not)
{
    struct herd *h = herd_new();
    char given[MANY] = { 0 }, removed[MANY] = { 0 };
    gcw_set_iter i;
    void *member;

    fill(h);
    gcw_set_first(h->set, &i);
    while (gcw_set_next(&i, &member)) {
        size_t n = ((struct target *)member)->number;

        if (n >= MANY)
            continue;
        assert_int_equal(removed[n], 0);
        assert_int_equal(given[n]++, 0);
        removed[MANY - 1 - n] = gcw_set_remove(h->set, h->members[MANY - 1 - n]);
        for (size_t k = 0; k < 4; k++)
            gcw_set_add(h->set, target_new(MANY));
    }
    for (size_t n = 0; n < MANY; n++)
        assert_true(given[n] || removed[n]);
    GC_FREE(h);
}

/* --- threads --- */

struct shared {
    struct herd *herd;
    atomic_int changed[MANY];
};

static struct shared *
shared_new(void)
{
    struct shared *s = GC_MALLOC_UNCOLLECTABLE(sizeof *s);

    s->herd = herd_new();
    for (size_t i = 0; i < MANY; i++)
        s->herd->members[i] = target_new(i);
    return s;
}

static void
shared_free(struct shared *s)
{
    GC_FREE(s->herd);
    GC_FREE(s);
}

static bool
add_all(size_t number, void *shared)
{
    struct shared *s = shared;

    for (size_t i = 0; i < MANY; i++)
        s->changed[i] += gcw_set_add(s->herd->set, s->herd->members[i]);
    if (number == 0)
        GC_gcollect();
    for (size_t i = 0; i < MANY; i++)
        if (!gcw_set_has(s->herd->set, s->herd->members[i]))
            return false;
    return true;
}

static bool
remove_all(size_t number, void *shared)
{
    struct shared *s = shared;

    for (size_t i = 0; i < MANY; i++)
        s->changed[i] -= gcw_set_remove(s->herd->set, s->herd->members[i]);
    return number < MANY && gcw_set_count(s->herd->set) == 0;
}

TEST(of_several_threads_one_adds_a_member_and_one_removes_it)
{
    struct shared *s = shared_new();

    at_once(4, add_all, s);
    assert_int_equal(gcw_set_count(s->herd->set), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(s->changed[i], 1);
    at_once(4, remove_all, s);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(s->changed[i], 0);
    shared_free(s);
}

enum { THREADS = 4, TIMES = 30 };

/* Each has members of its own in the one set. */
static bool
change_own_members(size_t number, void *shared)
{
    struct shared *s = shared;
    gcw_set *set = s->herd->set;
    bool good = true;

    for (size_t time = 0; time < TIMES; time++) {
        for (size_t i = number; i < MANY; i += THREADS)
            good &= gcw_set_add(set, s->herd->members[i]) == 1
                    && gcw_set_has(set, s->herd->members[i]);
        if (time % THREADS == number)
            GC_gcollect();
        for (size_t i = number; i < MANY; i += THREADS)
            good &= gcw_set_remove(set, s->herd->members[i])
                    && !gcw_set_has(set, s->herd->members[i]);
    }
    return good;
}

TEST(threads_do_not_disturb_each_other)
{
    struct shared *s = shared_new();

    at_once(THREADS, change_own_members, s);
    assert_int_equal(gcw_set_count(s->herd->set), 0);
    shared_free(s);
}

/* --- methods --- */

/* A function of methods: counts in its data, if it has any. */
static void *
act(void *self, void *arg, void *data)
{
    (void)self;
    (void)arg;
    if (data != NULL)
        ((struct target *)data)->number++;
    return NULL;
}

static void *
act_otherwise(void *self, void *arg, void *data)
{
    return act(data, arg, self);
}

TEST(a_method_that_was_added_is_in)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1), *data = target_new(0);
    gcw_method *m = gcw_method_new(self, act, data);

    assert_false(gcw_method_set_has(s, m));
    assert_int_equal(gcw_method_set_add(s, m), 1);
    assert_true(gcw_method_set_has(s, m));
    assert_int_equal(gcw_method_set_count(s), 1);
    assert_true(gcw_method_set_remove(s, m));
    assert_false(gcw_method_set_remove(s, m));
    assert_false(gcw_method_set_has(s, m));
    assert_int_equal(gcw_method_set_count(s), 0);
    GC_reachable_here(self);
}

TEST(equal_methods_are_in_once)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1), *data = target_new(0);

    assert_int_equal(gcw_method_set_add(s, gcw_method_new(self, act, data)), 1);
    assert_int_equal(gcw_method_set_add(s, gcw_method_new(self, act, data)), 0);
    assert_true(gcw_method_set_has(s, gcw_method_new(self, act, data)));
    assert_int_equal(gcw_method_set_count(s), 1);
    assert_true(gcw_method_set_remove(s, gcw_method_new(self, act, data)));
    assert_int_equal(gcw_method_set_count(s), 0);
    GC_reachable_here(self);
}

TEST(methods_differ_by_object_function_data_and_how_that_is_held)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1), *other = target_new(2);
    struct target *data = target_new(0);
    gcw_method *all[] = {
        gcw_method_new(self, act, data), gcw_method_new(self, act, other),
        gcw_method_new(self, act, NULL), gcw_method_new(other, act, data),
        gcw_method_new(self, act_otherwise, data),
        gcw_method_new_weak(self, act, data),
        gcw_method_new_weak(self, act, other),
        gcw_method_new(&self->field, act, data)
    };
    size_t n = sizeof all / sizeof all[0];

    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n; k++)
            assert_int_equal(gcw_method_set_has(s, all[k]), k < i);
        assert_int_equal(gcw_method_set_add(s, all[i]), 1);
    }
    assert_int_equal(gcw_method_set_count(s), n);
    assert_int_equal(gcw_method_set_invoke(s, NULL), n);
    GC_reachable_here(self);
    GC_reachable_here(other);
    GC_reachable_here(data);
}

/* The handles are dropped. */
static void
fill_with_methods(void *herd)
{
    struct herd *h = herd;

    for (size_t i = 0; i < MANY; i++) {
        h->members[i] = target_new(i);
        h->refs[i] = gcw_ref_new(h->members[i]);
        assert_int_equal(gcw_method_set_add(
            h->methods, gcw_method_new(h->members[i], act, NULL)), 1);
    }
}

static bool
has_method(struct herd *h, size_t i)
{
    return gcw_method_set_has(h->methods,
                              gcw_method_new(h->members[i], act, NULL));
}

TEST(a_method_made_in_place_is_in_as_long_as_its_object_lives)
{
    struct herd *h = herd_new();

    in_dead_frame(fill_with_methods, h);
    collect();
    assert_int_equal(gcw_method_set_count(h->methods), MANY);
    assert_int_equal(gcw_method_set_invoke(h->methods, NULL), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_true(has_method(h, i));
    let_go(h->members, MANY / 2);
    collect();
    assert_true(nearly_all(dead_members(h), MANY / 2));
    assert_int_equal(gcw_method_set_count(h->methods), MANY - dead_members(h));
    assert_int_equal(gcw_method_set_invoke(h->methods, NULL),
                     MANY - dead_members(h));
    for (size_t i = 0; i < MANY / 2; i++)
        assert_true(has_method(h, i));
    GC_FREE(h);
}

TEST(what_has_died_has_no_method_in_after_one_collection)
{
    struct herd *h = herd_new();

    in_dead_frame(fill_with_methods, h);
    let_go(h->members, 0);
    GC_gcollect();
    assert_true(nearly_all(MANY - gcw_method_set_count(h->methods), MANY));
    GC_FREE(h);
}

/* Several methods for each, whose data leads to it. */
static void
fill_with_cycles(void *herd)
{
    struct herd *h = herd;

    for (size_t i = 0; i < MANY; i++) {
        h->members[i] = target_new(i);
        h->refs[i] = gcw_ref_new(h->members[i]);
        h->data[i] = target_new(0);
        h->data[i]->field = h->members[i];
        h->data_refs[i] = gcw_ref_new(h->data[i]);
        gcw_method_set_add(h->methods,
                           gcw_method_new(h->members[i], act, h->data[i]));
        gcw_method_set_add(h->methods, gcw_method_new(h->members[i],
                                                      act_otherwise,
                                                      h->data[i]));
    }
}

TEST(data_lives_with_its_object_and_does_not_keep_it)
{
    struct herd *h = herd_new();

    in_dead_frame(fill_with_cycles, h);
    let_go(h->data, 0);
    collect();
    assert_int_equal(gcw_method_set_count(h->methods), 2 * MANY);
    assert_int_equal(dead_refs(h->data_refs, MANY), 0);
    assert_int_equal(gcw_method_set_invoke(h->methods, NULL), 2 * MANY);
    let_go(h->members, 0);
    collect();
    assert_true(nearly_all(dead_members(h), MANY));
    assert_true(nearly_all(dead_refs(h->data_refs, MANY), MANY));
    assert_int_equal(gcw_method_set_count(h->methods),
                     2 * (MANY - dead_members(h)));
    GC_FREE(h);
}

/* Weak data, which leads to its object half of the time; the other half of the
 * objects has a method that needs none. */
static void
fill_with_weak_data(void *herd)
{
    struct herd *h = herd;

    for (size_t i = 0; i < MANY; i++) {
        h->members[i] = target_new(i);
        h->refs[i] = gcw_ref_new(h->members[i]);
        h->data[i] = target_new(0);
        h->data_refs[i] = gcw_ref_new(h->data[i]);
        gcw_method_set_add(h->methods, gcw_method_new_weak(h->members[i], act,
                                                           h->data[i]));
        if (i % 2 == 0)
            h->data[i]->field = h->members[i];
        else
            gcw_method_set_add(h->methods,
                               gcw_method_new(h->members[i], act, NULL));
    }
}

static size_t
methods_of_weak_data(struct herd *h)
{
    return MANY / 2 + MANY - dead_refs(h->data_refs, MANY);
}

TEST(a_method_goes_with_its_weak_data)
{
    struct herd *h = herd_new();

    in_dead_frame(fill_with_weak_data, h);
    collect();
    assert_int_equal(gcw_method_set_count(h->methods), MANY + MANY / 2);
    let_go(h->data, 0);
    GC_gcollect();
    assert_true(nearly_all(dead_refs(h->data_refs, MANY), MANY));
    assert_int_equal(gcw_method_set_count(h->methods), methods_of_weak_data(h));
    assert_int_equal(gcw_method_set_invoke(h->methods, NULL),
                     methods_of_weak_data(h));
    for (size_t i = 1; i < MANY; i += 2)
        assert_true(has_method(h, i));
    assert_int_equal(dead_members(h), 0);
    GC_FREE(h);
}

TEST(and_with_its_object_though_the_data_lives)
{
    struct herd *h = herd_new();

    in_dead_frame(fill_with_weak_data, h);
    for (size_t i = 0; i < MANY; i++)
        h->data[i]->field = NULL;
    let_go(h->members, 0);
    collect();
    assert_true(nearly_all(dead_members(h), MANY));
    assert_int_equal(dead_refs(h->data_refs, MANY), 0);
    assert_true(nearly_all(MANY + MANY / 2 - gcw_method_set_count(h->methods),
                           MANY + MANY / 2));
    GC_FREE(h);
}

static void
look_for_own_method(void *object, void *data)
{
    struct finalized *f = data;

    f->n++;
    f->seen += gcw_method_set_has(f->methods, gcw_method_new(object, act, NULL));
}

static void
count_itself(void *self, struct finalized *f)
{
    gcw_method_set_add(f->methods, gcw_method_new(self, act, NULL));
    GC_REGISTER_FINALIZER_NO_ORDER(self, look_for_own_method, f, NULL, NULL);
}

static void
make_those_that_count_themselves(void *finalized)
{
    for (size_t i = 0; i < MANY; i++)
        count_itself(target_new(i), finalized);
}

TEST(a_finalizer_does_not_find_the_method_of_its_object)
{
    struct finalized *f = finalized_new();

    in_dead_frame(make_those_that_count_themselves, f);
    collect();
    assert_true(nearly_all(f->n, MANY));
    assert_int_equal(f->seen, 0);
}

TEST(methods_go_at_once_with_what_is_disposed_of)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1), *data = target_new(2);
    gcw_method *m = gcw_method_new(self, act, NULL);
    gcw_method *weak = gcw_method_new_weak(self, act, data);

    gcw_method_set_add(s, m);
    gcw_method_set_add(s, weak);
    assert_int_equal(gcw_dispose(data), 0);
    assert_int_equal(gcw_method_set_count(s), 1);
    assert_false(gcw_method_set_has(s, weak));
    assert_true(gcw_method_set_has(s, m));
    assert_int_equal(gcw_dispose(self), 0);
    assert_int_equal(gcw_method_set_count(s), 0);
    assert_false(gcw_method_set_has(s, m));
    assert_int_equal(gcw_method_set_invoke(s, NULL), 0);
    GC_reachable_here(self);
    GC_reachable_here(data);
}

TEST(a_dead_method_is_not_added_nor_found)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1);
    gcw_method *m = gcw_method_new(self, act, NULL);

    gcw_method_set_add(s, m);
    assert_int_equal(gcw_dispose(self), 0);
    expect_errno(gcw_method_set_add(s, m) == -1, ESTALE);
    errno = ENOENT;
    assert_false(gcw_method_set_has(s, m));
    assert_false(gcw_method_set_remove(s, m));
    assert_int_equal(errno, ENOENT);
    GC_reachable_here(self);
}

TEST(a_set_of_methods_that_is_disposed_of_takes_nothing_more)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1);
    gcw_method *m = gcw_method_new(self, act, NULL);

    gcw_method_set_add(s, m);
    assert_int_equal(gcw_dispose(s), 0);
    assert_false(gcw_method_set_has(s, m));
    assert_int_equal(gcw_method_set_count(s), 0);
    expect_errno(gcw_method_set_add(s, m) == -1, ESTALE);
    GC_reachable_here(self);
}

/* --- many methods of one object --- */

static void
fill_with_methods_of(struct herd *h, struct target *self)
{
    for (size_t i = 0; i < MANY; i++) {
        h->data[i] = target_new(0);
        assert_int_equal(gcw_method_set_add(
            h->methods, gcw_method_new(self, act, h->data[i])), 1);
    }
}

TEST(an_object_has_many_methods_and_each_is_found)
{
    struct herd *h = herd_new();
    struct target *self = target_new(1);

    fill_with_methods_of(h, self);
    for (size_t i = 0; i < MANY; i += 2)
        assert_true(gcw_method_set_remove(
            h->methods, gcw_method_new(self, act, h->data[i])));
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gcw_method_set_has(
            h->methods, gcw_method_new(self, act, h->data[i])), i % 2);
    assert_int_equal(gcw_method_set_invoke(h->methods, NULL), MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(h->data[i]->number, i % 2);
    GC_reachable_here(self);
    GC_FREE(h);
}

static size_t
bytes_of_methods(gcw_method_set *s)
{
    gcw_method_set_iter i;

    gcw_method_set_first(s, &i);
    return GC_size(i.entries.table);
}

/* Also different ones in turn. */
TEST(methods_that_come_and_go_for_ever_take_no_more_room)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1), *data[] = { target_new(0),
                                                     target_new(0) };
    size_t bytes = bytes_of_methods(s);

    for (size_t i = 0; i < 10 * MANY; i++) {
        gcw_method *m = gcw_method_new(self, act, data[i % 2]);

        assert_int_equal(gcw_method_set_add(s, m), 1);
        assert_int_equal(gcw_method_set_count(s), 1);
        assert_true(gcw_method_set_remove(s, m));
    }
    assert_true(bytes_of_methods(s) <= bytes);
    assert_int_equal(gcw_method_set_count(s), 0);
    GC_reachable_here(self);
}

TEST(a_set_of_methods_shrinks_after_their_objects_have_died)
{
    struct herd *h = herd_new();
    size_t full;

    in_dead_frame(fill_with_methods, h);
    full = bytes_of_methods(h->methods);
    let_go(h->members, MANY / 20);
    collect();
    assert_true(nearly_all(dead_members(h), MANY - MANY / 20));
    assert_true(bytes_of_methods(h->methods) <= full / 4);
    for (size_t i = 0; i < MANY / 20; i++)
        assert_true(has_method(h, i));
    GC_FREE(h);
}

TEST(so_it_does_after_their_weak_data_has_died)
{
    struct herd *h = herd_new();
    size_t full;

    in_dead_frame(fill_with_weak_data, h);
    for (size_t i = 1; i < MANY; i += 2)
        gcw_method_set_remove(h->methods,
                              gcw_method_new(h->members[i], act, NULL));
    full = bytes_of_methods(h->methods);
    let_go(h->data, 0);
    collect();
    assert_true(nearly_all(dead_refs(h->data_refs, MANY), MANY));
    assert_true(bytes_of_methods(h->methods) <= full / 4);
    GC_FREE(h);
}

/* --- walking through methods --- */

TEST(a_walk_gives_each_method_once_bound_and_as_its_handle)
{
    struct herd *h = herd_new();
    char given[MANY] = { 0 };
    gcw_method_set_iter i;
    gcw_method *m;
    gcw_bound bound;

    fill_with_methods(h);
    gcw_method_set_first(h->methods, &i);
    while (gcw_method_set_next(&i, &m, &bound)) {
        size_t n = ((struct target *)bound.self)->number;

        assert_int_equal(given[n]++, 0);
        assert_ptr_equal(bound.self, h->members[n]);
        assert_true(bound.fn == act);
        assert_true(gcw_method_equal(m, gcw_method_new(bound.self, act, NULL)));
        assert_true(gcw_method_set_remove(h->methods, m));
    }
    for (size_t n = 0; n < MANY; n++)
        assert_int_equal(given[n], 1);
    assert_int_equal(gcw_method_set_count(h->methods), 0);
    assert_false(gcw_method_set_next(&i, NULL, &bound));
    GC_FREE(h);
}

/* So many are added that the set moves. */
static void *
add_others(void *self, void *arg, void *data)
{
    struct herd *h = arg;

    for (size_t i = 0; i < 4; i++) {
        struct target *more = target_new(0);

        more->field = self;
        gcw_method_set_add(h->methods, gcw_method_new(self, act, more));
    }
    return act(self, arg, data);
}

TEST(what_stays_is_called_once_while_others_come)
{
    struct herd *h = herd_new();
    size_t n;

    for (size_t i = 0; i < MANY; i++) {
        h->members[i] = target_new(i);
        h->data[i] = target_new(0);
        gcw_method_set_add(h->methods, gcw_method_new(h->members[i], add_others,
                                                      h->data[i]));
    }
    n = gcw_method_set_invoke(h->methods, h);
    assert_in_range(n, MANY, 5 * MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(h->data[i]->number, 1);
    assert_int_equal(gcw_method_set_count(h->methods), 5 * MANY);
    GC_FREE(h);
}

/* Takes itself out, and the one that stands opposite. */
static void *
take_out(void *self, void *arg, void *data)
{
    struct herd *h = arg;
    size_t other = MANY - 1 - ((struct target *)self)->number;

    assert_true(gcw_method_set_remove(h->methods,
                                      gcw_method_new(self, take_out, data)));
    assert_true(gcw_method_set_remove(
        h->methods, gcw_method_new(h->members[other], take_out,
                                   h->data[other])));
    return act(self, arg, data);
}

TEST(what_was_taken_out_is_not_called)
{
    struct herd *h = herd_new();

    for (size_t i = 0; i < MANY; i++) {
        h->members[i] = target_new(i);
        h->data[i] = target_new(0);
        gcw_method_set_add(h->methods, gcw_method_new(h->members[i], take_out,
                                                      h->data[i]));
    }
    assert_int_equal(gcw_method_set_invoke(h->methods, h), MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(h->data[i]->number + h->data[MANY - 1 - i]->number, 1);
    assert_int_equal(gcw_method_set_count(h->methods), 0);
    GC_FREE(h);
}

static void *
ask_for_arg(void *self, void *arg, void *data)
{
    struct target *seen = data;

    seen->field = arg;
    seen->more[0] = self;
    return NULL;
}

TEST(functions_are_given_object_argument_and_data)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1), *seen = target_new(0);
    int arg;

    gcw_method_set_add(s, gcw_method_new_weak(self, ask_for_arg, seen));
    assert_int_equal(gcw_method_set_invoke(s, &arg), 1);
    assert_ptr_equal(seen->field, &arg);
    assert_ptr_equal(seen->more[0], self);
}

static void *
leave(void *self, void *arg, void *data)
{
    (void)self;
    (void)data;
    longjmp(*(jmp_buf *)arg, 1);
}

TEST(a_function_may_leave_with_longjmp)
{
    gcw_method_set *s = gcw_method_set_new();
    struct target *self = target_new(1);
    jmp_buf back;

    gcw_method_set_add(s, gcw_method_new(self, leave, NULL));
    if (setjmp(back) == 0)
        gcw_method_set_invoke(s, &back);
    assert_int_equal(gcw_method_set_add(s, gcw_method_new(self, act, NULL)), 1);
    assert_int_equal(gcw_method_set_count(s), 2);
    GC_reachable_here(self);
}

/* --- methods and threads --- */

/* The methods of the members are in throughout; others come and go. */
static bool
call_and_change(size_t number, void *shared)
{
    struct shared *s = shared;
    struct herd *h = s->herd;
    bool good = true;

    for (size_t time = 0; time < TIMES; time++) {
        struct target *own = target_new(number);

        for (size_t i = number; i < MANY; i += THREADS) {
            gcw_method *m = gcw_method_new(h->members[i], act_otherwise, own);

            good &= gcw_method_set_add(h->methods, m) == 1;
            good &= gcw_method_set_has(h->methods, m);
        }
        good &= gcw_method_set_invoke(h->methods, NULL) >= MANY;
        if (time % THREADS == number)
            GC_gcollect();
        for (size_t i = number; i < MANY; i += THREADS)
            good &= gcw_method_set_remove(
                h->methods, gcw_method_new(h->members[i], act_otherwise, own));
    }
    return good;
}

TEST(threads_call_methods_while_others_come_and_go)
{
    struct shared *s = shared_new();

    for (size_t i = 0; i < MANY; i++)
        gcw_method_set_add(s->herd->methods,
                           gcw_method_new(s->herd->members[i], act, NULL));
    at_once(THREADS, call_and_change, s);
    assert_int_equal(gcw_method_set_count(s->herd->methods), MANY);
    shared_free(s);
}

/* --- who takes the collector's event function --- */

static void GC_CALLBACK
hear_nothing(GC_EventType event)
{
    (void)event;
}

/* After what was freed is in use again. */
static size_t
intact_members(gcw_set *s)
{
    void **others = keep_array(2 * MANY), *member;
    gcw_set_iter i;
    size_t n = 0;

    for (size_t k = 0; k < 2 * MANY; k++) {
        others[k] = GC_MALLOC(sizeof(struct target));
        memset(others[k], 0x55, sizeof(struct target));
    }
    for (gcw_set_first(s, &i); gcw_set_next(&i, &member);)
        n += ((struct target *)member)->magic == MAGIC;
    GC_FREE(others);
    return n;
}

TEST(without_the_event_function_no_member_is_lost)
{
    struct herd *h = herd_new();
    GC_on_collection_event_proc before = GC_get_on_collection_event();
    size_t intact;

    in_dead_frame(fill, h);
    GC_set_on_collection_event(hear_nothing);
    let_go(h->members, 0);
    GC_gcollect();
    intact = intact_members(h->set);
    GC_set_on_collection_event(before);
    assert_int_equal(intact, MANY);
    collect();
    assert_true(nearly_all(MANY - gcw_set_count(h->set), MANY));
    GC_FREE(h);
}

TEST(nor_is_a_method)
{
    struct herd *h = herd_new();
    GC_on_collection_event_proc before = GC_get_on_collection_event();
    size_t called;

    in_dead_frame(fill_with_cycles, h);
    GC_set_on_collection_event(hear_nothing);
    let_go(h->data, 0);
    let_go(h->members, 0);
    GC_gcollect();
    called = gcw_method_set_invoke(h->methods, NULL);
    GC_set_on_collection_event(before);
    assert_int_equal(called, 2 * MANY);
    collect();
    assert_true(nearly_all(2 * MANY - gcw_method_set_count(h->methods),
                           2 * MANY));
    GC_FREE(h);
}

enum { METHODS = 10 * MANY };

struct growth {
    gcw_method *methods[METHODS];    /* all of one object */
    atomic_bool over;
};

static bool
all_get_in(struct growth *g)
{
    gcw_method_set *s = gcw_method_set_new();
    bool good = true;

    for (size_t i = 0; i < METHODS; i++)
        good &= gcw_method_set_add(s, g->methods[i]) == 1;
    for (size_t i = 0; i < METHODS; i++)
        good &= gcw_method_set_has(s, g->methods[i]);
    return good && gcw_method_set_count(s) == METHODS;
}

static bool
grow_or_collect(size_t number, void *growth)
{
    struct growth *g = growth;
    bool good = true;

    if (number == 0) {
        for (int time = 0; time < TIMES; time++)
            good &= all_get_in(g);
        atomic_store(&g->over, true);
    }
    while (!atomic_load(&g->over))
        collect_and_rest();
    return good;
}

/* A set may be moving to a larger table when a collection passes of which it is
 * not known what has died in it. */
TEST(nor_is_anything_while_a_set_of_methods_grows)
{
    GC_on_collection_event_proc before = GC_get_on_collection_event();
    struct growth *g = GC_MALLOC_UNCOLLECTABLE(sizeof *g);
    struct target *self = target_new(1);

    for (uintptr_t i = 0; i < METHODS; i++)
        g->methods[i] = gcw_method_new(self, act_otherwise, (void *)(i + 1));
    GC_set_on_collection_event(hear_nothing);
    at_once(2, grow_or_collect, g);
    GC_set_on_collection_event(before);
    GC_reachable_here(self);
    GC_FREE(g);
}

/* --- forks --- */

static bool
all_go(struct herd *h)
{
    let_go(h->members, 0);
    let_go(h->data, 0);
    collect();
    return nearly_all(2 * MANY - gcw_method_set_count(h->methods), 2 * MANY)
           && gcw_set_count(h->set) == 0;
}

TEST(a_child_has_copies)
{
    struct herd *h = herd_new();
    int status;
    pid_t pid;

    in_dead_frame(fill_with_cycles, h);
    pid = fork();
    if (pid == 0) {
        gcw_set_add(h->set, h);
        gcw_set_remove(h->set, h);
        if (gcw_method_set_invoke(h->methods, NULL) != 2 * MANY)
            _exit(2);
        _exit(all_go(h) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(gcw_method_set_invoke(h->methods, NULL), 2 * MANY);
    assert_int_equal(h->data[0]->number, 1);
    assert_int_equal(gcw_method_set_count(h->methods), 2 * MANY);
    GC_FREE(h);
}

/* --- errors --- */

TEST(what_makes_no_sense_is_invalid)
{
    gcw_set *s = gcw_set_new();
    struct target *a = target_new(1);
    static int outside;
    gcw_set_iter i;
    void *member;

    expect_errno(gcw_set_add(NULL, a) == -1, EINVAL);
    expect_errno(gcw_set_add(s, NULL) == -1, EINVAL);
    expect_errno(gcw_set_add(s, &outside) == -1, EINVAL);
    expect_errno(!gcw_set_has(NULL, a), EINVAL);
    expect_errno(!gcw_set_has(s, NULL), EINVAL);
    expect_errno(!gcw_set_remove(NULL, a), EINVAL);
    expect_errno(!gcw_set_remove(s, NULL), EINVAL);
    expect_errno(gcw_set_count(NULL) == 0, EINVAL);
    expect_errno((gcw_set_first(NULL, &i), errno != 0), EINVAL);
    errno = 0;
    assert_false(gcw_set_next(&i, &member));
    assert_int_equal(errno, 0);
    gcw_set_first(s, &i);
    expect_errno(!gcw_set_next(NULL, &member), EINVAL);
    expect_errno(!gcw_set_next(&i, NULL), EINVAL);
    assert_int_equal(gcw_set_count(s), 0);
}

TEST(so_it_is_of_methods)
{
    gcw_method_set *s = gcw_method_set_new();
    gcw_method *m = gcw_method_new(target_new(1), act, NULL);
    gcw_method_set_iter i;
    gcw_bound bound;

    expect_errno(gcw_method_set_add(NULL, m) == -1, EINVAL);
    expect_errno(gcw_method_set_add(s, NULL) == -1, EINVAL);
    expect_errno(!gcw_method_set_has(NULL, m), EINVAL);
    expect_errno(!gcw_method_set_has(s, NULL), EINVAL);
    expect_errno(!gcw_method_set_remove(NULL, m), EINVAL);
    expect_errno(!gcw_method_set_remove(s, NULL), EINVAL);
    expect_errno(gcw_method_set_count(NULL) == 0, EINVAL);
    expect_errno((gcw_method_set_first(NULL, &i), errno != 0), EINVAL);
    expect_errno(gcw_method_set_invoke(NULL, NULL) == 0, EINVAL);
    gcw_method_set_first(s, &i);
    expect_errno(!gcw_method_set_next(NULL, NULL, &bound), EINVAL);
    expect_errno(!gcw_method_set_next(&i, NULL, NULL), EINVAL);
    assert_int_equal(gcw_method_set_count(s), 0);
}

TEST(success_leaves_errno_alone)
{
    gcw_set *s = gcw_set_new();
    gcw_method_set *methods = gcw_method_set_new();
    struct target *a = target_new(1);
    gcw_method *m = gcw_method_new(a, act, NULL);

    errno = ENOENT;
    gcw_set_add(s, a);
    gcw_set_add(s, a);
    gcw_set_has(s, s);
    gcw_set_remove(s, a);
    gcw_set_remove(s, a);
    gcw_set_count(s);
    gcw_method_set_add(methods, m);
    gcw_method_set_add(methods, m);
    gcw_method_set_has(methods, m);
    gcw_method_set_invoke(methods, NULL);
    gcw_method_set_remove(methods, m);
    gcw_method_set_remove(methods, m);
    gcw_method_set_count(methods);
    assert_int_equal(errno, ENOENT);
    GC_reachable_here(a);
}
