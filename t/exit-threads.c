/* exit-threads.c: tests of exit registries with several threads, and with
 * threads that the collector does not know.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include "registry.h"
#include "thread.h"

struct turns {
    gcw_exit_registry *registry;
    int go[2], done[2];
    bool early;
    int failed;
    atomic_int rest;
};

static void
open_turns(struct turns *turns)
{
    *turns = (struct turns){ .registry = fresh_registry(), .failed = -2 };
    assert_int_equal(pipe(turns->go), 0);
    assert_int_equal(pipe(turns->done), 0);
}

static void
close_turns(struct turns *turns)
{
    for (int i = 0; i < 2; i++) {
        close(turns->go[i]);
        close(turns->done[i]);
    }
}

static void
send_byte(int fd)
{
    char byte = 0;
    if (write(fd, &byte, 1) != 1)
        abort();
}

static void
await_byte(int fd)
{
    char byte;
    if (read(fd, &byte, 1) != 1)
        abort();
}

static void
count_rest(void *data)
{
    struct turns *turns = data;
    turns->rest++;
}

/* While this runs, the other thread's run must not come to its end: gives it
 * time to do so wrongly. */
static void
let_the_other_try(void *data)
{
    struct turns *turns = data;
    struct pollfd done = { .fd = turns->done[0], .events = POLLIN };
    send_byte(turns->go[1]);
    turns->early = poll(&done, 1, 200) == 1 || turns->rest > 0;
}

static void *
run_when_told(void *data)
{
    struct turns *turns = data;
    await_byte(turns->go[0]);
    turns->failed = gcw_exit_run(turns->registry, 0);
    send_byte(turns->done[1]);
    return NULL;
}

TEST(two_threads_that_run_one_registry_take_turns)
{
    struct turns turns;
    open_turns(&turns);
    add_fn(turns.registry, count_rest, &turns);
    add_fn(turns.registry, count_rest, &turns);
    add_fn(turns.registry, let_the_other_try, &turns);
    pthread_t other = run_thread(run_when_told, &turns);
    assert_int_equal(gcw_exit_run(turns.registry, 0), 0);
    join_thread(other);
    assert_false(turns.early);
    assert_int_equal(turns.failed, 0);
    assert_int_equal(turns.rest, 2);
    close_turns(&turns);
}

static void
hold(void *data)
{
    struct turns *turns = data;
    send_byte(turns->done[1]);
    await_byte(turns->go[0]);
}

static void *
run_now(void *data)
{
    struct turns *turns = data;
    turns->failed = gcw_exit_run(turns->registry, 0);
    return NULL;
}

TEST(one_running_elsewhere_is_not_waited_for)
{
    struct turns turns;
    open_turns(&turns);
    gcw_exit_handler *h = add_fn(turns.registry, hold, &turns);
    pthread_t other = run_thread(run_now, &turns);
    await_byte(turns.done[0]);
    assert_int_equal(gcw_exit_unregister(h), GCW_RUNNING);
    assert_int_equal(gcw_exit_unregister_fn(turns.registry, hold), 0);
    send_byte(turns.go[1]);
    join_thread(other);
    assert_int_equal(gcw_exit_unregister(h), GCW_GONE);
    close_turns(&turns);
}

TEST(others_register_and_take_off_during_a_run)
{
    struct turns turns;
    open_turns(&turns);
    add(turns.registry, "a");
    gcw_exit_handler *b = add(turns.registry, "b");
    add_fn(turns.registry, hold, &turns);
    pthread_t other = run_thread(run_now, &turns);
    await_byte(turns.done[0]);
    assert_int_equal(gcw_exit_unregister(b), GCW_REMOVED);
    add(turns.registry, "new");
    send_byte(turns.go[1]);
    join_thread(other);
    assert_string_equal(noted(), "new a");
    close_turns(&turns);
}

static void
end_this_thread(void *data)
{
    note(data);
    pthread_exit(NULL);
}

TEST(a_handler_that_ends_its_thread_gives_the_turn_back)
{
    struct turns turns = { .registry = fresh_registry() };
    add(turns.registry, "a");
    add_fn(turns.registry, end_this_thread, "end");
    join_thread(run_thread(run_now, &turns));
    assert_string_equal(noted(), "end");
    run_leaves(turns.registry, "a");
}

/* Also those that still wait. */
TEST(those_kept_before_a_thread_ended_run_in_their_turn)
{
    struct turns turns = { .registry = fresh_registry() };
    add(turns.registry, "a");
    add_kept(turns.registry, note_it, "b");
    add_fn(turns.registry, end_this_thread, "end");
    add_kept(turns.registry, note_it, "c");
    add_kept(turns.registry, note_it, "d");
    join_thread(run_thread(run_now, &turns));
    assert_string_equal(noted(), "d c end");
    run_leaves(turns.registry, "d c b a");
    run_leaves(turns.registry, "d c b");
}

/* Also where some were taken off between them. */
TEST(those_that_wait_behind_a_gap_stay_in_order)
{
    struct turns turns = { .registry = fresh_registry() };
    gcw_exit_handler *gap;
    add(turns.registry, "a");
    gap = add(turns.registry, "gap");
    add(turns.registry, "b");
    add_fn(turns.registry, end_this_thread, "end");
    add_kept(turns.registry, note_it, "kept");
    assert_int_equal(gcw_exit_unregister(gap), GCW_REMOVED);
    join_thread(run_thread(run_now, &turns));
    assert_string_equal(noted(), "kept end");
    assert_int_equal(gcw_exit_unregister_fn(turns.registry, end_this_thread),
                     0);
    run_leaves(turns.registry, "kept b a");
    run_leaves(turns.registry, "kept");
}

/* What a thread that the collector does not know is answered. */
struct stranger {
    gcw_exit_registry *registry;
    gcw_exit_handler *handler;
    gcw_method *method;
    int found[8];
};

static void *
try_all(void *data)
{
    struct stranger *s = data;
    int *found = s->found;
    gcw_exit_registry *r = s->registry;
    errno = 0;
    *found++ = refusal(gcw_exit_default() == NULL);
    *found++ = refusal(gcw_exit_registry_new(NULL) == NULL);
    *found++ = refusal(gcw_exit_register(r, s->method, NULL) == NULL);
    *found++ = refusal(gcw_exit_register_fn(r, note_it, "x", NULL) == NULL);
    *found++ = refusal(gcw_exit_unregister(s->handler) == -1);
    *found++ = refusal(gcw_exit_unregister_fn(r, note_it) == 0);
    *found++ = refusal(gcw_exit_run(r, 0) == -1);
    *found++ = refusal(gcw_exit_on_error(r, NULL, NULL) == -1);
    return NULL;
}

TEST(an_unknown_thread_is_refused_and_changes_nothing)
{
    struct stranger s = { .registry = fresh_registry() };
    struct target *t = target_new(0);
    s.method = gcw_method_new(t, note_method, "m");
    s.handler = add(s.registry, "a");
    in_unknown_thread(try_all, &s);
    for (int i = 0; i < 8; i++)
        assert_int_equal(s.found[i], EPERM);
    assert_non_null(t);
    run_leaves(s.registry, "a");
}
