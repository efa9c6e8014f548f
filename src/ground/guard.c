/* guard.c: running callbacks that may fail, and how they may be left.
 *
 * A guard lies on the stack that the callbacks run on.  Each thread lists its
 * guards, the newest first; those of its fibers too, which begin and end in
 * any order.
 *
 * gcw_fail jumps to the innermost guard of the stack that it is called on: of
 * all in the list, the one at the lowest address above its caller, for no
 * other stack can lie between the two.  A guard that was begun inside the
 * failed callback has ended by then, or is the one that gcw_fail jumps to.
 * gcw_failed calls the same guard's `told`, on top of the callback's frames.
 *
 * A callback may be left in other ways.  When frames are unwound, by a C++
 * exception, pthread_exit or a cancellation, the guard is taken out of the
 * list as its frame goes (-fexceptions).  A jump of the program's own
 * (longjmp) over these frames is forbidden, for it runs nothing of ours: the
 * guard stays in the list, and its memory is used for something else.  Such a
 * guard is found when the next guard begins in its place, or begins or is
 * looked for at a higher address of the thread's own stack; or when a
 * neighbour in the list is no guard any more.  Then the process aborts and
 * says why.
 */
#include <config.h>
#include "ground/guard.h"

#include "ground/compiler.h"
#include "ground/fail.h"
#include "ground/lock.h"
#include "ground/stack.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

struct guard {
    jmp_buf failed;
    struct guard *outer, *inner;     /* in the list of the thread */
    uintptr_t mark;                  /* shows that a guard lies here */
    const char *volatile why;        /* the argument of gcw_fail */
    void *run;                       /* for gcw_failed */
    const struct gcw__guarded *how;
};

/* The newest guard of the thread.  Read in each emission, so it is worth its
 * place in the static block of the thread. */
static GCW__IN_STATIC_BLOCK _Thread_local struct guard *newest;

#define MARK ((uintptr_t)0x5f77633c)

static uintptr_t
mark_of_guard(const struct guard *guard)
{
    return (uintptr_t)guard ^ MARK;
}

GCW_NORETURN static void
die(const char *what, const char *why)
{
    fprintf(stderr, "gcweak: %s%s%s\n", what, why == NULL ? "" : ": ",
            why == NULL ? "" : why);
    abort();
}

void
gcw__left_by_jump(void)
{
    die("a callback was left by longjmp, over frames of gcweak; it must return,"
        " throw, or call gcw_fail", NULL);
}

/* Stacks grow downwards, so a frame below one that goes on has ended. */
bool
gcw__frame_is_over(uintptr_t frame, uintptr_t here)
{
    return frame < here && gcw__stack_own(frame) && gcw__stack_own(here);
}

static void
expect_guard(const struct guard *guard)
{
    if (guard->mark != mark_of_guard(guard))
        gcw__left_by_jump();
}

static inline void
begin_guard(struct guard *guard)
{
    struct guard *outer = newest;

    if (!GCW__LIKELY(outer == NULL || outer > guard)
        && (outer == guard
            || gcw__frame_is_over((uintptr_t)outer, (uintptr_t)guard)))
        gcw__left_by_jump();
    guard->outer = outer;
    guard->mark = mark_of_guard(guard);
    if (outer != NULL) {
        expect_guard(outer);
        outer->inner = guard;
    }
    newest = guard;
}

/* The guard of a fiber may end while newer guards go on. */
static void
unlink_inner(struct guard *guard)
{
    struct guard *outer = guard->outer, *inner = guard->inner;

    expect_guard(inner);
    inner->outer = outer;
    if (outer != NULL) {
        expect_guard(outer);
        outer->inner = inner;
    }
}

static void
end_guard(struct guard *guard)
{
    if (GCW__LIKELY(newest == guard))
        newest = guard->outer;
    else
        unlink_inner(guard);
}

void
gcw__guard_run(void *run, const struct gcw__guarded *how)
{
    __attribute__((__cleanup__(end_guard))) struct guard guard;

    guard.run = run;
    guard.how = how;
    begin_guard(&guard);
    if (setjmp(guard.failed) != 0)
        how->failed(run, guard.why);
    while (how->step(run))
        continue;
}

/* The innermost guard around `at` of the stack that `here` is on, or NULL.  `at`
 * is `here`, or a guard of that stack. */
static struct guard *
innermost_around(uintptr_t here, uintptr_t at)
{
    struct guard *guard, *found = NULL;

    for (guard = newest; guard != NULL; guard = guard->outer) {
        if (gcw__frame_is_over((uintptr_t)guard, here))
            gcw__left_by_jump();
        expect_guard(guard);
        if ((uintptr_t)guard > at && (found == NULL || guard < found))
            found = guard;
    }
    if (found == NULL
        || gcw__stack_own(here) != gcw__stack_own((uintptr_t)found))
        return NULL;
    return found;
}

static struct guard *
innermost(uintptr_t here)
{
    return innermost_around(here, here);
}

/* Of a fiber only the innermost guard is known for certain: where its stack
 * ends nobody knows, so the next one may be another fiber's. */
void *
gcw__guard_around(uintptr_t here, uintptr_t *at,
                  const struct gcw__guarded **how)
{
    bool outwards = *at != here;
    struct guard *guard = outwards && !gcw__stack_own(here)
        ? NULL : innermost_around(here, *at);

    if (guard == NULL)
        return NULL;
    *at = (uintptr_t)guard;
    *how = guard->how;
    return guard->run;
}

void
gcw_fail(const char *why)
{
    struct guard *guard = innermost((uintptr_t)__builtin_frame_address(0));

    if (guard == NULL)
        die("gcw_fail outside a callback",
            why == NULL ? "no reason given" : why);
    guard->why = why;
    longjmp(guard->failed, 1);
}

int
gcw_failed(const char *why)
{
    struct guard *guard = innermost((uintptr_t)__builtin_frame_address(0));

    if (guard == NULL)
        return gcw__fail_int(ENOENT);
    guard->how->told(guard->run, why);
    return 0;
}
