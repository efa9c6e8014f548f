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

/* Disconnects all listeners with a method whose object is `self`, whatever it
 * calls: of this event; or of every event and hub of the process.  A method is
 * found by the very pointer that it was made of; not by its data, nor by what
 * is its source in a hub.  What other threads connect meanwhile may stay.
 * Threads as gcw_listener_disconnect.
 * Returns how many; 0 with errno EINVAL (e or self is NULL, or self is no heap
 * object) or EPERM.
 * Cost: in proportion to what waits for the object's death, here and
 * elsewhere: its listeners, cleanups and exit handlers.  After Qt's
 * QObject::disconnect. */
size_t gcw_event_disconnect_object(gcw_event *e, const void *self);
size_t gcw_disconnect_object(const void *self);

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

/* Whether it is connected and blocked.  That its event or hub is muted does not
 * count.
 * Any known thread.  false with errno EINVAL (l is NULL) or EPERM. */
bool gcw_listener_blocked(const gcw_listener *l);

/* Mutes an event: nobody hears of it until it was unblocked as often as it was
 * blocked.  Listeners stay connected, also those with GCW_ONCE; others may be
 * connected meanwhile.  An emission calls nobody and returns 0, and one that is
 * under way passes over the listeners that are left, as if each were blocked.
 * A call that has begun goes on.
 * Any known thread; also from finalizers, callbacks and listeners.
 * Without effect, with errno, if e is NULL or is not blocked (EINVAL), if it
 * was blocked 65,535 times (EOVERFLOW), or EPERM.
 * Cost: in proportion to the listeners; an emission meanwhile, constant.
 * After Qt's QObject::blockSignals. */
void gcw_event_block(gcw_event *e);
void gcw_event_unblock(gcw_event *e);

/* Gives a listener a name for reports, in the place of any other; NULL takes
 * it away.  Of an event or of a hub.
 *
 * `name` is copied.  gcw_dump, gcw_explain and the lines of GCWEAK_DEBUG show
 * it beside the function; the error hook gets it as `name`.
 * Any known thread; also from finalizers, callbacks and the listener itself.
 * Returns 0, or -1 with errno EINVAL (l is NULL), EPERM, ENOMEM.
 * Cost: gcw_ref_new and two allocations, which go with the handle; nothing for
 * those without a name. */
int gcw_listener_set_name(gcw_listener *l, const char *name);

/* Its name, in collected memory; NULL if it has none, or with errno EINVAL (l
 * is NULL) or EPERM.  Any known thread.  Cost: a look-up. */
const char *gcw_listener_name(const gcw_listener *l);

/* Emits the event: calls its listeners on this thread, in order.
 *
 * Any known thread; also from finalizers, callbacks and its own listeners.
 * Returns how many were called, those that failed included; 0 with errno
 * EINVAL (e is NULL) or EPERM.
 * Cost: a few nanoseconds, and about as much a listener as a call through a
 * function pointer. */
size_t gcw_event_emit(gcw_event *e, void *arg);

/* The listener that the calling stack is in: the innermost, if listeners emit
 * in turn.  Of events and hubs; in a finalizer or cleanup that runs within a
 * listener, that listener; in an error hook, the listener that has failed.  On
 * a fiber, only if the innermost callback that it is in is a listener; one that
 * is in no callback must not call this, as gcw_fail.
 * Any thread.
 * Returns NULL if the stack is in none, or in one that is called by who steps
 * through the emission: there `call.handle` of the step is the listener.
 * Cost: in proportion to the emissions and other calling functions of the
 * library that the thread is in; nothing for who does not ask. */
gcw_listener *gcw_listener_current(void);

/* Stops the emission that the calling stack is in, the innermost: it calls no
 * further listener, and returns how many it has called, this one included.
 * Of what is dispatched, only the emission under way is stopped, not those that
 * were posted after it.  The listener itself goes on, and may still fail.
 * Any thread; from a listener, what it calls, or an error hook.
 * Returns 0, or -1 with errno ENOENT: the stack is in no emission.  Who steps
 * through one just stops.
 * Cost: as gcw_listener_current.  After GLib's g_signal_stop_emission. */
int gcw_emission_stop(void);

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

/* Whether an emission would call anybody now: a listener that is not blocked,
 * nor known to be dead, of an event that is not muted.  May be out of date as
 * soon as it is known.
 * Any known thread; also from finalizers and callbacks.
 * false with errno EINVAL (e is NULL) or EPERM.
 * Cost: looks at the listeners in order, as far as one that would be called;
 * so, constant as a rule. */
bool gcw_event_has_listeners(const gcw_event *e);

