/* cleanup.c: functions that run once when their target dies.
 *
 * State.  A cleanup is ARMED until one of these wins it, by a single exchange
 * of the state: a drain, run, exit, detach, or the unloading of the code.  A
 * pending cleanup is still ARMED; that it is pending shows only in the drain's
 * queue.  The winner takes the cleanup off its references, and its data from
 * it; one that was pending stays in the queue, without its data, until it is
 * tidied away (drain.c).
 *
 *     ARMED --- a drain: no lock ------------------------> TAKEN
 *       |  --- run, exit, unloading: queue lock ---------> DONE
 *       +----- detach, unloading, late: queue lock ------> DETACHED
 *
 * What holds a cleanup: its watch, in the slot of its target's reference; or
 * the drain's queue.  All cleanups that have still to run are also in an order
 * (cleanup-order.c), which exit goes through, newest first, and which holds
 * nothing.  The order is under the queue lock.  Whoever wins with that lock
 * takes the cleanup out at once.  One that a drain takes, without it, stays in
 * the order for as long as it is in the queue, which holds it, and leaves both
 * together.  So whoever goes through the order tidies the queues first, and must
 * win what it finds there: a drain may be faster.
 *
 * A death callback of a method is a cleanup whose data is the pair of method
 * and user's data.  With weak data the cleanup's own watch is on no reference;
 * instead it has two feelers, watches on the method's object and data, and the
 * first whose target dies makes the cleanup pending.
 *
 * There may be millions of cleanups, so what only a death callback of a method
 * needs is not in the others, nor is the queue in those of the default one.
 *
 * All that a death needs is in the cleanup, so noticing it cannot fail.
 */
#include <config.h>
#include "deliver/cleanup.h"

#include "deliver/cleanup-order.h"
#include "deliver/drain.h"
#include "ground/code.h"
#include "ground/delay.h"
#include "ground/guard.h"
#include "ground/leader.h"
#include "ground/limit.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/process.h"
#include "ground/report.h"
#include "ground/roots.h"
#include "ground/trace.h"
#include "weak/call.h"
#include "weak/death.h"
#include "weak/enter.h"
#include "weak/label.h"
#include "weak/method.h"
#include "weak/pair.h"
#include "weak/ref.h"

enum {
    ARMED = GCW__CLEANUP_ARMED,
    DONE = GCW__CLEANUP_DONE,
    DETACHED = GCW__CLEANUP_DETACHED
};

_Static_assert(sizeof(gcw_cleanup) == 64 || sizeof(void *) != 8,
               "a cleanup is small");

/* The death callback of a method. */
struct method_cleanup {
    gcw_cleanup base;
    uintptr_t code;                  /* constant: where user code is */
    struct feeler *self, *data;      /* constant; NULL but for weak data */
    bool pending;                    /* the target of a feeler has died; under
                                      * the sweep lock */
};

/* Those of a queue that is not the default one. */
struct queued_cleanup {
    gcw_cleanup base;
    gcw_queue *queue;                /* constant */
};

struct queued_method {
    struct method_cleanup base;
    gcw_queue *queue;                /* constant */
};

struct feeler {
    struct gcw__watch watch;
    struct method_cleanup *owner;
};

/* The data of the death callback of a method. */
struct method_death {
    gcw_method *method;
    void (*notify)(gcw_method *m, void *data);
    void *data;
};

/* The race. */

static int
state_of(const gcw_cleanup *c)
{
    return gcw__cleanup_state(c);
}

/* How many have run, but for those that drains have taken.  Under the lock. */
static uint64_t cleanups_ran;

/* Gives the cleanup that state if it is ARMED; whether it was.  Lock held. */
static bool
win_locked(gcw_cleanup *c, unsigned char state)
{
    GCW__DELAY(3);
    if (!gcw__cleanup_win(c, state))
        return false;
    gcw__cleanup_order_remove(c);
    cleanups_ran += state == DONE;
    return true;
}

static bool
win(gcw_cleanup *c, unsigned char state)
{
    bool won;

    GCW__DELAY(1);
    gcw__lock(&gcw__queue_lock, true);
    won = win_locked(c, state);
    gcw__unlock(&gcw__queue_lock);
    GCW__DELAY(2);
    return won;
}

