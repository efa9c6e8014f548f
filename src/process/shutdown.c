/* shutdown.c: what happens when the process exits.
 *
 * In this order: the worker is stopped, pending death callbacks run, then the
 * default registry's handlers, then cleanups; again, for as long as these made
 * new ones; then all is closed.  What other threads make meanwhile does not
 * run: they might never stop.
 *
 * The C library has a list of calls to make at exit, the newest first, and
 * takes each off before it makes it.  In that list we have
 *   - some calls from the time when the library was started, which do all of
 *     this;
 *   - one for each gcw_atexit, with the place of its handler: it runs the
 *     handlers down to that one, so that they keep their order with those of
 *     others (exit-place.c).
 *
 * Several threads may exit at once: the C library may let them all in, each of
 * them goes through the list, and the first that finds nothing left there ends
 * the process.  So
 *   - one thread leads (exit-turn.c), and the others wait here for the end of
 *     the process.  They do not go back to the C library: in glibc before 2.41
 *     several threads that go through its list at once may free a part of it
 *     twice;
 *   - each call registers itself once more before it does anything else, to
 *     catch further threads, and callbacks that call exit;
 *   - before that, when the C library has just taken the call off its list,
 *     more threads may come by.  So there are many calls to begin with, and
 *     each thread that finds another one here registers more than one.
 *
 * A signal handler may call exit.  POSIX forbids it, but atexit bears it in
 * most cases, and so does this: if the thread is remembered as known, and
 * nothing weak is registered, the collector's lock is not taken, which the
 * interrupted code may have.  If that has a lock of our own, nothing can be
 * done.
 *
 * The exiting thread may be unknown to the collector, or within
 * GC_do_blocking: see gcw__as_known.
 */
#include <config.h>
#include "process/shutdown.h"

#include "collector/threads.h"
#include "debug/debug.h"
#include "deliver/cleanup.h"
#include "deliver/drain.h"
#include "deliver/worker.h"
#include "exit/exit.h"
#include "ground/compiler.h"
#include "ground/end.h"
#include "ground/leader.h"
#include "ground/lock.h"
#include "ground/process.h"
#include "ground/roots.h"
#include "ground/report.h"
#include "weak/death.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* at_quick_exit need only take 32 calls, those of the program among them; musl's
 * takes no more, glibc's as many as there is memory for. */
#ifdef __GLIBC__
# define QUICK_CALLS CALLS
#else
# define QUICK_CALLS 16
#endif

enum {
    CALLS = 64,              /* that are registered to begin with */
    MORE = 16                /* by each of several threads that exit */
};

#if HAVE_ON_EXIT
static void at_exit(int status, void *place);
#else
static void at_exit(void);
#endif

static bool
register_call(uintptr_t place)
{
#if HAVE_ON_EXIT
    return on_exit(at_exit, (void *)place) == 0;
#else
    (void)place;
    return atexit(at_exit) == 0;
#endif
}

bool
gcw__shutdown_register(uintptr_t place)
{
    return register_call(place);
}

/* How many threads are between register_more and leave_exit. */
static atomic_uint inside;

static void
register_more(uintptr_t place)
{
    unsigned n = atomic_fetch_add(&inside, 1) == 0 ? 1 : MORE;

    while (n-- > 0)
        register_call(place);
}

static void
leave_exit(void)
{
    atomic_fetch_sub(&inside, 1);
}

/* The arguments of a call by the C library. */
struct ending {
    int status;
    uintptr_t place;                 /* 0: all */
};

/* Whether the interrupted code has a lock of ours.  A fork handler has all
 * locks, and may exit.  A thread that waits for another one to end the process,
 * and may hold the exit lock just now or not, goes on waiting here. */
static bool
in_our_midst(void)
{
    static const char words[] = "gcweak: exit was called by a signal handler"
        " in the midst of gcweak; exit handlers do not run\n";
    static bool said;
    ssize_t ignored;

    if (gcw__holding.locks == 0 || gcw__holding.all)
        return false;
    if (gcw__holding.follows)
        gcw__end_wait();
    if (said)
        return true;
    said = true;
    gcw__cancel_off();
    ignored = write(STDERR_FILENO, words, sizeof words - 1);
    (void)ignored;
    gcw__cancel_on();
    return true;
}

