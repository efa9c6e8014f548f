/* exit-back.c: taking handlers back.
 *
 * By the handle, by the number, by what they call, all of them.  Under the exit
 * lock; the watches of a handler that was taken off are taken off their
 * references afterwards, for which other locks are needed.
 */
#include <config.h>
#include "exit/exit.h"

#include "exit/exit-ids.h"
#include "exit/exit-levels.h"

#include "ground/delay.h"
#include "ground/lock.h"
#include "weak/enter.h"
#include "weak/method.h"

/* Takes a handle off that is not gone; returns what gcw_exit_unregister does.
 * Lock held. */
static int
take_off(gcw_exit_handler *h)
{
    return gcw__exit_remove(h) ? GCW_REMOVED : GCW_RUNNING;
}

/* The same for what is in a slot, which may be a function without a handle; *h:
 * the handle, or NULL. */
static int
take_slot(gcw_exit_registry *r, struct gcw__order *o,
          struct gcw__exit_slot *slot, gcw_exit_handler **h)
{
    *h = gcw__exit_handle(slot);
    if (*h != NULL)
        return take_off(*h);
    gcw__exit_take_out(o, slot);
    gcw__exit_tidy(r, o);
    return GCW_REMOVED;
}

/* For a handle that was taken off, if any.  Lock not held. */
static void
unwatch_taken(gcw_exit_handler *h)
{
    if (h != NULL && h->has_extra)
        gcw__exit_unwatch(h);
}

int
gcw_exit_unregister(gcw_exit_handler *h)
{
    int found = GCW_GONE;

    __builtin_prefetch(h);   /* while the lock is taken */
    if (gcw__enter() != 0)
        return -1;
    if (h == NULL)
        return gcw__refuse_int(EINVAL, "given h", h);
    gcw__lock(&gcw__exit_lock, true);
    if (h->state != GCW__GONE)
        found = take_off(h);
    gcw__unlock(&gcw__exit_lock);
    GCW__DELAY(3);
    if (found != GCW_GONE)
        unwatch_taken(h);
    return found;
}

/* Numbers. */

/* The handler stays in memory: its token goes, but its registry, or the run, has
 * held it until then. */
static int
take_back_token(uint64_t id)
{
    gcw_exit_handler *h;
    int found = GCW_GONE;

    gcw__lock(&gcw__exit_lock, true);
    h = gcw__exit_id_find(id);
    if (h != NULL)
        found = take_off(h);
    gcw__unlock(&gcw__exit_lock);
    unwatch_taken(h);
    return found;
}

int
gcw__exit_take_back_id(uint64_t id)
{
    void *registry = gcw__exit_id_registry(id);
    int found = registry == NULL ? GCW_GONE : take_back_token(id);

    GCW__KEEP(registry);
    return found;
}

int
gcw__exit_take_back_number(uint64_t number)
{
    struct gcw__exit_slot *slot;
    gcw_exit_registry *r;
    gcw_exit_handler *h;
    int found = GCW_GONE;

    gcw__lock(&gcw__exit_lock, true);
    r = atomic_load(&gcw__exit_default);
    slot = gcw__order_numbered(&r->order, number);
    if (slot != NULL)
        found = take_slot(r, &r->order, slot, &h);
    else if (gcw__exit_number_runs(number))
        found = GCW_RUNNING;
    gcw__unlock(&gcw__exit_lock);
    return found;
}

/* What they call. */

/* Takes off the newest handler that is like that; returns what
 * gcw_exit_unregister does. */
static int
take_back(gcw_exit_registry *r, const struct gcw__exit_like *like)
{
    gcw_exit_handler *h = NULL;
    struct gcw__exit_slot *slot;
    struct gcw__order *o;
    int found = GCW_GONE;

    gcw__lock(&gcw__exit_lock, true);
    slot = gcw__levels_find(r, like, &o);
    if (slot != NULL)
        found = take_slot(r, o, slot, &h);
    gcw__unlock(&gcw__exit_lock);
    unwatch_taken(h);
    return found;
}

int
gcw__exit_take_back(gcw_exit_registry *r, enum gcw__exit_kind kind,
                    uintptr_t code)
{
    struct gcw__exit_like like = { .kind = kind, .code = code };

    return take_back(r, &like);
}

/* How many it takes off. */
static size_t
take_all_back(gcw_exit_registry *r, const struct gcw__exit_like *like)
{
    size_t n = 0;
    int found;

    gcw__exit_index(r);
    while ((found = take_back(r, like)) != GCW_GONE)
        n += found == GCW_REMOVED;
    return n;
}

size_t
gcw_exit_unregister_fn(gcw_exit_registry *r, void (*fn)(void *data))
{
    struct gcw__exit_like like = { .kind = GCW__FUNCTION,
                                   .code = (uintptr_t)fn };

    if (gcw__enter() != 0)
        return 0;
    if (r == NULL || fn == NULL)
        return gcw__refuse_zero(EINVAL, "given r, given fn", r, (void *)fn);
    return take_all_back(r, &like);
}

size_t
gcw_exit_unregister_method(gcw_exit_registry *r, const gcw_method *m)
{
    struct gcw__exit_like like = { .kind = GCW__METHOD, .method = m };

    if (gcw__enter() != 0)
        return 0;
    if (r == NULL || m == NULL)
        return gcw__refuse_zero(EINVAL, "given r, method m", r, m);
    like.self = m->self;
    return take_all_back(r, &like);
}

size_t
gcw_exit_unregister_object(gcw_exit_registry *r, const void *self)
{
    struct gcw__exit_like like = { .kind = GCW__METHOD };

    if (gcw__enter() != 0)
        return 0;
    if (r == NULL || gcw__base(self) == NULL)
        return gcw__refuse_zero(EINVAL, "given r, heap self", r, self);
    like.self = gcw_ref_find(self);
    return like.self == NULL ? 0 : take_all_back(r, &like);
}

/* All of them. */

/* Some handler: one that waits if there is one, else one that was set aside.  Lock
 * held. */
static struct gcw__exit_slot *
any_handler(gcw_exit_registry *r, struct gcw__order **o)
{
    struct gcw__exit_cursor all = GCW__FROM_ALL;
    struct gcw__exit_slot *slot;

    *o = gcw__levels_top(r);
    if (*o != NULL)
        return gcw__order_last(*o);
    slot = gcw__levels_next(r, &all);
    if (slot != NULL)
        *o = gcw__levels_order(r, &all);
    return slot;
}

/* Takes one off; returns what gcw_exit_unregister does. */
static int
take_any(gcw_exit_registry *r)
{
    gcw_exit_handler *h = NULL;
    struct gcw__exit_slot *slot;
    struct gcw__order *o;
    int found = GCW_GONE;

    gcw__lock(&gcw__exit_lock, true);
    slot = any_handler(r, &o);
    if (slot != NULL)
        found = take_slot(r, o, slot, &h);
    gcw__unlock(&gcw__exit_lock);
    unwatch_taken(h);
    return found;
}

size_t
gcw_exit_clear(gcw_exit_registry *r)
{
    size_t n = 0;
    int found;

    if (gcw__enter() != 0)
        return 0;
    if (r == NULL)
        return gcw__refuse_zero(EINVAL, "given r", r);
    while ((found = take_any(r)) != GCW_GONE)
        n += found == GCW_REMOVED;
    return n;
}
