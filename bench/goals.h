/* goals.h: what the numbers should be at most, and whether they are.
 *
 * A goal is reached if the median of all rounds is; within the noise if the
 * bound lies in the middle half of the rounds, so that another run may well
 * say otherwise.
 */
#ifndef GOALS_H
#define GOALS_H

#include "spread.h"

#include <stdbool.h>
#include <stddef.h>

/* As a multiple of the raw way, of the limit, of another contestant's, or of
 * another number of the same sample; or as it is. */
enum goal_of { NO_GOAL, TO_RAW, TO_LIMIT, TO_OTHER, TO_VALUE, TO_NOTHING };

/* A list ends with NO_GOAL; a contestant may have several. */
struct goal {
    const char *words;           /* what should be so; alike at all sizes */
    size_t who;                  /* whose number */
    enum goal_of of;
    double at_most;
    size_t which;                /* the other contestant or number */
};

/* A goal, and what came out. */
struct verdict {
    const char *scene, *name, *contestant;
    unsigned threads;
    size_t size;
    const char *words;
    double at_most;
    const char *unit, *of;       /* of: what the bound is a multiple of; may be
                                  * empty, as the unit */
    struct spread came_out;
};

bool is_reached(const struct verdict *verdict);
bool is_within_noise(const struct verdict *verdict);

/* Prints the verdict behind a row of a table, and keeps it. */
void give_verdict(const struct verdict *verdict);

/* Prints all as one table, in which a goal has one line. */
void print_verdicts(void);

/* All that were given, in their order. */
const struct verdict *verdicts(size_t *n);

#endif
