/* glib.c: GLib's main loop drains deaths, and dispatches a hub that its thread
 * pool posts to.
 *
 *     cc -o glib glib.c work.c $(pkg-config --cflags --libs gcweak glib-2.0)
 *
 * To copy: the first four functions.  What GLib keeps, such as a source's user
 * data, lies in malloc memory, where the collector does not look.  So the
 * source gets a box of uncollectable memory: what lies in it is held, until
 * the source frees it. */
#include <gc.h>
#include <gcweak.h>
#include <glib.h>
#include <glib-unix.h>
#include "work.h"

static GMainLoop *loop;

static gboolean
dispatch(gint fd, GIOCondition condition, gpointer box)
{
    (void)fd;
    (void)condition;
    gcw_hub_dispatch(*(gcw_hub **)box, 0);
    return G_SOURCE_CONTINUE;
}

static gcw_hub **
box_of(gcw_hub *hub)
{
    gcw_hub **box = GC_MALLOC_UNCOLLECTABLE(sizeof *box);
    *box = hub;
    return box;
}

/* The source owns the box from here on. */
static guint
watch_hub(gcw_hub **box)
{
    return g_unix_fd_add_full(G_PRIORITY_DEFAULT, gcw_hub_fd(*box), G_IO_IN,
                              dispatch, box, GC_free);
}

static gboolean
drain(gint fd, GIOCondition condition, gpointer unused)
{
    (void)fd;
    (void)condition;
    (void)unused;
    gcw_drain(0);
    if (work_is_over())
        g_main_loop_quit(loop);
    return G_SOURCE_CONTINUE;
}

/* On a thread of GLib's, which the collector does not know: gcw_hub_post may
 * be called there, and nothing else of gcweak.  The box holds the hub. */
static void
do_job(gpointer number, gpointer box)
{
    work_do(*(gcw_hub **)box, GPOINTER_TO_INT(number) - 1);
}

static void
run(void)
{
    gcw_hub **box = box_of(work_hub());
    guint hub = watch_hub(box);
    guint deaths = g_unix_fd_add(gcw_drain_fd(), G_IO_IN, drain, NULL);
    GThreadPool *pool = g_thread_pool_new(do_job, box, 4, FALSE, NULL);
    work_begin();
    for (int job = 0; job < WORK_JOBS; job++)
        g_thread_pool_push(pool, GINT_TO_POINTER(job + 1), NULL);
    g_main_loop_run(loop);
    g_thread_pool_free(pool, FALSE, TRUE);
    g_source_remove(deaths);
    g_source_remove(hub);
}

int
main(void)
{
    GC_INIT();
    work_check(gcw_init() == 0, "gcw_init");
    loop = g_main_loop_new(NULL, FALSE);
    run();
    g_main_loop_unref(loop);
    work_report("glib");
    return 0;
}
