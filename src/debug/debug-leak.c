/* debug-leak.c: GCWEAK_DEBUG=leak: what looks like a leak when the process
 * exits.
 *
 * One entry that lives long is nothing unusual; many alike are.  So the old
 * entries with one function are counted together.
 */
#include <config.h>
#include "debug/debug.h"

#include "deliver/cleanup.h"
#include "ground/memory.h"
#include "ground/table.h"
#include "ground/names.h"
#include "ground/report.h"
#include "weak/container.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OLD = 10, MANY = 10 };

struct group {
    struct group *next;
    enum gcw__entry_kind kind;
    const char *sort;
    uintptr_t code;
    size_t n;
    uint32_t youngest, oldest;
    bool one_name;                   /* all have the name below */
    char name[];
};

struct groups {
    struct gcw__table by_code;
    struct group *first;
    const char *sort;                /* of the table that is being walked */
    bool no_memory;
};

static struct group *
find_group(const struct groups *groups, const struct gcw__entry_seen *entry)
{
    size_t at = gcw__table_place(entry->code);
    struct group *group;

    while ((group = gcw__table_next(&groups->by_code, entry->code, &at))
           != NULL)
        if (group->kind == entry->kind && group->sort == groups->sort)
            break;
    return group;
}

static struct group *
make_group(struct groups *groups, const struct gcw__entry_seen *entry)
{
    const char *name = entry->name == NULL ? "" : entry->name;
    size_t size = strlen(name) + 1;
    struct group *group = gcw__malloc(sizeof *group + size);

    if (group == NULL || !gcw__table_make_room(&groups->by_code)) {
        free(group);
        return NULL;
    }
    *group = (struct group){ groups->first, entry->kind, groups->sort,
                             entry->code, 0, UINT32_MAX, 0,
                             entry->name != NULL };
    memcpy(group->name, name, size);
    groups->first = group;
    gcw__table_insert(&groups->by_code, entry->code, group);
    return group;
}

static void
count_entry(const struct gcw__entry_seen *entry, void *arg)
{
    struct groups *groups = arg;
    struct group *group;

    if (!entry->has_age || entry->age < OLD || entry->target == NULL)
        return;
    group = find_group(groups, entry);
    if (group == NULL)
        group = make_group(groups, entry);
    if (group == NULL) {
        groups->no_memory = true;
        return;
    }
    group->n++;
    group->one_name &= entry->name != NULL
                       && strcmp(group->name, entry->name) == 0;
    if (entry->age < group->youngest)
        group->youngest = entry->age;
    if (entry->age > group->oldest)
        group->oldest = entry->age;
}

static void
begin_table(const struct gcw__table_seen *table, void *arg)
{
    ((struct groups *)arg)->sort = table->ops->entries;
}

/* "13", or "13 to 20". */
static void
ages_text(char *text, size_t size, const struct group *group)
{
    if (group->youngest == group->oldest)
        snprintf(text, size, "%" PRIu32, group->oldest);
    else
        snprintf(text, size, "%" PRIu32 " to %" PRIu32, group->youngest,
                 group->oldest);
}

static void
print(const struct group *group)
{
    const char *quote = group->one_name ? "\"" : "";
    char code[GCW__CODE_TEXT], ages[32];

    if (group->n < MANY)
        return;
    gcw__code_text(code, sizeof code, group->code);
    ages_text(ages, sizeof ages, group);
    gcw__tell(GCW_TOLD_LEAK, "leak: %zu %s with %s%s%s%s whose objects have lived"
              " through %s collections", group->n, group->sort, quote,
              group->one_name ? group->name : "",
              group->one_name ? "\" " : "", code, ages);
}

static void
print_all(struct groups *groups)
{
    struct group *group, *next;

    for (group = groups->first; group != NULL; group = next) {
        next = group->next;
        print(group);
        free(group);
    }
    free(groups->by_code.entries);
    if (groups->no_memory)
        gcw__tell(GCW_TOLD_LEAK, "leak: not all was looked at: no memory");
}

void
gcw__report_leaks(void)
{
    static const struct gcw__walker walker = { .table = begin_table,
                                               .entry = count_entry };
    struct groups groups = { .first = NULL };

    if (!gcw__told(GCW_TOLD_LEAK))
        return;
    gcw__walk_containers(&walker, &groups);
    groups.sort = "cleanups";
    gcw__walk_cleanups(&walker, &groups);
    print_all(&groups);
}
