/* results.h: what came out, as tables and as results.json.
 *
 * A measure is one number of a race's samples.  Each contestant's is a row:
 * its median, least and most, and what it costs as a multiple of the raw way
 * and of the limit.  A ratio is the median of the ratios of each round, so
 * that what slows the machine down for a while stands on both sides of it.
 *
 * Numbers are kept in nanoseconds, or in bytes.
 */
#ifndef RESULTS_H
#define RESULTS_H

#include "measure.h"

/* How a table shows them. */
enum unit { NS, MS, BYTES };

/* What a number should be at most: as a multiple of the raw way, of the limit,
 * of another contestant's or of another number of the same sample; or as it
 * is. */
enum goal_of { NO_GOAL, TO_RAW, TO_LIMIT, TO_OTHER, TO_VALUE, TO_NOTHING };

struct goal {
    enum goal_of of;
    double at_most;
    size_t which;                /* contestant or number */
};

struct measure {
    const char *name;            /* in results.json */
    const char *title;           /* over the table */
    const char *of_what;         /* what the race's size counts */
    const char *per;             /* what one number is about */
    enum unit unit;
    size_t value;
    const struct goal *goals;    /* one a contestant; NULL: none */
};

/* Prints a table and keeps its rows. */
void record(const struct race *race, const struct result *results,
            const struct measure *measure);

/* Prints what the measure costs with `many` as a multiple of what it costs
 * with `few`, of rows that were kept, and holds it against a bound. */
void record_growth(const char *name, size_t few, size_t many, double at_most,
                   const char *const *contestants, size_t n);

/* How many goals there were, and how many were reached. */
void print_totals(void);

/* Writes the kept rows; see README.md for the form. */
void write_json(const char *path);

#endif
