/* work.c: what the loops of this directory are busy with. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <gc.h>
#include "work.h"

#define NOINLINE __attribute__((__noinline__))

enum {
    STEPS = 500,                 /* of each job */
    TICKETS = 100,               /* of each job */
    ALL = WORK_JOBS * TICKETS,
    LONG_ENOUGH = 60             /* seconds */
};

/* Keeps the books, in the collected heap: the hub holds it weakly. */
struct ledger {
    int steps[WORK_JOBS];        /* heard of each job */
    int done;                    /* jobs */
};

static struct ledger *ledger;    /* held here */
static void *tickets[WORK_JOBS][TICKETS];
static int died, out_of_order, elsewhere;
static pthread_t loop_thread;

void
work_check(bool well, const char *what)
{
    if (well)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static void
note_thread(void)
{
    elsewhere += !pthread_equal(pthread_self(), loop_thread);
}

/* --- What the loop's thread hears -------------------------------------------- */

static void
note_death(void *unused)
{
    (void)unused;
    note_thread();
    died++;
}

static int
job_of(const gcw_emission *emission)
{
    return (int)((uintptr_t)emission->arg / STEPS);
}

static void *
hear_step(struct ledger *self, const gcw_emission *emission, void *unused)
{
    int step = (int)((uintptr_t)emission->arg % STEPS);
    (void)unused;
    note_thread();
    out_of_order += step != self->steps[job_of(emission)]++;
    return NULL;
}

GCW_METHOD(hear_step, struct ledger, const gcw_emission, void)

/* The last one collects, so that the loop has something to drain. */
static void *
hear_done(struct ledger *self, const gcw_emission *emission, void *unused)
{
    (void)unused;
    note_thread();
    memset(tickets[job_of(emission)], 0, sizeof tickets[0]);
    if (++self->done == WORK_JOBS)
        GC_gcollect();
    return NULL;
}

GCW_METHOD(hear_done, struct ledger, const gcw_emission, void)

/* --- The beginning ------------------------------------------------------------ */

static NOINLINE void
make_tickets(void)
{
    for (int job = 0; job < WORK_JOBS; job++)
        for (int i = 0; i < TICKETS; i++) {
            tickets[job][i] = GC_MALLOC(32);
            work_check(gcw_cleanup_new(tickets[job][i], note_death, NULL)
                       != NULL, "gcw_cleanup_new");
        }
}

static void
connect(gcw_hub *hub, const char *type, gcw_method *m)
{
    work_check(gcw_hub_connect(hub, type, NULL, m, 0) != NULL,
               "gcw_hub_connect");
}

NOINLINE gcw_hub *
work_hub(void)
{
    gcw_hub *hub = gcw_hub_new();
    work_check(hub != NULL, "gcw_hub_new");
    ledger = GC_MALLOC(sizeof *ledger);
    connect(hub, "step", hear_step_method(ledger, NULL));
    connect(hub, "done", hear_done_method(ledger, NULL));
    make_tickets();
    return hub;
}

/* Overwrites what earlier calls have left on the stack. */
static NOINLINE void
clear_stack(void)
{
    volatile char old[16 * 1024];
    for (size_t i = 0; i < sizeof old; i++)
        old[i] = 0;
}

/* Where a wake-up is lost, the loop waits for ever; or for this alarm. */
void
work_begin(void)
{
    loop_thread = pthread_self();
    alarm(LONG_ENOUGH);
    clear_stack();
    GC_gcollect();
}

/* --- A job, on a thread of the pool ------------------------------------------- */

static void
post(gcw_hub *hub, const char *type, int number)
{
    work_check(gcw_hub_post(hub, type, NULL, (void *)(intptr_t)number) == 0,
               "gcw_hub_post");
}

void
work_do(gcw_hub *hub, int job)
{
    for (int step = 0; step < STEPS; step++)
        post(hub, "step", job * STEPS + step);
    post(hub, "done", job * STEPS);
}

/* --- The end ------------------------------------------------------------------ */

/* The collector is conservative, so not every ticket must die. */
bool
work_is_over(void)
{
    return ledger->done == WORK_JOBS && died >= ALL * 9 / 10;
}

void
work_report(const char *loop)
{
    int heard = 0;
    for (int job = 0; job < WORK_JOBS; job++)
        heard += ledger->steps[job];
    printf("%s: %d of %d jobs done, %d of %d steps heard, %d out of order\n",
           loop, ledger->done, WORK_JOBS, heard, WORK_JOBS * STEPS,
           out_of_order);
    printf("%s: nearly all of %d tickets have died\n", loop, ALL);
    printf("%s: %d calls on another thread than the loop's\n", loop,
           elsewhere);
}
