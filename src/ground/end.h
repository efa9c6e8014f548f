/* end.h: how the process ends: with a status, or by a signal.  See end.c. */
#ifndef GCW__END_H
#define GCW__END_H

#include <stdbool.h>

#include <gcweak/base.h>

/* The process asks for signals: it is looked for them when it ends. */
void gcw__end_watch(void);

/* This process is to die by that signal when it has exited.  False: it ends just
 * now.  Async-signal-safe. */
bool gcw__end_by(int sig);

/* Dies by the signal at once; if that does not end this process, ends with 128
 * and its number.  Async-signal-safe. */
GCW_NORETURN void gcw__die_by(int sig);

/* That signal, or 0.  Async-signal-safe. */
int gcw__ends_by(void);

/* Waits until another thread has ended the process.  Async-signal-safe. */
GCW_NORETURN void gcw__end_wait(void);

/* Ends the process at once: by that signal if there is one, else with the
 * status.  Nothing runs, nothing is flushed.  Any thread; async-signal-safe. */
GCW_NORETURN void gcw__end_now(int status);

#endif
