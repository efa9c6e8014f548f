/* goals.c: verdicts, and the table of them all. */
#include "goals.h"
#include "print.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct verdict *given;
static size_t n_given;

bool
is_reached(const struct verdict *verdict)
{
    return verdict->came_out.median <= verdict->at_most;
}

bool
is_within_noise(const struct verdict *verdict)
{
    return is_reached(verdict) ? verdict->came_out.high > verdict->at_most
           : verdict->came_out.low <= verdict->at_most;
}

const struct verdict *
verdicts(size_t *n)
{
    *n = n_given;
    return given;
}

static void
print_bound(const struct verdict *v)
{
    printf("at most %.3g", v->at_most);
    if (*v->unit != '\0')
        printf(" %s", v->unit);
    if (*v->of != '\0')
        printf(" of %s", v->of);
}

void
give_verdict(const struct verdict *verdict)
{
    given = must(realloc(given, (n_given + 1) * sizeof *given));
    given[n_given++] = *verdict;
    fputs("  ", stdout);
    print_bound(verdict);
    printf("; %.3g, %s%s", verdict->came_out.median,
           is_reached(verdict) ? "reached" : "missed",
           is_within_noise(verdict) ? " (within the noise)" : "");
}

/* --- The table of all ---------------------------------------------------- */

/* How many verdicts there are. */
struct tally {
    size_t reached, missed, within_noise;
};

static bool
is_same_goal(size_t i, size_t j)
{
    return strcmp(given[i].words, given[j].words) == 0;
}

/* Whether the goal has not come before. */
static bool
is_first(size_t i)
{
    size_t j = 0;

    while (!is_same_goal(j, i))
        j++;
    return j == i;
}

static void
count(const struct verdict *verdict, struct tally *t)
{
    t->reached += is_reached(verdict);
    t->missed += !is_reached(verdict);
    t->within_noise += is_within_noise(verdict);
}

static const char *
in_words(size_t first)
{
    struct tally t = { 0, 0, 0 };

    for (size_t i = first; i < n_given; i++)
        if (is_same_goal(i, first))
            count(&given[i], &t);
    return t.missed == 0 ? "reached" : t.reached == 0 ? "missed" : "in part";
}

static void
print_outcome(const struct verdict *v)
{
    print_count(v->size);
    if (v->threads > 1)
        printf(" on %u threads", v->threads);
    printf(": %.3g%s%s", v->came_out.median, is_reached(v) ? "" : "!",
           is_within_noise(v) ? "~" : "");
}

/* Whether it was reached, the goal, and what came out at each size. */
static void
print_goal(size_t first)
{
    const char *before = "; ";

    printf("  %-8s %s, ", in_words(first), given[first].words);
    print_bound(&given[first]);
    for (size_t i = first; i < n_given; i++) {
        if (!is_same_goal(i, first))
            continue;
        fputs(before, stdout);
        print_outcome(&given[i]);
        before = ", ";
    }
    putchar('\n');
}

void
print_verdicts(void)
{
    struct tally all = { 0, 0, 0 };

    if (n_given == 0)
        return;
    puts("\ngoals, with what came out at each size (!: missed; ~: within the "
         "noise)");
    for (size_t i = 0; i < n_given; i++) {
        count(&given[i], &all);
        if (is_first(i))
            print_goal(i);
    }
    printf("  of %zu figures %zu reached the goal and %zu missed it, %zu "
           "within the noise\n", n_given, all.reached, all.missed,
           all.within_noise);
}
