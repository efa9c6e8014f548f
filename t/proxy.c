/* proxy.c: tests of proxies: making them, calling them, what becomes of them
 * when their target dies, freeing them, and the hook that hears of stale
 * calls.  What may be passed through them is in t/signature.c, threads are in
 * t/proxy-threads.c.
 */
#include <errno.h>
#include <sys/wait.h>
#include "log.h"

typedef void function(void);

/* int (int), as a method and as it is called. */
typedef int method_fn(struct target *self, int n);
typedef int plain_fn(int n);

static gcw_proxy *
proxy_new(void *self, method_fn *fn)
{
    gcw_proxy *p = gcw_proxy_new(self, (function *)fn, "i)i");
    assert_non_null(p);
    return p;
}

static plain_fn *
code_of(const gcw_proxy *p)
{
    plain_fn *code = (plain_fn *)gcw_proxy_code(p);
    assert_non_null(code);
    return code;
}

/* The usual method. */
static int
add(struct target *self, int n)
{
    assert_int_equal(self->magic, MAGIC);
    return (int)self->number + n;
}

static void
expect_stale(plain_fn *code)
{
    expect_errno(code(5) == 0, ESTALE);
}

/* A proxy whose target was disposed of. */
static gcw_proxy *
stale_proxy(void)
{
    struct target *t = target_new(1);
    gcw_proxy *p = proxy_new(t, add);
    assert_int_equal(gcw_dispose(t), 0);
    return p;
}

/* --- making and calling --- */

TEST(a_call_calls_the_method_with_self_in_front)
{
    struct target *t = target_new(37);
    plain_fn *code = code_of(proxy_new(t, add));
    assert_int_equal(code(5), 42);
    t->number = 100;
    assert_int_equal(code(-1), 99);
}

static size_t *
field_of(size_t *self)
{
    return self;
}

TEST(self_may_be_an_interior_pointer)
{
    struct target *t = target_new(3);
    gcw_proxy *p = gcw_proxy_new(&t->number, (function *)field_of, ")p");
    assert_non_null(p);
    assert_ptr_equal(((void *(*)(void))gcw_proxy_code(p))(), &t->number);
}

TEST(each_proxy_has_code_of_its_own)
{
    struct target *t = target_new(1);
    gcw_proxy *p = proxy_new(t, add), *same = proxy_new(t, add);
    assert_ptr_not_equal(p, same);
    assert_true(code_of(p) != code_of(same));
    assert_true(code_of(p) == code_of(p));
    assert_int_equal(gcw_proxy_free(same), 0);
    assert_int_equal(code_of(p)(1), 2);
}

/* A number's worth of calls inside each other. */
static plain_fn *own_code;

static int
call_oneself(struct target *self, int n)
{
    return n == 0 ? (int)self->number : 1 + own_code(n - 1);
}

TEST(calls_nest_a_hundred_deep)
{
    struct target *t = target_new(7);
    own_code = code_of(proxy_new(t, call_oneself));
    assert_int_equal(own_code(100), 107);
    GC_reachable_here(t);
}

/* Compares words by the place that self gives them. */
static int
by_place(unsigned *const *self, const void *a, const void *b)
{
    unsigned x = (*self)[*(const unsigned char *)a];
    unsigned y = (*self)[*(const unsigned char *)b];
    return (x > y) - (x < y);
}

TEST(a_sorted_array_was_compared_by_a_method)
{
    unsigned **self = GC_MALLOC(sizeof *self);
    unsigned *places = GC_MALLOC_ATOMIC(256 * sizeof *places);
    unsigned char words[] = "comparators";
    gcw_proxy *p;
    for (unsigned i = 0; i < 256; i++)
        places[i] = 256 - i;
    *self = places;
    p = gcw_proxy_new(self, (function *)by_place, "pp)i");
    assert_non_null(p);
    qsort(words, sizeof words - 1, 1,
          (int (*)(const void *, const void *))gcw_proxy_code(p));
    assert_string_equal((char *)words, "tsrrpoomcaa");
    GC_reachable_here(self);
}

/* --- errno --- */

static int errno_seen;

static int
change_errno(struct target *self, int n)
{
    errno_seen = errno;
    errno = n;
    return (int)self->number;
}

