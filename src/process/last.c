/* last.c: the end of a process whose main thread has left it to others.
 *
 * When main has left by pthread_exit, the process ends with its last thread.
 * But the collector's markers, our worker and the thread that waits for signals
 * are threads as well, which never end, and have all signals blocked.  So when main leaves, one more thread is
 * started, which looks every now and then how many there are, and exits once
 * no other is left.  No system call waits for that; and it costs nothing to
 * programs whose main thread does not leave.
 *
 * The collector does not know that thread.  It has signals blocked as the
 * worker has: a handler of the program must not run there.
 *
 * Without any of these it is not needed, and not started.  Where the
 * system does not say how many threads there are, such a process does not
 * end by itself.
 */
#include <config.h>
#include "process/last.h"

#include "collector/collector.h"
#include "deliver/worker.h"
#include "ground/process.h"
#include "ground/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MILLISECONDS = 100 };

/* The number of the process whose main thread has left, and of the one that is
 * watched; 0: none.  In a child both are of no meaning. */
static atomic_uint main_left, watched;

/* How many threads the process has, main included, though it has left; 0: the
 * system does not say. */
static long
threads(void)
{
    /* The 20th word, of which the second, in brackets, may contain anything;
     * so many spaces after that. */
    enum { SPACES = 18 };
    char line[1024], *at = NULL;
    FILE *file = fopen("/proc/self/stat", "re");

    if (file == NULL)
        return 0;
    if (fgets(line, sizeof line, file) != NULL)
        at = strrchr(line, ')');
    fclose(file);
    for (int i = 0; i < SPACES && at != NULL; i++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtol(at, NULL, 10);
}

/* The number of the process in which a thread waits for signals. */
static atomic_uint signals_awaited;

/* How many threads there are that never end. */
static long
lasting_threads(void)
{
    return gcw__worker_runs() + gcw__collector_threads()
           + (atomic_load(&signals_awaited) == gcw__process());
}

/* How many do not count: these, main and this one. */
static long
our_threads(void)
{
    return 2 + lasting_threads();
}

static void *
watch(void *unused)
{
    struct timespec pause = { 0, MILLISECONDS * 1000000L };

    while (threads() > our_threads())
        nanosleep(&pause, NULL);
    if (threads() != 0)
        exit(0);
    return unused;
}

static void
watch_for_the_end(void)
{
    if (atomic_exchange(&watched, gcw__process()) == gcw__process())
        return;
    if (gcw__thread_make(pthread_create, watch) != 0)
        atomic_store(&watched, 0);
}

void
gcw__last_needed(void)
{
    if (atomic_load(&main_left) == gcw__process())
        watch_for_the_end();
}

void
gcw__last_signal_thread(bool waits)
{
    atomic_store(&signals_awaited, waits ? gcw__process() : 0);
    if (waits)
        gcw__last_needed();
}

static void
main_leaves(void *unused)
{
    (void)unused;
    atomic_store(&main_left, gcw__process());
    if (lasting_threads() != 0)
        watch_for_the_end();
}

static pthread_key_t key;
static pthread_once_t key_made = PTHREAD_ONCE_INIT;

static void
make_key(void)
{
    pthread_key_create(&key, main_leaves);
}

/* Has main_leaves called when the thread ends; exit does not call it. */
void
gcw__last_watch_main(void)
{
    pthread_once(&key_made, make_key);
    pthread_setspecific(key, &key);
}
