/* spread.c: medians and quartiles. */
#include "spread.h"
#include "work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The number below which that part of the others lies; between two of them, a
 * mean of both. */
static double
quantile(const double *sorted, size_t n, double part)
{
    double at = part * (double)(n - 1);
    size_t below = (size_t)at;
    size_t above = below + 1 < n ? below + 1 : below;

    return sorted[below] + (at - (double)below)
                           * (sorted[above] - sorted[below]);
}

struct spread
spread_of(const double *values, size_t n)
{
    double *sorted = must(malloc(n * sizeof *sorted));
    struct spread spread;

    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    spread = (struct spread) {
        sorted[0], quantile(sorted, n, 0.25), quantile(sorted, n, 0.5),
        quantile(sorted, n, 0.75), sorted[n - 1]
    };
    free(sorted);
    return spread;
}

double
spread_width(const struct spread *spread, size_t n)
{
    return n < 3 || !(spread->median > 0) ? NAN
           : (spread->high - spread->low) / spread->median;
}
