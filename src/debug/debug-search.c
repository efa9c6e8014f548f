/* debug-search.c: a chain of objects from a root to a target.
 *
 * The search goes in breadth, under the collector's lock: objects that were
 * reached are in a list, each with the word that led to it, and the list is
 * gone through from its beginning while it grows.  So the first chain that is
 * found is a shortest one.  A table has the objects that are in the list.
 *
 * The engine's tables (marks/weak-table.h) are no plain memory.  What an entry
 * holds is reached when both the table and what the entry lives by are, and is
 * said to be reached from the latter.  So no entry explains what it lives by,
 * and a chain of entries is a chain of their keys.  If the table comes first,
 * the entry waits, and is found by what it lives by.
 *
 * The target's address is hidden (hidden.h), so that neither the collection
 * nor the search finds it in the search itself.
 *
 * Words are taken for pointers as the collector takes them: any word that
 * leads into an object counts, one into its middle from the heap or from
 * static data only if the collector follows such, but for the place behind the
 * header of its debugging allocators.  Objects that the collection before has
 * not marked are passed over at first, for they are free, or new.  None is
 * passed over where marks mean nothing, because the collector marks bit by bit
 * or not at all.
 *
 * Other threads run, but cannot allocate, so nothing is freed meanwhile; what
 * they change in objects may be missed.  Memory comes from mmap.  Static data
 * is read within dl_iterate_phdr, as the collector does, so that no shared
 * object is unloaded meanwhile.
 */
#include <config.h>
#include "debug/debug-search.h"

#include "collector/collector.h"
#include "collector/objects.h"
#include "collector/threads.h"
#include "ground/hidden.h"
#include "ground/roots.h"
#include "ground/stack.h"
#include "ground/table.h"
#include "marks/engine.h"

#include <errno.h>
#include <gc/gc_mark.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

/* An object that was reached. */
struct node {
    uintptr_t base;
    uintptr_t word;                  /* where the pointer to it is; 0: it is
                                      * uncollectable */
    size_t from;                     /* the number of the object that the word
                                      * is in; or a root; or of what the entry
                                      * lives by that the word is in */
    size_t table;                    /* of that entry; else NOTHING */
};
#define NOTHING SIZE_MAX

/* Numbers that stand for roots. */
#define ROOT(root) (SIZE_MAX - (size_t)(root))
#define IS_ROOT(from) ((from) >= ROOT(GCW__ROOT_COLLECTOR))

struct search {
    uintptr_t hidden, hidden_base;   /* the caller's pointer, and the beginning
                                      * of its object */
    uintptr_t stack, stack_bottom;
    bool use_marks;
    bool interior;                   /* pointers into the middle count
                                      * everywhere */
    struct node *nodes;
    size_t capacity, n, done;        /* of `nodes` */
    struct gcw__table numbers;       /* of nodes, from 1 on, by base */
    struct gcw__table waiting;       /* entries, by the base of what they live
                                      * by, which was not reached before their
                                      * tables were looked at */
    size_t found;                    /* the target's number; SIZE_MAX: none */
    bool no_memory;
    size_t from, table;              /* the object or root that is followed,
                                      * and the table by an entry of which; or
                                      * NOTHING */
    enum gcw__root wanted;           /* which static data to follow */
    bool is_program;                 /* the first object is the program */
    struct gcw__answer *answer;
    enum gcw__found result;
};

/* Memory. */

static void *
get(size_t size)
{
    int before = errno;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    errno = before;
    /* cppcheck-suppress memleak ; it is returned */
    return p == MAP_FAILED ? NULL : p;
}

static void
give(void *p, size_t size)
{
    if (p != NULL)
        munmap(p, size);
}

static void
give_table(struct gcw__table *t)
{
    give(t->entries, t->capacity * sizeof *t->entries);
    *t = (struct gcw__table){ NULL, 0, 0 };
}

static void
give_all(struct search *s)
{
    give(s->nodes, s->capacity * sizeof *s->nodes);
    give_table(&s->numbers);
    give_table(&s->waiting);
    s->nodes = NULL;
    s->capacity = 0;
}

/* Moves the nodes to memory for so many.  False: there is none. */
static bool
move_nodes(struct search *s, size_t capacity)
{
    struct node *nodes = get(capacity * sizeof *nodes);

    if (nodes == NULL)
        return false;
    if (s->n != 0)
        memcpy(nodes, s->nodes, s->n * sizeof *nodes);
    give(s->nodes, s->capacity * sizeof *nodes);
    s->nodes = nodes;
    s->capacity = capacity;
    return true;
}

static bool
move_table(struct gcw__table *t, size_t capacity)
{
    size_t old = t->capacity;
    struct gcw__entry *entries = get(capacity * sizeof *entries);

    if (entries == NULL)
        return false;
    give(gcw__table_move(t, entries, capacity), old * sizeof *entries);
    return true;
}

