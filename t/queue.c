/* queue.c: tests of queues of the program's own: what they promise as the
 * default queue does, and what only they do: that they are dropped and disposed
 * of, and that there may be many.
 */
#include <config.h>

#include "dumped.h"
#include "heard.h"
#include "readable.h"
#include "support.h"
#include "thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gcweak/debug.h>

/* In uncollectable memory: tests keep nothing collectable in statics. */
struct queues {
    gcw_queue *q, *other;
    gcw_ref *ref;
    size_t *n;
    gcw_cleanup *c;
};

static struct queues *
queues_new(void)
{
    struct queues *s = GC_MALLOC_UNCOLLECTABLE(sizeof *s);
    assert_non_null(s);
    s->q = gcw_queue_new("mine");
    s->other = gcw_queue_new(NULL);
    s->n = counter_new();
    assert_non_null(s->q);
    assert_non_null(s->other);
    return s;
}

/* Makes a callback pending in the queue, without a collection. */
static gcw_cleanup *
pend_in(gcw_queue *q, void (*fn)(void *data), void *data)
{
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new_in(q, t, fn, data);
    assert_non_null(c);
    assert_int_equal(gcw_dispose(t), 0);
    return c;
}

static void
pend_several_in(gcw_queue *q, size_t n, void (*fn)(void *), void *data)
{
    for (size_t i = 0; i < n; i++)
        pend_in(q, fn, data);
}

/* --- who drains what --- */

TEST(a_queue_is_drained_apart_from_the_default_one_and_from_others)
{
    struct queues *s = queues_new();
    pend_in(s->q, count, s->n);
    assert_int_equal(gcw_queue_drain(s->other, 0), 0);
    gcw_drain(0);
    gcw_collect();
    assert_int_equal(*s->n, 0);
    pend(count, s->n);
    assert_int_equal(gcw_queue_drain(s->q, 0), 1);
    assert_int_equal(*s->n, 1);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(*s->n, 2);
}

TEST(a_drain_of_a_queue_runs_at_most_so_many_and_tells_how_many)
{
    struct queues *s = queues_new();
    pend_several_in(s->q, 100, count, s->n);
    assert_int_equal(gcw_queue_drain(s->q, 3), 3);
    assert_int_equal(*s->n, 3);
    assert_int_equal(gcw_queue_drain(s->q, 0), 97);
    assert_int_equal(gcw_queue_drain(s->q, 0), 0);
}

TEST(the_default_queue_is_that_of_the_drain)
{
    struct queues *s = queues_new();
    gcw_queue *q = gcw_queue_default();
    gcw_call call;
    assert_ptr_equal(gcw_queue_default(), q);
    pend_in(q, count, s->n);
    assert_int_equal(gcw_drain(0), 1);
    pend(count, s->n);
    assert_int_equal(gcw_queue_wait(q, 0), 1);
    assert_int_equal(gcw_queue_drain(q, 0), 1);
    pend(count, s->n);
    assert_true(gcw_queue_next(q, &call));
    gcw_call_invoke(&call);
    assert_int_equal(*s->n, 3);
    assert_int_equal(gcw_queue_fd(q), gcw_drain_fd());
}

TEST(the_default_queue_cannot_be_disposed_of)
{
    struct queues *s = queues_new();
    gcw_dispose(gcw_queue_default());
    pend_in(gcw_queue_default(), count, s->n);
    assert_int_equal(gcw_drain(0), 1);
}

TEST(several_on_one_target_run_newest_first)
{
    struct queues *s = queues_new();
    struct target *t = target_new(1);
    forget();
    gcw_cleanup_new_in(s->q, t, note_it, "a");
    gcw_cleanup_new_in(s->other, t, note_it, "x");
    gcw_cleanup_new_in(s->q, t, note_it, "b");
    gcw_cleanup_new_in(s->q, t, note_it, "c");
    gcw_dispose(t);
    assert_int_equal(gcw_queue_drain(s->q, 0), 3);
    assert_string_equal(noted(), "c b a");
    assert_int_equal(gcw_queue_drain(s->other, 0), 1);
    assert_string_equal(noted(), "c b a x");
}

static void
notified(gcw_method *m, void *data)
{
    (void)m;
    count(data);
}

