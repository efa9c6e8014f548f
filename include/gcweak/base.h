/* base.h: starting the library, failing inside a callback, shared objects.
 *
 * Words used throughout
 *   target   the object that is held weakly
 *   live     not yet found unreachable by a collection, and not disposed of
 *   handle   what the constructors return: gcw_ref, gcw_method, gcw_cleanup,
 *            gcw_listener, gcw_event, gcw_hub, gcw_exit_handler,
 *            gcw_exit_registry.  Handles are ordinary
 *            collectable objects.  There is nothing to free.  Keep them where
 *            the collector looks: on a stack, in a static of the program, in
 *            collected or uncollectable memory; not in malloc memory.
 *
 * Errors
 *   A function that fails returns NULL or -1 (a boolean or a count: false or
 *   0) with errno set, and leaves everything as it was.  Common to all:
 *     EINVAL   an argument is NULL that must not be, or a pointer that must
 *              lead into a heap object does not
 *     EPERM    the calling thread is not registered with the collector
 *     ENOMEM   memory ran out
 *     ENOTSUP  the collector runs in its find-leak mode, which has no weak
 *              links
 *   errno is left alone on success.
 *
 * Threads
 *   Every function may be called by any thread that the collector knows
 *   (GC_pthread_create, or GC_register_my_thread), outside GC_do_blocking.
 *   None may be called from a signal handler, nor from inside the collector
 *   (its hooks, or a function under GC_call_with_alloc_lock).  All may be
 *   called from a finalizer and from any callback that gcweak runs, unless
 *   the function's own comment says otherwise.
 *
 *   That a thread is known is looked up at its first call and remembered: a
 *   thread that leaves the collector must not call gcweak again until it has
 *   come back.
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

#ifdef __cplusplus
extern "C" {
#endif

/* Starts the library, and the collector if it was not running yet; tells the
 * collector that threads may come, so that its lock really locks.
 *
 * Idempotent.  Every constructor calls it, so a program needs it only to
 * learn early that something is wrong.  The first call must come from a
 * thread that the collector knows; if the collector was not running, that is
 * the main thread.  A program that sets up the collector its own way does so
 * before.  The library changes none of the collector's settings.  What it
 * starts lasts until the process ends: the shared library cannot be unloaded.
 *
 * Returns 0, or -1 with errno: EPERM, ENOMEM, ENOTSUP (see above).
 * Cost: once a few microseconds, later one load. */
int gcw_init(void);

/* The version of the library in use, as "major.minor.patch".  Static memory.
 * Any thread, at any time. */
const char *gcw_version(void);

/* Gives up the callback that is being run, and tells why.
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
 * with `why` on stderr.  After Python's exceptions in atexit handlers, which
 * are reported and passed over. */
GCW_NORETURN void gcw_fail(const char *why);

/* An error hook: hears of a callback that failed.
 *
 *   handle  what failed: a gcw_exit_handler, gcw_listener or gcw_cleanup
 *   name    its name, or that of its function if it has one, or NULL
 *   why     the argument of gcw_fail, or what else went wrong; may be NULL
 *   data    what was registered with the hook
 *
 * Runs on the thread that ran the callback, no lock held.  It may call
 * anything that the callback itself could.  If it fails in turn, that is
 * ignored.  Without a hook a line goes to stderr. */
typedef void gcw_error_fn(void *handle, const char *name, const char *why,
                          void *data);

/* Shared objects that come and go.
 *
 * What belongs to a shared object ends with it: when dlclose unloads one, its
 * exit handlers run, and its listeners, cleanups, death callbacks and error
 * hooks are taken out.  "Its" are those whose function lies in it, whoever registered
 * them.  Including any gcweak header is all that it takes: the lines below
 * add a destructor to each source file of a shared object, which calls
 * gcw_object_unloading; not for calling by hand.  Define GCW_NO_UNLOAD before
 * the header to leave it out.
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
    && !defined GCW_NO_UNLOAD
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
