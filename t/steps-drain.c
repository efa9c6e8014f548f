/* steps-drain.c: tests of pending callbacks that a thread of the program's
 * takes and makes, of waiting for them, and of attaching the worker's thread.
 */
#include <pthread.h>
#include <semaphore.h>
#include "at-once.h"
#include "await.h"
#include "heard.h"
#include "readable.h"
#include "thread.h"

/* Whether frames of the library may be unwound (support.h). */
static bool
can_unwind_here(void)
{
    return CAN_UNWIND;
}

/* Makes all calls that are pending. */
static size_t
make_all(void)
{
    gcw_call call;
    size_t n = 0;
    for (; gcw_drain_next(&call); n++)
        gcw_call_invoke(&call);
    return n;
}

/* --- taking what is pending --- */

TEST(a_step_takes_the_next_pending_callback)
{
    gcw_call call;
    make_all();
    gcw_cleanup *first = pend(note_it, "a"), *second = pend(note_it, "b");
    forget();
    assert_true(gcw_drain_next(&call));
    assert_int_equal(call.kind, GCW_CALL_FUNCTION);
    assert_ptr_equal(call.fn, note_it);
    assert_string_equal(call.data, "a");
    assert_ptr_equal(call.handle, first);
    assert_null(call.self);
    assert_null(call.arg);
    assert_false(gcw_cleanup_alive(first));
    assert_true(gcw_cleanup_alive(second));
    assert_int_equal(make_all(), 1);
    assert_string_equal(noted(), "b");
    assert_false(gcw_drain_next(&call));
    assert_int_equal(call.kind, GCW_CALL_NONE);
    assert_null(call.data);
}

static void *
method_does_nothing(void *self, void *arg, void *data)
{
    (void)arg, (void)data;
    return self;
}

static void
note_death(gcw_method *m, void *data)
{
    assert_false(gcw_method_alive(m));
    note(data);
}

TEST(a_step_takes_the_death_of_a_method)
{
    struct target *self = target_new(0);
    gcw_method *m = gcw_method_new(self, method_does_nothing, NULL);
    gcw_call call;
    make_all();
    gcw_cleanup *c = gcw_method_on_death(m, note_death, "died");
    assert_non_null(c);
    gcw_dispose(self);
    assert_true(gcw_drain_next(&call));
    assert_int_equal(call.kind, GCW_CALL_DEATH);
    assert_ptr_equal(call.fn, note_death);
    assert_ptr_equal(call.arg, m);
    assert_string_equal(call.data, "died");
    assert_ptr_equal(call.handle, c);
    forget();
    gcw_call_invoke(&call);
    assert_string_equal(noted(), "died");
}

TEST(what_a_step_has_taken_runs_nowhere_else)
{
    size_t *n = counter_new();
    gcw_call call;
    make_all();
    gcw_cleanup *c = pend(count, n);
    assert_true(gcw_drain_next(&call));
    assert_false(gcw_cleanup_run(c));
    assert_false(gcw_cleanup_detach(c));
    assert_int_equal(gcw_drain(0), 0);
    assert_int_equal(*n, 0);
}

TEST(what_was_detached_is_not_given)
{
    gcw_call call;
    make_all();
    gcw_cleanup_detach(pend(note_it, "a"));
    pend(note_it, "b");
    assert_true(gcw_drain_next(&call));
    assert_string_equal(call.data, "b");
    assert_false(gcw_drain_next(&call));
}

static void
make_another(void *word)
{
    note(word);
    pend(note_it, "another");
}

TEST(what_becomes_pending_between_two_steps_is_given)
{
    make_all();
    pend(make_another, "one");
    forget();
    assert_int_equal(make_all(), 2);
    assert_string_equal(noted(), "one another");
}

static void
step_inside(void *word)
{
    note(word);
    assert_int_equal(make_all(), 1);
}

TEST(a_callback_may_step_as_well)
{
    make_all();
    pend(step_inside, "outer");
    pend(note_it, "inner");
    forget();
    assert_int_equal(gcw_drain(0), 2 - 1);
    assert_string_equal(noted(), "outer inner");
}

static void
drop_many(void *counter)
{
    for (size_t i = 0; i < MANY; i++)
        assert_non_null(gcw_cleanup_new(target_new(i), count, counter));
}

TEST(steps_notice_the_dead_of_a_collection)
{
    size_t *n = counter_new();
    in_dead_frame(drop_many, n);
    collect();
    make_all();
    assert_true(nearly_all(*n, MANY));
}