/* The process in which all is closed. */
static atomic_uint closed_in;

static bool
is_closed(void)
{
    return atomic_load(&closed_in) == gcw__process();
}

/* Runs all callbacks that there are now; false if there were none. */
static bool
round_of_callbacks(int status)
{
    struct gcw__exit_choice all = { false, 0, NULL };
    gcw_exit_registry *r = atomic_load(&gcw__exit_default);
    bool any = false;

    if (atomic_load(&gcw__ready))
        any |= gcw__drain_at_exit() != 0;
    any |= gcw__exit_run(r, status, all).called != 0;
    if (atomic_load(&gcw__ready))
        any |= gcw__cleanups_at_exit();
    return any;
}

static void
report_undrained(void)
{
    size_t n;

    gcw__notice_deaths(true);
    n = gcw__queues_pending();
    if (n != 0)
        gcw__tell(GCW_TOLD_DRAIN, "drain: nobody had drained %zu callbacks when"
                  " the process began to exit; they run now", n);
}

/* Reports once, though callbacks may begin an exit within the exit. */
static void
report_exit(void)
{
    static bool reported;

    if (reported)
        return;
    reported = true;
    gcw__report_leaks();
    if (gcw__told(GCW_TOLD_DRAIN))
        report_undrained();
}

static bool
close_all(void)
{
    return gcw__exit_close()
           && (!atomic_load(&gcw__ready) || gcw__cleanups_close());
}

static void
run_all(int status)
{
    while (round_of_callbacks(status) || !close_all())
        continue;
    atomic_store(&closed_in, gcw__process());
    if (atomic_load(&gcw__ready))
        gcw__drain_close();
}

static void
run_down_to(int status, uintptr_t place)
{
    struct gcw__exit_choice choice = { false, place, NULL };

    if (!gcw__exit_place_is_due(place))
        return;
    if (atomic_load(&gcw__ready))
        gcw__drain_at_exit();
    gcw__exit_run(atomic_load(&gcw__exit_default), status, choice);
}

static void
run_in_turn(void *arg)
{
    const struct ending *ending = arg;

    if (atomic_load(&gcw__ready)) {
        gcw__worker_end();
        report_exit();
    }
    if (ending->place == 0)
        run_all(ending->status);
    else
        run_down_to(ending->status, ending->place);
}

static void
run_known(void *ending)
{
    gcw__exit_in_turn(atomic_load(&gcw__exit_default), run_in_turn, ending);
}

/* The functions that were registered before the library started, of which one
 * may start it: then the collector must know this thread. */
static void
run_before_start(void *arg)
{
    const struct ending *ending = arg;
    struct gcw__exit_choice choice = { false, ending->place, NULL };
    bool any;

    gcw__worker_end();
    do
        any = gcw__exit_run(&gcw__exit_early, ending->status,
                            choice).called != 0;
    while (ending->place == 0 && !atomic_load(&gcw__ready)
           && (any || !gcw__exit_close()));
    if (ending->place == 0 && !atomic_load(&gcw__ready))
        atomic_store(&closed_in, gcw__process());
}

/* The frame of the call by the C library that this thread is in, if it was found
 * to be known there, and not within GC_do_blocking.  exit makes all its calls
 * from the same frame, and does not return. */
static GCW__IN_STATIC_BLOCK _Thread_local void *known_in;

/* False if this thread cannot run anything. */
static bool
run_started(struct ending *ending, void *frame)
{
    if (frame == NULL || frame != known_in) {
        if (!gcw__known_at_exit())
            return gcw__as_known(run_known, ending);
        known_in = frame;
    }
    run_known(ending);
    return true;
}

static bool
run(struct ending *ending, void *frame)
{
    if (!atomic_load(&gcw__ready))
        gcw__exit_in_turn(&gcw__exit_early, run_before_start, ending);
    return is_closed() || !atomic_load(&gcw__ready)
           || run_started(ending, frame);
}

