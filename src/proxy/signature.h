/* signature.h: how a function is called, read from a string of dyncall's
 * notation.  See signature.c. */
#ifndef GCW__SIGNATURE_H
#define GCW__SIGNATURE_H

#include <ffi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A collected object.  Constant from its making on, but for `users`. */
struct gcw__signature {
    ffi_cif outer;                   /* how the proxy is called: the text */
    ffi_cif inner;                   /* the same with a pointer in front */
    struct gcw__struct *structs;     /* all that the types lead to */
    const char *text;
    size_t users;                    /* see gcw__signature_hold */
    ffi_type *types[];               /* the pointer in front, the arguments */
};

/* Reads a text.  NULL with errno; for EINVAL *position is where the first
 * wrong character is.  Allocates; no lock may be held. */
struct gcw__signature *gcw__signature_read(const char *text,
                                           size_t *position);

/* Makes the result zero.  libffi wants small integers widened to a word. */
void gcw__result_zero(const ffi_type *type, void *result);

/* Signatures in use, so that proxies share equal ones.  Under the proxies'
 * lock. */

/* The signature with this text that is in use, or NULL. */
struct gcw__signature *gcw__signature_find(const char *text);

/* Counts a user; the first puts it in use.  False: no memory. */
bool gcw__signature_hold(struct gcw__signature *signature);

/* Counts a user off; the last ends its use. */
void gcw__signature_release(struct gcw__signature *signature);

#endif