TEST(errno_passes_both_ways)
{
    struct target *t = target_new(1);
    plain_fn *code = code_of(proxy_new(t, change_errno));
    errno = EXDEV;
    assert_int_equal(code(EDOM), 1);
    assert_int_equal(errno, EDOM);
    assert_int_equal(errno_seen, EXDEV);
    GC_gcollect();
    errno = ENXIO;
    assert_int_equal(code(0), 1);
    assert_int_equal(errno, 0);
    assert_int_equal(errno_seen, ENXIO);
    GC_reachable_here(t);
}

static void
never_called(gcw_proxy *p, void *data)
{
    (void)p, (void)data;
    fail_msg("a hook was called");
}

TEST(success_leaves_errno_alone)
{
    struct target *t = target_new(1);
    gcw_proxy *p;
    errno = EXDEV;
    p = proxy_new(t, add);
    assert_int_equal(code_of(p)(1), 2);
    assert_int_equal(gcw_proxy_on_stale(p, never_called, NULL), 0);
    assert_int_equal(gcw_signature_check("i)i", NULL), 0);
    assert_int_equal(gcw_proxy_free(p), 0);
    assert_int_equal(errno, EXDEV);
}

/* --- what is refused --- */

static struct target a_static;

TEST(self_must_be_a_heap_object)
{
    struct target on_stack;
    void *outside = malloc(sizeof on_stack);
    void *wrong[] = { NULL, &a_static, &on_stack, outside, (void *)1 };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_errno(gcw_proxy_new(wrong[i], (function *)add, "i)i") == NULL,
                     EINVAL);
    free(outside);
}

TEST(function_and_signature_must_be_there)
{
    struct target *t = target_new(1);
    expect_errno(gcw_proxy_new(t, NULL, "i)i") == NULL, EINVAL);
    expect_errno(gcw_proxy_new(t, (function *)add, NULL) == NULL, EINVAL);
    expect_errno(gcw_proxy_new(t, (function *)add, "i") == NULL, EINVAL);
}

TEST(the_null_proxy_is_refused)
{
    expect_errno(gcw_proxy_code(NULL) == NULL, EINVAL);
    expect_errno(gcw_proxy_free(NULL) == -1, EINVAL);
    expect_errno(gcw_proxy_on_stale(NULL, never_called, NULL) == -1, EINVAL);
}

TEST(a_freed_proxy_is_refused)
{
    gcw_proxy *p = proxy_new(target_new(1), add);
    assert_int_equal(gcw_proxy_free(p), 0);
    expect_errno(gcw_proxy_free(p) == -1, EINVAL);
    expect_errno(gcw_proxy_code(p) == NULL, EINVAL);
    expect_errno(gcw_proxy_on_stale(p, never_called, NULL) == -1, EINVAL);
}

/* --- death --- */

TEST(a_call_of_the_dead_says_zero_and_estale)
{
    struct target *t = target_new(1);
    gcw_proxy *p = proxy_new(t, add);
    assert_int_equal(code_of(p)(5), 6);
    assert_int_equal(gcw_dispose(t), 0);
    expect_stale(code_of(p));
    expect_stale(code_of(p));
    GC_gcollect();
    expect_stale(code_of(p));
    assert_int_equal(t->number, 1);
}

/* Proxies of targets that a dropped frame has made; every other target is
 * kept.  Only code is left: the handles are dropped, too. */
struct scene {
    size_t n;
    void **kept;
    plain_fn **codes;        /* malloc memory */
};

static struct scene
scene_new(size_t n)
{
    struct scene s = { n, keep_array(n), calloc(n, sizeof *s.codes) };
    assert_non_null(s.codes);
    return s;
}

static void
scene_free(struct scene *s)
{
    GC_FREE(s->kept);
    free(s->codes);
}

static void
make_scene(void *scene)
{
    struct scene *s = scene;
    for (size_t i = 0; i < s->n; i++) {
        struct target *t = target_new(i);
        s->codes[i] = code_of(proxy_new(t, add));
        if (i % 2 == 1)
            s->kept[i] = t;
    }
}

/* How many of those that are not kept are dead; the others must be right. */
static size_t
dead_of(const struct scene *s)
{
    size_t dead = 0;
    for (size_t i = 0; i < s->n; i++) {
        errno = 0;
        int result = s->codes[i](3);
        if (result == 0 && errno == ESTALE && s->kept[i] == NULL)
            dead++;
        else
            assert_int_equal(result, i + 3);
    }
    return dead;
}