/* Takes the data of a cleanup that was won. */
static void *
take_data(gcw_cleanup *c)
{
    void *data = atomic_load_explicit(&c->data, memory_order_relaxed);

    atomic_store_explicit(&c->data, NULL, memory_order_relaxed);
    return data;
}

/* What the sweep and the drain call. */

/* Drops a cleanup that will not run, since the process is exiting.  Were it
 * queued, all that other threads make and drop during the exit would be kept
 * and marked, and slow the exit down.  False if the lock could not be had. */
static __attribute__((__noinline__)) bool
let_go(gcw_cleanup *c, bool may_wait)
{
    bool won;

    if (!gcw__lock(&gcw__queue_lock, may_wait))
        return false;
    won = win_locked(c, DETACHED);
    gcw__unlock(&gcw__queue_lock);
    if (won)
        take_data(c);
    return true;
}

static inline bool
died_too_late(const gcw_cleanup *c)
{
    return !GCW__LIKELY(!atomic_load_explicit(&c->late, memory_order_relaxed))
           && gcw__exit_is_begun();
}

static bool
cleanup_died(struct gcw__watch *watch, bool may_wait)
{
    if (died_too_late((gcw_cleanup *)watch))
        return let_go((gcw_cleanup *)watch, may_wait);
    gcw__queue_push(gcw__roots->queue, watch);
    return true;
}

static bool
queued_died(struct gcw__watch *watch, bool may_wait)
{
    gcw_cleanup *c = (gcw_cleanup *)watch;

    if (died_too_late(c))
        return let_go(c, may_wait);
    gcw__queue_push_to(gcw__cleanup_queue(c), watch);
    return true;
}

static bool
feeler_died(struct gcw__watch *watch, bool may_wait)
{
    struct method_cleanup *owner = ((struct feeler *)watch)->owner;
    struct gcw__watch *its = &owner->base.watch;

    if (!owner->pending)
        owner->pending = its->ops->died(its, may_wait);
    return owner->pending;
}

/* Fills in what all cleanups have, and tells whether the user's code is still
 * there. */
static inline bool
finish_call(gcw_cleanup *c, gcw_call *out)
{
    out->self = NULL;
    out->handle = c;
    GCW__TRACE2(cleanup__run, c, out->fn);
    return !gcw__code_gone((uintptr_t)out->fn);
}

/* The watch is off its reference already. */
static bool
take_plain(struct gcw__watch *watch, gcw_call *out)
{
    gcw_cleanup *c = (gcw_cleanup *)watch;

    out->kind = GCW_CALL_FUNCTION;
    out->fn = (void (*)(void))c->fn;
    out->arg = NULL;
    out->data = take_data(c);
    return finish_call(c, out);
}

static uintptr_t
code_of_plain(const struct gcw__watch *watch)
{
    return (uintptr_t)((const gcw_cleanup *)watch)->fn;
}

static uintptr_t
code_of_method(const struct gcw__watch *watch)
{
    return ((const struct method_cleanup *)watch)->code;
}

static struct gcw__pair
feelers_of(const struct method_cleanup *m)
{
    struct gcw__pair pair = { NULL, NULL };

    if (m->self != NULL)
        pair = (struct gcw__pair){ &m->self->watch, &m->data->watch };
    return pair;
}

/* One of the two feelers may still be on its reference. */
static bool
take_method(struct gcw__watch *watch, gcw_call *out)
{
    gcw_cleanup *c = (gcw_cleanup *)watch;
    const struct method_death *death = take_data(c);

    gcw__pair_unwatch(feelers_of((struct method_cleanup *)c), true);
    out->kind = GCW_CALL_DEATH;
    out->fn = (void (*)(void))death->notify;
    out->arg = death->method;
    out->data = death->data;
    return finish_call(c, out);
}

static const struct gcw__watch_ops plain_ops = {
    .died = cleanup_died, .take = take_plain, .code = code_of_plain
};
static const struct gcw__watch_ops method_ops = {
    .died = cleanup_died, .take = take_method, .code = code_of_method
};
static const struct gcw__watch_ops queued_ops = {
    .died = queued_died, .take = take_plain, .code = code_of_plain
};
static const struct gcw__watch_ops queued_method_ops = {
    .died = queued_died, .take = take_method, .code = code_of_method
};
static const struct gcw__watch_ops feeler_ops = { .died = feeler_died };

