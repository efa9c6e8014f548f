/* work.c: the clock, targets, and raw weak references. */
#include "work.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TARGET_SIZE = 32 };

void
fail(const char *what, const char *why)
{
    fprintf(stderr, "gcweak-bench: %s: %s\n", what, why);
    _Exit(1);
}

void
start_collector(void)
{
    GC_INIT();
    GC_allow_register_threads();
}

double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

void *
must(void *p)
{
    if (p == NULL)
        fail("memory", "ran out, or a constructor failed");
    return p;
}

void **
new_array(size_t n)
{
    return must(GC_MALLOC((n + 1) * sizeof(void *)));
}

void **
new_targets(size_t n)
{
    void **targets = new_array(n);

    for (size_t i = 0; i < n; i++)
        targets[i] = must(GC_MALLOC(TARGET_SIZE));
    return targets;
}

#define SEED 0x9e3779b97f4a7c15u

/* Marsaglia's xorshift with a fixed seed. */
static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void
shuffle(void **pointers, size_t n)
{
    uint64_t state = SEED;

    for (size_t i = n; i > 1; i--) {
        size_t j = next_random(&state) % i;
        void *last = pointers[i - 1];

        pointers[i - 1] = pointers[j];
        pointers[j] = last;
    }
}

void
shuffle_order(size_t *order, size_t n)
{
    uint64_t state = SEED;

    for (size_t i = n; i > 1; i--) {
        size_t j = next_random(&state) % i;
        size_t last = order[i - 1];

        order[i - 1] = order[j];
        order[j] = last;
    }
}

size_t *
repeated_order(size_t n, size_t times)
{
    size_t *order = must(malloc((n * times + 1) * sizeof *order));

    for (size_t i = 0; i < n * times; i++)
        order[i] = i / times;
    return order;
}

size_t *
random_order(size_t n)
{
    size_t *order = repeated_order(n, 1);

    shuffle_order(order, n);
    return order;
}

static NOINLINE void
clear_stack(void)
{
    char below[4096];

    memset(below, 0, sizeof below);
    use(below);
}

void
drop(void ***array, size_t n)
{
    memset(*array, 0, n * sizeof **array);
    *array = NULL;
    clear_stack();
}

void
raw_link(GC_hidden_pointer *cell, void *target)
{
    *cell = GC_HIDE_POINTER(target);
    if (GC_general_register_disappearing_link((void **)cell, target)
        != GC_SUCCESS)
        fail("raw link", "cannot be registered");
}

void *
idle_method(void *self, void *arg, void *data)
{
    use(arg);
    use(data);
    return self;
}

GC_hidden_pointer *
raw_new(void *target)
{
    GC_hidden_pointer *cell = must(GC_MALLOC_ATOMIC(sizeof *cell));

    raw_link(cell, target);
    return cell;
}

GC_hidden_pointer *
raw_new_outside(void *target)
{
    GC_hidden_pointer *cell = must(malloc(sizeof *cell));

    raw_link(cell, target);
    return cell;
}

static void *
reveal(void *cell)
{
    GC_hidden_pointer hidden = *(GC_hidden_pointer *)cell;

    return hidden == 0 ? NULL : GC_REVEAL_POINTER(hidden);
}

void *
raw_read(GC_hidden_pointer *cell)
{
    return GC_call_with_alloc_lock(reveal, cell);
}
