/* early.c: functions that are registered before the library can start.
 *
 * gcw_atexit may be called by any thread, also as the first call of all.  But
 * the collector takes the thread that starts it for the main thread; so a call
 * by another thread must not start it.  The functions of such calls are kept
 * here.  They are older than all handlers of the default registry, which
 * begins with the library: so they run after those, newest first.
 *
 * Under the lock of the start, which no child finds taken by another thread.
 * Memory from malloc.
 */
#include <config.h>
#include "process/early.h"

#include "ground/code.h"
#include "ground/guard.h"
#include "ground/report.h"
#include "process/starting.h"

#include <errno.h>

#include <stdlib.h>

enum { SMALLEST = 16 };

static struct {
    void (**functions)(void);
    size_t capacity, n;
} early;

/* Lock held. */
static bool
push_early(void (*fn)(void))
{
    size_t capacity = early.capacity == 0 ? SMALLEST : early.capacity * 2;
    void (**functions)(void) = early.functions;

    if (early.n == early.capacity) {
        functions = realloc(functions, capacity * sizeof *functions);
        if (functions == NULL)
            return false;
        early.functions = functions;
        early.capacity = capacity;
    }
    functions[early.n++] = fn;
    return true;
}

int
gcw__early_add(void (*fn)(void))
{
    int error;

    gcw__start_lock();
    error = push_early(fn) ? 0 : ENOMEM;
    gcw__start_unlock();
    return error;
}

/* Lock held. */
static void
remove_at(size_t at)
{
    early.n--;
    for (; at < early.n; at++)
        early.functions[at] = early.functions[at + 1];
}

bool
gcw__early_cancel(void (*fn)(void))
{
    size_t at;

    gcw__start_lock();
    at = early.n;
    while (at > 0 && early.functions[at - 1] != fn)
        at--;
    if (at > 0)
        remove_at(at - 1);
    gcw__start_unlock();
    return at > 0;
}

struct early_run {
    const struct gcw__range *range;
    void (*current)(void);
    bool any;
    bool told;                       /* it has said that it failed */
};

/* Takes the newest function off, or the newest in the range.  NULL: none. */
static void
(*take_newest(const struct gcw__range *range))(void)
{
    void (*fn)(void) = NULL;
    size_t at;

    gcw__start_lock();
    at = early.n;
    while (at > 0 && range != NULL
           && !gcw__in_range((uintptr_t)early.functions[at - 1], range))
        at--;
    if (at > 0) {
        fn = early.functions[at - 1];
        remove_at(at - 1);
    }
    gcw__start_unlock();
    return fn;
}

static bool
early_step(void *arg)
{
    struct early_run *run = arg;

    if (run->any && run->range == NULL)
        return false;
    run->current = take_newest(run->range);
    if (run->current == NULL)
        return false;
    run->any = true;
    run->told = false;
    if (!gcw__code_gone((uintptr_t)run->current))
        run->current();
    return true;
}

static void
failed(void *arg, const char *why)
{
    static const struct gcw__hook none;
    struct early_run *run = arg;
    struct gcw__callback callback = { "exit handler", NULL, NULL,
                                      (uintptr_t)run->current };

    if (run->told)
        return;
    run->told = true;
    gcw__report_failure(&callback, NULL, none, why);
}

bool
gcw__early_run(const struct gcw__range *range)
{
    static const struct gcw__guarded how = { early_step, failed, failed };
    struct early_run run = { range, NULL, false, false };

    gcw__code_look();
    gcw__guard_run(&run, &how);
    return run.any;
}
