/* no-proxy.c: what stands in for proxy.c where there is no libffi. */
#include <config.h>
#include "proxy/proxy.h"

#include "weak/refuse.h"

#define NO_LIBFFI "because the library was built without libffi"
#define IS_NONE "given p, because p is no proxy: the library was built without" \
    " libffi"

gcw_proxy *
gcw_proxy_new(void *self, gcw_proxy_fn *fn, const char *signature)
{
    (void)self;
    (void)fn;
    (void)signature;
    return gcw__refuse_null(ENOTSUP, NO_LIBFFI);
}

gcw_proxy_fn *
gcw_proxy_code(const gcw_proxy *p)
{
    return gcw__refuse_null(EINVAL, IS_NONE, p);
}

int
gcw_proxy_free(gcw_proxy *p)
{
    return gcw__refuse_int(EINVAL, IS_NONE, p);
}

int
gcw_proxy_on_stale(gcw_proxy *p, void (*fn)(gcw_proxy *p, void *data),
                   void *data)
{
    (void)fn;
    (void)data;
    return gcw__refuse_int(EINVAL, IS_NONE, p);
}

int
gcw_signature_check(const char *signature, size_t *position)
{
    (void)signature;
    (void)position;
    return gcw__refuse_int(ENOTSUP, NO_LIBFFI);
}
