/* base.h: starting the library, failing inside a callback, shared objects.
 *
 * Words used throughout
 *   target   the object that is held weakly
 *   live     not yet found unreachable by a collection, and not disposed of
 *   handle   what the constructors return: gcw_ref, gcw_method, gcw_cleanup,
 *            gcw_listener, gcw_event, gcw_hub, gcw_exit_handler,
 *            gcw_exit_registry, gcw_queue, gcw_map and its like.  All but
 *            gcw_proxy (proxy.h) are ordinary collectable objects.  There is
 *            nothing to free.  Keep them where the collector looks: on a
 *            stack, in a static of the program, in collected or uncollectable
 *            memory; not in malloc memory.
 *
 * Errors
 *   A function that fails returns NULL or -1 (a boolean or a count: false or
 *   0) with errno set, and leaves everything as it was.  Common to all:
 *     EINVAL   an argument is NULL that must not be; or a pointer that must
 *              lead into a heap object does not; or data that is to be held
 *              strongly leads into the middle of an object, which does not
 *              hold it where the collector follows no such pointers from the
 *              heap (GC_set_all_interior_pointers(0), as in Guile and ECL).
 *              A tag in the lowest bits is allowed, if the collector was told
 *              of it (GC_register_displacement)
 *     EPERM    the collector does not know the calling thread; or the thread
 *              ends, and the collector has let go of it already
 *     ENOMEM   memory ran out
 *     ENOTSUP  the collector runs in its find-leak mode, which has no weak
 *              links; or it was built with --enable-redirect-malloc, and
 *              looks for pointers in all memory that malloc gives, so that
 *              nothing would ever die
 *   errno is left alone on success.
 *
 * Threads
 *   Every function may be called by any thread that the collector knows
 *   (GC_pthread_create, or GC_register_my_thread), outside GC_do_blocking.
 *   Define GC_THREADS before the first <gc.h> of each source file that makes
 *   threads: it makes pthread_create GC_pthread_create.  Without it the
 *   collector does not know the threads.
 *
 *   Any other thread gets EPERM, unless the function's own comment says that
 *   it does not look; so does one that ends, in the destructors of its
 *   thread-specific data (pthread_key_create).  A call within GC_do_blocking
 *   is not noticed, and what it makes may be collected while in use.
 *
 *   These may be called by any thread at any time, also by one that is
 *   unknown, that ends, or that is within GC_do_blocking:
 *       gcw_atexit, gcw_atexit_data, gcw_atexit_cancel,
 *       gcw_exit_unregister_id, exit, quick_exit, gcw_shutdown,
 *       all of signal.h, gcw_hub_post, gcw_tell, gcw_name_function,
 *       gcw_exit_options_init, gcw_version, gcw_version_number,
 *       gcw_version_check, the pointer of a proxy, and dlclose of an object
 *       that uses gcweak.
 *   What they call back runs as on a known thread, and may use all of gcweak.
 *
 *   In C++, thread_local objects that were made after the thread's first call
 *   of gcweak are destroyed before gcweak hears of the thread's end.  Their
 *   destructors must not call gcweak at all.
 *
 *   None but gcw_exit_signal may be called from a signal handler (exit: see
 *   exit.h), nor from inside the collector (its hooks, or a function under
 *   GC_call_with_alloc_lock).  All may be called from a finalizer, from a
 *   handler of pthread_atfork, and from any callback that gcweak runs, unless
 *   the function's own comment says otherwise.
 *
 *   That a thread is known is looked up at its first call and remembered: a
 *   thread that leaves the collector must not call gcweak again until it has
 *   come back.
 *
 * Cancellation
 *   No function is a cancellation point, but for these:
 *       gcw_exit_run               while it waits for another thread's run
 *       exit, quick_exit,
 *       gcw_exit_by_signal,
 *       gcw_shutdown               while another thread's is under way
 *       gcw_drain_wait             while it waits
 *       gcw_drain_thread(false)    while it waits for the worker's callback
 *   While gcw_exit_run, exit or gcw_shutdown calls handlers and cleanups,
 *   cancellation is off: a request takes effect after the run.  On the worker
 *   it is always off.  Other callbacks, such as listeners, and cleanups in a
 *   drain, may be cancelled like any code, at cancellation points of their own.
 *   No function may be called with asynchronous cancellation.
 *
 * How a callback may be left
 *   - It returns.
 *   - It calls gcw_fail, and the next callback runs.
 *   - It throws a C++ exception, or unwinds the stack in another way as those
 *     do.  The exception passes through gcweak to the caller.  What has not
 *     run yet waits for the next time: callbacks stay pending, handlers
 *     registered, emissions posted.  Only an emission itself is over: the
 *     listeners behind that one do not hear of it.  On the worker and at exit
 *     nobody can catch it.
 *   - It ends the thread, by pthread_exit or because it is cancelled: as with
 *     an exception.
 *   It must not longjmp to a place outside of itself, over frames of gcweak:
 *   nobody hears of that.  It is found where it can be, often not before the
 *   next callback begins; then the process aborts with a message.
 *
 * Fibers
 *   A thread may have several stacks, for fibers or coroutines.  gcw_fail
 *   gives up the innermost callback of the stack that it is called on.  A
 *   fiber that is inside a callback must be resumed on the thread on which
 *   the callback began.  To have the collector look at the stacks of fibers
 *   is the program's affair.
 *
 * Fork
 *   A child has its own copy of everything; each header says what becomes of
 *   it.  A child is told from its parent however it was made, by _Fork or
 *   clone too, and if it has the same pid.  But one that was made without
 *   fork's handlers may use gcweak only if the parent had one thread, those
 *   of the collector aside.  The collector must handle forks as well, as it
 *   does by default on most systems (GC_set_handle_fork); or the program calls
 *   GC_atfork_prepare and its like by hand.  daemon(3) is a fork.
 */
