/* fork.c: child processes.
 *
 * Before a fork all locks of the library are taken, in the order of the parts
 * (parts.c), so the child finds everything whole, and the worker is paused.
 * No thread that holds one of them waits for the collector's lock (lock.h), so
 * it does not matter whether that is taken before, as by GC_atfork_prepare, or
 * after, as by bdwgc's own handlers, which were installed before ours.
 *
 * Handlers of the application that were installed before ours run while all
 * is locked: after ours before the fork, before ours after it.  They may call
 * the library, on the thread that forks: it has the locks, so taking one does
 * nothing there (gcw__holding.all).
 *
 * A fork may come while another thread starts the library for the first time:
 * it waits for that.  If it comes before these handlers are installed, they
 * run for one half only, or not at all; nothing was begun then that cannot be
 * begun again (start.c).  t/model/start.pml has it all.
 *
 * A child that is made around these handlers (_Fork, a bare clone) is a
 * process of its own all the same: see process.h.  What it inherits in an
 * unusable state is made anew by the first call that finds it to be another
 * process's: descriptors (wakeup.c), the worker (worker.c), turns
 * (exit-turn.c).  A lock that another thread had taken stays taken there: only
 * a parent with one thread may make such a child.
 */
#include <config.h>
#include "process/fork.h"

#include "ground/lock.h"
#include "ground/process.h"
#include "ground/roots.h"
#include "process/parts.h"
#include "process/starting.h"

#include <pthread.h>

static void
lock_all(void)
{
    for (size_t i = 0; i < gcw__parts_count; i++)
        if (gcw__parts[i]->prepare != NULL)
            gcw__parts[i]->prepare();
    gcw__holding.all = true;
}

static void
parent_goes_on(void)
{
    gcw__holding.all = false;
    for (size_t i = gcw__parts_count; i-- > 0;)
        if (gcw__parts[i]->parent != NULL)
            gcw__parts[i]->parent();
}

static void
child_begins(void)
{
    gcw__holding.all = false;
    for (size_t i = gcw__parts_count; i-- > 0;)
        if (gcw__parts[i]->child != NULL)
            gcw__parts[i]->child();
}

/* Whether the library had started at the fork: then it does not start again,
 * and the lock of that need not be held. */
static _Thread_local bool started;

/* A child that was made in the middle of gcw__fork_install may have installed
 * all this twice. */
static void
fork_prepare(void)
{
    if (gcw__holding.all)
        return;
    gcw__start_lock();
    started = atomic_load(&gcw__ready);
    if (started)
        gcw__start_unlock();
    lock_all();
}

static void
fork_parent(void)
{
    if (!gcw__holding.all)
        return;
    parent_goes_on();
    if (!started)
        gcw__start_unlock();
}

static void
fork_child(void)
{
    gcw__process_forked();
    if (!gcw__holding.all)
        return;
    child_begins();
    if (!started)
        gcw__start_unlock();
}

int
gcw__fork_install(void)
{
    return pthread_atfork(fork_prepare, fork_parent, fork_child);
}
