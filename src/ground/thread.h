/* thread.h: making threads of the library's own.
 *
 * They are detached, and have all signals blocked but those that a fault raises
 * and those that the collector needs: handlers of the program must not run there.
 */
#ifndef GCW__THREAD_H
#define GCW__THREAD_H

#include <pthread.h>

/* pthread_create, or the collector's. */
typedef int gcw__thread_create(pthread_t *thread,
                               const pthread_attr_t *attributes,
                               void *(*run)(void *arg), void *arg);

/* The signals by which the collector stops threads, and has them go on; then 0. */
enum { GCW__COLLECTOR_SIGNALS = 3 };
typedef void gcw__collector_signals_fn(int signals[GCW__COLLECTOR_SIGNALS]);

/* Says who knows these signals.  Called before any thread is made. */
void gcw__thread_install(gcw__collector_signals_fn *of_collector);

/* Has a new thread call run(NULL).  Returns 0 or an errno. */
int gcw__thread_make(gcw__thread_create *create, void *(*run)(void *arg));

#endif
