/* guardian.c: guardians, which hand objects back after their death.
 *
 * A guardian's entries are in tables of the engine's (marks/weak-table.h): the
 * key is the object, the value what is handed out.  An entry is in one of these
 * states, by its two words:
 *
 *                 key              value
 *     free        odd, or 0        0             in a chain of the segment's
 *     waiting     the object       what is handed out
 *     fallen      odd              what is handed out; 0: nothing is
 *
 *     free -- gcw_guardian_add --> waiting -- the object dies, or is
 *     disposed of --> fallen -- gcw_guardian_next --> free
 *
 * The engine lets an entry fall in the pass that finds its key dead, with the
 * world stopped, and holds its value from then on.  gcw_dispose does, and a
 * collection that the engine could not make sense of, with the collector's lock.
 * Both push it on the chain `fallen`, without a lock.  Whoever hands out takes
 * that whole chain with one exchange, so nothing is popped that is pushed
 * meanwhile, and then goes through it under the guardian's lock.
 *
 * A collection may stop a thread between any two steps.  When an entry is filled
 * or emptied, one of its words is 0, or the key odd, before the other changes;
 * and what it is to hold is on the thread's stack.
 *
 * As with maps (maps.c), what is read from an entry is trusted only after it has
 * been seen that the engine has missed no collection.
 */
#include <config.h>
#include "map/guardians.h"

#include "ground/delay.h"
#include "ground/memory.h"
#include "ground/spare.h"
#include "weak/enter.h"
#include "weak/ref.h"

#include <errno.h>

static pthread_mutex_t *
guardian_lock(const gcw_guardian *g)
{
    return g->container->container.lock;
}

/* What the engine says. */

static void
push_fallen(gcw_guardian *g, struct gcw__weak_entry *entry)
{
    struct gcw__weak_entry *first = atomic_load(&g->fallen);

    do
        gcw__entry_set_after(entry, first);
    while (!atomic_compare_exchange_weak(&g->fallen, &first, entry));
}

/* While the world goes on the descriptor cannot be set without the lock. */
void
gcw__guardian_fell(void *segment, struct gcw__weak_entry *entry,
                   bool is_stopped)
{
    gcw_guardian *g = ((struct gcw__segment *)segment)->guardian;

    push_fallen(g, entry);
    if (is_stopped)
        gcw__polled_show(g->container, g);
    else
        gcw__container_untidy(&g->container->container);
}

/* What the container says. */

static void
empty_segment(struct gcw__segment *s)
{
    for (size_t i = 0; i < s->touched; i++)
        atomic_store(&s->table->entries[i].value, 0);
}

static void
guardian_empty(void *guardian)
{
    gcw_guardian *g = guardian;

    for (struct gcw__segment *s = g->first; s != NULL; s = s->next)
        empty_segment(s);
    g->first = g->last = NULL;
    g->used = g->capacity = 0;
    g->ready = NULL;
    atomic_store(&g->fallen, NULL);
    gcw__polled_hide(g->container);
}

static bool
has_ready(const void *guardian)
{
    const gcw_guardian *g = guardian;

    return g->ready != NULL || atomic_load(&g->fallen) != NULL;
}

static void
guardian_tidy(void *guardian)
{
    gcw_guardian *g = guardian;

    gcw__lock(guardian_lock(g), true);
    if (has_ready(g))
        gcw__polled_show(g->container, g);
    gcw__unlock(guardian_lock(g));
}

/* What the program says. */

gcw_guardian *
gcw_guardian_new(void)
{
    static const struct gcw__container_ops ops = {
        "guardian", "objects", false, gcw__map_lock, NULL, gcw__polled_closed,
        guardian_empty, NULL, guardian_tidy, gcw__guardian_see,
        gcw__guardian_counted
    };
    gcw_guardian *g;

    if (gcw__enter() != 0)
        return NULL;
    g = gcw__new(sizeof *g);
    if (g == NULL)
        return gcw__fail_null(ENOMEM);
    g->container = gcw__container_new(&ops, sizeof *g->container);
    if (g->container == NULL)
        return gcw__fail_null(ENOMEM);
    return gcw__container_open(&g->container->container, g) ? g : NULL;
}

