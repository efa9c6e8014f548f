/* map-walk.c: walking through a map.
 *
 * A walk goes through the table that the map had when it began.  When the map
 * has moved to another one, what is found in the old is looked up in the new.
 */
#include <config.h>
#include "map/maps.h"

#include "ground/delay.h"
#include "weak/enter.h"

#include <errno.h>

void
gcw__map_begin(gcw_map *m, gcw_map_iter *i, const char *function,
               const char *words)
{
    if (i == NULL) {
        gcw__refused(function, EINVAL, "given i", i);
        return;
    }
    *i = (gcw_map_iter){ NULL, NULL, 0 };
    if (gcw__enter_for(function) != 0)
        return;
    if (m == NULL)
        gcw__refused(function, EINVAL, words, m);
    else
        *i = (gcw_map_iter){ m, gcw__map_table(m), 0 };
}

void
gcw_map_first(gcw_map *m, gcw_map_iter *i)
{
    gcw__map_begin(m, i, __func__, "given m");
}

/* First the key: if the entry has a value after that, both are alive.  In a
 * table that the map has left, what is there may be old. */
static bool
load_entry(const gcw_map_iter *i, void **key, void **value)
{
    struct gcw__map_table *t = i->table;
    const struct gcw__weak_entry *e = &t->entries[i->at];
    GC_word done = gcw__engine_load_done();

    *key = (void *)atomic_load_explicit(&e->key, memory_order_acquire);
    GCW__DELAY(5);
    *value = (void *)atomic_load_explicit(&e->value, memory_order_acquire);
    if (!gcw__engine_is_done(done)) {
        gcw__engine_catch_up();
        return load_entry(i, key, value);
    }
    if (*key == NULL || *value == NULL)
        return false;
    if (t != gcw__map_table(i->map))
        *value = (void *)gcw__map_look_up(i->map, (uintptr_t)*key,
                                          (uintptr_t)*value);
    return *value != NULL;
}

bool
gcw_map_next(gcw_map_iter *i, void **key, void **value)
{
    if (i == NULL || key == NULL || value == NULL)
        return gcw__refuse_false(EINVAL, "given i, given key, given value", i,
                                 key, value);
    if (i->map == NULL)
        return false;
    for (size_t mask = gcw__map_table_mask(i->table); i->at <= mask; i->at++)
        if (load_entry(i, key, value)) {
            i->at++;
            return true;
        }
    return false;
}
