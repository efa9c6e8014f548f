/* hub-pattern.c: looking up types and patterns, and removing them with the
 * last listener.  See hub.c. */
#include <config.h>
#include "event/hub.h"

#include "ground/text.h"
#include "weak/ref.h"

#include <string.h>

/* Looking up. */

uintptr_t
gcw__hub_pattern_hash(const struct gcw__type *type, const void *source)
{
    return gcw__mix(gcw__mix((uintptr_t)type) ^ (uintptr_t)source);
}

struct gcw__type *
gcw__hub_type(const gcw_hub *h, const char *name)
{
    const struct gcw__map_array *table = gcw__map_array(&h->types);
    uintptr_t hash = table == NULL ? 0 : gcw__hash(name);
    struct gcw__type *type;
    size_t at = 0;

    while ((type = gcw__map_next(table, hash, &at)) != NULL)
        if (strcmp(type->name, name) == 0)
            return type;
    return NULL;
}

static bool
is_of(const struct gcw__pattern *pattern, const struct gcw__type *type,
      const void *source)
{
    if (pattern->type != type)
        return false;
    if ((pattern->source == NULL) != (source == NULL))
        return false;
    return source == NULL
           || gcw__peek(pattern->source->on.watch.ref) == source;
}

struct gcw__pattern *
gcw__hub_pattern(const gcw_hub *h, const struct gcw__type *type,
                 const void *source)
{
    const struct gcw__map_array *table = gcw__map_array(&h->patterns);
    uintptr_t hash = gcw__hub_pattern_hash(type, source);
    struct gcw__pattern *pattern;
    size_t at = 0;

    while ((pattern = gcw__map_next(table, hash, &at)) != NULL)
        if (is_of(pattern, type, source))
            return pattern;
    return NULL;
}

/* Removing.  Lock held. */

static void
leave_type(gcw_hub *h, struct gcw__type *type)
{
    if (type != NULL && --type->patterns == 0)
        gcw__map_remove(&h->types, type->hash, type);
}

static void
emptied(struct gcw__listeners *list)
{
    struct gcw__pattern *pattern = (struct gcw__pattern *)list;
    gcw_hub *h = pattern->hub;

    gcw__map_remove(&h->patterns, pattern->hash, pattern);
    leave_type(h, pattern->type);
    if (pattern->source != NULL) {
        pattern->source->pattern = 0;
        gcw__container_leave(&pattern->source->on);
    }
    gcw__container_untidy(&h->container->container);
}

void
gcw__hub_sparse(struct gcw__listeners *list)
{
    gcw_hub *h = ((struct gcw__pattern *)list)->hub;

    if (list->sparse)
        return;
    list->sparse = true;
    list->next_sparse = h->sparse;
    h->sparse = list;
    gcw__container_untidy(&h->container->container);
}

const struct gcw__listeners_ops gcw__pattern_ops = { emptied, gcw__hub_sparse };
