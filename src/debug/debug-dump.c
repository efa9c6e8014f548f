/* debug-dump.c: everything that is registered, as tables for a person.
 *
 * The tables are printed during a walk (walk.c), while no lock is held.
 */
#include <config.h>
#include "debug/debug.h"

#include "deliver/cleanup.h"
#include "ground/lock.h"
#include "ground/roots.h"
#include "ground/names.h"
#include "marks/engine.h"
#include "weak/enter.h"
#include "weak/container.h"

#include <inttypes.h>

static const char *
kind_name(enum gcw__entry_kind kind)
{
    static const char *const names[] = {
        [GCW__METHOD_SEEN] = "method",
        [GCW__WEAK_METHOD_SEEN] = "weak method",
        [GCW__FUNCTION_SEEN] = "function",
        [GCW__CLEANUP_SEEN] = "cleanup",
        [GCW__DEATH_SEEN] = "on death",
    };

    return names[kind];
}

void
gcw__print_table_name(FILE *out, const struct gcw__table_seen *table)
{
    fprintf(out, "%s ", table->ops->kind);
    if (table->container == gcw__roots->at_exit)
        fputs("(the default one) ", out);
    if (table->name != NULL)
        fprintf(out, "\"%s\" ", table->name);
    fprintf(out, "%p", table->container);
    if (table->part != NULL) {
        fputs(", ", out);
        table->print_part(table->part, out);
    }
}

static void
print_columns(FILE *out)
{
    fprintf(out, "  %6s  %-8s %-12s %-18s %s\n", "age", "state", "kind",
            "target", "function");
}

static void
print_table(const struct gcw__table_seen *table, void *out)
{
    gcw__print_table_name(out, table);
    fprintf(out, ": %zu", table->live);
    if (table->capacity != 0)
        fprintf(out, " in %zu slots", table->capacity);
    if (table->dead != 0)
        fprintf(out, ", where %zu have died", table->dead);
    putc('\n', out);
    if (table->live != 0 && table->capacity == 0 && !table->alone)
        print_columns(out);
}

/* Also of a queue without a name: then where it lies. */
static void
print_queue(const struct gcw__entry_seen *entry, FILE *out)
{
    if (entry->queue == NULL)
        return;
    if (entry->queue_name != NULL)
        fprintf(out, ", in queue \"%s\"", entry->queue_name);
    else
        fprintf(out, ", in queue %p", (void *)(uintptr_t)entry->queue);
}

static void
dump_entry(const struct gcw__entry_seen *entry, void *out)
{
    if (entry->has_age)
        fprintf(out, "  %6" PRIu32, entry->age);
    else
        fprintf(out, "  %6s", "-");
    fprintf(out, "  %-8s %-12s ", entry->state, kind_name(entry->kind));
    if (entry->target != NULL)
        fprintf(out, "%-18p ", (void *)(uintptr_t)entry->target);
    else
        fprintf(out, "%-18s ", "-");
    gcw__print_code(out, entry->code);
    if (entry->name != NULL)
        fprintf(out, " \"%s\"", entry->name);
    print_queue(entry, out);
    putc('\n', out);
}

static void
print_cleanups(FILE *out)
{
    static const struct gcw__walker walker = { .entry = dump_entry };
    size_t n = gcw__cleanups_count();

    fprintf(out, "cleanups: %zu\n", n);
    if (n != 0)
        print_columns(out);
    gcw__walk_cleanups(&walker, out);
}

static void
print_marks(FILE *out)
{
    struct gcw__engine_stats marks;

    gcw__engine_stats(&marks);
    fprintf(out, "ephemerons: %zu\n", marks.singles);
    if (marks.held != 0)
        fprintf(out, "weak maps held everything in %" PRIu64 " collections,"
                " for there are toggle references\n", marks.held);
    if (marks.missed != 0)
        fprintf(out, "weak maps were not told of %" PRIu64 " collections, and"
                " dropped %" PRIu64 " entries\n", marks.missed, marks.dropped);
}

void
gcw_dump(FILE *out)
{
    static const struct gcw__walker walker = { .table = print_table,
                                               .entry = dump_entry };

    if (gcw__enter() != 0)
        return;
    if (out == NULL) {
        gcw__refuse(EINVAL, "given out", out);
        return;
    }
    gcw__cancel_off();
    fprintf(out, "gcweak %s, after %ju collections\n", PACKAGE_VERSION,
            (uintmax_t)gcw__gc_no());
    gcw__walk_containers(&walker, out);
    print_cleanups(out);
    print_marks(out);
    gcw__cancel_on();
}
