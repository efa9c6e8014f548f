/* hub-post.c: emissions that wait, and the descriptor that tells of them.
 *
 * A queue under the lock of the hub.  A dispatch takes one off, lets go of the
 * lock, and emits it.  What was taken off forgets its successor, so that a
 * stale pointer to one does not hold all that came after it.
 *
 * The descriptor lives in memory of malloc, so that it can be closed when the
 * hub has died, told by the sweep; nobody is at it then, since who is at it
 * holds the hub.
 */
#include <config.h>
#include "delay.h"
#include "hub.h"

#include "init.h"
#include "lock.h"

#include <stdlib.h>
#include <string.h>

static struct gcw__post *
post_new(const char *type, void *source, void *arg)
{
    size_t length = type == NULL ? 0 : strlen(type) + 1;
    struct gcw__post *post = GC_MALLOC(sizeof *post + length);

    if (post == NULL)
        return NULL;
    post->size = sizeof *post + length;
    post->source = source;
    post->arg = arg;
    if (type != NULL)
        post->type = memcpy(post + 1, type, length);
    return post;
}

static void
enqueue(gcw_hub *h, struct gcw__post *post)
{
    if (h->newest != NULL)
        h->newest->next = post;
    else
        h->oldest = post;
    h->newest = post;
    post->number = ++h->last_number;
    h->posted++;
    h->posted_bytes += post->size;
}

/* The oldest, unless it was posted after the one with the number `last`. */
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
    }
    gcw__unlock(gcw__hub_lock(h));
    GCW__DELAY(1);
    return post;
}

static bool
any_posted(gcw_hub *h)
{
    bool any;

    gcw__lock(gcw__hub_lock(h), true);
    any = h->oldest != NULL;
    gcw__unlock(gcw__hub_lock(h));
    return any;
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

/* NULL until somebody has asked for the descriptor. */
static struct gcw__wakeup *
wakeup_of(gcw_hub *h)
{
    struct gcw__wakeup *w;

    gcw__lock(gcw__hub_lock(h), true);
    w = h->place->wakeup;
    gcw__unlock(gcw__hub_lock(h));
    return w;
}

static void
wake(gcw_hub *h)
{
    struct gcw__wakeup *w = wakeup_of(h);

    if (w != NULL)
        gcw__wakeup_set(w);
}

int
gcw_hub_post(gcw_hub *h, const char *type, void *source, void *arg)
{
    struct gcw__post *post;

    if (gcw__enter() != 0)
        return -1;
    if (h == NULL)
        return gcw__fail_int(EINVAL);
    post = post_new(type, source, arg);
    if (post == NULL)
        return gcw__fail_int(ENOMEM);
    gcw__lock(gcw__hub_lock(h), true);
    enqueue(h, post);
    gcw__unlock(gcw__hub_lock(h));
    wake(h);
    GCW__KEEP(h);
    return 0;
}

/* Back to where it was taken from. */
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

/* Up to `max` of those that are there now; returns how many. */
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

size_t
gcw_hub_dispatch(gcw_hub *h, size_t max)
{
    struct gcw__wakeup *w;
    size_t made;

    if (gcw__enter() != 0)
        return 0;
    if (h == NULL) {
        errno = EINVAL;
        return 0;
    }
    w = wakeup_of(h);
    if (w != NULL)
        gcw__wakeup_clear(w);
    made = emit_posted(h, max);
    if (any_posted(h))
        wake(h);
    GCW__KEEP(h);
    return made;
}

/* The descriptor. */

static struct gcw__wakeup *
wakeup_new(void)
{
    static const struct gcw__wakeup none = GCW__WAKEUP_INIT;
    struct gcw__wakeup *w = malloc(sizeof *w);

    if (w != NULL)
        memcpy(w, &none, sizeof none);
    return w;
}

/* Another thread may have been faster. */
static struct gcw__wakeup *
need_wakeup(gcw_hub *h)
{
    struct gcw__wakeup *w = wakeup_of(h), *unused = NULL;

    if (w != NULL)
        return w;
    w = wakeup_new();
    if (w == NULL)
        return NULL;
    gcw__lock(gcw__hub_lock(h), true);
    if (h->place->wakeup != NULL) {
        unused = w;
        w = h->place->wakeup;
    }
    h->place->wakeup = w;
    gcw__unlock(gcw__hub_lock(h));
    free(unused);
    return w;
}

int
gcw_hub_fd(gcw_hub *h)
{
    struct gcw__wakeup *w;
    int fd;

    if (gcw__enter() != 0)
        return -1;
    if (h == NULL)
        return gcw__fail_int(EINVAL);
    w = need_wakeup(h);
    if (w == NULL)
        return gcw__fail_int(ENOMEM);
    fd = gcw__wakeup_open(w);
    if (fd >= 0 && any_posted(h))
        gcw__wakeup_set(w);
    GCW__KEEP(h);
    return fd;
}

bool
gcw__hub_closed(struct gcw__place *place, bool may_wait)
{
    struct gcw__hub_place *p = (struct gcw__hub_place *)place;

    if (p->wakeup == NULL)
        return true;
    if (!gcw__wakeup_close(p->wakeup, may_wait))
        return false;
    free(p->wakeup);
    p->wakeup = NULL;
    return true;
}
