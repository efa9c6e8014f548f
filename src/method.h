/* method.h: what a method is made of, for the places where methods wait. */
#ifndef GCW__METHOD_H
#define GCW__METHOD_H

#include "ref.h"

#include <gcweak/method.h>

/* Constant from its making on. */
struct gcw_method {
    gcw_ref *self;
    gcw_method_fn *fn;
    void *data;              /* strong data; NULL if it is weak */
    gcw_ref *weak_data;      /* NULL if it is strong */
};

#endif