#ifndef GCWEAK_BASE_H
#define GCWEAK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined __GNUC__
# define GCW_NORETURN __attribute__((__noreturn__))
#elif defined __cplusplus
# define GCW_NORETURN [[noreturn]]
#elif defined __STDC_VERSION__ && __STDC_VERSION__ >= 201112L
# define GCW_NORETURN _Noreturn
#else
# define GCW_NORETURN
#endif

/* The version of these headers.  GCW_VERSION is one number to compare, also in
 * #if: major * 1000000 + minor * 1000 + patch. */
#define GCW_VERSION_MAJOR 0
#define GCW_VERSION_MINOR 2
#define GCW_VERSION_PATCH 0
#define GCW_VERSION                                                         \
    (GCW_VERSION_MAJOR * 1000000UL + GCW_VERSION_MINOR * 1000UL             \
     + GCW_VERSION_PATCH)
#define GCW_VERSION_STRING "0.2.0"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts the library, and the collector if it was not running yet; tells the
 * collector that threads may come, so that its lock really locks.
 *
 * Idempotent.  Every constructor calls it, so a program needs it only to
 * learn early that something is wrong.  The first call must come from a
 * thread that the collector knows; if the collector was not running, from the
 * main thread, for the collector takes the thread that starts it for that.
 * (Only gcw_atexit, gcw_atexit_data, gcw_atexit_cancel and all of signal.h may
 * come first on any thread.)  A program that sets up the collector its own way
 * does so before.  The library changes none of the
 * collector's settings; but a collector that marks in parallel starts its
 * threads when it is told that threads may come.  What is started lasts until
 * the process ends: the shared library cannot be unloaded, and a plugin that
 * the static one is linked into stays loaded.
 *
 * Returns 0, or -1 with errno: EPERM, ENOMEM, ENOTSUP.  Once the library has
 * started it returns 0 on any thread.
 * Cost: once a few microseconds, later one load. */
int gcw_init(void);

/* The version of the library in use, as "major.minor.patch".  Static memory.
 * Any thread, at any time. */
const char *gcw_version(void);

/* The version of the library in use as one number, as GCW_VERSION is of the
 * headers: major * 1000000 + minor * 1000 + patch.
 *
 * Any thread, at any time.
 * Cost: a call.  After glib_major_version and its like. */
unsigned long gcw_version_number(void);

/* Says whether the library in use will do for what was built with the headers
 * of a version: it is that one or later, and no function has gone or changed
 * since, so that its soname is the same.
 *
 *   needed  GCW_VERSION, or the number of the oldest version that will do
 *
 * For who finds the library at run time, with dlopen or in another language:
 * a program that is linked with it is refused by the dynamic linker if the
 * library is too old for it.  Starts nothing.  Any thread, at any time.
 * Returns 0; or -1 with errno ENOTSUP: the library is older than `needed`, or
 * of another soname than that version was, or there was no such version.
 * Cost: a call.  After glib_check_version. */
int gcw_version_check(unsigned long needed);

/* Gives up the callback that is being run, and tells why.  gcw_failed tells
 * why without giving up.
 *
 * To be called inside a callback that gcweak runs (an exit handler, a
 * cleanup, a death callback, a listener), by the thread that runs it.  Does
 * not return: control leaves the callback as with longjmp, the failure goes to
 * the error hook of the place (an exit registry, an event, a hub, the drain),
 * and the next callback runs.  Frames in between are not unwound: what they
 * hold (locks, malloc memory) stays as it is.  `why` must stay valid while the
 * hook runs; it may be NULL.
 *
 * Outside any such callback there is nothing to give up: the process aborts
 * with `why` on stderr.  (A fiber outside of any must not call it: it is not
 * always found there.)  After Python's exceptions in atexit handlers, which
 * are reported and passed over. */
