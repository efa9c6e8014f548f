/* pass.c: which entries live, when marking is complete.
 *
 * The engine's pass (engine.c), in the stopped world.  It goes through the tables
 * that were marked.  An entry that lives has what it holds marked, with all that
 * this leads to (tracer.c), which may make other entries and tables live; what
 * does not live yet is pending (pending.c).  When nothing new is found, guarded
 * entries with dead keys fall, and what they hand out lives; so it goes on.  In
 * the end what is pending is dead.
 *
 * Tables that hold nothing for their entries make nothing live, so they are
 * looked at only then, once.
 */
#include <config.h>
#include "marks/pass.h"

#include "marks/marked.h"
#include "marks/owners.h"
#include "marks/pending.h"
#include "marks/tables.h"
#include "marks/tracer.h"

#include <gc/gc_mark.h>

/* Of this pass. */
static struct {
    bool keeps_all, dropped;
    bool has_guarded;                /* tables that were reached */
} now;

/* Entries. */

/* In tables that need only live keys, a value may lead out of the heap. */
static bool
is_marked_or_outside(uintptr_t pointer)
{
    void *base = GC_base((void *)pointer);

    return base == NULL || GC_is_marked(base);
}

static bool
lives(uintptr_t key, uintptr_t value, enum gcw__sort sort)
{
    switch (sort) {
    case GCW__GUARDED:
        return gcw__has_fallen(key) || gcw__is_marked(key);
    case GCW__VALUES:
    case GCW__INTERNED:
        return gcw__is_marked(value);
    case GCW__BOTH:
        return gcw__is_marked(key) && is_marked_or_outside(value);
    default:
        return gcw__is_marked(key);
    }
}

/* What a live one holds; 0: nothing. */
static uintptr_t
held_by(uintptr_t key, uintptr_t value, enum gcw__sort sort)
{
    if (sort == GCW__KEYS || sort == GCW__STRONG || sort == GCW__GUARDED)
        return value;
    return sort == GCW__VALUES ? key : 0;
}

/* What one is found by that is pending. */
static uintptr_t
awaited_by(const struct gcw__weak_entry *entry, enum gcw__sort sort)
{
    return (uintptr_t)GC_base((void *)gcw__weak_load(sort == GCW__VALUES
                                                ? &entry->value
                                                : &entry->key));
}

/* The pass. */

static void
reach_table(void *table)
{
    gcw__tables_reach(table);
}

static struct gcw__trace_calls trace_calls = { reach_table, NULL };

/* What the object leads to is marked by gcw__trace_rest, which must follow. */
static void
hold(uintptr_t word)
{
    if (word != 0)
        gcw__trace(word, &trace_calls);
}

void
gcw__pass_hold(uintptr_t object)
{
    hold(object);
    gcw__trace_rest();
}

/* A table of strong values marks them at once, so that it waits for nothing
 * when its keys die.  An entry that all hold is not looked at again. */
static void
look_at_entry(struct gcw__weak_entry *entry, enum gcw__sort sort)
{
    uintptr_t value = gcw__weak_load(&entry->value);
    uintptr_t key = gcw__weak_load(&entry->key);

    if (value == 0 || key == 0)
        return;
    if (sort == GCW__STRONG || now.keeps_all)
        hold(value);
    if (now.keeps_all)
        hold(sort == GCW__INTERNED ? 0 : key);
    else if (lives(key, value, sort))
        hold(sort == GCW__STRONG ? 0 : held_by(key, value, sort));
    else
        gcw__pending_add(entry, sort);
}

static bool
holds_nothing(enum gcw__sort sort)
{
    return sort == GCW__BOTH || sort == GCW__INTERNED || sort == GCW__MEMBERS;
}

/* Guarded entries that were dropped, their owner did not hear of it yet. */
static void
let_dropped_fall(struct gcw__weak_table *t, uintptr_t shape)
{
    struct gcw__weak_entry *entries = gcw__weak_entries(t, shape);

    for (size_t i = 0; i < gcw__weak_capacity(shape); i++) {
        uintptr_t key = gcw__weak_load(&entries[i].key);

        if (key != 0 && !gcw__has_fallen(key)
            && gcw__weak_load(&entries[i].value) == 0)
            gcw__let_fall(t, &entries[i], true);
    }
}

/* So many entries are looked at before what they hold is, which is on its way
 * into the cache meanwhile. */
enum { BATCH = 16 };

static void
look_at_batch(struct gcw__weak_entry *entries, size_t n, enum gcw__sort sort)
{
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch((void *)gcw__weak_load(&entries[i].value));
    for (size_t i = 0; i < n; i++)
        look_at_entry(&entries[i], sort);
    gcw__trace_rest();
}

static void
look_at_table(struct gcw__weak_table *t)
{
    uintptr_t shape = gcw__weak_load(&t->shape);
    size_t capacity = gcw__weak_capacity(shape);
    struct gcw__weak_entry *entries = gcw__weak_entries(t, shape);

    if (capacity > 1)
        hold((uintptr_t)((struct gcw__map_table *)t)->owner);
    gcw__trace_rest();
    if (holds_nothing(gcw__weak_sort(shape)) && !now.keeps_all)
        return;
    if (gcw__weak_sort(shape) == GCW__GUARDED) {
        now.has_guarded = true;
        if (now.dropped)
            let_dropped_fall(t, shape);
    }
    gcw__pending_begin(t);
    for (size_t i = 0; i < capacity; i += BATCH)
        look_at_batch(&entries[i], capacity < BATCH ? capacity : BATCH,
                      gcw__weak_sort(shape));
}

static void
look_at_reached(void)
{
    struct gcw__weak_table *t;

    while ((t = gcw__tables_next()) != NULL)
        look_at_table(t);
}

