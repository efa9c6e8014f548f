/* wakeup.c: descriptors that can be made readable from anywhere.
 *
 * A wake-up is an eventfd, or a pipe where there is none.  Both ends, which
 * are the same for an eventfd, are -1 until they are opened, once, under the
 * lock.  The open wake-ups form a list, under the lock, for fork.  Wakers look
 * only at the writing end, and take no lock; so a wake-up is closed only when
 * no waker is left.
 *
 * `set` tells whether a write is on its way, so that further ones need none.
 * The clear reads first and then takes `set` back: a waker that finds it
 * still set leaves its work to the look that follows every clear.  A waker
 * that had set it but not yet written, when the clear read, writes later: then
 * the descriptor is readable once too often, which the next clear mends, since
 * it always reads.
 *
 * A child has the same numbers, with a wake-up of its own behind them.  The
 * fork handlers see to that; in a child that was made around them, the first
 * thread that comes here does.  Several threads may: then one replaces what
 * the other has made, and writes once more if anything is set.
 *
 * Cancellation is off around each system call, which must not be cut short.
 * The bytes pass through the stack, never through collected memory, whose
 * pages the collector may have protected.
 */
#include <config.h>
#include "ground/wakeup.h"

#include "ground/compiler.h"
#include "ground/delay.h"
#include "ground/lock.h"
#include "ground/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>
#if HAVE_SYS_EVENTFD_H && HAVE_EVENTFD
# include <sys/eventfd.h>
# define USE_EVENTFD 1
#endif

struct ends {
    int read, write;
};

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct gcw__wakeup *first_open;

static void
close_end(int end)
{
    gcw__cancel_off();
    close(end);
    gcw__cancel_on();
}

static void
close_ends(struct ends ends)
{
    int error = errno;

    close_end(ends.read);
    if (ends.write != ends.read)
        close_end(ends.write);
    errno = error;
}

/* False with errno. */
static bool
open_ends(struct ends *ends)
{
#if USE_EVENTFD
    ends->read = ends->write = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return ends->read >= 0;
#else
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    ends->read = fds[0];
    ends->write = fds[1];
    return true;
#endif
}

static void
list_wakeup(struct gcw__wakeup *w)
{
    w->prev = NULL;
    w->next = first_open;
    if (first_open != NULL)
        first_open->prev = w;
    first_open = w;
    w->listed = true;
}

static void
delist_wakeup(struct gcw__wakeup *w)
{
    w->listed = false;
    if (w->prev != NULL)
        w->prev->next = w->next;
    else
        first_open = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
}

static void
write_one(int end)
{
    uint64_t one = 1;

    gcw__cancel_off();
    while (write(end, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    gcw__cancel_on();
}

static void
read_all(int end)
{
    uint64_t bytes[8];

    gcw__cancel_off();
    while (read(end, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        continue;
    gcw__cancel_on();
}

/* Renewing. */

static struct ends
ends_of(const struct gcw__wakeup *w)
{
    return (struct ends){ w->reading, w->writing };
}

/* Gives the fresh ends the numbers of the old, which are closed. */
static void
replace(struct ends old, struct ends fresh)
{
    if (fresh.read != old.read) {
        dup3(fresh.read, old.read, O_CLOEXEC);
        close_end(fresh.read);
    }
    if (old.write == old.read || fresh.write == old.write)
        return;
    dup3(fresh.write, old.write, O_CLOEXEC);
    close_end(fresh.write);
}

/* Opens ends with the numbers of the old.  If the table of descriptors is
 * full, there is room once the old ends are closed, and the fresh ones get
 * their numbers.  False: no descriptors. */
static bool
open_in_place(struct ends old)
{
    struct ends fresh;

    if (!open_ends(&fresh)) {
        close_ends(old);
        if (!open_ends(&fresh))
            return false;
    }
    /* The fresh ends of a pipe have the old numbers in the other order. */
    if (fresh.write == old.read && fresh.read == old.write
        && fresh.read != fresh.write) {
        close_ends(fresh);
        return false;
    }
    replace(old, fresh);
    return true;
}

/* Gives the child ends of its own.  What the parent was woken for is in the
 * child too.  If there is no descriptor to be had, the child has none, which
 * is better than its parent's. */
static void
renew(struct gcw__wakeup *w)
{
    if (!open_in_place(ends_of(w))) {
        atomic_store(&w->writing, -1);
        atomic_store(&w->reading, -1);
    }
    atomic_store(&w->process, gcw__process());
    if (w->writing >= 0 && atomic_load(&w->set))
        write_one(w->writing);
}

/* Sees to it that the ends are this process's. */
static void
own(struct gcw__wakeup *w)
{
    if (atomic_load(&w->reading) >= 0
        && !GCW__LIKELY(atomic_load(&w->process) == gcw__process()))
        renew(w);
}

/* Opening, waking, closing. */

int
gcw__wakeup_open(struct gcw__wakeup *w)
{
    struct ends ends;
    int before = errno;

    gcw__lock(&open_lock, true);
    own(w);
    if (w->reading < 0 && open_ends(&ends)) {
        if (!w->listed)
            list_wakeup(w);
        atomic_store(&w->process, gcw__process());
        atomic_store(&w->writing, ends.write);
        atomic_store(&w->reading, ends.read);
    }
    gcw__unlock(&open_lock);
    if (w->reading >= 0)
        errno = before;
    return w->reading;
}

bool
gcw__wakeup_close(struct gcw__wakeup *w, bool may_wait)
{
    if (!gcw__lock(&open_lock, may_wait))
        return false;
    if (w->listed)
        delist_wakeup(w);
    if (w->reading >= 0)
        close_ends((struct ends){ w->reading, w->writing });
    atomic_store(&w->writing, -1);
    atomic_store(&w->reading, -1);
    gcw__unlock(&open_lock);
    return true;
}

void
gcw__wakeup_set(struct gcw__wakeup *w)
{
    int error = errno, end;

    if (atomic_load_explicit(&w->writing, memory_order_relaxed) < 0)
        return;
    own(w);
    end = atomic_load(&w->writing);
    if (end >= 0 && !atomic_exchange(&w->set, true))
        write_one(end);
    errno = error;
}

void
gcw__wakeup_clear(struct gcw__wakeup *w)
{
    int error = errno, end;

    if (atomic_load(&w->reading) < 0)
        return;
    own(w);
    end = atomic_load(&w->reading);
    if (end >= 0)
        read_all(end);
    GCW__DELAY(1);  /* GCOVR_EXCL_LINE: nothing, but for t/torture */
    atomic_store(&w->set, false);
    errno = error;
}

static void
wakeups_child(void)
{
    struct gcw__wakeup *w, *next;

    for (w = first_open; w != NULL; w = next) {
        next = w->next;
        own(w);
        if (w->reading < 0)
            delist_wakeup(w);
    }
    gcw__unlock(&open_lock);
}

static void
wakeups_prepare(void)
{
    gcw__lock(&open_lock, true);
}

static void
wakeups_parent(void)
{
    gcw__unlock(&open_lock);
}

const struct gcw__part gcw__wakeup_part = {
    "wakeup", wakeups_prepare, wakeups_parent, wakeups_child, NULL
};
