/* audience.c: who would hear of an emission, and who is listed; see oracle.h.
 */
#include <stdlib.h>

#include "oracle.h"

/* What is asked for: an emission, or a pattern. */
struct question {
    const struct place *place;
    size_t type, number;         /* the source's */
    struct object *source;
};

static struct question
some_question(const struct place *p)
{
    struct question q = { .place = p };

    if (p->hub == NULL)
        return q;
    q.type = below(TYPES + 2);
    q.source = below(2) == 0 ? NULL : some_object();
    q.number = number_of(q.source);
    tell("  type %zu, source %zu", q.type, q.number);
    return q;
}

/* --- whether anybody listens --- */

static bool
ask(const struct question *q)
{
    return q->place->hub != NULL
        ? gcw_hub_has_listeners(q->place->hub, type_names[q->type], q->source)
        : gcw_event_has_listeners(q->place->event);
}

/* Who is not to be called, is passed over. */
static void
check_answer(struct listener *const *fit, size_t n, bool any)
{
    bool may_be = false;

    for (size_t i = 0; i < n; i++) {
        if (fit[i]->blocked > 0)
            continue;
        may_be |= of(fit[i]) != OUT;
        if (!any)
            says(fit[i], of(fit[i]), false, "a listener was not seen");
    }
    must(may_be || !any, "nobody listens");
}

OPERATION(has_listeners, "is anybody listening to %zu", &places, one_of)
{
    const struct place *p = thing;
    struct question q = some_question(p);
    size_t n;
    struct listener **fit = listeners_that(hears_of, p, q.type, q.number, &n);

    check_answer(fit, p->muted > 0 ? 0 : n, ask(&q));
    free(fit);
}

/* --- who is listening --- */

struct listing {
    struct listener **fit;
    size_t n;
    gcw_listener_entry *entries;
    size_t room, found;
};

/* Unlike an emission, a question without a type or source is for all. */
static bool
is_listed(const struct listener *l, size_t type, size_t source)
{
    return hears_of(l, type == 0 ? l->type : type,
                    source == 0 ? l->source : source);
}

static void (*
function_of(const struct listener *l))(void)
{
    if (l->method->kind != FUNCTION)
        return (void (*)(void))code_of(l->method);
    return l->place->hub != NULL ? (void (*)(void))hub_fns[l->method->fn]
                                 : (void (*)(void))event_fns[l->method->fn];
}

static void
check_entry(const gcw_listener_entry *e, const struct listener *l)
{
    must(of(l) != OUT, "a dead listener is listed");
    must(e->method == (l->method->kind != FUNCTION)
         && number_of(e->self) == l->t.on[0]
         && e->function == function_of(l), "a method is listed wrong");
    must(e->name == NULL && e->blocked == (l->blocked > 0)
         && same_type(e->type, l->type) && number_of(e->source) == l->source,
         "a listener is listed wrong");
}

/* Those behind the last that there was room for are only counted. */
static void
check_listing(const struct listing *g)
{
    size_t written = g->found < g->room ? g->found : g->room, at = 0;
    struct range rest = { 0, 0 };

    for (size_t i = 0; i < g->n; i++) {
        struct listener *l = g->fit[i];

        if (at < written && g->entries[at].listener == l->t.handle)
            check_entry(&g->entries[at++], l);
        else if (at < written || g->found <= g->room)
            says(l, of(l), false, "a listener is not listed");
        else
            count_in(&rest, of(l));
    }
    must(at == written, "another listener is listed");
    check_range(rest, g->found - written, "list: a wrong number");
    met[CUT_SHORT] += g->found > g->room;
}

static void
list(const struct question *q, struct listing *g)
{
    const struct place *p = q->place;

    g->found = p->hub != NULL
        ? gcw_hub_list(p->hub, type_names[q->type], q->source, g->entries,
                       g->room)
        : gcw_event_list(p->event, g->entries, g->room);
}

OPERATION(list_listeners, "list the listeners of %zu", &places, one_of)
{
    struct question q = some_question(thing);
    struct listing g = { 0 };

    g.fit = listeners_that(is_listed, q.place, q.type, q.number, &g.n);
    g.room = below((unsigned)g.n + 2);
    g.entries = GC_MALLOC_UNCOLLECTABLE((g.n + 2) * sizeof *g.entries);
    must(g.entries != NULL, "memory has run out");
    list(&q, &g);
    check_listing(&g);
    GC_FREE(g.entries);
    free(g.fit);
}
