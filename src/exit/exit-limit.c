/* exit-limit.c: limits of a registry, and of an exit.
 *
 * How a limit is kept to is in limit.c.  An exit is one thing with a limit from
 * the moment when a thread leads to the end of the process; its status is the
 * last that was given.
 */
#include <config.h>
#include "exit/exit.h"

#include "ground/lock.h"
#include "ground/process.h"
#include "weak/enter.h"

int
gcw_exit_limit(gcw_exit_registry *r, unsigned long ms)
{
    if (gcw__enter() != 0)
        return -1;
    if (r == NULL)
        return gcw__refuse_int(EINVAL, "given r", r);
    gcw__lock(&gcw__exit_lock, true);
    r->limit = ms;
    gcw__unlock(&gcw__exit_lock);
    return 0;
}

int
gcw_exit_limit_abort(gcw_exit_registry *r, bool abort)
{
    if (gcw__enter() != 0)
        return -1;
    if (r == NULL)
        return gcw__refuse_int(EINVAL, "given r", r);
    gcw__lock(&gcw__exit_lock, true);
    r->limit_aborts = abort;
    gcw__unlock(&gcw__exit_lock);
    return 0;
}

/* The leader's: if that ends its thread, the next leader begins another. */
static struct gcw__deadline of_exit;

/* The process that `of_exit` has begun in. */
static unsigned begun_in;

void
gcw__exit_limit_begin(int status)
{
    const gcw_exit_registry *r = atomic_load(&gcw__exit_default);

    gcw__deadlines_leave(&of_exit);
    if (begun_in == gcw__process()) {
        gcw__deadline_status(&of_exit, status);
        return;
    }
    begun_in = gcw__process();
    of_exit = (struct gcw__deadline){ .next = NULL };
    gcw__deadline_begin_whole(&of_exit, "exit", r->limit, status,
                              r->limit_aborts);
}

void
gcw__exit_limit_end(void)
{
    begun_in = 0;
    gcw__deadline_end(&of_exit);
}
