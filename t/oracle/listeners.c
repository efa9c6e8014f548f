/* listeners.c: events and hubs, and what is connected to them; see oracle.h.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

struct list places = LIST_OF(struct place);
struct list listeners = LIST_OF(struct listener);

/* The last is one that nobody is connected to. */
const char *const type_names[TYPES + 2] = {
    NULL, "saved", "closed", "", "nobody's"
};

bool
same_type(const char *name, size_t type)
{
    const char *expected = type_names[type];

    return name == NULL || expected == NULL ? name == expected
                                            : strcmp(name, expected) == 0;
}

static bool
equal(const struct listener *a, const struct listener *b)
{
    return a->place == b->place && a->method == b->method
        && a->type == b->type && a->source == b->source;
}

static bool
an_equal_one_is_connected(const struct listener *l)
{
    EACH(const struct listener, k, listeners)
        if (equal(k, l) && of(k) != OUT)
            return true;
    return false;
}

static struct listener *
with_handle(const gcw_listener *handle)
{
    EACH(struct listener, l, listeners)
        if (l->t.handle == handle)
            return l;
    return NULL;
}

/* --- connecting --- */

static gcw_listener *
connect_really(const struct listener *l, void *source, unsigned flags)
{
    const struct place *p = l->place;
    gcw_method *m = l->method->t.handle;
    size_t fn = l->method->fn;
    void *data = (void *)l->method->data;
    const char *type = type_names[l->type];

    if (p->hub != NULL)
        return m != NULL
             ? gcw_hub_connect(p->hub, type, source, m, flags)
             : gcw_hub_connect_fn(p->hub, type, source, hub_fns[fn], data,
                                  flags);
    return m != NULL
         ? gcw_event_connect(p->event, m, flags)
         : gcw_event_connect_fn(p->event, event_fns[fn], data, flags);
}

static void
connected_again(struct listener *old, const struct listener *l,
                unsigned flags)
{
    must(old != NULL && of(old) != OUT && equal(old, l),
         "connect: a wrong listener");
    tell("  is still %zu", old->t.number);
    met[AGAIN]++;
    old->once = old->once && flags & GCW_ONCE;
}

static void
connected_anew(struct listener *l, unsigned flags)
{
    struct place *p = l->place;

    must(with_handle(l->t.handle) == NULL, "connect: no new listener");
    l->t.on[0] = l->method->t.on[0];
    l->t.on[1] = l->method->t.on[1];
    l->t.on[2] = l->source;
    l->order = flags & GCW_FRONT ? --p->front : ++p->back;
    l->once = flags & GCW_ONCE;
    add(&listeners, l);
}

OPERATION(connect, "connect to %zu", &places, one_of)
{
    struct listener l = { .place = thing };
    unsigned flags = below(8);
    struct object *source = NULL;
    bool unique = l.place->hub != NULL || flags & GCW_UNIQUE;

    l.method = below(3) == 0 ? some_function() : some_method();
    if (l.place->hub != NULL) {
        l.type = below(TYPES + 1);
        source = below(2) == 0 ? NULL : some_object();
        l.source = number_of(source);
    }
    tell("  method %zu, type %zu, source %zu, flags %zu",
         l.method->t.number, l.type, l.source, flags);
    l.t.handle = connect_really(&l, source, flags);
    if (l.t.handle == NULL) {
        refused(l.method);
        return;
    }
    must(of(l.method) != OUT, "connect: a dead method");
    if (unique && an_equal_one_is_connected(&l))
        connected_again(with_handle(l.t.handle), &l, flags);
    else
        connected_anew(&l, flags);
}

/* --- disconnecting --- */

OPERATION(disconnect, "disconnect %zu", &listeners, one_left)
{
    struct listener *l = thing;
    enum standing before = of(l);

    says(l, before, gcw_listener_disconnect(l->t.handle), "disconnect");
    l->t.gone = true;
    must(!gcw_listener_disconnect(l->t.handle), "disconnected twice");
}

