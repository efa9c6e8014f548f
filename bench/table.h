/* table.h: how results are printed.
 *
 * A table is about one job.  Each row is a contestant: its ratio first, then
 * what was measured, then the target of the design and whether it was
 * reached, if there is one.
 */
#ifndef TABLE_H
#define TABLE_H

#include "measure.h"

/* What a ratio should be; GOAL_NONE: nothing is asked. */
enum goal { GOAL_NONE, GOAL_AT_LEAST, GOAL_AT_MOST };

struct row {
    const char *name;
    double ratio;                /* not a number: none is printed */
    struct spread value;
    enum goal goal;
    double bound;
};

/* Opens a table.  The title names the unit; `ratio` says what it means. */
void table(const char *title, const char *ratio);

/* Prints a row; counts whether its goal was reached.  A goal is on the ratio
 * as it is, not as it is rounded for print. */
void table_row(const struct row *row);

/* The usual table of value v: ratios say how many times as fast as the first
 * contestant each one is. */
void table_speedups(const char *title, const struct race *race,
                    const struct result *results, size_t v,
                    const double *at_least);

/* How many goals there were, and how many were reached. */
void table_totals(void);

#endif
