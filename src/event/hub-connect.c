/* hub-connect.c: connecting to a hub, and disconnecting.
 *
 * A connection may need a type, a pattern, and room in three tables.  These
 * are looked for under the lock, and what is missing is made without it
 * (spare.h).
 */
#include <config.h>
#include "event/hub.h"

#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/spare.h"
#include "ground/text.h"
#include "weak/death.h"
#include "weak/enter.h"
#include "weak/ref.h"

#include <string.h>

struct request {
    gcw_hub *hub;
    const char *name;                /* of the type; NULL: any */
    void *source;                    /* NULL: any */
    gcw_ref *source_ref;
    struct gcw__identity id;
    unsigned flags;
    gcw_listener *listener;          /* the new one, or the equal one */

    /* What the hub has, or NULL; and what this call has made for it. */
    struct gcw__type *type, *own_type;
    struct gcw__pattern *pattern, *own_pattern;

    enum missing { NOTHING, TYPE, PATTERN, ROOM_FOR_TYPE, ROOM_FOR_PATTERN,
                   ROOM_IN_LIST } missing;
    struct gcw__map_spare types, patterns;
    struct gcw__listeners_spare list;
};

/* Making what is missing.  NULL or false: no memory. */

static struct gcw__type *
type_new(const char *name)
{
    size_t size = strlen(name) + 1;
    struct gcw__type *type = gcw__new_plain(sizeof *type + size);

    if (type == NULL)
        return NULL;
    type->hash = gcw__hash(name);
    type->patterns = 0;
    memcpy(type->name, name, size);
    return type;
}

static struct gcw__source_watch *
source_watch_new(struct gcw__pattern *pattern, gcw_ref *ref)
{
    struct gcw__source_watch *watch = gcw__new(sizeof *watch);

    if (watch == NULL)
        return NULL;
    gcw__entry_watch_init(&watch->on, pattern->list.container, ref,
                          GCW__SOURCE);
    return watch;
}

static struct gcw__pattern *
pattern_new(gcw_hub *h, gcw_ref *source)
{
    struct gcw__pattern *pattern = gcw__new(sizeof *pattern);

    if (pattern == NULL)
        return NULL;
    pattern->hub = h;
    pattern->list.container = &h->container->container;
    pattern->list.ops = &gcw__pattern_ops;
    pattern->list.ordered = true;
    if (source == NULL)
        return pattern;
    pattern->source = source_watch_new(pattern, source);
    return pattern->source == NULL ? NULL : pattern;
}

/* Makes a pattern that watches its source already.  If that dies before the
 * pattern is in the hub, the watch does nothing. */
static bool
get_pattern(struct request *r)
{
    r->own_pattern = pattern_new(r->hub, r->source_ref);
    if (r->own_pattern == NULL)
        return false;
    if (r->source_ref != NULL)
        gcw__death_watch(&r->own_pattern->source->on.watch);
    return true;
}

static bool
get_missing(void *request)
{
    struct request *r = request;

    GCW__DELAY(1);
    /* Nothing else can be missing. */
    switch (r->missing) {  /* GCOVR_EXCL_BR_LINE */
    case TYPE:
        r->own_type = type_new(r->name);
        return r->own_type != NULL;
    case PATTERN:
        return get_pattern(r);
    case ROOM_FOR_TYPE:
        return gcw__map_fill(&r->types);
    case ROOM_FOR_PATTERN:
        return gcw__map_fill(&r->patterns);
    case ROOM_IN_LIST:
        return gcw__listeners_fill(&r->list);
    case NOTHING:
        break;
    }
    return false;
}

/* Under the lock. */

static bool
is_new_type(const struct request *r)
{
    return r->name != NULL && r->type == NULL;
}

static void
look(struct request *r)
{
    r->type = r->name == NULL ? NULL : gcw__hub_type(r->hub, r->name);
    r->pattern = is_new_type(r)
        ? NULL : gcw__hub_pattern(r->hub, r->type, r->source);
}

static enum missing
missing_for_list(struct request *r)
{
    struct gcw__pattern *pattern = r->pattern == NULL ? r->own_pattern
                                                      : r->pattern;

    return gcw__listeners_ready(&pattern->list, r->flags, &r->list)
        ? NOTHING : ROOM_IN_LIST;
}

