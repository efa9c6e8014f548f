/* hub.h: events by type and source.
 *
 * A hub stands between those who have something to tell and those who want to
 * hear of it, so that they need not know each other.  What happens has a type,
 * a string, and a source, an object.  A listener says which of both it wants;
 * NULL stands for any.
 *
 *     gcw_hub_connect(hub, "saved", document, m, 0)    this document is saved
 *     gcw_hub_connect(hub, "saved", NULL, m, 0)        any document is saved
 *     gcw_hub_connect(hub, NULL, document, m, 0)       anything about this one
 *     gcw_hub_connect(hub, NULL, NULL, m, 0)           everything
 *
 * An emission calls the listeners of all four patterns that fit, in the order
 * in which they were connected.  It calls equal methods once, however many of
 * their connections fit: in the place of the first that is not blocked.  The
 * others are passed over, and stay connected also if they have GCW_ONCE.  All
 * else is as with events (event.h): listeners are
 * held weakly, emissions take no lock, what fails does not stop the others.
 *
 * Sources are held weakly as well, and are told apart by identity.  When a
 * source has died, or been disposed of, what was connected to it goes.  A type
 * is known to the hub as long as something is connected to it.  So a hub that
 * lives for ever stays as small as what lives.
 *
 * Posting
 *   gcw_hub_post leaves an emission for the thread that calls
 *   gcw_hub_dispatch, which a GUI or a network loop does when the hub's
 *   descriptor is readable.  So listeners run on the thread of the loop,
 *   whatever thread the news comes from, also one of a pool that the
 *   collector does not know.
 *
 * What holds a hub
 *   Its user.  It lives until it is really gone, so a finalizer may use one
 *   that nothing else leads to.  As long as something is posted to a hub with
 *   a descriptor, the library holds it too.  gcw_dispose empties one for good
 *   and closes its descriptor; then connecting, posting and gcw_hub_fd fail
 *   with ESTALE.
 */
#ifndef GCWEAK_HUB_H
#define GCWEAK_HUB_H

#include <gcweak/base.h>
#include <gcweak/call.h>
#include <gcweak/event.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_hub gcw_hub;

/* What a listener's method gets as its argument, for the time of the call. */
typedef struct gcw_emission {
    gcw_hub *hub;
    gcw_listener *listener;      /* this one */
    const char *type;            /* NULL if it was emitted without */
    void *source;                /* NULL if it was emitted without */
    void *arg;                   /* as given to gcw_hub_emit */
} gcw_emission;

/* A new hub without listeners.
 * Any known thread; also from finalizers and callbacks.
 * Returns the hub, or NULL with errno EPERM, ENOMEM, ENOTSUP.
 * After Exaile's event manager. */
gcw_hub *gcw_hub_new(void);

/* Connects a method: fn(self, emission, data), with a gcw_emission.
 *
 * type    copied; NULL: any
 * source  any pointer into a heap object (see ref.h); NULL: any
 * flags   as for gcw_event_connect.  GCW_UNIQUE is always on: an equal method
 *         with the same type and source is not connected again, its listener
 *         is returned.
 *
 * Strong data of the method must not lead to the source, as it must not lead
 * to the method's object: neither could ever die.
 * The listener is disconnected and blocked as one of an event.  It goes when
 * its object or the source dies.
 *
 * Any known thread; also from finalizers and callbacks, and during an
 * emission.
 * Returns the listener, or NULL with errno: EINVAL (h or m is NULL, unknown
 * flags, source is no heap object, the method's strong data is the source),
 * ESTALE (the method is dead, an object was disposed of meanwhile, or the hub
 * was disposed of), EPERM, ENOMEM, ENOTSUP.
 * Cost: constant, amortised, whatever else is connected. */
gcw_listener *gcw_hub_connect(gcw_hub *h, const char *type, void *source,
                              gcw_method *m, unsigned flags);

/* Connects a function: fn(emission, data).  `data` is held strongly.
 * EINVAL also if fn is NULL, or `data` is the source or cannot be held
 * (base.h); ESTALE only if the source was disposed of meanwhile, or the hub
 * was disposed of.  Otherwise as gcw_hub_connect. */
gcw_listener *gcw_hub_connect_fn(gcw_hub *h, const char *type, void *source,
                                 void (*fn)(const gcw_emission *emission,
                                            void *data),
                                 void *data, unsigned flags);

