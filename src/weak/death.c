/* death.c: noticing that targets have died.
 *
 * A death is learned from a reference that our pass or the collector has cleared
 * (way.h), never from a finalizer of the target, whose one slot belongs to its
 * owner.
 *
 * Noticing is a sweep of all shards (bury.c), once after each collection.  By
 * marks it meets the dead only, by links all references.  Whether it is due is
 * known by comparing gc_no with gcw__noticed:
 *   - at the beginning of each call into the library; this is what
 *     correctness rests on;
 *   - when the canary fires, so that deaths are noticed promptly in a program
 *     that does not call the library.  A canary fires in a finalizer, within
 *     some allocation, so it waits for no lock;
 *   - in the worker and in the loop that polls the descriptor, both woken by
 *     the collector's hook.
 * The canary exists only while there are watches.
 *
 * The watches that a sweep takes off their references are in a list until
 * `died` of each has been called, because that may have to be put off.  Those
 * of a shard are called before the next shard is swept, while they are in the
 * processor's cache.
 *
 * Under the sweep lock: the list, and all writes to gcw__noticed.  Who finds there
 * that the deaths of a collection were noticed also finds, without a lock, that
 * their callbacks are in the queues: it is written after that, and released; each
 * call into the library acquires it.
 */
#include <config.h>
#include "weak/death.h"

#include "collector/canary.h"
#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/roots.h"
#include "ground/tell.h"
#include "marks/engine.h"
#include "weak/settled.h"

_Atomic GC_word gcw__noticed;

static pthread_mutex_t sweep_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct gcw__death_listener *listener;

/* Calls `died` of the watches that were swept.  False if one of them put it
 * off.  Sweep lock held.  The call may move its watch to the end of another
 * list (drain.c), where its `next` is NULL. */
static bool
call_watches(bool may_wait)
{
    struct gcw__roots *roots = gcw__roots;
    struct gcw__watch *watch;

    while ((watch = roots->swept_first) != NULL) {
        struct gcw__watch *next = watch->next;

        if (!watch->ops->died(watch, may_wait))
            return false;
        GCW__DELAY(2);
        watch->next = NULL;
        roots->swept_first = next;
    }
    roots->swept_last = NULL;
    return listener->called(may_wait);
}

/* Sweeps all shards.  `now` is a collection whose links are cleared.  False if
 * something was put off. */
static bool
sweep_all(GC_word now, bool may_wait, struct gcw__garbage *garbage)
{
    struct gcw__roots *roots = gcw__roots;
    bool complete = true;

    for (size_t i = 0; i < GCW__SHARDS; i++) {
        complete &= gcw__shard_sweep(i, now, may_wait, &roots->swept_first,
                                     &roots->swept_last, garbage);
        GCW__DELAY(1);
        complete &= call_watches(may_wait);
    }
    if (complete)
        atomic_store_explicit(&gcw__noticed, now, memory_order_release);
    return complete;
}

/* Entries that the engine could not keep are counted in it. */
static void
tell_dropped(void)
{
    static _Atomic uint64_t told;
    struct gcw__engine_stats now;
    uint64_t before = atomic_load(&told);

    gcw__engine_stats(&now);
    while (now.dropped > before
           && !atomic_compare_exchange_weak(&told, &before, now.dropped))
        continue;
    if (now.dropped > before)
        gcw__tell(GCW_TOLD_LOST, "lost: %ju entries of weak maps were dropped,"
                  " for gcweak was not told of a collection: somebody has taken"
                  " the collector's event function",
                  (uintmax_t)(now.dropped - before));
}

static void
tell_what_was_lost(void)
{
    if (gcw__told(GCW_TOLD_LOST))
        tell_dropped();
    if (atomic_load_explicit(&gcw__lines_held, memory_order_relaxed) != 0)
        gcw__tell_held();
}

/* With may_wait nothing is put off, but for an entry whose container may have
 * died in yet another collection: that is settled, and the sweep repeated.
 * False: another thread has the lock. */
static bool
sweep(bool may_wait)
{
    struct gcw__garbage garbage = { 0 };
    bool complete;

    do {
        GC_word now = gcw__settle();

        if (!gcw__lock(&sweep_lock, may_wait))
            return false;
        complete = now == gcw__noticed || sweep_all(now, may_wait, &garbage);
        gcw__unlock(&sweep_lock);
        GCW__DELAY(3);
        gcw__shards_clear(&garbage);
    } while (may_wait && !complete);
    listener->swept();
    return true;
}

void
gcw__notice_deaths(bool may_wait)
{
    if (sweep(may_wait))
        tell_what_was_lost();
}

/* Kills all references under one lock, so that a fork meanwhile does not lose
 * half.  What needs the collector's lock comes before and after. */
void
gcw__deaths_of(void *base)
{
    struct gcw__garbage garbage = { 0 };
    bool complete;

    do {
        gcw__settle();
        gcw__lock(&sweep_lock, true);
        gcw__shard_kill(base, &gcw__roots->swept_first,
                        &gcw__roots->swept_last, &garbage);
        complete = call_watches(true);
        gcw__unlock(&sweep_lock);
        GCW__DELAY(4);
        gcw__shards_clear(&garbage);
    } while (!complete);
    listener->swept();
    tell_what_was_lost();
}

/* Has the next call into the library sweep once more, and tell; unless another
 * thread sweeps just now, and tells itself. */
static void
leave_telling(void)
{
    if (!gcw__lock(&sweep_lock, false))
        return;
    atomic_store_explicit(&gcw__noticed, gcw__gc_no() - 1,
                          memory_order_relaxed);
    gcw__unlock(&sweep_lock);
}

static bool
is_anything_to_tell(void)
{
    return gcw__told(GCW_TOLD_LOST)
           || atomic_load_explicit(&gcw__lines_held, memory_order_relaxed) != 0;
}

/* Within an allocation, perhaps: a sink must not be called here. */
static void
canary_fired(void)
{
    if (sweep(false) && is_anything_to_tell())
        leave_telling();
}

static const struct gcw__canary_ops canary_ops = {
    canary_fired, gcw__shards_watched
};

static void
collection_ended(void)
{
    if (gcw__shards_watches() != 0)
        listener->collected();
}

bool
gcw__death_watch(struct gcw__watch *watch)
{
    bool live = gcw__watch_add(watch);

    if (live)
        gcw__canary_arm(&canary_ops);
    return live;
}

gcw_ref *
gcw__death_watch_new(void *base, const void *target, struct gcw__watch *watch)
{
    gcw_ref *ref = gcw__shard_watch(base, target, watch);

    if (ref != NULL)
        gcw__canary_arm(&canary_ops);
    return ref;
}

void
gcw__deaths_install(const struct gcw__death_listener *its)
{
    listener = its;
}

void
gcw__deaths_hook(void)
{
    gcw__hook_install(collection_ended);
}

static void
deaths_prepare(void)
{
    gcw__lock(&sweep_lock, true);
}

static void
deaths_parent(void)
{
    gcw__unlock(&sweep_lock);
}

/* The threads that were noticing deaths are not in the child, so it sweeps
 * anew at its next call. */
static void
deaths_child(void)
{
    atomic_store(&gcw__noticed, gcw__gc_no() - 1);
    gcw__unlock(&sweep_lock);
}

const struct gcw__part gcw__death_part = {
    "death", deaths_prepare, deaths_parent, deaths_child, NULL
};
