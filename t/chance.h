/* chance.h: random numbers that a seed repeats.
 *
 * The seed is that of GCWEAK_TEST_SEED, or one of the moment; who uses it
 * prints it. */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdint.h>

uint64_t seed(void);

/* Begins a sequence of numbers: the same for the same seed and number. */
void chance_begin(uint64_t number);

uint64_t random_word(void);

/* Below n. */
unsigned below(unsigned n);

#endif
