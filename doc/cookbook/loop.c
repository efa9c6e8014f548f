/* loop.c: a loop around poll that hears of deaths, of what other threads tell,
 * and of SIGTERM, all on its own thread. */
#define GC_THREADS
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <gc.h>
#include <gcweak.h>

static gcw_hub *hub;

static void
hear(const gcw_emission *emission, void *data)
{
    (void)data;
    printf("loop: %s\n", emission->type);
    if (strcmp(emission->type, "done") == 0)
        kill(getpid(), SIGTERM);        /* so that this program ends */
}

static void
forget_session(void *data)
{
    printf("loop: session %s is gone\n", (const char *)data);
    gcw_hub_post(hub, "done", NULL, NULL);
}

static void *
work(void *data)
{
    gcw_hub_post(hub, "halfway", NULL, NULL);
    return data;
}

/* Never comes back. */
static void
loop(void)
{
    enum { DEATHS, POSTS, SIGNALS, ALL };
    struct pollfd fds[ALL] = {
        [DEATHS] = { gcw_drain_fd(), POLLIN, 0 },
        [POSTS] = { gcw_hub_fd(hub), POLLIN, 0 },
        [SIGNALS] = { gcw_exit_signal_fd(), POLLIN, 0 },
    };

    for (;;) {
        if (poll(fds, ALL, -1) < 0)     /* EINTR: as always */
            continue;
        if (fds[DEATHS].revents != 0)
            gcw_drain(0);
        if (fds[POSTS].revents != 0)
            gcw_hub_dispatch(hub, 0);
        if (fds[SIGNALS].revents != 0)
            gcw_exit_by_signal(0);
    }
}

static void
say_goodbye(void)
{
    puts("loop: ends in order");
}

int
main(void)
{
    pthread_t worker;
    void *session = GC_MALLOC(64);

    hub = gcw_hub_new();
    gcw_atexit(say_goodbye);
    gcw_exit_signal_fd();               /* before: so no thread is made */
    gcw_exit_on_signal(SIGTERM, 0);
    gcw_hub_connect_fn(hub, NULL, NULL, hear, NULL, 0);
    gcw_cleanup_new(session, forget_session, "17");
    if (pthread_create(&worker, NULL, work, NULL) == 0)
        pthread_join(worker, NULL);
    gcw_hub_dispatch(hub, 0);
    gcw_dispose(session);               /* the client has hung up */
    loop();
}
