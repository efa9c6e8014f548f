/* hub.c: tests of hubs: which listeners an emission calls and in which order,
 * what they are told, disconnecting, measuring, several threads, bad
 * arguments.  What listeners may do, and failures, are in hub-run.c, deaths in
 * hub-weak.c, posting in hub-post.c; long random sequences, against a model,
 * in random.c.
 */
#include <pthread.h>
#include "hub-scene.h"
#include "thread.h"

/* --- patterns --- */

static const char *const pattern_words[PATTERNS] = {
    "any", "typed", "sourced", "both"
};

static gcw_listener *
on_pattern(struct scene *s, int pattern)
{
    return on(s, pattern & TYPED ? "saved" : NULL,
              pattern & SOURCED ? s->source : NULL, pattern_words[pattern]);
}

enum which { NO_SOURCE, THE_SOURCE, OTHER_SOURCE };

/* All kinds of emissions, and the patterns that they fit. */
static const struct kind {
    const char *type;
    enum which source;
    const char *words;
} kinds[] = {
    { "saved", THE_SOURCE, "any typed sourced both" },
    { "saved", OTHER_SOURCE, "any typed" },
    { "saved", NO_SOURCE, "any typed" },
    { "closed", THE_SOURCE, "any sourced" },
    { "closed", OTHER_SOURCE, "any" },
    { "closed", NO_SOURCE, "any" },
    { NULL, THE_SOURCE, "any sourced" },
    { NULL, OTHER_SOURCE, "any" },
    { NULL, NO_SOURCE, "any" },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static struct target *
source_of(struct scene *s, enum which which)
{
    struct target *sources[] = { NULL, s->source, s->other };
    return sources[which];
}

SCENE_TEST(all_that_fit_and_no_others_are_called)
{
    for (int pattern = 0; pattern < PATTERNS; pattern++)
        on_pattern(s, pattern);
    for (int i = 0; i < KINDS; i++)
        calls(s, kinds[i].type, source_of(s, kinds[i].source),
              kinds[i].words);
}

static void
each_pattern_alone(int pattern)
{
    struct scene *s = scene_new();
    const char *word = pattern_words[pattern];
    on_pattern(s, pattern);
    for (int i = 0; i < KINDS; i++)
        calls(s, kinds[i].type, source_of(s, kinds[i].source),
              strstr(kinds[i].words, word) != NULL ? word : "");
}

TEST(each_pattern_fits_what_it_says)
{
    for (int pattern = 0; pattern < PATTERNS; pattern++)
        each_pattern_alone(pattern);
}

/* The four patterns in the n-th of their 24 orders. */
static void
nth_order(int n, int order[PATTERNS])
{
    int left[PATTERNS] = { 0, 1, 2, 3 };
    for (int i = 0; i < PATTERNS; i++) {
        int chosen = n % (PATTERNS - i);
        n /= PATTERNS - i;
        order[i] = left[chosen];
        left[chosen] = left[PATTERNS - i - 1];
    }
}

static void
connects_and_is_called_in_order(int n)
{
    struct scene *s = scene_new();
    char words[64] = "";
    int order[PATTERNS];
    nth_order(n, order);
    for (int i = 0; i < PATTERNS; i++) {
        on_pattern(s, order[i]);
        strcat(strcat(words, i > 0 ? " " : ""), pattern_words[order[i]]);
    }
    calls(s, "saved", s->source, words);
}

TEST(order_is_that_of_connection_whatever_the_pattern)
{
    for (int n = 0; n < 24; n++)
        connects_and_is_called_in_order(n);
}

SCENE_TEST(front_is_before_all_of_all_patterns)
{
    on(s, "saved", NULL, "a");
    on_front(s, NULL, s->source, "b");
    on(s, NULL, NULL, "c");
    on_front(s, "saved", s->source, "d");
    on(s, NULL, s->source, "e");
    on_front(s, NULL, NULL, "f");
    on_front(s, "saved", NULL, "g");
    calls(s, "saved", s->source, "g f d b a c e");
    calls(s, "closed", s->other, "f c");
}

SCENE_TEST(types_are_told_apart_by_content)
{
    char one[] = "saved", other[] = "saved";
    on(s, one, NULL, "a");
    on(s, other, s->source, "b");
    on(s, "save", NULL, "shorter");
    on(s, "savedd", NULL, "longer");
    on(s, "", NULL, "empty");
    calls(s, "saved", s->source, "a b");
    calls(s, "", NULL, "empty");
    calls(s, NULL, NULL, "");
    holds(s, 5, 5, 4);
}

SCENE_TEST(a_type_is_copied)
{
    char type[] = "saved";
    on(s, type, NULL, "a");
    strcpy(type, "other");
    calls(s, "other", NULL, "");
    calls(s, "saved", NULL, "a");
}

SCENE_TEST(a_type_may_be_long)
{
    enum { LONG = 10000 };
    char type[LONG + 1];
    memset(type, 'x', LONG);
    type[LONG] = '\0';
    on(s, type, NULL, "a");
    calls(s, type, NULL, "a");
    type[LONG - 1] = 'y';
    calls(s, type, NULL, "");
}

SCENE_TEST(sources_are_told_apart_by_address)
{
    char *start = (char *)s->source;
    on(s, NULL, start, "start");
    on(s, NULL, start + 8, "inside");
    calls(s, NULL, start, "start");
    calls(s, NULL, start + 8, "inside");
    calls(s, NULL, start + 9, "");
    holds(s, 2, 2, 0);
}

SCENE_TEST(an_emission_from_no_heap_object_reaches_those_who_want_any)
{
    static int fixed;
    int local;
    on(s, NULL, s->source, "this");
    on(s, "saved", NULL, "any");
    calls(s, "saved", &fixed, "any");
    calls(s, "saved", &local, "any");
    calls(s, "saved", note_it, "any");
}

SCENE_TEST(hubs_are_separate)
{
    struct scene *one = s, *other = scene_new();
    on(one, "saved", NULL, "one");
    on(other, "saved", NULL, "other");
    calls(one, "saved", NULL, "one");
    calls(other, "saved", NULL, "other");
}

SCENE_TEST(an_empty_hub_calls_nobody)
{
    calls(s, "saved", s->source, "");
    calls(s, NULL, NULL, "");
    holds(s, 0, 0, 0);
}

/* --- equal methods --- */

SCENE_TEST(one_that_fits_often_is_called_once_at_its_first_place)
{
    gcw_method *m = method_new(s, note_method, "m");
    on(s, NULL, NULL, "a");
    connect(s, NULL, s->source, m, 0);
    on(s, "saved", NULL, "b");
    connect(s, "saved", s->source, m, 0);
    connect(s, NULL, NULL, m, 0);
    on(s, "saved", NULL, "c");
    connect(s, "saved", NULL, m, 0);
    calls(s, "saved", s->source, "a m b c");
    calls(s, "saved", s->other, "a b m c");
    calls(s, "closed", s->other, "a m");
}

SCENE_TEST(equal_methods_with_different_handles_are_one)
{
    char word[] = "m";
    gcw_listener *l = on(s, "saved", NULL, word);
    on(s, NULL, NULL, word);
    assert_ptr_equal(on(s, "saved", NULL, word), l);
    calls(s, "saved", NULL, "m");
    holds(s, 2, 2, 1);
}

SCENE_TEST(methods_with_different_data_are_two)
{
    char one[] = "m", other[] = "m";
    assert_ptr_not_equal(on(s, "saved", NULL, one),
                         on(s, "saved", NULL, other));
    on(s, NULL, NULL, one);
    calls(s, "saved", NULL, "m m");
}

static void *
note_method_too(void *self, void *emission, void *data)
{
    return note_method(self, emission, data);
}

SCENE_TEST(methods_with_different_functions_or_objects_are_two)
{
    char word[] = "m";
    on(s, "saved", NULL, word);
    connect(s, NULL, NULL, method_new(s, note_method_too, word), 0);
    connect(s, NULL, NULL, gcw_method_new(s->other, note_method, word), 0);
    calls(s, "saved", NULL, "m m m");
}

SCENE_TEST(a_method_with_weak_data_is_none_with_strong_data)
{
    gcw_method *weak = gcw_method_new_weak(s->self, note_number, s->other);
    connect(s, "saved", NULL, method_new(s, note_number, s->other), 0);
    connect(s, NULL, NULL, weak, 0);
    connect(s, NULL, s->source, weak, 0);
    calls(s, "saved", s->source, "2 2");
}

SCENE_TEST(not_even_if_that_data_is_the_reference_to_the_other)
{
    gcw_ref *ref = gcw_ref_new(s->other);
    gcw_method *weak = gcw_method_new_weak(s->self, do_nothing, s->other);
    gcw_method *strong = method_new(s, do_nothing, ref);
    assert_ptr_not_equal(connect(s, "saved", NULL, weak, 0),
                         connect(s, "saved", NULL, strong, 0));
    connect(s, NULL, NULL, weak, 0);
    assert_int_equal(gcw_hub_emit(s->hub, "saved", NULL, NULL), 2);
}

SCENE_TEST(equal_functions_are_called_once)
{
    char one[] = "f", other[] = "g";
    gcw_listener *l = on_fn(s, "saved", NULL, note_fn, one);
    on_fn(s, NULL, NULL, note_fn, one);
    on_fn(s, NULL, s->source, note_fn, other);
    assert_ptr_equal(on_fn(s, "saved", NULL, note_fn, one), l);
    on_fn(s, "saved", s->source, note_fn, one);
    calls(s, "saved", s->source, "f g");
    holds(s, 4, 4, 1);
}

SCENE_TEST(if_the_first_is_blocked_the_second_is_called)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *first = connect(s, NULL, NULL, m, 0);
    on(s, NULL, NULL, "a");
    gcw_listener *second = connect(s, "saved", NULL, m, 0);
    gcw_listener_block(first);
    calls(s, "saved", NULL, "a m");
    calls(s, "closed", NULL, "a");
    gcw_listener_block(second);
    calls(s, "saved", NULL, "a");
    gcw_listener_unblock(first);
    calls(s, "saved", NULL, "m a");
}

