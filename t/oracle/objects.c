/* objects.c: objects, who of them lives, references; see oracle.h.
 *
 * What is disposed of is dead at once.  What is held, in a slot or by what is
 * held, lives: by the fields of objects, by the entries of maps, and by
 * the methods of sets.  What is
 * neither may die at any collection or never; the model learns of it from what
 * it sees, and from then on it must stay dead.
 *
 * An object that is disposed of and used again has a new number, but the same
 * body: whatever led to it leads there.
 */
#include <stdlib.h>

#include "oracle.h"

enum { MAGIC = 0xf022 };

/* --- who lives --- */

/* In a slot, in none; and dead. */
enum life { LIVES, DROPPED, DISPOSED, DEAD };

static struct fact {
    enum life life;
    size_t body;
} *facts;                        /* by number */
static size_t n_objects, n_bodies, room;

static void
make_room(void)
{
    struct fact *more;

    room = 2 * room + 64;
    more = realloc(facts, room * sizeof *facts);
    must(more != NULL, "memory has run out");
    facts = more;
}

static void
set_life(size_t number, enum life life)
{
    facts[number].life = life;
    changed();
}

static size_t
new_number(size_t body)
{
    if (++n_objects >= room)
        make_room();
    facts[n_objects].body = body;
    set_life(n_objects, LIVES);
    return n_objects;
}

/* --- what is held --- */

/* A field of an object that leads to another. */
struct edge {
    struct thing t;              /* gone: the field leads elsewhere by now */
    size_t from, field, to;      /* bodies */
};

static struct list edges = LIST_OF(struct edge);

static bool *reached;            /* by body */
static size_t n_reached;         /* bodies that there is room for */
static bool is_reached;          /* nothing has changed since */

void
changed(void)
{
    is_reached = false;
}

bool
is_body_held(size_t body)
{
    return reached[body];
}

bool
hold_body(size_t body)
{
    bool new = !reached[body];

    reached[body] = true;
    return new;
}

static bool
follow_edges(void)
{
    bool any = false;

    EACH(const struct edge, e, edges)
        if (!e->t.gone && reached[e->from])
            any |= hold_body(e->to);
    return any;
}

static void
begin_to_reach(void)
{
    if (n_reached <= n_bodies) {
        free(reached);
        n_reached = 2 * n_bodies + 64;
        reached = malloc(n_reached * sizeof *reached);
        must(reached != NULL, "memory has run out");
    }
    for (size_t i = 0; i <= n_bodies; i++)
        reached[i] = false;
    for (size_t i = 1; i <= n_objects; i++)
        if (facts[i].life == LIVES)
            reached[facts[i].body] = true;
}

/* What strong values hold is assumed to be there, until it turns out that their
 * keys need not be. */
static void
reach_all(void)
{
    if (is_reached)
        return;
    maps_assume();
    do {
        begin_to_reach();
        while (follow_edges() || maps_hold() || sets_hold())
            continue;
    } while (!maps_keep_assumptions());
    is_reached = true;
}

enum standing
of_object(size_t number)
{
    if (number == 0 || facts[number].life == LIVES)
        return IN;
    if (is_dead(number))
        return OUT;
    reach_all();
    return reached[facts[number].body] ? IN : PERHAPS;
}

bool
is_dead(size_t number)
{
    return facts[number].life >= DISPOSED;
}

static bool
leads(size_t from, size_t to)
{
    EACH(const struct edge, e, edges)
        if (!e->t.gone && e->from == from && e->to == to)
            return true;
    return false;
}

bool
leads_to(size_t from, size_t to)
{
    return from == to || leads(from, to);
}

enum standing
of(const void *thing)
{
    const struct thing *t = thing;
    enum standing least = t->gone ? OUT : IN;

    for (int i = 0; i < 3; i++)
        if (of_object(t->on[i]) < least)
            least = of_object(t->on[i]);
    return least;
}

