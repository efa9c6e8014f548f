/* handlers.c: exit registries; see oracle.h. */
#include "oracle.h"

struct registry {
    struct thing t;
    size_t runs;                 /* nested ones */
    size_t left;                 /* of all handlers: those behind these have
                                  * had their turn in this run, or get none */
};

struct handler {
    struct thing t;
    struct registry *registry;
    struct method *method;       /* NULL: a function */
    size_t fn;
    bool keep, called, running;
};

struct run {
    struct frame f;
    struct registry *registry;
    int status;
};

static struct list registries = LIST_OF(struct registry);
static struct list handlers = LIST_OF(struct handler);

/* --- a run --- */

/* The newest that is there and was not called; NULL if there is none. */
static struct handler *
next_handler(struct registry *r)
{
    for (; r->left > 0; r->left--) {
        struct handler *h = handlers.at[r->left - 1];

        if (h->registry == r && !h->called && of(h) != OUT)
            return h;
    }
    return NULL;
}

/* All before that one have died; NULL: all that are left. */
static struct handler *
pass_over(struct registry *r, const gcw_exit_handler *handle)
{
    struct handler *h;

    while ((h = next_handler(r)) != NULL && h->t.handle != handle)
        says(h, of(h), false, "a handler was not called");
    return h;
}

static struct handler *
called(struct run *run, const gcw_exit_handler *handle)
{
    struct handler *h = pass_over(run->registry, handle);

    must(h != NULL, "a handler was called that should not be");
    tell("handler %zu runs", h->t.number);
    h->called = h->running = true;
    go_on();
    h->running = false;
    h->t.gone |= !h->keep;
    perhaps_fail(&run->f, h->t.handle);
    return h;
}

static void
function_handles(size_t fn, size_t number)
{
    struct handler *h = handlers.at[number - 1];

    must(h->method == NULL && h->fn == fn, "a wrong function");
    called(frame_for(RUNS_REGISTRY), h->t.handle);
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

/* It may also fail by what it returns. */
void *
method_handles(const struct method *m, const gcw_exit_info *info)
{
    struct run *run = frame_for(RUNS_REGISTRY);
    const struct handler *h;

    must(info->registry == run->registry->t.handle
         && info->status == run->status, "a handler was told wrong");
    h = called(run, info->handler);
    must(h->method != NULL && same_method(h->method, m), "a wrong method");
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
    if (r->runs++ > 0)
        return;
    r->left = handlers.n;
    EACH(struct handler, h, handlers)
        if (h->registry == r) {
            met[KEPT] += h->called && of(h) != OUT;
            h->called = false;
        }
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
    leave(&run.f);
    r->runs--;
    met[CROWD_RUNS] += run.f.called >= CROWD;
}

OPERATION(run_registry, "run registry %zu", &registries, one_of)
{
    run_one(thing, (int)below(256));
}

/* --- registering --- */

OPERATION(register, "register in %zu", &registries, one_of)
{
    unsigned choice = below(16 * FNS);
    struct handler h = { .registry = thing, .fn = choice / 16,
                         .keep = (choice & 12) == 0 };
    gcw_exit_options o = { .keep = h.keep,
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
    add(&handlers, &h);
    h.registry->left = handlers.n;
    tell("  keep %zu", h.keep);
}

OPERATION(unregister, "unregister %zu", &handlers, one_left)
{
    struct handler *h = thing;
    int result = gcw_exit_unregister(h->t.handle);

    if (h->running) {
        must(result == GCW_RUNNING, "unregister: it runs");
    } else {
        must(result == GCW_REMOVED || result == GCW_GONE, "unregister");
        says(h, of(h), result == GCW_REMOVED, "unregister: there or not");
    }
    h->t.gone = true;
    must(gcw_exit_unregister(h->t.handle)
         == (h->running ? GCW_RUNNING : GCW_GONE), "unregister: twice");
}

OPERATION(unregister_fn, "unregister a function of %zu", &registries, one_of)
{
    struct registry *r = thing;
    size_t fn = below(FNS), expected = 0;

    EACH(struct handler, h, handlers)
        if (h->registry == r && h->method == NULL && h->fn == fn) {
            expected += !h->t.gone && !h->running;
            h->t.gone = true;
        }
    must(gcw_exit_unregister_fn(r->t.handle, exit_fns[fn]) == expected,
         "unregister_fn: a wrong number");
}

/* --- worlds --- */

void
registries_begin(size_t n)
{
    struct registry r = { 0 };

    while (registries.n < n) {
        r.t.handle = gcw_exit_registry_new("a registry");
        gcw_exit_on_error(r.t.handle, hear_of_failure, FAILURES);
        add(&registries, &r);
    }
}

void
run_all(void)
{
    EACH(struct registry, r, registries)
        run_one(r, 0);
}