SCENE_TEST(if_the_first_is_disconnected_the_second_is_called)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *first = connect(s, NULL, NULL, m, 0);
    on(s, NULL, NULL, "a");
    connect(s, "saved", NULL, m, 0);
    assert_true(gcw_listener_disconnect(first));
    calls(s, "saved", NULL, "a m");
}

SCENE_TEST(connecting_again_gives_the_same_listener_in_its_place)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", s->source, m, 0);
    on(s, "saved", s->source, "a");
    assert_ptr_equal(connect(s, "saved", s->source, m, 0), l);
    assert_ptr_equal(connect(s, "saved", s->source, m, GCW_UNIQUE), l);
    on(s, NULL, NULL, "b");
    assert_ptr_equal(connect(s, "saved", s->source, m, GCW_FRONT), l);
    calls(s, "saved", s->source, "m a b");
}

SCENE_TEST(a_front_one_that_is_connected_stays_where_it_is)
{
    gcw_method *m = method_new(s, note_method, "m");
    on(s, "saved", NULL, "a");
    gcw_listener *l = connect(s, "saved", NULL, m, 0);
    assert_ptr_equal(connect(s, "saved", NULL, m, GCW_FRONT), l);
    calls(s, "saved", NULL, "a m");
}

SCENE_TEST(after_a_disconnect_it_is_connected_anew_at_the_end)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, 0);
    on(s, "saved", NULL, "a");
    assert_true(gcw_listener_disconnect(l));
    assert_ptr_not_equal(connect(s, "saved", NULL, m, 0), l);
    assert_false(gcw_listener_connected(l));
    calls(s, "saved", NULL, "a m");
}

