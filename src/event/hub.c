/* hub.c: hubs, deaths in them, and tidying.
 *
 *     hub ---- types      name -------------> type
 *        ---- patterns   type and source ---> pattern: a list of listeners
 *
 * Both maps are read by emissions without a lock (map.h), and a pattern's
 * list is what an event has (listeners.c).  A pattern exists as long as it
 * has listeners, a type as long as it has patterns.  What a hub does with
 * them is divided:
 *     hub.c           tidying, measuring
 *     hub-pattern.c   looking types and patterns up, and what goes with them
 *     hub-connect.c   connecting, disconnecting
 *     hub-step.c      emitting, step by step
 *     hub-emit.c      emitting, by calls
 *     hub-post.c      posted emissions, and the descriptor
 *
 * Sources.  A pattern with a source watches it, and is found by its address:
 * an emission that has the source in hand knows that it is alive, so it is the
 * object that the pattern's reference leads to.  When the source dies, the
 * pattern's listeners go, and with the last of them the pattern.
 *
 * Everything but reading the maps is under the lock of the hub's listeners.
 * What cannot be done under that lock, or must not be in a sweep, is left to
 * tidying (container.c): taking watches off, and moving to smaller memory.
 */
#include <config.h>
#include "event/hub.h"

#include "ground/code.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/spare.h"
#include "weak/enter.h"
#include "weak/ref.h"

#include <string.h>

/* What the container calls. */

static bool
source_died(struct gcw__source_watch *source, bool may_wait)
{
    pthread_mutex_t *lock = gcw__listeners_lock(source->on.container);

    if (!gcw__lock(lock, may_wait))
        return false;
    if (source->pattern != 0)
        gcw__listeners_clear(gcw__reveal(source->pattern), NULL);
    gcw__unlock(lock);
    return true;
}

static bool
hub_watch_died(void *hub, struct gcw__entry_watch *watch, bool may_wait)
{
    if (gcw__entry_watch_role(watch) == GCW__SOURCE)
        return source_died((struct gcw__source_watch *)watch, may_wait);
    return gcw__listener_died(hub, watch, may_wait);
}

static void
unload_pattern(void *pattern, void *range)
{
    gcw__listeners_clear(&((struct gcw__pattern *)pattern)->list, range);
}

static bool
hub_unloading(void *hub, const struct gcw__range *range)
{
    gcw_hub *h = hub;
    struct gcw__range copy = *range;

    gcw__lock(gcw__hub_lock(h), true);
    gcw__map_each(&h->patterns, unload_pattern, &copy);
    gcw__unlock(gcw__hub_lock(h));
    gcw__hook_unload(&h->hook, gcw__hub_lock(h), range);
    return false;
}

static void
hub_empty(void *hub)
{
    gcw_hub *h = hub;

    gcw__map_each(&h->patterns, unload_pattern, NULL);
    gcw__hub_drop_posts(h);
}

/* Tidying. */

/* These functions return false if they needed memory, and there was none. */

struct tidying {
    struct gcw__map *map;
    struct gcw__map_spare spare;
};

static int
try_to_tidy_map(void *tidying)
{
    struct tidying *t = tidying;

    return gcw__map_tidied(t->map, &t->spare) ? 0 : GCW__MISSING;
}

static bool
fill_for_map(void *tidying)
{
    return gcw__map_fill(&((struct tidying *)tidying)->spare);
}

static bool
tidy_map(gcw_hub *h, struct gcw__map *map)
{
    struct tidying t = { map, { 0, NULL } };

    return gcw__with_spare(gcw__hub_lock(h), try_to_tidy_map, fill_for_map,
                           &t) == 0;
}

static struct gcw__listeners *
take_sparse(gcw_hub *h)
{
    struct gcw__listeners *list;

    gcw__lock(gcw__hub_lock(h), true);
    list = h->sparse;
    if (list != NULL) {
        h->sparse = list->next_sparse;
        list->next_sparse = NULL;
        list->sparse = false;
    }
    gcw__unlock(gcw__hub_lock(h));
    return list;
}

static bool
tidy_lists(gcw_hub *h)
{
    struct gcw__listeners *list;

    while ((list = take_sparse(h)) != NULL)
        if (!gcw__listeners_tidy(list)) {
            gcw__lock(gcw__hub_lock(h), true);
            gcw__hub_sparse(list);
            gcw__unlock(gcw__hub_lock(h));
            return false;
        }
    return true;
}

/* What could not be done is tried again when containers are tidied next. */
static void
hub_tidy(void *hub)
{
    gcw_hub *h = hub;

    gcw__container_take_off(&h->container->container);
    if (!tidy_lists(h) || !tidy_map(h, &h->types)
        || !tidy_map(h, &h->patterns))
        gcw__container_untidy(&h->container->container);
}

/* Hubs. */

const struct gcw__container_ops gcw__hub_ops = {
    "hub", "listeners", false, gcw__listeners_lock, hub_watch_died,
    gcw__polled_closed, hub_empty, hub_unloading, hub_tidy, gcw__hub_see,
    gcw__hub_count
};

gcw_hub *
gcw_hub_new(void)
{
    gcw_hub *h;

    if (gcw__enter() != 0)
        return NULL;
    h = gcw__new(sizeof *h);
    if (h == NULL)
        return gcw__fail_null(ENOMEM);
    h->container = gcw__container_new(&gcw__hub_ops, sizeof *h->container);
    if (h->container == NULL)
        return gcw__fail_null(ENOMEM);
    return gcw__container_open(&h->container->container, h) ? h : NULL;
}

int
gcw_hub_on_error(gcw_hub *h, gcw_error_fn *hook, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    if (h == NULL || !gcw__holdable(data))
        return gcw__refuse_int(EINVAL, "given h, held data", h, data);
    gcw__hook_set(&h->hook, gcw__hub_lock(h), (void (*)(void))hook, data);
    return 0;
}

/* Measuring. */

static void
measure_pattern(void *item, void *size)
{
    const struct gcw__pattern *pattern = item;
    gcw_hub_size *out = size;

    out->listeners += atomic_load(&pattern->list.live);
    out->bytes += sizeof *pattern + gcw__listeners_bytes(&pattern->list)
                  + (pattern->source == NULL ? 0 : sizeof *pattern->source);
}

static void
measure_type(void *item, void *size)
{
    const struct gcw__type *type = item;

    ((gcw_hub_size *)size)->bytes += sizeof *type + strlen(type->name) + 1;
}

int
gcw_hub_measure(const gcw_hub *hub, gcw_hub_size *out)
{
    gcw_hub *h = (gcw_hub *)(uintptr_t)hub;

    if (gcw__enter() != 0)
        return -1;
    if (h == NULL || out == NULL)
        return gcw__refuse_int(EINVAL, "given h, given out", h, out);
    *out = (gcw_hub_size){ 0, 0, 0, 0, sizeof *h + sizeof *h->container };
    gcw__lock(gcw__hub_lock(h), true);
    gcw__map_each(&h->patterns, measure_pattern, out);
    gcw__map_each(&h->types, measure_type, out);
    out->patterns = h->patterns.count;
    out->types = h->types.count;
    out->posted = h->posted;
    out->bytes += gcw__map_bytes(&h->patterns) + gcw__map_bytes(&h->types)
                  + h->posted_bytes;
    gcw__unlock(gcw__hub_lock(h));
    return 0;
}