/* What others call. */

static uintptr_t
code_of(const gcw_cleanup *c)
{
    return c->watch.ops->code(&c->watch);
}

/* The cleanup as the death callback of a method; NULL if it is not one. */
static struct method_cleanup *
method_cleanup(gcw_cleanup *c)
{
    return c->watch.ops == &method_ops || c->watch.ops == &queued_method_ops
        ? (struct method_cleanup *)c : NULL;
}

gcw_queue *
gcw__cleanup_queue(const gcw_cleanup *c)
{
    if (c->watch.ops == &queued_ops)
        return ((const struct queued_cleanup *)c)->queue;
    if (c->watch.ops == &queued_method_ops)
        return ((const struct queued_method *)c)->queue;
    return gcw__roots->queue;
}

/* The watches by which the cleanup learns of a death. */
static struct gcw__pair
watches_of_cleanup(gcw_cleanup *c)
{
    const struct method_cleanup *m = method_cleanup(c);

    return m != NULL && m->self != NULL ? feelers_of(m)
        : (struct gcw__pair){ &c->watch, NULL };
}

static void
unwatch(gcw_cleanup *c)
{
    gcw__pair_unwatch(watches_of_cleanup(c), true);
}

/* Runs a cleanup that was won. */
static void
run_won(gcw_cleanup *c)
{
    gcw_call call;

    unwatch(c);
    GCW__DELAY(5);
    if (c->watch.ops->take(&c->watch, &call))
        gcw__call_make(&call);
}

/* Detaches the cleanup, if it has still to run; whether it had. */
static bool
detach_cleanup(gcw_cleanup *c)
{
    if (!win(c, DETACHED))
        return false;
    take_data(c);
    GCW__DELAY(6);
    unwatch(c);
    return true;
}

/* Looking at a cleanup from outside. */

void
gcw__cleanup_look_at(gcw_cleanup *c, struct gcw__cleanup_look *out)
{
    const struct method_cleanup *m = method_cleanup(c);

    *out = (struct gcw__cleanup_look){ m != NULL, code_of(c),
                                       { c->watch.ref, NULL } };
    if (m != NULL && m->data != NULL)
        out->waits_for[1] = m->data->watch.ref;
}

size_t
gcw__cleanups_count(void)
{
    size_t n;

    gcw__lock(&gcw__queue_lock, true);
    gcw__queues_tidy();
    n = gcw__cleanup_order_count();
    gcw__unlock(&gcw__queue_lock);
    return n;
}

uint64_t
gcw__cleanups_ran(void)
{
    uint64_t n;

    gcw__lock(&gcw__queue_lock, true);
    gcw__queues_tidy();
    n = cleanups_ran + gcw__queues_taken();
    gcw__unlock(&gcw__queue_lock);
    return n;
}

/* Making a cleanup. */

/* Allocates a cleanup, as the first member of an object of that size.  NULL:
 * no memory. */
static gcw_cleanup *
cleanup_of(size_t size, const struct gcw__watch_ops *ops,
           void (*fn)(void *data), void *data)
{
    gcw_cleanup *c = gcw__new(gcw__whole_granules(size));

    if (c == NULL)
        return NULL;
    c->watch.ops = ops;
    c->fn = fn;
    atomic_init(&c->data, data);
    atomic_init(&c->state, ARMED);
    atomic_init(&c->at_exit, true);
    c->process = gcw__process();
    c->born = gcw__born();
    return c;
}

/* Whether no more are made; once true, stays true.  Under the lock. */
static bool cleanups_closed;

/* How many the exiting thread has made during the exit.  Under the lock. */
static uint64_t made_at_exit;

/* Puts the cleanup, which watches already, in the order; unless it has been
 * won.  Returns 0 or an errno. */
static int
put_in_order(gcw_cleanup *c)
{
    int error = 0;

    gcw__lock(&gcw__queue_lock, true);
    atomic_store(&c->late, gcw__exit_is_others());
    made_at_exit += gcw__exit_is_mine();
    if (cleanups_closed)
        error = ESHUTDOWN;
    else if (gcw__queue_is_closed(gcw__cleanup_queue(c)))
        error = ESTALE;
    else if (state_of(c) == ARMED && !gcw__cleanup_order_add(c))
        error = ENOMEM;
    gcw__unlock(&gcw__queue_lock);
    return error;
}

