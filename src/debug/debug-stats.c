/* debug-stats.c: gcw_stats: counts of everything. */
#include <config.h>
#include "debug/debug.h"

#include "deliver/cleanup.h"
#include "deliver/drain.h"
#include "exit/exit.h"
#include "ground/lock.h"
#include "ground/report.h"
#include "marks/engine.h"
#include "proxy/proxy.h"
#include "weak/enter.h"
#include "weak/container.h"

#include <string.h>

/* The size of gcw_statistics in the first version. */
#define SMALLEST (offsetof(gcw_statistics, callbacks_failed) \
                  + sizeof(uint64_t))

static void
count_containers(gcw_statistics *out)
{
    struct gcw__container *container = NULL;

    while ((container = gcw__container_after(container)) != NULL) {
        void *object = gcw__container_object(container);

        if (object != NULL)
            container->ops->count(object, out);
        GCW__KEEP(object);
    }
}

static void
count_references(gcw_statistics *out)
{
    struct gcw__ref_stats refs;

    gcw__ref_stats(&refs);
    out->references = refs.live;
    out->index_capacity = refs.index_capacity;
    out->slots = refs.slots;
    out->watches = refs.watches;
    out->link_pages = refs.link_pages;
    out->references_by_marks = refs.by_marks;
}

static void
count_callbacks(gcw_statistics *out)
{
    out->cleanups = gcw__cleanups_count();
    out->pending = gcw__queues_pending();
    out->cleanups_run = gcw__cleanups_ran();
    out->exit_handlers_run = gcw__exit_ran();
    out->callbacks_failed = gcw__failures();
}

static void
count_marks(gcw_statistics *out)
{
    struct gcw__engine_stats marks;

    gcw__engine_stats(&marks);
    out->weak_tables = marks.tables;
    out->ephemerons = marks.singles;
    out->entries_died = marks.died;
    out->collections_missed = marks.missed;
    out->entries_dropped = marks.dropped;
    out->collections_held = marks.held;
}

void
gcw_stats(gcw_statistics *out)
{
    gcw_statistics all = { .size = sizeof all };

    if (gcw__enter() != 0)
        return;
    if (out == NULL || out->size < SMALLEST) {
        gcw__refuse(EINVAL, "given out, because out->size is less than that of"
                    " the first version", out);
        return;
    }
    count_references(&all);
    count_containers(&all);
    count_callbacks(&all);
    count_marks(&all);
    all.proxies = gcw__proxies_count();
    all.collections = gcw__gc_no();
    all.noticed = atomic_load(&gcw__noticed);
    if (out->size < all.size)
        all.size = out->size;
    memcpy(out, &all, all.size);
}
