/* atexit.c: gcw_atexit, which any thread may call, at any time.
 *
 * A thread that the collector does not know is made known for the call.  A
 * thread that must not start the library, since the collector would take it
 * for the main thread, registers early (early.c).
 *
 * Each handler has a place among those of the C library as well
 * (exit-place.c): a call of ours (shutdown.c), which runs the handlers that
 * wait down to that one.
 */
#include <config.h>
#include "exit/exit.h"
#include "exit/exit-ids.h"
#include "collector/threads.h"
#include "ground/roots.h"
#include "process/early.h"
#include "process/shutdown.h"
#include "process/start.h"
#include "weak/enter.h"

/* Handlers with data have no place: it would be where their data is. */

struct data_call {
    void (*fn)(void *data);
    void *data;
    uint64_t id;
    int error;
};

/* The handler may have run by now, if another thread exits. */
static int
give_number(gcw_exit_handler *h, uint64_t *id)
{
    int error = gcw__exit_id_give(h, id);

    if (error == ENOENT) {
        *id = gcw__exit_id_of_none();
        return 0;
    }
    if (error != 0)
        gcw_exit_unregister(h);
    return error;
}

static int
register_with_data(struct data_call *call)
{
    gcw_exit_options inherit = { .inherit = true };
    gcw_exit_handler *h;
    int error;

    if (gcw__enter() != 0)
        return errno;
    h = gcw__exit_handler_of(gcw__roots->at_exit, GCW__FUNCTION, call->data,
                             &inherit);
    if (h == NULL)
        return ENOMEM;
    h->call.function = call->fn;
    error = gcw__exit_add(h);
    return error == 0 ? give_number(h, &call->id) : error;
}

static void
make_data_call(void *arg)
{
    struct data_call *call = arg;

    call->error = register_with_data(call);
}

uint64_t
gcw_atexit_data(void (*fn)(void *data), void *data)
{
    struct data_call call = { fn, data, 0, EPERM };
    int before = errno;

    if (fn == NULL || !gcw__holdable(data)) {
        errno = EINVAL;
        return 0;
    }
    if (gcw_init() != 0 && (errno != EPERM || !gcw__collector_runs()))
        return 0;
    gcw__as_known(make_data_call, &call);
    errno = call.error == 0 ? before : call.error;
    return call.error == 0 ? call.id : 0;
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
    struct id_call call = { id, GCW_GONE };

    if (atomic_load(&gcw__ready) && !gcw__as_known(make_id_call, &call))
        return gcw__fail_int(EPERM);
    return call.found;
}

/* A call that is made while the thread is known. */
struct any_call {
    int (*call)(void (*fn)(void));
    void (*fn)(void);
    int result, error;
};

/* A place that is registered with the C library; 0: none. */
static uintptr_t
place_new(void)
{
    uintptr_t place = GCW__HAVE_PLACES ? gcw__exit_place_new() : 0;

    return place != 0 && gcw__shutdown_register(place) ? place : 0;
}

static int
atexit_known(void (*fn)(void))
{
    gcw_exit_options inherit = { .inherit = true };
    gcw_exit_handler *h;
    int error;

    if (gcw__enter() != 0)
        return -1;
    h = gcw__exit_handler_of(gcw__roots->at_exit, GCW__PLAIN, NULL, &inherit);
    if (h == NULL)
        return gcw__fail_int(ENOMEM);
    h->call.plain = fn;
    if (!h->has_extra)
        h->more.place = place_new();
    error = gcw__exit_add(h);
    return error == 0 ? 0 : gcw__fail_int(error);
}

static int
atexit_cancel_known(void (*fn)(void))
{
    gcw_exit_registry *r = gcw__roots->at_exit;

    if (gcw__enter() != 0)
        return -1;
    gcw__exit_index(r);
    if (gcw__exit_take_back(r, GCW__PLAIN, (uintptr_t)fn) != GCW_GONE
        || gcw__early_cancel(fn))
        return 0;
    return gcw__fail_int(ENOENT);
}

static void
make_call(void *arg)
{
    struct any_call *any = arg;

    any->result = any->call(any->fn);
    any->error = errno;
}

static int
call_on_known(int (*call)(void (*fn)(void)), void (*fn)(void))
{
    struct any_call any = { call, fn, -1, EPERM };
    int before = errno;

    gcw__as_known(make_call, &any);
    errno = any.result == 0 ? before : any.error;
    return any.result;
}

static int
add_early(void (*fn)(void))
{
    int error = gcw__start_early();

    if (error == 0)
        error = gcw__early_add(fn);
    return error == 0 ? 0 : gcw__fail_int(error);
}

static int
cancel_early(void (*fn)(void))
{
    return gcw__early_cancel(fn) ? 0 : gcw__fail_int(ENOENT);
}

/* Makes the call, or calls early(fn) on a thread that must not start the
 * library and does not find it started. */
static int
on_any_thread(int (*call)(void (*fn)(void)), int (*early)(void (*fn)(void)),
              void (*fn)(void))
{
    int before = errno;

    if (fn == NULL)
        return gcw__fail_int(EINVAL);
    if (gcw_init() == 0)
        return call_on_known(call, fn);
    if (errno != EPERM)
        return -1;
    errno = before;
    return gcw__collector_runs() ? call_on_known(call, fn) : early(fn);
}

int
gcw_atexit(void (*fn)(void))
{
    return on_any_thread(atexit_known, add_early, fn);
}

int
gcw_atexit_cancel(void (*fn)(void))
{
    return on_any_thread(atexit_cancel_known, cancel_early, fn);
}