/* If only one of the objects may be dead, it is that. */
void
seen_dead(const void *thing)
{
    const struct thing *t = thing;
    size_t suspect = 0;

    for (int i = 0; i < 3; i++) {
        enum standing s = of_object(t->on[i]);

        if (s == OUT || (s == PERHAPS && suspect != 0
                         && t->on[i] != suspect))
            return;
        if (s == PERHAPS)
            suspect = t->on[i];
    }
    must(suspect != 0, "something has died of nothing");
    met[SEEN_DEAD]++;
    set_life(suspect, DEAD);
}

void
says(void *thing, enum standing before, bool there, const char *what)
{
    struct thing *t = thing;

    must(there ? before != OUT : before != IN, what);
    if (there)
        return;
    if (before == PERHAPS)
        seen_dead(t);
    t->gone = true;
    changed();
}

/* --- objects --- */

struct slot {
    struct thing t;
    struct object *object;       /* NULL: none */
};

struct list slots = LIST_OF(struct slot);

static struct object *
make_object(void)
{
    struct object *o = GC_MALLOC(sizeof *o);

    must(o != NULL, "memory has run out");
    o->magic = MAGIC;
    o->body = ++n_bodies;
    o->number = new_number(n_bodies);
    return o;
}

struct object *
object_in(void *slot)
{
    struct slot *s = slot;

    if (s->object == NULL)
        s->object = make_object();
    return s->object;
}

struct object *
some_object(void)
{
    return object_in(one_of(&slots));
}

size_t
number_of(const void *object)
{
    const struct object *o = object;

    if (o == NULL)
        return 0;
    must(o->magic == MAGIC, "an object is none");
    return o->number;
}

struct object *
held(size_t number)
{
    EACH(struct slot, s, slots)
        if (s->object != NULL && s->object->number == number)
            return s->object;
    return NULL;
}

struct object *
in_slot(size_t body)
{
    EACH(const struct slot, s, slots)
        if (s->object != NULL && s->object->body == body)
            return s->object;
    return NULL;
}

size_t
body_of(const void *object)
{
    size_t number = number_of(object);

    must(number == 0 || facts[number].life != DEAD,
         "what was seen dead has come back");
    return number == 0 ? 0 : facts[number].body;
}

/* A place that is empty, or NULL. */
static struct slot *
empty_slot(void)
{
    EACH(struct slot, s, slots)
        if (s->object == NULL)
            return s;
    return NULL;
}

void
take_up(struct object *o)
{
    struct slot *s = empty_slot();

    if (s == NULL || held(o->number) != NULL)
        return;
    if (is_dead(o->number))
        o->number = new_number(o->body);
    tell("  take up %zu", o->number);
    s->object = o;
    set_life(o->number, LIVES);
}

static void
cut_edges(size_t from, size_t field)
{
    EACH(struct edge, e, edges)
        if (e->from == from && (e->field == field || field == 0))
            e->t.gone = true;
    changed();
}

void
have_lead(struct object *o, size_t field, struct object *to)
{
    struct edge e = { .from = o->body, .field = field };

    tell("  object %zu, field %zu, to %zu", o->number, field, number_of(to));
    cut_edges(e.from, field);
    o->field[field] = to;
    if (to == NULL)
        return;
    e.to = to->body;
    add(&edges, &e);
    changed();
}

/* The first two fields are left alone. */
OPERATION(lead, "have %zu lead to another", &slots, one_of)
{
    struct object *o = object_in(thing);
    struct object *to = below(4) == 0 ? NULL : some_object();

    have_lead(o, 2 + below(4), to);
}

/* It leads nowhere any more. */
static void
dispose_of(struct object *o)
{
    tell("  object %zu", o->number);
    must(gcw_dispose(o) == 0, "dispose failed");
    cut_edges(o->body, 0);
    for (int i = 0; i < 10; i++)
        o->field[i] = NULL;
    o->text = 0;
    set_life(o->number, DISPOSED);
}