SCENE_TEST(the_same_method_elsewhere_is_another_listener)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l[] = {
        connect(s, "saved", s->source, m, 0),
        connect(s, "saved", s->other, m, 0), connect(s, "saved", NULL, m, 0),
        connect(s, NULL, s->source, m, 0), connect(s, NULL, NULL, m, 0),
        connect(s, "closed", NULL, m, 0),
    };
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++)
            assert_ptr_not_equal(l[i], l[j]);
    holds(s, 6, 6, 2);
}

/* --- once --- */

SCENE_TEST(once_is_called_once)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, GCW_ONCE);
    on(s, NULL, NULL, "a");
    calls(s, "closed", NULL, "a");
    assert_true(gcw_listener_connected(l));
    calls(s, "saved", NULL, "m a");
    assert_false(gcw_listener_connected(l));
    calls(s, "saved", NULL, "a");
    holds(s, 1, 1, 0);
}

SCENE_TEST(once_is_lifted_by_connecting_without_it)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, GCW_ONCE);
    assert_ptr_equal(connect(s, "saved", NULL, m, 0), l);
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "m");
}

SCENE_TEST(once_stays_if_both_ask_for_it)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, GCW_ONCE);
    assert_ptr_equal(connect(s, "saved", NULL, m, GCW_ONCE), l);
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "");
}

