/* event.c: events.
 *
 * An event is a list of listeners (listeners.c) and an error hook.  That it
 * may be dropped, and how it is tidied after deaths, is in container.c.
 *
 * An emission runs on the stack of its thread, which holds the array that it
 * goes through, and with it the data of its listeners.  It takes no lock, but
 * for a listener that is called once or whose array was replaced meanwhile,
 * and for the hook when a listener fails.
 */
#include <config.h>
#include "event/event.h"

#include "event/emit.h"
#include "event/emitting.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/spare.h"
#include "ground/text.h"
#include "ground/trace.h"
#include "weak/enter.h"

/* What the container calls. */

static bool
event_unloading(void *event, const struct gcw__range *range)
{
    gcw_event *e = event;

    gcw__lock(gcw__listeners_lock(e->list.container), true);
    gcw__listeners_clear(&e->list, range);
    gcw__unlock(gcw__listeners_lock(e->list.container));
    gcw__hook_unload(&e->hook, gcw__listeners_lock(e->list.container), range);
    return false;
}

static void
event_empty(void *event)
{
    gcw__listeners_clear(&((gcw_event *)event)->list, NULL);
}

static void
event_tidy(void *event)
{
    gcw_event *e = event;

    gcw__container_take_off(e->list.container);
    if (!gcw__listeners_tidy(&e->list))
        gcw__container_untidy(e->list.container);
}

/* Tidying is all that is to be done. */
static void
list_shrunk(struct gcw__listeners *list)
{
    gcw__container_untidy(list->container);
}

static const struct gcw__listeners_ops list_ops = { list_shrunk, list_shrunk };

const struct gcw__container_ops gcw__event_ops = {
    "event", "listeners", false, gcw__listeners_lock, gcw__listener_died, NULL,
    event_empty, event_unloading, event_tidy, gcw__event_see, gcw__event_count
};

gcw_event *
gcw_event_new(const char *name)
{
    gcw_event *e;

    if (gcw__enter() != 0)
        return NULL;
    e = gcw__new(sizeof *e);
    if (e == NULL)
        return gcw__fail_null(ENOMEM);
    if (name != NULL)
        e->name = gcw__copy(name);
    e->list.ops = &list_ops;
    e->list.container = gcw__container_new(&gcw__event_ops,
                                           sizeof *e->list.container);
    if (e->list.container == NULL || (name != NULL && e->name == NULL))
        return gcw__fail_null(ENOMEM);
    e->list.container->name = e->name;
    return gcw__container_open(e->list.container, e) ? e : NULL;
}

/* Connecting. */

struct connection {
    gcw_event *event;
    struct gcw__identity id;
    unsigned flags;
    gcw_listener *listener;          /* the new one, or the equal one */
    struct gcw__listeners_spare spare;
};

static int
try_to_connect_to_event(void *connection)
{
    struct connection *c = connection;
    struct gcw__listeners *list = &c->event->list;

    if (list->container->closed
        || !gcw__pair_alive(gcw__listener_pair(c->listener)))
        return ESTALE;
    if (!gcw__listeners_ready(list, c->flags, &c->spare))
        return GCW__MISSING;
    c->listener = gcw__listeners_put(list, c->listener, &c->id, c->flags, 0);
    return 0;
}

static bool
fill_for_connection(void *connection)
{
    return gcw__listeners_fill(&((struct connection *)connection)->spare);
}

/* For the function that made the identity. */
static gcw_listener *
refuse_connection(const struct connection *c, int error)
{
    gcw__refused(c->id.by == GCW__BY_FUNCTION ? "gcw_event_connect_fn"
                                              : "gcw_event_connect",
                 error, c->event->list.container->closed ? "open e" : "",
                 c->event);
    return NULL;
}

static gcw_listener *
connect_to_event(gcw_event *e, struct gcw__identity id, unsigned flags)
{
    gcw_listener *l = gcw__listener_new(e->list.container, &id);
    struct connection c = { e, id, flags, l, { 0 } };
    int error;

    if (l == NULL)
        return gcw__fail_null(ENOMEM);
    gcw__pair_watch(gcw__listener_pair(l));
    GCW__DELAY(2);
    error = gcw__with_spare(gcw__listeners_lock(e->list.container),
                            try_to_connect_to_event, fill_for_connection, &c);
    if (error != 0 || c.listener != l)
        gcw__pair_unwatch(gcw__listener_pair(l), true);
    return error == 0 ? c.listener : refuse_connection(&c, error);
}