/* An entry of gcw_event_list, or of gcw_hub_list. */
typedef struct gcw_listener_entry {
    gcw_listener *listener;
    const char *name;            /* or NULL */
    void *self;                  /* the method's object; NULL: a function */
    void (*function)(void);      /* what is called, a method's function too */
    bool method;                 /* whether it is a method */
    bool blocked;                /* the listener, not the event or hub */
    uint32_t age;                /* collections since it was connected */
    const char *type;            /* in a hub: what it was connected to; */
    void *source;                /* NULL: any */
} gcw_listener_entry;

/* Lists the listeners of an event, blocked ones included, in the order in which
 * they are called.  Those that are known to be dead are left out.
 *
 * Writes up to n entries; `entries` must lie where the collector looks, and then
 * holds the listeners and their objects.  Those that other threads connect or
 * disconnect meanwhile may be missed.
 * Any known thread; also from finalizers, callbacks and listeners.
 * Returns how many listeners there are, which may be more than n; 0 with errno
 * EINVAL (e is NULL, or entries is and n is not 0) or EPERM if it fails.
 * Cost: in proportion to the listeners. */
size_t gcw_event_list(gcw_event *e, gcw_listener_entry *entries, size_t n);

/* Sets the hook that hears of failing listeners, with the listener as the
 * handle; NULL takes it out.  `data` is held strongly.  Without one, a line
 * goes to stderr, or to the sink (tell.h).
 * Any known thread; also from finalizers and callbacks.
 * Returns 0, or -1 with errno EINVAL (e is NULL, `data` cannot be held:
 * base.h) or EPERM. */
int gcw_event_on_error(gcw_event *e, gcw_error_fn *hook, void *data);

/* GCW_EVENT(saved, Arg): typed events.
 *
 * Defines the type saved_event, an event whose argument is an `Arg *`, and
 * static functions
 *     saved_event *saved_event_new(void)              named "saved"
 *     size_t saved_emit(saved_event *e, Arg *arg)
 *     gcw_event *saved_untyped(saved_event *e)        for all else: it is the
 *                                                     same event
 * which are gcw_event_new and gcw_event_emit.  Arg may be const.  Use it at
 * file scope, without a semicolon.  Then
 *     GCW_CONNECT(e, fn, self, data, flags)
 * is gcw_event_connect of GCW_NEW(fn, self, data), for an fn of GCW_METHOD;
 *     GCW_CONNECT_FN(e, fn, data, flags)
 * is gcw_event_connect_fn, for an fn of GCW_LISTENER; and
 *     GCW_EMIT(e, arg)
 * is saved_emit.  A function for another argument than the event's, another
 * object, other data or another argument is an error, in C (gcc and clang) and
 * in C++.  A function whose argument is const, or `void`, hears of events
 * whose argument is not.  Each argument of a macro is evaluated once.
 * They return, fail and cost as the functions that they stand for; with errno
 * as gcw_method_new leaves it where there is no method. */

/* GCW_LISTENER(fn, Arg, Data): for a function
 *     void fn(Arg *arg, Data *data)
 * what GCW_CONNECT_FN needs.  It also gives the function its name, as
 * GCW_METHOD does.  At file scope, without a semicolon. */
