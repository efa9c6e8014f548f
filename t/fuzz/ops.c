/* ops.c: a fuzz target: operations on the public interface, against a model.
 *
 * The input is a program: each byte says what to do next or what to do it to.
 * Callbacks go on reading where the operation that called them stood, so the
 * operations nest.  All that the library says, and each callback, must be what
 * the model says, which is a few lists that are searched from end to end.
 *
 * Deaths.  What is disposed of is dead at once.  What is only dropped may die
 * at any collection or never; the model learns of it from what it sees, and
 * from then on it must stay dead.
 *
 * Frames.  Each call that may call back is a frame, which says what may come.
 * Whatever is called looks at the innermost frame.
 *
 * At the end all that lives is disposed of, and the drain must run each
 * cleanup that has still to run; so no input leaves anything to the next one.
 * GCWEAK_FUZZ_TELL in the environment tells on stderr what is done.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gc.h>
#include <gcweak.h>

#include "fuzz.h"

enum {
    LONGEST = 1024,              /* of inputs; so much of each thing at most */
    SLOTS = 6,                   /* objects that are held at a time */
    DEPTH = 4,                   /* of callbacks inside callbacks */
    EVENTS = 2, REGISTRIES = 2,
    HUB = EVENTS,                /* as the place of a listener */
    TYPES = 3
};

enum { MAGIC = 0xf022 };

struct object {
    uintptr_t magic;
    size_t number;
    void *field[10];
};

/* --- the model --- */

/* Objects are known by their numbers; 0 is none, and lives.  One that was
 * disposed of and is used again has a new number. */
enum life { LIVES, DROPPED, DEAD };

/* Whether something is there: surely not, perhaps, surely. */
enum standing { OUT, PERHAPS, IN };

struct ref {
    gcw_ref *handle;
    uint64_t id;
    size_t object;
    bool is_long, interior;
};

/* A method, or a function that does without an object.  Two are equal if they
 * are the same; so equal weak ones are kept once. */
enum kind { FUNCTION, METHOD, WEAK_METHOD };

struct method {
    enum kind kind;
    gcw_method *handle;
    size_t self, data;           /* data: only if weak */
};

struct cleanup {
    gcw_cleanup *handle;
    size_t object, data;         /* data: only that of a weak method */
    gcw_method *method;          /* NULL for a plain one */
    bool to_run, at_exit;
};

struct listener {
    gcw_listener *handle;
    size_t method;
    int place, type;             /* type: 0 is any, as in source */
    size_t source;
    long order;
    unsigned blocked;
    bool once, connected, dead;
};

struct handler {
    gcw_exit_handler *handle;
    int registry;
    size_t method;               /* if it is one of a method */
    int fn;                      /* else, this */
    bool is_fn, keep, there, called, running, dead;
};

struct proxy {
    gcw_proxy *handle;
    int (*code)(int);
    size_t self;
    size_t stale;                /* calls that found it stale */
    bool hooked;
};

struct posting {
    int type;
    size_t source;
    void *object, *arg;
};

enum call { EMITS, RUNS_EXIT, DRAINS, RUNS_CLEANUP, INVOKES, CALLS_PROXY };

struct frame {
    struct frame *outer;
    enum call call;
    int place;                   /* event, hub or registry */
    int type;
    size_t which;                /* cleanup, method, proxy; a source */
    void *source, *arg;
    size_t *fits;                /* the listeners, in order */
    size_t n, next;
    bool *called_method;
    size_t called;
    size_t failed;
    void *failing;               /* a handle, until the hook has heard of it */
};

struct world {
    struct object *slots[SLOTS];
    gcw_event *events[EVENTS];
    gcw_hub *hub;
    gcw_exit_registry *registries[REGISTRIES];
    int runs[REGISTRIES];        /* nested runs of each */
    struct ref refs[LONGEST], last[LONGEST];
    struct method methods[LONGEST];
    struct cleanup cleanups[LONGEST];
    struct listener listeners[LONGEST];
    struct handler handlers[LONGEST];
    struct proxy proxies[LONGEST];
    struct posting postings[LONGEST];
    size_t n_refs, n_last, n_methods, n_cleanups, n_listeners, n_handlers;
    size_t n_proxies, n_postings, n_dispatched;
    enum life lives[2 * LONGEST];
    size_t n_objects;
    struct frame *frame;
    int depth;
    long front, back;
    uintptr_t arg;
    const uint8_t *at, *end;
    bool ending;                 /* callbacks do nothing more */
};

/* In uncollectable memory. */
static struct world *w;
static bool tells;

static void
tell(const char *format, ...)
{
    va_list args;
    if (!tells)
        return;
    fprintf(stderr, "%*s", 2 * w->depth, "");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static void
must(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "wrong: %s\n", what);
    abort();
}

/* --- the input --- */

static unsigned
below(size_t n)
{
    return w->at == w->end ? 0 : *w->at++ % (unsigned)n;
}

/* One of n things; n if there are none. */
static size_t
some(size_t n)
{
    return n == 0 ? 0 : below(n < 256 ? n : 256);
}

/* --- who is alive --- */

static enum standing
least(enum standing a, enum standing b)
{
    return a < b ? a : b;
}

static enum standing
of_object(size_t object)
{
    static const enum standing of[] = { IN, PERHAPS, OUT };
    return of[w->lives[object]];
}

static enum standing
of_method(size_t i)
{
    const struct method *m = &w->methods[i];
    return least(of_object(m->self), of_object(m->data));
}

static enum standing
of_listener(const struct listener *l)
{
    if (!l->connected || l->dead)
        return OUT;
    return least(of_method(l->method), of_object(l->source));
}

