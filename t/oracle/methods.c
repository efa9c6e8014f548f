/* methods.c: weak methods, and what makes them equal; see oracle.h. */
#include "oracle.h"

static struct list methods = LIST_OF(struct method);
static struct list functions = LIST_OF(struct method);

struct invocation {
    struct frame f;
    const struct method *method;
    void *arg;
};

bool
same_method(const struct method *a, const struct method *b)
{
    return a->kind == b->kind && a->fn == b->fn && a->t.on[0] == b->t.on[0]
        && a->data == b->data;
}

void
refused(struct method *m)
{
    int error = errno;

    tell("  refused");
    met[REFUSED]++;
    must(error == ESTALE, "refused for a wrong reason");
    says(m, of(m), false, "a live method was refused");
}

/* --- what is called --- */

static void *
called(const struct method *m, void *arg, void *self)
{
    struct invocation *i;

    must(innermost != NULL, "a method came from nowhere");
    if (innermost->call == EMITS) {
        method_hears(m, arg);
        return self;
    }
    if (innermost->call == RUNS_REGISTRY)
        return method_handles(m, arg);
    i = frame_for(INVOKES);
    must(same_method(i->method, m) && i->arg == arg, "a wrong method");
    go_on();
    return arg;
}

/* Two of each kind. */
#define METHODS(n)                                                          \
    static void *method_##n(void *self, void *arg, void *data)              \
    {                                                                       \
        struct method m = { .t.on = { number_of(self) }, .kind = METHOD,    \
                            .fn = n, .data = (size_t)data };                \
        return called(&m, arg, self);                                       \
    }                                                                       \
    static void *weak_method_##n(void *self, void *arg, void *data)         \
    {                                                                       \
        struct method m = { .t.on = { number_of(self) }, .fn = n,           \
                            .kind = WEAK_METHOD, .data = number_of(data) }; \
        return called(&m, arg, self);                                       \
    }
METHODS(0)
METHODS(1)

static gcw_method_fn *const method_fns[] = { method_0, method_1 };
static gcw_method_fn *const weak_fns[] = { weak_method_0, weak_method_1 };

gcw_method_fn *
code_of(const struct method *m)
{
    return m->kind == METHOD ? method_fns[m->fn] : weak_fns[m->fn];
}

/* --- methods to do something with --- */

/* The one like this in the list, added if there is none. */
static struct method *
known(struct list *l, const struct method *m)
{
    for (size_t i = l->n; i > 0; i--) {
        struct method *old = l->at[i - 1];

        if (!same_method(old, m))
            continue;
        must(gcw_method_equal(old->t.handle, m->t.handle)
             && gcw_method_hash(old->t.handle)
                == gcw_method_hash(m->t.handle), "equal ones are not");
        old->t.handle = m->t.handle;
        return old;
    }
    return add(l, m);
}

struct method *
some_function(void)
{
    unsigned choice = below(4);
    struct method m = { .kind = FUNCTION, .fn = choice & 1,
                        .data = 1 + (choice >> 1) };

    return known(&functions, &m);
}

static struct method *
made_method(void)
{
    unsigned choice = below(8);
    struct object *self = some_object(), *data;
    struct method m = { .t.on = { self->number }, .fn = choice >> 1 & 1 };

    if (choice & 1) {
        data = some_object();
        m.kind = WEAK_METHOD;
        m.data = m.t.on[1] = data->number;
        m.t.handle = gcw_method_new_weak(self, weak_fns[m.fn], data);
    } else {
        m.kind = METHOD;
        m.data = 1 + (choice >> 2);
        m.t.handle = gcw_method_new(self, method_fns[m.fn], (void *)m.data);
    }
    must(m.t.handle != NULL, "a method could not be made");
    tell("  method of %zu: kind %zu, function %zu, data %zu", self->number,
         m.kind, m.fn, m.data);
    return known(&methods, &m);
}

struct method *
some_method(void)
{
    struct method *m = below(4) == 0 ? one_of(&methods) : one_left(&methods);

    return m == NULL ? made_method() : m;
}

/* --- operations --- */

OPERATION(make_method, "make a method", NULL, NULL)
{
    made_method();
}

OPERATION(invoke, "invoke %zu", &methods, one_of)
{
    static size_t last_arg;
    struct method *m = thing;
    struct invocation i = { .f.call = INVOKES, .method = m,
                            .arg = (void *)++last_arg };
    enum standing before = of(m);
    void *result = NULL;
    bool alive;

    enter(&i.f);
    alive = gcw_method_invoke(m->t.handle, i.arg, &result) == 0;
    leave(&i.f);
    must(i.f.called == alive && result == (alive ? i.arg : NULL),
         "invoke: a wrong result");
    says(m, before, alive, "invoke: dead or alive");
}

OPERATION(look_at_method, "look at method %zu", &methods, one_of)
{
    struct method *m = thing, *other = one_of(&methods);
    gcw_bound bound;
    bool alive = gcw_method_bind(m->t.handle, &bound);

    says(m, of(m), alive, "bind: dead or alive");
    must(!alive || number_of(bound.self) == m->t.on[0], "a wrong object");
    must(gcw_method_alive(m->t.handle) == alive, "alive: wrong");
    must(gcw_method_equal(m->t.handle, other->t.handle) == (m == other),
         "equal: wrong");
}
