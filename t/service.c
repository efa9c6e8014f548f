/* service.c: tests of examples/service: how it ends in each way, and what it
 * leaves behind.  t/service-kills.c kills it at random moments. */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "serving.h"
#include "support.h"

#define BEGINNING                                                           \
    "service: takes signals\n"                                              \
    "service: begins\n"                                                     \
    "service: made pid\n"                                                   \
    "service: made work-1.tmp\n"                                            \
    "service: made work-2.tmp\n"                                            \
    "service: made socket\n"                                                \
    "service: is ready\n"
#define PLAN_WITH(trouble)                                                  \
    "service: is to end socket\n"                                           \
    trouble                                                                 \
    "service: is to end work-2.tmp\n"                                       \
    "service: is to end work-1.tmp\n"                                       \
    "service: is to end pid\n"                                              \
    "service: is to end journal\n"
#define PLAN PLAN_WITH("")
#define PLAN_WITH_TROUBLE PLAN_WITH("service: is to end trouble\n")
#define DONE                                                                \
    "service: removed socket\n"                                             \
    "service: removed work-2.tmp\n"                                         \
    "service: removed work-1.tmp\n"                                         \
    "service: removed pid\n"                                                \
    "service: ends\n"
#define ENDING PLAN DONE
#define ENDING_WITH_TROUBLE PLAN_WITH_TROUBLE DONE

/* --- What it has left --- */

static void
assert_status(const struct serving *s, int status)
{
    if (!WIFEXITED(s->status) || WEXITSTATUS(s->status) != status)
        fail_msg("status %#x, not exit %d", (unsigned)s->status, status);
}

static void
assert_killed_by(const struct serving *s, int sig)
{
    if (!serving_killed_by(s, sig))
        fail_msg("status %#x, not signal %d", (unsigned)s->status, sig);
}

static void
assert_said(const struct serving *s, const char *text)
{
    if (strstr(s->said, text) == NULL)
        fail_msg("it has not said: %s\nbut:\n%s", text, s->said);
}

static void
assert_left(const struct serving *s, const char *names)
{
    char *remains = serving_remains(s->dir);

    assert_string_equal(remains, names);
    free(remains);
}

static void
assert_left_nothing(const struct serving *s)
{
    assert_left(s, "journal ");
    assert_true(serving_closed_journal(s));
}

/* A service that is run to its end by the signal. */
static void
run_until_killed(struct serving *s, const char *dir,
                 const char *const options[SERVING_OPTIONS], int sig)
{
    serving_begin(s, dir, options);
    serving_await(s, SERVING_READY);
    kill(s->pid, sig);
    serving_finish(s);
}

/* --- Its ends, one by one --- */

static void
ends_by(int sig)
{
    char *dir = serving_dir_new(), said[SERVING_WORDS];
    struct serving s;

    run_until_killed(&s, dir, serving_plain, sig);
    snprintf(said, sizeof said, BEGINNING "service: hears signal %d\n" ENDING,
             sig);
    assert_string_equal(s.said, said);
    assert_killed_by(&s, sig);
    assert_left_nothing(&s);
    serving_dir_remove(dir);
}

TEST(it_ends_in_order_by_SIGTERM)
{
    ends_by(SIGTERM);
}

TEST(and_by_SIGINT)
{
    ends_by(SIGINT);
}

TEST(and_by_SIGHUP)
{
    ends_by(SIGHUP);
}

TEST(it_ends_in_order_by_itself)
{
    char *dir = serving_dir_new();
    struct serving s;

    serving_run(&s, dir, serving_once);
    assert_string_equal(s.said, BEGINNING ENDING);
    assert_status(&s, 0);
    assert_left_nothing(&s);
    serving_dir_remove(dir);
}

/* Somebody has taken its file away. */
TEST(a_handler_that_fails_is_noted_and_the_others_run)
{
    static const char *const options[SERVING_OPTIONS] = { "--fail" };
    char *dir = serving_dir_new();
    struct serving s;

    run_until_killed(&s, dir, options, SIGTERM);
    assert_said(&s, "service: FAILED work-1.tmp: No such file or directory\n");
    assert_false(serving_said(&s, "removed work-1.tmp"));
    assert_said(&s, "service: removed pid\n");
    assert_killed_by(&s, SIGTERM);
    assert_left_nothing(&s);
    serving_dir_remove(dir);
}

static const char *const exits[SERVING_OPTIONS] = { "--exit-in-handler" };

TEST(a_handler_that_exits_loses_nothing)
{
    char *dir = serving_dir_new();
    struct serving s;

    run_until_killed(&s, dir, exits, SIGTERM);
    assert_string_equal(s.said, BEGINNING "service: hears signal 15\n"
                                ENDING_WITH_TROUBLE);
    assert_killed_by(&s, SIGTERM);
    assert_left_nothing(&s);
    serving_dir_remove(dir);
}

