/* collector.c: bdwgc's links, lock and hook.
 *
 * No other file calls the collector's functions for these.
 *
 * settled.  A collection stops the world, marks, counts gc_no up, restarts the
 * world, and only then clears the links of what it found dead, with the
 * allocation lock held all the while.  What is held weakly by marks our own pass
 * clears in the stopped world; it can miss a collection, and then a thread catches
 * up with that under the same lock (weak/by-marks.c).  So gcw__settled becomes
 * gc_no
 *   - by a thread that has got that lock, and has caught up;
 *   - by the hook when the collection ends, the lock held and the links cleared,
 *     if the pass was there;
 *   - after the pass, in the stopped world, if there are no links.
 * Nothing else writes it, so it never runs ahead.
 *
 * The hook runs inside the collector, lock held.  The collector has one slot
 * for a hook, which belongs to the application: our hook calls the one that it
 * found there, and nothing is lost if it is not called.  Code that must not
 * miss a collection compares gc_no; see death.c.  Who finds that the hook has
 * missed one puts it back before the function that has taken its place: else
 * nothing that is held by marks would die any more.
 */
#include <config.h>
#include "collector/collector.h"

#include "collector/objects.h"
#include "collector/threads.h"
#include "ground/delay.h"
#include "ground/memory.h"

#include <errno.h>
#include <gc/gc_mark.h>
#include <stdlib.h>
#include <unistd.h>

_Atomic GC_word gcw__settled;

/* Links that are registered; no less than there are, at any instruction. */
static _Atomic size_t links;

void *
gcw__with_lock(void *(*call)(void *arg), void *arg)
{
    return GC_call_with_alloc_lock(call, arg);
}

/* A finalizer that is taken back before it can be called. */
static void
finalize_nothing(void *object, void *data)  /* GCOVR_EXCL_LINE */
{
    (void)object;
    (void)data;
}

/* bdwgc aborts if the first registration of a kind finds no memory; make the
 * first ones here, where little is in use yet. */
static int
first_registrations(void)
{
    void *object = gcw__new_plain(1);
    void **links = gcw__new_plain(2 * sizeof *links);

    if (object == NULL || links == NULL)
        return ENOMEM;
    links[0] = links[1] = object;
    GC_general_register_disappearing_link(&links[0], object);
    GC_unregister_disappearing_link(&links[0]);
    GC_register_long_link(&links[1], object);
    GC_unregister_long_link(&links[1]);
    GC_REGISTER_FINALIZER_NO_ORDER(object, finalize_nothing, NULL, NULL, NULL);
    GC_REGISTER_FINALIZER_NO_ORDER(object, NULL, NULL, NULL, NULL);
    return 0;
}

long
gcw__collector_threads(void)
{
    return GC_get_parallel();
}

void
gcw__collector_signals(int signals[GCW__COLLECTOR_SIGNALS])
{
    signals[0] = GC_get_suspend_signal();
    signals[1] = GC_get_thr_restart_signal();
    signals[2] = 0;
}

bool
gcw__collector_uses_signal(int sig)
{
    int signals[GCW__COLLECTOR_SIGNALS];

    gcw__collector_signals(signals);
    return gcw__collector_runs() && (sig == signals[0] || sig == signals[1]);
}

bool
gcw__collector_runs(void)
{
    return GC_is_init_called();
}

/* The collector takes the thread that starts it for the main thread, and does
 * not survive its end. */
static bool
may_start(void)
{
    return gcw__collector_runs() || gcw__thread_is_main();
}

/* Whether the address is in what the collector has taken by itself for static
 * data, when it last collected, or started.  Newer collectors take their lock for
 * that. */
static bool
is_found_static(void *address)
{
#if HAVE_GC_IS_TMP_ROOT
    return GC_is_tmp_root(address) != 0;
#else
    (void)address;
    return false;
#endif
}

/* The last word of the page in which the static data of the shared object ends
 * that this is part of: no variable is there. */
static void *
behind_static_data(void)
{
    extern char end[] __asm__("_end") __attribute__((__visibility__("hidden")));
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    return (void *)((((uintptr_t)end | (page - 1)) + 1) - sizeof(void *));
}

/* A collector that was built with --enable-redirect-malloc defines malloc.  Where
 * the dynamic linker does not know that malloc, it still takes all pages that can
 * be written for static data, if they are there when it collects: what is behind
 * ours, and memory that is older.  Returns 0, ENOTSUP if it reads malloc's memory,
 * or ENOMEM. */
