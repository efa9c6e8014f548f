/* canary.c: hearing of a collection from a finalizer.
 *
 * A canary is an unreachable object that is finalized after a collection, and
 * makes the next one; nothing depends on it.  A generation of several is armed
 * at a time, for a stale pointer may keep one from dying, though hardly all:
 * each new one is made with the stack of the one before.  The first to be
 * finalized ends its generation; the others find that, and do nothing.  The
 * thread that ends a generation, or turns `armed` on, owns the other fields
 * until the next generation is armed.
 *
 * The stack that was used is cleared: a thread that does nothing but run
 * finalizers, as Guile's, keeps on its stack what they left there while it
 * sleeps, and a pointer to a canary, or to what was tidied, would hold that.
 */
#include <config.h>
#include "collector/canary.h"

#include "collector/collector.h"
#include "ground/delay.h"
#include "ground/memory.h"
#include "ground/stack.h"

#include <errno.h>
#include <gc.h>
#include <stdatomic.h>
#include <stdint.h>

static struct {
    atomic_bool armed;
    _Atomic uintptr_t generation;
    GC_word armed_at;
    const struct gcw__canary_ops *ops;
} canary;

enum { CANARIES = 3 };

static void on_canary(void *object, void *generation);

/* False: no memory.  Then the registration fails silently, and leaves `old` as
 * it was, which otherwise becomes NULL. */
static __attribute__((__noinline__)) bool
make_canary(void)
{
    GC_finalization_proc old = on_canary;
    void *object = gcw__new_plain(1), *old_data;
    int before = errno;

    if (object == NULL)
        return false;
    GC_REGISTER_FINALIZER_NO_ORDER(object, on_canary,
                                   (void *)canary.generation, &old, &old_data);
    errno = before;
    return old != on_canary;
}

static void
arm_canaries(void)
{
    int made = 0;

    canary.armed_at = gcw__gc_no();
    for (int i = 0; i < CANARIES; i++)
        made += make_canary();
    if (made == 0)
        atomic_store(&canary.armed, false);
}

/* A thread that adds a need looks at `armed` afterwards; so this one, which
 * clears `armed`, looks for a need afterwards.  In between another thread may
 * have armed the canary. */
static void
disarm_canary(void)
{
    atomic_store(&canary.armed, false);
    GCW__DELAY(3);
    if (canary.ops->needed())
        gcw__canary_arm(canary.ops);
}

/* If no collection has passed, this is GC_finalize_all, which runs for as
 * long as there are finalizers: then no new canaries are made. */
static void
on_canary(void *object, void *generation)
{
    uintptr_t mine = (uintptr_t)generation;

    (void)object;
    if (!atomic_compare_exchange_strong(&canary.generation, &mine, mine + 1))
        return;
    if (gcw__gc_no() == canary.armed_at) {
        atomic_store(&canary.armed, false);
    } else {
        canary.ops->fired();
        if (canary.ops->needed())
            arm_canaries();
        else
            disarm_canary();
    }
    gcw__clear_stack();
}

void
gcw__canary_arm(const struct gcw__canary_ops *ops)
{
    /* Another thread may arm it between the two. */
    if (atomic_load_explicit(&canary.armed, memory_order_relaxed)
        || atomic_exchange(&canary.armed, true))  /* GCOVR_EXCL_BR_LINE */
        return;
    canary.ops = ops;
    arm_canaries();
    gcw__clear_stack();
}
