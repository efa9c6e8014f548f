/* measure.h: rounds of contestants, each in a process of its own.
 *
 * A contestant is one way to do a job.  It has a setup, which is not
 * measured, and a sample, which measures itself and gives numbers.  Both run
 * in a child process that has its own collector, so that no contestant works
 * in the heap that another left behind.
 *
 * A round takes one sample of every contestant, in turn; what disturbs the
 * machine for a while so disturbs all of them.
 *
 *   FRESH  each sample has a new child: setup, sample, end.
 *   KEPT   the children live through all rounds: one setup, many samples.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stddef.h>

/* At most so many numbers in a sample, contestants in a race, rounds. */
enum { VALUES = 4, CONTESTANTS = 6, ROUNDS_MAX = 101, ROUNDS_USUAL = 7 };

/* How much a contestant has to do. */
struct load {
    size_t targets;
    size_t handles;              /* for each target */
    unsigned threads;
    int collecting;              /* whether collections may happen */
};

struct contestant {
    const char *name;
    void (*setup)(const struct load *load);
    void (*sample)(const struct load *load, double *values);
};

enum life { FRESH, KEPT };

struct race {
    const char *name;            /* for the progress line */
    const struct contestant *who;
    size_t n;
    struct load load;
    enum life life;
};

struct spread {
    double median, least, most;
};

struct result {
    struct spread value[VALUES];
};

/* How many rounds a race has; 1 to ROUNDS_MAX. */
void set_rounds(int rounds);
int rounds(void);

/* Runs all rounds and fills one result a contestant.  Ends the program with
 * a message if a contestant fails. */
void run_race(const struct race *race, struct result *results);

/* In a child: hands over a sample's numbers before the sample returns.  For
 * samples that end in exit(). */
void report(const double *values);

#endif
