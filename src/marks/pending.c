/* pending.c: entries that wait for what they live by to be found alive.
 *
 * Two words in one: an entry with the sort of its table in the lowest bits, or,
 * with all those bits set, a table, whose entries follow.  A few rounds walk
 * over all.  After that there is an index, so that a chain of entries, each of
 * which makes the next one live, takes linear time.  It is made anew when there
 * are more entries than heads.
 *
 * The memory is mapped when tables are registered, before they can be full, so
 * that none is needed while the world is stopped.  Pages that nothing was
 * written to take none.
 */
#include <config.h>
#include "marks/pending.h"

#include "ground/hidden.h"
#include "ground/table.h"

#include <errno.h>
#include <gc.h>
#include <string.h>
#include <sys/mman.h>

enum { TABLE = 7, KEPT = 1 << 16 };

/* The arrays, in one piece of memory.  A table has at least one slot, so there
 * are no more words than twice the slots. */
struct arrays {
    uintptr_t *words;                /* 0: taken out */
    uint32_t *heads, *after, *found; /* numbers of words, from 1 on; 0: none */
    size_t capacity;                 /* of each */
};

static struct {
    struct arrays in;
    size_t n, n_found;
    uint64_t clears;
    uint32_t mask;                   /* of the heads; 0: there is no index */
    uintptr_t hidden;                /* the table whose entries are added, for
                                      * the collector looks here; 0: it is in */
    uintptr_t (*of)(const struct gcw__weak_entry *entry, enum gcw__sort sort);
} pending;

/* Memory. */

static size_t
bytes_of(size_t capacity)
{
    return capacity * (sizeof(uintptr_t) + 3 * sizeof(uint32_t));
}

static bool
map_arrays(struct arrays *out, size_t capacity)
{
    int before = errno;
    void *memory = mmap(NULL, bytes_of(capacity), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    errno = before;
    if (memory == MAP_FAILED)
        return false;
    out->words = memory;
    out->heads = (uint32_t *)(out->words + capacity);
    out->after = out->heads + capacity;
    out->found = out->after + capacity;
    out->capacity = capacity;
    return true;
}

/* Between two collections nothing is in them.  Another thread may have been
 * faster. */
static void *
exchange(void *arrays)
{
    struct arrays *new = arrays, old = pending.in;

    if (new->capacity > old.capacity) {
        pending.n = 0;
        pending.clears++;
        pending.in = *new;
        *new = old;
    }
    return NULL;
}

static size_t
power_of_two(size_t n)
{
    size_t power = 1024;

    while (power < n)
        power *= 2;
    return power;
}

bool
gcw__pending_has_room(size_t slots)
{
    return pending.in.capacity >= 2 * slots;
}

bool
gcw__pending_reserve(size_t slots)
{
    struct arrays arrays;

    if (slots > UINT32_MAX / 4
        || !map_arrays(&arrays, power_of_two(2 * slots)))
        return false;
    GC_call_with_alloc_lock(exchange, &arrays);
    if (arrays.words != NULL)
        munmap(arrays.words, bytes_of(arrays.capacity));
    return true;
}

/* Adding and walking. */

/* Gives back what a large one took. */
void
gcw__pending_clear(void)
{
    if (pending.n > KEPT)
        madvise(pending.in.words, bytes_of(pending.in.capacity),
                MADV_DONTNEED);
    pending.clears++;
    pending.n = pending.n_found = 0;
    pending.mask = 0;
    pending.of = NULL;
}

uint64_t
gcw__pending_clears(void)
{
    return pending.clears;
}

void
gcw__pending_begin(struct gcw__weak_table *table)
{
    pending.hidden = gcw__hide(table);
}

static struct gcw__weak_entry *
entry_of(uintptr_t word)
{
    return (struct gcw__weak_entry *)(word & ~(uintptr_t)TABLE);
}

static uint32_t *
head_of(uintptr_t base)
{
    return &pending.in.heads[gcw__mixed_below(gcw__mix(base),
                                              pending.mask + 1)];
}

static void
index_word(size_t at)
{
    uintptr_t word = pending.in.words[at], base;
    uint32_t *head;

    if (word == 0 || (word & TABLE) == TABLE)
        return;
    base = pending.of(entry_of(word), (enum gcw__sort)(word & TABLE));
    if (base == 0)
        return;
    head = head_of(base);
    pending.in.after[at] = *head;
    *head = (uint32_t)at + 1;
}

/* At most one entry a head. */
static void
index_pending(void)
{
    size_t heads = power_of_two(2 * pending.n);

    if (heads > pending.in.capacity)
        heads = pending.in.capacity;
    pending.mask = (uint32_t)heads - 1;
    memset(pending.in.heads, 0, heads * sizeof *pending.in.heads);
    for (size_t at = 0; at < pending.n; at++)
        index_word(at);
}

static void
add_word(uintptr_t word)
{
    pending.in.words[pending.n++] = word;
    if (pending.of == NULL)
        return;
    if (pending.n > (size_t)pending.mask + 1)
        index_pending();
    else
        index_word(pending.n - 1);
}

void
gcw__pending_add(struct gcw__weak_entry *entry, enum gcw__sort sort)
{
    if (pending.hidden != 0)
        add_word((uintptr_t)gcw__reveal(pending.hidden) | TABLE);
    pending.hidden = 0;
    add_word((uintptr_t)entry | sort);
}

bool
gcw__pending_next(size_t *at, struct gcw__pending *out)
{
    while (*at < pending.n) {
        uintptr_t word = pending.in.words[(*at)++];

        if ((word & TABLE) == TABLE) {
            out->table = (struct gcw__weak_table *)(word & ~(uintptr_t)TABLE);
        } else if (word != 0) {
            out->entry = entry_of(word);
            out->sort = (enum gcw__sort)(word & TABLE);
            return true;
        }
    }
    return false;
}

void
gcw__pending_remove(size_t at)
{
    pending.in.words[at - 1] = 0;
}

/* Finding. */

void
gcw__pending_index(uintptr_t (*of)(const struct gcw__weak_entry *entry,
                                   enum gcw__sort sort))
{
    pending.of = of;
    index_pending();
}

void
gcw__pending_found(uintptr_t base)
{
    for (uint32_t number = *head_of(base); number != 0;
         number = pending.in.after[number - 1]) {
        uintptr_t word = pending.in.words[number - 1];

        if (word != 0
            && pending.of(entry_of(word), (enum gcw__sort)(word & TABLE))
               == base)
            pending.in.found[pending.n_found++] = number;
    }
}

bool
gcw__pending_take(struct gcw__pending *out)
{
    while (pending.n_found > 0) {
        uint32_t number = pending.in.found[--pending.n_found];
        uintptr_t word = pending.in.words[number - 1];

        if (word == 0)
            continue;
        pending.in.words[number - 1] = 0;
        *out = (struct gcw__pending){ NULL, entry_of(word),
                                      (enum gcw__sort)(word & TABLE) };
        return true;
    }
    return false;
}
