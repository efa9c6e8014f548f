/* hook.h: the error hook of an event or a hub.  Under the lock of its
 * listeners. */
#ifndef GCW__HOOK_H
#define GCW__HOOK_H

#include "event/listeners.h"

struct gcw__hook {
    gcw_error_fn *fn;                /* NULL: a line on stderr */
    void *data;
};

void gcw__hook_set(struct gcw__hook *hook, const struct gcw__place *place,
                   gcw_error_fn *fn, void *data);

/* Takes it out if its code lies in the range. */
void gcw__hook_unload(struct gcw__hook *hook, const struct gcw__place *place,
                      const struct gcw__range *range);

/* Tells it of the slot's listener, which failed in an emission of `event`, a
 * name or NULL.  *telling is the emission's, false at first: a hook that fails
 * in turn is not told of that. */
void gcw__hook_tell(const struct gcw__hook *hook, bool *telling,
                    const char *event, const struct gcw__slot *slot,
                    const char *why);

#endif
