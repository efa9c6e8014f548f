/* base.c: starting the library, and failing where nothing can be given up. */
#include <config.h>

#include "support.h"
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

TEST(init_is_idempotent)
{
    assert_int_equal(gcw_init(), 0);
    errno = ENOENT;
    assert_int_equal(gcw_init(), 0);
    assert_int_equal(errno, ENOENT);
}

TEST(version_is_that_of_the_package)
{
    assert_string_equal(gcw_version(), PACKAGE_VERSION);
}

/* configure.ac says it first; the headers and the number repeat it. */
TEST(headers_have_the_version_of_the_package)
{
    char numbers[64];

    snprintf(numbers, sizeof numbers, "%d.%d.%d", GCW_VERSION_MAJOR,
             GCW_VERSION_MINOR, GCW_VERSION_PATCH);
    assert_string_equal(numbers, PACKAGE_VERSION);
    assert_string_equal(GCW_VERSION_STRING, PACKAGE_VERSION);
    assert_int_equal(gcw_version_number(),
                     GCW_VERSION_MAJOR * 1000000 + GCW_VERSION_MINOR * 1000
                         + GCW_VERSION_PATCH);
}

#if GCW_VERSION < 1000 || GCW_VERSION_MAJOR > 1000
# error "the preprocessor cannot compare versions"
#endif

TEST(the_version_of_the_headers_and_those_of_its_soname_will_do)
{
    errno = ENOENT;
    assert_int_equal(gcw_version_check(GCW_VERSION), 0);
    assert_int_equal(gcw_version_check(1000), 0);
    assert_int_equal(errno, ENOENT);
}

/* refused(V): it is, and errno says so. */
static void
refused(unsigned long version)
{
    errno = 0;
    assert_int_equal(gcw_version_check(version), -1);
    assert_int_equal(errno, ENOTSUP);
}

TEST(newer_versions_and_those_of_another_soname_will_not_do)
{
    refused(GCW_VERSION + 1);
    refused(GCW_VERSION + 1000);
    refused(1000000000);
    refused(999);
    refused(0);
}

/* Prints what gcw_init says, as its test reads it. */
static void
print_init(void)
{
    errno = 0;
    if (gcw_init() == 0)
        puts("started");
    else
        puts(errno == EPERM ? "EPERM" : errno == ENOTSUP ? "ENOTSUP" : "?");
}

static void *
init_in_thread(void *unused)
{
    print_init();
    return unused;
}

END(first_init_needs_a_known_thread, 0, "EPERM\nstarted\n")
{
    GC_INIT();
    in_unknown_thread(init_in_thread, NULL);
    print_init();
}

END(find_leak_mode_is_not_supported, 0, "ENOTSUP\n")
{
    GC_set_find_leak(1);
    GC_INIT();
    print_init();
    fflush(stdout);
    _exit(0);
}

END(find_leak_mode_that_comes_later_is_not_supported_either, 0,
    "started\nENOTSUP\n")
{
    void *object;

    print_init();
    object = GC_MALLOC(16);
    GC_set_find_leak(1);
    errno = 0;
    if (gcw_ref_new_long(object) == NULL && errno == ENOTSUP)
        puts("ENOTSUP");
    fflush(stdout);
    _exit(0);
}

TEST(the_program_is_never_unloaded)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_handler *h = gcw_exit_register_fn(r, count, counter_new(), NULL);

    gcw_object_unloading((void (*)(void))print_init);
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
}

END(fail_outside_a_callback_aborts_with_its_text, 128 + SIGABRT, "",
    .err = "nothing to give up")
{
    gcw_init();
    gcw_fail("nothing to give up");
}

END(fail_aborts_without_text_and_before_init_too, 128 + SIGABRT, "")
{
    gcw_fail(NULL);
}
