/* ref.h: weak references.
 *
 * A gcw_ref holds a target weakly: it does not keep it alive, and reads NULL
 * once it has died.  There is one gcw_ref for each live target, shared by all
 * that refer to it; what it costs a collection does not depend on how many
 * handles there are.
 *
 * What may be a target: any pointer into an object of the collected heap, an
 * interior one too; the reference gives back exactly that pointer.  Anything
 * else (NULL, statics, the stack, malloc memory) is EINVAL.  An object from
 * GC_MALLOC_IGNORE_OFF_PAGE must be held by a pointer into its first page, as
 * always with those.  Uncollectable objects can be targets; they do not die
 * by themselves.
 *
 * When a target is dead: when a collection has found that it can no longer be
 * reached.  The collector is conservative: a stale word on a stack or in a
 * register may keep an object for a while, and no promise says how soon an
 * object dies.
 *
 * A short reference (the default) reads NULL before any finalizer of the
 * target runs, so it never shows a finalized object.  A long reference reads
 * NULL only when the object is really gone, so it sees an object through its
 * finalization, and again if that brought it back to life.
 *
 * Never free a weakly held object behind the library's back: GC_FREE, or a
 * GC_REALLOC that moves it, leaves a reference to memory that is soon somebody
 * else's.  Call gcw_dispose first.
 *
 * How a target is held weakly.  When the collector has marked, and the world is
 * still stopped, the library clears the short references whose targets were not
 * marked: by marks.  Long references are held by disappearing links of the
 * collector, which costs more; so are short ones if the collector's marks cannot
 * be used: there are toggle references (GC_set_toggleref_func) when the library
 * starts, or the collector is of an unknown version, or has no kind of objects
 * left; or if the environment variable GCWEAK_REFS is `links`.  What is promised
 * is the same.  gcw_stats says how many are held by marks.
 *
 * For that the library must hear of each collection.  Whoever takes the collector's
 * event function (GC_set_on_collection_event) has to call the one before.  If he
 * does not, targets are held strongly by marks until the library finds that, which
 * is at the next call or finalizer after a collection; then it puts its own function
 * before that one, and calls that first.  If a function passes on that marking
 * begins, and then neither that it ends nor that the world goes on, it cannot be
 * known which targets have died: all that are held by marks are taken for dead.
 *
 * How the read works without a lock stands on top of src/weak/read.h.
 */
#ifndef GCWEAK_REF_H
#define GCWEAK_REF_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_ref gcw_ref;

/* The short weak reference to `target`.
 *
 * The same live target gives the same gcw_ref; so two references are to the
 * same object exactly when they are equal pointers.  Two different interior
 * pointers into one object are different targets, which die together.  The
 * library itself holds the reference until the target dies, so that it can be
 * found again.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the handle, or NULL with errno: EINVAL (not a heap object), EPERM,
 * ENOMEM, ENOTSUP.
 * Cost: the first for a target takes about 50 bytes, and by links 50 more and
 * the registration of a link; a further one is a look-up.  After Python's
 * weakref.ref, whose second call for an object returns the first reference. */
gcw_ref *gcw_ref_new(const void *target);

/* The long weak reference to `target`: survives finalization and tracks
 * resurrection, as .NET's long weak references.  Everything else as
 * gcw_ref_new.  The short and the long reference of a target are two. */
gcw_ref *gcw_ref_new_long(const void *target);

/* The short reference to `target`, if there is one; makes none.
 *
 * So something that is kept by reference can be looked up for an object that
 * most likely has none.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the handle; NULL with errno untouched if nobody has asked for the
 * reference yet; or NULL with errno: EINVAL (not a heap object), EPERM, and
 * ENOMEM or ENOTSUP if the library was not started yet.
 * Cost: a look-up under a lock; no memory.  After Python's
 * weakref.getweakrefs. */
gcw_ref *gcw_ref_find(const void *target);

/* The target, or NULL once it has died.
 *
 * The result is a strong pointer, good for as long as the caller keeps it
 * where the collector looks.  Lock-free, but that the first reads after a
 * collection, if there are any links, wait until it has cleared those.
 *
 * Any known thread (not looked up here, for speed: the thread must be known);
 * from finalizers and callbacks; never from a signal handler or a hook of the
 * collector.
 * Returns NULL with errno EINVAL if `ref` is NULL; NULL with errno untouched
 * if the target is dead.
 * Cost: three loads and a comparison, of which one is in the reference. */
void *gcw_ref_get(const gcw_ref *ref);

/* A number that identifies the reference: never reused while the process
 * lives, and unchanged by death, so fit for hashing and ordering.  The short
 * and the long reference of a target differ.  0, with errno EINVAL, if `ref`
 * is NULL; no reference has the id 0.
 * Any thread.  Cost: one load.  After Go's weak.Pointer, whose equality is
 * stable after death. */
uint64_t gcw_ref_id(const gcw_ref *ref);

/* Ends the target's life for everything weak, now.
 *
 * `target` may be any pointer into the object.  All references into the
 * object, short and long, read NULL from here on; methods on it are dead; its
 * cleanups and death callbacks are pending for the drain; its exit handlers
 * are gone, and so are the entries of weak maps, and the ephemerons, that live
 * by it.  Afterwards the object may be freed with GC_FREE.  If it is not
 * freed, it may become a target anew, with a new reference.
 * An event, a hub, a registry, a map or a guardian is emptied for good: what
 * would add to it fails with ESTALE.
 *
 * Other threads that have just read a reference may still use the object: who
 * frees it must know that none does.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns 0, also if nothing refers to the object; or -1 with errno EINVAL
 * (not a heap object), EPERM, ENOMEM, ENOTSUP (the last two only if the
 * library was not started yet).
 * Cost: a look-up for each weak map and set, and for each 512 guarded objects; a
 * walk through each map whose entries live by their values, and through each set
 * of methods; and once after each collection one over all ephemerons and guarded
 * objects. */
int gcw_dispose(void *target);

#ifdef __cplusplus
}
#endif

#endif
