/* weak.h: arguments and results of built-in functions about weak things. */
#ifndef TOY_WEAK_H
#define TOY_WEAK_H

#include "vm.h"

/* An argument of that type; else an error is raised. */
struct object *want(const struct call *c, size_t i, enum type type,
                    const char *what);

/* An argument that something may hold weakly. */
struct object *want_target(const struct call *c, size_t i);

/* The result of a call of gcweak's; if it is NULL, an error is raised that
 * tells of errno. */
void *checked_result(const struct call *c, void *of);

#endif
