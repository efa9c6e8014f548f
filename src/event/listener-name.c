/* listener-name.c: names of listeners.  See weak/label.c. */
#include <config.h>
#include "event/listeners.h"

#include "weak/enter.h"
#include "weak/label.h"

int
gcw_listener_set_name(gcw_listener *l, const char *name)
{
    int error;

    if (gcw__enter() != 0)
        return -1;
    if (l == NULL)
        return gcw__fail_int(EINVAL);
    error = gcw__label_set(l, name);
    return error == 0 ? 0 : gcw__fail_int(error);
}

const char *
gcw_listener_name(const gcw_listener *l)
{
    if (gcw__enter() != 0)
        return NULL;
    return l == NULL ? gcw__fail_null(EINVAL) : gcw__label_of(l);
}
