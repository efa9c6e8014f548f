/* walk.c: looking at everything that is registered.
 *
 * For those who show, count and explain it.  They write to files and may be
 * anybody's code, so they are called while no lock is held: a walk sees what
 * there is in pieces, each as it was at one moment.  What comes and goes
 * meanwhile may be seen or not; what stays is seen.  How a kind of container
 * does that is its own affair: event-see.c, exit-see.c, cleanup-see.c.
 *
 * No memory is allocated, so it works when there is none.
 */
#include <config.h>
#include "debug/walk.h"

#include "weak/place.h"

void
gcw__walk_places(const struct gcw__walker *walker, void *arg)
{
    struct gcw__walk walk = { .walker = walker, .arg = arg };
    struct gcw__place *place = NULL;

    while ((place = gcw__place_after(place)) != NULL) {
        void *container = gcw__place_container(place);

        walk.table = (struct gcw__table_seen){ .ops = place->ops,
                                               .container = container };
        if (container != NULL)
            place->ops->see(&walk, container);
        gcw__see_part(&walk, place, "place", NULL);
        GCW__KEEP(container);
    }
}
