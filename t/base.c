/* base.c: starting the library, and failing where nothing can be given up. */
#include <config.h>

#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- What runs in processes of their own --------------------------------- */

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

SCENARIO(start_on_an_unknown_thread)
{
    pthread_t thread;

    GC_INIT();
    pthread_create(&thread, NULL, init_in_thread, NULL);
    pthread_join(thread, NULL);
    print_init();
}

SCENARIO(look_for_leaks)
{
    GC_set_find_leak(1);
    GC_INIT();
    print_init();
    fflush(stdout);
    _exit(0);
}

SCENARIO(look_for_leaks_later)
{
    void *object;

    print_init();
    object = GC_MALLOC(16);
    GC_set_find_leak(1);
    errno = 0;
    if (gcw_ref_new(object) == NULL && errno == ENOTSUP)
        puts("ENOTSUP");
    fflush(stdout);
    _exit(0);
}

SCENARIO(fail_outside_a_callback)
{
    gcw_init();
    gcw_fail("nothing to give up");
}

SCENARIO(fail_before_the_start)
{
    gcw_fail(NULL);
}

/* --- Tests --------------------------------------------------------------- */

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

TEST(first_init_needs_a_known_thread)
{
    struct outcome o = run_scenario("start_on_an_unknown_thread");

    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "EPERM\nstarted\n");
    outcome_free(&o);
}

TEST(find_leak_mode_is_not_supported)
{
    struct outcome o = run_scenario("look_for_leaks");

    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "ENOTSUP\n");
    outcome_free(&o);
}

TEST(find_leak_mode_that_comes_later_is_not_supported_either)
{
    struct outcome o = run_scenario("look_for_leaks_later");

    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "started\nENOTSUP\n");
    outcome_free(&o);
}

TEST(the_program_is_never_unloaded)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_handler *h = gcw_exit_register_fn(r, count, counter_new(), NULL);

    gcw_object_unloading((void (*)(void))print_init);
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
}

TEST(fail_outside_a_callback_aborts_with_its_text)
{
    struct outcome o = run_scenario("fail_outside_a_callback");

    assert_int_equal(o.status, 128 + SIGABRT);
    assert_non_null(strstr(o.err, "nothing to give up"));
    outcome_free(&o);
}

TEST(fail_aborts_without_text_and_before_init_too)
{
    struct outcome o = run_scenario("fail_before_the_start");

    assert_int_equal(o.status, 128 + SIGABRT);
    outcome_free(&o);
}