static bool
step_for_a_share(size_t number, void *unused)
{
    (void)unused;
    if (number % 2 == 0)
        gcw_drain(0);
    else
        make_all();
    return true;
}

TEST(steps_and_drains_on_several_threads_take_each_callback_once)
{
    enum { THREADS = 4, PENDING = 3000 };
    size_t *ran = GC_MALLOC_UNCOLLECTABLE(PENDING * sizeof *ran);
    for (size_t i = 0; i < PENDING; i++)
        pend(count, &ran[i]);
    at_once(THREADS, step_for_a_share, NULL);
    for (size_t i = 0; i < PENDING; i++)
        assert_int_equal(ran[i], 1);
}

TEST(the_descriptor_is_readable_while_callbacks_are_left)
{
    int fd = gcw_drain_fd();
    gcw_call call;
    assert_true(fd >= 0);
    make_all();
    pend(note_it, "a");
    pend(note_it, "b");
    assert_true(gcw_drain_next(&call));
    assert_true(readable(fd, 0));
    assert_true(gcw_drain_next(&call));
    assert_false(gcw_drain_next(&call));
    assert_false(readable(fd, 0));
}

TEST(the_drains_hook_hears_of_a_call_that_failed)
{
    struct heard heard = { 0 };
    gcw_call call;
    make_all();
    gcw_cleanup *c = pend(note_it, "a");
    assert_int_equal(gcw_drain_on_error(hear, &heard), 0);
    assert_true(gcw_drain_next(&call));
    assert_int_equal(gcw_call_failed(&call, "why not"), 0);
    assert_int_equal(gcw_drain_on_error(NULL, NULL), 0);
    assert_int_equal(heard.times, 1);
    assert_ptr_equal(heard.handle, c);
    assert_string_equal(heard.why, "why not");
}

TEST(a_step_wants_a_place)
{
    expect_errno(!gcw_drain_next(NULL), EINVAL);
}

/* --- waiting --- */

TEST(waiting_ends_at_once_if_a_callback_is_pending)
{
    make_all();
    pend(note_it, "a");
    assert_int_equal(gcw_drain_wait(-1), 1);
    assert_int_equal(gcw_drain_wait(0), 1);
    assert_int_equal(make_all(), 1);
}

TEST(waiting_ends_when_the_time_is_over)
{
    make_all();
    assert_int_equal(gcw_drain_wait(0), 0);
    assert_int_equal(gcw_drain_wait(1), 0);
}

TEST(waiting_does_not_end_for_what_is_over)
{
    make_all();
    gcw_cleanup_detach(pend(note_it, "a"));
    assert_int_equal(gcw_drain_wait(0), 0);
}

/* A thread that waits, and says what came of it. */
struct waiter {
    sem_t waits;
    int result;
};

static void *
wait_on_a_thread(void *arg)
{
    struct waiter *w = arg;
    sem_post(&w->waits);
    w->result = gcw_drain_wait(LONG_ENOUGH);
    if (w->result == 1)
        make_all();
    return NULL;
}

TEST(who_waits_is_woken_by_another_thread)
{
    struct waiter w = { .result = -2 };
    make_all();
    sem_init(&w.waits, 0, 0);
    pthread_t thread = run_thread(wait_on_a_thread, &w);
    sem_wait(&w.waits);
    size_t *n = counter_new();
    pend(count, n);
    join_thread(thread);
    assert_int_equal(w.result, 1);
    assert_int_equal(*n, 1);
}

TEST(collections_go_on_and_wake_who_waits)
{
    struct waiter w = { .result = -2 };
    size_t *n = counter_new();
    make_all();
    sem_init(&w.waits, 0, 0);
    pthread_t thread = run_thread(wait_on_a_thread, &w);
    sem_wait(&w.waits);
    in_dead_frame(drop_many, n);
    collect();
    gcw_ref_get(gcw_ref_new(target_new(0)));
    join_thread(thread);
    make_all();
    assert_int_equal(w.result, 1);
    assert_true(nearly_all(*n, MANY));
}

static void *
wait_for_ever(void *waits)
{
    sem_post(waits);
    gcw_drain_wait(-1);
    return NULL;
}

