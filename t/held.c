/* held.c: tests of what the library holds for its callers and what it does
 * not: data that leads into the middle of an object, death callbacks at exit,
 * the data of events that have grown, and errno.
 */
#include <config.h>
#include <errno.h>
#include <gc/gc_mark.h>
#include <gcweak/debug.h>
#include "idle.h"
#include "log.h"

/* --- all that holds data --- */

enum { OBJECTS = 200 };

/* What data is given to; in uncollectable memory, as what is kept. */
struct scene {
    gcw_event *event;
    gcw_hub *hub;
    gcw_exit_registry *registry;
    struct target *self;
    void **kept;
    size_t n_kept;
};

static struct scene *
scene_new(void)
{
    struct scene *s = GC_MALLOC_UNCOLLECTABLE(sizeof *s);
    MUST(s != NULL);
    *s = (struct scene){
        gcw_event_new("scene"), gcw_hub_new(), gcw_exit_registry_new("scene"),
        target_new(1), keep_array(OBJECTS), 0
    };
    return s;
}

static bool
keep(struct scene *s, void *handle)
{
    if (handle != NULL && s->n_kept < OBJECTS)
        s->kept[s->n_kept++] = handle;
    return handle != NULL;
}

static bool
by_method(struct scene *s, void *data)
{
    return keep(s, gcw_method_new(s->self, idle_method, data));
}

static bool
by_event(struct scene *s, void *data)
{
    return gcw_event_connect_fn(s->event, idle_fn, data, 0) != NULL;
}

static bool
by_events_hook(struct scene *s, void *data)
{
    gcw_event *e = gcw_event_new(NULL);
    return gcw_event_on_error(e, idle_on_error, data) == 0 && keep(s, e);
}

static bool
by_hub(struct scene *s, void *data)
{
    return gcw_hub_connect_fn(s->hub, "type", NULL, idle_hub_fn, data, 0)
           != NULL;
}

static bool
by_hubs_hook(struct scene *s, void *data)
{
    gcw_hub *h = gcw_hub_new();
    return gcw_hub_on_error(h, idle_on_error, data) == 0 && keep(s, h);
}

static bool
by_posted_source(struct scene *s, void *data)
{
    return gcw_hub_post(s->hub, "type", data, NULL) == 0;
}

static bool
by_posted_argument(struct scene *s, void *data)
{
    return gcw_hub_post(s->hub, "type", NULL, data) == 0;
}

static bool
by_registry(struct scene *s, void *data)
{
    return gcw_exit_register_fn(s->registry, idle, data, NULL) != NULL;
}

static bool
by_registrys_hook(struct scene *s, void *data)
{
    gcw_exit_registry *r = gcw_exit_registry_new(NULL);
    return gcw_exit_on_error(r, idle_on_error, data) == 0 && keep(s, r);
}

static bool
by_cleanup(struct scene *s, void *data)
{
    return gcw_cleanup_new(s->self, idle, data) != NULL;
}

static bool
by_death_callback(struct scene *s, void *data)
{
    return gcw_method_on_death(gcw_method_new(s->self, idle_method, NULL),
                               idle_on_death, data) != NULL;
}

static bool
by_drains_hook(struct scene *s, void *data)
{
    (void)s;
    return gcw_drain_on_error(idle_on_error, data) == 0;
}

static bool
by_namer(struct scene *s, void *data)
{
    (void)s;
    return gcw_explain_name(idle_namer, data) == 0;
}

#if HAVE_LIBFFI

static void
proxied(void *self)
{
    (void)self;
}

static bool
by_proxys_hook(struct scene *s, void *data)
{
    static gcw_proxy *p;
    if (data == NULL || p == NULL)
        p = gcw_proxy_new(s->self, (gcw_proxy_fn *)proxied, ")v");
    return gcw_proxy_on_stale(p, idle_on_stale, data) == 0;
}

#endif

/* One at a time: the next data takes the place of the one before. */
static const struct holder {
    const char *name;
    bool (*hold)(struct scene *s, void *data);
    bool one_at_a_time;
} holders[] = {
    { "gcw_method_new", by_method, false },
    { "gcw_event_connect_fn", by_event, false },
    { "gcw_event_on_error", by_events_hook, false },
    { "gcw_hub_connect_fn", by_hub, false },
    { "gcw_hub_on_error", by_hubs_hook, false },
    { "gcw_hub_post, source", by_posted_source, false },
    { "gcw_hub_post, argument", by_posted_argument, false },
    { "gcw_exit_register_fn", by_registry, false },
    { "gcw_exit_on_error", by_registrys_hook, false },
    { "gcw_cleanup_new", by_cleanup, false },
    { "gcw_method_on_death", by_death_callback, false },
    { "gcw_drain_on_error", by_drains_hook, true },
    { "gcw_explain_name", by_namer, true },
#if HAVE_LIBFFI
    { "gcw_proxy_on_stale", by_proxys_hook, true },
#endif
};