/* The last step of making a cleanup, for a function of that name.  If it fails
 * the cleanup is taken back; if another thread has disposed of the target
 * meanwhile, and the callback has run, the cleanup was made all the same. */
static gcw_cleanup *
finish(gcw_cleanup *c, const char *function)
{
    int error;

    GCW__DELAY(4);
    error = put_in_order(c);
    if (error == 0 || !detach_cleanup(c))
        return c;
    gcw__refused(function, error, error == ESTALE ? "open q" : "",
                 gcw__cleanup_queue(c));
    return NULL;
}

/* Allocates one; NULL stands for the default queue.  NULL: no memory. */
static gcw_cleanup *
plain_cleanup_of(gcw_queue *q, void (*fn)(void *data), void *data)
{
    struct queued_cleanup *c;

    if (q == NULL)
        return cleanup_of(sizeof(gcw_cleanup), &plain_ops, fn, data);
    c = (struct queued_cleanup *)cleanup_of(sizeof *c, &queued_ops, fn, data);
    if (c == NULL)
        return NULL;
    c->queue = q;
    return &c->base;
}

static gcw_cleanup *
plain_cleanup(const char *function, gcw_queue *q, void *base, void *target,
              void (*fn)(void *data), void *data)
{
    gcw_cleanup *c = plain_cleanup_of(q, fn, data);

    if (c == NULL)
        return gcw__fail_null(ENOMEM);
    if (gcw__death_watch_new(base, target, &c->watch) == NULL)
        return NULL;
    return finish(c, function);
}

/* The same; the library has been entered. */
static inline gcw_cleanup *
cleanup_in(const char *function, gcw_queue *q, void *target,
           void (*fn)(void *data), void *data)
{
    gcw_cleanup *c;
    void *base = gcw__base(target);

    if (base == NULL || fn == NULL || gcw__base(data) == base
        || !gcw__holdable(data)) {
        gcw__refused(function, EINVAL, "heap target, given fn, apart data",
                     target, (void *)fn, data);
        return NULL;
    }
    c = plain_cleanup(function, q, base, target, fn, data);
    GCW__KEEP(target);
    return c;
}

gcw_cleanup *
gcw_cleanup_new(void *target, void (*fn)(void *data), void *data)
{
    if (gcw__enter() != 0)
        return NULL;
    return cleanup_in(__func__, NULL, target, fn, data);
}

/* NULL for the default queue. */
static gcw_queue *
own_queue(gcw_queue *q)
{
    return gcw__queue_is_default(q) ? NULL : q;
}

gcw_cleanup *
gcw_cleanup_new_in(gcw_queue *q, void *target, void (*fn)(void *data),
                   void *data)
{
    if (gcw__enter() != 0)
        return NULL;
    if (q == NULL)
        return gcw__refuse_null(EINVAL, "given q", q);
    return cleanup_in(__func__, own_queue(q), target, fn, data);
}

static struct feeler *
feeler_of(struct method_cleanup *owner, gcw_ref *ref)
{
    struct feeler *feeler = gcw__new(sizeof *feeler);

    if (feeler == NULL)
        return NULL;
    feeler->watch.ref = ref;
    feeler->watch.ops = &feeler_ops;
    feeler->owner = owner;
    return feeler;
}

/* False: no memory. */
static bool
make_feelers(struct method_cleanup *owner, const gcw_method *m)
{
    owner->self = feeler_of(owner, m->self);
    owner->data = feeler_of(owner, gcw__method_weak_data(m));
    return owner->self != NULL && owner->data != NULL;
}

/* NULL stands for the default queue.  NULL: no memory. */
static gcw_cleanup *
death_cleanup_of(gcw_queue *q, struct method_death *death)
{
    struct queued_method *c;

    if (q == NULL)
        return cleanup_of(sizeof(struct method_cleanup), &method_ops, NULL,
                          death);
    c = (struct queued_method *)cleanup_of(sizeof *c, &queued_method_ops, NULL,
                                           death);
    if (c == NULL)
        return NULL;
    c->queue = q;
    return &c->base.base;
}

