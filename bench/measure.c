/* measure.c: child processes and rounds.
 *
 * The parent never starts the collector, so a forked child begins like a new
 * program.  Two pipes lead to each child, as its standard input and output.
 * It says a line when it is set up, and for each line that it then reads
 * takes a sample and says a line with the numbers.  The end of its input ends
 * it.
 */
#include "measure.h"
#include "noise.h"
#include "work.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;                   /* 0: none */
    int ask;
    FILE *answer;
};

enum { ROUNDS_USUAL = 5, ROUNDS_ALL = 7, ROUNDS_LARGE = 3 };

static size_t n_rounds;              /* 0: not told */
static size_t bound = SIZE_MAX;
static bool all;

void
measure_all(void)
{
    all = true;
}

bool
measures_all(void)
{
    return all;
}

void
set_rounds(size_t rounds)
{
    n_rounds = rounds;
}

size_t
rounds(void)
{
    return n_rounds != 0 ? n_rounds : all ? ROUNDS_ALL : ROUNDS_USUAL;
}

static size_t
least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Who says how many rounds there are to be gets as many. */
static bool
is_told(void)
{
    return all || n_rounds != 0;
}

size_t
rounds_if_large(void)
{
    return is_told() ? rounds() : ROUNDS_LARGE;
}

static size_t
rounds_of(const struct race *race)
{
    size_t n = race->load.targets > LARGE ? rounds_if_large() : rounds();

    return is_told() || race->most_rounds == 0 ? n
           : least_of(n, race->most_rounds);
}

void
set_bound(size_t most)
{
    bound = most;
}

size_t
bounded(size_t n)
{
    return n < bound ? n : bound;
}

bool
in_bounds(size_t n)
{
    return n <= bound;
}

/* --- In the child -------------------------------------------------------- */

/* Not through stdio: a sample may end in exit(). */
void
report(const double *values)
{
    char line[VALUES * 32];
    int length = 0;

    for (size_t v = 0; v < VALUES; v++)
        length += snprintf(line + length, sizeof line - (size_t)length,
                           "%.17g%c", values[v], v + 1 < VALUES ? ' ' : '\n');
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        _exit(1);
}

_Noreturn static void
serve(const struct contestant *who, const struct load *load)
{
    double values[VALUES] = { 0 };
    char request;

    start_collector();
    who->setup(load);
    report(values);
    while (read(STDIN_FILENO, &request, 1) == 1) {
        who->sample(load, values);
        report(values);
    }
    _exit(0);
}

/* The library chooses when it is first called, which is in the child. */
static void
choose_way(const struct contestant *who)
{
    if (who->links ? setenv("GCWEAK_REFS", "links", 1) != 0
        : unsetenv("GCWEAK_REFS") != 0)
        fail(who->name, "the environment cannot be changed");
}

_Noreturn static void
be_child(const struct contestant *who, const struct load *load, int ask,
         int answer)
{
    choose_way(who);
    signal(SIGPIPE, SIG_DFL);
    if (dup2(ask, STDIN_FILENO) < 0 || dup2(answer, STDOUT_FILENO) < 0)
        _exit(1);
    close(ask);
    close(answer);
    if (who->job != NULL)
        run_program(who->needs, who->job, load->targets, load->threads,
                    load->handles);
    serve(who, load);
}

/* --- In the parent ------------------------------------------------------- */

/* A child must not hold its siblings' pipes open. */
static void
close_others(const struct child *children, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (children[i].pid == 0)
            continue;
        close(children[i].ask);
        close(fileno(children[i].answer));
    }
}

static void
finish(struct child *child)
{
    close(child->ask);
    fclose(child->answer);
    waitpid(child->pid, NULL, 0);
    child->pid = 0;
}

/* Numbers that the child leaves out are not measured. */
static bool
hear(const struct child *child, double *values)
{
    char line[VALUES * 40], *at = line, *end;

    if (fgets(line, sizeof line, child->answer) == NULL)
        return false;
    for (size_t v = 0; v < VALUES; v++, at = end) {
        values[v] = strtod(at, &end);
        if (end == at)
            values[v] = NAN;
    }
    return true;
}

