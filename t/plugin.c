/* plugin.c: tests of callbacks whose code is unloaded: they are never called
 * once it is gone.  plugin-exit and plugin-proxy know gcweak, plugin-foreign
 * does not.
 *
 * The plugins lie in the directory of libtool's results, which is where this
 * program itself is, or one below.  plugin-static contains another copy of
 * the library.
 */
#include <config.h>
#include <dlfcn.h>
#include <errno.h>
#include <gcweak/debug.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include "await.h"
#include "dumped.h"
#include "idle.h"
#include "log.h"
#include "storm.h"
#include "thread.h"

static void
plugin_path(char path[PATH_MAX], const char *name)
{
    char self[PATH_MAX];
    char *dir = dirname(strcpy(self, program_path()));
    size_t length = strlen(dir);
    bool inside = length > 6 && strcmp(dir + length - 6, "/.libs") == 0;
    snprintf(path, PATH_MAX, "%s%s/%s.so", dir, inside ? "" : "/.libs", name);
}

static void *
load(const char *name)
{
    char path[PATH_MAX];
    plugin_path(path, name);
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (plugin == NULL)
        say(dlerror());
    MUST(plugin != NULL);
    return plugin;
}

static void
unload(void *plugin)
{
    say("unload");
    MUST(dlclose(plugin) == 0);
    say("unloaded");
}

/* The plugin asked of is one that does nothing by itself. */
static const char *
unloading(void)
{
    char path[PATH_MAX];
    plugin_path(path, "plugin-foreign");
    return lacks_unloading(path);
}

/* Tests of what comes when a plugin is unloaded. */
#define UNLOAD_END(...) END(__VA_ARGS__, .lacks = unloading)
#define FRESH_UNLOAD_END(...) FRESH_END(__VA_ARGS__, .lacks = unloading)

typedef void any_fn(void);

static any_fn *
find(void *plugin, const char *name)
{
    any_fn *fn;
    *(void **)&fn = dlsym(plugin, name);
    MUST(fn != NULL);
    return fn;
}

/* What the plugin that knows gcweak offers. */

static void
plugin_handlers(void *plugin, gcw_exit_registry *r, void *target)
{
    int (*fn)(gcw_exit_registry *, void *) =
        (int (*)(gcw_exit_registry *, void *))find(plugin, "plugin_handlers");
    MUST(fn(r, target) == 0);
}

static void
plugin_on_registry(void *plugin, const char *name, gcw_exit_registry *r)
{
    int (*fn)(gcw_exit_registry *) =
        (int (*)(gcw_exit_registry *))find(plugin, name);
    MUST(fn(r) == 0);
}

static void
plugin_cleanup(void *plugin, void *target)
{
    int (*fn)(void *) = (int (*)(void *))find(plugin, "plugin_cleanup");
    MUST(fn(target) == 0);
}

static void
plugin_on_death(void *plugin, gcw_method *m)
{
    int (*fn)(gcw_method *) =
        (int (*)(gcw_method *))find(plugin, "plugin_on_death");
    MUST(fn(m) == 0);
}

static void
plugin_listens(void *plugin, gcw_event *e, void *target, void *data)
{
    int (*fn)(gcw_event *, void *, void *) =
        (int (*)(gcw_event *, void *, void *))find(plugin, "plugin_listens");
    MUST(fn(e, target, data) == 0);
}

static void
plugin_listens_to_hub(void *plugin, gcw_hub *h, void *source, void *target)
{
    int (*fn)(gcw_hub *, void *, void *) =
        (int (*)(gcw_hub *, void *, void *))find(plugin,
                                                 "plugin_listens_to_hub");
    MUST(fn(h, source, target) == 0);
}

static void
plugin_listener_hooks(void *plugin, gcw_event *e, gcw_hub *h)
{
    int (*fn)(gcw_event *, gcw_hub *) =
        (int (*)(gcw_event *, gcw_hub *))find(plugin, "plugin_listener_hooks");
    MUST(fn(e, h) == 0);
}

typedef void listener_fn(void *arg, void *data);

static listener_fn *
plugin_hears(void *plugin)
{
    return (listener_fn *)find(plugin, "plugin_hears");
}

/* What the host has. */

static void
at_exit_say(char *line)
{
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_it, line, NULL) != NULL);
}

/* A plugin that knows gcweak. */

#define UNLOADS "unload\n" \
    "plugin: atexit\nplugin: method\nplugin: function\nunloaded\n"

UNLOAD_END(handlers_run_at_unload_newest_first_and_never_again, 0,
    UNLOADS "host 2\nhost 1\n")
{
    void *plugin = load("plugin-exit");
    at_exit_say("host 1");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    at_exit_say("host 2");
    unload(plugin);
}

UNLOAD_END(so_they_do_in_a_plugin_loaded_after_the_host_started, 0,
    UNLOADS "host 2\nhost 1\n")
{
    at_exit_say("host 1");
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    at_exit_say("host 2");
    unload(plugin);
}

END(handlers_of_a_loaded_plugin_run_at_exit_in_their_turn, 0, "host 2\n"
    "plugin: atexit\nplugin: method\nplugin: function\nhost 1\n")
{
    at_exit_say("host 1");
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    at_exit_say("host 2");
}

