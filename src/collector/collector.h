/* collector.h: all that gcweak asks of bdwgc, besides memory.
 *
 * The only way to its links, finalizers, lock and hooks; see collector.c for
 * the overview.
 */
#ifndef GCW__COLLECTOR_H
#define GCW__COLLECTOR_H

#include "ground/compiler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <gc.h>

/* Memory comes from the collector in granules of 16 bytes.  It adds a byte to
 * what is asked for, so that a pointer just behind an object holds it.  Nobody
 * has such a pointer to what is internal here: asking for one byte less than
 * a multiple of 16 gets all of them.  The compiler, which takes the size for
 * the bound, must not see it. */
static inline size_t
gcw__whole_granules(size_t size)
{
    size--;
    __asm__("" : "+r"(size));
    return size;
}

/* The number of collections whose marking is complete.  Changes only while
 * the world is stopped. */
static inline GC_word
gcw__gc_no(void)
{
#if HAVE_GC_GC_NO
# pragma GCC diagnostic push
# pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return *(volatile GC_word *)&GC_gc_no;
# pragma GCC diagnostic pop
#else
    return GC_get_gc_no();
#endif
}

/* When something was made, in collections, in little room: for those who look
 * at it later (walk.c). */
static inline uint32_t
gcw__born(void)
{
    return (uint32_t)gcw__gc_no();
}

/* A collection whose links are known to be cleared.  Written by gcw__settle
 * and gcw__read_settled under the collector's lock, read by everybody. */
extern _Atomic GC_word gcw__settled;

/* Waits until the last collection has cleared its links; returns its number.
 * Takes the collector's lock. */
GC_word gcw__settle(void);

/* Reads **link with the links of the last collection cleared. */
void *gcw__read_settled(void *_Atomic *const _Atomic *link);

/* Calls call(arg) with the collector's lock held: nothing is allocated or
 * freed meanwhile, by anybody. */
void gcw__with_lock(void *(*call)(void *arg), void *arg);

/* Overwrites what calls have left below the caller's frame. */
void gcw__clear_stack(void);

/* What sort of object begins there. */
bool gcw__is_uncollectable(const void *base);
bool gcw__is_pointer_free(const void *base);

/* Whether the pointer, where the library keeps it, in the heap, holds what it
 * leads to.  Not if the collector was told to follow none into the middle of
 * objects, and this one leads there, into one that may die; but for a tag in
 * the lowest bits, and for what its debugging allocators give, which it is told
 * to follow. */
bool gcw__is_followed(const void *pointer);

static inline bool
gcw__holdable(const void *data)
{
    return GCW__LIKELY(GC_get_all_interior_pointers())
           || gcw__is_followed(data);
}

/* Starts the collector and makes its lock work.  Returns 0 or an errno: EPERM
 * if this thread must not start it, or is not known to it. */
int gcw__collector_start(void);

/* How many threads it has itself, which last as long as the process. */
long gcw__collector_threads(void);

/* Whether somebody has started it. */
bool gcw__collector_runs(void);

/* Set once the thread has been looked up and found known.  Asked in nearly
 * every call, so it is worth its place in the static block of the thread. */
extern _Thread_local bool gcw__known
    __attribute__((__tls_model__("initial-exec")));

/* Looks the calling thread up, and remembers it if it is known.  Only once the
 * collector runs. */
bool gcw__thread_look_up(void);

/* Whether the collector knows the calling thread. */
static inline bool
gcw__thread_known(void)
{
    return GCW__LIKELY(gcw__known) || gcw__thread_look_up();
}

/* Calls call(arg) on this thread as one that the collector knows and looks at:
 * it may be unknown, and is then made known for the time being; or within
 * GC_do_blocking; or ending, when the collector has let go of it.  False if
 * that cannot be done.  Takes the collector's lock. */
bool gcw__as_known(void (*call)(void *arg), void *arg);

/* The same, but without that lock if the thread is known and not within
 * GC_do_blocking: for the end of the process, which may begin in a signal
 * handler. */
bool gcw__as_known_at_exit(void (*call)(void *arg), void *arg);

/* Whether this is the thread that the process began with.  True where that
 * cannot be told. */
bool gcw__thread_is_main(void);

/* Registers the link, which holds a pointer into the object that starts at
 * base; a short or a long one.  Returns 0 or an errno. */
int gcw__link_add(void *_Atomic *link, void *base, bool is_long);

/* Forgets the link, and clears it. */
void gcw__link_remove(void *_Atomic *link, bool is_long);

/* Has notice() called after collections: by the hook inside the collector,
 * whatever lock the thread holds, so it may only set flags and post
 * semaphores or descriptors. */
void gcw__hook_install(void (*notice)(void));

/* What a canary is for. */
struct gcw__canary_ops {
    /* A collection has passed.  Called from a finalizer: no lock of the
     * collector's is held, but the thread is in the midst of an allocation. */
    void (*fired)(void);
    /* Whether another one is needed.  It must not miss a need that came about
     * before it was called; it may wait for no lock. */
    bool (*needed)(void);
};

/* Has ops->fired called after the next collection; and then again after the
 * next, for as long as ops->needed.  A hint: it may come late or never.
 * Without effect while one is armed. */
void gcw__canary_arm(const struct gcw__canary_ops *ops);

#endif
