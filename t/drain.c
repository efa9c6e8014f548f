/* drain.c: tests of the drain: how much it runs and where, what callbacks may
 * do, who hears of failures, and the descriptor that wakes.
 *
 * What counts exactly comes first: the few targets that the collector missed
 * in the later ones may die at any time.
 */
#include "heard.h"
#include "idle.h"
#include "support.h"
#include "readable.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

static void
pend_several(size_t n, void (*fn)(void *), void *data)
{
    for (size_t i = 0; i < n; i++)
        pend(fn, data);
}

/* --- how much runs, and where --- */

TEST(a_drain_of_nothing_runs_nothing)
{
    errno = EXDEV;
    assert_int_equal(gcw_drain(0), 0);
    assert_int_equal(gcw_drain(5), 0);
    assert_int_equal(errno, EXDEV);
}

TEST(a_drain_runs_at_most_so_many_and_tells_how_many)
{
    size_t *n = counter_new();
    pend_several(10, count, n);
    assert_int_equal(gcw_drain(3), 3);
    assert_int_equal(*n, 3);
    assert_int_equal(gcw_drain(3), 3);
    assert_int_equal(gcw_drain(100), 4);
    assert_int_equal(gcw_drain(1), 0);
    assert_int_equal(*n, 10);
}

TEST(a_drain_of_all_runs_all)
{
    size_t *n = counter_new();
    pend_several(10, count, n);
    assert_int_equal(gcw_drain(0), 10);
    assert_int_equal(*n, 10);
}

/* Counts down; makes itself pending again until zero. */
static void
pend_the_next(void *data)
{
    size_t *left = data;
    if (--*left > 0)
        pend(pend_the_next, left);
}

TEST(a_drain_of_all_runs_what_becomes_pending_meanwhile)
{
    size_t *left = counter_new();
    *left = 10;
    pend(pend_the_next, left);
    assert_int_equal(gcw_drain(0), 10);
    assert_int_equal(*left, 0);
}

TEST(a_bounded_drain_keeps_its_bound_meanwhile)
{
    size_t *left = counter_new();
    *left = 10;
    pend(pend_the_next, left);
    assert_int_equal(gcw_drain(4), 4);
    assert_int_equal(*left, 6);
    assert_int_equal(gcw_drain(0), 6);
}

TEST(a_drain_does_not_collect)
{
    enum { DRAINS = 100 };
    GC_word before = GC_get_gc_no();
    for (int i = 0; i < DRAINS; i++)
        gcw_drain(0);
    assert_true(GC_get_gc_no() - before < DRAINS / 2);
}

static void
note_thread(void *data)
{
    *(pthread_t *)data = pthread_self();
}

static void *
drain_here(void *unused)
{
    gcw_drain(0);
    return unused;
}

TEST(callbacks_run_on_the_thread_that_drains)
{
    static pthread_t ran_on;
    pend(note_thread, &ran_on);
    pthread_t other = in_thread(drain_here, NULL);
    assert_true(pthread_equal(ran_on, other));
    pend(note_thread, &ran_on);
    gcw_drain(0);
    assert_true(pthread_equal(ran_on, pthread_self()));
}

/* --- what callbacks may do --- */

struct nested {
    size_t calls, inner;
};

static void
drain_inside(void *data)
{
    struct nested *n = data;
    n->calls++;
    n->inner += gcw_drain(0);
}

TEST(a_callback_may_drain_and_each_runs_once)
{
    static struct nested n;
    pend_several(10, drain_inside, &n);
    assert_int_equal(gcw_drain(0) + n.inner, 10);
    assert_int_equal(n.calls, 10);
    assert_true(n.inner > 0);
}

static void
collect_inside(void *data)
{
    size_t *n = data;
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, count, n);
    GC_gcollect();
    gcw_collect();
    if (gcw_cleanup_alive(c) && gcw_dispose(t) == 0)
        ++*n;
}

TEST(a_callback_may_collect_and_make_cleanups)
{
    size_t *n = counter_new();
    pend_several(5, collect_inside, n);
    gcw_drain(0);
    assert_int_equal(*n, 10);
}

/* --- failures --- */

static struct heard *
heard_new(void)
{
    struct heard *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);
    assert_non_null(h);
    return h;
}

static void
give_up(void *data)
{
    gcw_fail(data);
}

