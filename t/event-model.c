/* event-model.c: events and hubs against a plain model.
 *
 * Random sequences of operations are done twice: with the library, and with
 * the model below, which is a list that is searched from one end to the other.
 * Whatever the library says, and each call of a listener, must be what the
 * model says.  Listeners do random operations in their turn, emissions too.
 *
 * The model of an emission is a frame: the listeners that fit, in order, as
 * they were when it began.  When one is called, the frame goes forward to it,
 * passing over what may be passed over: the next that may not is the one that
 * must have been called.  At the end nothing must be left that should have
 * been called.
 *
 * Deaths.  What is disposed of is dead at once.  What is only dropped may die
 * at any collection or never, so the model is told by what it sees: a listener
 * that was passed over is dead, and must not come back.
 *
 * The seed is printed.  GCWEAK_TEST_SEED in the environment repeats a run.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gcweak/event.h>
#include <gcweak/hub.h>
#include "support.h"
#include "chance.h"

enum {
    SEQUENCES = 4000,        /* of events, and as many of hubs */
    OPERATIONS = 100,        /* a sequence */
    DEPTH = 3,               /* of emissions inside emissions */
    COLLECT_ONE_IN = 150,    /* operations */
    SLOTS = 6,               /* objects that are held at a time */
    OBJECTS = 5 * OPERATIONS,    /* in a sequence, at most */
    TYPES = 3,
    TRAIL = 40               /* operations that are told on a mismatch */
};

/* --- the model --- */

/* An object is known by its number, which it also carries; 0 is none.  One
 * that was disposed of and is used again gets a new number. */
enum life { LIVES, DROPPED, DEAD };

enum kind { FUNCTION, METHOD, WEAK_METHOD };

/* What makes methods, or functions, equal. */
struct key {
    enum kind kind;
    int fn;                  /* which of two functions */
    size_t self;
    size_t data;             /* an object's number with weak data */
};

struct method {
    gcw_method *handle;      /* NULL for a function */
    struct key key;
};

struct listener {
    gcw_listener *handle;
    struct method method;
    int type;                /* 0 stands for any, here and in source */
    size_t source;
    long place;              /* order of calls */
    unsigned blocked;
    bool once, connected;
    bool dead;               /* seen to be dead */
};

/* An emission that is being made; on the stack. */
struct frame {
    struct frame *outer;
    int type;
    void *source, *arg;
    struct listener *fits[OPERATIONS], *called[OPERATIONS];
    size_t n, next, n_called;
    struct listener *failing;    /* until the hook has heard of it */
};

struct posting {
    int type;
    void *source, *arg;
};

/* All there is in a sequence; in uncollectable memory. */
struct world {
    bool is_hub;             /* one of the next two is NULL */
    gcw_event *event;
    gcw_hub *hub;
    struct target *slots[SLOTS];
    enum life lives[OBJECTS];
    struct method methods[OPERATIONS];
    struct listener listeners[OPERATIONS];
    struct posting postings[OPERATIONS];
    size_t n_objects, n_methods, n_listeners, n_postings, dispatched;
    struct frame *frame;     /* the innermost emission */
    int depth;
    size_t left;             /* operations still to be done */
    long front, back;        /* places that were given out */
    uintptr_t arg;           /* of the last emission */
    const char *wrong;       /* the first mismatch */
    char trail[TRAIL][100];
    size_t steps;
};

static struct world *w;

/* How often what is rare has been met, in all sequences. */
static struct {
    size_t nested, failed, once, twice, again, seen_dead;
} met;

static void
wrong_unless(bool right, const char *what)
{
    if (!right && w->wrong == NULL)
        w->wrong = what;
}

/* Writes down what is being done. */
static void
trail(const char *format, ...)
{
    char *line = w->trail[w->steps++ % TRAIL];
    int indent = 2 * w->depth;
    va_list args;
    va_start(args, format);
    memset(line, ' ', (size_t)indent);
    vsnprintf(line + indent, sizeof w->trail[0] - (size_t)indent, format,
              args);
    va_end(args);
}

/* A listener's name in the trail. */
static int
name_of(const struct listener *l)
{
    return (int)(l - w->listeners);
}

