/* collector.c: bdwgc's links, finalizers, lock and hooks.
 *
 * No other file calls them.
 *
 * settled.  A collection stops the world, marks, counts gc_no up, restarts
 * the world, and only then clears the links of what it found dead, with the
 * allocation lock held all the while.  Whoever gets that lock therefore sees
 * the links of all collections so far cleared, and may write down gc_no in
 * gcw__settled.  It is written nowhere else, so it never runs ahead.
 *
 * The hook runs inside the collector, lock held.  It is one slot that belongs
 * to the application: ours calls the one it found there, and nothing depends
 * on its being called.  A canary is an unreachable object that is finalized
 * after a collection, and makes the next one; nothing depends on that
 * either.  What must not be missed compares gc_no; see death.c.
 */
#include <config.h>
#include "collector/collector.h"

#include "ground/code.h"
#include "ground/delay.h"
#include "ground/stack.h"

#include <errno.h>
#include <gc/gc_mark.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Kinds of objects.  They have no public names. */
static struct {
    int atomic, uncollectable, atomic_uncollectable;
} kinds;

static int
kind_of(const void *object)
{
    return GC_get_kind_and_size(object, NULL);
}

/* False: no memory. */
static bool
find_kinds(void)
{
    void *atomic = GC_MALLOC_ATOMIC(1);
    void *uncollectable = GC_MALLOC_UNCOLLECTABLE(1);
    void *both = GC_MALLOC_ATOMIC_UNCOLLECTABLE(1);
    bool found = atomic != NULL && uncollectable != NULL && both != NULL;

    if (found) {
        kinds.atomic = kind_of(atomic);
        kinds.uncollectable = kind_of(uncollectable);
        kinds.atomic_uncollectable = kind_of(both);
    }
    GC_FREE(uncollectable);
    GC_FREE(both);
    return found;
}

bool
gcw__is_uncollectable(const void *base)
{
    int kind = kind_of(base);

    return kind == kinds.uncollectable || kind == kinds.atomic_uncollectable;
}

bool
gcw__is_pointer_free(const void *base)
{
    int kind = kind_of(base);

    return kind == kinds.atomic || kind == kinds.atomic_uncollectable;
}

/* Pointers of its debugging allocators lead behind a header. */
static bool
is_debug_offset(size_t at)
{
#if HAVE_GC_GET_DEBUG_HEADER_SIZE
    return at == GC_get_debug_header_size();
#else
    (void)at;
    return false;
#endif
}

/* Of those that it is to follow the collector knows already, if the application
 * or its own debugging allocators have told it. */
bool
gcw__is_followed(const void *pointer)
{
    void *base = GC_base((void *)(uintptr_t)pointer);
    size_t at = (uintptr_t)pointer - (uintptr_t)base;

    if (base == NULL || at == 0 || gcw__is_uncollectable(base))
        return true;
    if (at >= sizeof(void *) && !is_debug_offset(at))
        return false;
    GC_register_displacement(at);
    return true;
}

void
gcw__with_lock(void *(*call)(void *arg), void *arg)
{
    GC_call_with_alloc_lock(call, arg);
}

/* Taken back before it could be called. */
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

/* Threads.
 *
 * That a thread is known is remembered.  It is forgotten when the thread ends,
 * before the destructors of its data run, for the collector has let go of it
 * by then: it says that it knows the thread as long as nobody has joined it,
 * but an allocation would crash.  What tells the truth at any time is whether
 * the thread can be registered. */

_Thread_local bool gcw__known;

bool
gcw__thread_is_main(void)
{
#ifdef SYS_gettid
    return syscall(SYS_gettid) == getpid();
#else
    return true;
#endif
}

/* False if the collector knows it. */
static bool
enter(void)
{
    struct GC_stack_base base;

    return GC_get_stack_base(&base) == GC_SUCCESS
           && GC_register_my_thread(&base) == GC_SUCCESS;
}

static void
leave(void *unused)
{
    int error = errno;

    (void)unused;
    gcw__known = false;
    GC_unregister_my_thread();
    errno = error;
}

static bool
is_known(void)
{
    if (enter()) {
        leave(NULL);
        return false;
    }
    return GC_thread_is_registered();
}

/* exit ends the thread's data as well, but not the thread. */
static void
thread_ends(void *unused)
{
    (void)unused;
    if (!gcw__stack_calls((void (*)(void))exit))
        gcw__known = false;
}

#if HAVE___CXA_THREAD_ATEXIT_IMPL

/* For the destructors of C++'s thread-local objects, which run before those of
 * pthread_key_create, in the reverse order of this.  It takes the dynamic
 * linker's lock, which somebody may have who waits for this thread. */
int __cxa_thread_atexit_impl(void (*destructor)(void *object), void *object,
                             void *shared_object);
extern void *__dso_handle;

/* It aborts if there is no memory. */
static bool
watch_thread(void)
{
    void *memory = malloc(64);

    free(memory);
    if (memory == NULL || atomic_load(&gcw__code_unloading) != 0)
        return false;
    __cxa_thread_atexit_impl(thread_ends, NULL, &__dso_handle);
    return true;
}

#else

static pthread_key_t end_key;
static pthread_once_t end_key_made = PTHREAD_ONCE_INIT;

