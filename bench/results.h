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

#include "goals.h"
#include "measure.h"

/* How a table shows them. */
enum unit { NS, MS, BYTES };

struct measure {
    const char *name;            /* in results.json */
    const char *title;           /* over the table */
    const char *of_what;         /* what the race's size counts */
    const char *per;             /* what one number is about */
    enum unit unit;
    size_t value;
    const struct goal *goals;    /* NULL: none */
};

/* Prints a table and keeps its rows. */
void record(const struct race *race, const struct result *results,
            const struct measure *measure);

/* Prints what the measure costs with the second load as a multiple of what it
 * costs with the first, of rows that were kept; and holds that against goals,
 * whose `who` is the contestant's place here. */
void record_growth(const char *name, const struct load *few,
                   const struct load *many, const char *const *contestants,
                   size_t n, const struct goal *goals);

/* Writes the kept rows, the verdicts and the noise; see README.md for the
 * form. */
void write_json(const char *path);

#endif
