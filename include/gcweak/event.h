/* event.h: events whose listeners come and go, and die.
 *
 * An event has listeners: weak methods, or plain functions.  Emitting it
 * calls them in the order in which they were connected.  It keeps no
 * listener's object alive: one that has died is not called, and is out of the
 * event, with all that it took, after the collection that found it dead,
 * without anybody's doing.  An event that lives for ever stays as small as
 * what lives.
 *
 * An emission
 *   - calls those that were connected when it began; what is connected
 *     meanwhile waits for the next one;
 *   - passes over what was disconnected, blocked, disposed of or has died
 *     before its turn; an object stays alive while its method runs;
 *   - takes no lock: any number of threads may emit one event at once, and
 *     none waits for a thread that connects.  Only if the listeners have been
 *     moved to other memory meanwhile, because some came or went, it takes
 *     one for an instant at each that is left;
 *   - goes on when a listener calls gcw_fail: the event's error hook hears of
 *     it.  What a method returns does not matter.
 *   A listener may do anything in it: connect, disconnect, emit (this event
 *   too, to any depth), drop its own last reference, collect, exit.
 *
 * What keeps what alive
 *   The event holds the data of its methods and functions, as the methods
 *   themselves do; it does not hold the objects, nor the gcw_method handles.
 *   Nothing holds the event but its user: one that is dropped goes, though
 *   its listeners' objects live on.  It lives until it is really gone, so a
 *   finalizer may emit one that nothing else leads to.  gcw_dispose empties
 *   one for good; then connecting fails with ESTALE.  A listener handle holds
 *   neither the event nor the object.
 *
 * Closures
 *   A listener's data must not lead to its object: the event holds the data,
 *   so the object could never die.  That is the commonest leak with events,
 *   and easily made: a closure that belongs to an object and knows it.
 *       connect(e, gcw_method_new(self, fn, closure))     closure->owner ==
 *                                                         self: never dies
 *   Hold both halves weakly, and root the closure in the object itself, in a
 *   field of it, so that it lives exactly as long:
 *       self->closure = closure;
 *       connect(e, gcw_method_new_weak(self, fn, closure))
 *
 * Fork
 *   A child has its own copy of every event, with all its listeners.
 *
 * dlclose
 *   The listeners whose function lies in an unloaded shared object go with
 *   it; see base.h.  One without a gcweak header must disconnect its own.
 */
#ifndef GCWEAK_EVENT_H
#define GCWEAK_EVENT_H

#include <gcweak/base.h>
#include <gcweak/call.h>
#include <gcweak/method.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_event gcw_event;

/* A connection: what gcw_event_connect made.  The handle may be dropped; it
 * is needed only to disconnect or to block. */
typedef struct gcw_listener gcw_listener;

/* How to connect: any of these, added up. */
typedef enum gcw_connect_flags {
    GCW_ONCE = 1,        /* disconnected before its first call */
    GCW_UNIQUE = 2,      /* not again, if an equal one is connected */
    GCW_FRONT = 4        /* before all that are connected by now */
} gcw_connect_flags;

/* A new event without listeners.  `name` is for reports; copied; may be NULL.
 *
 * Any known thread; also from finalizers and callbacks.
 * Returns the event, or NULL with errno EPERM, ENOMEM, ENOTSUP.
 * After Exaile's event manager, and the weak events of WPF. */
gcw_event *gcw_event_new(const char *name);

/* Connects a method: fn(self, arg, data), with the emission's argument.
 *
 * Of the method its three parts are kept, so m itself may be dropped.  Equal
 * methods (gcw_method_equal) may be connected several times and are then
 * called several times.  With GCW_UNIQUE, if an equal one is connected, its
 * listener is returned; it stays where it is, and if it had GCW_ONCE while
 * this call does not give it, it loses it.
 *
 * Any known thread; also from finalizers and callbacks, and during an
 * emission.
 * Returns the listener, or NULL with errno: EINVAL (e or m is NULL, unknown
 * flags), ESTALE (the method is dead, an object was disposed of meanwhile, or
 * the event was disposed of), EPERM, ENOMEM.
 * Cost: constant, amortised.  The first call with GCW_UNIQUE, and the first
 * gcw_event_disconnect, look at all listeners once. */
gcw_listener *gcw_event_connect(gcw_event *e, gcw_method *m, unsigned flags);

/* Connects a function: fn(arg, data).  `data` is held strongly.  Two are equal
 * if function and data are the same.  Otherwise as gcw_event_connect; EINVAL
 * also if fn is NULL or `data` cannot be held (base.h); ESTALE only if the
 * event was disposed of. */