/* Disconnects the method equal to m, dead or alive, or the function, from
 * this type and source; NULL stands for what was connected to any, not for
 * all.
 * Threads as gcw_listener_disconnect.
 * Returns true if it was connected; false if not, or with errno EINVAL (h, m
 * or fn is NULL) or EPERM.  Cost: constant, amortised. */
bool gcw_hub_disconnect(gcw_hub *h, const char *type, const void *source,
                        const gcw_method *m);
bool gcw_hub_disconnect_fn(gcw_hub *h, const char *type, const void *source,
                           void (*fn)(const gcw_emission *emission,
                                      void *data),
                           void *data);

/* Disconnects all listeners with a method whose object is `self`, whatever type
 * and source they are connected to.
 * Threads and cost as gcw_event_disconnect_object.
 * Returns how many; 0 with errno EINVAL (h or self is NULL, or self is no heap
 * object) or EPERM. */
size_t gcw_hub_disconnect_object(gcw_hub *h, const void *self);

/* Mutes a hub, as gcw_event_block mutes an event.  What is posted to it waits as
 * ever, but a dispatch meanwhile makes the emissions, and nobody hears of them:
 * it counts whether the hub is muted then, not when they were posted.
 * Threads and errors as gcw_event_block, for h.
 * Cost: in proportion to the listeners and patterns. */
void gcw_hub_block(gcw_hub *h);
void gcw_hub_unblock(gcw_hub *h);

/* Emits: calls on this thread all listeners that fit.
 *
 * type    NULL: only those connected to any type hear of it
 * source  any pointer; NULL: only those connected to any source hear of it.
 *         The caller keeps it alive.
 *
 * Any known thread; also from finalizers, callbacks and listeners.
 * Returns how many were called; 0 with errno EINVAL (h is NULL), EPERM, or
 * ENOMEM (nobody was called; only possible if several patterns fit, with more
 * than 32 listeners in all).
 * Cost: four lookups, and as little a listener as with an event if one pattern
 * fits; otherwise each listener is also looked up in the set of those that
 * were called. */
size_t gcw_hub_emit(gcw_hub *h, const char *type, void *source, void *arg);

/* An emission through a hub, or all that were posted, for the caller to step
 * through (call.h).  All but `call`, `emission` and `made` is the library's
 * affair. */
typedef struct gcw_hub_step {
    gcw_call call;               /* what is to be called now; its argument is
                                  * the emission: */
    gcw_emission emission;
    struct gcw_hub_step_list {
        const void *array;
        const void *next, *end;
    } lists[4];
    size_t n_lists, n_listeners;
    void *called;
    void *post;
    uint64_t last;
    size_t max;
    size_t made;                 /* how many posted emissions have been taken so
                                  * far; good at the end, too */
    void *reserved[2];
} gcw_hub_step;

/* Begins an emission, and gives the first listener in `step->call`: a method
 * (GCW_CALL_METHOD) or a function (GCW_CALL_HUB_LISTENER), with
 * &step->emission as its argument; it is good until the next step.  Otherwise
 * as gcw_event_first.
 * Returns true; false if nobody is to be called, or with errno EINVAL (h or
 * step is NULL), EPERM, or ENOMEM (nobody was called; only possible if several
 * patterns fit). */
bool gcw_hub_first(gcw_hub *h, const char *type, void *source, void *arg,
                   gcw_hub_step *step);
bool gcw_hub_next(gcw_hub_step *step);

/* Sets the hook that hears of failing listeners; as gcw_event_on_error. */
int gcw_hub_on_error(gcw_hub *h, gcw_error_fn *hook, void *data);

/* Leaves an emission for gcw_hub_dispatch.  The type is copied; `source` and
 * `arg` are held strongly until then.  Who is connected at the dispatch hears
 * of it.  A hub without a descriptor that is dropped takes along what is left
 * in it.
 * A forked child has its own copy of all that waits.
 *
 * Any thread at any time (see base.h); also from finalizers and callbacks.  A
 * thread that the collector does not know does not hold the hub, nor what it
 * is about to post: something else must, until this is called.  It is made
 * known for the time of the call, which costs about a microsecond; for others
 * it takes the collector's lock for a moment.
 * Returns 0, or -1 with errno EINVAL (h is NULL, `source` or `arg` cannot be
 * held: base.h), ESTALE (the hub was disposed of), ENOMEM; EPERM if the thread
 * cannot be made known. */
int gcw_hub_post(gcw_hub *h, const char *type, void *source, void *arg);

