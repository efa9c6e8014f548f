/* kind.h: the collector's kind of objects that are tables. */
#ifndef GCW__KIND_H
#define GCW__KIND_H

#include <gc.h>
#include <gc/gc_mark.h>

struct gcw__kind {
    unsigned number;
    GC_word descriptor;
};

/* Makes the kind, whose objects this procedure marks, unless it was made
 * already.  Any thread; takes the collector's lock.  Returns 0, or ENOTSUP: the
 * collector has no kind, or no procedure, left. */
int gcw__kind_make(GC_mark_proc procedure, struct gcw__kind *out);

#endif
