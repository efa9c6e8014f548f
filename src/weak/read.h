/* read.h: the weak read.
 *
 * The one delicate thing, written here once.
 *
 * The danger.  A reference to a dead object becomes NULL when the collector clears
 * its link, and that is only after it has let the other threads run again; or by
 * our own pass in the stopped world, which can miss a collection (by-marks.c).
 * Until then, a plain read of the reference returns a dead object.
 *
 * The protocol.  gc_no counts up while the world is stopped and marking is
 * complete; gcw__settled holds a collection of which, and of all before, the dead
 * are known to read NULL (see collector.c).  The reader loads, in this order,
 *     settled, the pointer in the reference, gc_no
 * and trusts the pointer if settled and gc_no are equal.  Otherwise it reads
 * again under the collector's lock, which it cannot have before the links are
 * cleared, and under which it catches up with what the pass has missed.
 *
 * Why that is right.  Let the two be equal, to e.  A collection that stops
 * this thread after it has loaded the pointer finds it in a register or on
 * the stack, so the object is marked.  One that stopped it before, and after
 * settled was loaded, would have made gc_no differ from e, for settled was at
 * most gc_no then.  Of all up to e itself the dead read NULL before settled
 * became e.
 * So settled must come first.  Loaded last, another thread may have settled
 * the very collection that killed the object.
 *
 * A reference never leads anywhere but to its target, and then to NULL.  The
 * reader holds it.
 *
 * Memory order.  What orders a thread and a stop of the world is the collector's
 * handshake.  The handler of its signal posts a semaphore, which is a release; the
 * collector waits for that, an acquire.  The word that lets the world go on is
 * written by a release, and the handler reads it by an acquire before it returns.
 * Not the signal itself: that it comes between two instructions is no barrier for
 * data.  So for each stop, on any processor,
 *   - what stands before it in a thread's program is done before the collector
 *     looks: loads have found nothing of what is written in the stop, and what
 *     they found is in the registers that are marked from; stores are seen;
 *   - what stands after it finds all that was written before the world went on: in
 *     the stop, and until it began by those who were stopped, or had the lock.
 * Between two stops a processor may do loads early or late.  gc_no does not change
 * then, so it may be loaded at any time, also before the pointer: only the compiler
 * has to be kept from moving its load to the other side of a stop, which the signal
 * fence does.  So it is with all that changes in stops only.
 *
 * But settled and the reference are also written while the world runs.  Who settles
 * has the collector's lock, so it comes after links were cleared, and releases that
 * with settled.  The reader must find them cleared, in the same time between two
 * stops: settled is acquired.  The reference is cleared by gcw_dispose as well,
 * whose target lives on.  With its release pairs the acquire of the pointer, for
 * what the caller does when it reads NULL; the protocol would do without.
 *
 * A collection on the reader's own thread is within a call before the read or after
 * it.  A thread in GC_do_blocking, which is not stopped, takes the collector's lock
 * when it goes in and out, and reads nothing meanwhile.  Where the collector stops
 * threads in another way than by signals, the system's way to suspend and resume
 * them is taken to order as much.
 *
 * Model-checked in t/model/read.pml, with such loads and stores, and with all other
 * orders refuted;
 * t/torture-read.c includes this file with delays and with wrong orders, and
 * shows that it finds them.
 */
#ifndef GCW__READ_H
#define GCW__READ_H

#include "ground/delay.h"
#include "weak/settled.h"
#include "weak/shard.h"

/* Tests put delays between the steps, and change their order. */
#ifndef GCW__READ_ORDER
# define GCW__READ_ORDER 0
#endif

/* For tests of the order, and for callers of gcw__read_at. */
static inline GC_word
gcw__load_settled(void)
{
    return atomic_load_explicit(&gcw__settled, memory_order_acquire);
}

static inline void *
gcw__load_pointer(const gcw_ref *ref)
{
    void *pointer;

    GCW__DELAY(2);
    pointer = atomic_load_explicit(&ref->target, memory_order_acquire);
    GCW__DELAY(3);
    atomic_signal_fence(memory_order_seq_cst);
    return pointer;
}

/* The target, or NULL if it was disposed of.  For callers that keep the target
 * alive otherwise, and hold a lock, under which gcw__read may not be
 * called. */
static inline void *
gcw__peek(const gcw_ref *ref)
{
    return gcw__load_pointer(ref);
}

#if GCW__READ_ORDER == 0

/* The target, or NULL if it is dead. */
static inline void *
gcw__read(const gcw_ref *ref)
{
    GC_word settled = gcw__load_settled();
    void *pointer;

    GCW__DELAY(1);
    pointer = gcw__load_pointer(ref);
    if (GCW__LIKELY(settled == gcw__gc_no()))
        return pointer;
    return gcw__read_settled(ref);
}

/* The same for callers that read many references: *settled is what
 * gcw__load_settled returned at any time before, and is kept up to date. */
static inline void *
gcw__read_at(const gcw_ref *ref, GC_word *settled)
{
    void *pointer = gcw__load_pointer(ref);

    if (GCW__LIKELY(*settled == gcw__gc_no()))
        return pointer;
    pointer = gcw__read_settled(ref);
    *settled = gcw__load_settled();
    return pointer;
}

/* The same for callers that must not wait: false if the read would have to. */
static inline bool
gcw__try_read(const gcw_ref *ref, void **target)
{
    GC_word settled = gcw__load_settled();

    *target = gcw__load_pointer(ref);
    return settled == gcw__gc_no();
}

#elif GCW__READ_ORDER == 1

/* Wrong: the pointer, gc_no, settled. */
static inline void *
gcw__read(const gcw_ref *ref)
{
    void *pointer = gcw__load_pointer(ref);
    GC_word now = gcw__gc_no();

    GCW__DELAY(1);
    if (gcw__load_settled() == now)
        return pointer;
    return gcw__read_settled(ref);
}

#else

/* Wrong: gc_no, settled, the pointer. */
static inline void *
gcw__read(const gcw_ref *ref)
{
    GC_word now = gcw__gc_no();
    GC_word settled = gcw__load_settled();
    void *pointer;

    GCW__DELAY(1);
    pointer = gcw__load_pointer(ref);
    if (settled == now)
        return pointer;
    return gcw__read_settled(ref);
}

#endif

#endif
