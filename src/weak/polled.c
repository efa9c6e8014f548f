/* polled.c: containers with a descriptor that is readable while there is
 * something to take out.
 *
 * It is set and cleared under the lock of the object, so it is readable exactly
 * then.  Meanwhile the library holds the object, for the loop that polls the
 * descriptor may know the object only from memory that no collection scans.
 *
 * The engine of weak tables sets it without the lock, while the world is stopped
 * (marks/engine.h).  Then a thread may be stopped that is just closing it, whose
 * number may be another file's by now.  The container of a dead object is not
 * asked any more; one that was disposed of is `closed` before that begins.
 *
 * The wake-up lies in memory of malloc, so that it can be closed when the object
 * has died or was disposed of.
 */
#include <config.h>
#include "weak/polled.h"

#include "ground/fail.h"
#include "ground/lock.h"
#include "ground/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
gcw__polled_show(struct gcw__polled *p, void *object)
{
    if (p->wakeup == NULL || p->container.closed)
        return;
    p->container.held = object;
    gcw__wakeup_set(p->wakeup);
}

void
gcw__polled_hide(struct gcw__polled *p)
{
    p->container.held = NULL;
    if (p->wakeup != NULL)
        gcw__wakeup_clear(p->wakeup);
}

static struct gcw__wakeup *
wakeup_new(void)
{
    static const struct gcw__wakeup none = GCW__WAKEUP_INIT;
    struct gcw__wakeup *w = gcw__malloc(sizeof *w);

    if (w != NULL)
        memcpy(w, &none, sizeof none);
    return w;
}

static bool
has_wakeup(const struct gcw__polled *p)
{
    bool has;

    gcw__lock(p->container.lock, true);
    has = p->wakeup != NULL;
    gcw__unlock(p->container.lock);
    return has;
}

/* Opens the descriptor; if there is no wake-up yet, takes `fresh`.  -1 with
 * errno.  Lock held. */
static int
open_locked(struct gcw__polled *p, struct gcw__wakeup **fresh)
{
    if (p->container.closed)
        return gcw__fail_int(ESTALE);
    if (p->wakeup == NULL) {
        p->wakeup = *fresh;
        *fresh = NULL;
    }
    if (p->wakeup == NULL)
        return gcw__fail_int(ENOMEM);
    return gcw__wakeup_open(p->wakeup);
}

int
gcw__polled_fd(struct gcw__polled *p, void *object,
               bool (*has_work)(const void *object))
{
    struct gcw__wakeup *fresh = has_wakeup(p) ? NULL : wakeup_new();
    int fd;

    gcw__lock(p->container.lock, true);
    fd = open_locked(p, &fresh);
    if (fd >= 0 && has_work(object))
        gcw__polled_show(p, object);
    gcw__unlock(p->container.lock);
    free(fresh);
    GCW__KEEP(object);
    return fd;
}

/* Takes the lock, for other threads may use an object that was disposed of. */
bool
gcw__polled_closed(struct gcw__container *container, bool may_wait)
{
    struct gcw__polled *p = (struct gcw__polled *)container;
    struct gcw__wakeup *closed = NULL;

    if (!gcw__lock(container->lock, may_wait))
        return false;
    if (p->wakeup == NULL || gcw__wakeup_close(p->wakeup, may_wait)) {
        closed = p->wakeup;
        p->wakeup = NULL;
    }
    gcw__unlock(container->lock);
    free(closed);
    return p->wakeup == NULL;
}
