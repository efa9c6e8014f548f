/* plugin-part.c: the plugin.  That it includes a header of gcweak is enough for
 * dlclose to end what it has registered. */
#include <stdio.h>
#include <gcweak.h>

void plugin_start(gcw_event *news);

static void
hear(void *arg, void *data)
{
    (void)data;
    printf("plugin:  %s\n", (const char *)arg);
}

static void
save_settings(void *data)
{
    printf("plugin:  saves its settings in %s\n", (const char *)data);
}

void
plugin_start(gcw_event *news)
{
    gcw_exit_options options = { .name = "settings" };

    gcw_event_connect_fn(news, hear, NULL, 0);
    gcw_exit_register_fn(gcw_exit_default(), save_settings, "plugin.conf",
                         &options);
}
