/* call.c: calls that those make who step through the work.
 *
 * A gcw_call is a value: nothing of the library refers to it, and nothing is
 * to be done when its owner loses it.  What it needs it holds itself, as long
 * as it lies where the collector looks.
 */
#include <config.h>
#include "weak/call.h"

#include "weak/enter.h"

/* The words for one that is none. */
#define NO_CALL "given call, because there is nothing to call: it is zero, or the" \
    " end of the steps"

static bool
is_call(const gcw_call *call)
{
    return call != NULL && call->kind != GCW_CALL_NONE && call->fn != NULL;
}

void *
gcw_call_invoke(const gcw_call *call)
{
    gcw_call copy;

    if (!is_call(call))
        return gcw__refuse_null(EINVAL, NO_CALL, call);
    copy = *call;
    return gcw__call_make(&copy);
}

int
gcw_call_failed(const gcw_call *call, const char *why)
{
    const struct gcw__place *place;

    if (gcw__enter() != 0)
        return -1;
    if (!is_call(call) || call->place == NULL)
        return gcw__refuse_int(EINVAL, NO_CALL, call);
    place = call->place;
    place->failed(call, why);
    return 0;
}