UNLOAD_END(only_the_last_dlclose_is_the_end, 0, "unload\nunloaded\n" UNLOADS)
{
    void *plugin = load("plugin-exit");
    /* cppcheck-suppress leakReturnValNotUsed ; it is the same handle */
    MUST(load("plugin-exit") == plugin);
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    unload(plugin);
    unload(plugin);
}

static void
load_use_unload(void)
{
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    unload(plugin);
}

UNLOAD_END(a_plugin_can_come_again, 0, UNLOADS UNLOADS)
{
    load_use_unload();
    load_use_unload();
}

static void
unload_it(void *plugin)
{
    unload(plugin);
}

UNLOAD_END(a_handler_may_unload_a_plugin, 0, UNLOADS "host 1\n")
{
    void *plugin = load("plugin-exit");
    at_exit_say("host 1");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    MUST(gcw_exit_register_fn(gcw_exit_default(), unload_it, plugin, NULL)
         != NULL);
}

static void *
unload_here(void *plugin)
{
    unload(plugin);
    return NULL;
}

UNLOAD_END(an_unknown_thread_may_unload_a_plugin, 0, UNLOADS)
{
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    in_unknown_thread(unload_here, plugin);
}

/* Of the plugin's handlers the child inherits only that of atexit. */
UNLOAD_END(a_child_that_unloads_runs_what_it_inherits, 0,
    "unload\nplugin: atexit\nunloaded\n" UNLOADS)
{
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        unload(plugin);
        exit(0);
    }
    MUST(waitpid(pid, NULL, 0) == pid);
    unload(plugin);
}

UNLOAD_END(handlers_in_a_registry_of_ones_own_end_too, 0, "unload\n"
    "plugin: method\nplugin: function\nplugin: atexit\nunloaded\n"
    "own 1\n")
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    void *plugin = load("plugin-exit");
    MUST(gcw_exit_register_fn(r, say_it, "own 1", NULL) != NULL);
    plugin_handlers(plugin, r, lasting_target(0));
    unload(plugin);
    MUST(gcw_exit_run(r, 0) == 0);
}

/* While the plugin's handlers run at its unloading, another thread runs their
 * registry: it passes over those that are left, and stays in one of the
 * host's until the plugin is unloaded. */
static struct {
    gcw_exit_registry *registry;
    int go[2], there[2], done[2];
} other;

static void
await_byte(const int ends[2])
{
    char byte;
    MUST(read(ends[0], &byte, 1) == 1);
}

static void
send_byte(const int ends[2])
{
    MUST(write(ends[1], "", 1) == 1);
}

static void
stay(void *unused)
{
    (void)unused;
    send_byte(other.there);
    await_byte(other.done);
}

static void *
run_when_told(void *unused)
{
    (void)unused;
    await_byte(other.go);
    MUST(gcw_exit_run(other.registry, 0) == 0);
    return NULL;
}

static void
have_it_run(void)
{
    send_byte(other.go);
    await_byte(other.there);
}

UNLOAD_END(those_that_another_run_has_passed_over_meanwhile_as_well, 0,
    "unload\nplugin: function\nunloaded\n")
{
    pthread_t thread;
    void **keep = keep_array(1);
    void *plugin = load("plugin-exit");
    int (*calls)(gcw_exit_registry *, void (*)(void)) =
        (int (*)(gcw_exit_registry *, void (*)(void)))find(plugin,
                                                           "plugin_calls");
    keep[0] = other.registry = gcw_exit_registry_new("own");
    MUST(pipe(other.go) == 0 && pipe(other.there) == 0
         && pipe(other.done) == 0);
    MUST(gcw_exit_register_fn(other.registry, stay, NULL, NULL) != NULL);
    MUST(calls(other.registry, have_it_run) == 0);
    MUST(GC_pthread_create(&thread, NULL, run_when_told, NULL) == 0);
    unload(plugin);
    send_byte(other.done);
    MUST(GC_pthread_join(thread, NULL) == 0);
}

UNLOAD_END(at_unload_handlers_of_the_dead_are_skipped, 0,
    "unload\nplugin: atexit\nplugin: function\nunloaded\n")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    plugin_handlers(plugin, gcw_exit_default(), target);
    MUST(gcw_dispose(target) == 0);
    unload(plugin);
}

UNLOAD_END(a_handler_that_fails_at_unload_is_reported_and_the_rest_run, 0,
    "unload\nplugin: fails\nplugin: last\nunloaded\n",
    .err = "the plugin's torn rope")
{
    void *plugin = load("plugin-exit");
    plugin_on_registry(plugin, "plugin_failing", gcw_exit_default());
    unload(plugin);
}

UNLOAD_END(cleanups_of_a_plugin_run_at_unload_death_callbacks_go, 0,
    "unload\nplugin: cleanup\nunloaded\nhost\n")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    MUST(gcw_cleanup_new(target, say_it, "host") != NULL);
    plugin_cleanup(plugin, target);
    plugin_on_death(plugin, gcw_method_new(target, idle_method, NULL));
    unload(plugin);
    MUST(gcw_dispose(target) == 0);
    MUST(gcw_drain(0) == 1);
}

