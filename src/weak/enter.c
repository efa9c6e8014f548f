/* enter.c: what the first call of a thread into the library begins with.
 *
 * It starts the library, by the one call that goes up from here: gcw_init
 * knows all parts, and none of them begins anything before gcw_init is called.
 */
#include <config.h>
#include "weak/enter.h"
#include "collector/threads.h"

int
gcw__enter_first(void)
{
    int before = errno;

    if (gcw_init() != 0)
        return -1;
    if (!gcw__thread_known())
        return gcw__fail_int(EPERM);
    errno = before;
    return 0;
}
