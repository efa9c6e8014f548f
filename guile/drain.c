/* drain.c: where and when the callbacks of deaths run.
 *
 * A program that asks for it steps through them in Scheme.  Otherwise Guile
 * runs its after-gc-hook as an asynchronous call of the thread that collected:
 * not inside the allocation, but as soon as that thread gets back to Scheme
 * code.  There the module drains, and lets nothing out: a callback that left
 * would leave what it has interrupted.
 *
 * Such a call also comes while the thread is draining: between the moment when
 * a callback is taken and its first instruction, where it would run others
 * before that one; or inside a callback, where drains would pile up on the
 * stack.  So it leaves all to the drain that is at work, on this thread or in
 * the fiber that it came to.
 */
#include "gcweak-guile.h"

static SCM drain_procedure;

static _Thread_local bool at_work, turned_away;

/* While Scheme steps through a drain: a pair whose head is to be true once a
 * call was turned away; of each thread, and of fibers that are suspended. */
static SCM stepping_fluid;

static void
work(void)
{
    at_work = true;
    turned_away = false;
    gcwg_open_mail();
    gcw_drain(0);
    at_work = false;
    if (turned_away)
        gcwg_drain_soon(scm_current_thread());
}

static SCM
drain_unasked(void)
{
    SCM stepping = scm_fluid_ref(stepping_fluid);

    if (at_work)
        turned_away = true;
    else if (!scm_is_false(stepping))
        scm_set_car_x(stepping, SCM_BOOL_T);
    else
        work();
    return SCM_UNSPECIFIED;
}

void
gcwg_drain_soon(SCM thread)
{
    scm_system_async_mark_for_thread(drain_procedure, thread);
}

void
gcwg_drain_at_exit(void)
{
    at_work = true;
    gcwg_open_mail();
}

/* Stepping through what is pending. */
struct drain {
    struct gcwg_steps steps;
    size_t max;
    gcw_call call;
};

/* Once it is told of, the letter lets go of what it holds. */
static void
take(struct gcwg_steps *steps, struct gcwg_letter *letter)
{
    steps->call = NULL;
    steps->handle = letter->handle;
    steps->procedure = letter->procedure;
    steps->arguments = letter->arguments;
    gcwg_letter_empty(letter);
}

/* The next letter that is to be opened here, of those that are pending.  NULL:
 * there is none, or first there is a call of somebody else's, which is in
 * drain->call, or mail. */
static struct gcwg_letter *
next_pending(struct drain *drain)
{
    struct gcwg_letter *letter;

    drain->call = (gcw_call){ .kind = GCW_CALL_NONE };
    if ((drain->max != 0 && drain->steps.n >= drain->max)
        || !gcw_drain_next(&drain->call))
        return NULL;
    drain->steps.n++;
    letter = gcwg_letter_of(&drain->call);
    return letter == NULL ? NULL : gcwg_forward(letter);
}

/* Mail comes first. */
static bool
next(struct gcwg_steps *steps)
{
    struct drain *drain = (struct drain *)steps;
    struct gcwg_letter *letter;

    steps->object = SCM_BOOL_F;
    do {
        letter = gcwg_take_mail();
        if (letter == NULL)
            letter = next_pending(drain);
        if (letter != NULL) {
            take(steps, letter);
            return true;
        }
    } while (gcwg_letter_of(&drain->call) != NULL);
    steps->call = &drain->call;
    steps->arguments = SCM_EOL;
    return drain->call.kind != GCW_CALL_NONE;
}

static SCM
drain_steps(SCM max)
{
    static const char who[] = "drain!";
    size_t n = gcwg_count_or_0(max, 1, who);
    struct drain *drain = scm_gc_malloc(sizeof *drain, "gcweak");

    drain->steps = (struct gcwg_steps){ .next = next, .who = who };
    drain->max = n;
    return gcwg_steps_wrap(&drain->steps);
}

static SCM
drain_soon(void)
{
    gcwg_drain_soon(scm_current_thread());
    return SCM_UNSPECIFIED;
}

static SCM
dispose(SCM object)
{
    if (gcw_dispose(gcwg_object(object, 1, "dispose!")) != 0)
        gcwg_failed("dispose!");
    gcwg_drain_soon(scm_current_thread());
    return SCM_UNSPECIFIED;
}

static const struct gcwg_definition definitions[] = {
    { "%drain", 0, 0, 0, drain_unasked },
    { "%drain-soon", 0, 0, 0, drain_soon },
    { "%drain-steps", 1, 0, 0, drain_steps },
    { "dispose!", 1, 0, 0, dispose },
};

void
gcwg_drain_init(void)
{
    stepping_fluid = scm_permanent_object(
        scm_make_thread_local_fluid(SCM_BOOL_F));
    scm_c_define("%stepping", stepping_fluid);
    GCWG_DEFINE(definitions);
    drain_procedure = scm_permanent_object(
        scm_c_private_ref("gcweak", "%drain"));
}
