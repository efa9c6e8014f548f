/* work.h: what the loops of this directory are busy with.
 *
 * A pool of threads, which the collector does not know, does jobs, and posts
 * to a hub how far each has come.  The loop's thread hears of it.  Each job
 * has tickets, objects that are forgotten when it is done; the loop drains
 * their deaths. */
#ifndef WORK_H
#define WORK_H

#include <stdbool.h>
#include <gcweak.h>

enum { WORK_JOBS = 8 };

/* A hub that hears of the jobs.  Only the caller holds it. */
gcw_hub *work_hub(void);

/* To be called when all is set up, on the loop's thread: collects what nobody
 * holds, which the hub had better not be. */
void work_begin(void);

/* Does the job of this number, from 0 on; on any thread. */
void work_do(gcw_hub *hub, int job);

/* Whether all jobs are done, and the loop has drained what died with them. */
bool work_is_over(void);

/* Says what has come of it all. */
void work_report(const char *loop);

/* Ends the program with status 1, and what went wrong, if it is not well. */
void work_check(bool well, const char *what);

#endif
