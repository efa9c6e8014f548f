/* watch.c: what waits for deaths.
 *
 * The watches of a reference are a list, the newest in the reference's seat, each
 * of which holds the next.  A watch's `before` leads to the one before it, or is
 * odd and leads to the seat.  All is under the shard's lock.
 */
#include <config.h>
#include "weak/shards.h"

#include "ground/delay.h"

static void
count_watches(struct gcw__shard *shard, size_t more)
{
    size_t n = atomic_load_explicit(&shard->watches, memory_order_relaxed);

    atomic_store_explicit(&shard->watches, n + more, memory_order_relaxed);
}

/* What a seat keeps and that it is a watch are two words. */
static void
set_keep(struct gcw__seat *seat, gcw_ref *ref, struct gcw__watch *newest)
{
    struct gcw__changing *changing = &gcw__seat_chunk(seat)->shard->changing;
    uintptr_t owner = gcw__seat_owner(seat) & ~(uintptr_t)GCW__WATCHED;
    void *keep = newest != NULL ? (void *)newest : (void *)ref;

    changing->ref = ref;
    atomic_store_explicit(&changing->seat, seat, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&seat->keep, keep, memory_order_relaxed);
    gcw__seat_set_owner(seat, owner | (newest != NULL ? GCW__WATCHED : 0));
    atomic_store_explicit(&changing->seat, NULL, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    changing->ref = NULL;
}

static uintptr_t
before_first(struct gcw__seat *seat)
{
    return gcw__hide((char *)seat + 1);
}

void
gcw__seat_watch(struct gcw__seat *seat, struct gcw__watch *watch)
{
    struct gcw__watch *second = gcw__seat_newest(seat);

    watch->before = before_first(seat);
    watch->next = second;
    if (second != NULL)
        second->before = gcw__hide(watch);
    set_keep(seat, watch->ref, watch);
    count_watches(gcw__seat_chunk(seat)->shard, 1);
}

void
gcw__seat_unwatch(struct gcw__seat *seat, struct gcw__watch **first,
                  struct gcw__watch **last)
{
    struct gcw__watch *watch = gcw__seat_newest(seat);
    size_t n = 0;

    if (watch == NULL)
        return;
    if (*last != NULL)
        (*last)->next = watch;
    else
        *first = watch;
    for (; watch != NULL; watch = watch->next) {
        watch->before = 0;
        *last = watch;
        n++;
    }
    count_watches(gcw__seat_chunk(seat)->shard, (size_t)0 - n);
}

/* The seat of a reference whose target the caller keeps alive, or NULL if it was
 * disposed of. */
static struct gcw__seat *
seat_of(const struct gcw__shard *shard, const gcw_ref *ref)
{
    uintptr_t target = (uintptr_t)atomic_load_explicit(&ref->target,
                                                       memory_order_relaxed);
    size_t at = gcw__table_place(target);
    uintptr_t item = 0;

    if (target != 0)
        while ((item = gcw__finder_next(&shard->finder, target, &at)) != 0
               && gcw__seat_ref(gcw__item_seat(item)) != ref)
            continue;
    return item == 0 ? NULL : gcw__item_seat(item);
}

bool
gcw__watch_add(struct gcw__watch *watch)
{
    struct gcw__shard *shard = gcw__shard_of_ref(watch->ref);
    struct gcw__seat *seat;

    GCW__DELAY(9);
    gcw__lock(&shard->lock, true);
    seat = seat_of(shard, watch->ref);
    if (seat != NULL)
        gcw__seat_watch(seat, watch);
    gcw__unlock(&shard->lock);
    return seat != NULL;
}

static void
unlink_watch(struct gcw__shard *shard, struct gcw__watch *watch)
{
    struct gcw__watch *next = watch->next;
    uintptr_t before = (uintptr_t)gcw__reveal(watch->before);

    if (before & 1)
        set_keep((struct gcw__seat *)(before - 1), watch->ref, next);
    else
        ((struct gcw__watch *)before)->next = next;
    if (next != NULL)
        next->before = watch->before;
    watch->before = 0;
    watch->next = NULL;
    count_watches(shard, (size_t)-1);
}

bool
gcw__watch_remove(struct gcw__watch *watch, bool may_wait)
{
    struct gcw__shard *shard = gcw__shard_of_ref(watch->ref);

    GCW__DELAY(10);
    if (!gcw__lock(&shard->lock, may_wait))
        return false;
    if (watch->before != 0)
        unlink_watch(shard, watch);
    gcw__unlock(&shard->lock);
    return true;
}

struct gcw__watch *
gcw__shard_find_watch(void *base, bool is_long,
                      const struct gcw__watch_ops *ops)
{
    struct gcw__shard *shard = gcw__shard_of_base((uintptr_t)base);
    struct gcw__watch *watch;
    struct gcw__seat *seat;

    gcw__lock(&shard->lock, true);
    seat = gcw__shard_seat(shard, base,
                           gcw__kind_of((uintptr_t)base, base, is_long));
    watch = seat == NULL ? NULL : gcw__seat_newest(seat);
    while (watch != NULL && watch->ops != ops)
        watch = watch->next;
    gcw__unlock(&shard->lock);
    return watch;
}

/* The watch to begin with; NULL: there is none.  Lock held. */
static struct gcw__watch *
first_after(const struct gcw__shard *shard, const gcw_ref *ref,
            const struct gcw__watch *after)
{
    struct gcw__seat *seat;

    if (after != NULL && after->before != 0)
        return after->next;
    seat = seat_of(shard, ref);
    return seat == NULL ? NULL : gcw__seat_newest(seat);
}

size_t
gcw__watches_pick(const gcw_ref *ref, const struct gcw__watch *after,
                  bool (*wanted)(const struct gcw__watch *watch,
                                 const void *arg),
                  const void *arg, struct gcw__watch **out, size_t n)
{
    struct gcw__shard *shard = gcw__shard_of_ref(ref);
    struct gcw__watch *watch;
    size_t found = 0;

    gcw__lock(&shard->lock, true);
    for (watch = first_after(shard, ref, after); watch != NULL && found < n;
         watch = watch->next)
        if (wanted(watch, arg))
            out[found++] = watch;
    gcw__unlock(&shard->lock);
    return found;
}
