/* print.h: numbers in the tables that are printed. */
#ifndef PRINT_H
#define PRINT_H

#include <stddef.h>

/* With three digits or so, eight columns wide and a space before. */
void print_number(double value);

/* The same of a ratio; blank if it is not a number. */
void print_ratio(double ratio);

/* 10^5 for 100000. */
void print_count(size_t n);

#endif