static void
hold_for(const struct gcw__pending *p)
{
    hold(held_by(gcw__weak_load(&p->entry->key), gcw__weak_load(&p->entry->value),
                 p->sort));
    gcw__trace_rest();
}

static bool
lives_now(const struct gcw__pending *p)
{
    return lives(gcw__weak_load(&p->entry->key), gcw__weak_load(&p->entry->value),
                 p->sort);
}

/* Takes out those that live by now.  True if there were any. */
static bool
look_at_pending(void)
{
    struct gcw__pending p = { NULL, NULL, GCW__KEYS };
    size_t at = 0;
    bool any = false;

    while (gcw__pending_next(&at, &p))
        if (lives_now(&p)) {
            gcw__pending_remove(at);
            hold_for(&p);
            any = true;
        }
    return any;
}

static bool
take_pending_found(void)
{
    struct gcw__pending p;
    bool any = false;

    while (gcw__pending_take(&p)) {
        hold_for(&p);
        any = true;
    }
    return any;
}

/* Beyond a few rounds, entries make each other live in a chain. */
enum { ROUNDS = 4 };

static void
begin_index(void)
{
    gcw__pending_index(awaited_by);
    trace_calls.marked = gcw__pending_found;
    look_at_pending();
}

/* To the end: until nothing is found among what is pending, for only then have
 * all tables been looked at that were reached. */
static void
close_over(void)
{
    bool more = true;

    for (int round = 0; more; round++) {
        look_at_reached();
        more = round < ROUNDS ? look_at_pending() : take_pending_found();
        more |= !gcw__trace_is_complete(&trace_calls);
        if (more && round == ROUNDS - 1)
            begin_index();
    }
}

/* All whose keys are dead now fall at once, before one of them makes another
 * live.  True if there were any. */
static bool
let_guarded_fall(void)
{
    struct gcw__pending p = { NULL, NULL, GCW__KEYS };
    size_t at = 0;
    bool any = false;

    while (now.has_guarded && gcw__pending_next(&at, &p))
        if (p.sort == GCW__GUARDED && !lives_now(&p)) {
            gcw__let_fall(p.table, p.entry, true);
            any = true;
        }
    return any;
}

/* To the end, with what guardians bring back: they live now, and what they hold
 * may make other entries live, and lead to other guardians. */
static void
close_over_with_guarded(void)
{
    do
        close_over();
    while (let_guarded_fall());
}

static void
bury_entry(struct gcw__weak_table *t, struct gcw__weak_entry *entry)
{
    atomic_store_explicit(&entry->value, 0, memory_order_relaxed);
    gcw__bury(t, true);
}

/* What is pending is dead. */
static void
bury_pending(void)
{
    struct gcw__pending p = { NULL, NULL, GCW__KEYS };
    size_t at = 0;

    while (gcw__pending_next(&at, &p))
        if (!lives_now(&p))
            bury_entry(p.table, p.entry);
}

static bool
is_entry(const struct gcw__weak_entry *entry)
{
    return gcw__weak_load(&entry->value) != 0 && gcw__weak_load(&entry->key) != 0;
}

static bool
lives_in_the_end(const struct gcw__weak_entry *entry, enum gcw__sort sort,
                 bool asks)
{
    uintptr_t value = gcw__weak_load(&entry->value), also;

    return lives(gcw__weak_load(&entry->key), value, sort)
           && (!asks || !gcw__lives_also(value, &also) || gcw__is_marked(also));
}

static void
bury_in(struct gcw__weak_table *t, enum gcw__sort sort, bool asks)
{
    uintptr_t shape = gcw__weak_load(&t->shape);
    struct gcw__weak_entry *entries = gcw__weak_entries(t, shape);

    for (size_t i = 0; i < gcw__weak_capacity(shape); i++)
        if (is_entry(&entries[i])
            && !lives_in_the_end(&entries[i], sort, asks))
            bury_entry(t, &entries[i]);
}

static void
bury_members(struct gcw__map_table *t)
{
    size_t mask = gcw__map_table_mask(t);
    uintptr_t other = 0;

    for (size_t i = 0; i <= mask; i++)
        if (is_entry(&t->entries[i])
            && !gcw__is_marked_beside(gcw__weak_load(&t->entries[i].key), &other))
            bury_entry(&t->head, &t->entries[i]);
}

static void
bury_in_the_end(struct gcw__weak_table *t)
{
    enum gcw__sort sort = gcw__weak_sort(gcw__weak_load(&t->shape));
    bool asks = gcw__asks(t);

    if (sort == GCW__MEMBERS
        && !atomic_load(&((struct gcw__map_table *)t)->interior))
        bury_members((struct gcw__map_table *)t);
    else if (holds_nothing(sort) || asks)
        bury_in(t, sort, asks);
}

/* What makes nothing live was not looked at yet; nor, in a table that asks,
 * what an entry lives by beside its key.  What such an entry holds may live for
 * one collection more. */
static void
bury_the_rest(void)
{
    for (size_t i = 0; i < gcw__tables_reached(); i++)
        bury_in_the_end(gcw__tables_at(i));
}

static void
reach_marked(void)
{
    gcw__tables_begin();
    for (size_t i = 0; i < gcw__tables_count(); i++)
        if (GC_is_marked(gcw__tables_at(i)))
            gcw__tables_reach(gcw__tables_at(i));
}

void
gcw__pass(bool keeps_all, bool dropped, void (*hold_more)(void))
{
    now.keeps_all = keeps_all;
    now.dropped = dropped;
    now.has_guarded = false;
    trace_calls.marked = NULL;
    gcw__pending_clear();
    reach_marked();
    if (hold_more != NULL)
        hold_more();
    close_over_with_guarded();
    bury_pending();
    if (!keeps_all)
        bury_the_rest();
}