static void
make_end_key(void)
{
    pthread_key_create(&end_key, thread_ends);
}

static bool
watch_thread(void)
{
    pthread_once(&end_key_made, make_end_key);
    return pthread_setspecific(end_key, &end_key) == 0;
}

#endif

/* Unless its end would go unnoticed: then it is looked up again the next time.
 * The main thread stays known until the process ends. */
static void
remember(void)
{
    static _Thread_local bool watched;

    watched = watched || gcw__thread_is_main() || watch_thread();
    gcw__known = watched;
}

bool
gcw__thread_look_up(void)
{
    if (!is_known())
        return false;
    remember();
    return true;
}

struct known_call {
    void (*call)(void *arg);
    void *arg;
};

static void *
call_active(void *arg)
{
    struct known_call *known = arg;

    known->call(known->arg);
    return NULL;
}

/* The call may end the thread, or throw. */
static void
call_entered(struct known_call *known)
{
    pthread_cleanup_push(leave, NULL);
    known->call(known->arg);
    pthread_cleanup_pop(1);
}

/* On the stack of a fiber the collector would take that for the thread's: then
 * the fiber's owner has to see to it that it is looked at. */
static void
call_looked_at(struct known_call *known)
{
    if (gcw__stack_own((uintptr_t)known))
        GC_call_with_gc_active(call_active, known);
    else
        call_active(known);
}

bool
gcw__as_known(void (*call)(void *arg), void *arg)
{
    struct known_call known = { call, arg };

    if (!gcw__known && enter())
        call_entered(&known);
    else if (gcw__known || GC_thread_is_registered())
        call_looked_at(&known);
    else
        return false;
    return true;
}

bool
gcw__as_known_at_exit(void (*call)(void *arg), void *arg)
{
    if (!gcw__known || gcw__stack_calls((void (*)(void))GC_do_blocking))
        return gcw__as_known(call, arg);
    call(arg);
    return true;
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
    if (!is_known())
        return EPERM;
    if (GC_get_find_leak())
        return ENOTSUP;
    return find_kinds() ? first_registrations() : ENOMEM;
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

/* Both are set once, before the hook is in its slot. */
static void (*hook_notice)(void);
static GC_on_collection_event_proc hook_before;

/* While it stops and starts the world the collector may change errno, which
 * our functions leave alone.  Under its lock. */
static int errno_before;

static void
on_collection_event(GC_EventType event)
{
    if (hook_before != NULL)
        hook_before(event);
    if (event == GC_EVENT_PRE_STOP_WORLD)
        errno_before = errno;
    if (event == GC_EVENT_POST_START_WORLD)
        errno = errno_before;
    if (event == GC_EVENT_RECLAIM_END)
        hook_notice();
}

void
gcw__hook_install(void (*notice)(void))
{
    GC_on_collection_event_proc before = GC_get_on_collection_event();

    hook_notice = notice;
    if (before == on_collection_event)
        return;
    hook_before = before;
    GC_set_on_collection_event(on_collection_event);
}

/* Canaries.  A generation of several is armed at a time, for a stale pointer
 * may keep one from dying, though hardly all: each new one is made with the
 * stack of the one before.  The first to be finalized speaks for its
 * generation, which is over then; the others find that and are silent.  Who
 * ends a generation, or turns `armed` on, owns the rest until the next one.
 *
 * The stack that was used is cleared: a thread that does nothing but run
 * finalizers, as Guile's, sleeps on what they left there, and a pointer to a
 * canary, or to what was tidied, would hold it. */
static struct {
    atomic_bool armed;
    _Atomic uintptr_t generation;
    GC_word armed_at;
    const struct gcw__canary_ops *ops;
} canary;

enum { CANARIES = 3 };

static void on_canary(void *object, void *generation);

/* Out of memory, registering fails without a word: the function that was
 * registered before, none, is not reported either. */
static __attribute__((__noinline__)) bool
make_canary(void)
{
    GC_finalization_proc old = finalize_nothing;
    void *object = GC_MALLOC_ATOMIC(1), *old_data;

    if (object == NULL)
        return false;
    GC_REGISTER_FINALIZER_NO_ORDER(object, on_canary,
                                   (void *)canary.generation, &old, &old_data);
    return old != finalize_nothing;
}

GCW__UNCHECKED __attribute__((__noinline__)) void
gcw__clear_stack(void)
{
    volatile uintptr_t words[1024];

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        words[i] = 0;
}

static void
arm(void)
{
    int made = 0;

    canary.armed_at = gcw__gc_no();
    for (int i = 0; i < CANARIES; i++)
        made += make_canary();
    if (made == 0)
        atomic_store(&canary.armed, false);
}

/* Who adds a need looks at `armed` afterwards; so who takes that back looks
 * for a need afterwards.  If there is one now, another thread may have armed
 * it between the two. */
static void
disarm(void)
{
    atomic_store(&canary.armed, false);
    GCW__DELAY(3);
    if (canary.ops->needed())
        gcw__canary_arm(canary.ops);
}

/* If no collection has passed, this is GC_finalize_all, which runs for as
 * long as there are finalizers: then the canaries stay down. */
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
            arm();
        else
            disarm();
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
    arm();
    gcw__clear_stack();
}
