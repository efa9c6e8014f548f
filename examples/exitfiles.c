/* exitfiles.c: temporary files and a lock file that go when the program ends.
 *
 * A program that uses atexit for this needs globals, cannot take a file out
 * again, and loses the rest if one handler goes wrong.  Here each file has an
 * owner, an object of the collected heap, whose method removes it at exit.
 * An owner that dies earlier takes its file along; a handler can be taken
 * off; one that fails is reported, and the others run.
 *
 *     exitfiles          tidies up its directory at the end
 *     exitfiles keep     leaves it, so that one can look
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <gc.h>
#include <gcweak.h>
#include <gcweak/atexit.h>    /* atexit now fills the exit registry */

#define NOINLINE __attribute__((__noinline__))

enum {
    PAGES = 2,
    SCRATCH = 20,        /* owners that are dropped: see drop_scratch */
    ROWS = 7
};

/* The table that the end prints. */
struct row {
    const char *file;
    int files;           /* how many the row stands for */
    int ran;             /* handlers that ran */
    int owners_died;
    int turn;            /* when the handler ran: first, second, ... */
    const char *fate;
    char why[80];
};

static struct row table[ROWS] = {
    { .file = "server.lock", .files = 1 },
    { .file = "page-1.tmp", .files = 1 },
    { .file = "page-2.tmp", .files = 1 },
    { .file = "report.txt", .files = 1 },
    { .file = "stolen.tmp", .files = 1 },
    { .file = "scratch-*.tmp", .files = SCRATCH },
    { .file = "program.log", .files = 1 },
};
enum { LOCK, PAGE_1, PAGE_2, REPORT, STOLEN, SCRATCHES, LOG };

/* A file and who owns it: the object whose method is the exit handler. */
struct temp_file {
    char *path;
    gcw_exit_handler *handler;
};

/* At exit the stack of main is no root any more: what is to live until then
 * must be held elsewhere, here by a static. */
static struct temp_file *owners[ROWS];

static char directory[PATH_MAX];
static char log_path[PATH_MAX + 32];
static int turns;
static int keep_directory;

static void
die(const char *what)
{
    perror(what);
    _exit(1);
}

static char *
path_of(const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = GC_MALLOC_ATOMIC(size);
    if (path == NULL)
        die("memory");
    snprintf(path, size, "%s/%s", directory, name);
    return path;
}

static void
create_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0 || close(fd) != 0)
        die(path);
}

/* The method of an owner.  Fails if the file has gone in the meantime. */
static void *
remove_file(struct temp_file *self, gcw_exit_info *info, struct row *row)
{
    (void)info;
    row->ran++;
    row->turn = ++turns;
    row->fate = "ran";
    if (unlink(self->path) != 0)
        gcw_fail(strerror(errno));
    return NULL;
}

/* Defines remove_file_method(), which checks the types. */
GCW_METHOD(remove_file, struct temp_file, gcw_exit_info, struct row)

static struct temp_file *
temp_file_new(const char *name, struct row *row)
{
    struct temp_file *file = GC_MALLOC(sizeof *file);
    gcw_exit_options options = { .name = name };
    if (file == NULL)
        die("memory");
    file->path = path_of(name);
    create_file(file->path);
    file->handler = gcw_exit_register(
        gcw_exit_default(), remove_file_method(file, row), &options);
    if (file->handler == NULL)
        die("gcw_exit_register");
    return file;
}

/* The end of an owner that dies before the program does. */
static void
remove_with_owner(void *path)
{
    table[SCRATCHES].owners_died++;
    if (unlink(path) != 0)
        die(path);
}

static NOINLINE void
scratch_file_new(int number)
{
    char name[32];
    snprintf(name, sizeof name, "scratch-%02d.tmp", number);
    struct temp_file *file = temp_file_new(name, &table[SCRATCHES]);
    gcw_cleanup *c = gcw_cleanup_new(file, remove_with_owner, file->path);
    if (c == NULL || gcw_cleanup_set_atexit(c, false) != 0)
        die("gcw_cleanup_new");
}

/* An old-fashioned handler: a plain function on a global, given to atexit. */
static void
remove_log(void)
{
    table[LOG].ran++;
    table[LOG].turn = ++turns;
    table[LOG].fate = "ran";
    if (unlink(log_path) != 0)
        gcw_fail(strerror(errno));
}

/* Hears of handlers that failed. */
static void
note_failure(void *handle, const char *name, const char *why, void *data)
{
    (void)handle;
    (void)data;
    for (int i = 0; i < ROWS; i++) {
        if (name == NULL || strcmp(table[i].file, name) != 0)
            continue;
        table[i].fate = "failed";
        snprintf(table[i].why, sizeof table[i].why, "%s", why);
    }
}

static void
overwrite_stack(void)
{
    volatile char old[16 * 1024];
    for (size_t i = 0; i < sizeof old; i++)
        old[i] = 0;
}

/* Owners that nobody holds.  The collector is conservative, a stale word may
 * hold one a little longer; so there are several, and the table tells how
 * many died before exit. */
