/* roots.c: what the library keeps alive.  See roots.h. */
#include <config.h>
#include "ground/roots.h"

struct gcw__roots *gcw__roots;
atomic_bool gcw__ready;
