/* plugin.c: loads a plugin, which listens and has something to do at the end,
 * and takes it away while the program goes on. */
#include <dlfcn.h>
#include <stdio.h>
#include <gc.h>
#include <gcweak.h>

static void
hear(void *arg, void *data)
{
    (void)data;
    printf("program: %s\n", (const char *)arg);
}

static void
tell(gcw_event *news, const char *what)
{
    printf("%zu heard\n", gcw_event_emit(news, (void *)what));
}

/* Calls the plugin's plugin_start(news). */
static void
start(void *plugin, gcw_event *news)
{
    void (*plugin_start)(gcw_event *news);

    *(void **)&plugin_start = dlsym(plugin, "plugin_start");
    if (plugin_start != NULL)
        plugin_start(news);
}

/* The collector looks at the data of shared objects, and must not be at it on
 * another thread while one goes. */
static void
unload(void *plugin)
{
    GC_disable();
    dlclose(plugin);
    GC_enable();
}

int
main(int argc, char **argv)
{
    gcw_event *news = gcw_event_new("news");
    void *plugin = dlopen(argc > 1 ? argv[1] : "./plugin-part.so", RTLD_NOW);

    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    gcw_event_connect_fn(news, hear, NULL, 0);
    start(plugin, news);
    tell(news, "the plugin is there");
    unload(plugin);
    tell(news, "the plugin is gone");
    return 0;
}
