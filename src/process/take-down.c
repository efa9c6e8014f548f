/* take-down.c: gcw_shutdown, for those that take themselves down before the
 * process exits.  What it does is what an exit does (shutdown.c). */
#include <config.h>
#include "ground/fail.h"
#include "process/shutdown.h"

#include <gcweak/base.h>

int
gcw_shutdown(int status)
{
    if (gcw_init() != 0)
        return -1;
    return gcw__shutdown_now(status) ? 0 : gcw__fail_int(EPERM);
}
