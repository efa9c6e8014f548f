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
#include "weak/label.h"

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
gcw__listener_end(gcw_listener *l)
{
    void *object = gcw__container_object(l->on.container);
    bool ended = object != NULL && remove_if_there(l);

    GCW__KEEP(object);
    return ended;
}

bool
gcw_listener_disconnect(gcw_listener *l)
{
    bool ended;

    if (gcw__enter() != 0)
        return false;
    if (l == NULL)
        return gcw__refuse_false(EINVAL, "given l", l);
    ended = gcw__listener_end(l);
    if (ended)
        gcw__containers_tidy();
    return ended;
}

bool
gcw_listener_connected(const gcw_listener *l)
{
    void *object;
    bool connected;

    if (gcw__enter() != 0)
        return false;
    if (l == NULL)
        return gcw__refuse_false(EINVAL, "given l", l);
    object = gcw__container_object(l->on.container);
    connected = object != NULL && !gcw__listener_is(l, GCW__IS_GONE)
                && gcw__pair_alive_now(gcw__listener_pair((gcw_listener *)l));
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

static const char *
function_that(int (*how)(gcw_listener *l))
{
    return how == block ? "gcw_listener_block" : "gcw_listener_unblock";
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
        gcw__refused(function_that(how), error, error == EINVAL
                     ? "because l is not blocked"
                     : "because l is blocked 65535 times");
}

static void
change_checked(gcw_listener *l, int (*how)(gcw_listener *l))
{
    if (gcw__enter_for(function_that(how)) != 0)
        return;
    if (l == NULL)
        gcw__refused(function_that(how), EINVAL, "given l", l);
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

bool
gcw_listener_blocked(const gcw_listener *l)
{
    void *object;
    bool blocked;

    if (gcw__enter() != 0)
        return false;
    if (l == NULL)
        return gcw__refuse_false(EINVAL, "given l", l);
    object = gcw__container_object(l->on.container);
    blocked = object != NULL && !gcw__listener_is(l, GCW__IS_GONE)
              && gcw__listener_is(l, GCW__IS_BLOCKED);
    GCW__KEEP(object);
    return blocked;
}

/* Asking a listener, for emissions. */

static bool
bind_method(const gcw_listener *l, void *data, gcw_call *out)
{
    bool weak = l->by == GCW__BY_WEAK_METHOD;

    out->kind = GCW_CALL_METHOD;
    out->self = gcw__read(l->on.watch.ref);
    out->data = weak ? gcw__read(data) : data;
    return out->self != NULL && (!weak || out->data != NULL);
}

static bool
bind_any(const gcw_listener *l, void *data, gcw_call *out)
{
    if (l->by != GCW__BY_FUNCTION && l->by != GCW__BY_HUB_FUNCTION)
        return bind_method(l, data, out);
    out->kind = l->by == GCW__BY_FUNCTION ? GCW_CALL_LISTENER
                                          : GCW_CALL_HUB_LISTENER;
    out->self = NULL;
    out->data = data;
    return true;
}

static bool
may_call(const gcw_listener *l)
{
    return !gcw__listener_is(l, GCW__IS_GONE | GCW__IS_BLOCKED)
           && !gcw__listener_is_muted(l);
}

/* Disconnects a listener with GCW_ONCE, so that one of several threads calls
 * it.  False: another thread does, or the listener is blocked or muted by now. */
static bool
take(gcw_listener *l)
{
    pthread_mutex_t *lock = gcw__listeners_lock(l->on.container);
    bool mine, once;

    GCW__DELAY(1);
    gcw__lock(lock, true);
    mine = may_call(l);
    once = gcw__listener_is(l, GCW__IS_ONCE);
    if (mine && once)
        gcw__listener_remove(l);
    gcw__unlock(lock);
    if (mine && once)
        gcw__containers_tidy();
    return mine;
}

/* `data` was read before the state: see listeners.c. */
static bool
look_closely(const struct gcw__slot *slot, void *data, gcw_call *out)
{
    out->fn = slot->code;
    return gcw__slot_data_now(slot, &data) && may_call(slot->listener)
           && bind_any(slot->listener, data, out);
}

bool
gcw__slot_ask(const struct gcw__slot *slot, void *data, gcw_call *out)
{
    gcw_listener *l = slot->listener;

    return look_closely(slot, data, out)
           && (!gcw__listener_is(l, GCW__IS_ONCE) || take(l));
}

bool
gcw__slot_would_call(const struct gcw__slot *slot)
{
    gcw_call call;

    return look_closely(slot, gcw__slot_data(slot), &call);
}

bool
gcw__slot_call_asked(const struct gcw__slot *slot, void *data, void *arg)
{
    gcw_call call;

    if (!gcw__slot_ask(slot, data, &call))
        return false;
    call.arg = arg;
    gcw__call_make(&call);
    return true;
}

void
gcw__listener_failed(const struct gcw__hook *hook, const char *event,
                     gcw_listener *l, uintptr_t code, const char *why)
{
    struct gcw__callback callback = { "listener", event, gcw__label_of(l),
                                      code };

    gcw__report_failure(&callback, l,
                        gcw__hook_get(hook, gcw__listeners_lock(
                                                l->on.container)), why);
}
