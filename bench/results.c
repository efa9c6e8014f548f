/* results.c: ratios, tables, and the rows that are kept. */
#include "results.h"
#include "json.h"
#include "noise.h"
#include "print.h"
#include "work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct row *rows;
static size_t n_rows;

/* --- Numbers ------------------------------------------------------------- */

static const struct spread no_spread = { NAN, NAN, NAN, NAN, NAN };

/* Not a number where there is nothing to divide by. */
static struct spread
ratio_of(const double *values, const double *others, size_t n)
{
    double ratios[ROUNDS_MAX];
    struct spread spread;

    for (size_t round = 0; round < n; round++) {
        if (!(others[round] > 0))
            return no_spread;
        ratios[round] = values[round] / others[round];
    }
    spread = spread_of(ratios, n);
    return isfinite(spread.median) ? spread : no_spread;
}

static struct spread
ratio_to(enum role role, const struct race *race,
         const struct result *results, size_t i, size_t v)
{
    for (size_t j = 0; j < race->n; j++)
        if (race->who[j].role == role && results[j].ran)
            return ratio_of(results[i].value[v], results[j].value[v],
                            results[i].rounds);
    return no_spread;
}

/* A contestant may leave a number out. */
static bool
has_number(const struct result *result, size_t v)
{
    return result->ran && !isnan(result->value[v][0]);
}

/* Not a number if no contestant's rounds tell. */
static double
noise_of(const struct race *race, const struct result *results, size_t v)
{
    double widths[CONTESTANTS];
    size_t n = 0;

    for (size_t i = 0; i < race->n; i++) {
        struct spread spread;

        if (!has_number(&results[i], v))
            continue;
        spread = spread_of(results[i].value[v], results[i].rounds);
        widths[n] = spread_width(&spread, results[i].rounds);
        n += !isnan(widths[n]);
    }
    return n == 0 ? NAN : spread_of(widths, n).median;
}

/* --- Tables -------------------------------------------------------------- */

static unsigned
threads_of(const struct load *load)
{
    return load->threads > 0 ? load->threads : 1;
}

static void
print_threads(const struct load *load)
{
    if (load->threads > 1)
        printf(", %u threads", load->threads);
}

static void
print_head(const struct load *load, const struct measure *measure,
           double noise)
{
    static const char *const units[] = { "ns", "ms", "bytes" };

    printf("\n%s, ", measure->title);
    print_count(load->targets);
    printf(" %s%s", measure->of_what, load->targets == 1 ? "" : "s");
    print_threads(load);
    printf("; %s a %s", units[measure->unit], measure->per);
    if (!isnan(noise))
        printf("; noise %.1f %%", noise * 100);
    printf("\n  %-30s %8s %8s %8s %8s %8s\n", "", "to raw", "to limit",
           "median", "least", "most");
}

static void
print_row(const struct row *row, const struct measure *measure)
{
    double unit = measure->unit == MS ? 1e6 : 1;

    printf("  %-30s", row->contestant);
    print_ratio(row->to_raw);
    print_ratio(row->to_limit);
    print_number(row->value.median / unit);
    print_number(row->value.least / unit);
    print_number(row->value.most / unit);
}

/* What the goal is about. */
static struct spread
number_for(const struct goal *goal, const struct race *race,
           const struct result *results, size_t v)
{
    const struct result *mine = &results[goal->who];

    switch (goal->of) {
    case TO_RAW:
        return ratio_to(RAW, race, results, goal->who, v);
    case TO_LIMIT:
        return ratio_to(LIMIT, race, results, goal->who, v);
    case TO_OTHER:
        return !results[goal->which].ran ? no_spread
               : ratio_of(mine->value[v], results[goal->which].value[v],
                          mine->rounds);
    case TO_VALUE:
        return ratio_of(mine->value[v], mine->value[goal->which],
                        mine->rounds);
    default:
        return spread_of(mine->value[v], mine->rounds);
    }
}

static const char *
name_for(const struct goal *goal, const struct race *race)
{
    return goal->of == TO_RAW ? "raw"
           : goal->of == TO_LIMIT ? "the limit"
           : goal->of == TO_OTHER ? race->who[goal->which].name : "";
}

/* A goal for which there is no number has no verdict. */
static void
hold_against(const struct goal *goal, const struct race *race,
             const struct result *results, const struct measure *measure)
{
    struct verdict verdict = {
        .scene = race->name,
        .name = measure->name,
        .contestant = race->who[goal->who].name,
        .threads = threads_of(&race->load),
        .size = race->load.targets,
        .words = goal->words,
        .at_most = goal->at_most,
        .unit = goal->of != TO_NOTHING ? ""
                : measure->unit == BYTES ? "bytes" : "ns",
        .of = name_for(goal, race),
        .came_out = number_for(goal, race, results, measure->value)
    };

    if (!isnan(verdict.came_out.median))
        give_verdict(&verdict);
}

