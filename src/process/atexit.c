/* atexit.c: gcw_atexit, which any thread may call, at any time.
 *
 * Before the library starts, functions are registered in a registry that needs
 * no collector (gcw__exit_early): so a program that uses nothing else never
 * starts one.  Then that of the roots takes its place.  There memory for more is
 * the collector's, so a thread that the collector does not know, or that is
 * within GC_do_blocking, is made known for that.
 *
 * Each function without data has a place among those of the C library as well
 * (exit-place.c): a call of ours (shutdown.c), which runs the handlers that
 * wait down to that one.
 */
#include <config.h>
#include "exit/exit.h"
#include "collector/threads.h"
#include "ground/roots.h"
#include "ground/spare.h"
#include "process/shutdown.h"
#include "process/start.h"
#include "weak/enter.h"

/* A place that is registered with the C library; 0: none. */
static uintptr_t
place_new(void)
{
    uintptr_t place = GCW__HAVE_PLACES ? gcw__exit_place_new() : 0;

    return place != 0 && gcw__shutdown_register(place) ? place : 0;
}

/* A call that is made while the thread is known. */
struct addition {
    gcw_exit_registry *registry;
    struct gcw__exit_slot *slot;
    int error;
};

static void
add_known(void *arg)
{
    struct addition *a = arg;

    a->error = gcw__exit_add_function(a->registry, a->slot);
}

static int
add_function_with_memory(gcw_exit_registry *r, struct gcw__exit_slot *slot)
{
    struct addition a = { r, slot, EPERM };

    if (r == &gcw__exit_early)
        add_known(&a);
    else
        gcw__as_known(add_known, &a);
    return a.error;
}

/* Returns 0 or an errno. */
static int
add_function(struct gcw__exit_slot *slot)
{
    int error = gcw__exit_try_to_add(slot);

    while (!GCW__LIKELY(error != GCW__MISSING && error != EAGAIN))
        error = add_function_with_memory(atomic_load(&gcw__exit_default), slot);
    return error;
}

int
gcw_atexit(void (*fn)(void))
{
    struct gcw__exit_slot slot = { .kind = GCW__PLAIN,
                                   .call.plain = fn };
    int before = errno, error = fn == NULL ? EINVAL : 0;

    if (error == 0 && !GCW__LIKELY(gcw__known))
        error = gcw__start_early();
    if (error == 0) {
        slot.more.place = place_new();
        error = add_function(&slot);
    }
    if (!GCW__LIKELY(error == 0))
        return gcw__refuse_int(error, "given fn", (void *)fn);
    errno = before;
    return 0;
}

static void
start_known(void *error)
{
    *(int *)error = gcw__init_for(NULL) == 0 ? 0 : errno;
}

/* What the function gets may be in collected memory if the collector runs: then
 * the library starts, and holds it.  Returns 0 or an errno. */
static int
start_for_data(void)
{
    int error = EPERM;

    if (!gcw__collector_runs())
        return gcw__start_early();
    if (atomic_load(&gcw__ready) || gcw__init_for(NULL) == 0)
        return 0;
    if (errno != EPERM)
        return errno;
    gcw__as_known(start_known, &error);
    return error;
}

uint64_t
gcw_atexit_data(void (*fn)(void *data), void *data)
{
    struct gcw__exit_slot slot = { .kind = GCW__FUNCTION,
                                   .call.function = fn, .more.data = data };
    int before = errno, error = EINVAL;

    if (fn != NULL && GCW__LIKELY(gcw__known))
        error = gcw__holdable(data) ? 0 : EINVAL;
    else if (fn != NULL && (!gcw__collector_runs() || gcw__holdable(data)))
        error = start_for_data();
    if (error == 0)
        error = add_function(&slot);
    if (!GCW__LIKELY(error == 0))
        return gcw__refuse_zero(error, gcw__collector_runs()
                                ? "given fn, held data" : "given fn",
                                (void *)fn, data);
    errno = before;
    return slot.number;
}

struct id_call {
    uint64_t id;
    int found;
};

static void
make_id_call(void *arg)
{
    struct id_call *call = arg;

    call->found = gcw__exit_take_back_id(call->id);
}

int
gcw_exit_unregister_id(uint64_t id)
{
    struct id_call call = { id, gcw__exit_take_back_number(id) };

    if (call.found == GCW_GONE && atomic_load(&gcw__ready)
        && !gcw__as_known(make_id_call, &call))
        return gcw__refuse_int(EPERM, "");
    return call.found;
}

struct cancellation {
    void (*fn)(void);
    int found;
};

static void
cancel(gcw_exit_registry *r, struct cancellation *c)
{
    gcw__exit_index(r);
    c->found = gcw__exit_take_back(r, GCW__PLAIN, (uintptr_t)c->fn);
}

static void
cancel_known(void *cancellation)
{
    cancel(atomic_load(&gcw__exit_default), cancellation);
}

int
gcw_atexit_cancel(void (*fn)(void))
{
    struct cancellation c = { fn, GCW_GONE };

    if (fn == NULL)
        return gcw__refuse_int(EINVAL, "given fn", (void *)fn);
    if (!atomic_load(&gcw__ready))
        cancel(&gcw__exit_early, &c);
    if (c.found == GCW_GONE && atomic_load(&gcw__ready)
        && !gcw__as_known(cancel_known, &c))
        return gcw__refuse_int(EPERM, "");
    return c.found == GCW_GONE ? gcw__fail_int(ENOENT) : 0;
}
