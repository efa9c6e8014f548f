/* cleanups.c: cleanups, the drain, and the end of the process; see oracle.h.
 *
 * One is gone when it has run or was detached, not when its target is dead,
 * for then it is pending: in its queue, or in the default one when somebody has
 * disposed of that.
 */
#include "oracle.h"

struct cleanup {
    struct thing t;
    const gcw_method *method;    /* NULL for a plain one */
    const struct queue *queue;
    bool at_exit;
};

struct running {
    struct frame f;
    const struct cleanup *only;
};

static struct list cleanups = LIST_OF(struct cleanup);

bool
any_pending(const struct queue *q, enum standing target)
{
    EACH(const struct cleanup, c, cleanups)
        if (!c->t.gone && of(c) <= target && pends_in(c->queue) == q)
            return true;
    return false;
}

/* --- what is called --- */

/* Of those on one target in one queue, the newest first; of those that run at
 * exit, too, where nothing is pending.  One of a method with weak data is on
 * two. */
static bool
must_run_before(const struct cleanup *newer, const struct cleanup *c)
{
    if (newer->t.gone)
        return false;
    if (innermost->call == EXITS)
        return newer->at_exit;
    return newer->queue == c->queue && newer->t.on[0] == c->t.on[0]
        && newer->t.on[1] == 0 && c->t.on[1] == 0;
}

/* Who disposes of a queue while it is drained does not take from that drain
 * what it has looked at. */
static void
check_queue(struct draining *d, const struct cleanup *c)
{
    must(pends_in(c->queue) == d->q || c->queue == d->q,
         "a cleanup of another queue ran");
    d->ran = c->t.handle;
}

static void
check_turn(const struct cleanup *c)
{
    if (innermost->call == EXITS) {
        must(c->at_exit, "a cleanup ran at exit that should not");
    } else {
        must(innermost->call == DRAINS || innermost->call == STEPS,
             "a cleanup ran by itself");
        check_queue((struct draining *)innermost, c);
        seen_dead(c);
    }
    for (size_t i = c->t.number; i < cleanups.n; i++)
        must(!must_run_before(cleanups.at[i], c), "an older one ran first");
}

static void
runs(struct cleanup *c)
{
    struct frame *f = innermost;

    tell("cleanup %zu runs", c->t.number);
    must(f != NULL && !c->t.gone, "a cleanup ran that should not");
    if (f->call != RUNS_CLEANUP)
        check_turn(c);
    else
        must(((struct running *)f)->only == c, "another cleanup ran");
    frame_for(f->call);
    c->t.gone = true;
    go_on();
    f->hearer = hearer_of(c->queue);
    if (f->call != STEPS)
        perhaps_fail(f, c->t.handle);
}

static void
clean_up(void *data)
{
    runs(cleanups.at[(size_t)data - 1]);
}

static void
method_died(gcw_method *m, void *data)
{
    struct cleanup *c = cleanups.at[(size_t)data - 1];

    must(m == c->method, "a wrong method has died");
    runs(c);
}

/* --- cleanups --- */

/* Whether the queue refused it, as it must if somebody has disposed of it. */
static bool
queue_refused(const struct cleanup *c)
{
    int error = errno;

    tell("  in queue %zu", c->queue->t.number);
    if (!c->queue->t.gone)
        return false;
    must(c->t.handle == NULL && error == ESTALE,
         "a cleanup in a queue that is disposed of");
    return true;
}

OPERATION(make_cleanup, "clean up after %zu", &slots, one_of)
{
    struct object *o = object_in(thing);
    struct cleanup c = { .t.on = { o->number }, .at_exit = true,
                         .queue = some_queue() };
    void *data = (void *)(cleanups.n + 1);

    c.t.handle = is_default(c.queue)
        ? gcw_cleanup_new(o, clean_up, data)
        : gcw_cleanup_new_in(c.queue->t.handle, o, clean_up, data);
    if (queue_refused(&c))
        return;
    must(c.t.handle != NULL, "a cleanup could not be made");
    add(&cleanups, &c);
    met[MADE_AT_EXIT] += innermost != NULL && innermost->call == EXITS;
}

