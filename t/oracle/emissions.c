/* emissions.c: who hears of an emission; see oracle.h.
 *
 * An emission has the listeners that fit, in order, as they were when it
 * began.  When one is called, it goes forward to it, passing over what may be
 * passed over: the next that may not is the one that must have been called.
 * At the end nothing must be left that should have been called, unless it was
 * stopped.
 */
#include <stdlib.h>

#include "oracle.h"

struct emission {
    struct frame f;
    struct place *place;
    size_t type;
    void *source, *arg;
    size_t number;               /* the source's */
    struct listener **fits;
    size_t n, next;
    const struct method **heard;
    size_t n_heard;
    const gcw_listener *current;
    bool stopped;
};

struct posting {
    struct thing t;
    size_t type;
    void *source, *arg;
};

static struct list postings = LIST_OF(struct posting);
static size_t last_arg;

/* A source that nothing can be connected to. */
static char no_object;

/* --- who is to hear of it --- */

static void
begin(struct emission *e)
{
    e->fits = listeners_that(hears_of, e->place, e->type, e->number, &e->n);
    if (e->place->muted > 0)
        e->n = 0;
    e->heard = malloc((e->n + 1) * sizeof *e->heard);
    must(e->heard != NULL, "memory has run out");
    met[NESTED] += innermost != NULL && innermost->call == EMITS;
    met[CROWD_HEARS] += e->n >= CROWD;
    enter(&e->f);
}

static bool
has_heard(const struct emission *e, const struct method *m)
{
    for (size_t i = 0; i < e->n_heard; i++)
        if (e->heard[i] == m)
            return true;
    return false;
}

/* Whether the listener is called, now that it is its turn. */
static enum standing
turn(const struct emission *e, const struct listener *l)
{
    if (of(l) == OUT || l->blocked > 0)
        return OUT;
    if (e->place->muted > 0) {
        met[MUTED_MIDWAY]++;
        return OUT;
    }
    if (e->place->hub != NULL && has_heard(e, l->method)) {
        met[TWICE]++;
        return OUT;
    }
    return of(l);
}

static struct listener *
find_called(struct emission *e, const struct method *m)
{
    must(!e->stopped, "a listener was called though the emission was stopped");
    while (e->next < e->n) {
        struct listener *l = e->fits[e->next++];
        enum standing s = turn(e, l);

        if (s != OUT && same_method(l->method, m))
            return l;
        if (s != OUT)
            says(l, s, false, "a listener was passed over");
    }
    wrong("a listener was called that should not be");
}

static void
end(struct emission *e, size_t n)
{
    must(n == e->f.called, "emit: a wrong number");
    met[STOPPED] += e->stopped && e->next < e->n;
    for (; e->next < e->n && !e->stopped; e->next++) {
        struct listener *l = e->fits[e->next];
        enum standing s = turn(e, l);

        if (s != OUT)
            says(l, s, false, "a listener was not called");
    }
    leave(&e->f);
    free(e->fits);
    free(e->heard);
}

/* --- listeners --- */

static bool
told_right(const struct emission *e, const struct listener *l,
           const void *arg)
{
    const gcw_emission *given = arg;

    if (e->place->hub == NULL)
        return arg == e->arg;
    return given->hub == e->place->hub && given->listener == l->t.handle
        && same_type(given->type, e->type) && given->source == e->source
        && given->arg == e->arg;
}

void
method_hears(const struct method *m, const void *arg)
{
    struct emission *e = frame_for(EMITS);
    struct listener *l = find_called(e, m);

    tell("listener %zu hears", l->t.number);
    must(told_right(e, l, arg), "a listener was told wrong");
    e->heard[e->n_heard++] = l->method;
    e->current = l->t.handle;
    if (l->once) {
        met[ONCE]++;
        l->t.gone = true;
    }
    go_on();
    perhaps_fail(&e->f, l->t.handle);
}