TEST(a_failing_callback_is_reported_and_the_rest_run)
{
    struct heard *h = heard_new();
    size_t *n = counter_new();
    assert_int_equal(gcw_drain_on_error(hear, h), 0);
    pend_several(3, count, n);
    gcw_cleanup *failing = pend(give_up, (char *)"broken");
    pend_several(3, count, n);
    assert_int_equal(gcw_drain(0), 7);
    assert_int_equal(*n, 6);
    assert_int_equal(h->times, 1);
    assert_ptr_equal(h->handle, failing);
    assert_string_equal(h->why, "broken");
    assert_false(gcw_cleanup_alive(failing));
    assert_int_equal(gcw_drain_on_error(NULL, NULL), 0);
}

TEST(a_callback_may_fail_without_a_reason)
{
    struct heard *h = heard_new();
    gcw_drain_on_error(hear, h);
    pend(give_up, NULL);
    gcw_drain(0);
    assert_int_equal(h->times, 1);
    assert_string_equal(h->why, "(null)");
    gcw_drain_on_error(NULL, NULL);
}

TEST(a_cleanup_that_is_run_early_fails_to_the_same_hook)
{
    struct heard *h = heard_new();
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new(t, give_up, (char *)"early");
    gcw_drain_on_error(hear, h);
    assert_true(gcw_cleanup_run(c));
    assert_ptr_equal(h->handle, c);
    assert_string_equal(h->why, "early");
    assert_false(gcw_cleanup_alive(c));
    gcw_drain_on_error(NULL, NULL);
    GC_reachable_here(t);
}

static void
give_up_on_death(gcw_method *m, void *data)
{
    gcw_fail(m != NULL ? data : NULL);
}

TEST(a_failing_death_callback_is_reported_too)
{
    struct heard *h = heard_new();
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, idle_method, NULL);
    gcw_cleanup *c = gcw_method_on_death(m, give_up_on_death,
                                         (char *)"notice");
    gcw_drain_on_error(hear, h);
    assert_int_equal(gcw_dispose(t), 0);
    gcw_drain(0);
    assert_ptr_equal(h->handle, c);
    assert_string_equal(h->why, "notice");
    gcw_drain_on_error(NULL, NULL);
}

static void
hear_and_fail(void *handle, const char *name, const char *why, void *data)
{
    hear(handle, name, why, data);
    gcw_fail("the hook too");
}

TEST(a_failing_hook_is_ignored)
{
    struct heard *h = heard_new();
    size_t *n = counter_new();
    gcw_drain_on_error(hear_and_fail, h);
    pend_several(2, give_up, (char *)"broken");
    pend_several(3, count, n);
    gcw_drain(0);
    assert_int_equal(h->times, 2);
    assert_string_equal(h->why, "broken");
    assert_int_equal(*n, 3);
    gcw_drain_on_error(NULL, NULL);
}

TEST(a_failing_hook_ends_no_run_of_a_single_cleanup)
{
    struct heard *h = heard_new();
    struct target *t = target_new(1);
    gcw_drain_on_error(hear_and_fail, h);
    assert_true(gcw_cleanup_run(gcw_cleanup_new(t, give_up, (char *)"bad")));
    assert_int_equal(h->times, 1);
    assert_string_equal(h->why, "bad");
    gcw_drain_on_error(NULL, NULL);
    GC_reachable_here(t);
}

/* Drains a callback that fails, then counts that it got on. */
static void
drain_a_failing_one(void *data)
{
    pend(give_up, (char *)"inner");
    gcw_drain(0);
    ++*(size_t *)data;
}

static void
hook_with_collectable_data(void *arg)
{
    gcw_ref **ref = arg;
    struct target *data = target_new(1);
    gcw_drain_on_error(hear, data);
    *ref = gcw_ref_new(data);
}

static void
say_that_i_heard(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)name, (void)why;
    say(data);
}

static void
say_and_fail(void *handle, const char *name, const char *why, void *data)
{
    say_that_i_heard(handle, name, why, data);
    gcw_fail("the hook too");
}

END(a_failing_hook_is_ignored_at_exit_too, 0, "heard\nthe rest\n", .err = "")
{
    void **keep = keep_array(1);
    keep[0] = target_new(1);
    gcw_drain_on_error(say_and_fail, (char *)"heard");
    gcw_cleanup_new(keep[0], say_it, (char *)"the rest");
    gcw_cleanup_new(keep[0], give_up, (char *)"bad");
}