OPERATION(watch_method, "watch a method", NULL, NULL)
{
    struct method *m = some_method();
    struct cleanup c = { .t.on = { m->t.on[0], m->t.on[1] },
                         .method = m->t.handle, .queue = some_queue() };
    void *data = (void *)(cleanups.n + 1);

    c.t.handle = is_default(c.queue)
        ? gcw_method_on_death(m->t.handle, method_died, data)
        : gcw_method_on_death_in(c.queue->t.handle, m->t.handle, method_died,
                                 data);
    if (queue_refused(&c))
        return;
    if (c.t.handle == NULL) {
        refused(m);
        return;
    }
    must(of(m) != OUT, "on_death: a dead method");
    add(&cleanups, &c);
}

OPERATION(look_at_cleanup, "look at cleanup %zu", &cleanups, one_of)
{
    struct cleanup *c = thing;
    const void *target = gcw_cleanup_peek(c->t.handle);

    if (target != NULL)
        must(of(c) != OUT && number_of(target) == c->t.on[0], "peek: wrong");
    else if (!c->t.gone)
        seen_dead(c);
    must(gcw_cleanup_alive(c->t.handle) == !c->t.gone, "alive: wrong");
    must(c->t.gone || gcw_cleanup_atexit(c->t.handle) == c->at_exit,
         "at exit: wrong");
    must(!c->t.gone || (!gcw_cleanup_detach(c->t.handle)
                        && !gcw_cleanup_run(c->t.handle)), "done twice");
}

/* Without effect on one that is gone. */
OPERATION(set_at_exit, "set cleanup %zu at exit", &cleanups, one_left)
{
    struct cleanup *c = thing;

    c->at_exit = !c->at_exit;
    must(gcw_cleanup_set_atexit(c->t.handle, c->at_exit) == 0, "at exit");
}

OPERATION(detach, "detach cleanup %zu", &cleanups, one_left)
{
    struct cleanup *c = thing;

    must(gcw_cleanup_detach(c->t.handle) == !c->t.gone, "detach: wrong");
    c->t.gone = true;
    must(!gcw_cleanup_detach(c->t.handle), "detached twice");
}

OPERATION(run_cleanup, "run cleanup %zu", &cleanups, one_left)
{
    struct cleanup *c = thing;
    struct running r = { .f.call = RUNS_CLEANUP, .only = c };
    bool is_to_run = !c->t.gone;

    enter(&r.f);
    must(gcw_cleanup_run(c->t.handle) == is_to_run, "run: wrong");
    must(r.f.called == is_to_run, "run: has not run");
    must(!gcw_cleanup_run(c->t.handle), "ran twice");
    leave(&r.f);
}

/* --- the drain --- */

void
drained(struct draining *d, size_t max, size_t n)
{
    must(n == d->f.called, "drain: a wrong number");
    must(max == 0 || n <= max, "drain: too many");
    must((max > 0 && n == max) || !any_pending(d->q, OUT),
         "drain: something is left");
    leave(&d->f);
}

static void
drain(size_t max)
{
    struct draining d = { .f.call = DRAINS, .q = queues.at[0] };

    enter(&d.f);
    drained(&d, max, gcw_drain(max));
}

void
drain_default(void)
{
    drain(0);
}

OPERATION(drain, "drain", NULL, NULL)
{
    drain(0);
}

OPERATION(drain_some, "drain some", NULL, NULL)
{
    drain(1 + below(3));
}

/* What was on the stack must not hold what was dropped. */
static __attribute__((__noinline__)) void
clear_stack(void)
{
    volatile uintptr_t words[1024];

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        words[i] = 0;
}

OPERATION(collect, "collect", NULL, NULL)
{
    struct draining d = { .f.call = DRAINS, .q = queues.at[0] };

    clear_stack();
    enter(&d.f);
    drained(&d, 0, gcw_collect());
}

OPERATION(only_collect, "collect, no drain", NULL, NULL)
{
    clear_stack();
    GC_gcollect();
}

OPERATION(poll, "poll", NULL, NULL)
{
    check_descriptor(queues.at[0], gcw_drain_fd());
}

/* --- worlds --- */

void
cleanups_have_run_at_exit(void)
{
    EACH(const struct cleanup, c, cleanups)
        must(c->t.gone || !c->at_exit, "a cleanup did not run at exit");
    met[CROWD_EXITS] += innermost->called >= CROWD;
}

void
detach_all(void)
{
    EACH(struct cleanup, c, cleanups)
        do_detach(c);
}

void
cleanups_end(void)
{
    dispose_of_queues();
    drain(0);
    EACH(const struct cleanup, c, cleanups)
        must(c->t.gone && !gcw_cleanup_alive(c->t.handle),
             "a cleanup is left");
}
