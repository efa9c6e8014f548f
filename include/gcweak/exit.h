/* exit.h: exit handlers that can be taken back.
 *
 * Whoever just wants an atexit that can be taken back: include
 * <gcweak/atexit.h>, call atexit as always, and gcw_atexit_cancel(fn) takes it
 * back.  No collector is started for that.
 *
 * Which to use when:
 *     gcw_atexit           a plain function, as with atexit
 *     gcw_atexit_data      a function with data; from any thread; a number to
 *                          take it back by, which may be kept anywhere
 *     gcw_exit_register    a method of an object that may die before; all
 *                          else; the handle is kept where the collector looks
 *     gcw_exit_on_signal   SIGTERM and the like lead to an exit (signal.h)
 *
 * A registry holds handlers and runs them, last registered first.  A handler
 * is a weak method, skipped when its object has died, or a plain function.
 * The default registry runs at exit(3), or when main returns.  Registries of
 * one's own run when told: for the end of a session, a flush, a subsystem.
 *
 * A run
 *   Each handler is taken off, then called, once.  One registered during the
 *   run is the next to be called.  With `keep` a handler stays for the next
 *   run.  A handler fails if its method returns non-NULL, or if it calls
 *   gcw_fail; the registry's error hook hears of it, and the rest run.  A
 *   handler may register, unregister, run a registry, and call exit: then the
 *   rest run inside that call, nothing twice, and the process ends with the
 *   last status given.  Two threads that run one registry take turns: the
 *   second waits for the first to finish, and calls what is left.  base.h
 *   says in what other ways a handler may be left, and when a run can be
 *   cancelled.
 *
 * Levels
 *   Handlers of a higher level run before those of a lower one, whenever they
 *   were registered; within a level the last registered runs first.  Most have
 *   level 0.  What must be there to the last, a log for instance, has
 *   GCW_EXIT_LAST, and GCW_EXIT_FIRST is before all others.  Cleanups run after
 *   all levels.  One that is registered during a run waits for its level; if
 *   that is higher than what is left, it is the next.
 *
 * What hangs
 *   A handler may hang for ever, in a close for instance.  With a limit of its
 *   own (`limit`), or of the registry (gcw_exit_limit), the process does not wait
 *   for it: a line on stderr says what hangs, and for how long, and the process
 *   ends with its status.
 *
 * At exit
 *   1. the drain's worker is stopped, 2. pending death callbacks run, 3. the
 *   default registry's handlers, 4. cleanups whose targets still live, newest
 *   first; again from 2. on, as long as these have made new ones.  Then the
 *   default registry is closed, and so are cleanups.  Any thread may call
 *   exit, also one that the collector does not know.
 *   quick_exit runs only the handlers with `quick`; _exit and abort run none.
 *   A handler that exhausts the stack, or faults in another way, ends the
 *   process there by its signal, as anywhere; what has not run is lost.
 *
 * Order with the C library's own handlers
 *   The C library has a list of what it calls at exit, newest first: atexit,
 *   on_exit, destructors of C++ statics.  In it each handler of gcw_atexit
 *   has the place that atexit would have given it, and others of the default
 *   registry that are newer run just before it.  So a handler of
 *   gcw_exit_register runs at the next older place of a gcw_atexit.  What is
 *   left then, and the cleanups, run at the place where the library was
 *   started.
 *   The C library takes nothing back: a handler that was taken back leaves an
 *   empty place there.  While these outnumber the handlers that wait by more
 *   than 64, new handlers of gcw_atexit get no place, and run as those of
 *   gcw_exit_register.  Where the C library has no on_exit, there are no
 *   places: all handlers run where the library was started.
 *
 * Threads that exit
 *   The first thread that calls exit or quick_exit runs all this and ends the
 *   process, with its status.  Others that call exit wait for that, for ever.
 *   If a handler ends the first thread (pthread_exit), another that exits
 *   goes on.  Threads that do not exit go on meanwhile.  What they register
 *   in the default registry is refused with ESHUTDOWN, and cleanups that they
 *   make do not run any more, but are let go when their targets die: so an
 *   exit comes to its end, however many they make.
 *   When the main thread leaves by pthread_exit, the process ends once only
 *   the drain's worker and the collector's own threads are left, about a tenth
 *   of a second later.  This is noticed if the main thread has called gcweak
 *   before.
 *
 * Signal handlers
 *   POSIX does not allow exit in a signal handler.  There it works as far as
 *   with atexit: if the thread has called gcweak before, and nothing weak is
 *   registered, that is, there are no handlers with methods, no cleanups, and
 *   no events, hubs or registries of one's own.  A handler in a shared
 *   library must not come upon the dynamic linker with its lock half taken.
 *   If the signal has interrupted gcweak itself, handlers do not run, and a
 *   line on stderr says so.
 *
 * Fork
 *   A handler belongs to the process that registered it; a child skips it,
 *   unless `inherit` is set, as gcw_atexit does.  daemon(3) is a fork too:
 *   what was registered before it belongs to the parent, which ends without
 *   running anything.
 *
 * dlclose
 *   The handlers of an unloaded shared object run then; see base.h.  One that
 *   is unloaded after the exit's handlers is taken out all the same.
 *
 * What holds what
 *   Dead handlers leave the registry after the collection that found the
 *   object dead, without anybody's doing.
 *   A registry lives until it is really gone, so a finalizer may use one that
 *   nothing else leads to.  gcw_dispose empties one for good, but not the
 *   default one; then registering fails with ESTALE.
 *   A handler that waits is held by its registry, one that has run only by
 *   who keeps the handle.  A handle that is kept in malloc memory only is
 *   collected then, and gcw_exit_unregister takes off whatever handler lies
 *   in its place, or crashes.  There, keep the handler's number (gcw_exit_id),
 *   which is good in any memory, and on any thread.
 */
