/* peers-glib.c: GLib's signals, with g_signal_connect_object.
 *
 * A handler that was so connected goes when its object does.
 */
#include <config.h>

#include "peers.h"
#include "work.h"

#include <glib-object.h>
#include <stdint.h>

struct counter {
    GObject object;
    size_t calls;
};

static GObject *emitter;
static guint news;
static struct counter **counters;
static size_t n_counters;

static NOINLINE void
count(GObject *from, gpointer arg, gpointer data)
{
    struct counter *self = data;

    use(from);
    use(arg);
    self->calls++;
}

static GType
new_type(const char *name, size_t size)
{
    return g_type_register_static_simple(G_TYPE_OBJECT, name,
                                         sizeof(GObjectClass), NULL,
                                         (guint)size, NULL, 0);
}

static void
new_signal(void)
{
    GType type = new_type("BenchEmitter", sizeof(GObject));

    news = g_signal_new("news", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                        G_TYPE_NONE, 1, G_TYPE_POINTER);
    emitter = g_object_new(type, NULL);
}

static void
open_glib(size_t n)
{
    GType type = new_type("BenchCounter", sizeof(struct counter));

    new_signal();
    counters = g_new(struct counter *, n);
    for (n_counters = 0; n_counters < n; n_counters++)
        counters[n_counters] = g_object_new(type, NULL);
}

static void *
connect_glib(size_t i)
{
    return (void *)(uintptr_t)g_signal_connect_object(
        emitter, "news", G_CALLBACK(count), counters[i], 0);
}

static void
disconnect_glib(void *listener)
{
    g_signal_handler_disconnect(emitter, (gulong)(uintptr_t)listener);
}

static void
emit_glib(size_t times)
{
    for (size_t i = 0; i < times; i++)
        g_signal_emit(emitter, news, 0, emitter);
}

static size_t
calls_glib(void)
{
    size_t sum = 0;

    for (size_t i = 0; i < n_counters; i++)
        sum += counters[i]->calls;
    return sum;
}

const struct peer peer_glib = {
    open_glib, connect_glib, disconnect_glib, emit_glib, calls_glib
};
