/* guardian.h: guardians, which hand objects back after their death.
 *
 * A guardian is given objects, and holds none of them.  When a collection finds
 * that nothing else leads to one of them, the object does not go: it is queued,
 * whole, with all that it leads to, and the program takes it out when it likes,
 * on the thread that it likes.  So what is to be done at the end of an object's
 * life is ordinary code, which may take locks, allocate, and keep the object
 * after all.  When the program lets go of it, it dies as any other object; to be
 * handed it once more, give it to a guardian again.
 *
 * What is handed back may be something else that stands for the object, its
 * representative.  The guardian holds it until then, also where it leads to the
 * object; only if it does, the object comes back with it.
 *
 * Order.  All guarded objects that are found dead in one collection are queued
 * together, whatever leads to what among them; they are handed out in no
 * particular order.  An object may be in any number of guardians, and in one
 * several times: each hands it back.
 *
 * Compared with finalizers.  An object has one finalizer, and a guardian does
 * not take its place: it hands the object back first, and the finalizer runs when
 * the object dies after that.  Until then weak references lead to the object,
 * the entries of weak maps are there, and cleanups wait.
 *
 * gcw_dispose of an object takes it out of all guardians: what stands for it is
 * handed back at once, but never the object itself.  When nothing leads to a
 * guardian any more, it goes, and what it was given dies as if it had not been
 * guarded.
 *
 * Threads.  Any number may use a guardian at once.  After a fork the child has a
 * copy, with what is queued.
 *
 * What map.h says of programs that take the collector's event function or have
 * toggle references holds here too: meanwhile a guardian holds its objects, and
 * hands none back.
 *
 * After Scheme's guardians (Dybvig, Bruggeman and Eby); with it, Lua's __gc and
 * Python's __del__ can be done on the threads and at the times that these
 * languages want.
 */
#ifndef GCWEAK_GUARDIAN_H
#define GCWEAK_GUARDIAN_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_guardian gcw_guardian;

/* A new guardian, empty.
 *
 * Any known thread; also from finalizers and callbacks, as all that follows.
 * Returns NULL with errno: EPERM, ENOMEM, ENOTSUP.
 * Cost: three small allocations, and one long weak reference. */
gcw_guardian *gcw_guardian_new(void);

/* Gives it an object: after the object's death the guardian hands out
 * `representative`, or the object itself if that is NULL.
 *
 *   object          any pointer into a heap object
 *   representative  NULL, or anything that can be held (base.h)
 *
 * Returns 0, or -1 with errno: EINVAL (`g` is NULL, `object` is no heap object,
 * `representative` would not be held), ESTALE (somebody has disposed of the
 * guardian), EPERM, ENOMEM; ENOTSUP if the collector is none that weak maps are
 * known to work with.
 * Cost: a lock, and 16 bytes. */
int gcw_guardian_add(gcw_guardian *g, const void *object, void *representative);

/* Takes out the next that is queued, as a strong pointer.
 *
 * It does not collect.  Returns NULL with errno untouched if there is none now;
 * NULL with errno: EINVAL (`g` is NULL), ESTALE, EPERM.
 * Cost: a lock. */
void *gcw_guardian_next(gcw_guardian *g);

/* A descriptor that is readable while there is something to take out: for poll,
 * epoll, or a GUI's loop.  Take out all with gcw_guardian_next, which makes it
 * unreadable again; do not read it or close it.  Wake-ups coalesce: it may be
 * readable once for many.  It may also be readable when there turns out to be
 * nothing.
 *
 * One a guardian, the same on every call, opened at the first; close-on-exec.
 * It is closed when the guardian is collected or disposed of.  Hold the
 * guardian where the collector looks: only while something is queued does the
 * library hold it.  A forked child keeps the number, with a wake-up of its own
 * behind it.
 * Returns the descriptor, or -1 with errno: EINVAL (`g` is NULL), ESTALE,
 * EMFILE, ENFILE, ENOMEM, EPERM. */
int gcw_guardian_fd(gcw_guardian *g);

#ifdef __cplusplus
}
#endif

#endif
