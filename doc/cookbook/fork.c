/* fork.c: what a child takes over, and what stays its parent's. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gc.h>
#include <gcweak.h>

static void
say(void *data)
{
    printf("  at exit: %s\n", (const char *)data);
}

static void
at_exit(const char *what, bool inherit)
{
    gcw_exit_options options = { .inherit = inherit };

    gcw_exit_register_fn(gcw_exit_default(), say, (void *)what, &options);
}

static void
hear(void *arg, void *data)
{
    (void)data;
    printf("  heard in the %s\n", (const char *)arg);
}

/* Runs in the child, and leaves by exit, as a child with handlers should. */
static int
child(gcw_event *news)
{
    puts("child:");
    at_exit("registered by the child", false);
    gcw_event_emit(news, "child");      /* its own copy of the event */
    return 0;
}

int
main(void)
{
    gcw_event *news = gcw_event_new("news");
    void *lock = GC_MALLOC(16);

    gcw_event_connect_fn(news, hear, NULL, 0);
    at_exit("the parent's lock file", false);
    at_exit("a buffer that both flush", true);
    gcw_cleanup_new(lock, say, "the parent's cleanup");

    fflush(NULL);                       /* or both write what is in it */
    pid_t pid = fork();
    if (pid < 0)
        return 1;
    if (pid == 0)
        return child(news);
    waitpid(pid, NULL, 0);
    puts("parent:");
    gcw_event_emit(news, "parent");
    GC_reachable_here(lock);
    return 0;
}