#ifndef GCWEAK_EXIT_H
#define GCWEAK_EXIT_H

#include <gcweak/base.h>
#include <gcweak/call.h>
#include <gcweak/method.h>

#include <limits.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcw_exit_registry gcw_exit_registry;
typedef struct gcw_exit_handler gcw_exit_handler;

/* Options of a handler; all zero, or no options at all, is the usual one. */
typedef struct gcw_exit_options {
    const char *name;    /* for reports; copied; NULL: none */
    bool keep;           /* stays in the registry after it has run */
    bool inherit;        /* runs in forked children too */
    bool quick;          /* runs at quick_exit too */
    long level;          /* higher levels run first; 0 is the usual one */
    unsigned long limit; /* how long a call may take, in milliseconds: see
                          * gcw_exit_limit; 0: any time */
} gcw_exit_options;

/* The level of what is always first, and of what is always last. */
#define GCW_EXIT_FIRST LONG_MAX
#define GCW_EXIT_LAST LONG_MIN

/* Fills `o` with the usual options; for languages that do not begin structures
 * with zeros.  NULL is ignored.  Any thread, at any time. */
void gcw_exit_options_init(gcw_exit_options *o);

/* What a handler's method gets as its argument, for the time of the call. */
typedef struct gcw_exit_info {
    gcw_exit_registry *registry;
    gcw_exit_handler *handler;   /* NULL: a function that has a number only */
    const char *name;    /* from the options, or NULL */
    int status;          /* of exit, where the C library tells it; of
                          * gcw_exit_run; otherwise 0 */
} gcw_exit_info;

/* What gcw_exit_unregister found. */
typedef enum gcw_exit_found {
    GCW_REMOVED = 0,     /* taken off: it will not run */
    GCW_RUNNING = 1,     /* it is running, on this thread or another */
    GCW_GONE = 2         /* it has run, was taken off before, or is dead */
} gcw_exit_found;

/* The registry that runs at exit.
 * Any known thread.  The same on every call; lives as long as the process.
 * Returns NULL with errno EPERM, ENOMEM, ENOTSUP. */
