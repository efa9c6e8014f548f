/* collector.h: bdwgc's links, lock and hook.  See collector.c. */
#ifndef GCW__COLLECTOR_H
#define GCW__COLLECTOR_H

#include "ground/compiler.h"
#include "ground/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <gc.h>

/* The number of collections whose marking is complete.  Changes only while
 * the world is stopped: weak/read.h says what orders that. */
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

/* When something is made, in collections, as 32 bits: for gcw__see_age. */
static inline uint32_t
gcw__born(void)
{
    return (uint32_t)gcw__gc_no();
}

/* A collection of which, and of all before, the dead are known to read NULL.  Read
 * by everybody. */
extern _Atomic GC_word gcw__settled;

/* It is that of this number.  The collector's lock is held; see collector.c for
 * what must be true. */
static inline void
gcw__set_settled(GC_word number)
{
    atomic_store_explicit(&gcw__settled, number, memory_order_release);
}

/* Returns call(arg), called with the collector's lock held: nothing is allocated
 * or freed meanwhile, by anybody. */
void *gcw__with_lock(void *(*call)(void *arg), void *arg);

/* Starts the collector and makes its lock work.  Returns 0 or an errno: EPERM
 * if this thread must not start it, or is not known to it; ENOTSUP in its
 * find-leak mode, and if it reads malloc's memory; ENOMEM. */
int gcw__collector_start(void);

/* Whether the collector, which runs, looks for pointers in memory that malloc
 * gave: what we mean to hold weakly would be held. */
bool gcw__collector_reads_malloc(void);

/* How many marker threads the collector has, which live as the process
 * does. */
long gcw__collector_threads(void);

/* Whether the collector was started. */
bool gcw__collector_runs(void);

/* Its signals; see ground/thread.h. */
void gcw__collector_signals(int signals[GCW__COLLECTOR_SIGNALS]);

/* Whether it was, and that is one of these. */
bool gcw__collector_uses_signal(int sig);

/* How many links are registered, or were and have been cleared without our
 * noticing. */
size_t gcw__links(void);

/* A link was found that the collector has cleared, which ends its
 * registration. */
void gcw__link_gone(void);

/* Registers the link, a short or a long one, which holds a pointer into the
 * object that starts at base.  Returns 0 or an errno: ENOMEM, ENOTSUP. */
int gcw__link_add(void *_Atomic *link, void *base, bool is_long);

/* Unregisters the link, and clears it. */
void gcw__link_remove(void *_Atomic *link, bool is_long);

/* Has notice() called after collections: by the hook inside the collector,
 * whatever lock the thread holds, so it may only set flags and post
 * semaphores or descriptors. */
void gcw__hook_install(void (*notice)(void));

/* A collection has passed of which the hook was not told: somebody has put another
 * function in its place.  The collector's lock is held. */
void gcw__hook_lost(void);

/* If so, puts the hook back, which then calls that function first.  No lock
 * held. */
void gcw__hook_take_back(void);

/* Has event() called with all that the hook hears of; once, when the library
 * starts. */
void gcw__hook_marks(void (*event)(GC_EventType event));

#endif
