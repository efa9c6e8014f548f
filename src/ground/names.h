/* names.h: what lies at an address, for people. */
#ifndef GCW__NAMES_H
#define GCW__NAMES_H

#include <stdint.h>
#include <stdio.h>

/* The name of the function that begins at `code`, or NULL.  Memory of its
 * object. */
const char *gcw__function_name(uintptr_t code);

/* Names what lies at an address: "function (object)", or where in which object
 * it is, in the form that addr2line takes. */
void gcw__print_code(FILE *out, uintptr_t code);

/* The same for data, from its symbol on. */
void gcw__print_data(FILE *out, uintptr_t address);

#endif
