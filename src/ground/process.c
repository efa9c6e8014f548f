/* process.c: which process this is.  See process.h. */
#include <config.h>
#include "ground/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* The number, until there is a page, and where there is none. */
static _Atomic unsigned counted = 1;

_Atomic unsigned *_Atomic gcw__process_word = &counted;

/* The number of this process, or of the one that it was forked from. */
static _Atomic unsigned last = 1;

/* The pid of the process that has got the last number. */
static _Atomic pid_t pid;

/* Threads that come here together return the same number; one that another has
 * been faster than leaves out a number. */
unsigned
gcw__process_new(void)
{
    unsigned number = atomic_fetch_add(&last, 1) + 1, none = 0;

    atomic_store(&pid, getpid());
    return atomic_compare_exchange_strong(gcw__process_word, &none, number)
        ? number : none;
}

static bool
is_wiped(void)
{
    return gcw__process_word != &counted;
}

/* A page that the kernel empties in each child.  NULL: the kernel cannot do
 * that, or has no memory. */
static _Atomic unsigned *
wiped_page(void)
{
#if HAVE_MADVISE && defined MADV_WIPEONFORK
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, size, MADV_WIPEONFORK) == 0)
        return page;
    munmap(page, size);
#endif
    return NULL;
}

void
gcw__process_install(void)
{
    _Atomic unsigned *page = is_wiped() ? NULL : wiped_page();

    atomic_store(&pid, getpid());
    if (page == NULL)
        return;
    atomic_store(page, atomic_load(&last));
    gcw__process_word = page;
}

static void
count(void)
{
    atomic_store(&pid, getpid());
    atomic_store(&last, atomic_fetch_add(&counted, 1) + 1);
}

/* A page that has another process's number was not emptied. */
void
gcw__process_forked(void)
{
    if (!is_wiped())
        count();
    else if (atomic_load(&pid) != getpid())
        atomic_store(gcw__process_word, 0);
}

void
gcw__process_check(void)
{
    if (atomic_load(&pid) != getpid())
        gcw__process_forked();
}
