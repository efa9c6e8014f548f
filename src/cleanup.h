/* cleanup.h: cleanups at exit and at dlclose.  See cleanup.c. */
#ifndef GCW__CLEANUP_H
#define GCW__CLEANUP_H

#include <stdbool.h>

#include <gcweak/cleanup.h>

/* Runs the cleanups that are still to run at this process's exit, newest
 * first; true if there were any. */
bool gcw__cleanups_at_exit(void);

/* Detaches those whose code lies in the range. */
struct gcw__range;
void gcw__cleanups_object_unloading(const struct gcw__range *range);

#endif
