/* exit-run.c: running an exit registry.
 *
 * A run takes the newest waiting handler off, under the lock, and calls it
 * without.  So the handlers that are left are in the registry at every
 * moment: a nested run goes on with them, a handler that is registered
 * meanwhile is the next, and nothing runs twice.  A handler with `keep` is set
 * aside, and comes back when the outermost run ends; so does one that the run
 * at quick_exit passes over.
 *
 * The run for code that is unloaded does not wait for its turn: the thread
 * holds the dynamic linker's lock, which the owner may be waiting for.  This
 * run marks the handlers that it is to call, all at once, and those that are
 * registered meanwhile; other runs pass marked ones over.
 *
 * A handler that ends its thread (pthread_exit) ends the run.
 */
#include <config.h>
#include "exit/exit-levels.h"

#include "ground/code.h"
#include "ground/delay.h"
#include "ground/guard.h"
#include "ground/limit.h"
#include "ground/lock.h"
#include "ground/process.h"
#include "ground/report.h"
#include "ground/roots.h"
#include "ground/trace.h"
#include "weak/call.h"
#include "weak/enter.h"
#include "weak/method.h"


/* How many handlers were called, of all; under the lock. */
static uint64_t handlers_ran;

/* How many handlers steps have given. */
static _Atomic uint64_t handlers_given;

struct run {
    struct gcw__exit_running running;    /* first member */
    gcw_exit_registry *registry;
    struct gcw__exit_choice choice;
    struct gcw__exit_count count;
    gcw_exit_info info;              /* what methods get */
    struct gcw__exit_slot current;   /* the one that is called; a hole: none */
    bool told;                       /* it has said that it failed */
    uint64_t began;                  /* when, if its end is to be reported */
    size_t counted;                  /* how many of those called are counted in
                                      * handlers_ran */
    bool watching;                   /* the current handler's watches are to be
                                      * taken off */
    struct gcw__deadline deadline;   /* of the current handler */
    struct gcw__exit_cursor at;      /* where a run for code looks next */
    struct gcw__unloading unloading; /* of a run for code */
    struct run *outer;               /* that this thread goes on with after it */
};

/* The innermost run of this thread. */
static _Thread_local struct run *this_run
    __attribute__((__tls_model__("initial-exec")));

/* Taking the next handler. */

/* Sets the state of the handler that was called last.  Lock held. */
static inline void
finish_last(struct run *run)
{
    gcw_exit_handler *h = gcw__exit_handle(&run->current);

    if (h != NULL)
        gcw__exit_set_state(h, h->keep ? GCW__WAITING : GCW__GONE);
    run->current.kind = GCW__HOLE;
    run->running.number = 0;
    handlers_ran += run->count.called - run->counted;
    run->counted = run->count.called;
}

uint64_t
gcw__exit_ran(void)
{
    uint64_t n;

    gcw__lock(&gcw__exit_lock, true);
    n = handlers_ran + atomic_load(&handlers_given);
    gcw__unlock(&gcw__exit_lock);
    return n;
}

/* Takes a handle, which is the newest of its order unless it does not stay. */
static void
take_handle(struct run *run, struct gcw__order *o, gcw_exit_handler *h)
{
    GCW__DELAY(5);
    if (run->choice.code != NULL)
        h->keep = false;
    if (h->keep) {
        gcw__order_set_aside(o);
        gcw__exit_set_state(h, GCW__RUNNING);
    } else {
        gcw__exit_take_off(h, GCW__RUNNING);
    }
    run->watching = h->has_extra && !h->keep;
}

/* Makes the handler in the slot the current one. */
static inline void
begin_handler(struct run *run, struct gcw__order *o,
              struct gcw__exit_slot *slot)
{
    run->current = *slot;
    run->count.taken++;
    if (slot->kind == GCW__HANDLE) {
        take_handle(run, o, slot->call.handle);
    } else {
        run->running.number = slot->number;
        run->watching = false;
        gcw__exit_set_at_place(slot, false);
        if (GCW__LIKELY(slot == gcw__order_last(o)))
            gcw__order_pop(o, slot);
        else
            gcw__order_drop(o, slot);
    }
}

static bool
is_chosen(const struct gcw__exit_slot *slot, const struct gcw__range *range)
{
    return slot->leaving && gcw__in_range(gcw__exit_slot_code(slot), range);
}

/* Makes the next marked handler of the walk current; false if there is none. */
static bool
take_marked(struct run *run, struct gcw__exit_cursor *at)
{
    gcw_exit_registry *r = run->registry;
    struct gcw__exit_slot *slot;

    while ((slot = gcw__levels_next(r, at)) != NULL)
        if (is_chosen(slot, run->choice.code)) {
            begin_handler(run, gcw__levels_order(r, at), slot);
            return true;
        }
    return false;
}

