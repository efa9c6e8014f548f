/* call.h: calls that the library tells of, and others make.
 *
 * The library calls back from frames of its own: gcw_drain, gcw_event_emit,
 * gcw_exit_run.  A language runtime has frames of its own as well, and
 * exceptions, fibers and interrupts that want to pass.  For it there is the
 * other half: the library says what is to be called next, and the runtime
 * calls it, on its own stack, in its own way.
 *
 *     calls back          is stepped through by
 *     gcw_drain           gcw_drain_next                        (drain.h)
 *     gcw_event_emit      gcw_event_first, gcw_event_next       (event.h)
 *     gcw_hub_emit        gcw_hub_first, gcw_hub_next           (hub.h)
 *     gcw_hub_dispatch    gcw_hub_dispatch_first,
 *                         gcw_hub_dispatch_next                 (hub.h)
 *     gcw_exit_run        gcw_exit_first, gcw_exit_next         (exit.h)
 *
 *     gcw_event_step step;
 *     for (bool on = gcw_event_first(e, arg, &step); on;
 *          on = gcw_event_next(&step))
 *         call_in_my_language(&step.call);
 *
 * The promises are those of the calling form, which is made of the same steps:
 * who is called and in what order, each once, who has died or is blocked by
 * its turn is passed over, and of several threads exactly one gets a callback
 * that runs once.  What the call needs is held by the gcw_call, as long as
 * that lies where the collector looks: on a stack, or in collected memory.
 *
 * Between two steps nothing of the library is under way: no lock, no turn, no
 * frame, no thread that waits.  So an iteration may be given up at any point
 * and in any way: by leaving the loop, an exception, a longjmp, a fiber that
 * is never resumed, the end of the thread.  It may go on on another thread.
 * What was taken for the call is the caller's then; what was not waits for the
 * next time, as when a callback throws (base.h).
 */
#ifndef GCWEAK_CALL_H
#define GCWEAK_CALL_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How `fn` of a call is to be called: its type. */
typedef enum gcw_call_kind {
    GCW_CALL_NONE = 0,           /* not at all: there is no call */
    GCW_CALL_METHOD = 1,         /* void *fn(void *self, void *arg,
                                  *          void *data) */
    GCW_CALL_LISTENER = 2,       /* void fn(void *arg, void *data) */
    GCW_CALL_HUB_LISTENER = 3,   /* void fn(const gcw_emission *arg,
                                  *         void *data) */
    GCW_CALL_FUNCTION = 4,       /* void fn(void *data) */
    GCW_CALL_DEATH = 5,          /* void fn(gcw_method *arg, void *data) */
    GCW_CALL_PLAIN = 6           /* void fn(void) */
} gcw_call_kind;

/* A call that is to be made.  What does not belong to its kind is NULL.  It may
 * be copied; a copy is as good as the first, as long as what `arg` points to is
 * there. */
typedef struct gcw_call {
    gcw_call_kind kind;
    void (*fn)(void);            /* to be called through its own type */
    void *self;                  /* of a method, which is bound: strong */
    void *arg;
    void *data;
    void *handle;                /* the gcw_cleanup, gcw_listener or
                                  * gcw_exit_handler */
    const void *place;           /* the library's: where it comes from */
    void *owner;                 /* the library's: the event, and so on */
} gcw_call;

/* Makes the call, on the caller's stack; for those that a runtime does not
 * know as its own.
 *
 * It is an ordinary call: whatever leaves the function passes through.  There
 * is no guard around it, so gcw_fail in the function gives up a callback
 * outside, or aborts.
 * Any thread that may make the call.
 * Returns what a method returns, otherwise NULL; NULL with errno EINVAL if
 * `call` is NULL or has no function.  Cost: a call through a pointer. */
void *gcw_call_invoke(const gcw_call *call);

/* Tells the place that the call comes from that it has failed: the error hook
 * of the drain, the event, the hub or the registry hears of it before this
 * returns; without one a line goes to stderr, or to the sink (tell.h).  What
 * the hook may do, and what becomes of its own failures, is said at
 * gcw_error_fn.
 *
 *   why     as for gcw_fail; need not outlive this call
 *
 * An exit handler whose method returns non-NULL has failed, too: who steps
 * through a registry tells it here.
 * Any known thread; no lock of the library is held.
 * Returns 0, or -1 with errno EINVAL (`call` is NULL, or no step has filled
 * it), EPERM. */
int gcw_call_failed(const gcw_call *call, const char *why);

#ifdef __cplusplus
}
#endif

#endif
