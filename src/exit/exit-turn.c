/* exit-turn.c: whose turn it is to run a registry, and which thread ends the
 * process.
 *
 * Turns.  A registry is run by one thread at a time, its owner, any number of
 * times nested (a handler that runs its own registry, or calls exit).  Other
 * threads wait for their turn on a condition, without a lock.  Waiting is a
 * cancellation point; the owner has cancellation off.  A turn ends when its
 * frame does, however that is left: by return, by an exception, by the end of
 * the thread.  Only a jump over the frame goes unnoticed.  It is found by the
 * owner, when it comes here again, and by threads that wait, which look at the
 * owner's stack every now and then; the process aborts.
 *
 * The end of the process.  The first thread that exits leads; threads that
 * exit later wait for ever, unless the leader ends itself.  Leading is more
 * than a turn: it lasts while the C library calls other handlers in between.
 * The two go together: no thread leads while another has the turn of the
 * default registry, for a handler there may call exit; and while a thread
 * leads no other gets that turn.  A thread that waits to lead gives its turns
 * of other registries back.
 *
 * In a forked child the owner may be a thread that is not there; its turn is
 * over then.
 */
#include <config.h>
#include "exit/exit-levels.h"

#include "ground/delay.h"
#include "ground/guard.h"
#include "ground/leader.h"
#include "ground/lock.h"
#include "ground/process.h"

#include <time.h>

static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;

/* Turns. */

static bool
is_other(const struct gcw__exit_turn *t)
{
    return t->depth != 0 && t->owner_process == gcw__process()
           && t->owner != gcw__this_thread();
}

static bool
is_mine(const struct gcw__exit_turn *t)
{
    return t->depth != 0 && t->owner == gcw__this_thread();
}

static struct timespec
in_a_second(void)
{
    struct timespec then;

    clock_gettime(CLOCK_REALTIME, &then);
    then.tv_sec++;
    return then;
}

bool
gcw__exit_has_turn(const struct gcw__exit_turn *t)
{
    return is_other(t) || is_mine(t);
}

bool
gcw__exit_is_leaders(const gcw_exit_registry *r)
{
    return r->is_default && gcw__exit_is_others() && !gcw__exit_closed();
}

/* Waits once, for another thread's turn to end, or for that thread to end the
 * process. */
static void
wait_for_other(const struct gcw__exit_turn *t)
{
    struct timespec then = in_a_second();

    if (gcw__wait_cancellable(&turn, &gcw__exit_lock, &then) != 0
        && is_other(t) && gcw__frame_of_other_is_over(&t->frame))
        gcw__left_by_jump();
}

/* An exit has many turns of the default registry, and calls each handler once. */
void
gcw__exit_bring_back(gcw_exit_registry *r)
{
    if (!(r->is_default && gcw__exit_is_mine()))
        gcw__levels_bring_back(r);
}

/* The turns that this thread has, the innermost first. */
struct turn {
    struct turn *outer;
    gcw_exit_registry *registry;     /* NULL: the turn was given back */
    struct gcw__marks marks;
};
static _Thread_local struct turn *turns
    __attribute__((__tls_model__("initial-exec")));

static void
begin_turn(gcw_exit_registry *r, struct turn *mine)
{
    struct gcw__exit_turn *t = r->turn;
    struct gcw__marks *marks = &mine->marks;

    gcw__lock(&gcw__exit_lock, true);
    while (is_other(t) || gcw__exit_is_leaders(r))
        wait_for_other(t);
    if (!is_mine(t)) {
        t->depth = 0;
        t->run = NULL;
        t->frame = gcw__frame_here(marks);
        gcw__exit_bring_back(r);
    } else if (gcw__frame_is_overwritten(&t->frame)
               || gcw__frame_is_over((uintptr_t)t->frame.marks,
                                     (uintptr_t)marks)) {
        gcw__left_by_jump();
    }
    t->owner = gcw__this_thread();
    t->owner_process = gcw__process();
    t->depth++;
    *mine = (struct turn){ turns, r, mine->marks };
    turns = mine;
    gcw__cancel_off();
    gcw__unlock(&gcw__exit_lock);
    GCW__DELAY(2);
}