/* Makes the newest marked handler current; false if there is none.  A run by
 * turns may have moved one to where this run has looked already, so there is
 * none only if none is found from the beginning.  Lock held. */
static bool
take_chosen(struct run *run)
{
    struct gcw__exit_cursor all = GCW__FROM_ALL, waiting = GCW__FROM_WAITING;
    bool from_the_beginning;

    if (run->unloading.fresh != 0) {
        run->unloading.fresh--;
        if (take_marked(run, &waiting))
            return true;
    }
    do {
        from_the_beginning = run->at.order == all.order;
        if (take_marked(run, &run->at))
            return true;
        run->at = all;
    } while (!from_the_beginning);
    return false;
}

/* Whether the run was to go down to a handler that does not wait any more. */
static bool
is_done(const struct run *run)
{
    return run->choice.place != 0 && !gcw__exit_place_waits(run->choice.place);
}

static bool
is_passed_over(const struct run *run, const struct gcw__exit_slot *slot)
{
    return slot->leaving
           || (run->choice.quick && !(slot->kind == GCW__HANDLE
                                      && slot->call.handle->quick));
}

/* Makes the newest handler of the highest level that this run is for current;
 * false if there is none.  Lock held. */
static inline __attribute__((__always_inline__)) bool
take_next(struct run *run)
{
    struct gcw__exit_slot *slot;
    struct gcw__order *o;

    while (!is_done(run) && (o = gcw__levels_top(run->registry)) != NULL) {
        slot = gcw__order_last(o);
        if (GCW__LIKELY(!is_passed_over(run, slot))) {
            begin_handler(run, o, slot);
            return true;
        }
        gcw__order_set_aside(o);
    }
    return false;
}

static bool
next(struct run *run)
{
    bool found;

    gcw__lock(&gcw__exit_lock, true);
    finish_last(run);
    found = run->choice.code == NULL ? take_next(run) : take_chosen(run);
    gcw__unlock(&gcw__exit_lock);
    GCW__DELAY(1);
    return found;
}

/* Calling the handler. */

/* The current handler has a limit, or is part of something that has one. */
static void
begin_limit(struct run *run)
{
    const gcw_exit_handler *h = gcw__exit_handle(&run->current);
    const struct gcw__exit_extra *extra = h == NULL ? NULL
                                                    : gcw__exit_extra(h);
    struct gcw__callback callback = gcw__exit_callback(&run->current, "handler");

    gcw__deadline_begin(&run->deadline, &callback,
                        extra == NULL ? 0 : extra->limit, run->info.status,
                        run->registry->limit_aborts);
}

static inline bool
has_limit(const struct run *run)
{
    const gcw_exit_handler *h = gcw__exit_handle(&run->current);

    return gcw__deadlines_here != 0
           || (h != NULL && h->has_extra && h->more.extra->limit != 0);
}

static inline void
begin_call(struct run *run, uintptr_t code)
{
    (void)code;
    GCW__TRACE2(handler__begin, gcw__exit_handle(&run->current), code);
    run->count.called++;
    run->told = false;
    run->began = gcw__report_begin(GCW_TOLD_EXIT);
    if (!GCW__LIKELY(!has_limit(run)))
        begin_limit(run);
}

static void
report_handler(const struct run *run, bool failed)
{
    struct gcw__callback callback = gcw__exit_callback(&run->current, "handler");

    gcw__report_end(&callback, GCW_TOLD_EXIT, run->began, failed);
}

static inline void
end_call(struct run *run, bool failed)
{
    GCW__TRACE1(handler__end, gcw__exit_handle(&run->current));
    gcw__deadline_end(&run->deadline);
    if (!GCW__LIKELY(run->began == 0))
        report_handler(run, failed);
}

static void
report_failed(gcw_exit_registry *r, const struct gcw__exit_slot *slot,
              const char *why)
{
    struct gcw__callback callback = gcw__exit_callback(slot, "exit handler");

    gcw__report_failure(&callback, gcw__exit_handle(slot),
                        gcw__hook_get(&r->hook, &gcw__exit_lock), why);
}

/* The handler that was called last has failed: counts and reports that, once. */
static void
count_failed(struct run *run, const struct gcw__exit_slot *slot,
             const char *why)
{
    if (run->told)
        return;
    run->told = true;
    run->count.failed++;
    report_failed(run->registry, slot, why);
}