static void
each_holder(void (*check)(const struct holder *h))
{
    for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++)
        check(&holders[i]);
}

/* Tells which holder is wrong, and for which offset. */
static void
expect(bool right, const struct holder *h, size_t offset)
{
    if (!right)
        printf("%s, offset %zu\n", h->name, offset);
}

/* --- where the collector follows no pointers into the middle --- */

/* Where the collector runs already, and follows such pointers. */
#define NOT_RUNNING "incremental"

static void
follow_no_middles(void)
{
    if (GC_get_all_interior_pointers())
        GC_set_all_interior_pointers(0);
    GC_INIT();
    MUST(gcw_init() == 0);
}

static gcw_statistics
statistics(void)
{
    gcw_statistics s = { .size = sizeof s };
    gcw_stats(&s);
    return s;
}

static bool
same_counts(const gcw_statistics *a, const gcw_statistics *b)
{
    return a->watches == b->watches && a->cleanups == b->cleanups
           && a->listeners == b->listeners && a->patterns == b->patterns
           && a->exit_handlers == b->exit_handlers && a->posted == b->posted
           && a->pending == b->pending;
}

static void
refuses(const struct holder *h, char *data, size_t offset)
{
    struct scene *s = scene_new();
    void *plain = target_new(1);
    gcw_statistics before, after;
    MUST(h->hold(s, plain));         /* so that all is there */
    h->hold(s, NULL);
    before = statistics();
    errno = 0;
    expect(!h->hold(s, data) && errno == EINVAL, h, offset);
    after = statistics();
    /* Where the holder makes a container for the hook, it is one more. */
    before.watches += after.events + after.hubs + after.registries
                      - before.events - before.hubs - before.registries;
    expect(same_counts(&before, &after), h, offset);
    GC_FREE(s);
}

static void
refuses_middles(const struct holder *h)
{
    static const size_t offsets[] = { 8, 9, 16, 24, 40, 64, 88 };
    char *object = GC_MALLOC(100);
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++)
        if (offsets[i] != GC_get_debug_header_size())
            refuses(h, object + offsets[i], offsets[i]);
    GC_reachable_here(object);
}

END(data_in_the_middle_is_refused_where_that_is_not_followed, 0, "",
    .not_in = NOT_RUNNING)
{
    follow_no_middles();
    GC_disable();            /* counts are exact */
    each_holder(refuses_middles);
}

static void
refuses_middles_of_debug(const struct holder *h)
{
    char *object = GC_debug_malloc(100, GC_EXTRAS);
    refuses(h, object + 8, 8);
    refuses(h, object + 48, 48);
    GC_reachable_here(object);
}

END(so_it_is_in_debug_objects, 0, "", .not_in = NOT_RUNNING)
{
    follow_no_middles();
    GC_disable();
    each_holder(refuses_middles_of_debug);
}

/* --- what is accepted and held --- */

/* Many objects, of which the library alone holds pointers. */
struct row {
    const struct holder *holder;
    struct scene *scene;
    gcw_ref **refs;
    size_t n, offset;
    bool debug;
};

static void
give_away(void *arg)
{
    struct row *row = arg;
    for (size_t i = 0; i < row->n; i++) {
        char *data = row->debug
            ? GC_debug_malloc(100, GC_EXTRAS) : (char *)target_new(i);
        row->refs[i] = gcw_ref_new(data);
        expect(row->holder->hold(row->scene, data + row->offset), row->holder,
               row->offset);
    }
}

static void
holds_all(const struct holder *h, size_t offset, bool debug)
{
    struct row row = {
        h, scene_new(), (gcw_ref **)keep_array(OBJECTS),
        h->one_at_a_time ? 1 : OBJECTS, offset, debug
    };
    size_t alive = 0;
    in_dead_frame(give_away, &row);
    collect();
    for (size_t i = 0; i < row.n; i++)
        alive += gcw_ref_get(row.refs[i]) != NULL;
    expect(alive == row.n, h, offset);
    GC_reachable_here(row.scene);
}

static void
holds_beginnings(const struct holder *h)
{
    holds_all(h, 0, false);
}

END(data_at_the_beginning_is_held_there, 0, "", .not_in = NOT_RUNNING)
{
    follow_no_middles();
    each_holder(holds_beginnings);
}

enum { TAG = 3 };

static void
holds_tagged(const struct holder *h)
{
    holds_all(h, TAG, false);
}

END(data_with_a_tag_is_held_there, 0, "", .not_in = NOT_RUNNING)
{
    follow_no_middles();
    each_holder(holds_tagged);
}

