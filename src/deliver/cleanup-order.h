/* cleanup-order.h: the cleanups that have still to run, in the order of their
 * making.  See cleanup-order.c. */
#ifndef GCW__CLEANUP_ORDER_H
#define GCW__CLEANUP_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include <gcweak/cleanup.h>

/* All under the queue lock. */

/* Adds the newest.  False: no memory. */
bool gcw__cleanup_order_add(gcw_cleanup *c);

/* Takes it out, if it is in. */
void gcw__cleanup_order_remove(gcw_cleanup *c);

/* Walks from the newest on: *at is SIZE_MAX at first, then whatever it was
 * left at; NULL at the end.  Others may be added and taken out meanwhile:
 * what is older than the last one and stays in is never passed over. */
gcw_cleanup *gcw__cleanup_order_next(size_t *at);

/* How many there are. */
size_t gcw__cleanup_order_count(void);

#endif
