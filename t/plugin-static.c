/* plugin-static.c: a shared object that a test loads and unloads.  It contains
 * the library, which the host has another copy of.
 */
#include <stdio.h>
#include <unistd.h>
#include <gcweak.h>

int plugin_start(void);

static void
say_it(void *line)
{
    dprintf(STDOUT_FILENO, "plugin: %s\n", (const char *)line);
}

/* All that the library starts is of this copy. */
int
plugin_start(void)
{
    gcw_exit_registry *r;
    if (gcw_init() != 0 || gcw_drain_thread(true) != 0)
        return -1;
    r = gcw_exit_default();
    return gcw_exit_register_fn(r, say_it, "exit", NULL) != NULL ? 0 : -1;
}
