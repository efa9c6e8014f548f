/* cleanup-order.h: the cleanups that have still to run, in the order of their
 * making.  See cleanup-order.c. */
#ifndef GCW__CLEANUP_ORDER_H
#define GCW__CLEANUP_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include <gcweak/cleanup.h>

/* All under the queue lock. */

/* Adds a cleanup, which is the newest.  False: no memory. */
bool gcw__cleanup_order_add(gcw_cleanup *c);

/* Takes a cleanup out, if it is in. */
void gcw__cleanup_order_remove(gcw_cleanup *c);

/* The same for so many at once, which takes less time. */
void gcw__cleanup_order_remove_all(gcw_cleanup *const *cleanups, size_t n);

/* The next cleanup, from the newest on, or NULL.  *at is SIZE_MAX for the
 * first call, and then as the call before has left it.  Cleanups may be added
 * and taken out between the calls: one that is older than the last that was
 * returned, and stays in, is never passed over; one that was returned may come
 * again, when holes were closed. */
gcw_cleanup *gcw__cleanup_order_next(size_t *at);

/* From a hold to its release no holes are closed, so that no cleanup comes
 * again.  Holds nest. */
void gcw__cleanup_order_hold(void);
void gcw__cleanup_order_release(void);

/* In a forked child: holds of threads that are not there are over. */
void gcw__cleanup_order_forked(void);

/* How many cleanups are in. */
size_t gcw__cleanup_order_count(void);

#endif
