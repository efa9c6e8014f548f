/* mode.h: the collector set up as other runtimes do; see support.h. */
#ifndef MODE_H
#define MODE_H

#include <stdbool.h>
#include <unistd.h>

/* Sets up the mode of that name; NULL or "" is none.  false if there is no
 * such mode, or it cannot be had here. */
bool mode_set_up(const char *mode);

/* Runs the finalizers that wait, and returns after the last has returned,
 * also of those that the mode's own thread was about to run. */
void mode_run_finalizers(void);

/* What fork is in tests: before any fork handler, a thread of the mode's own
 * that runs finalizers pauses. */
pid_t mode_fork(void);
#define fork() mode_fork()

#endif
