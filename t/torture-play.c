/* torture-play.c: a player: objects, references, methods, cleanups, exit
 * handlers, proxies.  See torture.h.
 */
#include <config.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "torture.h"

enum { DEPTH = 2 };

bool only_maps;

/* --- Callbacks --- */

/* A cleanup, or a death callback. */
static void
on_death(void *data)
{
    struct promise *p = data;
    bool early = atomic_load(&p->by_hand)
                 || (atomic_load(&exiting) && p->process == getpid());
    bool alive = is_rooted(p->life)
                 && (p->second == NULL || is_rooted(p->second));
    promise_ends(p);
    must_be(early || !alive, "a cleanup ran though its object was rooted");
    atomic_fetch_add(&tally->deaths, 1);
    frolic();
}

static void
on_method_death(gcw_method *m, void *data)
{
    must_be(atomic_load(&exiting) || !gcw_method_alive(m)
                || atomic_load(&((struct promise *)data)->by_hand),
            "a living method's death was told");
    on_death(data);
}

/* Long enough for another thread to come in, if it may. */
static void
be_alone(atomic_int *running)
{
    must_be(atomic_fetch_add(running, 1) == 0,
            "two threads run one registry");
    for (unsigned i = below(4); i > 0; i--)
        sched_yield();
    atomic_fetch_sub(running, 1);
}

/* In the player's own registry, where nobody registers during a run. */
static void
come_down(struct player *p, long level)
{
    if (p == NULL)
        return;
    must_be(level <= p->level, "a lower level ran before a higher one");
    p->level = level;
}

static void
at_end(void *data)
{
    struct promise *p = data;
    must_be(p->process == getpid(), "a parent's handler ran in its child");
    if (p->registry != 0)
        be_alone(&common->running[p->registry - 1]);
    else if (!p->at_exit)
        come_down(me, p->level);
    atomic_fetch_add(&tally->calls, 1);
    promise_ends(p);
}

/* A function that runs in children too. */
static void
at_any_end(void *data)
{
    struct promise *p = data;
    if (p->process == getpid())
        at_end(p);
}

static void *
at_end_of(void *self, void *info, void *data)
{
    struct promise *p = data;
    (void)info;
    judge(p->life, 0, self);
    at_end(data);
    return NULL;
}

static void *
unchanged(void *self, void *arg, void *data)
{
    struct object *o = self;
    (void)arg;
    judge(data, 0, o);
    return o;
}

/* --- Holding, disposing, dropping --- */

static struct holding *
any_holding(struct player *p)
{
    return &p->holdings[below(OBJECTS)];
}

/* NULL: it just happened to hold nothing. */
static struct holding *
any_held(struct player *p)
{
    struct holding *h = any_holding(p);
    return h->object == NULL ? NULL : h;
}

static int
add_serial(struct object *self, int n)
{
    return (int)(self->serial & 0xffff) + n;
}

static int
call_proxy(const gcw_proxy *proxy, int n)
{
    return ((int (*)(int))gcw_proxy_code(proxy))(n);
}

static void
free_proxy(struct holding *h)
{
    if (h->proxy != NULL)
        must_be(gcw_proxy_free(h->proxy) == 0, "a proxy could not be freed");
    h->proxy = NULL;
}

static void
hold_new(struct player *p, struct holding *h)
{
    struct object *o = object_new();
    (void)p;
    h->object = o;
    atomic_store(&o->life->rooted, true);
    h->ref = gcw_ref_new(o);
    h->method = gcw_method_new(o, unchanged, o->life);
    if (below(8) == 0)
        h->long_ref = gcw_ref_new_long(o);
    if (below(4) == 0)
        h->inner_ref = gcw_ref_new(o->more);
    if (h->ref == NULL || h->method == NULL)
        abort();
    show(REFERENCE, h->ref, NULL, o->life);
    show(METHOD, h->method, NULL, o->life);
}

/* The cleanup must run, once; whoever drains may still be at it. */
static void
owe(struct player *p, const struct holding *h)
{
    struct debt debt = { h->cleanup_promise, h->ref };
    if (debt.promise == NULL)
        return;
    if (p->n_owed < OWED)
        p->owed[p->n_owed++] = debt;
    else
        p->owed[below(OWED)] = debt;
}

