/* event.h: what an event is made of.  See event.c. */
#ifndef GCW__EVENT_H
#define GCW__EVENT_H

#include "event/listeners.h"
#include "ground/hook.h"

struct gcw_event {
    struct gcw__listeners list;
    struct gcw__hook hook;
    char *name;                      /* constant; or NULL */
};

extern const struct gcw__container_ops gcw__event_ops;

/* `see` and `count` of an event's container (event-see.c). */
void gcw__event_see(struct gcw__walk *walk, void *event);
void gcw__event_count(void *event, gcw_statistics *out);

#endif
