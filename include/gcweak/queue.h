/* queue.h: queues of their own for death callbacks.
 *
 * All cleanups and death callbacks of methods become pending in one queue unless
 * they are told otherwise: the default one, which gcw_drain, gcw_collect and the
 * worker drain (drain.h).  Who wants to say on which thread, in which order among
 * others, or when its own callbacks run gives them a queue of their own: a
 * plugin, a thread that owns a connection, a library that cannot know what the
 * program drains.  After Java's Cleaners and JavaScript's
 * FinalizationRegistries, of which a program has as many as it likes.
 *
 *     gcw_queue *q = gcw_queue_new("connections");
 *     gcw_cleanup_new_in(q, object, close_it, data);
 *     ...
 *     while (gcw_queue_wait(q, -1) >= 0)
 *         gcw_queue_drain(q, 0);
 *
 * What drain.h promises of the default queue holds for each, as does what
 * cleanup.h and method.h say of cleanups: they are run, detached, looked at, and
 * told whether to run at exit in the same way, whatever their queue.
 *
 * Life.  A queue is an object like others: drop it, and it goes when nothing
 * leads to it.  Each of its cleanups holds it while it is armed or pending, and
 * the library does while anything is pending in it; so the data of its hook must
 * not lead to a target.  Nothing in it is lost when the program drops it: what
 * is armed becomes pending there as before, and what is pending waits for the
 * exit, since nobody can drain it by hand any more.  Who wants that to be
 * drained earlier disposes of the queue in time.
 *
 * gcw_dispose of a queue ends it: what is pending in it moves to the default
 * queue, behind what is pending there, and what is armed becomes pending there;
 * its hook goes, so failures are told to that of the default queue; its
 * descriptor is closed, and who waits for it returns.  The queue itself
 * takes nothing more.  The default queue cannot be disposed of.
 *
 * Order: several on one target newest first, of each queue; among queues, and
 * among targets, none is promised.
 *
 * At exit what is pending in any queue runs, as drain.h says, on the thread that
 * exits; then the exit handlers; then what is still armed, newest first, whatever
 * its queue.  When dlclose unloads the code of a callback, it runs or goes as
 * cleanup.h says.
 *
 * Fork: the child has all queues, with what is pending in them; it runs that if
 * it drains them, but not at its exit.
 *
 * Any number of threads may use a queue at once.  Queues that have nothing
 * pending cost a collection, a drain and an exit nothing, however many there are;
 * but one of which the descriptor was asked for is woken by the first collection
 * after somebody has looked, as the default one is by each.
 */
#ifndef GCWEAK_QUEUE_H
#define GCWEAK_QUEUE_H

#include <gcweak/base.h>
#include <gcweak/call.h>
#include <gcweak/cleanup.h>
#include <gcweak/method.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_queue gcw_queue;

/* A new queue, empty.  `name` is for reports; copied; may be NULL.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the queue, or NULL with errno EPERM, ENOMEM, ENOTSUP.
 * Cost: three small allocations, and one long weak reference. */
gcw_queue *gcw_queue_new(const char *name);

/* The default queue: the one of gcw_drain and of gcw_cleanup_new.  All that is
 * said here may be done with it, and is the same as what drain.h does.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the queue, or NULL with errno EPERM, ENOMEM, ENOTSUP. */
gcw_queue *gcw_queue_default(void);

/* As gcw_cleanup_new, but the cleanup becomes pending in the queue `q`.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the handle, or NULL with errno: EINVAL (`q` is NULL, or as
 * gcw_cleanup_new), ESTALE (somebody has disposed of the queue), ESHUTDOWN (all
 * that runs at exit has run, the process is about to end), EPERM, ENOMEM,
 * ENOTSUP.
 * Cost: that of gcw_cleanup_new, and 16 bytes. */
gcw_cleanup *gcw_cleanup_new_in(gcw_queue *q, void *target,
                                void (*fn)(void *data), void *data);