/* The current handler says that it has failed, and goes on. */
static void
handler_told(void *arg, const char *why)
{
    struct run *run = arg;

    count_failed(run, &run->current, why);
}

/* Ends the call of the current handler, which has failed.  It does not run any
 * more when the hook hears of it. */
static void
fail(struct run *run, const char *why)
{
    struct gcw__exit_slot slot = run->current;

    end_call(run, true);
    gcw__lock(&gcw__exit_lock, true);
    finish_last(run);
    gcw__unlock(&gcw__exit_lock);
    count_failed(run, &slot, why);
}

static void
handler_call_failed(const gcw_call *call, const char *why)
{
    struct gcw__exit_slot slot = { .kind = GCW__PLAIN };

    slot.call.plain = call->fn;
    if (call->handle != NULL) {
        slot.kind = GCW__HANDLE;
        slot.call.handle = call->handle;
    }
    report_failed(call->owner, &slot, why);
}

static const struct gcw__place exit_place = { handler_call_failed };

static bool
call_of_method(gcw_exit_handler *h, gcw_exit_info *info, gcw_call *out)
{
    gcw_bound bound;

    if (!gcw_method_bind(h->call.method, &bound))
        return false;
    GCW__DELAY(4);
    info->handler = h;
    info->name = gcw__exit_name(h);
    out->kind = GCW_CALL_METHOD;
    out->fn = (void (*)(void))bound.fn;
    out->self = bound.self;
    out->arg = info;
    out->data = bound.data;
    return true;
}

static inline void
call_of_function(enum gcw_call_kind kind, void (*fn)(void), void *data,
                 gcw_call *out)
{
    out->kind = kind;
    out->fn = fn;
    out->self = out->arg = NULL;
    out->data = data;
}

static bool
call_of_handle(const struct gcw__exit_slot *slot, gcw_exit_handler *h,
               gcw_exit_info *info, gcw_call *out)
{
    if (!h->inherit && gcw__exit_process(h) != gcw__process()) {
        gcw__exit_skipped(slot, "it belongs to the process from which this one"
                          " was forked");
        return false;
    }
    if (h->kind == GCW__METHOD) {
        if (call_of_method(h, info, out))
            return true;
        gcw__exit_skipped(slot, "its object has died, or its weak data");
        return false;
    }
    call_of_function(GCW_CALL_FUNCTION, (void (*)(void))h->call.function,
                     gcw__exit_data(h), out);
    return true;
}

/* How to call a handler that was taken, with *info as a method's argument; false
 * if it is not to be called: it is dead, another process's, or its code is
 * gone. */
static inline __attribute__((__always_inline__)) bool
call_of(const struct gcw__exit_slot *slot, gcw_exit_info *info, gcw_call *out)
{
    gcw_exit_handler *h = gcw__exit_handle(slot);
    uintptr_t code = GCW__LIKELY(h == NULL) ? (uintptr_t)slot->call.plain
                                            : gcw__exit_code(h);

    if (!GCW__LIKELY(!gcw__code_gone(code))) {
        gcw__exit_skipped(slot, "its code was unloaded");
        return false;
    }
    if (h != NULL)
        return call_of_handle(slot, h, info, out);
    if (slot->kind == GCW__PLAIN)
        call_of_function(GCW_CALL_PLAIN, slot->call.plain, NULL, out);
    else
        call_of_function(GCW_CALL_FUNCTION,
                         (void (*)(void))slot->call.function,
                         slot->more.data, out);
    return true;
}

/* The handler may do anything to the registry: register, unregister, run it;
 * exit; fail.  Only `run` is relied on afterwards, which is this thread's. */
static bool
run_step(void *arg)
{
    struct run *run = arg;
    gcw_call call;

    if (!next(run))
        return false;
    if (run->watching)
        gcw__exit_unwatch(run->current.call.handle);
    if (!call_of(&run->current, &run->info, &call))
        return true;
    begin_call(run, (uintptr_t)call.fn);
    if (gcw__call_make(&call) != NULL)
        fail(run, "its method returned non-NULL");
    else
        end_call(run, false);
    return true;
}

static void
run_failed(void *arg, const char *why)
{
    struct run *run = arg;

    if (run->current.kind != GCW__HOLE)
        fail(run, why);
}

const gcw_exit_info *
gcw_exit_current(void)
{
    struct run *run = this_run;
    gcw_exit_handler *h;

    if (run == NULL || run->current.kind == GCW__HOLE)
        return NULL;
    h = gcw__exit_handle(&run->current);
    run->info.handler = h;
    run->info.name = h == NULL ? NULL : gcw__exit_name(h);
    return &run->info;
}

