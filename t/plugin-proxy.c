/* plugin-proxy.c: a shared object that a test loads and unloads.  It has the
 * functions of the host's proxies: methods, and what hears of stale calls.
 */
#include <stdio.h>
#include <unistd.h>
#include <gcweak.h>

int plugin_method(void *self, int n);
void plugin_stale(gcw_proxy *p, void *data);

int
plugin_method(void *self, int n)
{
    dprintf(STDOUT_FILENO, "plugin: method\n");
    return self != NULL ? n + 1 : 0;
}

void
plugin_stale(gcw_proxy *p, void *data)
{
    (void)p;
    dprintf(STDOUT_FILENO, "plugin: %s\n", (const char *)data);
}