SCENE_TEST(one_that_stays_is_not_made_once)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, 0);
    assert_ptr_equal(connect(s, "saved", NULL, m, GCW_ONCE), l);
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "m");
}

SCENE_TEST(once_is_for_each_connection)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *first = connect(s, NULL, NULL, m, GCW_ONCE);
    gcw_listener *second = connect(s, "saved", NULL, m, GCW_ONCE);
    calls(s, "saved", NULL, "m");
    assert_false(gcw_listener_connected(first));
    assert_true(gcw_listener_connected(second));
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "");
}

SCENE_TEST(a_block_does_not_use_up_once)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, GCW_ONCE);
    gcw_listener_block(l);
    calls(s, "saved", NULL, "");
    assert_true(gcw_listener_connected(l));
    gcw_listener_unblock(l);
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "");
}

static void *
emit_again(void *self, void *emission, void *data)
{
    const gcw_emission *e = emission;
    note(data);
    if (gcw_listener_connected(e->listener))
        note("connected");
    gcw_hub_emit(e->hub, e->type, e->source, NULL);
    return self;
}

SCENE_TEST(once_is_disconnected_before_its_call)
{
    gcw_method *m = method_new(s, emit_again, "m");
    connect(s, "saved", NULL, m, GCW_ONCE);
    on(s, NULL, NULL, "a");
    assert_int_equal(leaves(s, "saved", NULL, "m a a"), 2);
}

/* --- what a listener is told --- */

struct told {
    gcw_emission emission;
    char type[16];
    void *self;
    size_t times;
};

static void
listen_fn(const gcw_emission *emission, void *data)
{
    struct told *told = data;
    told->times++;
    told->emission = *emission;
    snprintf(told->type, sizeof told->type, "%s",
             emission->type != NULL ? emission->type : "(null)");
}

static void *
listen(void *self, void *emission, void *data)
{
    struct told *told = data;
    listen_fn(emission, data);
    told->self = self;
    return NULL;
}

static void
was_told(struct scene *s, const struct told *told, const char *type,
         const void *source, const void *arg)
{
    assert_int_equal(told->times, 1);
    assert_ptr_equal(told->emission.hub, s->hub);
    assert_string_equal(told->type, type);
    assert_ptr_equal(told->emission.source, source);
    assert_ptr_equal(told->emission.arg, arg);
}

SCENE_TEST(a_method_is_told_all)
{
    struct told told = { .times = 0 };
    gcw_method *m = method_new(s, listen, &told);
    gcw_listener *l = connect(s, "saved", s->source, m, 0);
    int arg;
    assert_int_equal(gcw_hub_emit(s->hub, "saved", s->source, &arg), 1);
    was_told(s, &told, "saved", s->source, &arg);
    assert_ptr_equal(told.emission.listener, l);
    assert_ptr_equal(told.self, s->self);
}

SCENE_TEST(a_function_is_told_all)
{
    struct told told = { .times = 0 };
    gcw_listener *l = on_fn(s, "saved", s->source, listen_fn, &told);
    int arg;
    assert_int_equal(gcw_hub_emit(s->hub, "saved", s->source, &arg), 1);
    was_told(s, &told, "saved", s->source, &arg);
    assert_ptr_equal(told.emission.listener, l);
}

SCENE_TEST(who_wants_any_is_told_which)
{
    struct told told = { .times = 0 };
    on_fn(s, NULL, NULL, listen_fn, &told);
    gcw_hub_emit(s->hub, "saved", s->other, &told);
    was_told(s, &told, "saved", s->other, &told);
}

SCENE_TEST(an_emission_without_type_source_and_argument_has_none)
{
    struct told told = { .emission = { .arg = s } };
    on_fn(s, NULL, NULL, listen_fn, &told);
    gcw_hub_emit(s->hub, NULL, NULL, NULL);
    was_told(s, &told, "(null)", NULL, NULL);
    assert_null(told.emission.type);
}