static enum standing
of_handler(const struct handler *h)
{
    if (!h->there || h->dead)
        return OUT;
    return h->is_fn ? IN : of_method(h->method);
}

/* One of these is dead; if only one may be, it is that. */
static void
one_has_died(size_t a, size_t b, size_t c)
{
    size_t suspect = 0, objects[] = { a, b, c };
    for (int i = 0; i < 3; i++) {
        size_t object = objects[i];
        if (w->lives[object] == DEAD)
            return;
        if (w->lives[object] == LIVES || object == suspect)
            continue;
        if (suspect != 0)
            return;
        suspect = object;
    }
    must(suspect != 0, "something has died of nothing");
    w->lives[suspect] = DEAD;
}

static void
method_seen_dead(size_t i)
{
    one_has_died(w->methods[i].self, w->methods[i].data, 0);
}

static void
listener_seen_dead(struct listener *l)
{
    const struct method *m = &w->methods[l->method];
    one_has_died(m->self, m->data, l->source);
    l->dead = true;
}

static void
handler_seen_dead(struct handler *h)
{
    method_seen_dead(h->method);
    h->dead = true;
}

/* --- objects --- */

static size_t
new_number(void)
{
    w->lives[++w->n_objects] = LIVES;
    return w->n_objects;
}

static struct object *
some_object(void)
{
    struct object **slot = &w->slots[below(SLOTS)];
    if (*slot == NULL) {
        *slot = GC_MALLOC(sizeof **slot);
        must(*slot != NULL, "memory has run out");
        (*slot)->magic = MAGIC;
        (*slot)->number = new_number();
    }
    return *slot;
}

static size_t
number_of(const void *object)
{
    const struct object *o = object;
    if (o == NULL)
        return 0;
    must(o->magic == MAGIC, "an object is none");
    return o->number;
}

static struct object *
held(size_t number)
{
    for (int i = 0; i < SLOTS; i++)
        if (w->slots[i] != NULL && w->slots[i]->number == number)
            return w->slots[i];
    return NULL;
}

static void
dispose(void)
{
    struct object *o = some_object();
    tell("dispose of %zu", o->number);
    must(gcw_dispose(o) == 0, "dispose failed");
    w->lives[o->number] = DEAD;
    o->number = new_number();
}

/* A reference finds it again at the end, if it has not died. */
static void
drop(void)
{
    struct object **slot = &w->slots[below(SLOTS)];
    if (*slot == NULL)
        return;
    tell("drop %zu", (*slot)->number);
    w->last[w->n_last++] = (struct ref){
        .handle = gcw_ref_new(*slot), .object = (*slot)->number
    };
    w->lives[(*slot)->number] = DROPPED;
    *slot = NULL;
}

/* --- references --- */

static const void *
target_of(const struct ref *r, const struct object *o)
{
    return r->interior ? (const void *)&o->field[1] : (const void *)o;
}

static bool
same_target(const struct ref *a, const struct ref *b)
{
    return a->object == b->object && a->is_long == b->is_long
        && a->interior == b->interior;
}

static void
check_new_ref(const struct ref *r)
{
    must(r->handle != NULL && r->id != 0, "a reference could not be made");
    for (size_t i = 0; i < w->n_refs; i++) {
        const struct ref *other = &w->refs[i];
        bool same = same_target(other, r);
        must((other->handle == r->handle) == same, "a wrong reference");
        must((other->id == r->id) == same, "a wrong id");
    }
}

static void
make_ref(void)
{
    struct object *o = some_object();
    unsigned choice = below(4);
    struct ref r = { .object = o->number, .is_long = choice & 1,
                     .interior = choice & 2 };
    const void *target = target_of(&r, o);
    tell("refer to %zu, %u", o->number, choice);
    r.handle = r.is_long ? gcw_ref_new_long(target) : gcw_ref_new(target);
    r.id = gcw_ref_id(r.handle);
    check_new_ref(&r);
    w->refs[w->n_refs++] = r;
}

static void
read_ref(void)
{
    const struct ref *r = &w->refs[some(w->n_refs)];
    if (w->n_refs == 0)
        return;
    tell("read the reference to %zu", r->object);
    void *read = gcw_ref_get(r->handle);
    const struct object *o = held(r->object);
    must(gcw_ref_id(r->handle) == r->id, "an id has changed");
    if (read == NULL)
        one_has_died(r->object, 0, 0);
    else
        must(of_object(r->object) != OUT
             && (o == NULL || read == target_of(r, o)), "a wrong object");
}

/* --- frames --- */

static void
enter(struct frame *f)
{
    f->outer = w->frame;
    w->frame = f;
    w->depth++;
}

static void
leave(struct frame *f)
{
    must(w->frame == f, "the frames are in disorder");
    must(f->failing == NULL, "a failure was not reported");
    w->frame = f->outer;
    w->depth--;
}

static struct frame *
frame_for(enum call call)
{
    struct frame *f = w->frame;
    must(f != NULL && f->call == call, "a callback came from nowhere");
    must(f->failing == NULL, "a failure was not reported");
    f->called++;
    return f;
}

static void operate(void);

/* What every callback does in the end. */
static void
go_on(void)
{
    for (unsigned n = w->depth <= DEPTH ? below(4) : 0; n > 0; n--)
        operate();
}

static bool
is_to_fail(void)
{
    return !w->ending && below(8) == 7;
}

static void
fail(struct frame *f, void *handle)
{
    tell("it fails");
    f->failing = handle;
    f->failed++;
    gcw_fail("on purpose");
}

