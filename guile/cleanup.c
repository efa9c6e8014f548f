/* cleanup.c: cleanups, and the callbacks of methods' deaths.
 *
 * What waits in the library is a letter to the thread that is to run the
 * procedure; when the time has come it is delivered.  The second slot of a
 * cleanup's object is the letter.
 */
#include "gcweak-guile.h"

struct gcwg_place *gcwg_cleanups;

static void
object_died(void *letter)
{
    gcwg_deliver(letter);
}

static void
method_died(gcw_method *m, void *letter)
{
    (void)m;
    gcwg_deliver(letter);
}

struct gcwg_letter *
gcwg_letter_of(const gcw_call *call)
{
    if (call->fn == (void (*)(void))object_died
        || call->fn == (void (*)(void))method_died)
        return call->data;
    return NULL;
}

static SCM
wrap(gcw_cleanup *c, struct gcwg_letter *letter, const char *who)
{
    if (c == NULL)
        gcwg_failed(who);
    letter->handle = gcwg_wrap_place(GCWG_CLEANUP, c, letter);
    return letter->handle;
}

static SCM
checked_thread(SCM thread, const char *who)
{
    if (scm_is_false(scm_thread_p(thread)))
        scm_wrong_type_arg_msg(who, 0, thread, "thread");
    return thread;
}

/* Arguments that are the object would keep it for ever. */
static void
check_strangers(SCM object, SCM procedure, SCM arguments, const char *who)
{
    if (scm_is_eq(procedure, object)
        || scm_is_true(scm_memq(object, arguments)))
        scm_misc_error(who, "The object itself is part of its cleanup: ~S",
                       scm_list_1(object));
}

static SCM
cleanup_for(SCM object, SCM procedure, SCM arguments, SCM thread,
            const char *who)
{
    void *target = gcwg_object(object, 1, who);
    struct gcwg_letter *letter;
    SCM cleanup;

    gcwg_check_procedure(procedure, 2, who);
    check_strangers(object, procedure, arguments, who);
    letter = gcwg_letter_new(thread, procedure, arguments);
    cleanup = wrap(gcw_cleanup_new(target, object_died, letter), letter, who);
    scm_remember_upto_here_1(object);
    return cleanup;
}

static SCM
make_cleanup(SCM object, SCM procedure, SCM arguments)
{
    return cleanup_for(object, procedure, arguments, scm_current_thread(),
                       "make-cleanup");
}

static SCM
make_cleanup_for_thread(SCM object, SCM thunk, SCM thread)
{
    static const char who[] = "make-cleanup*";

    return cleanup_for(object, thunk, SCM_EOL, checked_thread(thread, who),
                       who);
}

static SCM
on_death(SCM method, SCM procedure, SCM thread)
{
    static const char who[] = "weak-method-on-death!";
    gcw_method *m = gcwg_handle(GCWG_METHOD, method, 1, who);
    struct gcwg_letter *letter;
    gcw_bound bound;
    SCM cleanup;

    gcwg_check_procedure(procedure, 2, who);
    letter = gcwg_letter_new(checked_thread(thread, who), procedure,
                             scm_list_1(method));
    gcw_method_bind(m, &bound);
    if (bound.self == SCM_UNPACK_POINTER(procedure))
        check_strangers(procedure, procedure, SCM_EOL, who);
    cleanup = wrap(gcw_method_on_death(m, method_died, letter), letter, who);
    scm_remember_upto_here_1(SCM_PACK_POINTER(bound.self));
    return cleanup;
}

static SCM
cleanup_p(SCM x)
{
    return scm_from_bool(gcwg_is(GCWG_CLEANUP, x));
}

static SCM
cleanup_alive_p(SCM x)
{
    return scm_from_bool(gcw_cleanup_alive(
        gcwg_handle(GCWG_CLEANUP, x, 1, "cleanup-alive?")));
}

static SCM
cleanup_target(SCM x)
{
    void *target = gcw_cleanup_peek(
        gcwg_handle(GCWG_CLEANUP, x, 1, "cleanup-target"));

    return target == NULL ? SCM_BOOL_F : SCM_PACK_POINTER(target);
}

/* On this thread, whoever it belonged to. */
static SCM
cleanup_run(SCM x)
{
    gcw_cleanup *c = gcwg_handle(GCWG_CLEANUP, x, 1, "cleanup-run!");

    if (gcw_cleanup_alive(c))
        gcwg_readdress(gcwg_place(x));
    return scm_from_bool(gcw_cleanup_run(c));
}

static SCM
cleanup_detach(SCM x)
{
    bool detached = gcw_cleanup_detach(
        gcwg_handle(GCWG_CLEANUP, x, 1, "cleanup-detach!"));

    if (detached)
        gcwg_letter_empty(gcwg_place(x));
    return scm_from_bool(detached);
}

static SCM
cleanup_at_exit_p(SCM x)
{
    return scm_from_bool(gcw_cleanup_atexit(
        gcwg_handle(GCWG_CLEANUP, x, 1, "cleanup-at-exit?")));
}

static SCM
set_cleanup_at_exit(SCM x, SCM at_exit)
{
    static const char who[] = "set-cleanup-at-exit!";

    if (gcw_cleanup_set_atexit(gcwg_handle(GCWG_CLEANUP, x, 1, who),
                               scm_is_true(at_exit)) != 0)
        gcwg_failed(who);
    return SCM_UNSPECIFIED;
}

static SCM
set_error_handler(SCM handler)
{
    gcwg_place_set_handler(gcwg_cleanups, handler, 1,
                           "set-cleanup-error-handler!");
    return SCM_UNSPECIFIED;
}

static const struct gcwg_definition definitions[] = {
    { "make-cleanup", 2, 0, 1, make_cleanup },
    { "%make-cleanup", 3, 0, 0, make_cleanup_for_thread },
    { "%on-death", 3, 0, 0, on_death },
    { "cleanup?", 1, 0, 0, cleanup_p },
    { "cleanup-alive?", 1, 0, 0, cleanup_alive_p },
    { "cleanup-target", 1, 0, 0, cleanup_target },
    { "cleanup-run!", 1, 0, 0, cleanup_run },
    { "cleanup-detach!", 1, 0, 0, cleanup_detach },
    { "cleanup-at-exit?", 1, 0, 0, cleanup_at_exit_p },
    { "set-cleanup-at-exit!", 2, 0, 0, set_cleanup_at_exit },
    { "set-cleanup-error-handler!", 1, 0, 0, set_error_handler },
};

void
gcwg_cleanup_init(void)
{
    gcwg_cleanups = gcwg_place_new("cleanup", SCM_BOOL_F);
    scm_permanent_object(scm_from_pointer(gcwg_cleanups, NULL));
    GCWG_DEFINE(definitions);
}