/* Marks the waiting handlers in the range, or takes the marks off all.  Lock
 * held. */
static void
choose(gcw_exit_registry *r, const struct gcw__range *range, bool leaving)
{
    struct gcw__exit_cursor all = GCW__FROM_ALL, waiting = GCW__FROM_WAITING;
    struct gcw__exit_cursor *at = leaving ? &waiting : &all;
    struct gcw__exit_slot *slot;

    while ((slot = gcw__levels_next(r, at)) != NULL)
        if (gcw__in_range(gcw__exit_slot_code(slot), range))
            slot->leaving = leaving;
}

/* Runs by turns are seen by gcw__exit_number_runs through their turn, runs for
 * code through the registry. */
static void
begin_run(struct run *run)
{
    gcw_exit_registry *r = run->registry;
    struct gcw__unloading *unloading = &run->unloading;

    gcw__lock(&gcw__exit_lock, true);
    if (run->choice.code == NULL) {
        run->running.outer = r->turn->run;
        r->turn->run = &run->running;
    } else {
        choose(r, run->choice.code, true);
        *unloading = (struct gcw__unloading){ r->unloading, run->choice.code,
                                              0, &run->running };
        r->unloading = unloading;
    }
    gcw__unlock(&gcw__exit_lock);
    run->outer = this_run;
    this_run = run;
}

/* Takes it out of the list, for several threads may unload at once. */
static void
end_unloading(gcw_exit_registry *r, const struct gcw__unloading *unloading)
{
    struct gcw__unloading **at = &r->unloading;

    while (*at != unloading)
        at = &(*at)->next;
    *at = unloading->next;
}

/* The library may have started in the middle of a run for code. */
static void
end_choice(struct run *run)
{
    gcw_exit_registry *r = run->registry;

    if (r == &gcw__exit_early)
        r = atomic_load(&gcw__exit_default);
    choose(r, run->choice.code, false);
    end_unloading(r, &run->unloading);
}

/* Runs however the run is left.  The turn may be another thread's by now, if a
 * handler of this run has called exit, and its thread was cancelled then. */
static void
end_run(void *arg)
{
    struct run *run = arg;
    struct gcw__exit_turn *t = run->registry->turn;

    gcw__deadline_end(&run->deadline);
    gcw__lock(&gcw__exit_lock, true);
    finish_last(run);
    if (run->choice.code != NULL)
        end_choice(run);
    else if (t->run == &run->running)
        t->run = run->running.outer;
    gcw__unlock(&gcw__exit_lock);
    this_run = run->outer;
}

static bool
is_among(const struct gcw__exit_running *running, uint64_t number)
{
    while (running != NULL && running->number != number)
        running = running->outer;
    return running != NULL;
}

bool
gcw__exit_number_runs(uint64_t number)
{
    const gcw_exit_registry *r = atomic_load(&gcw__exit_default);
    const struct gcw__unloading *unloading = r->unloading;

    if (gcw__exit_has_turn(r->turn)
        && is_among(r->turn->run, number))
        return true;
    while (unloading != NULL && unloading->run->number != number)
        unloading = unloading->next;
    return unloading != NULL;
}

struct gcw__exit_count
gcw__exit_run(gcw_exit_registry *r, int status, struct gcw__exit_choice choice)
{
    static const struct gcw__guarded how = {
        run_step, run_failed, handler_told
    };
    struct run run = { .registry = r, .choice = choice,
                       .info = { .registry = r, .status = status },
                       .at = GCW__FROM_ALL };

    gcw__code_look();
    begin_run(&run);
    pthread_cleanup_push(end_run, &run);
    gcw__guard_run(&run, &how);
    pthread_cleanup_pop(1);
    return run.count;
}

struct whole_run {
    gcw_exit_registry *registry;
    int status;
    int failed;
    struct gcw__deadline deadline;
};

static void
end_whole(void *arg)
{
    gcw__deadline_end(&((struct whole_run *)arg)->deadline);
}

static void
run_whole(void *arg)
{
    static const struct gcw__exit_choice all = { false, 0, NULL };
    struct whole_run *whole = arg;
    gcw_exit_registry *r = whole->registry;

    gcw__deadline_begin_whole(&whole->deadline, "run", r->limit,
                              whole->status, r->limit_aborts);
    pthread_cleanup_push(end_whole, whole);
    whole->failed = gcw__exit_run(r, whole->status, all).failed;
    pthread_cleanup_pop(1);
}

