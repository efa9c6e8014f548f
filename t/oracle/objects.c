/* objects.c: objects, who of them lives, references; see oracle.h.
 *
 * What is disposed of is dead at once.  What is only dropped may die at any
 * collection or never; the model learns of it from what it sees, and from then
 * on it must stay dead.
 */
#include <stdlib.h>

#include "oracle.h"

enum { MAGIC = 0xf022 };

/* --- who lives --- */

enum life { LIVES, DROPPED, DEAD };

static enum life *lives;         /* by number */
static size_t n_objects, room;

static void
make_room(void)
{
    enum life *more;

    room = 2 * room + 64;
    more = realloc(lives, room * sizeof *lives);
    must(more != NULL, "memory has run out");
    lives = more;
}

static size_t
new_number(void)
{
    if (++n_objects >= room)
        make_room();
    lives[n_objects] = LIVES;
    return n_objects;
}

enum standing
of_object(size_t number)
{
    static const enum standing of[] = { IN, PERHAPS, OUT };

    return number == 0 ? IN : of[lives[number]];
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
    lives[suspect] = DEAD;
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
}

/* --- objects --- */

struct slot {
    struct thing t;
    struct object *object;       /* NULL: none */
};

struct list slots = LIST_OF(struct slot);

struct object *
object_in(void *slot)
{
    struct slot *s = slot;

    if (s->object == NULL) {
        s->object = GC_MALLOC(sizeof *s->object);
        must(s->object != NULL, "memory has run out");
        s->object->magic = MAGIC;
        s->object->number = new_number();
    }
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

static void
dispose_of(struct object *o)
{
    tell("  object %zu", o->number);
    must(gcw_dispose(o) == 0, "dispose failed");
    lives[o->number] = DEAD;
}

/* Half of them are used again, as another one. */
OPERATION(dispose, "dispose of %zu", &slots, one_of)
{
    struct slot *s = thing;
    struct object *o = object_in(s);

    dispose_of(o);
    if (o->number % 2 == 0)
        o->number = new_number();
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

/* A reference finds it again at the end, if it has not died. */
OPERATION(drop, "drop %zu", &slots, one_of)
{
    struct slot *s = thing;
    struct ref r = { .t.on = { number_of(s->object) } };

    if (s->object == NULL)
        return;
    tell("  object %zu", r.t.on[0]);
    r.t.handle = gcw_ref_new(s->object);
    add(&dropped, &r);
    lives[r.t.on[0]] = DROPPED;
    s->object = NULL;
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

OPERATION(refer, "refer to %zu", &slots, one_of)
{
    struct object *o = object_in(thing);
    unsigned choice = below(4);
    struct ref r = { .t.on = { o->number }, .is_long = choice & 1,
                     .interior = choice & 2 };
    const void *target = target_of(&r, o);

    tell("  object %zu, %zu", o->number, choice);
    r.t.handle = r.is_long ? gcw_ref_new_long(target) : gcw_ref_new(target);
    r.id = gcw_ref_id(r.t.handle);
    check_new_ref(&r);
    add(&refs, &r);
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
}

/* --- worlds --- */

void
objects_begin(size_t n_slots)
{
    struct slot empty = { 0 };

    n_objects = 0;
    while (slots.n < n_slots)
        add(&slots, &empty);
}

void
dispose_of_dropped(void)
{
    EACH(const struct ref, r, dropped) {
        struct object *o = gcw_ref_get(r->t.handle);

        if (o != NULL)
            dispose_of(o);
        lives[r->t.on[0]] = DEAD;
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