/* --- the model: who is alive --- */

enum standing { OUT, PERHAPS, IN };

static enum standing
worse(enum standing a, enum standing b)
{
    return a < b ? a : b;
}

static enum standing
object_standing(size_t object)
{
    static const enum standing of[] = { IN, PERHAPS, OUT };
    return of[w->lives[object]];
}

static enum standing
method_standing(const struct key *key)
{
    enum standing self = object_standing(key->self);
    return key->kind == WEAK_METHOD
         ? worse(self, object_standing(key->data)) : self;
}

static enum standing
standing(const struct listener *l)
{
    if (!l->connected || l->dead)
        return OUT;
    return worse(method_standing(&l->method.key), object_standing(l->source));
}

/* One of these is dead; which, is known if only one of them may be. */
static void
one_has_died(const size_t objects[], int n)
{
    size_t suspect = 0;
    for (int i = 0; i < n; i++) {
        if (w->lives[objects[i]] == LIVES || objects[i] == suspect)
            continue;
        if (suspect != 0 || w->lives[objects[i]] == DEAD)
            return;
        suspect = objects[i];
    }
    if (suspect != 0)
        w->lives[suspect] = DEAD;
}

static void
method_seen_dead(const struct key *key)
{
    size_t data = key->kind == WEAK_METHOD ? key->data : 0;
    one_has_died((size_t[]){ key->self, data }, 2);
}

static void
seen_dead(struct listener *l)
{
    const struct key *key = &l->method.key;
    size_t data = key->kind == WEAK_METHOD ? key->data : 0;
    l->dead = true;
    met.seen_dead++;
    one_has_died((size_t[]){ key->self, data, l->source }, 3);
}

/* --- the model: equality --- */

static bool
same_key(const struct key *a, const struct key *b)
{
    return a->kind == b->kind && a->fn == b->fn && a->self == b->self
        && a->data == b->data;
}

static bool
matches(const struct listener *l, const struct key *key, int type,
        size_t source)
{
    return same_key(&l->method.key, key) && l->type == type
        && l->source == source;
}

static struct listener *
with_handle(const gcw_listener *handle)
{
    for (size_t i = 0; i < w->n_listeners; i++)
        if (w->listeners[i].handle == handle)
            return &w->listeners[i];
    return NULL;
}

static bool
is_connected(const struct key *key, int type, size_t source)
{
    for (size_t i = 0; i < w->n_listeners; i++)
        if (standing(&w->listeners[i]) != OUT
            && matches(&w->listeners[i], key, type, source))
            return true;
    return false;
}

/* --- the model: an emission --- */

static const char *const type_names[TYPES + 2] = {
    NULL, "saved", "closed", "", "nobody's"
};

static char no_object;       /* a source that nothing can be connected to */

static size_t
number_of(const void *object)
{
    if (object == NULL || object == &no_object)
        return 0;
    return ((const struct target *)object)->number;
}

static bool
fits(const struct listener *l, int type, size_t source)
{
    return (l->type == 0 || l->type == type)
        && (l->source == 0 || l->source == source);
}

static void
add_in_order(struct frame *f, struct listener *l)
{
    size_t i = f->n++;
    for (; i > 0 && f->fits[i - 1]->place > l->place; i--)
        f->fits[i] = f->fits[i - 1];
    f->fits[i] = l;
}

static void
begin(struct frame *f)
{
    size_t source = number_of(f->source);
    for (size_t i = 0; i < w->n_listeners; i++)
        if (standing(&w->listeners[i]) != OUT
            && fits(&w->listeners[i], f->type, source))
            add_in_order(f, &w->listeners[i]);
    met.nested += w->frame != NULL;
    f->outer = w->frame;
    w->frame = f;
    w->depth++;
}

static bool
was_called(const struct frame *f, const struct key *key)
{
    for (size_t i = 0; i < f->n_called; i++)
        if (same_key(&f->called[i]->method.key, key))
            return true;
    return false;
}

