/* fail.h: how a call fails. */
#ifndef GCW__FAIL_H
#define GCW__FAIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static inline void *
gcw__fail_null(int error)
{
    errno = error;
    return NULL;
}

static inline int
gcw__fail_int(int error)
{
    errno = error;
    return -1;
}

static inline bool
gcw__fail_false(int error)
{
    errno = error;
    return false;
}

#endif
