/* object.c: shared objects that are unloaded.
 *
 * The destructors that base.h puts into a shared object call us, at dlclose,
 * while its code is still there; also at the end of the process, after exit's
 * handlers, when hardly anything is left to do.  The thread may be unknown to
 * the collector.
 *
 * First its callbacks run that have still to run, in the order of an exit:
 * handlers, then cleanups, again for as long as these made new ones.  Then, in
 * each part of the library (parts.c): the worker ends a callback in the
 * object, and all pointers to its code are dropped.
 */
#include <config.h>
#include "deliver/cleanup.h"
#include "collector/threads.h"
#include "exit/exit.h"
#include "ground/code.h"
#include "ground/leader.h"
#include "ground/names.h"
#include "ground/roots.h"
#include "process/parts.h"
#include "weak/container.h"

static void
end_object_unloading(void *unused)
{
    (void)unused;
    atomic_fetch_sub(&gcw__code_unloading, 1);
}

static void
end_all(const struct gcw__range *range)
{
    bool any;

    do {
        any = gcw__containers_run_unloading(range);
        any |= gcw__cleanups_object_unloading(range);
    } while (any);
    for (size_t i = 0; i < gcw__parts_count; i++)
        if (gcw__parts[i]->unloading != NULL)
            gcw__parts[i]->unloading(range);
}

/* A handler may throw, or end the thread. */
static void
end_all_in(void *range)
{
    atomic_fetch_add(&gcw__code_unloading, 1);
    pthread_cleanup_push(end_object_unloading, NULL);
    end_all(range);
    pthread_cleanup_pop(1);
}

/* All that there may be before the library has started. */
static void
end_all_early(const struct gcw__range *range)
{
    gcw__exit_object_unloading(&gcw__exit_early, range);
    gcw__names_part.unloading(range);
}

void
gcw_object_unloading(void (*code)(void))
{
    struct gcw__range range;

    if (!gcw__object_of((uintptr_t)code, &range))
        return;
    if (!atomic_load(&gcw__ready))
        end_all_early(&range);
    if (!atomic_load(&gcw__ready))
        return;
    if (gcw__exit_is_mine())
        gcw__as_known_at_exit(end_all_in, &range);
    else
        gcw__as_known(end_all_in, &range);
}
