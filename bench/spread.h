/* spread.h: many samples as few numbers. */
#ifndef SPREAD_H
#define SPREAD_H

#include <stddef.h>

/* The middle half of the samples lies between the quartiles. */
struct spread {
    double least, low, median, high, most;
};

/* Of n numbers, which stay as they are. */
struct spread spread_of(const double *values, size_t n);

/* By how much the middle half of the samples differ, as a part of the median;
 * not a number where it says nothing: of fewer than three samples, or of a
 * median that is not above zero. */
double spread_width(const struct spread *spread, size_t n);

#endif
