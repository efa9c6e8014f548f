/* object.c: shared objects that are unloaded.
 *
 * The destructors that base.h puts into a shared object call us, at dlclose,
 * while its code is still there; also at the end of the process, after exit's
 * handlers, when all is closed and nothing is left to do.  The thread may be
 * unknown to the collector.
 */
#include <config.h>
#include "cleanup.h"
#include "code.h"
#include "debug.h"
#include "drain.h"
#include "exit.h"
#include "init.h"
#include "proxy.h"

static void
end_all_in(const struct gcw__range *range)
{
    bool entered = gcw__thread_enter();

    gcw__places_object_unloading(range);
    gcw__cleanups_object_unloading(range);
    gcw__proxies_object_unloading(range);
    gcw__drain_object_unloading(range);
    gcw__explain_object_unloading(range);
    if (entered)
        gcw__thread_leave();
}

void
gcw_object_unloading(void (*code)(void))
{
    struct gcw__range range;

    if (atomic_load(&gcw__ready) && !gcw__exit_closed()
        && gcw__object_of((uintptr_t)code, &range))
        end_all_in(&range);
}
