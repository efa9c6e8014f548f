/* emit.h: calling one listener.
 *
 * The part of an emission in which nanoseconds count: inline, for events and
 * for hubs.
 */
#ifndef GCW__EMIT_H
#define GCW__EMIT_H

#include "event/listeners.h"
#include "ground/delay.h"
#include "ground/hook.h"
#include "weak/ref.h"

#include <gcweak/hub.h>

/* Asks the listener in the slot whether it is to be called; if so, *out is
 * what to call it with, and keeps that alive (of a function only `data`
 * counts).  A listener with GCW_ONCE is disconnected.  `data` was read from
 * the slot before. */
bool gcw__slot_ask(const struct gcw__slot *slot, void *data, gcw_bound *out);

/* Calls the listener with what was bound, which stays alive until it has
 * returned. */
void gcw__slot_call_bound(const struct gcw__slot *slot, const gcw_bound *bound,
                          void *arg);

/* Asks the listener, and calls it.  False if it was not to be called. */
bool gcw__slot_call_asked(const struct gcw__slot *slot, void *data, void *arg);

static inline void *
gcw__slot_data(const struct gcw__slot *slot)
{
    return atomic_load_explicit(&slot->data, memory_order_acquire);
}

/* Calls the listener in the slot, whose object stays alive until it has
 * returned.  False if it was not to be called.  `settled` as for
 * gcw__read_at. */
static inline bool
gcw__slot_call(const struct gcw__slot *slot, void *arg, GC_word *settled)
{
    void *data = gcw__slot_data(slot);
    gcw_ref *ref;
    void *self;

    GCW__DELAY(1);
    ref = atomic_load_explicit(&slot->self, memory_order_acquire);
    GCW__DELAY(2);
    if (ref == &gcw__plain_function) {
        ((void (*)(void *, void *))slot->code)(arg, data);
        return true;
    }
    self = gcw__read_at(ref, settled);
    if (!GCW__LIKELY(self != NULL))
        return gcw__slot_call_asked(slot, data, arg);
    ((gcw_method_fn *)slot->code)(self, arg, data);
    GCW__KEEP(self);
    return true;
}

/* Reports a listener that has failed in an emission of `event`, a name or
 * NULL, to the hook of the event or hub.  *failing belongs to the emission,
 * and is false at first: a hook that fails in turn is not called for its
 * failure. */
void gcw__listener_failed(const struct gcw__hook *hook, bool *failing,
                          const char *event, const struct gcw__slot *slot,
                          const char *why);

#endif