gcw_listener *
gcw_event_connect(gcw_event *e, gcw_method *m, unsigned flags)
{
    gcw_listener *l;
    gcw_bound bound;

    if (gcw__enter() != 0)
        return NULL;
    if (e == NULL || m == NULL || gcw__flags_unknown(flags))
        return gcw__refuse_null(EINVAL, "given e, given m, number flags", e, m,
                                (int)flags);
    if (!gcw_method_bind(m, &bound))
        return gcw__refuse_null(ESTALE, "method m", m);
    l = connect_to_event(e, gcw__method_identity(m), flags);
    GCW__KEEP(bound.self);
    GCW__KEEP(bound.data);
    return l;
}

static struct gcw__identity
identity_of_function(void (*fn)(void *arg, void *data), void *data)
{
    return (struct gcw__identity){
        GCW__BY_FUNCTION, NULL, (void (*)(void))fn, data
    };
}

gcw_listener *
gcw_event_connect_fn(gcw_event *e, void (*fn)(void *arg, void *data),
                     void *data, unsigned flags)
{
    if (gcw__enter() != 0)
        return NULL;
    if (e == NULL || fn == NULL || gcw__flags_unknown(flags)
        || !gcw__holdable(data))
        return gcw__refuse_null(EINVAL, "given e, given fn, held data, number"
                                " flags", e, (void *)fn, data, (int)flags);
    return connect_to_event(e, identity_of_function(fn, data), flags);
}

/* Disconnecting by what is called. */

struct disconnection {
    gcw_event *event;
    struct gcw__identity id;
    gcw_listener *removed;           /* an equal one, or NULL */
    struct gcw__listeners_spare spare;
};

static int
try_to_remove(void *disconnection)
{
    struct disconnection *d = disconnection;
    struct gcw__listeners *list = &d->event->list;

    if (!gcw__listeners_indexed(list, &d->spare))
        return GCW__MISSING;
    d->removed = gcw__listeners_find(list, &d->id);
    if (d->removed != NULL)
        gcw__listener_remove(d->removed);
    return 0;
}

static bool
fill_for_disconnection(void *disconnection)
{
    return gcw__listeners_fill(
        &((struct disconnection *)disconnection)->spare);
}

static size_t
disconnect_all(gcw_event *e, struct gcw__identity id)
{
    struct disconnection d = { e, id, NULL, { 0 } };
    size_t n = 0;
    int error;

    do {
        error = gcw__with_spare(gcw__listeners_lock(e->list.container),
                                try_to_remove, fill_for_disconnection, &d);
        if (error != 0) {
            errno = error;
            return n;
        }
        n += d.removed != NULL;
    } while (d.removed != NULL);
    gcw__containers_tidy();
    return n;
}

size_t
gcw_event_disconnect(gcw_event *e, const gcw_method *m)
{
    if (gcw__enter() != 0)
        return 0;
    if (e == NULL || m == NULL)
        return gcw__refuse_zero(EINVAL, "given e, method m", e, m);
    return disconnect_all(e, gcw__method_identity(m));
}

size_t
gcw_event_disconnect_fn(gcw_event *e, void (*fn)(void *arg, void *data),
                        void *data)
{
    if (gcw__enter() != 0)
        return 0;
    if (e == NULL || fn == NULL)
        return gcw__refuse_zero(EINVAL, "given e, given fn", e, (void *)fn);
    return disconnect_all(e, identity_of_function(fn, data));
}

/* Emitting. */

static void
event_call_failed(const gcw_call *call, const char *why)
{
    const gcw_event *e = call->owner;

    gcw__listener_failed(&e->hook, e->name, call->handle, (uintptr_t)call->fn,
                         why);
}

static const struct gcw__place event_place = { event_call_failed };

/* Takes the listeners that are in the array's range at this moment.  The step
 * holds the array. */
static inline void
take_listeners(gcw_event_step *step, const struct gcw__array *array)
{
    uint64_t range = atomic_load_explicit(&array->range,
                                          memory_order_acquire);

    GCW__DELAY(1);
    step->array = array;
    step->next = &array->slots[gcw__range_begin(range)];
    step->end = &array->slots[gcw__range_end(range)];
}

/* An emission that calls. */
struct emission {
    gcw_event_step step;
    size_t passed_over;
    const void *told;                /* behind the last slot whose listener has
                                      * said that it failed */
};

/* Calls the listeners from step.next on.  Before each call step.next is set to
 * the slot after it, where the emission goes on if the call fails; and a call
 * that stops the emission makes that step.end.  A listener
 * may do anything to the event, and let go of all but this stack: only `run`
 * is relied on, and what is constant in the array. */
