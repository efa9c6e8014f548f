/* queues.c: queues of pending callbacks; see oracle.h.
 *
 * In the beginning there is the default one, which cannot be disposed of.  What
 * is pending in them, the cleanups know (cleanups.c).
 */
#include <poll.h>

#include "oracle.h"

enum {
    OPEN = 4,                    /* queues, the default one not counted */
    PROMPTLY = 20000             /* milliseconds, at most */
};

struct list queues = LIST_OF(struct queue);

bool
is_default(const struct queue *q)
{
    return q == queues.at[0];
}

/* Now and then one that somebody has disposed of. */
struct queue *
some_queue(void)
{
    if (queues.n == 1)
        return queues.at[0];
    return below(8) == 0 ? one_of(&queues) : one_left(&queues);
}

const struct queue *
pends_in(const struct queue *q)
{
    return q->t.gone ? queues.at[0] : q;
}

const void *
hearer_of(const struct queue *q)
{
    return q->hears && !q->t.gone ? (const void *)q : FAILURES;
}

static void *
open_or_not(const struct list *l)
{
    (void)l;
    return some_queue();
}

/* --- operations --- */

static size_t
n_open(void)
{
    size_t n = 0;

    EACH(const struct queue, q, queues)
        n += !q->t.gone && !is_default(q);
    return n;
}

/* Half of them have a hook. */
OPERATION(make_queue, "make a queue", NULL, NULL)
{
    struct queue new = { .hears = below(2) == 0 }, *q;

    if (n_open() >= OPEN)
        return;
    new.t.handle = gcw_queue_new("a queue");
    must(new.t.handle != NULL, "a queue could not be made");
    q = add(&queues, &new);
    if (q->hears)
        must(gcw_queue_on_error(q->t.handle, hear_of_failure, q) == 0,
             "a queue takes no hook");
}

OPERATION(dispose_queue, "dispose of queue %zu", &queues, one_left)
{
    struct queue *q = thing;

    if (is_default(q) || q->t.gone)
        return;
    met[QUEUE_MOVES] += any_pending(q, OUT);
    must(gcw_dispose(q->t.handle) == 0, "a queue cannot be disposed of");
    q->t.gone = true;
}

static void
drain_queue(const struct queue *q, size_t max)
{
    struct draining d = { .f.call = DRAINS, .q = q };
    bool closed = q->t.gone;
    size_t n;

    enter(&d.f);
    errno = 0;
    n = gcw_queue_drain(q->t.handle, max);
    must(!closed || (n == 0 && errno == ESTALE),
         "drain: a queue that is disposed of");
    drained(&d, max, n);
}

OPERATION(drain_queue, "drain queue %zu", &queues, open_or_not)
{
    drain_queue(thing, below(4));
}

static void
check_no_call(const struct queue *q, const gcw_call *call)
{
    must(!q->t.gone || errno == ESTALE, "next: a queue that is disposed of");
    must(call->kind == GCW_CALL_NONE && call->fn == NULL,
         "next: a call that is none");
    must(!any_pending(q, OUT), "next: something is left");
}

/* What is stepped through is not given up by gcw_fail, but told. */
static void
make_call(struct draining *d, const gcw_call *call)
{
    enter(&d->f);
    gcw_call_invoke(call);
    must(d->f.called == 1 && call->handle == d->ran, "next: a wrong call");
    if (is_to_fail()) {
        met[STEP_FAILS]++;
        will_fail(&d->f, call->handle, "in a step");
        must(gcw_call_failed(call, d->f.why) == 0, "a step cannot fail");
    }
    leave(&d->f);
}

static bool
step(const struct queue *q)
{
    struct draining d = { .f.call = STEPS, .q = q };
    gcw_call call = { .kind = GCW_CALL_PLAIN };

    errno = 0;
    if (!gcw_queue_next(q->t.handle, &call)) {
        check_no_call(q, &call);
        return false;
    }
    must(!q->t.gone, "next: a call of a queue that is disposed of");
    make_call(&d, &call);
    return true;
}

OPERATION(step_queue, "step through queue %zu", &queues, open_or_not)
{
    unsigned n = 1 + below(3);

    while (n > 0 && step(thing))
        n--;
}

static void
look_at_closed(const struct queue *q)
{
    errno = 0;
    must(gcw_queue_wait(q->t.handle, 0) == -1 && errno == ESTALE,
         "wait: a queue that is disposed of");
    errno = 0;
    must(gcw_queue_fd(q->t.handle) == -1 && errno == ESTALE,
         "a descriptor of a queue that is disposed of");
}

void
check_descriptor(const struct queue *q, int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    must(fd >= 0, "no descriptor");
    must(depth > 0 || !any_pending(q, OUT) || poll(&p, 1, PROMPTLY) == 1,
         "not readable");
}

OPERATION(look_at_queue, "look at queue %zu", &queues, open_or_not)
{
    const struct queue *q = thing;

    if (q->t.gone) {
        look_at_closed(q);
        return;
    }
    check_descriptor(q, gcw_queue_fd(q->t.handle));
    if (gcw_queue_wait(q->t.handle, 0) == 1)
        must(any_pending(q, PERHAPS), "wait: nothing is pending");
    else
        must(!any_pending(q, OUT), "wait: something is pending");
}

/* --- worlds --- */

void
queues_begin(void)
{
    struct queue the_default = { .t.handle = gcw_queue_default() };

    must(the_default.t.handle != NULL, "no default queue");
    add(&queues, &the_default);
    gcw_drain_on_error(hear_of_failure, FAILURES);
}

/* All but the default one. */
void
drain_queues(void)
{
    EACH(const struct queue, q, queues)
        if (!q->t.gone && !is_default(q))
            drain_queue(q, 0);
}

/* Half of them are drained before. */
void
dispose_of_queues(void)
{
    EACH(struct queue, q, queues) {
        if (!q->t.gone && q->t.number % 2 == 0)
            drain_queue(q, 0);
        do_dispose_queue(q);
    }
}
