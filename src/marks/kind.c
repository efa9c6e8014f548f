/* kind.c: making a kind of objects, if the collector has one left.
 *
 * The collector has 16 kinds and 64 mark procedures, for the whole process.
 * Nobody can ask how many are left, none can be given back, and who asks for one
 * too many is told so by an abort.  But before it ends the process the collector
 * calls a function that the application may set.  So ours is there meanwhile; it
 * jumps back to where the kind was asked for.  There the collector's lock is held,
 * by gcw__with_lock, as it was, and the collector has changed nothing yet.
 *
 * Our function passes on what is not meant for it: an abort of another thread,
 * or what the collector finds wrong elsewhere.
 *
 * Whoever asks first, under the lock, asks for all; the others get the same
 * answer.  None takes our function away before it has an answer, so it is there
 * when the first asks.  What another thread of the application sets between a look
 * at that function and its change is lost: the collector has no way to do both at
 * once.
 */
#include <config.h>
#include "marks/kind.h"

#include "collector/collector.h"

#include <errno.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The one that is made, or that could not be.  Under the collector's lock. */
static struct {
    bool is_known;
    int error;
    struct gcw__kind kind;
} made;

/* Where this thread asks for what there may be no more of, or NULL. */
static _Thread_local jmp_buf *asking;

static _Atomic GC_abort_func abort_before;

static void GC_CALLBACK
on_abort(const char *message)
{
    GC_abort_func before = atomic_load(&abort_before);

    if (asking != NULL)
        longjmp(*asking, 1);
    before(message);
}

static void
set_abort(void)
{
    GC_abort_func now = GC_get_abort_func();

    if (now == on_abort)
        return;
    atomic_store(&abort_before, now);
    GC_set_abort_func(on_abort);
}

/* Unless somebody has set another meanwhile. */
static void
reset_abort(void)
{
    if (GC_get_abort_func() == on_abort)
        GC_set_abort_func(atomic_load(&abort_before));
}

/* False if there was none left. */
static bool
try_to_ask(void (*for_one)(void *arg), void *arg)
{
    jmp_buf here;
    bool is_answered = setjmp(here) == 0;

    if (is_answered) {
        asking = &here;
        for_one(arg);
    }
    asking = NULL;
    return is_answered;
}

static void
ask_for_procedure(void *procedure)
{
    made.kind.descriptor
        = GC_MAKE_PROC(GC_new_proc_inner(*(GC_mark_proc *)procedure), 0);
}

static void
ask_for_kind(void *list)
{
    made.kind.number = GC_new_kind_inner(list, made.kind.descriptor, 0, 1);
}

static void *
make_locked(void *procedure)
{
    if (made.is_known)
        return NULL;
    if (!try_to_ask(ask_for_procedure, procedure)
        || !try_to_ask(ask_for_kind, GC_new_free_list_inner()))
        made.error = ENOTSUP;
    made.is_known = true;
    return NULL;
}

int
gcw__kind_make(GC_mark_proc procedure, struct gcw__kind *out)
{
    set_abort();
    gcw__with_lock(make_locked, &procedure);
    reset_abort();
    *out = made.kind;
    return made.error;
}
