/* see.c: looking at what is registered.  See see.h. */
#include <config.h>
#include "weak/see.h"

#include "weak/read.h"

void
gcw__see_table(const struct gcw__walk *walk)
{
    walk->walker->table(&walk->table, walk->arg);
}

void
gcw__see_entry(const struct gcw__walk *walk,
               const struct gcw__entry_seen *entry)
{
    walk->walker->entry(entry, walk->arg);
}

void
gcw__see_part(const struct gcw__walk *walk, const void *object,
              const char *what, const struct gcw__entry_seen *entry)
{
    if (walk->walker->part != NULL && object != NULL)
        walk->walker->part(object, what, &walk->table, entry, walk->arg);
}

void
gcw__see_target(struct gcw__entry_seen *seen, const gcw_ref *first,
                const gcw_ref *second)
{
    seen->waits = first != NULL;
    if (first == NULL)
        return;
    seen->target = gcw__read(first);
    if (second != NULL && gcw__read(second) == NULL)
        seen->target = NULL;
}

void
gcw__see_age(struct gcw__entry_seen *seen, uint32_t born)
{
    seen->has_age = true;
    seen->age = gcw__born() - born;
}
