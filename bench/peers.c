/* peers.c: which peers are there, and how their programs are started. */
#include <config.h>

#include "peers.h"
#include "work.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Guile compiles while it starts, which takes long: what it compiled is kept
 * beside what javac has compiled. */
static const char load_scheme[] =
    "(let* ((source (cadr (command-line)))"
    "       (program (caddr (command-line)))"
    "       (fresh? (and (file-exists? program)"
    "                    (> (stat:mtime (stat program))"
    "                       (stat:mtime (stat source))))))"
    "  (unless fresh?"
    "    ((@ (system base compile) compile-file) source"
    "     #:output-file program))"
    "  (load-compiled program))";

/* A peer's version is empty until it was asked for; missing says that it was
 * asked for in vain. */
static struct {
    const char *name, *package;
    char version[64];
    bool missing;
} peers[PEERS] = {
    [LIBFFI] = { .name = "libffi", .package = "libffi-dev" },
    [CXX] = { .name = "std::weak_ptr", .package = "g++" },
    [BOOST] = { .name = "Boost.Signals2", .package = "libboost-dev" },
    [GLIB] = { .name = "GLib", .package = "libglib2.0-dev" },
    [PYTHON] = { .name = "CPython", .package = "python3" },
    [GUILE] = { .name = "Guile", .package = "guile-3.0" },
    [JAVA] = { .name = "Java", .package = "default-jdk-headless" },
    [LUA] = { .name = "Lua", .package = "lua5.4" },
    [NODE] = { .name = "Node", .package = "nodejs" },
};

static const char *programs = ".", *compiled = ".";

void
find_programs(const char *directory, const char *compiled_in)
{
    programs = directory;
    compiled = compiled_in;
}

static const char *
interpreter(const char *variable, const char *usual)
{
    const char *named = getenv(variable);

    return named != NULL && *named != '\0' ? named : usual;
}

/* DIRECTORY/NAME; never freed, for the process is about to become another. */
static char *
path(const char *directory, const char *name)
{
    char *joined = must(malloc(strlen(directory) + strlen(name) + 2));

    sprintf(joined, "%s/%s", directory, name);
    return joined;
}

/* What the program is told, as text. */
struct words {
    const char *job;
    char size[24], threads[12], handles[24];
};

#define RUN(program, ...) \
    execlp(program, program, __VA_ARGS__, w->job, w->size, w->threads, \
           w->handles, (char *)NULL)

static void
run_java(const struct words *w)
{
    const char *java = interpreter("JAVA", "java");

    if (access(path(compiled, "PeersJava.class"), R_OK) == 0)
        RUN(java, "-cp", compiled, "PeersJava");
    else
        RUN(java, path(programs, "PeersJava.java"));
}

static void
run_interpreter(enum peer_id peer, const struct words *w)
{
    if (peer == PYTHON)
        RUN(interpreter("PYTHON", "python3"),
            path(programs, "peers-python.py"));
    else if (peer == GUILE)
        RUN(interpreter("GUILE", "guile"), "--no-auto-compile", "-c",
            load_scheme, path(programs, "peers-guile.scm"),
            path(compiled, "peers-guile.go"));
    else if (peer == LUA)
        RUN(interpreter("LUA", "lua5.4"), path(programs, "peers-lua.lua"));
    else if (peer == NODE)
        RUN(interpreter("NODE", "node"), "--expose-gc",
            path(programs, "peers-node.js"));
    else
        run_java(w);
}

void
run_program(enum peer_id peer, const char *job, size_t size, unsigned threads,
            size_t handles)
{
    struct words words = { .job = job };

    snprintf(words.size, sizeof words.size, "%zu", size);
    snprintf(words.threads, sizeof words.threads, "%u", threads);
    snprintf(words.handles, sizeof words.handles, "%zu", handles);
    run_interpreter(peer, &words);
    _exit(127);
}

/* --- Versions ------------------------------------------------------------ */

static void
run_version(enum peer_id peer, const int answer[2])
{
    int nothing = open("/dev/null", O_RDWR);

    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDERR_FILENO);
    dup2(answer[1], STDOUT_FILENO);
    run_program(peer, "version", 0, 0, 0);
}

/* The line that the program says, or nothing. */
static void
ask_program(enum peer_id peer, char *version, size_t size)
{
    int answer[2];
    FILE *said;
    pid_t pid;

    if (pipe2(answer, O_CLOEXEC) != 0 || (pid = fork()) < 0)
        fail(peers[peer].name, "cannot be started");
    if (pid == 0)
        run_version(peer, answer);
    close(answer[1]);
    said = must(fdopen(answer[0], "r"));
    if (fgets(version, (int)size, said) == NULL)
        *version = '\0';
    version[strcspn(version, "\n")] = '\0';
    fclose(said);
    waitpid(pid, NULL, 0);
}

static const char *
library_version(enum peer_id peer)
{
    switch (peer) {
    case CXX:
        return version_cxx;
    case BOOST:
        return version_boost;
    case GLIB:
        return version_glib();
    default:
#ifdef HAVE_LIBFFI
        return "libffi";
#else
        return "";
#endif
    }
}

static void
ask(enum peer_id peer)
{
    char *version = peers[peer].version;
    size_t size = sizeof peers[peer].version;

    if (peer >= PYTHON)
        ask_program(peer, version, size);
    else
        snprintf(version, size, "%s", library_version(peer));
    peers[peer].missing = *version == '\0';
}

const char *
peer_missing(enum peer_id peer)
{
    if (peer == NO_PEER)
        return NULL;
    if (*peers[peer].version == '\0' && !peers[peer].missing)
        ask(peer);
    return peers[peer].missing ? peers[peer].package : NULL;
}

const char *
peer_name(enum peer_id peer)
{
    return peer_missing(peer) == NULL ? peers[peer].version : peers[peer].name;
}

/* --- In place of the libraries that configure did not find --------------- */

#ifndef HAVE_CXX
const struct weak_peer weak_cxx = { NULL, NULL, NULL };
const char version_cxx[] = "";
#endif

#ifndef HAVE_BOOST_SIGNALS2
const struct peer peer_boost = { NULL, NULL, NULL, NULL, NULL };
const char version_boost[] = "";
#endif

#ifndef HAVE_GOBJECT
const struct peer peer_glib = { NULL, NULL, NULL, NULL, NULL };
const struct weak_peer weak_glib = { NULL, NULL, NULL };
const struct death_peer death_glib = { NULL, NULL };

const char *
version_glib(void)
{
    return "";
}
#endif
