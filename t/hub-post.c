/* hub-post.c: tests of emissions that are posted for later: order and number
 * of what a dispatch makes, on which thread, what is held until then, and the
 * descriptor that wakes a loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <gcweak/hub.h>
#include "log.h"
#include "readable.h"
#include "thread.h"

/* Notes the argument of the emission, a word. */
static void
note_arg(const gcw_emission *emission, void *data)
{
    (void)data;
    note(emission->arg);
}

static void
on(gcw_hub *h, const char *type,
   void (*fn)(const gcw_emission *emission, void *data), void *data)
{
    assert_non_null(gcw_hub_connect_fn(h, type, NULL, fn, data, 0));
}

/* A hub whose words are noted. */
static gcw_hub *
noting_hub(void)
{
    gcw_hub *h = gcw_hub_new();
    assert_non_null(h);
    on(h, "word", note_arg, NULL);
    forget();
    return h;
}

static void
post(gcw_hub *h, const char *word)
{
    assert_int_equal(gcw_hub_post(h, "word", NULL, (char *)word), 0);
}

static void
post_words(gcw_hub *h)
{
    static const char *const words[] = { "a", "b", "c", "d", "e" };
    for (int i = 0; i < 5; i++)
        post(h, words[i]);
}

/* A dispatch of at most `max` makes so many and leaves these words. */
static void
dispatch_leaves(gcw_hub *h, size_t max, size_t made, const char *words)
{
    forget();
    assert_int_equal(gcw_hub_dispatch(h, max), made);
    assert_string_equal(noted(), words);
}

static size_t
posted(gcw_hub *h)
{
    gcw_hub_size size;
    assert_int_equal(gcw_hub_measure(h, &size), 0);
    return size.posted;
}

/* --- how much a dispatch makes --- */

TEST(a_post_calls_nobody)
{
    gcw_hub *h = noting_hub();
    post_words(h);
    assert_string_equal(noted(), "");
    assert_int_equal(posted(h), 5);
}

TEST(the_oldest_is_first)
{
    gcw_hub *h = noting_hub();
    post_words(h);
    dispatch_leaves(h, 0, 5, "a b c d e");
    dispatch_leaves(h, 0, 0, "");
    assert_int_equal(posted(h), 0);
}

TEST(a_dispatch_makes_at_most_so_many)
{
    gcw_hub *h = noting_hub();
    post_words(h);
    dispatch_leaves(h, 2, 2, "a b");
    post(h, "f");
    dispatch_leaves(h, 1, 1, "c");
    assert_int_equal(posted(h), 3);
    dispatch_leaves(h, 100, 3, "d e f");
    dispatch_leaves(h, 1, 0, "");
}

TEST(a_dispatch_of_nothing_makes_nothing)
{
    gcw_hub *h = noting_hub();
    errno = E2BIG;
    dispatch_leaves(h, 0, 0, "");
    dispatch_leaves(h, 7, 0, "");
    assert_int_equal(errno, E2BIG);
}

TEST(one_that_nobody_hears_is_made_all_the_same)
{
    gcw_hub *h = noting_hub();
    gcw_hub_post(h, "nobody's", NULL, NULL);
    post(h, "a");
    dispatch_leaves(h, 1, 1, "");
    dispatch_leaves(h, 0, 1, "a");
}

/* Says its word again, until the end of the word. */
static void
post_the_rest(const gcw_emission *emission, void *data)
{
    const char *word = emission->arg;
    (void)data;
    note(word);
    if (word[1] != '\0')
        gcw_hub_post(emission->hub, emission->type, NULL, (char *)word + 1);
}

TEST(what_is_posted_meanwhile_waits_for_the_next_dispatch)
{
    gcw_hub *h = noting_hub();
    on(h, "long word", post_the_rest, NULL);
    gcw_hub_post(h, "long word", NULL, (char *)"abc");
    post(h, "x");
    dispatch_leaves(h, 0, 2, "abc x");
    dispatch_leaves(h, 100, 1, "bc");
    dispatch_leaves(h, 0, 1, "c");
    dispatch_leaves(h, 0, 0, "");
}

static void
dispatch_inside(const gcw_emission *emission, void *data)
{
    note("(");
    *(size_t *)data += gcw_hub_dispatch(emission->hub, 0);
    note(")");
}

TEST(a_dispatch_inside_a_listener_makes_each_once)
{
    gcw_hub *h = noting_hub();
    size_t inside = 0;
    on(h, "dispatch", dispatch_inside, &inside);
    post(h, "a");
    gcw_hub_post(h, "dispatch", NULL, NULL);
    post(h, "b");
    post(h, "c");
    dispatch_leaves(h, 0, 2, "a ( b c )");
    assert_int_equal(inside, 2);
    dispatch_leaves(h, 0, 0, "");
}

