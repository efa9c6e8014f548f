/* emitting.h: emissions that are under way on a stack.  See emitting.c. */
#ifndef GCW__EMITTING_H
#define GCW__EMITTING_H

#include "ground/guard.h"

#include <gcweak/event.h>

/* How an emission is guarded. */
struct gcw__emitting {
    struct gcw__guarded guard;       /* first member */
    /* The listener that is being called, or was last; NULL: none yet. */
    gcw_listener *(*current)(const void *run);
    /* Has no further listener called. */
    void (*stop)(void *run);
};

extern const struct gcw__emitting gcw__event_emitting;       /* event.c */
extern const struct gcw__emitting gcw__hub_emitting_one;     /* hub-emit.c: of */
extern const struct gcw__emitting gcw__hub_emitting_many;    /* several lists */

#endif
