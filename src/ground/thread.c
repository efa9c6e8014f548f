/* thread.c: making threads of the library's own.
 *
 * A new thread has the signal mask of the one that makes it, which therefore
 * blocks signals for that long; but never those by which the collector stops
 * threads.  For making a thread may wait for the dynamic linker's lock, and if
 * whoever has that is stopped, the collector would wait for this thread, and this
 * thread for that one.
 */
#include <config.h>
#include "ground/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static gcw__collector_signals_fn *_Atomic collector_signals;

void
gcw__thread_install(gcw__collector_signals_fn *of_collector)
{
    atomic_store(&collector_signals, of_collector);
}

static void
leave_out(sigset_t *set, const int *signals)
{
    while (*signals != 0)
        sigdelset(set, *signals++);
}

static void
signals_to_block(sigset_t *set)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT,
                                  SIGTRAP, SIGSYS, 0 };
    int collectors[GCW__COLLECTOR_SIGNALS];

    sigfillset(set);
    leave_out(set, faults);
    atomic_load(&collector_signals)(collectors);
    leave_out(set, collectors);
}

int
gcw__thread_make(gcw__thread_create *create, void *(*run)(void *arg))
{
    pthread_attr_t attributes;
    sigset_t block, before;
    pthread_t thread;
    int error_before = errno, error = pthread_attr_init(&attributes);

    if (error != 0)
        return error;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    signals_to_block(&block);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    error = create(&thread, &attributes, run, NULL);
    errno = error_before;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}