static void *
act(void *self, void *arg, void *data)
{
    (void)self, (void)arg;
    return data;
}

TEST(death_callbacks_of_methods_have_queues_too)
{
    struct queues *s = queues_new();
    struct target *t = target_new(1), *u = target_new(2);
    gcw_method *m = gcw_method_new(t, act, NULL);
    gcw_method *w = gcw_method_new_weak(t, act, u);
    assert_non_null(gcw_method_on_death_in(s->q, m, notified, s->n));
    assert_non_null(gcw_method_on_death_in(s->q, w, notified, s->n));
    gcw_dispose(u);
    assert_int_equal(gcw_drain(0), 0);
    assert_int_equal(gcw_queue_drain(s->q, 0), 1);
    gcw_dispose(t);
    assert_int_equal(gcw_queue_drain(s->q, 0), 1);
    assert_int_equal(*s->n, 2);
    expect_errno(gcw_method_on_death_in(s->q, m, notified, s->n) == NULL,
                 ESTALE);
}

TEST(a_cleanup_of_a_queue_can_be_run_detached_and_looked_at)
{
    struct queues *s = queues_new();
    struct target *t = target_new(1);
    gcw_cleanup *c = gcw_cleanup_new_in(s->q, t, count, s->n);
    assert_ptr_equal(gcw_cleanup_peek(c), t);
    assert_true(gcw_cleanup_atexit(c));
    assert_int_equal(gcw_cleanup_set_atexit(c, false), 0);
    assert_false(gcw_cleanup_atexit(c));
    assert_true(gcw_cleanup_run(c));
    assert_int_equal(*s->n, 1);
    assert_false(gcw_cleanup_alive(c));
    c = pend_in(s->q, count, s->n);
    assert_true(gcw_cleanup_detach(c));
    c = pend_in(s->q, count, s->n);
    assert_true(gcw_cleanup_run(c));
    assert_int_equal(gcw_queue_drain(s->q, 0), 0);
    assert_int_equal(*s->n, 2);
}

TEST(a_step_takes_a_callback_of_the_queue)
{
    struct queues *s = queues_new();
    gcw_call call;
    pend_several_in(s->q, 3, count, s->n);
    assert_false(gcw_queue_next(s->other, &call));
    assert_int_equal(call.kind, GCW_CALL_NONE);
    while (gcw_queue_next(s->q, &call)) {
        assert_int_equal(call.kind, GCW_CALL_FUNCTION);
        gcw_call_invoke(&call);
    }
    assert_int_equal(*s->n, 3);
}

TEST(calls_that_make_no_sense_are_refused)
{
    struct queues *s = queues_new();
    struct target *t = target_new(1);
    gcw_method *m = gcw_method_new(t, act, NULL);
    gcw_call call;
    expect_errno(gcw_cleanup_new_in(NULL, t, count, NULL) == NULL, EINVAL);
    expect_errno(gcw_cleanup_new_in(s->q, NULL, count, NULL) == NULL, EINVAL);
    expect_errno(gcw_cleanup_new_in(s->q, t, NULL, NULL) == NULL, EINVAL);
    expect_errno(gcw_cleanup_new_in(s->q, t, count, t) == NULL, EINVAL);
    expect_errno(gcw_method_on_death_in(NULL, m, notified, NULL) == NULL,
                 EINVAL);
    expect_errno(gcw_method_on_death_in(s->q, NULL, notified, NULL) == NULL,
                 EINVAL);
    expect_errno(gcw_method_on_death_in(s->q, m, NULL, NULL) == NULL, EINVAL);
    expect_errno(gcw_method_on_death_in(s->q, m, notified, t) == NULL, EINVAL);
    expect_errno(gcw_queue_drain(NULL, 0) == 0, EINVAL);
    expect_errno(!gcw_queue_next(NULL, &call), EINVAL);
    expect_errno(!gcw_queue_next(s->q, NULL), EINVAL);
    expect_errno(gcw_queue_wait(NULL, 0) == -1, EINVAL);
    expect_errno(gcw_queue_fd(NULL) == -1, EINVAL);
    expect_errno(gcw_queue_on_error(NULL, NULL, NULL) == -1, EINVAL);
}

