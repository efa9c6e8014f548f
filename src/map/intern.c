/* intern.c: tables of interned objects.
 *
 * A table is a map whose key words are made of hashes, and whose values are the
 * objects, which it holds weakly (GCW__INTERNED, marks/weak-table.h).  Several
 * slots may have the same key word.  One whose object has died serves the next
 * of that hash.
 *
 * The program's function says whether an object is what is wanted, and may do
 * anything.  So no lock is held then, and the object is on the stack: it is one
 * that the engine's check has found alive.
 *
 * Adding.  What the table has is compared, without a lock, and remembered; then
 * the object is made.  Under the lock, what was not compared yet has been added
 * since: so the lock is left, to compare it.  When there is nothing of the kind
 * the object that was made is put in.  What was compared is held meanwhile, so
 * nothing else can have its address.  Each time round some thread has added an
 * object of the same hash, so this ends.
 */
#include <config.h>
#include "map/maps.h"

#include "ground/delay.h"
#include "ground/memory.h"
#include "ground/spare.h"
#include "weak/enter.h"
#include "weak/ref.h"

#include <errno.h>
#include <string.h>

#include <gcweak/intern.h>

struct gcw_intern {
    struct gcw_map map;
};

gcw_intern *
gcw_intern_new(void)
{
    if (gcw__enter() != 0)
        return NULL;
    return (gcw_intern *)gcw__map_make(GCW__INTERNED, NULL,
                                       &gcw__intern_ops);
}

size_t
gcw_intern_count(gcw_intern *t)
{
    return gcw__map_entries((gcw_map *)t, __func__, "given t");
}

/* Never 0; and where addresses do not have their highest bit, no address, so
 * that it holds nothing when it lies on a stack.  Mixed, for the table expects
 * addresses, whose lowest bits say little. */
static uintptr_t
key_of_hash(uint64_t hash)
{
    return gcw__mix((uintptr_t)(hash ^ hash >> 32)) | ~(UINTPTR_MAX >> 1);
}

/* Objects that are not what is wanted: each is held.  The array moves to the
 * heap when it is full. */
struct compared {
    void **objects;
    size_t n, room;
    size_t at;                       /* where the next is looked for first */
    void *first[8];
};

/* False with errno. */
static bool
remember(struct compared *c, void *object)
{
    void **more;

    if (c->n == c->room) {
        more = gcw__new(2 * c->room * sizeof *more);
        if (more == NULL)
            return gcw__fail_false(ENOMEM);
        memcpy(more, c->objects, c->n * sizeof *more);
        c->objects = more;
        c->room *= 2;
    }
    c->objects[c->n++] = object;
    return true;
}

/* They are mostly asked for in the order in which they were compared. */
static bool
was_compared(struct compared *c, uintptr_t object)
{
    for (size_t i = 0; i < c->n; i++) {
        size_t at = (c->at + i) % c->n;

        if ((uintptr_t)c->objects[at] == object) {
            c->at = at + 1;
            return true;
        }
    }
    return false;
}

/* Looking. */

struct wanted {
    gcw_map *map;
    uintptr_t key;
    gcw_equal_fn *equal;
    const void *what;
};

/* The next object of that hash, alive; *at is where the walk is.  NULL at the
 * end. */
static void *
next_object(struct gcw__map_table *t, uintptr_t key, size_t *at)
{
    size_t mask = gcw__map_table_mask(t);

    for (;;) {
        GC_word done = gcw__engine_load_done();
        size_t after = *at;
        struct gcw__weak_entry *e = gcw__map_table_next(t, mask, key, &after);
        void *object = NULL;

        GCW__DELAY(1);
        if (e != NULL)
            object = (void *)atomic_load_explicit(&e->value,
                                                  memory_order_acquire);
        GCW__DELAY(2);
        if (!gcw__engine_is_done(done)) {
            gcw__engine_catch_up();
            continue;
        }
        *at = after;
        if (e == NULL || object != NULL)
            return object;
    }
}

/* Sets *found to it, or to NULL.  The others are remembered, unless that is
 * NULL.  False with errno. */
static bool
look_for(const struct wanted *w, struct compared *compared, void **found)
{
    struct gcw__map_table *t = gcw__map_table(w->map);
    size_t at = gcw__table_place(w->key);

    while ((*found = next_object(t, w->key, &at)) != NULL) {
        bool equal = w->equal(w->what, *found);

        GCW__KEEP(*found);
        if (equal)
            break;
        if (compared != NULL && !remember(compared, *found)) {
            *found = NULL;
            return false;
        }
    }
    GCW__KEEP(t);
    GCW__KEEP(w->map);
    return true;
}

