/* guard.c: running callbacks that may fail.
 *
 * Each thread has a chain of guards, innermost first, all on its own stack.
 * gcw_fail jumps to the innermost; guards begun inside the failed callback
 * drop out of the chain with the frames that they lie in.
 */
#include <config.h>
#include "guard.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

struct guard {
    jmp_buf failed;
    struct guard *outer;
    const char *volatile why;    /* what gcw_fail was given */
};

/* Asked in each emission, so it is worth its place in the static block of the
 * thread. */
static _Thread_local struct guard *innermost
    __attribute__((__tls_model__("initial-exec")));

void
gcw__guard_run(void *run, bool (*step)(void *run),
               void (*failed)(void *run, const char *why))
{
    struct guard guard;

    guard.outer = innermost;
    innermost = &guard;
    if (setjmp(guard.failed) != 0)
        failed(run, guard.why);
    while (step(run))
        continue;
    innermost = guard.outer;
}

void
gcw_fail(const char *why)
{
    struct guard *guard = innermost;

    if (guard == NULL) {
        fprintf(stderr, "gcweak: gcw_fail outside a callback: %s\n",
                why == NULL ? "no reason given" : why);
        abort();
    }
    guard->why = why;
    longjmp(guard->failed, 1);
}

const char *
gcw__function_name(uintptr_t code)
{
    Dl_info info;

    if (code == 0 || dladdr((void *)code, &info) == 0
        || (uintptr_t)info.dli_saddr != code)
        return NULL;
    return info.dli_sname;
}

void
gcw__report(const char *event, const char *what, const char *name,
            uintptr_t code, const char *why)
{
    char address[32];

    snprintf(address, sizeof address, "at %#jx", (uintmax_t)code);
    if (name == NULL)
        name = gcw__function_name(code);
    fprintf(stderr, "gcweak: %s%s%s%s %s failed: %s\n",
            event == NULL ? "" : "event ", event == NULL ? "" : event,
            event == NULL ? "" : ": ", what, name == NULL ? address : name,
            why == NULL ? "no reason given" : why);
}
