/* early.h: functions that are registered before the library can start.  See
 * early.c. */
#ifndef GCW__EARLY_H
#define GCW__EARLY_H

#include <stdbool.h>

struct gcw__range;

/* Adds a function.  Returns 0 or an errno. */
int gcw__early_add(void (*fn)(void));

/* Takes the newest with that function back; false if there is none. */
bool gcw__early_cancel(void (*fn)(void));

/* Calls the newest function, for handlers that it registers come next; or all
 * functions in the range.  True if there was any. */
bool gcw__early_run(const struct gcw__range *range);

#endif
