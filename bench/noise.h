/* noise.h: how far the figures of a run can be trusted.
 *
 * The noise of a table is by how much the middle half of a contestant's rounds
 * differ, as a part of its median: the median of that over the contestants.
 * That of the run is the median over its tables.
 *
 * A contestant may differ from round to round by itself: in where its memory
 * comes to lie, or in which threads meet.  So a loop that is always the same
 * runs before every round; what it differs by is the machine's alone.
 */
#ifndef NOISE_H
#define NOISE_H

#include <stddef.h>

/* Runs the loop once. */
void noise_loop(void);

/* Keeps the noise of a table; one that is not a number is passed over. */
void noise_keep(double of_table);

/* Parts of one; not a number where too little was measured. */
struct noise {
    double tables, loop;
    char says[160];              /* the same in a sentence */
};

struct noise noise_of_run(void);

#endif
