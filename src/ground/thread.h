/* thread.h: making threads of the library's own.
 *
 * They are detached, and have all signals blocked but those that a fault raises,
 * and what is asked for: handlers of the program must not run there.
 */
#ifndef GCW__THREAD_H
#define GCW__THREAD_H

#include <pthread.h>

/* pthread_create, or the collector's. */
typedef int gcw__thread_create(pthread_t *thread,
                               const pthread_attr_t *attributes,
                               void *(*run)(void *arg), void *arg);

/* Has a new thread call run(NULL).  `open` ends with 0: signals that it does not
 * block; or NULL.  Returns 0 or an errno. */
int gcw__thread_make(gcw__thread_create *create, void *(*run)(void *arg),
                     const int *open);

#endif
