/* ephemeron.c: single ephemerons: tables of one entry (marks/weak-table.h). */
#include <config.h>

#include "ground/delay.h"
#include "marks/engine.h"
#include "weak/enter.h"
#include "weak/ref.h"

#include <gcweak/ephemeron.h>

struct gcw_ephemeron {
    struct gcw__single_table table;
};

_Static_assert(sizeof(gcw_ephemeron) == 32 || sizeof(void *) != 8,
               "an ephemeron is two granules");

gcw_ephemeron *
gcw_ephemeron_new(const void *key, void *value)
{
    struct gcw__single_table *t;

    if (gcw__enter() != 0)
        return NULL;
    if (gcw__base(key) == NULL || value == NULL || !gcw__holdable(value))
        return gcw__refuse_null(EINVAL, "heap key, given value, held value", key,
                                value, value);
    t = gcw__single_table_new(key, value);
    GCW__KEEP(key);
    GCW__KEEP(value);
    return (gcw_ephemeron *)t;
}

/* First the key, then the value: if there is one, both are alive. */
static void
read_ephemeron(const gcw_ephemeron *e, void **key, void **value)
{
    const struct gcw__weak_entry *entry = &e->table.entry;
    GC_word done;

    for (;;) {
        done = gcw__engine_load_done();
        GCW__DELAY(2);
        *key = (void *)atomic_load_explicit(&entry->key, memory_order_acquire);
        GCW__DELAY(3);
        *value = (void *)atomic_load_explicit(&entry->value,
                                              memory_order_acquire);
        GCW__DELAY(4);
        if (gcw__engine_is_done(done))
            break;
        gcw__engine_catch_up();
    }
    if (*value == NULL)
        *key = NULL;
    GCW__KEEP(e);
}

void *
gcw_ephemeron_key(const gcw_ephemeron *e)
{
    void *key, *value;

    if (e == NULL)
        return gcw__refuse_null(EINVAL, "given e", e);
    read_ephemeron(e, &key, &value);
    return key;
}

void *
gcw_ephemeron_value(const gcw_ephemeron *e)
{
    void *key, *value;

    if (e == NULL)
        return gcw__refuse_null(EINVAL, "given e", e);
    read_ephemeron(e, &key, &value);
    return value;
}
