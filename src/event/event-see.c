/* event-see.c: showing and counting events and hubs (see.h).
 *
 * Listeners are read as emissions read them, without a lock, from an array in
 * which slots are only filled and emptied (listeners.c).  So are the patterns
 * of a hub (map.h).
 */
#include <config.h>
#include "event/event.h"
#include "event/hub.h"

#include "ground/lock.h"
#include "weak/label.h"
#include "weak/see.h"

#include <gcweak/debug.h>

/* Listeners. */

static enum gcw__entry_kind
kind_of_listener(const gcw_listener *l)
{
    switch (l->by) {
    case GCW__BY_METHOD:
        return GCW__METHOD_SEEN;
    case GCW__BY_WEAK_METHOD:
        return GCW__WEAK_METHOD_SEEN;
    default:
        return GCW__FUNCTION_SEEN;
    }
}

static void
see_listener(const struct gcw__walk *walk, const struct gcw__slot *slot)
{
    gcw_listener *l = slot->listener;
    struct gcw__entry_seen seen = { .kind = kind_of_listener(l), .handle = l };
    const struct gcw__second_watch *second = l->by == GCW__BY_WEAK_METHOD
        ? ((struct gcw__weak_listener *)l)->second : NULL;

    if (gcw__listener_is(l, GCW__IS_GONE))
        return;
    seen.name = gcw__label_of(l);
    seen.code = (uintptr_t)slot->code;
    gcw__see_target(&seen, l->on.watch.ref,
               second == NULL ? NULL : second->on.watch.ref);
    gcw__see_age(&seen, l->born);
    seen.state = seen.waits && seen.target == NULL ? "dead"
        : gcw__listener_is(l, GCW__IS_BLOCKED) || gcw__listener_is_muted(l)
        ? "blocked" : "alive";
    gcw__see_entry(walk, &seen);
    gcw__see_part(walk, l, "listener", &seen);
    gcw__see_part(walk, second, "watch on a listener's data", &seen);
}

static void
see_listeners(const struct gcw__walk *walk, const struct gcw__array *array)
{
    uint64_t range;

    if (array == NULL)
        return;
    range = atomic_load_explicit(&array->range, memory_order_acquire);
    for (uint32_t i = gcw__range_begin(range); i < gcw__range_end(range); i++)
        see_listener(walk, &array->slots[i]);
}

/* Shows the list of an event, or of a pattern of a hub. */
static void
see_list(struct gcw__walk *walk, const struct gcw__listeners *list)
{
    const struct gcw__array *array = atomic_load(&list->array);

    walk->table.live = atomic_load(&list->live);
    gcw__see_table(walk);
    gcw__see_part(walk, array, "listeners", NULL);
    see_listeners(walk, array);
}

static void
print_source(const struct gcw__source_watch *source, FILE *out)
{
    if (source == NULL)
        fputs("any source", out);
    else
        fprintf(out, "source %p", gcw__read(source->on.watch.ref));
}

static void
print_pattern(const void *part, FILE *out)
{
    const struct gcw__pattern *pattern = part;

    if (pattern->type == NULL)
        fputs("any type, ", out);
    else
        fprintf(out, "type \"%s\", ", pattern->type->name);
    print_source(pattern->source, out);
}

static void
see_pattern(struct gcw__pattern *pattern, void *arg)
{
    struct gcw__walk *walk = arg;

    walk->table.part = pattern;
    see_list(walk, &pattern->list);
    gcw__see_part(walk, pattern, "pattern", NULL);
    gcw__see_part(walk, pattern->source, "watch on a source", NULL);
    gcw__see_part(walk, pattern->type, "type", NULL);
}

void
gcw__hub_each_pattern(const gcw_hub *h,
                      void (*call)(struct gcw__pattern *pattern, void *arg),
                      void *arg)
{
    const struct gcw__map_array *table = gcw__map_array(&h->patterns);

    for (size_t i = 0; table != NULL && i <= table->mask; i++) {
        void *item = atomic_load_explicit(&table->entries[i].item,
                                          memory_order_acquire);

        if (item != NULL && item != (void *)&gcw__map_removed)
            call(item, arg);
    }
    GCW__KEEP(table);
}

/* Shows the posted emissions, which hold their source and argument. */
static void
see_posts(const struct gcw__walk *walk, gcw_hub *h)
{
    if (walk->walker->part == NULL)
        return;
    gcw__lock(gcw__hub_lock(h), true);
    for (struct gcw__post *post = h->oldest; post != NULL; post = post->next)
        gcw__see_part(walk, post, "emission that waits", NULL);
    gcw__unlock(gcw__hub_lock(h));
}

void
gcw__hub_see(struct gcw__walk *walk, void *hub)
{
    gcw_hub *h = hub;

    walk->table.print_part = print_pattern;
    gcw__hub_each_pattern(h, see_pattern, walk);
    walk->table.part = NULL;
    gcw__see_part(walk, h, "hub", NULL);
    gcw__see_part(walk, gcw__map_array(&h->patterns), "patterns", NULL);
    gcw__see_part(walk, gcw__map_array(&h->types), "types", NULL);
    see_posts(walk, h);
}

void
gcw__event_see(struct gcw__walk *walk, void *event)
{
    gcw_event *e = event;

    walk->table.name = e->name;
    see_list(walk, &e->list);
    gcw__see_part(walk, e, "event", NULL);
}

/* Counting. */

void
gcw__event_count(void *event, gcw_statistics *out)
{
    out->events++;
    out->listeners += atomic_load(&((gcw_event *)event)->list.live);
}

static void
count_pattern(struct gcw__pattern *pattern, void *out)
{
    gcw_statistics *s = out;

    s->patterns++;
    s->listeners += atomic_load(&pattern->list.live);
}

void
gcw__hub_count(void *hub, gcw_statistics *out)
{
    gcw_hub *h = hub;

    out->hubs++;
    gcw__hub_each_pattern(h, count_pattern, out);
    gcw__lock(gcw__hub_lock(h), true);
    out->posted += h->posted;
    gcw__unlock(gcw__hub_lock(h));
}
