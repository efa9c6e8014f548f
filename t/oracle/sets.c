/* sets.c: weak sets, and sets of weak methods; see oracle.h.
 *
 * A member is a thing on the objects that it lives by.  A weak set holds
 * nothing.  A set of methods holds what is strong data of a method as long as
 * the object lives, wherever the data leads; the model keeps no handle of such
 * a method, for that would hold the data, too, but makes an equal one.
 */
#include <stdlib.h>

#include "oracle.h"

enum data { NO_DATA, STRONG_DATA, WEAK_DATA };

struct set {
    struct thing t;
    bool is_closed;              /* it was disposed of */
};

/* Of a weak set, or of one of methods. */
struct member {
    struct thing t;
    const struct set *set;
    bool interior;               /* it leads into the middle */
    size_t body;
    size_t fn;                   /* from here on, of a method */
    enum data kind;
    size_t data;                 /* a body; 0: none */
};

static struct list sets = LIST_OF(struct set);
static struct list method_sets = LIST_OF(struct set);
static struct list members = LIST_OF(struct member);

/* --- how they hold objects --- */

bool
sets_hold(void)
{
    bool any = false;

    EACH(const struct member, m, members)
        if (m->kind == STRONG_DATA && !m->t.gone && !is_dead(m->t.on[0])
            && is_body_held(m->body))
            any |= hold_body(m->data);
    return any;
}

/* --- members --- */

static bool
same_member(const struct member *a, const struct member *b)
{
    return a->set == b->set && a->interior == b->interior
        && a->t.on[0] == b->t.on[0] && a->fn == b->fn && a->kind == b->kind
        && a->data == b->data && a->t.on[1] == b->t.on[1];
}

/* The one like this, or NULL if there is surely none. */
static struct member *
member_like(const struct member *wanted)
{
    for (size_t i = members.n; i > 0; i--) {
        struct member *m = members.at[i - 1];

        if (same_member(m, wanted) && of(m) != OUT)
            return m;
    }
    return NULL;
}

static void
meet_death(const struct member *m)
{
    static const enum rare rare[] = {
        [STRONG_DATA] = HOLDING_METHOD_DIES,
        [WEAK_DATA] = METHOD_WITH_WEAK_DIES
    };

    met[m->kind == NO_DATA ? MEMBER_DIES : rare[m->kind]]++;
    met[METHOD_CYCLE_DIES] += m->kind == STRONG_DATA
                           && leads_to(m->data, m->body);
}

static void
member_is(struct member *m, bool there, const char *what)
{
    enum standing before = m == NULL ? OUT : of(m);

    if (m == NULL) {
        must(!there, what);
        return;
    }
    if (!there && before == PERHAPS)
        meet_death(m);
    says(m, before, there, what);
}

static void
take_out(struct member *m)
{
    m->t.gone = true;
    changed();
}

/* Of what was to be added, and what add has returned. */
static void
added(const struct set *s, const struct member *wanted, int result)
{
    if (s->is_closed) {
        must(result == -1 && errno == ESTALE, "a closed set takes more");
        return;
    }
    must(result == 0 || result == 1, "add failed");
    member_is(member_like(wanted), result == 0, "add: wrong");
    if (result == 1)
        add(&members, wanted);
    changed();
}

static void
removed(const struct set *s, const struct member *wanted, bool was_there)
{
    struct member *m = member_like(wanted);

    if (s->is_closed) {
        must(!was_there && errno == ESTALE, "a closed set has members");
        return;
    }
    member_is(m, was_there, "remove: wrong");
    if (was_there)
        take_out(m);
}

static void
counted(const struct set *s, size_t n)
{
    size_t least = 0, most = 0;

    EACH(const struct member, m, members) {
        least += m->set == s && of(m) == IN;
        most += m->set == s && of(m) != OUT;
    }
    must(n >= least && n <= most, "count of a set: wrong");
}

static void
empty(struct set *s)
{
    must(gcw_dispose(s->t.handle) == 0, "dispose failed");
    EACH(struct member, m, members)
        if (m->set == s)
            take_out(m);
    s->is_closed = !s->is_closed && below(2) == 0;
}

/* --- walks --- */

struct set_walk {
    struct frame f;
    const struct set *set;
    const void *handle;          /* of the set when it began */
    size_t n;                    /* members then */
    unsigned char *given;        /* how often, of those */
};

