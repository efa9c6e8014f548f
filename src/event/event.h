/* event.h: what an event is made of.  See event.c. */
#ifndef GCW__EVENT_H
#define GCW__EVENT_H

#include "event/hook.h"
#include "event/listeners.h"

struct gcw_event {
    struct gcw__listeners list;
    struct gcw__hook hook;
    char *name;                      /* constant; or NULL */
};

#endif
