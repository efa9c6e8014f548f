/* service.c: a small daemon that leaves nothing behind, however it ends.
 *
 * In its directory it has a pid file, a socket, some files of its own, a file
 * for each client, and a journal of what it does.  Each client's line is put
 * into that file, and answered with its number.
 *
 * SIGTERM, SIGINT and SIGHUP come out of a descriptor in its loop: so the
 * service ends on its own thread, between two things that it does, by exit.
 * Each file has an owner, an object whose method removes it at exit.  The
 * levels say in which order: first nobody may come any more, then goes what the
 * service worked with, then the pid file; the journal is closed last of all.
 * Then the service dies by the signal, for its parent to see.
 *
 * What goes wrong in one handler is noted, and the others run.  One that hangs
 * ends the service when its time is over; then the journal shows what was to
 * be done and was not, and the next service in that directory does it, as it
 * does after a kill -9, and after a second signal.
 *
 * examples/README.md tells how to try it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <gc.h>
#include <gcweak.h>

/* The order at exit: higher levels first. */
enum { NOBODY_COMES = 2, WORK_GOES = 1, PID_GOES = 0 };

enum { DESCRIPTORS = 256, LINE = 256, PATH = 32 };

static const char usage[] =
    "usage: service [OPTION]... DIRECTORY\n"
    "Serves clients on DIRECTORY/socket until a signal ends it.  A line is\n"
    "answered with its number; the line \"stop\" ends the service.\n"
    "  -v                 tells on stderr what it does, as the journal does\n"
    "  --work=N           so many files of its own; 2 without it\n"
    "  --limit=MS         how long an exit may last; 5000 without it\n"
    "  --once             ends as soon as it is ready\n"
    "What goes wrong when it ends:\n"
    "  --fail             somebody has taken one of its files away\n"
    "  --exit-in-handler  a handler calls exit(3)\n"
    "  --hang             a handler hangs\n";

static int once, fail, exit_again, hang, verbose;
static int files = 2;
static unsigned long limit = 5000;

/* What must not be left behind. */
struct thing {
    char path[PATH];
    gcw_exit_handler *handler;
    int fd;                      /* open with it, or -1 */
    bool made;
};

struct client {
    struct thing *file;          /* its lines */
    size_t lines, used;
    char text[LINE];             /* what has come of the next one */
};

struct journal {
    int fd;
};

/* At exit the stack of main is no root any more, and the collector does not
 * look into epoll: statics hold what is to live. */
static struct journal *journal;
static struct thing *pid_file, *listener, **work;
static struct client *clients[DESCRIPTORS];
static int epoll, signals;

/* --- The journal ---------------------------------------------------------- */

/* One write a line, so that no kill leaves half of one. */
static void
note(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (journal != NULL)
        dprintf(journal->fd, "%ld %s\n", (long)getpid(), text);
    if (verbose)
        dprintf(STDERR_FILENO, "service: %s\n", text);
}

