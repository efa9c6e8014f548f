/* hub.c: hubs.
 *
 * What the library hands to a listener, and keeps for those that are posted,
 * is the list (type source argument ...).
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

struct emission {
    gcw_hub *hub;
    char *type;
    void *source;
    SCM message;
    size_t called;
    int error;
};

static void *
emit(void *arg)
{
    struct emission *emission = arg;

    errno = 0;
    emission->called = gcw_hub_emit(emission->hub, emission->type,
                                    emission->source,
                                    SCM_UNPACK_POINTER(emission->message));
    emission->error = errno;
    return NULL;
}

static SCM
emission_result(size_t n, int error, const char *who)
{
    if (n == 0 && error == ENOMEM) {
        errno = error;
        gcwg_failed(who);
    }
    return scm_from_size_t(n);
}

static SCM
hub_emit(SCM hub, SCM type, SCM source, SCM arguments)
{
    static const char who[] = "hub-emit";
    struct emission emission = {
        .hub = gcwg_handle(GCWG_HUB, hub, 1, who),
        .source = gcwg_object_or_any(source, 3, who)
    };

    emission.type = gcwg_name(type, 2, who);
    emission.message = message(type, source, arguments);
    gcwg_outside(emit, &emission);
    free(emission.type);
    scm_remember_upto_here_2(hub, source);
    return emission_result(emission.called, emission.error, who);
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

struct dispatch {
    gcw_hub *hub;
    size_t max, made;
    int error;
};

static void *
make_emissions(void *arg)
{
    struct dispatch *dispatch = arg;

    errno = 0;
    dispatch->made = gcw_hub_dispatch(dispatch->hub, dispatch->max);
    dispatch->error = errno;
    return NULL;
}

static SCM
hub_dispatch(SCM hub, SCM max)
{
    static const char who[] = "hub-dispatch!";
    struct dispatch dispatch = {
        .hub = gcwg_handle(GCWG_HUB, hub, 1, who),
        .max = gcwg_count_or_0(max, 2, who)
    };

    gcwg_outside(make_emissions, &dispatch);
    scm_remember_upto_here_1(hub);
    return emission_result(dispatch.made, dispatch.error, who);
}

static SCM
hub_file_descriptor(SCM hub)
{
    static const char who[] = "hub-file-descriptor";
    int fd = gcw_hub_fd(gcwg_handle(GCWG_HUB, hub, 1, who));

    if (fd < 0)
        gcwg_failed(who);
    return scm_from_int(fd);
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
    { "hub-emit", 3, 0, 1, hub_emit },
    { "hub-post!", 3, 0, 1, hub_post },
    { "hub-dispatch!", 1, 1, 0, hub_dispatch },
    { "hub-file-descriptor", 1, 0, 0, hub_file_descriptor },
    { "hub-size", 1, 0, 0, hub_size },
    { "set-hub-error-handler!", 2, 0, 0, set_hub_error_handler },
};

void
gcwg_hub_init(void)
{
    GCWG_DEFINE(definitions);
}
