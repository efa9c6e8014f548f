/* walk.c: looking at everything that is registered.
 *
 * Walkers print, count and explain it.  They write to files and call code of
 * the user's, so they are called while no lock is held: a walk sees what there
 * is in pieces, each as it was at one moment.  Entries that come and go
 * meanwhile may be seen or not; those that stay are seen, but that exit
 * handlers may be passed over when their array moves.  Each kind has its own
 * way: event-see.c, exit-see.c, cleanup-see.c.
 *
 * No memory is allocated, so it works when there is none.
 */
#include <config.h>
#include "debug/walk.h"

#include "weak/container.h"

void
gcw__walk_containers(const struct gcw__walker *walker, void *arg)
{
    struct gcw__walk walk = { .walker = walker, .arg = arg };
    struct gcw__container *container = NULL;

    while ((container = gcw__container_after(container)) != NULL) {
        void *object = gcw__container_object(container);

        walk.table = (struct gcw__table_seen){ .ops = container->ops,
                                               .container = object };
        if (object != NULL)
            container->ops->see(&walk, object);
        gcw__see_part(&walk, container, "container", NULL);
        GCW__KEEP(object);
    }
}
