/* exit-ids.h: numbers of handlers.  See exit-ids.c. */
#ifndef GCW__EXIT_IDS_H
#define GCW__EXIT_IDS_H

#include "exit/exit.h"

/* The container of a registry. */
struct gcw__exit_container {
    struct gcw__container container;     /* first member */
    struct gcw__exit_token *tokens;  /* of handlers with a number; under the
                                      * exit lock */
};

static inline struct gcw__exit_container *
gcw__exit_container(const gcw_exit_registry *r)
{
    return (struct gcw__exit_container *)r->container;
}

/* `closed` of a registry's container. */
bool gcw__exit_ids_closed(struct gcw__container *container, bool may_wait);

/* The registry of the handler with that number, or NULL if that, or the
 * handler, is gone.  No lock held. */
void *gcw__exit_id_registry(uint64_t id);

/* The handler, or NULL if it is gone.  Its registry is alive.  Lock held. */
gcw_exit_handler *gcw__exit_id_find(uint64_t id);

#endif
