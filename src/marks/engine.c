/* engine.c: tables whose entries live as long as their keys.
 *
 * The collector has no ephemerons.  What it has is an event when marking is
 * complete, while the world is still stopped and no link is cleared yet; and
 * kinds of objects with a mark procedure.
 *
 * With the event.  The procedure marks nothing in a table, only its owner.
 * When marking is complete, the pass (pass.c) marks what the entries hold that
 * live, and all that this leads to, until nothing new is found.  The others are
 * dead: their values become 0.
 *
 * Without it.  The event's function is one, which anybody may take away
 * without calling the one before.  So the engine is armed when marking begins,
 * by an event too.  If it is not armed when a table is marked, it will not be
 * called in the end either: then the procedure marks all that is in the table.
 * What would be dead lives on for a while; nothing is lost.
 *
 * Where both fail: the beginning of marking is heard, its end is not, and the
 * world goes on unheard, too; until then the end is made up for.  In a collector
 * that stops the world once that takes a function which passes on one event and
 * not the others.  Then marks are not complete, and which entries live cannot be
 * known afterwards: dead ones' memory may serve others that are marked, and
 * collections that were given up may have changed the marks.  All are dropped, when
 * the next call finds that a collection has passed without the engine, or when the
 * engine is back.  None dangles, for nobody reads one before.
 *
 * Reading without a lock.  `done` is a collection after which all dead entries
 * were taken away; gc_no counts up while the world is stopped.  A reader loads
 * done, then the table, the entry, its value, and last gc_no, and trusts the
 * value if the two are equal.  A collection that stopped it after the value was
 * loaded has found that on its stack.  One that stopped it before, after done
 * was loaded, makes the two differ.  As in the weak read (weak/read.h), also in
 * what orders it, but that nothing need be waited for when the engine was there:
 * `done` is gc_no before the world goes on.  It is acquired, for who catches up
 * takes entries away, and writes it, while the world runs.
 *
 * Phases of a collection, as the events tell, all under the collector's lock:
 *
 *     IDLE --- mark start ---> MARKING --- mark end ---> ENDING ---> IDLE
 *                                 \--- given up ---> IDLE
 *
 * In ENDING the collector marks what finalizable objects lead to.  A table that
 * it comes upon then was not reached before; the procedure marks all that is in
 * it, so that it is whole for the finalizer.  What is not marked after that is
 * dead, and forgotten.  A forgotten table that is found is memory of something
 * dead that a stale pointer leads to: nothing in it may be looked at.
 *
 * A mark procedure may run on the collector's marker threads, several at once,
 * also in ENDING, if the collector's mark stack overflows.  These must not write
 * to the heap, for in incremental mode its pages are protected.  So the
 * procedure only reads.
 *
 * Toggle references that are strong are marked in ENDING, so their objects
 * would be taken for dead.  While there is a function for them, all entries
 * live.
 */
#include <config.h>
#include "marks/engine.h"
#include "marks/inner.h"

#include "collector/objects.h"
#include "ground/delay.h"
#include "ground/memory.h"
#include "ground/trace.h"
#include "marks/kind.h"
#include "marks/owners.h"
#include "marks/pass.h"
#include "marks/pending.h"
#include "marks/tables.h"
#include "marks/tracer.h"

#include <errno.h>
#include <gc/gc_mark.h>
#include <string.h>

_Atomic GC_word gcw__engine_done;
_Atomic size_t gcw__moves_begun, gcw__moves_ended;

enum { IDLE, MARKING, ENDING };

static void
do_nothing(void)
{
}

/* Until there are any. */
static const struct gcw__engine_refs no_refs = {
    do_nothing, do_nothing, do_nothing, NULL
};

