/* exit-handler.c: what a handler is; the default registry. */
#include <config.h>
#include "exit/exit.h"

#include "ground/report.h"
#include "weak/method.h"

pthread_mutex_t gcw__exit_lock = PTHREAD_MUTEX_INITIALIZER;

/* The default registry before the start, and from then on, have their turn in
 * common: a run may be under way. */
static struct gcw__exit_turn default_turn;

gcw_exit_registry gcw__exit_early = {
    .order = { .before_start = true }, .is_default = true,
    .turn = &default_turn
};

gcw_exit_registry *_Atomic gcw__exit_default = &gcw__exit_early;

uintptr_t
gcw__exit_code(const gcw_exit_handler *h)
{
    return h->kind == GCW__METHOD ? (uintptr_t)h->call.method->fn
                                  : (uintptr_t)h->call.function;
}

uintptr_t
gcw__exit_slot_code(const struct gcw__exit_slot *slot)
{
    const gcw_exit_handler *h = gcw__exit_handle(slot);

    return h == NULL ? (uintptr_t)slot->call.function : gcw__exit_code(h);
}

enum gcw__exit_kind
gcw__exit_slot_kind(const struct gcw__exit_slot *slot)
{
    const gcw_exit_handler *h = gcw__exit_handle(slot);

    return h == NULL ? slot->kind : h->kind;
}

const char *
gcw__exit_name(const gcw_exit_handler *h)
{
    return h->has_extra ? h->more.extra->name : NULL;
}

struct gcw__callback
gcw__exit_callback(const struct gcw__exit_slot *slot, const char *sort)
{
    const gcw_exit_handler *h = gcw__exit_handle(slot);

    return (struct gcw__callback){ sort, NULL,
                                   h == NULL ? NULL : gcw__exit_name(h),
                                   gcw__exit_slot_code(slot) };
}

void
gcw__exit_skipped(const struct gcw__exit_slot *slot, const char *why)
{
    struct gcw__callback callback = gcw__exit_callback(slot, "handler");

    if (gcw__told(GCW_TOLD_EXIT))
        gcw__report_skipped(&callback, GCW_TOLD_EXIT, why);
}
