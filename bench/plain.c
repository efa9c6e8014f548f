/* plain.c: a plain hash table, for one thread.  Its memory is collected, so it
 * holds its keys and values. */
#include "map-ways.h"

#include <stdint.h>

enum { SMALLEST = 4 };               /* the logarithm of a capacity */

struct entry {
    uintptr_t key;                   /* 0: free */
    void *value;
};

struct table {
    struct entry *entries;
    size_t mask, count;
    unsigned shift;
};

static size_t
place(const struct table *t, uintptr_t key)
{
    return (size_t)(key * 0x9e3779b97f4a7c15u >> t->shift);
}

/* The key's entry, or the free one where it would be. */
static struct entry *
find(const struct table *t, uintptr_t key)
{
    size_t at = place(t, key);

    while (t->entries[at].key != key && t->entries[at].key != 0)
        at = (at + 1) & t->mask;
    return &t->entries[at];
}

static void
make_entries(struct table *t, unsigned logarithm)
{
    size_t capacity = (size_t)1 << logarithm;

    t->entries = must(GC_MALLOC(capacity * sizeof *t->entries));
    t->mask = capacity - 1;
    t->shift = 64 - logarithm;
}

void *
plain_open(void)
{
    struct table *t = must(GC_MALLOC(sizeof *t));

    make_entries(t, SMALLEST);
    return t;
}

static void
grow(struct table *t)
{
    struct entry *old = t->entries;
    size_t capacity = t->mask + 1;

    make_entries(t, 64 - t->shift + 1);
    for (size_t i = 0; i < capacity; i++)
        if (old[i].key != 0)
            *find(t, old[i].key) = old[i];
    GC_FREE(old);
}

void *
plain_get(void *table, void *key)
{
    return find(table, (uintptr_t)key)->value;
}

/* The entry of the key, which is new. */
static struct entry *
add(struct table *t, uintptr_t key)
{
    struct entry *e;

    if (++t->count * 4 > (t->mask + 1) * 3)
        grow(t);
    e = find(t, key);
    e->key = key;
    return e;
}

void
plain_put(void *table, void *key, void *value)
{
    struct entry *e = find(table, (uintptr_t)key);

    if (e->key == 0)
        e = add(table, (uintptr_t)key);
    e->value = value;
}

void *
plain_setdefault(void *table, void *key, void *value)
{
    struct entry *e = find(table, (uintptr_t)key);

    if (e->key == 0) {
        e = add(table, (uintptr_t)key);
        e->value = value;
    }
    return e->value;
}

/* Those after it move up, unless they are where they belong. */
static void
close_gap(struct table *t, size_t gap)
{
    for (size_t at = gap;;) {
        size_t far;

        at = (at + 1) & t->mask;
        if (t->entries[at].key == 0)
            break;
        far = (at - place(t, t->entries[at].key)) & t->mask;
        if (far < ((at - gap) & t->mask))
            continue;
        t->entries[gap] = t->entries[at];
        gap = at;
    }
    t->entries[gap] = (struct entry) { 0, NULL };
}

void
plain_remove(void *table, void *key)
{
    struct table *t = table;
    struct entry *e = find(t, (uintptr_t)key);

    if (e->key == 0)
        return;
    t->count--;
    close_gap(t, (size_t)(e - t->entries));
}
