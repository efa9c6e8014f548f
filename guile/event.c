/* event.c: events and listeners.
 *
 * What the library hands to a listener is the list of the arguments.
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
    gcw_event *event;
    SCM arguments;
    size_t called;
};

static void *
emit(void *arg)
{
    struct emission *emission = arg;

    emission->called = gcw_event_emit(
        emission->event, SCM_UNPACK_POINTER(emission->arguments));
    return NULL;
}

static SCM
event_emit(SCM event, SCM arguments)
{
    struct emission emission = {
        gcwg_handle(GCWG_EVENT, event, 1, "event-emit"), arguments, 0
    };

    if (gcw_event_count(emission.event) != 0)
        gcwg_outside(emit, &emission);
    scm_remember_upto_here_1(event);
    return scm_from_size_t(emission.called);
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
    { "event-emit", 1, 0, 1, event_emit },
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
