/* peers-glib.c: GLib's signals, weak references and weak notifications.
 *
 * A handler that was connected with g_signal_connect_object goes when its
 * object does.  A read gives a reference, which has to be given back.
 */
#include <config.h>

#include "peers.h"
#include "work.h"

#include <glib-object.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

/* --- Weak references ----------------------------------------------------- */

static GObject **objects;
static GWeakRef *weak;
static size_t n_objects;

static void
open_weak(size_t n)
{
    n_objects = n;
    objects = must(calloc(n, sizeof *objects));
    for (size_t i = 0; i < n; i++)
        objects[i] = g_object_new(G_TYPE_OBJECT, NULL);
}

/* Those made before stay where they are, for GLib knows their addresses. */
static void
make_weak(const size_t *to, size_t n)
{
    weak = must(calloc(n, sizeof *weak));
    for (size_t i = 0; i < n; i++)
        g_weak_ref_init(&weak[i], objects[to[i]]);
}

static void
read_weak(size_t n, size_t times)
{
    for (size_t i = 0, h = 0; i < times; i++) {
        GObject *object = g_weak_ref_get(&weak[h]);

        if (object != NULL) {
            use(object);
            g_object_unref(object);
        }
        h = h + 1 < n ? h + 1 : 0;
    }
}

const struct weak_peer weak_glib = { open_weak, make_weak, read_weak };

/* --- Deaths -------------------------------------------------------------- */

static void (*noticed)(void);

static void
notify(gpointer data, GObject *where_it_was)
{
    use(data);
    use(where_it_was);
    noticed();
}

static void
watch_objects(size_t n, void (*fn)(void))
{
    noticed = fn;
    open_weak(n);
    for (size_t i = 0; i < n; i++)
        g_object_weak_ref(objects[i], notify, NULL);
}

static void
drop_objects(void)
{
    for (size_t i = 0; i < n_objects; i++)
        g_object_unref(objects[i]);
}

const struct death_peer death_glib = { watch_objects, drop_objects };

const char *
version_glib(void)
{
    static char version[32];

    snprintf(version, sizeof version, "GLib %u.%u.%u", glib_major_version,
             glib_minor_version, glib_micro_version);
    return version;
}