/* --- failing callbacks --- */

static void
fails(void *data)
{
    count(data);
    gcw_fail("as it should");
}

static struct heard *
heard_new(void)
{
    struct heard *heard = GC_MALLOC_UNCOLLECTABLE(sizeof *heard);
    assert_non_null(heard);
    return heard;
}

TEST(the_hook_of_its_queue_hears_of_a_failing_callback)
{
    struct queues *s = queues_new();
    struct heard *mine = heard_new(), *others = heard_new();
    gcw_call call;
    assert_int_equal(gcw_queue_on_error(s->q, hear, mine), 0);
    assert_int_equal(gcw_drain_on_error(hear, others), 0);
    pend_several_in(s->q, 3, fails, s->n);
    assert_int_equal(gcw_queue_drain(s->q, 2), 2);
    assert_int_equal(mine->times, 2);
    assert_string_equal(mine->why, "as it should");
    assert_true(gcw_queue_next(s->q, &call));
    assert_int_equal(gcw_call_failed(&call, "told"), 0);
    assert_int_equal(mine->times, 3);
    assert_string_equal(mine->why, "told");
    assert_true(gcw_cleanup_run(pend_in(s->q, fails, s->n)));
    assert_int_equal(mine->times, 4);
    gcw_queue_drain(s->q, 0);
    assert_int_equal(others->times, 0);
    pend(fails, s->n);
    assert_int_equal(gcw_drain(0), 1);
    assert_int_equal(mine->times, 4);
    assert_int_equal(others->times, 1);
    gcw_drain_on_error(NULL, NULL);
}

TEST(without_a_hook_that_of_the_default_queue_hears)
{
    struct queues *s = queues_new();
    struct heard *mine = heard_new(), *others = heard_new();
    assert_int_equal(gcw_queue_on_error(s->q, hear, mine), 0);
    assert_int_equal(gcw_queue_on_error(s->q, NULL, NULL), 0);
    assert_int_equal(gcw_drain_on_error(hear, others), 0);
    pend_in(s->q, fails, s->n);
    assert_int_equal(gcw_queue_drain(s->q, 0), 1);
    assert_int_equal(mine->times, 0);
    assert_int_equal(others->times, 1);
    gcw_drain_on_error(NULL, NULL);
}

END(without_any_hook_a_line_names_the_queue, 0, "",
    .err = "cleanup of queue \"mine\" ", .err_lines = 1)
{
    static size_t n;
    pend_in(gcw_queue_new("mine"), fails, &n);
}

/* --- the descriptor, and waiting --- */

TEST(a_descriptor_is_readable_while_something_is_pending_in_its_queue)
{
    struct queues *s = queues_new();
    int fd = gcw_queue_fd(s->q), other = gcw_queue_fd(s->other);
    assert_true(fd >= 0 && other >= 0 && fd != other);
    assert_int_equal(gcw_queue_fd(s->q), fd);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    gcw_queue_drain(s->q, 0);
    gcw_queue_drain(s->other, 0);
    assert_false(readable(fd, 0));
    pend_several_in(s->q, 3, count, s->n);
    assert_true(readable(fd, LONG_ENOUGH));
    assert_false(readable(other, 0));
    assert_int_equal(gcw_queue_drain(s->q, 2), 2);
    assert_true(readable(fd, 0));
    assert_int_equal(gcw_queue_drain(s->q, 0), 1);
    assert_false(readable(fd, 0));
}

TEST(a_descriptor_that_is_asked_for_late_is_readable_at_once)
{
    struct queues *s = queues_new();
    pend_in(s->q, count, s->n);
    assert_true(readable(gcw_queue_fd(s->q), 0));
    gcw_queue_drain(s->q, 0);
}

static void
drop_in_queue(void *queues)
{
    struct queues *s = queues;
    for (size_t i = 0; i < MANY; i++)
        gcw_cleanup_new_in(s->q, target_new(i), count, s->n);
}

static bool
wakes_without_a_call(void)
{
    const char *mode = getenv("GCWEAK_TEST_MODE");
    return mode == NULL || *mode == '\0';
}