/* Allocates a death callback, which watches nothing yet.  NULL: no memory. */
static gcw_cleanup *
method_cleanup_of(gcw_queue *q, gcw_method *m,
                  void (*notify)(gcw_method *, void *), void *data)
{
    struct method_death *death = gcw__new(sizeof *death);
    struct method_cleanup *owner;
    gcw_cleanup *c;

    if (death == NULL)
        return NULL;
    *death = (struct method_death){ m, notify, data };
    c = death_cleanup_of(q, death);
    if (c == NULL)
        return NULL;
    c->watch.ref = m->self;
    atomic_init(&c->at_exit, false);
    owner = (struct method_cleanup *)c;
    owner->code = (uintptr_t)notify;
    return gcw__method_weak_data(m) == NULL || make_feelers(owner, m) ? c
                                                                   : NULL;
}

/* Has the death callback watch; if a target is dead, takes that back. */
static gcw_cleanup *
arm_method(const char *function, gcw_cleanup *c, const gcw_method *m)
{
    if (gcw__pair_watch(watches_of_cleanup(c)))
        return finish(c, function);
    detach_cleanup(c);
    gcw__refused(function, ESTALE, "method m", m);
    return NULL;
}

/* `bound` keeps the targets alive until the watches are on. */
static gcw_cleanup *
on_death(const char *function, gcw_queue *q, gcw_method *m,
         const gcw_bound *bound, void (*notify)(gcw_method *, void *),
         void *data)
{
    void *base = gcw__base(data);
    gcw_cleanup *c;

    if (base != NULL && (base == gcw__base(bound->self)
                         || (gcw__method_weak_data(m) != NULL
                             && base == gcw__base(bound->data)))) {
        gcw__refused(function, EINVAL, "method m, apart data, because data is"
                     " the weak data of m", m, data);
        return NULL;
    }
    c = method_cleanup_of(q, m, notify, data);
    if (c == NULL)
        return gcw__fail_null(ENOMEM);
    c = arm_method(function, c, m);
    GCW__KEEP(bound->self);
    GCW__KEEP(bound->data);
    return c;
}

/* The library has been entered. */
static gcw_cleanup *
method_on_death(const char *function, gcw_queue *q, gcw_method *m,
                void (*notify)(gcw_method *m, void *data), void *data)
{
    gcw_bound bound;

    if (m == NULL || notify == NULL || !gcw__holdable(data)) {
        gcw__refused(function, EINVAL, "method m, given notify, held data", m,
                     (void *)notify, data);
        return NULL;
    }
    if (!gcw_method_bind(m, &bound)) {
        gcw__refused(function, ESTALE, "method m", m);
        return NULL;
    }
    return on_death(function, q, m, &bound, notify, data);
}

gcw_cleanup *
gcw_method_on_death(gcw_method *m, void (*notify)(gcw_method *m, void *data),
                    void *data)
{
    if (gcw__enter() != 0)
        return NULL;
    return method_on_death(__func__, NULL, m, notify, data);
}

gcw_cleanup *
gcw_method_on_death_in(gcw_queue *q, gcw_method *m,
                       void (*notify)(gcw_method *m, void *data), void *data)
{
    if (gcw__enter() != 0)
        return NULL;
    if (q == NULL)
        return gcw__refuse_null(EINVAL, "given q", q);
    return method_on_death(__func__, own_queue(q), m, notify, data);
}

/* Looking at a cleanup, and ending it. */

bool
gcw_cleanup_alive(const gcw_cleanup *c)
{
    if (c == NULL)
        return gcw__refuse_false(EINVAL, "given c", c);
    return state_of(c) == ARMED;
}

/* Whether the weak data is alive, or there is none. */
static bool
weak_data_lives(const gcw_cleanup *c)
{
    const struct method_cleanup *m = method_cleanup((gcw_cleanup *)c);

    return m == NULL || m->data == NULL
           || gcw__read(m->data->watch.ref) != NULL;
}

void *
gcw_cleanup_peek(const gcw_cleanup *c)
{
    if (c == NULL)
        return gcw__refuse_null(EINVAL, "given c", c);
    return state_of(c) == ARMED && weak_data_lives(c)
        ? gcw__read(c->watch.ref) : NULL;
}