SCENE_TEST(each_listener_is_told_its_own_handle)
{
    struct told told[PATTERNS] = { { .times = 0 } };
    gcw_listener *l[] = {
        on_fn(s, NULL, NULL, listen_fn, &told[0]),
        on_fn(s, "saved", NULL, listen_fn, &told[1]),
        on_fn(s, NULL, s->source, listen_fn, &told[2]),
        on_fn(s, "saved", s->source, listen_fn, &told[3]),
    };
    gcw_hub_emit(s->hub, "saved", s->source, NULL);
    for (int i = 0; i < PATTERNS; i++)
        assert_ptr_equal(told[i].emission.listener, l[i]);
}

SCENE_TEST(one_connected_twice_is_told_the_handle_that_is_called)
{
    struct told told = { .times = 0 };
    gcw_listener *first = on_fn(s, NULL, NULL, listen_fn, &told);
    gcw_listener *second = on_fn(s, "saved", NULL, listen_fn, &told);
    gcw_hub_emit(s->hub, "saved", NULL, NULL);
    assert_ptr_equal(told.emission.listener, first);
    gcw_listener_block(first);
    gcw_hub_emit(s->hub, "saved", NULL, NULL);
    assert_ptr_equal(told.emission.listener, second);
}

static void *
typed(struct target *self, gcw_emission *emission, struct told *told)
{
    return listen(self, emission, told);
}
GCW_METHOD(typed, struct target, gcw_emission, struct told)

SCENE_TEST(typed_methods_take_emissions)
{
    struct told told = { .times = 0 };
    connect(s, "saved", NULL, typed_method(s->self, &told), 0);
    gcw_hub_emit(s->hub, "saved", s->source, s);
    was_told(s, &told, "saved", s->source, s);
}

/* --- disconnecting --- */

SCENE_TEST(a_listener_is_disconnected_once)
{
    on(s, "saved", NULL, "a");
    gcw_listener *b = on(s, NULL, s->source, "b");
    on(s, NULL, NULL, "c");
    assert_true(gcw_listener_connected(b));
    assert_true(gcw_listener_disconnect(b));
    assert_false(gcw_listener_connected(b));
    assert_false(gcw_listener_disconnect(b));
    calls(s, "saved", s->source, "a c");
    holds(s, 2, 2, 1);
}

/* Connected to one pattern, it is found under that one only. */
static void
only_its_own_pattern_disconnects(int own)
{
    struct scene *s = scene_new();
    char *word = (char *)pattern_words[own];
    gcw_method *m = method_new(s, note_method, word);
    on_pattern(s, own);
    for (int i = 1; i < PATTERNS; i++) {
        int pattern = own ^ i;
        assert_false(gcw_hub_disconnect(
            s->hub, pattern & TYPED ? "saved" : NULL,
            pattern & SOURCED ? s->source : NULL, m));
    }
    assert_false(gcw_hub_disconnect(s->hub, "closed", s->source, m));
    assert_false(gcw_hub_disconnect(s->hub, "saved", s->other, m));
    calls(s, "saved", s->source, word);
    assert_true(gcw_hub_disconnect(s->hub, own & TYPED ? "saved" : NULL,
                                   own & SOURCED ? s->source : NULL, m));
    calls(s, "saved", s->source, "");
    holds(s, 0, 0, 0);
}

TEST(a_pattern_disconnects_what_was_connected_to_just_that)
{
    for (int pattern = 0; pattern < PATTERNS; pattern++)
        only_its_own_pattern_disconnects(pattern);
}

SCENE_TEST(an_equal_method_disconnects_and_no_other)
{
    char one[] = "m", other[] = "m";
    gcw_listener *l = on(s, "saved", NULL, one);
    gcw_method *equal = method_new(s, note_method, one);
    errno = E2BIG;
    assert_false(gcw_hub_disconnect(s->hub, "saved", NULL,
                                    method_new(s, note_method, other)));
    assert_true(gcw_hub_disconnect(s->hub, "saved", NULL, equal));
    assert_false(gcw_hub_disconnect(s->hub, "saved", NULL, equal));
    assert_int_equal(errno, E2BIG);
    assert_false(gcw_listener_connected(l));
    assert_false(gcw_listener_disconnect(l));
    calls(s, "saved", NULL, "");
}