UNLOAD_END(pending_ones_run_too, 0, "unload\nplugin: cleanup\nunloaded\nhost\n")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    MUST(gcw_cleanup_new(target, say_it, "host") != NULL);
    plugin_cleanup(plugin, target);
    MUST(gcw_dispose(target) == 0);
    unload(plugin);
    MUST(gcw_drain(0) == 1);
}

static void
unload_inside(void *plugin)
{
    unload(plugin);
}

/* The drain has looked at it already, but not got to it. */
UNLOAD_END(so_do_those_that_come_later_in_a_drain, 0,
    "first\nunload\nplugin: cleanup\nunloaded\nhost\n")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    pend(say_it, (char *)"first");
    pend(unload_inside, plugin);
    plugin_cleanup(plugin, target);
    MUST(gcw_dispose(target) == 0);
    pend(say_it, (char *)"host");
    MUST(gcw_drain(0) == 3);
}

UNLOAD_END(cleanups_of_a_plugin_that_went_do_not_run_again_at_exit, 0,
    "unload\nplugin: cleanup\nunloaded\nhost\n")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    MUST(gcw_cleanup_new(target, say_it, "host") != NULL);
    plugin_cleanup(plugin, target);
    unload(plugin);
}

static void
give_up(void *data)
{
    say(data);
    gcw_fail("the host gave up");
}

/* Nobody calls what is not there any more. */
UNLOAD_END(what_names_objects_goes_with_it, 0,
    "plugin: asked for a name\nplugin: asked for a name\n"
    "unload\nunloaded\n", .err = "")
{
    void *plugin = load("plugin-exit");
    void **keep = keep_array(1);
    FILE *nowhere = fopen("/dev/null", "w");
    int (*names)(void) = (int (*)(void))find(plugin, "plugin_names");

    MUST(nowhere != NULL && names() == 0);
    keep[0] = target_new(1);
    MUST(gcw_explain(keep[0], nowhere) == 2);
    unload(plugin);
    MUST(gcw_explain(keep[0], nowhere) == 2);
    fclose(nowhere);
}

UNLOAD_END(so_does_a_sink, 0,
    "plugin: gcw_ref_new: target is NULL\nunload\nunloaded\n",
    .err = "gcweak: gcw_ref_get: ref is NULL\n", .err_lines = 1)
{
    void *plugin = load("plugin-exit");
    int (*sink)(void) = (int (*)(void))find(plugin, "plugin_sink");

    MUST(sink() == 0 && gcw_tell(GCW_TOLD_REFUSE, true) == 0);
    gcw_ref_new(NULL);
    unload(plugin);
    gcw_ref_get(NULL);
}

UNLOAD_END(error_hooks_of_a_plugin_go_with_it, 0,
    "before\nplugin: hook\nunload\nunloaded\nafter\ncleanup\n",
    .err = "the host gave up")
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    plugin_on_registry(plugin, "plugin_hook", r);
    MUST(gcw_exit_register_fn(r, give_up, "before", NULL) != NULL);
    MUST(gcw_exit_run(r, 0) == 1);
    unload(plugin);
    MUST(gcw_exit_register_fn(r, give_up, "after", NULL) != NULL);
    MUST(gcw_exit_run(r, 0) == 1);
    MUST(gcw_cleanup_new(target, give_up, "cleanup") != NULL);
    MUST(gcw_dispose(target) == 0);
    gcw_drain(0);
}

/* Listeners. */

static void
host_hears_hub(const gcw_emission *emission, void *data)
{
    say_word(emission->arg, data);
}

static void
host_listens(gcw_event *e, listener_fn *fn, void *data)
{
    MUST(gcw_event_connect_fn(e, fn, data, 0) != NULL);
}

static void
host_listens_to_hub(gcw_hub *h, void *source, char *line)
{
    MUST(gcw_hub_connect_fn(h, "news", source, host_hears_hub, line, 0)
         != NULL);
}

static void
emit_calls(gcw_event *e, size_t n)
{
    MUST(gcw_event_count(e) == n);
    MUST(gcw_event_emit(e, NULL) == n);
}

UNLOAD_END(listeners_of_a_plugin_go_with_it, 0,
    "host 1\nplugin: function\nplugin: method\nplugin: weak method\n"
    "host 2\nunload\nunloaded\nhost 1\nhost 2\n")
{
    gcw_event *e = gcw_event_new(NULL);
    void *plugin = load("plugin-exit");
    void *target = lasting_target(0), *data = lasting_target(0);
    host_listens(e, say_word, "host 1");
    plugin_listens(plugin, e, target, data);
    host_listens(e, say_word, "host 2");
    emit_calls(e, 5);
    unload(plugin);
    emit_calls(e, 2);
}

UNLOAD_END(those_of_a_hub_go_too, 0,
    "host 1\nplugin: function\nplugin: method\nplugin: any function\n"
    "plugin: any method\nhost 2\nunload\nunloaded\n"
    "host 1\nhost 2\nhost 1\nhost 2\n")
{
    gcw_hub *h = gcw_hub_new();
    gcw_hub_size size;
    void *plugin = load("plugin-exit");
    void *source = lasting_target(0), *target = lasting_target(0);
    host_listens_to_hub(h, source, "host 1");
    plugin_listens_to_hub(plugin, h, source, target);
    host_listens_to_hub(h, source, "host 2");
    MUST(gcw_hub_post(h, "news", source, NULL) == 0);
    MUST(gcw_hub_emit(h, "news", source, NULL) == 6);
    unload(plugin);
    MUST(gcw_hub_emit(h, "news", source, NULL) == 2);
    MUST(gcw_hub_dispatch(h, 0) == 1);
    MUST(gcw_hub_measure(h, &size) == 0);
    MUST(size.listeners == 2 && size.patterns == 1 && size.types == 1);
}