TEST(who_waits_may_be_cancelled, .only_if = can_unwind_here)
{
    sem_t waits;
    void *result;
    make_all();
    sem_init(&waits, 0, 0);
    pthread_t thread = run_thread(wait_for_ever, &waits);
    sem_wait(&waits);
    assert_int_equal(pthread_cancel(thread), 0);
    assert_int_equal(GC_pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    pend(note_it, "a");
    assert_int_equal(gcw_drain_wait(-1), 1);
    make_all();
}

END(who_waits_is_told_of_the_end, 0, "the end\n")
{
    struct waiter w = { .result = -2 };
    sem_init(&w.waits, 0, 0);
    pthread_t thread = run_thread(wait_on_a_thread, &w);
    await(&w.waits);
    MUST(gcw_shutdown(0) == 0);
    join_thread(thread);
    MUST(w.result == -1);
    errno = 0;
    MUST(gcw_drain_wait(-1) == -1 && errno == ESHUTDOWN);
    say("the end");
}

END(without_a_descriptor_there_is_no_waiting, 0, "none\n")
{
    fill_the_table();
    errno = 0;
    MUST(gcw_drain_wait(0) == -1 && errno == EMFILE);
    say("none");
}

/* --- the worker's thread --- */

static void
say_enter(void *data)
{
    dprintf(STDOUT_FILENO, "%s enters\n", (char *)data);
}

static void
say_leave(void *data)
{
    dprintf(STDOUT_FILENO, "%s leaves\n", (char *)data);
    sem_post(called());
}

static void
attach(char *name)
{
    MUST(gcw_drain_thread_hooks(say_enter, say_leave, name) == 0);
}

END(a_worker_enters_before_it_drains_and_leaves_after, 0,
    "it enters\ncallback\nit leaves\nstopped\n")
{
    attach("it");
    begin_worker();
    pend(tell, "callback");
    await_call();
    MUST(gcw_drain_thread(false) == 0);
    say("stopped");
}

END(a_shutdown_has_the_worker_leave_before, 0,
    "it enters\ncallback\nit leaves\nhandler\n")
{
    attach("it");
    at_exit(say_it, "handler");
    begin_worker();
    pend(tell, "callback");
    await_call();
    MUST(gcw_shutdown(0) == 0);
}

static void
turn_on_in_leave(void *data)
{
    static bool again;
    say_leave(data);
    if (!again)
        MUST(gcw_drain_thread(true) == 0);
    again = true;
}

END(a_worker_that_is_wanted_again_while_it_leaves_enters_again, 0,
    "it enters\nit leaves\nit enters\ncallback\nit leaves\n")
{
    MUST(gcw_drain_thread_hooks(say_enter, turn_on_in_leave, "it") == 0);
    begin_worker();
    MUST(gcw_drain_thread(false) == 0);
    await_call();
    pend(tell, "callback");
    await_call();
    MUST(gcw_drain_thread(false) == 0);
}

END(a_worker_without_hooks_works_as_before, 0, "callback\n")
{
    attach("it");
    MUST(gcw_drain_thread_hooks(NULL, NULL, NULL) == 0);
    begin_worker();
    pend(tell, "callback");
    await_call();
    MUST(gcw_drain_thread(false) == 0);
}

END(a_worker_that_runs_keeps_its_hooks, 0, "one enters\ncallback\none leaves\n")
{
    attach("one");
    begin_worker();
    pend(tell, "callback");
    await_call();
    attach("two");
    MUST(gcw_drain_thread(false) == 0);
    await_call();
}

static void
end_this_thread(void *line)
{
    say(line);
    pthread_exit(NULL);
}

END(a_worker_whose_thread_ends_leaves_and_the_next_enters, 0,
    "it enters\nends\nit leaves\nit enters\ncallback\nit leaves\n",
    .only_if = can_unwind_here)
{
    attach("it");
    begin_worker();
    pend(end_this_thread, "ends");
    await_call();
    pend(tell, "callback");
    await_call();
    MUST(gcw_drain_thread(false) == 0);
    await_call();
}

END(a_worker_does_not_leave_at_exit, 0, "it enters\ncallback\n")
{
    attach("it");
    begin_worker();
    pend(tell, "callback");
    await_call();
}

TEST(the_data_of_the_hooks_must_be_held)
{
    if (!GC_get_all_interior_pointers())
        expect_errno(gcw_drain_thread_hooks(NULL, NULL,
                                            &target_new(0)->number) != 0,
                     EINVAL);
    assert_int_equal(gcw_drain_thread_hooks(NULL, NULL, NULL), 0);
}
