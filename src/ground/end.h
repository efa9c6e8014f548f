/* end.h: how the process ends: with a status, or by a signal.  See end.c. */
#ifndef GCW__END_H
#define GCW__END_H

#include <gcweak/base.h>

/* This process is to die by that signal when it has exited.
 * Async-signal-safe. */
void gcw__end_by(int sig);

/* That signal, or 0.  Async-signal-safe. */
int gcw__ends_by(void);

/* Ends the process at once: by that signal if there is one, else with the
 * status.  Nothing runs, nothing is flushed.  Any thread; async-signal-safe. */
GCW_NORETURN void gcw__end_now(int status);

#endif
