/* report.c: lines on stderr about callbacks.
 *
 * The words of GCWEAK_DEBUG are read once, when the library starts; afterwards
 * exit handlers and the drain read one word of memory, and emissions none.
 * Lines are written while no lock of the library is held, each as a whole.
 */
#include <config.h>
#include "ground/report.h"

#include "ground/guard.h"
#include "ground/lock.h"
#include "ground/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gcweak/base.h>

unsigned gcw__reported;

static const struct {
    const char *name;
    unsigned bit;
} words[] = {
    { "exit", GCW__REPORT_EXIT },
    { "drain", GCW__REPORT_DRAIN },
    { "leak", GCW__REPORT_LEAK },
};

static unsigned
bit_of(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].name) == length
            && memcmp(words[i].name, word, length) == 0)
            return words[i].bit;
    return 0;
}

static void
complain(const char *word, size_t length)
{
    gcw__cancel_off();
    fprintf(stderr, "gcweak: GCWEAK_DEBUG: unknown word \"%.*s\" (known are"
            " exit, drain and leak)\n", (int)length, word);
    gcw__cancel_on();
}

void
gcw__report_install(void)
{
    const char *at = getenv("GCWEAK_DEBUG");
    static bool installed;

    if (installed)
        return;
    installed = true;
    while (at != NULL && *at != '\0') {
        size_t length = strcspn(at, ",");
        unsigned bit = bit_of(at, length);

        if (bit == 0 && length != 0)
            complain(at, length);
        gcw__reported |= bit;
        at += length + (at[length] == ',');
    }
}

uint64_t
gcw__clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + 1;
}

/* Writes one line about a callback. */
static void
write_line(const struct gcw__callback *callback, const char *word,
           const char *what)
{
    gcw__cancel_off();
    flockfile(stderr);
    fprintf(stderr, "gcweak: %s: %s ", word, callback->sort);
    if (callback->name != NULL)
        fprintf(stderr, "\"%s\" ", callback->name);
    gcw__print_code(stderr, callback->code);
    fprintf(stderr, " %s\n", what);
    funlockfile(stderr);
    gcw__cancel_on();
}

void
gcw__report_end(const struct gcw__callback *callback, const char *word,
                uint64_t began, bool failed)
{
    double ms = (double)(gcw__clock() - began) / 1e6;
    char what[64];

    snprintf(what, sizeof what, "%s %.3f ms", failed ? "failed after" : "took",
             ms);
    write_line(callback, word, what);
}

void
gcw__report_skipped(const struct gcw__callback *callback, const char *word,
                    const char *why)
{
    char what[128];

    snprintf(what, sizeof what, "does not run: %s", why);
    write_line(callback, word, what);
}

/* Failures. */

static _Atomic uint64_t failures;

static void
count_failure(void)
{
    atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
}

uint64_t
gcw__failures(void)
{
    return atomic_load(&failures);
}

/* The callback's own name, or that of the function. */
static const char *
name_of_callback(const struct gcw__callback *callback)
{
    return callback->name != NULL ? callback->name
                                  : gcw__function_name(callback->code);
}

static void
write_failure(const struct gcw__callback *callback, const char *why)
{
    const char *name = name_of_callback(callback);
    char place[GCW__CODE_TEXT];

    gcw__code_text(place, sizeof place, callback->code);
    gcw__cancel_off();
    fprintf(stderr, "gcweak: %s%s%s%s %s failed: %s\n",
            callback->of == NULL ? "" : "event ",
            callback->of == NULL ? "" : callback->of,
            callback->of == NULL ? "" : ": ", callback->sort,
            name == NULL ? place : name,
            why == NULL ? "no reason given" : why);
    gcw__cancel_on();
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
    count_failure();
}

void
gcw__report_failure(const struct gcw__callback *callback, void *handle,
                    struct gcw__hook hook, const char *why)
{
    static const struct gcw__guarded how = {
        tell_hook, hook_failed, hook_failed
    };
    struct telling telling = { callback, handle, hook, why, false };

    count_failure();
    if (hook.fn != NULL)
        gcw__guard_run(&telling, &how);
    else
        write_failure(callback, why);
}
