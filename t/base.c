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

static void
scenario_unknown_thread(void)
{
    pthread_t thread;

    GC_INIT();
    pthread_create(&thread, NULL, init_in_thread, NULL);
    pthread_join(thread, NULL);
    print_init();
}

static void
scenario_find_leak(void)
{
    GC_set_find_leak(1);
    GC_INIT();
    print_init();
    fflush(stdout);
    _exit(0);
}

static void
scenario_find_leak_later(void)
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

static void
scenario_fail_outside(void)
{
    gcw_init();
    gcw_fail("nothing to give up");
}

static void
scenario_fail_before_init(void)
{
    gcw_fail(NULL);
}

static const struct scenario scenarios[] = {
    { "unknown-thread", scenario_unknown_thread },
    { "find-leak", scenario_find_leak },
    { "find-leak-later", scenario_find_leak_later },
    { "fail-outside", scenario_fail_outside },
    { "fail-before-init", scenario_fail_before_init },
};

/* --- Tests --------------------------------------------------------------- */

static void
init_is_idempotent(void **state)
{
    (void)state;
    assert_int_equal(gcw_init(), 0);
    errno = ENOENT;
    assert_int_equal(gcw_init(), 0);
    assert_int_equal(errno, ENOENT);
}

static void
version_is_that_of_the_package(void **state)
{
    (void)state;
    assert_string_equal(gcw_version(), PACKAGE_VERSION);
}

static void
first_init_needs_a_known_thread(void **state)
{
    struct outcome o = run_scenario("unknown-thread");

    (void)state;
    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "EPERM\nstarted\n");
    outcome_free(&o);
}

static void
find_leak_mode_is_not_supported(void **state)
{
    struct outcome o = run_scenario("find-leak");

    (void)state;
    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "ENOTSUP\n");
    outcome_free(&o);
}

static void
find_leak_mode_that_comes_later_is_not_supported_either(void **state)
{
    struct outcome o = run_scenario("find-leak-later");

    (void)state;
    assert_int_equal(o.status, 0);
    assert_string_equal(o.out, "started\nENOTSUP\n");
    outcome_free(&o);
}

static void
the_program_is_never_unloaded(void **state)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    gcw_exit_handler *h = gcw_exit_register_fn(r, count, counter_new(), NULL);

    (void)state;
    gcw_object_unloading((void (*)(void))print_init);
    assert_int_equal(gcw_exit_unregister(h), GCW_REMOVED);
}

static void
fail_outside_a_callback_aborts_with_its_text(void **state)
{
    struct outcome o = run_scenario("fail-outside");

    (void)state;
    assert_int_equal(o.status, 128 + SIGABRT);
    assert_non_null(strstr(o.err, "nothing to give up"));
    outcome_free(&o);
}

static void
fail_aborts_without_text_and_before_init_too(void **state)
{
    struct outcome o = run_scenario("fail-before-init");

    (void)state;
    assert_int_equal(o.status, 128 + SIGABRT);
    outcome_free(&o);
}

static int
run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_is_idempotent),
        cmocka_unit_test(version_is_that_of_the_package),
        cmocka_unit_test(first_init_needs_a_known_thread),
        cmocka_unit_test(find_leak_mode_is_not_supported),
        cmocka_unit_test(
            find_leak_mode_that_comes_later_is_not_supported_either),
        cmocka_unit_test(the_program_is_never_unloaded),
        cmocka_unit_test(fail_outside_a_callback_aborts_with_its_text),
        cmocka_unit_test(fail_aborts_without_text_and_before_init_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, scenarios,
                     sizeof scenarios / sizeof scenarios[0], run_all);
}
