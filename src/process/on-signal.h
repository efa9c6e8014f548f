/* on-signal.h: signals that lead to an exit.  See on-signal.c. */
#ifndef GCW__ON_SIGNAL_H
#define GCW__ON_SIGNAL_H

#include "ground/part.h"

#include <stdbool.h>

/* Whether the signal's default action ends the process, and no fault raises
 * it. */
bool gcw__signal_is_for_exit(int sig);

/* Takes the signal, with the flags of gcw_exit_on_signal; *ignored says whether
 * it is left, since it is ignored.  Returns 0 or an errno.  What is needed at
 * forks and at exit is installed. */
int gcw__signal_take(int sig, unsigned flags, bool *ignored);

/* Gives it back.  Returns 0 or an errno. */
int gcw__signal_give_back(int sig);

/* The descriptor that is readable when a signal has come, for the program, which
 * exits from now on.  -1 with errno. */
int gcw__signal_descriptor(void);

/* The signal that has come to this process, or 0.  Async-signal-safe. */
int gcw__signal_came(void);

/* In a child no signal is taken. */
extern const struct gcw__part gcw__signal_part;

#endif