TEST(a_collection_that_finds_deaths_wakes)
{
    struct queues *s = queues_new();
    int fd = gcw_queue_fd(s->q);
    gcw_queue_drain(s->q, 0);
    in_dead_frame(drop_in_queue, s);
    collect();
    if (!wakes_without_a_call())
        gcw_queue_fd(s->q);
    assert_true(readable(fd, LONG_ENOUGH));
    assert_int_equal(*s->n, 0);
    gcw_queue_drain(s->q, 0);
    assert_true(nearly_all(*s->n, MANY));
    assert_false(readable(fd, 0));
}

/* Without finalizers nothing notices the deaths but who was woken. */
END(the_collector_itself_wakes_who_polls, 0, "woken\nnearly all\n",
    .not_in = "incremental")
{
    struct queues *s = queues_new();
    int fd = gcw_queue_fd(s->q);
    GC_set_finalize_on_demand(1);
    in_dead_frame(drop_in_queue, s);
    gcw_queue_drain(s->q, 0);
    GC_gcollect();
    say(readable(fd, LONG_ENOUGH) ? "woken" : "silent");
    for (int i = 0; i < 5; i++) {
        clear_stack();
        GC_gcollect();
        gcw_queue_drain(s->q, 0);
    }
    say(*s->n > MANY / 2 ? "nearly all" : "none");
    _exit(0);
}

TEST(waiting_tells_whether_anything_is_pending)
{
    struct queues *s = queues_new();
    errno = EXDEV;
    assert_int_equal(gcw_queue_wait(s->q, 0), 0);
    assert_int_equal(gcw_queue_wait(s->q, 1), 0);
    pend_in(s->q, count, s->n);
    assert_int_equal(gcw_queue_wait(s->q, -1), 1);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(gcw_queue_wait(s->other, 0), 0);
    gcw_queue_drain(s->q, 0);
}

/* Threads that drain, each of a queue of its own, until that ends. */
struct worker {
    pthread_t thread;
    gcw_queue *q;
    sem_t ran;                   /* posted for each callback that has */
    int error;
    pthread_t ran_on;
};

static void *
work(void *worker)
{
    struct worker *w = worker;
    while (gcw_queue_wait(w->q, -1) >= 0)
        for (size_t n = gcw_queue_drain(w->q, 0); n > 0; n--)
            sem_post(&w->ran);
    w->error = errno;
    return NULL;
}

static void
note_thread(void *worker)
{
    ((struct worker *)worker)->ran_on = pthread_self();
}

enum { WORKERS = 4 };

static struct worker *
start_workers(void)
{
    struct worker *w = GC_MALLOC_UNCOLLECTABLE(WORKERS * sizeof *w);
    assert_non_null(w);
    for (int i = 0; i < WORKERS; i++) {
        w[i].q = gcw_queue_new("of a worker");
        sem_init(&w[i].ran, 0, 0);
        assert_int_equal(GC_pthread_create(&w[i].thread, NULL, work, &w[i]),
                         0);
    }
    return w;
}

TEST(threads_wait_each_for_its_queue_until_it_is_disposed_of)
{
    struct worker *w = start_workers();
    for (int i = 0; i < WORKERS; i++)
        pend_in(w[i].q, note_thread, &w[i]);
    for (int i = 0; i < WORKERS; i++) {
        while (sem_wait(&w[i].ran) != 0)
            continue;
        gcw_dispose(w[i].q);
    }
    for (int i = 0; i < WORKERS; i++) {
        GC_pthread_join(w[i].thread, NULL);
        assert_true(pthread_equal(w[i].ran_on, w[i].thread));
        assert_int_equal(w[i].error, ESTALE);
    }
}

END(waiting_ends_when_the_library_shuts_down, 0, "ESHUTDOWN\n")
{
    struct worker *w = start_workers();
    for (int i = 0; i < WORKERS; i++)
        pend_in(w[i].q, note_thread, &w[i]);
    gcw_shutdown(0);
    for (int i = 0; i < WORKERS; i++) {
        GC_pthread_join(w[i].thread, NULL);
        if (w[i].error != ESHUTDOWN)
            say("another error");
    }
    say("ESHUTDOWN");
}

/* --- between the last look and the poll of a thread that waits --- */