/* Where GC_debug_malloc puts what it gives out; nobody has called it.  Older
 * collectors do not tell: they count as putting it into the middle. */
static size_t
debug_header_size(void)
{
#if HAVE_GC_GET_DEBUG_HEADER_SIZE
    return GC_get_debug_header_size();
#else
    return 0;
#endif
}

static bool
debug_header_is_known(void)
{
    return debug_header_size() != 0;
}

static void
holds_place_of_debug(const struct holder *h)
{
    holds_all(h, debug_header_size(), false);
}

END(so_is_data_where_debug_objects_would_begin, 0, "", .not_in = NOT_RUNNING,
    .only_if = debug_header_is_known)
{
    follow_no_middles();
    each_holder(holds_place_of_debug);
}

static void
holds_debug(const struct holder *h)
{
    holds_all(h, 0, true);
}

END(debug_objects_are_held_there, 0, "", .not_in = NOT_RUNNING,
    .only_if = debug_header_is_known)
{
    follow_no_middles();
    each_holder(holds_debug);
}

static void
accepts_others(const struct holder *h)
{
    static char statics[64];
    char *object = (char *)target_new(1), *from_malloc = malloc(64);
    struct scene *s = scene_new();
    expect(h->hold(s, NULL), h, 0);
    for (size_t tag = 1; tag < sizeof(void *); tag++)
        expect(h->hold(s, object + tag), h, tag);
    for (size_t at = 0; at < 64; at += 7) {
        expect(h->hold(s, statics + at), h, at);
        expect(h->hold(s, from_malloc + at), h, at);
    }
    expect(h->hold(s, (void *)(uintptr_t)12345), h, 12345);
    h->hold(s, NULL);
    GC_reachable_here(object);
}

END(data_that_is_no_object_is_accepted_there, 0, "", .not_in = NOT_RUNNING)
{
    follow_no_middles();
    each_holder(accepts_others);
}

enum { MIDDLE = offsetof(struct target, more) };

static void
holds_middles(const struct holder *h)
{
    holds_all(h, MIDDLE, false);
}

/* --- a refused hook changes nothing --- */

static void
say_failure(void *handle, const char *name, const char *why, void *data)
{
    (void)handle, (void)name;
    dprintf(STDOUT_FILENO, "%s: %s\n", why, (char *)data);
}

static void
fail_in_event(void *arg, void *data)
{
    (void)arg;
    gcw_fail(data);
}

static void
fail_in_hub(const gcw_emission *emission, void *data)
{
    fail_in_event(NULL, data);
    (void)emission;
}

static void
fail_in_callback(void *data)
{
    gcw_fail(data);
}

static void
set_hooks(struct scene *s, gcw_error_fn *hook, void *data, int result)
{
    MUST(gcw_event_on_error(s->event, hook, data) == result);
    MUST(gcw_hub_on_error(s->hub, hook, data) == result);
    MUST(gcw_exit_on_error(s->registry, hook, data) == result);
    MUST(gcw_drain_on_error(hook, data) == result);
}

END(a_refused_hook_leaves_the_one_before, 0,
    "event: the first hook\nhub: the first hook\n"
    "registry: the first hook\ndrain: the first hook\n", .not_in = NOT_RUNNING)
{
    follow_no_middles();
    struct scene *s = scene_new();
    struct target *t = target_new(1);
    set_hooks(s, say_failure, (char *)"the first hook", 0);
    set_hooks(s, idle_on_error, t->more, -1);
    gcw_event_connect_fn(s->event, fail_in_event, (char *)"event", 0);
    gcw_event_emit(s->event, NULL);
    gcw_hub_connect_fn(s->hub, NULL, NULL, fail_in_hub, (char *)"hub", 0);
    gcw_hub_emit(s->hub, NULL, NULL, NULL);
    gcw_exit_register_fn(s->registry, fail_in_callback, (char *)"registry",
                         NULL);
    gcw_exit_run(s->registry, 0);
    gcw_cleanup_new(t, fail_in_callback, (char *)"drain");
    gcw_dispose(t);
    gcw_drain(0);
}

/* --- death callbacks at exit --- */

static void
say_death(gcw_method *m, void *data)
{
    say(gcw_method_alive(m) ? "alive" : "dead");
    say(data);
}

static gcw_cleanup *
on_death(struct target **target)
{
    void **kept = keep_array(1);
    *target = kept[0] = target_new(1);
    gcw_method *m = gcw_method_new(*target, idle_method, NULL);
    gcw_cleanup *c = gcw_method_on_death(m, say_death, (char *)"told");
    MUST(c != NULL);
    return c;
}

