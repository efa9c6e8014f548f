/* by-object.c: disconnecting all listeners whose methods have one object.
 *
 * A listener watches its method's object (listeners.h), so it is found among
 * the watches on the object's reference, without a look at any list.  They are
 * copied a few at a time, under the shard's lock, to the stack, which holds the
 * listeners; each is then disconnected under the lock of its own event or hub.
 * The next few are those after the last one, which is still on the reference:
 * watches are taken off when the containers are tidied, at the end.  If another
 * thread takes it off, the walk begins anew, and passes over those that are
 * gone.
 */
#include <config.h>
#include "event/event.h"
#include "event/hub.h"

#include "weak/enter.h"

enum { BATCH = 64 };

static bool
is_of_ours(const struct gcw__container *container)
{
    return container->ops == &gcw__event_ops
           || container->ops == &gcw__hub_ops;
}

/* Whether the watch is a connected listener's on its method's object; and, if
 * `container` is not NULL, that is the listener's. */
static bool
is_listener_in(const struct gcw__watch *watch, const void *container)
{
    const struct gcw__entry_watch *entry = gcw__as_entry_watch(watch);

    return entry != NULL && gcw__entry_watch_role(entry) == GCW__FIRST
           && (container == NULL ? is_of_ours(entry->container)
                                 : entry->container == container)
           && !gcw__listener_is((const gcw_listener *)entry, GCW__IS_GONE);
}

static size_t
end_listeners(struct gcw__watch *const watches[], size_t n)
{
    size_t ended = 0;

    for (size_t i = 0; i < n; i++)
        ended += gcw__listener_end((gcw_listener *)watches[i]);
    return ended;
}

static size_t
end_watchers(const gcw_ref *ref, const struct gcw__container *container)
{
    struct gcw__watch *watches[BATCH];
    const struct gcw__watch *last = NULL;
    size_t ended = 0, n;

    do {
        n = gcw__watches_pick(ref, last, is_listener_in, container, watches,
                              BATCH);
        ended += end_listeners(watches, n);
        last = n == 0 ? NULL : watches[n - 1];
    } while (n == BATCH);
    if (ended != 0)
        gcw__containers_tidy();
    return ended;
}

static size_t
disconnect_object(const struct gcw__container *container, const void *self)
{
    const gcw_ref *ref = gcw_ref_find(self);
    size_t n = ref == NULL ? 0 : end_watchers(ref, container);

    GCW__KEEP(self);
    return n;
}

size_t
gcw_event_disconnect_object(gcw_event *e, const void *self)
{
    size_t n;

    if (gcw__enter() != 0)
        return 0;
    if (e == NULL || gcw__base((void *)(uintptr_t)self) == NULL)
        return gcw__refuse_zero(EINVAL, "given e, heap self", e, self);
    n = disconnect_object(e->list.container, self);
    GCW__KEEP(e);
    return n;
}

size_t
gcw_hub_disconnect_object(gcw_hub *h, const void *self)
{
    size_t n;

    if (gcw__enter() != 0)
        return 0;
    if (h == NULL || gcw__base((void *)(uintptr_t)self) == NULL)
        return gcw__refuse_zero(EINVAL, "given h, heap self", h, self);
    n = disconnect_object(&h->container->container, self);
    GCW__KEEP(h);
    return n;
}

size_t
gcw_disconnect_object(const void *self)
{
    if (gcw__enter() != 0)
        return 0;
    if (gcw__base((void *)(uintptr_t)self) == NULL)
        return gcw__refuse_zero(EINVAL, "heap self", self);
    return disconnect_object(NULL, self);
}
