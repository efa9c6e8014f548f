/* map-room.c: room in a map: growing, shrinking, moving to another table.
 *
 * A key never leaves its slot, so a table fills up with keys whose entries are
 * gone.  When it is three quarters full, or nearly empty, what lives moves to a
 * new one, which takes the place of the old.  An iteration may hold the old
 * one; the engine goes on taking away what dies there.
 *
 * A collection may stop the thread at any instruction of a move, and is ordered
 * with it as with a read (weak/read.h).  Of an entry first the key is loaded, which
 * keeps it from then on, then the value: if there is one, the entry lives, and both
 * are on this stack until they are in the new table.
 */
#include <config.h>
#include "map/maps.h"

#include "ground/delay.h"
#include "ground/lock.h"

#include <errno.h>

size_t
gcw__map_live(const gcw_map *m)
{
    return m->counts.used + m->counts.again - m->counts.removed
           - atomic_load(&gcw__map_table(m)->dead);
}

size_t
gcw__map_count(gcw_map *m)
{
    pthread_mutex_t *lock = gcw__map_lock(m->container);
    size_t n;

    gcw__lock(lock, true);
    n = gcw__map_live(m);
    gcw__unlock(lock);
    return n;
}

/* At most five eighths full, so that many more fit in. */
static unsigned
logarithm_for(size_t n)
{
    unsigned logarithm = GCW__MAP_SMALLEST;

    while (((size_t)5 << logarithm) < n * 8)
        logarithm++;
    return logarithm;
}

static bool
is_full(size_t used, size_t capacity)
{
    return used * 4 > capacity * 3;
}

/* Returns where it is. */
static struct gcw__weak_entry *
put_new(const gcw_map *m, struct gcw__map_table *t, uintptr_t key,
        uintptr_t value)
{
    size_t mask = gcw__map_table_mask(t);
    size_t at = m->by == NULL ? gcw__table_place(key) : m->by->place(value);
    struct gcw__weak_entry *e = &t->entries[at & mask];

    while (atomic_load_explicit(&e->key, memory_order_relaxed) != 0)
        e = &t->entries[++at & mask];
    atomic_store_explicit(&e->value, value, memory_order_release);
    GCW__DELAY(1);
    atomic_store(&e->key, key);
    return e;
}

/* Counts it: as a key, and, if gcw_dispose takes it away meanwhile, as removed.
 * False if a collection has passed, so that the value cannot be looked into, by
 * which entries of this map are found. */
static bool
move_entry(const gcw_map *m, struct gcw__map_table *to,
           const struct gcw__weak_entry *from, struct gcw__map_counts *counts)
{
    GC_word done = gcw__engine_load_done();
    uintptr_t key = atomic_load_explicit(&from->key, memory_order_acquire);
    struct gcw__weak_entry *there;
    uintptr_t value;

    GCW__DELAY(2);
    value = atomic_load_explicit(&from->value, memory_order_acquire);
    if (key == 0 || value == 0)
        return true;
    if (m->by != NULL && !gcw__engine_is_done(done))
        return false;
    there = put_new(m, to, key, value);
    counts->used++;
    if (atomic_load(&from->value) == 0)
        counts->removed += atomic_exchange(&there->value, 0) != 0;
    GCW__KEEP((void *)key);
    GCW__KEEP((void *)value);
    return true;
}

/* False if one of them could not be moved. */
static bool
move_entries(const gcw_map *m, struct gcw__map_table *to,
             struct gcw__map_counts *counts)
{
    struct gcw__map_table *from = gcw__map_table(m);
    size_t capacity = gcw__map_table_mask(from) + 1;

    atomic_store(&to->interior, atomic_load(&from->interior));
    atomic_store(&to->asks, atomic_load(&from->asks));
    for (size_t i = 0; i < capacity; i++)
        if (!move_entry(m, to, &from->entries[i], counts))
            return false;
    return true;
}

/* False if it is still where it was. */
static bool
move_to(gcw_map *m, struct gcw__map_table *to)
{
    struct gcw__map_counts counts = { 0, 0, 0 };
    bool moved;

    atomic_fetch_add(&gcw__moves_begun, 1);
    moved = move_entries(m, to, &counts);
    GCW__DELAY(3);
    if (moved) {
        m->counts = counts;
        atomic_store_explicit(&m->table, to, memory_order_release);
    }
    atomic_fetch_add(&gcw__moves_ended, 1);
    return moved;
}

/* Moves to what there is, if it is as large as is needed for n keys. */
static bool
use_room(struct gcw__map_room *room, size_t n)
{
    unsigned logarithm = logarithm_for(n);
    struct gcw__map_table *to = room->table;

    if (to == NULL || room->logarithm < logarithm) {
        room->logarithm = logarithm;
        return false;
    }
    room->table = NULL;
    room->missed = !move_to(room->map, to);
    return !room->missed;
}

bool
gcw__map_has_room(struct gcw__map_room *room)
{
    const gcw_map *m = room->map;
    size_t capacity = gcw__map_table_mask(gcw__map_table(m)) + 1;

    return !is_full(m->counts.used + 1, capacity)
           || use_room(room, gcw__map_live(m) + 1);
}

bool
gcw__map_is_sparse(const gcw_map *m)
{
    size_t capacity = gcw__map_table_mask(gcw__map_table(m)) + 1;

    return capacity != (size_t)1 << GCW__MAP_SMALLEST
           && gcw__map_live(m) * 6 < capacity;
}

bool
gcw__map_is_tidy(struct gcw__map_room *room)
{
    return !gcw__map_is_sparse(room->map)
           || use_room(room, gcw__map_live(room->map));
}

bool
gcw__map_fill_room(void *room)
{
    struct gcw__map_room *r = room;
    int before = errno;

    if (r->missed) {
        r->missed = false;
        gcw__engine_catch_up();
        return true;
    }
    r->table = gcw__map_table_new(r->map->sort, r->logarithm,
                                  r->map->container);
    errno = before;
    return r->table != NULL;
}

void
gcw__map_insert(gcw_map *m, uintptr_t key, uintptr_t value)
{
    put_new(m, gcw__map_table(m), key, value);
    m->counts.used++;
}
