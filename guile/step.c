/* step.c: what Scheme steps through.
 *
 * gcweak.scm makes the calls itself, so that no frame of C lies below them: a
 * callback may suspend its fiber and be resumed, and escape, as anything that
 * Scheme calls.  What it steps through is a vector:
 *
 *     0   a struct gcwg_steps
 *     1   the object of the method that is to be called; #f: of none
 *     2   the list of the arguments, where each call has its own
 *
 * Functions that are not Scheme's are called from here, within a callback of
 * the library: so they may call gcw_fail.
 */
#include "gcweak-guile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS, OBJECT, ARGUMENTS, SLOTS };

SCM
gcwg_steps_wrap(struct gcwg_steps *steps)
{
    SCM x = scm_c_make_vector(SLOTS, SCM_BOOL_F);

    SCM_SIMPLE_VECTOR_SET(x, STEPS, scm_from_pointer(steps, NULL));
    return x;
}

struct gcwg_steps *
gcwg_steps_of(SCM x)
{
    return SCM_POINTER_VALUE(SCM_SIMPLE_VECTOR_REF(x, STEPS));
}

/* Calls that are not Scheme's. */

/* Its listener makes them. */
static gcw_event *foreign;

struct foreign_call {
    const gcw_call *call;
    void *result;
    bool failed;
    char why[128];
};

/* The one that this thread is making, innermost. */
static _Thread_local struct foreign_call *making;

static void
invoke(void *made, void *unused)
{
    struct foreign_call *foreign_call = made;

    (void)unused;
    foreign_call->result = gcw_call_invoke(foreign_call->call);
}

static void
invoke_failed(void *handle, const char *name, const char *why, void *unused)
{
    (void)handle;
    (void)name;
    (void)unused;
    making->failed = true;
    snprintf(making->why, sizeof making->why, "%s",
             why == NULL ? "no reason given" : why);
}

static void *
make_foreign_call(void *made)
{
    struct foreign_call *outer = making;

    making = made;
    gcw_event_emit(foreign, made);
    making = outer;
    return NULL;
}

/* Only a method of an exit registry fails by what it returns. */
static void
call_foreign(struct gcwg_steps *steps)
{
    struct foreign_call made = { .call = steps->call };

    gcwg_outside(make_foreign_call, &made);
    if (!made.failed && made.result != NULL && steps->counts_failures) {
        made.failed = true;
        snprintf(made.why, sizeof made.why, "its method returned non-NULL");
    }
    if (!made.failed)
        return;
    steps->n_failed++;
    gcw_call_failed(steps->call, made.why);
}

/* Moving on. */

/* False at the end. */
static bool
move(struct gcwg_steps *steps)
{
    errno = 0;
    if (steps->next(steps))
        return true;
    steps->error = errno;
    steps->object = steps->arguments = SCM_BOOL_F;
    return false;
}

/* Returns the procedure that is to be called, or #f at the end. */
static SCM
next(SCM x)
{
    struct gcwg_steps *steps = gcwg_steps_of(x);

    steps->procedure = SCM_BOOL_F;
    while (move(steps) && scm_is_false(steps->procedure))
        call_foreign(steps);
    SCM_SIMPLE_VECTOR_SET(x, OBJECT, steps->object);
    SCM_SIMPLE_VECTOR_SET(x, ARGUMENTS, steps->arguments);
    return steps->procedure;
}

/* Of iterations that are at their end: how many calls, or failures. */
static SCM
result(SCM x)
{
    const struct gcwg_steps *steps = gcwg_steps_of(x);

    if (steps->n == 0 && steps->error != 0) {
        errno = steps->error;
        gcwg_failed(steps->who);
    }
    return scm_from_size_t(steps->counts_failures ? steps->n_failed
                           : steps->n);
}

/* The last call has thrown to this key.  Returns what report-failure and an
 * error handler need, or #f if somebody else has heard of it. */
static SCM
failed(SCM x, SCM key)
{
    struct gcwg_steps *steps = gcwg_steps_of(x);

    steps->n_failed++;
    return gcwg_news(steps, key);
}

static SCM
exit_now(SCM arguments)
{
    exit(scm_exit_status(arguments));
}

static const struct gcwg_definition definitions[] = {
    { "%next", 1, 0, 0, next },
    { "%result", 1, 0, 0, result },
    { "%failed", 2, 0, 0, failed },
    { "%exit", 1, 0, 0, exit_now },
};

void
gcwg_step_init(void)
{
    foreign = gcw_event_new("calls of C");
    if (foreign == NULL
        || gcw_event_connect_fn(foreign, invoke, NULL, 0) == NULL
        || gcw_event_on_error(foreign, invoke_failed, NULL) != 0)
        gcwg_failed("gcweak");
    scm_permanent_object(scm_from_pointer(foreign, NULL));
    GCWG_DEFINE(definitions);
}
