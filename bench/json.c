/* json.c: writes results.json, one row a line, so that awk can read it too.
 *
 * Names hold no character that JSON would have escaped; what the system says
 * of itself may.
 */
#include "json.h"
#include "goals.h"
#include "machine.h"
#include "measure.h"
#include "noise.h"
#include "peers.h"
#include "work.h"

#include <math.h>
#include <stdio.h>

static void
write_string(FILE *out, const char *s)
{
    putc('"', out);
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\')
            putc('\\', out);
        putc((unsigned char)*s < ' ' ? ' ' : *s, out);
    }
    putc('"', out);
}

static void
write_field(FILE *out, const char *key, const char *value)
{
    write_string(out, key);
    fputs(": ", out);
    write_string(out, value);
}

/* Six digits are more than the clock is good for. */
static void
write_number(FILE *out, const char *key, double value)
{
    fprintf(out, ", \"%s\": ", key);
    if (isnan(value))
        fputs("null", out);
    else
        fprintf(out, "%.6g", value);
}

static void
write_spread(FILE *out, const struct row *row, bool bytes)
{
    bool there = row->is_bytes == bytes;

    write_number(out, bytes ? "median_bytes" : "median_ns",
                 there ? row->value.median : NAN);
    write_number(out, bytes ? "min_bytes" : "min_ns",
                 there ? row->value.least : NAN);
    write_number(out, bytes ? "max_bytes" : "max_ns",
                 there ? row->value.most : NAN);
}

static void
write_row(FILE *out, const struct row *row)
{
    putc('{', out);
    write_field(out, "scene", row->scene);
    fputs(", ", out);
    write_field(out, "name", row->name);
    fputs(", ", out);
    write_field(out, "contestant", row->contestant);
    fputs(", ", out);
    write_field(out, "per", row->per);
    fprintf(out, ", \"threads\": %u, \"size\": %zu", row->threads, row->size);
    write_spread(out, row, false);
    write_spread(out, row, true);
    write_number(out, "ratio_to_raw", row->to_raw);
    write_number(out, "ratio_to_limit", row->to_limit);
    write_number(out, "spread", spread_width(&row->value, row->rounds));
    fprintf(out, ", \"rounds\": %zu}", row->rounds);
}

static void
write_verdict(FILE *out, const struct verdict *v)
{
    putc('{', out);
    write_field(out, "goal", v->words);
    fputs(", ", out);
    write_field(out, "scene", v->scene);
    fputs(", ", out);
    write_field(out, "name", v->name);
    fputs(", ", out);
    write_field(out, "contestant", v->contestant);
    fprintf(out, ", \"threads\": %u, \"size\": %zu", v->threads, v->size);
    write_number(out, "at_most", v->at_most);
    fputs(", ", out);
    write_field(out, "unit", v->unit);
    fputs(", ", out);
    write_field(out, "of", v->of);
    write_number(out, "came_out", v->came_out.median);
    write_number(out, "first_quartile", v->came_out.low);
    write_number(out, "third_quartile", v->came_out.high);
    fprintf(out, ", \"reached\": %s, \"within_noise\": %s}",
            is_reached(v) ? "true" : "false",
            is_within_noise(v) ? "true" : "false");
}

static void
write_machine(FILE *out)
{
    const char *key, *value, *comma = "";

    fputs("\"machine\": {", out);
    for (size_t i = 0; (key = machine_fact(i, &value)) != NULL; i++) {
        fputs(comma, out);
        write_field(out, key, value);
        comma = ", ";
    }
    fputs("},\n", out);
}

static void
write_peers(FILE *out)
{
    const char *comma = "";

    fputs("\"peers\": [", out);
    for (enum peer_id peer = NO_PEER + 1; peer < PEERS; peer++) {
        const char *package = peer_missing(peer);

        fprintf(out, "%s{", comma);
        write_field(out, "name", peer_name(peer));
        if (package != NULL) {
            fputs(", ", out);
            write_field(out, "skipped_needs", package);
        }
        putc('}', out);
        comma = ", ";
    }
    fputs("],\n", out);
}

static void
write_noise(FILE *out)
{
    struct noise noise = noise_of_run();

    fputs("\"noise\": {", out);
    write_field(out, "says", noise.says);
    write_number(out, "tables", noise.tables);
    write_number(out, "loop", noise.loop);
    fputs("},\n", out);
}

static void
write_goals(FILE *out)
{
    size_t n;
    const struct verdict *all = verdicts(&n);

    fputs("\"goals\": [\n", out);
    for (size_t i = 0; i < n; i++) {
        write_verdict(out, &all[i]);
        fputs(i + 1 < n ? ",\n" : "\n", out);
    }
    fputs("],\n", out);
}

static void
write_results(FILE *out, const struct row *rows, size_t n)
{
    fputs("\"results\": [\n", out);
    for (size_t i = 0; i < n; i++) {
        write_row(out, &rows[i]);
        fputs(i + 1 < n ? ",\n" : "\n", out);
    }
    fputs("]}\n", out);
}

void
write_rows(const char *path, const struct row *rows, size_t n)
{
    FILE *out = fopen(path, "w");

    if (out == NULL)
        fail(path, "cannot be written");
    fprintf(out, "{\"form\": 2, \"rounds\": %zu, \"full\": %s,\n", rounds(),
            measures_all() ? "true" : "false");
    write_machine(out);
    write_peers(out);
    write_noise(out);
    write_goals(out);
    write_results(out, rows, n);
    if (ferror(out) | fclose(out))
        fail(path, "cannot be written");
}
