/* threads.c: which threads the collector knows.
 *
 * That a thread is known is remembered.  It is forgotten when the thread ends,
 * before the destructors of its data run, for the collector has let go of the
 * thread by then: GC_thread_is_registered is true until the thread is joined,
 * but an allocation would crash.  Only an attempt to register the thread shows
 * at any time whether it is known.
 *
 * Only the C library can say in time that a thread ends: the collector lets go
 * of it in a cleanup handler, whose place is where the thread's first function
 * began, and tells nobody.  __cxa_thread_atexit_impl has us called next.  Where
 * it is missing, as in musl, there are the destructors of pthread_key_create,
 * which run in any order; in one that comes before ours the thread would still
 * count as known.  So there it is remembered of the main thread alone, which
 * the collector never lets go of, and each call of another thread asks anew.
 * That is right at any time, but takes the collector's lock.
 */
#include <config.h>
#include "collector/threads.h"

#include "ground/code.h"
#include "ground/memory.h"
#include "ground/stack.h"

#include <errno.h>
#include <gc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Registers the thread.  False if the collector knows it already. */
static bool
enter_collector(void)
{
    struct GC_stack_base base;
    int before = errno;
    bool entered = GC_get_stack_base(&base) == GC_SUCCESS
                   && GC_register_my_thread(&base) == GC_SUCCESS;

    errno = before;
    return entered;
}

static void
leave_collector(void *unused)
{
    int error = errno;

    (void)unused;
    gcw__known = false;
    GC_unregister_my_thread();
    errno = error;
}

bool
gcw__thread_known_now(void)
{
    if (enter_collector()) {
        leave_collector(NULL);
        return false;
    }
    return GC_thread_is_registered();
}

#if HAVE___CXA_THREAD_ATEXIT_IMPL

/* exit runs the destructors of the thread's data, too, but does not end it. */
static void
thread_ends(void *unused)
{
    (void)unused;
    if (!gcw__stack_calls((void (*)(void))exit))
        gcw__known = false;
}

/* Registers a destructor as for C++'s thread-local objects: these run before
 * those of pthread_key_create, the last that was registered first.  Takes the
 * dynamic linker's lock, which may be held by a thread that waits for this
 * one. */
int __cxa_thread_atexit_impl(void (*destructor)(void *object), void *object,
                             void *shared_object);
extern void *__dso_handle;

/* Has thread_ends called when the thread ends.  __cxa_thread_atexit_impl
 * aborts if there is no memory, so malloc is tried first. */
static bool
watch_thread(void)
{
    void *memory = gcw__malloc(64);

    free(memory);
    if (memory == NULL || atomic_load(&gcw__code_unloading) != 0)
        return false;
    __cxa_thread_atexit_impl(thread_ends, NULL, &__dso_handle);
    return true;
}

#else

static bool
watch_thread(void)
{
    return false;
}

#endif

/* Remembers that the thread is known, unless its end would go unnoticed: then
 * the thread is looked up again the next time.  The main thread stays known
 * until the process ends. */
static void
remember_known(void)
{
    static _Thread_local bool watched;

    watched = watched || gcw__thread_is_main() || watch_thread();
    gcw__known = watched;
}

bool
gcw__thread_look_up(void)
{
    if (!gcw__thread_known_now())
        return false;
    remember_known();
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
    pthread_cleanup_push(leave_collector, NULL);
    known->call(known->arg);
    pthread_cleanup_pop(1);
}

/* GC_call_with_gc_active would take the stack of a fiber for the thread's: on
 * a fiber, its owner has to see to it that the stack is scanned. */
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

    if (!gcw__known && enter_collector())
        call_entered(&known);
    else if (gcw__known || GC_thread_is_registered())
        call_looked_at(&known);
    else
        return false;
    return true;
}

bool
gcw__known_at_exit(void)
{
    return gcw__known && !gcw__stack_may_call((void (*)(void))GC_do_blocking);
}

bool
gcw__as_known_at_exit(void (*call)(void *arg), void *arg)
{
    if (!gcw__known_at_exit())
        return gcw__as_known(call, arg);
    call(arg);
    return true;
}

/* Collectors before 8.2 do not tell where the program has said that the stack
 * of a fiber begins.  There, that stack counts as empty. */
uintptr_t
gcw__thread_stack_bottom(void)
{
    struct GC_stack_base base = { .mem_base = &base };

#if HAVE_GC_GET_MY_STACKBOTTOM
    GC_get_my_stackbottom(&base);
#else
    if (gcw__stack_own((uintptr_t)&base))
        GC_get_stack_base(&base);
#endif
    return (uintptr_t)base.mem_base;
}
