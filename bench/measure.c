/* measure.c: child processes, rounds, medians.
 *
 * The parent never starts the collector, so a forked child begins like a new
 * program.  Two pipes lead to each child: a byte on the first asks for a
 * sample, the numbers come back on the second.  The end of the first pipe
 * ends the child.
 */
#include "measure.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    int ask, answer;
};

static int n_rounds = ROUNDS_USUAL;
static int answer_fd = -1;       /* in a child: where its numbers go */

void
set_rounds(int rounds)
{
    n_rounds = rounds;
}

int
rounds(void)
{
    return n_rounds;
}

void
report(const double *values)
{
    size_t size = VALUES * sizeof *values;

    if (write(answer_fd, values, size) != (ssize_t)size)
        _exit(1);
}

static void
serve(const struct contestant *who, const struct load *load, int ask)
{
    double values[VALUES] = { 0 };
    char request;

    start_collector();
    who->setup(load);
    report(values);
    while (read(ask, &request, 1) == 1) {
        who->sample(load, values);
        report(values);
    }
    _exit(0);
}

/* A child must not hold its siblings' pipes open. */
static void
close_all(const struct child *children, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        close(children[i].ask);
        close(children[i].answer);
    }
}

static void
hear(const struct child *child, const char *name, double *values)
{
    size_t size = VALUES * sizeof *values;

    if (read(child->answer, values, size) != (ssize_t)size)
        fail(name, "the contestant gave no result");
}

static void
open_pipes(int ask[2], int answer[2])
{
    if (pipe(ask) != 0 || pipe(answer) != 0)
        fail("pipe", "cannot be made");
}

/* Starts contestant i as children[i] and waits until it is set up. */
static void
start(const struct race *race, size_t i, struct child *children,
      size_t n_running)
{
    int ask[2], answer[2];
    double ready[VALUES];

    open_pipes(ask, answer);
    fflush(NULL);
    children[i].pid = fork();
    if (children[i].pid < 0)
        fail("fork", "no child process to be had");
    if (children[i].pid == 0) {
        close_all(children, n_running);
        close(ask[1]);
        close(answer[0]);
        answer_fd = answer[1];
        serve(&race->who[i], &race->load, ask[0]);
    }
    close(ask[0]);
    close(answer[1]);
    children[i].ask = ask[1];
    children[i].answer = answer[0];
    hear(&children[i], race->who[i].name, ready);
}

static void
sample(const struct child *child, const char *name, double *values)
{
    if (write(child->ask, "", 1) != 1)
        fail(name, "the contestant is gone");
    hear(child, name, values);
}

static void
finish(const struct child *child)
{
    close(child->ask);
    close(child->answer);
    waitpid(child->pid, NULL, 0);
}

static void
progress(const struct race *race, size_t i, int round)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r\033[K%s: %s", race->name, race->who[i].name);
    if (round >= 0)
        fprintf(stderr, ", round %d of %d", round + 1, n_rounds);
    fflush(stderr);
}

static void
progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

/* samples[i][v][round] */
typedef double samples[CONTESTANTS][VALUES][ROUNDS_MAX];

static void
keep(samples all, size_t i, int round, const double *values)
{
    for (size_t v = 0; v < VALUES; v++)
        all[i][v][round] = values[v];
}

static void
run_fresh(const struct race *race, samples all)
{
    struct child children[CONTESTANTS];
    double values[VALUES];

    for (int round = 0; round < n_rounds; round++) {
        for (size_t i = 0; i < race->n; i++) {
            progress(race, i, round);
            start(race, i, children, 0);
            sample(&children[i], race->who[i].name, values);
            finish(&children[i]);
            keep(all, i, round, values);
        }
    }
}

static void
run_kept(const struct race *race, samples all)
{
    struct child children[CONTESTANTS];
    double values[VALUES];

    for (size_t i = 0; i < race->n; i++) {
        progress(race, i, -1);
        start(race, i, children, i);
    }
    for (int round = 0; round < n_rounds; round++) {
        for (size_t i = 0; i < race->n; i++) {
            progress(race, i, round);
            sample(&children[i], race->who[i].name, values);
            keep(all, i, round, values);
        }
    }
    for (size_t i = 0; i < race->n; i++)
        finish(&children[i]);
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct spread
spread_of(double *values)
{
    size_t n = (size_t)n_rounds;

    qsort(values, n, sizeof *values, by_size);
    return (struct spread) {
        .median = (values[(n - 1) / 2] + values[n / 2]) / 2,
        .least = values[0],
        .most = values[n - 1]
    };
}

void
run_race(const struct race *race, struct result *results)
{
    static samples all;

    if (race->life == FRESH)
        run_fresh(race, all);
    else
        run_kept(race, all);
    progress_end();
    for (size_t i = 0; i < race->n; i++)
        for (size_t v = 0; v < VALUES; v++)
            results[i].value[v] = spread_of(all[i][v]);
}