/* Makes up to `max` of the emissions that were posted, oldest first, on this
 * thread; for 0, all that were there when it began.  What is posted meanwhile
 * waits for the next call, so a listener that posts keeps nobody here.
 * May be called by several threads, and inside a listener: each emission is
 * made once.
 * Returns how many emissions it made; 0 with errno EINVAL (h is NULL) or
 * EPERM; fewer than there were, with errno ENOMEM, if memory ran out as it may
 * for gcw_hub_emit: that emission still waits. */
size_t gcw_hub_dispatch(gcw_hub *h, size_t max);

/* Begins to make up to `max` of the emissions that were posted, all for 0,
 * oldest first, and gives the first listener of the first that has any, as
 * gcw_hub_first.  One emission after the other is taken from the hub as its
 * turn comes; what is posted meanwhile waits for the next
 * gcw_hub_dispatch_first.  Who gives up leaves
 * the rest in the hub, but for the emission that is under way.
 *
 *     gcw_hub_step step;
 *     for (bool on = gcw_hub_dispatch_first(h, 0, &step); on;
 *          on = gcw_hub_dispatch_next(&step))
 *         call_in_my_language(&step.call);
 *
 * Threads as gcw_hub_dispatch.
 * Returns true; false at the end, or with errno EINVAL (h or step is NULL),
 * EPERM, or ENOMEM (that emission still waits). */
bool gcw_hub_dispatch_first(gcw_hub *h, size_t max, gcw_hub_step *step);
bool gcw_hub_dispatch_next(gcw_hub_step *step);

/* A descriptor that is readable exactly while there is something to dispatch,
 * also inside a listener: for poll, epoll, or a GUI's loop.  gcw_hub_dispatch
 * makes it unreadable again; do not read it or close it.  Wake-ups coalesce.
 * If gcw_hub_dispatch leaves some, it becomes readable anew, which wakes those
 * who wait for changes only (EPOLLET); who steps through a dispatch goes on to
 * its end, or comes back by himself.
 *
 * One a hub, the same on every call, opened at the first; close-on-exec.  It
 * is closed when the hub is collected or disposed of.  Who polls it must hold
 * the hub where the collector looks: a GSource's user data, or libuv's
 * handle->data, lies in malloc memory and does not.  Only while something is
 * posted does the library hold it.
 * A forked child keeps the number, with a wake-up of its own behind it.
 * Any known thread.
 * Returns the descriptor, or -1 with errno: EINVAL (h is NULL), ESTALE (the
 * hub was disposed of), EMFILE, ENFILE, ENOMEM, EPERM. */
int gcw_hub_fd(gcw_hub *h);

/* Whether an emission with that type and source would call anybody now; as
 * gcw_event_has_listeners.
 * type, source  as for gcw_hub_emit
 *
 * Any known thread; also from finalizers and callbacks.
 * false with errno EINVAL (h is NULL) or EPERM.
 * Cost: four lookups, and as gcw_event_has_listeners. */
bool gcw_hub_has_listeners(const gcw_hub *h, const char *type,
                           const void *source);

/* Lists the listeners that hear of emissions with that type and source, blocked
 * ones included, in the order in which they are called; but of equal methods
 * all are listed, of which one is called.
 *
 * type    NULL: whatever the type
 * source  NULL: whatever the source.  So with NULL for both: all listeners.
 *
 * Each entry says what its listener is connected to.  Otherwise as
 * gcw_event_list.
 * Any known thread; also from finalizers, callbacks and listeners.
 * Returns how many listeners there are, which may be more than n; 0 with errno
 * EINVAL (h is NULL, or entries is and n is not 0), EPERM or ENOMEM if it
 * fails.
 * Cost: in proportion to the patterns, and to n log n for n listeners. */
size_t gcw_hub_list(gcw_hub *h, const char *type, const void *source,
                    gcw_listener_entry *entries, size_t n);

/* How much there is in a hub. */
typedef struct gcw_hub_size {
    size_t listeners;            /* connected, and not known to be dead */
    size_t patterns;             /* pairs of type and source with listeners */
    size_t types;                /* types with listeners */
    size_t posted;               /* emissions that wait for the dispatch */
    size_t bytes;                /* of the hub's own memory for all that */
} gcw_hub_size;

/* Measures a hub, for who wants to see that it stays small.
 * Any known thread.
 * Returns 0, or -1 with errno EINVAL (h or out is NULL) or EPERM.
 * Cost: in proportion to the patterns. */
int gcw_hub_measure(const gcw_hub *h, gcw_hub_size *out);

#ifdef __cplusplus
}
#endif

#endif
