/* call.c: calls into Scheme out of the library's frames.
 *
 * Most calls are made by Scheme itself (step.c).  Those that are left come at
 * exit, at dlclose, on the drain's worker, in asyncs, and from C code that
 * emits or runs what belongs to Scheme.
 *
 * The library calls back from frames that hold its bookkeeping, which nothing
 * may jump over.  So a callback in Scheme must come back by the way that it
 * went, whatever it does:
 *   - what it throws ends in a catch of our own;
 *   - an escape to a prompt somewhere outside unwinds a frame of the dynamic
 *     wind on its way, which throws in its turn, to a key of our own, whose
 *     catch is just outside;
 *   - a full continuation meets a barrier, which is around the library's
 *     frames, once for all the calls that these make.
 */
#include "gcweak-guile.h"

#include <stdlib.h>

static SCM left_key, quit_key, misc_error_key;

static SCM
apply(void *arg)
{
    const struct gcwg_call *call = arg;

    if (call->object != NULL)
        return scm_apply_1(call->procedure, SCM_PACK_POINTER(call->object),
                           call->arguments);
    return scm_apply_0(call->procedure, call->arguments);
}

static SCM
thrown(void *arg, SCM key, SCM details)
{
    struct gcwg_call *call = arg;

    call->returned = false;
    call->key = key;
    call->details = details;
    return SCM_UNSPECIFIED;
}

static void
turn_back(void *unused)
{
    (void)unused;
    scm_throw(left_key, SCM_EOL);
}

/* The frame throws on every way out of it, also to an error that is on its
 * way to a catch: so that catch is within. */
static SCM
within_frame(void *call)
{
    scm_dynwind_begin(0);
    scm_dynwind_unwind_handler(turn_back, NULL, 0);
    scm_c_catch(SCM_BOOL_T, apply, call, thrown, call, NULL, NULL);
    scm_dynwind_end();
    return SCM_UNSPECIFIED;
}

static SCM
was_left(void *call, SCM key, SCM unused)
{
    SCM text = scm_from_utf8_string(
        "The callback was left by a non-local exit");

    (void)key;
    (void)unused;
    return thrown(call, misc_error_key,
                  scm_list_4(SCM_BOOL_F, text, SCM_EOL, SCM_BOOL_F));
}

/* A call of exit ends the process here, and not where the throw would have
 * arrived: that lies beyond the library's frames. */
void
gcwg_call(struct gcwg_call *call)
{
    call->returned = true;
    scm_c_catch(left_key, within_frame, call, was_left, call, NULL, NULL);
    if (!call->returned && scm_is_eq(call->key, quit_key))
        exit(scm_exit_status(call->details));
}

void
gcwg_outside(void *(*run)(void *data), void *data)
{
    scm_c_with_continuation_barrier(run, data);
}

/* This has a barrier of its own. */
void
gcwg_outside_anywhere(void *(*run)(void *data), void *data)
{
    scm_with_guile(run, data);
}

static void *
call_now(void *call)
{
    gcwg_call(call);
    return NULL;
}

void
gcwg_call_anywhere(struct gcwg_call *call)
{
    gcwg_outside_anywhere(call_now, call);
}

static SCM
keep(SCM x)
{
    scm_remember_upto_here_1(x);
    return SCM_UNSPECIFIED;
}

static const struct gcwg_definition definitions[] = {
    { "%keep", 1, 0, 0, keep },
};

static SCM
key(const char *name)
{
    return scm_permanent_object(scm_from_utf8_symbol(name));
}

void
gcwg_call_init(void)
{
    left_key = scm_permanent_object(
        scm_make_symbol(scm_from_utf8_string("callback-left")));
    quit_key = key("quit");
    misc_error_key = key("misc-error");
    GCWG_DEFINE(definitions);
}