/* Whether neither the hub, the source nor one of the method's objects was
 * disposed of. */
static bool
all_alive(const struct request *r)
{
    return !r->hub->container->container.closed
           && (r->source_ref == NULL || gcw__peek(r->source_ref) != NULL)
           && gcw__pair_alive(gcw__listener_pair(r->listener));
}

static enum missing
find_missing(struct request *r)
{
    if (r->pattern != NULL)
        return missing_for_list(r);
    if (is_new_type(r)) {
        if (r->own_type == NULL)
            return TYPE;
        if (!gcw__map_ready(&r->hub->types, &r->types))
            return ROOM_FOR_TYPE;
    }
    if (r->own_pattern == NULL)
        return PATTERN;
    if (!gcw__map_ready(&r->hub->patterns, &r->patterns))
        return ROOM_FOR_PATTERN;
    return missing_for_list(r);
}

static void
add_type(struct request *r)
{
    r->type = r->own_type;
    gcw__map_add(&r->hub->types, r->type->hash, r->type);
}

static void
add_pattern(struct request *r)
{
    struct gcw__pattern *pattern = r->own_pattern;

    if (is_new_type(r))
        add_type(r);
    pattern->type = r->type;
    if (r->type != NULL)
        r->type->patterns++;
    pattern->hash = gcw__hub_pattern_hash(r->type, r->source);
    if (pattern->source != NULL) {
        pattern->source->pattern = gcw__hide(pattern);
        gcw__container_link(&pattern->source->on);
    }
    gcw__map_add(&r->hub->patterns, pattern->hash, pattern);
    r->pattern = pattern;
}

static void
commit(struct request *r)
{
    gcw_hub *h = r->hub;
    int64_t order = r->flags & GCW_FRONT ? --h->first : ++h->last;

    if (r->pattern == NULL)
        add_pattern(r);
    r->listener = gcw__listeners_put(&r->pattern->list, r->listener, &r->id,
                                     r->flags, order);
}

static int
try_to_connect_to_hub(void *request)
{
    struct request *r = request;

    if (!all_alive(r))
        return ESTALE;
    look(r);
    r->missing = find_missing(r);
    if (r->missing != NOTHING)
        return GCW__MISSING;
    commit(r);
    return 0;
}

/* Takes watches off that were made but are not used: those of the listener, if
 * an equal one was found or the call failed; and that of the pattern, if it is
 * not in the hub. */
static void
drop_unused(struct request *r, gcw_listener *l)
{
    struct gcw__pattern *pattern = r->own_pattern;

    if (r->listener != l)
        gcw__pair_unwatch(gcw__listener_pair(l), true);
    if (pattern != NULL && pattern != r->pattern && pattern->source != NULL)
        gcw__watch_remove(&pattern->source->on.watch, true);
}

/* The function that works with the request. */
static const char *
function_of_request(const struct request *r)
{
    return r->id.by == GCW__BY_HUB_FUNCTION ? "gcw_hub_connect_fn"
                                            : "gcw_hub_connect";
}

static gcw_listener *
refuse_request(const struct request *r, int error)
{
    gcw__refused(function_of_request(r), error,
                 r->hub->container->container.closed ? "open h" : "", r->hub);
    return NULL;
}

/* Makes a listener and connects it, or finds an equal one.  The caller keeps
 * the source and the method's objects alive; if one of them is disposed of
 * meanwhile, fails with ESTALE. */
static gcw_listener *
connect_to_hub(struct request *r)
{
    gcw_listener *l = gcw__listener_new(&r->hub->container->container, &r->id);
    int error;

    if (l == NULL)
        return gcw__fail_null(ENOMEM);
    r->listener = l;
    r->flags |= GCW_UNIQUE;
    gcw__pair_watch(gcw__listener_pair(l));
    GCW__DELAY(2);
    error = gcw__with_spare(gcw__hub_lock(r->hub), try_to_connect_to_hub,
                            get_missing, r);
    if (error != 0)
        r->listener = NULL;
    drop_unused(r, l);
    return error == 0 ? r->listener : refuse_request(r, error);
}

