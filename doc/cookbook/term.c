/* term.c: told to end, it ends in order, and its parent sees the truth. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <gc.h>
#include <gcweak.h>

struct connection { const char *peer; };

static void *
hang_up(struct connection *self, gcw_exit_info *info, void *data)
{
    (void)data;
    printf("hanging up on %s (status %d)\n", self->peer, info->status);
    return NULL;             /* anything else is a failure */
}
GCW_METHOD(hang_up, struct connection, gcw_exit_info, void)

static void
close_log(void *data)
{
    printf("closing %s\n", (const char *)data);
    fflush(stdout);
}

static struct connection *
connection_new(const char *peer)
{
    struct connection *connection = GC_NEW(struct connection);
    gcw_exit_options options = { .name = peer, .limit = 2000 };

    connection->peer = peer;
    gcw_exit_register(gcw_exit_default(), hang_up_method(connection, NULL),
                      &options);
    return connection;
}

int
main(void)
{
    gcw_exit_options last = { .name = "log", .level = GCW_EXIT_LAST };

    if (gcw_exit_on_signal(SIGTERM, 0) < 0
        || gcw_exit_on_signal(SIGINT, 0) < 0)
        return 1;
    gcw_exit_register_fn(gcw_exit_default(), close_log, "the log", &last);
    gcw_exit_limit(gcw_exit_default(), 10000);

    struct connection *ann = connection_new("Ann");
    struct connection *bob = connection_new("Bob");
    gcw_dispose(bob);        /* has gone before: nothing is called for it */

    kill(getpid(), SIGTERM); /* as systemd, a shell or a container would */
    for (;;) {
        pause();             /* the work; the library's thread exits */
        GC_reachable_here(ann);
    }
}
