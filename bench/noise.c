/* noise.c: a loop that is always the same, and the noise of a run. */
#include "noise.h"
#include "spread.h"
#include "work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Below the first the machine is quiet; above the second, little can be told
 * from the ratios. */
static const double quiet = 0.1, useless = 0.3;

struct samples {
    double *values;
    size_t n;
};

static struct samples of_tables, of_loop;

static void
keep(struct samples *samples, double value)
{
    samples->values = must(realloc(samples->values,
                                   (samples->n + 1) * sizeof value));
    samples->values[samples->n++] = value;
}

void
noise_keep(double of_table)
{
    if (!isnan(of_table))
        keep(&of_tables, of_table);
}

/* --- The loop ------------------------------------------------------------
 * It follows pointers in random order through a quarter of a megabyte: so it
 * takes longer when somebody else has the processor or its nearer caches.  One
 * pass brings the memory there before those that are measured. */

enum { LINES = 4096, PASSES = 128 };

struct line {
    struct line *next;
    char rest[64 - sizeof(struct line *)];
};

static struct line *
new_circle(void)
{
    struct line *lines = must(malloc(LINES * sizeof *lines));
    size_t *order = random_order(LINES);

    for (size_t i = 0; i < LINES; i++)
        lines[order[i]].next = &lines[order[(i + 1) % LINES]];
    free(order);
    return lines;
}

static struct line *
go_round(struct line *at, size_t passes)
{
    for (size_t i = 0; i < passes * LINES; i++)
        at = at->next;
    use(at);
    return at;
}

void
noise_loop(void)
{
    static struct line *at;
    double begin;

    if (at == NULL)
        at = new_circle();
    go_round(at, 1);
    begin = now();
    go_round(at, PASSES);
    keep(&of_loop, now() - begin);
}

/* --- The run ------------------------------------------------------------- */

/* A sentence about the worse of the two. */
static void
say(struct noise *noise)
{
    double worse = isnan(noise->tables) || noise->loop > noise->tables
                   ? noise->loop : noise->tables;
    char *says = noise->says;
    size_t size = sizeof noise->says;

    if (isnan(worse))
        snprintf(says, size, "unknown: too few rounds to tell");
    else if (worse > useless)
        snprintf(says, size, "so noisy (%.0f %%) that ratios mean little; to "
                 "be measured again when nothing else runs", worse * 100);
    else
        snprintf(says, size, "%s: ratios within %d %% of each other may be "
                 "equal", worse <= quiet ? "quiet" : "noisy",
                 (int)(worse * 100) + 1);
}

struct noise
noise_of_run(void)
{
    struct noise noise = { NAN, NAN, "" };

    if (of_tables.n > 0)
        noise.tables = spread_of(of_tables.values, of_tables.n).median;
    if (of_loop.n > 0) {
        struct spread loop = spread_of(of_loop.values, of_loop.n);

        noise.loop = spread_width(&loop, of_loop.n);
    }
    say(&noise);
    return noise;
}
