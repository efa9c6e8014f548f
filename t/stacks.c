/* stacks.c: tests of callbacks on several stacks of one thread, and of
 * callbacks that are left by a jump.
 *
 * The collector does not know the stacks of fibers, and would take the one
 * that runs for the thread's own: it is off while there are any.
 */
#include <config.h>
#include <semaphore.h>
#include <setjmp.h>
#if HAVE_MAKECONTEXT
# include <ucontext.h>
#endif
#include "idle.h"
#include "log.h"
#include "thread.h"

static void
start(void)
{
    GC_INIT();
    GC_allow_register_threads();
    GC_disable();
    MUST(gcw_init() == 0);
}

/* --- fibers --- */

#if HAVE_MAKECONTEXT

enum { STACK = 1 << 16 };

struct fiber {
    char why[16];            /* it gives up for; first, so that it tells which
                              * fiber that was */
    void (*body)(struct fiber *);
    bool fails, ended;
    int heard, called;
    ucontext_t self, resumer;
};

static void
begin_fiber(unsigned high, unsigned low)
{
    struct fiber *f = (struct fiber *)((uintptr_t)high << 16 << 16 | low);
    f->body(f);
    f->ended = true;
    /* cppcheck-suppress swapcontextCalled ; it is what fibers are made of */
    swapcontext(&f->self, &f->resumer);
}

static struct fiber *
fiber_new(void (*body)(struct fiber *), bool fails)
{
    struct fiber *f = GC_MALLOC_UNCOLLECTABLE(sizeof *f);
    void *stack = GC_MALLOC_UNCOLLECTABLE(STACK);
    /* cppcheck-suppress getcontextCalled ; the same */
    MUST(f != NULL && stack != NULL && getcontext(&f->self) == 0);
    strcpy(f->why, "gives up");
    f->body = body;
    f->fails = fails;
    f->self.uc_stack.ss_sp = stack;
    f->self.uc_stack.ss_size = STACK;
    makecontext(&f->self, (void (*)(void))begin_fiber, 2,
                (unsigned)((uintptr_t)f >> 16 >> 16), (unsigned)(uintptr_t)f);
    return f;
}

static void
resume(struct fiber *f)
{
    /* cppcheck-suppress swapcontextCalled ; the same */
    MUST(swapcontext(&f->resumer, &f->self) == 0);
}

static void
yield(struct fiber *f)
{
    /* cppcheck-suppress swapcontextCalled ; the same */
    MUST(swapcontext(&f->self, &f->resumer) == 0);
}

/* --- fibers in callbacks: each of a place of its own, with its own hook --- */

/* The drain has one hook for all. */
static void
hear_failure(void *handle, const char *name, const char *why, void *owner)
{
    struct fiber *f = (struct fiber *)(uintptr_t)why;
    (void)name;
    MUST(handle != NULL && (owner == NULL || owner == f));
    f->heard++;
}

static void
be_inside(struct fiber *f)
{
    f->called++;
    yield(f);
    if (f->fails)
        gcw_fail(f->why);
}

static void
listener(void *arg, void *f)
{
    (void)arg;
    be_inside(f);
}

static void
hub_listener(const gcw_emission *emission, void *f)
{
    (void)emission;
    be_inside(f);
}

static void
cleanup_or_handler(void *f)
{
    be_inside(f);
}

static void
emit(struct fiber *f)
{
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_on_error(e, hear_failure, f) == 0);
    MUST(gcw_event_connect_fn(e, listener, f, 0) != NULL);
    MUST(gcw_event_emit(e, NULL) == 1);
}

static void
emit_hub(struct fiber *f)
{
    gcw_hub *h = gcw_hub_new();
    MUST(gcw_hub_on_error(h, hear_failure, f) == 0);
    MUST(gcw_hub_connect_fn(h, NULL, NULL, hub_listener, f, 0) != NULL);
    MUST(gcw_hub_emit(h, NULL, NULL, NULL) == 1);
}