static atomic_bool held_up;
static atomic_int polls;
static sem_t is_about_to_poll, may_poll;

static void
wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        continue;
}

/* The library's polls come here, too. */
int
poll(struct pollfd *fds, nfds_t n, int milliseconds)
{
    struct timespec time = { milliseconds / 1000,
                             milliseconds % 1000 * 1000000L };

    atomic_fetch_add(&polls, 1);
    if (atomic_exchange(&held_up, false)) {
        sem_post(&is_about_to_poll);
        wait_for(&may_poll);
    }
    return ppoll(fds, n, milliseconds < 0 ? NULL : &time, NULL);
}

static void *
wait_for_queue(void *q)
{
    int result = gcw_queue_wait(q, -1);

    say(result == -1 && errno == ESHUTDOWN ? "ESHUTDOWN" : "something else");
    return NULL;
}

/* The thread has looked before the end comes, and polls after a drain. */
static void
drain_at_the_end_of_waiting(gcw_queue *q)
{
    pthread_t thread;

    sem_init(&is_about_to_poll, 0, 0);
    sem_init(&may_poll, 0, 0);
    atomic_store(&held_up, true);
    assert_int_equal(GC_pthread_create(&thread, NULL, wait_for_queue, q), 0);
    wait_for(&is_about_to_poll);
    gcw_shutdown(0);
    gcw_queue_drain(q, 0);
    sem_post(&may_poll);
    GC_pthread_join(thread, NULL);
}

END(who_drains_after_the_end_takes_it_from_no_one_who_waits, 0, "ESHUTDOWN\n")
{
    drain_at_the_end_of_waiting(gcw_queue_new(NULL));
}

END(nor_does_who_drains_the_default_queue, 0, "ESHUTDOWN\n")
{
    drain_at_the_end_of_waiting(gcw_queue_default());
}

END(a_child_waits_whose_parent_was_shut_down, 0, "0 at rest\n")
{
    pid_t child;

    assert_int_equal(gcw_queue_wait(gcw_queue_default(), 0), 0);
    gcw_shutdown(0);
    child = fork();
    if (child == 0) {
        int result = gcw_queue_wait(gcw_queue_default(), 100);

        dprintf(STDOUT_FILENO, "%d %s\n", result,
                atomic_load(&polls) < 10 ? "at rest" : "busy");
        _exit(0);
    }
    ends_well(child);
}

#if CAN_UNWIND

TEST(a_thread_that_waits_can_be_cancelled)
{
    struct worker *w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);
    void *result = NULL;
    w->q = gcw_queue_new(NULL);
    sem_init(&w->ran, 0, 0);
    GC_pthread_create(&w->thread, NULL, work, w);
    GC_pthread_cancel(w->thread);
    GC_pthread_join(w->thread, &result);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    int fd = gcw_queue_fd(w->q);
    gcw_dispose(w->q);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

#endif

/* --- the end of a queue --- */

TEST(what_is_disposed_of_leaves_its_callbacks_to_the_default_queue)
{
    struct queues *s = queues_new();
    struct heard *mine = heard_new(), *others = heard_new();
    struct target *t = target_new(1);
    int fd = gcw_queue_fd(s->q);
    gcw_call call;
    gcw_queue_on_error(s->q, hear, mine);
    gcw_drain_on_error(hear, others);
    pend_several_in(s->q, 3, fails, s->n);
    pend(count, s->n);
    gcw_cleanup_new_in(s->q, t, count, s->n);
    gcw_dispose(s->q);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_true(readable(gcw_drain_fd(), 0));
    assert_int_equal(gcw_drain(1), 1);
    assert_int_equal(others->times, 0);
    assert_int_equal(gcw_drain(0), 3);
    assert_int_equal(others->times, 3);
    assert_int_equal(mine->times, 0);
    gcw_dispose(t);
    assert_int_equal(gcw_drain(0), 1);
    expect_errno(gcw_queue_drain(s->q, 0) == 0, ESTALE);
    expect_errno(!gcw_queue_next(s->q, &call), ESTALE);
    expect_errno(gcw_queue_wait(s->q, 0) == -1, ESTALE);
    expect_errno(gcw_queue_fd(s->q) == -1, ESTALE);
    expect_errno(gcw_queue_on_error(s->q, hear, mine) == -1, ESTALE);
    t = target_new(2);
    expect_errno(gcw_cleanup_new_in(s->q, t, count, s->n) == NULL, ESTALE);
    gcw_drain_on_error(NULL, NULL);
}