static void
check_disposed(const struct holding *h)
{
    gcw_bound bound;
    must_be(gcw_ref_get(h->ref) == NULL, "disposed of, but still read");
    must_be(!gcw_method_bind(h->method, &bound),
            "disposed of, but still bound");
    must_be(h->long_ref == NULL || gcw_ref_get(h->long_ref) == NULL,
            "disposed of, but its long reference still reads");
    must_be(h->inner_ref == NULL || gcw_ref_get(h->inner_ref) == NULL,
            "disposed of, but its inner reference still reads");
    must_be(h->cleanup == NULL || gcw_cleanup_peek(h->cleanup) == NULL,
            "disposed of, but its cleanup still shows it");
    if (h->proxy == NULL)
        return;
    errno = 0;
    must_be(call_proxy(h->proxy, 1) == 0 && errno == ESTALE,
            "disposed of, but its proxy still calls");
}

static void
dispose(struct player *p, struct holding *h)
{
    struct object *o = h->object;
    atomic_store(&o->life->disposing, true);
    atomic_store(&o->life->rooted, false);
    must_be(gcw_dispose(o) == 0, "dispose failed");
    atomic_store(&o->life->dead_at, moment());
    atomic_store(&o->magic, POISON);
    check_disposed(h);
    check_disposed_entries(p, h);
}

/* The object goes, one way or the other. */
static void
let_go(struct player *p, struct holding *h)
{
    p->version++;
    owe(p, h);
    forget_source(p, h->object);
    if (below(2) == 0)
        dispose(p, h);
    else
        atomic_store(&h->object->life->rooted, false);
    free_proxy(h);
    *h = (struct holding){ .object = NULL };
}

/* The first stays. */
static void
play_object(struct player *p)
{
    struct holding *h = any_holding(p);
    if (h->object != NULL && h != p->holdings)
        let_go(p, h);
    if (h->object == NULL)
        hold_new(p, h);
}

/* --- Looking --- */

static void
check_holding(const struct holding *h)
{
    struct object *o = h->object;
    gcw_bound bound;
    judge_ref(o->life, h->ref);
    must_be(gcw_ref_new(o) == h->ref, "a second reference to one object");
    if (h->long_ref != NULL)
        must_be(gcw_ref_get(h->long_ref) == o, "a long reference is wrong");
    if (h->inner_ref != NULL)
        must_be(gcw_ref_get(h->inner_ref) == o->more
                    && gcw_ref_new(o->more) == h->inner_ref,
                "an inner reference is wrong");
    must_be(gcw_method_bind(h->method, &bound) && bound.self == o
                && bound.data == o->life,
            "a living method does not bind");
    must_be(h->cleanup == NULL || gcw_cleanup_peek(h->cleanup) == o,
            "a cleanup of the living is gone");
}

void
check_world(struct player *p)
{
    for (size_t i = 0; i < OBJECTS; i++)
        if (p->holdings[i].object != NULL) {
            check_holding(&p->holdings[i]);
            check_entries(p, &p->holdings[i]);
        }
    check_connections(p);
}

static void
play_look(struct player *p)
{
    struct holding *h = any_held(p);
    if (h != NULL)
        check_holding(h);
}

/* One that nobody refers to yet; several come upon it at once. */
static void
play_fresh(struct player *p)
{
    struct object *o = object_new();
    (void)p;
    show(FRESH, o, NULL, o->life);
}

/* --- Cleanups --- */

static void
play_cleanup(struct player *p)
{
    struct holding *h = any_held(p);
    struct promise *promise;
    gcw_cleanup *c;
    if (h == NULL || h == p->holdings)
        return;
    promise = promise_new(p->number, h->object->life);
    promise_count(promise);
    c = gcw_cleanup_new(h->object, on_death, promise);
    if (c == NULL)
        abort();
    if (h->cleanup != NULL) {
        show(CLEANUP, c, promise, h->object->life);
        return;
    }
    h->cleanup = c;
    h->cleanup_promise = promise;
}

static gcw_method *
weak_method(struct holding *h, struct holding *data)
{
    return gcw_method_new_weak(h->object, unchanged, data->object);
}

static void
play_death_callback(struct player *p)
{
    struct holding *h = any_held(p), *data = any_held(p);
    struct promise *promise;
    gcw_method *m;
    gcw_cleanup *c;
    if (h == NULL || h == p->holdings || data == p->holdings)
        return;
    promise = promise_new(p->number, h->object->life);
    m = data == NULL ? h->method : weak_method(h, data);
    if (data != NULL)
        promise->second = data->object->life;
    promise_count(promise);
    c = gcw_method_on_death(m, on_method_death, promise);
    if (c == NULL || gcw_cleanup_set_atexit(c, true) != 0)
        abort();
    show(CLEANUP, c, promise, NULL);
}

