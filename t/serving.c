/* serving.c: runs of examples/service; see serving.h. */
#include <config.h>
#include "serving.h"
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { A_MINUTE = 60000 };

const char *const serving_plain[SERVING_OPTIONS];
const char *const serving_once[SERVING_OPTIONS] = { "--once" };

static void
must(bool well, const char *what)
{
    if (well)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    abort();
}

/* --- Its directory --- */

static void
path_in(char *path, const char *dir, const char *name)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

    must(n > 0 && n < PATH_MAX, dir);
}

char *
serving_dir_new(void)
{
    const char *parent = getenv("TMPDIR");
    char path[PATH_MAX];

    path_in(path, parent != NULL && *parent != '\0' ? parent : "/tmp",
            "service-XXXXXX");
    must(mkdtemp(path) != NULL, path);
    return strdup(path);
}

static int
is_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void
each_name(const char *dir, void (*visit)(const char *name, void *data),
          void *data)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_name, alphasort);

    must(count >= 0, dir);
    for (int i = 0; i < count; i++) {
        visit(entries[i]->d_name, data);
        free(entries[i]);
    }
    free(entries);
}

static void
remove_name(const char *name, void *dir)
{
    char path[PATH_MAX];

    path_in(path, dir, name);
    must(unlink(path) == 0, path);
}

void
serving_dir_remove(char *dir)
{
    each_name(dir, remove_name, dir);
    must(rmdir(dir) == 0, dir);
    free(dir);
}

static void
append_name(const char *name, void *names)
{
    must(strlen(names) + strlen(name) + 2 < SERVING_WORDS, "names");
    strcat(strcat(names, name), " ");
}

char *
serving_remains(const char *dir)
{
    char *names = calloc(1, SERVING_WORDS);

    must(names != NULL, "memory");
    each_name(dir, append_name, names);
    return names;
}

bool
serving_closed_journal(const struct serving *s)
{
    char path[PATH_MAX], last[32], end[32] = "";
    int length = snprintf(last, sizeof last, "%ld ends\n", (long)s->pid);
    FILE *file;

    path_in(path, s->dir, "journal");
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    if (fseek(file, -length, SEEK_END) == 0)
        end[fread(end, 1, (size_t)length, file)] = '\0';
    fclose(file);
    return strcmp(end, last) == 0;
}

/* --- Its process --- */

/* That of the same build: this program is t/NAME, or t/.libs/NAME. */
static void
find_program(char *path)
{
    char *end;

    strcpy(path, program_path());
    *strrchr(path, '/') = '\0';
    end = strrchr(path, '/');
    if (strcmp(end, "/.libs") == 0) {
        *end = '\0';
        end = strrchr(path, '/');
    }
    must((size_t)(end - path) + sizeof "/examples/service" < PATH_MAX, path);
    strcpy(end, "/examples/service");
}

static void
prepare_signals(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    must(posix_spawnattr_init(attributes) == 0
         && posix_spawnattr_setsigmask(attributes, &none) == 0
         && posix_spawnattr_setsigdefault(attributes, &all) == 0
         && posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK
                                                 | POSIX_SPAWN_SETSIGDEF) == 0,
         "posix_spawnattr");
}

static void
spawn(struct serving *s, const char *const *args, int words)
{
    char program[PATH_MAX], **command;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    find_program(program);
    prepare_signals(&attributes);
    must(posix_spawn_file_actions_init(&actions) == 0
         && posix_spawn_file_actions_adddup2(&actions, words, STDERR_FILENO)
            == 0, "posix_spawn_file_actions");
    command = command_of(program, args);
    errno = posix_spawnp(&s->pid, command[0], &actions, &attributes, command,
                         environ);
    must(errno == 0, program);
    free(command);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
}

void
serving_begin(struct serving *s, const char *dir,
              const char *const options[SERVING_OPTIONS])
{
    const char *args[SERVING_OPTIONS + 3] = { "-v" };
    size_t n = 1;
    int ends[2];

    for (size_t i = 0; i < SERVING_OPTIONS && options[i] != NULL; i++)
        args[n++] = options[i];
    args[n] = dir;
    must(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
    *s = (struct serving){ .dir = dir, .words = ends[0] };
    spawn(s, args, ends[1]);
    close(ends[1]);
}

/* Returns false if it says nothing for so long. */
static bool
read_more(struct serving *s, int ms)
{
    struct pollfd words = { .fd = s->words, .events = POLLIN };
    int ready = poll(&words, 1, ms);
    ssize_t got = 0;

    if (ready == 0)
        return false;
    must(s->length < SERVING_WORDS - 1, "it says too much");
    if (ready > 0)
        got = read(s->words, s->said + s->length,
                   SERVING_WORDS - 1 - s->length);
    if (ready < 0 || got < 0) {
        must(errno == EINTR, "its words");
        return true;
    }
    s->over = got == 0;
    s->length += (size_t)got;
    return true;
}

static void
read_patiently(struct serving *s)
{
    if (read_more(s, A_MINUTE))
        return;
    fprintf(stderr, "a service hangs; it has said:\n%s", s->said);
    kill(s->pid, SIGKILL);
}

void
serving_await_lines(struct serving *s, size_t lines)
{
    while (!s->over && serving_lines(s) < lines)
        read_patiently(s);
}

void
serving_await(struct serving *s, const char *line)
{
    while (!s->over && !serving_said(s, line))
        read_patiently(s);
}

void
serving_look(struct serving *s)
{
    while (!s->over && read_more(s, 0))
        continue;
}

void
serving_finish(struct serving *s)
{
    while (!s->over)
        read_patiently(s);
    close(s->words);
    while (waitpid(s->pid, &s->status, 0) < 0)
        must(errno == EINTR, "waitpid");
}

void
serving_run(struct serving *s, const char *dir,
            const char *const options[SERVING_OPTIONS])
{
    serving_begin(s, dir, options);
    serving_finish(s);
}

bool
serving_killed_by(const struct serving *s, int sig)
{
    return WIFSIGNALED(s->status) && WTERMSIG(s->status) == sig;
}

bool
serving_said(const struct serving *s, const char *line)
{
    char whole[128];

    snprintf(whole, sizeof whole, "service: %s\n", line);
    return strstr(s->said, whole) != NULL;
}

size_t
serving_lines(const struct serving *s)
{
    size_t lines = 0;

    for (const char *c = s->said; *c != '\0'; c++)
        lines += *c == '\n';
    return lines;
}
