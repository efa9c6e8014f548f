/* ends.h: tests of how a process ends.
 *
 * A table of ends: each names a scenario and what the process that runs it
 * must leave: its status, exactly what it writes to stdout, and, if need be,
 * what is found in its stderr.
 */
#ifndef ENDS_H
#define ENDS_H

#include "log.h"

struct end {
    const char *name;
    void (*run)(void);
    int status;
    const char *out;
    const char *err;     /* part of stderr; NULL: whatever */
    const char *not_in;  /* the test mode in which it cannot work, NOT_NATIVE,
                            or NULL */
};

/* Not of the machine itself; make check-valgrind says so. */
#define NOT_NATIVE "valgrind"

static inline bool
test_runs_in(const char *place)
{
    const char *mode = getenv("GCWEAK_TEST_MODE");
    const char *machine = getenv("GCWEAK_TEST_MACHINE");
    return (mode != NULL && strcmp(mode, place) == 0)
        || (machine != NULL && strcmp(machine, place) == 0);
}

static inline bool
end_is_for_this_mode(const struct end *end)
{
    return end->not_in == NULL || !test_runs_in(end->not_in);
}

static inline void
check_end(void **state)
{
    const struct end *end = *state;
    struct outcome o = run_scenario(end->name);
    if (o.status != end->status)
        print_error("status %d, stderr: %s\n", o.status, o.err);
    assert_string_equal(o.out, end->out);
    assert_int_equal(o.status, end->status);
    if (end->err != NULL && strstr(o.err, end->err) == NULL)
        fail_msg("not in stderr: %s\nstderr: %s", end->err, o.err);
    outcome_free(&o);
}

/* One end as one of the tests that cmocka runs. */
static inline struct CMUnitTest
end_test(const struct end *end)
{
    return (struct CMUnitTest){
        end->name, check_end, NULL, NULL, (void *)(uintptr_t)end
    };
}

/* Checks all that can work in this mode; returns what test_main's run_tests
 * returns. */
static inline int
check_ends(const struct end *ends, size_t n)
{
    struct CMUnitTest tests[n];
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (end_is_for_this_mode(&ends[i]))
            tests[used++] = end_test(&ends[i]);
    return _cmocka_run_group_tests("ends", tests, used, NULL, NULL);
}

/* Runs the tests, or one of the ends as a scenario. */
static inline int
ends_main(int argc, char **argv, const struct end *ends, size_t n,
          int (*run_tests)(void))
{
    struct scenario scenarios[n];
    for (size_t i = 0; i < n; i++)
        scenarios[i] = (struct scenario){ ends[i].name, ends[i].run };
    return test_main(argc, argv, scenarios, n, run_tests);
}

/* The main function of a test program that is the table `ends`. */
#define ENDS_MAIN(ends)                                                     \
    static int run_all(void)                                                \
    {                                                                       \
        return check_ends(ends, sizeof ends / sizeof ends[0]);              \
    }                                                                       \
    int main(int argc, char **argv)                                         \
    {                                                                       \
        return ends_main(argc, argv, ends, sizeof ends / sizeof ends[0],    \
                         run_all);                                          \
    }

#endif