void *
gcw_intern_find(gcw_intern *t, uint64_t hash, gcw_equal_fn *equal,
                const void *wanted)
{
    const struct wanted w = { (gcw_map *)t, key_of_hash(hash), equal, wanted };
    void *found;

    if (gcw__enter() != 0)
        return NULL;
    if (t == NULL || equal == NULL)
        return gcw__refuse_null(EINVAL, "given t, given equal",
                                t, (void *)equal);
    look_for(&w, NULL, &found);
    return found;
}

/* Adding. */

struct adding {
    struct gcw__map_room room;       /* first member; the map */
    struct wanted wanted;
    struct compared compared;
    void *made;
    void *rival;                     /* was added since, and is to be compared;
                                      * NULL: `made` is in the table */
};

/* Finds a slot for the object, or NULL; or a rival. */
static struct gcw__weak_entry *
slot_or_rival(struct adding *a, struct gcw__map_table *t)
{
    uintptr_t key = a->wanted.key;
    size_t mask = gcw__map_table_mask(t), at = gcw__table_place(key);
    struct gcw__weak_entry *e, *empty = NULL;

    a->rival = NULL;
    a->compared.at = 0;
    while ((e = gcw__map_table_next(t, mask, key, &at)) != NULL) {
        uintptr_t object = atomic_load_explicit(&e->value,
                                                memory_order_acquire);

        if (object == 0) {
            empty = e;
        } else if (!was_compared(&a->compared, object)) {
            a->rival = (void *)object;
            break;
        }
    }
    return empty;
}

static int
put_in(struct adding *a, struct gcw__weak_entry *slot)
{
    gcw_map *m = a->wanted.map;

    if (slot != NULL) {
        atomic_store_explicit(&slot->value, (uintptr_t)a->made,
                              memory_order_release);
        m->counts.again++;
        return 0;
    }
    if (!gcw__map_has_room(&a->room))
        return GCW__MISSING;
    gcw__map_insert(m, a->wanted.key, (uintptr_t)a->made);
    return 0;
}

static int
try_to_add_object(void *adding)
{
    struct adding *a = adding;
    GC_word done = gcw__engine_load_done();
    struct gcw__weak_entry *slot = slot_or_rival(a,
                                                 gcw__map_table(a->wanted.map));

    GCW__DELAY(3);
    a->room.missed = !gcw__engine_is_done(done);
    if (a->room.missed)
        return GCW__MISSING;
    if (a->wanted.map->container->closed)
        return ESTALE;
    return a->rival != NULL ? 0 : put_in(a, slot);
}

/* The object that then is in the table: the one that was made, or a rival.
 * NULL with errno. */
static void *
add_object(struct adding *a)
{
    pthread_mutex_t *lock = gcw__map_lock(a->wanted.map->container);

    for (;;) {
        int error = gcw__with_spare(lock, try_to_add_object,
                                    gcw__map_fill_room, a);

        GCW__KEEP(a->made);
        if (error != 0) {
            gcw__refused("gcw_intern_add", error, "open t", a->wanted.map);
            return NULL;
        }
        if (a->rival == NULL)
            return a->made;
        if (a->wanted.equal(a->wanted.what, a->rival))
            return a->rival;
        if (!remember(&a->compared, a->rival))
            return NULL;
    }
}

static void *
find_or_add(struct adding *a, void *(*make)(const void *wanted, void *data),
            void *data)
{
    void *found;

    a->compared.objects = a->compared.first;
    a->compared.room = sizeof a->compared.first / sizeof a->compared.first[0];
    if (!look_for(&a->wanted, &a->compared, &found) || found != NULL)
        return found;
    a->made = make(a->wanted.what, data);
    if (a->made == NULL)
        return NULL;
    if (gcw__base(a->made) == NULL || !gcw__holdable(a->made)) {
        gcw__refused("gcw_intern_add", EINVAL, "heap make's object, held make's"
                     " object", a->made, a->made);
        return NULL;
    }
    return add_object(a);
}

void *
gcw_intern_add(gcw_intern *t, uint64_t hash, gcw_equal_fn *equal,
               const void *wanted,
               void *(*make)(const void *wanted, void *data), void *data)
{
    struct adding a = {
        .room.map = (gcw_map *)t,
        .wanted = { (gcw_map *)t, key_of_hash(hash), equal, wanted }
    };
    void *object;

    if (gcw__enter() != 0)
        return NULL;
    if (t == NULL || equal == NULL || make == NULL)
        return gcw__refuse_null(EINVAL, "given t, given equal, given make", t,
                                (void *)equal, (void *)make);
    object = find_or_add(&a, make, data);
    GCW__KEEP(a.wanted.map);
    return object;
}