GCW_NORETURN void gcw_fail(const char *why);

/* Says that the callback that is being run has failed, and returns: for those
 * that cannot give up by a jump.
 *
 * The error hook hears of it before this returns, on top of the callback's own
 * frames; the callback then ends as it likes.  It has failed once, however
 * often it says so, and if it calls gcw_fail as well.
 *
 *   why     need not outlive this call; may be NULL
 *
 * To be called as gcw_fail.  Where the runtime makes the calls itself (call.h)
 * no callback is being run: there, gcw_call_failed tells.
 * Returns 0; or -1 with errno ENOENT: no callback runs on this stack.
 * Cost: the hook's. */
int gcw_failed(const char *why);

/* An error hook: hears of a callback that failed.
 *
 *   handle  what failed: a gcw_exit_handler, gcw_listener or gcw_cleanup
 *   name    its name; or that of its function: what it was given (method.h),
 *           as all typed methods are, or what the dynamic linker knows, which
 *           is nothing of other static functions; or NULL
 *   why     the argument of gcw_fail, or what else went wrong; may be NULL
 *   data    what was registered with the hook
 *
 * Runs on the thread that ran the callback, no lock held.  It may call
 * anything that the callback itself could.  If it fails in turn, that is
 * ignored.  Without a hook a line goes to stderr, or to the sink (tell.h). */
typedef void gcw_error_fn(void *handle, const char *name, const char *why,
                          void *data);

/* Does what happens at exit, now: pending death callbacks, the handlers of the
 * default registry, cleanups of what still lives (exit.h, "At exit"); for a
 * runtime that takes itself down before it calls exit, and whose callbacks
 * need it.
 *
 *   status  what the handlers hear
 *
 * It does so once: at exit, nothing is left to do then, and from now on the
 * default registry refuses handlers with ESHUTDOWN, cleanups are refused as
 * well, and the drain's worker has ended.  All else goes on working.  Handlers
 * of gcw_atexit run now too, out of their order among those of the C library.
 * In a callback it runs what is left, like exit in a handler, and returns.
 *
 * Any thread at any time, as exit.  If another thread exits or shuts down, it
 * waits until that has come to its end: a cancellation point.  Cancellation is
 * off while callbacks run.
 * Returns 0, also if all has been done before; or -1 with errno: ENOTSUP (the
 * library has not started and cannot), EPERM (the thread cannot be made known
 * to the collector; nothing has run). */
int gcw_shutdown(int status);

/* Shared objects that come and go.
 *
 * What belongs to a shared object ends with it.  When dlclose unloads one,
 * its exit handlers run, those of each registry newest first; one that a
 * handler registers is the next.  Then its cleanups and death callbacks run
 * that are pending or would run at exit, newest first.  All others are taken
 * out, and so are its listeners and error hooks.  A callback in it that the
 * drain's worker is running is waited for up to a second, then named in a
 * warning (tell.h).  What runs, runs on the thread that calls dlclose, which
 * the collector need not know; cancellation is not off meanwhile.
 *
 * "Its" are those whose function lies in it, whoever registered them.
 * Including any gcweak header is all that it takes: the lines below add a
 * destructor to each source file of a shared object, which calls
 * gcw_object_unloading; not for calling by hand.  Define GCW_NO_UNLOAD before
 * the header to leave it out.  Namespaces of dlmopen make no difference.
 *
 * A handler or cleanup in a shared object without a gcweak header is passed
 * over once its code is gone, but does not run at dlclose; and if other code
 * has taken its place in memory, that is called.  Such an object must
 * disconnect its listeners itself.
 *
 * The collector looks at the data of shared objects, and may crash when it is
 * at work on another thread while dlclose takes one away, with gcweak or
 * without (seen with bdwgc 8.2.2).  A program with threads puts dlclose
 * between GC_disable and GC_enable.
 *
 * Cost: a walk through all that is registered, at dlclose.  After glibc, where
 * a shared object's atexit handlers run at its dlclose. */
void gcw_object_unloading(void (*code)(void));

#if defined __GNUC__ && defined __PIC__ && !defined __PIE__ \
    && !defined GCW_NO_UNLOAD && !defined GCW__UNLOADS
# define GCW__UNLOADS
__attribute__((__destructor__)) static void
gcw__this_object_unloading(void)
{
    gcw_object_unloading(gcw__this_object_unloading);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