static void
drain(struct fiber *f)
{
    struct target *t = target_new(1);
    MUST(gcw_drain_on_error(hear_failure, NULL) == 0);
    MUST(gcw_cleanup_new(t, cleanup_or_handler, f) != NULL);
    MUST(gcw_dispose(t) == 0);
    MUST(gcw_drain(1) == 1);
}

static void
run_handlers(struct fiber *f)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    MUST(gcw_exit_on_error(r, hear_failure, f) == 0);
    MUST(gcw_exit_register_fn(r, cleanup_or_handler, f, NULL) != NULL);
    MUST(gcw_exit_run(r, 0) == f->fails);
}

typedef void body_fn(struct fiber *f);
enum { BODIES = 4 };
static body_fn *const bodies[BODIES] = { emit, emit_hub, drain, run_handlers };

static void
end_fiber(struct fiber *f)
{
    MUST(f->called == 1 && f->heard == 0 && !f->ended);
    resume(f);
    MUST(f->ended && f->called == 1 && f->heard == f->fails);
}

/* Both are in a callback; then they end, in one order or the other. */
static void
play_two(body_fn *a, body_fn *b, unsigned how)
{
    struct fiber *fibers[] = { fiber_new(a, how & 1), fiber_new(b, how & 2) };
    resume(fibers[0]);
    resume(fibers[1]);
    end_fiber(fibers[how >> 2 & 1]);
    end_fiber(fibers[~how >> 2 & 1]);
}

static void
two_fibers_in(body_fn *a, body_fn *b)
{
    for (unsigned how = 0; how < 8; how++)
        play_two(a, b, how);
}

END(two_fibers_emit_and_each_fails_in_its_own_event, 0, "end\n")
{
    start();
    two_fibers_in(emit, emit);
    say("end");
}

/* Each knows its own listener after the other one ran, and stops its own
 * emission. */

static void
stop_later(struct fiber *f)
{
    gcw_listener *me = gcw_listener_current();
    MUST(me != NULL);
    f->called++;
    yield(f);
    MUST(gcw_listener_current() == me);
    MUST(gcw_emission_stop() == 0);
    if (f->fails)
        gcw_fail(f->why);
}

static void
stopping_listener(void *arg, void *f)
{
    (void)arg;
    stop_later(f);
}

static void
stopping_hub_listener(const gcw_emission *emission, void *f)
{
    MUST(gcw_listener_current() == emission->listener);
    stop_later(f);
}

static void
emit_and_stop(struct fiber *f)
{
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_on_error(e, hear_failure, f) == 0);
    MUST(gcw_event_connect_fn(e, stopping_listener, f, 0) != NULL);
    MUST(gcw_event_connect_fn(e, listener, f, 0) != NULL);
    MUST(gcw_event_emit(e, NULL) == 1);
}

static void
emit_hub_and_stop(struct fiber *f)
{
    gcw_hub *h = gcw_hub_new();
    MUST(gcw_hub_on_error(h, hear_failure, f) == 0);
    MUST(gcw_hub_connect_fn(h, NULL, NULL, stopping_hub_listener, f, 0)
         != NULL);
    MUST(gcw_hub_connect_fn(h, NULL, NULL, hub_listener, f, 0) != NULL);
    MUST(gcw_hub_emit(h, NULL, NULL, NULL) == 1);
}

END(two_fibers_stop_each_its_own_emission, 0, "end\n")
{
    static body_fn *const stopping[] = { emit_and_stop, emit_hub_and_stop };
    start();
    for (size_t a = 0; a < 4; a++)
        two_fibers_in(stopping[a / 2], stopping[a % 2]);
    for (size_t a = 0; a < BODIES; a++) {
        two_fibers_in(stopping[0], bodies[a]);
        two_fibers_in(bodies[a], stopping[1]);
    }
    say("end");
}

/* A fiber in a cleanup is not in the listener of another one. */