SCENE_TEST(a_function_is_disconnected_with_its_data)
{
    gcw_hub *h = s->hub;
    char one[] = "f", other[] = "g";
    on_fn(s, "saved", s->source, note_fn, one);
    on_fn(s, "saved", s->source, note_fn, other);
    assert_false(gcw_hub_disconnect_fn(h, "saved", NULL, note_fn, one));
    assert_false(gcw_hub_disconnect_fn(h, NULL, s->source, note_fn, one));
    assert_false(gcw_hub_disconnect_fn(h, "saved", s->source, listen_fn,
                                       one));
    assert_false(gcw_hub_disconnect_fn(h, "saved", s->source, note_fn, s));
    assert_true(gcw_hub_disconnect_fn(h, "saved", s->source, note_fn, one));
    assert_false(gcw_hub_disconnect_fn(h, "saved", s->source, note_fn, one));
    calls(s, "saved", s->source, "g");
}

SCENE_TEST(one_that_is_connected_twice_is_disconnected_one_by_one)
{
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *any = connect(s, NULL, NULL, m, 0);
    gcw_listener *saved = connect(s, "saved", NULL, m, 0);
    assert_true(gcw_hub_disconnect(s->hub, NULL, NULL, m));
    assert_false(gcw_listener_connected(any));
    assert_true(gcw_listener_connected(saved));
    calls(s, "saved", NULL, "m");
    calls(s, "closed", NULL, "");
}

SCENE_TEST(what_no_heap_object_could_be_connected_to_is_not_found)
{
    static int fixed;
    gcw_method *m = method_new(s, note_method, "m");
    connect(s, "saved", NULL, m, 0);
    errno = E2BIG;
    assert_false(gcw_hub_disconnect(s->hub, "saved", &fixed, m));
    assert_int_equal(errno, E2BIG);
    calls(s, "saved", &fixed, "m");
}

/* --- measuring --- */

SCENE_TEST(a_fresh_hub_holds_nothing)
{
    gcw_hub_size size = { 1, 1, 1, 1, 1 };
    assert_int_equal(gcw_hub_measure(s->hub, &size), 0);
    assert_int_equal(size.listeners, 0);
    assert_int_equal(size.patterns, 0);
    assert_int_equal(size.types, 0);
    assert_int_equal(size.posted, 0);
}

SCENE_TEST(listeners_patterns_and_types_are_counted)
{
    on(s, "saved", s->source, "a");
    holds(s, 1, 1, 1);
    on(s, "saved", s->source, "b");
    holds(s, 2, 1, 1);
    on(s, "saved", s->other, "a");
    holds(s, 3, 2, 1);
    on(s, "closed", s->other, "a");
    holds(s, 4, 3, 2);
    on(s, NULL, s->other, "a");
    holds(s, 5, 4, 2);
    on(s, NULL, NULL, "a");
    holds(s, 6, 5, 2);
    gcw_listener_block(on(s, "opened", NULL, "a"));
    holds(s, 7, 6, 3);
}

SCENE_TEST(what_is_posted_is_counted)
{
    gcw_hub_size size;
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(gcw_hub_post(s->hub, "saved", NULL, NULL), 0);
        assert_int_equal(gcw_hub_measure(s->hub, &size), 0);
        assert_int_equal(size.posted, i);
    }
    gcw_hub_dispatch(s->hub, 2);
    assert_int_equal(gcw_hub_measure(s->hub, &size), 0);
    assert_int_equal(size.posted, 1);
}

SCENE_TEST(bytes_grow_with_what_is_connected)
{
    size_t before = bytes(s->hub);
    for (uintptr_t i = 0; i < MANY; i++)
        on_fn(s, i % 2 ? "saved" : NULL, i % 3 ? s->source : NULL, idle_hub_fn,
              (void *)i);
    assert_in_range(bytes(s->hub), before + MANY * sizeof(void *), SIZE_MAX);
}

/* --- several threads --- */

enum { THREADS = 4, TURNS = 500 };

/* Each thread has a type of its own; all have a listener to any. */
struct worker {
    struct scene *scene;
    pthread_t thread;
    char type[16];
    size_t own, any, calls;
};

static void
count_own(const gcw_emission *emission, void *data)
{
    struct worker *w = data;
    w->own += emission->arg == data && strcmp(emission->type, w->type) == 0;
}