END(a_death_callback_does_not_run_at_exit_while_its_method_lives, 0, "")
{
    struct target *t;
    MUST(!gcw_cleanup_atexit(on_death(&t)));
    MUST(gcw_cleanup_atexit(gcw_cleanup_new(t, idle, NULL)));
}

END(it_does_if_that_was_asked_for, 0, "alive\ntold\n")
{
    struct target *t;
    gcw_cleanup *c = on_death(&t);
    MUST(gcw_cleanup_set_atexit(c, true) == 0);
    MUST(gcw_cleanup_atexit(c));
}

END(it_does_not_if_that_was_taken_back, 0, "")
{
    struct target *t;
    gcw_cleanup *c = on_death(&t);
    MUST(gcw_cleanup_set_atexit(c, true) == 0);
    MUST(gcw_cleanup_set_atexit(c, false) == 0);
    MUST(!gcw_cleanup_atexit(c));
}

END(a_pending_death_callback_runs_at_exit, 0, "dead\ntold\n")
{
    struct target *t;
    on_death(&t);
    MUST(gcw_dispose(t) == 0);
}

/* --- events that have grown --- */

/* So many that one array may be held by a word of the collector's, which leads to
 * where its heap has grown last. */
enum { EVENTS = 60, LISTENERS = 100 };

static void
grow_and_drop(void *refs)
{
    gcw_ref **ref = refs;
    for (int i = 0; i < EVENTS; i++) {
        gcw_event *e = gcw_event_new("grown");
        for (int j = 0; j < LISTENERS; j++) {
            struct target *t = target_new(1);
            *ref++ = gcw_ref_new(t);
            MUST(gcw_event_connect_fn(e, idle_fn, t, 0) != NULL);
        }
    }
}

/* In the other mode a stale pointer to the last array of one of the few
     * events is likely, and its data is held by right. */
END(an_event_that_has_grown_and_gone_holds_no_data, 0, "",
    .not_in = "incremental")
{
    gcw_ref **refs = (gcw_ref **)keep_array(EVENTS * LISTENERS);
    size_t dead = 0;
    in_dead_frame(grow_and_drop, refs);
    collect();
    for (int i = 0; i < EVENTS * LISTENERS; i++)
        dead += gcw_ref_get(refs[i]) == NULL;
    MUST(nearly_all(dead, EVENTS * LISTENERS));
}

/* An emission holds the array that it began with. */
struct leaving {
    gcw_event *event;
    gcw_listener **listeners;
    gcw_ref **refs;
};

static void
connect_leaving(void *leaving)
{
    struct leaving *l = leaving;
    for (int i = 0; i < MANY; i++) {
        struct target *t = target_new(1);
        l->refs[i] = gcw_ref_new(t);
        l->listeners[i] = gcw_event_connect_fn(l->event, idle_fn, t, 0);
        MUST(l->listeners[i] != NULL);
    }
}

static void
grow_and_let_them_leave(void *arg, void *data)
{
    static char more[2 * MANY];
    struct leaving *l = data;
    size_t dead = 0;
    (void)arg;
    for (int i = 0; i < 2 * MANY; i++)
        MUST(gcw_event_connect_fn(l->event, idle_fn, &more[i], 0) != NULL);
    for (int i = 0; i < MANY; i++)
        MUST(gcw_listener_disconnect(l->listeners[i]));
    collect();
    for (int i = 0; i < MANY; i++)
        dead += gcw_ref_get(l->refs[i]) == NULL;
    MUST(nearly_all(dead, MANY));
}

END(an_emission_holds_no_data_of_those_that_left_meanwhile, 0, "")
{
    struct leaving *l = GC_MALLOC_UNCOLLECTABLE(sizeof *l);
    MUST(l != NULL);
    *l = (struct leaving){
        gcw_event_new("e"), (gcw_listener **)keep_array(MANY),
        (gcw_ref **)keep_array(MANY)
    };
    gcw_event_connect_fn(l->event, grow_and_let_them_leave, l, 0);
    in_dead_frame(connect_leaving, l);
    MUST(gcw_event_emit(l->event, NULL) == 1);
}

/* --- an emission in an array that was replaced --- */

/* In uncollectable memory. */
struct growth {
    gcw_event *event;
    gcw_hub *hub;
    gcw_listener *blocked, *disconnected;
    struct target *disposed;
};

static void *
method_says(void *self, void *arg, void *data)
{
    (void)arg;
    MUST(((struct target *)self)->magic == MAGIC);
    say(data);
    return NULL;
}

static void *
method_says_number(void *self, void *arg, void *data)
{
    (void)arg;
    MUST(((struct target *)self)->magic == MAGIC);
    say(((struct target *)data)->number == 2 ? "weak" : "wrong");
    return NULL;
}

static void
say_hub_word(const gcw_emission *emission, void *data)
{
    MUST(emission->listener != NULL);
    say(data);
}

