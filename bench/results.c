/* results.c: ratios, tables, and the rows that are kept. */
#include "results.h"
#include "json.h"
#include "work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct row *rows;
static size_t n_rows;
static int reached, not_reached;

/* --- Numbers ------------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct spread
spread_of(const double *values)
{
    size_t n = (size_t)rounds();
    double sorted[ROUNDS_MAX];

    memcpy(sorted, values, n * sizeof *values);
    qsort(sorted, n, sizeof *sorted, by_size);
    return (struct spread) {
        .median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2,
        .least = sorted[0],
        .most = sorted[n - 1]
    };
}

/* Not a number where there is nothing to divide by. */
static double
ratio_of(const double *values, const double *others)
{
    double ratios[ROUNDS_MAX], median;

    for (int round = 0; round < rounds(); round++) {
        if (!(others[round] > 0))
            return NAN;
        ratios[round] = values[round] / others[round];
    }
    /* cppcheck-suppress uninitvar ; both loops are of rounds() */
    median = spread_of(ratios).median;
    return isfinite(median) ? median : NAN;
}

static double
ratio_to(enum role role, const struct race *race,
         const struct result *results, const double *values, size_t v)
{
    for (size_t i = 0; i < race->n; i++)
        if (race->who[i].role == role && results[i].ran)
            return ratio_of(values, results[i].value[v]);
    return NAN;
}

/* --- Tables -------------------------------------------------------------- */

static void
print_number(double value, enum unit unit)
{
    double shown = unit == MS ? value / 1e6 : value;
    int decimals = shown < 1 ? 3 : shown < 10 ? 2 : shown < 1000 ? 1 : 0;

    printf(" %8.*f", decimals, shown);
}

static void
print_ratio(double ratio)
{
    int decimals = ratio < 1 ? 3 : ratio < 100 ? 2 : 0;

    if (isnan(ratio))
        printf(" %8s", "");
    else
        printf(" %8.*f", decimals, ratio);
}

static void
print_count(size_t n)
{
    int power = 0;
    size_t rest = n;

    for (; rest >= 10 && rest % 10 == 0; rest /= 10)
        power++;
    if (power >= 3 && rest == 1)
        printf("10^%d", power);
    else
        printf("%zu", n);
}

static void
print_head(const struct load *load, const struct measure *measure)
{
    static const char *const units[] = { "ns", "ms", "bytes" };

    printf("\n%s, ", measure->title);
    print_count(load->targets);
    printf(" %s%s", measure->of_what, load->targets == 1 ? "" : "s");
    if (load->threads > 1)
        printf(", %u threads", load->threads);
    printf("; %s a %s\n", units[measure->unit], measure->per);
    printf("  %-30s %8s %8s %8s %8s %8s\n", "", "to raw", "to limit",
           "median", "least", "most");
}

static void
count_goal(bool met)
{
    *(met ? &reached : &not_reached) += 1;
    printf(met ? " reached" : " not reached");
}

static void
print_row(const struct row *row, const struct measure *measure)
{
    printf("  %-30s", row->contestant);
    print_ratio(row->to_raw);
    print_ratio(row->to_limit);
    print_number(row->value.median, measure->unit);
    print_number(row->value.least, measure->unit);
    print_number(row->value.most, measure->unit);
}

/* What the goal is about, of this row. */
static double
number_for(const struct goal *goal, const struct row *row,
           const struct measure *measure, const struct result *results,
           size_t i)
{
    const double *values = results[i].value[measure->value];

    switch (goal->of) {
    case TO_RAW:
        return row->to_raw;
    case TO_LIMIT:
        return row->to_limit;
    case TO_OTHER:
        return !results[goal->which].ran ? NAN
               : ratio_of(values, results[goal->which].value[measure->value]);
    case TO_VALUE:
        return ratio_of(values, results[i].value[goal->which]);
    case TO_NOTHING:
        return row->value.median;
    default:
        return NAN;
    }
}

static void
print_goal(const struct goal *goal, double number, const char *other,
           enum unit unit)
{
    if (isnan(number))
        return;
    printf("  <= %.3g", goal->at_most);
    if (goal->of == TO_OTHER)
        printf(" x %s: %.3g,", other, number);
    else if (goal->of == TO_VALUE)
        printf(" of all: %.3g,", number);
    else
        fputs(goal->of == TO_RAW ? " x raw" : goal->of == TO_LIMIT
              ? " x limit" : unit == BYTES ? " bytes" : " ns", stdout);
    count_goal(number <= goal->at_most);
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
    const double *values = results[i].value[measure->value];
    struct row row = {
        .scene = race->name,
        .name = measure->name,
        .contestant = race->who[i].name,
        .per = measure->per,
        .threads = race->load.threads > 0 ? race->load.threads : 1,
        .size = race->load.targets,
        .is_bytes = measure->unit == BYTES,
        .value = spread_of(values),
        .to_raw = ratio_to(RAW, race, results, values, measure->value),
        .to_limit = ratio_to(LIMIT, race, results, values, measure->value)
    };

    keep(&row);
    print_row(&row, measure);
    if (measure->goals != NULL)
        print_goal(&measure->goals[i],
                   number_for(&measure->goals[i], &row, measure, results, i),
                   race->who[measure->goals[i].which].name, measure->unit);
    putchar('\n');
}

static void
print_absent(const struct contestant *who, const struct load *load)
{
    const char *package = peer_missing(who->needs);

    printf("  %-30s ", who->name);
    if (package != NULL)
        printf("skipped: needs %s\n", package);
    else if (takes_part(who, load))
        puts("skipped: gave no result");
    else
        printf("skipped: not with so many%s\n",
               load->threads > 1 ? " threads" : "");
}

void
record(const struct race *race, const struct result *results,
       const struct measure *measure)
{
    print_head(&race->load, measure);
    for (size_t i = 0; i < race->n; i++) {
        if (!results[i].ran)
            print_absent(&race->who[i], &race->load);
        else if (!isnan(results[i].value[measure->value][0]))
            record_one(race, results, measure, i);
    }
    fflush(stdout);
}

static const struct row *
find(const char *name, const char *contestant, size_t size)
{
    for (size_t i = 0; i < n_rows; i++)
        if (strcmp(rows[i].name, name) == 0 && rows[i].size == size
            && strcmp(rows[i].contestant, contestant) == 0)
            return &rows[i];
    return NULL;
}

static void
print_growth(const struct row *few, const struct row *many, double at_most)
{
    double ratio = many->value.median / few->value.median;

    printf("  %-30s", many->contestant);
    print_ratio(ratio);
    if (at_most > 0) {
        printf("  <= %g", at_most);
        count_goal(ratio <= at_most);
    }
    putchar('\n');
}

/* The first contestant is what the others are seen beside. */
void
record_growth(const char *name, size_t few, size_t many, double at_most,
              const char *const *contestants, size_t n)
{
    if (!in_bounds(many))
        return;
    printf("\n%s: cost with ", name);
    print_count(many);
    printf(", as a multiple of that with ");
    print_count(few);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        const struct row *small = find(name, contestants[i], few);
        const struct row *large = find(name, contestants[i], many);

        if (small != NULL && large != NULL)
            print_growth(small, large, i == 0 ? 0 : at_most);
    }
}

void
print_totals(void)
{
    if (reached + not_reached > 0)
        printf("\ntargets: %d reached, %d not reached\n", reached,
               not_reached);
}

void
write_json(const char *path)
{
    write_rows(path, rows, n_rows);
}