TEST(targets_die_and_those_that_are_held_live)
{
    struct scene s = scene_new(2 * MANY);
    in_dead_frame(make_scene, &s);
    for (int i = 0; i < 5; i++)
        collect();
    assert_true(nearly_all(dead_of(&s), MANY));
    memset(s.kept, 0, s.n * sizeof *s.kept);
    collect();
    clear_stack();
    collect();
    assert_true(nearly_all(dead_of(&s), 2 * MANY));
    scene_free(&s);
}

enum { LOTS = 100000 };

TEST(there_may_be_a_hundred_thousand)
{
    struct scene s = scene_new(LOTS);
    in_dead_frame(make_scene, &s);
    dead_of(&s);
    collect();
    assert_true(nearly_all(dead_of(&s), LOTS / 2));
    for (size_t i = 1; i < LOTS; i += 2)
        assert_int_equal(gcw_dispose(s.kept[i]), 0);
    for (size_t i = 1; i < LOTS; i += 2)
        expect_stale(s.codes[i]);
    scene_free(&s);
}

/* The only pointer to self that the test itself has is dropped before the
 * collection, and nothing is read through self until it is over. */
static void **last_pointer;

static int
outlive_a_collection(struct target *self, int n)
{
    gcw_ref *ref = gcw_ref_new(self);
    *last_pointer = NULL;
    for (int i = 0; i < 3; i++) {
        collect();
        for (size_t k = 0; k < MANY; k++)
            target_new(k);
    }
    assert_ptr_equal(gcw_ref_get(ref), self);
    assert_int_equal(self->magic, MAGIC);
    return (int)self->number + n;
}

static NOINLINE plain_fn *
proxy_of_the_last_pointer(method_fn *fn)
{
    *last_pointer = target_new(11);
    return code_of(proxy_new(*last_pointer, fn));
}

TEST(self_stays_alive_until_the_method_returns)
{
    last_pointer = keep_array(1);
    plain_fn *code = proxy_of_the_last_pointer(outlive_a_collection);
    clear_stack();
    assert_int_equal(code(4), 15);
    GC_FREE(last_pointer);
}

/* Self dies by hand; the method that is at work goes on. */
static int
dispose_of_oneself(struct target *self, int n)
{
    assert_int_equal(gcw_dispose(self), 0);
    expect_stale(own_code);
    return (int)self->number + n;
}

TEST(a_method_may_dispose_of_self)
{
    struct target *t = target_new(20);
    own_code = code_of(proxy_new(t, dispose_of_oneself));
    assert_int_equal(own_code(2), 22);
    expect_stale(own_code);
}

/* --- freeing --- */

static gcw_proxy *own_proxy;

/* Others take its place at once. */
static int
free_oneself(struct target *self, int n)
{
    assert_int_equal(gcw_proxy_free(own_proxy), 0);
    own_proxy = NULL;
    for (int i = 0; i < 100; i++)
        proxy_new(self, add);
    collect();
    assert_int_equal(self->magic, MAGIC);
    return (int)self->number + n;
}

TEST(a_method_may_free_its_own_proxy)
{
    struct target *t = target_new(30);
    own_proxy = proxy_new(t, free_oneself);
    assert_int_equal(code_of(own_proxy)(3), 33);
    assert_null(own_proxy);
}

/* The same with a result so large that it is given back in memory. */
struct large {
    double numbers[8];
};

static struct large
free_and_give(struct target *self, struct large l)
{
    l.numbers[7] = free_oneself(self, 0);
    return l;
}

TEST(what_it_returns_then_arrives)
{
    struct target *t = target_new(40);
    struct large l = { { 1, 2, 3 } };
    own_proxy = gcw_proxy_new(t, (function *)free_and_give, "{d[8]}){d[8]}");
    assert_non_null(own_proxy);
    l = ((struct large (*)(struct large))gcw_proxy_code(own_proxy))(l);
    assert_true(l.numbers[2] == 3 && l.numbers[7] == 40);
}

/* The heap has found its size after some rounds, in incremental mode too. */
enum { ROUND = 20000, SETTLED = 10, ROUNDS = 50 };

