/* torture-plugin.c: a shared object that t/torture.c loads and unloads while
 * all goes on.  It registers and connects functions of its own, which count
 * their calls. */
#include <stdatomic.h>
#include <gcweak.h>

gcw_cleanup *plugin_begins(gcw_exit_registry *r, gcw_event *e, gcw_hub *h,
                           void *target, atomic_size_t *calls);

static void
count(void *calls)
{
    atomic_fetch_add((atomic_size_t *)calls, 1);
}

static void
hear(void *arg, void *calls)
{
    (void)arg;
    count(calls);
}

static void *
call(void *self, void *arg, void *calls)
{
    (void)self;
    (void)arg;
    count(calls);
    return NULL;
}

/* Two handlers, two listeners of the event, one of the hub, and a cleanup,
 * which it returns; NULL if something failed. */
gcw_cleanup *
plugin_begins(gcw_exit_registry *r, gcw_event *e, gcw_hub *h, void *target,
              atomic_size_t *calls)
{
    gcw_method *m = gcw_method_new(target, call, calls);
    bool good = gcw_exit_register_fn(r, count, calls, NULL) != NULL
                && gcw_exit_register(r, m, NULL) != NULL
                && gcw_event_connect_fn(e, hear, calls, 0) != NULL
                && gcw_event_connect(e, m, 0) != NULL
                && gcw_hub_connect(h, "plugin", NULL, m, 0) != NULL;
    return good ? gcw_cleanup_new(target, count, calls) : NULL;
}
