/* thread.c: making threads of the library's own. */
#include <config.h>
#include "ground/thread.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

static void
signals_to_block(sigset_t *set, const int *open)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT,
                                  SIGTRAP, SIGSYS };

    sigfillset(set);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(set, faults[i]);
    while (open != NULL && *open != 0)
        sigdelset(set, *open++);
}

int
gcw__thread_make(gcw__thread_create *create, void *(*run)(void *arg),
                 const int *open)
{
    pthread_attr_t attributes;
    sigset_t block, before;
    pthread_t thread;
    int error_before = errno, error = pthread_attr_init(&attributes);

    if (error != 0)
        return error;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    signals_to_block(&block, open);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    error = create(&thread, &attributes, run, NULL);
    errno = error_before;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}