/* Whether the listener is called, now that it is its turn. */
static enum standing
turn(const struct frame *f, const struct listener *l)
{
    if (standing(l) == OUT || l->blocked > 0)
        return OUT;
    if (w->is_hub && was_called(f, &l->method.key)) {
        met.twice++;
        return OUT;
    }
    return standing(l);
}

/* The listener that was called; NULL if it should not have been. */
static struct listener *
find_called(struct frame *f, const struct key *key)
{
    while (f->next < f->n) {
        struct listener *l = f->fits[f->next++];
        enum standing s = turn(f, l);
        if (s != OUT && same_key(&l->method.key, key))
            return f->called[f->n_called++] = l;
        if (s == IN)
            break;
        if (s == PERHAPS)
            seen_dead(l);
    }
    return NULL;
}

static void
end(struct frame *f)
{
    for (; f->next < f->n; f->next++) {
        enum standing s = turn(f, f->fits[f->next]);
        wrong_unless(s != IN, "a listener was not called");
        if (s == PERHAPS)
            seen_dead(f->fits[f->next]);
    }
    wrong_unless(f->failing == NULL, "a failure was not reported");
    w->frame = f->outer;
    w->depth--;
}

/* --- listeners --- */

static void operate(void);

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
    if (!w->is_hub)
        return arg == f->arg;
    return e->hub == w->hub && e->listener == l->handle
        && same_type(e->type, f->type) && e->source == f->source
        && e->arg == f->arg;
}

static void
act(struct frame *f, struct listener *l)
{
    if (l->once) {
        met.once++;
        l->connected = false;
    }
    for (unsigned n = w->depth <= DEPTH ? below(4) : 0; n > 0; n--)
        operate();
    if (below(12) == 0 && w->wrong == NULL) {
        trail("%d fails", name_of(l));
        met.failed++;
        f->failing = l;
        gcw_fail("in the model");
    }
}

static void
called(struct key key, const void *arg)
{
    struct frame *f = w->frame;
    if (w->wrong != NULL)
        return;
    if (f == NULL) {
        wrong_unless(false, "a listener was called without an emission");
        return;
    }
    wrong_unless(f->failing == NULL, "a failure was not reported");
    struct listener *l = find_called(f, &key);
    trail("calls %d", l == NULL ? -1 : name_of(l));
    wrong_unless(l != NULL, "a listener was called that should not be");
    if (l == NULL)
        return;
    wrong_unless(told_right(f, l, arg), "a listener was told wrong");
    act(f, l);
}

static void
hear(void *handle, const char *name, const char *why, void *data)
{
    struct frame *f = w->frame;
    (void)name;
    wrong_unless(data == w && f != NULL && f->failing != NULL
                 && f->failing->handle == handle
                 && strcmp(why, "in the model") == 0, "a wrong report");
    if (f != NULL)
        f->failing = NULL;
}

static void
called_method(int fn, void *self, const void *arg, void *data)
{
    called((struct key){ METHOD, fn, number_of(self), (size_t)data }, arg);
}

static void
called_weak(int fn, void *self, const void *arg, void *data)
{
    called((struct key){ WEAK_METHOD, fn, number_of(self), number_of(data) },
           arg);
}

static void
called_function(int fn, const void *arg, void *data)
{
    called((struct key){ FUNCTION, fn, 0, (size_t)data }, arg);
}

/* Two of each kind.  What a method returns does not matter. */
#define TWO(LISTENERS) LISTENERS(0) LISTENERS(1)
#define LISTENERS(n)                                                        \
    static void *method_##n(void *self, void *arg, void *data)              \
    {                                                                       \
        called_method(n, self, arg, data);                                  \
        return self;                                                        \
    }                                                                       \
    static void *weak_##n(void *self, void *arg, void *data)                \
    {                                                                       \
        called_weak(n, self, arg, data);                                    \
        return NULL;                                                        \
    }                                                                       \
    static void event_fn_##n(void *arg, void *data)                         \
    {                                                                       \
        called_function(n, arg, data);                                      \
    }                                                                       \
    static void hub_fn_##n(const gcw_emission *emission, void *data)        \
    {                                                                       \
        called_function(n, emission, data);                                 \
    }
TWO(LISTENERS)