struct guarding {
    gcw_guardian *guardian;
    uintptr_t object, representative;
    struct gcw__segment *fresh;
};

static int
try_to_guard(void *guarding)
{
    struct guarding *a = guarding;

    if (a->guardian->container->container.closed)
        return ESTALE;
    if (!gcw__guardian_has_room(a->guardian, &a->fresh))
        return GCW__MISSING;
    gcw__guardian_fill(a->guardian, a->object, a->representative);
    return 0;
}

static bool
get_segment(void *guarding)
{
    struct guarding *a = guarding;

    a->fresh = gcw__segment_new(a->guardian);
    return a->fresh != NULL;
}

int
gcw_guardian_add(gcw_guardian *g, const void *object, void *representative)
{
    struct guarding a = { g, 0, (uintptr_t)representative, NULL };
    int error;

    if (gcw__enter() != 0)
        return -1;
    if (representative == NULL)
        a.representative = (uintptr_t)object;
    a.object = (uintptr_t)gcw__base(object);
    if (g == NULL || a.object == 0
        || !gcw__holdable((void *)a.representative))
        return gcw__refuse_int(EINVAL, "given g, heap object, held"
                               " representative", g, object,
                               (void *)a.representative);
    error = gcw__with_spare(guardian_lock(g), try_to_guard, get_segment, &a);
    GCW__KEEP(object);
    GCW__KEEP(representative);
    GCW__KEEP(g);
    return error == 0 ? 0 : gcw__refuse_int(error, "open g", g);
}

/* The first to be handed out, or NULL; then the descriptor is unreadable, but
 * if another has fallen meanwhile.  Lock held. */
static struct gcw__weak_entry *
first_ready(gcw_guardian *g)
{
    if (g->ready == NULL)
        g->ready = atomic_exchange(&g->fallen, NULL);
    if (g->ready == NULL) {
        gcw__polled_hide(g->container);
        GCW__DELAY(3);
        if (has_ready(g))
            gcw__polled_show(g->container, g);
    }
    return g->ready;
}

struct handing {
    gcw_guardian *guardian;
    uintptr_t out;                   /* 0: nothing */
};

static void
take_ready(gcw_guardian *g, struct gcw__weak_entry *entry)
{
    g->ready = gcw__entry_after(entry);
    atomic_store(&entry->value, 0);
    gcw__guardian_give_back(entry);
}

static int
try_to_hand_out(void *handing)
{
    struct handing *h = handing;
    gcw_guardian *g = h->guardian;
    struct gcw__weak_entry *e;

    if (g->container->container.closed)
        return ESTALE;
    while (h->out == 0 && (e = first_ready(g)) != NULL) {
        GC_word done = gcw__engine_load_done();
        uintptr_t value = atomic_load(&e->value);

        GCW__DELAY(4);
        if (!gcw__engine_is_done(done))
            return GCW__MISSING;
        h->out = value;
        take_ready(g, e);
    }
    return 0;
}

static bool
catch_up_for_guardian(void *unused)
{
    (void)unused;
    gcw__engine_catch_up();
    return true;
}

void *
gcw_guardian_next(gcw_guardian *g)
{
    struct handing h = { g, 0 };
    int error;

    if (gcw__enter() != 0)
        return NULL;
    if (g == NULL)
        return gcw__refuse_null(EINVAL, "given g", g);
    error = gcw__with_spare(guardian_lock(g), try_to_hand_out,
                            catch_up_for_guardian, &h);
    GCW__KEEP(g);
    return error == 0 ? (void *)h.out : gcw__refuse_null(error, "open g", g);
}

int
gcw_guardian_fd(gcw_guardian *g)
{
    int fd;

    if (gcw__enter() != 0)
        return -1;
    if (g == NULL)
        return gcw__refuse_int(EINVAL, "given g", g);
    fd = gcw__polled_fd(g->container, g, has_ready);
    return fd >= 0 ? fd : gcw__refuse_int(errno, "open g", g);
}
