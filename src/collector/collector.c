/* collector.c: bdwgc's links, lock and hook.
 *
 * No other file calls the collector's functions for these.
 *
 * settled.  A collection stops the world, marks, counts gc_no up, restarts the
 * world, and only then clears the links of what it found dead, with the
 * allocation lock held all the while.  So a thread that gets that lock sees
 * the links of all collections so far cleared, and may write gc_no to
 * gcw__settled.  Nothing else writes gcw__settled, so it never runs ahead.
 *
 * The hook runs inside the collector, lock held.  The collector has one slot
 * for a hook, which belongs to the application: our hook calls the one that it
 * found there, and nothing depends on its being called.  Code that must not
 * miss a collection compares gc_no; see death.c.
 */
#include <config.h>
#include "collector/collector.h"

#include "collector/objects.h"
#include "collector/threads.h"
#include "ground/delay.h"

#include <errno.h>

_Atomic GC_word gcw__settled;

struct read {
    void *_Atomic *const _Atomic *link;
    void *value;
};

static void *
settle_locked(void *result)
{
    GC_word now = gcw__gc_no();

    atomic_store_explicit(&gcw__settled, now, memory_order_release);
    *(GC_word *)result = now;
    return NULL;
}

static void *
read_locked(void *arg)
{
    struct read *read = arg;

    read->value = atomic_load(atomic_load(read->link));
    atomic_store_explicit(&gcw__settled, gcw__gc_no(), memory_order_release);
    return NULL;
}

GC_word
gcw__settle(void)
{
    GC_word now;

    GC_call_with_alloc_lock(settle_locked, &now);
    GCW__DELAY(2);
    return now;
}

void *
gcw__read_settled(void *_Atomic *const _Atomic *link)
{
    struct read read = { link, NULL };

    GCW__DELAY(1);
    GC_call_with_alloc_lock(read_locked, &read);
    return read.value;
}

void
gcw__with_lock(void *(*call)(void *arg), void *arg)
{
    GC_call_with_alloc_lock(call, arg);
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
    void *object = GC_MALLOC_ATOMIC(1);
    void **links = GC_MALLOC_ATOMIC(2 * sizeof *links);

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

int
gcw__collector_start(void)
{
    if (!may_start())
        return EPERM;
    GC_INIT();
    GC_allow_register_threads();
    if (!gcw__thread_known_now())
        return EPERM;
    if (GC_get_find_leak())
        return ENOTSUP;
    return gcw__objects_start() ? first_registrations() : ENOMEM;
}

int
gcw__link_add(void *_Atomic *link, void *base, bool is_long)
{
    int result = is_long
        ? GC_register_long_link((void **)link, base)
        : GC_general_register_disappearing_link((void **)link, base);

    switch (result) {
    case GC_NO_MEMORY:
        return ENOMEM;
    case GC_UNIMPLEMENTED:
        return ENOTSUP;
    default:
        return 0;
    }
}

void
gcw__link_remove(void *_Atomic *link, bool is_long)
{
    if (is_long)
        GC_unregister_long_link((void **)link);
    else
        GC_unregister_disappearing_link((void **)link);
    atomic_store(link, NULL);
}

/* Both are set before our hook is in the slot. */
static void (*hook_notice)(void);
static void (*hook_event)(GC_EventType event);
static GC_on_collection_event_proc hook_before;

/* errno before the world is stopped: the collector may change it, and our
 * functions must not.  Under the collector's lock. */
static int errno_before;

static void
on_collection_event(GC_EventType event)
{
    if (hook_before != NULL)
        hook_before(event);
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

void
gcw__hook_install(void (*notice)(void))
{
    static atomic_bool installed;

    hook_notice = notice;
    if (atomic_exchange(&installed, true))
        return;
    hook_before = GC_get_on_collection_event();
    GC_set_on_collection_event(on_collection_event);
}