/* All but what says otherwise is under the collector's lock. */
static struct {
    bool is_started;
    struct gcw__kind kind;           /* constant */
    int phase;
    struct GC_prof_stats_s at_start;         /* of marking */
    _Atomic bool has_toggles;        /* written by anybody */
    _Atomic bool armed;              /* read by marker threads, as */
    _Atomic GC_word armed_at;        /* gc_no when it was armed last */
    _Atomic GC_word left_at;         /* the last collection in which a table
                                      * was left to the engine; also written by
                                      * marker threads */
    GC_word tidied;                  /* the last after which dead tables were
                                      * forgotten */
    GC_word missed;                  /* the last collection without a pass that
                                      * was caught up with */
    bool keeps_all;                  /* entries, in the last pass */
    const struct gcw__engine_refs *refs;     /* set once, at the start */
    struct gcw__engine_stats stats;
} engine = { .refs = &no_refs };

bool
gcw__engine_owns(const void *base)
{
    return engine.is_started
           && GC_get_kind_and_size(base, NULL) == (int)engine.kind.number;
}

static bool
is_table(const void *address)
{
    const struct gcw__weak_table *t = address;

    return GC_base((void *)(uintptr_t)address) == address
           && gcw__engine_owns(address)
           && gcw__weak_is_table(gcw__weak_load(&t->shape));
}

bool
gcw__engine_holds_all(void)
{
    return engine.keeps_all || engine.missed == gcw__gc_no()
           || atomic_load(&gcw__engine_done) != gcw__gc_no();
}

/* The references come last: what tables hold is marked then. */
static void
pass(void)
{
    uint64_t died = gcw__owners_died();

    if (engine.tidied + 1 != gcw__gc_no())
        gcw__tables_check(is_table);
    engine.keeps_all = atomic_load_explicit(&engine.has_toggles,
                                            memory_order_relaxed);
    gcw__pass(engine.keeps_all, engine.stats.dropped != 0,
              engine.keeps_all ? engine.refs->hold_all : NULL);
    if (!engine.keeps_all)
        engine.refs->pass();
    engine.stats.passes++;
    engine.stats.held += engine.keeps_all;
    GCW__TRACE2(weak__pass, gcw__tables_reached(), gcw__owners_died() - died);
}

bool
gcw__may_be_dead(void)
{
    return engine.phase != MARKING && engine.tidied != gcw__gc_no();
}

/* Collections without the engine. */

/* One without a key is just being made.  A guarded one falls in the next pass:
 * its owner may be dead. */
static void
drop_entry(struct gcw__weak_table *t, struct gcw__weak_entry *entry,
           enum gcw__sort sort)
{
    if (atomic_load(&entry->key) == 0
        || atomic_exchange(&entry->value, 0) == 0)
        return;
    engine.stats.dropped++;
    if (sort != GCW__GUARDED)
        gcw__bury(t, !gcw__may_be_dead());
}

static void
drop_table(struct gcw__weak_table *t)
{
    uintptr_t shape = gcw__weak_load(&t->shape);
    struct gcw__weak_entry *entries = gcw__weak_entries(t, shape);

    for (size_t i = 0; i < gcw__weak_capacity(shape); i++)
        drop_entry(t, &entries[i], gcw__weak_sort(shape));
}

/* Drops all entries, if tables were left to the engine in a collection that it
 * did not hear of.  Returns how many there were.  Entries that are being moved
 * meanwhile: see kill.c. */
static uint64_t
drop_all(GC_word done)
{
    uint64_t before = engine.stats.dropped;
    size_t ended = atomic_load(&gcw__moves_ended);
    unsigned passes = 0;

    if (atomic_load(&engine.left_at) <= done)
        return 0;
    do
        for (size_t i = 0; i < gcw__tables_count(); i++)
            drop_table(gcw__tables_at(i));
    while (gcw__may_have_escaped(ended, ++passes));
    return engine.stats.dropped - before;
}

/* Whether references were left to the engine in a collection that it did not hear
 * of. */
static bool
are_refs_left(GC_word done)
{
    return engine.refs != &no_refs && atomic_load(&engine.left_at) > done;
}

void
gcw__check_tables(void)
{
    gcw__pending_clear();
    gcw__tables_check(is_table);
}