/* In the order that a seed has decided, so the free memory is all mixed up. */
static void
make_and_free_a_round(gcw_proxy **proxies, const unsigned *order,
                      struct target *t)
{
    for (size_t i = 0; i < ROUND; i++)
        proxies[i] = proxy_new(t, add);
    for (size_t i = 0; i < ROUND; i++)
        assert_int_equal(gcw_proxy_free(proxies[order[i]]), 0);
}

TEST(a_million_come_and_go_and_leave_nothing)
{
    struct target *t = target_new(1);
    gcw_proxy **proxies = (gcw_proxy **)keep_array(ROUND);
    const unsigned *order = shuffled(ROUND);
    size_t heap = 0, pages = 0;
    for (int i = 0; i < ROUNDS; i++) {
        make_and_free_a_round(proxies, order, t);
        if (i == SETTLED) {
            heap = GC_get_heap_size();
            pages = resident();
        }
    }
    assert_in_range(GC_get_heap_size(), 0, 2 * heap);
    assert_in_range(resident(), 0, 2 * pages);
    GC_FREE(proxies);
}

/* --- the hook --- */

struct heard {
    gcw_proxy *proxy;
    void *data;
    size_t calls;
};
static struct heard heard;

static void
hear(gcw_proxy *p, void *data)
{
    heard = (struct heard){ p, data, heard.calls + 1 };
    errno = EXDEV;
}

TEST(the_hook_hears_of_each_stale_call)
{
    struct target *t = target_new(1);
    gcw_proxy *p = proxy_new(t, add);
    heard = (struct heard){ 0 };
    assert_int_equal(gcw_proxy_on_stale(p, hear, &heard), 0);
    assert_int_equal(code_of(p)(1), 2);
    assert_int_equal(heard.calls, 0);
    assert_int_equal(gcw_dispose(t), 0);
    expect_stale(code_of(p));
    assert_ptr_equal(heard.proxy, p);
    assert_ptr_equal(heard.data, &heard);
    expect_stale(code_of(p));
    assert_int_equal(heard.calls, 2);
}

TEST(a_new_hook_takes_the_place_of_the_old_and_null_of_it)
{
    gcw_proxy *p = stale_proxy();
    heard = (struct heard){ 0 };
    assert_int_equal(gcw_proxy_on_stale(p, never_called, NULL), 0);
    assert_int_equal(gcw_proxy_on_stale(p, hear, NULL), 0);
    expect_stale(code_of(p));
    assert_int_equal(heard.calls, 1);
    assert_int_equal(gcw_proxy_on_stale(p, NULL, NULL), 0);
    expect_stale(code_of(p));
    assert_int_equal(heard.calls, 1);
}

TEST(each_proxy_has_its_own_hook)
{
    gcw_proxy *p = stale_proxy(), *other = stale_proxy();
    heard = (struct heard){ 0 };
    assert_int_equal(gcw_proxy_on_stale(p, never_called, NULL), 0);
    assert_int_equal(gcw_proxy_on_stale(other, hear, NULL), 0);
    expect_stale(code_of(other));
    assert_int_equal(heard.calls, 1);
}

static void
free_stale(gcw_proxy *p, void *data)
{
    struct target *t = data;
    assert_int_equal(gcw_proxy_free(p), 0);
    for (int i = 0; i < 100; i++)
        proxy_new(t, add);
    collect();
    heard.calls += t->magic == MAGIC;
}

TEST(a_hook_may_free_the_proxy)
{
    gcw_proxy *p = stale_proxy();
    heard.calls = 0;
    assert_int_equal(gcw_proxy_on_stale(p, free_stale, target_new(2)), 0);
    expect_stale(code_of(p));
    assert_int_equal(heard.calls, 1);
    expect_errno(gcw_proxy_free(p) == -1, EINVAL);
}

/* What no memory may be read for any more: a large result. */
TEST(zero_is_returned_also_when_the_hook_has_freed_it)
{
    struct target *t = target_new(1);
    struct large l = { { 1, 2, 3 } };
    gcw_proxy *p = gcw_proxy_new(t, (function *)free_and_give,
                                 "{d[8]}){d[8]}");
    assert_int_equal(gcw_proxy_on_stale(p, free_stale, target_new(2)), 0);
    assert_int_equal(gcw_dispose(t), 0);
    l = ((struct large (*)(struct large))gcw_proxy_code(p))(l);
    for (int i = 0; i < 8; i++)
        assert_true(l.numbers[i] == 0);
}