gcw_exit_registry *gcw_exit_default(void);

/* A registry that runs when told (gcw_exit_run), and not at exit.  Handlers
 * whose code dlclose unloads run then, as in all registries.
 * `name` is for gcw_dump (debug.h); copied; or NULL.  One that is dropped goes
 * with its handlers, which then never run.
 * Any known thread.
 * Returns NULL with errno EPERM, ENOMEM, ENOTSUP.
 * After Racket's plumbers. */
gcw_exit_registry *gcw_exit_registry_new(const char *name);

/* Registers a method: fn(self, info, data), with a gcw_exit_info.
 *
 * The method is held; its object is not.  `o` may be NULL; it is read here
 * and not kept.
 * Any known thread; also from finalizers and callbacks, and during a run.
 * Returns the handle, or NULL with errno: EINVAL (r or m is NULL), ESTALE (the
 * method is dead, or an object or the registry was disposed of), ESHUTDOWN (the
 * default registry: another thread is ending the process, or all has run and it
 * is about to end), EPERM, ENOMEM.
 * Cost: constant. */
gcw_exit_handler *gcw_exit_register(gcw_exit_registry *r, gcw_method *m,
                                    const gcw_exit_options *o);

/* Registers a function: fn(data).  `data` is held strongly; the function fails
 * only by gcw_fail.  Returns as gcw_exit_register; EINVAL if r or fn is NULL, or
 * `data` cannot be held (base.h); ESTALE only if the registry was disposed of. */
gcw_exit_handler *gcw_exit_register_fn(gcw_exit_registry *r,
                                       void (*fn)(void *data), void *data,
                                       const gcw_exit_options *o);

/* Takes a handler off.  Never waits for a handler that is running.
 * Any known thread; also from finalizers, callbacks, and the handler itself.
 * Returns GCW_REMOVED, GCW_RUNNING or GCW_GONE; or -1 with errno EINVAL (h is
 * NULL) or EPERM.  With GCW_RUNNING a handler with `keep` will not run again.
 * Cost: constant. */
int gcw_exit_unregister(gcw_exit_handler *h);

/* Takes off all handlers registered with this function (with
 * gcw_exit_register_fn).  One that is running is not counted.
 * Any known thread; also from finalizers, callbacks and handlers.
 * Returns how many were taken off; 0 with errno EINVAL or EPERM.
 * Cost: in proportion to what it takes off, whatever else is registered; the
 * first call looks at all once. */
size_t gcw_exit_unregister_fn(gcw_exit_registry *r, void (*fn)(void *data));

/* Takes off all handlers whose method equals m (gcw_method_equal); and all whose
 * methods have `self` as their object.  As gcw_exit_unregister_fn.
 * Any known thread; also from finalizers, callbacks and handlers.
 * Returns how many were taken off; 0 with errno: EINVAL (r, m or self is NULL, or
 * self is no heap object) or EPERM. */
size_t gcw_exit_unregister_method(gcw_exit_registry *r, const gcw_method *m);
size_t gcw_exit_unregister_object(gcw_exit_registry *r, const void *self);

/* Takes off all handlers, those of gcw_atexit too if it is the default registry;
 * which can be used on.
 * Any known thread; also from finalizers, callbacks and handlers.
 * Returns how many were taken off, without those that are running; 0 with errno
 * EINVAL (r is NULL) or EPERM if it fails. */
size_t gcw_exit_clear(gcw_exit_registry *r);

/* The number of a handler, for whoever cannot keep the handle where the
 * collector looks: in malloc memory, in a file, in another language.  It is
 * never that of another handler, nor 0.
 *
 * The handle must be good for this call.  Asked for again, it is the same.
 * Any known thread; also from finalizers, callbacks and the handler itself.
 * Returns the number; or 0 with errno: EINVAL (h is NULL), ENOENT (the handler
 * is gone), ENOMEM, EPERM.
 * Cost: the first call makes the handler's token, about 150 bytes. */