/* Ends the turn.  Lock held. */
static void
give_back(struct turn *mine)
{
    gcw_exit_registry *r = mine->registry;

    mine->registry = NULL;
    if (r != NULL && --r->turn->depth == 0) {
        gcw__exit_bring_back(r);
        gcw__exit_tidy(r, &r->order);
    }
    pthread_cond_broadcast(&turn);
}

static void
end_turn(void *arg)
{
    struct turn *mine = arg;

    GCW__DELAY(3);
    gcw__lock(&gcw__exit_lock, true);
    give_back(mine);
    gcw__unlock(&gcw__exit_lock);
    turns = mine->outer;
    gcw__cancel_on();
}

void
gcw__exit_in_turn(gcw_exit_registry *r, void (*call)(void *arg), void *arg)
{
    struct turn mine;

    begin_turn(r, &mine);
    pthread_cleanup_push(end_turn, &mine);
    call(arg);
    pthread_cleanup_pop(1);
}

/* The end of the process. */

static pthread_key_t leads;
static bool has_key;

void
gcw__exit_resign(void)
{
    gcw__lock(&gcw__exit_lock, true);
    if (gcw__exit_is_mine())
        gcw__exit_set_leader(0);
    pthread_cond_broadcast(&turn);
    gcw__unlock(&gcw__exit_lock);
}

/* The leader's thread ends, in a handler of ours or of the C library's. */
static void
leader_ends(void *unused)
{
    (void)unused;
    if (gcw__exit_is_mine())
        gcw__exit_limit_end();
    gcw__exit_resign();
}

bool
gcw__exit_lead_install(void)
{
    has_key = has_key || pthread_key_create(&leads, leader_ends) == 0;
    return has_key;
}

/* Whether this thread has to wait: for another that leads, or that runs the
 * default registry just now, and may call exit in it. */
static bool
must_follow(void)
{
    return gcw__exit_is_others() || is_other(gcw__exit_early.turn);
}

/* Gives back all turns of this thread, whose handlers have called exit, and
 * are not gone on with: the leader may wait for these turns. */
static void
give_all_back(void)
{
    for (struct turn *mine = turns; mine != NULL; mine = mine->outer)
        if (mine->registry != NULL)
            give_back(mine);
}

/* Waits until this thread may lead.  Its turns, which had turned cancellation
 * off, are over: so the leader may cancel it, and wait for its end. */
static void
follow_leader(void)
{
    unsigned off = gcw__holding.off;
    int ignored;

    give_all_back();
    gcw__holding.follows = true;
    gcw__holding.off = 0;
    if (off != 0)
        pthread_setcancelstate(gcw__holding.cancel, &ignored);
    while (must_follow())
        gcw__wait_cancellable(&turn, &gcw__exit_lock, NULL);
    if (off != 0)
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
    gcw__holding.off = off;
    gcw__holding.follows = false;
}

void
gcw__exit_lead(void)
{
    gcw__lock(&gcw__exit_lock, true);
    if (must_follow())
        follow_leader();
    gcw__exit_set_leader(gcw__this_thread());
    gcw__unlock(&gcw__exit_lock);
    pthread_setspecific(leads, &leads);
}

static void
exit_prepare(void)
{
    gcw__lock(&gcw__exit_lock, true);
}

static void
exit_parent(void)
{
    gcw__unlock(&gcw__exit_lock);
}

/* The threads that waited for their turn are not in the child. */
static void
exit_child(void)
{
    pthread_cond_init(&turn, NULL);
    gcw__unlock(&gcw__exit_lock);
}

const struct gcw__part gcw__exit_part = {
    "exit", exit_prepare, exit_parent, exit_child, NULL
};