TEST(a_failure_gives_up_only_the_innermost_callback)
{
    struct heard *h = heard_new();
    size_t *n = counter_new();
    gcw_drain_on_error(hear, h);
    pend(drain_a_failing_one, n);
    gcw_drain(0);
    assert_int_equal(*n, 1);
    assert_int_equal(h->times, 1);
    assert_string_equal(h->why, "inner");
    gcw_drain_on_error(NULL, NULL);
}

TEST(the_library_keeps_the_data_of_the_hook)
{
    gcw_ref **ref = (gcw_ref **)keep_array(1);
    in_dead_frame(hook_with_collectable_data, ref);
    collect();
    assert_non_null(*ref);
    assert_non_null(gcw_ref_get(*ref));
    gcw_drain_on_error(NULL, NULL);
}

END(without_a_hook_a_line_goes_to_stderr, 0, "went on\n",
    .err = "no hook", .err_lines = 1)
{
    pend(give_up, (char *)"no hook");
    gcw_drain(0);
    say("went on");
}

END(a_hook_that_was_taken_out_hears_nothing, 0, "went on\n",
    .err = "no hook", .err_lines = 1)
{
    gcw_drain_on_error(say_that_i_heard, (char *)"heard");
    gcw_drain_on_error(NULL, NULL);
    without_a_hook_a_line_goes_to_stderr();
}

END(with_a_hook_nothing_goes_to_stderr, 0, "heard\nwent on\n", .err = "")
{
    gcw_drain_on_error(say_that_i_heard, (char *)"heard");
    without_a_hook_a_line_goes_to_stderr();
}

/* --- the descriptor --- */

/* The descriptor, with nothing pending. */
static int
quiet_fd(void)
{
    int fd = gcw_drain_fd();
    assert_true(fd >= 0);
    gcw_drain(0);
    assert_false(readable(fd, 0));
    return fd;
}

TEST(the_descriptor_is_the_same_on_every_call)
{
    int fd = quiet_fd();
    assert_int_equal(gcw_drain_fd(), fd);
    pend(count, counter_new());
    assert_int_equal(gcw_drain_fd(), fd);
    gcw_drain(0);
    assert_int_equal(gcw_drain_fd(), fd);
}

TEST(the_descriptor_is_closed_on_exec)
{
    int flags = fcntl(gcw_drain_fd(), F_GETFD);
    assert_true(flags >= 0 && (flags & FD_CLOEXEC));
}

TEST(the_descriptor_is_readable_while_something_is_pending)
{
    int fd = quiet_fd();
    for (int i = 0; i < 3; i++) {
        pend(count, counter_new());
        assert_true(readable(fd, LONG_ENOUGH));
        assert_int_equal(gcw_drain(0), 1);
        assert_false(readable(fd, 0));
    }
}

TEST(wake_ups_coalesce)
{
    int fd = quiet_fd();
    pend_several(MANY, count, counter_new());
    assert_true(readable(fd, LONG_ENOUGH));
    assert_int_equal(gcw_drain(0), MANY);
    assert_false(readable(fd, 0));
}

TEST(the_descriptor_stays_readable_after_a_partial_drain)
{
    int fd = quiet_fd();
    pend_several(3, count, counter_new());
    for (int i = 0; i < 2; i++) {
        assert_int_equal(gcw_drain(1), 1);
        assert_true(readable(fd, LONG_ENOUGH));
    }
    gcw_drain(0);
    assert_false(readable(fd, 0));
}

/* How often the descriptor was readable inside a callback. */
struct looks {
    int fd;
    size_t calls, readable;
};

static void
look_at_the_descriptor(void *data)
{
    struct looks *looks = data;
    looks->calls++;
    looks->readable += readable(looks->fd, 0);
}

TEST(it_is_readable_inside_a_callback_while_more_wait)
{
    static struct looks looks;
    looks = (struct looks){ .fd = quiet_fd() };
    pend_several(4, look_at_the_descriptor, &looks);
    assert_int_equal(gcw_drain(3), 3);
    assert_int_equal(looks.readable, 3);
    assert_true(readable(looks.fd, 0));
    pend_several(3, look_at_the_descriptor, &looks);
    assert_int_equal(gcw_drain(0), 4);
    assert_in_range(looks.readable, 3 + 3, looks.calls);
    assert_false(readable(looks.fd, 0));
}

static void
end_the_thread(void *data)
{
    count(data);
    pthread_exit(NULL);
}

static void
drain_on_another_thread(void)
{
    in_thread(drain_here, NULL);
}

