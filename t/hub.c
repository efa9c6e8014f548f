/* hub.c: tests of hubs: which listeners an emission calls and in which order,
 * what they are told, disconnecting, measuring, several threads, bad
 * arguments.  What listeners may do, and failures, are in hub-run.c, deaths in
 * hub-weak.c, posting in hub-post.c; long random sequences, against a model,
 * in random.c.
 */
#include <pthread.h>
#include "hub-scene.h"

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

static void
all_that_fit_and_no_others_are_called(void **state)
{
    struct scene *s = *state;
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

static void
each_pattern_fits_what_it_says(void **state)
{
    (void)state;
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

static void
order_is_that_of_connection_whatever_the_pattern(void **state)
{
    (void)state;
    for (int n = 0; n < 24; n++)
        connects_and_is_called_in_order(n);
}

static void
front_is_before_all_of_all_patterns(void **state)
{
    struct scene *s = *state;
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

static void
types_are_told_apart_by_content(void **state)
{
    struct scene *s = *state;
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

static void
a_type_is_copied(void **state)
{
    struct scene *s = *state;
    char type[] = "saved";
    on(s, type, NULL, "a");
    strcpy(type, "other");
    calls(s, "other", NULL, "");
    calls(s, "saved", NULL, "a");
}

static void
a_type_may_be_long(void **state)
{
    (void)state;
    enum { LONG = 10000 };
    struct scene *s = scene_new();
    char type[LONG + 1];
    memset(type, 'x', LONG);
    type[LONG] = '\0';
    on(s, type, NULL, "a");
    calls(s, type, NULL, "a");
    type[LONG - 1] = 'y';
    calls(s, type, NULL, "");
}

static void
sources_are_told_apart_by_address(void **state)
{
    struct scene *s = *state;
    char *start = (char *)s->source;
    on(s, NULL, start, "start");
    on(s, NULL, start + 8, "inside");
    calls(s, NULL, start, "start");
    calls(s, NULL, start + 8, "inside");
    calls(s, NULL, start + 9, "");
    holds(s, 2, 2, 0);
}

static void
an_emission_from_no_heap_object_reaches_those_who_want_any(void **state)
{
    struct scene *s = *state;
    static int fixed;
    int local;
    on(s, NULL, s->source, "this");
    on(s, "saved", NULL, "any");
    calls(s, "saved", &fixed, "any");
    calls(s, "saved", &local, "any");
    calls(s, "saved", note_it, "any");
}

static void
hubs_are_separate(void **state)
{
    struct scene *one = *state, *other = scene_new();
    on(one, "saved", NULL, "one");
    on(other, "saved", NULL, "other");
    calls(one, "saved", NULL, "one");
    calls(other, "saved", NULL, "other");
}

static void
an_empty_hub_calls_nobody(void **state)
{
    struct scene *s = *state;
    calls(s, "saved", s->source, "");
    calls(s, NULL, NULL, "");
    holds(s, 0, 0, 0);
}

/* --- equal methods --- */

static void
one_that_fits_often_is_called_once_at_its_first_place(void **state)
{
    struct scene *s = *state;
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

static void
equal_methods_with_different_handles_are_one(void **state)
{
    struct scene *s = *state;
    char word[] = "m";
    gcw_listener *l = on(s, "saved", NULL, word);
    on(s, NULL, NULL, word);
    assert_ptr_equal(on(s, "saved", NULL, word), l);
    calls(s, "saved", NULL, "m");
    holds(s, 2, 2, 1);
}

static void
methods_with_different_data_are_two(void **state)
{
    struct scene *s = *state;
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

static void
methods_with_different_functions_or_objects_are_two(void **state)
{
    struct scene *s = *state;
    char word[] = "m";
    on(s, "saved", NULL, word);
    connect(s, NULL, NULL, method_new(s, note_method_too, word), 0);
    connect(s, NULL, NULL, gcw_method_new(s->other, note_method, word), 0);
    calls(s, "saved", NULL, "m m m");
}

static void
a_method_with_weak_data_is_none_with_strong_data(void **state)
{
    struct scene *s = *state;
    gcw_method *weak = gcw_method_new_weak(s->self, note_number, s->other);
    connect(s, "saved", NULL, method_new(s, note_number, s->other), 0);
    connect(s, NULL, NULL, weak, 0);
    connect(s, NULL, s->source, weak, 0);
    calls(s, "saved", s->source, "2 2");
}

static void
not_even_if_that_data_is_the_reference_to_the_other(void **state)
{
    struct scene *s = *state;
    gcw_ref *ref = gcw_ref_new(s->other);
    gcw_method *weak = gcw_method_new_weak(s->self, do_nothing, s->other);
    gcw_method *strong = method_new(s, do_nothing, ref);
    assert_ptr_not_equal(connect(s, "saved", NULL, weak, 0),
                         connect(s, "saved", NULL, strong, 0));
    connect(s, NULL, NULL, weak, 0);
    assert_int_equal(gcw_hub_emit(s->hub, "saved", NULL, NULL), 2);
}

static void
equal_functions_are_called_once(void **state)
{
    struct scene *s = *state;
    char one[] = "f", other[] = "g";
    gcw_listener *l = on_fn(s, "saved", NULL, note_fn, one);
    on_fn(s, NULL, NULL, note_fn, one);
    on_fn(s, NULL, s->source, note_fn, other);
    assert_ptr_equal(on_fn(s, "saved", NULL, note_fn, one), l);
    on_fn(s, "saved", s->source, note_fn, one);
    calls(s, "saved", s->source, "f g");
    holds(s, 4, 4, 1);
}

static void
if_the_first_is_blocked_the_second_is_called(void **state)
{
    struct scene *s = *state;
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

static void
if_the_first_is_disconnected_the_second_is_called(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *first = connect(s, NULL, NULL, m, 0);
    on(s, NULL, NULL, "a");
    connect(s, "saved", NULL, m, 0);
    assert_true(gcw_listener_disconnect(first));
    calls(s, "saved", NULL, "a m");
}

static void
connecting_again_gives_the_same_listener_in_its_place(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", s->source, m, 0);
    on(s, "saved", s->source, "a");
    assert_ptr_equal(connect(s, "saved", s->source, m, 0), l);
    assert_ptr_equal(connect(s, "saved", s->source, m, GCW_UNIQUE), l);
    on(s, NULL, NULL, "b");
    assert_ptr_equal(connect(s, "saved", s->source, m, GCW_FRONT), l);
    calls(s, "saved", s->source, "m a b");
}

static void
a_front_one_that_is_connected_stays_where_it_is(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    on(s, "saved", NULL, "a");
    gcw_listener *l = connect(s, "saved", NULL, m, 0);
    assert_ptr_equal(connect(s, "saved", NULL, m, GCW_FRONT), l);
    calls(s, "saved", NULL, "a m");
}

static void
after_a_disconnect_it_is_connected_anew_at_the_end(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, 0);
    on(s, "saved", NULL, "a");
    assert_true(gcw_listener_disconnect(l));
    assert_ptr_not_equal(connect(s, "saved", NULL, m, 0), l);
    assert_false(gcw_listener_connected(l));
    calls(s, "saved", NULL, "a m");
}

static void
the_same_method_elsewhere_is_another_listener(void **state)
{
    struct scene *s = *state;
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

static void
once_is_called_once(void **state)
{
    struct scene *s = *state;
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

static void
once_is_lifted_by_connecting_without_it(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, GCW_ONCE);
    assert_ptr_equal(connect(s, "saved", NULL, m, 0), l);
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "m");
}

static void
once_stays_if_both_ask_for_it(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, GCW_ONCE);
    assert_ptr_equal(connect(s, "saved", NULL, m, GCW_ONCE), l);
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "");
}

static void
one_that_stays_is_not_made_once(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *l = connect(s, "saved", NULL, m, 0);
    assert_ptr_equal(connect(s, "saved", NULL, m, GCW_ONCE), l);
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "m");
}

static void
once_is_for_each_connection(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *first = connect(s, NULL, NULL, m, GCW_ONCE);
    gcw_listener *second = connect(s, "saved", NULL, m, GCW_ONCE);
    calls(s, "saved", NULL, "m");
    assert_false(gcw_listener_connected(first));
    assert_true(gcw_listener_connected(second));
    calls(s, "saved", NULL, "m");
    calls(s, "saved", NULL, "");
}

static void
a_block_does_not_use_up_once(void **state)
{
    struct scene *s = *state;
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

static void
once_is_disconnected_before_its_call(void **state)
{
    struct scene *s = *state;
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

static void
a_method_is_told_all(void **state)
{
    struct scene *s = *state;
    struct told told = { .times = 0 };
    gcw_method *m = method_new(s, listen, &told);
    gcw_listener *l = connect(s, "saved", s->source, m, 0);
    int arg;
    assert_int_equal(gcw_hub_emit(s->hub, "saved", s->source, &arg), 1);
    was_told(s, &told, "saved", s->source, &arg);
    assert_ptr_equal(told.emission.listener, l);
    assert_ptr_equal(told.self, s->self);
}

static void
a_function_is_told_all(void **state)
{
    struct scene *s = *state;
    struct told told = { .times = 0 };
    gcw_listener *l = on_fn(s, "saved", s->source, listen_fn, &told);
    int arg;
    assert_int_equal(gcw_hub_emit(s->hub, "saved", s->source, &arg), 1);
    was_told(s, &told, "saved", s->source, &arg);
    assert_ptr_equal(told.emission.listener, l);
}

static void
who_wants_any_is_told_which(void **state)
{
    struct scene *s = *state;
    struct told told = { .times = 0 };
    on_fn(s, NULL, NULL, listen_fn, &told);
    gcw_hub_emit(s->hub, "saved", s->other, &told);
    was_told(s, &told, "saved", s->other, &told);
}

static void
an_emission_without_type_source_and_argument_has_none(void **state)
{
    struct scene *s = *state;
    struct told told = { .emission = { .arg = s } };
    on_fn(s, NULL, NULL, listen_fn, &told);
    gcw_hub_emit(s->hub, NULL, NULL, NULL);
    was_told(s, &told, "(null)", NULL, NULL);
    assert_null(told.emission.type);
}

static void
each_listener_is_told_its_own_handle(void **state)
{
    struct scene *s = *state;
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

static void
one_connected_twice_is_told_the_handle_that_is_called(void **state)
{
    struct scene *s = *state;
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

static void
typed_methods_take_emissions(void **state)
{
    struct scene *s = *state;
    struct told told = { .times = 0 };
    connect(s, "saved", NULL, typed_method(s->self, &told), 0);
    gcw_hub_emit(s->hub, "saved", s->source, s);
    was_told(s, &told, "saved", s->source, s);
}

/* --- disconnecting --- */

static void
a_listener_is_disconnected_once(void **state)
{
    struct scene *s = *state;
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

static void
a_pattern_disconnects_what_was_connected_to_just_that(void **state)
{
    (void)state;
    for (int pattern = 0; pattern < PATTERNS; pattern++)
        only_its_own_pattern_disconnects(pattern);
}

static void
an_equal_method_disconnects_and_no_other(void **state)
{
    struct scene *s = *state;
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

static void
a_function_is_disconnected_with_its_data(void **state)
{
    struct scene *s = *state;
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

static void
one_that_is_connected_twice_is_disconnected_one_by_one(void **state)
{
    struct scene *s = *state;
    gcw_method *m = method_new(s, note_method, "m");
    gcw_listener *any = connect(s, NULL, NULL, m, 0);
    gcw_listener *saved = connect(s, "saved", NULL, m, 0);
    assert_true(gcw_hub_disconnect(s->hub, NULL, NULL, m));
    assert_false(gcw_listener_connected(any));
    assert_true(gcw_listener_connected(saved));
    calls(s, "saved", NULL, "m");
    calls(s, "closed", NULL, "");
}

static void
what_no_heap_object_could_be_connected_to_is_not_found(void **state)
{
    struct scene *s = *state;
    static int fixed;
    gcw_method *m = method_new(s, note_method, "m");
    connect(s, "saved", NULL, m, 0);
    errno = E2BIG;
    assert_false(gcw_hub_disconnect(s->hub, "saved", &fixed, m));
    assert_int_equal(errno, E2BIG);
    calls(s, "saved", &fixed, "m");
}

/* --- measuring --- */

static void
a_fresh_hub_holds_nothing(void **state)
{
    struct scene *s = *state;
    gcw_hub_size size = { 1, 1, 1, 1, 1 };
    assert_int_equal(gcw_hub_measure(s->hub, &size), 0);
    assert_int_equal(size.listeners, 0);
    assert_int_equal(size.patterns, 0);
    assert_int_equal(size.types, 0);
    assert_int_equal(size.posted, 0);
}

static void
listeners_patterns_and_types_are_counted(void **state)
{
    struct scene *s = *state;
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

static void
what_is_posted_is_counted(void **state)
{
    struct scene *s = *state;
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

static void
bytes_grow_with_what_is_connected(void **state)
{
    struct scene *s = *state;
    size_t before = bytes(s->hub);
    for (uintptr_t i = 0; i < MANY; i++)
        on_fn(s, i % 2 ? "saved" : NULL, i % 3 ? s->source : NULL, ignore_fn,
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

static void
threads_share_a_hub(void **state)
{
    struct scene *s = *state;
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

static void
null_arguments_are_invalid(void **state)
{
    struct scene *s = *state;
    gcw_hub *h = s->hub;
    gcw_hub_size size;
    gcw_method *m = method_new(s, note_method, "m");
    errno = 0;
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

static void
unknown_flags_are_invalid(void **state)
{
    struct scene *s = *state;
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

static void
only_heap_objects_can_be_connected_to(void **state)
{
    struct scene *s = *state;
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

static void
data_that_is_the_source_is_invalid(void **state)
{
    struct scene *s = *state;
    errno = 0;
    expect_errno(!gcw_hub_connect_fn(s->hub, "saved", s->source, note_fn,
                                     s->source, 0), EINVAL);
    holds(s, 0, 0, 0);
    on_fn(s, "saved", s->source, ignore_fn, s->other);
    on_fn(s, "saved", NULL, ignore_fn, s->source);
    holds(s, 2, 2, 1);
}

static void
a_dead_method_cannot_be_connected(void **state)
{
    struct scene *s = *state;
    gcw_method *m = gcw_method_new(s->other, note_method, "m");
    gcw_method *weak = gcw_method_new_weak(s->self, note_number, s->other);
    assert_int_equal(gcw_dispose(s->other), 0);
    errno = 0;
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

static int
refusal(bool failed)
{
    int found = failed ? errno : 0;
    errno = 0;
    return found;
}

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

static void
an_unknown_thread_is_refused_and_changes_nothing(void **state)
{
    struct stranger s = { .scene = *state };
    gcw_hub_size size;
    pthread_t thread;
    s.method = method_new(s.scene, note_method, "m");
    s.listener = connect(s.scene, "saved", NULL, s.method, 0);
    on(s.scene, NULL, NULL, "a");
    assert_int_equal(pthread_create(&thread, NULL, try_all, &s), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(s.found[i], EPERM);
    assert_int_equal(gcw_hub_measure(s.scene->hub, &size), 0);
    assert_int_equal(size.posted, 0);
    calls(s.scene, "saved", NULL, "m a");
}

static void
success_leaves_errno_alone(void **state)
{
    struct scene *s = *state;
    errno = E2BIG;
    assert_non_null(gcw_hub_new());
    gcw_hub_size size;
    gcw_listener *l = on(s, "saved", s->source, "m");
    on_fn(s, NULL, NULL, ignore_fn, NULL);
    gcw_listener_block(l);
    gcw_listener_unblock(l);
    gcw_hub_emit(s->hub, "saved", s->source, NULL);
    gcw_hub_emit(s->hub, "nobody's", NULL, NULL);
    assert_int_equal(gcw_hub_on_error(s->hub, NULL, NULL), 0);
    assert_int_equal(gcw_hub_measure(s->hub, &size), 0);
    assert_true(gcw_listener_disconnect(l));
    assert_false(gcw_hub_disconnect_fn(s->hub, "x", NULL, note_fn, NULL));
    assert_true(gcw_hub_disconnect_fn(s->hub, NULL, NULL, ignore_fn, NULL));
    assert_int_equal(errno, E2BIG);
}

static int
run_all(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(all_that_fit_and_no_others_are_called),
        scene_test(each_pattern_fits_what_it_says),
        scene_test(order_is_that_of_connection_whatever_the_pattern),
        scene_test(front_is_before_all_of_all_patterns),
        scene_test(types_are_told_apart_by_content),
        scene_test(a_type_is_copied),
        scene_test(a_type_may_be_long),
        scene_test(sources_are_told_apart_by_address),
        scene_test(an_emission_from_no_heap_object_reaches_those_who_want_any),
        scene_test(hubs_are_separate),
        scene_test(an_empty_hub_calls_nobody),
        scene_test(one_that_fits_often_is_called_once_at_its_first_place),
        scene_test(equal_methods_with_different_handles_are_one),
        scene_test(methods_with_different_data_are_two),
        scene_test(methods_with_different_functions_or_objects_are_two),
        scene_test(a_method_with_weak_data_is_none_with_strong_data),
        scene_test(not_even_if_that_data_is_the_reference_to_the_other),
        scene_test(equal_functions_are_called_once),
        scene_test(if_the_first_is_blocked_the_second_is_called),
        scene_test(if_the_first_is_disconnected_the_second_is_called),
        scene_test(connecting_again_gives_the_same_listener_in_its_place),
        scene_test(a_front_one_that_is_connected_stays_where_it_is),
        scene_test(after_a_disconnect_it_is_connected_anew_at_the_end),
        scene_test(the_same_method_elsewhere_is_another_listener),
        scene_test(once_is_called_once),
        scene_test(once_is_lifted_by_connecting_without_it),
        scene_test(once_stays_if_both_ask_for_it),
        scene_test(one_that_stays_is_not_made_once),
        scene_test(once_is_for_each_connection),
        scene_test(a_block_does_not_use_up_once),
        scene_test(once_is_disconnected_before_its_call),
        scene_test(a_method_is_told_all),
        scene_test(a_function_is_told_all),
        scene_test(who_wants_any_is_told_which),
        scene_test(an_emission_without_type_source_and_argument_has_none),
        scene_test(each_listener_is_told_its_own_handle),
        scene_test(one_connected_twice_is_told_the_handle_that_is_called),
        scene_test(typed_methods_take_emissions),
        scene_test(a_listener_is_disconnected_once),
        scene_test(a_pattern_disconnects_what_was_connected_to_just_that),
        scene_test(an_equal_method_disconnects_and_no_other),
        scene_test(a_function_is_disconnected_with_its_data),
        scene_test(one_that_is_connected_twice_is_disconnected_one_by_one),
        scene_test(what_no_heap_object_could_be_connected_to_is_not_found),
        scene_test(a_fresh_hub_holds_nothing),
        scene_test(listeners_patterns_and_types_are_counted),
        scene_test(what_is_posted_is_counted),
        scene_test(bytes_grow_with_what_is_connected),
        scene_test(threads_share_a_hub),
        scene_test(null_arguments_are_invalid),
        scene_test(unknown_flags_are_invalid),
        scene_test(only_heap_objects_can_be_connected_to),
        scene_test(data_that_is_the_source_is_invalid),
        scene_test(a_dead_method_cannot_be_connected),
        scene_test(an_unknown_thread_is_refused_and_changes_nothing),
        scene_test(success_leaves_errno_alone),
    };
    return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, NULL, 0, run_all);
}
