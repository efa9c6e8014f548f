/* plugin-exit.c: a shared object that a test loads and unloads.  It knows
 * gcweak: it registers and connects functions of its own, and all of them end
 * when it is unloaded.
 */
#include <stdio.h>
#include <unistd.h>
#include <gcweak.h>
#include <gcweak/debug.h>

int plugin_names(void);
int plugin_sink(void);
int plugin_handlers(gcw_exit_registry *r, void *target);
int plugin_calls(gcw_exit_registry *r, void (*fn)(void));
int plugin_atexit(void);
int plugin_at_exit(void);
int plugin_handler_registers(gcw_exit_registry *r);
int plugin_cleanup(void *target);
int plugin_cleanup_in(gcw_queue *q, void *target);
int plugin_queue_hook(gcw_queue *q);
int plugin_cleanups(void *target);
int plugin_cleanup_off(void *target);
int plugin_cleanup_calls(void *target, void (*fn)(void));
int plugin_hook(gcw_exit_registry *r);
int plugin_failing(gcw_exit_registry *r);
int plugin_on_death(gcw_method *m);
int plugin_listens(gcw_event *e, void *target, void *data);
int plugin_listens_to_hub(gcw_hub *h, void *source, void *target);
int plugin_listener_hooks(gcw_event *e, gcw_hub *h);
void plugin_hears(void *arg, void *data);

static void
say(const char *line)
{
    dprintf(STDOUT_FILENO, "plugin: %s\n", line);
}

static void
say_it(void *data)
{
    say(data);
}

static void *
say_by_method(void *self, void *info, void *data)
{
    (void)self;
    (void)info;
    say(data);
    return NULL;
}

static void
say_atexit(void)
{
    say("atexit");
}

/* A function, a method on the host's object, and an atexit function. */
int
plugin_handlers(gcw_exit_registry *r, void *target)
{
    gcw_method *m = gcw_method_new(target, say_by_method, "method");
    if (gcw_exit_register_fn(r, say_it, "function", NULL) == NULL)
        return -1;
    if (gcw_exit_register(r, m, NULL) == NULL)
        return -1;
    return gcw_atexit(say_atexit);
}

static void (*host)(void);

static void
call_host(void *unused)
{
    (void)unused;
    host();
}

/* A function, and then one that calls the host. */
int
plugin_calls(gcw_exit_registry *r, void (*fn)(void))
{
    host = fn;
    if (gcw_exit_register_fn(r, say_it, "function", NULL) == NULL)
        return -1;
    return gcw_exit_register_fn(r, call_host, NULL, NULL) != NULL ? 0 : -1;
}

int
plugin_atexit(void)
{
    return gcw_atexit(say_atexit);
}

/* In the default registry, of which the host may have another. */
int
plugin_at_exit(void)
{
    gcw_exit_registry *r = gcw_exit_default();
    if (r == NULL)
        return -1;
    return gcw_exit_register_fn(r, say_it, "function", NULL) != NULL ? 0 : -1;
}

static void
register_another(void *r)
{
    say("registers");
    gcw_exit_register_fn(r, say_it, "next", NULL);
}

/* A function, and then one that registers another. */
int
plugin_handler_registers(gcw_exit_registry *r)
{
    if (gcw_exit_register_fn(r, say_it, "last", NULL) == NULL)
        return -1;
    return gcw_exit_register_fn(r, register_another, r, NULL) != NULL ? 0
                                                                       : -1;
}

int
plugin_cleanup(void *target)
{
    return gcw_cleanup_new(target, say_it, "cleanup") != NULL ? 0 : -1;
}

static void
cleanup_gives_up(void *data)
{
    say(data);
    gcw_fail("the cleanup gave up");
}

/* Three, of which the second fails. */
int
plugin_cleanups(void *target)
{
    if (gcw_cleanup_new(target, say_it, "cleanup 1") == NULL)
        return -1;
    if (gcw_cleanup_new(target, cleanup_gives_up, "cleanup 2") == NULL)
        return -1;
    return gcw_cleanup_new(target, say_it, "cleanup 3") != NULL ? 0 : -1;
}

/* One that does not run at exit. */
int
plugin_cleanup_off(void *target)
{
    gcw_cleanup *c = gcw_cleanup_new(target, say_it, "cleanup not at exit");
    return c != NULL ? gcw_cleanup_set_atexit(c, false) : -1;
}

static void (*host_between)(void);

