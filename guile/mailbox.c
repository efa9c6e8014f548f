/* mailbox.c: which thread runs a callback.
 *
 * A callback belongs to a thread.  When another one drains, it puts the
 * callback into that thread's mailbox and makes the thread drain as soon as it
 * runs Scheme code, when it looks into its mailbox first.  Mail
 * for a thread that is gone is run by whoever drains next, and all mail by
 * the thread that exits, so that none is lost.
 *
 * The lock is held over a few instructions, and over calls of Guile that run
 * no Scheme code: an asynchronous call cannot come in between.
 *
 * In a forked child only the thread that forked is there, though Guile does
 * not mark the others as exited: they are told by their generation.
 */
#include "gcweak-guile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Those that are not empty form a ring. */
struct mailbox {
    struct mailbox *next, *previous;
    struct gcwg_letter *first, *last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mailbox *ring;     /* its head, never with letters */
static SCM boxes;                /* by thread */
static atomic_size_t filled;     /* how many mailboxes are in the ring */
static atomic_bool exiting;
static atomic_ulong generation;
static SCM forked;               /* in a child: the thread that did; it is
                                  * only compared */

/* Whether callbacks were made for this thread by itself, which is then one
 * of Guile's.  A thread that forks need not be. */
static _Thread_local bool has_callbacks;

struct gcwg_letter *
gcwg_letter_new(SCM thread, SCM procedure, SCM arguments)
{
    struct gcwg_letter *letter = scm_gc_malloc(sizeof *letter, "gcweak");

    has_callbacks |= scm_is_eq(thread, scm_current_thread());
    letter->next = NULL;
    letter->thread = thread;
    letter->generation = atomic_load(&generation);
    letter->procedure = procedure;
    letter->arguments = arguments;
    letter->handle = SCM_BOOL_F;
    return letter;
}

void
gcwg_readdress(struct gcwg_letter *letter)
{
    has_callbacks = true;
    letter->thread = scm_current_thread();
    letter->generation = atomic_load(&generation);
}

void
gcwg_letter_empty(struct gcwg_letter *letter)
{
    letter->thread = letter->procedure = letter->arguments = SCM_BOOL_F;
}

/* Whether somebody else than its thread must run it. */
static bool
is_abandoned(const struct gcwg_letter *letter)
{
    if (atomic_load(&exiting)
        || (letter->generation != atomic_load(&generation)
            && !scm_is_eq(letter->thread, forked)))
        return true;
    return scm_c_thread_exited_p(letter->thread) != 0;
}

/* The mailbox of a thread, or NULL.  Lock held. */
static struct mailbox *
find_box(SCM thread)
{
    SCM found = scm_hashq_ref(boxes, thread, SCM_BOOL_F);

    return scm_is_false(found) ? NULL : scm_to_pointer(found);
}

/* Makes it, if there was none.  Lock held. */
static struct mailbox *
box_of(SCM thread)
{
    struct mailbox *box = find_box(thread);

    if (box != NULL)
        return box;
    box = scm_gc_malloc(sizeof *box, "gcweak");
    *box = (struct mailbox){ NULL, NULL, NULL, NULL };
    scm_hashq_set_x(boxes, thread, scm_from_pointer(box, NULL));
    return box;
}

static void
enter_ring(struct mailbox *box)
{
    box->next = ring;
    box->previous = ring->previous;
    ring->previous->next = box;
    ring->previous = box;
    atomic_fetch_add(&filled, 1);
}

static void
leave_ring(struct mailbox *box)
{
    box->previous->next = box->next;
    box->next->previous = box->previous;
    box->next = box->previous = NULL;
    atomic_fetch_sub(&filled, 1);
}

/* True if the mailbox was empty.  Lock held. */
static bool
put(struct mailbox *box, struct gcwg_letter *letter)
{
    bool was_empty = box->first == NULL;

    if (was_empty) {
        box->first = letter;
        enter_ring(box);
    } else {
        box->last->next = letter;
    }
    box->last = letter;
    return was_empty;
}

/* The first letter, which there is.  Lock held. */
static struct gcwg_letter *
take(struct mailbox *box)
{
    struct gcwg_letter *letter = box->first;

    box->first = letter->next;
    letter->next = NULL;
    if (box->first == NULL) {
        box->last = NULL;
        leave_ring(box);
    }
    return letter;
}

/* The mailbox of this thread, if there is mail in it. */
static struct mailbox *
own_box(void)
{
    struct mailbox *box = find_box(scm_current_thread());

    return box == NULL || box->first == NULL ? NULL : box;
}

/* A mailbox with mail that nobody else will run. */
static struct mailbox *
abandoned_box(void)
{
    struct mailbox *box = ring->next;

    while (box != ring && !is_abandoned(box->first))
        box = box->next;
    return box == ring ? NULL : box;
}

static struct gcwg_letter *
take_from(struct mailbox *(*choose)(void))
{
    struct gcwg_letter *letter = NULL;
    struct mailbox *box;

    pthread_mutex_lock(&lock);
    box = choose();
    if (box != NULL)
        letter = take(box);
    pthread_mutex_unlock(&lock);
    return letter;
}

/* The letter may be kept for long in a cleanup that is done: so it lets go of
 * what it holds. */
static void *
run(void *arg)
{
    struct gcwg_letter *letter = arg;
    struct gcwg_call call = {
        .procedure = letter->procedure,
        .arguments = letter->arguments
    };

    gcwg_letter_empty(letter);
    gcwg_call(&call);
    if (!call.returned)
        gcwg_tell(gcwg_cleanups, letter->handle,
                  scm_procedure_name(call.procedure), &call);
    return NULL;
}

static void
run_all(struct mailbox *(*choose)(void))
{
    struct gcwg_letter *letter;

    while (atomic_load(&filled) != 0
           && (letter = take_from(choose)) != NULL)
        gcwg_outside_anywhere(run, letter);
}

void
gcwg_open_mail(void)
{
    run_all(own_box);
    run_all(abandoned_box);
}

struct gcwg_letter *
gcwg_take_mail(void)
{
    struct gcwg_letter *letter = NULL;

    if (atomic_load(&filled) != 0)
        letter = take_from(own_box);
    if (letter == NULL && atomic_load(&filled) != 0)
        letter = take_from(abandoned_box);
    return letter;
}

/* The thread may exit at any moment; then this fails. */
static SCM
wake(void *thread)
{
    gcwg_drain_soon(SCM_PACK_POINTER(thread));
    return SCM_UNSPECIFIED;
}

static SCM
not_woken(void *unused, SCM key, SCM details)
{
    (void)unused;
    (void)details;
    return key;
}

/* Once it lies in the mailbox, it may be run and emptied at any moment. */
static void
send(struct gcwg_letter *letter)
{
    struct gcwg_letter copy = *letter;
    bool was_empty;

    pthread_mutex_lock(&lock);
    was_empty = put(box_of(copy.thread), letter);
    pthread_mutex_unlock(&lock);
    if (was_empty)
        scm_c_catch(SCM_BOOL_T, wake, SCM_UNPACK_POINTER(copy.thread),
                    not_woken, NULL, NULL, NULL);
    if (is_abandoned(&copy))
        run_all(abandoned_box);
}

static void *
deliver(void *arg)
{
    struct gcwg_letter *letter = arg;
    bool own = scm_is_eq(letter->thread, scm_current_thread());

    if (own)
        run_all(own_box);
    if (own || is_abandoned(letter))
        run(letter);
    else
        send(letter);
    return NULL;
}

void
gcwg_deliver(struct gcwg_letter *letter)
{
    gcwg_outside_anywhere(deliver, letter);
}

/* Behind what lies in this thread's mailbox already.  False: nothing does. */
static bool
queue_behind(struct gcwg_letter *letter)
{
    struct mailbox *box;

    if (atomic_load(&filled) == 0)
        return false;
    pthread_mutex_lock(&lock);
    box = own_box();
    if (box != NULL)
        put(box, letter);
    pthread_mutex_unlock(&lock);
    return box != NULL;
}

struct gcwg_letter *
gcwg_forward(struct gcwg_letter *letter)
{
    if (scm_is_eq(letter->thread, scm_current_thread()))
        return queue_behind(letter) ? NULL : letter;
    if (is_abandoned(letter))
        return letter;
    send(letter);
    return NULL;
}

static void *
open_all_mail(void *unused)
{
    gcwg_drain_at_exit();
    return unused;
}

/* Before the library's own part of the exit, which runs what is pending.  A
 * callback may call exit in its turn, which goes on behind this function: so
 * that nothing is left, this is registered once more. */
static void
exit_begins(void)
{
    atomic_store(&exiting, true);
    if (atomic_load(&filled) != 0)
        atexit(exit_begins);
    scm_with_guile(open_all_mail, NULL);
}

static void
fork_begins(void)
{
    pthread_mutex_lock(&lock);
}

static void
fork_ended(void)
{
    pthread_mutex_unlock(&lock);
}

static void
child_begins(void)
{
    atomic_fetch_add(&generation, 1);
    forked = has_callbacks ? scm_current_thread() : SCM_BOOL_F;
    pthread_mutex_unlock(&lock);
}

void
gcwg_mailbox_init(void)
{
    ring = scm_gc_malloc(sizeof *ring, "gcweak");
    *ring = (struct mailbox){ ring, ring, NULL, NULL };
    scm_permanent_object(scm_from_pointer(ring, NULL));
    boxes = scm_permanent_object(
        scm_make_weak_key_hash_table(SCM_UNDEFINED));
    forked = SCM_BOOL_F;
    if (pthread_atfork(fork_begins, fork_ended, child_begins) != 0
        || atexit(exit_begins) != 0)
        scm_report_out_of_memory();
}
