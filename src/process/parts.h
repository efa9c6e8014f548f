/* parts.h: the table of all parts.  See parts.c. */
#ifndef GCW__PARTS_H
#define GCW__PARTS_H

#include "ground/part.h"

#include <stddef.h>

extern const struct gcw__part *const gcw__parts[];
extern const size_t gcw__parts_count;

#endif
