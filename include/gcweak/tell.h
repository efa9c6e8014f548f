/* tell.h: what the library tells, and to whom.
 *
 * Whatever the library has to say it says in lines, each of one kind; each kind
 * is on or off.  Lines go to stderr, or to a function of the program's, the
 * sink.
 *
 *   GCW_TOLD_FAILURE   a callback has failed, and its place has no error hook
 *   GCW_TOLD_EXIT      exit handlers and cleanups at exit: how long each took;
 *                      those that do not run, and why
 *   GCW_TOLD_DRAIN     callbacks that a drain runs, and what nobody has drained
 *   GCW_TOLD_LEAK      at exit: what looks like a leak
 *   GCW_TOLD_REFUSE    calls that fail: which argument is to blame, what it is
 *                      instead, and why errno is what it is
 *   GCW_TOLD_LOST      what has gone without anybody having asked for that
 *   GCW_TOLD_WARNING   what is wrong, but stops nothing: an unknown word in the
 *                      environment, a callback that is left behind
 *
 * Failures and warnings are on from the start.  The others come on with the
 * words exit, drain, leak, refuse and lost in the environment variable
 * GCWEAK_DEBUG, separated by commas, which is read when the library starts.
 *
 * Always on stderr, whatever was set: what is written where nothing can be
 * called.  That is, why the process is about to abort; a limit that has passed;
 * exit in a signal handler; and what is told inside the sink.
 */
#ifndef GCWEAK_TELL_H
#define GCWEAK_TELL_H

#include <gcweak/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds of lines; each is a bit. */
typedef enum gcw_told {
    GCW_TOLD_FAILURE = 1,
    GCW_TOLD_EXIT = 2,
    GCW_TOLD_DRAIN = 4,
    GCW_TOLD_LEAK = 8,
    GCW_TOLD_REFUSE = 16,
    GCW_TOLD_LOST = 32,
    GCW_TOLD_WARNING = 64
} gcw_told;

/* A sink.
 *
 *   what   which kind of line, a gcw_told
 *   line   without "gcweak: " in front, and without an end of line; valid until
 *          the sink returns.  What is longer than 2000 characters ends in "..."
 *   data   what was registered with the sink
 *
 * Runs on the thread that tells, as part of the call that it is about; no lock
 * of the library is held, and cancellation is off.  Several threads may be in
 * it at once.  It may call anything that a listener could, also where the thread
 * is refused because the collector does not know it.  If it fails (gcw_fail),
 * that is counted and no more; it must not throw, nor end the thread.  errno is
 * kept.
 *
 * What the library finds in the middle of a collection's work, as most losses
 * are, is told by the next call into it, never within an allocation.  There is
 * room for about thirty such lines; how many more there were is told. */
typedef void gcw_tell_fn(unsigned what, const char *line, void *data);

/* Sets the sink; NULL: lines go to stderr again.
 *
 *   data   held strongly while the sink is set
 *
 * Starts the library.  The unloading of the shared object that the function
 * lies in takes the sink out.  A line that another thread is telling meanwhile
 * may still reach the former sink.
 *
 * Any known thread; also from finalizers, callbacks and the sink.
 * Returns 0, or -1 with errno: EINVAL (data, see base.h), EPERM, ENOMEM,
 * ENOTSUP.
 * Cost: one lock.  After Python's sys.unraisablehook, and the log handlers of
 * GLib. */
int gcw_tell_to(gcw_tell_fn *fn, void *data);

/* Turns kinds of lines on or off.
 *
 *   what   one or more of gcw_told, joined by |
 *
 * Any thread at any time, also before gcw_init, in a callback, and in the sink.
 * It starts nothing.
 * Returns 0, or -1 with errno: EINVAL (no such kind).
 * Cost: one atomic operation.  A kind that is off costs nothing but a test where
 * there is something to tell. */
int gcw_tell(unsigned what, bool on);

#ifdef __cplusplus
}
#endif

#endif