static void
expect_no_emission(void *f)
{
    MUST(gcw_listener_current() == NULL);
    errno = 0;
    MUST(gcw_emission_stop() == -1 && errno == ENOENT);
    be_inside(f);
    MUST(gcw_listener_current() == NULL);
    MUST(gcw_emission_stop() == -1);
}

static void
run_without_emission(struct fiber *f)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    MUST(gcw_exit_register_fn(r, expect_no_emission, f, NULL) != NULL);
    MUST(gcw_exit_run(r, 0) == 0);
}

END(a_fiber_does_not_stop_the_emission_of_another, 0, "end\n")
{
    start();
    for (unsigned how = 0; how < 8; how += 4) {
        play_two(emit, run_without_emission, how);
        play_two(run_without_emission, emit, how);
    }
    say("end");
}

END(two_fibers_are_in_callbacks_of_any_kind, 0, "end\n")
{
    start();
    for (size_t a = 0; a < BODIES; a++)
        for (size_t b = 0; b < BODIES; b++)
            two_fibers_in(bodies[a], bodies[b]);
    say("end");
}

END(a_thousand_fibers_are_in_callbacks_at_once, 0, "end\n")
{
    static struct fiber *fibers[MANY];
    const unsigned *order = shuffled(MANY);
    start();
    for (size_t i = 0; i < MANY; i++) {
        fibers[i] = fiber_new(bodies[i % BODIES], i % 3 == 0);
        resume(fibers[i]);
    }
    for (size_t i = 0; i < MANY; i++)
        end_fiber(fibers[order[i]]);
    two_fibers_in(emit, drain);
    say("end");
}

/* --- a fiber and the thread's own stack --- */

/* The callback of the main stack ends while the fiber is in one. */
static void
begin_another(struct fiber *other)
{
    resume(other);
    MUST(other->called == 1 && !other->ended);
}

static struct fiber *other;

/* On the main stack: f is no fiber, but the bodies take it for one. */
static void
fail_around_another(void *arg, void *f)
{
    (void)arg;
    begin_another(other);
    gcw_fail(((struct fiber *)f)->why);
}

static void
emit_around(struct fiber *f)
{
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_on_error(e, hear_failure, f) == 0);
    MUST(gcw_event_connect_fn(e, fail_around_another, f, 0) != NULL);
    MUST(gcw_event_emit(e, NULL) == 1);
    MUST(f->heard == 1);
}

END(the_main_stack_fails_while_a_fiber_is_in_a_callback, 0, "end\n")
{
    start();
    for (size_t i = 0; i < BODIES; i++) {
        other = fiber_new(bodies[i], true);
        emit_around(fiber_new(emit, true));
        end_fiber(other);
    }
    say("end");
}

static void
fail_after_another(void *arg, void *f)
{
    (void)arg;
    begin_another(other);
    end_fiber(other);
    gcw_fail(((struct fiber *)f)->why);
}

END(the_main_stack_fails_after_a_fiber_did, 0, "end\n")
{
    start();
    for (size_t i = 0; i < BODIES; i++) {
        struct fiber *f = fiber_new(emit, true);
        gcw_event *e = gcw_event_new(NULL);
        other = fiber_new(bodies[i], true);
        MUST(gcw_event_on_error(e, hear_failure, f) == 0);
        MUST(gcw_event_connect_fn(e, fail_after_another, f, 0) != NULL);
        MUST(gcw_event_emit(e, NULL) == 1);
        MUST(f->heard == 1);
    }
    say("end");
}

#else
SKIPPED(callbacks_on_fibers, "makecontext in the C library")
#endif

/* --- giving up outside --- */

#define OUTSIDE_END(name)                                                   \
    END(name, 128 + SIGABRT, "outside\n",                                   \
        .err = "gcw_fail outside a callback: nobody hears it")

static void
fail_outside(void)
{
    say("outside");
    gcw_fail("nobody hears it");
}

static void *
fail_in_thread(void *unused)
{
    fail_outside();
    return unused;
}