/* Gets the reference to the source, which must not be the object of `data`,
 * the listener's strong data.  False with errno. */
static bool
look_at_source(struct request *r, const void *data)
{
    void *base = gcw__base(r->source);

    if (r->source == NULL)
        return true;
    if (base == NULL || gcw__base(data) == base) {
        gcw__refused(function_of_request(r), EINVAL, "heap source, apart data",
                     r->source, data);
        return false;
    }
    r->source_ref = gcw__shard_ref(base, r->source, false);
    return r->source_ref != NULL;
}

static gcw_listener *
connect_checked(struct request *r, const void *data)
{
    gcw_listener *l = look_at_source(r, data) ? connect_to_hub(r) : NULL;

    GCW__KEEP(r->source);
    GCW__KEEP(r->hub);
    return l;
}

gcw_listener *
gcw_hub_connect(gcw_hub *h, const char *type, void *source, gcw_method *m,
                unsigned flags)
{
    struct request r = { .hub = h, .name = type, .source = source,
                         .flags = flags };
    gcw_bound bound;
    gcw_listener *l;

    if (gcw__enter() != 0)
        return NULL;
    if (h == NULL || m == NULL || gcw__flags_unknown(flags))
        return gcw__refuse_null(EINVAL, "given h, given m, number flags", h, m,
                                (int)flags);
    if (!gcw_method_bind(m, &bound))
        return gcw__refuse_null(ESTALE, "method m", m);
    r.id = gcw__method_identity(m);
    l = connect_checked(&r, gcw__method_strong_data(m));
    GCW__KEEP(bound.self);
    GCW__KEEP(bound.data);
    return l;
}

static struct gcw__identity
identity_of_hub_function(void (*fn)(const gcw_emission *emission, void *data),
                         void *data)
{
    return (struct gcw__identity){
        GCW__BY_HUB_FUNCTION, NULL, (void (*)(void))fn, data
    };
}

gcw_listener *
gcw_hub_connect_fn(gcw_hub *h, const char *type, void *source,
                   void (*fn)(const gcw_emission *emission, void *data),
                   void *data, unsigned flags)
{
    struct request r = { .hub = h, .name = type, .source = source,
                         .id = identity_of_hub_function(fn, data),
                         .flags = flags };

    if (gcw__enter() != 0)
        return NULL;
    if (h == NULL || fn == NULL || gcw__flags_unknown(flags)
        || !gcw__holdable(data))
        return gcw__refuse_null(EINVAL, "given h, given fn, held data, number"
                                " flags", h, (void *)fn, data, (int)flags);
    return connect_checked(&r, data);
}

/* Disconnecting by what is called. */

static bool
disconnect(gcw_hub *h, const char *name, const void *source,
           struct gcw__identity id)
{
    struct gcw__pattern *pattern = NULL;
    struct gcw__type *type;
    gcw_listener *l = NULL;

    gcw__lock(gcw__hub_lock(h), true);
    type = name == NULL ? NULL : gcw__hub_type(h, name);
    if (name == NULL || type != NULL)
        pattern = gcw__hub_pattern(h, type, source);
    if (pattern != NULL)
        l = gcw__listeners_find(&pattern->list, &id);
    if (l != NULL)
        gcw__listener_remove(l);
    gcw__unlock(gcw__hub_lock(h));
    if (l != NULL)
        gcw__containers_tidy();
    GCW__KEEP(h);
    return l != NULL;
}

bool
gcw_hub_disconnect(gcw_hub *h, const char *type, const void *source,
                   const gcw_method *m)
{
    if (gcw__enter() != 0)
        return false;
    if (h == NULL || m == NULL)
        return gcw__refuse_false(EINVAL, "given h, method m", h, m);
    return disconnect(h, type, source, gcw__method_identity(m));
}

bool
gcw_hub_disconnect_fn(gcw_hub *h, const char *type, const void *source,
                      void (*fn)(const gcw_emission *emission, void *data),
                      void *data)
{
    if (gcw__enter() != 0)
        return false;
    if (h == NULL || fn == NULL)
        return gcw__refuse_false(EINVAL, "given h, given fn", h, (void *)fn);
    return disconnect(h, type, source, identity_of_hub_function(fn, data));
}
