/* tell.c: the one way by which the library says something.
 *
 * A line is put together on the stack, for there may be no memory, and goes out
 * as a whole: to the sink, or in one write to stderr.  What is too long for that
 * is cut for the sink, and written in pieces to stderr.
 *
 * A sink runs in a guard.  What is told meanwhile on the same thread goes to
 * stderr: a sink that is refused something must not hear of that for ever.
 *
 * Nothing of that may be done under a lock of ours: a sink may do anything, and
 * who has stderr may wait for us.  Lines that are told there, as in a sweep, are
 * held back until the next sweep has ended, or something else is told.  There is
 * room for a few; how many more there were is told.
 *
 * The words of GCWEAK_DEBUG are read once, when the library starts, or before
 * that when the first call is refused.
 */
#include <config.h>
#include "ground/tell.h"

#include "ground/guard.h"
#include "ground/lock.h"
#include "ground/names.h"
#include "ground/roots.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_LINE = 2000,
    ALL_KINDS = GCW_TOLD_FAILURE | GCW_TOLD_EXIT | GCW_TOLD_DRAIN
                | GCW_TOLD_LEAK | GCW_TOLD_REFUSE | GCW_TOLD_LOST
                | GCW_TOLD_WARNING
};

atomic_uint gcw__telling = GCW_TOLD_FAILURE | GCW_TOLD_WARNING;

/* Failures. */

static _Atomic uint64_t failures;

void
gcw__count_failure(void)
{
    atomic_fetch_add_explicit(&failures, 1, memory_order_relaxed);
}

uint64_t
gcw__failures(void)
{
    return atomic_load(&failures);
}

/* The sink.  It lies in the roots, under this lock. */

static pthread_mutex_t tell_lock = PTHREAD_MUTEX_INITIALIZER;

/* Whether the thread is in the sink. */
static _Thread_local bool in_sink;

/* A line on its way. */
struct line {
    unsigned what;
    const char *text;
    struct gcw__hook sink;
    bool begun;
};

static bool
call_sink(void *arg)
{
    struct line *line = arg;

    if (line->begun)
        return false;
    line->begun = true;
    ((gcw_tell_fn *)line->sink.fn)(line->what, line->text, line->sink.data);
    return false;
}

static void
sink_failed(void *arg, const char *why)
{
    (void)arg, (void)why;
    gcw__count_failure();
}

static void
leave_sink(void *unused)
{
    (void)unused;
    in_sink = false;
}

static void
tell_sink(struct line *line)
{
    static const struct gcw__guarded how = {
        call_sink, sink_failed, sink_failed
    };

    in_sink = true;
    pthread_cleanup_push(leave_sink, NULL);
    gcw__guard_run(line, &how);
    pthread_cleanup_pop(1);
}

static struct gcw__hook
sink_now(void)
{
    if (in_sink || !atomic_load_explicit(&gcw__ready, memory_order_acquire))
        return (struct gcw__hook){ NULL, NULL };
    return gcw__hook_get(&gcw__roots->tell_hook, &tell_lock);
}

void
gcw__tell_to(void (*fn)(void), void *data)
{
    gcw__hook_set(&gcw__roots->tell_hook, &tell_lock, fn, data);
}

/* Telling. */

static const char prefix[] = "gcweak: ";

/* The text with room for what stands before and behind it on stderr. */
struct text {
    char whole[sizeof prefix + LONGEST_LINE + sizeof "\n"];
};

static char *
line_in(struct text *text)
{
    return text->whole + sizeof prefix - 1;
}

/* Shows that the line goes on. */
static void
cut(char *line)
{
    memcpy(line + LONGEST_LINE - 3, "...", sizeof "...");
}

static void
write_whole(struct text *text)
{
    memcpy(text->whole, prefix, sizeof prefix - 1);
    strcat(line_in(text), "\n");
    fputs(text->whole, stderr);
}

static void
write_in_pieces(const char *format, va_list arguments)
{
    flockfile(stderr);
    fputs(prefix, stderr);
    vfprintf(stderr, format, arguments);
    putc('\n', stderr);
    funlockfile(stderr);
}

static void
tell_line(unsigned what, const char *format, va_list arguments)
{
    struct line line = { what, NULL, sink_now(), false };
    struct text text;
    va_list again;
    bool fits;

    text.whole[0] = '\0';
    va_copy(again, arguments);
    fits = vsnprintf(line_in(&text), LONGEST_LINE + 1, format, arguments)
           <= LONGEST_LINE;
    line.text = line_in(&text);
    if (line.sink.fn != NULL && !fits)
        cut(line_in(&text));
    if (line.sink.fn != NULL)
        tell_sink(&line);
    else if (fits)
        write_whole(&text);
    else
        write_in_pieces(format, again);
    va_end(again);
}