struct single_run {
    gcw_cleanup *c;
    bool ran, told;
};

static bool
run_single(void *arg)
{
    struct single_run *single = arg;
    gcw_cleanup *c = single->c;

    if (c != NULL && win(c, DONE)) {
        run_won(c);
        single->ran = true;
    }
    return false;
}

static void
single_told(void *arg, const char *why)
{
    struct single_run *single = arg;

    if (single->told)
        return;
    single->told = true;
    gcw__drain_failed(gcw__cleanup_queue(single->c), single->c,
                      code_of(single->c), why);
}

static void
single_failed(void *arg, const char *why)
{
    struct single_run *single = arg;

    single_told(single, why);
    single->c = NULL;
    single->ran = true;
}

bool
gcw_cleanup_run(gcw_cleanup *c)
{
    static const struct gcw__guarded how = {
        run_single, single_failed, single_told
    };
    struct single_run single = { c, false, false };

    if (gcw__enter() != 0)
        return false;
    if (c == NULL)
        return gcw__refuse_false(EINVAL, "given c", c);
    gcw__guard_run(&single, &how);
    return single.ran;
}

bool
gcw_cleanup_detach(gcw_cleanup *c)
{
    if (gcw__enter() != 0)
        return false;
    if (c == NULL)
        return gcw__refuse_false(EINVAL, "given c", c);
    return detach_cleanup(c);
}

int
gcw_cleanup_set_atexit(gcw_cleanup *c, bool at_exit)
{
    if (gcw__enter() != 0)
        return -1;
    if (c == NULL)
        return gcw__refuse_int(EINVAL, "given c", c);
    atomic_store(&c->at_exit, at_exit);
    return 0;
}

bool
gcw_cleanup_atexit(const gcw_cleanup *c)
{
    if (c == NULL)
        return gcw__refuse_false(EINVAL, "given c", c);
    return atomic_load(&c->at_exit);
}

/* At exit. */

static bool
runs_at_exit(const gcw_cleanup *c)
{
    return atomic_load(&c->at_exit) && gcw__cleanup_is_own(c);
}

/* The next cleanup that runs at exit, or NULL; a drain may have taken it.  Lock
 * held. */
static gcw_cleanup *
find_at_exit(size_t *at)
{
    gcw_cleanup *c;

    do
        c = gcw__cleanup_order_next(at);
    while (c != NULL && !runs_at_exit(c));
    return c;
}

bool
gcw__cleanups_close(void)
{
    size_t at = SIZE_MAX;
    gcw_cleanup *c;

    gcw__lock(&gcw__queue_lock, true);
    gcw__queues_tidy();
    do
        c = find_at_exit(&at);
    while (c != NULL && state_of(c) != ARMED);
    cleanups_closed = c == NULL;
    gcw__unlock(&gcw__queue_lock);
    return cleanups_closed;
}

/* Running cleanups, one after the other. */
struct ending {
    gcw_cleanup *(*take)(struct ending *ending);     /* wins the next one */
    const struct gcw__range *range;
    size_t at;
    uint64_t made;                   /* `made_at_exit` in this pass */
    bool found;                      /* whether this pass has won any */
    gcw_cleanup *current;
    bool told;                       /* it has said that it failed */
    uint64_t began;
    struct gcw__deadline deadline;   /* of an exit, for which it counts */
    bool any;
};

static struct gcw__callback
callback_of(gcw_cleanup *c)
{
    return (struct gcw__callback){ "cleanup", NULL, gcw__label_of(c),
                                   code_of(c) };
}

static void
begin_ending(struct ending *ending)
{
    struct gcw__callback callback;

    ending->began = gcw__report_begin(GCW_TOLD_EXIT);
    if (GCW__LIKELY(gcw__deadlines_here == 0))
        return;
    callback = callback_of(ending->current);
    gcw__deadline_note(&ending->deadline, &callback);
}

static void
report_ended(struct ending *ending, bool failed)
{
    struct gcw__callback callback;

    gcw__deadline_end(&ending->deadline);
    if (GCW__LIKELY(ending->began == 0))
        return;
    callback = callback_of(ending->current);
    gcw__report_end(&callback, GCW_TOLD_EXIT, ending->began, failed);
}