/* What is to be passed over from here on. */
static void
take_some_out(struct growth *g)
{
    gcw_listener_block(g->blocked);
    MUST(gcw_listener_disconnect(g->disconnected));
    MUST(gcw_dispose(g->disposed) == 0);
}

static void
grow_event(void *arg, void *data)
{
    static char many[200];
    struct growth *g = data;
    (void)arg;
    say("grows");
    for (int i = 0; i < 200; i++)
        MUST(gcw_event_connect_fn(g->event, idle_fn, &many[i], 0) != NULL);
    take_some_out(g);
}

static struct growth *
growth_new(void)
{
    struct growth *g = GC_MALLOC_UNCOLLECTABLE(sizeof *g);
    MUST(g != NULL);
    *g = (struct growth){ gcw_event_new("e"), gcw_hub_new(), NULL, NULL,
                          target_new(1) };
    return g;
}

static gcw_listener *
on_event(struct growth *g, const char *word)
{
    return gcw_event_connect_fn(g->event, say_word, (char *)word, 0);
}

END(listeners_that_moved_meanwhile_are_called_with_their_data, 0,
    "first\ngrows\nsecond\nmethod\nweak\nonce\n"
    "again\nfirst\nsecond\nmethod\nweak\n")
{
    struct growth *g = growth_new();
    struct target *t = target_new(1), *data = target_new(2);
    on_event(g, "first");
    gcw_event_connect_fn(g->event, grow_event, g, GCW_ONCE);
    g->blocked = on_event(g, "blocked");
    on_event(g, "second");
    g->disconnected = on_event(g, "disconnected");
    gcw_event_connect(g->event, gcw_method_new(g->disposed, method_says,
                                               (char *)"disposed"), 0);
    gcw_event_connect(g->event, gcw_method_new(t, method_says,
                                               (char *)"method"), 0);
    gcw_event_connect(g->event, gcw_method_new_weak(t, method_says_number,
                                                    data), 0);
    gcw_event_connect_fn(g->event, say_word, (char *)"once", GCW_ONCE);
    MUST(gcw_event_emit(g->event, NULL) == 6);
    say("again");
    MUST(gcw_event_emit(g->event, NULL) == 4 + 200);
    GC_reachable_here(t);
    GC_reachable_here(data);
}

static void
grow_hub(const gcw_emission *emission, void *data)
{
    static char many[200];
    struct growth *g = data;
    (void)emission;
    say("grows");
    for (int i = 0; i < 200; i++) {
        MUST(gcw_hub_connect_fn(g->hub, "type", NULL, idle_hub_fn, &many[i], 0)
             != NULL);
        MUST(gcw_hub_connect_fn(g->hub, NULL, NULL, idle_hub_fn, &many[i], 0)
             != NULL);
    }
    take_some_out(g);
}

/* To the type, and to any. */
static void
on_both(struct growth *g, gcw_method *m)
{
    MUST(gcw_hub_connect(g->hub, "type", NULL, m, 0) != NULL);
    MUST(gcw_hub_connect(g->hub, NULL, NULL, m, 0) != NULL);
}

static gcw_listener *
on_hub(struct growth *g, const char *type, const char *word)
{
    return gcw_hub_connect_fn(g->hub, type, NULL, say_hub_word, (char *)word,
                              0);
}

END(those_of_several_patterns_too_and_equal_ones_once, 0,
    "grows\nfirst\nmethod\nfunction\nagain\nfirst\nmethod\nfunction\n")
{
    struct growth *g = growth_new();
    struct target *t = target_new(1);
    gcw_hub_connect_fn(g->hub, "type", NULL, grow_hub, g, GCW_ONCE);
    g->blocked = on_hub(g, NULL, "blocked");
    on_hub(g, "type", "first");
    g->disconnected = on_hub(g, "type", "disconnected");
    on_both(g, gcw_method_new(g->disposed, method_says, (char *)"disposed"));
    on_both(g, gcw_method_new(t, method_says, (char *)"method"));
    on_hub(g, "type", "function");
    on_hub(g, NULL, "function");
    MUST(gcw_hub_emit(g->hub, "type", NULL, NULL) == 4);
    say("again");
    MUST(gcw_hub_emit(g->hub, "type", NULL, NULL) == 3 + 200);
    GC_reachable_here(t);
}

/* --- errno --- */

/* What the calls need; each is made when it is first asked for, so that the
 * constructors' first calls are looked at too. */
static struct {
    struct target *target;
    gcw_ref *ref;
    gcw_method *method;
    gcw_cleanup *cleanup;
    gcw_event *event;
    gcw_listener *listener;
    gcw_hub *hub;
    gcw_exit_registry *registry;
    gcw_exit_handler *handler;
    gcw_proxy *proxy;
} *things;

