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

static inline void *
gcw__slot_data(const struct gcw__slot *slot)
{
    return atomic_load_explicit(&slot->data, memory_order_acquire);
}

/* The same, for the inline part, whose *out never lies in memory. */
static inline bool
gcw__slot_asked(const struct gcw__slot *slot, void *data, gcw_call *out)
{
    gcw_call asked;

    if (!gcw__slot_ask(slot, data, &asked))
        return false;
    out->kind = asked.kind;
    out->self = asked.self;
    out->data = asked.data;
    return true;
}

/* The call for the listener in the slot, without the argument; false if it is
 * not to be called.  `settled` as for gcw__read_at. */
static inline bool
gcw__slot_call(const struct gcw__slot *slot, GC_word *settled, gcw_call *out)
{
    void *data = gcw__slot_data(slot);
    gcw_ref *ref;

    GCW__DELAY(1);
    ref = atomic_load_explicit(&slot->self, memory_order_acquire);
    GCW__DELAY(2);
    out->fn = slot->code;
    if (ref == &gcw__plain_function) {
        out->kind = GCW_CALL_LISTENER;
        out->self = NULL;
        out->data = data;
        return true;
    }
    out->self = gcw__read_at(ref, settled);
    if (!GCW__LIKELY(out->self != NULL))
        return gcw__slot_asked(slot, data, out);
    out->kind = GCW_CALL_METHOD;
    out->data = data;
    return true;
}

/* The call for the next listener from *at on that is to be called; *at is the
 * slot behind it then.  False at the end.  Counts those that it passes over. */
static inline bool
gcw__next_call(const struct gcw__slot **at, const struct gcw__slot *end,
               GC_word *settled, size_t *passed_over, gcw_call *out)
{
    while (*at != end) {
        const struct gcw__slot *slot = (*at)++;

        if (GCW__LIKELY(gcw__slot_call(slot, settled, out)))
            return true;
        ++*passed_over;
    }
    return false;
}

/* Reports a listener that has failed in an emission of `event`, a name or
 * NULL, to the hook of the event or hub. */
void gcw__listener_failed(const struct gcw__hook *hook, const char *event,
                          gcw_listener *l, uintptr_t code, const char *why);

#endif
