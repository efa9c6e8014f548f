/* files.c: a temporary file that goes with the object that stands for it: when
 * that is closed, when it has died, or at exit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <gc.h>
#include <gcweak.h>

/* What the program uses. */
struct scratch {
    int fd;
    gcw_cleanup *removal;
};

/* What the cleanup needs.  It must not lead to the scratch file's object, which
 * would then never die. */
struct trace {
    int fd;
    const char *what;
    char path[64];
};

static void
remove_file(void *data)
{
    struct trace *trace = data;

    close(trace->fd);
    if (unlink(trace->path) == 0)
        printf("removed: %s\n", trace->what);
}

static struct scratch *
scratch_new(const char *what)
{
    struct scratch *scratch = GC_NEW(struct scratch);
    struct trace *trace = GC_NEW(struct trace);

    strcpy(trace->path, "/tmp/cookbook-XXXXXX");
    trace->what = what;
    trace->fd = scratch->fd = mkstemp(trace->path);
    if (scratch->fd < 0)
        return NULL;
    scratch->removal = gcw_cleanup_new(scratch, remove_file, trace);
    return scratch->removal == NULL ? NULL : scratch;
}

/* False if it was closed before: the cleanup runs once. */
static bool
scratch_close(struct scratch *scratch)
{
    return gcw_cleanup_run(scratch->removal);
}

int
main(void)
{
    struct scratch *closed = scratch_new("the one that was closed");
    struct scratch *dead = scratch_new("the one that has died");
    struct scratch *kept = scratch_new("the one that was there at exit");

    if (closed == NULL || dead == NULL || kept == NULL)
        return 1;
    scratch_close(closed);
    printf("closed again: %s\n", scratch_close(closed) ? "yes" : "no");

    gcw_dispose(dead);       /* or it is dropped, and collected some day */
    printf("waiting callbacks that ran: %zu\n", gcw_drain(0));
    return 0;
}
