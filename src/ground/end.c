/* end.c: how the process ends: with a status, or by a signal.
 *
 * A process that is to die by a signal exits first, with all that belongs to
 * that.  The last thing that exit calls in the list of handlers is, in glibc, the
 * dynamic linker, which calls the destructors of all objects.  A handler that
 * is registered by then is called after them, for exit looks again: that is the
 * place where we die.  What is left then is to flush stdio, which we do the way
 * exit does, without the locks of streams: another thread may be reading from
 * one, and have its lock for ever.
 *
 * A signal may come at any moment.  Whether one has come is looked for once more
 * at the very end, by an exchange that a signal handler finds: after that, it
 * dies at once.
 *
 * Without on_exit we die in our own destructor, the last of those in the
 * object that the library is in.
 */
#include <config.h>
#include "ground/end.h"

#include "ground/process.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The number of the process, and in the lower half the signal, or OVER. */
static _Atomic uint64_t ending_by;

/* The process has looked for the last time, and ends with a status. */
#define OVER UINT32_MAX

/* Whether the process has asked for signals. */
static atomic_bool looked_for;

void
gcw__end_watch(void)
{
    atomic_store(&looked_for, true);
}

static uint64_t
word_of(uint32_t by)
{
    return (uint64_t)gcw__process() << 32 | by;
}

bool
gcw__end_by(int sig)
{
    uint64_t now = atomic_load(&ending_by);

    do
        if (now == word_of(OVER))
            return false;
    while (!atomic_compare_exchange_weak(&ending_by, &now,
                                         word_of((uint32_t)sig)));
    return true;
}

int
gcw__ends_by(void)
{
    uint64_t by = atomic_load(&ending_by);

    return by >> 32 == gcw__process() && by != word_of(OVER)
        ? (int)(by & UINT32_MAX) : 0;
}

/* As gcw__ends_by, for the last time: if there is no signal, one that comes from
 * now on finds OVER. */
static int
look_for_the_last_time(void)
{
    uint64_t now = atomic_load(&ending_by);

    while (gcw__ends_by() == 0
           && !atomic_compare_exchange_weak(&ending_by, &now, word_of(OVER)))
        continue;
    return gcw__ends_by();
}

void
gcw__die_by(int sig)
{
    struct sigaction by_default = { .sa_handler = SIG_DFL };
    sigset_t only;

    sigemptyset(&only);
    sigaddset(&only, sig);
    sigaction(sig, &by_default, NULL);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    raise(sig);
    _exit(128 + sig);
}

void
gcw__end_now(int status)
{
    int sig = look_for_the_last_time();

    if (sig != 0)
        gcw__die_by(sig);
    _exit(status);
}

void
gcw__end_wait(void)
{
    for (;;)
        pause();
}

static void
flush_streams(void)
{
#if HAVE_FCLOSEALL
    fcloseall();
#else
    fflush(NULL);
#endif
}

/* The last of exit's calls, which then has nothing to flush. */
static void
die_at_last(int status, void *unused)
{
    int sig;

    (void)status, (void)unused;
    flush_streams();
    sig = look_for_the_last_time();
    if (sig != 0)
        gcw__die_by(sig);
}

static bool
call_at_last(void)
{
#if HAVE_ON_EXIT
    return on_exit(die_at_last, NULL) == 0;
#else
    return false;
#endif
}

/* 101 is the last of the destructors of its object that are not the compiler's
 * own. */
__attribute__((__destructor__(101))) static void
object_ends(void)
{
    if ((atomic_load(&looked_for) || gcw__ends_by() != 0) && !call_at_last())
        die_at_last(0, NULL);
}
