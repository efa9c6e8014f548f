/* exit.c: exit registries and their handlers.
 *
 * A thunk is registered as the method of an object that never dies, because
 * only methods are told the status.  At exit the library runs them; the
 * exiting thread may be in any mode, or unknown to Guile.  What a program runs
 * itself, Scheme steps through; unless it has, or had, a limit: the library sees
 * only the end of a call that it has made, so it runs that.
 */
#include "gcweak-guile.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static SCM default_registry;

/* The object of the thunks. */
static void *anchor;

/* The status for the handlers, as exit-status tells it; of each thread. */
static SCM status_fluid;

/* The runs of the library that this thread is a handler of, innermost. */
static _Thread_local const struct handler_call *running;

struct handler_call {
    struct gcwg_call call;
    const gcw_exit_info *info;
    const struct handler_call *outer;
};

static void *
call_with_status(void *arg)
{
    struct handler_call *handler = arg;

    scm_dynwind_begin(0);
    scm_dynwind_fluid(status_fluid, scm_from_int(handler->info->status));
    gcwg_call(&handler->call);
    scm_dynwind_end();
    return NULL;
}

/* Takes back `running`, which a failure would leave behind. */
static void *
call_handler(struct handler_call handler)
{
    handler.outer = running;
    running = &handler;
    gcwg_outside_anywhere(call_with_status, &handler);
    running = handler.outer;
    if (!handler.call.returned)
        gcwg_give_up(&handler.call);
    return NULL;
}

static void *
call_thunk(void *self, void *info, void *thunk)
{
    (void)self;
    return call_handler((struct handler_call){
        .call = { .procedure = SCM_PACK_POINTER(thunk), .arguments = SCM_EOL },
        .info = info
    });
}

static void *
call_method(void *self, void *info, void *procedure)
{
    return call_handler((struct handler_call){
        .call = { .procedure = SCM_PACK_POINTER(procedure), .object = self,
                  .arguments = SCM_EOL },
        .info = info
    });
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

gcw_method *
gcwg_handler_method(SCM callee)
{
    if (gcwg_is(GCWG_METHOD, callee))
        return gcwg_method_with(callee, call_method);
    return gcw_method_new(anchor, call_thunk, SCM_UNPACK_POINTER(callee));
}

static gcw_exit_handler *
register_handler(gcw_exit_registry *r, SCM callee,
                 const gcw_exit_options *options)
{
    gcw_method *m = gcwg_handler_method(callee);

    return m == NULL ? NULL : gcw_exit_register(r, m, options);
}

/* A number; or first or last, in words. */
static long
level(SCM x, int position, const char *who)
{
    if (scm_is_eq(x, scm_from_utf8_symbol("first")))
        return GCW_EXIT_FIRST;
    if (scm_is_eq(x, scm_from_utf8_symbol("last")))
        return GCW_EXIT_LAST;
    if (!scm_is_signed_integer(x, LONG_MIN, LONG_MAX))
        scm_wrong_type_arg_msg(who, position, x, "level");
    return scm_to_long(x);
}

/* Milliseconds; 0 for #f. */
static unsigned long
limit(SCM x, int position, const char *who)
{
    if (scm_is_false(x))
        return 0;
    if (!scm_is_unsigned_integer(x, 0, ULONG_MAX))
        scm_wrong_type_arg_msg(who, position, x, "count of milliseconds or #f");
    return scm_to_ulong(x);
}

/* With one, the library runs the registry from now on. */
static void
note_limit(SCM registry, unsigned long ms)
{
    struct gcwg_place *place = gcwg_place(registry);

    if (ms != 0)
        atomic_store(&place->has_limit, true);
}

static bool
has_limit(SCM registry)
{
    const struct gcwg_place *place = gcwg_place(registry);

    return atomic_load(&place->has_limit);
}

static SCM
has_limit_p(SCM registry)
{
    gcwg_handle(GCWG_REGISTRY, registry, 1, "exit-registry-run!");
    return scm_from_bool(has_limit(registry));
}

/* Whose name a report of the library shows: to it all handlers have the same
 * function.  NULL for a procedure that is held weakly. */
static void *
procedure_of(SCM callee)
{
    return gcwg_is(GCWG_METHOD, callee) ? gcwg_place(callee)
        : SCM_UNPACK_POINTER(callee);
}

/* With a limit, one that has no name has that of its procedure, which is long in
 * finding; as a property it may be anything. */
static SCM
name_of(SCM callee, SCM name, bool limited)
{
    void *procedure = procedure_of(callee);

    if (!scm_is_false(name) || !limited || procedure == NULL)
        return name;
    name = scm_procedure_name(SCM_PACK_POINTER(procedure));
    return scm_is_symbol(name) ? name : SCM_BOOL_F;
}

static gcw_exit_options
options_of(SCM keep, SCM inherit, SCM quick, SCM at, SCM ms, const char *who)
{
    return (gcw_exit_options){
        .keep = scm_is_true(keep), .inherit = scm_is_true(inherit),
        .quick = scm_is_true(quick), .level = level(at, 7, who),
        .limit = limit(ms, 8, who)
    };
}

static SCM
exit_handler_register(SCM callee, SCM registry, SCM name, SCM keep,
                      SCM inherit, SCM quick, SCM at, SCM ms)
{
    static const char who[] = "exit-handler-register!";
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 2, who);
    gcw_exit_options options = options_of(keep, inherit, quick, at, ms, who);
    gcw_exit_handler *h;
    char *text;

    gcwg_check_callee(callee, 1, who);
    note_limit(registry, options.limit);
    name = name_of(callee, name, has_limit(registry));
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

/* A run that Scheme steps through. */
struct run {
    struct gcwg_steps steps;
    gcw_exit_registry *registry;
    int status;
    gcw_call call;               /* the current one */
    gcw_exit_step step;
};

/* What is to be called, as Scheme has it. */
static bool
found(struct run *run, bool more)
{
    struct gcwg_steps *steps = &run->steps;

    if (!more)
        return false;
    run->call = run->step.call;
    steps->n++;
    steps->object = SCM_BOOL_F;
    steps->arguments = SCM_EOL;
    if (run->call.fn == (void (*)(void))call_method)
        steps->object = SCM_PACK_POINTER(run->call.self);
    else if (run->call.fn != (void (*)(void))call_thunk)
        return true;
    steps->procedure = SCM_PACK_POINTER(run->call.data);
    return true;
}

static bool
run_next(struct gcwg_steps *steps)
{
    struct run *run = (struct run *)steps;

    return found(run, gcw_exit_next(&run->step));
}

static bool
run_first(struct gcwg_steps *steps)
{
    struct run *run = (struct run *)steps;

    steps->next = run_next;
    return found(run, gcw_exit_first(run->registry, run->status, &run->step));
}

static SCM
run_steps(SCM registry, SCM status)
{
    static const char who[] = "exit-registry-run!";
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 1, who);
    int number = gcwg_int_or_0(status, 2, who);
    struct run *run = scm_gc_malloc(sizeof *run, "gcweak");

    run->steps = (struct gcwg_steps){
        .next = run_first, .who = who, .call = &run->call,
        .counts_failures = true
    };
    run->registry = r;
    run->status = number;
    return gcwg_steps_wrap(&run->steps);
}