static size_t
disconnect_really(const struct listener *l, const void *source)
{
    const struct place *p = l->place;
    gcw_method *m = l->method->t.handle;
    size_t fn = l->method->fn;
    void *data = (void *)l->method->data;
    const char *type = type_names[l->type];

    if (p->hub != NULL)
        return m != NULL
             ? gcw_hub_disconnect(p->hub, type, source, m)
             : gcw_hub_disconnect_fn(p->hub, type, source, hub_fns[fn], data);
    return m != NULL
         ? gcw_event_disconnect(p->event, m)
         : gcw_event_disconnect_fn(p->event, event_fns[fn], data);
}

void
count_in(struct range *r, enum standing s)
{
    r->least += s == IN;
    r->most += s != OUT;
}

void
check_range(struct range r, size_t n, const char *what)
{
    tell("  %zu, of %zu to %zu", n, r.least, r.most);
    must(r.least <= n && n <= r.most, what);
}

/* What has the method of some listener; now and then from a pattern that is
 * not its own. */
OPERATION(disconnect_equal, "disconnect what equals %zu", &listeners, one_of)
{
    struct listener like = *(struct listener *)thing;
    const void *source = held(like.source);
    struct range r = { 0, 0 };
    size_t n;

    if (source == NULL && like.source != 0)
        return;
    if (like.place->hub != NULL && below(6) == 0)
        like.type = below(TYPES + 1);
    n = disconnect_really(&like, source);
    EACH(struct listener, l, listeners)
        if (equal(l, &like)) {
            count_in(&r, of(l));
            l->t.gone = true;
        }
    check_range(r, n, "disconnect: a wrong number");
}

static size_t
disconnect_object(const struct place *p, const struct object *self)
{
    if (p == NULL)
        return gcw_disconnect_object(self);
    return p->hub != NULL ? gcw_hub_disconnect_object(p->hub, self)
                          : gcw_event_disconnect_object(p->event, self);
}

/* From where that listener is, or from everywhere; now and then all of another
 * object. */
OPERATION(disconnect_object, "disconnect the object of %zu", &listeners,
          one_left)
{
    const struct listener *like = thing;
    const struct place *p = below(3) == 0 ? NULL : like->place;
    const struct object *self = below(4) == 0 ? some_object()
                                              : held(like->t.on[0]);
    struct range r = { 0, 0 };
    size_t n;

    if (self == NULL)
        return;
    tell("  object %zu, in place %zu", self->number,
         p == NULL ? 0 : p->t.number);
    n = disconnect_object(p, self);
    EACH(struct listener, l, listeners)
        if (l->t.on[0] == self->number && (p == NULL || l->place == p)) {
            count_in(&r, of(l));
            l->t.gone = true;
        }
    check_range(r, n, "disconnect object: a wrong number");
    met[OBJECT_LEAVES] += n > 1;
}

/* --- blocking and looking --- */

OPERATION(block, "block %zu", &listeners, one_of)
{
    struct listener *l = thing;

    errno = 0;
    gcw_listener_block(l->t.handle);
    must(of(l) != IN || errno == 0, "block: errno");
    l->blocked++;
}

OPERATION(unblock, "unblock %zu", &listeners, one_of)
{
    struct listener *l = thing;

    errno = 0;
    gcw_listener_unblock(l->t.handle);
    must(of(l) != IN || errno == (l->blocked > 0 ? 0 : EINVAL),
         "unblock: errno");
    l->blocked -= l->blocked > 0;
}

OPERATION(look_at_listener, "look at listener %zu", &listeners, one_of)
{
    struct listener *l = thing;
    enum standing before = of(l);

    says(l, before, gcw_listener_connected(l->t.handle), "connected");
    must(of(l) != IN
         || gcw_listener_blocked(l->t.handle) == (l->blocked > 0),
         "blocked: wrong");
}

