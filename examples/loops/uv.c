/* uv.c: libuv's loop drains deaths, and dispatches a hub that its thread pool
 * posts to.
 *
 *     cc -o uv uv.c work.c $(pkg-config --cflags --libs gcweak libuv)
 *
 * To copy: the first three functions.  A handle's data pointer lies where the
 * handle does, and the loop's own lists lie in malloc memory, where the
 * collector does not look.  So the handle is made in uncollectable memory:
 * what it leads to is held, until it is closed and freed. */
#include <gc.h>
#include <gcweak.h>
#include <uv.h>
#include "work.h"

static void
dispatch(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    gcw_hub_dispatch(handle->data, 0);
}

static void
free_handle(uv_handle_t *handle)
{
    GC_FREE(handle);
}

/* To be closed with free_handle. */
static uv_poll_t *
watch_hub(uv_loop_t *loop, gcw_hub *hub)
{
    uv_poll_t *handle = GC_MALLOC_UNCOLLECTABLE(sizeof *handle);
    work_check(uv_poll_init(loop, handle, gcw_hub_fd(hub)) == 0,
               "uv_poll_init");
    handle->data = hub;
    uv_poll_start(handle, UV_READABLE, dispatch);
    return handle;
}

static void
drain(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    gcw_drain(0);
    if (work_is_over())
        uv_stop(handle->loop);
}

struct job {
    uv_work_t request;           /* first: libuv gives it back */
    uv_poll_t *hub;
    int number;
};

/* On a thread of libuv's, which the collector does not know: gcw_hub_post may
 * be called there, and nothing else of gcweak.  The handle holds the hub. */
static void
do_job(uv_work_t *request)
{
    struct job *job = (struct job *)request;
    work_do(job->hub->data, job->number);
}

static void
run(uv_loop_t *loop)
{
    static struct job jobs[WORK_JOBS];
    static uv_poll_t deaths;
    uv_poll_t *hub = watch_hub(loop, work_hub());
    uv_poll_init(loop, &deaths, gcw_drain_fd());
    uv_poll_start(&deaths, UV_READABLE, drain);
    work_begin();
    for (int i = 0; i < WORK_JOBS; i++) {
        jobs[i].hub = hub;
        jobs[i].number = i;
        uv_queue_work(loop, &jobs[i].request, do_job, NULL);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&deaths, NULL);
    uv_close((uv_handle_t *)hub, free_handle);
    uv_run(loop, UV_RUN_DEFAULT);
}

int
main(void)
{
    GC_INIT();
    work_check(gcw_init() == 0, "gcw_init");
    run(uv_default_loop());
    work_check(uv_loop_close(uv_default_loop()) == 0, "uv_loop_close");
    work_report("libuv");
    return 0;
}
