/* cleanup.c: functions that run once when their target dies.
 *
 * State.  ARMED until one compare-and-swap, by whoever wins: the drain, run,
 * exit, detach, or the unloading of the code.  A pending cleanup is still
 * ARMED; that it is pending shows only in the drain's queue.  Everybody who
 * wins takes the cleanup out of what held it; a pending one stays in the
 * queue, without its data, until the drain comes to it and passes on.
 *
 * What holds a cleanup: its watch, in the slot of its target's reference; the
 * drain's queue; and the list of all that have still to run, newest first,
 * which exit goes through.  That list is under the lock here, the rest under
 * the locks of their own files; never two at a time.
 *
 * A death callback of a method is a cleanup whose data is the pair of method
 * and user's data.  With weak data there are two watches, and the first that
 * is told of a death makes the cleanup pending.
 *
 * All that a death needs is in the cleanup, so noticing it cannot fail.
 */
#include <config.h>
#include "cleanup.h"

#include "code.h"
#include "death.h"
#include "drain.h"
#include "fork.h"
#include "guard.h"
#include "init.h"
#include "lock.h"
#include "method.h"
#include "ref.h"
#include "roots.h"

enum { ARMED, DONE, DETACHED };

struct second_watch {
    struct gcw__watch watch;
    gcw_cleanup *owner;
};

struct gcw_cleanup {
    struct gcw__pending pending;     /* first member: its watch */
    struct second_watch *second;     /* constant; NULL but for weak data */
    gcw_cleanup *older;              /* under the lock */
    uintptr_t newer;                 /* the same, hidden, so that collections
                                      * follow the list in one direction */
    void (*fn)(void *data);          /* constant */
    uintptr_t code;                  /* constant: where user code is */
    void *data;                      /* the winner's to clear */
    atomic_int state;
    atomic_bool told;                /* of a death */
    atomic_bool at_exit;
    bool listed;                     /* under the lock */
    unsigned process;                /* constant */
};

