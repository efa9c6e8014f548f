/* exit-ids.c: numbers of handlers, which may be kept in any memory.
 *
 * A handle that lies in malloc memory holds nothing, and may be that of another
 * handler when it is used.  A number is that of one handler for ever.  A
 * function without a handle is found by its number in its order
 * (exit-order.c).  This is about handles, of which only those have a number that
 * were asked for it, and pay for it.
 *
 * Such a handler has a token, which is found by the number, and by the handler.
 * It does not hold the handler, which would hold the registry: its pointer is
 * hidden, and good under the exit lock, while the registry is alive and the
 * handler waits in it.  While the handler runs it is in no registry, so then
 * the token holds it.  A token goes with its handler: when that is taken off,
 * has run, or its registry is disposed of or has died.
 *
 * Tables and tokens are in collected memory, hung on the roots; all is under
 * the exit lock.
 */
#include <config.h>
#include "exit/exit-ids.h"

#include "ground/hidden.h"
#include "ground/lock.h"
#include "ground/memory.h"
#include "ground/roots.h"
#include "ground/spare.h"
#include "weak/enter.h"

struct gcw__exit_token {
    uint64_t id;
    uintptr_t handler;               /* hidden */
    gcw_exit_handler *running;       /* the handler, while it runs; or NULL */
    struct gcw__exit_container *container;
    struct gcw__exit_token *prev, *next;     /* of the same container */
};

/* Numbers follow each other; neighbours would crowd. */
static uintptr_t
place_of_id(uint64_t id)
{
    return (uintptr_t)id << 4;
}

static struct gcw__exit_token *
token_of_id(uint64_t id)
{
    const struct gcw__table *t = &gcw__roots->exit_ids;
    size_t at = gcw__table_place(place_of_id(id));
    struct gcw__exit_token *token;

    while ((token = gcw__table_next(t, place_of_id(id), &at)) != NULL
           && token->id != id)
        continue;
    return token;
}

/* A registry may have died without our having heard of it yet: then another
 * handler may lie where one of its handlers lay. */
static struct gcw__exit_token *
token_of_handler(const gcw_exit_handler *h)
{
    const struct gcw__exit_container *c = gcw__exit_container(h->registry);
    uintptr_t address = (uintptr_t)h;
    size_t at = gcw__table_place(address);
    struct gcw__exit_token *token;

    do
        token = gcw__table_next(&gcw__roots->exit_id_of, address, &at);
    while (token != NULL && token->container != c);
    return token;
}

static void
remove_token(struct gcw__exit_token *token)
{
    uintptr_t address = (uintptr_t)gcw__reveal(token->handler);

    gcw__table_remove(&gcw__roots->exit_ids, place_of_id(token->id), token);
    gcw__table_remove(&gcw__roots->exit_id_of, address, token);
    if (token->prev != NULL)
        token->prev->next = token->next;
    else
        token->container->tokens = token->next;
    if (token->next != NULL)
        token->next->prev = token->prev;
}

void
gcw__exit_id_changes(gcw_exit_handler *h)
{
    struct gcw__exit_token *token = token_of_handler(h);

    h->has_id = h->state != GCW__GONE;
    if (token == NULL)
        return;
    if (h->has_id)
        token->running = h->state == GCW__RUNNING ? h : NULL;
    else
        remove_token(token);
}

bool
gcw__exit_ids_closed(struct gcw__container *container, bool may_wait)
{
    struct gcw__exit_container *c = (struct gcw__exit_container *)container;

    if (!gcw__lock(&gcw__exit_lock, may_wait))
        return false;
    while (c->tokens != NULL)
        remove_token(c->tokens);
    gcw__unlock(&gcw__exit_lock);
    return true;
}

/* Giving a number. */

struct numbering {
    gcw_exit_handler *handler;
    struct gcw__exit_token *token;
    struct gcw__entry *entries[2];   /* for the two tables */
    size_t capacity;                 /* that these have, or are to have */
    uint64_t id;
};

static void
add_token(struct numbering *n)
{
    struct gcw__exit_token *token = n->token;
    gcw_exit_handler *h = n->handler;
    struct gcw__exit_container *c = gcw__exit_container(h->registry);

    token->id = n->id = gcw__order_number();
    token->handler = gcw__hide(h);
    token->running = h->state == GCW__RUNNING ? h : NULL;
    token->container = c;
    token->next = c->tokens;
    if (c->tokens != NULL)
        c->tokens->prev = token;
    c->tokens = token;
    gcw__table_insert(&gcw__roots->exit_ids, place_of_id(token->id), token);
    gcw__table_insert(&gcw__roots->exit_id_of, (uintptr_t)h, token);
    h->has_id = true;
}

/* Both tables have the same number of items, and the same room. */
static bool
has_room_for_token(struct numbering *n)
{
    struct gcw__table *t = &gcw__roots->exit_ids;
    size_t capacity = gcw__grown(t->capacity, t->count);

    if (capacity == t->capacity)
        return true;
    if (n->entries[1] == NULL || n->capacity != capacity) {
        n->capacity = capacity;
        n->entries[0] = n->entries[1] = NULL;
        return false;
    }
    gcw__table_move(t, n->entries[0], capacity);
    gcw__table_move(&gcw__roots->exit_id_of, n->entries[1], capacity);
    n->capacity = 0;
    return true;
}

static int
try_to_number(void *arg)
{
    struct numbering *n = arg;
    const struct gcw__exit_token *token;

    if (n->handler->state == GCW__GONE)
        return ENOENT;
    token = token_of_handler(n->handler);
    if (token != NULL) {
        n->id = token->id;
        return 0;
    }
    if (!has_room_for_token(n) || n->token == NULL)
        return GCW__MISSING;
    add_token(n);
    return 0;
}

static bool
fill_for_numbering(void *arg)
{
    struct numbering *n = arg;

    if (n->token == NULL)
        n->token = gcw__new(sizeof *n->token);
    if (n->capacity != 0 && n->entries[1] == NULL) {
        n->entries[0] = gcw__new(n->capacity * sizeof *n->entries[0]);
        n->entries[1] = gcw__new(n->capacity * sizeof *n->entries[1]);
        return n->token != NULL && n->entries[0] != NULL
               && n->entries[1] != NULL;
    }
    return n->token != NULL;
}

uint64_t
gcw_exit_id(gcw_exit_handler *h)
{
    struct numbering n = { .handler = h };
    int error = EINVAL;

    if (gcw__enter() != 0)
        return 0;
    if (h == NULL)
        gcw__refuse(EINVAL, "given h", h);
    else
        error = gcw__with_spare(&gcw__exit_lock, try_to_number,
                                fill_for_numbering, &n);
    if (error == 0)
        return n.id;
    errno = error;
    return 0;
}

/* Finding by the number. */

gcw_exit_handler *
gcw__exit_id_find(uint64_t id)
{
    const struct gcw__exit_token *token = token_of_id(id);

    return token == NULL ? NULL : gcw__reveal(token->handler);
}

void *
gcw__exit_id_registry(uint64_t id)
{
    const struct gcw__exit_token *token;
    struct gcw__exit_container *c;

    gcw__lock(&gcw__exit_lock, true);
    token = token_of_id(id);
    c = token == NULL ? NULL : token->container;
    gcw__unlock(&gcw__exit_lock);
    return c == NULL ? NULL : gcw__container_object(&c->container);
}
