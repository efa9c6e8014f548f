/* measure.h: rounds of contestants, each in a process of its own.
 *
 * A contestant is one way to do a job.  It has a setup, which is not
 * measured, and a sample, which measures itself and gives numbers.  Both run
 * in a child process, so that no contestant works in the heap that another
 * left behind.  The child is a fork of this program, or the program of a peer
 * in another language (see peers.h), which is told the job by name.
 *
 * A round takes one sample of every contestant, in turn; what disturbs the
 * machine for a while so disturbs all of them, and a ratio is taken between
 * two samples of the same round.
 *
 *   FRESH  each sample has a new child: setup, sample, end.  The programs of
 *          peers are kept all the same, for their compilers have to warm up.
 *   KEPT   the children live through all rounds: one setup, many samples.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "peers.h"

#include <stdbool.h>
#include <stddef.h>

/* At most so many numbers in a sample, contestants in a race, rounds. */
enum { VALUES = 4, CONTESTANTS = 12, ROUNDS_MAX = 101 };

/* Races above that size take most of the time. */
enum { LARGE = 100000 };

/* How much a contestant has to do. */
struct load {
    size_t targets;
    size_t handles;              /* for each target */
    unsigned threads;
    bool collecting;             /* whether collections may happen */
};

/* What the others are compared with: the bare collector used as its
 * documentation says, and the least that the job can cost. */
enum role { NO_ROLE, RAW, LIMIT };

struct contestant {
    const char *name;
    void (*setup)(const struct load *load);
    void (*sample)(const struct load *load, double *values);
    enum role role;
    enum peer_id needs;          /* absent where that is missing */
    const char *job;             /* for a peer's program, instead of the two */
    size_t most_targets;         /* absent above; 0: any number */
    size_t usual_targets;        /* absent above, unless all is measured */
    unsigned most_threads;       /* the same */
    bool links;                  /* references are to be held by links */
};

enum life { FRESH, KEPT };

struct race {
    const char *name;            /* the scene */
    const struct contestant *who;
    size_t n;
    struct load load;
    enum life life;
    size_t most_rounds;          /* 0: any number; unless told otherwise */
};

/* What a contestant gave, by number and round; how many rounds there were. */
struct result {
    bool ran;
    size_t rounds;
    double value[VALUES][ROUNDS_MAX];
};

/* All is to be measured: every size and contestant, in more rounds.  Usually
 * what tells least for its time is left out. */
void measure_all(void);
bool measures_all(void);

/* How many rounds a race has, 1 to ROUNDS_MAX; usually fewer above the size
 * LARGE. */
void set_rounds(size_t rounds);
size_t rounds(void);
size_t rounds_if_large(void);

/* No race is to have more targets than that: to try things out. */
void set_bound(size_t most);

/* n, or the bound if that is less. */
size_t bounded(size_t n);

/* Whether n is within the bound. */
bool in_bounds(size_t n);

/* Why the contestant does not take part, in one line; NULL: it does. */
const char *why_absent(const struct contestant *who, const struct load *load);

/* Runs all rounds and fills one result a contestant.  A peer's program that
 * gives no result is left out from there on; ends the program with a message
 * if another contestant fails. */
void run_race(const struct race *race, struct result *results);

/* In a child: hands over a sample's numbers before the sample returns.  For
 * samples that end in exit(). */
void report(const double *values);

#endif
