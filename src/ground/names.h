/* names.h: what lies at an address, for people. */
#ifndef GCW__NAMES_H
#define GCW__NAMES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The name of the function that begins at `code`, or NULL.  The name lies in
 * the function's shared object. */
const char *gcw__function_name(uintptr_t code);

/* What lies at an address: "function (object)", or the object and the offset in
 * it, in the form that addr2line takes; cut off where the text ends. */
void gcw__code_text(char *text, size_t size, uintptr_t code);

enum { GCW__CODE_TEXT = 512 };

/* Prints that. */
void gcw__print_code(FILE *out, uintptr_t code);

/* The same for data: "symbol+offset (object)". */
void gcw__print_data(FILE *out, uintptr_t address);

#endif
