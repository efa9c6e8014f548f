/* mute.c: muting events and hubs.
 *
 * How often an object was muted is counted in its container.  While it is, no
 * emission that begins finds an array of listeners; emissions that are under
 * way ask each listener, as they do when it is blocked.  See listeners.c.
 */
#include <config.h>
#include "event/event.h"
#include "event/hub.h"

#include "ground/lock.h"
#include "weak/enter.h"

/* Counts, and has lists(object) bring the lists up to date if that makes a
 * difference to them; for a function of that name. */
static void
count_muting(const char *function, struct gcw__container *container, bool mute,
             void *object, void (*lists)(void *object))
{
    pthread_mutex_t *lock = gcw__listeners_lock(container);
    uint16_t n;
    bool bad;

    gcw__lock(lock, true);
    n = atomic_load(&container->muted);
    bad = n == (mute ? UINT16_MAX : 0);
    if (!bad) {
        atomic_store(&container->muted, (uint16_t)(mute ? n + 1 : n - 1));
        if (n == (mute ? 0 : 1))
            lists(object);
    }
    gcw__unlock(lock);
    GCW__KEEP(object);
    if (bad && mute)
        gcw__refused(function, EOVERFLOW, "");
    else if (bad)
        gcw__refused(function, EINVAL, "because it is not blocked");
}

static void
mute_list_of_event(void *event)
{
    gcw__listeners_mute(&((gcw_event *)event)->list);
}

static void
mute_event(const char *function, gcw_event *e, bool mute)
{
    if (gcw__enter_for(function) != 0)
        return;
    if (e == NULL)
        gcw__refused(function, EINVAL, "given e", e);
    else
        count_muting(function, e->list.container, mute, e, mute_list_of_event);
}

void
gcw_event_block(gcw_event *e)
{
    mute_event(__func__, e, true);
}

void
gcw_event_unblock(gcw_event *e)
{
    mute_event(__func__, e, false);
}

static void
mute_pattern(void *pattern, void *unused)
{
    (void)unused;
    gcw__listeners_mute(&((struct gcw__pattern *)pattern)->list);
}

static void
mute_lists_of_hub(void *hub)
{
    gcw__map_each(&((gcw_hub *)hub)->patterns, mute_pattern, NULL);
}

static void
mute_hub(const char *function, gcw_hub *h, bool mute)
{
    if (gcw__enter_for(function) != 0)
        return;
    if (h == NULL)
        gcw__refused(function, EINVAL, "given h", h);
    else
        count_muting(function, &h->container->container, mute, h,
                     mute_lists_of_hub);
}

void
gcw_hub_block(gcw_hub *h)
{
    mute_hub(__func__, h, true);
}

void
gcw_hub_unblock(gcw_hub *h)
{
    mute_hub(__func__, h, false);
}
