/* chance.c: random numbers that a seed repeats. */
#include "chance.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t chance;

static uint64_t
mixed(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static uint64_t
seed_of_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return mixed((uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec
                 ^ (uint64_t)getpid() << 16) | 1;
}

uint64_t
seed(void)
{
    static uint64_t chosen;
    const char *given = getenv("GCWEAK_TEST_SEED");
    if (given != NULL)
        return strtoull(given, NULL, 10);
    if (chosen == 0)
        chosen = seed_of_now();
    return chosen;
}

void
chance_begin(uint64_t number)
{
    chance = mixed(seed() + number);
}

uint64_t
random_word(void)
{
    chance += 0x9e3779b97f4a7c15;
    return mixed(chance);
}

unsigned
below(unsigned n)
{
    return (unsigned)(random_word() % n);
}