TEST(a_callback_that_ends_its_thread_leaves_it_readable)
{
    int fd = quiet_fd();
    size_t *n = counter_new();
    pend_several(3, end_the_thread, n);
    for (size_t i = 1; i <= 2; i++) {
        drain_on_another_thread();
        assert_int_equal(*n, i);
        assert_true(readable(fd, 0));
    }
    drain_on_another_thread();
    assert_int_equal(*n, 3);
    assert_int_equal(gcw_drain(0), 0);
    assert_false(readable(fd, 0));
}

TEST(a_bounded_drain_that_ran_all_leaves_it_unreadable)
{
    int fd = quiet_fd();
    size_t *n = counter_new();
    pend_several(3, count, n);
    assert_int_equal(gcw_drain(3), 3);
    assert_false(readable(fd, 0));
}

static bool
edge_comes(int edges)
{
    struct epoll_event event;
    return epoll_wait(edges, &event, 1, 0) == 1;
}

TEST(what_a_drain_leaves_is_a_new_edge)
{
    int fd = quiet_fd(), edges = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    size_t *n = counter_new();
    assert_int_equal(epoll_ctl(edges, EPOLL_CTL_ADD, fd, &event), 0);
    pend_several(5, count, n);
    assert_true(edge_comes(edges));
    assert_false(edge_comes(edges));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(gcw_drain(2), 2);
        assert_true(edge_comes(edges));
    }
    assert_int_equal(gcw_drain(2), 1);
    assert_false(edge_comes(edges));
    assert_int_equal(*n, 5);
    close(edges);
}

TEST(what_was_detached_leaves_no_wake_up_after_the_drain)
{
    int fd = quiet_fd();
    size_t *n = counter_new();
    assert_true(gcw_cleanup_detach(pend(count, n)));
    assert_int_equal(gcw_drain(0), 0);
    assert_false(readable(fd, 0));
    assert_int_equal(*n, 0);
}

TEST(a_thread_that_waits_in_poll_is_woken)
{
    int fd = quiet_fd();
    pthread_t waiter;
    void *woken = NULL;
    GC_pthread_create(&waiter, NULL, wait_for_a_wake_up, &fd);
    pend(count, counter_new());
    GC_pthread_join(waiter, &woken);
    assert_ptr_equal(woken, &fd);
    gcw_drain(0);
}

static void
drop_with_cleanup(void *data)
{
    for (size_t i = 0; i < MANY; i++)
        gcw_cleanup_new(target_new(i), count, data);
}

/* Finalizers on demand, and incremental collection, may delay it until the
 * next call into the library. */
static bool
wakes_without_a_call(void)
{
    const char *mode = getenv("GCWEAK_TEST_MODE");
    return mode == NULL || *mode == '\0';
}

TEST(a_collection_that_finds_deaths_wakes)
{
    int fd = quiet_fd();
    size_t *n = counter_new();
    in_dead_frame(drop_with_cleanup, n);
    collect();
    if (!wakes_without_a_call())
        gcw_drain_fd();
    assert_true(readable(fd, LONG_ENOUGH));
    assert_int_equal(*n, 0);
    gcw_drain(0);
    assert_true(nearly_all(*n, MANY));
    assert_false(readable(fd, 0));
}

TEST(collect_finds_deaths_and_runs_their_callbacks)
{
    size_t *n = counter_new();
    in_dead_frame(drop_with_cleanup, n);
    gcw_collect();
    assert_true(nearly_all(*n, MANY));
}

TEST(collect_tells_how_many_ran)
{
    size_t *n = counter_new();
    pend_several(5, count, n);
    size_t ran = gcw_collect();
    assert_int_equal(*n, 5);
    assert_in_range(ran, 5, 5 + 4 * MANY);
}

/* --- the descriptor in processes of their own --- */

END(a_descriptor_asked_for_late_is_readable_at_once, 0, "readable\n")
{
    static size_t n;
    pend(count, &n);
    say(readable(gcw_drain_fd(), LONG_ENOUGH) ? "readable" : "silent");
}

END(with_a_full_descriptor_table_it_fails_and_works_later, 0,
    "-1 EMFILE\nran 1\nreadable\n")
{
    static size_t n;
    gcw_init();
    int last = fill_the_table();
    errno = 0;
    int fd = gcw_drain_fd();
    dprintf(STDOUT_FILENO, "%d %s\n", fd,
            errno == EMFILE ? "EMFILE" : strerror(errno));
    pend(count, &n);
    dprintf(STDOUT_FILENO, "ran %zu\n", gcw_drain(0));
    for (int i = 0; i < 4; i++)
        close(last - i);
    fd = gcw_drain_fd();
    pend(count, &n);
    say(readable(fd, LONG_ENOUGH) ? "readable" : "silent");
}