static void
post_and_dispatch_inside(const gcw_emission *emission, void *data)
{
    post(emission->hub, "new");
    dispatch_inside(emission, data);
}

TEST(what_a_dispatch_inside_makes_is_not_owed_by_the_outer_one)
{
    gcw_hub *h = noting_hub();
    size_t inside = 0;
    on(h, "dispatch", post_and_dispatch_inside, &inside);
    gcw_hub_post(h, "dispatch", NULL, NULL);
    post(h, "a");
    dispatch_leaves(h, 0, 1, "( a new )");
    assert_int_equal(inside, 2);
}

static void
dispatch_inside_and_post(const gcw_emission *emission, void *data)
{
    dispatch_inside(emission, data);
    post(emission->hub, "late");
}

TEST(nor_does_it_make_what_was_posted_meanwhile_instead)
{
    gcw_hub *h = noting_hub();
    size_t inside = 0;
    on(h, "dispatch", dispatch_inside_and_post, &inside);
    gcw_hub_post(h, "dispatch", NULL, NULL);
    post(h, "a");
    post(h, "b");
    dispatch_leaves(h, 0, 1, "( a b )");
    assert_int_equal(inside, 2);
    dispatch_leaves(h, 0, 1, "late");
}

static void
give_up(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
    gcw_fail("on purpose");
}

static void
hear(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)name;
    note(why);
    note(data);
}

TEST(a_listener_that_fails_does_not_stop_a_dispatch)
{
    gcw_hub *h = noting_hub();
    assert_int_equal(gcw_hub_on_error(h, hear, (char *)"heard"), 0);
    on(h, "fail", give_up, NULL);
    post(h, "a");
    gcw_hub_post(h, "fail", NULL, NULL);
    post(h, "b");
    dispatch_leaves(h, 0, 3, "a on purpose heard b");
}

TEST(hubs_are_dispatched_separately)
{
    gcw_hub *one = noting_hub(), *other = noting_hub();
    post(one, "one");
    post(other, "other");
    dispatch_leaves(one, 0, 1, "one");
    dispatch_leaves(other, 0, 1, "other");
}

/* --- what listeners are told, and who they are --- */

struct told {
    gcw_emission emission;
    char type[16];
    size_t times;
};

static void
listen(const gcw_emission *emission, void *data)
{
    struct told *told = data;
    told->times++;
    told->emission = *emission;
    snprintf(told->type, sizeof told->type, "%s",
             emission->type != NULL ? emission->type : "(null)");
}

TEST(an_emission_comes_as_it_was_posted)
{
    gcw_hub *h = noting_hub();
    struct told told = { .times = 0 };
    struct target *source = target_new(1), *arg = target_new(2);
    gcw_listener *l = gcw_hub_connect_fn(h, "saved", source, listen, &told,
                                         0);
    assert_int_equal(gcw_hub_post(h, "saved", source, arg), 0);
    assert_int_equal(gcw_hub_dispatch(h, 0), 1);
    assert_int_equal(told.times, 1);
    assert_ptr_equal(told.emission.hub, h);
    assert_ptr_equal(told.emission.listener, l);
    assert_string_equal(told.type, "saved");
    assert_ptr_equal(told.emission.source, source);
    assert_ptr_equal(told.emission.arg, arg);
}

TEST(one_without_type_source_and_argument_has_none)
{
    gcw_hub *h = noting_hub();
    struct told told = { .emission = { .arg = &told } };
    on(h, NULL, listen, &told);
    assert_int_equal(gcw_hub_post(h, NULL, NULL, NULL), 0);
    assert_int_equal(gcw_hub_dispatch(h, 0), 1);
    assert_int_equal(told.times, 1);
    assert_null(told.emission.type);
    assert_null(told.emission.source);
    assert_null(told.emission.arg);
}

TEST(a_posted_type_is_copied)
{
    gcw_hub *h = noting_hub();
    char type[] = "word";
    gcw_hub_post(h, type, NULL, (char *)"a");
    strcpy(type, "else");
    dispatch_leaves(h, 0, 1, "a");
}

TEST(who_is_connected_at_the_dispatch_hears_of_it)
{
    gcw_hub *h = gcw_hub_new();
    assert_non_null(h);
    gcw_listener *early = gcw_hub_connect_fn(h, "word", NULL, note_arg,
                                             (char *)"early", 0);
    post(h, "a");
    dispatch_leaves(h, 0, 1, "a");
    post(h, "b");
    assert_true(gcw_listener_disconnect(early));
    dispatch_leaves(h, 0, 1, "");
    post(h, "c");
    on(h, "word", note_arg, (char *)"late");
    dispatch_leaves(h, 0, 1, "c");
}