static void
hear_of_failure(void *handle, const char *name, const char *why, void *data)
{
    (void)name;
    must(data == w && w->frame != NULL && w->frame->failing == handle
         && handle != NULL, "a wrong report");
    must(why == NULL || strcmp(why, "on purpose") == 0
         || w->frame->call == RUNS_EXIT, "a wrong reason");
    w->frame->failing = NULL;
}

/* --- emissions --- */

static const char *const type_names[TYPES + 2] = {
    NULL, "saved", "closed", "", "nobody's"
};

static bool
fits(const struct listener *l, const struct frame *f)
{
    return l->place == f->place && of_listener(l) != OUT
        && (l->type == 0 || l->type == f->type)
        && (l->source == 0 || l->source == f->which);
}

static void
add_in_order(struct frame *f, size_t i)
{
    size_t at = f->n++;
    long order = w->listeners[i].order;
    for (; at > 0 && w->listeners[f->fits[at - 1]].order > order; at--)
        f->fits[at] = f->fits[at - 1];
    f->fits[at] = i;
}

static void
begin_emission(struct frame *f)
{
    f->fits = calloc(w->n_listeners + 1, sizeof *f->fits);
    f->called_method = calloc(w->n_methods + 1, sizeof *f->called_method);
    for (size_t i = 0; i < w->n_listeners; i++)
        if (fits(&w->listeners[i], f))
            add_in_order(f, i);
    enter(f);
}

static enum standing
turn(const struct frame *f, const struct listener *l)
{
    if (l->blocked > 0 || (f->place == HUB && f->called_method[l->method]))
        return OUT;
    return of_listener(l);
}

/* The next listener with that method, when all before it may be passed
 * over. */
static struct listener *
find_called(struct frame *f, size_t method)
{
    while (f->next < f->n) {
        struct listener *l = &w->listeners[f->fits[f->next++]];
        enum standing s = turn(f, l);
        if (s != OUT && l->method == method)
            return l;
        must(s != IN, "a listener was passed over");
        if (s == PERHAPS)
            listener_seen_dead(l);
    }
    must(false, "a listener was called that should not be");
    return NULL;
}

static void
end_emission(struct frame *f, size_t n)
{
    must(n == f->called, "a wrong number was called");
    for (; f->next < f->n; f->next++) {
        struct listener *l = &w->listeners[f->fits[f->next]];
        enum standing s = turn(f, l);
        must(s != IN, "a listener was not called");
        if (s == PERHAPS)
            listener_seen_dead(l);
    }
    leave(f);
    free(f->fits);
    free(f->called_method);
}

static bool
same_type(const char *type, int expected)
{
    const char *name = type_names[expected];
    return type == NULL || name == NULL ? type == name
                                        : strcmp(type, name) == 0;
}

static bool
told_right(const struct frame *f, const struct listener *l, const void *arg)
{
    const gcw_emission *e = arg;
    if (f->place != HUB)
        return arg == f->arg;
    return e->hub == w->hub && e->listener == l->handle
        && same_type(e->type, f->type) && e->source == f->source
        && e->arg == f->arg;
}

static void
heard(size_t method, const void *arg)
{
    struct frame *f = frame_for(EMITS);
    struct listener *l = find_called(f, method);
    tell("listener %d hears", (int)(l - w->listeners));
    must(told_right(f, l, arg), "a listener was told wrong");
    f->called_method[method] = true;
    if (l->once)
        l->connected = false;
    go_on();
    if (is_to_fail())
        fail(f, l->handle);
}

static void
hear(void *arg, void *data)
{
    heard((uintptr_t)data - 1, arg);
}

static void
hear_hub(const gcw_emission *emission, void *data)
{
    heard((uintptr_t)data - 1, emission);
}

/* --- exit registries --- */

/* Which is called; NULL if none may be. */
static struct handler *
next_handler(const struct frame *f)
{
    for (size_t i = w->n_handlers; i > 0; i--) {
        struct handler *h = &w->handlers[i - 1];
        if (h->registry == f->place && !h->called && of_handler(h) != OUT)
            return h;
    }
    return NULL;
}

static struct handler *
handler_called(struct frame *f, const gcw_exit_handler *handle)
{
    struct handler *h;
    for (;;) {
        h = next_handler(f);
        must(h != NULL, "a handler was called that should not be");
        if (h->handle == handle)
            break;
        must(of_handler(h) != IN, "a handler was passed over");
        handler_seen_dead(h);
    }
    tell("handler %d runs", (int)(h - w->handlers));
    h->called = true;
    h->running = true;
    if (!h->keep)
        h->there = false;
    return h;
}

static void
exit_called(struct handler *h)
{
    struct frame *f = w->frame;
    go_on();
    h->running = false;
    if (is_to_fail())
        fail(f, h->handle);
}

static void
exit_fn(void *data)
{
    struct handler *h = &w->handlers[(uintptr_t)data - 1];
    struct frame *f = frame_for(RUNS_EXIT);
    must(handler_called(f, h->handle) == h, "a wrong handler");
    exit_called(h);
}

static void
other_exit_fn(void *data)
{
    exit_fn(data);
}

static void (*const exit_fns[])(void *) = { exit_fn, other_exit_fn };

/* It may also fail by what it returns. */
static void *
exit_method(size_t method, const gcw_exit_info *info)
{
    struct frame *f = frame_for(RUNS_EXIT);
    struct handler *h = handler_called(f, info->handler);
    must(!h->is_fn && h->method == method
         && info->registry == w->registries[f->place]
         && info->status == f->type, "a handler was told wrong");
    exit_called(h);
    if (!is_to_fail())
        return NULL;
    tell("it returns a failure");
    f->failing = h->handle;
    f->failed++;
    return w;
}