static void
catch_up(GC_word done, GC_word now)
{
    uint64_t dropped;

    gcw__check_tables();
    dropped = drop_all(done);
    if (are_refs_left(done))
        engine.refs->drop_all();
    GCW__TRACE2(weak__missed, now - done, dropped);
    engine.missed = now;
    engine.stats.missed += now - done;
    gcw__hook_lost();
    atomic_store_explicit(&gcw__engine_done, now, memory_order_release);
}

/* Threads that have locks of ours may be in the midst of changing references, and
 * are not to be waited for under the collector's lock: they may wait for that, in
 * a fork.  So references are dropped in the stopped world. */
static bool
try_to_catch_up(bool is_stopped)
{
    GC_word now = gcw__gc_no(), done = atomic_load(&gcw__engine_done);

    if (!engine.is_started || done == now)
        return true;
    if (are_refs_left(done) && !is_stopped)
        return false;
    catch_up(done, now);
    return true;
}

bool
gcw__engine_try_to_catch_up(void)
{
    return try_to_catch_up(false);
}

static void *
catch_up_locked(void *has_caught_up)
{
    *(bool *)has_caught_up = gcw__engine_try_to_catch_up();
    return NULL;
}

void
gcw__engine_catch_up(void)
{
    bool has_caught_up;

    gcw__with_lock(catch_up_locked, &has_caught_up);
    if (!has_caught_up) {
        GC_stop_world_external();
        try_to_catch_up(true);
        GC_start_world_external();
    }
    gcw__hook_take_back();
}

/* Events. */

/* What was allocated before the last collection, and since then.  The first grows by
 * the second when a collection ends. */
static struct GC_prof_stats_s
allocated(void)
{
    struct GC_prof_stats_s stats = { .bytes_allocd_since_gc = 0 };

    GC_get_prof_stats_unsafe(&stats, sizeof stats);
    return stats;
}

/* Before tables are left to the engine again. */
static void
mark_starts(void)
{
    try_to_catch_up(true);
    engine.phase = MARKING;
    engine.at_start = allocated();
    atomic_store_explicit(&engine.armed, true, memory_order_relaxed);
    atomic_store_explicit(&engine.armed_at, gcw__gc_no(),
                          memory_order_relaxed);
}

/* Whether it is the collection whose beginning was heard that has marked. */
static bool
has_marked(void)
{
    return engine.phase == MARKING
           && atomic_load_explicit(&engine.armed_at, memory_order_relaxed) + 1
              == gcw__gc_no();
}

/* If no links are to be cleared, all that have died read NULL when the world goes
 * on. */
static void
mark_ends(void)
{
    GC_word now = gcw__gc_no();

    if (!has_marked())
        return;
    pass();
    engine.phase = ENDING;
    atomic_store_explicit(&gcw__engine_done, now, memory_order_release);
    if (gcw__links() == 0)
        gcw__set_settled(now);
}

/* Whether the world is still stopped as it was when marking began: no collection
 * has ended since, whatever events were kept from us.  If nothing had been allocated
 * before, that cannot be known. */
static bool
is_same_stop(void)
{
    return engine.at_start.bytes_allocd_since_gc != 0
           && engine.at_start.allocd_bytes_before_gc
              == allocated().allocd_bytes_before_gc;
}

/* If only the end of marking was kept from us, this is as good.  Else, if marking
 * has not come to its end, it was given up: then its marks are used in incremental
 * mode only. */
static void
world_goes_on(void)
{
    if (has_marked() && is_same_stop())
        mark_ends();
    atomic_store_explicit(&engine.armed, false, memory_order_relaxed);
    if (engine.phase != MARKING)
        return;
    engine.phase = IDLE;
    if (!GC_is_incremental_mode()
        && atomic_load_explicit(&engine.armed_at, memory_order_relaxed)
           == gcw__gc_no())
        atomic_store_explicit(&engine.left_at, 0, memory_order_relaxed);
}

/* Unless another collection has passed since the pass. */
static void
collection_ends(void)
{
    bool heard = engine.phase == ENDING
                 && atomic_load(&gcw__engine_done) == gcw__gc_no();

    engine.phase = IDLE;
    if (!heard)
        return;
    gcw__pending_clear();
    gcw__tables_end();
    engine.tidied = gcw__gc_no();
    gcw__set_settled(engine.tidied);
}