static gcw_method_fn *const methods[] = { method_0, method_1 };
static gcw_method_fn *const weaks[] = { weak_0, weak_1 };
static void (*const event_fns[])(void *, void *) = {
    event_fn_0, event_fn_1
};
static void (*const hub_fns[])(const gcw_emission *, void *) = {
    hub_fn_0, hub_fn_1
};

/* --- what an operation is done to --- */

static size_t
new_number(void)
{
    if (w->n_objects + 1 == OBJECTS)
        abort();
    return ++w->n_objects;
}

/* One of the objects that are held; made, if the slot is empty. */
static struct target *
some_object(void)
{
    struct target **slot = &w->slots[below(SLOTS)];
    if (*slot == NULL)
        *slot = target_new(new_number());
    return *slot;
}

static struct target *
some_source_or_none(void)
{
    return w->is_hub && below(3) > 0 ? some_object() : NULL;
}

/* The object with that number, if it is still held. */
static struct target *
held_object(size_t number)
{
    for (int i = 0; i < SLOTS; i++)
        if (w->slots[i] != NULL && w->slots[i]->number == number)
            return w->slots[i];
    return NULL;
}

static struct method
new_function(void)
{
    return (struct method){
        NULL, { FUNCTION, (int)below(2), 0, 1 + below(2) }
    };
}

static struct method
new_method(void)
{
    struct target *self = some_object();
    struct key key = { METHOD, (int)below(2), self->number, 1 + below(2) };
    gcw_method *m = gcw_method_new(self, methods[key.fn], (void *)key.data);
    return (struct method){ m, key };
}

static struct method
new_weak_method(void)
{
    struct target *self = some_object(), *data = some_object();
    struct key key = {
        WEAK_METHOD, (int)below(2), self->number, data->number
    };
    gcw_method *m = gcw_method_new_weak(self, weaks[key.fn], data);
    return (struct method){ m, key };
}

static struct method
made_method(void)
{
    struct method m = below(3) > 0 ? new_method() : new_weak_method();
    wrong_unless(m.handle != NULL, "a method could not be made");
    if (w->n_methods < OPERATIONS)
        w->methods[w->n_methods++] = m;
    return m;
}

static struct method
some_method(void)
{
    unsigned choice = below(10);
    if (choice < 3)
        return new_function();
    if (choice < 6 && w->n_methods > 0)
        return w->methods[below((unsigned)w->n_methods)];
    return made_method();
}

static struct listener *
some_listener(void)
{
    return w->n_listeners == 0
         ? NULL : &w->listeners[below((unsigned)w->n_listeners)];
}

/* --- operations --- */

static gcw_listener *
connect_really(const struct method *m, int type, void *source, unsigned flags)
{
    void *data = (void *)m->key.data;
    const char *name = type_names[type];
    if (w->is_hub)
        return m->handle != NULL
             ? gcw_hub_connect(w->hub, name, source, m->handle, flags)
             : gcw_hub_connect_fn(w->hub, name, source, hub_fns[m->key.fn],
                                  data, flags);
    return m->handle != NULL
         ? gcw_event_connect(w->event, m->handle, flags)
         : gcw_event_connect_fn(w->event, event_fns[m->key.fn], data, flags);
}

static void
refused(const struct key *key)
{
    trail("    refused");
    wrong_unless(errno == ESTALE, "refused for a wrong reason");
    wrong_unless(method_standing(key) != IN, "a live method was refused");
    method_seen_dead(key);
}

static void
connected_anew(gcw_listener *handle, const struct method *m, int type,
               size_t source, unsigned flags)
{
    wrong_unless(with_handle(handle) == NULL, "no new listener");
    trail("    is %zu", w->n_listeners);
    w->listeners[w->n_listeners++] = (struct listener){
        .handle = handle, .method = *m, .type = type, .source = source,
        .place = flags & GCW_FRONT ? --w->front : ++w->back,
        .once = (flags & GCW_ONCE) != 0, .connected = true
    };
}

