/* no-proxy.c: what stands in for proxy.c where there is no libffi. */
#include <config.h>
#include "proxy/proxy.h"

#include "ground/fail.h"

gcw_proxy *
gcw_proxy_new(void *self, gcw_proxy_fn *fn, const char *signature)
{
    (void)self;
    (void)fn;
    (void)signature;
    return gcw__fail_null(ENOTSUP);
}

gcw_proxy_fn *
gcw_proxy_code(const gcw_proxy *p)
{
    (void)p;
    return gcw__fail_null(EINVAL);
}

int
gcw_proxy_free(gcw_proxy *p)
{
    (void)p;
    return gcw__fail_int(EINVAL);
}

int
gcw_proxy_on_stale(gcw_proxy *p, void (*fn)(gcw_proxy *p, void *data),
                   void *data)
{
    (void)p;
    (void)fn;
    (void)data;
    return gcw__fail_int(EINVAL);
}

int
gcw_signature_check(const char *signature, size_t *position)
{
    (void)signature;
    (void)position;
    return gcw__fail_int(ENOTSUP);
}
