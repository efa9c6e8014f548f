/* hub.c: hubs.
 *
 * What the library hands to a listener, and keeps for those that are posted,
 * is the list (type source argument ...).  Scheme steps through emissions, and
 * is told the list with each call.
 */
#include "gcweak-guile.h"

#include <errno.h>
#include <stdlib.h>

static void *
call_method(void *self, void *emission, void *procedure)
{
    return gcwg_call_method(self, ((const gcw_emission *)emission)->arg,
                            procedure);
}

static void
call_function(const gcw_emission *emission, void *procedure)
{
    gcwg_call_function(emission->arg, procedure);
}

static SCM
make_hub(void)
{
    gcw_hub *h = gcw_hub_new();
    struct gcwg_place *place = gcwg_place_new("listener of hub", SCM_BOOL_F);

    if (h == NULL || gcw_hub_on_error(h, gcwg_listener_failed, place) != 0)
        gcwg_failed("make-hub");
    return gcwg_wrap_place(GCWG_HUB, h, place);
}

static SCM
hub_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_HUB, x));
}

static gcw_listener *
connect(gcw_hub *h, const char *type, void *source, SCM callee,
        unsigned flags)
{
    gcw_method *m;

    if (!gcwg_is(GCWG_METHOD, callee))
        return gcw_hub_connect_fn(h, type, source, call_function,
                                  SCM_UNPACK_POINTER(callee), flags);
    m = gcwg_method_with(callee, call_method);
    return m == NULL ? NULL : gcw_hub_connect(h, type, source, m, flags);
}

/* A callee that the source is part of would keep it for ever. */
static void
check_source(SCM callee, SCM source, const char *who)
{
    if (scm_is_eq(callee, source)
        || (gcwg_is(GCWG_METHOD, callee)
            && gcwg_place(callee) == SCM_UNPACK_POINTER(source)))
        scm_misc_error(who, "The source is the procedure itself: ~S",
                       scm_list_1(source));
}

static SCM
hub_connect(SCM hub, SCM type, SCM source, SCM callee, SCM flags)
{
    static const char who[] = "hub-connect!";
    gcw_hub *h = gcwg_handle(GCWG_HUB, hub, 1, who);
    void *object = gcwg_object_or_any(source, 3, who);
    unsigned how = scm_to_uint(flags);
    gcw_listener *l;
    char *name;

    gcwg_check_callee(callee, 4, who);
    if (object != NULL)
        check_source(callee, source, who);
    name = gcwg_name(type, 2, who);
    l = connect(h, name, object, callee, how);
    free(name);
    if (l == NULL)
        gcwg_failed(who);
    scm_remember_upto_here(hub, source, callee);
    return gcwg_wrap(GCWG_LISTENER, l);
}

/* What is dead is connected to nothing. */
static bool
disconnect(gcw_hub *h, const char *type, void *source, SCM callee)
{
    gcw_method *m;

    if (!gcwg_is(GCWG_METHOD, callee))
        return gcw_hub_disconnect_fn(h, type, source, call_function,
                                     SCM_UNPACK_POINTER(callee));
    m = gcwg_method_with(callee, call_method);
    return m != NULL && gcw_hub_disconnect(h, type, source, m);
}

static SCM
hub_disconnect(SCM hub, SCM type, SCM source, SCM callee)
{
    static const char who[] = "hub-disconnect!";
    gcw_hub *h = gcwg_handle(GCWG_HUB, hub, 1, who);
    void *object = gcwg_object_or_any(source, 3, who);
    char *name;
    bool done;

    gcwg_check_callee(callee, 4, who);
    name = gcwg_name(type, 2, who);
    done = disconnect(h, name, object, callee);
    free(name);
    scm_remember_upto_here(hub, source, callee);
    return scm_from_bool(done);
}

/* The list for the listeners. */
static SCM
message(SCM type, SCM source, SCM arguments)
{
    if (scm_is_string(type))
        type = scm_string_to_symbol(type);
    return scm_cons2(type, source, arguments);
}

/* Stepping through an emission, or through all that were posted.  What is read
 * of the structure before the first step is kept outside of the library's. */
struct emissions {
    struct gcwg_steps steps;
    gcw_hub *hub;
    char *type;
    void *source;
    SCM message;
    size_t max;
    gcw_hub_step step;
};

/* What is to be called, as Scheme has it. */
static bool
found(struct emissions *emissions, bool more)
{
    struct gcwg_steps *steps = &emissions->steps;
    const gcw_call *call = steps->call;

    if (!more)
        return false;
    steps->object = SCM_BOOL_F;
    steps->arguments = SCM_PACK_POINTER(emissions->step.emission.arg);
    if (call->fn == (void (*)(void))call_method)
        steps->object = SCM_PACK_POINTER(call->self);
    else if (call->fn != (void (*)(void))call_function)
        return true;
    steps->procedure = SCM_PACK_POINTER(call->data);
    return true;
}

static bool
emission_next(struct gcwg_steps *steps)
{
    struct emissions *e = (struct emissions *)steps;
    bool more = gcw_hub_next(&e->step);

    steps->n += more;
    return found(e, more);
}

