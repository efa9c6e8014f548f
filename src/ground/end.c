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

/* The number of the process, and in the lower half the signal. */
static _Atomic uint64_t ending_by;

void
gcw__end_by(int sig)
{
    atomic_store(&ending_by, (uint64_t)gcw__process() << 32 | (unsigned)sig);
}

int
gcw__ends_by(void)
{
    uint64_t by = atomic_load(&ending_by);

    return by >> 32 == gcw__process() ? (int)(by & UINT32_MAX) : 0;
}

/* Comes back only if the signal does not end this process. */
static void
die_by(int sig)
{
    struct sigaction by_default = { .sa_handler = SIG_DFL };
    sigset_t only;

    sigemptyset(&only);
    sigaddset(&only, sig);
    sigaction(sig, &by_default, NULL);
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    raise(sig);
}

void
gcw__end_now(int status)
{
    int sig = gcw__ends_by();

    if (sig != 0)
        die_by(sig);
    _exit(status);
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

/* The last of exit's calls. */
static void
die_at_last(int status, void *unused)
{
    (void)unused;
    if (gcw__ends_by() == 0)
        return;
    flush_streams();
    gcw__end_now(status);
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
    if (gcw__ends_by() != 0 && !call_at_last())
        die_at_last(128 + gcw__ends_by(), NULL);
}