static void
connected_again(struct listener *l, const struct key *key, int type,
                size_t source, unsigned flags)
{
    wrong_unless(l != NULL && standing(l) != OUT
                 && matches(l, key, type, source), "a wrong listener");
    if (l == NULL)
        return;
    trail("    is still %d", name_of(l));
    met.again++;
    if (!(flags & GCW_ONCE))
        l->once = false;
}

static void
connect_one(void)
{
    struct method m = some_method();
    struct target *object = some_source_or_none();
    unsigned flags = below(8);
    int type = w->is_hub ? (int)below(TYPES + 1) : 0;
    size_t source = number_of(object);
    trail("connect kind %d fn %d self %zu data %zu, type %d source %zu, "
          "flags %u", m.key.kind, m.key.fn, m.key.self, m.key.data, type,
          source, flags);
    gcw_listener *l = connect_really(&m, type, object, flags);
    if (l == NULL) {
        refused(&m.key);
        return;
    }
    wrong_unless(method_standing(&m.key) != OUT, "a dead method connected");
    if ((w->is_hub || flags & GCW_UNIQUE)
        && is_connected(&m.key, type, source))
        connected_again(with_handle(l), &m.key, type, source, flags);
    else
        connected_anew(l, &m, type, source, flags);
}

static void
emit_one(void)
{
    struct frame f = { .arg = (void *)++w->arg };
    if (w->is_hub) {
        f.type = (int)below(TYPES + 2);
        f.source = below(8) == 0 ? &no_object : (void *)some_source_or_none();
    }
    trail("emit type %d source %zu", f.type, number_of(f.source));
    begin(&f);
    size_t n = w->is_hub ? gcw_hub_emit(w->hub, type_names[f.type], f.source,
                                        f.arg)
                         : gcw_event_emit(w->event, f.arg);
    wrong_unless(n == f.n_called, "emit: a wrong number");
    end(&f);
}

/* What the library says of a listener is what the model knows, or tells it
 * that the listener is dead. */
static void
told_whether_alive(struct listener *l, bool alive)
{
    enum standing s = standing(l);
    trail("    %s", alive ? "alive" : "not alive");
    wrong_unless(!alive || s != OUT, "alive, though it cannot be");
    wrong_unless(alive || s != IN, "not alive, though it must be");
    if (!alive && s == PERHAPS)
        seen_dead(l);
}

static void
disconnect_one(void)
{
    struct listener *l = some_listener();
    if (l == NULL)
        return;
    trail("disconnect %d", name_of(l));
    told_whether_alive(l, gcw_listener_disconnect(l->handle));
    l->connected = false;
}

static size_t
disconnect_really(const struct method *m, int type, const void *source)
{
    void *data = (void *)m->key.data;
    const char *name = type_names[type];
    if (w->is_hub)
        return m->handle != NULL
             ? gcw_hub_disconnect(w->hub, name, source, m->handle)
             : gcw_hub_disconnect_fn(w->hub, name, source,
                                     hub_fns[m->key.fn], data);
    return m->handle != NULL
         ? gcw_event_disconnect(w->event, m->handle)
         : gcw_event_disconnect_fn(w->event, event_fns[m->key.fn], data);
}

/* How many listeners there are at least and at most. */
struct range {
    size_t least, most;
};

static void
count_in(struct range *r, enum standing s)
{
    r->least += s == IN;
    r->most += s != OUT;
}

static void
check_range(const struct range *r, size_t n, const char *what)
{
    trail("    %zu, of %zu to %zu", n, r->least, r->most);
    wrong_unless(r->least <= n && n <= r->most, what);
}

static struct range
disconnect_in_model(const struct key *key, int type, size_t source)
{
    struct range r = { 0, 0 };
    for (size_t i = 0; i < w->n_listeners; i++) {
        struct listener *l = &w->listeners[i];
        if (matches(l, key, type, source)) {
            count_in(&r, standing(l));
            l->connected = false;
        }
    }
    return r;
}

/* With the method of some listener: of this one, and of all equal ones.  Now
 * and then from a pattern of a hub that is not its own. */