static void
tell_now(unsigned what, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

static void
tell_now(unsigned what, const char *format, ...)
{
    va_list arguments;

    gcw__cancel_off();
    va_start(arguments, format);
    tell_line(what, format, arguments);
    va_end(arguments);
    gcw__cancel_on();
}

/* Lines that are held back, under the lock. */

enum { MOST_HELD = 32, LONGEST_HELD = 240 };

struct held {
    unsigned what;
    uintptr_t code;                  /* 0: none */
    char text[LONGEST_HELD];
};

static struct held held[MOST_HELD];
static unsigned held_too_many;
atomic_uint gcw__lines_held;

static bool
is_under_lock(void)
{
    return gcw__holding.locks != 0 && !gcw__holding.all;
}

static void
hold_back(unsigned what, uintptr_t code, const char *format, va_list arguments)
{
    unsigned n;

    gcw__lock(&tell_lock, true);
    n = atomic_load(&gcw__lines_held);
    if (n < MOST_HELD) {
        held[n].what = what;
        held[n].code = code;
        vsnprintf(held[n].text, LONGEST_HELD, format, arguments);
        atomic_store(&gcw__lines_held, n + 1);
    } else {
        held_too_many++;
    }
    gcw__unlock(&tell_lock);
}

static void
tell_with_code(unsigned what, uintptr_t code, const char *line)
{
    char text[GCW__CODE_TEXT];

    if (code == 0) {
        tell_now(what, "%s", line);
        return;
    }
    gcw__code_text(text, sizeof text, code);
    tell_now(what, "%s: %s", line, text);
}

/* Takes the lines, as many as there are; returns how many, and how many there was
 * no room for. */
static unsigned
take_held(struct held *lines, unsigned *too_many)
{
    unsigned n;

    gcw__lock(&tell_lock, true);
    n = atomic_load(&gcw__lines_held);
    memcpy(lines, held, n * sizeof *lines);
    *too_many = held_too_many;
    held_too_many = 0;
    atomic_store(&gcw__lines_held, 0);
    gcw__unlock(&tell_lock);
    return n;
}

void
gcw__tell_held(void)
{
    struct held lines[MOST_HELD];
    unsigned n, too_many;
    int error = errno;

    if (is_under_lock() || in_sink)
        return;
    n = take_held(lines, &too_many);
    for (unsigned i = 0; i < n; i++)
        if (gcw__told(lines[i].what))
            tell_with_code(lines[i].what, lines[i].code, lines[i].text);
    if (too_many != 0 && gcw__told(GCW_TOLD_WARNING))
        tell_now(GCW_TOLD_WARNING, "%u more lines were not kept", too_many);
    errno = error;
}

static void
tell_held_first(void)
{
    if (atomic_load_explicit(&gcw__lines_held, memory_order_relaxed) != 0)
        gcw__tell_held();
}

void
gcw__tell(unsigned what, const char *format, ...)
{
    int error = errno;
    va_list arguments;

    if (!gcw__told(what))
        return;
    va_start(arguments, format);
    if (is_under_lock()) {
        hold_back(what, 0, format, arguments);
    } else {
        tell_held_first();
        gcw__cancel_off();
        tell_line(what, format, arguments);
        gcw__cancel_on();
    }
    va_end(arguments);
    errno = error;
}

void
gcw__tell_with(unsigned what, uintptr_t code, const char *format, ...)
{
    int error = errno;
    va_list arguments;

    if (!gcw__told(what))
        return;
    va_start(arguments, format);
    hold_back(what, code, format, arguments);
    va_end(arguments);
    tell_held_first();
    errno = error;
}

/* Which kinds are on. */

bool
gcw__tell_set(unsigned what, bool on)
{
    if (what == 0 || (what & ~(unsigned)ALL_KINDS) != 0)
        return false;
    gcw__tell_install();
    if (on)
        atomic_fetch_or(&gcw__telling, what);
    else
        atomic_fetch_and(&gcw__telling, ~what);
    return true;
}

static const struct {
    const char *name;
    unsigned what;
} words[] = {
    { "exit", GCW_TOLD_EXIT },
    { "drain", GCW_TOLD_DRAIN },
    { "leak", GCW_TOLD_LEAK },
    { "refuse", GCW_TOLD_REFUSE },
    { "lost", GCW_TOLD_LOST },
};

static unsigned
kind_named(const char *word, size_t length)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].name) == length
            && memcmp(words[i].name, word, length) == 0)
            return words[i].what;
    return 0;
}

static void
read_words(const char *at)
{
    while (*at != '\0') {
        size_t length = strcspn(at, ",");
        unsigned what = kind_named(at, length);

        if (what == 0 && length != 0)
            gcw__tell(GCW_TOLD_WARNING, "GCWEAK_DEBUG: unknown word \"%.*s\""
                      " (known are exit, drain, leak, refuse and lost)",
                      (int)length, at);
        atomic_fetch_or(&gcw__telling, what);
        at += length + (at[length] == ',');
    }
}

void
gcw__tell_install(void)
{
    static atomic_bool installed;
    const char *wanted;

    if (atomic_exchange(&installed, true))
        return;
    wanted = getenv("GCWEAK_DEBUG");
    if (wanted != NULL)
        read_words(wanted);
}

/* The part. */

static void
tell_prepare(void)
{
    gcw__lock(&tell_lock, true);
}

static void
tell_released(void)
{
    gcw__unlock(&tell_lock);
}

static void
tell_unloading(const struct gcw__range *range)
{
    gcw__hook_unload(&gcw__roots->tell_hook, &tell_lock, range);
}

const struct gcw__part gcw__tell_part = {
    "tell", tell_prepare, tell_released, tell_released, tell_unloading
};