/* Also here nothing is left behind: exit runs the handlers. */
static void
check(bool well, const char *what)
{
    if (well)
        return;
    fprintf(stderr, "service: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *
make(size_t size)
{
    void *object = GC_MALLOC(size);
    check(object != NULL, "memory");
    return object;
}

static gcw_exit_handler *
at_exit(gcw_method *method, const char *name, long level)
{
    gcw_exit_options how = { .name = name, .level = level };
    gcw_exit_handler *handler =
        gcw_exit_register(gcw_exit_default(), method, &how);
    check(handler != NULL, name);
    return handler;
}

/* What has been noted is on the disk when the service has gone. */
static void *
close_journal(struct journal *self, gcw_exit_info *info, void *unused)
{
    (void)info;
    (void)unused;
    note("ends");
    if (fsync(self->fd) != 0 || close(self->fd) != 0)
        gcw_failed(strerror(errno));
    journal = NULL;
    return NULL;
}

GCW_METHOD(close_journal, struct journal, gcw_exit_info, void)

/* The lock on it goes with the process, however that ends: who has it is alone
 * in the directory. */
static void
open_journal(void)
{
    struct journal *self = make(sizeof *self);
    self->fd = open("journal", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    check(self->fd >= 0, "journal");
    check(flock(self->fd, LOCK_EX | LOCK_NB) == 0, "another has the journal");
    journal = self;
    at_exit(close_journal_method(self, NULL), "journal", GCW_EXIT_LAST);
    note("begins");
}

/* --- What is made, and removed -------------------------------------------- */

static void *
remove_thing(struct thing *self, gcw_exit_info *info, void *unused)
{
    (void)info;
    (void)unused;
    if (self->fd >= 0)
        close(self->fd);
    if (!self->made)
        return NULL;
    if (unlink(self->path) == 0)
        note("removed %s", self->path);
    else
        gcw_failed(strerror(errno));
    return NULL;
}

GCW_METHOD(remove_thing, struct thing, gcw_exit_info, void)

/* First the handler, then the file: what nobody would remove is not made.
 * `held` is a static, or what one leads to. */
static void
announce(struct thing **held, const char *path, long level)
{
    struct thing *self = *held = make(sizeof *self);
    snprintf(self->path, sizeof self->path, "%s", path);
    self->fd = -1;
    self->handler = at_exit(remove_thing_method(self, NULL), path, level);
}

static void
is_made(struct thing *self, bool well)
{
    check(well, self->path);
    self->made = true;
    note("made %s", self->path);
}

static void
make_file(struct thing **held, const char *path, long level)
{
    announce(held, path, level);
    (*held)->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    is_made(*held, (*held)->fd >= 0);
}

static void
make_work(void)
{
    char path[PATH];
    work = make((size_t)files * sizeof *work);
    for (int i = 0; i < files; i++) {
        snprintf(path, sizeof path, "work-%d.tmp", i + 1);
        make_file(&work[i], path, WORK_GOES);
    }
}

static void
make_socket(void)
{
    struct sockaddr_un address = { AF_UNIX, "socket" };
    announce(&listener, "socket", NOBODY_COMES);
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    is_made(listener, bind(listener->fd, (struct sockaddr *)&address,
                           sizeof address) == 0);
    check(listen(listener->fd, SOMAXCONN) == 0, "listen");
}

/* What a service has left that was killed, or whose time was over. */
static void
remove_remains(void)
{
    DIR *dir = opendir(".");
    check(dir != NULL, "opendir");
    /* cppcheck-suppress readdirCalled ; there is no other thread */
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        const char *end = strrchr(e->d_name, '.');
        if (strcmp(e->d_name, "pid") != 0 && strcmp(e->d_name, "socket") != 0
            && (end == NULL || strcmp(end, ".tmp") != 0))
            continue;
        check(unlink(e->d_name) == 0, e->d_name);
        note("found %s, and removed it", e->d_name);
    }
    closedir(dir);
}

/* --- Clients -------------------------------------------------------------- */

static void
watch(int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void
welcome(void)
{
    static unsigned long number;
    char path[PATH];
    /* cppcheck-suppress nullPointer ; nobody asks who it is */
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= DESCRIPTORS)
        close(fd);
    if (fd < 0 || fd >= DESCRIPTORS)
        return;
    struct client *client = clients[fd] = make(sizeof *client);
    snprintf(path, sizeof path, "client-%lu.tmp", ++number);
    make_file(&client->file, path, WORK_GOES);
    watch(fd);
}

static void
leave(int fd)
{
    gcw_exit_unregister(clients[fd]->file->handler);
    remove_thing(clients[fd]->file, NULL, NULL);
    clients[fd] = NULL;
    close(fd);
}

/* A client that does not read loses answers: the service waits for nobody. */
static void
answer(int fd, struct client *client, const char *line)
{
    char number[32];
    if (strcmp(line, "stop") == 0) {
        note("is told to stop");
        exit(0);
    }
    dprintf(client->file->fd, "%s\n", line);
    int length = snprintf(number, sizeof number, "%zu\n", ++client->lines);
    send(fd, number, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Answers the lines that are whole, and keeps the rest.  Who leaves, or says
 * too much without an end, is not heard any more. */
static void
hear(int fd, struct client *client)
{
    ssize_t got = read(fd, client->text + client->used, LINE - client->used);
    char *line = client->text, *end;
    if (got <= 0) {
        leave(fd);
        return;
    }
    client->used += (size_t)got;
    while ((end = memchr(line, '\n', client->used)) != NULL) {
        *end++ = '\0';
        answer(fd, client, line);
        client->used -= (size_t)(end - line);
        line = end;
    }
    memmove(client->text, line, client->used);
}

/* --- The beginning, the loop, the end ------------------------------------- */

/* Before anything is made.  The descriptor comes first, so that the library
 * makes no thread that would exit. */
static void
take_signals(void)
{
    static const int all[] = { SIGTERM, SIGINT, SIGHUP };
    signals = gcw_exit_signal_fd();
    check(signals >= 0, "gcw_exit_signal_fd");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check(gcw_exit_on_signal(all[i], 0) >= 0, "gcw_exit_on_signal");
    note("takes signals");
}

static void
note_failure(void *handle, const char *name, const char *why, void *unused)
{
    (void)handle;
    (void)unused;
    note("FAILED %s: %s", name, why != NULL ? why : "no reason given");
}

/* The first handler that runs: what is not done after this, the journal
 * shows. */
static void
note_plan(void *unused)
{
    gcw_exit_entry entries[DESCRIPTORS];
    size_t count = gcw_exit_list(gcw_exit_default(), entries, DESCRIPTORS);
    (void)unused;
    for (size_t i = 0; i < count && i < DESCRIPTORS; i++)
        note("is to end %s", entries[i].name);
}

/* What goes wrong in the middle, if asked for. */
static void
go_wrong(void *unused)
{
    (void)unused;
    if (exit_again)
        exit(3);
    while (hang)
        pause();
}

static void
prepare_exit(void)
{
    gcw_exit_registry *r = gcw_exit_default();
    gcw_exit_options first = { .name = "plan", .level = GCW_EXIT_FIRST };
    check(gcw_exit_on_error(r, note_failure, NULL) == 0
          && gcw_exit_limit(r, limit) == 0
          && gcw_exit_register_fn(r, note_plan, NULL, &first) != NULL, "exit");
}

/* The last of its level to be registered, so it comes before the work goes. */
static void
prepare_trouble(void)
{
    gcw_exit_options options = { .name = "trouble", .level = WORK_GOES };
    if (fail && files > 0)
        unlink(work[0]->path);
    if (exit_again || hang)
        check(gcw_exit_register_fn(gcw_exit_default(), go_wrong, NULL,
                                   &options) != NULL, options.name);
}

static void
begin(const char *directory)
{
    take_signals();
    prepare_exit();
    check(chdir(directory) == 0, directory);
    open_journal();
    remove_remains();
    make_file(&pid_file, "pid", PID_GOES);
    dprintf(pid_file->fd, "%ld\n", (long)getpid());
    make_work();
    make_socket();
    prepare_trouble();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    check(epoll >= 0, "epoll_create1");
    watch(signals);
    watch(listener->fd);
    note("is ready");
}

/* The collector stops threads by a signal, which interrupts epoll_wait. */
static void
loop(void)
{
    struct epoll_event event;
    while (!once) {
        int ready = epoll_wait(epoll, &event, 1, -1);
        check(ready == 1 || errno == EINTR, "epoll_wait");
        if (ready == 1 && event.data.fd == signals) {
            note("hears signal %d", gcw_exit_signal());
            gcw_exit_by_signal(0);
        }
        if (ready == 1 && event.data.fd == listener->fd)
            welcome();
        else if (ready == 1)
            hear(event.data.fd, clients[event.data.fd]);
    }
}

static void
read_options(int argc, char **argv)
{
    static const struct option known[] = {
        { "work", required_argument, NULL, 'w' },
        { "limit", required_argument, NULL, 'l' },
        { "once", no_argument, &once, 1 },
        { "fail", no_argument, &fail, 1 },
        { "exit-in-handler", no_argument, &exit_again, 1 },
        { "hang", no_argument, &hang, 1 },
        { NULL, 0, NULL, 0 }
    };
    int option;
    while ((option = getopt_long(argc, argv, "v", known, NULL)) != -1)
        if (option == 'w')
            files = atoi(optarg);
        else if (option == 'l')
            limit = strtoul(optarg, NULL, 10);
        else if (option == 'v')
            verbose = 1;
        else if (option != 0)
            optind = argc;
    if (optind != argc - 1 || files < 0) {
        fputs(usage, stderr);
        exit(2);
    }
}

int
main(int argc, char **argv)
{
    GC_INIT();
    read_options(argc, argv);
    begin(argv[optind]);
    loop();
    return 0;
}
