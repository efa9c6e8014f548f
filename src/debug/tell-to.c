/* tell-to.c: setting the sink, and turning kinds of lines on and
 * off.  What is told: ground/tell.c. */
#include <config.h>
#include "ground/tell.h"

#include "weak/enter.h"

int
gcw_tell_to(gcw_tell_fn *fn, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    if (!gcw__holdable(data))
        return gcw__refuse_int(EINVAL, "held data", data);
    gcw__tell_to((void (*)(void))fn, data);
    return 0;
}

int
gcw_tell(unsigned what, bool on)
{
    return gcw__tell_set(what, on) ? 0 : gcw__refuse_int(EINVAL, "number what",
                                                         (int)what);
}