static void
call_host_between(void *unused)
{
    (void)unused;
    say("begins");
    host_between();
    say("ends");
}

/* One that calls the host. */
int
plugin_cleanup_calls(void *target, void (*fn)(void))
{
    host_between = fn;
    return gcw_cleanup_new(target, call_host_between, NULL) != NULL ? 0 : -1;
}

static void
say_death(gcw_method *m, void *data)
{
    (void)m;
    say(data);
}

/* A death callback on the host's method. */
int
plugin_on_death(gcw_method *m)
{
    return gcw_method_on_death(m, say_death, "death") != NULL ? 0 : -1;
}

static void
hook(void *handle, const char *name, const char *why, void *data)
{
    (void)handle;
    (void)name;
    (void)why;
    say(data);
}

int
plugin_hook(gcw_exit_registry *r)
{
    if (gcw_drain_on_error(hook, "drain hook") != 0)
        return -1;
    return gcw_exit_on_error(r, hook, "hook");
}

static const char *
name_object(const void *object, size_t size, void *data)
{
    (void)object;
    (void)size;
    say(data);
    return NULL;
}

static void
hear_line(unsigned what, const char *line, void *data)
{
    (void)what;
    (void)data;
    say(line);
}

/* A sink. */
int
plugin_sink(void)
{
    return gcw_tell_to(hear_line, NULL);
}

/* A function that names objects for gcw_explain. */
int
plugin_names(void)
{
    return gcw_explain_name(name_object, "asked for a name");
}

static void
give_up(void *data)
{
    say(data);
    gcw_fail("on purpose");
}

int
plugin_failing(gcw_exit_registry *r)
{
    gcw_exit_options o = { .name = "the plugin's torn rope" };
    if (gcw_exit_register_fn(r, say_it, "last", NULL) == NULL)
        return -1;
    return gcw_exit_register_fn(r, give_up, "fails", &o) != NULL ? 0 : -1;
}

/* A listener, for the plugin and for the host to connect. */
void
plugin_hears(void *arg, void *data)
{
    (void)arg;
    say(data);
}

static void *
say_weak(void *self, void *arg, void *data)
{
    (void)self;
    (void)arg;
    (void)data;
    say("weak method");
    return NULL;
}

/* A function, and methods on the host's objects, to the host's event. */
int
plugin_listens(gcw_event *e, void *target, void *data)
{
    gcw_method *m = gcw_method_new(target, say_by_method, "method");
    gcw_method *weak = gcw_method_new_weak(target, say_weak, data);
    if (gcw_event_connect_fn(e, plugin_hears, "function", 0) == NULL)
        return -1;
    if (gcw_event_connect(e, m, 0) == NULL)
        return -1;
    return gcw_event_connect(e, weak, 0) != NULL ? 0 : -1;
}

static void
hear_hub(const gcw_emission *emission, void *data)
{
    (void)emission;
    say(data);
}

/* To all four patterns that fit the "news" of the source. */
int
plugin_listens_to_hub(gcw_hub *h, void *source, void *target)
{
    gcw_method *any = gcw_method_new(target, say_by_method, "any method");
    gcw_method *m = gcw_method_new(target, say_by_method, "method");
    if (gcw_hub_connect_fn(h, "news", source, hear_hub, "function", 0) == NULL)
        return -1;
    if (gcw_hub_connect(h, "news", NULL, m, 0) == NULL)
        return -1;
    if (gcw_hub_connect_fn(h, NULL, source, hear_hub, "any function", 0)
        == NULL)
        return -1;
    return gcw_hub_connect(h, NULL, NULL, any, 0) != NULL ? 0 : -1;
}

int
plugin_listener_hooks(gcw_event *e, gcw_hub *h)
{
    if (gcw_event_on_error(e, hook, "event hook") != 0)
        return -1;
    return gcw_hub_on_error(h, hook, "hub hook");
}

/* Of a queue, one that is armed or pending. */
int
plugin_cleanup_in(gcw_queue *q, void *target)
{
    return gcw_cleanup_new_in(q, target, say_it, "cleanup of a queue") == NULL
        ? -1 : 0;
}

static void
hear_of_queue(void *cleanup, const char *name, const char *why, void *data)
{
    (void)cleanup, (void)name, (void)why, (void)data;
    say("heard of a queue");
}

int
plugin_queue_hook(gcw_queue *q)
{
    return gcw_queue_on_error(q, hear_of_queue, NULL);
}