OPERATION(mute, "mute %zu", &places, one_of)
{
    struct place *p = thing;

    errno = 0;
    if (p->hub != NULL)
        gcw_hub_block(p->hub);
    else
        gcw_event_block(p->event);
    must(errno == 0, "mute: errno");
    p->muted++;
}

OPERATION(unmute, "unmute %zu", &places, one_of)
{
    struct place *p = thing;

    errno = 0;
    if (p->hub != NULL)
        gcw_hub_unblock(p->hub);
    else
        gcw_event_unblock(p->event);
    must(errno == (p->muted > 0 ? 0 : EINVAL), "unmute: errno");
    p->muted -= p->muted > 0;
}

/* Whether it is the first so surely connected with its type; with its pattern,
 * unless only types are counted. */
static bool
is_first(const struct listener *l, enum standing surely, bool types)
{
    EACH(const struct listener, k, listeners)
        if (k->place == l->place && k->type == l->type
            && (types || k->source == l->source) && of(k) >= surely)
            return k == l;
    return false;
}

static struct range
n_patterns(const struct place *p, bool types)
{
    struct range r = { 0, 0 };

    EACH(const struct listener, l, listeners)
        if (l->place == p && (!types || l->type != 0)) {
            r.least += is_first(l, IN, types);
            r.most += is_first(l, PERHAPS, types);
        }
    return r;
}

static void
measure_hub(const struct place *p, struct range n)
{
    gcw_hub_size size;

    must(gcw_hub_measure(p->hub, &size) == 0, "measure failed");
    check_range(n, size.listeners, "a wrong number in the hub");
    check_range(n_patterns(p, false), size.patterns, "wrong patterns");
    check_range(n_patterns(p, true), size.types, "a wrong number of types");
    must(size.posted == n_posted(p), "a wrong number posted");
}

OPERATION(measure, "measure %zu", &places, one_of)
{
    const struct place *p = thing;
    struct range n = { 0, 0 };

    EACH(const struct listener, l, listeners)
        if (l->place == p)
            count_in(&n, of(l));
    if (p->hub != NULL)
        measure_hub(p, n);
    else
        check_range(n, gcw_event_count(p->event), "a wrong number");
}

/* --- in order --- */

bool
hears_of(const struct listener *l, size_t type, size_t source)
{
    return (l->type == 0 || l->type == type)
        && (l->source == 0 || l->source == source);
}

static void
add_in_order(struct listener **to, size_t n, struct listener *l)
{
    for (; n > 0 && to[n - 1]->order > l->order; n--)
        to[n] = to[n - 1];
    to[n] = l;
}

struct listener **
listeners_that(bool (*fit)(const struct listener *l, size_t type,
                           size_t source),
               const struct place *p, size_t type, size_t source, size_t *n)
{
    struct listener **found = malloc((listeners.n + 1) * sizeof *found);

    must(found != NULL, "memory has run out");
    *n = 0;
    EACH(struct listener, l, listeners)
        if (l->place == p && fit(l, type, source) && of(l) != OUT)
            add_in_order(found, (*n)++, l);
    return found;
}

/* --- worlds --- */

void
places_begin(size_t events, bool hub)
{
    struct place p = { 0 };

    for (; events > 0; events--) {
        p.event = gcw_event_new("an event");
        gcw_event_on_error(p.event, hear_of_failure, FAILURES);
        add(&places, &p);
    }
    if (hub) {
        p = (struct place){ .hub = gcw_hub_new() };
        gcw_hub_on_error(p.hub, hear_of_failure, FAILURES);
        add(&places, &p);
    }
}

struct place *
the_hub(void)
{
    struct place *last = places.n == 0 ? NULL : places.at[places.n - 1];

    return last == NULL || last->hub == NULL ? NULL : last;
}

void
measure_all(void)
{
    EACH(struct place, p, places)
        do_measure(p);
}