TEST(the_target_cannot_be_the_data_of_the_hook)
{
    struct target *t = target_new(1);
    gcw_proxy *p = proxy_new(t, add);
    gcw_proxy *inner = gcw_proxy_new(&t->number, (function *)field_of, ")p");
    expect_errno(gcw_proxy_on_stale(p, hear, t) == -1, EINVAL);
    expect_errno(gcw_proxy_on_stale(p, hear, &t->field) == -1, EINVAL);
    expect_errno(gcw_proxy_on_stale(inner, hear, t) == -1, EINVAL);
    assert_int_equal(gcw_proxy_on_stale(p, hear, target_new(2)), 0);
}

/* Data of hooks, each referred to weakly. */
struct hooked {
    void **targets;
    gcw_proxy **proxies;
    gcw_ref **data;
};

static struct hooked
hooked_new(void)
{
    return (struct hooked){ keep_array(MANY),
                            (gcw_proxy **)keep_array(MANY),
                            (gcw_ref **)keep_array(MANY) };
}

static void
hook_all(void *hooked)
{
    struct hooked *h = hooked;
    for (size_t i = 0; i < MANY; i++) {
        struct target *data = target_new(i);
        h->targets[i] = target_new(i);
        h->proxies[i] = proxy_new(h->targets[i], add);
        h->data[i] = gcw_ref_new(data);
        assert_int_equal(gcw_proxy_on_stale(h->proxies[i], hear, data), 0);
    }
}

static size_t
data_alive(const struct hooked *h)
{
    size_t alive = 0;
    for (size_t i = 0; i < MANY; i++)
        alive += gcw_ref_get(h->data[i]) != NULL;
    return alive;
}

static void
free_all(void *hooked)
{
    struct hooked *h = hooked;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gcw_proxy_free(h->proxies[i]), 0);
}

static void
unhook_all(void *hooked)
{
    struct hooked *h = hooked;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gcw_proxy_on_stale(h->proxies[i], hear, NULL), 0);
}

static void
data_is_held_until(void (*let_go)(void *hooked))
{
    struct hooked h = hooked_new();
    in_dead_frame(hook_all, &h);
    collect();
    assert_int_equal(data_alive(&h), MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(gcw_dispose(h.targets[i]), 0);
    collect();
    assert_int_equal(data_alive(&h), MANY);
    in_dead_frame(let_go, &h);
    collect();
    assert_true(nearly_all(MANY - data_alive(&h), MANY));
}

/* The handles are still held by the test. */
TEST(the_data_of_a_hook_is_held_until_the_proxy_is_freed)
{
    data_is_held_until(free_all);
}

TEST(or_until_another_takes_its_place)
{
    data_is_held_until(unhook_all);
}

/* --- failures --- */

static int
give_up(struct target *self, int n)
{
    (void)self, (void)n;
    gcw_fail("out of rope");
}

static void
give_up_stale(gcw_proxy *p, void *data)
{
    (void)p;
    gcw_fail(data);
}

static void
call_proxy(void *arg, void *data)
{
    (void)arg;
    note("called");
    code_of(data)(1);
    note("came back");
}

static void
note_failure(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)name, (void)data;
    note(why);
}

static void
note_last(void *arg, void *data)
{
    (void)arg;
    note(data);
}

static void
emission_goes_on(gcw_proxy *failing, const char *notes)
{
    gcw_event *e = gcw_event_new("test");
    forget();
    assert_int_equal(gcw_event_on_error(e, note_failure, NULL), 0);
    assert_non_null(gcw_event_connect_fn(e, call_proxy, failing, 0));
    assert_non_null(gcw_event_connect_fn(e, note_last, "last", 0));
    assert_int_equal(gcw_event_emit(e, NULL), 2);
    assert_string_equal(noted(), notes);
}

TEST(a_method_may_give_up_the_listener_that_has_called_it)
{
    struct target *t = target_new(1);
    gcw_proxy *p = proxy_new(t, give_up);
    emission_goes_on(p, "called out of rope last");
    emission_goes_on(p, "called out of rope last");
    assert_int_equal(gcw_proxy_free(p), 0);
    GC_reachable_here(t);
}

