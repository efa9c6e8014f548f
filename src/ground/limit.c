/* limit.c: limits of time, after which the process ends.
 *
 * Whoever calls what may hang begins a deadline before it and ends it
 * afterwards.  All that have begun are in a list, the newest first.  As long as
 * one of them has a limit there is a thread that sleeps until the nearest is
 * over.  Then it says what hangs, and ends the process (end.h).
 *
 *     runner    begins --------- calls --------- ends, and goes on
 *     watcher            sleeps  ........ over: `telling`, says it, ends all
 *
 * Which of the two comes first is decided under the lock: a runner that comes to
 * the end of a callback that is being told waits for the process to end.
 *
 * What hangs may have any lock: the dynamic linker's, malloc's, that of stderr.
 * So the watcher takes none but its own.  The name of a function is looked up by
 * the runner, before it calls; the line is put together on the stack, and
 * written by one system call.
 *
 * If no thread can be had, the next that begins tries again.
 *
 * A child has neither watcher nor deadlines, though the thread that forked may
 * have begun some; also one made around the fork handlers, in which the lock is
 * made anew, for the watcher may have had it.
 */
#include <config.h>
#include "ground/limit.h"

#include "ground/end.h"
#include "ground/leader.h"
#include "ground/lock.h"
#include "ground/names.h"
#include "ground/process.h"
#include "ground/thread.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Thread_local unsigned gcw__deadlines_here;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;

/* Under the lock. */
static struct gcw__deadline *newest_deadline;
static bool has_watcher;                 /* there is a watcher */
static const struct gcw__deadline *telling;

/* The process that this is for; 0: `changed` was not made yet. */
static atomic_uint made_in;

static void
make_anew(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
    newest_deadline = NULL;
    has_watcher = false;
    telling = NULL;
    made_in = gcw__process();
}

/* In a child that was made around the fork handlers there is one thread. */
static void
take_lock(void)
{
    if (made_in != 0 && made_in != gcw__process())
        pthread_mutex_init(&lock, NULL);
    gcw__lock(&lock, true);
    if (made_in != gcw__process())
        make_anew();
}

/* Saying what hangs.  */

static unsigned long
milliseconds_of(const struct gcw__deadline *d)
{
    return (unsigned long)((gcw__clock() - d->began) / 1000000);
}

/* The innermost callback that hangs: that of the deadline's thread which began
 * last; the deadline itself if there is none. */
static const struct gcw__deadline *
find_innermost(const struct gcw__deadline *d)
{
    for (const struct gcw__deadline *at = newest_deadline; at != d; at = at->next)
        if (at->thread == d->thread && !at->whole)
            return at;
    return d;
}

static void
how_it_ends(char *text, size_t size, const struct gcw__deadline *d)
{
    if (d->aborts)
        snprintf(text, size, "aborts");
    else if (gcw__ends_by() != 0)
        snprintf(text, size, "dies by signal %d", gcw__ends_by());
    else
        snprintf(text, size, "ends with status %d", d->status & 0xff);
}

static void
what_hangs(char *text, size_t size, const struct gcw__deadline *d)
{
    if (d->whole)
        snprintf(text, size, "what gcweak does not call");
    else
        snprintf(text, size, "%s%s%s%s %s", d->sort,
                 d->name == NULL ? "" : " \"",
                 d->name == NULL ? "" : d->name,
                 d->name == NULL ? "" : "\"", d->code);
}

static void
whose_limit(char *text, size_t size, const struct gcw__deadline *d,
            const struct gcw__deadline *innermost)
{
    if (d == innermost)
        snprintf(text, size, "its limit is %lu ms", d->limit);
    else if (d->whole)
        snprintf(text, size, "the limit of the %s, %lu ms, is over", d->sort,
                 d->limit);
    else
        snprintf(text, size, "the limit of the %s that has called it, %lu ms,"
                 " is over", d->sort, d->limit);
}

enum { LINE = 1024 };

/* The list does not change while something is being told. */
static void
compose(char *line, const struct gcw__deadline *d)
{
    const struct gcw__deadline *innermost = find_innermost(d);
    char what[LINE / 2], whose[LINE / 8], end[LINE / 16];

    what_hangs(what, sizeof what, innermost);
    whose_limit(whose, sizeof whose, d, innermost);
    how_it_ends(end, sizeof end, d);
    snprintf(line, LINE, "gcweak: exit: %s hangs: it has run for %lu ms, %s;"
             " the process %s\n", what, milliseconds_of(innermost), whose, end);
}

/* Does not wait long for somebody to read it. */
static void
write_what_hangs(const char *line)
{
    enum { PATIENCE = 1000 };  /* milliseconds */
    struct pollfd out = { STDERR_FILENO, POLLOUT, 0 };
    ssize_t ignored;

    gcw__cancel_off();
    if (poll(&out, 1, PATIENCE) == 1) {
        ignored = write(STDERR_FILENO, line, strlen(line));
        (void)ignored;
    }
    gcw__cancel_on();
}

/* The watcher. */

