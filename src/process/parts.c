/* parts.c: the table of all parts.
 *
 * It is in the order in which the locks are taken, outermost first: a fork
 * walks it down, and up again (fork.c).  Unloading walks it down: first the
 * worker leaves the code, then all pointers to the code are dropped
 * (object.c).
 */
#include <config.h>
#include "process/parts.h"

#include "debug/debug.h"
#include "deliver/drain.h"
#include "deliver/worker.h"
#include "event/listeners.h"
#include "exit/exit.h"
#include "ground/limit.h"
#include "ground/names.h"
#include "ground/tell.h"
#include "ground/wakeup.h"
#include "map/maps.h"
#include "process/on-signal.h"
#include "proxy/proxy.h"
#include "weak/death.h"
#include "weak/container.h"
#include "weak/shard.h"

const struct gcw__part *const gcw__parts[] = {
    &gcw__worker_part,
    &gcw__signal_part,
    &gcw__death_part,
    &gcw__shard_part,
    &gcw__listeners_part,
    &gcw__exit_part,
    &gcw__map_part,
    &gcw__container_part,
#if HAVE_LIBFFI
    &gcw__proxy_part,
#endif
    &gcw__drain_part,
    &gcw__wakeup_part,
    &gcw__explain_part,
    &gcw__tell_part,
    &gcw__limit_part,
    &gcw__names_part
};

const size_t gcw__parts_count = sizeof gcw__parts / sizeof gcw__parts[0];