int
gcw_exit_run(gcw_exit_registry *r, int status)
{
    struct whole_run whole = { .registry = r, .status = status };

    if (gcw__enter() != 0)
        return -1;
    if (r == NULL)
        return gcw__refuse_int(EINVAL, "given r", r);
    gcw__exit_in_turn(r, run_whole, &whole);
    return whole.failed;
}

/* Stepping through a run.  It takes no turn: between two steps nobody has it. */

/* Has the handlers that earlier runs have set aside wait again; unless a run is
 * under way, which does that when it ends.  Lock held. */
static void
bring_back_for_step(gcw_exit_registry *r)
{
    if (!gcw__exit_has_turn(r->turn))
        gcw__exit_bring_back(r);
}

static int
begin_steps(gcw_exit_registry *r)
{
    int error = 0;

    gcw__lock(&gcw__exit_lock, true);
    if (gcw__exit_is_leaders(r))
        error = ESHUTDOWN;
    else
        bring_back_for_step(r);
    gcw__unlock(&gcw__exit_lock);
    return error;
}

/* Takes the newest handler off, and ends it at once: nobody says when its call
 * has returned.  False: none is left; *watched: whether its watches are to be
 * taken off. */
static bool
take_for_step(gcw_exit_registry *r, struct gcw__exit_slot *slot, bool *watched)
{
    struct run run = { .registry = r };
    bool taken;

    gcw__lock(&gcw__exit_lock, true);
    taken = take_next(&run);
    *slot = run.current;
    if (taken) {
        finish_last(&run);
    } else {
        bring_back_for_step(r);
        gcw__exit_tidy(r, &r->order);
    }
    gcw__unlock(&gcw__exit_lock);
    *watched = run.watching;
    return taken;
}

static bool
next_of_run(gcw_exit_registry *r, gcw_exit_step *step)
{
    struct gcw__exit_slot slot;
    bool watched;

    while (take_for_step(r, &slot, &watched)) {
        if (watched)
            gcw__exit_unwatch(slot.call.handle);
        if (call_of(&slot, &step->info, &step->call)) {
            step->call.handle = gcw__exit_handle(&slot);
            step->call.place = &exit_place;
            step->call.owner = r;
            atomic_fetch_add(&handlers_given, 1);
            return true;
        }
    }
    *step = (gcw_exit_step){ .info = { .registry = NULL } };
    return false;
}

bool
gcw_exit_first(gcw_exit_registry *r, int status, gcw_exit_step *step)
{
    int error;

    if (step != NULL)
        *step = (gcw_exit_step){ .info = { .registry = NULL } };
    if (gcw__enter() != 0)
        return false;
    if (r == NULL || step == NULL)
        return gcw__refuse_false(EINVAL, "given r, given step", r, step);
    gcw__code_look();
    error = begin_steps(r);
    if (error != 0)
        return gcw__refuse_false(error, "because the process exits,"
                                 " and another thread runs them");
    step->info.registry = r;
    step->info.status = status;
    return next_of_run(r, step);
}

bool
gcw_exit_next(gcw_exit_step *step)
{
    if (gcw__enter() != 0)
        return false;
    if (step == NULL)
        return gcw__refuse_false(EINVAL, "given step", step);
    gcw__code_look();
    return step->info.registry != NULL && next_of_run(step->info.registry, step);
}

/* Unloaded code. */

/* Removes the handlers in the range that were set aside, to wait for the next
 * run.  False if a run by turns has ended meanwhile, and brought one back.
 * Lock held. */
static bool
drop_kept(gcw_exit_registry *r, const struct gcw__range *range)
{
    struct gcw__exit_cursor at = GCW__FROM_ALL;
    struct gcw__exit_slot *slot;

    while ((slot = gcw__levels_next(r, &at)) != NULL)
        if (gcw__in_range(gcw__exit_slot_code(slot), range)) {
            if (!gcw__levels_is_aside(r, &at))
                return false;
            if (slot->kind == GCW__HANDLE)
                gcw__exit_remove(slot->call.handle);
            else
                gcw__exit_take_out(gcw__levels_order(r, &at), slot);
        }
    return true;
}

bool
gcw__exit_object_unloading(void *registry, const struct gcw__range *range)
{
    struct gcw__exit_choice choice = { false, 0, range };
    gcw_exit_registry *r = registry;
    bool any = false;

    gcw__lock(&gcw__exit_lock, true);
    do {
        gcw__unlock(&gcw__exit_lock);
        while (gcw__exit_run(r, 0, choice).taken != 0)
            any = true;
        gcw__lock(&gcw__exit_lock, true);
    } while (!drop_kept(r, range));
    gcw__hook_drop(&r->hook, range);
    gcw__unlock(&gcw__exit_lock);
    return any;
}
