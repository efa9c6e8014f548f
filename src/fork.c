/* fork.c: child processes.
 *
 * Before a fork all locks of the library are taken, in their order, so the
 * child finds everything whole, and the worker is paused.  Nobody who holds
 * one of them waits for the collector's lock (lock.h), so it does not matter
 * whether that is taken before, as by GC_atfork_prepare, or after, as by
 * bdwgc's own handlers, which were installed before ours.
 *
 * Handlers of the application that were installed before ours run while all
 * is locked: after ours before the fork, before ours after it.  They may call
 * the library, on the thread that forks: that has the locks, so taking one
 * does nothing there (gcw__holding.all).
 *
 * A fork may come while another thread starts the library for the first time:
 * it waits for that.  If it comes before these handlers are installed, they
 * run for one half only, or not at all; nothing was begun then that cannot be
 * begun again (init.c).  t/model/start.pml has it all.
 *
 * A child that is made around these handlers (_Fork, a bare clone) is a
 * process of its own all the same: see process.h.  What it inherits in an
 * unusable state is made anew by who first finds it belonging to another
 * process: descriptors (wakeup.c), the worker (worker.c), turns (exit-run.c).
 * What another thread had locked stays locked there: only a parent with one
 * thread may make such a child.
 */
#include <config.h>
#include "fork.h"

#include "death.h"
#include "drain.h"
#include "exit.h"
#include "init.h"
#include "links.h"
#include "listeners.h"
#include "lock.h"
#include "place.h"
#include "process.h"
#include "proxy.h"
#include "shard.h"
#include "worker.h"

#include <pthread.h>

static void
lock_all(void)
{
    gcw__worker_fork_prepare();
    gcw__deaths_fork_prepare();
    gcw__shards_fork_prepare();
    gcw__listeners_fork_prepare();
    gcw__exit_fork_prepare();
    gcw__links_fork_prepare();
    gcw__places_fork_prepare();
    gcw__proxies_fork_prepare();
    gcw__drain_fork_prepare();
    gcw__holding.all = true;
}

static void
parent_goes_on(void)
{
    gcw__holding.all = false;
    gcw__drain_fork_parent();
    gcw__proxies_fork_done();
    gcw__places_fork_parent();
    gcw__links_fork_done();
    gcw__exit_fork_parent();
    gcw__listeners_fork_done();
    gcw__shards_fork_done();
    gcw__deaths_fork_parent();
    gcw__worker_fork_parent();
}

static void
child_begins(void)
{
    gcw__holding.all = false;
    gcw__drain_fork_child();
    gcw__proxies_fork_done();
    gcw__places_fork_child();
    gcw__links_fork_done();
    gcw__exit_fork_child();
    gcw__listeners_fork_done();
    gcw__shards_fork_done();
    gcw__deaths_fork_child();
    gcw__worker_fork_child();
}

/* Whether the library had started: then it will not do so again, and nobody
 * waits for that lock. */
static _Thread_local bool started;

/* A child that was made in the middle of gcw__fork_install may have installed
 * all this twice. */
static void
prepare(void)
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
parent(void)
{
    if (!gcw__holding.all)
        return;
    parent_goes_on();
    if (!started)
        gcw__start_unlock();
}

static void
child(void)
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
    return pthread_atfork(prepare, parent, child);
}
