/* test.c: the tests of a program, in their order; see test.h. */
#include "support.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

static struct test *first;
static size_t how_many;

void
test_add(struct test *test)
{
    struct test **link = &first;

    while (*link != NULL && (*link)->place <= test->place)
        link = &(*link)->next;
    test->next = *link;
    *link = test;
    how_many++;
}

const struct test *
test_scenario(const char *name)
{
    const struct test *test = first;

    while (test != NULL && ((test->kind & A_SCENARIO) == 0
                            || strcmp(test->name, name) != 0))
        test = test->next;
    return test;
}

bool
test_runs_in(const char *place)
{
    const char *mode = getenv("GCWEAK_TEST_MODE");
    const char *machine = getenv("GCWEAK_TEST_MACHINE");

    return (mode != NULL && strcmp(mode, place) == 0)
           || (machine != NULL && strcmp(machine, place) == 0);
}

bool
test_is_fresh(void)
{
    return !GC_is_init_called();
}

static bool
can_work(const struct test *test)
{
    return (test->not_in == NULL || !test_runs_in(test->not_in))
           && (test->only_if == NULL || test->only_if());
}

static bool
is_to_run(const struct test *test, const char *pattern)
{
    return (test->kind & A_TEST) != 0
           && (pattern == NULL || fnmatch(pattern, test->name, 0) == 0)
           && can_work(test);
}

static void
check_stderr(const struct test *end, const char *err)
{
    int lines = 0;

    if (end->err == NULL)
        return;
    if (strstr(err, end->err) == NULL)
        fail_msg("not in stderr: %s\nstderr: %s", end->err, err);
    for (const char *c = err; *c != '\0'; c++)
        lines += *c == '\n';
    if (end->err_lines != 0 && lines != end->err_lines)
        fail_msg("%d lines in stderr: %s", lines, err);
    if (*end->err == '\0')
        assert_string_equal(err, "");
}

static void
check_end(const struct test *end)
{
    struct outcome o = run_scenario(end->name);

    if (o.status != end->status)
        print_error("status %d, stderr: %s\n", o.status, o.err);
    assert_string_equal(o.out, end->out);
    assert_int_equal(o.status, end->status);
    check_stderr(end, o.err);
    outcome_free(&o);
}

/* As cmocka calls them: the state is the record. */

static void
run_one(void **state)
{
    const struct test *test = *state;

    if (test->kind == AN_END)
        check_end(test);
    else if (test->run_on != NULL)
        test->run_on(test->data);
    else
        test->run();
}

static int
set_up_one(void **state)
{
    const struct test *test = *state;

    test->set_up();
    return 0;
}

static int
tear_down_one(void **state)
{
    const struct test *test = *state;

    test->tear_down();
    return 0;
}

static void
do_nothing(void **state)
{
    (void)state;
}

/* Skipped, in a way that TAP knows: skip() of older versions of cmocka says
 * "not ok".  The name stays. */
static struct CMUnitTest
skipped(const struct test *test, const char *because, const char *why)
{
    char *name;

    if (asprintf(&name, "%s # SKIP %s %s", test->name, because, why) < 0)
        abort();
    return (struct CMUnitTest){ name, do_nothing, NULL, NULL, NULL };
}

static struct CMUnitTest
for_cmocka(struct test *test)
{
    const char *lack = test->lacks != NULL ? test->lacks() : NULL;

    if (lack != NULL)
        return skipped(test, "needs", lack);
    if (test->not_emulated != NULL && is_emulated())
        return skipped(test, "under an emulator:", test->not_emulated);
    return (struct CMUnitTest){
        test->name, run_one,
        test->set_up != NULL ? set_up_one : NULL,
        test->tear_down != NULL ? tear_down_one : NULL, test
    };
}

int
test_run(const char *pattern)
{
    struct CMUnitTest tests[how_many + 1];
    size_t n = 0;

    for (struct test *t = first; t != NULL; t = t->next)
        if (is_to_run(t, pattern))
            tests[n++] = for_cmocka(t);
    if (n == 0) {
        fprintf(stderr, "no test %s\n", pattern != NULL ? pattern : "at all");
        return 99;
    }
    return _cmocka_run_group_tests(program_invocation_short_name, tests, n,
                                   NULL, NULL);
}

int
test_skip_all(const char *why)
{
    printf("1..0 # SKIP %s\n", why);
    return 0;
}