static void
run_registry(void)
{
    int r = (int)below(REGISTRIES);
    struct frame f = { .call = RUNS_EXIT, .place = r,
                       .type = (int)below(256) };
    tell("run registry %d", r);
    for (size_t i = 0; i < w->n_handlers; i++)
        if (w->runs[r] == 0 && w->handlers[i].registry == r)
            w->handlers[i].called = false;
    w->runs[r]++;
    enter(&f);
    int failed = gcw_exit_run(w->registries[r], f.type);
    must(failed == (int)f.failed, "a wrong number of failures");
    for (struct handler *h; (h = next_handler(&f)) != NULL;) {
        must(of_handler(h) != IN, "a handler was not called");
        handler_seen_dead(h);
    }
    leave(&f);
    w->runs[r]--;
}

/* --- methods --- */

static void *
method_called(size_t i, void *arg)
{
    struct frame *f = w->frame;
    must(f != NULL && of_method(i) != OUT, "a method came from nowhere");
    if (f->call == EMITS) {
        heard(i, arg);
        return w;
    }
    if (f->call == RUNS_EXIT)
        return exit_method(i, arg);
    f = frame_for(INVOKES);
    must(f->which == i && f->arg == arg, "a wrong method");
    go_on();
    return arg;
}

static void *
method_fn(void *self, void *arg, void *data)
{
    size_t i = (uintptr_t)data - 1;
    must(w->methods[i].self == number_of(self), "a wrong object");
    return method_called(i, arg);
}

static size_t
find_weak(size_t self, size_t data)
{
    size_t i = 0;
    while (i < w->n_methods && !(w->methods[i].kind == WEAK_METHOD
                                 && w->methods[i].self == self
                                 && w->methods[i].data == data))
        i++;
    return i;
}

static void *
weak_fn(void *self, void *arg, void *data)
{
    size_t i = find_weak(number_of(self), number_of(data));
    must(i < w->n_methods, "wrong weak data");
    return method_called(i, arg);
}

static size_t
new_method(void)
{
    struct object *self = some_object();
    size_t i = w->n_methods++;
    w->methods[i] = (struct method){ METHOD, NULL, self->number, 0 };
    w->methods[i].handle = gcw_method_new(self, method_fn, (void *)(i + 1));
    return i;
}

static size_t
new_weak_method(void)
{
    struct object *self = some_object(), *data = some_object();
    size_t i = find_weak(self->number, data->number);
    if (i == w->n_methods)
        w->n_methods++;
    w->methods[i] = (struct method){
        WEAK_METHOD, gcw_method_new_weak(self, weak_fn, data),
        self->number, data->number
    };
    return i;
}

static size_t
new_function(void)
{
    w->methods[w->n_methods] = (struct method){ .kind = FUNCTION };
    return w->n_methods++;
}

static size_t
made_method(void)
{
    size_t i = below(2) == 0 ? new_method() : new_weak_method();
    must(w->methods[i].handle != NULL, "a method could not be made");
    tell("method %zu of %zu and %zu", i, w->methods[i].self,
         w->methods[i].data);
    return i;
}

/* Not of the functions, which no method but a listener knows. */
static size_t
some_method(void)
{
    size_t i = some(w->n_methods);
    if (w->n_methods == 0 || w->methods[i].kind == FUNCTION)
        return made_method();
    return i;
}

static void
make_method(void)
{
    made_method();
}

static void
invoke(void)
{
    size_t i = some_method();
    struct frame f = { .call = INVOKES, .which = i, .arg = (void *)++w->arg };
    enum standing s = of_method(i);
    void *result = NULL;
    tell("invoke %zu", i);
    enter(&f);
    bool alive = gcw_method_invoke(w->methods[i].handle, f.arg, &result) == 0;
    leave(&f);
    must(alive == (f.called == 1) && f.called <= 1
         && result == (alive ? f.arg : NULL), "invoke: a wrong result");
    must(s == PERHAPS || alive == (s == IN), "invoke: dead or alive");
    if (!alive)
        method_seen_dead(i);
}

static void
look_at_method(void)
{
    size_t i = some_method(), j = some_method();
    const struct method *m = &w->methods[i], *other = &w->methods[j];
    gcw_bound bound;
    tell("look at %zu and %zu", i, j);
    bool alive = gcw_method_bind(m->handle, &bound);
    must(alive ? of_method(i) != OUT : of_method(i) != IN, "bind: wrong");
    if (alive)
        must(number_of(bound.self) == m->self, "bind: a wrong object");
    else
        method_seen_dead(i);
    must(gcw_method_alive(m->handle) == alive, "alive: wrong");
    must(gcw_method_equal(m->handle, other->handle) == (i == j), "equal");
    must(i != j || gcw_method_hash(m->handle)
                   == gcw_method_hash(other->handle), "hash");
}

/* --- cleanups and the drain --- */

static bool
may_be_pending(const struct cleanup *c)
{
    return c->to_run && (w->lives[c->object] != LIVES
                         || w->lives[c->data] != LIVES);
}

static bool
is_pending(const struct cleanup *c)
{
    return c->to_run && (w->lives[c->object] == DEAD
                         || w->lives[c->data] == DEAD);
}

static bool
any_pending(void)
{
    for (size_t i = 0; i < w->n_cleanups; i++)
        if (is_pending(&w->cleanups[i]))
            return true;
    return false;
}