UNLOAD_END(whoever_connected_them_and_in_whatever_way,
    0, "unload\nunloaded\nhost\n")
{
    gcw_event *e = gcw_event_new(NULL);
    void *plugin = load("plugin-exit");
    listener_fn *fn = plugin_hears(plugin);
    gcw_listener *once = gcw_event_connect_fn(e, fn, "once", GCW_ONCE);
    gcw_listener *blocked = gcw_event_connect_fn(e, fn, "blocked", 0);
    gcw_listener_block(blocked);
    host_listens(e, say_word, "host");
    MUST(gcw_event_count(e) == 3);
    unload(plugin);
    MUST(!gcw_listener_connected(once) && !gcw_listener_connected(blocked));
    MUST(!gcw_listener_disconnect(once));
    gcw_listener_unblock(blocked);
    emit_calls(e, 1);
}

static void
unload_first(void *arg, void *plugin)
{
    (void)arg;
    unload(plugin);
}

static void
unload_first_of_hub(const gcw_emission *emission, void *plugin)
{
    unload_first(emission->arg, plugin);
}

UNLOAD_END(a_listener_may_unload_those_that_come_after_it, 0,
    "plugin: before\nunload\nunloaded\nhost\n")
{
    gcw_event *e = gcw_event_new(NULL);
    void *plugin = load("plugin-exit");
    host_listens(e, plugin_hears(plugin), "before");
    host_listens(e, unload_first, plugin);
    plugin_listens(plugin, e, lasting_target(0), lasting_target(0));
    host_listens(e, say_word, "host");
    MUST(gcw_event_emit(e, NULL) == 3);
}

UNLOAD_END(so_may_that_of_a_hub, 0, "unload\nunloaded\nhost\n")
{
    gcw_hub *h = gcw_hub_new();
    void *plugin = load("plugin-exit"), *source = lasting_target(0);
    MUST(gcw_hub_connect_fn(h, "news", NULL, unload_first_of_hub, plugin, 0)
         != NULL);
    plugin_listens_to_hub(plugin, h, source, lasting_target(0));
    host_listens_to_hub(h, source, "host");
    MUST(gcw_hub_emit(h, "news", source, NULL) == 2);
}

static void
drop_events_of(void *plugin)
{
    void *target = lasting_target(0);
    for (size_t i = 0; i < MANY; i++) {
        gcw_event *e = gcw_event_new(NULL);
        plugin_listens(plugin, e, target, target);
    }
}

/* Some may be alive all the same. */
UNLOAD_END(a_plugin_that_listened_to_events_that_are_dead_can_go, 0,
    "unload\nunloaded\n")
{
    void *plugin = load("plugin-exit");
    in_dead_frame(drop_events_of, plugin);
    collect();
    unload(plugin);
}

static void
listener_gives_up(void *arg, void *data)
{
    (void)arg;
    give_up(data);
}

static void
hub_listener_gives_up(const gcw_emission *emission, void *data)
{
    listener_gives_up(emission->arg, data);
}

static void
fail_in_both(gcw_event *e, gcw_hub *h)
{
    MUST(gcw_event_emit(e, NULL) == 1);
    MUST(gcw_hub_emit(h, NULL, NULL, NULL) == 1);
}

UNLOAD_END(error_hooks_of_events_and_hubs_go_too, 0,
    "event\nplugin: event hook\nhub\nplugin: hub hook\n"
    "unload\nunloaded\nevent\nhub\n", .err = "the host gave up")
{
    gcw_event *e = gcw_event_new(NULL);
    gcw_hub *h = gcw_hub_new();
    void *plugin = load("plugin-exit");
    plugin_listener_hooks(plugin, e, h);
    host_listens(e, listener_gives_up, "event");
    MUST(gcw_hub_connect_fn(h, NULL, NULL, hub_listener_gives_up, "hub", 0)
         != NULL);
    fail_in_both(e, h);
    unload(plugin);
    fail_in_both(e, h);
}

static void
hosts_hook(void *handle, const char *name, const char *why, void *data)
{
    (void)handle;
    (void)name;
    (void)why;
    say(data);
}

UNLOAD_END(those_of_the_host_stay, 0,
    "unload\nunloaded\nevent\nevent hook\nhub\nhub hook\n")
{
    gcw_event *e = gcw_event_new(NULL);
    gcw_hub *h = gcw_hub_new();
    void *plugin = load("plugin-exit");
    MUST(gcw_event_on_error(e, hosts_hook, "event hook") == 0);
    MUST(gcw_hub_on_error(h, hosts_hook, "hub hook") == 0);
    host_listens(e, listener_gives_up, "event");
    MUST(gcw_hub_connect_fn(h, NULL, NULL, hub_listener_gives_up, "hub", 0)
         != NULL);
    unload(plugin);
    fail_in_both(e, h);
}

