/* call.h: a call that is to be made: by a calling form of ours, or by who steps
 * through the work.
 *
 * Calling forms keep the gcw_call in variables of their own, and pass it on to
 * nobody: so it costs them nothing.  All is inline for that.
 */
#ifndef GCW__CALL_H
#define GCW__CALL_H

#include "ground/compiler.h"

#include <gcweak/hub.h>

/* Where calls come from: `place` of a gcw_call. */
struct gcw__place {
    /* Tells the error hook.  The thread is known, no lock held. */
    void (*failed)(const gcw_call *call, const char *why);
};

/* Makes the call, which has a function, through its own type.  What it needs is
 * kept alive until it has returned. */
static inline void *
gcw__call_make(const gcw_call *call)
{
    void *self = call->self, *arg = call->arg, *data = call->data;
    void *result = NULL;

    switch (call->kind) {
    case GCW_CALL_METHOD:
        result = ((gcw_method_fn *)call->fn)(self, arg, data);
        break;
    case GCW_CALL_LISTENER:
        ((void (*)(void *, void *))call->fn)(arg, data);
        break;
    case GCW_CALL_HUB_LISTENER:
        ((void (*)(const gcw_emission *, void *))call->fn)(arg, data);
        break;
    case GCW_CALL_FUNCTION:
        ((void (*)(void *))call->fn)(data);
        break;
    case GCW_CALL_DEATH:
        ((void (*)(gcw_method *, void *))call->fn)(arg, data);
        break;
    case GCW_CALL_PLAIN:
        call->fn();
        break;
    case GCW_CALL_NONE:
        break;
    }
    GCW__KEEP(self);
    GCW__KEEP(arg);
    GCW__KEEP(data);
    return result;
}

#endif
