/* interns.c: tables of interned objects; see oracle.h.
 *
 * An object is interned by its text, a small number, of which two have one
 * hash.  It is made for that, and has no other text as long as it is not
 * disposed of.
 */
#include "oracle.h"

enum { TEXTS = 6, HASHES = 3 };

struct interned {
    struct thing t;
    size_t text, body;
};

static struct list tables = LIST_OF(struct thing);
static struct list interned = LIST_OF(struct interned);

struct interning {
    struct frame f;
    size_t text;
    struct object *made;         /* once it is */
    bool nested;                 /* it was interned meanwhile */
};

/* That of this text, or NULL if there is surely none. */
static struct interned *
interned_of(size_t text)
{
    for (size_t i = interned.n; i > 0; i--) {
        struct interned *n = interned.at[i - 1];

        if (n->text == text && of(n) != OUT)
            return n;
    }
    return NULL;
}

static void
interned_is(struct interned *n, bool there, const char *what)
{
    enum standing before = of(n);

    met[INTERNED_DIES] += !there && before == PERHAPS;
    says(n, before, there, what);
}

/* --- what is called --- */

/* What is made lies in a slot until it is in the table: nothing is done in
 * between. */
static bool
has_text(const void *wanted, const void *object)
{
    struct interning *w = frame_for(INTERNS);
    const struct object *o = object;

    must(wanted == w, "what is wanted is not");
    must(body_of(o) != 0 && o->text != 0, "an object is none of the table's");
    must(o->text % HASHES == w->text % HASHES, "an object of another hash");
    if (o->text == w->text)
        return true;
    if (w->made == NULL)
        go_on();
    return false;
}

static void *
make_with_text(const void *wanted, void *data)
{
    struct interning *w = frame_for(INTERNS);

    must(wanted == w && data == &tables && w->made == NULL, "made twice");
    go_on();
    w->nested = interned_of(w->text) != NULL;
    w->made = new_object();
    w->made->text = w->text;
    return w->made;
}

/* --- operations --- */

/* The one that was made is there now, and no other was; or one that is there
 * was found. */
static void
check_interned(const struct interning *w, const struct object *o)
{
    struct interned *old = interned_of(w->text);
    struct interned n = { .t.on = { number_of(o) }, .text = w->text };

    must(o != NULL && o->text == w->text, "a wrong object is interned");
    n.body = body_of(o);
    if (o != w->made) {
        must(old != NULL && old->body == n.body, "a wrong one of equals");
        met[RIVAL] += w->nested;
        return;
    }
    if (old != NULL)
        interned_is(old, false, "two of equals");
    add(&interned, &n);
}

OPERATION(intern, "intern", &tables, one_of)
{
    struct interning w = { .f.call = INTERNS, .text = 1 + below(TEXTS) };
    struct thing *t = thing;
    struct object *o;

    tell("  text %zu", w.text);
    enter(&w.f);
    o = gcw_intern_add(t->handle, w.text % HASHES, has_text, &w,
                       make_with_text, &tables);
    leave(&w.f);
    check_interned(&w, o);
}

/* What is added while others are compared need not be found. */
OPERATION(find_interned, "find", &tables, one_of)
{
    struct interning w = { .f.call = INTERNS, .text = 1 + below(TEXTS) };
    struct thing *t = thing;
    struct interned *before = interned_of(w.text), *after;
    struct object *o;

    tell("  text %zu", w.text);
    enter(&w.f);
    o = gcw_intern_find(t->handle, w.text % HASHES, has_text, &w);
    leave(&w.f);
    after = interned_of(w.text);
    if (o == NULL && before != NULL && after == before)
        interned_is(before, false, "an interned object is lost");
    if (o == NULL)
        return;
    must(after != NULL && after->body == body_of(o), "a wrong one is found");
    if (below(2) == 0)
        take_up(o);
}

OPERATION(count_interned, "count what is interned", &tables, one_of)
{
    struct thing *t = thing;
    size_t n = gcw_intern_count(t->handle), least = 0, most = 0;

    EACH(const struct interned, i, interned) {
        least += of(i) == IN;
        most += of(i) != OUT;
    }
    must(n >= least && n <= most, "count of what is interned: wrong");
}

/* --- worlds --- */

void
interns_begin(bool any)
{
    struct thing t = { .handle = NULL };

    if (!any)
        return;
    t.handle = gcw_intern_new();
    must(t.handle != NULL, "a table could not be made");
    add(&tables, &t);
}
