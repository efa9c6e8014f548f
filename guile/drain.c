/* drain.c: where and when the callbacks of deaths run.
 *
 * Guile runs its after-gc-hook as an asynchronous call of the thread that
 * collected: not inside the allocation, but as soon as that thread gets back
 * to Scheme code.  There the module drains.
 *
 * Such a call also comes while the thread is draining: between the moment when
 * a callback is taken and its first instruction, where it would run others
 * before that one; or inside a callback, where drains would pile up on the
 * stack.  So it leaves all to the drain that is at work.
 */
#include "gcweak-guile.h"

#include <errno.h>

static SCM drain_procedure;

static _Thread_local bool at_work, turned_away;

struct result {
    size_t n;
    int error;
};

/* The callbacks may leave anything in errno. */
static struct result
drain_here(size_t max)
{
    struct result result;

    gcwg_open_mail();
    errno = 0;
    result.n = gcw_drain(max);
    result.error = result.n == 0 ? errno : 0;
    return result;
}

static struct result
work(size_t max)
{
    bool outer = at_work;
    struct result result;

    at_work = true;
    result = drain_here(max);
    at_work = outer;
    if (!outer && turned_away)
        gcwg_drain_soon(scm_current_thread());
    return result;
}

static SCM
drain_unasked(void)
{
    turned_away = at_work;
    if (!at_work)
        work(0);
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

static SCM
drain_asked(size_t max, const char *who)
{
    struct result result = work(max);

    if (result.error != 0) {
        errno = result.error;
        gcwg_failed(who);
    }
    return scm_from_size_t(result.n);
}

static SCM
drain(SCM max)
{
    return drain_asked(gcwg_count_or_0(max, 1, "drain!"), "drain!");
}

static SCM
collect(void)
{
    scm_gc();
    return drain_asked(0, "collect!");
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
    { "drain!", 0, 1, 0, drain },
    { "collect!", 0, 0, 0, collect },
    { "dispose!", 1, 0, 0, dispose },
};

void
gcwg_drain_init(void)
{
    GCWG_DEFINE(definitions);
    drain_procedure = scm_permanent_object(
        scm_c_private_ref("gcweak", "%drain"));
}
