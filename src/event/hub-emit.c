/* hub-emit.c: emitting through a hub, by calling the listeners.
 *
 * An emission that steps through its own lists (hub-step.c), in a guard, and
 * makes each call at once.
 */
#include <config.h>
#include "event/hub-step.h"

#include "event/emit.h"
#include "event/emitting.h"
#include "event/hub.h"
#include "ground/trace.h"
#include "weak/enter.h"

#include <string.h>

enum { FEW = 32 };

/* An emission that calls. */
struct emission {
    gcw_hub_step step;
    size_t passed_over;
    const void *told;                /* the slot whose listener has said that it
                                      * failed */
    const struct gcw__slot *current;
};

/* A listener may do anything to the hub, and let go of all
 * but this stack: only `run` is relied on, and what is constant in the
 * arrays. */

static bool
emit_one_list(void *emission)
{
    struct emission *run = emission;
    struct gcw_hub_step_list *list = &run->step.lists[0];
    GC_word settled = gcw__load_settled();

    while (list->next != list->end) {
        run->current = list->next;
        list->next = run->current + 1;
        run->step.emission.listener = run->current->listener;
        if (!gcw__slot_call(run->current, &run->step.emission, &settled))
            run->passed_over++;
    }
    return false;
}

static bool
emit_lists(void *emission)
{
    struct emission *run = emission;
    gcw_call call;

    while ((run->current = gcw__hub_next_of_many(&run->step, &run->passed_over,
                                        &call)) != NULL) {
        run->step.emission.listener = run->current->listener;
        call.arg = &run->step.emission;
        gcw__call_make(&call);
    }
    return false;
}

static void
hub_listener_told(void *emission, const char *why)
{
    struct emission *run = emission;

    if (run->told == run->current)
        return;
    run->told = run->current;
    gcw__listener_failed(&run->step.emission.hub->hook,
                         run->step.emission.type, run->current->listener,
                         (uintptr_t)run->current->code, why);
}

static gcw_listener *
hub_current(const void *emission)
{
    const struct emission *run = emission;

    return run->current == NULL ? NULL : run->current->listener;
}

/* Of each list the listeners that are left count as passed over. */
static void
stop_hub(void *emission)
{
    struct emission *run = emission;

    for (size_t i = 0; i < run->step.n_lists; i++) {
        struct gcw_hub_step_list *list = &run->step.lists[i];

        run->passed_over += (size_t)((const struct gcw__slot *)list->end
                                     - (const struct gcw__slot *)list->next);
        list->end = list->next;
    }
}

const struct gcw__emitting gcw__hub_emitting_one = {
    { emit_one_list, hub_listener_told, hub_listener_told },
    hub_current, stop_hub
};

const struct gcw__emitting gcw__hub_emitting_many = {
    { emit_lists, hub_listener_told, hub_listener_told },
    hub_current, stop_hub
};

/* Emits to several lists.  In a function of its own, because of the stack that
 * it takes.  False: no memory, and nothing was called. */
static bool
emit_merged(struct emission *run)
{
    struct gcw__entry entries[2 * FEW];
    struct gcw__identity identities[FEW];
    struct gcw__called called = { { entries, 2 * FEW, 0 }, identities, 0 };

    if (run->step.n_listeners <= FEW)
        memset(entries, 0, sizeof entries);
    else if (!gcw__called_get_room(&called, run->step.n_listeners))
        return false;
    run->step.called = &called;
    gcw__guard_run(run, &gcw__hub_emitting_many.guard);
    return true;
}

bool
gcw__hub_emit(gcw_hub *h, const char *type, void *source, void *arg,
              size_t *called)
{
    struct emission run;

    GCW__TRACE2(emit__begin, h, type);
    run.step.emission = (gcw_emission){ h, NULL, type, source, arg };
    run.step.n_lists = run.step.n_listeners = run.passed_over = 0;
    run.told = run.current = NULL;
    gcw__hub_take_listeners(&run.step);
    if (run.step.n_lists == 1)
        gcw__guard_run(&run, &gcw__hub_emitting_one.guard);
    else if (run.step.n_lists > 1 && !emit_merged(&run))
        return false;
    for (size_t i = 0; i < run.step.n_lists; i++)
        GCW__KEEP(run.step.lists[i].array);
    *called = run.step.n_listeners - run.passed_over;
    GCW__TRACE2(emit__end, h, *called);
    GCW__KEEP(h);
    GCW__KEEP(source);
    return true;
}

size_t
gcw_hub_emit(gcw_hub *h, const char *type, void *source, void *arg)
{
    size_t called = 0;

    if (gcw__enter() != 0)
        return 0;
    if (h == NULL)
        gcw__refuse(EINVAL, "given h", h);
    else if (!gcw__hub_emit(h, type, source, arg, &called))
        errno = ENOMEM;
    return called;
}