TEST(its_status_is_that_of_the_process)
{
    static const char *const options[SERVING_OPTIONS] = {
        "--exit-in-handler", "--once"
    };
    char *dir = serving_dir_new();
    struct serving s;

    serving_run(&s, dir, options);
    assert_string_equal(s.said, BEGINNING ENDING_WITH_TROUBLE);
    assert_status(&s, 3);
    assert_left_nothing(&s);
    serving_dir_remove(dir);
}

/* Long enough for all that comes before what hangs. */
static const char *
short_limit(void)
{
    return test_runs_in(NOT_NATIVE) ? "--limit=5000" : "--limit=500";
}

/* The plan is told, and not all of it is done. */
static void
assert_hung(const struct serving *s)
{
    assert_said(s, PLAN_WITH_TROUBLE "service: removed socket\n");
    assert_said(s, "handler \"trouble\"");
    assert_said(s, " hangs: ");
    assert_said(s, &short_limit()[strlen("--limit=")]);
    assert_null(strstr(s->said, "removed work-2.tmp"));
    assert_left(s, "journal pid work-1.tmp work-2.tmp ");
    assert_false(serving_closed_journal(s));
}

/* What another has left. */
static void
next_service_clears(const char *dir)
{
    struct serving s;

    serving_run(&s, dir, serving_once);
    assert_said(&s, "service: found pid, and removed it\n");
    assert_said(&s, "service: found work-2.tmp, and removed it\n");
    assert_status(&s, 0);
    assert_left_nothing(&s);
}

TEST(a_handler_that_hangs_does_not_keep_it)
{
    const char *const options[SERVING_OPTIONS] = { "--hang", short_limit() };
    char *dir = serving_dir_new();
    struct serving s;

    run_until_killed(&s, dir, options, SIGTERM);
    assert_killed_by(&s, SIGTERM);
    assert_hung(&s);
    next_service_clears(dir);
    serving_dir_remove(dir);
}

TEST(nor_at_an_end_without_a_signal)
{
    const char *const options[SERVING_OPTIONS] = {
        "--hang", short_limit(), "--once"
    };
    char *dir = serving_dir_new();
    struct serving s;

    serving_run(&s, dir, options);
    assert_status(&s, 0);
    assert_hung(&s);
    next_service_clears(dir);
    serving_dir_remove(dir);
}

TEST(the_next_one_clears_what_SIGKILL_has_left)
{
    char *dir = serving_dir_new();
    struct serving s;

    run_until_killed(&s, dir, serving_plain, SIGKILL);
    assert_killed_by(&s, SIGKILL);
    assert_left(&s, "journal pid socket work-1.tmp work-2.tmp ");
    next_service_clears(dir);
    serving_dir_remove(dir);
}

TEST(there_is_one_in_a_directory)
{
    char *dir = serving_dir_new();
    struct serving s, second;

    serving_begin(&s, dir, serving_plain);
    serving_await(&s, SERVING_READY);
    serving_run(&second, dir, serving_plain);
    assert_said(&second, "another has the journal");
    assert_status(&second, 1);
    assert_left(&s, "journal pid socket work-1.tmp work-2.tmp ");
    kill(s.pid, SIGTERM);
    serving_finish(&s);
    assert_killed_by(&s, SIGTERM);
    assert_left_nothing(&s);
    serving_dir_remove(dir);
}

/* --- Clients --- */

static int
client_of(const struct serving *s)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/socket",
                     s->dir);

    assert_true(n > 0 && (size_t)n < sizeof address.sun_path);
    assert_int_equal(
        connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void
ask(int fd, const char *text, const char *expected)
{
    char answer[32] = "";
    size_t length = strlen(expected);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(recv(fd, answer, length, MSG_WAITALL), length);
    assert_string_equal(answer, expected);
}

TEST(clients_are_answered_and_their_files_go)
{
    char *dir = serving_dir_new();
    struct serving s;
    int first, second;

    serving_begin(&s, dir, serving_plain);
    serving_await(&s, SERVING_READY);
    first = client_of(&s);
    second = client_of(&s);
    ask(first, "one\ntwo\nthr", "1\n2\n");
    ask(second, "one\n", "1\n");
    ask(first, "ee\n", "3\n");
    assert_left(&s, "client-1.tmp client-2.tmp journal pid socket work-1.tmp "
                    "work-2.tmp ");
    close(first);
    serving_await(&s, "removed client-1.tmp");
    ask(second, "stop\n", "");
    serving_finish(&s);
    close(second);
    assert_said(&s, "service: is told to stop\n");
    assert_said(&s, "service: removed client-2.tmp\n");
    assert_status(&s, 0);
    assert_left_nothing(&s);
    serving_dir_remove(dir);
}
