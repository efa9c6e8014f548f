/* event.c: events and listeners.
 *
 * What the library hands to a listener is the list of the arguments; Scheme,
 * which steps through emissions, has them itself.
 */
#include "gcweak-guile.h"

#include <errno.h>
#include <stdlib.h>

static SCM
make_event(SCM name)
{
    static const char who[] = "make-event";
    SCM given = SCM_UNBNDP(name) ? SCM_BOOL_F : name;
    char *text = gcwg_name(given, 1, who);
    gcw_event *e = gcw_event_new(text);
    struct gcwg_place *place;

    free(text);
    if (e == NULL)
        gcwg_failed(who);
    place = gcwg_place_new("listener of event", given);
    if (gcw_event_on_error(e, gcwg_listener_failed, place) != 0)
        gcwg_failed(who);
    return gcwg_wrap_place(GCWG_EVENT, e, place);
}

static SCM
event_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_EVENT, x));
}

static SCM
event_connect(SCM event, SCM callee, SCM flags)
{
    static const char who[] = "event-connect!";
    gcw_event *e = gcwg_handle(GCWG_EVENT, event, 1, who);
    unsigned how = scm_to_uint(flags);
    gcw_listener *l;

    gcwg_check_callee(callee, 2, who);
    if (gcwg_is(GCWG_METHOD, callee))
        l = gcw_event_connect(e, scm_foreign_object_ref(callee, 0), how);
    else
        l = gcw_event_connect_fn(e, gcwg_call_function,
                                 SCM_UNPACK_POINTER(callee), how);
    if (l == NULL)
        gcwg_failed(who);
    scm_remember_upto_here_2(event, callee);
    return gcwg_wrap(GCWG_LISTENER, l);
}

static size_t
disconnect(gcw_event *e, SCM callee)
{
    if (gcwg_is(GCWG_METHOD, callee))
        return gcw_event_disconnect(e, scm_foreign_object_ref(callee, 0));
    return gcw_event_disconnect_fn(e, gcwg_call_function,
                                   SCM_UNPACK_POINTER(callee));
}

static SCM
event_disconnect(SCM event, SCM callee)
{
    static const char who[] = "event-disconnect!";
    gcw_event *e = gcwg_handle(GCWG_EVENT, event, 1, who);
    size_t n;

    gcwg_check_callee(callee, 2, who);
    errno = 0;
    n = disconnect(e, callee);
    if (n == 0 && errno != 0)
        gcwg_failed(who);
    return scm_from_size_t(n);
}

struct emission {
    struct gcwg_steps steps;
    gcw_event_step step;
};

/* What is to be called, as Scheme has it. */
static bool
found(struct gcwg_steps *steps, bool more)
{
    const gcw_call *call = steps->call;

    steps->object = SCM_BOOL_F;
    if (!more)
        return false;
    steps->n++;
    if (call->fn == (void (*)(void))gcwg_call_method)
        steps->object = SCM_PACK_POINTER(call->self);
    else if (call->fn != (void (*)(void))gcwg_call_function)
        return true;
    steps->procedure = SCM_PACK_POINTER(call->data);
    return true;
}

static bool
next(struct gcwg_steps *steps)
{
    return found(steps,
                 gcw_event_next(&((struct emission *)steps)->step));
}

static bool
first(struct gcwg_steps *steps)
{
    struct emission *emission = (struct emission *)steps;
    gcw_event *e = emission->step.event;

    steps->next = next;
    return found(steps,
                 gcw_event_first(e, SCM_UNPACK_POINTER(steps->arguments),
                                 &emission->step));
}

/* #f if there are no listeners. */
static SCM
event_steps(SCM event, SCM arguments)
{
    static const char who[] = "event-emit";
    gcw_event *e = gcwg_handle(GCWG_EVENT, event, 1, who);
    struct emission *emission;

    if (gcw_event_count(e) == 0)
        return SCM_BOOL_F;
    emission = scm_gc_malloc(sizeof *emission, "gcweak");
    emission->steps = (struct gcwg_steps){
        .next = first, .who = who, .call = &emission->step.call,
        .arguments = arguments
    };
    emission->step.event = e;
    return gcwg_steps_wrap(&emission->steps);
}

static SCM
event_count(SCM event)
{
    return scm_from_size_t(gcw_event_count(
        gcwg_handle(GCWG_EVENT, event, 1, "event-count")));
}

static SCM
set_event_error_handler(SCM event, SCM handler)
{
    return gcwg_set_handler(GCWG_EVENT, event, handler,
                            "set-event-error-handler!");
}

/* Listeners, of events and of hubs. */

static SCM
listener_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_LISTENER, x));
}

static SCM
listener_disconnect(SCM x)
{
    return scm_from_bool(gcw_listener_disconnect(
        gcwg_handle(GCWG_LISTENER, x, 1, "listener-disconnect!")));
}

static SCM
listener_connected_p(SCM x)
{
    return scm_from_bool(gcw_listener_connected(
        gcwg_handle(GCWG_LISTENER, x, 1, "listener-connected?")));
}

static SCM
listener_change(SCM x, void (*change)(gcw_listener *l), const char *who)
{
    gcw_listener *l = gcwg_handle(GCWG_LISTENER, x, 1, who);

    errno = 0;
    change(l);
    if (errno != 0)
        gcwg_failed(who);
    return SCM_UNSPECIFIED;
}

static SCM
listener_block(SCM x)
{
    return listener_change(x, gcw_listener_block, "listener-block!");
}

static SCM
listener_unblock(SCM x)
{
    return listener_change(x, gcw_listener_unblock, "listener-unblock!");
}

static const struct gcwg_definition definitions[] = {
    { "make-event", 0, 1, 0, make_event },
    { "event?", 1, 0, 0, event_p },
    { "%event-connect", 3, 0, 0, event_connect },
    { "event-disconnect!", 2, 0, 0, event_disconnect },
    { "%event-steps", 2, 0, 0, event_steps },
    { "event-count", 1, 0, 0, event_count },
    { "set-event-error-handler!", 2, 0, 0, set_event_error_handler },
    { "listener?", 1, 0, 0, listener_p },
    { "listener-disconnect!", 1, 0, 0, listener_disconnect },
    { "listener-connected?", 1, 0, 0, listener_connected_p },
    { "listener-block!", 1, 0, 0, listener_block },
    { "listener-unblock!", 1, 0, 0, listener_unblock },
};

void
gcwg_event_init(void)
{
    GCWG_DEFINE(definitions);
}
