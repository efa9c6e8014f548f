/* handlers.c: exit registries; see oracle.h. */
#include "oracle.h"

enum { LEVELS = 11 };

/* More than the array of levels has room for at first. */
static const long levels[LEVELS] = {
    GCW_EXIT_LAST, -1000, -3, -2, -1, 0, 1, 2, 3, 1000, GCW_EXIT_FIRST
};
enum { USUAL = 5 };              /* where level 0 is */

struct registry {
    struct thing t;
    size_t runs;                 /* nested ones */
    struct handler *first, *last;    /* of those called in this run */
    size_t left[LEVELS];         /* of all handlers: those behind these have
                                  * had their turn in this run, or get none */
};

struct handler {
    struct thing t;              /* no handle: a function that has an id only */
    struct registry *registry;
    struct method *method;       /* NULL: a function */
    size_t fn, level;
    uint64_t id;                 /* 0: nobody has asked for it yet */
    bool keep, running;
    bool called;                 /* in this run */
    struct handler *next;        /* that was called after it */
    bool ran_before;
};

struct run {
    struct frame f;
    struct registry *registry;
    size_t level;                /* of the handler that was called last */
    int status;
};

static struct list registries = LIST_OF(struct registry);
static struct list handlers = LIST_OF(struct handler);
static struct registry *default_registry;    /* NULL: this world has none */

/* --- a run --- */

/* The newest of that level that is there and was not called, or NULL. */
static struct handler *
next_of_level(struct registry *r, size_t level)
{
    for (size_t *left = &r->left[level]; *left > 0; --*left) {
        struct handler *h = handlers.at[*left - 1];

        if (h->registry == r && h->level == level && !h->called
            && of(h) != OUT)
            return h;
    }
    return NULL;
}

/* That of the highest level that has one. */
static struct handler *
next_handler(struct registry *r)
{
    struct handler *h = NULL;

    for (size_t level = LEVELS; level > 0 && h == NULL; level--)
        h = next_of_level(r, level - 1);
    return h;
}

/* The one with that handle is the next, or all before it have died; NULL: all
 * that are left. */
static void
pass_over(struct registry *r, const struct handler *next)
{
    struct handler *h;

    while ((h = next_handler(r)) != NULL && h != next)
        says(h, of(h), false, "a handler was not called");
    must(h == next, "a handler was called that should not be");
}

/* What the library says of the handler that is being called. */
static void
check_current(const struct run *run, const struct handler *h)
{
    const gcw_exit_info *info = gcw_exit_current();

    must(info != NULL && info->registry == run->registry->t.handle
         && info->status == run->status && info->handler == h->t.handle,
         "a wrong current handler");
}

static void
note_called(struct registry *r, struct handler *h)
{
    h->called = true;
    h->next = NULL;
    if (r->last == NULL)
        r->first = h;
    else
        r->last->next = h;
    r->last = h;
}

static void
called(struct run *run, struct handler *h)
{
    struct registry *r = run->registry;

    pass_over(r, h);
    tell("handler %zu runs", h->t.number);
    check_current(run, h);
    met[KEPT] += h->ran_before;
    met[ABOVE] += r->last != NULL && h->level > run->level;
    run->level = h->level;
    note_called(r, h);
    h->running = h->ran_before = true;
    go_on();
    h->running = false;
    h->t.gone |= !h->keep;
    check_current(run, h);
    perhaps_fail(&run->f, h->t.handle);
}

static void
function_handles(size_t fn, size_t number)
{
    struct handler *h = handlers.at[number - 1];

    must(h->method == NULL && h->fn == fn, "a wrong function");
    called(frame_for(RUNS_REGISTRY), h);
}

#define EXIT_FN(n)                                                          \
    static void exit_fn_##n(void *data)                                     \
    {                                                                       \
        function_handles(n, (size_t)data);                                  \
    }
EXIT_FN(0)
EXIT_FN(1)
EXIT_FN(2)

enum { FNS = 3 };
static void (*const exit_fns[FNS])(void *) = {
    exit_fn_0, exit_fn_1, exit_fn_2
};

/* NULL if it is not the handle of one that is there. */
static struct handler *
with_handle(const gcw_exit_handler *handle)
{
    for (size_t i = handlers.n; i > 0; i--) {
        struct handler *h = handlers.at[i - 1];

        if (h->t.handle == handle && !h->t.gone)
            return h;
    }
    return NULL;
}

/* It may also fail by what it returns. */
void *
method_handles(const struct method *m, const gcw_exit_info *info)
{
    struct run *run = frame_for(RUNS_REGISTRY);
    struct handler *h = with_handle(info->handler);

    must(info->registry == run->registry->t.handle
         && info->status == run->status, "a handler was told wrong");
    must(h != NULL && h->method != NULL && same_method(h->method, m),
         "a wrong method");
    called(run, h);
    if (!is_to_fail())
        return NULL;
    will_fail(&run->f, info->handler, "its method returned non-NULL");
    return run;
}

