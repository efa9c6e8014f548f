/* polled.h: containers with a descriptor that is readable while there is
 * something to take out.  See polled.c. */
#ifndef GCW__POLLED_H
#define GCW__POLLED_H

#include "ground/wakeup.h"
#include "weak/container.h"

struct gcw__polled {
    struct gcw__container container;         /* first member */
    struct gcw__wakeup *wakeup;      /* NULL until it is asked for; under the
                                      * lock */
};

/* There is something to take out: makes the descriptor readable, if there is
 * one, and holds the object.  Lock held; or the world is stopped, and the object
 * is alive. */
void gcw__polled_show(struct gcw__polled *p, void *object);

/* There is nothing any more.  Lock held. */
void gcw__polled_hide(struct gcw__polled *p);

/* The descriptor, opened at the first call; readable if has_work(object), which
 * is called with the lock held.  No lock held.  -1 with errno: ESTALE (the
 * object was disposed of), EMFILE, ENFILE, ENOMEM. */
int gcw__polled_fd(struct gcw__polled *p, void *object,
                   bool (*has_work)(const void *object));

/* Closes it: `closed` of the container's ops. */
bool gcw__polled_closed(struct gcw__container *container, bool may_wait);

#endif