/* Whether this is the current handler of the run. */
static SCM
run_is_at(SCM steps, SCM handler)
{
    const struct run *run = (struct run *)gcwg_steps_of(steps);

    return scm_from_bool(run->call.handle
                         == scm_foreign_object_ref(handler, 0));
}

/* What another run inside a handler changes: to be given back. */
struct place {
    SCM procedure;
    size_t n, n_failed;
    gcw_call call;
};

static SCM
run_enter(SCM steps)
{
    struct run *run = (struct run *)gcwg_steps_of(steps);
    struct place *place = scm_gc_malloc(sizeof *place, "gcweak");

    *place = (struct place){
        run->steps.procedure, run->steps.n, run->steps.n_failed, run->call
    };
    run->steps.n = run->steps.n_failed = 0;
    return scm_from_pointer(place, NULL);
}

static SCM
run_leave(SCM steps, SCM place)
{
    struct run *run = (struct run *)gcwg_steps_of(steps);
    const struct place *outer = SCM_POINTER_VALUE(place);

    run->steps.procedure = outer->procedure;
    run->steps.n = outer->n;
    run->steps.n_failed = outer->n_failed;
    run->call = outer->call;
    return SCM_UNSPECIFIED;
}

/* In a handler that the library has called, the library runs the rest. */
static SCM
library_runs_p(SCM registry)
{
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 1,
                                       "exit-registry-run!");
    const struct handler_call *handler = running;

    while (handler != NULL && handler->info->registry != r)
        handler = handler->outer;
    return scm_from_bool(handler != NULL);
}

struct library_run {
    gcw_exit_registry *registry;
    int status, failed, error;
};

static void *
run_now(void *arg)
{
    struct library_run *run = arg;

    errno = 0;
    run->failed = gcw_exit_run(run->registry, run->status);
    run->error = errno;
    return NULL;
}

static SCM
run_by_library(SCM registry, SCM status)
{
    static const char who[] = "exit-registry-run!";
    struct library_run run = {
        .registry = gcwg_handle(GCWG_REGISTRY, registry, 1, who),
        .status = gcwg_int_or_0(status, 2, who)
    };

    gcwg_outside(run_now, &run);
    if (run.failed < 0) {
        errno = run.error;
        gcwg_failed(who);
    }
    scm_remember_upto_here_1(registry);
    return scm_from_int(run.failed);
}

static SCM
set_exit_limit(SCM registry, SCM ms, SCM aborts)
{
    static const char who[] = "set-exit-limit!";
    gcw_exit_registry *r = gcwg_handle(GCWG_REGISTRY, registry, 1, who);
    unsigned long number = limit(ms, 2, who);

    if (gcw_exit_limit(r, number) != 0
        || gcw_exit_limit_abort(r, scm_is_true(aborts)) != 0)
        gcwg_failed(who);
    note_limit(registry, number);
    scm_remember_upto_here_1(registry);
    return SCM_UNSPECIFIED;
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
    return scm_fluid_ref(status_fluid);
}

static const struct gcwg_definition definitions[] = {
    { "make-exit-registry", 0, 1, 0, make_exit_registry },
    { "default-exit-registry", 0, 0, 0, get_default_registry },
    { "exit-registry?", 1, 0, 0, exit_registry_p },
    { "%exit-handler-register", 8, 0, 0, exit_handler_register },
    { "exit-handler?", 1, 0, 0, exit_handler_p },
    { "%exit-handler-unregister", 1, 0, 0, exit_handler_unregister },
    { "%run-steps", 2, 0, 0, run_steps },
    { "%run-at?", 2, 0, 0, run_is_at },
    { "%run-enter", 1, 0, 0, run_enter },
    { "%run-leave", 2, 0, 0, run_leave },
    { "%library-runs?", 1, 0, 0, library_runs_p },
    { "%run-by-library", 2, 0, 0, run_by_library },
    { "%has-limit?", 1, 0, 0, has_limit_p },
    { "%set-exit-limit", 3, 0, 0, set_exit_limit },
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
    status_fluid = scm_permanent_object(
        scm_make_thread_local_fluid(SCM_BOOL_F));
    scm_c_define("%status", status_fluid);
    GCWG_DEFINE(definitions);
}
