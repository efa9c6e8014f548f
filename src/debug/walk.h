/* walk.h: looking at everything that is registered.  See walk.c. */
#ifndef GCW__WALK_H
#define GCW__WALK_H

#include "weak/see.h"

/* Walks all containers. */
void gcw__walk_containers(const struct gcw__walker *walker, void *arg);

#endif