static int
look_at_malloc(void)
{
    void *memory = gcw__malloc(1);
    bool reads;

    if (memory == NULL)
        return ENOMEM;
    reads = is_found_static(behind_static_data()) || GC_base(memory) != NULL
            || is_found_static(memory);
    free(memory);
    return reads ? ENOTSUP : 0;
}

bool
gcw__collector_reads_malloc(void)
{
    return look_at_malloc() == ENOTSUP;
}

/* The collector must be told of threads by one that it knows.  Only when it was
 * can it be asked whether it has let go of this one already. */
static bool
allow_threads(void)
{
    if (!GC_thread_is_registered())
        return false;
    GC_allow_register_threads();
    return gcw__thread_known_now();
}

int
gcw__collector_start(void)
{
    int error;

    if (!may_start())
        return EPERM;
    GC_INIT();
    if (!allow_threads())
        return EPERM;
    if (GC_get_find_leak())
        return ENOTSUP;
    error = look_at_malloc();
    if (error != 0)
        return error;
    return gcw__objects_start() ? first_registrations() : ENOMEM;
}

static int
register_link(void *_Atomic *link, void *base, bool is_long)
{
    int before = errno;
    int result = is_long
        ? GC_register_long_link((void **)link, base)
        : GC_general_register_disappearing_link((void **)link, base);

    errno = before;
    switch (result) {
    case GC_NO_MEMORY:
        return ENOMEM;
    case GC_UNIMPLEMENTED:
        return ENOTSUP;
    default:
        return 0;
    }
}

int
gcw__link_add(void *_Atomic *link, void *base, bool is_long)
{
    int error;

    atomic_fetch_add(&links, 1);
    error = register_link(link, base, is_long);
    if (error != 0)
        atomic_fetch_sub(&links, 1);
    return error;
}

size_t
gcw__links(void)
{
    return atomic_load(&links);
}

void
gcw__link_gone(void)
{
    atomic_fetch_sub(&links, 1);
}

void
gcw__link_remove(void *_Atomic *link, bool is_long)
{
    if (is_long)
        GC_unregister_long_link((void **)link);
    else
        GC_unregister_disappearing_link((void **)link);
    atomic_store(link, NULL);
    gcw__link_gone();
}

/* Both are set before our hook is in the slot. */
static void (*hook_notice)(void);
static void (*hook_event)(GC_EventType event);
static _Atomic GC_on_collection_event_proc hook_before;

static atomic_bool hook_is_lost;

/* The hook is running: a function that it calls may call it in turn, which has
 * kept it when it took its place.  Under the collector's lock. */
static bool hook_runs;

/* errno before the world is stopped: the collector may change it, and our
 * functions must not.  Under the collector's lock. */
static int errno_before;

static void
call_before(GC_EventType event)
{
    GC_on_collection_event_proc before = atomic_load(&hook_before);

    hook_runs = true;
    if (before != NULL)
        before(event);
    hook_runs = false;
}

static void
on_collection_event(GC_EventType event)
{
    if (hook_runs)
        return;
    call_before(event);
    if (hook_event != NULL)
        hook_event(event);
    if (event == GC_EVENT_PRE_STOP_WORLD)
        errno_before = errno;
    if (event == GC_EVENT_POST_START_WORLD)
        errno = errno_before;
    if (event == GC_EVENT_RECLAIM_END)
        hook_notice();
}

void
gcw__hook_marks(void (*event)(GC_EventType event))
{
    hook_event = event;
}

static void
take_hook(void)
{
    atomic_store(&hook_before, GC_get_on_collection_event());
    GC_set_on_collection_event(on_collection_event);
}

void
gcw__hook_install(void (*notice)(void))
{
    static atomic_bool installed;

    hook_notice = notice;
    if (atomic_exchange(&installed, true))
        return;
    take_hook();
}

void
gcw__hook_lost(void)
{
    atomic_store(&hook_is_lost, true);
}

void
gcw__hook_take_back(void)
{
    /* Two threads that take it would chain it to itself. */
    if (GCW__LIKELY(!atomic_load_explicit(&hook_is_lost, memory_order_relaxed))
        || !atomic_exchange(&hook_is_lost, false))  /* GCOVR_EXCL_BR_LINE */
        return;
    if (GC_get_on_collection_event() != on_collection_event)
        take_hook();
}