/* --- Exit handlers --- */

/* In milliseconds; it is never over. */
enum { LIMIT = 3600 * 1000 };

static long
any_level(void)
{
    static const long ends[] = { GCW_EXIT_FIRST, GCW_EXIT_LAST };
    unsigned chosen = below(32);
    return chosen < 2 ? ends[chosen] : chosen < 16 ? (long)below(9) - 4 : 0;
}

static gcw_exit_options
any_options(void)
{
    gcw_exit_options o = { .level = any_level() };
    if (below(4) == 0)
        o.name = "a name";
    if (below(16) == 0)
        o.limit = LIMIT;
    return o;
}

static gcw_exit_handler *
register_one(gcw_exit_registry *r, struct promise *promise,
             struct holding *h)
{
    gcw_exit_options o = any_options();
    gcw_method *m;
    promise->level = o.level;
    if (h == NULL)
        return gcw_exit_register_fn(r, at_end, promise, &o);
    m = gcw_method_new(h->object, at_end_of, promise);
    return m == NULL ? NULL : gcw_exit_register(r, m, &o);
}

/* One that all run. */
static gcw_exit_registry *
any_registry(struct promise *promise)
{
    promise->registry = 1 + below(REGISTRIES);
    return common->registries[promise->registry - 1];
}

/* Often that which stays; NULL: a function. */
static struct holding *
any_of_handler(struct player *p)
{
    unsigned chosen = below(4);
    if (chosen == 0 && p->holdings[0].object != NULL)
        return &p->holdings[0];
    return chosen == 1 ? any_held(p) : NULL;
}

/* In the player's own registry, or in a common one. */
static void
play_register(struct player *p)
{
    struct registration *reg = &p->registrations[below(HANDLERS)];
    struct holding *h = any_of_handler(p);
    struct promise *promise = promise_new(p->number,
                                          h == NULL ? NULL
                                                    : h->object->life);
    bool own = reg->handler == NULL && below(2);
    gcw_exit_registry *r = own ? p->registry : any_registry(promise);
    gcw_exit_handler *handler = register_one(r, promise, h);
    if (handler == NULL)
        abort();
    if (own) {
        *reg = (struct registration){ handler, promise };
        if (below(4) == 0)
            promise->id = gcw_exit_id(handler);
    } else {
        show(HANDLER, handler, promise, promise->life);
    }
}

static void
register_function_at_exit(struct promise *promise)
{
    promise->id = gcw_atexit_data(at_any_end, promise);
    if (promise->id == 0)
        abort();
    show(NUMBER, NULL, promise, NULL);
}

static void
play_register_at_exit(struct player *p)
{
    struct promise *promise = promise_new(p->number, NULL);
    gcw_exit_handler *h;
    promise_count(promise);
    if (below(4) == 0) {
        register_function_at_exit(promise);
        return;
    }
    h = register_one(gcw_exit_default(), promise, NULL);
    if (h == NULL)
        abort();
    if (below(16) != 0)
        show(HANDLER, h, promise, NULL);
}

static void
taken_back(int found, struct promise *promise)
{
    switch (found) {
    case GCW_REMOVED:
        promise_ends(promise);
        break;
    case GCW_RUNNING:
    case GCW_GONE:
        break;
    default:
        violation("unregister failed");
    }
}

/* 0: it is gone. */
static uint64_t
number_of(gcw_exit_handler *h)
{
    uint64_t id = gcw_exit_id(h);
    must_be(id != 0 || errno == ENOENT, "a handler has no number");
    return id;
}

static void
unregister(gcw_exit_handler *h, struct promise *promise)
{
    uint64_t id = below(4) == 0 ? number_of(h) : 0;
    taken_back(id == 0 ? gcw_exit_unregister(h) : gcw_exit_unregister_id(id),
               promise);
}

/* Of the player's own registry, which only it runs. */
static void
check_registration(struct registration *reg)
{
    must_be(atomic_load(&reg->promise->ends) == 1
                || !is_rooted(reg->promise->life)
                || reg->promise->process != getpid(),
            "a handler has not run");
    must_be(gcw_exit_unregister(reg->handler) == GCW_GONE,
            "a handler is there after the run");
    must_be(reg->promise->id == 0
                || gcw_exit_unregister_id(reg->promise->id) == GCW_GONE,
            "a number is good after the run");
}

