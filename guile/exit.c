/* exit.c: exit registries and their handlers.
 *
 * A thunk is registered as the method of an object that never dies, because
 * only methods are told the status.  The exiting thread may be in any mode,
 * or unknown to Guile.
 */
#include "gcweak-guile.h"

#include <stdlib.h>

static SCM default_registry;

/* The object of the thunks. */
static void *anchor;

/* The handler that this thread is running, innermost, or NULL. */
static _Thread_local const gcw_exit_info *running;

/* Takes back `running`, which a failure would leave behind. */
static void *
call_handler(const gcw_exit_info *info, struct gcwg_call *call)
{
    const gcw_exit_info *outer = running;

    running = info;
    gcwg_call_anywhere(call);
    running = outer;
    if (!call->returned)
        gcwg_give_up(call);
    return NULL;
}

static void *
call_thunk(void *self, void *info, void *thunk)
{
    struct gcwg_call call = {
        .procedure = SCM_PACK_POINTER(thunk), .arguments = SCM_EOL
    };

    (void)self;
    return call_handler(info, &call);
}

static void *
list_of(void *object)
{
    return SCM_UNPACK_POINTER(scm_list_1(SCM_PACK_POINTER(object)));
}

static void *
call_method(void *self, void *info, void *procedure)
{
    struct gcwg_call call = {
        .procedure = SCM_PACK_POINTER(procedure),
        .arguments = SCM_PACK_POINTER(scm_with_guile(list_of, self))
    };

    return call_handler(info, &call);
}

static SCM
wrap_registry(gcw_exit_registry *r, SCM name, const char *who)
{
    struct gcwg_place *place = gcwg_place_new("exit handler", name);

    if (r == NULL || gcw_exit_on_error(r, gcwg_handler_failed, place) != 0)
        gcwg_failed(who);
    return gcwg_wrap_place(GCWG_REGISTRY, r, place);
}

static SCM
make_exit_registry(SCM name)
{
    static const char who[] = "make-exit-registry";
    SCM given = SCM_UNBNDP(name) ? SCM_BOOL_F : name;
    char *text = gcwg_name(given, 1, who);
    gcw_exit_registry *r = gcw_exit_registry_new(text);

    free(text);
    return wrap_registry(r, given, who);
}

static SCM
get_default_registry(void)
{
    return default_registry;
}

static SCM
exit_registry_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_REGISTRY, x));
}

static gcw_method *
handler_method(SCM callee)
{
    if (gcwg_is(GCWG_METHOD, callee))
        return gcwg_method_with(callee, call_method);
    return gcw_method_new(anchor, call_thunk, SCM_UNPACK_POINTER(callee));
}

static gcw_exit_handler *
register_handler(gcw_exit_registry *r, SCM callee,
                 const gcw_exit_options *options)
{
    gcw_method *m = handler_method(callee);

    return m == NULL ? NULL : gcw_exit_register(r, m, options);
}

static SCM
exit_handler_register(SCM callee, SCM registry, SCM name, SCM keep,
                      SCM inherit, SCM quick)
{
    static const char who[] = "exit-handler-register!";
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 2, who);
    gcw_exit_options options = {
        .keep = scm_is_true(keep), .inherit = scm_is_true(inherit),
        .quick = scm_is_true(quick)
    };
    gcw_exit_handler *h;
    char *text;

    gcwg_check_callee(callee, 1, who);
    options.name = text = gcwg_name(name, 3, who);
    h = register_handler(r, callee, &options);
    free(text);
    if (h == NULL)
        gcwg_failed(who);
    scm_remember_upto_here_2(callee, registry);
    return gcwg_wrap(GCWG_HANDLER, h);
}

static SCM
exit_handler_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_HANDLER, x));
}

static SCM
exit_handler_unregister(SCM x)
{
    static const char who[] = "exit-handler-unregister!";

    switch (gcw_exit_unregister(gcwg_handle(GCWG_HANDLER, x, 1, who))) {
    case GCW_REMOVED:
        return scm_from_utf8_symbol("removed");
    case GCW_RUNNING:
        return scm_from_utf8_symbol("running");
    case GCW_GONE:
        return scm_from_utf8_symbol("gone");
    default:
        gcwg_failed(who);
    }
}

static SCM
exit_registry_run(SCM registry, SCM status)
{
    static const char who[] = "exit-registry-run!";
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 1, who);
    int failed = gcw_exit_run(r, gcwg_int_or_0(status, 2, who));

    if (failed < 0)
        gcwg_failed(who);
    scm_remember_upto_here_1(registry);
    return scm_from_int(failed);
}

static SCM
set_exit_error_handler(SCM registry, SCM handler)
{
    return gcwg_set_handler(GCWG_REGISTRY, registry, handler,
                            "set-exit-error-handler!");
}

static SCM
exit_status(void)
{
    return running == NULL ? SCM_BOOL_F : scm_from_int(running->status);
}

static const struct gcwg_definition definitions[] = {
    { "make-exit-registry", 0, 1, 0, make_exit_registry },
    { "default-exit-registry", 0, 0, 0, get_default_registry },
    { "exit-registry?", 1, 0, 0, exit_registry_p },
    { "%exit-handler-register", 6, 0, 0, exit_handler_register },
    { "exit-handler?", 1, 0, 0, exit_handler_p },
    { "exit-handler-unregister!", 1, 0, 0, exit_handler_unregister },
    { "exit-registry-run!", 1, 1, 0, exit_registry_run },
    { "set-exit-error-handler!", 2, 0, 0, set_exit_error_handler },
    { "exit-status", 0, 0, 0, exit_status },
};

void
gcwg_exit_init(void)
{
    anchor = SCM_UNPACK_POINTER(
        scm_permanent_object(scm_cons(SCM_EOL, SCM_EOL)));
    default_registry = scm_permanent_object(
        wrap_registry(gcw_exit_default(),
                      scm_from_utf8_symbol("default"), "gcweak"));
    GCWG_DEFINE(definitions);
}
