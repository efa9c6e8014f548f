/* queue-own.c: queues of the program's own.
 *
 * The default queue and these are alike (queue.c), but that these are
 * containers (weak/container.h), which the program drops or disposes of, and
 * whose descriptor is a polled one (queue-fd.c).
 *
 * What holds a queue: the program; each of its cleanups, while that is held;
 * and the roots, while something is pending in it.  Who disposes of a queue
 * leaves what is pending to the default one; what becomes pending later goes
 * there as well, which is decided under the queue lock when it is queued.
 */
#include <config.h>
#include "deliver/queue.h"

#include "ground/lock.h"
#include "ground/text.h"
#include "weak/enter.h"
#include "weak/see.h"

/* What the container calls. */

static pthread_mutex_t *
queue_lock_of(const struct gcw__container *container)
{
    (void)container;
    return &gcw__queue_lock;
}

static void
empty_queue(void *queue)
{
    gcw_queue *q = queue;

    q->hook = (struct gcw__hook){ NULL, NULL };
    gcw__queue_leave(q);
}

static bool
queue_unloading(void *queue, const struct gcw__range *range)
{
    gcw__hook_unload(&((gcw_queue *)queue)->hook, &gcw__queue_lock, range);
    return false;
}

static void
tidy_queue(void *queue)
{
    if (atomic_load(&((gcw_queue *)queue)->length) != 0)
        gcw__queue_show(queue);
}

static void
see_queue(struct gcw__walk *walk, void *queue)
{
    gcw_queue *q = queue;

    walk->table.name = q->name;
    walk->table.live = gcw__queue_pending(q);
    walk->table.alone = true;
    gcw__see_table(walk);
    gcw__see_part(walk, q, "queue", NULL);
    gcw__see_part(walk, q->name, "name", NULL);
}

static void
count_queue(void *queue, gcw_statistics *out)
{
    (void)queue;
    out->queues++;
}

static const struct gcw__container_ops queue_ops = {
    "queue", "pending callbacks", false, queue_lock_of, NULL, gcw__queue_close,
    empty_queue, queue_unloading, tidy_queue, see_queue, count_queue
};

/* What the program says. */

bool
gcw__queue_has_closed(const gcw_queue *q)
{
    bool closed;

    if (gcw__queue_is_default(q))
        return false;
    gcw__lock(&gcw__queue_lock, true);
    closed = gcw__queue_is_closed(q);
    gcw__unlock(&gcw__queue_lock);
    return closed;
}

gcw_queue *
gcw_queue_new(const char *name)
{
    gcw_queue *q;

    if (gcw__enter() != 0)
        return NULL;
    q = gcw__queue_make();
    if (q == NULL)
        return gcw__fail_null(ENOMEM);
    if (name != NULL)
        q->name = gcw__copy(name);
    q->container = gcw__container_new(&queue_ops, sizeof *q->container);
    if (q->container == NULL || (name != NULL && q->name == NULL))
        return gcw__fail_null(ENOMEM);
    return gcw__container_open(&q->container->polled.container, q) ? q : NULL;
}

gcw_queue *
gcw_queue_default(void)
{
    return gcw__enter() != 0 ? NULL : gcw__roots->queue;
}

/* The library has been entered. */
static int
hear_failures(const char *function, gcw_queue *q, gcw_error_fn *hook,
              void *data)
{
    struct gcw__hook its = { (void (*)(void))hook,
                             hook == NULL ? NULL : data };
    bool closed;

    if (q == NULL || !gcw__holdable(data)) {
        gcw__refused(function, EINVAL, "given q, held data", q, data);
        return -1;
    }
    gcw__lock(&gcw__queue_lock, true);
    closed = gcw__queue_is_closed(q);
    if (!closed)
        q->hook = its;
    gcw__unlock(&gcw__queue_lock);
    if (closed)
        gcw__refused(function, ESTALE, "open q", q);
    return closed ? -1 : 0;
}

int
gcw_queue_on_error(gcw_queue *q, gcw_error_fn *hook, void *data)
{
    return gcw__enter() != 0 ? -1 : hear_failures(__func__, q, hook, data);
}

int
gcw_drain_on_error(gcw_error_fn *hook, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    return hear_failures(__func__, gcw__roots->queue, hook, data);
}