static void
dispose_of(void *queues)
{
    struct queues *s = queues;
    count(s->n);
    gcw_dispose(s->q);
}

static void
count_in(void *queues)
{
    count(((struct queues *)queues)->n);
}

TEST(a_callback_may_dispose_of_its_queue_and_none_is_lost)
{
    struct queues *s = queues_new();
    pend_in(s->q, dispose_of, s);
    pend_several_in(s->q, 99, count_in, s);
    size_t ran = gcw_queue_drain(s->q, 0);
    assert_in_range(ran, 1, 100);
    assert_int_equal(gcw_drain(0), 100 - ran);
    assert_int_equal(*s->n, 100);
}

/* A queue that is dropped with its descriptor open. */
static void
make_and_drop(void *queues)
{
    struct queues *s = queues;
    for (size_t i = 0; i < MANY; i++) {
        gcw_queue *q = gcw_queue_new("dropped");
        ((gcw_ref **)s->c)[i] = gcw_ref_new(q);
        if (i % 100 == 0)
            gcw_queue_fd(q);
    }
}

static size_t
count_fds(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

TEST(a_queue_that_nobody_holds_goes_with_its_descriptor)
{
    struct queues *s = queues_new();
    size_t fds = count_fds();
    s->c = (gcw_cleanup *)keep_array(MANY);
    in_dead_frame(make_and_drop, s);
    collect();
    gcw_drain(0);
    assert_true(nearly_all(dead_refs(s->c, MANY), MANY));
    assert_in_range(count_fds(), fds, fds + 2);
}

static void
drop_the_queue(void *queues)
{
    struct queues *s = queues;
    s->ref = gcw_ref_new(s->q);
    s->c = gcw_cleanup_new_in(s->q, target_new(1), count, s->n);
    s->q = NULL;
}

TEST(a_queue_lives_as_long_as_what_is_pending_in_it)
{
    struct queues *s = queues_new();
    in_dead_frame(drop_the_queue, s);
    collect();
    collect();
    assert_true(gcw_cleanup_alive(s->c));
    assert_non_null(gcw_ref_get(s->ref));
    assert_int_equal(*s->n, 0);
    gcw_cleanup_run(s->c);
}

/* --- the end of the process --- */

END(what_is_pending_runs_at_exit_and_then_handlers_and_the_armed, 0,
    "default\npending\nalso pending\nhandler\nnewest\nmiddle\noldest\n")
{
    struct queues *s = queues_new();
    void **keep = keep_array(3);
    for (size_t i = 0; i < 3; i++)
        keep[i] = target_new(i);
    gcw_cleanup_new_in(s->q, keep[0], say_it, "oldest");
    gcw_cleanup_new(keep[1], say_it, "middle");
    gcw_cleanup_new_in(s->other, keep[2], say_it, "newest");
    at_exit(say_it, "handler");
    pend_in(s->q, say_it, "pending");
    pend_in(s->other, say_it, "also pending");
    pend(say_it, "default");
    gcw_cleanup_set_atexit(gcw_cleanup_new_in(s->q, keep[0], say_it, "not"),
                           false);
}

static struct queues *again;

static void
pend_again(void *left)
{
    if (--*(size_t *)left > 0)
        pend_in(*(size_t *)left % 2 == 0 ? again->q : again->other, pend_again,
                left);
    else
        say("all");
}

END(what_becomes_pending_in_queues_during_the_exit_runs, 0, "all\n")
{
    static size_t left = 100;
    again = queues_new();
    pend_in(again->q, pend_again, &left);
}

static void
drop_and_leave(void *unused)
{
    (void)unused;
    pend_in(gcw_queue_new("dropped"), say_it, "not lost");
}

END(what_is_pending_in_a_dropped_queue_runs_at_exit, 0, "not lost\n")
{
    in_dead_frame(drop_and_leave, NULL);
    collect();
}

SCENARIO(leave_some_in_each)
{
    struct queues *s = queues_new();
    pend(say_it, "a");
    pend_in(s->q, say_it, "b");
    pend_in(s->other, say_it, "c");
    gcw_queue_drain(s->other, 0);
    pend_in(s->other, say_it, "d");
}

TEST(what_nobody_had_drained_is_told_of_all_queues)
{
    setenv("GCWEAK_DEBUG", "drain", 1);
    struct outcome o = run_scenario("leave_some_in_each");
    unsetenv("GCWEAK_DEBUG");
    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "c\na\nb\nd\n");
    assert_non_null(strstr(o.err, "nobody had drained 3 callbacks"));
    assert_non_null(strstr(o.err, "callback of queue \"mine\" "));
    outcome_free(&o);
}

