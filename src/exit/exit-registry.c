/* exit-registry.c: registries as a whole, with what their containers call
 * (container.h). */
#include <config.h>
#include "exit/exit.h"

#include "exit/exit-ids.h"

#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/roots.h"
#include "ground/text.h"
#include "weak/enter.h"

static pthread_mutex_t *
lock_of(const struct gcw__container *container)
{
    (void)container;
    return &gcw__exit_lock;
}

static const struct gcw__container_ops registry_ops = {
    "exit registry", "exit handlers", true, lock_of, gcw__exit_handler_died,
    gcw__exit_ids_closed, gcw__exit_empty, gcw__exit_object_unloading, gcw__exit_shrink,
    gcw__registry_see, gcw__registry_count
};

gcw_exit_registry *
gcw__exit_registry_make(const char *name)
{
    gcw_exit_registry *r = gcw__new(sizeof *r);

    if (r == NULL)
        return NULL;
    r->container = gcw__container_new(&registry_ops,
                                      sizeof(struct gcw__exit_container));
    if (name != NULL)
        r->name = gcw__copy(name);
    r->turn = &r->own_turn;
    if (r->container == NULL || (name != NULL && r->name == NULL))
        return NULL;
    r->container->name = r->name;
    return r;
}

/* What is in the early registry moves: all but the array, for which there is no
 * memory here; that goes when the next handler is registered.  Code that is being
 * unloaded is looked for in both. */
void
gcw__exit_install(void)
{
    gcw_exit_registry *r = gcw__roots->at_exit;

    r->is_default = true;
    r->turn = gcw__exit_early.turn;
    gcw__container_open_staying(r->container, r);
    gcw__lock(&gcw__exit_lock, true);
    r->order = gcw__exit_early.order;
    r->order.before_start = false;
    r->unloading = gcw__exit_early.unloading;
    gcw__exit_early.order = (struct gcw__order){ .before_start = true };
    atomic_store(&gcw__exit_default, r);
    gcw__unlock(&gcw__exit_lock);
}

gcw_exit_registry *
gcw_exit_registry_new(const char *name)
{
    gcw_exit_registry *r;

    if (gcw__enter() != 0)
        return NULL;
    r = gcw__exit_registry_make(name);
    if (r == NULL)
        return gcw__fail_null(ENOMEM);
    return gcw__container_open(r->container, r) ? r : NULL;
}

void
gcw_exit_options_init(gcw_exit_options *o)
{
    if (o != NULL)
        *o = (gcw_exit_options){ .name = NULL };
}

gcw_exit_registry *
gcw_exit_default(void)
{
    return gcw__enter() != 0 ? NULL : gcw__roots->at_exit;
}

int
gcw_exit_on_error(gcw_exit_registry *r, gcw_error_fn *hook, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    if (r == NULL || !gcw__holdable(data))
        return gcw__refuse_int(EINVAL, "given r, held data", r, data);
    gcw__hook_set(&r->hook, &gcw__exit_lock, (void (*)(void))hook, data);
    return 0;
}