#define GCW_LISTENER(fn, Arg, Data)                                         \
    GCW__SAME_FUNCTION(fn, void (*)(Arg *, Data *),                         \
                       #fn " is not void(" #Arg " *, " #Data " *)")         \
    typedef Arg fn##_gcw_type_;                                             \
    GCW__CHECKED(fn##_gcw_data_, Data)                                      \
    static void fn##_gcw_call_(void *arg, void *data)                       \
    {                                                                       \
        fn(GCW__AS(Arg, arg), GCW__AS(Data, data));                         \
    }                                                                       \
    GCW__NAMED(fn)                                                          \
    GCW__MAY_BE_UNUSED static gcw_listener *fn##_gcw_connect_(              \
        gcw_event *e, fn##_gcw_data_ data, unsigned flags)                  \
    {                                                                       \
        fn##_gcw_name_();                                                   \
        return gcw_event_connect_fn(e, fn##_gcw_call_,                      \
                                    GCW__DATA_OF(GCW__IS(data)), flags);    \
    }

/* A typed event is never looked into: its members say its type. */
#if defined __cplusplus
# define GCW__TO(Type, p) reinterpret_cast<Type>(p)
# define GCW__TYPE_OF_EVENT(name) typedef name##_gcw_type_ gcw__type;
#else
# define GCW__TO(Type, p) ((Type)(void *)(p))
# define GCW__TYPE_OF_EVENT(name)                                           \
    name##_gcw_type_ *gcw__arg;                                             \
    const name##_gcw_type_ *gcw__const_arg;                                 \
    char (*gcw__takes)(name##_gcw_arg_ arg);
#endif

#define GCW_EVENT(name, Arg)                                                \
    typedef Arg name##_gcw_type_;                                           \
    GCW__CHECKED(name##_gcw_arg_, Arg)                                      \
    typedef struct name##_event {                                           \
        GCW__TYPE_OF_EVENT(name)                                            \
    } name##_event;                                                         \
    GCW__MAY_BE_UNUSED static name##_event *name##_event_new(void)          \
    {                                                                       \
        return GCW__TO(name##_event *, gcw_event_new(#name));               \
    }                                                                       \
    GCW__MAY_BE_UNUSED static gcw_event *name##_untyped(name##_event *e)    \
    {                                                                       \
        return GCW__TO(gcw_event *, e);                                     \
    }                                                                       \
    GCW__MAY_BE_UNUSED static size_t name##_emit(name##_event *e, Arg *arg) \
    {                                                                       \
        return gcw_event_emit(GCW__TO(gcw_event *, e), GCW__DATA_OF(arg));  \
    }

/* NULL without a method; C++ compilers warn of the word. */
static inline gcw_listener *
gcw__connect_made(gcw_event *e, gcw_method *m, unsigned flags)
{
    return m ? gcw_event_connect(e, m, flags) : GCW__TO(gcw_listener *, m);
}

#ifdef __cplusplus
}

/* What a function may take of an event: the same, the same but const, or a
 * pointer to anything. */
template <typename To, typename From> struct gcw__gives {};
template <typename T> struct gcw__gives<T, T> { typedef char is; };
template <typename T> struct gcw__gives<const T, T> { typedef char is; };
template <typename T> struct gcw__gives<void, T> { typedef char is; };
template <typename T> struct gcw__gives<void, const T> {};
template <typename T> struct gcw__gives<const void, T> { typedef char is; };
template <> struct gcw__gives<void, void> { typedef char is; };
template <> struct gcw__gives<void, const void> {};
template <> struct gcw__gives<const void, void> { typedef char is; };
template <> struct gcw__gives<const void, const void> { typedef char is; };

template <typename To, typename Event>
typename gcw__gives<To, typename Event::gcw__type>::is
gcw__takes_argument_of(const Event *e);

template <typename Event>
inline size_t
gcw__emit_typed(Event *e, typename Event::gcw__type *arg)
{
    return gcw_event_emit(GCW__TO(gcw_event *, e), GCW__DATA_OF(arg));
}

# define GCW__TAKES(e, fn) sizeof(gcw__takes_argument_of<fn##_gcw_type_>(e))
# define GCW_EMIT(e, arg) gcw__emit_typed((e), (arg))
#elif defined __GNUC__
# define GCW__SAME_TYPE(a, b) __builtin_types_compatible_p(a, b)
# define GCW__GIVES(e, T)                                                   \
    (GCW__SAME_TYPE(T *, __typeof__((e)->gcw__arg))                         \
     || GCW__SAME_TYPE(T *, __typeof__((e)->gcw__const_arg))                \
     || GCW__SAME_TYPE(T *, const void *)                                   \
     || (GCW__SAME_TYPE(T *, void *)                                        \
         && !GCW__SAME_TYPE(__typeof__((e)->gcw__arg),                      \
                            __typeof__((e)->gcw__const_arg))))
# if defined __STDC_VERSION__ && __STDC_VERSION__ >= 201112L
#  define GCW__TAKES(e, fn)                                                 \
    sizeof(struct {                                                         \
        _Static_assert(GCW__GIVES(e, fn##_gcw_type_),                       \
                       #fn " takes another argument than the event's");     \
        char nothing;                                                       \
    })
# else
#  define GCW__TAKES(e, fn)                                                 \
    sizeof(char[GCW__GIVES(e, fn##_gcw_type_) ? 1 : -1])
# endif
# define GCW_EMIT(e, arg)                                                   \
    (__extension__((void)sizeof((e)->gcw__takes(arg)),                      \
                   gcw_event_emit(GCW__TO(gcw_event *, e),                  \
                                  GCW__DATA_OF(arg))))
#else
# define GCW__TAKES(e, fn) sizeof((e)->gcw__takes((fn##_gcw_type_ *)NULL))
# define GCW_EMIT(e, arg)                                                   \
    ((void)sizeof((e)->gcw__takes(arg)),                                    \
     gcw_event_emit(GCW__TO(gcw_event *, e), GCW__DATA_OF(arg)))
#endif

#define GCW_CONNECT(e, fn, self, data, flags)                               \
    ((void)GCW__TAKES(e, fn),                                               \
     gcw__connect_made(GCW__TO(gcw_event *, e), GCW_NEW(fn, self, data),    \
                       (flags)))
#define GCW_CONNECT_FN(e, fn, data, flags)                                  \
    ((void)GCW__TAKES(e, fn),                                               \
     (GCW__EXTENSION fn##_gcw_connect_(GCW__TO(gcw_event *, e), (data),     \
                                       (flags))))

#endif