END(a_child_has_the_queues_and_runs_what_it_drains_but_nothing_at_its_exit, 0,
    "child 1 readable\ndone\nparent 1\nat exit\n")
{
    struct queues *s = queues_new();
    int fd = gcw_queue_fd(s->q);
    pend_in(s->q, count, s->n);
    pend_in(s->other, say_it, "at exit");
    pid_t child = fork();
    if (child == 0) {
        bool woken = readable(fd, LONG_ENOUGH);
        size_t ran = gcw_queue_drain(s->q, 0);
        dprintf(STDOUT_FILENO, "child %zu %s\n", ran,
                woken ? "readable" : "silent");
        if (readable(fd, 0))
            say("still readable");
        exit(0);
    }
    ends_well(child);
    if (readable(fd, LONG_ENOUGH))
        say("done");
    dprintf(STDOUT_FILENO, "parent %zu\n", gcw_queue_drain(s->q, 0));
}

/* --- what is shown --- */

TEST(the_dump_names_the_queue_and_the_statistics_count)
{
    struct queues *s = queues_new();
    gcw_statistics before = { .size = sizeof before }, after = before;
    char number[64];
    gcw_stats(&before);
    gcw_queue *q = gcw_queue_new("shown");
    pend_in(q, count, s->n);
    pend_in(s->other, count, s->n);
    gcw_stats(&after);
    assert_int_equal(after.queues, before.queues + 1);
    assert_int_equal(after.pending, before.pending + 2);
    char *text = dumped();
    assert_non_null(strstr(text, "queue \"shown\""));
    assert_non_null(strstr(text, ", in queue \"shown\""));
    snprintf(number, sizeof number, ", in queue %p", (void *)s->other);
    assert_non_null(strstr(text, number));
    free(text);
    gcw_queue_drain(q, 0);
    gcw_queue_drain(s->other, 0);
}

/* --- many --- */

enum { MANY_QUEUES = 100000 };

TEST(a_hundred_thousand_queues_are_no_burden, .not_in = NOT_NATIVE)
{
    struct queues *s = queues_new();
    gcw_queue **queues = (gcw_queue **)keep_array(MANY_QUEUES);
    void **targets = keep_array(MANY_QUEUES);
    for (size_t i = 0; i < MANY_QUEUES; i++) {
        queues[i] = gcw_queue_new(NULL);
        targets[i] = target_new(i);
        assert_non_null(gcw_cleanup_new_in(queues[i], targets[i], count,
                                           s->n));
    }
    for (size_t i = 0; i < MANY_QUEUES; i += 10) {
        gcw_dispose(targets[i]);
        assert_int_equal(gcw_queue_drain(queues[i], 0), 1);
    }
    for (size_t i = 1; i < MANY_QUEUES; i += 10)
        gcw_dispose(targets[i]);
    for (size_t i = 1; i < MANY_QUEUES; i += 10)
        assert_int_equal(gcw_queue_drain(queues[i], 0), 1);
    assert_int_equal(*s->n, MANY_QUEUES / 5);
    memset(targets, 0, MANY_QUEUES * sizeof *targets);
    collect();
    for (size_t i = 0; i < MANY_QUEUES; i++)
        gcw_queue_drain(queues[i], 0);
    assert_true(nearly_all(*s->n, MANY_QUEUES));
    memset(queues, 0, MANY_QUEUES * sizeof *queues);
}