/* Proxies: of the plugin's method, or with its hook; the code of each lies
 * nowhere but in the host's hands. */
#if HAVE_LIBFFI

typedef int proxied(int n);

static int
hosts_proxied_method(void *self, int n)
{
    return self != NULL ? n + 2 : 0;
}

static void
hosts_stale(gcw_proxy *p, void *data)
{
    MUST(p != NULL);
    say(data);
}

static gcw_proxy *
proxy_of(void *target, any_fn *fn)
{
    gcw_proxy *p = gcw_proxy_new(target, fn, "i)i");
    MUST(p != NULL);
    return p;
}

static void
call_gives(const gcw_proxy *p, int result)
{
    errno = 0;
    MUST(((proxied *)gcw_proxy_code(p))(5) == result);
    MUST(errno == (result == 0 ? ESTALE : 0));
}

UNLOAD_END(a_proxy_of_a_plugins_method_is_stale_once_it_is_unloaded, 0,
    "plugin: method\nunload\nunloaded\nhost: stale\n")
{
    void *plugin = load("plugin-proxy"), *target = lasting_target(0);
    gcw_proxy *p = proxy_of(target, find(plugin, "plugin_method"));
    gcw_proxy *silent = proxy_of(target, find(plugin, "plugin_method"));
    gcw_proxy *hosts = proxy_of(target, (any_fn *)hosts_proxied_method);
    MUST(gcw_proxy_on_stale(p, hosts_stale, "host: stale") == 0);
    call_gives(p, 6);
    unload(plugin);
    call_gives(p, 0);
    call_gives(silent, 0);
    call_gives(hosts, 7);
    MUST(gcw_proxy_free(p) == 0);
}

UNLOAD_END(a_plugins_hook_hears_of_no_stale_call_any_more, 0,
    "plugin: stale\nunload\nunloaded\nhost: stale\n")
{
    void *plugin = load("plugin-proxy"), *target = lasting_target(0);
    gcw_proxy *p = proxy_of(target, (any_fn *)hosts_proxied_method);
    gcw_proxy *hosts = proxy_of(target, (any_fn *)hosts_proxied_method);
    void (*hook)(gcw_proxy *, void *) =
        (void (*)(gcw_proxy *, void *))find(plugin, "plugin_stale");
    MUST(gcw_proxy_on_stale(p, hook, "stale") == 0);
    MUST(gcw_proxy_on_stale(hosts, hosts_stale, "host: stale") == 0);
    call_gives(p, 7);
    MUST(gcw_dispose(target) == 0);
    call_gives(p, 0);
    unload(plugin);
    call_gives(p, 0);
    call_gives(hosts, 0);
}

#endif

/* A plugin that does not. */

static void
add_foreign(void *plugin)
{
    gcw_exit_registry *r = gcw_exit_default();
    void *target = lasting_target(0);
    void (*function)(void *) =
        (void (*)(void *))find(plugin, "foreign_function");
    gcw_method_fn *method = (gcw_method_fn *)find(plugin, "foreign_method");
    gcw_method *m = gcw_method_new(target, method, "method");
    at_exit_say("host 1");
    MUST(gcw_exit_register_fn(r, function, "function", NULL) != NULL);
    MUST(gcw_exit_register(r, m, NULL) != NULL);
    MUST(gcw_atexit(find(plugin, "foreign_atexit")) == 0);
    MUST(gcw_cleanup_new(target, function, "cleanup") != NULL);
    at_exit_say("host 2");
}

UNLOAD_END(code_that_never_heard_of_gcweak_runs_while_loaded, 0,
    "host 2\nforeign: atexit\nforeign: method\nforeign: function\nhost 1\n"
    "foreign: cleanup\n")
{
    add_foreign(load("plugin-foreign"));
}

UNLOAD_END(once_unloaded_it_is_not_called_at_exit, 0,
    "unload\nunloaded\nhost 2\nhost 1\n")
{
    void *plugin = load("plugin-foreign");
    add_foreign(plugin);
    unload(plugin);
}

UNLOAD_END(nor_when_an_object_dies, 0, "unload\nunloaded\nhost\n")
{
    void *plugin = load("plugin-foreign"), *target = lasting_target(0);
    void (*function)(void *) =
        (void (*)(void *))find(plugin, "foreign_function");
    MUST(gcw_cleanup_new(target, say_it, "host") != NULL);
    MUST(gcw_cleanup_new(target, function, "cleanup") != NULL);
    unload(plugin);
    MUST(gcw_dispose(target) == 0);
    gcw_drain(0);
}

/* Those of queues. */

static void
fail_in_queue(void *data)
{
    (void)data;
    gcw_fail("in the queue");
}

static void
pend_failing(gcw_queue *q)
{
    void *target = GC_MALLOC(64);
    MUST(gcw_cleanup_new_in(q, target, fail_in_queue, NULL) != NULL);
    MUST(gcw_dispose(target) == 0);
    MUST(gcw_queue_drain(q, 0) == 1);
}

