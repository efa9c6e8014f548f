/* inside.c: the references that lead into the middle of an object.
 *
 * A table finds the head of an object's ring by the object's base.  The head
 * comes with the first reference and goes with the last.
 */
#include <config.h>
#include "weak/inside.h"

#include "collector/collector.h"
#include "ground/memory.h"

#include <stdlib.h>

static struct gcw__inside *
find_head(const struct gcw__table *heads, uintptr_t base)
{
    size_t at = gcw__table_place(base);

    return gcw__table_next(heads, base, &at);
}

static struct gcw__inside *
inside_new(uintptr_t base, uintptr_t target, void *seat)
{
    struct gcw__inside *inside = gcw__malloc(sizeof *inside);

    if (inside != NULL)
        *inside = (struct gcw__inside){ inside, inside, base, target, seat };
    return inside;
}

/* The head of the object's ring, made if there is none. */
static struct gcw__inside *
need_head(struct gcw__table *heads, uintptr_t base)
{
    struct gcw__inside *head = find_head(heads, base);

    if (head != NULL || !gcw__table_make_room(heads))
        return head;
    head = inside_new(base, 0, NULL);
    if (head != NULL)
        gcw__table_insert(heads, base, head);
    return head;
}

static void
drop_empty_ring(struct gcw__table *heads, struct gcw__inside *head)
{
    if (head->next != head)
        return;
    gcw__table_remove(heads, head->base, head);
    free(head);
    gcw__table_trim(heads);
}

struct gcw__inside *
gcw__inside_add(struct gcw__table *heads, uintptr_t base, uintptr_t target,
                void *seat)
{
    struct gcw__inside *head = need_head(heads, base), *inside;

    if (head == NULL)
        return NULL;
    inside = inside_new(base, target, seat);
    if (inside == NULL) {
        drop_empty_ring(heads, head);
        return NULL;
    }
    inside->prev = head;
    inside->next = head->next;
    inside->next->prev = inside;
    head->next = inside;
    return inside;
}

void
gcw__inside_remove(struct gcw__table *heads, struct gcw__inside *inside)
{
    struct gcw__inside *next = inside->next;

    inside->prev->next = next;
    next->prev = inside->prev;
    if (next->target == 0)
        drop_empty_ring(heads, next);
}

void *
gcw__inside_any(const struct gcw__table *heads, uintptr_t base)
{
    struct gcw__inside *head = find_head(heads, base);

    return head == NULL ? NULL : head->next->seat;
}

static void *
free_list(void *first)
{
    struct gcw__inside *inside = first, *next;

    for (; inside != NULL; inside = next) {
        next = inside->next;
        free(inside);
    }
    return NULL;
}

void
gcw__insides_free(struct gcw__inside *first)
{
    if (first != NULL)
        gcw__with_lock(free_list, first);
}