/* Those of a method with weak data hang on two targets. */
static void
check_newest_first(const struct cleanup *c)
{
    const struct cleanup *end = w->cleanups + w->n_cleanups;
    for (const struct cleanup *newer = c + 1; newer < end; newer++)
        must(!newer->to_run || newer->object != c->object || c->data != 0
             || newer->data != 0, "an older cleanup ran first");
}

static void
cleanup_runs(size_t i)
{
    struct cleanup *c = &w->cleanups[i];
    struct frame *f = w->frame;
    tell("cleanup %zu runs", i);
    must(f != NULL && c->to_run, "a cleanup ran that should not");
    if (f->call == RUNS_CLEANUP) {
        must(f->which == i, "a wrong cleanup ran");
    } else {
        must(f->call == DRAINS && may_be_pending(c), "a cleanup ran early");
        one_has_died(c->object, c->data, 0);
        check_newest_first(c);
    }
    f->called++;
    c->to_run = false;
    go_on();
    if (is_to_fail())
        fail(f, c->handle);
}

static void
clean_up(void *data)
{
    cleanup_runs((uintptr_t)data - 1);
}

static void
method_died(gcw_method *m, void *data)
{
    size_t i = (uintptr_t)data - 1;
    must(m == w->cleanups[i].method, "a wrong method has died");
    cleanup_runs(i);
}

static void
make_cleanup(void)
{
    struct object *o = some_object();
    size_t i = w->n_cleanups;
    tell("cleanup %zu of %zu", i, o->number);
    w->cleanups[i] = (struct cleanup){
        .handle = gcw_cleanup_new(o, clean_up, (void *)(i + 1)),
        .object = o->number, .to_run = true, .at_exit = true
    };
    must(w->cleanups[i].handle != NULL, "a cleanup could not be made");
    w->n_cleanups++;
}

static void
make_death_callback(void)
{
    size_t m = some_method(), i = w->n_cleanups;
    struct cleanup *c = &w->cleanups[i];
    tell("cleanup %zu of method %zu", i, m);
    *c = (struct cleanup){
        .handle = gcw_method_on_death(w->methods[m].handle, method_died,
                                      (void *)(i + 1)),
        .object = w->methods[m].self, .data = w->methods[m].data,
        .method = w->methods[m].handle, .to_run = true, .at_exit = false
    };
    if (c->handle == NULL) {
        must(errno == ESTALE && of_method(m) != IN, "on_death: refused");
        method_seen_dead(m);
    } else {
        must(of_method(m) != OUT, "on_death: a dead method");
        w->n_cleanups++;
    }
}

static struct cleanup *
some_cleanup(void)
{
    return w->n_cleanups == 0 ? NULL : &w->cleanups[some(w->n_cleanups)];
}

static void
look_at_cleanup(void)
{
    struct cleanup *c = some_cleanup();
    if (c == NULL)
        return;
    tell("look at cleanup %d", (int)(c - w->cleanups));
    must(gcw_cleanup_alive(c->handle) == c->to_run, "alive: wrong");
    void *target = gcw_cleanup_peek(c->handle);
    if (target != NULL)
        must(c->to_run && w->lives[c->object] != DEAD
             && w->lives[c->data] != DEAD
             && number_of(target) == c->object, "peek: wrong");
    else if (c->to_run)
        one_has_died(c->object, c->data, 0);
    must(gcw_cleanup_atexit(c->handle) == c->at_exit, "at exit: wrong");
    if (below(2) == 0)
        return;
    must(gcw_cleanup_set_atexit(c->handle, !c->at_exit) == 0, "set at exit");
    if (c->to_run)
        c->at_exit = !c->at_exit;
    else
        c->at_exit = gcw_cleanup_atexit(c->handle);
}

static void
detach(void)
{
    struct cleanup *c = some_cleanup();
    if (c == NULL)
        return;
    tell("detach cleanup %d", (int)(c - w->cleanups));
    must(gcw_cleanup_detach(c->handle) == c->to_run, "detach: wrong");
    c->to_run = false;
}

static void
run_cleanup(void)
{
    struct cleanup *c = some_cleanup();
    if (c == NULL)
        return;
    bool to_run = c->to_run;
    struct frame f = { .call = RUNS_CLEANUP,
                       .which = (size_t)(c - w->cleanups) };
    tell("run cleanup %zu", f.which);
    enter(&f);
    must(gcw_cleanup_run(c->handle) == to_run, "run: wrong");
    must(f.called == to_run, "run: has not run");
    leave(&f);
}

static void
check_drained(const struct frame *f, size_t max, size_t n)
{
    must(n == f->called, "drain: a wrong number");
    must(max == 0 || n <= max, "drain: too many");
    must(n == max || !any_pending(), "drain: something is left");
}

static void
drain(void)
{
    struct frame f = { .call = DRAINS };
    size_t max = below(4);
    tell("drain %zu", max);
    enter(&f);
    size_t n = gcw_drain(max);
    if (max == 0)
        max = (size_t)-1;
    check_drained(&f, max, n);
    leave(&f);
}

/* What was on the stack must not hold what was dropped. */
static __attribute__((__noinline__)) void
clear_stack(void)
{
    volatile uintptr_t words[1024];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        words[i] = 0;
}

static void
collect(void)
{
    struct frame f = { .call = DRAINS };
    tell("collect");
    clear_stack();
    enter(&f);
    size_t n = gcw_collect();
    check_drained(&f, (size_t)-1, n);
    leave(&f);
}

static void
collect_only(void)
{
    tell("collect, no drain");
    clear_stack();
    GC_gcollect();
}

