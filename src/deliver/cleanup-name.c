/* cleanup-name.c: names of cleanups.  See weak/label.c. */
#include <config.h>
#include "deliver/cleanup.h"

#include "weak/label.h"

int
gcw_cleanup_set_name(gcw_cleanup *c, const char *name)
{
    return gcw__label_set(__func__, "given c", c, name);
}

const char *
gcw_cleanup_name(const gcw_cleanup *c)
{
    return gcw__label_get(__func__, "given c", c);
}