enum { FIRST = 4096 };               /* how much there is at first */

/* Tables are half full at most. */
static bool
grow(struct search *s)
{
    size_t capacity = s->capacity == 0 ? FIRST : s->capacity * 2;

    s->no_memory = !move_nodes(s, capacity)
                   || !move_table(&s->numbers, 2 * capacity);
    return !s->no_memory;
}

static bool
grow_waiting(struct search *s)
{
    size_t capacity = s->waiting.capacity == 0 ? FIRST
                                               : s->waiting.capacity * 2;

    s->no_memory = !move_table(&s->waiting, capacity);
    return !s->no_memory;
}

/* Reaching objects. */

static void
reach(struct search *s, uintptr_t base, uintptr_t word)
{
    size_t at = gcw__table_place(base);

    if (gcw__table_next(&s->numbers, base, &at) != NULL
        || (s->n == s->capacity && !grow(s)))
        return;
    s->nodes[s->n] = (struct node){ base, word, s->from, s->table };
    gcw__table_insert(&s->numbers, base, (void *)(uintptr_t)++s->n);
    if (base == ~s->hidden_base)
        s->found = s->n - 1;
}

static bool
search_is_over(const struct search *s)
{
    return s->found != SIZE_MAX || s->no_memory;
}

static void
follow_word(struct search *s, uintptr_t pointer, uintptr_t word, bool interior)
{
    uintptr_t base;

    if (pointer < (uintptr_t)GC_least_plausible_heap_addr
        || pointer >= (uintptr_t)GC_greatest_plausible_heap_addr)
        return;
    base = (uintptr_t)GC_base((void *)pointer);
    if (base == 0
        || (base != pointer && !interior
            && !gcw__is_debug_offset(pointer - base))
        || (s->use_marks && !GC_is_marked((void *)base)))
        return;
    reach(s, base, word);
}

static GCW__UNCHECKED uintptr_t
load(uintptr_t word)
{
    return *(const volatile uintptr_t *)word;
}

static void
follow_all(struct search *s, uintptr_t begin, uintptr_t end, bool interior)
{
    uintptr_t word = (begin + sizeof word - 1) & ~(sizeof word - 1);

    for (; word + sizeof word <= end && !search_is_over(s);
         word += sizeof word)
        follow_word(s, load(word), word, interior);
}

/* Tables. */

static uintptr_t
load_half(const _Atomic uintptr_t *half)
{
    return atomic_load_explicit(half, memory_order_acquire);
}

/* Follows half of an entry.  It leads to what it holds, whether into its middle
 * or not. */
static void
follow_half(struct search *s, const _Atomic uintptr_t *half)
{
    follow_word(s, load_half(half), (uintptr_t)half, true);
}

/* The number of the object that begins there, or NOTHING. */
static size_t
number_at(const struct search *s, uintptr_t base)
{
    size_t at = gcw__table_place(base);
    const void *number = gcw__table_next(&s->numbers, base, &at);

    return number == NULL ? NOTHING : (uintptr_t)number - 1;
}

static void
add_waiting(struct search *s, uintptr_t base, struct gcw__weak_entry *entry)
{
    if (s->waiting.count * 2 >= s->waiting.capacity && !grow_waiting(s))
        return;
    gcw__table_insert(&s->waiting, base, entry);
}

/* An entry of the table: `by` is what it lives by. */
static void
follow_weak_entry(struct search *s, size_t table,
                  struct gcw__weak_entry *entry,
                  const _Atomic uintptr_t *by)
{
    uintptr_t base = (uintptr_t)GC_base((void *)load_half(by));
    size_t number = base == 0 ? NOTHING : number_at(s, base);

    if (number != NOTHING) {
        s->from = number;
        s->table = table;
        follow_half(s, by == &entry->key ? &entry->value : &entry->key);
        s->from = table;
        s->table = NOTHING;
    } else if (base != 0) {
        add_waiting(s, base, entry);
    }
}

static void
follow_whole_entry(struct search *s, struct gcw__weak_entry *entry,
                   enum gcw__sort sort)
{
    if (sort != GCW__INTERNED)
        follow_half(s, &entry->key);
    follow_half(s, &entry->value);
}

static void
follow_entry(struct search *s, size_t table, struct gcw__weak_entry *entry,
             enum gcw__sort sort)
{
    uintptr_t key = load_half(&entry->key);

    if (key == 0 || load_half(&entry->value) == 0)
        return;
    if (sort == GCW__STRONG
        || (sort == GCW__GUARDED && gcw__has_fallen(key)))
        follow_half(s, &entry->value);
    else if (s->answer->all_held)
        follow_whole_entry(s, entry, sort);
    else if (sort == GCW__KEYS || sort == GCW__GUARDED)
        follow_weak_entry(s, table, entry, &entry->key);
    else if (sort == GCW__VALUES)
        follow_weak_entry(s, table, entry, &entry->value);
}