#define LAZY(type, name, made)                                              \
    static type *                                                           \
    a_##name(void)                                                          \
    {                                                                       \
        if (things->name == NULL)                                           \
            things->name = (made);                                          \
        return things->name;                                                \
    }

/* The collector does as it likes. */
static struct target *
new_target(void)
{
    int before = errno;
    struct target *t = target_new(1);
    errno = before;
    return t;
}

LAZY(struct target, target, new_target())
LAZY(gcw_ref, ref, gcw_ref_new(a_target()))
LAZY(gcw_method, method, gcw_method_new(a_target(), idle_method, NULL))
LAZY(gcw_cleanup, cleanup, gcw_cleanup_new(a_target(), idle, NULL))
LAZY(gcw_event, event, gcw_event_new("event"))
LAZY(gcw_listener, listener, gcw_event_connect_fn(a_event(), idle_fn, NULL, 0))
LAZY(gcw_hub, hub, gcw_hub_new())
LAZY(gcw_exit_registry, registry, gcw_exit_registry_new("registry"))
LAZY(gcw_exit_handler, handler,
     gcw_exit_register_fn(a_registry(), idle, NULL, NULL))

static gcw_bound *
a_bound(void)
{
    static gcw_bound bound;
    bound = (gcw_bound){ a_target(), idle_method, NULL };
    return &bound;
}

static FILE *
nowhere(void)
{
    int before = errno;
    FILE *out = fopen("/dev/null", "w");
    errno = before;
    return out;
}

static bool
disposes_of_many(void)
{
    gcw_hub *h = a_hub();
    return gcw_hub_fd(h) >= 0 && gcw_hub_post(h, "type", h, h) == 0
           && gcw_dispose(h) == 0 && gcw_dispose(a_target()) == 0
           && gcw_dispose(a_event()) == 0 && gcw_dispose(a_registry()) == 0;
}

static bool
drains_one(void)
{
    return a_cleanup() != NULL && gcw_dispose(a_target()) == 0
           && gcw_drain(0) == 1;
}

static bool
runs_a_worker(void)
{
    return gcw_drain_thread(true) == 0 && gcw_drain_thread(true) == 0
           && gcw_drain_thread(false) == 0;
}

static bool
measures(void)
{
    gcw_hub_size size;
    return gcw_hub_measure(a_hub(), &size) == 0;
}

static bool
counts(void)
{
    gcw_statistics s = { .size = sizeof s };
    gcw_stats(&s);
    return s.registries > 0;
}

static bool
binds(void)
{
    gcw_bound bound;
    return gcw_method_bind(a_method(), &bound);
}

static bool
fails_in_a_listener(void)
{
    return gcw_event_on_error(a_event(), idle_on_error, NULL) == 0
           && gcw_event_connect_fn(a_event(), fail_in_event, NULL, GCW_ONCE)
              != NULL
           && gcw_event_emit(a_event(), NULL) == 1;
}

static bool
connects_to_hub(void)
{
    return gcw_hub_connect(a_hub(), "type", a_target(), a_method(), 0)
           != NULL;
}

static bool
connects_fn_to_hub(void)
{
    return gcw_hub_connect_fn(a_hub(), "type", a_target(), idle_hub_fn, NULL, 0)
           != NULL;
}

#if HAVE_LIBFFI

LAZY(gcw_proxy, proxy,
     gcw_proxy_new(a_target(), (gcw_proxy_fn *)proxied, ")v"))

struct pair {
    double x, y;
};

static void
proxied_with_struct(void *self, struct pair pair, int n)
{
    (void)self, (void)pair, (void)n;
}

static bool
makes_proxies(void)
{
    return a_proxy() != NULL
           && gcw_proxy_new(a_target(), (gcw_proxy_fn *)proxied_with_struct,
                            "{dd}i)v") != NULL;
}

static bool
calls_a_proxy(void)
{
    gcw_proxy_code(a_proxy())();
    return true;
}

# define PROXY_CALLS(CALL)                                                  \
    CALL(gcw_proxy_new, makes_proxies())                                    \
    CALL(gcw_proxy_code, calls_a_proxy())                                   \
    CALL(gcw_proxy_on_stale,                                                \
         gcw_proxy_on_stale(a_proxy(), idle_on_stale, NULL) == 0)           \
    CALL(gcw_proxy_free, gcw_proxy_free(a_proxy()) == 0)                    \
    CALL(gcw_signature_check,                                               \
         gcw_signature_check("{ic[8]d}p)d", NULL) == 0)
#else
# define PROXY_CALLS(CALL)
#endif

