/* cleanup-see.c: showing the cleanups that have still to run (see.h).
 *
 * Pointers to them are copied a few at a time, under the queue lock, to the
 * stack, which holds the cleanups from then on.
 */
#include <config.h>
#include "deliver/cleanup.h"

#include "deliver/cleanup-order.h"
#include "deliver/drain.h"
#include "ground/lock.h"
#include "weak/label.h"
#include "weak/see.h"

struct cleanups {
    gcw_cleanup *cleanups[GCW__BATCH];
    void *data[GCW__BATCH];
    size_t n, at;
};

static bool
next_cleanups(struct cleanups *batch)
{
    gcw_cleanup *c;

    batch->n = 0;
    gcw__lock(&gcw__queue_lock, true);
    while (batch->n < GCW__BATCH
           && (c = gcw__cleanup_order_next(&batch->at)) != NULL) {
        if (gcw__cleanup_state(c) != GCW__CLEANUP_ARMED)
            continue;
        batch->cleanups[batch->n] = c;
        batch->data[batch->n++] = c->data;
    }
    gcw__unlock(&gcw__queue_lock);
    return batch->n != 0;
}

static void
see_cleanup(const struct gcw__walk *walk, gcw_cleanup *c, const void *data)
{
    struct gcw__entry_seen seen = { .kind = GCW__CLEANUP_SEEN, .handle = c };
    const gcw_queue *q = gcw__cleanup_queue(c);
    struct gcw__cleanup_look look;

    if (!gcw__queue_is_default(q) && !gcw__queue_has_closed(q)) {
        seen.queue = q;
        seen.queue_name = q->name;
    }
    gcw__cleanup_look_at(c, &look);
    seen.name = gcw__label_of(c);
    seen.code = look.code;
    gcw__see_target(&seen, look.waits_for[0], look.waits_for[1]);
    gcw__see_age(&seen, c->born);
    seen.state = seen.target == NULL ? "pending" : "alive";
    if (look.of_method)
        seen.kind = GCW__DEATH_SEEN;
    gcw__see_entry(walk, &seen);
    gcw__see_part(walk, c, look.of_method ? "death callback" : "cleanup",
                  &seen);
    if (look.of_method)
        gcw__see_part(walk, data, "method and data of a death callback", &seen);
}

static void
hold_order(void)
{
    gcw__lock(&gcw__queue_lock, true);
    gcw__queues_tidy();
    gcw__cleanup_order_hold();
    gcw__unlock(&gcw__queue_lock);
}

static void
release_order(void *unused)
{
    (void)unused;
    gcw__lock(&gcw__queue_lock, true);
    gcw__cleanup_order_release();
    gcw__unlock(&gcw__queue_lock);
}

/* Whoever writes to a stream of the program's may not come back. */
void
gcw__walk_cleanups(const struct gcw__walker *walker, void *arg)
{
    struct gcw__walk walk = { .walker = walker, .arg = arg };
    struct cleanups batch = { .at = SIZE_MAX };

    hold_order();
    pthread_cleanup_push(release_order, NULL);
    while (next_cleanups(&batch))
        for (size_t i = 0; i < batch.n; i++)
            see_cleanup(&walk, batch.cleanups[i], batch.data[i]);
    pthread_cleanup_pop(1);
}
