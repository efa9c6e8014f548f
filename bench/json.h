/* json.h: the rows of all tables, as results.json; its form is told in
 * README.md. */
#ifndef JSON_H
#define JSON_H

#include "spread.h"

#include <stdbool.h>
#include <stddef.h>

/* A ratio that is not a number was not to be had. */
struct row {
    const char *scene, *name, *contestant, *per;
    unsigned threads;
    size_t size, rounds;
    bool is_bytes;               /* else nanoseconds */
    struct spread value;
    double to_raw, to_limit;
};

void write_rows(const char *path, const struct row *rows, size_t n);

#endif
