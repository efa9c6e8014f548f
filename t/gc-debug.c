/* gc-debug.c: a program that is compiled with GC_DEBUG, and a library that is
 * not.
 *
 * The program's GC_MALLOC and its like are those of the collector's that put a
 * header in front of each object.  So all its pointers lead into the middle of
 * what the collector takes for objects, and its finalizers are called by way of
 * another one.
 */
#include <config.h>

#define GC_DEBUG
#include "support.h"

#include <gcweak/debug.h>
#include <gcweak/map.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether such pointers hold their objects where the library keeps them.  It must
 * know the header where the collector follows no others from the heap. */
static bool
can_be_held(void)
{
#if HAVE_GC_GET_DEBUG_HEADER_SIZE
    return true;
#else
    return GC_get_all_interior_pointers() != 0;
#endif
}

static struct target *
debug_target(size_t number)
{
    struct target *t = GC_MALLOC(sizeof *t);

    assert_non_null(t);
    t->magic = MAGIC;
    t->number = number;
    return t;
}

/* Many references, and of the targets of some that live. */
struct row {
    void **refs;
    struct target **kept;
};
enum { KEPT = 10 };

static struct row
row_new(void)
{
    return (struct row){ keep_array(MANY),
                         (struct target **)keep_array(MANY / KEPT) };
}

static void
make_row(void *arg)
{
    struct row *row = arg;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = debug_target(i);

        row->refs[i] = gcw_ref_new(t);
        assert_non_null(row->refs[i]);
        if (i % KEPT == 0)
            row->kept[i / KEPT] = t;
    }
}

TEST(the_program_has_pointers_behind_a_header)
{
    struct target *t = debug_target(1);

    assert_ptr_not_equal(t, GC_base(t));
}

TEST(its_targets_are_read_while_they_live_and_die)
{
    struct row row = row_new();
    size_t dead;

    in_dead_frame(make_row, &row);
    collect();
    for (size_t i = 0; i < MANY / KEPT; i++) {
        assert_ptr_equal(gcw_ref_get(row.refs[i * KEPT]), row.kept[i]);
        assert_int_equal(row.kept[i]->number, i * KEPT);
    }
    dead = dead_refs(row.refs, MANY);
    assert_true(nearly_all(dead, MANY - MANY / KEPT));
}

/* Finalizers and cleanups of the same targets. */
struct ends {
    size_t *finalized, *cleaned;
};

static void
finalize(void *object, void *counter)
{
    const struct target *t = object;

    if (t->magic == MAGIC)
        count(counter);
}

static void
make_ends(void *arg)
{
    const struct ends *ends = arg;

    for (size_t i = 0; i < MANY; i++) {
        struct target *t = debug_target(i);

        GC_REGISTER_FINALIZER(t, finalize, ends->finalized, NULL, NULL);
        assert_non_null(gcw_cleanup_new(t, count, ends->cleaned));
    }
}

TEST(finalizers_and_cleanups_run_for_the_same_targets)
{
    struct ends ends = { counter_new(), counter_new() };

    in_dead_frame(make_ends, &ends);
    collect();
    gcw_drain(SIZE_MAX);
    assert_true(nearly_all(*ends.finalized, MANY));
    assert_true(nearly_all(*ends.cleaned, MANY));
}

/* The data of the cleanups, which they alone hold. */
static void
count_if_whole(void *data)
{
    const struct target *t = data;

    if (t->magic == MAGIC)
        count(t->field);
}

static struct target *
data_that_counts(size_t *counter)
{
    struct target *data = debug_target(0);

    GC_PTR_STORE_AND_DIRTY(&data->field, counter);
    return data;
}

static void
make_cleanups(void *counter)
{
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(gcw_cleanup_new(debug_target(i), count_if_whole,
                                        data_that_counts(counter)));
}

TEST(data_of_cleanups_is_held, .only_if = can_be_held)
{
    size_t *counter = counter_new();

    in_dead_frame(make_cleanups, counter);
    collect();
    gcw_drain(SIZE_MAX);
    assert_true(nearly_all(*counter, MANY));
}

/* Listeners, half of them methods of targets that are kept, and half with data
 * that the event alone holds. */
struct scene {
    gcw_event *event;
    void **objects;
    size_t *calls;
};
enum { FEW = 100 };

static void *
hear_as_method(void *self, void *arg, void *data)
{
    const struct target *t = self;

    if (t->magic == MAGIC && t->number == *(const size_t *)arg)
        count(data);
    return NULL;
}

static void
hear(void *arg, void *data)
{
    (void)arg;
    count_if_whole(data);
}

static void
connect_all(void *arg)
{
    struct scene *s = arg;

    for (size_t i = 0; i < FEW; i++) {
        struct target *t = debug_target(1);

        s->objects[i] = t;
        assert_non_null(gcw_event_connect(
            s->event, gcw_method_new(t, hear_as_method, s->calls), 0));
        assert_non_null(gcw_event_connect_fn(
            s->event, hear, data_that_counts(s->calls), 0));
    }
}

TEST(listeners_hear, .only_if = can_be_held)
{
    struct scene s = { gcw_event_new("heard"), keep_array(FEW),
                       counter_new() };
    size_t number = 1;

    in_dead_frame(connect_all, &s);
    collect();
    assert_int_equal(gcw_event_emit(s.event, &number), 2 * FEW);
    assert_int_equal(*s.calls, 2 * FEW);
}

TEST(methods_of_the_dead_do_not, .only_if = can_be_held)
{
    struct scene s = { gcw_event_new("unheard"), keep_array(FEW),
                       counter_new() };
    size_t number = 1;

    in_dead_frame(connect_all, &s);
    memset(s.objects, 0, FEW * sizeof *s.objects);
    collect();
    gcw_event_emit(s.event, &number);
    assert_in_range(*s.calls, FEW, FEW + FEW / 10);
}

/* Entries whose values lead to their keys. */
struct entries {
    gcw_map *map;
    void **keys;
};

static void
put_all(void *arg)
{
    const struct entries *e = arg;

    for (size_t i = 0; i < MANY; i++) {
        struct target *key = debug_target(i), *value = debug_target(i);

        GC_PTR_STORE_AND_DIRTY(&value->field, key);
        assert_int_equal(gcw_map_put(e->map, key, value), 0);
        if (i % KEPT == 0)
            e->keys[i / KEPT] = key;
    }
}

TEST(entries_live_as_long_as_their_keys, .only_if = can_be_held)
{
    struct entries e = { gcw_map_new(GCW_WEAK_KEYS),
                         keep_array(MANY / KEPT) };

    in_dead_frame(put_all, &e);
    collect();
    for (size_t i = 0; i < MANY / KEPT; i++) {
        const struct target *value = gcw_map_get(e.map, e.keys[i]);

        assert_non_null(value);
        assert_ptr_equal(value->field, e.keys[i]);
    }
    assert_true(nearly_all(MANY - gcw_map_count(e.map), MANY - MANY / KEPT));
}

TEST(who_keeps_an_object_is_explained, .only_if = can_be_held)
{
    void **kept = keep_array(1);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    kept[0] = debug_target(1);
    clear_stack();
    assert_in_range(gcw_explain(kept[0], out), 1, 3);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "uncollectable"));
    free(text);
}