/* Only where nobody else runs it: steps take no turns. */
static void
step_through(gcw_exit_registry *r)
{
    gcw_exit_step step;
    for (bool more = gcw_exit_first(r, 0, &step); more;
         more = gcw_exit_next(&step))
        must_be(gcw_call_invoke(&step.call) == NULL, "a handler failed");
}

static void
run_own(struct player *p)
{
    p->level = LONG_MAX;
    if (below(2))
        step_through(p->registry);
    else
        must_be(gcw_exit_run(p->registry, 0) == 0, "a handler failed");
    for (size_t i = 0; i < HANDLERS; i++) {
        if (p->registrations[i].handler != NULL)
            check_registration(&p->registrations[i]);
        p->registrations[i].handler = NULL;
    }
}

/* The registry goes, with its handlers, though their objects stay. */
static void
renew_registry(struct player *p)
{
    p->registry = gcw_exit_registry_new("another");
    must_be(gcw_exit_limit(p->registry, below(4) == 0 ? LIMIT : 0) == 0,
            "no limit");
    for (size_t i = 0; i < HANDLERS; i++)
        p->registrations[i].handler = NULL;
}

static void
play_unregister(struct player *p)
{
    struct registration *reg = &p->registrations[below(HANDLERS)];
    if (reg->handler == NULL)
        return;
    unregister(reg->handler, reg->promise);
    must_be(atomic_load(&reg->promise->ends) == 1
                || !is_rooted(reg->promise->life),
            "a handler of the living was not taken off");
    reg->handler = NULL;
}

static void
play_run(struct player *p)
{
    if (below(2))
        run_own(p);
    else
        gcw_exit_run(common->registries[below(REGISTRIES)], 0);
}

/* --- Many handlers at once --- */

static bool
is_in(const gcw_exit_entry *entries, size_t n, const gcw_exit_handler *h)
{
    while (n > 0 && entries[n - 1].handler != h)
        n--;
    return n > 0;
}

/* All that must be there is in the list, the highest level first. */
static void
list_own(struct player *p)
{
    gcw_exit_entry entries[HANDLERS];
    size_t n = gcw_exit_list(p->registry, entries, HANDLERS);
    must_be(n <= HANDLERS, "a list is too long");
    for (size_t i = 1; i < n; i++)
        must_be(entries[i].level <= entries[i - 1].level,
                "a list is in disorder");
    for (size_t i = 0; i < HANDLERS; i++) {
        const struct registration *reg = &p->registrations[i];
        must_be(reg->handler == NULL || is_in(entries, n, reg->handler)
                    || !is_rooted(reg->promise->life),
                "a handler is not in the list");
    }
}

/* Whoever has shown it hears that it is gone. */
static void
take_off_listed(void)
{
    gcw_exit_entry entries[HANDLERS];
    gcw_exit_registry *r = common->registries[below(REGISTRIES)];
    size_t n = gcw_exit_list(r, entries, HANDLERS);
    uint64_t id;
    if (n == 0)
        return;
    id = number_of(entries[below(n < HANDLERS ? (unsigned)n : HANDLERS)]
                       .handler);
    must_be(id == 0 || gcw_exit_unregister_id(id) >= 0, "unregister failed");
}

/* It must be gone by now, for good. */
static void
was_taken_off(struct registration *reg)
{
    must_be(gcw_exit_unregister(reg->handler) == GCW_GONE,
            "a handler was left");
    promise_ends(reg->promise);
    reg->handler = NULL;
}

static void
clear_own(struct player *p)
{
    size_t n = gcw_exit_clear(p->registry), least = 0, most = 0;
    for (size_t i = 0; i < HANDLERS; i++) {
        struct registration *reg = &p->registrations[i];
        if (reg->handler == NULL)
            continue;
        least += is_rooted(reg->promise->life);
        most++;
        was_taken_off(reg);
    }
    must_be(n >= least && n <= most, "clear: a wrong number");
}

/* Those of an object that is held. */
static void
take_off_object(struct player *p)
{
    struct holding *h = below(2) ? &p->holdings[0] : any_holding(p);
    size_t n, expected = 0;
    if (h->object == NULL)
        return;
    n = gcw_exit_unregister_object(p->registry, h->object);
    for (size_t i = 0; i < HANDLERS; i++) {
        struct registration *reg = &p->registrations[i];
        if (reg->handler == NULL || reg->promise->life != h->object->life)
            continue;
        expected++;
        was_taken_off(reg);
    }
    must_be(n == expected, "unregister_object: a wrong number");
}