UNLOAD_END(cleanups_of_queues_run_when_their_code_is_unloaded_and_hooks_go, 0,
    "plugin: heard of a queue\nunload\nplugin: cleanup of a queue\n"
    "plugin: cleanup of a queue\nunloaded\n", .err = "in the queue")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    gcw_queue *q = gcw_queue_new("q"), *other = gcw_queue_new(NULL);
    int (*add)(gcw_queue *, void *) =
        (int (*)(gcw_queue *, void *))find(plugin, "plugin_cleanup_in");
    int (*hook)(gcw_queue *) =
        (int (*)(gcw_queue *))find(plugin, "plugin_queue_hook");
    MUST(hook(q) == 0);
    pend_failing(q);
    MUST(add(q, target) == 0);
    MUST(gcw_dispose(target) == 0);
    MUST(add(other, lasting_target(1)) == 0);
    unload(plugin);
    MUST(gcw_queue_drain(q, 0) == 0);
    pend_failing(q);
}

/* Handlers and cleanups that run at dlclose. */

static void
plugin_does(void *plugin, const char *name)
{
    int (*fn)(void) = (int (*)(void))find(plugin, name);
    MUST(fn() == 0);
}

static void
plugin_on_target(void *plugin, const char *name, void *target)
{
    int (*fn)(void *) = (int (*)(void *))find(plugin, name);
    MUST(fn(target) == 0);
}

UNLOAD_END(what_a_handler_registers_at_unload_is_next, 0,
    "unload\nplugin: registers\nplugin: next\nplugin: last\nunloaded\n")
{
    void *plugin = load("plugin-exit");
    plugin_on_registry(plugin, "plugin_handler_registers",
                       gcw_exit_default());
    unload(plugin);
}

UNLOAD_END(cleanups_run_after_handlers_newest_first_though_one_fails,
    0, "unload\n"
    "plugin: atexit\nplugin: method\nplugin: function\n"
    "plugin: cleanup 3\nplugin: cleanup 2\nplugin: cleanup 1\n"
    "plugin: cleanup\nunloaded\nhost\n", .err = "the cleanup gave up")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    plugin_cleanup(plugin, target);
    plugin_handlers(plugin, gcw_exit_default(), target);
    plugin_on_target(plugin, "plugin_cleanups", target);
    MUST(gcw_cleanup_new(target, say_it, "host") != NULL);
    unload(plugin);
}

UNLOAD_END(those_that_do_not_run_at_exit_do_not_run, 0,
    "unload\nplugin: cleanup\nunloaded\n")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    plugin_on_target(plugin, "plugin_cleanup_off", target);
    plugin_cleanup(plugin, target);
    unload(plugin);
    MUST(gcw_dispose(target) == 0);
    MUST(gcw_drain(0) == 0);
}

UNLOAD_END(unless_they_are_pending, 0,
    "unload\nplugin: cleanup not at exit\nunloaded\n")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    plugin_on_target(plugin, "plugin_cleanup_off", target);
    MUST(gcw_dispose(target) == 0);
    unload(plugin);
}

UNLOAD_END(a_child_does_not_run_its_parents_cleanups, 0,
    "unload\nplugin: cleanup\nunloaded\nparent\nunload\n"
    "plugin: cleanup 3\nplugin: cleanup 2\nplugin: cleanup 1\nunloaded\n")
{
    void *plugin = load("plugin-exit");
    plugin_on_target(plugin, "plugin_cleanups", lasting_target(0));
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        plugin_cleanup(plugin, lasting_target(0));
        unload(plugin);
        _exit(0);
    }
    MUST(waitpid(pid, NULL, 0) == pid);
    say("parent");
    unload(plugin);
}

/* Names of functions. */

/* Whether a dump shows the function, as a listener's, by that text. */
static bool
is_shown_as(listener_fn *fn, const char *text)
{
    gcw_event *e = gcw_event_new("shows");
    char *dump;
    bool shown;

    MUST(gcw_event_connect_fn(e, fn, NULL, 0) != NULL);
    dump = dumped();
    shown = strstr(dump, text) != NULL;
    free(dump);
    MUST(gcw_event_disconnect_fn(e, fn, NULL) == 1);
    return shown;
}

static void
name_it(listener_fn *fn, const char *name)
{
    MUST(gcw_name_function((void (*)(void))fn, name) == 0);
}

static void
host_hears(void *arg, void *data)
{
    (void)arg, (void)data;
}

UNLOAD_END(names_of_functions_go_with_the_plugin, 0, "unload\nunloaded\n")
{
    void *plugin = load("plugin-exit");
    listener_fn *fn = plugin_hears(plugin);

    name_it(fn, "hears it");
    name_it(host_hears, "the host");
    MUST(is_shown_as(fn, " hears it (plugin-exit.so)\n"));
    unload(plugin);
    MUST(!is_shown_as(fn, "hears it"));
    MUST(is_shown_as(host_hears, " the host ("));
}

/* No call but these has been made by then. */
FRESH_UNLOAD_END(so_they_do_before_the_library_has_started,
    0, "unload\nunloaded\n")
{
    void *plugin = load("plugin-exit");
    listener_fn *fn = plugin_hears(plugin);

    name_it(fn, "hears it");
    unload(plugin);
    MUST(!is_shown_as(fn, "hears it"));
}

/* The worker. */