/* Whether the thread that leads comes by once more, and has nothing left to do
 * here: the calls that it registered to catch others are still in the list. */
static bool
has_nothing_left(uintptr_t place)
{
    if (!gcw__exit_is_mine())
        return false;
    return is_closed() || (place != 0 && !gcw__exit_place_is_due(place));
}

static void
exit_begins(int status, uintptr_t place)
{
    struct ending ending = { status, place };

    gcw__process_check();
    if (in_our_midst() || has_nothing_left(place))
        return;
    register_more(place);
    if (!gcw__exit_is_mine()) {
        gcw__worker_exits();
        gcw__exit_lead();
    }
    gcw__exit_limit_begin(status);
    if (!is_closed() && !run(&ending, __builtin_frame_address(0)))
        atomic_store(&closed_in, gcw__process());
    leave_exit();
}

#if HAVE_ON_EXIT
static void
at_exit(int status, void *place)
{
    exit_begins(status, (uintptr_t)place);
}
#else
static void
at_exit(void)
{
    exit_begins(0, 0);
}
#endif

#if HAVE_AT_QUICK_EXIT

static void quick_exit_begins(void);

/* The process in which all quick handlers have run at a quick_exit. */
static atomic_uint quick_in;

static void
run_quick_in_turn(void *unused)
{
    struct gcw__exit_choice quick = { true, 0, NULL };

    (void)unused;
    gcw__exit_run(atomic_load(&gcw__exit_default), 0, quick);
}

static void
run_quick(void *unused)
{
    gcw__exit_in_turn(atomic_load(&gcw__exit_default), run_quick_in_turn,
                      unused);
}

static bool
register_quick(void)
{
    return at_quick_exit(quick_exit_begins) == 0;
}

static void
register_more_quick(void)
{
    unsigned n = atomic_fetch_add(&inside, 1) == 0 ? 1 : MORE;

    while (n-- > 0)
        register_quick();
}

static bool
quick_is_over(void)
{
    return gcw__exit_is_mine() && atomic_load(&quick_in) == gcw__process();
}

/* As exit_begins, but runs only the handlers with `quick`. */
static void
quick_exit_begins(void)
{
    gcw__process_check();
    if (in_our_midst() || quick_is_over())
        return;
    register_more_quick();
    gcw__worker_exits();
    gcw__exit_lead();
    if (atomic_load(&gcw__ready))
        gcw__as_known_at_exit(run_quick, NULL);
    atomic_store(&quick_in, gcw__process());
    leave_exit();
}

/* Goes on where it failed the last time. */
static bool
install_quick(void)
{
    static int n;

    for (; n < QUICK_CALLS; n++)
        if (!register_quick())
            return false;
    return true;
}

#else

static bool
install_quick(void)
{
    return true;
}

#endif

/* The same without an exit: the process goes on.  So the thread leads only
 * for the time of the call; inside an exit, or another shutdown, it goes on
 * leading. */

static void
end_leading(void *led_before)
{
    if (*(bool *)led_before)
        return;
    gcw__exit_limit_end();
    gcw__exit_resign();
}

bool
gcw__shutdown_now(int status)
{
    struct ending ending = { status, 0 };
    bool led = gcw__exit_is_mine(), done = true;

    gcw__process_check();
    gcw__worker_stop();
    gcw__worker_exits();
    gcw__exit_lead();
    pthread_cleanup_push(end_leading, &led);
    gcw__exit_limit_begin(status);
    if (!is_closed())
        done = run(&ending, NULL);
    pthread_cleanup_pop(1);
    return done;
}

/* Calls that were registered stay so when a later one fails, and must not be
 * registered again by the next try. */
int
gcw__shutdown_install(void)
{
    static int n;

    if (!gcw__exit_lead_install() || !install_quick())
        return ENOMEM;
    for (; n < CALLS; n++)
        if (!register_call(0))
            return ENOMEM;
    return 0;
}
