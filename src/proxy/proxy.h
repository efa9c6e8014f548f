/* proxy.h: proxies, for the rest of the library.  See proxy.c.  Without libffi
 * there are none. */
#ifndef GCW__PROXY_H
#define GCW__PROXY_H

#include "ground/part.h"

#include <gcweak/proxy.h>

#if HAVE_LIBFFI

/* How many proxies there are. */
size_t gcw__proxies_count(void);

/* Whether the object is one of them. */
bool gcw__proxies_have(const void *object);

extern const struct gcw__part gcw__proxy_part;

#else

static inline size_t
gcw__proxies_count(void)
{
    return 0;
}

static inline bool
gcw__proxies_have(const void *object)
{
    (void)object;
    return false;
}

#endif

#endif
