/* test.h: what a test program is made of.
 *
 *     TEST(name) { ... }                a test
 *     SCENARIO(name) { ... }            what run_scenario has a process of its
 *                                       own play
 *     END(name, 3, "out\n") { ... }     both: a scenario, and the test that its
 *                                       process ends with this status, and has
 *                                       written exactly this to stdout
 *
 * They run in the order in which they stand.  More of struct test may follow,
 * as in END(name, 0, "", .err = "part of stderr", .not_in = "guile").
 *
 * The main function is that of libsupport.a, unless a program has its own:
 *     NAME.t                  runs all tests
 *     NAME.t -n PATTERN       runs those whose names match; * stands for any
 *                             part of a name
 *     NAME.t SCENARIO         plays that scenario, in this process
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include "mode.h"

enum test_kind { A_TEST = 1, A_SCENARIO = 2, AN_END = A_TEST | A_SCENARIO };

struct test {
    const char *name;
    enum test_kind kind;
    int place;               /* in its file */
    void (*run)(void);
    int status;              /* of an end: what its process leaves */
    const char *out;
    const char *err;         /* a part of stderr; "": nothing; NULL: whatever */
    int err_lines;           /* how many those are, unless 0 */
    const char *not_in;      /* the mode in which it cannot work, NOT_NATIVE,
                                or NULL: in all it can */
    const char *(*lacks)(void);   /* what it needs and is not here, in words,
                                or NULL; it is skipped then, and says so */
    const char *not_emulated;/* why it cannot work under an emulator, or NULL;
                                it is skipped there */
    bool (*only_if)(void);   /* it can work; asked once the mode is set up */
    void (*set_up)(void);    /* comes before the test, and the other after it */
    void (*tear_down)(void);
    void (*run_on)(const void *data);   /* in place of `run` */
    const void *data;
    struct test *next;
};

/* Not of the machine itself; make check-valgrind says so. */
#define NOT_NATIVE "valgrind"

/* A record of each is made known before main. */
#define DEFINED_AS(its_kind, its_name, ...)                                 \
    static void its_name(void);                                             \
    __attribute__((__constructor__)) static void                            \
    add_##its_name(void)                                                    \
    {                                                                       \
        static struct test test = {                                         \
            .name = #its_name, .kind = its_kind, .place = __COUNTER__,      \
            .run = its_name, __VA_ARGS__                                    \
        };                                                                  \
        test_add(&test);                                                    \
    }                                                                       \
    static void its_name(void)
#define TEST(name, ...) DEFINED_AS(A_TEST, name, __VA_ARGS__)
#define SCENARIO(name) DEFINED_AS(A_SCENARIO, name, )
#define END(name, its_status, its_out, ...)                                 \
    DEFINED_AS(AN_END, name, .status = its_status, .out = its_out, __VA_ARGS__)

/* In place of tests that need what is not here, which it says in words. */
#define SKIPPED(name, words)                                                \
    static const char *name##_lacks(void) { return (words); }               \
    TEST(name, .lacks = name##_lacks) { }

/* An end of a process in which the collector does not run to begin with, as it
 * does in all modes. */
#define FRESH_END(...) END(__VA_ARGS__, .only_if = test_is_fresh)
bool test_is_fresh(void);

/* Puts it behind those whose place is not after its own.  It stays. */
void test_add(struct test *test);

/* That of this name, or NULL. */
const struct test *test_scenario(const char *name);

/* Whether the tests run in this mode, or on this machine. */
bool test_runs_in(const char *place);

/* Runs all tests that can work here, or those whose names match, if `pattern`
 * is not NULL.  Returns what main returns. */
int test_run(const char *pattern);

/* In place of it, for a program that cannot work here: skips all tests, and
 * says why.  Returns what main returns. */
int test_skip_all(const char *why);

#endif
