/* hub-post.c: posted emissions, and the descriptor that is readable while
 * there are any.
 *
 * Posted emissions are in a queue, under the lock of the hub.  A dispatch
 * takes one off, lets go of the lock, and emits it.  It forgets its successor
 * then, so that a stale pointer to it does not hold all that came after it.
 */
#include <config.h>
#include "event/hub.h"
#include "event/hub-step.h"
#include "ground/delay.h"

#include "ground/lock.h"
#include "ground/memory.h"
#include "weak/enter.h"

#include <string.h>

static struct gcw__post *
post_new(const char *type, void *source, void *arg)
{
    size_t length = type == NULL ? 0 : strlen(type) + 1;
    struct gcw__post *post = gcw__new(sizeof *post + length);

    if (post == NULL)
        return NULL;
    post->size = sizeof *post + length;
    post->source = source;
    post->arg = arg;
    if (type != NULL)
        post->type = memcpy(post + 1, type, length);
    return post;
}

/* Adds the newest.  Returns 0 or an errno.  Lock held. */
static int
enqueue(gcw_hub *h, struct gcw__post *post)
{
    if (h->container->container.closed)
        return ESTALE;
    if (h->newest != NULL)
        h->newest->next = post;
    else
        h->oldest = post;
    h->newest = post;
    post->number = ++h->last_number;
    h->posted++;
    h->posted_bytes += post->size;
    h->container->container.posted = h->posted;
    gcw__polled_show(h->container, h);
    return 0;
}

/* Takes the oldest off, unless its number is greater than `last`; or NULL. */
static struct gcw__post *
dequeue(gcw_hub *h, uint64_t last)
{
    struct gcw__post *post;

    gcw__lock(gcw__hub_lock(h), true);
    post = h->oldest;
    if (post != NULL && post->number > last)
        post = NULL;
    if (post != NULL) {
        h->oldest = post->next;
        if (post->next == NULL)
            h->newest = NULL;
        post->next = NULL;
        h->posted--;
        h->posted_bytes -= post->size;
        h->container->container.posted = h->posted;
    }
    if (h->oldest == NULL)
        gcw__polled_hide(h->container);
    gcw__unlock(gcw__hub_lock(h));
    GCW__DELAY(1);
    return post;
}

void
gcw__hub_drop_posts(gcw_hub *h)
{
    h->oldest = h->newest = NULL;
    h->posted = h->posted_bytes = 0;
    h->container->container.posted = 0;
    gcw__polled_hide(h->container);
}

static uint64_t
last_number(gcw_hub *h)
{
    uint64_t last;

    gcw__lock(gcw__hub_lock(h), true);
    last = h->last_number;
    gcw__unlock(gcw__hub_lock(h));
    return last;
}

struct post_call {
    gcw_hub *hub;
    const char *type;
    void *source, *arg;
    int error;
};

/* The thread is known. */
static void
post_to_hub(void *arg)
{
    struct post_call *call = arg;
    gcw_hub *h = call->hub;
    struct gcw__post *post;

    if (gcw__enter_for(NULL) != 0) {
        call->error = errno;
        return;
    }
    post = post_new(call->type, call->source, call->arg);
    if (post == NULL) {
        call->error = ENOMEM;
        return;
    }
    gcw__lock(gcw__hub_lock(h), true);
    call->error = enqueue(h, post);
    gcw__unlock(gcw__hub_lock(h));
    GCW__KEEP(h);
}

int
gcw_hub_post(gcw_hub *h, const char *type, void *source, void *arg)
{
    struct post_call call = { h, type, source, arg, EPERM };
    int before = errno;

    if (h == NULL)
        return gcw__refuse_int(EINVAL, "given h", h);
    if (!gcw__holdable(source) || !gcw__holdable(arg))
        return gcw__refuse_int(EINVAL, "held source, held arg", source, arg);
    gcw__as_known(post_to_hub, &call);
    if (call.error != 0)
        return gcw__refuse_int(call.error, "open h", h);
    errno = before;
    return 0;
}

/* Puts it back to where it was taken from. */
static void
put_back(gcw_hub *h, struct gcw__post *post)
{
    gcw__lock(gcw__hub_lock(h), true);
    post->next = h->oldest;
    h->oldest = post;
    if (h->newest == NULL)
        h->newest = post;
    h->posted++;
    h->posted_bytes += post->size;
    h->container->container.posted = h->posted;
    gcw__polled_show(h->container, h);
    gcw__unlock(gcw__hub_lock(h));
}