uint64_t gcw_exit_id(gcw_exit_handler *h);

/* Takes a handler off by its number.  It does not matter what has become of the
 * handler, nor of its registry: a number that is no more is GCW_GONE.
 * Any thread at any time (see base.h); also from finalizers, callbacks, and the
 * handler itself.
 * Returns as gcw_exit_unregister; -1 with errno EPERM if the thread cannot be
 * made known to the collector.
 * Cost: constant. */
int gcw_exit_unregister_id(uint64_t id);

/* Runs the registry now.  `status` is handed to the methods.
 *
 * Any known thread; also from callbacks, and from a handler of this registry:
 * then the rest run inside this call.  Waits while another thread runs it,
 * which is a cancellation point; then cancellation is off until it returns.
 * Running the default registry early is allowed; it stays usable.
 * Returns how many handlers failed; or -1 with errno EINVAL (r is NULL) or
 * EPERM. */
int gcw_exit_run(gcw_exit_registry *r, int status);

/* A run of a registry that its caller steps through (call.h).  All but `call`
 * and `info` is the library's affair. */
typedef struct gcw_exit_step {
    gcw_call call;               /* what is to be called now; a method's
                                  * argument is */
    gcw_exit_info info;
    void *reserved[4];
} gcw_exit_step;

/* Begins a run, takes the newest handler off, and gives it in `step->call`: a
 * method (GCW_CALL_METHOD), a function (GCW_CALL_FUNCTION) or one of
 * gcw_atexit (GCW_CALL_PLAIN).  One that is registered between two steps is
 * the next.
 *
 * Steps take no turns: several threads may step through one registry, and run
 * it, at the same time, and each handler is taken by one.  A handler that a
 * step has taken is GCW_GONE to gcw_exit_unregister.  One with `keep` waits
 * for the next run, which begins with the next gcw_exit_first or gcw_exit_run:
 * so it must not run its own registry, which would call it again.
 *
 * `status` is for the methods.  Any known thread; also from callbacks and
 * handlers.  `step` must lie where the collector looks.
 * Returns true; false if no handler is left, or with errno EINVAL (r or step
 * is NULL), ESHUTDOWN (the default registry: another thread is ending the
 * process), or EPERM.
 * Cost: constant a handler. */
bool gcw_exit_first(gcw_exit_registry *r, int status, gcw_exit_step *step);
bool gcw_exit_next(gcw_exit_step *step);

/* Sets the hook that hears of failing handlers; NULL takes it out.  `data` is
 * held strongly.  Without one, a line goes to stderr, or to the sink (tell.h).
 * Any known thread; also from finalizers, callbacks and handlers.
 * Returns 0, or -1 with errno EINVAL (r is NULL, `data` cannot be held:
 * base.h) or EPERM. */
int gcw_exit_on_error(gcw_exit_registry *r, gcw_error_fn *hook, void *data);

/* Limits how long the registry's handlers may take together, in milliseconds; 0
 * takes the limit away.  For the default registry that is all of an exit, from
 * its beginning to the end of the process, with the C library's handlers; for
 * any registry a call of gcw_exit_run.  What is under way keeps the limit that it
 * began with.
 *
 * When a limit is over, here or that of a handler (gcw_exit_options), the
 * process ends, whatever its threads are at: with the status of the exit, or by
 * the signal that has led to it (signal.h), or by abort (gcw_exit_limit_abort).  A
 * line on stderr says which handler hangs, its function and object, and for how
 * long.  Nothing else runs, and stdio is not flushed, since what hangs may have
 * its locks.
 * A handler that calls exit has ended: its own limit does not count for the
 * rest.  A forked child has no limits of what its parent was at.
 *
 * A limit is kept by a thread that lives as long as something with a limit is
 * under way; if none can be had, there is no limit.
 *
 * Any known thread; also from finalizers, callbacks and handlers.
 * Returns 0, or -1 with errno EINVAL (r is NULL) or EPERM.
 * Cost: with a limit about 5 microseconds a handler.  After systemd's
 * TimeoutStopSec. */