/* What is left behind would be named there. */
static void
begin_worker_and_listen(void)
{
    MUST(dup2(STDOUT_FILENO, STDERR_FILENO) >= 0);
    begin_worker();
}

static void
stay_in_the_worker(void)
{
    send_byte(other.there);
    await_byte(other.done);
}

static bool
main_sleeps(void)
{
    char path[64], text[512], *bracket = NULL;
    FILE *file;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    file = fopen(path, "r");
    MUST(file != NULL);
    if (fgets(text, sizeof text, file) != NULL)
        bracket = strrchr(text, ')');
    fclose(file);
    if (bracket == NULL)
        abort();
    return bracket[2] == 'S';
}

/* Lets the worker go on when main sleeps in dlclose; if that does not wait,
 * when main waits for this thread. */
static void *
let_it_go_on(void *unused)
{
    int times = 0;
    await_byte(other.go);
    while (times < 10) {
        times = main_sleeps() ? times + 1 : 0;
        usleep(1000);
    }
    send_byte(other.done);
    return unused;
}

UNLOAD_END(dlclose_waits_for_the_workers_callback, 0,
    "plugin: begins\nunload\nplugin: ends\nunloaded\nnext\n")
{
    pthread_t thread;
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    int (*calls)(void *, void (*)(void)) =
        (int (*)(void *, void (*)(void)))find(plugin, "plugin_cleanup_calls");
    MUST(pipe(other.go) == 0 && pipe(other.there) == 0
         && pipe(other.done) == 0);
    begin_worker_and_listen();
    MUST(calls(target, stay_in_the_worker) == 0);
    MUST(gcw_dispose(target) == 0);
    await_byte(other.there);
    MUST(pthread_create(&thread, NULL, let_it_go_on, NULL) == 0);
    send_byte(other.go);
    unload(plugin);
    MUST(pthread_join(thread, NULL) == 0);
    pend(tell, "next");
    await_call();
}

static void
unload_and_tell(void *plugin)
{
    unload(plugin);
    sem_post(called());
}

/* A callback of the worker that is not the plugin's is not waited for. */
static void
stay_in_host(void *unused)
{
    (void)unused;
    stay_in_the_worker();
    tell("host ends");
}

UNLOAD_END(not_for_one_of_the_host, 0, UNLOADS "host ends\n")
{
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target(0));
    MUST(pipe(other.there) == 0 && pipe(other.done) == 0);
    begin_worker_and_listen();
    pend(stay_in_host, NULL);
    await_byte(other.there);
    unload(plugin);
    send_byte(other.done);
    await_call();
}

UNLOAD_END(the_worker_may_unload_a_plugin, 0,
    "unload\nplugin: atexit\nplugin: method\nplugin: function\n"
    "plugin: cleanup\nunloaded\nnext\n")
{
    void *plugin = load("plugin-exit"), *target = lasting_target(0);
    plugin_cleanup(plugin, target);
    plugin_handlers(plugin, gcw_exit_default(), target);
    begin_worker_and_listen();
    pend(unload_and_tell, plugin);
    await_call();
    pend(tell, "next");
    await_call();
}

/* After the library's part of the exit: the C library calls what was
 * registered before the library was started. */

static struct {
    void *plugin, *target;
    gcw_event *event;
    gcw_hub *hub;
    gcw_proxy *proxy;
    gcw_exit_registry *registry;
} *late;                             /* uncollectable */

static void
prepare_late(void (*unload_late)(void), const char *plugin)
{
    MUST(atexit(unload_late) == 0);
    late = GC_MALLOC_UNCOLLECTABLE(sizeof *late);
    MUST(late != NULL && gcw_init() == 0);
    late->plugin = load(plugin);
    late->target = target_new(0);
    at_exit_say("exit");
}

static void
unload_and_emit(void)
{
    unload(late->plugin);
    emit_calls(late->event, 1);
    MUST(gcw_hub_emit(late->hub, "news", late->target, NULL) == 1);
}

UNLOAD_END(a_plugin_can_go_after_the_exit_and_its_listeners_with_it, 0,
    "exit\nunload\nunloaded\nhost hears\nhost hears of hub\n")
{
    prepare_late(unload_and_emit, "plugin-exit");
    late->event = gcw_event_new(NULL);
    late->hub = gcw_hub_new();
    host_listens(late->event, say_word, "host hears");
    host_listens_to_hub(late->hub, late->target, "host hears of hub");
    plugin_listens(late->plugin, late->event, late->target, late->hub);
    plugin_listens_to_hub(late->plugin, late->hub, late->target,
                          late->target);
}

static void
unload_and_fail(void)
{
    unload(late->plugin);
    MUST(gcw_dispose(late->target) == 0);
    MUST(gcw_drain(0) == 1);
}

UNLOAD_END(so_do_its_hooks, 0, "exit\nunload\nunloaded\nfails\n",
    .err = "the host gave up")
{
    gcw_cleanup *c;
    prepare_late(unload_and_fail, "plugin-exit");
    plugin_on_registry(late->plugin, "plugin_hook",
                       gcw_exit_registry_new("own"));
    c = gcw_cleanup_new(late->target, give_up, "fails");
    MUST(c != NULL && gcw_cleanup_set_atexit(c, false) == 0);
}