static void
function_hears(size_t fn, const void *arg, void *data)
{
    struct method m = { .kind = FUNCTION, .fn = fn, .data = (size_t)data };

    method_hears(&m, arg);
}

#define LISTENERS(n)                                                        \
    static void event_fn_##n(void *arg, void *data)                         \
    {                                                                       \
        function_hears(n, arg, data);                                       \
    }                                                                       \
    static void hub_fn_##n(const gcw_emission *emission, void *data)        \
    {                                                                       \
        function_hears(n, emission, data);                                  \
    }
LISTENERS(0)
LISTENERS(1)

void (*const event_fns[])(void *, void *) = { event_fn_0, event_fn_1 };
void (*const hub_fns[])(const gcw_emission *, void *) = {
    hub_fn_0, hub_fn_1
};

/* --- operations --- */

static void
emit_one(struct emission *e)
{
    const struct place *p = e->place;

    e->f.call = EMITS;
    e->arg = (void *)++last_arg;
    tell("  type %zu, source %zu", e->type, e->number);
    begin(e);
    end(e, p->hub != NULL
           ? gcw_hub_emit(p->hub, type_names[e->type], e->source, e->arg)
           : gcw_event_emit(p->event, e->arg));
}

OPERATION(emit, "emit %zu", &places, one_of)
{
    struct emission e = { .place = thing };
    unsigned choice;

    if (e.place->hub != NULL) {
        e.type = below(TYPES + 2);
        choice = below(8);
        if (choice == 7)
            e.source = &no_object;
        else if (choice % 2 == 1)
            e.source = some_object();
        e.number = choice == 7 ? 0 : number_of(e.source);
    }
    emit_one(&e);
}

/* The emission that the stack is in, which may be around other calls. */
static struct emission *
innermost_emission(void)
{
    struct frame *f = innermost;

    while (f != NULL && f->call != EMITS)
        f = f->outer;
    return (struct emission *)f;
}

OPERATION(stop_emission, "stop the emission", NULL, NULL)
{
    struct emission *e = innermost_emission();
    int stopped;

    must(gcw_listener_current() == (e == NULL ? NULL : e->current),
         "current: a wrong listener");
    errno = 0;
    stopped = gcw_emission_stop();
    must(e == NULL ? stopped == -1 && errno == ENOENT : stopped == 0,
         "stop: wrong");
    if (e != NULL)
        e->stopped = true;
}

size_t
n_posted(const struct place *hub)
{
    return postings.n - hub->n_dispatched;
}

OPERATION(post, "post", NULL, NULL)
{
    const struct place *p = the_hub();
    struct posting new = { .type = below(TYPES + 2) };

    if (p == NULL)
        return;
    new.source = below(2) == 0 ? NULL : some_object();
    new.arg = (void *)++last_arg;
    tell("  type %zu, source %zu", new.type, number_of(new.source));
    add(&postings, &new);
    must(gcw_hub_post(p->hub, type_names[new.type], new.source, new.arg) == 0,
         "post failed");
}

static void
dispatch_oldest(struct place *hub)
{
    struct posting *p = postings.at[hub->n_dispatched++];
    struct emission e = { .f.call = EMITS, .place = hub, .type = p->type,
                          .source = p->source, .arg = p->arg,
                          .number = number_of(p->source) };

    p->source = NULL;
    begin(&e);
    must(gcw_hub_dispatch(hub->hub, 1) == 1, "nothing was dispatched");
    end(&e, e.f.called);
}

OPERATION(dispatch, "dispatch", NULL, NULL)
{
    struct place *hub = the_hub();

    if (hub != NULL && n_posted(hub) > 0)
        dispatch_oldest(hub);
    else if (hub != NULL)
        must(gcw_hub_dispatch(hub->hub, 1) == 0, "out of nothing");
}

void
emissions_end(void)
{
    while (the_hub() != NULL && n_posted(the_hub()) > 0)
        do_dispatch(NULL);
    EACH(struct place, p, places) {
        struct emission e = { .place = p };

        emit_one(&e);
    }
}
