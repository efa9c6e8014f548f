/* take-down.c: gcw_shutdown, for those that take themselves down before the
 * process exits.  What it does is what an exit does (shutdown.c). */
#include <config.h>
#include "process/shutdown.h"
#include "weak/enter.h"

#include <gcweak/base.h>

int
gcw_shutdown(int status)
{
    if (gcw__init_for(__func__) != 0)
        return -1;
    return gcw__shutdown_now(status)
        ? 0 : gcw__refuse_int(EPERM, "because the thread cannot be made"
                              " known to the collector");
}
