/* canary.h: hearing of a collection from a finalizer.  See canary.c. */
#ifndef GCW__CANARY_H
#define GCW__CANARY_H

#include <stdbool.h>

/* What a canary is for. */
struct gcw__canary_ops {
    /* A collection has passed.  Called from a finalizer: no lock of the
     * collector's is held, but the thread is in the midst of an allocation. */
    void (*fired)(void);
    /* Whether another one is needed.  It must not miss a need that came about
     * before it was called; it may wait for no lock. */
    bool (*needed)(void);
};

/* Has ops->fired called after the next collection, and after each further one
 * for as long as ops->needed says so.  A hint: the call may come late or
 * never.  Without effect while a canary is armed. */
void gcw__canary_arm(const struct gcw__canary_ops *ops);

#endif