int gcw_exit_limit(gcw_exit_registry *r, unsigned long ms);

/* Whether what hangs aborts the process, for a core file to look into, instead
 * of ending it with its status; for limits of the registry and of its handlers.
 * Returns as gcw_exit_limit. */
int gcw_exit_limit_abort(gcw_exit_registry *r, bool abort);

/* What the handler that the calling thread is in would get if it were a method:
 * for functions, which get only their data.
 *
 * Any thread.  Good until the handler returns.
 * Returns NULL if the thread is in no handler, or in one of a step
 * (gcw_exit_first), whose caller has its info. */
const gcw_exit_info *gcw_exit_current(void);

/* An entry of gcw_exit_list. */
typedef struct gcw_exit_entry {
    gcw_exit_handler *handler;   /* NULL: a function that has a number only */
    uint64_t id;                 /* that number; 0 with a handler: gcw_exit_id */
    const char *name;            /* from the options, or NULL */
    void (*function)(void);      /* what is called, a method's function too */
    bool method;                 /* whether it is a method */
    bool running;
    bool has_age;                /* false: it has no room for that */
    uint32_t age;                /* collections since it was registered */
    long level;
} gcw_exit_entry;

/* Lists the handlers of a registry, in the order in which they would run, but
 * that those that are running or have run, and stay, come first.
 *
 * Writes up to n entries; `entries` must lie where the collector looks, and then
 * holds handlers and names.  Those that other threads register, take off or run
 * meanwhile may be missed, or come twice.
 * Any known thread; also from finalizers, callbacks and handlers.
 * Returns how many handlers there are, which may be more than n; 0 with errno
 * EINVAL (r is NULL, or entries is and n is not 0) or EPERM if it fails.
 * Cost: in proportion to the handlers. */
size_t gcw_exit_list(gcw_exit_registry *r, gcw_exit_entry *entries, size_t n);

/* As atexit(3), in the default registry: calls fn() at exit, in forked
 * children too, at its place among the C library's handlers (see above).
 * <gcweak/atexit.h> puts it in atexit's place.
 *
 * Starts neither the library nor the collector: a program that uses nothing else
 * of gcweak has no thread, and no memory, of theirs.
 *
 * Any thread at any time (see base.h), also as the very first call of gcweak.
 * Returns 0; or -1 with errno: EINVAL (fn is NULL), ESHUTDOWN (as
 * gcw_exit_register), ENOMEM; EPERM if the thread cannot be made known to the
 * collector.
 * Cost: constant; 24 bytes, and what the C library takes for the place. */
int gcw_atexit(void (*fn)(void));

/* As gcw_atexit, for a function with data: calls fn(data) at exit, in forked
 * children too.  `data` is held strongly; it may lie in any memory.  Like other
 * handlers of the default registry, it runs at the next older place of a
 * gcw_atexit.  Starts the library if the collector runs, for then `data` may be
 * the collector's; else nothing.
 *
 * Any thread at any time (see base.h).
 * Returns the handler's number (gcw_exit_id), for gcw_exit_unregister_id; or 0
 * with errno: EINVAL (fn is NULL, or `data` cannot be held: base.h), ESHUTDOWN
 * (as gcw_exit_register), ENOMEM, ENOTSUP, EPERM as gcw_atexit.
 * Cost: constant; 24 bytes. */
uint64_t gcw_atexit_data(void (*fn)(void *data), void *data);

/* Takes back the last gcw_atexit(fn) that is still to run.
 * Any thread at any time, as gcw_atexit.
 * Returns 0; or -1 with errno: ENOENT (no such function is to run), EINVAL (fn
 * is NULL), EPERM as gcw_atexit.
 * Cost: constant; the first call looks at all handlers once. */
int gcw_atexit_cancel(void (*fn)(void));

#ifdef __cplusplus
}
#endif

#endif
