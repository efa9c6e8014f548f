/* idle.h: callbacks of every kind that do nothing. */
#ifndef IDLE_H
#define IDLE_H

#include "support.h"

/* A cleanup, or a handler at exit. */
static inline void
idle(void *data)
{
    (void)data;
}

static inline void
idle_at_exit(void)
{
}

static inline void
idle_fn(void *arg, void *data)
{
    (void)arg, (void)data;
}

static inline void
idle_hub_fn(const gcw_emission *emission, void *data)
{
    (void)emission, (void)data;
}

static inline void *
idle_method(void *self, void *arg, void *data)
{
    (void)self, (void)arg, (void)data;
    return NULL;
}

static inline void
idle_on_death(gcw_method *m, void *data)
{
    (void)m, (void)data;
}

static inline void
idle_on_error(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)name, (void)why, (void)data;
}

static inline void
idle_on_stale(gcw_proxy *p, void *data)
{
    (void)p, (void)data;
}

static inline void
idle_sink(unsigned what, const char *line, void *data)
{
    (void)what, (void)line, (void)data;
}

static inline const char *
idle_namer(const void *object, size_t size, void *data)
{
    (void)object, (void)size, (void)data;
    return NULL;
}

#endif