static void
on_event(GC_EventType event)
{
    switch (event) {
    case GC_EVENT_MARK_START:
        mark_starts();
        break;
    case GC_EVENT_MARK_END:
        mark_ends();
        break;
    case GC_EVENT_PRE_START_WORLD:
        world_goes_on();
        break;
    case GC_EVENT_RECLAIM_END:
        collection_ends();
        break;
    default:
        break;
    }
}

/* The mark procedure. */

/* In incremental mode marking begins in a stop, and goes on while the world
 * does: enough that the engine was armed then. */
static bool
engine_will_come(void)
{
    return atomic_load_explicit(&engine.armed_at, memory_order_relaxed)
               == gcw__gc_no()
           && (atomic_load_explicit(&engine.armed, memory_order_relaxed)
               || GC_is_incremental_mode());
}

static struct GC_ms_entry *
mark_word(uintptr_t word, struct GC_ms_entry *top, struct GC_ms_entry *limit)
{
    return GC_MARK_AND_PUSH((void *)word, top, limit, NULL);
}

static struct GC_ms_entry *
mark_entry(const struct gcw__weak_entry *entry, enum gcw__sort sort,
           struct GC_ms_entry *top, struct GC_ms_entry *limit)
{
    uintptr_t value = gcw__weak_load(&entry->value);
    uintptr_t key = gcw__weak_load(&entry->key);

    if (value == 0 || key == 0)
        return top;
    if (sort != GCW__INTERNED)
        top = mark_word(key, top, limit);
    return sort == GCW__MEMBERS ? top : mark_word(value, top, limit);
}

static struct GC_ms_entry *
mark_all(struct gcw__weak_table *t, uintptr_t shape, struct GC_ms_entry *top,
         struct GC_ms_entry *limit)
{
    struct gcw__weak_entry *entries = gcw__weak_entries(t, shape);

    for (size_t i = 0; i < gcw__weak_capacity(shape); i++)
        top = mark_entry(&entries[i], gcw__weak_sort(shape), top, limit);
    return top;
}

/* Whether what is just being marked is left to the engine. */
static bool
is_left(void)
{
    bool will_come = engine_will_come();

    if (will_come)
        atomic_store_explicit(&engine.left_at, gcw__gc_no() + 1,
                              memory_order_relaxed);
    return will_come;
}

/* One that was ended holds nothing. */
static struct GC_ms_entry *
mark_holder(const struct gcw__holder *holder, struct GC_ms_entry *top,
            struct GC_ms_entry *limit)
{
    const void *of = atomic_load_explicit(&holder->of, memory_order_acquire);

    return of == NULL || is_left() ? top : engine.refs->push(of, top, limit);
}

static struct GC_ms_entry *
mark_table(GC_word *address, struct GC_ms_entry *top,
           struct GC_ms_entry *limit, GC_word unused)
{
    struct gcw__weak_table *t = (struct gcw__weak_table *)address;
    uintptr_t shape = atomic_load_explicit(&t->shape, memory_order_acquire);

    (void)unused;
    if (gcw__weak_is_table(shape) && gcw__weak_sort(shape) == GCW__HOLDER)
        return mark_holder((struct gcw__holder *)address, top, limit);
    if (!gcw__weak_is_table(shape) || !gcw__is_registered(t))
        return top;
    if (gcw__weak_capacity(shape) > 1)
        top = mark_word((uintptr_t)((struct gcw__map_table *)t)->owner, top,
                        limit);
    return is_left() ? top : mark_all(t, shape, top, limit);
}

/* Tables. */

/* Memory of the kind that is all zero, but that it may have the collector's
 * word. */
static void *
get_table(size_t size)
{
    struct gcw__weak_table *t = NULL;
    int before = errno;

    if (engine.is_started)
        t = GC_generic_malloc(gcw__whole_granules(size),
                              (int)engine.kind.number);
    errno = before;
    if (t != NULL)
        atomic_store_explicit(&t->number, 0, memory_order_relaxed);
    return t;
}

