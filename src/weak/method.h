/* method.h: what a method is made of, for the files that call methods. */
#ifndef GCW__METHOD_H
#define GCW__METHOD_H

#include "weak/ref.h"

#include <gcweak/method.h>

/* Constant from its making on.  There are many, and most have strong data, so
 * only those with weak data have room for its reference. */
struct gcw_method {
    gcw_ref *self;
    gcw_method_fn *fn;
    void *data;              /* strong data, or &gcw__data_is_weak */
    gcw_ref *weak_data[];    /* one, if the data is weak; and its address,
                              * hidden */
};

extern char gcw__data_is_weak;

/* The reference to weak data, or NULL. */
static inline gcw_ref *
gcw__method_weak_data(const gcw_method *m)
{
    return m->data == &gcw__data_is_weak ? m->weak_data[0] : NULL;
}

/* What the method at that address lives by beside its object: its weak data,
 * or where that was.  False if its data is strong.  Reads nothing but the
 * method, which may be dead. */
bool gcw__method_lives_also(uintptr_t method, uintptr_t *out);

/* Strong data; NULL if it is weak. */
static inline void *
gcw__method_strong_data(const gcw_method *m)
{
    return m->data == &gcw__data_is_weak ? NULL : m->data;
}

#endif
