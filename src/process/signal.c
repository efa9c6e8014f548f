/* signal.c: gcw_exit_on_signal and its like, which any thread may call, at any
 * time; what they do is in on-signal.c.
 *
 * They need no collector: of the library only that is started which the system
 * is to call at forks and at exit (start.c).
 */
#include <config.h>
#include "collector/collector.h"
#include "collector/threads.h"
#include "ground/code.h"
#include "ground/end.h"
#include "process/last.h"
#include "process/on-signal.h"
#include "process/start.h"
#include "weak/refuse.h"

#include <gcweak/signal.h>
#include <signal.h>
#include <stdlib.h>

/* Returns 0 or an errno. */
static int
start_for_signals(void)
{
    int error = gcw__start_early();

    if (error != 0)
        return error;
    gcw__code_stay();
    gcw__end_watch();
    if (gcw__thread_is_main())
        gcw__last_watch_main();
    return 0;
}

int
gcw_exit_on_signal(int sig, unsigned flags)
{
    int error, before = errno;
    bool ignored = false;

    if (!gcw__signal_is_for_exit(sig))
        return gcw__refuse_int(EINVAL, "number sig", sig);
    if (gcw__collector_uses_signal(sig))
        return gcw__refuse_int(EINVAL, "because sig is one by which the"
                               " collector stops threads");
    if ((flags & ~(unsigned)(GCW_SIGNAL_CHAIN | GCW_SIGNAL_FORCE)) != 0)
        return gcw__refuse_int(EINVAL, "number flags", (int)flags);
    error = start_for_signals();
    if (error == 0)
        error = gcw__signal_take(sig, flags, &ignored);
    if (error != 0)
        return gcw__refuse_int(error, error != EBUSY ? "" : "because sig"
                               " has a handler already; see"
                               " GCW_SIGNAL_CHAIN");
    errno = before;
    return ignored;
}

int
gcw_exit_off_signal(int sig)
{
    int error, before = errno;

    if (sig <= 0 || sig >= NSIG)
        return gcw__refuse_int(EINVAL, "number sig", sig);
    error = gcw__signal_give_back(sig);
    if (error != 0)
        return gcw__fail_int(error);
    errno = before;
    return 0;
}

int
gcw_exit_signal_fd(void)
{
    int before = errno, error = start_for_signals();
    int fd = error == 0 ? gcw__signal_descriptor() : gcw__refuse_int(error, "");

    if (fd >= 0)
        errno = before;
    return fd;
}

int
gcw_exit_signal(void)
{
    return gcw__signal_came();
}

/* That if it is one to exit by, else the one that has come. */
static int
signal_to_die_by(int sig)
{
    int came = gcw__signal_came();

    if (gcw__signal_is_for_exit(sig))
        return sig;
    return came != 0 ? came : SIGTERM;
}

void
gcw_exit_by_signal(int sig)
{
    int by = signal_to_die_by(sig);

    gcw__end_by(by);
    exit(128 + by);
}
