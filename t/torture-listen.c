/* torture-listen.c: a player's events and hubs.  See torture.h. */
#include <config.h>

#include <string.h>

#include "torture.h"

static const char *const types[] = { NULL, "one", "two" };
enum { TYPES = sizeof types / sizeof *types };

/* --- Listeners --- */

static void *
hear(void *self, void *arg, void *data)
{
    promise_heard(data, arg, self);
    frolic();
    return NULL;
}

static void
hear_plainly(void *arg, void *data)
{
    promise_heard(data, arg, NULL);
    frolic();
}

static void *
hear_hub(void *self, void *arg, void *data)
{
    const gcw_emission *emission = arg;
    return hear(self, emission->arg, data);
}

static void
hear_hub_plainly(const gcw_emission *emission, void *data)
{
    hear_plainly(emission->arg, data);
}

/* --- Connections --- */

static gcw_event *
event_of(const struct player *p, int event)
{
    return event == 0 ? p->event : common->events[event - 1];
}

/* Often the one that stays. */
static struct object *
any_object(const struct player *p)
{
    return p->holdings[below(4) == 0 ? 0 : below(OBJECTS)].object;
}

static gcw_listener *
connect_method(struct player *p, const struct connection *c,
               struct object *o, unsigned flags)
{
    gcw_method *m = gcw_method_new(o, c->event == IN_HUB ? hear_hub : hear,
                                   c->promise);
    if (m == NULL)
        return NULL;
    return c->event == IN_HUB
        ? gcw_hub_connect(common->hub, c->type, c->source, m, flags)
        : gcw_event_connect(event_of(p, c->event), m, flags);
}

static gcw_listener *
connect_function(struct player *p, const struct connection *c,
                 unsigned flags)
{
    return c->event == IN_HUB
        ? gcw_hub_connect_fn(common->hub, c->type, c->source,
                             hear_hub_plainly, c->promise, flags)
        : gcw_event_connect_fn(event_of(p, c->event), hear_plainly,
                               c->promise, flags);
}

/* Only in the hub are there types and sources. */
static struct connection
any_connection(struct player *p, struct object *o)
{
    struct connection c = { .listener = NULL };
    c.promise = promise_new(p->number, o == NULL ? NULL : o->life);
    c.promise->repeats = true;
    c.event = (int)below(EVENTS + 2) - 1;
    if (c.event == IN_HUB) {
        c.type = types[below(TYPES)];
        c.source = below(2) ? any_object(p) : NULL;
    }
    return c;
}

static bool
is_over(const struct connection *c)
{
    return atomic_load(&c->promise->over_at) != 0
        || (c->promise->life != NULL
            && atomic_load(&c->promise->life->dead_at) != 0);
}

static void
disconnect(struct player *p, struct connection *c)
{
    bool ended = gcw_listener_disconnect(c->listener);
    p->version++;
    must_be(ended || !is_rooted(c->promise->life),
            "a connected listener is gone");
    must_be(!ended || !is_over(c), "a listener was connected too long");
    promise_over(c->promise);
    c->listener = NULL;
}

static void
connect(struct player *p, struct connection *place, unsigned flags)
{
    struct object *o = below(4) ? any_object(p) : NULL;
    struct connection c = any_connection(p, o);
    c.listener = o == NULL ? connect_function(p, &c, flags)
                           : connect_method(p, &c, o, flags);
    must_be(c.listener != NULL, "the living could not be connected");
    p->version++;
    *place = c;
}

/* For all to use: once, or as long as nobody disconnects it. */
static void
connect_for_all(struct player *p)
{
    struct object *o = any_object(p);
    struct connection c = any_connection(p, o);
    bool once = below(2);
    unsigned flags = once ? GCW_ONCE : 0;
    c.promise->repeats = !once;
    c.promise->owner = ALL;
    if (c.event == 0)
        c.event = 1;
    c.listener = o == NULL ? connect_function(p, &c, flags)
                           : connect_method(p, &c, o, flags);
    if (c.listener != NULL)
        show(LISTENER, c.listener, c.promise, c.promise->life);
}

static size_t
fresh_alive(void)
{
    size_t n = 0;
    for (size_t i = 0; i < FRESH_ONES; i++)
        n += common->fresh[i] != NULL
             && gcw_ref_get(common->fresh[i]) != NULL;
    return n;
}