static void
begin(struct run *run)
{
    struct registry *r = run->registry;

    met[RUN_IN_RUN] += r->runs > 0;
    enter(&run->f);
    if (r->runs++ == 0)
        for (size_t level = 0; level < LEVELS; level++)
            r->left[level] = handlers.n;
}

/* Those that stay wait for the next one. */
static void
end(struct run *run)
{
    struct registry *r = run->registry;

    leave(&run->f);
    if (--r->runs > 0)
        return;
    for (struct handler *h = r->first; h != NULL; h = h->next)
        h->called = false;
    r->first = r->last = NULL;
}

static void
run_one(struct registry *r, int status)
{
    struct run run = { .f.call = RUNS_REGISTRY, .registry = r,
                       .status = status };

    begin(&run);
    must(gcw_exit_run(r->t.handle, status) == (int)run.f.failed,
         "a wrong number of failures");
    pass_over(r, NULL);
    end(&run);
    met[CROWD_RUNS] += run.f.called >= CROWD;
}

OPERATION(run_registry, "run registry %zu", &registries, one_of)
{
    run_one(thing, (int)below(256));
}

/* --- registering --- */

/* Most have level 0. */
static size_t
some_level(unsigned choice)
{
    return choice < 3 ? USUAL : below(LEVELS);
}

static void
add_handler(const struct handler *h)
{
    add(&handlers, h);
    h->registry->left[h->level] = handlers.n;
    tell("  level %zu, keep %zu", h->level, h->keep);
}

OPERATION(register, "register in %zu", &registries, one_of)
{
    unsigned choice = below(5 * 16 * FNS);
    struct handler h = { .registry = thing, .fn = choice / 16 % FNS,
                         .level = some_level(choice / (16 * FNS)),
                         .keep = (choice & 12) == 0 };
    gcw_exit_options o = { .keep = h.keep, .level = levels[h.level],
                           .name = choice & 1 ? "named" : NULL };

    if (choice & 2) {
        h.t.handle = gcw_exit_register_fn(h.registry->t.handle,
                                          exit_fns[h.fn],
                                          (void *)(handlers.n + 1), &o);
        must(h.t.handle != NULL, "a function was refused");
    } else {
        h.method = some_method();
        h.t.on[0] = h.method->t.on[0];
        h.t.on[1] = h.method->t.on[1];
        h.t.handle = gcw_exit_register(h.registry->t.handle,
                                       h.method->t.handle, &o);
        if (h.t.handle == NULL) {
            refused(h.method);
            return;
        }
        must(of(h.method) != OUT, "register: a dead method");
    }
    add_handler(&h);
}

/* In the default registry, without a handle. */
OPERATION(register_data, "register a function by its number", NULL, NULL)
{
    struct handler h = { .registry = default_registry, .fn = below(FNS),
                         .level = USUAL };

    if (default_registry == NULL)
        return;
    h.id = gcw_atexit_data(exit_fns[h.fn], (void *)(handlers.n + 1));
    must(h.id != 0, "a function was refused");
    add_handler(&h);
}

OPERATION(ask_id, "ask for the number of %zu", &handlers, one_left)
{
    struct handler *h = thing;
    enum standing before = of(h);
    uint64_t id;

    if (h->t.handle == NULL)
        return;
    id = gcw_exit_id(h->t.handle);
    must(id != 0 || errno == ENOENT, "a number was refused");
    if (h->running)
        must(id != 0, "no number, though it runs");
    else
        says(h, before, id != 0, "a number: there or not");
    must(h->id == 0 || id == 0 || h->id == id, "another number");
    if (id != 0)
        h->id = id;
}

/* --- taking off --- */

static int
take_off(const struct handler *h)
{
    if (h->t.handle != NULL && (h->id == 0 || below(2) == 0))
        return gcw_exit_unregister(h->t.handle);
    met[BY_NUMBER]++;
    return gcw_exit_unregister_id(h->id);
}

OPERATION(unregister, "unregister %zu", &handlers, one_left)
{
    struct handler *h = thing;
    enum standing before = of(h);
    int result = take_off(h);

    if (h->running) {
        must(result == GCW_RUNNING, "unregister: it runs");
    } else {
        must(result == GCW_REMOVED || result == GCW_GONE, "unregister");
        says(h, before, result == GCW_REMOVED, "unregister: there or not");
    }
    h->t.gone = true;
    must(take_off(h) == (h->running ? GCW_RUNNING : GCW_GONE),
         "unregister: twice");
}

/* How many the library will take off: what is surely there, and what perhaps. */
struct taken {
    size_t least, most;
};

/* The handler is among those that the library takes off now. */
static void
takes(struct taken *n, struct handler *h)
{
    if (!h->running) {
        n->least += of(h) == IN;
        n->most += of(h) != OUT;
    }
    h->t.gone = true;
}