/* In a common registry nobody relies on a handler. */
static void
play_many(struct player *p)
{
    gcw_exit_registry *r = common->registries[below(REGISTRIES)];
    switch (below(8)) {
    case 0:
        clear_own(p);
        break;
    case 1:
        take_off_object(p);
        break;
    case 2:
        gcw_exit_clear(r);
        break;
    case 3:
        if (p->holdings[0].object != NULL)
            gcw_exit_unregister_object(r, p->holdings[0].object);
        break;
    case 4: case 5:
        take_off_listed();
        break;
    default:
        list_own(p);
    }
}

/* --- Proxies --- */

static void
play_proxy(struct player *p)
{
    struct holding *h = any_held(p);
    if (h == NULL)
        return;
    if (h->proxy == NULL)
        h->proxy = gcw_proxy_new(h->object, (gcw_proxy_fn *)add_serial,
                                 "i)i");
    if (h->proxy == NULL) {
        must_be(errno == ENOTSUP, "no proxy");
        return;
    }
    must_be(call_proxy(h->proxy, 3) == add_serial(h->object, 3),
            "a proxy returns something else");
    if (below(4) == 0)
        free_proxy(h);
}

/* --- What others show --- */

/* All get the same first reference, unless somebody disposes of it. */
static void
refer_first(struct box *box)
{
    gcw_ref *ref = gcw_ref_new(box->object), *first = NULL;
    bool same = atomic_compare_exchange_strong(&box->first, &first, ref)
                || first == ref;
    bool reads = gcw_ref_get(ref) == box->object;
    if (atomic_load(&box->life->disposing))
        return;
    must_be(same, "two references to one object");
    must_be(reads, "a held object reads dead");
}

/* Each of these is refused, or ends with the object. */
static void
clean_up_fresh(struct player *p, struct box *box)
{
    struct promise *promise = promise_new(p->number, box->life);
    promise_count(promise);
    if (gcw_cleanup_new(box->object, on_death, promise) == NULL)
        promise_ends(promise);
}

static void
register_fresh(struct player *p, struct box *box)
{
    struct promise *promise = promise_new(p->number, box->life);
    gcw_method *m = gcw_method_new(box->object, at_end_of, promise);
    if (m != NULL)
        gcw_exit_register(any_registry(promise), m, NULL);
}

static void
dispose_fresh(struct box *box)
{
    atomic_store(&box->life->disposing, true);
    must_be(gcw_dispose(box->object) == 0, "dispose failed");
}

/* Whoever comes upon it may dispose of it, while others begin with it. */
static void
use_fresh(struct player *p, struct box *box)
{
    switch (below(8)) {
    case 0:
        dispose_fresh(box);
        break;
    case 1:
        clean_up_fresh(p, box);
        break;
    case 2:
        register_fresh(p, box);
        break;
    case 3: case 4:
        connect_fresh(p, box);
        break;
    default:
        refer_first(box);
    }
}

static void
use_cleanup(struct box *box)
{
    switch (below(4)) {
    case 0:
        atomic_store(&box->promise->by_hand, true);
        if (gcw_cleanup_run(box->handle))
            must_be(atomic_load(&box->promise->ends) == 1,
                    "a cleanup that was run has not run");
        break;
    case 1:
        if (gcw_cleanup_detach(box->handle))
            promise_ends(box->promise);
        break;
    default:
        gcw_cleanup_peek(box->handle);
    }
}

static void
use_method(struct box *box)
{
    uint64_t before = atomic_load(&box->life->dead_at);
    gcw_bound bound;
    gcw_method_bind(box->handle, &bound);
    judge(box->life, before, bound.self);
    if (bound.self != NULL)
        must_be(gcw_bound_call(&bound, NULL) == bound.self,
                "a method returns something else");
}

static void
play_box(struct player *p)
{
    unsigned boxes = below(4) == 0 ? FRESH_BOXES : BOXES;
    struct box *box = atomic_load(&common->boxes[below(boxes)]);
    if (box == NULL)
        return;
    switch (box->kind) {
    case REFERENCE:
        judge_ref(box->life, box->handle);
        break;
    case FRESH:
        use_fresh(p, box);
        break;
    case CLEANUP:
        use_cleanup(box);
        break;
    case METHOD:
        use_method(box);
        break;
    case LISTENER:
        use_listener(box);
        break;
    case HANDLER:
        unregister(box->handle, box->promise);
        break;
    case NUMBER:
        taken_back(gcw_exit_unregister_id(box->promise->id), box->promise);
        break;
    }
}

/* --- Draining --- */

