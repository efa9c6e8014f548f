/* init.c: starting the library.
 *
 * Several threads may start it at once: each prepares everything, one of them
 * publishes.  Nothing is allocated under the lock, so that a finalizer that
 * comes up meanwhile may call the library.
 */
#include <config.h>
#include "init.h"

#include "drain.h"
#include "exit.h"
#include "fork.h"
#include "lock.h"
#include "roots.h"
#include "shutdown.h"
#include "tell.h"

struct gcw__roots *gcw__roots;
atomic_bool gcw__ready;

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;

/* Goes on where it failed the last time, if it did. */
static int
publish(struct gcw__roots *roots)
{
    static bool forks;

    forks = forks || gcw__fork_install() == 0;
    if (!forks || gcw__shutdown_install() != 0)
        return ENOMEM;
    gcw__roots = roots;
    gcw__tell_install();
    gcw__exit_install();
    gcw__drain_install();
    atomic_store_explicit(&gcw__ready, true, memory_order_release);
    return 0;
}

static struct gcw__roots *
roots_new(void)
{
    struct gcw__roots *roots = GC_MALLOC_UNCOLLECTABLE(sizeof *roots);

    if (roots == NULL)
        return NULL;
    roots->at_exit = gcw__exit_registry_make(NULL);
    if (roots->at_exit != NULL)
        return roots;
    GC_FREE(roots);
    return NULL;
}

static int
start(void)
{
    int error = gcw__collector_start();
    struct gcw__roots *roots;

    if (error != 0)
        return error;
    roots = roots_new();
    if (roots == NULL)
        return ENOMEM;
    gcw__lock(&starting, true);
    if (!atomic_load(&gcw__ready))
        error = publish(roots);
    gcw__unlock(&starting);
    if (gcw__roots != roots)
        GC_FREE(roots);
    return error;
}

int
gcw_init(void)
{
    int error = 0;

    if (!atomic_load_explicit(&gcw__ready, memory_order_acquire))
        error = start();
    return error == 0 ? 0 : gcw__fail_int(error);
}

int
gcw__enter_first(void)
{
    if (gcw_init() != 0)
        return -1;
    return gcw__thread_known() ? 0 : gcw__fail_int(EPERM);
}

const char *
gcw_version(void)
{
    return PACKAGE_VERSION;
}