/* A death callback of a method: the data of its cleanup. */
struct method_death {
    gcw_method *method;
    void (*notify)(gcw_method *m, void *data);
    void *data;
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;

/* The list. */

static void
enlist(gcw_cleanup *c)
{
    struct gcw__roots *roots = gcw__roots;

    gcw__lock(&list_lock, true);
    c->older = roots->newest;
    c->newer = ~(uintptr_t)NULL;
    if (c->older != NULL)
        c->older->newer = ~(uintptr_t)c;
    roots->newest = c;
    c->listed = true;
    gcw__unlock(&list_lock);
}

/* Lock held. */
static void
delist(gcw_cleanup *c)
{
    gcw_cleanup *newer = (gcw_cleanup *)~c->newer;

    if (!c->listed)
        return;
    if (newer != NULL)
        newer->older = c->older;
    else
        gcw__roots->newest = c->older;
    if (c->older != NULL)
        c->older->newer = c->newer;
    c->older = NULL;
    c->listed = false;
}

/* The race. */

static bool
win(gcw_cleanup *c, int state)
{
    int armed = ARMED;

    return atomic_compare_exchange_strong(&c->state, &armed, state);
}

/* A watch that told of the death is off already. */
static void
unwatch(gcw_cleanup *c)
{
    if (c->second == NULL && atomic_load(&c->told))
        return;
    gcw__watch_remove(&c->pending.watch, true);
    if (c->second != NULL)
        gcw__watch_remove(&c->second->watch, true);
}

/* Takes what was won out of all that held it; returns its data. */
static void *
take_out(gcw_cleanup *c)
{
    void *data = c->data;

    c->data = NULL;
    gcw__lock(&list_lock, true);
    delist(c);
    gcw__unlock(&list_lock);
    unwatch(c);
    return data;
}

/* Runs it, if it has still to run. */
static bool
run(gcw_cleanup *c)
{
    void *data;

    if (!win(c, DONE))
        return false;
    data = take_out(c);
    if (!gcw__code_gone(c->code))
        c->fn(data);
    return true;
}

/* What the sweep and the drain call. */

static bool
tell(gcw_cleanup *c)
{
    if (!atomic_exchange(&c->told, true))
        gcw__drain_push(&c->pending);
    return true;
}

static bool
died(struct gcw__watch *watch, bool may_wait)
{
    (void)may_wait;
    return tell((gcw_cleanup *)watch);
}

static bool
second_died(struct gcw__watch *watch, bool may_wait)
{
    (void)may_wait;
    return tell(((struct second_watch *)watch)->owner);
}

static bool
run_pending(struct gcw__watch *watch)
{
    return run((gcw_cleanup *)watch);
}

static uintptr_t
code_of(const struct gcw__watch *watch)
{
    return ((const gcw_cleanup *)watch)->code;
}

static const struct gcw__watch_ops first_ops = {
    died, run_pending, code_of
};
static const struct gcw__watch_ops second_ops = {
    second_died, NULL, NULL
};

/* Making one. */

static gcw_cleanup *
cleanup_of(gcw_ref *ref, void (*fn)(void *data), uintptr_t code, void *data)
{
    gcw_cleanup *c = GC_MALLOC(sizeof *c);

    if (c == NULL)
        return NULL;
    c->pending.watch.ref = ref;
    c->pending.watch.ops = &first_ops;
    c->fn = fn;
    c->code = code;
    c->data = data;
    atomic_init(&c->state, ARMED);
    atomic_init(&c->at_exit, true);
    c->process = gcw__process();
    return c;
}

/* Sets it going.  NULL with ESTALE if somebody disposed of the target. */
static gcw_cleanup *
arm(gcw_cleanup *c)
{
    enlist(c);
    if (gcw__death_watch(&c->pending.watch)
        && (c->second == NULL || gcw__death_watch(&c->second->watch)))
        return c;
    if (win(c, DETACHED))
        take_out(c);
    return gcw__fail_null(ESTALE);
}

gcw_cleanup *
gcw_cleanup_new(void *target, void (*fn)(void *data), void *data)
{
    gcw_cleanup *c;
    gcw_ref *ref;
    void *base;

    if (gcw__enter() != 0)
        return NULL;
    base = gcw__base(target);
    if (base == NULL || fn == NULL || gcw__base(data) == base)
        return gcw__fail_null(EINVAL);
    ref = gcw__shard_ref(base, target, false);
    if (ref == NULL)
        return NULL;
    c = cleanup_of(ref, fn, (uintptr_t)fn, data);
    if (c != NULL)
        c = arm(c);
    else
        errno = ENOMEM;
    GCW__KEEP(target);
    return c;
}

static void
notify_method_death(void *data)
{
    struct method_death *death = data;

    death->notify(death->method, death->data);
}

static struct second_watch *
second_watch_of(gcw_cleanup *owner, gcw_ref *ref)
{
    struct second_watch *second = GC_MALLOC(sizeof *second);

    if (second == NULL)
        return NULL;
    second->watch.ref = ref;
    second->watch.ops = &second_ops;
    second->owner = owner;
    return second;
}

/* The allocations for it, not yet set going.  NULL: no memory. */
static gcw_cleanup *
method_cleanup_of(gcw_method *m, void (*notify)(gcw_method *, void *),
                  void *data)
{
    struct method_death *death = GC_MALLOC(sizeof *death);
    gcw_cleanup *c;

    if (death == NULL)
        return NULL;
    *death = (struct method_death){ m, notify, data };
    c = cleanup_of(m->self, notify_method_death, (uintptr_t)notify, death);
    if (c == NULL || gcw__method_weak_data(m) == NULL)
        return c;
    c->second = second_watch_of(c, gcw__method_weak_data(m));
    return c->second == NULL ? NULL : c;
}

/* `bound` keeps the targets alive until the watches are on. */
static gcw_cleanup *
on_death(gcw_method *m, const gcw_bound *bound,
         void (*notify)(gcw_method *, void *), void *data)
{
    void *base = gcw__base(data);
    gcw_cleanup *c;

    if (base != NULL && base == gcw__base(bound->self))
        return gcw__fail_null(EINVAL);
    if (base != NULL && gcw__method_weak_data(m) != NULL
        && base == gcw__base(bound->data))
        return gcw__fail_null(EINVAL);
    c = method_cleanup_of(m, notify, data);
    if (c == NULL)
        return gcw__fail_null(ENOMEM);
    c = arm(c);
    GCW__KEEP(bound->self);
    GCW__KEEP(bound->data);
    return c;
}

gcw_cleanup *
gcw_method_on_death(gcw_method *m, void (*notify)(gcw_method *m, void *data),
                    void *data)
{
    gcw_bound bound;

    if (gcw__enter() != 0)
        return NULL;
    if (m == NULL || notify == NULL)
        return gcw__fail_null(EINVAL);
    if (!gcw_method_bind(m, &bound))
        return gcw__fail_null(ESTALE);
    return on_death(m, &bound, notify, data);
}

/* Looking at one, and ending it. */

bool
gcw_cleanup_alive(const gcw_cleanup *c)
{
    if (c == NULL) {
        errno = EINVAL;
        return false;
    }
    return atomic_load(&c->state) == ARMED;
}

void *
gcw_cleanup_peek(const gcw_cleanup *c)
{
    if (c == NULL)
        return gcw__fail_null(EINVAL);
    return atomic_load(&c->state) == ARMED
        ? gcw__read(c->pending.watch.ref) : NULL;
}

struct single_run {
    gcw_cleanup *c;
    bool ran;
};

static bool
run_single(void *arg)
{
    struct single_run *single = arg;
    gcw_cleanup *c = single->c;

    if (c != NULL && run(c))
        single->ran = true;
    return false;
}

static void
single_failed(void *arg, const char *why)
{
    struct single_run *single = arg;
    gcw_cleanup *c = single->c;

    single->c = NULL;
    single->ran = true;
    if (c != NULL)
        gcw__drain_failed(c, c->code, why);
}

bool
gcw_cleanup_run(gcw_cleanup *c)
{
    struct single_run single = { c, false };

    if (gcw__enter() != 0)
        return false;
    if (c == NULL) {
        errno = EINVAL;
        return false;
    }
    gcw__guard_run(&single, run_single, single_failed);
    return single.ran;
}

bool
gcw_cleanup_detach(gcw_cleanup *c)
{
    if (gcw__enter() != 0)
        return false;
    if (c == NULL) {
        errno = EINVAL;
        return false;
    }
    if (!win(c, DETACHED))
        return false;
    take_out(c);
    return true;
}

int
gcw_cleanup_set_atexit(gcw_cleanup *c, bool at_exit)
{
    if (gcw__enter() != 0)
        return -1;
    if (c == NULL)
        return gcw__fail_int(EINVAL);
    atomic_store(&c->at_exit, at_exit);
    return 0;
}

bool
gcw_cleanup_atexit(const gcw_cleanup *c)
{
    if (c == NULL) {
        errno = EINVAL;
        return false;
    }
    return atomic_load(&c->at_exit);
}

/* At exit. */

struct exit_run {
    gcw_cleanup *current;
    bool any;
};

static gcw_cleanup *
take_newest(void)
{
    gcw_cleanup *c;

    gcw__lock(&list_lock, true);
    c = gcw__roots->newest;
    if (c != NULL)
        delist(c);
    gcw__unlock(&list_lock);
    return c;
}

/* The callback may make cleanups, which come next, and end others, which are
 * then no more in the list. */
static bool
exit_step(void *arg)
{
    struct exit_run *exit_run = arg;
    gcw_cleanup *c = take_newest();

    exit_run->current = c;
    if (c == NULL)
        return false;
    if (atomic_load(&c->at_exit) && c->process == gcw__process())
        exit_run->any |= run(c);
    return true;
}

static void
exit_failed(void *arg, const char *why)
{
    struct exit_run *exit_run = arg;
    gcw_cleanup *c = exit_run->current;

    exit_run->current = NULL;
    exit_run->any = true;
    if (c != NULL)
        gcw__drain_failed(c, c->code, why);
}

bool
gcw__cleanups_at_exit(void)
{
    struct exit_run exit_run = { NULL, false };

    gcw__guard_run(&exit_run, exit_step, exit_failed);
    return exit_run.any;
}

/* Unloaded code. */

/* Takes those in the range out of the list, into one of their own. */
static gcw_cleanup *
delist_range(const struct gcw__range *range)
{
    gcw_cleanup *c, *older, *found = NULL;

    gcw__lock(&list_lock, true);
    for (c = gcw__roots->newest; c != NULL; c = older) {
        older = c->older;
        if (gcw__in_range(c->code, range)) {
            delist(c);
            c->older = found;
            found = c;
        }
    }
    gcw__unlock(&list_lock);
    return found;
}

void
gcw__cleanups_object_unloading(const struct gcw__range *range)
{
    gcw_cleanup *c = delist_range(range), *next;

    for (; c != NULL; c = next) {
        next = c->older;
        c->older = NULL;
        if (win(c, DETACHED))
            take_out(c);
    }
}

void
gcw__cleanups_fork_prepare(void)
{
    gcw__lock(&list_lock, true);
}

void
gcw__cleanups_fork_done(void)
{
    gcw__unlock(&list_lock);
}
