/* roots.h: what the library keeps alive.
 *
 * Statics are no roots if the runtime has turned that off (GC_set_no_dls, as
 * ECL does), so everything collectable that a static would refer to hangs on
 * one block of uncollectable memory.  The block exists from gcw_init on and is
 * never freed.  Each field is written under the lock of the file that owns it.
 */
#ifndef GCW__ROOTS_H
#define GCW__ROOTS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ground/hook.h"
#include "ground/table.h"

#include <gcweak.h>

struct gcw__watch;
struct gcw__container;
struct gcw_queue;

struct gcw__roots {
    /* death.c: the watches that were swept, whose `died` is still to be
     * called */
    struct gcw__watch *swept_first, *swept_last;
    /* drain.c: the default queue of pending callbacks; the others with something
     * in them, under the queue lock; and those for which this sweep has made
     * callbacks pending, under the sweep lock */
    struct gcw_queue *queue;
    struct gcw_queue *queues_first, *queues_last;
    struct gcw_queue *queues_new;
    /* worker.c: what a worker's thread calls first and last */
    struct gcw__hook enter_hook, leave_hook;
    /* debug-explain.c: the hook that names objects, under the queue lock */
    struct gcw__hook name_hook;
    /* tell.c: the sink, under its own lock */
    struct gcw__hook tell_hook;
    /* proxy.c: all proxies that were not freed */
    gcw_proxy *proxies;
    /* exit.c: the default registry */
    gcw_exit_registry *at_exit;
    /* exit-ids.c: the tokens of handlers with a number, by that and by the
     * handler; under the exit lock */
    struct gcw__table exit_ids, exit_id_of;
    /* container.c: all containers, and those to be tidied */
    struct gcw__container *containers;
    struct gcw__container *_Atomic untidy;
};

extern struct gcw__roots *gcw__roots;

/* Whether gcw_init has succeeded: then the roots exist, and all else that a
 * call relies on. */
extern atomic_bool gcw__ready;

#endif