/* Inside a drain it may have been taken back already. */
static void
poll_drain(void)
{
    struct pollfd p = { .fd = gcw_drain_fd(), .events = POLLIN };
    must(p.fd >= 0, "no descriptor");
    int n = poll(&p, 1, 0);
    must(n == 1 || w->depth > 0 || !any_pending(), "not readable");
}

/* --- listeners --- */

static struct listener *
some_listener(void)
{
    return w->n_listeners == 0 ? NULL
                               : &w->listeners[some(w->n_listeners)];
}

static gcw_listener *
connect_really(const struct listener *l, void *source, unsigned flags)
{
    gcw_method *m = w->methods[l->method].handle;
    void *data = (void *)(l->method + 1);
    const char *type = type_names[l->type];
    if (l->place == HUB)
        return m != NULL
             ? gcw_hub_connect(w->hub, type, source, m, flags)
             : gcw_hub_connect_fn(w->hub, type, source, hear_hub, data, flags);
    return m != NULL
         ? gcw_event_connect(w->events[l->place], m, flags)
         : gcw_event_connect_fn(w->events[l->place], hear, data, flags);
}

static bool
equal(const struct listener *a, const struct listener *b)
{
    return a->place == b->place && a->method == b->method
        && a->type == b->type && a->source == b->source;
}

static struct listener *
find_listener(const gcw_listener *handle)
{
    for (size_t i = 0; i < w->n_listeners; i++)
        if (w->listeners[i].handle == handle)
            return &w->listeners[i];
    return NULL;
}

/* Whether an equal one must be connected: surely, perhaps, or surely not. */
static enum standing
equal_one(const struct listener *l)
{
    enum standing best = OUT;
    for (size_t i = 0; i < w->n_listeners; i++)
        if (equal(&w->listeners[i], l)
            && of_listener(&w->listeners[i]) > best)
            best = of_listener(&w->listeners[i]);
    return best;
}

static void
connected(struct listener *new, bool unique, unsigned flags)
{
    struct listener *old = find_listener(new->handle);
    if (old != NULL) {
        must(unique && equal(old, new) && of_listener(old) != OUT,
             "connect: a wrong listener");
        old->once = old->once && (flags & GCW_ONCE);
        return;
    }
    must(!unique || equal_one(new) != IN, "connect: not unique");
    new->order = flags & GCW_FRONT ? --w->front : ++w->back;
    new->once = flags & GCW_ONCE;
    new->connected = true;
    tell("is listener %zu", w->n_listeners);
    w->listeners[w->n_listeners++] = *new;
}

static void
connect_one(void)
{
    struct listener l = { .place = (int)below(HUB + 1) };
    unsigned flags = below(8);
    struct object *source = NULL;
    l.method = below(3) == 0 ? new_function() : some_method();
    if (l.place == HUB) {
        l.type = (int)below(TYPES + 1);
        source = below(2) == 0 ? NULL : some_object();
        l.source = number_of(source);
    }
    tell("connect %zu to %d, type %d, source %zu, flags %u", l.method,
         l.place, l.type, l.source, flags);
    l.handle = connect_really(&l, source, flags);
    if (l.handle == NULL) {
        must(errno == ESTALE && of_method(l.method) != IN,
             "connect: refused");
        method_seen_dead(l.method);
        return;
    }
    must(of_method(l.method) != OUT, "connect: a dead method");
    connected(&l, l.place == HUB || (flags & GCW_UNIQUE), flags);
}

static void
told_whether_connected(struct listener *l, bool is_connected)
{
    enum standing s = of_listener(l);
    must(is_connected ? s != OUT : s != IN, "connected or not");
    if (!is_connected && s == PERHAPS)
        listener_seen_dead(l);
}

static void
disconnect(void)
{
    struct listener *l = some_listener();
    if (l == NULL)
        return;
    tell("disconnect %d", (int)(l - w->listeners));
    told_whether_connected(l, gcw_listener_disconnect(l->handle));
    l->connected = false;
}

static size_t
disconnect_really(const struct listener *l, void *source)
{
    gcw_method *m = w->methods[l->method].handle;
    void *data = (void *)(l->method + 1);
    const char *type = type_names[l->type];
    if (l->place == HUB)
        return m != NULL
             ? gcw_hub_disconnect(w->hub, type, source, m)
             : gcw_hub_disconnect_fn(w->hub, type, source, hear_hub, data);
    return m != NULL
         ? gcw_event_disconnect(w->events[l->place], m)
         : gcw_event_disconnect_fn(w->events[l->place], hear, data);
}

static void
disconnect_equal(void)
{
    struct listener *like = some_listener();
    size_t surely = 0, perhaps = 0;
    if (like == NULL)
        return;
    struct object *source = held(like->source);
    if (source == NULL && like->source != 0)
        return;
    tell("disconnect what equals %d", (int)(like - w->listeners));
    size_t n = disconnect_really(like, source);
    struct listener copy = *like;
    for (size_t i = 0; i < w->n_listeners; i++) {
        struct listener *l = &w->listeners[i];
        if (!equal(l, &copy))
            continue;
        surely += of_listener(l) == IN;
        perhaps += of_listener(l) != OUT;
        l->connected = false;
    }
    must(surely <= n && n <= perhaps, "disconnect: a wrong number");
}

static void
block(void)
{
    struct listener *l = some_listener();
    if (l == NULL)
        return;
    bool up = below(2) == 0;
    tell("%sblock %d", up ? "" : "un", (int)(l - w->listeners));
    errno = 0;
    if (up)
        gcw_listener_block(l->handle);
    else
        gcw_listener_unblock(l->handle);
    int expected = !up && l->blocked == 0 ? EINVAL : 0;
    must(of_listener(l) != IN || errno == expected, "block: errno");
    l->blocked = up ? l->blocked + 1 : l->blocked - (l->blocked > 0);
}