/* As listener or as source; it goes with it. */
void
connect_fresh(struct player *p, struct box *box)
{
    struct connection c = any_connection(p, below(2) ? box->object : NULL);
    unsigned number = atomic_fetch_add(&common->n_fresh, 1);
    if (number >= FRESH_ONES)
        return;
    c.promise->owner = ALL;
    if (c.event == 0)
        c.event = 1;
    if (c.promise->life != NULL) {
        connect_method(p, &c, box->object, 0);
    } else if (c.event == IN_HUB) {
        c.source = box->object;
        connect_function(p, &c, 0);
    }
    common->fresh[number] = gcw_ref_new(box->object);
}

/* Several threads may try. */
void
disconnect_shown(struct box *box)
{
    if (!gcw_listener_disconnect(box->handle))
        return;
    promise_ends(box->promise);
    promise_over(box->promise);
}

void
use_listener(struct box *box)
{
    switch (below(4)) {
    case 0:
        disconnect_shown(box);
        break;
    case 1:
        gcw_listener_block(box->handle);
        gcw_listener_unblock(box->handle);
        break;
    default:
        gcw_listener_connected(box->handle);
    }
}

static void
play_connect(struct player *p)
{
    struct connection *c = &p->connections[below(CONNECTIONS)];
    unsigned flags = below(4) == 0 ? GCW_FRONT : 0;
    if (below(4) == 0)
        flags |= GCW_UNIQUE;
    if (c->listener != NULL)
        disconnect(p, c);
    else if (below(2))
        connect(p, c, flags);
    else
        connect_for_all(p);
}

static void
play_block(struct player *p)
{
    struct connection *c = &p->connections[below(CONNECTIONS)];
    if (c->listener == NULL)
        return;
    p->version++;
    if (atomic_exchange(&c->promise->blocked_at, 0) != 0) {
        gcw_listener_unblock(c->listener);
    } else {
        gcw_listener_block(c->listener);
        atomic_store(&c->promise->blocked_at, moment());
    }
}

/* The event goes, with all that is connected to it, though their objects
 * stay. */
void
renew_event(struct player *p)
{
    p->version++;
    p->event = gcw_event_new("another");
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (p->connections[i].event == 0)
            p->connections[i].listener = NULL;
}

/* The source is about to go, and these with it. */
void
forget_source(struct player *p, const struct object *source)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &p->connections[i];
        if (c->listener != NULL && c->source == source)
            disconnect(p, c);
    }
}

/* --- Emitting --- */

/* What an emission goes to, as far as this player's connections matter. */
struct target {
    int event;
    const char *type;
    struct object *source;
};

static bool
fits(const struct connection *c, const struct target *t)
{
    if (c->listener == NULL || c->event != t->event)
        return false;
    return t->event != IN_HUB
        || ((c->type == NULL || c->type == t->type)
            && (c->source == NULL || c->source == t->source));
}

static void
begin_counting(struct player *p)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (p->connections[i].listener != NULL)
            p->connections[i].promise->heard = 0;
}

static void
check_heard(const struct connection *c, bool meant)
{
    const struct promise *promise = c->promise;
    unsigned heard = promise->heard;
    must_be(heard <= 1, "an emission called twice");
    if (!meant || is_over(c) || atomic_load(&promise->blocked_at) != 0)
        must_be(heard == 0, "an emission called whom it should not");
    else if (is_rooted(promise->life))
        must_be(heard == 1, "an emission passed over a listener");
}

/* Rarely, an emission that is stepped through is given up, and then nobody is
 * asked who was called. */
static bool
goes_on(struct player *p)
{
    if (below(50) != 0)
        return true;
    p->version++;
    return false;
}

static void
step_through_hub(struct player *p, const struct target *t, struct emission *e)
{
    gcw_hub_step step;
    for (bool more = gcw_hub_first(common->hub, t->type, t->source, e, &step);
         more && goes_on(p); more = gcw_hub_next(&step))
        gcw_call_invoke(&step.call);
}

static void
step_through_event(struct player *p, const struct target *t,
                   struct emission *e)
{
    gcw_event_step step;
    for (bool more = gcw_event_first(event_of(p, t->event), e, &step);
         more && goes_on(p); more = gcw_event_next(&step))
        gcw_call_invoke(&step.call);
}

static void
emit_to(struct player *p, const struct target *t, struct emission *e)
{
    bool steps = below(2);
    if (t->event == IN_HUB && steps)
        step_through_hub(p, t, e);
    else if (t->event == IN_HUB)
        gcw_hub_emit(common->hub, t->type, t->source, e);
    else if (steps)
        step_through_event(p, t, e);
    else
        gcw_event_emit(event_of(p, t->event), e);
}

/* If the player's own callbacks have changed nothing, it is known who must
 * have been called. */