static void
count_any(const gcw_emission *emission, void *data)
{
    (void)data;
    ++((struct worker *)emission->arg)->any;
}

static void
take_a_turn(struct worker *w)
{
    gcw_hub *h = w->scene->hub;
    struct target *source = target_new(0);
    gcw_listener *l =
        gcw_hub_connect_fn(h, w->type, source, count_own, w, 0);
    w->calls += gcw_hub_emit(h, w->type, source, w);
    if (l != NULL && gcw_listener_disconnect(l))
        w->calls += gcw_hub_emit(h, w->type, source, w);
}

static void *
take_turns(void *data)
{
    for (int i = 0; i < TURNS; i++)
        take_a_turn(data);
    return NULL;
}

SCENE_TEST(threads_share_a_hub)
{
    struct worker workers[THREADS];
    on_fn(s, NULL, NULL, count_any, NULL);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ .scene = s };
        snprintf(workers[i].type, sizeof workers[i].type, "thread %d", i);
        assert_int_equal(GC_pthread_create(&workers[i].thread, NULL,
                                           take_turns, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(GC_pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].own, TURNS);
        assert_int_equal(workers[i].any, 2 * TURNS);
        assert_int_equal(workers[i].calls, 3 * TURNS);
    }
    holds(s, 1, 1, 0);
}

/* --- bad arguments --- */

SCENE_TEST(null_arguments_are_invalid)
{
    gcw_hub *h = s->hub;
    gcw_hub_size size;
    gcw_method *m = method_new(s, note_method, "m");
    expect_errno(!gcw_hub_connect(NULL, "saved", NULL, m, 0), EINVAL);
    expect_errno(!gcw_hub_connect(h, "saved", NULL, NULL, 0), EINVAL);
    expect_errno(!gcw_hub_connect_fn(NULL, "saved", NULL, note_fn, "f", 0),
                 EINVAL);
    expect_errno(!gcw_hub_connect_fn(h, "saved", NULL, NULL, "f", 0), EINVAL);
    expect_errno(!gcw_hub_disconnect(NULL, "saved", NULL, m), EINVAL);
    expect_errno(!gcw_hub_disconnect(h, "saved", NULL, NULL), EINVAL);
    expect_errno(!gcw_hub_disconnect_fn(NULL, "saved", NULL, note_fn, "f"),
                 EINVAL);
    expect_errno(!gcw_hub_disconnect_fn(h, "saved", NULL, NULL, "f"), EINVAL);
    expect_errno(gcw_hub_emit(NULL, "saved", NULL, NULL) == 0, EINVAL);
    expect_errno(gcw_hub_on_error(NULL, NULL, NULL) == -1, EINVAL);
    expect_errno(gcw_hub_measure(NULL, &size) == -1, EINVAL);
    expect_errno(gcw_hub_measure(h, NULL) == -1, EINVAL);
    holds(s, 0, 0, 0);
}

SCENE_TEST(unknown_flags_are_invalid)
{
    gcw_method *m = method_new(s, note_method, "m");
    const unsigned unknown[] = { 8, 8 | GCW_ONCE, 1u << 31, ~0u };
    errno = 0;
    for (int i = 0; i < 4; i++) {
        expect_errno(!gcw_hub_connect(s->hub, "saved", NULL, m, unknown[i]),
                     EINVAL);
        expect_errno(!gcw_hub_connect_fn(s->hub, "saved", NULL, note_fn, "f",
                                         unknown[i]), EINVAL);
    }
    calls(s, "saved", NULL, "");
    holds(s, 0, 0, 0);
}

SCENE_TEST(only_heap_objects_can_be_connected_to)
{
    static int fixed;
    int local;
    void *bad[] = { &fixed, &local, noted() };
    gcw_method *m = method_new(s, note_method, "m");
    errno = 0;
    for (int i = 0; i < 3; i++) {
        expect_errno(!gcw_hub_connect(s->hub, "saved", bad[i], m, 0), EINVAL);
        expect_errno(!gcw_hub_connect_fn(s->hub, NULL, bad[i], note_fn, "f",
                                         0), EINVAL);
    }
    calls(s, "saved", &fixed, "");
    holds(s, 0, 0, 0);
}

