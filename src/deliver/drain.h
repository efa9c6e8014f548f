/* drain.h: queues of pending callbacks, and running them.  See drain.c. */
#ifndef GCW__DRAIN_H
#define GCW__DRAIN_H

#include "deliver/queue.h"
#include "ground/compiler.h"
#include "ground/part.h"
#include "ground/roots.h"
#include "weak/shard.h"

#include <gcweak/drain.h>

/* What a drain is doing, for other threads that wait for it. */
struct gcw__progress {
    atomic_bool stop;              /* asks it to end after this callback */
    _Atomic uintptr_t code;        /* of the callback that was taken and has
                                    * not returned, or 0; or of one that is
                                    * about to be taken */
};

/* As gcw_drain; `progress`, if not NULL, shows how far it is, and stops it. */
size_t gcw__drain(size_t max, struct gcw__progress *progress);

/* Runs the callbacks that are pending now, in any queue, and are this process's
 * own; not those that other threads have made since the exit began.  Takes
 * no lock if there are neither watches nor pending callbacks. */
size_t gcw__drain_at_exit(void);

/* Whether a callback is pending in the queue; notices deaths first.  The
 * descriptor is readable afterwards if one is. */
bool gcw__drain_look(gcw_queue *q);

/* Has those who wait for callbacks return: the process exits. */
void gcw__drain_close(void);

/* Reports a callback that has failed, to the hook of its queue. */
void gcw__drain_failed(const gcw_queue *q, gcw_cleanup *c, uintptr_t code,
                       const char *why);

/* Has the drain called at each sweep (gcw__deaths_install); once, when the
 * library starts. */
void gcw__drain_install(void);

extern const struct gcw__part gcw__drain_part;

#endif