static void
play_drain(struct player *p)
{
    size_t max = below(4) == 0 ? 0 : 1 + below(20);
    gcw_call call;
    (void)p;
    if (below(2))
        gcw_drain(max);
    else
        while (max-- > 0 && gcw_drain_next(&call))
            gcw_call_invoke(&call);
}

static void
play_worker(struct player *p)
{
    (void)p;
    if (below(40) == 0)
        must_be(gcw_drain_thread(below(2)) == 0, "no worker");
}

/* --- Choosing --- */

static void
play_rarely(struct player *p)
{
    switch (below(24)) {
    case 0:
        check_world(p);
        break;
    case 1:
        if (with_forks)
            play_fork(p);
        break;
    case 2:
        if (with_plugins)
            play_plugin(p);
        break;
    case 3:
        if (below(4) == 0)
            gcw_collect();
        break;
    case 4: case 5: case 6: case 7: case 8:
        renew_event(p);
        break;
    case 9: case 10: case 11:
        renew_registry(p);
        break;
    default:
        play_look(p);
    }
}

/* In a setting of maps. */
static void
play_map_rarely(struct player *p)
{
    if (below(16) == 0)
        check_world(p);
    else
        gcw_drain(1);
}

typedef void play_fn(struct player *p);

/* What a callback may do: nothing that waits for a run, the worker, or a
 * child. */
static play_fn *const small_plays[] = {
    play_box, play_listen, play_cleanup, play_drain, play_look, play_fresh
};

static play_fn *const plays[] = {
    play_object, play_object, play_object, play_look, play_box, play_box,
    play_box, play_box, play_fresh, play_cleanup, play_cleanup,
    play_death_callback, play_register, play_register, play_unregister,
    play_register_at_exit, play_run, play_many, play_proxy, play_drain, play_worker,
    play_listen, play_listen, play_listen, play_listen, play_listen,
    play_map, play_map, play_map, play_map, play_map,
    play_rarely
};

static play_fn *const map_plays[] = {
    play_map, play_map, play_map, play_map, play_map, play_map, play_object,
    play_map_rarely
};

#define LENGTH(array) (sizeof (array) / sizeof *(array))

void
play(struct player *p)
{
    if (only_maps)
        map_plays[below(LENGTH(map_plays))](p);
    else
        plays[below(LENGTH(plays))](p);
    atomic_fetch_add(&tally->operations, 1);
}

void
frolic(void)
{
    struct player *p = me;
    if (p == NULL || p->depth >= DEPTH || below(8) != 0
        || atomic_load(&exiting))
        return;
    p->depth++;
    small_plays[below(LENGTH(small_plays))](p);
    p->depth--;
}

/* --- The end of a round --- */

/* Whether the worker runs what is pending, without anybody's help. */
void
check_worker(void)
{
    enum { TURNS = 20000 };
    struct timespec moment = { 0, 500000 };
    struct object *o = object_new();
    struct promise *promise = promise_new(ALL, o->life);
    promise_count(promise);
    must_be(gcw_drain_thread(true) == 0, "no worker");
    must_be(gcw_cleanup_new(o, on_death, promise) != NULL, "no cleanup");
    must_be(gcw_dispose(o) == 0, "dispose failed");
    for (int i = 0; i < TURNS && atomic_load(&promise->ends) == 0; i++)
        nanosleep(&moment, NULL);
    must_be(atomic_load(&promise->ends) == 1, "the worker sleeps");
}

/* Of those that are dead by now.  Nobody else drains. */
static void
check_debts(struct player *p)
{
    for (unsigned i = 0; i < p->n_owed; i++)
        if (gcw_ref_get(p->owed[i].ref) != NULL)
            p->owed[i].promise = NULL;
    gcw_drain(0);
    for (unsigned i = 0; i < p->n_owed; i++)
        must_be(p->owed[i].promise == NULL
                    || atomic_load(&p->owed[i].promise->ends) == 1,
                "a cleanup of the dead has not run");
}

void
settle_world(struct player *p)
{
    check_world(p);
    run_own(p);
    check_debts(p);
    for (size_t i = 0; i < OBJECTS; i++)
        free_proxy(&p->holdings[i]);
    settle_connections(p);
}

struct object *
drop_world(struct player *p)
{
    struct object *first = p->holdings[0].object;
    for (size_t i = 1; i < OBJECTS; i++)
        if (p->holdings[i].object != NULL)
            atomic_store(&p->holdings[i].object->life->rooted, false);
    memset(p, 0, sizeof *p);
    return first;
}