/* Whether the program has toggle references by now. */
static void
see_toggles(void)
{
    atomic_store_explicit(&engine.has_toggles,
                          GC_get_toggleref_func() != NULL,
                          memory_order_relaxed);
}

static void *
register_table(struct gcw__weak_table *t, uintptr_t shape)
{
    see_toggles();
    if (t != NULL && gcw__tables_add(t, shape))
        return t;
    errno = engine.is_started ? ENOMEM : ENOTSUP;
    return NULL;
}

struct gcw__single_table *
gcw__single_table_new(const void *key, void *value)
{
    struct gcw__single_table *t = get_table(sizeof *t);

    if (t != NULL) {
        atomic_store(&t->entry.value, (uintptr_t)value);
        atomic_store(&t->entry.key, (uintptr_t)key);
    }
    GCW__DELAY(1);
    return register_table((struct gcw__weak_table *)t,
                          gcw__weak_shape(GCW__KEYS, 0));
}

struct gcw__map_table *
gcw__map_table_new(enum gcw__sort sort, unsigned logarithm, void *owner)
{
    struct gcw__map_table *t
        = get_table(sizeof *t + (sizeof t->entries[0] << logarithm));

    if (t != NULL)
        t->owner = owner;
    return register_table((struct gcw__weak_table *)t,
                          gcw__weak_shape(sort, logarithm));
}

/* References. */

void
gcw__engine_refs(const struct gcw__engine_refs *refs)
{
    engine.refs = refs;
}

void
gcw__engine_hold(uintptr_t object)
{
    gcw__pass_hold(object);
}

struct GC_ms_entry *
gcw__engine_push(uintptr_t object, struct GC_ms_entry *top,
                 struct GC_ms_entry *limit)
{
    return mark_word(object, top, limit);
}

struct gcw__holder *
gcw__holder_new(const void *of)
{
    struct gcw__holder *holder = get_table(sizeof *holder);

    if (holder == NULL)
        return NULL;
    see_toggles();
    atomic_store(&holder->of, of);
    atomic_store_explicit(&holder->head.shape,
                          gcw__weak_shape(GCW__HOLDER, 0),
                          memory_order_release);
    return holder;
}

static void *
end_holder(void *holder)
{
    atomic_store(&((struct gcw__holder *)holder)->of, NULL);
    return NULL;
}

void
gcw__holder_end(struct gcw__holder *holder)
{
    gcw__with_lock(end_holder, holder);
}

/* The start. */

static void *
copy_stats(void *out)
{
    engine.stats.tables = gcw__tables_count();
    engine.stats.singles = gcw__tables_singles();
    engine.stats.died = gcw__owners_died();
    *(struct gcw__engine_stats *)out = engine.stats;
    return NULL;
}

void
gcw__engine_stats(struct gcw__engine_stats *out)
{
    gcw__with_lock(copy_stats, out);
}

struct start {
    struct gcw__kind kind;
    void *object;                    /* to try with */
    int error;
};

static void *
start_locked(void *arg)
{
    struct start *start = arg;

    if (engine.is_started)
        return NULL;
    engine.kind = start->kind;
    start->error = gcw__tracer_start(engine.kind.descriptor, start->object);
    engine.is_started = start->error == 0;
    if (engine.is_started) {
        engine.tidied = gcw__gc_no();
        atomic_store(&gcw__engine_done, engine.tidied);
        atomic_store(&engine.armed_at, engine.tidied - 1);
        engine.missed = engine.tidied - 1;
    }
    return NULL;
}

int
gcw__engine_start(void)
{
    struct start start = { .object = gcw__new(64) };

    if (start.object == NULL)
        return ENOMEM;
    start.error = gcw__kind_make(mark_table, &start.kind);
    if (start.error == 0)
        gcw__with_lock(start_locked, &start);
    if (start.error == 0)
        gcw__hook_marks(on_event);
    return start.error;
}
