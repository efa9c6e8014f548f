/* no-proxy.c: what proxies say where the library was built without libffi. */
#include <config.h>

#include "support.h"

#include <errno.h>

static void
nothing(void)
{
}

static void
no_proxy_can_be_made(void **state)
{
    (void)state;
    errno = 0;
    assert_null(gcw_proxy_new(target_new(1), nothing, ")v"));
    assert_int_equal(errno, ENOTSUP);
}

static void
no_signature_can_be_read(void **state)
{
    (void)state;
    errno = 0;
    assert_int_equal(gcw_signature_check(")v", NULL), -1);
    assert_int_equal(errno, ENOTSUP);
}

static void
what_takes_a_proxy_finds_none(void **state)
{
    (void)state;
    errno = 0;
    assert_null(gcw_proxy_code(NULL));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_int_equal(gcw_proxy_free(NULL), -1);
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_int_equal(gcw_proxy_on_stale(NULL, NULL, NULL), -1);
    assert_int_equal(errno, EINVAL);
}

static int
run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_proxy_can_be_made),
        cmocka_unit_test(no_signature_can_be_read),
        cmocka_unit_test(what_takes_a_proxy_finds_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, NULL, 0, run_all);
}