/* The child has nothing to put in the place of its parent's wake-up. */
END(with_a_full_descriptor_table_a_child_has_none_and_gets_one_later, 0,
    "child readable\nparent silent\n")
{
    static size_t n;
    gcw_init();
    int fd = gcw_drain_fd(), last = fill_the_table();
    pid_t child = fork();
    if (child != 0) {
        waitpid(child, NULL, 0);
        say(readable(fd, 0) ? "parent readable" : "parent silent");
        return;
    }
    for (int i = 0; i < 4; i++)
        close(last - i);
    fd = gcw_drain_fd();
    pend(count, &n);
    say(readable(fd, LONG_ENOUGH) ? "child readable" : "child silent");
    _exit(0);
}

static size_t scenario_count;

static void
die_in_the_child(int fd)
{
    say_readable("child before", fd, 0);
    pend(count, &scenario_count);
    say_readable("child", gcw_drain_fd(), LONG_ENOUGH);
    dprintf(STDOUT_FILENO, "%s number\n",
            gcw_drain_fd() == fd ? "same" : "another");
    gcw_drain(0);
    say_readable("child after", fd, 0);
    _exit(0);
}

END(a_death_in_a_forked_child_does_not_wake_the_parent, 0,
    "child before: silent\nchild: readable\n"
    "same number\nchild after: silent\n"
    "parent: silent\nparent later: readable\n")
{
    int fd = gcw_drain_fd();
    pid_t child = fork();
    if (child == 0)
        die_in_the_child(fd);
    waitpid(child, NULL, 0);
    say_readable("parent", fd, 0);
    pend(count, &scenario_count);
    say_readable("parent later", fd, LONG_ENOUGH);
}

static void
wait_in_the_child(int fd, int pipe_end)
{
    char byte;
    bool told = read(pipe_end, &byte, 1) == 1;
    gcw_drain(0);
    say_readable(told ? "child" : "nobody", fd, 0);
    _exit(0);
}

END(a_death_in_the_parent_does_not_wake_a_forked_child, 0,
    "child: silent\nparent: readable\n")
{
    int fd = gcw_drain_fd(), ends[2];
    if (pipe(ends) != 0)
        return;
    pid_t child = fork();
    if (child == 0)
        wait_in_the_child(fd, ends[0]);
    pend(count, &scenario_count);
    if (write(ends[1], "x", 1) == 1)
        waitpid(child, NULL, 0);
    say_readable("parent", fd, LONG_ENOUGH);
}

/* --- beside the application's own hook --- */

static atomic_int events;

static void GC_CALLBACK
count_event(GC_EventType event)
{
    (void)event;
    atomic_fetch_add(&events, 1);
}

END(the_applications_collection_hook_is_still_called, 0, "called\ndrained\n")
{
    static size_t n;
    GC_set_on_collection_event(count_event);
    int fd = gcw_drain_fd();
    atomic_store(&events, 0);
    in_dead_frame(drop_with_cleanup, &n);
    collect();
    say(atomic_load(&events) > 0 ? "called" : "lost");
    gcw_drain(0);
    say(nearly_all(n, MANY) && !readable(fd, 0) ? "drained" : "not drained");
}

/* As the collector itself may, where it stops the world. */
static void GC_CALLBACK
change_errno(GC_EventType event)
{
    if (event == GC_EVENT_POST_STOP_WORLD)
        errno = ETIMEDOUT;
}

END(a_collection_leaves_errno_alone, 0, "left alone\n")
{
    GC_set_on_collection_event(change_errno);
    gcw_drain_fd();
    errno = EXDEV;
    gcw_collect();
    say(errno == EXDEV ? "left alone" : "changed");
}

END(deaths_are_found_though_the_application_took_the_hook, 0,
    "fd: readable\ndrained\n")
{
    static size_t n;
    int fd = gcw_drain_fd();
    in_dead_frame(drop_with_cleanup, &n);
    GC_set_on_collection_event(count_event);
    collect();
    gcw_drain_fd();
    say_readable("fd", fd, LONG_ENOUGH);
    gcw_drain(0);
    say(nearly_all(n, MANY) ? "drained" : "not drained");
}