static void
took(const struct taken *expected, size_t n, const char *what)
{
    must(n >= expected->least && n <= expected->most, what);
}

OPERATION(unregister_fn, "unregister a function of %zu", &registries, one_of)
{
    struct registry *r = thing;
    struct taken n = { 0, 0 };
    size_t fn = below(FNS);

    EACH(struct handler, h, handlers)
        if (h->registry == r && h->method == NULL && h->fn == fn)
            takes(&n, h);
    took(&n, gcw_exit_unregister_fn(r->t.handle, exit_fns[fn]),
         "unregister_fn: a wrong number");
}

OPERATION(unregister_method, "unregister a method of %zu", &registries, one_of)
{
    struct registry *r = thing;
    struct method *m = some_method();
    struct taken n = { 0, 0 };

    EACH(struct handler, h, handlers)
        if (h->registry == r && h->method != NULL && same_method(h->method, m))
            takes(&n, h);
    met[BY_METHOD] += n.least > 0;
    took(&n, gcw_exit_unregister_method(r->t.handle, m->t.handle),
         "unregister_method: a wrong number");
}

OPERATION(unregister_object, "unregister an object of %zu", &registries,
          one_of)
{
    struct registry *r = thing;
    struct object *o = some_object();
    struct taken n = { 0, 0 };

    tell("  object %zu", o->number);
    EACH(struct handler, h, handlers)
        if (h->registry == r && h->t.on[0] == o->number)
            takes(&n, h);
    took(&n, gcw_exit_unregister_object(r->t.handle, o),
         "unregister_object: a wrong number");
}

static void
clear(struct registry *r)
{
    struct taken n = { 0, 0 };

    EACH(struct handler, h, handlers)
        if (h->registry == r)
            takes(&n, h);
    took(&n, gcw_exit_clear(r->t.handle), "clear: a wrong number");
    must(gcw_exit_list(r->t.handle, NULL, 0) == 0, "clear: something is left");
}

OPERATION(clear, "clear %zu", &registries, one_of)
{
    clear(thing);
}

/* --- lists --- */

static bool
is_listed(const struct handler *h, const gcw_exit_entry *e)
{
    return e->handler == h->t.handle
        && (h->t.handle != NULL ? e->id == 0 : e->id == h->id);
}

static void
check_entry(const struct handler *h, const gcw_exit_entry *e)
{
    must(e->level == levels[h->level] && e->running == h->running
         && e->method == (h->method != NULL), "list: a wrong entry");
    must(h->method != NULL
         || e->function == (void (*)(void))exit_fns[h->fn],
         "list: a wrong function");
}

/* What a list should have, and where the library's is read. */
struct listing {
    const gcw_exit_entry *at, *end;
};

/* What is perhaps dead may be missing. */
static void
expect(struct listing *l, const struct handler *h)
{
    if (of(h) == OUT)
        return;
    if (l->at < l->end && is_listed(h, l->at))
        check_entry(h, l->at++);
    else
        must(of(h) == PERHAPS, "list: one is missing");
}

static void
expect_level(struct listing *l, const struct registry *r, size_t level)
{
    for (const struct handler *h = r->first; h != NULL; h = h->next)
        if (h->level == level && h->keep) {
            met[ASIDE] += of(h) != OUT;
            expect(l, h);
        }
    for (size_t i = handlers.n; i > 0; i--) {
        const struct handler *h = handlers.at[i - 1];

        if (h->registry == r && h->level == level && !h->called)
            expect(l, h);
    }
}

OPERATION(list, "list registry %zu", &registries, one_of)
{
    struct registry *r = thing;
    size_t n = gcw_exit_list(r->t.handle, NULL, 0), m;
    gcw_exit_entry *entries = GC_MALLOC((n + 1) * sizeof *entries);
    struct listing l = { entries, entries };

    must(entries != NULL, "memory has run out");
    m = gcw_exit_list(r->t.handle, entries, n);
    must(m <= n, "list: more than before");
    l.end = entries + m;
    for (size_t level = LEVELS; level > 0; level--)
        expect_level(&l, r, level - 1);
    must(l.at == l.end, "list: one too many");
}

/* --- worlds --- */

/* The default one outlasts a world; so it is emptied at the end of one. */
void
registries_begin(size_t n)
{
    struct registry r = { 0 };

    default_registry = NULL;
    while (registries.n < n) {
        r.t.handle = registries.n == 0 ? gcw_exit_default()
                                       : gcw_exit_registry_new("a registry");
        gcw_exit_on_error(r.t.handle, hear_of_failure, FAILURES);
        add(&registries, &r);
    }
    if (n > 0)
        default_registry = registries.at[0];
}

void
run_all(void)
{
    EACH(struct registry, r, registries)
        run_one(r, 0);
}

void
clear_all(void)
{
    EACH(struct registry, r, registries)
        clear(r);
}