/* --- What the scenes call ------------------------------------------------ */

static void
keep(const struct row *row)
{
    if ((n_rows & (n_rows - 1)) == 0)
        rows = must(realloc(rows, (n_rows == 0 ? 1 : 2 * n_rows)
                                  * sizeof *rows));
    rows[n_rows++] = *row;
}

static void
record_one(const struct race *race, const struct result *results,
           const struct measure *measure, size_t i)
{
    size_t v = measure->value;
    const struct goal *goal = measure->goals;
    struct row row = {
        .scene = race->name,
        .name = measure->name,
        .contestant = race->who[i].name,
        .per = measure->per,
        .threads = threads_of(&race->load),
        .size = race->load.targets,
        .rounds = results[i].rounds,
        .is_bytes = measure->unit == BYTES,
        .value = spread_of(results[i].value[v], results[i].rounds),
        .to_raw = ratio_to(RAW, race, results, i, v).median,
        .to_limit = ratio_to(LIMIT, race, results, i, v).median
    };

    keep(&row);
    print_row(&row, measure);
    for (; goal != NULL && goal->of != NO_GOAL; goal++)
        if (goal->who == i)
            hold_against(goal, race, results, measure);
    putchar('\n');
}

static void
print_absent(const struct contestant *who, const struct load *load)
{
    const char *why = why_absent(who, load);

    printf("  %-30s skipped: %s\n", who->name,
           why != NULL ? why : "gave no result");
}

void
record(const struct race *race, const struct result *results,
       const struct measure *measure)
{
    double noise = noise_of(race, results, measure->value);

    print_head(&race->load, measure, noise);
    if (measure->unit != BYTES)
        noise_keep(noise);
    for (size_t i = 0; i < race->n; i++) {
        if (!results[i].ran)
            print_absent(&race->who[i], &race->load);
        else if (has_number(&results[i], measure->value))
            record_one(race, results, measure, i);
    }
    fflush(stdout);
}

static const struct row *
find(const char *name, const char *contestant, const struct load *load)
{
    for (size_t i = 0; i < n_rows; i++)
        if (strcmp(rows[i].name, name) == 0 && rows[i].size == load->targets
            && rows[i].threads == threads_of(load)
            && strcmp(rows[i].contestant, contestant) == 0)
            return &rows[i];
    return NULL;
}

static void
print_load(const struct load *load)
{
    print_count(load->targets);
    print_threads(load);
}

/* Samples of two sizes were not taken in the same round: the quartiles of
 * their ratio are the widest that those of each allow. */
static struct spread
growth(const struct row *few, const struct row *many)
{
    return (struct spread) {
        many->value.least / few->value.most,
        many->value.low / few->value.high,
        many->value.median / few->value.median,
        many->value.high / few->value.low,
        many->value.most / few->value.least
    };
}

static void
print_growth(const struct row *few, const struct row *many,
             const struct goal *goal)
{
    struct verdict verdict = {
        .scene = many->scene,
        .name = many->name,
        .contestant = many->contestant,
        .threads = many->threads,
        .size = many->size,
        .unit = "",
        .of = "",
        .came_out = growth(few, many)
    };

    printf("  %-30s", many->contestant);
    print_ratio(verdict.came_out.median);
    if (goal != NULL) {
        verdict.words = goal->words;
        verdict.at_most = goal->at_most;
        give_verdict(&verdict);
    }
    putchar('\n');
}

static const struct goal *
goal_of(size_t who, const struct goal *goal)
{
    for (; goal != NULL && goal->of != NO_GOAL; goal++)
        if (goal->who == who)
            return goal;
    return NULL;
}

void
record_growth(const char *name, const struct load *few,
              const struct load *many, const char *const *contestants,
              size_t n, const struct goal *goals)
{
    if (!in_bounds(many->targets))
        return;
    printf("\n%s: cost with ", name);
    print_load(many);
    printf(", as a multiple of that with ");
    print_load(few);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        const struct row *small = find(name, contestants[i], few);
        const struct row *large = find(name, contestants[i], many);

        if (small != NULL && large != NULL)
            print_growth(small, large, goal_of(i, goals));
    }
}

void
write_json(const char *path)
{
    write_rows(path, rows, n_rows);
}