static void
unload_late(void)
{
    unload(late->plugin);
}

/* The registry of one's own has not run at exit. */
UNLOAD_END(handlers_that_have_not_run_at_exit_run, 0,
    "plugin: atexit\nexit\nunload\nplugin: method\nplugin: function\n"
    "unloaded\n")
{
    prepare_late(unload_late, "plugin-exit");
    late->registry = gcw_exit_registry_new("own");
    plugin_handlers(late->plugin, late->registry, late->target);
}

static void
unload_and_dispose(void)
{
    unload(late->plugin);
    MUST(gcw_dispose(late->target) == 0);
    MUST(gcw_drain(0) == 0);
}

UNLOAD_END(cleanups_that_do_not_run_at_exit_go, 0, "exit\nunload\nunloaded\n")
{
    prepare_late(unload_and_dispose, "plugin-exit");
    plugin_on_target(late->plugin, "plugin_cleanup_off", late->target);
}

#if HAVE_LIBFFI

static void
unload_and_call(void)
{
    call_gives(late->proxy, 6);
    unload(late->plugin);
    call_gives(late->proxy, 0);
}

UNLOAD_END(proxies_of_its_methods_are_stale, 0,
    "exit\nplugin: method\nunload\nunloaded\n")
{
    prepare_late(unload_and_call, "plugin-proxy");
    late->proxy = proxy_of(late->target, find(late->plugin, "plugin_method"));
}

#endif

/* Strangers unload.  Meanwhile another thread collects and fills free memory,
 * but not while the plugin's memory goes: the collector looks at that. */

/* Called by the plugin's handler. */
static void
allocate_in_storm(void)
{
    say_whether_lists_stay_intact(NULL);
    end_storm();
}

static pthread_key_t key;

static void
unload_as_the_thread_ends(void *plugin)
{
    unload(plugin);
}

static void *
load_for_storm(void)
{
    void *plugin = load("plugin-exit");
    int (*calls)(gcw_exit_registry *, void (*)(void)) =
        (int (*)(gcw_exit_registry *, void (*)(void)))find(plugin,
                                                           "plugin_calls");
    MUST(pthread_key_create(&key, unload_as_the_thread_ends) == 0);
    MUST(calls(gcw_exit_default(), allocate_in_storm) == 0);
    begin_storm();
    return plugin;
}

/* The plugin's function runs after its one that calls the host. */
#define STORMY "unload\n" INTACT "plugin: function\nunloaded\n"

UNLOAD_END(a_thread_that_is_not_stopped_may_unload_a_plugin, 0, STORMY)
{
    GC_do_blocking(unload_here, load_for_storm());
}

UNLOAD_END(so_may_an_unknown_one_while_another_collects, 0, STORMY)
{
    in_unknown_thread(unload_here, load_for_storm());
}

static void *
have_a_plugin(void *plugin)
{
    MUST(gcw_ref_new(target_new(0)) != NULL);
    MUST(pthread_setspecific(key, plugin) == 0);
    return NULL;
}

UNLOAD_END(or_one_that_ends, 0, STORMY)
{
    void *plugin = load_for_storm();
    in_thread(have_a_plugin, plugin);
}

/* Other copies of the library. */

UNLOAD_END(a_plugin_may_contain_the_library,
    0, "collected\nplugin: exit\nhost\n")
{
    void *plugin = load("plugin-static");
    MUST(gcw_init() == 0);
    plugin_does(plugin, "plugin_start");
    MUST(dlclose(plugin) == 0);
    for (int i = 0; i < 10; i++) {
        lasting_target(0);
        GC_gcollect();
    }
    say("collected");
    at_exit_say("host");
}

static void *
register_first(void *plugin)
{
    plugin_does(plugin, "plugin_atexit");
    return NULL;
}

/* No other call comes, and the collector does not run. */
FRESH_UNLOAD_END(what_a_second_thread_registered_before_the_start_runs_at_unload,
    0,
          "unload\nplugin: atexit\nunloaded\n")
{
    void *plugin = load("plugin-exit");
    in_unknown_thread(register_first, plugin);
    unload(plugin);
}

FRESH_UNLOAD_END(or_after_a_start_in_between,
    0, "unload\nplugin: atexit\nunloaded\n")
{
    void *plugin = load("plugin-exit");
    in_unknown_thread(register_first, plugin);
    MUST(gcw_init() == 0);
    unload(plugin);
}

/* The address sanitizer cannot be in two namespaces. */
#if defined LM_ID_NEWLM && !ADDRESSES_ARE_CHECKED
# define HAS_NAMESPACES 1
#else
# define HAS_NAMESPACES 0
#endif

#if HAS_NAMESPACES

/* Two collectors run, one in each namespace, if this one's program does not
 * leave its own alone. */
FRESH_UNLOAD_END(a_plugin_in_a_namespace_of_its_own_runs_its_handlers_at_unload,
    0,
          "unload\nplugin: function\nunloaded\n")
{
    char path[PATH_MAX];
    void *plugin;
    plugin_path(path, "plugin-exit");
    plugin = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    if (plugin == NULL)
        say(dlerror());
    MUST(plugin != NULL);
    plugin_does(plugin, "plugin_at_exit");
    unload(plugin);
}

#endif