static void
let_a_thread_fail(void *arg, void *data)
{
    (void)arg;
    in_thread(fail_in_thread, data);
}

OUTSIDE_END(failing_while_only_another_thread_is_in_a_callback_aborts)
{
    start();
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(e, let_a_thread_fail, NULL, 0) != NULL);
    gcw_event_emit(e, NULL);
}

#if HAVE_MAKECONTEXT

OUTSIDE_END(failing_outside_a_callback_aborts)
{
    start();
    gcw_event *e = gcw_event_new(NULL);
    struct fiber *f = fiber_new(emit, true);
    resume(f);
    end_fiber(f);
    MUST(gcw_event_emit(e, NULL) == 0);
    fail_outside();
}

static void
fail_in_fiber(struct fiber *f)
{
    (void)f;
    fail_outside();
}

static void
resume_it(void *arg, void *f)
{
    (void)arg;
    resume(f);
    say("goes on");
}

OUTSIDE_END(failing_on_a_fiber_outside_a_callback_aborts)
{
    start();
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(e, resume_it, fiber_new(fail_in_fiber, false),
                              0) != NULL);
    gcw_event_emit(e, NULL);
}

OUTSIDE_END(failing_while_only_a_fiber_is_in_a_callback_aborts)
{
    start();
    resume(fiber_new(emit, false));
    fail_outside();
}

#endif

/* --- jumps --- */

#define JUMP_END(name, ...)                                                 \
    END(name, 128 + SIGABRT, "left\n", .err = "left by longjmp", __VA_ARGS__)

/* Where the next jump leads.  Who is jumped out of has 20 seconds for what
 * follows. */
static jmp_buf outside;

static void
jump(void *unused)
{
    (void)unused;
    longjmp(outside, 1);
}

static void
jump_from_listener(void *arg, void *data)
{
    (void)arg;
    jump(data);
}

static gcw_event *
jumping_event(void)
{
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(e, jump_from_listener, NULL, 0) != NULL);
    return e;
}

/* Calls it far below the caller's frame. */
static NOINLINE void
far_below(void (*call)(void *arg), void *arg)
{
    volatile char room[16384];
    room[0] = room[sizeof room - 1] = 0;
    call(arg);
    room[0] = 1;
}

/* Calls it, which jumps out. */
static NOINLINE void
jump_out_of(void (*call)(void *arg), void *arg)
{
    if (setjmp(outside) == 0) {
        far_below(call, arg);
        say("not left");
    } else {
        say("left");
    }
}

static void
emit_it(void *event)
{
    gcw_event_emit(event, NULL);
}

static void
leave_and_fail(void *arg, void *event)
{
    (void)arg;
    jump_out_of(emit_it, event);
    gcw_fail("after the jump");
}

JUMP_END(failing_after_a_jump_out_of_a_listener_aborts)
{
    start();
    gcw_event *outer = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(outer, leave_and_fail, jumping_event(), 0)
         != NULL);
    gcw_event_emit(outer, NULL);
    say("goes on");
}

static void
drain_it(void *unused)
{
    (void)unused;
    gcw_drain(0);
}

JUMP_END(emitting_after_a_jump_out_of_a_cleanup_aborts)
{
    start();
    struct target *t = target_new(1);
    gcw_event *e = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(e, idle_fn, NULL, 0) != NULL);
    MUST(gcw_cleanup_new(t, jump, NULL) != NULL);
    MUST(gcw_dispose(t) == 0);
    jump_out_of(drain_it, NULL);
    gcw_event_emit(e, NULL);
    say("goes on");
}

/* Twice from the same frame: the second guard lies where the first one was. */
static void
fail_where_the_first_was(void *arg, void *again)
{
    (void)arg;
    if (*(bool *)again)
        gcw_fail("after the jump");
    longjmp(outside, 1);
}