/* Half of them are used again, as another one. */
OPERATION(dispose, "dispose of %zu", &slots, one_of)
{
    struct slot *s = thing;
    struct object *o = object_in(s);

    dispose_of(o);
    if (o->number % 2 == 0)
        o->number = new_number(o->body);
    else
        s->object = NULL;
}

/* --- references --- */

struct ref {
    struct thing t;
    uint64_t id;
    bool is_long, interior;
};

static struct list refs = LIST_OF(struct ref);
static struct list dropped = LIST_OF(struct ref);

/* It is in no slot from now on.  A reference finds it again at the end, if it
 * has not died. */
static void
drop_object(struct object *o)
{
    struct ref r = { .t.on = { o->number } };

    tell("  object %zu", o->number);
    r.t.handle = gcw_ref_new(o);
    add(&dropped, &r);
    set_life(o->number, DROPPED);
}

static void
drop_from(struct slot *s)
{
    if (s->object != NULL)
        drop_object(s->object);
    s->object = NULL;
}

OPERATION(drop, "drop %zu", &slots, one_of)
{
    drop_from(thing);
}

struct object *
new_object(void)
{
    struct slot *s = one_of(&slots);

    drop_from(s);
    return object_in(s);
}

static const void *
target_of(const struct ref *r, const struct object *o)
{
    return r->interior ? (const void *)&o->field[1] : (const void *)o;
}

static void
check_new_ref(const struct ref *r)
{
    must(r->t.handle != NULL && r->id != 0, "a reference could not be made");
    EACH(const struct ref, other, refs) {
        bool same = other->t.on[0] == r->t.on[0]
                 && other->is_long == r->is_long
                 && other->interior == r->interior;

        must((other->t.handle == r->t.handle) == same, "a wrong reference");
        must((other->id == r->id) == same, "a wrong id");
    }
}

static void
refer_to(struct object *o, unsigned choice)
{
    struct ref r = { .t.on = { o->number }, .is_long = choice & 1,
                     .interior = choice & 2 };
    const void *target = target_of(&r, o);

    tell("  object %zu, %zu", o->number, choice);
    r.t.handle = r.is_long ? gcw_ref_new_long(target) : gcw_ref_new(target);
    r.id = gcw_ref_id(r.t.handle);
    check_new_ref(&r);
    add(&refs, &r);
}

OPERATION(refer, "refer to %zu", &slots, one_of)
{
    struct object *o = object_in(thing);

    refer_to(o, below(4));
}

struct object *
object_apart(void)
{
    struct object *o = make_object();

    refer_to(o, 0);
    drop_object(o);
    return o;
}

OPERATION(read_ref, "read %zu", &refs, one_of)
{
    struct ref *r = thing;
    const struct object *o = held(r->t.on[0]);
    void *read = gcw_ref_get(r->t.handle);

    must(gcw_ref_id(r->t.handle) == r->id, "an id has changed");
    says(r, of(r), read != NULL, "a reference, dead or alive");
    must(read == NULL || o == NULL || read == target_of(r, o),
         "a wrong object");
    met[HELD_BY_OTHERS] += read != NULL && o == NULL && of(r) == IN;
}

/* --- worlds --- */

void
objects_begin(size_t n_slots)
{
    struct slot empty = { 0 };

    n_objects = n_bodies = 0;
    changed();
    while (slots.n < n_slots)
        add(&slots, &empty);
}

void
dispose_of_dropped(void)
{
    EACH(const struct ref, r, dropped) {
        struct object *o = gcw_ref_get(r->t.handle);

        if (held(r->t.on[0]) != NULL)
            continue;
        if (o != NULL)
            dispose_of(o);
        set_life(r->t.on[0], DISPOSED);
    }
}

void
dispose_of_all(void)
{
    EACH(struct slot, s, slots)
        if (s->object != NULL)
            dispose_of(s->object);
    dispose_of_dropped();
}