static void
emit(struct player *p, const struct target *t)
{
    struct emission e = { p->number, moment() };
    unsigned version = ++p->version;
    begin_counting(p);
    emit_to(p, t, &e);
    if (p->version != version)
        return;
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (p->connections[i].listener != NULL)
            check_heard(&p->connections[i], fits(&p->connections[i], t));
}

static void
play_emit(struct player *p)
{
    struct target t = { .event = (int)below(EVENTS + 2) - 1 };
    if (t.event == IN_HUB) {
        t.type = types[below(TYPES)];
        t.source = below(2) ? any_object(p) : NULL;
    }
    emit(p, &t);
}

/* The emission is made later, by whoever dispatches. */
static void
play_post(struct player *p)
{
    struct emission *e = GC_MALLOC(sizeof *e);
    if (e == NULL)
        return;
    *e = (struct emission){ NOBODY, moment() };
    must_be(gcw_hub_post(common->hub, types[below(TYPES)],
                         below(2) ? any_object(p) : NULL, e) == 0,
            "a post failed");
    atomic_fetch_add(&common->posted, 1);
}

/* What was taken counts, also if that is given up. */
static size_t
step_through_posts(struct player *p, size_t max)
{
    gcw_hub_step step;
    for (bool more = gcw_hub_dispatch_first(common->hub, max, &step);
         more && goes_on(p); more = gcw_hub_dispatch_next(&step))
        gcw_call_invoke(&step.call);
    return step.made;
}

static void
play_dispatch(struct player *p)
{
    size_t max = below(4) == 0 ? 0 : 1 + below(4);
    atomic_fetch_add(&common->made,
                     below(2) ? step_through_posts(p, max)
                              : gcw_hub_dispatch(common->hub, max));
}

/* Nobody else posts or dispatches any more. */
void
dispatch_rest(void)
{
    size_t rest = gcw_hub_dispatch(common->hub, 0);
    must_be(atomic_load(&common->made) + rest == atomic_load(&common->posted),
            "not each post was made once");
}

/* In the midst of an emission, perhaps of this event: it moves to another
 * array, and one of its listeners goes after that. */
static void
play_upset(struct player *p)
{
    enum { MORE = 12 };
    struct connection *c = &p->connections[below(CONNECTIONS)];
    struct connection more[MORE];
    if (c->listener == NULL || c->event == IN_HUB)
        return;
    for (int i = 0; i < MORE; i++) {
        more[i] = any_connection(p, NULL);
        more[i].event = c->event;
        more[i].listener = connect_function(p, &more[i], 0);
    }
    disconnect(p, c);
    for (int i = 0; i < MORE; i++)
        disconnect(p, &more[i]);
}

void
play_listen(struct player *p)
{
    switch (below(12)) {
    case 0: case 1: case 2: case 6: case 7:
        play_connect(p);
        break;
    case 8:
        play_upset(p);
        break;
    case 3:
        play_block(p);
        break;
    case 4:
        play_post(p);
        break;
    case 5:
        play_dispatch(p);
        break;
    default:
        play_emit(p);
    }
}

/* --- Looking --- */

static bool
must_be_connected(const struct connection *c)
{
    return is_rooted(c->promise->life) && !is_over(c);
}

void
check_connections(struct player *p)
{
    size_t least = 0, most = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        const struct connection *c = &p->connections[i];
        if (c->listener == NULL)
            continue;
        if (must_be_connected(c))
            must_be(gcw_listener_connected(c->listener),
                    "a listener is not connected any more");
        if (is_over(c))
            must_be(!gcw_listener_connected(c->listener),
                    "a listener is still connected");
        least += c->event == 0 && must_be_connected(c);
        most += c->event == 0 && !is_over(c);
    }
    must_be(gcw_event_count(p->event) >= least
                && gcw_event_count(p->event) <= most,
            "an event has another number of listeners");
}

static void
check_hub(size_t alive)
{
    gcw_hub_size size;
    gcw_hub_measure(common->hub, &size);
    must_be(size.listeners <= alive && size.patterns <= alive
                && size.types <= alive,
            "a hub holds more than what is alive");
    must_be(size.posted == 0, "a dispatch has left something");
}

/* All but what goes with the fresh was disconnected. */
void
check_common(void)
{
    size_t alive = fresh_alive();
    for (size_t i = 0; i < EVENTS; i++)
        must_be(gcw_event_count(common->events[i]) <= alive,
                "an event holds more than what is alive");
    check_hub(alive);
}

void
settle_connections(struct player *p)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (p->connections[i].listener != NULL)
            disconnect(p, &p->connections[i]);
    must_be(gcw_event_count(p->event) == 0, "an event is not empty");
}