static bool
emission_first(struct gcwg_steps *steps)
{
    struct emissions *e = (struct emissions *)steps;
    bool more = gcw_hub_first(e->hub, e->type, e->source,
                              SCM_UNPACK_POINTER(e->message), &e->step);

    steps->next = emission_next;
    steps->n += more;
    return found(e, more);
}

static struct emissions *
emissions_new(SCM hub, const char *who,
              bool (*first)(struct gcwg_steps *steps))
{
    gcw_hub *h = gcwg_handle(GCWG_HUB, hub, 1, who);
    struct emissions *e = scm_gc_malloc(sizeof *e, "gcweak");

    e->steps = (struct gcwg_steps){
        .next = first, .who = who, .call = &e->step.call
    };
    e->hub = h;
    return e;
}

static SCM
hub_steps(SCM hub, SCM type, SCM source, SCM arguments)
{
    static const char who[] = "hub-emit";
    struct emissions *e = emissions_new(hub, who, emission_first);
    char *name;

    e->source = gcwg_object_or_any(source, 3, who);
    name = gcwg_name(type, 2, who);
    if (name != NULL) {
        e->type = scm_gc_strdup(name, "gcweak");
        free(name);
    }
    e->message = message(type, source, arguments);
    return gcwg_steps_wrap(&e->steps);
}

static SCM
hub_post(SCM hub, SCM type, SCM source, SCM arguments)
{
    static const char who[] = "hub-post!";
    gcw_hub *h = gcwg_handle(GCWG_HUB, hub, 1, who);
    void *object = gcwg_object_or_any(source, 3, who);
    char *name = gcwg_name(type, 2, who);
    SCM list = message(type, source, arguments);
    int result = gcw_hub_post(h, name, object, SCM_UNPACK_POINTER(list));

    free(name);
    if (result != 0)
        gcwg_failed(who);
    scm_remember_upto_here_2(hub, source);
    return SCM_UNSPECIFIED;
}

static bool
dispatch_next(struct gcwg_steps *steps)
{
    struct emissions *e = (struct emissions *)steps;
    bool more = gcw_hub_dispatch_next(&e->step);

    steps->n = e->step.made;
    return found(e, more);
}

static bool
dispatch_first(struct gcwg_steps *steps)
{
    struct emissions *e = (struct emissions *)steps;
    bool more = gcw_hub_dispatch_first(e->hub, e->max, &e->step);

    steps->next = dispatch_next;
    steps->n = e->step.made;
    return found(e, more);
}

static SCM
dispatch_steps(SCM hub, SCM max)
{
    static const char who[] = "hub-dispatch!";
    struct emissions *e = emissions_new(hub, who, dispatch_first);

    e->max = gcwg_count_or_0(max, 2, who);
    return gcwg_steps_wrap(&e->steps);
}

static int
descriptor(SCM hub, const char *who)
{
    int fd = gcw_hub_fd(gcwg_handle(GCWG_HUB, hub, 1, who));

    if (fd < 0)
        gcwg_failed(who);
    return fd;
}

static SCM
hub_file_descriptor(SCM hub)
{
    int fd = descriptor(hub, "hub-file-descriptor");

    scm_remember_upto_here_1(hub);
    return scm_from_int(fd);
}

static SCM
hub_port(SCM hub)
{
    static const char who[] = "hub-port";
    SCM port = gcwg_port(descriptor(hub, who), who);

    scm_remember_upto_here_1(hub);
    return port;
}

static SCM
entry(const char *name, size_t n, SCM rest)
{
    return scm_acons(scm_from_utf8_symbol(name), scm_from_size_t(n), rest);
}

static SCM
hub_size(SCM hub)
{
    static const char who[] = "hub-size";
    gcw_hub_size size;
    SCM list = SCM_EOL;

    if (gcw_hub_measure(gcwg_handle(GCWG_HUB, hub, 1, who), &size) != 0)
        gcwg_failed(who);
    list = entry("bytes", size.bytes, list);
    list = entry("posted", size.posted, list);
    list = entry("types", size.types, list);
    list = entry("patterns", size.patterns, list);
    return entry("listeners", size.listeners, list);
}

static SCM
set_hub_error_handler(SCM hub, SCM handler)
{
    return gcwg_set_handler(GCWG_HUB, hub, handler, "set-hub-error-handler!");
}

static const struct gcwg_definition definitions[] = {
    { "make-hub", 0, 0, 0, make_hub },
    { "hub?", 1, 0, 0, hub_p },
    { "%hub-connect", 5, 0, 0, hub_connect },
    { "hub-disconnect!", 4, 0, 0, hub_disconnect },
    { "%hub-steps", 4, 0, 0, hub_steps },
    { "hub-post!", 3, 0, 1, hub_post },
    { "%dispatch-steps", 2, 0, 0, dispatch_steps },
    { "hub-file-descriptor", 1, 0, 0, hub_file_descriptor },
    { "%hub-port", 1, 0, 0, hub_port },
    { "hub-size", 1, 0, 0, hub_size },
    { "set-hub-error-handler!", 2, 0, 0, set_hub_error_handler },
};

void
gcwg_hub_init(void)
{
    GCWG_DEFINE(definitions);
}
