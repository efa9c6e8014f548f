/* service-kills.c: examples/service is killed at 1,000 random moments, several
 * at once, and leaves nothing behind.
 *
 * A moment is a random while after a random line of what the service says.  By
 * one signal it must end in order, whenever that comes: or it had made nothing
 * yet.  By two it may leave things; then the next one must clear them.
 *
 * GCWEAK_SERVICE_KILLS in the environment is another number.  The seed is
 * printed; GCWEAK_TEST_SEED makes the same plans again.
 */
#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "chance.h"
#include "serving.h"
#include "support.h"

enum {
    KILLS = 1000,
    KILLS_ELSEWHERE = 30,   /* where a process takes a second to start */
    AT_ONCE = 4,
    ONE_IN_TEN = 10,        /* is killed twice */
    ENOUGH = 5              /* kills of each sort, of 1,000 */
};

/* When the signal came. */
enum moment { TOO_EARLY, BEGINNING_UP, SERVING, ENDING_UP, TOO_LATE, TWICE,
              MOMENTS };

static const char *const moment_names[MOMENTS] = {
    "before it took signals", "while it began", "while it served",
    "while it ended", "after its last line", "by two signals"
};

/* A service is killed once it has said so many lines, a little later.  One that
 * serves once is ending by then, perhaps. */
struct plan {
    const char *const *options;
    size_t lines[2];
    unsigned us[2];
    int signals[2];         /* the second may be 0 */
};

static struct {
    struct plan *plans;
    atomic_long next;
    long count;
    atomic_long moments[MOMENTS];
    atomic_long left;       /* how many of those killed twice left something */
    atomic_int faults;
} kills;

static const int some_signals[] = { SIGTERM, SIGINT };

static struct plan
plan_of(size_t lines_ready, size_t lines_all)
{
    bool serves_once = below(2) == 0, twice = below(ONE_IN_TEN) == 0;
    size_t lines = serves_once ? lines_all : lines_ready;
    struct plan plan = { .signals = { some_signals[below(2)] } };

    plan.options = serves_once ? serving_once : serving_plain;
    plan.lines[0] = below((unsigned)lines + 1);
    plan.us[0] = below(2) == 0 ? 0 : below(plan.lines[0] == 0 ? 2000 : 300);
    plan.lines[1] = plan.lines[0] + below(3);
    plan.us[1] = below(100);
    if (twice)
        plan.signals[1] = some_signals[below(2)];
    return plan;
}

static bool
is_once(const struct plan *plan)
{
    return plan->options == serving_once;
}

static void
wait_us(unsigned us)
{
    struct timespec time = { .tv_nsec = us * 1000L };

    while (us > 0 && nanosleep(&time, &time) != 0)
        continue;
}

/* The moment, for who looks after the signal was sent: what is said later was
 * not said by then. */
static enum moment
moment_of(const struct serving *s)
{
    if (serving_said(s, "ends"))
        return TOO_LATE;
    if (strstr(s->said, "is to end") != NULL)
        return ENDING_UP;
    if (serving_said(s, SERVING_READY))
        return SERVING;
    return serving_said(s, "takes signals") ? BEGINNING_UP : TOO_EARLY;
}

static void
wrong(const struct serving *s, const struct plan *plan, const char *what)
{
    char *remains = serving_remains(s->dir);

    atomic_fetch_add(&kills.faults, 1);
    print_message("# %s: %s, signal %d and then %d, after %zu lines and %u us;"
                  " status %#x; left: %s; said:\n%s", what,
                  is_once(plan) ? "once" : "serving", plan->signals[0],
                  plan->signals[1], plan->lines[0], plan->us[0],
                  (unsigned)s->status, remains, s->said);
    free(remains);
}

static bool
left_is(const struct serving *s, const char *names)
{
    char *remains = serving_remains(s->dir);
    bool is = strcmp(remains, names) == 0;

    free(remains);
    return is;
}

static bool
left_nothing(const struct serving *s)
{
    return left_is(s, "journal ") && serving_closed_journal(s);
}