SCENE_TEST(data_that_is_the_source_is_invalid)
{
    expect_errno(!gcw_hub_connect_fn(s->hub, "saved", s->source, note_fn,
                                     s->source, 0), EINVAL);
    holds(s, 0, 0, 0);
    on_fn(s, "saved", s->source, idle_hub_fn, s->other);
    on_fn(s, "saved", NULL, idle_hub_fn, s->source);
    holds(s, 2, 2, 1);
}

SCENE_TEST(a_dead_method_cannot_be_connected)
{
    gcw_method *m = gcw_method_new(s->other, note_method, "m");
    gcw_method *weak = gcw_method_new_weak(s->self, note_number, s->other);
    assert_int_equal(gcw_dispose(s->other), 0);
    expect_errno(!gcw_hub_connect(s->hub, "saved", NULL, m, 0), ESTALE);
    expect_errno(!gcw_hub_connect(s->hub, NULL, s->source, m, 0), ESTALE);
    expect_errno(!gcw_hub_connect(s->hub, "saved", NULL, weak, 0), ESTALE);
    calls(s, "saved", s->source, "");
    holds(s, 0, 0, 0);
}

/* What a thread that the collector does not know is answered. */
enum { CALLS = 11 };

struct stranger {
    struct scene *scene;
    gcw_listener *listener;
    gcw_method *method;
    int found[CALLS];
};

static void
try_the_hub(gcw_hub *h, gcw_method *m, int *found)
{
    gcw_hub_size size;
    *found++ = refusal(!gcw_hub_connect(h, "saved", NULL, m, GCW_FRONT));
    *found++ = refusal(!gcw_hub_connect_fn(h, "saved", NULL, note_fn, "", 0));
    *found++ = refusal(!gcw_hub_disconnect(h, "saved", NULL, m));
    *found++ = refusal(!gcw_hub_disconnect_fn(h, "saved", NULL, note_fn, ""));
    *found++ = refusal(gcw_hub_emit(h, "saved", NULL, NULL) == 0);
    *found++ = refusal(gcw_hub_on_error(h, NULL, NULL) == -1);
    *found++ = refusal(gcw_hub_dispatch(h, 0) == 0);
    *found++ = refusal(gcw_hub_fd(h) == -1);
    *found++ = refusal(gcw_hub_measure(h, &size) == -1);
}

static void *
try_all(void *data)
{
    struct stranger *s = data;
    errno = 0;
    try_the_hub(s->scene->hub, s->method, s->found);
    s->found[CALLS - 2] = refusal(gcw_hub_new() == NULL);
    s->found[CALLS - 1] = refusal(!gcw_listener_disconnect(s->listener));
    return NULL;
}

TEST(an_unknown_thread_is_refused_and_changes_nothing)
{
    struct stranger s = { .scene = scene_new() };
    gcw_hub_size size;
    s.method = method_new(s.scene, note_method, "m");
    s.listener = connect(s.scene, "saved", NULL, s.method, 0);
    on(s.scene, NULL, NULL, "a");
    in_unknown_thread(try_all, &s);
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(s.found[i], EPERM);
    assert_int_equal(gcw_hub_measure(s.scene->hub, &size), 0);
    assert_int_equal(size.posted, 0);
    calls(s.scene, "saved", NULL, "m a");
}

SCENE_TEST(success_leaves_errno_alone)
{
    errno = E2BIG;
    assert_non_null(gcw_hub_new());
    gcw_hub_size size;
    gcw_listener *l = on(s, "saved", s->source, "m");
    on_fn(s, NULL, NULL, idle_hub_fn, NULL);
    gcw_listener_block(l);
    gcw_listener_unblock(l);
    gcw_hub_emit(s->hub, "saved", s->source, NULL);
    gcw_hub_emit(s->hub, "nobody's", NULL, NULL);
    assert_int_equal(gcw_hub_on_error(s->hub, NULL, NULL), 0);
    assert_int_equal(gcw_hub_measure(s->hub, &size), 0);
    assert_true(gcw_listener_disconnect(l));
    assert_false(gcw_hub_disconnect_fn(s->hub, "x", NULL, note_fn, NULL));
    assert_true(gcw_hub_disconnect_fn(s->hub, NULL, NULL, idle_hub_fn, NULL));
    assert_int_equal(errno, E2BIG);
}