static void
begin_walk(struct set_walk *w, const struct set *s)
{
    w->set = s;
    w->handle = s->t.handle;
    w->n = members.n;
    w->given = calloc(w->n + 1, 1);
    must(w->given != NULL, "memory has run out");
    enter(&w->f);
}

static void
walk_gives(struct set_walk *w, const struct member *wanted)
{
    struct member *m = member_like(wanted);

    must(m != NULL, "a set gives what is no member");
    if (m->t.number <= w->n)
        must(w->given[m->t.number - 1]++ == 0, "a set gives a member twice");
}

/* What was not given, and is not surely there, was dead when its turn came;
 * but in a new set, which has taken the place, nobody has walked. */
static void
end_walk(struct set_walk *w)
{
    bool same = w->set->t.handle == w->handle;

    leave(&w->f);
    for (size_t i = 0; same && i < w->n; i++) {
        struct member *m = members.at[i];

        if (m->set == w->set && of(m) != OUT && w->given[i] == 0)
            member_is(m, false, "a set leaves a member out");
    }
    free(w->given);
}

/* --- weak sets --- */

static const void *
some_member(const struct set *s, struct member *wanted)
{
    struct object *o = some_object();

    *wanted = (struct member){ .t.on = { o->number }, .set = s,
                               .body = o->body, .interior = below(4) == 3 };
    tell("  object %zu, interior %zu", o->number, wanted->interior);
    return wanted->interior ? (void *)&o->field[1] : (void *)o;
}

OPERATION(add_member, "add to set %zu", &sets, one_of)
{
    struct set *s = thing;
    struct member wanted;
    const void *member = some_member(s, &wanted);

    added(s, &wanted, gcw_set_add(s->t.handle, member));
}

OPERATION(has_member, "look into set %zu", &sets, one_of)
{
    struct set *s = thing;
    struct member wanted;
    const void *member = some_member(s, &wanted);

    member_is(member_like(&wanted), gcw_set_has(s->t.handle, member),
              "has: wrong");
}

OPERATION(remove_member, "remove from set %zu", &sets, one_of)
{
    struct set *s = thing;
    struct member wanted;
    const void *member = some_member(s, &wanted);

    removed(s, &wanted, gcw_set_remove(s->t.handle, member));
}

OPERATION(count_set, "count set %zu", &sets, one_of)
{
    struct set *s = thing;

    counted(s, gcw_set_count(s->t.handle));
}

static void
set_gives(struct set_walk *w, void *member)
{
    struct object *o = GC_base(member);
    struct member wanted = { .t.on = { number_of(o) }, .set = w->set,
                             .body = body_of(o), .interior = o != member };

    must(!wanted.interior || member == &o->field[1], "a wrong member");
    walk_gives(w, &wanted);
    if (below(8) == 0)
        take_up(o);
}

OPERATION(walk_set, "walk through set %zu", &sets, one_of)
{
    struct set *s = thing;
    struct set_walk w = { .f.call = WALKS };
    gcw_set_iter i;
    void *member;

    gcw_set_first(s->t.handle, &i);
    begin_walk(&w, s);
    while (s->t.handle == w.handle && gcw_set_next(&i, &member)) {
        set_gives(&w, member);
        member = NULL;
        go_on();
    }
    end_walk(&w);
}

/* A new one takes its place, perhaps at once. */
OPERATION(dispose_set, "dispose of set %zu", &sets, one_of)
{
    struct set *s = thing;

    empty(s);
    if (!s->is_closed)
        s->t.handle = gcw_set_new();
    must(s->t.handle != NULL, "a set could not be made");
}

/* --- sets of methods --- */

struct set_invocation {
    struct set_walk w;
    void *arg;
};

static void *
member_called(const struct member *called, void *arg)
{
    struct set_invocation *i = frame_for(INVOKES_SET);
    struct member wanted = *called;

    wanted.set = i->w.set;
    must(i->arg == arg, "a wrong argument");
    walk_gives(&i->w, &wanted);
    go_on();
    return NULL;
}

static struct member
method_of(const struct object *self, size_t fn, enum data kind,
          const struct object *data)
{
    struct member m = { .t.on = { number_of(self) }, .body = body_of(self),
                        .fn = fn + 1, .kind = kind, .data = body_of(data) };

    if (kind == WEAK_DATA)
        m.t.on[1] = number_of(data);
    return m;
}

/* One of each kind. */
#define MEMBER_FN(name, fn, kind)                                           \
    static void *name(void *self, void *arg, void *data)                    \
    {                                                                       \
        struct member m = method_of(self, fn, kind, data);                  \
        return member_called(&m, arg);                                      \
    }
