/* kill.c: taking away all entries that live by an object, which is disposed of.
 *
 * Where its key is, a map with weak keys says itself, and a set: each is looked
 * into.  Of tables of one entry, and of guarded entries, there may be a million.
 * So they are indexed by what they live by, at the first disposal after a
 * collection, in the memory that the engine needs within collections only
 * (pending.c); what was made since then, at each further one.  A collection
 * forgets the index.
 *
 * A table of one keeps its entry.  Guarded entries come and go: a table to which
 * some were added since it was indexed is walked through, and these are small.
 * Maps whose entries live by their values, and sets of methods, are walked
 * through as well.
 *
 * All is under the collector's lock, while the world goes on.  An entry that is
 * being moved from one table to another meanwhile may have been put where we had
 * looked already.  If it is there before it is taken away where it was, the next
 * pass finds it; if after, the thread that moves it sees that, and takes it away
 * itself.  So a pass for each move, and one more: there are no more moves than
 * threads that have got memory for one before.
 */
#include <config.h>
#include "marks/engine.h"

#include "ground/delay.h"
#include "ground/hidden.h"
#include "marks/inner.h"
#include "marks/owners.h"
#include "marks/pending.h"
#include "marks/tables.h"

static struct {
    uint64_t clears;                 /* of pending.h, when it was begun */
    size_t tables;                   /* how many are in it */
    uintptr_t maps;                  /* those of them with more than one entry:
                                      * the first, hidden, for the collector
                                      * looks here */
} index_of_killed;

/* Entries. */

static bool
leads_into(uintptr_t pointer, const void *base)
{
    return pointer != 0 && GC_base((void *)pointer) == base;
}

static bool
lives_by(const struct gcw__weak_entry *entry, enum gcw__sort sort,
         const void *base)
{
    bool by_key = sort != GCW__VALUES && sort != GCW__INTERNED;
    bool by_value = sort == GCW__VALUES || sort == GCW__INTERNED
                    || sort == GCW__BOTH;

    return (by_key && leads_into(atomic_load(&entry->key), base))
           || (by_value && leads_into(atomic_load(&entry->value), base));
}

/* Beside its key. */
static bool
lived_also_by(const struct gcw__weak_entry *entry, const void *base)
{
    uintptr_t value = atomic_load(&entry->value), also;

    return value != 0 && gcw__lives_also(value, &also)
           && leads_into(also, base);
}

/* Its owner hands out what stands for the object, but not the object; if the
 * owner may be dead, this is left to the next pass. */
static void
kill_guarded(struct gcw__weak_table *t, struct gcw__weak_entry *entry,
             const void *base)
{
    if (gcw__has_fallen(atomic_load(&entry->key)))
        return;
    if (leads_into(atomic_load(&entry->value), base))
        atomic_store(&entry->value, 0);
    if (!gcw__may_be_dead())
        gcw__let_fall(t, entry, false);
}

static void
kill_entry(struct gcw__weak_table *t, enum gcw__sort sort,
           struct gcw__weak_entry *entry, const void *base)
{
    if (sort == GCW__GUARDED)
        kill_guarded(t, entry, base);
    else if (atomic_exchange(&entry->value, 0) != 0)
        gcw__bury(t, !gcw__may_be_dead());
}

/* The index. */

static uintptr_t
indexed_by(const struct gcw__weak_entry *entry, enum gcw__sort sort)
{
    (void)sort;
    return (uintptr_t)GC_base((void *)atomic_load(&entry->key));
}

static void
index_entries(struct gcw__weak_table *t, uintptr_t shape)
{
    struct gcw__weak_entry *entries = gcw__weak_entries(t, shape);

    gcw__pending_begin(t);
    for (size_t i = 0; i < gcw__weak_capacity(shape); i++)
        if (atomic_load(&entries[i].key) != 0)
            gcw__pending_add(&entries[i], gcw__weak_sort(shape));
}

static void
index_table(struct gcw__weak_table *t)
{
    uintptr_t shape = atomic_load(&t->shape);
    struct gcw__map_table *map = (struct gcw__map_table *)t;

    if (gcw__weak_capacity(shape) > 1) {
        map->next = gcw__reveal(index_of_killed.maps);
        index_of_killed.maps = gcw__hide(map);
        map->indexed = atomic_load(&map->added);
    }
    if (gcw__weak_capacity(shape) == 1
        || gcw__weak_sort(shape) == GCW__GUARDED)
        index_entries(t, shape);
}

static void
index_tables(void)
{
    if (index_of_killed.clears != gcw__pending_clears()
        || index_of_killed.tables == 0) {
        gcw__pending_clear();
        gcw__pending_index(indexed_by);
        index_of_killed.clears = gcw__pending_clears();
        index_of_killed.tables = 0;
        index_of_killed.maps = gcw__hide(NULL);
    }
    while (index_of_killed.tables < gcw__tables_count())
        index_table(gcw__tables_at(index_of_killed.tables++));
}

static void
kill_indexed(const void *base)
{
    struct gcw__pending p;

    gcw__pending_found((uintptr_t)base);
    while (gcw__pending_take(&p))
        kill_entry(GC_base(p.entry), p.sort, p.entry, base);
}

/* Maps. */

static void
kill_by_walking(struct gcw__weak_table *t, uintptr_t shape, const void *base)
{
    enum gcw__sort sort = gcw__weak_sort(shape);
    struct gcw__weak_entry *entries = gcw__weak_entries(t, shape);
    bool asks = gcw__asks(t);

    for (size_t i = 0; i < gcw__weak_capacity(shape); i++)
        if (lives_by(&entries[i], sort, base)
            || (asks && lived_also_by(&entries[i], base)))
            kill_entry(t, sort, &entries[i], base);
}

/* A key that is the object's beginning is found at once. */
static void
kill_key(struct gcw__map_table *map, uintptr_t shape, const void *base)
{
    struct gcw__weak_entry *entry = gcw__map_table_find(
        map, gcw__weak_capacity(shape) - 1, (uintptr_t)base);

    if (entry != NULL)
        kill_entry(&map->head, gcw__weak_sort(shape), entry, base);
}

static void
kill_in_map(struct gcw__map_table *map, const void *base)
{
    uintptr_t shape = atomic_load(&map->head.shape);
    enum gcw__sort sort = gcw__weak_sort(shape);

    if (sort == GCW__GUARDED && map->indexed == atomic_load(&map->added))
        return;
    if ((sort == GCW__KEYS || sort == GCW__STRONG || sort == GCW__MEMBERS)
        && !atomic_load(&map->interior))
        kill_key(map, shape, base);
    else
        kill_by_walking(&map->head, shape, base);
}

static void
kill_in_maps(const void *base)
{
    for (struct gcw__map_table *map = gcw__reveal(index_of_killed.maps);
         map != NULL; map = map->next) {
        GCW__DELAY(1);
        kill_in_map(map, base);
    }
}

/* Returns NULL; or base, if collections are to be caught up first. */
static void *
kill_locked(void *base)
{
    size_t ended = atomic_load(&gcw__moves_ended);
    unsigned passes = 0;

    if (gcw__tables_count() == 0)
        return NULL;
    if (!gcw__engine_try_to_catch_up())
        return base;
    if (gcw__may_be_dead())
        gcw__check_tables();
    index_tables();
    kill_indexed(base);
    do
        kill_in_maps(base);
    while (gcw__may_have_escaped(ended, ++passes));
    return NULL;
}

void
gcw__engine_kill(void *base)
{
    while (gcw__with_lock(kill_locked, base) != NULL)
        gcw__engine_catch_up();
}
