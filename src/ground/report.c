/* report.c: lines about callbacks.
 *
 * Exit handlers and the drain read one word of memory, emissions none, to know
 * whether they are to be reported.  No lock of the library is held meanwhile.
 */
#include <config.h>
#include "ground/report.h"

#include "ground/guard.h"
#include "ground/names.h"

#include <stdio.h>
#include <time.h>

#include <gcweak/base.h>

uint64_t
gcw__clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + 1;
}

/* Tells one line about a callback. */
static void
tell_of(const struct gcw__callback *callback, unsigned what, const char *happened)
{
    const char *quote = callback->name == NULL ? "" : "\"";
    char code[GCW__CODE_TEXT];

    gcw__code_text(code, sizeof code, callback->code);
    gcw__tell(what, "%s: %s %s%s%s%s%s %s",
              what == GCW_TOLD_EXIT ? "exit" : "drain", callback->sort, quote,
              callback->name == NULL ? "" : callback->name, quote,
              callback->name == NULL ? "" : " ", code, happened);
}

void
gcw__report_end(const struct gcw__callback *callback, unsigned what,
                uint64_t began, bool failed)
{
    double ms = (double)(gcw__clock() - began) / 1e6;
    char happened[64];

    snprintf(happened, sizeof happened, "%s %.3f ms",
             failed ? "failed after" : "took", ms);
    tell_of(callback, what, happened);
}

void
gcw__report_skipped(const struct gcw__callback *callback, unsigned what,
                    const char *why)
{
    char happened[128];

    snprintf(happened, sizeof happened, "does not run: %s", why);
    tell_of(callback, what, happened);
}

/* Failures. */

/* The callback's own name, or that of the function. */
static const char *
name_of_callback(const struct gcw__callback *callback)
{
    return callback->name != NULL ? callback->name
                                  : gcw__function_name(callback->code);
}

static void
tell_failure(const struct gcw__callback *callback, const char *why)
{
    const char *name = name_of_callback(callback);
    char place[GCW__CODE_TEXT];

    gcw__code_text(place, sizeof place, callback->code);
    gcw__tell(GCW_TOLD_FAILURE, "%s%s%s%s %s failed: %s",
              callback->of == NULL ? "" : "event ",
              callback->of == NULL ? "" : callback->of,
              callback->of == NULL ? "" : ": ", callback->sort,
              name == NULL ? place : name,
              why == NULL ? "no reason given" : why);
}

/* A call of an error hook. */
struct telling {
    const struct gcw__callback *callback;
    void *handle;
    struct gcw__hook hook;
    const char *why;
    bool begun;
};

static bool
tell_hook(void *arg)
{
    struct telling *telling = arg;

    if (telling->begun)
        return false;
    telling->begun = true;
    ((gcw_error_fn *)telling->hook.fn)(telling->handle,
                                       name_of_callback(telling->callback),
                                       telling->why, telling->hook.data);
    return false;
}

/* A hook that fails in turn. */
static void
hook_failed(void *arg, const char *why)
{
    (void)arg, (void)why;
    gcw__count_failure();
}

void
gcw__report_failure(const struct gcw__callback *callback, void *handle,
                    struct gcw__hook hook, const char *why)
{
    static const struct gcw__guarded how = {
        tell_hook, hook_failed, hook_failed
    };
    struct telling telling = { callback, handle, hook, why, false };

    gcw__count_failure();
    if (hook.fn != NULL)
        gcw__guard_run(&telling, &how);
    else if (gcw__told(GCW_TOLD_FAILURE))
        tell_failure(callback, why);
}
