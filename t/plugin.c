/* plugin.c: tests of callbacks whose code is unloaded: they are never called
 * once it is gone.  plugin-exit knows gcweak, plugin-foreign does not.
 *
 * The plugins lie in the directory of libtool's results, which is where this
 * program itself is, or one below.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <sys/wait.h>
#include "ends.h"

static void
plugin_path(char path[PATH_MAX], const char *name)
{
    char self[PATH_MAX / 2];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    MUST(n > 0);
    self[n] = '\0';
    char *dir = dirname(self);
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

/* What the host has. */

static void
at_exit_say(char *line)
{
    MUST(gcw_exit_register_fn(gcw_exit_default(), say_it, line, NULL) != NULL);
}

static void *
lasting_target(void)
{
    void **keep = keep_array(1);
    return keep[0] = target_new(0);
}

/* A plugin that knows gcweak. */

static void
handlers_run_at_unload(void)
{
    void *plugin = load("plugin-exit");
    at_exit_say("host 1");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target());
    at_exit_say("host 2");
    unload(plugin);
}

static void
host_starts_first(void)
{
    at_exit_say("host 1");
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target());
    at_exit_say("host 2");
    unload(plugin);
}

static void
stays_loaded(void)
{
    at_exit_say("host 1");
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target());
    at_exit_say("host 2");
}

static void
loaded_twice(void)
{
    void *plugin = load("plugin-exit");
    MUST(load("plugin-exit") == plugin);
    plugin_handlers(plugin, gcw_exit_default(), lasting_target());
    unload(plugin);
    unload(plugin);
}

static void
load_use_unload(void)
{
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target());
    unload(plugin);
}

static void
comes_again(void)
{
    load_use_unload();
    load_use_unload();
}

static void
unload_it(void *plugin)
{
    unload(plugin);
}

static void
unloaded_during_exit(void)
{
    void *plugin = load("plugin-exit");
    at_exit_say("host 1");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target());
    MUST(gcw_exit_register_fn(gcw_exit_default(), unload_it, plugin, NULL)
         != NULL);
}

static void *
unload_here(void *plugin)
{
    unload(plugin);
    return NULL;
}

static void
unloaded_by_an_unknown_thread(void)
{
    pthread_t thread;
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target());
    MUST(pthread_create(&thread, NULL, unload_here, plugin) == 0);
    MUST(pthread_join(thread, NULL) == 0);
}

/* Of the plugin's handlers the child inherits only that of atexit. */
static void
unloaded_by_a_child(void)
{
    void *plugin = load("plugin-exit");
    plugin_handlers(plugin, gcw_exit_default(), lasting_target());
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        unload(plugin);
        exit(0);
    }
    MUST(waitpid(pid, NULL, 0) == pid);
    unload(plugin);
}

static void
registry_of_ones_own(void)
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    void *plugin = load("plugin-exit");
    MUST(gcw_exit_register_fn(r, say_it, "own 1", NULL) != NULL);
    plugin_handlers(plugin, r, lasting_target());
    unload(plugin);
    MUST(gcw_exit_run(r, 0) == 0);
}

static void
object_died_before(void)
{
    void *plugin = load("plugin-exit"), *target = lasting_target();
    plugin_handlers(plugin, gcw_exit_default(), target);
    MUST(gcw_dispose(target) == 0);
    unload(plugin);
}

static void
handler_fails_at_unload(void)
{
    void *plugin = load("plugin-exit");
    plugin_on_registry(plugin, "plugin_failing", gcw_exit_default());
    unload(plugin);
}

static void *
hosts_method(void *self, void *arg, void *data)
{
    (void)self;
    (void)arg;
    return data;
}

static void
cleanups_go(void)
{
    void *plugin = load("plugin-exit"), *target = lasting_target();
    MUST(gcw_cleanup_new(target, say_it, "host") != NULL);
    plugin_cleanup(plugin, target);
    plugin_on_death(plugin, gcw_method_new(target, hosts_method, NULL));
    unload(plugin);
    MUST(gcw_dispose(target) == 0);
    MUST(gcw_drain(0) == 1);
}

static void
pending_cleanups_go(void)
{
    void *plugin = load("plugin-exit"), *target = lasting_target();
    MUST(gcw_cleanup_new(target, say_it, "host") != NULL);
    plugin_cleanup(plugin, target);
    MUST(gcw_dispose(target) == 0);
    unload(plugin);
    MUST(gcw_drain(0) == 1);
}

