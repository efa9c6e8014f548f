/* version.c: which version of the library this is.
 *
 * The version has one source, configure.ac.  The headers are the same files in
 * every build, so they repeat it, and t/base.c holds the two against each
 * other; so does make dist.
 */
#include <config.h>

#include "weak/refuse.h"

#include <gcweak/base.h>

const char *
gcw_version(void)
{
    return PACKAGE_VERSION;
}

unsigned long
gcw_version_number(void)
{
    return GCW_VERSION;
}

int
gcw_version_check(unsigned long needed)
{
    if (needed < OLDEST_VERSION || needed > GCW_VERSION)
        return gcw__refuse_int(ENOTSUP, "because this is version "
                               PACKAGE_VERSION);
    return 0;
}
