/* hook.c: the error hook of an event or a hub. */
#include <config.h>
#include "event/hook.h"

#include "ground/code.h"
#include "ground/guard.h"
#include "ground/lock.h"
#include "ground/tell.h"

void
gcw__hook_set(struct gcw__hook *hook, const struct gcw__place *place,
              gcw_error_fn *fn, void *data)
{
    pthread_mutex_t *lock = gcw__listeners_lock(place);

    gcw__lock(lock, true);
    *hook = (struct gcw__hook){ fn, data };
    gcw__unlock(lock);
}

static struct gcw__hook
get(const struct gcw__hook *hook, const struct gcw__place *place)
{
    pthread_mutex_t *lock = gcw__listeners_lock(place);
    struct gcw__hook now;

    gcw__lock(lock, true);
    now = *hook;
    gcw__unlock(lock);
    return now;
}

void
gcw__hook_unload(struct gcw__hook *hook, const struct gcw__place *place,
                 const struct gcw__range *range)
{
    if (gcw__in_range((uintptr_t)get(hook, place).fn, range))
        gcw__hook_set(hook, place, NULL, NULL);
}

static void
tell(const struct gcw__hook *hook, const char *event,
     const struct gcw__slot *slot, const char *why)
{
    struct gcw__hook now = get(hook, slot->listener->on.place);
    uintptr_t code = (uintptr_t)slot->code;

    if (now.fn == NULL)
        gcw__report(event, "listener", NULL, code, why);
    else
        now.fn(slot->listener, gcw__function_name(code), why, now.data);
}

void
gcw__hook_tell(const struct gcw__hook *hook, bool *telling, const char *event,
               const struct gcw__slot *slot, const char *why)
{
    bool again = *telling;

    gcw__count_failure();
    *telling = !again;
    if (!again)
        tell(hook, event, slot, why);
    *telling = false;
}
