/* print.c: few digits, for few are sure. */
#include "print.h"

#include <math.h>
#include <stdio.h>

void
print_number(double value)
{
    int decimals = value < 1 ? 3 : value < 10 ? 2 : value < 1000 ? 1 : 0;

    printf(" %8.*f", decimals, value);
}

void
print_ratio(double ratio)
{
    int decimals = ratio < 1 ? 3 : ratio < 100 ? 2 : 0;

    if (isnan(ratio))
        printf(" %8s", "");
    else
        printf(" %8.*f", decimals, ratio);
}

void
print_count(size_t n)
{
    int power = 0;
    size_t rest = n;

    for (; rest >= 10 && rest % 10 == 0; rest /= 10)
        power++;
    if (power >= 3 && rest == 1)
        printf("10^%d", power);
    else
        printf("%zu", n);
}