static void
disconnect_equal(void)
{
    struct listener *l = some_listener();
    if (l == NULL)
        return;
    int type = w->is_hub && below(6) == 0 ? (int)below(TYPES + 1) : l->type;
    struct target *source = held_object(l->source);
    if (source == NULL && l->source != 0)
        return;
    trail("disconnect what equals %d, type %d", name_of(l), type);
    size_t n = disconnect_really(&l->method, type, source);
    struct range r = disconnect_in_model(&l->method.key, type, l->source);
    check_range(&r, n, "disconnected a wrong number");
}

static void
block_one(void)
{
    struct listener *l = some_listener();
    if (l == NULL)
        return;
    trail("block %d", name_of(l));
    errno = 0;
    gcw_listener_block(l->handle);
    wrong_unless(standing(l) != IN || errno == 0, "block failed");
    l->blocked++;
}

static void
unblock_one(void)
{
    struct listener *l = some_listener();
    if (l == NULL)
        return;
    trail("unblock %d", name_of(l));
    errno = 0;
    gcw_listener_unblock(l->handle);
    wrong_unless(standing(l) != IN || errno == (l->blocked ? 0 : EINVAL),
                 "unblock: wrong errno");
    l->blocked -= l->blocked > 0;
}

static void
dispose_of_one(void)
{
    struct target *t = some_object();
    trail("dispose of object %zu", t->number);
    wrong_unless(gcw_dispose(t) == 0, "dispose failed");
    w->lives[t->number] = DEAD;
    t->number = new_number();
}

static void
drop_one(void)
{
    struct target **slot = &w->slots[below(SLOTS)];
    if (*slot == NULL)
        return;
    trail("drop object %zu", (*slot)->number);
    w->lives[(*slot)->number] = DROPPED;
    *slot = NULL;
}

static void
collect_now(void)
{
    trail("collect");
    clear_stack();
    if (below(2) == 0)
        gcw_collect();
    else
        GC_gcollect();
}

static void
look_at_one(void)
{
    struct listener *l = some_listener();
    if (l == NULL)
        return;
    trail("look at %d", name_of(l));
    told_whether_alive(l, gcw_listener_connected(l->handle));
}

/* Counts the pattern of a listener if no listener before it has it; the same
 * for types, if `types`. */
static bool
is_first_of(const struct listener *l, enum standing least, bool types)
{
    for (const struct listener *k = w->listeners; k < l; k++)
        if (standing(k) >= least && k->type == l->type
            && (types || k->source == l->source))
            return false;
    return standing(l) >= least;
}

static struct range
patterns_in_model(bool types)
{
    struct range r = { 0, 0 };
    for (size_t i = 0; i < w->n_listeners; i++) {
        const struct listener *l = &w->listeners[i];
        if (types && l->type == 0)
            continue;
        r.least += is_first_of(l, IN, types);
        r.most += is_first_of(l, PERHAPS, types);
    }
    return r;
}

static struct range
listeners_in_model(void)
{
    struct range r = { 0, 0 };
    for (size_t i = 0; i < w->n_listeners; i++)
        count_in(&r, standing(&w->listeners[i]));
    return r;
}

static void
measure_hub(const struct range *listeners)
{
    gcw_hub_size size;
    struct range patterns = patterns_in_model(false);
    struct range types = patterns_in_model(true);
    wrong_unless(gcw_hub_measure(w->hub, &size) == 0, "measure failed");
    check_range(listeners, size.listeners, "a wrong number of listeners");
    check_range(&patterns, size.patterns, "a wrong number of patterns");
    check_range(&types, size.types, "a wrong number of types");
    wrong_unless(size.posted == w->n_postings - w->dispatched,
                 "a wrong number of emissions posted");
}

/* After a drain, the library knows what the collections have found. */
static void
measure(void)
{
    struct range listeners = listeners_in_model();
    trail("measure");
    gcw_drain(0);
    if (w->is_hub)
        measure_hub(&listeners);
    else
        check_range(&listeners, gcw_event_count(w->event), "a wrong count");
}

static void
post_one(void)
{
    struct posting p = {
        (int)below(TYPES + 2), some_source_or_none(), (void *)++w->arg
    };
    trail("post type %d source %zu", p.type, number_of(p.source));
    w->postings[w->n_postings++] = p;
    wrong_unless(gcw_hub_post(w->hub, type_names[p.type], p.source, p.arg)
                 == 0, "post failed");
}

