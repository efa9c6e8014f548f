/* scenario.c: test programs that start themselves afresh to play a scenario,
 * and look at how the child ends; see support.h. */
#include "scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { TIME_LIMIT = 60 };    /* seconds */

/* One end of the child's output: what came so far. */
struct stream {
    FILE *file;
    char *text;
    size_t length;
};

static int
check(int result, const char *what)
{
    if (result < 0)
        fail_msg("%s: %s", what, strerror(errno));
    return result;
}

static void
stream_open(struct stream *s)
{
    s->file = open_memstream(&s->text, &s->length);
    if (s->file == NULL)
        fail_msg("open_memstream: %s", strerror(errno));
}

static char *
stream_close(struct stream *s)
{
    fclose(s->file);
    return s->text;
}

/* Reads what is there; marks the descriptor as done at its end. */
static void
stream_read(struct stream *s, struct pollfd *p)
{
    char chunk[4096];
    ssize_t n;

    if (p->revents == 0)
        return;
    n = read(p->fd, chunk, sizeof chunk);
    if (n > 0) {
        fwrite(chunk, 1, (size_t)n, s->file);
    } else if (n == 0 || errno != EINTR) {
        close(p->fd);
        p->fd = -1;
    }
}

static long
milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

/* Reads both descriptors to their ends; false if that took too long. */
static bool
read_all(struct stream s[2], const int fds[2])
{
    struct pollfd p[2] = { { .fd = fds[0], .events = POLLIN },
                           { .fd = fds[1], .events = POLLIN } };
    long end = milliseconds() + (TIME_LIMIT + 5) * 1000L, left;

    while (p[0].fd >= 0 || p[1].fd >= 0) {
        left = end - milliseconds();
        if (left <= 0)
            break;
        if (poll(p, 2, (int)left) <= 0)
            continue;
        stream_read(&s[0], &p[0]);
        stream_read(&s[1], &p[1]);
    }
    for (int i = 0; i < 2; i++)
        if (p[i].fd >= 0)
            close(p[i].fd);
    return p[0].fd < 0 && p[1].fd < 0;
}

/* Starts this very program with the scenario's name as its argument, in a
 * process group of its own.  Not by fork: a test may have threads, and what
 * fork does with them is not what is being asked here. */
static pid_t
spawn(const char *name, int out, int err)
{
    char **argv = command_of(program_path(), (const char *[]){ name, NULL });
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    pid_t pid;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    error = posix_spawnp(&pid, argv[0], &actions, &attr, argv, environ);
    free(argv);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        fail_msg("cannot run scenario %s: %s", name, strerror(error));
    return pid;
}

static int
wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            fail_msg("waitpid: %s", strerror(errno));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                               : WEXITSTATUS(status);
}

struct outcome
run_scenario(const char *name)
{
    int out[2], err[2];
    struct stream s[2];
    struct outcome o;
    bool in_time;
    pid_t pid;

    check(pipe2(out, O_CLOEXEC), "pipe2");
    check(pipe2(err, O_CLOEXEC), "pipe2");
    stream_open(&s[0]);
    stream_open(&s[1]);
    pid = spawn(name, out[1], err[1]);
    close(out[1]);
    close(err[1]);
    in_time = read_all(s, (int[]){ out[0], err[0] });
    if (!in_time)
        kill(-pid, SIGKILL);
    o.status = wait_for(pid);
    if (!in_time)
        o.status = 128 + SIGALRM;
    o.out = stream_close(&s[0]);
    o.err = stream_close(&s[1]);
    return o;
}

void
outcome_free(struct outcome *o)
{
    free(o->out);
    free(o->err);
}

void
with_markers(const char *scenario, const char *markers)
{
    char **argv;

    if (getenv("GC_MARKERS") != NULL)
        return;
    setenv("GC_MARKERS", markers, 1);
    argv = command_of(program_path(), (const char *[]){ scenario, NULL });
    execvp(argv[0], argv);
    _exit(98);
}

/* A scenario may be meant to abort, so no core is dumped, and it may hang, so
 * the alarm ends it. */
int
scenario_play(const char *name)
{
    const struct test *scenario = test_scenario(name);

    if (scenario == NULL) {
        fprintf(stderr, "no scenario %s\n", name);
        return 99;
    }
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    alarm(TIME_LIMIT);
    scenario->run();
    return 0;
}