static bool
emit_post(gcw_hub *h, struct gcw__post *post)
{
    size_t called;
    bool emitted = gcw__hub_emit(h, post->type, post->source, post->arg,
                                 &called);

    if (!emitted)
        put_back(h, post);
    GCW__KEEP(post);
    return emitted;
}

/* Emits up to `max` of those that are in the queue now; returns how many. */
static size_t
emit_posted(gcw_hub *h, size_t max)
{
    uint64_t last = last_number(h);
    struct gcw__post *post;
    size_t made = 0;

    while ((max == 0 || made < max) && (post = dequeue(h, last)) != NULL) {
        if (!emit_post(h, post)) {
            errno = ENOMEM;
            break;
        }
        made++;
    }
    return made;
}

/* Clears and sets the descriptor if some were left, for loops that are woken
 * by changes only (edge-triggered). */
static void
wake_again(gcw_hub *h)
{
    gcw__lock(gcw__hub_lock(h), true);
    if (h->oldest != NULL && h->container->wakeup != NULL) {
        gcw__wakeup_clear(h->container->wakeup);
        gcw__wakeup_set(h->container->wakeup);
    }
    gcw__unlock(gcw__hub_lock(h));
}

/* Stepping through what was posted: step->post is the one under way, and holds
 * its type; step->last the number of the last that there was at first. */

/* Has the step hold nothing, but how far the dispatch is. */
static void
clear_dispatch(gcw_hub_step *step)
{
    uint64_t last = step->last;
    size_t max = step->max, made = step->made;

    gcw__hub_step_clear(step);
    step->last = last;
    step->max = max;
    step->made = made;
}

static bool
begin_post(gcw_hub *h, struct gcw__post *post, gcw_hub_step *step)
{
    gcw_emission emission = { h, NULL, post->type, post->source, post->arg };

    clear_dispatch(step);
    if (!gcw__hub_step_begin(step, &emission)) {
        put_back(h, post);
        return gcw__fail_false(ENOMEM);
    }
    step->post = post;
    step->made++;
    return true;
}

/* Begins the next emission.  False: there is none, or no memory. */
static bool
begin_next(gcw_hub *h, gcw_hub_step *step)
{
    struct gcw__post *post = NULL;

    if (step->max == 0 || step->made < step->max)
        post = dequeue(h, step->last);
    return post != NULL && begin_post(h, post, step);
}

static bool
next_posted(gcw_hub *h, gcw_hub_step *step)
{
    bool found = step->post != NULL && gcw__hub_step_next(step);

    while (!found && begin_next(h, step))
        found = gcw__hub_step_next(step);
    if (found)
        return true;
    wake_again(h);
    clear_dispatch(step);
    return false;
}

bool
gcw_hub_dispatch_first(gcw_hub *h, size_t max, gcw_hub_step *step)
{
    if (step != NULL)
        gcw__hub_step_clear(step);
    if (gcw__enter() != 0)
        return false;
    if (h == NULL || step == NULL)
        return gcw__refuse_false(EINVAL, "given h, given step", h, step);
    step->emission.hub = h;
    step->last = last_number(h);
    step->max = max;
    return next_posted(h, step);
}

bool
gcw_hub_dispatch_next(gcw_hub_step *step)
{
    if (gcw__enter() != 0)
        return false;
    if (step == NULL)
        return gcw__refuse_false(EINVAL, "given step", step);
    return step->emission.hub != NULL && next_posted(step->emission.hub, step);
}

size_t
gcw_hub_dispatch(gcw_hub *h, size_t max)
{
    size_t made;

    if (gcw__enter() != 0)
        return 0;
    if (h == NULL)
        return gcw__refuse_zero(EINVAL, "given h", h);
    made = emit_posted(h, max);
    wake_again(h);
    GCW__KEEP(h);
    return made;
}

/* The descriptor. */

static bool
has_posts(const void *hub)
{
    return ((const gcw_hub *)hub)->oldest != NULL;
}

int
gcw_hub_fd(gcw_hub *h)
{
    int fd;

    if (gcw__enter() != 0)
        return -1;
    if (h == NULL)
        return gcw__refuse_int(EINVAL, "given h", h);
    fd = gcw__polled_fd(h->container, h, has_posts);
    return fd >= 0 ? fd : gcw__refuse_int(errno, "open h", h);
}
