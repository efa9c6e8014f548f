/* emit.h: finding what is to be called for a listener.
 *
 * The part of an emission in which nanoseconds count: inline, for events and
 * for hubs, for those that call and those that are stepped through.
 */
#ifndef GCW__EMIT_H
#define GCW__EMIT_H

#include "event/listeners.h"
#include "ground/delay.h"
#include "ground/hook.h"
#include "weak/call.h"
#include "weak/ref.h"

/* Asks the listener in the slot whether it is to be called; if so, *out is
 * what to call, without the argument, and keeps that alive.  A listener with
 * GCW_ONCE is disconnected.  `data` was read from the slot before. */
bool gcw__slot_ask(const struct gcw__slot *slot, void *data, gcw_call *out);

/* The same, and calls it.  False if it was not to be called. */
bool gcw__slot_call_asked(const struct gcw__slot *slot, void *data, void *arg);

/* Whether it would be called; has no effect on the listener. */
bool gcw__slot_would_call(const struct gcw__slot *slot);

/* Makes *entry what the listener in the slot is, without its pattern; false if
 * it is gone, or known to be dead. */
bool gcw__slot_list(const struct gcw__slot *slot, gcw_listener_entry *entry);

static inline void *
gcw__slot_data(const struct gcw__slot *slot)
{
    return atomic_load_explicit(&slot->data, memory_order_acquire);
}

/* Makes *out the call for the listener in the slot, without the argument, as
 * far as that can be told at a glance.  Otherwise its kind is GCW_CALL_NONE,
 * and the listener must be asked, with out->data.  `settled` as for
 * gcw__read_at. */
static inline void
gcw__slot_look(const struct gcw__slot *slot, GC_word *settled, gcw_call *out)
{
    gcw_ref *ref;

    out->data = gcw__slot_data(slot);
    GCW__DELAY(1);
    ref = atomic_load_explicit(&slot->self, memory_order_acquire);
    GCW__DELAY(2);
    out->fn = slot->code;
    out->self = NULL;
    out->kind = GCW_CALL_LISTENER;
    if (ref == &gcw__plain_function)
        return;
    out->self = gcw__read_at(ref, settled);
    out->kind = GCW__LIKELY(out->self != NULL) ? GCW_CALL_METHOD
                                               : GCW_CALL_NONE;
}

/* Calls the listener in the slot, whose object stays alive until it has
 * returned.  False if it was not to be called. */
static inline bool
gcw__slot_call(const struct gcw__slot *slot, void *arg, GC_word *settled)
{
    gcw_call call;

    gcw__slot_look(slot, settled, &call);
    if (call.kind == GCW_CALL_LISTENER) {
        ((void (*)(void *, void *))call.fn)(arg, call.data);
        return true;
    }
    if (!GCW__LIKELY(call.kind == GCW_CALL_METHOD))
        return gcw__slot_call_asked(slot, call.data, arg);
    ((gcw_method_fn *)call.fn)(call.self, arg, call.data);
    GCW__KEEP(call.self);
    return true;
}

/* Makes *out the call for the listener in the slot, without the argument; false
 * if it is not to be called. */
static inline bool
gcw__slot_step(const struct gcw__slot *slot, GC_word *settled, gcw_call *out)
{
    gcw__slot_look(slot, settled, out);
    return out->kind != GCW_CALL_NONE || gcw__slot_ask(slot, out->data, out);
}

/* The slot of the next listener that is to be called, from *next to `end`, with
 * *out as its call, without the argument; NULL at the end.  *next is behind it
 * then. */
static inline const struct gcw__slot *
gcw__slots_step(const void **next, const void *end, gcw_call *out)
{
    GC_word settled = gcw__load_settled();

    while (*next != end) {
        const struct gcw__slot *slot = *next;

        *next = slot + 1;
        if (gcw__slot_step(slot, &settled, out))
            return slot;
    }
    return NULL;
}

/* Reports a listener that has failed in an emission of `event`, a name or
 * NULL, to the hook of the event or hub. */
void gcw__listener_failed(const struct gcw__hook *hook, const char *event,
                          gcw_listener *l, uintptr_t code, const char *why);

#endif
