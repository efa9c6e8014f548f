/* cleanup.h: functions that run once when their target dies.
 *
 * Any number per object, by anybody, with the object's own finalizer slot
 * left alone: bdwgc's finalizers are one per object, and registering another
 * silently replaces the first.  A cleanup never sees the object, which is
 * dead by then; it gets the data given at registration.
 *
 * The life of a cleanup
 *
 *     armed --- the target dies ---> pending --- drain, run, exit ---> done
 *       |                               |
 *       +--------- run, exit -----------|--------------------------> done
 *       +--------- detach --------------+----------------------> detached
 *
 * Exactly one of the calls that race for it wins; what they return tells
 * which.  Pending cleanups run in the drain (see drain.h), several on one
 * target newest first; those of gcw_cleanup_new_in where their queue is drained
 * (see queue.h).  Those still armed when the process exits run then,
 * newest first, after the exit handlers (see exit.h), unless told otherwise,
 * or made by another thread when the exit had begun.
 *
 * The library holds an armed or pending cleanup and its data: dropping the
 * handle does not stop it.  So the data must not lead to the target, or it
 * never dies; data that is the target itself is refused.
 *
 * After fork, both processes have the cleanup.  In the child it runs when the
 * child's copy of the target dies, but not at the child's exit, for it was
 * registered by the parent.  One that is pending at the fork runs in the
 * parent, and in the child only if the child drains (its worker does).
 *
 * When dlclose unloads the shared object that the function lies in, a cleanup
 * that is pending, or would run at exit, runs then; any other is taken off.
 */
#ifndef GCWEAK_CLEANUP_H
#define GCWEAK_CLEANUP_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_cleanup gcw_cleanup;

/* Calls fn(data) once when `target` dies.
 *
 * target  any pointer into a heap object (see ref.h)
 * fn      not NULL
 * data    anything, also NULL, held strongly; but no pointer into the target
 *
 * Any known thread; also from finalizers and callbacks.  Not prevented by and
 * not preventing a finalizer of the target's owner; of the two, either may run
 * first.
 * Returns the handle, or NULL with errno: EINVAL (target is no heap object,
 * fn is NULL, data is the target or cannot be held: base.h), ESHUTDOWN (all
 * that runs at exit has run, the process is about to end), EPERM, ENOMEM,
 * ENOTSUP.  Everything that the death will need is allocated here.
 * Cost: gcw_ref_new and one allocation.  After Python's weakref.finalize,
 * Java's Cleaner and Go's AddCleanup. */
gcw_cleanup *gcw_cleanup_new(void *target, void (*fn)(void *data), void *data);

/* Whether it has still to run: armed or pending.  false with errno EINVAL if
 * c is NULL.
 * Threads as gcw_ref_get. */
bool gcw_cleanup_alive(const gcw_cleanup *c);

/* The target, while the cleanup is armed; NULL once the target has died (or the
 * weak data of the method, for one of gcw_method_on_death), or the cleanup is
 * done or detached.  NULL with errno EINVAL if c is NULL.
 * Threads as gcw_ref_get. */
void *gcw_cleanup_peek(const gcw_cleanup *c);

/* Runs it now, on this thread, if it has still to run.
 * A failure (gcw_fail) goes to the drain's error hook.
 * Any known thread; also from finalizers and callbacks.
 * Returns true if it ran here; false if it had run or is running elsewhere,
 * or was detached; false with errno EINVAL or EPERM.  After Java's
 * Cleanable.clean. */
bool gcw_cleanup_run(gcw_cleanup *c);

/* Takes it off: it will not run.
 * Any known thread; also from finalizers, callbacks and the cleanup itself.
 * Returns true if it was still to run; false if too late, or detached before;
 * false with errno EINVAL or EPERM.
 * Cost: constant.  After Python's finalize.detach. */
bool gcw_cleanup_detach(gcw_cleanup *c);

/* Whether it runs at exit if its target is still alive then.  True by default;
 * false for one of gcw_method_on_death.
 * Any known thread; also from finalizers and callbacks.
 * Returns 0, or -1 with errno EINVAL (c is NULL) or EPERM.  Without effect on
 * one that is done or detached. */
int gcw_cleanup_set_atexit(gcw_cleanup *c, bool at_exit);

/* What gcw_cleanup_set_atexit set.  false with errno EINVAL if c is NULL.
 * Threads as gcw_ref_get. */
bool gcw_cleanup_atexit(const gcw_cleanup *c);

/* Gives it a name for reports, in the place of any other; NULL takes it away.
 *
 * `name` is copied.  gcw_dump, gcw_explain and the lines of GCWEAK_DEBUG show
 * it beside the function; the drain's error hook gets it as `name`.
 * Any known thread; also from finalizers and callbacks, the cleanup itself
 * among them.
 * Returns 0, or -1 with errno EINVAL (c is NULL), EPERM, ENOMEM.
 * Cost: gcw_ref_new and two allocations, which go with the handle; nothing for
 * those without a name. */
int gcw_cleanup_set_name(gcw_cleanup *c, const char *name);

/* Its name, in collected memory; NULL if it has none, or with errno EINVAL (c
 * is NULL) or EPERM.  Any known thread.  Cost: a look-up. */
const char *gcw_cleanup_name(const gcw_cleanup *c);

#ifdef __cplusplus
}
#endif

#endif