static void
dispatch_one(void)
{
    trail("dispatch");
    if (w->dispatched == w->n_postings) {
        wrong_unless(gcw_hub_dispatch(w->hub, 1) == 0,
                     "something was dispatched, out of nothing");
        return;
    }
    struct posting *p = &w->postings[w->dispatched++];
    struct frame f = { .type = p->type, .source = p->source, .arg = p->arg };
    p->source = NULL;
    begin(&f);
    wrong_unless(gcw_hub_dispatch(w->hub, 1) == 1, "nothing was dispatched");
    end(&f);
}

/* Out of so many operations; those of hubs only come last. */
static const struct {
    void (*operation)(void);
    unsigned of_100;
} operations[] = {
    { connect_one, 30 }, { emit_one, 21 }, { disconnect_one, 8 },
    { disconnect_equal, 5 }, { block_one, 5 }, { unblock_one, 5 },
    { dispose_of_one, 4 }, { drop_one, 6 }, { look_at_one, 4 },
    { measure, 3 }, { post_one, 5 }, { dispatch_one, 4 },
};
enum { FOR_ALL = 91, FOR_HUBS = 100 };

static void
operate(void)
{
    if (w->left == 0 || w->wrong != NULL)
        return;
    w->left--;
    if (below(COLLECT_ONE_IN) == 0)
        collect_now();
    unsigned choice = below(w->is_hub ? FOR_HUBS : FOR_ALL);
    size_t i = 0;
    for (; choice >= operations[i].of_100; i++)
        choice -= operations[i].of_100;
    operations[i].operation();
}

/* --- sequences --- */

static void
begin_world(bool is_hub)
{
    memset(w, 0, sizeof *w);
    w->is_hub = is_hub;
    w->left = OPERATIONS;
    if (is_hub) {
        w->hub = gcw_hub_new();
        assert_int_equal(gcw_hub_on_error(w->hub, hear, w), 0);
    } else {
        w->event = gcw_event_new("model");
        assert_int_equal(gcw_event_on_error(w->event, hear, w), 0);
    }
}

static void
tell_mismatch(size_t sequence)
{
    size_t n = w->steps < TRAIL ? w->steps : TRAIL;
    printf("# seed %" PRIu64 ", sequence %zu of %s: %s\n", seed(), sequence,
           w->is_hub ? "hubs" : "events", w->wrong);
    for (size_t i = w->steps - n; i < w->steps; i++)
        printf("# %s\n", w->trail[i % TRAIL]);
    fflush(stdout);
    fail_msg("%s", w->wrong);
}

static void
play(bool is_hub, size_t sequence)
{
    chance_begin(2 * sequence + is_hub);
    begin_world(is_hub);
    while (w->left > 0 && w->wrong == NULL)
        operate();
    if (w->wrong == NULL)
        emit_one();
    if (w->wrong == NULL)
        measure();
    if (w->wrong != NULL)
        tell_mismatch(sequence);
}

static void
play_all(bool is_hub)
{
    memset(&met, 0, sizeof met);
    for (size_t i = 0; i < SEQUENCES; i++)
        play(is_hub, i);
    assert_true(met.nested > 0 && met.failed > 0 && met.once > 0);
    assert_true(met.again > 0 && met.seen_dead > 0);
}

static void
events_do_what_the_model_does(void **state)
{
    (void)state;
    play_all(false);
}

static void
hubs_do_what_the_model_does(void **state)
{
    (void)state;
    play_all(true);
    assert_true(met.twice > 0);
}

static int
run_all(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_do_what_the_model_does),
        cmocka_unit_test(hubs_do_what_the_model_does),
    };
    w = GC_MALLOC_UNCOLLECTABLE(sizeof *w);
    printf("# seed %" PRIu64 "\n", seed());
    fflush(stdout);
    return cmocka_run_group_tests_name("event-model", tests, NULL, NULL);
}

int
main(int argc, char **argv)
{
    return test_main(argc, argv, NULL, 0, run_all);
}
