/* cleanup-name.c: names of cleanups.  See weak/label.c. */
#include <config.h>
#include "deliver/cleanup.h"

#include "weak/enter.h"
#include "weak/label.h"

int
gcw_cleanup_set_name(gcw_cleanup *c, const char *name)
{
    int error;

    if (gcw__enter() != 0)
        return -1;
    if (c == NULL)
        return gcw__refuse_int(EINVAL, "given c", c);
    error = gcw__label_set(c, name);
    return error == 0 ? 0 : gcw__fail_int(error);
}

const char *
gcw_cleanup_name(const gcw_cleanup *c)
{
    if (gcw__enter() != 0)
        return NULL;
    if (c == NULL)
        return gcw__refuse_null(EINVAL, "given c", c);
    return gcw__label_of(c);
}
