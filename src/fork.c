/* fork.c: processes.
 *
 * Before a fork all locks of the library are taken, in their order, so the
 * child finds everything whole, and the worker is paused.  bdwgc's own
 * handlers were installed before ours, when it was started, so its lock is
 * taken after ours and given back before.
 *
 * What belongs to a process is marked with its number, which the child counts
 * up: cheaper than asking for the pid at each registration.  A child made
 * around the handlers (a bare clone) is found out at exit by its pid.
 */
#include <config.h>
#include "fork.h"

#include "death.h"
#include "drain.h"
#include "exit.h"
#include "links.h"
#include "listeners.h"
#include "place.h"
#include "proxy.h"
#include "shard.h"
#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_uint process;
static _Atomic pid_t pid;

unsigned
gcw__process(void)
{
    return atomic_load_explicit(&process, memory_order_relaxed);
}

void
gcw__process_check(void)
{
    if (atomic_exchange(&pid, getpid()) != getpid())
        atomic_fetch_add(&process, 1);
}

static void
prepare(void)
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
}

static void
parent(void)
{
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
child(void)
{
    gcw__process_check();
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

int
gcw__fork_install(void)
{
    atomic_store(&pid, getpid());
    return pthread_atfork(prepare, parent, child);
}
