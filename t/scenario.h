/* scenario.h: the child's side of run_scenario; see support.h. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "support.h"

/* Plays the scenario of that name in this process.  Returns what main is to
 * return: 0, or 99 if there is none of that name. */
int scenario_play(const char *name);

#endif