MEMBER_FN(plain_0, 0, NO_DATA)
MEMBER_FN(plain_1, 1, NO_DATA)
MEMBER_FN(holding_0, 0, STRONG_DATA)
MEMBER_FN(holding_1, 1, STRONG_DATA)
MEMBER_FN(weak_0, 0, WEAK_DATA)
MEMBER_FN(weak_1, 1, WEAK_DATA)

static gcw_method_fn *const fns[][2] = {
    [NO_DATA] = { plain_0, plain_1 }, [STRONG_DATA] = { holding_0, holding_1 },
    [WEAK_DATA] = { weak_0, weak_1 }
};

/* A new handle of what is wanted. */
static gcw_method *
handle_for(const struct set *s, struct object *self, enum data kind,
           struct object *data, struct member *wanted)
{
    size_t fn = below(2);
    gcw_method *m;

    *wanted = method_of(self, fn, kind, data);
    wanted->set = s;
    if (kind == WEAK_DATA)
        m = gcw_method_new_weak(self, fns[kind][fn], data);
    else
        m = gcw_method_new(self, fns[kind][fn], data);
    must(m != NULL, "a method could not be made");
    tell("  method of %zu: kind %zu, function %zu, data %zu", self->number,
         kind, fn, number_of(data));
    return m;
}

/* Strong data must not be the object, but may lead there. */
static gcw_method *
some_handle(const struct set *s, struct member *wanted)
{
    struct object *self = some_object(), *data = NULL;
    enum data kind = (enum data)below(3);

    if (kind != NO_DATA)
        data = some_object();
    if (kind == STRONG_DATA && data == self)
        kind = WEAK_DATA;
    return handle_for(s, self, kind, data, wanted);
}

OPERATION(add_method, "add a method to set %zu", &method_sets, one_of)
{
    struct set *s = thing;
    struct member wanted;
    gcw_method *m = some_handle(s, &wanted);

    added(s, &wanted, gcw_method_set_add(s->t.handle, m));
}

/* Both in no slot: the data leads to the object, which is dropped. */
OPERATION(add_cycle, "add a cycle to set %zu", &method_sets, one_of)
{
    struct set *s = thing;
    struct object *self = object_apart(), *data = object_apart();
    struct member wanted;
    gcw_method *m;

    have_lead(data, 2, self);
    m = handle_for(s, self, STRONG_DATA, data, &wanted);
    added(s, &wanted, gcw_method_set_add(s->t.handle, m));
}

OPERATION(has_method, "look for a method in set %zu", &method_sets, one_of)
{
    struct set *s = thing;
    struct member wanted;
    gcw_method *m = some_handle(s, &wanted);

    member_is(member_like(&wanted), gcw_method_set_has(s->t.handle, m),
              "has, of methods: wrong");
}

OPERATION(remove_method, "remove a method from set %zu", &method_sets, one_of)
{
    struct set *s = thing;
    struct member wanted;
    gcw_method *m = some_handle(s, &wanted);

    removed(s, &wanted, gcw_method_set_remove(s->t.handle, m));
}

OPERATION(count_methods, "count the methods of set %zu", &method_sets, one_of)
{
    struct set *s = thing;

    counted(s, gcw_method_set_count(s->t.handle));
}

/* If the set is disposed of meanwhile, no more are called. */
OPERATION(invoke_set, "invoke set %zu", &method_sets, one_of)
{
    static size_t last_arg;
    struct set *s = thing;
    struct set_invocation i = { .w.f.call = INVOKES_SET,
                                .arg = (void *)++last_arg };
    size_t n;

    begin_walk(&i.w, s);
    n = gcw_method_set_invoke(s->t.handle, i.arg);
    must(n == i.w.f.called, "a wrong number of methods was called");
    end_walk(&i.w);
}

OPERATION(dispose_methods, "dispose of set %zu", &method_sets, one_of)
{
    struct set *s = thing;

    empty(s);
    if (!s->is_closed)
        s->t.handle = gcw_method_set_new();
    must(s->t.handle != NULL, "a set of methods could not be made");
}

/* --- worlds --- */

void
sets_begin(bool any)
{
    struct set s = { .t.handle = NULL };

    if (!any)
        return;
    s.t.handle = gcw_set_new();
    must(s.t.handle != NULL, "a set could not be made");
    add(&sets, &s);
    s.t.handle = gcw_method_set_new();
    must(s.t.handle != NULL, "a set of methods could not be made");
    add(&method_sets, &s);
}
