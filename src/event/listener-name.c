/* listener-name.c: names of listeners.  See weak/label.c. */
#include <config.h>
#include "event/listeners.h"

#include "weak/label.h"

int
gcw_listener_set_name(gcw_listener *l, const char *name)
{
    return gcw__label_set(__func__, "given l", l, name);
}

const char *
gcw_listener_name(const gcw_listener *l)
{
    return gcw__label_get(__func__, "given l", l);
}
