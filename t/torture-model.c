/* torture-model.c: what must be alive, what must be dead, and what must have
 * been called: the oracles.  See torture.h.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "torture.h"

struct tally *tally;
struct common *common;
atomic_bool exiting;
_Thread_local struct player *me;

/* How often one violation is told of. */
enum { TOLD = 10 };

void
tally_begin(void)
{
    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        abort();
}

void
violation(const char *what)
{
    if (atomic_fetch_add(&tally->violations, 1) < TOLD)
        dprintf(STDERR_FILENO, "# violation: %s\n", what);
}

uint64_t
moment(void)
{
    static _Atomic uint64_t moments;
    return atomic_fetch_add(&moments, 1) + 1;
}

/* --- Objects --- */

static struct life *
life_new(void)
{
    static _Atomic uint64_t serials;
    struct life *life = GC_MALLOC_ATOMIC(sizeof *life);
    if (life == NULL)
        abort();
    memset(life, 0, sizeof *life);
    life->serial = atomic_fetch_add(&serials, 1) + 1;
    return life;
}

struct object *
object_new(void)
{
    struct object *o = GC_MALLOC(sizeof *o);
    if (o == NULL)
        abort();
    o->life = life_new();
    o->serial = o->life->serial;
    o->magic = MAGIC_WORD;
    atomic_fetch_add(&tally->objects, 1);
    return o;
}

bool
is_rooted(const struct life *life)
{
    return life == NULL || atomic_load(&life->rooted);
}

/* It may be poisoned between, but not before somebody has begun to. */
static bool
is_intact(const struct life *life, struct object *o)
{
    uint64_t magic = atomic_load(&o->magic);
    return o->serial == life->serial
        && (magic == MAGIC_WORD
            || (magic == POISON && atomic_load(&life->disposing)));
}

void
judge(const struct life *life, uint64_t before, struct object *read)
{
    if (read == NULL) {
        must_be(!atomic_load(&life->rooted), "a rooted object was read dead");
        return;
    }
    must_be(before == 0, "an object was read after it was disposed of");
    if (GC_base(read) != read)
        violation("what was read is no object");
    else
        must_be(is_intact(life, read), "another or a dead object was read");
}

/* Who holds an object reads it again, unless it is disposed of meanwhile. */
void
judge_ref(const struct life *life, const gcw_ref *ref)
{
    uint64_t before = atomic_load(&life->dead_at);
    struct object *read = gcw_ref_get(ref), *again;
    judge(life, before, read);
    if (read == NULL)
        return;
    again = gcw_ref_get(ref);
    must_be(again == read || atomic_load(&life->disposing),
            "a reference was cleared though its object was held");
    judge(life, before, read);
    GC_reachable_here(read);
}

/* --- Promises --- */

struct promise *
promise_new(unsigned owner, struct life *life)
{
    struct promise *p = GC_MALLOC(sizeof *p);
    if (p == NULL)
        abort();
    p->owner = owner;
    p->life = life;
    p->process = getpid();
    return p;
}

static atomic_size_t counted, ended;

void
promises_begin(void)
{
    atomic_store(&counted, 0);
    atomic_store(&ended, 0);
}

void
promise_count(struct promise *p)
{
    p->at_exit = true;
    atomic_fetch_add(&counted, 1);
}

bool
promises_kept(void)
{
    return atomic_load(&counted) == atomic_load(&ended);
}

void
promise_ends(struct promise *p)
{
    int before = atomic_fetch_add(&p->ends, 1);
    must_be(before == 0, "called or taken back twice");
    if (p->at_exit && p->process == getpid())
        atomic_fetch_add(&ended, 1);
}

void
promise_over(struct promise *p)
{
    atomic_store(&p->over_at, moment());
}

/* Whether what is since that moment was so when it began. */
static bool
since_before(const _Atomic uint64_t *since, uint64_t began)
{
    uint64_t then = atomic_load(since);
    return then != 0 && then < began;
}

/* What the emitting thread itself has done counts at once, in the middle of
 * the emission too. */
static void
check_turn(struct promise *p, const struct emission *e)
{
    uint64_t limit = e->player == p->owner ? UINT64_MAX : e->began;
    must_be(!since_before(&p->over_at, limit),
            "called after it was taken back");
    must_be(!since_before(&p->blocked_at, limit), "called while blocked");
    must_be(p->life == NULL || !since_before(&p->life->dead_at, limit),
            "called after its object was disposed of");
}

void
promise_heard(struct promise *p, const struct emission *e,
              struct object *self)
{
    atomic_fetch_add(&tally->calls, 1);
    check_turn(p, e);
    if (p->life != NULL)
        judge(p->life, 0, self);
    if (e->player == p->owner)
        p->heard++;
    if (!p->repeats)
        promise_ends(p);
}

/* --- What is shown --- */

static unsigned
place_for(enum kind kind)
{
    return kind == FRESH ? below(FRESH_BOXES)
                         : FRESH_BOXES + below(BOXES - FRESH_BOXES);
}

/* A listener is disconnected, so that events do not grow for ever. */
void
show(enum kind kind, void *handle, struct promise *p, struct life *life)
{
    struct box *box = GC_MALLOC(sizeof *box), *old;
    if (box == NULL)
        abort();
    box->kind = kind;
    box->handle = handle;
    box->promise = p;
    box->life = life;
    if (kind == FRESH)
        box->object = handle;
    old = atomic_exchange(&common->boxes[place_for(kind)], box);
    if (old != NULL && old->kind == LISTENER)
        disconnect_shown(old);
}
