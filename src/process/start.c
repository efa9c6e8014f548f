/* start.c: starting the library.
 *
 * Several threads may start it at once: each prepares everything, one of them
 * publishes.  Nothing is allocated under the lock, so that a finalizer that
 * comes up meanwhile may call the library; nor is the dynamic linker asked for
 * anything, which may be at work in a constructor that starts the library.
 *
 * A child may be forked in the middle of it, also in ways that pass fork's
 * handlers by.  So each step may be done again, no call relies on one before
 * `gcw__ready`, and the lock is made anew in such a child (starting.c).
 */
#include <config.h>
#include "process/start.h"

#include "collector/collector.h"
#include "collector/threads.h"
#include "deliver/drain.h"
#include "deliver/worker.h"
#include "exit/exit.h"
#include "ground/code.h"
#include "ground/memory.h"
#include "ground/process.h"
#include "ground/roots.h"
#include "ground/tell.h"
#include "ground/thread.h"
#include "map/maps.h"
#include "marks/engine.h"
#include "process/fork.h"
#include "process/last.h"
#include "process/shutdown.h"
#include "process/starting.h"
#include "weak/enter.h"
#include "weak/way.h"

/* Registers what the system is to call at forks and at exit.  Goes on where it
 * failed the last time, if it did.  Returns 0 or an errno. */
static int
install(void)
{
    static bool forks;

    gcw__tell_install();
    gcw__thread_install(gcw__collector_signals);
    forks = forks || gcw__fork_install() == 0;
    return forks ? gcw__shutdown_install() : ENOMEM;
}

/* Whether that is done. */
static atomic_bool installed;

int
gcw__start_early(void)
{
    int error;

    if (atomic_load_explicit(&installed, memory_order_acquire))
        return 0;
    gcw__process_install();
    gcw__start_lock();
    error = install();
    gcw__start_unlock();
    if (error == 0)
        atomic_store_explicit(&installed, true, memory_order_release);
    return error;
}

static int
publish_roots(struct gcw__roots *roots, bool by_marks)
{
    int error = install();

    if (error != 0)
        return error;
    gcw__roots = roots;
    gcw__exit_install();
    gcw__drain_install();
    gcw__maps_install();
    gcw__worker_install(gcw__last_needed);
    if (by_marks)
        gcw__ways_mark();
    atomic_store_explicit(&gcw__ready, true, memory_order_release);
    return 0;
}

static struct gcw__roots *
roots_new(void)
{
    struct gcw__roots *roots = gcw__new_uncollectable(sizeof *roots);

    if (roots == NULL)
        return NULL;
    roots->at_exit = gcw__exit_registry_make(NULL);
    roots->queue = gcw__queue_make();
    if (roots->at_exit != NULL && roots->queue != NULL)
        return roots;
    GC_FREE(roots);
    return NULL;
}

static int
start_with(struct gcw__roots *roots, bool by_marks)
{
    int error = 0;

    gcw__start_lock();
    if (!atomic_load(&gcw__ready))
        error = publish_roots(roots, by_marks);
    gcw__start_unlock();
    if (gcw__roots != roots)
        GC_FREE(roots);
    return error;
}

static int
start_library(void)
{
    int error = gcw__collector_start();
    struct gcw__roots *roots;
    bool by_marks;

    if (error != 0)
        return error;
    gcw__process_install();
    gcw__code_stay();
    gcw__deaths_hook();
    error = gcw__engine_start();
    if (error == ENOMEM)
        return error;
    by_marks = gcw__ways_can_mark(error == 0);
    roots = roots_new();
    if (roots == NULL)
        return ENOMEM;
    return start_with(roots, by_marks);
}

/* That the collector knows it takes long to look up: here, and not in the first
 * call that follows. */
static void
know_main(void)
{
    gcw__last_watch_main();
    gcw__thread_known();
}

/* What the collector says where it does not run yet. */
static void
refuse_start(const char *function, int error)
{
    if (error == EPERM && !gcw__collector_runs())
        gcw__refused(function, error, "because the collector does not run"
                     " yet, and this is not the main thread: call GC_INIT"
                     " there");
    else if (error == ENOTSUP && gcw__collector_reads_malloc())
        gcw__refused(function, error, "because the collector was built with"
                     " --enable-redirect-malloc: it looks for pointers in"
                     " malloc's memory, and nothing would die");
    else
        gcw__refused(function, error, "");
}

int
gcw__init_for(const char *function)
{
    int before = errno, error = 0;

    if (!atomic_load_explicit(&gcw__ready, memory_order_acquire))
        error = start_library();
    if (error != 0) {
        refuse_start(function, error);
        return -1;
    }
    if (gcw__thread_is_main())
        know_main();
    errno = before;
    return 0;
}

int
gcw_init(void)
{
    return gcw__init_for(__func__);
}
