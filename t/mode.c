/* mode.c: the collector set up as other runtimes do; see support.h. */
#include "mode.h"

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include <gc.h>

/* Guile's finalizer thread: woken by the collector's notifier, it runs what
 * the collector has queued.  `pumping` is held while finalizers run, so that
 * collect can wait for the end of it. */
static sem_t pump_wanted;
static pthread_mutex_t pumping;

static void
init_pumping(void)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&pumping, &attr);
    pthread_mutexattr_destroy(&attr);
}

static void
hold_pump(void)
{
    pthread_mutex_lock(&pumping);
}

static void
release_pump(void)
{
    pthread_mutex_unlock(&pumping);
}

void
mode_run_finalizers(void)
{
    hold_pump();
    GC_invoke_finalizers();
    release_pump();
}

/* As Guile does, it has the thread that runs finalizers pause before any fork
 * handler runs: among those are the library's, which take locks that the thread
 * may wait for. */
pid_t
mode_fork(void)
{
    pid_t pid;

    hold_pump();
    pid = (fork)();
    if (pid == 0)
        init_pumping();
    else
        release_pump();
    return pid;
}

static void *
pump(void *unused)
{
    for (;;) {
        while (sem_wait(&pump_wanted) != 0)
            ;
        mode_run_finalizers();
    }
    return unused;
}

static void GC_CALLBACK
wake_pump(void)
{
    sem_post(&pump_wanted);
}

static bool
start_pump(void)
{
    pthread_t thread;

    sem_init(&pump_wanted, 0, 0);
    if (GC_pthread_create(&thread, NULL, pump, NULL) != 0)
        return false;
    return GC_pthread_detach(thread) == 0;
}

static bool
set_up_guile(void)
{
    GC_set_all_interior_pointers(0);
    GC_INIT();
    GC_set_finalize_on_demand(1);
    GC_set_finalizer_notifier(wake_pump);
    return start_pump();
}

static bool
set_up_ecl(void)
{
    GC_set_all_interior_pointers(0);
    GC_set_no_dls(1);
    GC_INIT();
    return true;
}

/* In incremental mode the collector may learn of writes from SIGSEGV, which
 * cmocka takes away while a test runs: it would call such a write a crash, and
 * jump out of the collector.  This definition comes before the C library's,
 * and leaves that signal alone then. */
static bool collector_needs_segv;

void (*
signal(int number, void (*handler)(int)))(int)
{
    struct sigaction old, new = { .sa_handler = handler };

    if (number == SIGSEGV && collector_needs_segv)
        return SIG_DFL;
    return sigaction(number, &new, &old) == 0 ? old.sa_handler : SIG_ERR;
}

static bool
set_up_incremental(void)
{
    GC_INIT();
    GC_enable_incremental();
    collector_needs_segv = true;
    return GC_is_incremental_mode();
}

bool
mode_set_up(const char *mode)
{
    init_pumping();
    if (mode == NULL || *mode == '\0')
        return true;
    if (strcmp(mode, "incremental") == 0)
        return set_up_incremental();
    if (strcmp(mode, "guile") == 0)
        return set_up_guile();
    if (strcmp(mode, "ecl") == 0)
        return set_up_ecl();
    return false;
}
