/* names.h: what lies at an address, for people. */
#ifndef GCW__NAMES_H
#define GCW__NAMES_H

#include "ground/part.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Gives the function that begins at `code` a name, which is not copied, in the
 * place of any other; NULL takes it away, and so does the unloading of the
 * shared object that it lies in.  False: no memory.  No lock held; any thread,
 * also one that the collector does not know. */
bool gcw__function_set_name(uintptr_t code, const char *name);

/* The name of the function that begins at `code`, or NULL: the one that it was
 * given, or else the dynamic linker's.  The name lies in the function's shared
 * object.  No lock held. */
const char *gcw__function_name(uintptr_t code);

/* What lies at an address: "function (object)", or the object and the offset in
 * it, in the form that addr2line takes; cut off where the text ends.  Code that
 * is in no object is its name, or else its address.  No lock held. */
void gcw__code_text(char *text, size_t size, uintptr_t code);

enum { GCW__CODE_TEXT = 512 };

/* Prints that. */
void gcw__print_code(FILE *out, uintptr_t code);

/* The same for data: "symbol+offset (object)". */
void gcw__print_data(FILE *out, uintptr_t address);

extern const struct gcw__part gcw__names_part;

#endif