static bool
emit_rest(void *emission)
{
    struct emission *run = emission;
    const struct gcw__slot *slot = run->step.next;
    void *const arg = run->step.arg;
    GC_word settled = gcw__load_settled();

    while (slot != run->step.end) {
        run->step.next = slot + 1;
        if (!gcw__slot_call(slot, arg, &settled))
            run->passed_over++;
        slot++;
    }
    return false;
}

/* The listener before step.next has failed. */
static void
event_listener_told(void *emission, const char *why)
{
    struct emission *run = emission;
    const struct gcw__slot *slot = (const struct gcw__slot *)run->step.next - 1;
    gcw_event *e = run->step.event;

    if (run->told == run->step.next)
        return;
    run->told = run->step.next;
    gcw__listener_failed(&e->hook, e->name, slot->listener,
                         (uintptr_t)slot->code, why);
}

static gcw_listener *
event_current(const void *emission)
{
    const struct emission *run = emission;

    return ((const struct gcw__slot *)run->step.next - 1)->listener;
}

static void
stop_event(void *emission)
{
    struct emission *run = emission;

    run->passed_over += (size_t)((const struct gcw__slot *)run->step.end
                                 - (const struct gcw__slot *)run->step.next);
    run->step.end = run->step.next;
}

const struct gcw__emitting gcw__event_emitting = {
    { emit_rest, event_listener_told, event_listener_told },
    event_current, stop_event
};

static size_t
emit_to(gcw_event *e, const struct gcw__array *array, void *arg)
{
    struct emission run;
    size_t n;

    run.step.event = e;
    run.step.arg = arg;
    run.passed_over = 0;
    run.told = NULL;
    take_listeners(&run.step, array);
    n = (size_t)((const struct gcw__slot *)run.step.end
                 - (const struct gcw__slot *)run.step.next);
    gcw__guard_run(&run, &gcw__event_emitting.guard);
    GCW__KEEP(run.step.array);
    return n - run.passed_over;
}

size_t
gcw_event_emit(gcw_event *e, void *arg)
{
    const struct gcw__array *array;
    size_t called;

    if (gcw__enter() != 0)
        return 0;
    if (e == NULL)
        return gcw__refuse_zero(EINVAL, "given e", e);
    GCW__TRACE2(emit__begin, e, e->name);
    array = atomic_load_explicit(&e->list.heard, memory_order_acquire);
    called = GCW__LIKELY(array != NULL) ? emit_to(e, array, arg) : 0;
    GCW__TRACE2(emit__end, e, called);
    GCW__KEEP(e);
    return called;
}

/* Stepping through an emission. */

/* False at the end; then the step holds nothing any more. */
static bool
next_of_event(gcw_event_step *step)
{
    const struct gcw__slot *slot = gcw__slots_step(&step->next, step->end,
                                                   &step->call);

    if (slot == NULL) {
        *step = (gcw_event_step){ .event = NULL };
        return false;
    }
    step->call.arg = step->arg;
    step->call.handle = slot->listener;
    step->call.place = &event_place;
    step->call.owner = step->event;
    return true;
}

bool
gcw_event_first(gcw_event *e, void *arg, gcw_event_step *step)
{
    const struct gcw__array *array;

    if (step != NULL)
        *step = (gcw_event_step){ .event = NULL };
    if (gcw__enter() != 0)
        return false;
    if (e == NULL || step == NULL)
        return gcw__refuse_false(EINVAL, "given e, given step", e, step);
    array = atomic_load_explicit(&e->list.heard, memory_order_acquire);
    if (array == NULL)
        return false;
    step->event = e;
    step->arg = arg;
    take_listeners(step, array);
    return next_of_event(step);
}

bool
gcw_event_next(gcw_event_step *step)
{
    if (gcw__enter() != 0)
        return false;
    if (step == NULL)
        return gcw__refuse_false(EINVAL, "given step", step);
    return step->event != NULL && next_of_event(step);
}

size_t
gcw_event_count(const gcw_event *e)
{
    if (gcw__enter() != 0)
        return 0;
    if (e == NULL)
        return gcw__refuse_zero(EINVAL, "given e", e);
    return atomic_load(&e->list.live);
}

int
gcw_event_on_error(gcw_event *e, gcw_error_fn *hook, void *data)
{
    if (gcw__enter() != 0)
        return -1;
    if (e == NULL || !gcw__holdable(data))
        return gcw__refuse_int(EINVAL, "given e, held data", e, data);
    gcw__hook_set(&e->hook, gcw__listeners_lock(e->list.container),
                  (void (*)(void))hook, data);
    return 0;
}