JUMP_END(emitting_again_from_the_frame_that_was_jumped_to_aborts)
{
    static bool again;
    start();
    gcw_event *volatile e = gcw_event_new(NULL);
    MUST(gcw_event_connect_fn(e, fail_where_the_first_was, &again, 0)
         != NULL);
    alarm(20);
    for (volatile int i = 0; i < 2; i++) {
        if (setjmp(outside) == 0)
            gcw_event_emit(e, NULL);
        say(again ? "goes on" : "left");
        again = true;
    }
}

static void
run_it(void *registry)
{
    gcw_exit_run(registry, 0);
}

static gcw_exit_registry *
left_registry(void)
{
    void **keep = keep_array(1);
    gcw_exit_registry *r = keep[0] = gcw_exit_registry_new(NULL);
    MUST(r != NULL && gcw_exit_register_fn(r, jump, NULL, NULL) != NULL);
    return r;
}

JUMP_END(running_a_registry_again_after_a_jump_out_of_a_handler_aborts)
{
    start();
    gcw_exit_registry *r = left_registry();
    jump_out_of(run_it, r);
    gcw_exit_run(r, 0);
    say("goes on");
}

JUMP_END(running_a_registry_again_from_the_frame_that_was_jumped_to_aborts)
{
    start();
    gcw_exit_registry *volatile r = left_registry();
    alarm(20);
    for (volatile int i = 0; i < 2; i++) {
        if (setjmp(outside) == 0)
            gcw_exit_run(r, 0);
        say(i == 0 ? "left" : "goes on");
    }
}

static void *
run_in_thread(void *registry)
{
    gcw_exit_run(registry, 0);
    say("goes on");
    return NULL;
}

/* Those who wait look at the owner once a second, and at where the system says
 * that its stack is: not valgrind's. */
JUMP_END(another_thread_that_waits_for_a_turn_that_was_left_aborts,
         .not_in = NOT_NATIVE,
         .not_emulated = "the system says where the emulator's own stack is")
{
    start();
    gcw_exit_registry *r = left_registry();
    jump_out_of(run_it, r);
    alarm(20);
    in_thread(run_in_thread, r);
}

static void *
jump_out_and_end(void *registry)
{
    jump_out_of(run_it, registry);
    return NULL;
}

JUMP_END(waiting_for_the_turn_of_a_thread_that_jumped_and_ended_aborts)
{
    start();
    gcw_exit_registry *r = left_registry();
    in_thread(jump_out_and_end, r);
    alarm(20);
    in_thread(run_in_thread, r);
}

/* Nothing of the library is jumped over. */
static void
jump_within(void *data)
{
    jmp_buf here;
    if (setjmp(here) == 0)
        longjmp(here, 1);
    say(data);
    gcw_fail(data);
}

static void
listen_and_jump_within(void *arg, void *data)
{
    (void)arg;
    jump_within(data);
}

static void
say_failure(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)name, (void)data;
    dprintf(STDOUT_FILENO, "%s failed\n", why);
}

END(a_jump_within_a_callback_is_good, 0,
    "listener\nlistener failed\ncleanup\ncleanup failed\n"
    "handler\nhandler failed\n")
{
    start();
    struct target *t = target_new(1);
    gcw_event *e = gcw_event_new(NULL);
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    MUST(gcw_event_on_error(e, say_failure, NULL) == 0);
    MUST(gcw_drain_on_error(say_failure, NULL) == 0);
    MUST(gcw_exit_on_error(r, say_failure, NULL) == 0);
    MUST(gcw_event_connect_fn(e, listen_and_jump_within, "listener", 0)
         != NULL);
    MUST(gcw_event_emit(e, NULL) == 1);
    MUST(gcw_cleanup_new(t, jump_within, "cleanup") != NULL);
    MUST(gcw_dispose(t) == 0 && gcw_drain(0) == 1);
    MUST(gcw_exit_register_fn(r, jump_within, "handler", NULL) != NULL);
    MUST(gcw_exit_run(r, 0) == 1);
}