TEST(so_may_a_hook)
{
    gcw_proxy *p = stale_proxy();
    assert_int_equal(gcw_proxy_on_stale(p, give_up_stale, "too late"), 0);
    emission_goes_on(p, "called too late last");
    emission_goes_on(p, "called too late last");
}

/* --- finalizers --- */

/* Which runs in the midst of some allocation. */
static void
make_call_and_free(void *object, void *data)
{
    struct target *t = target_new(1);
    gcw_proxy *p = proxy_new(t, add);
    (void)object;
    assert_int_equal(gcw_proxy_on_stale(p, hear, NULL), 0);
    assert_int_equal(code_of(p)(1), 2);
    assert_int_equal(gcw_dispose(t), 0);
    heard.calls = 0;
    expect_stale(code_of(p));
    assert_int_equal(heard.calls, 1);
    assert_int_equal(gcw_proxy_free(p), 0);
    count(data);
}

static void
drop_with_finalizers(void *calls)
{
    for (size_t i = 0; i < MANY; i++)
        GC_REGISTER_FINALIZER(target_new(i), make_call_and_free, calls, NULL,
                              NULL);
}

TEST(a_finalizer_may_do_all_that)
{
    size_t *calls = counter_new();
    in_dead_frame(drop_with_finalizers, calls);
    collect();
    assert_true(nearly_all(*calls, MANY));
}

/* --- how a process ends, and its children --- */

static void
say_number(struct target *self)
{
    dprintf(STDOUT_FILENO, "target %zu says good bye\n", self->number);
}

static void
say_stale(gcw_proxy *p, void *data)
{
    MUST(p != NULL);
    say(data);
}

/* Nothing but atexit's table and the library has the proxy. */
static void
give_to_atexit(struct target *t)
{
    gcw_proxy *p = gcw_proxy_new(t, (function *)say_number, ")v");
    MUST(p != NULL && gcw_proxy_on_stale(p, say_stale, "stale") == 0);
    MUST(atexit(gcw_proxy_code(p)) == 0);
}

END(a_proxy_given_to_atexit_is_called_at_exit, 0,
    "target 2 says good bye\ntarget 1 says good bye\n")
{
    void **keep = keep_array(2);
    for (size_t i = 0; i < 2; i++) {
        keep[i] = target_new(i + 1);
        give_to_atexit(keep[i]);
    }
    collect();
}

END(after_its_targets_death_its_hook_is, 0, "stale\n")
{
    struct target *t = target_new(1);
    give_to_atexit(t);
    MUST(gcw_dispose(t) == 0);
    collect();
}

END(to_give_up_where_there_is_nothing_to_give_up_aborts, 134, "",
    .err = "out of rope")
{
    struct target *t = target_new(1);
    code_of(proxy_new(t, give_up))(1);
    say("came back");
    GC_reachable_here(t);
}

/* What the child and its parent share, in uncollectable memory. */
enum { LIVING, DYING, TARGET, DEAD_TARGET, KEPT };
static void **kept;

static void
calls_and_makes(void)
{
    MUST(code_of(kept[LIVING])(2) == 3);
    MUST(gcw_dispose(kept[DEAD_TARGET]) == 0);
    errno = 0;
    MUST(code_of(kept[DYING])(2) == 0 && errno == ESTALE);
    MUST(gcw_proxy_free(kept[DYING]) == 0);
    for (size_t i = 0; i < MANY; i++)
        MUST(code_of(proxy_new(kept[TARGET], add))(5) == 6);
    gcw_collect();
    MUST(code_of(kept[LIVING])(2) == 3);
}

END(a_child_has_its_own_copies, 0, "done\n")
{
    int status;
    kept = keep_array(KEPT);
    kept[TARGET] = target_new(1);
    kept[DEAD_TARGET] = target_new(1);
    kept[LIVING] = proxy_new(kept[TARGET], add);
    kept[DYING] = proxy_new(kept[DEAD_TARGET], add);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        alarm(20);
        calls_and_makes();
        _exit(0);
    }
    MUST(waitpid(pid, &status, 0) == pid);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    MUST(code_of(kept[DYING])(2) == 3);
    calls_and_makes();
    say("done");
}