static uint64_t
over_at(const struct gcw__deadline *d)
{
    return d->began + d->limit * UINT64_C(1000000);
}

static const struct gcw__deadline *
find_nearest(void)
{
    const struct gcw__deadline *nearest = NULL;

    for (const struct gcw__deadline *at = newest_deadline; at != NULL; at = at->next)
        if (at->limit != 0
            && (nearest == NULL || over_at(at) < over_at(nearest)))
            nearest = at;
    return nearest;
}

/* Waits until something has changed, or the deadline is over; true if it is. */
static bool
wait_for_end_of(const struct gcw__deadline *d)
{
    uint64_t over = over_at(d);
    struct timespec until = { (time_t)(over / 1000000000),
                              (long)(over % 1000000000) };

    if (gcw__clock() >= over)
        return true;
    gcw__wait(&changed, &lock, &until);
    return false;
}

GCW_NORETURN static void
end_for(const struct gcw__deadline *d, const char *line)
{
    write_what_hangs(line);
    if (d->aborts)
        abort();
    gcw__end_now(d->status);
}

/* `telling` stays where it is: its thread waits for the end. */
static void *
watch_limits(void *unused)
{
    const struct gcw__deadline *nearest;
    char line[LINE];

    take_lock();
    while ((nearest = find_nearest()) != NULL && !wait_for_end_of(nearest))
        continue;
    has_watcher = nearest != NULL;
    telling = nearest;
    if (nearest != NULL)
        compose(line, nearest);
    gcw__unlock(&lock);
    if (nearest != NULL)
        end_for(nearest, line);
    return unused;
}

static void
start_watcher(void)
{
    if (gcw__thread_make(pthread_create, watch_limits) == 0)
        return;
    take_lock();
    has_watcher = false;
    gcw__unlock(&lock);
}

/* Beginning and ending. */

/* Lock held.  True if there is no watcher, but is to be one. */
static bool
enlist(struct gcw__deadline *d)
{
    bool was_watched = has_watcher;

    d->next = newest_deadline;
    newest_deadline = d;
    if (d->limit == 0)
        return false;
    has_watcher = true;
    pthread_cond_signal(&changed);
    return !was_watched;
}

static void
begin(struct gcw__deadline *d)
{
    bool unwatched;

    d->begun = true;
    d->thread = gcw__this_thread();
    d->began = gcw__clock();
    gcw__deadlines_here++;
    take_lock();
    unwatched = enlist(d);
    gcw__unlock(&lock);
    if (unwatched)
        start_watcher();
}

void
gcw__deadline_begin_whole(struct gcw__deadline *d, const char *sort,
                          unsigned long limit, int status, bool aborts)
{
    if (limit == 0)
        return;
    d->whole = true;
    d->sort = sort;
    d->limit = limit;
    d->status = status;
    d->aborts = aborts;
    begin(d);
}

void
gcw__deadline_begin(struct gcw__deadline *d,
                    const struct gcw__callback *callback, unsigned long limit,
                    int status, bool aborts)
{
    d->whole = false;
    d->sort = callback->sort;
    d->name = callback->name;
    d->limit = limit;
    d->status = status;
    d->aborts = aborts;
    gcw__code_text(d->code, sizeof d->code, callback->code);
    begin(d);
}

/* In a child it is in no list. */
static void
take_out_of_list(struct gcw__deadline *d)
{
    struct gcw__deadline **at = &newest_deadline;

    while (*at != NULL && *at != d)
        at = &(*at)->next;
    if (*at != NULL)
        *at = d->next;
}

void
gcw__deadline_end_begun(struct gcw__deadline *d)
{
    bool told;

    take_lock();
    told = telling != NULL;
    if (!told)
        take_out_of_list(d);
    gcw__unlock(&lock);
    if (told)
        gcw__end_wait();
    d->begun = false;
    gcw__deadlines_here--;
}

void
gcw__deadline_status(struct gcw__deadline *d, int status)
{
    take_lock();
    if (telling == NULL)
        d->status = status;
    gcw__unlock(&lock);
}

/* Takes this thread's out of the list, and leaves the others. */
static void
take_mine_out(const struct gcw__deadline *but)
{
    struct gcw__deadline **at = &newest_deadline;

    while (*at != NULL)
        if ((*at)->thread == gcw__this_thread() && *at != but)
            *at = (*at)->next;
        else
            at = &(*at)->next;
}

void
gcw__deadlines_leave(const struct gcw__deadline *but)
{
    bool told;

    if (gcw__deadlines_here == 0)
        return;
    take_lock();
    told = telling != NULL;
    if (!told)
        take_mine_out(but);
    gcw__unlock(&lock);
    if (told)
        gcw__end_wait();
}

/* Forks. */

static void
limit_prepare(void)
{
    take_lock();
}

static void
limit_parent(void)
{
    gcw__unlock(&lock);
}

static void
limit_child(void)
{
    made_in = 0;
    gcw__unlock(&lock);
}

const struct gcw__part gcw__limit_part = {
    "limits", limit_prepare, limit_parent, limit_child, NULL
};
