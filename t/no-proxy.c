/* no-proxy.c: what proxies say where the library was built without libffi. */
#include <config.h>

#include "idle.h"
#include "support.h"

#include <errno.h>

TEST(no_proxy_can_be_made)
{
    errno = 0;
    assert_null(gcw_proxy_new(target_new(1), idle_at_exit, ")v"));
    assert_int_equal(errno, ENOTSUP);
}

TEST(no_signature_can_be_read)
{
    errno = 0;
    assert_int_equal(gcw_signature_check(")v", NULL), -1);
    assert_int_equal(errno, ENOTSUP);
}

TEST(what_takes_a_proxy_finds_none)
{
    expect_errno(gcw_proxy_code(NULL) == NULL, EINVAL);
    expect_errno(gcw_proxy_free(NULL) == -1, EINVAL);
    expect_errno(gcw_proxy_on_stale(NULL, NULL, NULL) == -1, EINVAL);
}
