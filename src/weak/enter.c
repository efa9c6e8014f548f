/* enter.c: what the first call of a thread into the library begins with.
 *
 * It starts the library, by the one call that goes up from here:
 * gcw__init_for knows all parts, and none of them begins anything before that is
 * called.
 */
#include <config.h>
#include "weak/enter.h"
#include "collector/threads.h"

int
gcw__enter_first(const char *function)
{
    int before = errno;

    if (gcw__init_for(function) != 0)
        return -1;
    if (!gcw__thread_known()) {
        gcw__refused(function, EPERM, "");
        return -1;
    }
    errno = before;
    return 0;
}