/* Hears the child, or does without it from here on. */
static bool
heard(const struct race *race, size_t i, struct child *child, double *values)
{
    if (hear(child, values))
        return true;
    if (race->who[i].job == NULL)
        fail(race->who[i].name, "the contestant gave no result");
    finish(child);
    fprintf(stderr, "\ngcweak-bench: %s: %s gave no result\n", race->name,
            race->who[i].name);
    return false;
}

static void
open_pipes(int ask[2], int answer[2])
{
    if (pipe2(ask, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0)
        fail("pipe", "cannot be made");
}

/* Starts contestant i as children[i] and waits until it is set up. */
static bool
start(const struct race *race, size_t i, struct child *children)
{
    struct child *child = &children[i];
    int ask[2], answer[2];
    double ready[VALUES];

    open_pipes(ask, answer);
    fflush(NULL);
    child->pid = fork();
    if (child->pid < 0)
        fail("fork", "no child process to be had");
    if (child->pid == 0) {
        close_others(children, race->n);
        close(ask[1]);
        close(answer[0]);
        be_child(&race->who[i], &race->load, ask[0], answer[1]);
    }
    close(ask[0]);
    close(answer[1]);
    child->ask = ask[1];
    child->answer = must(fdopen(answer[0], "r"));
    return heard(race, i, child, ready);
}

static bool
sample(const struct race *race, size_t i, struct child *child, double *values)
{
    if (write(child->ask, "\n", 1) != 1 && race->who[i].job == NULL)
        fail(race->who[i].name, "the contestant is gone");
    return heard(race, i, child, values);
}

/* One line that is always the last, with the time since the program began.
 * Round 0 is the setup. */
static void
progress(const struct race *race, size_t i, size_t round)
{
    static double begin;

    if (!isatty(STDERR_FILENO))
        return;
    if (begin == 0)
        begin = now();
    fprintf(stderr, "\r\033[K%3.0f s  %s: %s", (now() - begin) / 1e9,
            race->name, race->who[i].name);
    if (round > 0)
        fprintf(stderr, ", round %zu of %zu", round, rounds_of(race));
    fflush(stderr);
}

static void
progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

static bool
is_above(size_t n, size_t most)
{
    return most != 0 && n > most;
}

const char *
why_absent(const struct contestant *who, const struct load *load)
{
    static char needs[64];

    if (peer_missing(who->needs) != NULL) {
        snprintf(needs, sizeof needs, "needs %s", peer_missing(who->needs));
        return needs;
    }
    return is_above(load->targets, who->most_targets) ? "not with so many"
           : is_above(load->threads, who->most_threads)
           ? "not with so many threads"
           : is_above(load->targets, who->usual_targets) && !all
           ? "not with so many, but in full" : NULL;
}

static bool
is_kept(const struct race *race, size_t i)
{
    return race->life == KEPT || race->who[i].job != NULL;
}

static void
start_kept(const struct race *race, struct child *children,
           struct result *results)
{
    for (size_t i = 0; i < race->n; i++) {
        results[i].ran = why_absent(&race->who[i], &race->load) == NULL;
        results[i].rounds = rounds_of(race);
        if (!results[i].ran || !is_kept(race, i))
            continue;
        progress(race, i, 0);
        results[i].ran = start(race, i, children);
    }
}

static void
take_sample(const struct race *race, size_t i, size_t round,
            struct child *children, struct result *result)
{
    double values[VALUES];

    progress(race, i, round + 1);
    if (!is_kept(race, i))
        start(race, i, children);
    result->ran = sample(race, i, &children[i], values);
    if (!is_kept(race, i))
        finish(&children[i]);
    for (size_t v = 0; result->ran && v < VALUES; v++)
        result->value[v][round] = values[v];
}

static void
run_round(const struct race *race, size_t round, struct child *children,
          struct result *results)
{
    noise_loop();
    for (size_t i = 0; i < race->n; i++)
        if (results[i].ran)
            take_sample(race, i, round, children, &results[i]);
}

void
run_race(const struct race *race, struct result *results)
{
    struct child children[CONTESTANTS] = { { 0, 0, NULL } };

    if (race->n > CONTESTANTS)
        fail(race->name, "has too many contestants");
    signal(SIGPIPE, SIG_IGN);
    start_kept(race, children, results);
    for (size_t round = 0; round < rounds_of(race); round++)
        run_round(race, round, children, results);
    for (size_t i = 0; i < race->n; i++)
        if (children[i].pid != 0)
            finish(&children[i]);
    progress_end();
}
