/* torture-away.c: forked children, and plugins.  See torture.h. */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>

#include "torture.h"

bool with_forks, with_plugins;

/* --- Children --- */

enum { CHILD_PLAYS = 100, CHILD_SECONDS = 20 };

/* All that its parent's thread knows holds here as well. */
static _Noreturn void
be_a_child(struct player *p, bool by_exit)
{
    alarm(CHILD_SECONDS);
    with_forks = false;
    promises_begin();
    for (size_t i = 0; i < REGISTRIES; i++)
        atomic_store(&common->running[i], 0);
    check_world(p);
    for (int i = 0; i < CHILD_PLAYS; i++)
        play(p);
    gcw_collect();
    check_world(p);
    if (!by_exit)
        _exit(0);
    atomic_store(&exiting, true);
    exit(0);
}

static void
await_child(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            abort();
    must_be(status == 0, WIFSIGNALED(status)
                             && WTERMSIG(status) == SIGALRM
                             ? "a child hangs" : "a child ended badly");
}

void
play_fork(struct player *p)
{
    bool by_exit = below(2);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0)
        be_a_child(p, by_exit);
    await_child(pid);
    atomic_fetch_add(&tally->children, 1);
}

/* --- Plugins --- */

/* One at a time, so that dlclose really unloads it. */
static pthread_mutex_t plugin_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_size_t plugin_calls;

struct host {
    gcw_exit_registry *registry;
    gcw_event *event;
    gcw_hub *hub;
    struct object *target;
};

typedef gcw_cleanup *plugin_fn(gcw_exit_registry *r, gcw_event *e, gcw_hub *h,
                               void *target, atomic_size_t *calls);

/* In libtool's directory of results, beside this program. */
static void *
load_plugin(void)
{
    char self[PATH_MAX / 2], path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return NULL;
    self[n] = '\0';
    snprintf(path, sizeof path, "%s/.libs/torture-plugin.so", dirname(self));
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static gcw_cleanup *
begin(void *plugin, const struct host *host)
{
    plugin_fn *fn;
    *(void **)&fn = dlsym(plugin, "plugin_begins");
    return fn == NULL ? NULL : fn(host->registry, host->event, host->hub,
                                  host->target, &plugin_calls);
}

static void
must_have_called(size_t calls, const char *what)
{
    must_be(atomic_load(&plugin_calls) == calls, what);
}

static size_t
emit_all(const struct host *host)
{
    return gcw_event_emit(host->event, NULL)
        + gcw_hub_emit(host->hub, "plugin", NULL, NULL);
}

/* Without a collection meanwhile: the collector looks at the data of shared
 * objects, and one that is unmapped while another thread collects makes it
 * crash, with gcweak or without. */
static bool
unload(void *plugin)
{
    int result;
    GC_disable();
    result = dlclose(plugin);
    GC_enable();
    return result == 0;
}

static void
come_and_go(void *plugin, const struct host *host)
{
    gcw_cleanup *c;
    atomic_store(&plugin_calls, 0);
    c = begin(plugin, host);
    if (c == NULL)
        abort();
    must_be(emit_all(host) == 3, "a plugin does not listen");
    must_have_called(3, "a plugin did not hear");
    must_be(unload(plugin), "dlclose failed");
    must_have_called(6, "handlers and cleanup did not run once each at"
                        " dlclose");
    must_be(!gcw_cleanup_alive(c), "its cleanup is there");
    must_be(emit_all(host) == 0, "a plugin that went listens");
    must_be(gcw_event_count(host->event) == 0, "its listeners are there");
    must_be(gcw_exit_run(host->registry, 0) == 0, "its handlers fail");
    gcw_dispose(host->target);
    gcw_drain(0);
    must_have_called(6, "what went with a plugin was called");
}

void
play_plugin(struct player *p)
{
    struct host host = {
        gcw_exit_registry_new(NULL), gcw_event_new(NULL), gcw_hub_new(),
        object_new()
    };
    void *plugin;
    (void)p;
    if (pthread_mutex_trylock(&plugin_lock) != 0)
        return;
    plugin = load_plugin();
    if (plugin == NULL)
        abort();
    come_and_go(plugin, &host);
    pthread_mutex_unlock(&plugin_lock);
    GC_reachable_here(host.target);
    atomic_fetch_add(&tally->plugins, 1);
}
