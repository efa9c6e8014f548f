/* pass.h: which entries live, when marking is complete.  See pass.c. */
#ifndef GCW__PASS_H
#define GCW__PASS_H

#include <stdbool.h>
#include <stdint.h>

/* Marks what the entries hold that live, and takes the others away.  World
 * stopped.  `keeps_all`: all live.  `dropped`: there may be guarded entries that
 * were dropped, of which their owners do not know.  `hold_more` is called before
 * tables are looked at, if it is not NULL. */
void gcw__pass(bool keeps_all, bool dropped, void (*hold_more)(void));

/* Marks the object, when `hold_more` is called. */
void gcw__pass_hold(uintptr_t object);

#endif