static void
look_at_listener(void)
{
    struct listener *l = some_listener();
    if (l == NULL)
        return;
    tell("look at listener %d", (int)(l - w->listeners));
    told_whether_connected(l, gcw_listener_connected(l->handle));
}

static void
emit(void)
{
    struct frame f = { .call = EMITS, .arg = (void *)++w->arg };
    f.place = (int)below(HUB + 1);
    if (f.place == HUB) {
        f.type = (int)below(TYPES + 2);
        f.source = below(2) == 0 ? NULL : some_object();
        f.which = number_of(f.source);
    }
    tell("emit %d, type %d, source %zu", f.place, f.type, f.which);
    begin_emission(&f);
    size_t n = f.place == HUB
        ? gcw_hub_emit(w->hub, type_names[f.type], f.source, f.arg)
        : gcw_event_emit(w->events[f.place], f.arg);
    end_emission(&f, n);
}

static void
post(void)
{
    struct posting p = { .type = (int)below(TYPES + 2),
                         .arg = (void *)++w->arg };
    p.object = below(2) == 0 ? NULL : some_object();
    tell("post type %d, source %zu", p.type, number_of(p.object));
    w->postings[w->n_postings++] = p;
    must(gcw_hub_post(w->hub, type_names[p.type], p.object, p.arg) == 0,
         "post failed");
}

static void
dispatch(void)
{
    tell("dispatch");
    if (w->n_dispatched == w->n_postings) {
        must(gcw_hub_dispatch(w->hub, 1) == 0, "dispatched out of nothing");
        return;
    }
    struct posting *p = &w->postings[w->n_dispatched++];
    struct frame f = { .call = EMITS, .place = HUB, .type = p->type,
                       .source = p->object, .which = number_of(p->object),
                       .arg = p->arg };
    p->object = NULL;
    begin_emission(&f);
    must(gcw_hub_dispatch(w->hub, 1) == 1, "nothing was dispatched");
    end_emission(&f, f.called);
}

static void
count_in(int place, size_t *surely, size_t *perhaps)
{
    *surely = *perhaps = 0;
    for (size_t i = 0; i < w->n_listeners; i++) {
        if (w->listeners[i].place != place)
            continue;
        *surely += of_listener(&w->listeners[i]) == IN;
        *perhaps += of_listener(&w->listeners[i]) != OUT;
    }
}

static void
measure_place(int place)
{
    gcw_hub_size size = { 0 };
    size_t n, surely, perhaps;
    tell("measure %d", place);
    if (place == HUB) {
        must(gcw_hub_measure(w->hub, &size) == 0, "measure failed");
        must(size.posted == w->n_postings - w->n_dispatched, "posted");
        n = size.listeners;
    } else {
        n = gcw_event_count(w->events[place]);
    }
    count_in(place, &surely, &perhaps);
    must(surely <= n && n <= perhaps, "a wrong number of listeners");
}

static void
measure(void)
{
    measure_place((int)below(HUB + 1));
}

/* --- handlers --- */

static void
register_handler(void)
{
    size_t i = w->n_handlers;
    unsigned choice = below(8);
    struct handler h = { .registry = (int)below(REGISTRIES),
                         .fn = choice & 1, .is_fn = choice & 2,
                         .there = true };
    h.keep = choice & 4;
    gcw_exit_registry *r = w->registries[h.registry];
    gcw_exit_options o = { .keep = h.keep, .name = h.fn ? "named" : NULL };
    if (!h.is_fn)
        h.method = some_method();
    tell("handler %zu in %d, method %zu, keep %d", i, h.registry, h.method,
         h.keep);
    h.handle = h.is_fn
        ? gcw_exit_register_fn(r, exit_fns[h.fn], (void *)(i + 1), &o)
        : gcw_exit_register(r, w->methods[h.method].handle, &o);
    if (h.handle == NULL) {
        must(errno == ESTALE && of_handler(&h) != IN, "register: refused");
        method_seen_dead(h.method);
        return;
    }
    must(of_handler(&h) != OUT, "register: a dead method");
    w->handlers[w->n_handlers++] = h;
}

static void
unregister(void)
{
    if (w->n_handlers == 0)
        return;
    struct handler *h = &w->handlers[some(w->n_handlers)];
    enum standing s = of_handler(h);
    tell("unregister %d", (int)(h - w->handlers));
    int result = gcw_exit_unregister(h->handle);
    if (h->running) {
        must(result == GCW_RUNNING, "unregister: it runs");
    } else {
        must(result == GCW_REMOVED || result == GCW_GONE, "unregister");
        must(s == PERHAPS || result == (s == IN ? GCW_REMOVED : GCW_GONE),
             "unregister: there or not");
        if (s == PERHAPS && result == GCW_GONE)
            handler_seen_dead(h);
    }
    h->there = false;
}

static void
unregister_fn(void)
{
    int r = (int)below(REGISTRIES), fn = (int)below(2);
    size_t expected = 0;
    tell("unregister function %d from %d", fn, r);
    for (size_t i = 0; i < w->n_handlers; i++) {
        struct handler *h = &w->handlers[i];
        if (h->registry != r || !h->is_fn || h->fn != fn)
            continue;
        expected += h->there && !h->running;
        h->there = false;
    }
    must(gcw_exit_unregister_fn(w->registries[r], exit_fns[fn]) == expected,
         "unregister_fn: a wrong number");
}

/* --- proxies --- */

