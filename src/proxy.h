/* proxy.h: proxies where code is unloaded and processes fork.  See proxy.c.
 * Without libffi there are none, and nothing to do. */
#ifndef GCW__PROXY_H
#define GCW__PROXY_H

#include <gcweak/proxy.h>

struct gcw__range;

#if HAVE_LIBFFI

/* Takes the functions out whose code lies in the range. */
void gcw__proxies_object_unloading(const struct gcw__range *range);

/* How many there are, and whether that is one. */
size_t gcw__proxies_count(void);
bool gcw__proxies_have(const void *object);

void gcw__proxies_fork_prepare(void);
void gcw__proxies_fork_done(void);

#else

static inline void
gcw__proxies_object_unloading(const struct gcw__range *range)
{
    (void)range;
}

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

static inline void
gcw__proxies_fork_prepare(void)
{
}

static inline void
gcw__proxies_fork_done(void)
{
}

#endif

#endif
