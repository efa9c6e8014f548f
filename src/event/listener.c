/* listener.c: what the user does with a listener's handle.
 *
 * A handle does not hold its event or hub.  A call gets that from the
 * container and holds it while it works on the listener; if the event or hub
 * is dead, the listener is as good as gone.
 */
#include <config.h>
#include "event/emit.h"

#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/report.h"
#include "weak/enter.h"

/* Removes the listener, if it is not gone; whether it was there. */
static bool
remove_if_there(gcw_listener *l)
{
    pthread_mutex_t *lock = gcw__listeners_lock(l->on.container);
    bool there;

    GCW__DELAY(2);
    gcw__lock(lock, true);
    there = !gcw__listener_is(l, GCW__IS_GONE);
    if (there)
        gcw__listener_remove(l);
    gcw__unlock(lock);
    return there;
}

bool
gcw_listener_disconnect(gcw_listener *l)
{
    void *object;
    bool ended;

    if (gcw__enter() != 0)
        return false;
    if (l == NULL)
        return gcw__fail_false(EINVAL);
    object = gcw__container_object(l->on.container);
    ended = object != NULL && remove_if_there(l);
    if (ended)
        gcw__containers_tidy();
    GCW__KEEP(object);
    return ended;
}

static bool
watches_live(struct gcw__pair pair)
{
    return (pair.first == NULL || gcw__read(pair.first->ref) != NULL)
           && (pair.second == NULL || gcw__read(pair.second->ref) != NULL);
}

bool
gcw_listener_connected(const gcw_listener *l)
{
    void *object;
    bool connected;

    if (gcw__enter() != 0)
        return false;
    if (l == NULL)
        return gcw__fail_false(EINVAL);
    object = gcw__container_object(l->on.container);
    connected = object != NULL && !gcw__listener_is(l, GCW__IS_GONE)
                && watches_live(gcw__listener_pair((gcw_listener *)l));
    GCW__KEEP(object);
    return connected;
}

/* Blocking. */

static int
block(gcw_listener *l)
{
    if (l->blocked == UINT16_MAX)
        return EOVERFLOW;
    if (l->blocked++ == 0)
        gcw__listener_block(l, true);
    return 0;
}

static int
unblock(gcw_listener *l)
{
    if (l->blocked == 0)
        return EINVAL;
    if (--l->blocked == 0)
        gcw__listener_block(l, false);
    return 0;
}

/* Calls how(l) under the lock, if the listener is connected. */
static void
change(gcw_listener *l, int (*how)(gcw_listener *l))
{
    pthread_mutex_t *lock = gcw__listeners_lock(l->on.container);
    void *object = gcw__container_object(l->on.container);
    int error = 0;

    if (object == NULL)
        return;
    gcw__lock(lock, true);
    if (!gcw__listener_is(l, GCW__IS_GONE))
        error = how(l);
    gcw__unlock(lock);
    GCW__KEEP(object);
    if (error != 0)
        errno = error;
}

static void
change_checked(gcw_listener *l, int (*how)(gcw_listener *l))
{
    if (gcw__enter() != 0)
        return;
    if (l == NULL)
        errno = EINVAL;
    else
        change(l, how);
}

void
gcw_listener_block(gcw_listener *l)
{
    change_checked(l, block);
}

void
gcw_listener_unblock(gcw_listener *l)
{
    change_checked(l, unblock);
}

/* Asking a listener, for emissions. */

static bool
bind_method(const gcw_listener *l, void (*code)(void), void *data,
            gcw_bound *out)
{
    bool weak = l->by == GCW__BY_WEAK_METHOD;

    out->self = gcw__read(l->on.watch.ref);
    out->fn = (gcw_method_fn *)code;
    out->data = weak ? gcw__read(data) : data;
    return out->self != NULL && (!weak || out->data != NULL);
}

static bool
bind_any(const gcw_listener *l, void (*code)(void), void *data,
         gcw_bound *out)
{
    if (l->by != GCW__BY_FUNCTION && l->by != GCW__BY_HUB_FUNCTION)
        return bind_method(l, code, data, out);
    *out = (gcw_bound){ NULL, (gcw_method_fn *)code, data };
    return true;
}

/* Disconnects a listener with GCW_ONCE, so that one of several threads calls
 * it.  False: another thread does, or the listener is blocked by now. */
static bool
take(gcw_listener *l)
{
    pthread_mutex_t *lock = gcw__listeners_lock(l->on.container);
    bool mine, once;

    GCW__DELAY(1);
    gcw__lock(lock, true);
    mine = !gcw__listener_is(l, GCW__IS_GONE | GCW__IS_BLOCKED);
    once = gcw__listener_is(l, GCW__IS_ONCE);
    if (mine && once)
        gcw__listener_remove(l);
    gcw__unlock(lock);
    if (mine && once)
        gcw__containers_tidy();
    return mine;
}

/* `data` was read before the state: see listeners.c. */
bool
gcw__slot_ask(const struct gcw__slot *slot, void *data, gcw_bound *out)
{
    gcw_listener *l = slot->listener;

    if (!gcw__slot_data_now(slot, &data)
        || gcw__listener_is(l, GCW__IS_GONE | GCW__IS_BLOCKED)
        || !bind_any(l, slot->code, data, out))
        return false;
    return !gcw__listener_is(l, GCW__IS_ONCE) || take(l);
}

/* Functions are called through their own type. */
void
gcw__slot_call_bound(const struct gcw__slot *slot, const gcw_bound *bound,
                     void *arg)
{
    void *self = bound->self, *data = bound->data;

    if (slot->listener->by == GCW__BY_FUNCTION)
        ((void (*)(void *, void *))slot->code)(arg, data);
    else if (slot->listener->by == GCW__BY_HUB_FUNCTION)
        ((void (*)(const gcw_emission *, void *))slot->code)(arg, data);
    else
        bound->fn(self, arg, data);
    GCW__KEEP(self);
    GCW__KEEP(data);
}

bool
gcw__slot_call_asked(const struct gcw__slot *slot, void *data, void *arg)
{
    gcw_bound bound;

    if (!gcw__slot_ask(slot, data, &bound))
        return false;
    gcw__slot_call_bound(slot, &bound, arg);
    return true;
}

void
gcw__listener_failed(const struct gcw__hook *hook, bool *failing,
                     const char *event, const struct gcw__slot *slot,
                     const char *why)
{
    gcw_listener *l = slot->listener;
    struct gcw__callback callback = { "listener", event, NULL,
                                      (uintptr_t)slot->code };

    if (*failing) {
        gcw__count_failure();
    } else {
        *failing = true;
        gcw__report_failure(&callback, l,
                            gcw__hook_get(hook, gcw__listeners_lock(
                                                    l->on.container)), why);
    }
    *failing = false;
}