static NOINLINE void
drop_scratch(void)
{
    for (int i = 1; i <= SCRATCH; i++)
        scratch_file_new(i);
}

static void
create_files(void)
{
    snprintf(log_path, sizeof log_path, "%s/program.log", directory);
    create_file(log_path);
    if (atexit(remove_log) != 0)
        die("atexit");
    for (int i = 0; i < SCRATCHES; i++)
        owners[i] = temp_file_new(table[i].file, &table[i]);
    drop_scratch();
    printf("   %d files, each with an exit handler that removes it.\n",
           SCRATCH + ROWS - 1);
}

static void
keep_report(void)
{
    if (gcw_exit_unregister(owners[REPORT]->handler) != GCW_REMOVED)
        die("gcw_exit_unregister");
    table[REPORT].fate = "skipped";
    snprintf(table[REPORT].why, sizeof table[REPORT].why,
             "unregistered: kept on purpose");
}

static void
collect_scratch(void)
{
    overwrite_stack();
    gcw_collect();
    printf("   %d of %d owners died, and their cleanups removed the files.\n",
           table[SCRATCHES].owners_died, SCRATCH);
}

static void
steal(void)
{
    if (unlink(owners[STOLEN]->path) != 0)
        die("stolen.tmp");
}

/* The end. */

static void
explain_scratch(struct row *row)
{
    row->fate = row->ran == 0 ? "skipped" : row->fate;
    if (row->ran == 0)
        snprintf(row->why, sizeof row->why, "all %d owners had died",
                 row->owners_died);
    else
        snprintf(row->why, sizeof row->why,
                 "%d owners had died; %d lived, their handlers ran",
                 row->owners_died, row->ran);
}

static void
explain_success(struct row *row)
{
    if (row->why[0] != '\0')
        return;
    snprintf(row->why, sizeof row->why, "file removed%s",
             row == &table[LOG] ? ", by a plain atexit function" : "");
}

static void
print_row(const struct row *row)
{
    char turn[12] = "-";
    if (row->turn > 0)
        snprintf(turn, sizeof turn, "%d", row->turn);
    printf("   %-14s %-8s %-5s %s\n", row->file,
           row->fate != NULL ? row->fate : "missed", turn, row->why);
}

static void
print_table(void)
{
    printf("   %-14s %-8s %-5s %s\n", "file", "handler", "turn", "why");
    explain_scratch(&table[SCRATCHES]);
    for (int i = 0; i < ROWS; i++) {
        explain_success(&table[i]);
        print_row(&table[i]);
    }
}

/* Calls visit for each file in the directory; returns how many there were. */
static int
each_file(void (*visit)(const char *name))
{
    int count = 0;
    DIR *dir = opendir(directory);
    if (dir == NULL)
        die(directory);
    /* cppcheck-suppress readdirCalled ; no other thread reads this one */
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        visit(e->d_name);
        count++;
    }
    closedir(dir);
    return count;
}

static void
print_name(const char *name)
{
    printf("   %s\n", name);
}

static void
remove_name(const char *name)
{
    if (unlink(path_of(name)) != 0)
        die(name);
}

static void
tidy_up(void)
{
    if (keep_directory) {
        printf("   The directory stays: %s\n", directory);
        return;
    }
    each_file(remove_name);
    if (rmdir(directory) != 0)
        die(directory);
    printf("   The demo removes it, and the directory.\n");
}

/* Registered first, so it runs last. */
static void
report(void *data)
{
    (void)data;
    printf("6. What ran, what was skipped, and why:\n");
    print_table();
    printf("7. Left in the directory:\n");
    if (each_file(print_name) == 0)
        printf("   nothing\n");
    tidy_up();
}

static void
start(void)
{
    const char *parent = getenv("TMPDIR");
    GC_INIT();
    if (parent == NULL || *parent == '\0')
        parent = "/tmp";
    int n = snprintf(directory, sizeof directory, "%s/exitfiles-XXXXXX",
                     parent);
    if (n < 0 || (size_t)n >= sizeof directory || mkdtemp(directory) == NULL)
        die(parent);
    gcw_exit_registry *r = gcw_exit_default();
    if (r == NULL || gcw_exit_on_error(r, note_failure, NULL) != 0
        || gcw_exit_register_fn(r, report, NULL, NULL) == NULL)
        die("the exit registry");
}

int
main(int argc, char **argv)
{
    keep_directory = argc > 1 && strcmp(argv[1], "keep") == 0;
    start();
    printf("1. The program makes its files in a fresh directory.\n");
    create_files();
    printf("2. The report is finished: its handler is unregistered, to keep"
           " the file.\n");
    keep_report();
    printf("3. The owners of the scratch files are dropped, and the collector"
           " runs.\n");
    collect_scratch();
    printf("4. Somebody else removes stolen.tmp; its handler will fail.\n");
    steal();
    printf("5. The program ends.  Handlers run, last registered first.\n");
    exit(0);
}