/* Every public function.  CALL(name, a call that succeeds) */
#define CALLS(CALL)                                                         \
    CALL(gcw_init, gcw_init() == 0)                                         \
    CALL(gcw_version, gcw_version() != NULL)                                \
    CALL(gcw_version_number, gcw_version_number() == GCW_VERSION)           \
    CALL(gcw_version_check, gcw_version_check(GCW_VERSION) == 0)            \
    CALL(gcw_object_unloading,                                              \
         (gcw_object_unloading((void (*)(void))exit), true))                \
    CALL(gcw_fail, fails_in_a_listener())                                   \
    CALL(gcw_ref_new, a_ref() != NULL)                                      \
    CALL(gcw_ref_new_long, gcw_ref_new_long(a_target()) != NULL)            \
    CALL(gcw_ref_get, gcw_ref_get(a_ref()) == a_target())                   \
    CALL(gcw_ref_id, gcw_ref_id(a_ref()) != 0)                              \
    CALL(gcw_dispose, disposes_of_many())                                   \
    CALL(gcw_method_new, a_method() != NULL)                                \
    CALL(gcw_method_new_weak,                                               \
         gcw_method_new_weak(a_target(), idle_method, a_target()) != NULL)  \
    CALL(gcw_method_bind, binds())                                          \
    CALL(gcw_bound_call, gcw_bound_call(a_bound(), NULL) == NULL)           \
    CALL(gcw_method_invoke, gcw_method_invoke(a_method(), NULL, NULL) == 0) \
    CALL(gcw_method_alive, gcw_method_alive(a_method()))                    \
    CALL(gcw_method_equal, gcw_method_equal(a_method(), a_method()))        \
    CALL(gcw_method_hash, (gcw_method_hash(a_method()), true))              \
    CALL(gcw_method_on_death,                                               \
         gcw_method_on_death(a_method(), idle_on_death, NULL) != NULL)      \
    CALL(gcw_cleanup_new, a_cleanup() != NULL)                              \
    CALL(gcw_cleanup_alive, gcw_cleanup_alive(a_cleanup()))                 \
    CALL(gcw_cleanup_peek, gcw_cleanup_peek(a_cleanup()) == a_target())     \
    CALL(gcw_cleanup_run, gcw_cleanup_run(a_cleanup()))                     \
    CALL(gcw_cleanup_detach, gcw_cleanup_detach(a_cleanup()))               \
    CALL(gcw_cleanup_set_atexit,                                            \
         gcw_cleanup_set_atexit(a_cleanup(), false) == 0)                   \
    CALL(gcw_cleanup_atexit, gcw_cleanup_atexit(a_cleanup()))               \
    CALL(gcw_drain, drains_one())                                           \
    CALL(gcw_drain_fd, gcw_drain_fd() >= 0)                                 \
    CALL(gcw_drain_thread, runs_a_worker())                                 \
    CALL(gcw_collect, (gcw_collect(), true))                                \
    CALL(gcw_drain_on_error, gcw_drain_on_error(idle_on_error, NULL) == 0)  \
    CALL(gcw_event_new, a_event() != NULL)                                  \
    CALL(gcw_event_connect,                                                 \
         gcw_event_connect(a_event(), a_method(), GCW_UNIQUE) != NULL)      \
    CALL(gcw_event_connect_fn, a_listener() != NULL)                        \
    CALL(gcw_listener_disconnect, gcw_listener_disconnect(a_listener()))    \
    CALL(gcw_event_disconnect,                                              \
         gcw_event_connect(a_event(), a_method(), 0) != NULL                \
         && gcw_event_disconnect(a_event(), a_method()) == 1)               \
    CALL(gcw_event_disconnect_fn,                                           \
         a_listener() != NULL                                               \
         && gcw_event_disconnect_fn(a_event(), idle_fn, NULL) == 1)         \
    CALL(gcw_listener_connected, gcw_listener_connected(a_listener()))      \
    CALL(gcw_listener_block, (gcw_listener_block(a_listener()), true))      \
    CALL(gcw_listener_unblock,                                              \
         (gcw_listener_block(a_listener()),                                 \
          gcw_listener_unblock(a_listener()), true))                        \
    CALL(gcw_event_emit,                                                    \
         a_listener() != NULL && gcw_event_emit(a_event(), NULL) == 1)      \
    CALL(gcw_event_count, gcw_event_count(a_event()) == 0)                  \
    CALL(gcw_event_on_error,                                                \
         gcw_event_on_error(a_event(), idle_on_error, NULL) == 0)           \
    CALL(gcw_hub_new, a_hub() != NULL)                                      \
    CALL(gcw_hub_connect, connects_to_hub())                                \
    CALL(gcw_hub_connect_fn, connects_fn_to_hub())                          \
    CALL(gcw_hub_disconnect,                                                \
         connects_to_hub()                                                  \
         && gcw_hub_disconnect(a_hub(), "type", a_target(), a_method()))    \
    CALL(gcw_hub_disconnect_fn,                                             \
         connects_fn_to_hub()                                               \
         && gcw_hub_disconnect_fn(a_hub(), "type", a_target(), idle_hub_fn, \
                                  NULL))                                    \
    CALL(gcw_hub_emit,                                                      \
         connects_to_hub()                                                  \
         && gcw_hub_emit(a_hub(), "type", a_target(), NULL) == 1)           \
    CALL(gcw_hub_on_error,                                                  \
         gcw_hub_on_error(a_hub(), idle_on_error, NULL) == 0)               \
    CALL(gcw_hub_post, gcw_hub_post(a_hub(), "type", NULL, NULL) == 0)      \
    CALL(gcw_hub_dispatch,                                                  \
         gcw_hub_fd(a_hub()) >= 0                                           \
         && gcw_hub_post(a_hub(), "type", NULL, NULL) == 0                  \
         && gcw_hub_dispatch(a_hub(), 0) == 1)                              \
    CALL(gcw_hub_fd, gcw_hub_fd(a_hub()) >= 0)                              \
    CALL(gcw_hub_measure, measures())                                       \
    CALL(gcw_exit_default, gcw_exit_default() != NULL)                      \
    CALL(gcw_exit_registry_new, a_registry() != NULL)                       \
    CALL(gcw_exit_register,                                                 \
         gcw_exit_register(a_registry(), a_method(), NULL) != NULL)         \
    CALL(gcw_exit_register_fn, a_handler() != NULL)                         \
    CALL(gcw_exit_unregister,                                               \
         gcw_exit_unregister(a_handler()) == GCW_REMOVED)                   \
    CALL(gcw_exit_unregister_fn,                                            \
         a_handler() != NULL                                                \
         && gcw_exit_unregister_fn(a_registry(), idle) == 1)                \
    CALL(gcw_exit_run,                                                      \
         a_handler() != NULL && gcw_exit_run(a_registry(), 0) == 0)         \
    CALL(gcw_exit_on_error,                                                 \
         gcw_exit_on_error(a_registry(), idle_on_error, NULL) == 0)         \
    CALL(gcw_atexit, gcw_atexit(idle_at_exit) == 0)                         \
    CALL(gcw_atexit_cancel,                                                 \
         gcw_atexit(idle_at_exit) == 0                                      \
         && gcw_atexit_cancel(idle_at_exit) == 0)                           \
    CALL(gcw_stats, counts())                                               \
    CALL(gcw_dump, (gcw_dump(nowhere()), true))                             \
    CALL(gcw_explain, gcw_explain(a_target(), nowhere()) >= 0)              \
    CALL(gcw_explain_name, gcw_explain_name(idle_namer, NULL) == 0)         \
    PROXY_CALLS(CALL)

