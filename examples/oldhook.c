/* oldhook.c: a hook that stays installed for ever, for objects that do not.
 *
 * pthread_atfork is an interface of the old sort: it takes a bare function,
 * with no room for data, calls it before each fork, and offers no way to take
 * it back.
 *
 * Journals collect lines and write them when they are many.  A fork would
 * double what is not written yet, so each journal has a method that writes it
 * out, and gives pthread_atfork a proxy of that method.  The hook does not
 * keep the journal alive.  Once it has died, the hook is stale: it is called
 * before each fork as ever, but does nothing, and the program hears of it.
 *
 * The collector is conservative: a forgotten word on the stack may keep an
 * object for a while.  So there are several journals, and the program tells
 * how many of them did what it says.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include <gc.h>
#include <gcweak.h>

#define NOINLINE __attribute__((__noinline__))

enum { JOURNALS = 20, LINES = 10 };

struct journal {
    int number;
    int lines;           /* not written yet */
};

/* What the last fork has called.  It leads to no journal. */
static struct {
    int written;         /* journals */
    int stale;           /* hooks without a journal */
} last_fork;

/* The story ends here if something is not as it must be. */
static void
check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "oldhook: %s\n", what);
    exit(1);
}

/* The method.  (Where the lines go does not matter here.) */
static void
write_out(struct journal *self)
{
    self->lines = 0;
    last_fork.written++;
}

static void
hear(gcw_proxy *p, void *data)
{
    (void)p;
    (void)data;
    last_fork.stale++;
}

/* ")v": called with nothing, returns nothing.  The proxy is never freed, for
 * pthread_atfork never lets go of it. */
static void
install_hook(struct journal *journal)
{
    gcw_proxy *p = gcw_proxy_new(journal, (void (*)(void))write_out, ")v");
    if (p == NULL)
        fprintf(stderr, "oldhook: gcw_proxy_new: %s\n", strerror(errno));
    check(p != NULL, "no proxy");
    check(gcw_proxy_on_stale(p, hear, NULL) == 0, "no stale hook");
    check(pthread_atfork(gcw_proxy_code(p), NULL, NULL) == 0,
          "pthread_atfork failed");
}

static NOINLINE void
open_journals(struct journal **journals)
{
    for (int i = 0; i < JOURNALS; i++) {
        journals[i] = GC_NEW(struct journal);
        check(journals[i] != NULL, "no memory");
        journals[i]->number = i + 1;
        journals[i]->lines = LINES;
        install_hook(journals[i]);
    }
}

/* Forks; the child ends at once, with the number of lines that it has too. */
static NOINLINE int
lines_in_child(struct journal **journals)
{
    int status, lines = 0;
    memset(&last_fork, 0, sizeof last_fork);
    pid_t pid = fork();
    check(pid >= 0, "cannot fork");
    if (pid == 0) {
        for (int i = 0; i < JOURNALS; i++)
            lines += journals[i] != NULL ? journals[i]->lines : 0;
        _exit(lines);
    }
    check(waitpid(pid, &status, 0) == pid && WIFEXITED(status),
          "the child is lost");
    return WEXITSTATUS(status);
}

/* All but the first. */
static NOINLINE void
forget_journals(struct journal **journals)
{
    for (int i = 1; i < JOURNALS; i++)
        journals[i] = NULL;
}

/* Overwrites what earlier calls have left on the stack. */
static NOINLINE void
clear_stack(void)
{
    volatile char old[16 * 1024];
    for (size_t i = 0; i < sizeof old; i++)
        old[i] = 0;
}

static void
before(struct journal **journals)
{
    printf("1. %d journals with %d lines each ask to be told of forks.\n",
           JOURNALS, LINES);
    open_journals(journals);
    int doubled = lines_in_child(journals);
    check(last_fork.written == JOURNALS && doubled == 0,
          "a journal was not written before a fork");
    printf("2. The process forks.  %d journals were written out first;"
           " %d lines\n   are in the child, too.\n", last_fork.written,
           doubled);
}

static void
after(struct journal **journals)
{
    printf("3. The program forgets all journals but one.  The collector"
           " runs.\n   Nobody can take the hooks back.\n");
    forget_journals(journals);
    clear_stack();
    GC_gcollect();
    journals[0]->lines = LINES;
    int doubled = lines_in_child(journals);
    check(journals[0]->lines == 0 && doubled == 0,
          "the living journal was not written before a fork");
    check(last_fork.written + last_fork.stale == JOURNALS,
          "a hook was not called");
    check(last_fork.stale > 0, "no journal died");
    printf("4. The process forks again.  All %d hooks are called: %d without"
           " a journal,\n   which did nothing but tell, and %d with one.\n",
           JOURNALS, last_fork.stale, last_fork.written);
}

static void
for_ever(struct journal **journals)
{
    int stale = last_fork.stale;
    for (int i = 0; i < 3; i++)
        lines_in_child(journals);
    check(last_fork.stale >= stale && last_fork.written >= 1,
          "a dead journal came back");
    printf("5. So it goes on, fork after fork: %d stale, %d live.\n",
           last_fork.stale, last_fork.written);
}

int
main(void)
{
    GC_INIT();
    struct journal **journals = GC_MALLOC(JOURNALS * sizeof *journals);
    check(journals != NULL, "no memory");
    before(journals);
    after(journals);
    for_ever(journals);
    return 0;
}