/* Runs also when a callback has thrown, or has ended its thread. */
static void
leave_ending(struct ending *ending)
{
    gcw__deadline_end(&ending->deadline);
}

/* Runs the next cleanup.  The callback may make cleanups, and end others,
 * which are not in the order any more then. */
static bool
ending_step(void *arg)
{
    struct ending *ending = arg;
    gcw_cleanup *c = ending->take(ending);

    ending->current = c;
    if (c == NULL)
        return false;
    ending->any = true;
    ending->told = false;
    begin_ending(ending);
    run_won(c);
    report_ended(ending, false);
    return true;
}

static void
ending_told(void *arg, const char *why)
{
    struct ending *ending = arg;
    gcw_cleanup *c = ending->current;

    if (ending->told)
        return;
    ending->told = true;
    gcw__drain_failed(gcw__cleanup_queue(c), c, code_of(c), why);
}

static void
ending_failed(void *arg, const char *why)
{
    report_ended(arg, true);
    ending_told(arg, why);
}

static const struct gcw__guarded ending_guard = {
    ending_step, ending_failed, ending_told
};

/* Lock held. */
static void
begin_pass(const struct ending *ending)
{
    if (ending->at == SIZE_MAX)
        gcw__queues_tidy();
}

/* Cleanups that a callback makes come next.  A cleanup that does not run at
 * exit stays in the order, where the unloading of its code finds it. */
static gcw_cleanup *
take_at_exit(struct ending *ending)
{
    gcw_cleanup *c;

    gcw__lock(&gcw__queue_lock, true);
    if (ending->made != made_at_exit)
        ending->at = SIZE_MAX;
    ending->made = made_at_exit;
    begin_pass(ending);
    do
        c = find_at_exit(&ending->at);
    while (c != NULL && !win_locked(c, DONE));
    gcw__unlock(&gcw__queue_lock);
    return c;
}

bool
gcw__cleanups_at_exit(void)
{
    __attribute__((__cleanup__(leave_ending))) struct ending ending = {
        .take = take_at_exit, .at = SIZE_MAX
    };

    gcw__guard_run(&ending, &ending_guard);
    return ending.any;
}

/* Unloaded code. */

/* The next cleanup whose code lies in the range, or NULL.  Lock held. */
static gcw_cleanup *
find_next(const struct gcw__range *range, size_t *at)
{
    gcw_cleanup *c;

    do
        c = gcw__cleanup_order_next(at);
    while (c != NULL && !gcw__in_range(code_of(c), range));
    return c;
}

static bool
runs_when_unloaded(gcw_cleanup *c)
{
    return gcw__cleanup_is_own(c)
           && (atomic_load(&c->at_exit)
               || !gcw__pair_alive(watches_of_cleanup(c)));
}

/* Wins the next cleanup in the range, or NULL; *runs: whether it is to run. */
static gcw_cleanup *
win_next(struct ending *ending, bool *runs)
{
    gcw_cleanup *c;

    gcw__lock(&gcw__queue_lock, true);
    begin_pass(ending);
    do {
        c = find_next(ending->range, &ending->at);
        *runs = c != NULL && runs_when_unloaded(c);
    } while (c != NULL && !win_locked(c, *runs ? DONE : DETACHED));
    gcw__unlock(&gcw__queue_lock);
    return c;
}

/* The next cleanup of this pass that is to be run, or NULL. */
static gcw_cleanup *
next_of_pass(struct ending *ending)
{
    gcw_cleanup *c;
    bool runs;

    while ((c = win_next(ending, &runs)) != NULL) {
        ending->found = true;
        if (runs)
            return c;
        take_data(c);
        unwatch(c);
    }
    return NULL;
}

/* Callbacks may make cleanups, so passes are repeated until one finds none. */
static gcw_cleanup *
take_unloading(struct ending *ending)
{
    gcw_cleanup *c;

    while ((c = next_of_pass(ending)) == NULL && ending->found) {
        ending->found = false;
        ending->at = SIZE_MAX;
    }
    return c;
}

bool
gcw__cleanups_object_unloading(const struct gcw__range *range)
{
    __attribute__((__cleanup__(leave_ending))) struct ending ending = {
        .take = take_unloading, .range = range, .at = SIZE_MAX
    };

    gcw__guard_run(&ending, &ending_guard);
    return ending.any;
}