static void
follow_table(struct search *s, size_t number)
{
    struct gcw__weak_table *t
        = (struct gcw__weak_table *)s->nodes[number].base;
    uintptr_t shape = load_half(&t->shape);
    struct gcw__weak_entry *entries = gcw__weak_entries(t, shape);
    size_t capacity = gcw__weak_capacity(shape);
    void **owner = &((struct gcw__map_table *)t)->owner;

    if (!gcw__weak_is_table(shape))
        return;
    if (capacity > 1)
        follow_word(s, (uintptr_t)*owner, (uintptr_t)owner, s->interior);
    for (size_t i = 0; i < capacity && !search_is_over(s); i++)
        follow_entry(s, number, &entries[i], gcw__weak_sort(shape));
}

/* The entry waited for an object that is followed now. */
static void
follow_waiting(struct search *s, struct gcw__weak_entry *entry)
{
    struct gcw__weak_table *t = GC_base(entry);

    s->table = number_at(s, (uintptr_t)t);
    follow_half(s, gcw__weak_sort(load_half(&t->shape)) == GCW__VALUES
                       ? &entry->key : &entry->value);
    s->table = NOTHING;
}

static void
follow_all_waiting(struct search *s, uintptr_t base)
{
    size_t at = gcw__table_place(base);
    struct gcw__weak_entry *entry;

    if (s->waiting.count == 0)
        return;
    while ((entry = gcw__table_next(&s->waiting, base, &at)) != NULL)
        follow_waiting(s, entry);
}

/* Objects. */

static void
follow_object(struct search *s, size_t number)
{
    uintptr_t base = s->nodes[number].base;
    size_t size;

    s->from = number;
    follow_all_waiting(s, base);
    if (gcw__is_pointer_free((void *)base))
        return;
    if (gcw__engine_owns((void *)base)) {
        follow_table(s, number);
        return;
    }
    GC_get_kind_and_size((void *)base, &size);
    follow_all(s, base, base + size, s->interior);
}

static void
follow_reached(struct search *s)
{
    while (s->done < s->n && !search_is_over(s))
        follow_object(s, s->done++);
}

/* Roots. */

static void
reach_uncollectable(void *object, size_t size, void *arg)
{
    struct search *s = arg;

    (void)size;
    if (gcw__is_uncollectable(object) && !search_is_over(s))
        reach(s, (uintptr_t)object, 0);
}

static bool
has_collector(const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;

        if (segment->p_type == PT_LOAD
            && (uintptr_t)GC_base - start < segment->p_memsz)
            return true;
    }
    return false;
}

static void
follow_segments(struct search *s, const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;

        if (segment->p_type == PT_LOAD && segment->p_flags & PF_W)
            follow_all(s, start, start + segment->p_memsz, s->interior);
    }
}

/* If the program contains the collector, nothing in a linked program says whose
 * its static data is: it is followed as the program's. */
static enum gcw__root
root_in(const struct search *s, const struct dl_phdr_info *object)
{
    if (!has_collector(object))
        return GCW__ROOT_STATIC;
    return s->is_program ? GCW__ROOT_PROGRAM : GCW__ROOT_COLLECTOR;
}

static int
follow_shared_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    struct search *s = arg;
    enum gcw__root root = root_in(s, object);

    (void)size;
    s->is_program = false;
    s->from = ROOT(root);
    if (root == s->wanted)
        follow_segments(s, object);
    return search_is_over(s);
}

static void
follow_static_data(struct search *s, enum gcw__root which)
{
    s->wanted = which;
    s->is_program = true;
    if (which == GCW__ROOT_COLLECTOR || !GC_get_no_dls())
        dl_iterate_phdr(follow_shared_object, s);
}

static void
follow_stack(struct search *s)
{
    s->from = ROOT(GCW__ROOT_STACK);
    /* The stack grows upwards on very few machines. */
    if (s->stack < s->stack_bottom)  /* GCOVR_EXCL_BR_LINE */
        follow_all(s, s->stack, s->stack_bottom, true);
    else
        follow_all(s, s->stack_bottom, s->stack, true); /* GCOVR_EXCL_LINE */
}

/* Follows the roots in the order in which they are of use to the caller.  Among
 * the static data of a program that contains the collector are pointers of the
 * collector's that hold nothing: that comes after what surely holds. */
static void
follow_roots(struct search *s)
{
    s->from = ROOT(GCW__ROOT_UNCOLLECTABLE);
    GC_enumerate_reachable_objects_inner(reach_uncollectable, s);
    follow_static_data(s, GCW__ROOT_STATIC);
    follow_reached(s);
    if (!search_is_over(s))
        follow_static_data(s, GCW__ROOT_PROGRAM);
    follow_reached(s);
    if (!search_is_over(s))
        follow_stack(s);
    follow_reached(s);
    if (!search_is_over(s))
        follow_static_data(s, GCW__ROOT_COLLECTOR);
    follow_reached(s);
}

