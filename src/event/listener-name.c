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
        return gcw__refuse_int(EINVAL, "given l", l);
    error = gcw__label_set(l, name);
    return error == 0 ? 0 : gcw__fail_int(error);
}

const char *
gcw_listener_name(const gcw_listener *l)
{
    if (gcw__enter() != 0)
        return NULL;
    if (l == NULL)
        return gcw__refuse_null(EINVAL, "given l", l);
    return gcw__label_of(l);
}
