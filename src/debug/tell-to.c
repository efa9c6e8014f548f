/* tell-to.c: setting the sink.  What is told: ground/tell.c. */
#include <config.h>
#include "ground/tell.h"

#include "weak/enter.h"

int
gcw_tell_to(gcw_tell_fn *fn, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    if (!gcw__holdable(data))
        return gcw__fail_int(EINVAL);
    gcw__tell_to((void (*)(void))fn, data);
    return 0;
}