/* One signal: it took them, and left nothing; or it had not begun. */
static void
judge(const struct serving *s, const struct plan *plan, enum moment moment)
{
    bool killed = serving_killed_by(s, plan->signals[0]);
    bool ended = is_once(plan) && moment == TOO_LATE && s->status == 0;

    if (!killed && !ended)
        wrong(s, plan, "its status");
    else if (serving_said(s, "takes signals") ? !left_nothing(s)
                                              : !left_is(s, ""))
        wrong(s, plan, "what it left");
}

/* Two signals: it may have left things, which the next one clears. */
static void
judge_twice(const struct serving *s, const struct plan *plan)
{
    struct serving next;

    if (!serving_killed_by(s, plan->signals[0])
        && !serving_killed_by(s, plan->signals[1])
        && !(is_once(plan) && s->status == 0
             && serving_closed_journal(s)))
        wrong(s, plan, "its status");
    if (!left_is(s, "") && !left_nothing(s))
        atomic_fetch_add(&kills.left, 1);
    serving_run(&next, s->dir, serving_once);
    if (next.status != 0 || !left_nothing(&next))
        wrong(&next, plan, "what the next one left");
}

static void
kill_one(const struct plan *plan)
{
    char *dir = serving_dir_new();
    struct serving s;
    enum moment moment = TWICE;

    serving_begin(&s, dir, plan->options);
    for (int i = 0; i < 2 && plan->signals[i] != 0; i++) {
        serving_await_lines(&s, plan->lines[i]);
        wait_us(plan->us[i]);
        kill(s.pid, plan->signals[i]);
        serving_look(&s);
    }
    if (plan->signals[1] == 0)
        moment = moment_of(&s);
    serving_finish(&s);
    if (moment == TWICE)
        judge_twice(&s, plan);
    else
        judge(&s, plan, moment);
    atomic_fetch_add(&kills.moments[moment], 1);
    serving_dir_remove(dir);
}

/* On a thread that the collector does not know. */
static void *
kill_some(void *unused)
{
    long i;

    while ((i = atomic_fetch_add(&kills.next, 1)) < kills.count
           && kills.faults < 3)
        kill_one(&kills.plans[i]);
    return unused;
}

/* How many lines it says until it is ready, and in all. */
static void
count_lines(size_t *ready, size_t *all)
{
    char *dir = serving_dir_new();
    struct serving s;

    serving_run(&s, dir, serving_once);
    assert_true(serving_said(&s, SERVING_READY));
    *all = serving_lines(&s);
    *strstr(s.said, SERVING_READY) = '\0';
    *ready = serving_lines(&s) + 1;
    serving_dir_remove(dir);
}

/* The plans are made before, so that the same seed makes the same. */
static void
make_plans(void)
{
    const char *given = getenv("GCWEAK_SERVICE_KILLS");
    size_t ready, all;

    count_lines(&ready, &all);
    kills.count = test_runs_in(NOT_NATIVE) ? KILLS_ELSEWHERE : KILLS;
    if (given != NULL)
        kills.count = atol(given);
    kills.plans = calloc((size_t)kills.count + 1, sizeof *kills.plans);
    assert_non_null(kills.plans);
    print_message("# GCWEAK_TEST_SEED=%llu\n", (unsigned long long)seed());
    chance_begin(0);
    for (long i = 0; i < kills.count; i++)
        kills.plans[i] = plan_of(ready, all);
}

static void
kill_all(void)
{
    pthread_t threads[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, kill_some, NULL), 0);
    for (int i = 0; i < AT_ONCE; i++)
        pthread_join(threads[i], NULL);
}

TEST(at_whatever_moment_a_signal_comes_nothing_is_left)
{
    long all = 0;

    make_plans();
    kill_all();
    for (int i = 0; i < MOMENTS; i++) {
        print_message("# killed %s: %ld\n", moment_names[i], kills.moments[i]);
        all += kills.moments[i];
    }
    print_message("# of those by two signals, %ld left something\n",
                  kills.left);
    free(kills.plans);
    assert_int_equal(kills.faults, 0);
    assert_int_equal(all, kills.count);
    for (int i = 0; i < MOMENTS && !test_runs_in(NOT_NATIVE); i++)
        assert_true(kills.moments[i] >= kills.count * ENOUGH / KILLS);
}
