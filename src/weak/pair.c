/* pair.c: what a callback watches: its object, or its object and its weak
 * data. */
#include <config.h>
#include "weak/pair.h"

#include "weak/death.h"
#include "weak/read.h"

bool
gcw__pair_watch(struct gcw__pair pair)
{
    bool alive = pair.first == NULL || gcw__death_watch(pair.first);

    if (pair.second != NULL)
        alive &= gcw__death_watch(pair.second);
    return alive;
}

bool
gcw__pair_unwatch(struct gcw__pair pair, bool may_wait)
{
    return (pair.first == NULL || gcw__watch_remove(pair.first, may_wait))
           && (pair.second == NULL
               || gcw__watch_remove(pair.second, may_wait));
}

static bool
is_alive(const struct gcw__watch *watch, void *(*read)(const gcw_ref *ref))
{
    return watch == NULL || read(watch->ref) != NULL;
}

bool
gcw__pair_alive(struct gcw__pair pair)
{
    return is_alive(pair.first, gcw__peek)
           && is_alive(pair.second, gcw__peek);
}

bool
gcw__pair_alive_now(struct gcw__pair pair)
{
    return is_alive(pair.first, gcw__read)
           && is_alive(pair.second, gcw__read);
}