TEST(a_source_that_ended_meanwhile_has_no_listeners)
{
    gcw_hub *h = noting_hub();
    struct target *source = target_new(1);
    assert_non_null(gcw_hub_connect_fn(h, "word", source, note_arg,
                                       (char *)"of the source", 0));
    gcw_hub_post(h, "word", source, (char *)"a");
    assert_int_equal(gcw_dispose(source), 0);
    dispatch_leaves(h, 0, 1, "a");
}

/* --- threads --- */

enum { THREADS = 4, POSTS = 2000 };

/* Each post is a number: the thread's, and counting up. */
struct poster {
    gcw_hub *hub;
    pthread_t thread;
    size_t number, posted;
};

static void *
post_numbers(void *data)
{
    struct poster *p = data;
    for (size_t i = 0; i < POSTS; i++) {
        uintptr_t arg = p->number * POSTS + i;
        p->posted += gcw_hub_post(p->hub, "number", NULL, (void *)arg) == 0;
    }
    return NULL;
}

static void
start_posting(struct poster posters[THREADS], gcw_hub *h)
{
    for (size_t i = 0; i < THREADS; i++) {
        posters[i] = (struct poster){ .hub = h, .number = i };
        assert_int_equal(GC_pthread_create(&posters[i].thread, NULL,
                                           post_numbers, &posters[i]), 0);
    }
}

static void
stop_posting(struct poster posters[THREADS])
{
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(GC_pthread_join(posters[i].thread, NULL), 0);
        assert_int_equal(posters[i].posted, POSTS);
    }
}

/* What came of each thread; counts those that came in order. */
struct arrivals {
    size_t next[THREADS];
    size_t in_order;
};

static void
arrive(const gcw_emission *emission, void *data)
{
    struct arrivals *a = data;
    uintptr_t number = (uintptr_t)emission->arg;
    a->in_order += number % POSTS == a->next[number / POSTS]++;
}

TEST(what_threads_post_comes_in_the_order_of_each)
{
    gcw_hub *h = gcw_hub_new();
    struct arrivals arrivals = { .in_order = 0 };
    struct poster posters[THREADS];
    size_t made = 0;
    on(h, "number", arrive, &arrivals);
    start_posting(posters, h);
    while (made < POSTS)
        made += gcw_hub_dispatch(h, 0);
    stop_posting(posters);
    made += gcw_hub_dispatch(h, 0);
    assert_int_equal(made, THREADS * POSTS);
    assert_int_equal(arrivals.in_order, THREADS * POSTS);
}

static void
mark(const gcw_emission *emission, void *data)
{
    atomic_int *marks = data;
    atomic_fetch_add(&marks[(uintptr_t)emission->arg], 1);
}

struct dispatcher {
    gcw_hub *hub;
    pthread_t thread;
    size_t made;
};

static void *
dispatch_until_empty(void *data)
{
    struct dispatcher *d = data;
    size_t made;
    do
        d->made += made = gcw_hub_dispatch(d->hub, 3);
    while (made > 0);
    return NULL;
}

