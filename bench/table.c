/* table.c: prints results in columns and keeps count of the goals. */
#include "table.h"

#include <math.h>
#include <stdio.h>

static int reached, not_reached;

void
table(const char *title, const char *ratio)
{
    printf("\n%s\n  ratio: %s\n", title, ratio);
    printf("%8s  %-26s%8s %8s %8s  %s\n", "ratio", "what", "median", "least",
           "most", "target");
}

static void
print_number(double value)
{
    int decimals = value < 10 ? 2 : value < 1000 ? 1 : 0;

    printf(" %8.*f", decimals, value);
}

static void
print_ratio(double ratio)
{
    int decimals = ratio < 1 ? 3 : ratio < 100 ? 2 : 0;

    if (isnan(ratio))
        printf("%8s", "");
    else
        printf("%8.*f", decimals, ratio);
}

static void
print_goal(const struct row *row)
{
    int least = row->goal == GOAL_AT_LEAST;
    int met = least ? row->ratio >= row->bound : row->ratio <= row->bound;

    printf("  %s %g %s", least ? ">=" : "<=", row->bound,
           met ? "reached" : "not reached");
    *(met ? &reached : &not_reached) += 1;
}

void
table_row(const struct row *row)
{
    print_ratio(row->ratio);
    printf("  %-25s", row->name);
    print_number(row->value.median);
    print_number(row->value.least);
    print_number(row->value.most);
    if (row->goal != GOAL_NONE)
        print_goal(row);
    putchar('\n');
    fflush(stdout);
}

void
table_speedups(const char *title, const struct race *race,
               const struct result *results, size_t v, const double *at_least)
{
    double first = results[0].value[v].median;

    table(title, "how many times as fast as the first row");
    for (size_t i = 0; i < race->n; i++) {
        struct spread value = results[i].value[v];

        table_row(&(struct row) {
            .name = race->who[i].name,
            .ratio = first / value.median,
            .value = value,
            .goal = at_least[i] > 0 ? GOAL_AT_LEAST : GOAL_NONE,
            .bound = at_least[i]
        });
    }
}

void
table_totals(void)
{
    if (reached + not_reached > 0)
        printf("\ntargets: %d reached, %d not reached\n", reached,
               not_reached);
}