gcw_listener *gcw_event_connect_fn(gcw_event *e,
                                   void (*fn)(void *arg, void *data),
                                   void *data, unsigned flags);

/* Disconnects a listener; of an event or of a hub.
 *
 * Once this has returned, no emission begins to call it any more; one that is
 * calling it goes on, and is not waited for.
 * Any known thread; also from finalizers, callbacks and the listener itself.
 * Returns true if this call disconnected it.  False if it was disconnected
 * before, was called with GCW_ONCE, is dead, or its event is; false with
 * errno EINVAL (l is NULL) or EPERM.
 * Cost: constant, amortised. */
bool gcw_listener_disconnect(gcw_listener *l);

/* Disconnects all listeners with a method equal to m, dead or alive, or with
 * this function and data.
 * Threads as gcw_listener_disconnect.
 * Returns how many; 0 with errno EINVAL (e, m or fn is NULL), EPERM, or
 * ENOMEM (nothing was disconnected).
 * Cost: in proportion to what it disconnects, amortised. */
size_t gcw_event_disconnect(gcw_event *e, const gcw_method *m);
size_t gcw_event_disconnect_fn(gcw_event *e,
                               void (*fn)(void *arg, void *data), void *data);

/* Whether it is connected: neither disconnected nor dead.  May be out of date
 * as soon as it is known.
 * Any known thread.  false with errno EINVAL (l is NULL) or EPERM. */
bool gcw_listener_connected(const gcw_listener *l);

/* Blocks a listener: it stays connected, but emissions pass it over until it
 * was unblocked as often as it was blocked.  A call that has begun goes on.
 * Any known thread; also from finalizers, callbacks and the listener itself.
 * Without effect on one that is not connected; and, with errno, if l is NULL
 * or is not blocked (EINVAL), if it was blocked 65,535 times (EOVERFLOW), or
 * EPERM.  Cost: constant.  After GLib's g_signal_handler_block. */
void gcw_listener_block(gcw_listener *l);
void gcw_listener_unblock(gcw_listener *l);

/* Emits the event: calls its listeners on this thread, in order.
 *
 * Any known thread; also from finalizers, callbacks and its own listeners.
 * Returns how many were called, those that failed included; 0 with errno
 * EINVAL (e is NULL) or EPERM.
 * Cost: a few nanoseconds, and about as much a listener as a call through a
 * function pointer. */
size_t gcw_event_emit(gcw_event *e, void *arg);

/* An emission that its caller steps through (call.h).  All but `call` is the
 * library's affair. */
typedef struct gcw_event_step {
    gcw_call call;               /* what is to be called now */
    gcw_event *event;
    const void *array;
    const void *next, *end;
    void *arg;
    void *reserved[2];
} gcw_event_step;

/* Begins an emission, and gives the first listener in `step->call`: a method
 * (GCW_CALL_METHOD) or a function (GCW_CALL_LISTENER), with `arg` as its
 * argument.  Who is connected now gets it.
 *
 * A listener with GCW_ONCE is disconnected when a step gives it, whether it is
 * called then or not.  Steps do not take turns and know no thread.
 * Threads as gcw_event_emit.  `step` must lie where the collector looks; it
 * need not be prepared, nor is there anything to free.
 * Returns true; false if no listener is to be called, or with errno EINVAL (e
 * or step is NULL) or EPERM.
 * Cost: about as gcw_event_emit. */
bool gcw_event_first(gcw_event *e, void *arg, gcw_event_step *step);

/* Gives the next listener; true as gcw_event_first.  At the end, the step
 * holds nothing any more, and this goes on returning false. */
bool gcw_event_next(gcw_event_step *step);

/* How many listeners are connected, blocked ones included; those not that
 * are known to be dead.
 * Any known thread.  0 with errno EINVAL (e is NULL) or EPERM. */
size_t gcw_event_count(const gcw_event *e);

/* Sets the hook that hears of failing listeners, with the listener as the
 * handle; NULL takes it out.  `data` is held strongly.  Without one, a line
 * goes to stderr.
 * Any known thread; also from finalizers and callbacks.
 * Returns 0, or -1 with errno EINVAL (e is NULL, `data` cannot be held:
 * base.h) or EPERM. */
int gcw_event_on_error(gcw_event *e, gcw_error_fn *hook, void *data);

#ifdef __cplusplus
}
#endif

#endif