static void
cleanups_at_exit_go(void)
{
    void *plugin = load("plugin-exit"), *target = lasting_target();
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

static void
hooks_go(void)
{
    gcw_exit_registry *r = gcw_exit_registry_new("own");
    void *plugin = load("plugin-exit"), *target = lasting_target();
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

/* A plugin that does not. */

static void
add_foreign(void *plugin)
{
    gcw_exit_registry *r = gcw_exit_default();
    void *target = lasting_target();
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

static void
foreign_stays(void)
{
    add_foreign(load("plugin-foreign"));
}

static void
foreign_goes(void)
{
    void *plugin = load("plugin-foreign");
    add_foreign(plugin);
    unload(plugin);
}

static void
foreign_cleanup_goes(void)
{
    void *plugin = load("plugin-foreign"), *target = lasting_target();
    void (*function)(void *) =
        (void (*)(void *))find(plugin, "foreign_function");
    MUST(gcw_cleanup_new(target, say_it, "host") != NULL);
    MUST(gcw_cleanup_new(target, function, "cleanup") != NULL);
    unload(plugin);
    MUST(gcw_dispose(target) == 0);
    gcw_drain(0);
}

#define UNLOADS "unload\n" \
    "plugin: atexit\nplugin: method\nplugin: function\nunloaded\n"

static const struct end ends[] = {
    { "handlers_run_at_unload_newest_first_and_never_again",
      handlers_run_at_unload, 0, UNLOADS "host 2\nhost 1\n", NULL, NULL },
    { "so_they_do_in_a_plugin_loaded_after_the_host_started",
      host_starts_first, 0, UNLOADS "host 2\nhost 1\n", NULL, NULL },
    { "handlers_of_a_loaded_plugin_run_at_exit_in_their_turn",
      stays_loaded, 0, "host 2\n"
      "plugin: atexit\nplugin: method\nplugin: function\nhost 1\n",
      NULL, NULL },
    { "only_the_last_dlclose_is_the_end", loaded_twice, 0,
      "unload\nunloaded\n" UNLOADS, NULL, NULL },
    { "a_plugin_can_come_again", comes_again, 0,
      UNLOADS UNLOADS, NULL, NULL },
    { "a_handler_may_unload_a_plugin", unloaded_during_exit, 0,
      UNLOADS "host 1\n", NULL, NULL },
    { "an_unknown_thread_may_unload_a_plugin",
      unloaded_by_an_unknown_thread, 0, UNLOADS, NULL, NULL },
    { "a_child_that_unloads_runs_what_it_inherits", unloaded_by_a_child, 0,
      "unload\nplugin: atexit\nunloaded\n" UNLOADS, NULL, NULL },
    { "handlers_in_a_registry_of_ones_own_end_too",
      registry_of_ones_own, 0, UNLOADS "own 1\n", NULL, NULL },
    { "at_unload_handlers_of_the_dead_are_skipped", object_died_before, 0,
      "unload\nplugin: atexit\nplugin: function\nunloaded\n", NULL, NULL },
    { "a_handler_that_fails_at_unload_is_reported_and_the_rest_run",
      handler_fails_at_unload, 0,
      "unload\nplugin: fails\nplugin: last\nunloaded\n",
      "the plugin's torn rope", NULL },
    { "cleanups_and_death_callbacks_of_a_plugin_go_with_it", cleanups_go, 0,
      "unload\nunloaded\nhost\n", NULL, NULL },
    { "pending_ones_go_too", pending_cleanups_go, 0,
      "unload\nunloaded\nhost\n", NULL, NULL },
    { "cleanups_of_a_plugin_that_went_do_not_run_at_exit",
      cleanups_at_exit_go, 0, "unload\nunloaded\nhost\n", NULL, NULL },
    { "error_hooks_of_a_plugin_go_with_it", hooks_go, 0,
      "before\nplugin: hook\nunload\nunloaded\nafter\ncleanup\n",
      "the host gave up", NULL },

    { "code_that_never_heard_of_gcweak_runs_while_loaded", foreign_stays, 0,
      "host 2\nforeign: atexit\nforeign: method\nforeign: function\nhost 1\n"
      "foreign: cleanup\n", NULL, NULL },
    { "once_unloaded_it_is_not_called_at_exit", foreign_goes, 0,
      "unload\nunloaded\nhost 2\nhost 1\n", NULL, NULL },
    { "nor_when_an_object_dies", foreign_cleanup_goes, 0,
      "unload\nunloaded\nhost\n", NULL, NULL },
};

ENDS_MAIN(ends)