static int
proxied(struct object *self, int n)
{
    struct frame *f = frame_for(CALLS_PROXY);
    size_t i = f->which;
    must(w->proxies[i].self == number_of(self), "a wrong object");
    go_on();
    return n + 1;
}

static void
told_stale(gcw_proxy *p, void *data)
{
    struct proxy *proxy = &w->proxies[(uintptr_t)data - 1];
    must(proxy->handle == p && proxy->hooked, "a wrong proxy is stale");
    proxy->stale++;
    go_on();
}

/* Without libffi there are none. */
static void
make_proxy(void)
{
    struct object *self = some_object();
    struct proxy *p = &w->proxies[w->n_proxies];
    tell("proxy %zu of %zu", w->n_proxies, self->number);
    *p = (struct proxy){ .self = self->number };
    p->handle = gcw_proxy_new(self, (gcw_proxy_fn *)proxied, "i)i");
    if (p->handle == NULL) {
        must(errno == ENOTSUP, "a proxy could not be made");
        return;
    }
    w->n_proxies++;
    p->code = (int (*)(int))gcw_proxy_code(p->handle);
    p->hooked = below(2);
    if (p->hooked)
        must(gcw_proxy_on_stale(p->handle, told_stale,
                                (void *)w->n_proxies) == 0, "on_stale");
}

static struct proxy *
some_proxy(void)
{
    return w->n_proxies == 0 ? NULL : &w->proxies[some(w->n_proxies)];
}

static void
call_proxy(void)
{
    struct proxy *p = some_proxy();
    if (p == NULL || p->code == NULL)
        return;
    struct frame f = { .call = CALLS_PROXY,
                       .which = (size_t)(p - w->proxies) };
    enum standing s = of_object(p->self);
    size_t stale = p->stale;
    bool hooked = p->hooked;
    tell("call proxy %zu", f.which);
    enter(&f);
    errno = 0;
    int result = p->code(3);
    int error = errno;
    leave(&f);
    bool alive = f.called > 0;
    must(f.called <= 1 && result == (alive ? 4 : 0), "a proxy's result");
    must(s == PERHAPS || alive == (s == IN), "a proxy, dead or alive");
    if (alive)
        return;
    must(error == ESTALE, "a dead proxy's errno");
    must(p->stale > stale || !hooked, "the hook was not called");
    one_has_died(p->self, 0, 0);
}

static void
free_proxy(void)
{
    struct proxy *p = some_proxy();
    if (p == NULL)
        return;
    tell("free proxy %d", (int)(p - w->proxies));
    must(gcw_proxy_free(p->handle) == (p->code == NULL ? -1 : 0),
         "free: wrong");
    must(gcw_proxy_code(p->handle) == NULL, "a freed proxy has code");
    p->code = NULL;
}

/* --- programs --- */

/* Those that are wanted more often stand more often. */
static void (*const operations[])(void) = {
    make_ref, make_ref, read_ref, read_ref,
    dispose, dispose, drop, drop, collect, collect_only,
    make_method, invoke, look_at_method,
    make_cleanup, make_cleanup, make_death_callback, look_at_cleanup,
    detach, run_cleanup, drain, drain, poll_drain,
    connect_one, connect_one, connect_one, emit, emit, emit, disconnect,
    disconnect_equal, block, look_at_listener, post, dispatch, measure,
    register_handler, register_handler, run_registry, run_registry,
    unregister, unregister_fn,
    make_proxy, call_proxy, call_proxy, free_proxy,
};

static void
operate(void)
{
    if (w->at != w->end)
        operations[below(sizeof operations / sizeof *operations)]();
}

static void
begin_world(const uint8_t *bytes, size_t n)
{
    if (w == NULL)
        w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);
    must(w != NULL, "memory has run out");
    memset(w, 0, sizeof *w);
    w->at = bytes;
    w->end = bytes + (n < LONGEST ? n : LONGEST);
    for (int i = 0; i < EVENTS; i++) {
        w->events[i] = gcw_event_new("an event");
        gcw_event_on_error(w->events[i], hear_of_failure, w);
    }
    w->hub = gcw_hub_new();
    gcw_hub_on_error(w->hub, hear_of_failure, w);
    for (int i = 0; i < REGISTRIES; i++) {
        w->registries[i] = gcw_exit_registry_new("a registry");
        gcw_exit_on_error(w->registries[i], hear_of_failure, w);
    }
    gcw_drain_on_error(hear_of_failure, w);
}

static void
dispose_of_all(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (w->slots[i] != NULL) {
            must(gcw_dispose(w->slots[i]) == 0, "dispose failed");
            w->lives[w->slots[i]->number] = DEAD;
        }
    for (size_t i = 0; i < w->n_last; i++) {
        void *object = gcw_ref_get(w->last[i].handle);
        must(object == NULL || gcw_dispose(object) == 0, "dispose failed");
        w->lives[w->last[i].object] = DEAD;
    }
}

static void
end_world(void)
{
    w->ending = true;
    w->at = w->end;
    dispose_of_all();
    drain();
    for (size_t i = 0; i < w->n_cleanups; i++)
        must(!gcw_cleanup_alive(w->cleanups[i].handle), "a cleanup is left");
    for (int i = 0; i <= HUB; i++)
        measure_place(i);
    for (size_t i = 0; i < w->n_proxies; i++)
        if (w->proxies[i].code != NULL)
            must(gcw_proxy_free(w->proxies[i].handle) == 0, "free failed");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    tells = getenv("GCWEAK_FUZZ_TELL") != NULL;
    begin_world(bytes, n);
    while (w->at != w->end)
        operate();
    end_world();
    return 0;
}