/* The chain, from its end. */

static void
remember_step(struct gcw__chain *chain, size_t number, struct gcw__step step)
{
    GC_get_kind_and_size(step.object, &step.size);
    if (number < GCW__STEPS)
        chain->first[number] = step;
    else if (number + GCW__STEPS >= chain->length)
        chain->last[number + GCW__STEPS - chain->length] = step;
}

static size_t
length_of(const struct search *s, size_t last)
{
    size_t n = 1;

    for (size_t i = last; !IS_ROOT(s->nodes[i].from); i = s->nodes[i].from)
        n++;
    return n;
}

/* The step from an object, to the one of that node. */
static struct gcw__step
step_to(const struct search *s, const struct node *node)
{
    char *from = (char *)s->nodes[node->from].base, *table = NULL;

    if (node->table != NOTHING)
        table = (char *)s->nodes[node->table].base;
    return (struct gcw__step){ from, 0,
                               node->word - (uintptr_t)(table ? table : from),
                               table };
}

/* To the object of that number, `at` bytes into it.  Returns the number of the
 * last table of an entry on the way, or NOTHING. */
static size_t
make_chain(const struct search *s, size_t last, size_t at,
           struct gcw__chain *chain)
{
    const struct node *node = &s->nodes[last];
    size_t number = length_of(s, last), table = NOTHING;

    chain->length = number;
    remember_step(chain, --number, (struct gcw__step){ (char *)node->base, 0,
                                                       at, NULL });
    while (number != 0) {
        if (table == NOTHING)
            table = node->table;
        remember_step(chain, --number, step_to(s, node));
        node = &s->nodes[node->from];
    }
    chain->root = (enum gcw__root)(SIZE_MAX - node->from);
    chain->word = node->word;
    return table;
}

static void
make_answer(const struct search *s)
{
    size_t at = s->hidden_base - s->hidden;
    size_t table = make_chain(s, s->found, at, &s->answer->chain);

    s->answer->to_table.length = 0;
    if (table != NOTHING)
        make_chain(s, table, 0, &s->answer->to_table);
}

/* Searches once more, without regard to marks: if no chain was found to an
 * object that is marked, it may lead through objects that are new since the
 * collection, made by a finalizer or another thread. */
static void
follow_unmarked(struct search *s)
{
    give_all(s);
    s->n = s->done = 0;
    s->use_marks = false;
    follow_roots(s);
}

/* Whether the target is marked.  An unmarked one may be freed by now. */
static bool
target_is_marked(const struct search *s)
{
    void *target = gcw__reveal(s->hidden_base);

    return GC_base(target) == target && GC_is_marked(target);
}

static enum gcw__found
search_all(struct search *s)
{
    bool marks = s->use_marks;

    follow_roots(s);
    if (!search_is_over(s) && marks) {
        if (!target_is_marked(s))
            return GCW__NOT_MARKED;
        follow_unmarked(s);
    }
    if (s->no_memory)
        return GCW__NO_MEMORY;
    if (s->found != SIZE_MAX)
        return GCW__FOUND;
    return marks ? GCW__NOT_FOUND : GCW__NOT_KNOWN;
}

static void *
search_locked(void *arg)
{
    struct search *s = arg;

    s->answer->all_held = gcw__engine_holds_all();
    s->result = search_all(s);
    if (s->result == GCW__FOUND)
        make_answer(s);
    give_all(s);
    return NULL;
}

/* Searches with all that this thread has on its stack from this frame on. */
static __attribute__((__noinline__)) void
search_from_here(struct search *s)
{
    s->stack = (uintptr_t)__builtin_frame_address(0);
    gcw__with_lock(search_locked, s);
}

static __attribute__((__noinline__)) uintptr_t
hidden_base(uintptr_t hidden)
{
    return gcw__hide(GC_base(gcw__reveal(hidden)));
}

/* The registers are put on the stack, for they are the caller's. */
enum gcw__found
gcw__search(uintptr_t hidden, struct gcw__answer *out)
{
    struct search s = { .hidden = hidden, .found = SIZE_MAX,
                        .table = NOTHING, .answer = out };

    s.stack_bottom = gcw__thread_stack_bottom();
    s.hidden_base = hidden_base(hidden);
    gcw__clear_stack();
    GC_gcollect();
    s.use_marks = !GC_is_disabled() && !GC_is_incremental_mode();
    s.interior = GC_get_all_interior_pointers();
    __builtin_unwind_init();
    search_from_here(&s);
    return s.result;
}
