/* machine.h: what the figures depend on: processor, collector, compiler. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stddef.h>

/* The i-th fact: its name, and its value in *value; NULL after the last. */
const char *machine_fact(size_t i, const char **value);

#endif