static size_t
dispatch_by_threads(gcw_hub *h)
{
    struct dispatcher d[THREADS];
    size_t made = 0;
    for (size_t i = 0; i < THREADS; i++) {
        d[i] = (struct dispatcher){ .hub = h };
        assert_int_equal(GC_pthread_create(&d[i].thread, NULL,
                                           dispatch_until_empty, &d[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(GC_pthread_join(d[i].thread, NULL), 0);
        made += d[i].made;
    }
    return made;
}

TEST(threads_that_dispatch_make_each_once)
{
    static atomic_int marks[THREADS * POSTS];
    gcw_hub *h = gcw_hub_new();
    on(h, "number", mark, marks);
    for (uintptr_t i = 0; i < THREADS * POSTS; i++)
        assert_int_equal(gcw_hub_post(h, "number", NULL, (void *)i), 0);
    assert_int_equal(dispatch_by_threads(h), THREADS * POSTS);
    for (size_t i = 0; i < THREADS * POSTS; i++)
        assert_int_equal(marks[i], 1);
}

static void
note_thread(const gcw_emission *emission, void *data)
{
    (void)emission;
    *(pthread_t *)data = pthread_self();
}

static void *
dispatch_here(void *hub)
{
    gcw_hub_dispatch(hub, 0);
    return NULL;
}

static void *
post_here(void *hub)
{
    gcw_hub_post(hub, "where", NULL, NULL);
    return NULL;
}

TEST(listeners_run_on_the_thread_that_dispatches)
{
    gcw_hub *h = gcw_hub_new();
    pthread_t ran_on = pthread_self();
    on(h, "where", note_thread, &ran_on);
    post_here(h);
    pthread_t other = in_thread(dispatch_here, h);
    assert_true(pthread_equal(ran_on, other));
    in_thread(post_here, h);
    dispatch_here(h);
    assert_true(pthread_equal(ran_on, pthread_self()));
}

/* --- what is held, and what is let go --- */

/* MANY emissions with sources and arguments that nothing else holds. */
struct cargo {
    gcw_hub *hub;
    gcw_ref **sources, **args;
    size_t *right;           /* emissions that came with what was posted */
};

static void
look_at_cargo(const gcw_emission *emission, void *data)
{
    const struct target *source = emission->source, *arg = emission->arg;
    *(size_t *)data += source->magic == MAGIC && arg->magic == MAGIC
                    && source->number == arg->number;
}

static void
post_cargo(void *data)
{
    struct cargo *c = data;
    for (size_t i = 0; i < MANY; i++) {
        struct target *source = target_new(i), *arg = target_new(i);
        c->sources[i] = gcw_ref_new(source);
        c->args[i] = gcw_ref_new(arg);
        assert_int_equal(gcw_hub_post(c->hub, "cargo", source, arg), 0);
    }
}

static struct cargo
cargo_new(void)
{
    struct cargo c = {
        gcw_hub_new(), (gcw_ref **)keep_array(MANY),
        (gcw_ref **)keep_array(MANY), counter_new()
    };
    assert_non_null(c.hub);
    on(c.hub, "cargo", look_at_cargo, c.right);
    in_dead_frame(post_cargo, &c);
    return c;
}

static void
dispatch_cargo(void *data)
{
    struct cargo *c = data;
    assert_int_equal(gcw_hub_dispatch(c->hub, 0), MANY);
}

TEST(source_and_argument_are_held_until_dispatched)
{
    struct cargo c = cargo_new();
    collect();
    assert_int_equal(dead_refs(c.sources, MANY), 0);
    assert_int_equal(dead_refs(c.args, MANY), 0);
    in_dead_frame(dispatch_cargo, &c);
    assert_int_equal(*c.right, MANY);
    collect();
    assert_true(nearly_all(dead_refs(c.sources, MANY), MANY));
    assert_true(nearly_all(dead_refs(c.args, MANY), MANY));
    assert_int_equal(gcw_hub_dispatch(c.hub, 0), 0);
}

/* Half of them only: what was made is let go though others wait. */
static void
dispatch_half(void *data)
{
    struct cargo *c = data;
    assert_int_equal(gcw_hub_dispatch(c->hub, MANY / 2), MANY / 2);
}

TEST(what_was_dispatched_is_let_go_though_others_wait)
{
    struct cargo c = cargo_new();
    in_dead_frame(dispatch_half, &c);
    collect();
    assert_in_range(dead_refs(c.args, MANY),
                    MANY / 2 - (MANY - NEARLY_ALL), MANY / 2);
    assert_int_equal(gcw_hub_dispatch(c.hub, 0), MANY / 2);
    assert_int_equal(*c.right, MANY);
}

static void
post_to_hubs_of_their_own(void *data)
{
    struct cargo *c = data;
    for (size_t i = 0; i < MANY; i++) {
        gcw_hub *h = noting_hub();
        struct target *source = target_new(i), *arg = target_new(i);
        c->sources[i] = gcw_ref_new(source);
        c->args[i] = gcw_ref_new(arg);
        assert_int_equal(gcw_hub_post(h, "word", source, arg), 0);
    }
}

TEST(a_dropped_hub_takes_along_what_is_left_in_it)
{
    struct cargo c = {
        NULL, (gcw_ref **)keep_array(MANY), (gcw_ref **)keep_array(MANY), NULL
    };
    in_dead_frame(post_to_hubs_of_their_own, &c);
    collect();
    assert_true(nearly_all(dead_refs(c.sources, MANY), MANY));
    assert_true(nearly_all(dead_refs(c.args, MANY), MANY));
    assert_string_equal(noted(), "");
}

static void GC_CALLBACK
post_from_a_finalizer(void *object, void *hub)
{
    gcw_hub_post(hub, "cargo", object, object);
}

static void
drop_with_finalizers(void *hub)
{
    for (size_t i = 0; i < MANY; i++)
        GC_REGISTER_FINALIZER(target_new(i), post_from_a_finalizer, hub,
                              NULL, NULL);
}

TEST(a_finalizer_may_post)
{
    gcw_hub *h = gcw_hub_new();
    size_t *right = counter_new();
    on(h, "cargo", look_at_cargo, right);
    in_dead_frame(drop_with_finalizers, h);
    collect();
    size_t made = gcw_hub_dispatch(h, 0);
    assert_true(nearly_all(made, MANY));
    assert_int_equal(*right, made);
}

static void
post_and_dispatch_many(void *hub)
{
    for (size_t i = 0; i < 100 * MANY; i++) {
        gcw_hub_post(hub, "passing", NULL, hub);
        assert_int_equal(gcw_hub_dispatch(hub, 0), 1);
    }
}

TEST(what_was_dispatched_leaves_nothing_behind)
{
    gcw_hub *h = noting_hub();
    gcw_hub_size before, after;
    in_dead_frame(post_cargo, &(struct cargo){
        h, (gcw_ref **)keep_array(MANY), (gcw_ref **)keep_array(MANY), NULL
    });
    assert_int_equal(gcw_hub_measure(h, &before), 0);
    assert_int_equal(gcw_hub_dispatch(h, 0), MANY);
    post_and_dispatch_many(h);
    assert_int_equal(gcw_hub_measure(h, &after), 0);
    assert_int_equal(after.posted, 0);
    assert_in_range(after.bytes, 0, before.bytes);
}

/* --- the descriptor --- */

static int
fd_of(gcw_hub *h)
{
    int fd = gcw_hub_fd(h);
    assert_true(fd >= 0);
    return fd;
}

TEST(the_descriptor_is_readable_while_something_is_posted)
{
    gcw_hub *h = noting_hub();
    int fd = fd_of(h);
    assert_false(readable(fd, 0));
    for (int i = 0; i < 3; i++) {
        post(h, "a");
        assert_true(readable(fd, 0));
        assert_true(readable(fd, 0));
        dispatch_leaves(h, 0, 1, "a");
        assert_false(readable(fd, 0));
    }
}

TEST(it_stays_readable_if_some_are_left)
{
    gcw_hub *h = noting_hub();
    int fd = fd_of(h);
    post_words(h);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(gcw_hub_dispatch(h, 1), 1);
        assert_true(readable(fd, 0));
    }
    assert_int_equal(gcw_hub_dispatch(h, 1), 1);
    gcw_hub_dispatch(h, 1);
    assert_false(readable(fd, 0));
}

TEST(it_is_readable_for_what_was_posted_meanwhile)
{
    gcw_hub *h = noting_hub();
    int fd = fd_of(h);
    on(h, "long word", post_the_rest, NULL);
    gcw_hub_post(h, "long word", NULL, (char *)"ab");
    dispatch_leaves(h, 0, 1, "ab");
    assert_true(readable(fd, 0));
    dispatch_leaves(h, 0, 1, "b");
    assert_false(readable(fd, 0));
}

TEST(wake_ups_coalesce)
{
    gcw_hub *h = gcw_hub_new();
    int fd = fd_of(h);
    for (size_t i = 0; i < 100 * MANY; i++)
        assert_int_equal(gcw_hub_post(h, "many", NULL, NULL), 0);
    assert_true(readable(fd, 0));
    assert_int_equal(gcw_hub_dispatch(h, 0), 100 * MANY);
    assert_false(readable(fd, 0));
}

TEST(a_dispatch_inside_a_listener_leaves_no_wake_up)
{
    gcw_hub *h = noting_hub();
    size_t inside = 0;
    int fd = fd_of(h);
    on(h, "dispatch", dispatch_inside, &inside);
    gcw_hub_post(h, "dispatch", NULL, NULL);
    post_words(h);
    gcw_hub_dispatch(h, 0);
    assert_int_equal(inside, 5);
    assert_false(readable(fd, 0));
}

TEST(asked_for_late_it_is_readable_at_once)
{
    gcw_hub *h = noting_hub();
    post(h, "a");
    int fd = fd_of(h);
    assert_true(readable(fd, 0));
    dispatch_leaves(h, 0, 1, "a");
    assert_false(readable(fd, 0));
}

TEST(it_is_the_same_on_every_call)
{
    gcw_hub *h = noting_hub();
    int fd = fd_of(h);
    errno = E2BIG;
    assert_int_equal(fd_of(h), fd);
    post(h, "a");
    assert_int_equal(fd_of(h), fd);
    gcw_hub_dispatch(h, 0);
    assert_int_equal(fd_of(h), fd);
    assert_int_equal(errno, E2BIG);
}

TEST(each_hub_has_its_own)
{
    gcw_hub *one = noting_hub(), *other = noting_hub();
    assert_int_not_equal(fd_of(one), fd_of(other));
    assert_int_not_equal(fd_of(one), gcw_drain_fd());
    post(one, "a");
    assert_true(readable(fd_of(one), 0));
    assert_false(readable(fd_of(other), 0));
    gcw_hub_dispatch(other, 0);
    assert_true(readable(fd_of(one), 0));
    gcw_hub_dispatch(one, 0);
    assert_false(readable(fd_of(one), 0));
}

TEST(it_is_closed_on_exec)
{
    gcw_hub *h = noting_hub();
    int flags = fcntl(fd_of(h), F_GETFD);
    assert_true(flags >= 0 && (flags & FD_CLOEXEC));
}

TEST(a_thread_that_waits_in_poll_is_woken)
{
    gcw_hub *h = noting_hub();
    int fd = fd_of(h);
    pthread_t waiter;
    void *woken = NULL;
    assert_int_equal(
        GC_pthread_create(&waiter, NULL, wait_for_a_wake_up, &fd), 0);
    post(h, "a");
    assert_int_equal(GC_pthread_join(waiter, &woken), 0);
    assert_ptr_equal(woken, &fd);
    dispatch_leaves(h, 0, 1, "a");
}

/* A loop that sleeps in poll gets all that threads post. */
TEST(a_loop_misses_nothing)
{
    gcw_hub *h = gcw_hub_new();
    struct arrivals arrivals = { .in_order = 0 };
    struct poster posters[THREADS];
    int fd = fd_of(h);
    size_t made = 0;
    on(h, "number", arrive, &arrivals);
    start_posting(posters, h);
    while (made < THREADS * POSTS && readable(fd, LONG_ENOUGH))
        made += gcw_hub_dispatch(h, 0);
    stop_posting(posters);
    assert_int_equal(made, THREADS * POSTS);
    assert_int_equal(arrivals.in_order, THREADS * POSTS);
}

enum { HUBS = 400 };    /* fewer than a process may have descriptors */

struct row {
    void **hubs;
    int fds[HUBS];
};

static void
make_hubs_with_descriptors(void *arg)
{
    struct row *row = arg;
    for (int i = 0; i < HUBS; i++) {
        gcw_hub *h = row->hubs[i] = noting_hub();
        row->fds[i] = fd_of(h);
    }
}

static struct row *
row_new(void)
{
    struct row *row = GC_MALLOC_UNCOLLECTABLE(sizeof *row);
    row->hubs = keep_array(HUBS);
    in_dead_frame(make_hubs_with_descriptors, row);
    return row;
}

static size_t
closed(const struct row *row)
{
    size_t n = 0;
    for (int i = 0; i < HUBS; i++)
        n += fcntl(row->fds[i], F_GETFD) < 0 && errno == EBADF;
    return n;
}

/* The call is for collectors that run finalizers when it suits them. */
static void
drop(struct row *row)
{
    const char *mode = getenv("GCWEAK_TEST_MODE");
    GC_FREE(row->hubs);
    row->hubs = NULL;
    collect();
    if (mode != NULL && *mode != '\0')
        gcw_drain(0);
}

TEST(it_is_closed_when_the_hub_is_collected)
{
    struct row *row = row_new();
    collect();
    assert_int_equal(closed(row), 0);
    drop(row);
    assert_true(nearly_all(closed(row), HUBS));
}

/* Known only from memory that no collection looks at. */
static void
post_and_hide(void *arg)
{
    struct row *row = arg;
    void **hidden = malloc(HUBS * sizeof *hidden);
    assert_non_null(hidden);
    for (int i = 0; i < HUBS; i++)
        post(hidden[i] = row->hubs[i], "a");
    GC_FREE(row->hubs);
    row->hubs = hidden;
}

static void
dispatch_hidden(void *arg)
{
    struct row *row = arg;
    for (int i = 0; i < HUBS; i++) {
        assert_true(readable(row->fds[i], 0));
        dispatch_leaves(row->hubs[i], 0, 1, "a");
    }
    free(row->hubs);
    row->hubs = keep_array(1);
}

TEST(a_hub_that_may_be_polled_stays_while_something_waits)
{
    struct row *row = row_new();
    in_dead_frame(post_and_hide, row);
    collect();
    gcw_drain(0);
    assert_int_equal(closed(row), 0);
    in_dead_frame(dispatch_hidden, row);
    drop(row);
    assert_true(nearly_all(closed(row), HUBS));
}

/* --- the descriptor while listeners are at work --- */

static void
note_readable(const gcw_emission *emission, void *data)
{
    (void)emission;
    note(readable(*(int *)data, 0) ? "readable" : "silent");
}

TEST(it_is_readable_inside_a_listener_while_more_wait)
{
    gcw_hub *h = gcw_hub_new();
    int fd = fd_of(h);
    on(h, "word", note_readable, &fd);
    for (int i = 0; i < 3; i++)
        post(h, "a");
    dispatch_leaves(h, 0, 3, "readable readable silent");
    post(h, "a");
    post(h, "a");
    dispatch_leaves(h, 1, 1, "readable");
    dispatch_leaves(h, 1, 1, "silent");
}

/* As a dialog that waits for something that was posted. */
static void
loop_inside(const gcw_emission *emission, void *data)
{
    const char *seen = noted();
    size_t before = strlen(seen);
    while (strlen(seen) == before && readable(*(int *)data, LONG_ENOUGH))
        gcw_hub_dispatch(emission->hub, 1);
}

TEST(a_loop_inside_a_listener_gets_what_waits)
{
    gcw_hub *h = noting_hub();
    int fd = fd_of(h);
    on(h, "loop", loop_inside, &fd);
    gcw_hub_post(h, "loop", NULL, NULL);
    post(h, "a");
    post(h, "b");
    dispatch_leaves(h, 0, 2, "a b");
    assert_false(readable(fd, 0));
}

static void
end_the_thread(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
    pthread_exit(NULL);
}

TEST(a_listener_that_ends_its_thread_leaves_the_rest_readable)
{
    gcw_hub *h = noting_hub();
    int fd = fd_of(h);
    on(h, "end", end_the_thread, NULL);
    gcw_hub_post(h, "end", NULL, NULL);
    post(h, "a");
    gcw_hub_post(h, "end", NULL, NULL);
    in_thread(dispatch_here, h);
    assert_true(readable(fd, 0));
    dispatch_leaves(h, 1, 1, "a");
    assert_true(readable(fd, 0));
    in_thread(dispatch_here, h);
    assert_false(readable(fd, 0));
    dispatch_leaves(h, 0, 0, "");
}

/* A new epoll that tells of changes only. */
static int
edges_of(int fd)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    int edges = epoll_create1(EPOLL_CLOEXEC);
    assert_true(edges >= 0);
    assert_int_equal(epoll_ctl(edges, EPOLL_CTL_ADD, fd, &event), 0);
    return edges;
}

static bool
edge_comes(int edges, int timeout)
{
    struct epoll_event event;
    int n;
    do
        n = epoll_wait(edges, &event, 1, timeout);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

TEST(what_a_dispatch_leaves_is_a_new_edge)
{
    gcw_hub *h = noting_hub();
    int edges = edges_of(fd_of(h));
    post_words(h);
    assert_true(edge_comes(edges, 0));
    assert_false(edge_comes(edges, 0));
    dispatch_leaves(h, 2, 2, "a b");
    assert_true(edge_comes(edges, 0));
    dispatch_leaves(h, 2, 2, "c d");
    assert_true(edge_comes(edges, 0));
    dispatch_leaves(h, 2, 1, "e");
    assert_false(edge_comes(edges, 0));
    close(edges);
}

TEST(a_loop_that_hears_of_edges_only_misses_nothing)
{
    gcw_hub *h = gcw_hub_new();
    struct arrivals arrivals = { .in_order = 0 };
    struct poster posters[THREADS];
    int edges = edges_of(fd_of(h));
    size_t made = 0;
    on(h, "number", arrive, &arrivals);
    start_posting(posters, h);
    while (made < THREADS * POSTS && edge_comes(edges, LONG_ENOUGH))
        made += gcw_hub_dispatch(h, 7);
    stop_posting(posters);
    assert_int_equal(made, THREADS * POSTS);
    assert_int_equal(arrivals.in_order, THREADS * POSTS);
    close(edges);
}

/* --- the descriptor in processes of their own --- */

static gcw_hub *
saying_hub(void)
{
    gcw_hub *h = noting_hub();
    MUST(h != NULL);
    return h;
}

END(with_a_full_descriptor_table_it_fails_and_works_later, 0,
    "later: readable\nafter: silent\na b\n", .err = "")
{
    gcw_hub *h = saying_hub();
    int last = fill_the_table();
    errno = 0;
    MUST(gcw_hub_fd(h) == -1 && errno == EMFILE);
    MUST(gcw_hub_post(h, "word", NULL, (char *)"a") == 0);
    MUST(gcw_hub_dispatch(h, 0) == 1);
    MUST(gcw_hub_post(h, "word", NULL, (char *)"b") == 0);
    for (int i = 0; i < 4; i++)
        close(last - i);
    MUST(gcw_hub_fd(h) >= 0);
    say_readable("later", gcw_hub_fd(h), 0);
    MUST(gcw_hub_dispatch(h, 0) == 1);
    say_readable("after", gcw_hub_fd(h), 0);
    say(noted());
}

static void
post_in_the_child(gcw_hub *h, int fd)
{
    say_readable("child before", fd, 0);
    MUST(gcw_hub_post(h, "word", NULL, (char *)"a") == 0);
    say_readable("child", fd, 0);
    MUST(gcw_hub_fd(h) == fd);
    MUST(gcw_hub_dispatch(h, 0) == 1);
    say_readable("child after", fd, 0);
    _exit(0);
}

END(a_post_in_a_forked_child_does_not_wake_the_parent, 0,
    "child before: silent\nchild: readable\n"
    "child after: silent\n"
    "parent: silent\nparent later: readable\n", .err = "")
{
    gcw_hub *h = saying_hub();
    int fd = gcw_hub_fd(h);
    pid_t child = fork();
    if (child == 0)
        post_in_the_child(h, fd);
    ends_well(child);
    say_readable("parent", fd, 0);
    MUST(gcw_hub_post(h, "word", NULL, (char *)"b") == 0);
    say_readable("parent later", fd, 0);
}

/* Tells when the other has posted. */
static void
look_in_the_child(gcw_hub *h, int fd, int told)
{
    char byte;
    MUST(read(told, &byte, 1) == 1);
    say_readable("child", fd, 0);
    MUST(gcw_hub_dispatch(h, 0) == 0);
    MUST(gcw_hub_post(h, "word", NULL, (char *)"a") == 0);
    say_readable("child later", fd, 0);
    _exit(0);
}

END(a_post_in_the_parent_does_not_wake_a_forked_child, 0,
    "child: silent\nchild later: readable\n"
    "parent: readable\nparent after: silent\n", .err = "")
{
    gcw_hub *h = saying_hub();
    int fd = gcw_hub_fd(h), ends[2];
    MUST(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0)
        look_in_the_child(h, fd, ends[0]);
    MUST(gcw_hub_post(h, "word", NULL, (char *)"a") == 0);
    MUST(write(ends[1], "x", 1) == 1);
    ends_well(child);
    say_readable("parent", fd, 0);
    MUST(gcw_hub_dispatch(h, 0) == 1);
    say_readable("parent after", fd, 0);
}

static void
dispatch_in_the_child(gcw_hub *h, int fd)
{
    say_readable("child", fd, 0);
    MUST(gcw_hub_dispatch(h, 0) == 1);
    say_readable("child after", fd, 0);
    _exit(0);
}

END(what_was_posted_before_a_fork_is_there_in_both, 0,
    "child: readable\nchild after: silent\n"
    "parent: readable\nparent after: silent\n", .err = "")
{
    gcw_hub *h = saying_hub();
    int fd = gcw_hub_fd(h);
    MUST(gcw_hub_post(h, "word", NULL, (char *)"a") == 0);
    pid_t child = fork();
    if (child == 0)
        dispatch_in_the_child(h, fd);
    ends_well(child);
    say_readable("parent", fd, 0);
    MUST(gcw_hub_dispatch(h, 0) == 1);
    say_readable("parent after", fd, 0);
}

/* What the child drops is closed in the child only. */
static void
drop_in_the_child(struct row *row)
{
    drop(row);
    MUST(nearly_all(closed(row), HUBS));
    _exit(0);
}

END(a_hub_dropped_in_a_child_leaves_the_parents_open, 0, "open\n", .err = "")
{
    struct row *row = row_new();
    pid_t child = fork();
    if (child == 0)
        drop_in_the_child(row);
    ends_well(child);
    say(closed(row) == 0 ? "open" : "closed");
}

/* --- bad arguments --- */

TEST(no_hub_is_invalid)
{
    expect_errno(gcw_hub_post(NULL, "word", NULL, NULL) == -1, EINVAL);
    expect_errno(gcw_hub_dispatch(NULL, 0) == 0, EINVAL);
    expect_errno(gcw_hub_fd(NULL) == -1, EINVAL);
}

TEST(a_source_that_is_no_heap_object_can_be_posted)
{
    static int fixed;
    gcw_hub *h = gcw_hub_new();
    struct told told = { .times = 0 };
    on(h, "saved", listen, &told);
    assert_int_equal(gcw_hub_post(h, "saved", &fixed, &fixed), 0);
    assert_int_equal(gcw_hub_dispatch(h, 0), 1);
    assert_ptr_equal(told.emission.source, &fixed);
    assert_ptr_equal(told.emission.arg, &fixed);
}

TEST(success_leaves_errno_alone)
{
    errno = E2BIG;
    gcw_hub *h = noting_hub();
    fd_of(h);
    post_words(h);
    assert_int_equal(gcw_hub_dispatch(h, 2), 2);
    assert_int_equal(gcw_hub_dispatch(h, 0), 3);
    assert_int_equal(errno, E2BIG);
}
