/* plugin-foreign.c: a shared object that a test loads and unloads.  It has
 * never heard of gcweak; the test registers its functions for it.
 */
#include <stdio.h>
#include <unistd.h>

void foreign_function(void *data);
void *foreign_method(void *self, void *arg, void *data);
void foreign_atexit(void);

void
foreign_function(void *data)
{
    dprintf(STDOUT_FILENO, "foreign: %s\n", (const char *)data);
}

void *
foreign_method(void *self, void *arg, void *data)
{
    (void)self;
    (void)arg;
    foreign_function(data);
    return NULL;
}

void
foreign_atexit(void)
{
    foreign_function("atexit");
}
