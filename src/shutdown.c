/* shutdown.c: what happens when the process exits.
 *
 * In this order: the worker is stopped, pending death callbacks run, then the
 * default registry's handlers, then cleanups; again, for as long as these made
 * new ones; then the registry is closed.
 *
 * All of it within the turn of the default registry (exit-run.c), because the
 * C library may let several threads into exit at once: the second waits here
 * until the first is done, and so does not end the process meanwhile.  To
 * catch it, and to catch a callback that calls exit, each call of ours
 * registers itself once more with the C library before it does anything else;
 * the last such call finds all closed and returns.
 *
 * Between the C library's taking a call off its list and that registration
 * another thread may come by, and if it finds no call of ours there, it ends
 * the process.  So there are several: it takes as many threads at once in
 * those few instructions to slip through.
 *
 * The thread that closes the registry goes on and ends the process.  Those
 * that waited meanwhile, and those that come later, do not go back to the C
 * library: in glibc before 2.41 several threads that go through its list at
 * once may free a part of it twice.
 *
 * The exiting thread may be unknown to the collector, which must not see a
 * thread that it does not know; so it is made known for the time being.
 */
#include <config.h>
#include "shutdown.h"

#include "cleanup.h"
#include "death.h"
#include "debug.h"
#include "drain.h"
#include "exit.h"
#include "fork.h"
#include "roots.h"
#include "tell.h"
#include "worker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { CALLS = 16 };

#if HAVE_ON_EXIT
static void at_exit(int status, void *unused);
#else
static void at_exit(void);
#endif

static int
register_once_more(void)
{
#if HAVE_ON_EXIT
    return on_exit(at_exit, NULL);
#else
    return atexit(at_exit);
#endif
}

/* The process that has closed the registry, plus one; and whether this thread
 * has, and ends that process. */
static atomic_uint closed_in;
static _Thread_local bool goes_on;

/* In a forked child nobody else is there to end it. */
static void
stay_behind(void)
{
    gcw__process_check();
    if (goes_on || atomic_load(&closed_in) != gcw__process() + 1)
        return;
    for (;;)
        pause();
}

/* One round; false if there was nothing to do. */
static bool
round_of_callbacks(int status)
{
    struct gcw__exit_choice all = { false, NULL };
    bool any = gcw__drain(0, NULL) != 0;

    any |= gcw__exit_run(gcw__roots->at_exit, status, all).called != 0;
    any |= gcw__cleanups_at_exit();
    return any;
}

static void
tell_undrained(void)
{
    size_t n;

    gcw__notice_deaths(true);
    n = gcw__drain_pending();
    if (n != 0)
        fprintf(stderr, "gcweak: drain: nobody had drained %zu callbacks when"
                " the process began to exit; they run now\n", n);
}

/* Once, though callbacks may begin an exit within the exit. */
static void
tell_of_exit(void)
{
    static bool told;

    if (told)
        return;
    told = true;
    gcw__tell_leaks();
    if (gcw__tells(GCW__TELL_DRAIN))
        tell_undrained();
}

static void
run_all(void *status)
{
    if (gcw__exit_closed())
        return;
    gcw__worker_end();
    tell_of_exit();
    while (round_of_callbacks(*(int *)status) || !gcw__exit_close())
        continue;
    goes_on = true;
    atomic_store(&closed_in, gcw__process() + 1);
}

static void
run_in_turn(int status)
{
    bool entered;

    register_once_more();
    entered = gcw__thread_enter();
    gcw__process_check();
    gcw__exit_in_turn(gcw__roots->at_exit, run_all, &status);
    if (entered)
        gcw__thread_leave();
}

static void
exit_begins(int status)
{
    if (gcw__roots == NULL)
        return;
    if (!gcw__exit_closed())
        run_in_turn(status);
    stay_behind();
}

#if HAVE_ON_EXIT
static void
at_exit(int status, void *unused)
{
    (void)unused;
    exit_begins(status);
}
#else
static void
at_exit(void)
{
    exit_begins(0);
}
#endif

#if HAVE_AT_QUICK_EXIT
static void
run_quick(void *unused)
{
    struct gcw__exit_choice quick = { true, NULL };

    (void)unused;
    gcw__exit_run(gcw__roots->at_exit, 0, quick);
}

static void
quick_exit_begins(void)
{
    bool entered;

    if (gcw__roots == NULL)
        return;
    entered = gcw__thread_enter();
    gcw__process_check();
    gcw__exit_in_turn(gcw__roots->at_exit, run_quick, NULL);
    if (entered)
        gcw__thread_leave();
}
#endif

/* What has succeeded stays registered when the rest fails, and must not be
 * registered again by the next try. */
int
gcw__shutdown_install(void)
{
#if HAVE_AT_QUICK_EXIT
    static bool quick;

    quick = quick || at_quick_exit(quick_exit_begins) == 0;
    if (!quick)
        return ENOMEM;
#endif
    for (int i = 0; i < CALLS; i++)
        if (register_once_more() != 0)
            return ENOMEM;
    return 0;
}