#if HAVE_ON_EXIT

int __real_on_exit(void (*fn)(int, void *), void *arg);
int __wrap_on_exit(void (*fn)(int, void *), void *arg);

/* The library calls this, and it succeeds with another errno, as it may. */
int
__wrap_on_exit(void (*fn)(int, void *), void *arg)
{
    int result = __real_on_exit(fn, arg);
    errno = result == 0 ? EDOM : errno;
    return result;
}

#endif

/* Nobody's errno. */
enum { MINE = 4242, TIMES = 20 };

static void
leaves_errno(bool (*succeeds)(void))
{
    bool good;
    things = GC_MALLOC_UNCOLLECTABLE(sizeof *things);
    for (int i = 0; i < TIMES; i++) {
        errno = MINE;
        good = succeeds();
        if (errno != MINE) {
            dprintf(STDOUT_FILENO, "call %d: errno %d\n", i + 1, errno);
            _exit(99);
        }
        MUST(good);
        memset(things, 0, sizeof *things);
        if (i % 2 == 0)
            collect();
    }
    _exit(0);
}

#define LEAVES_ERRNO(name, good)                                            \
    static bool name##_succeeds(void) { return (good); }                    \
    END(name##_leaves_errno_alone, 0, "") { leaves_errno(name##_succeeds); }
CALLS(LEAVES_ERRNO)

/* It starts the collector. */
FRESH_END(the_first_call_leaves_errno_alone, 0, "")
{
    errno = MINE;
    MUST(gcw_init() == 0);
    MUST(errno == MINE);
    _exit(0);
}

static bool
middles_are_followed(void)
{
    return GC_get_all_interior_pointers();
}

END(data_in_the_middle_is_held_where_that_is_followed, 0, "",
    .only_if = middles_are_followed)
{
    MUST(gcw_init() == 0);
    MUST(GC_get_all_interior_pointers());
    each_holder(holds_middles);
}