/* As gcw_method_on_death, but the death callback becomes pending in the queue
 * `q`.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the handle, or NULL with errno: EINVAL (`q` is NULL, or as
 * gcw_method_on_death), ESTALE (the object or the weak data is dead, or somebody
 * has disposed of the queue), ESHUTDOWN (the process is about to end), EPERM,
 * ENOMEM, ENOTSUP.
 * Cost: that of gcw_method_on_death, and 16 bytes. */
gcw_cleanup *gcw_method_on_death_in(gcw_queue *q, gcw_method *m,
                                    void (*notify)(gcw_method *m, void *data),
                                    void *data);

/* Runs up to `max` callbacks that are pending in the queue, on this thread; all
 * for 0, including those that become pending there meanwhile.
 *
 * It does not collect; it looks at what the collections so far have done.
 * Any known thread; also inside a callback, and several threads at once: each
 * callback runs once.
 * Returns how many ran; 0 with errno: EINVAL (`q` is NULL), ESTALE (somebody has
 * disposed of the queue), EPERM, ENOMEM, ENOTSUP.
 * Cost: a lock, once for up to 32 callbacks. */
size_t gcw_queue_drain(gcw_queue *q, size_t max);

/* Takes the next callback that is pending in the queue, for the caller to make:
 * as gcw_drain_next.  gcw_call_failed tells the hook of the queue.
 *
 * Any known thread; also inside a callback.
 * Returns true, or false if none is pending; false with errno: EINVAL (`q` or
 * `call` is NULL), ESTALE (somebody has disposed of the queue), EPERM, ENOMEM,
 * ENOTSUP.  With false, *call has no function and holds nothing.
 * Cost: a lock, once a callback. */
bool gcw_queue_next(gcw_queue *q, gcw_call *call);

/* Waits until a callback is pending in the queue, as gcw_drain_wait does: so a
 * thread of the caller's can be the queue's worker.
 *
 *   milliseconds   how long at most; 0: not at all; negative: without end
 *
 * It opens the queue's descriptor.  Several threads may wait; each of them
 * returns, and one gets the callback.
 *
 * Any known thread; not within a callback on the worker.  A cancellation
 * point; it may also be left by a jump, out of a signal handler, but then the
 * descriptor stays open when somebody disposes of the queue.
 * Returns 1 if a callback is pending; 0 if the time is over; -1 with errno:
 * EINVAL (`q` is NULL), ESTALE (somebody has disposed of the queue, perhaps
 * meanwhile), ESHUTDOWN (the process exits, or gcw_shutdown was called: no
 * callback comes any more), EMFILE, ENFILE, ENOMEM, EPERM, ENOTSUP. */
int gcw_queue_wait(gcw_queue *q, int milliseconds);

/* A descriptor that is readable while callbacks are pending in the queue: for
 * poll, epoll, or a GUI's loop.  All that gcw_drain_fd says of its descriptor
 * holds for this one; gcw_queue_drain makes it unreadable again.
 *
 * One a queue, the same on every call, opened at the first; close-on-exec.  It
 * is closed when the queue is collected or disposed of.  A forked child keeps
 * the number, with a wake-up of its own behind it.
 * Any known thread.
 * Returns the descriptor, or -1 with errno: EINVAL (`q` is NULL), ESTALE
 * (somebody has disposed of the queue), EMFILE, ENFILE, ENOMEM, EPERM,
 * ENOTSUP. */
int gcw_queue_fd(gcw_queue *q);

/* Sets the hook that hears of the queue's failing callbacks, wherever they run;
 * NULL takes it out: then that of the default queue hears of them, which
 * gcw_drain_on_error sets.  `data` is held strongly.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns 0, or -1 with errno: EINVAL (`q` is NULL, or `data` cannot be held:
 * base.h), ESTALE (somebody has disposed of the queue), EPERM, ENOMEM,
 * ENOTSUP. */
int gcw_queue_on_error(gcw_queue *q, gcw_error_fn *hook, void *data);

#ifdef __cplusplus
}
#endif

#endif
